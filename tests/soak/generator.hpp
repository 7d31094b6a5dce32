#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "town.hpp"

// The calls of a host, one after the other. A copy goes on with the same calls: that is the log of the host.

namespace soak {

/// splitmix64.
class Rng {
 public:
  explicit Rng(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
  /// Uniform below n, for small n.
  std::uint64_t below(std::uint64_t n) { return ((next() >> 32) * n) >> 32; }
  bool one_in(std::uint64_t n) { return below(n) == 0; }

 private:
  std::uint64_t state_;
};

struct Call {
  enum class Kind : std::uint8_t { push, push_other, advance, tick, idle, look } kind = Kind::push;
  std::size_t channel = 0;
  weir::EventTime at{};
  std::uint64_t user = 0;
};

class Generator {
 public:
  static constexpr std::uint64_t users = 5000;  // at one time

  Generator(std::uint64_t seed, std::uint64_t events_per_second)
      : rng_(seed), per_second_(events_per_second) {}

  [[nodiscard]] weir::EventTime now() const { return weir::event_time(now_); }
  [[nodiscard]] std::uint64_t minute() const { return static_cast<std::uint64_t>(now_ / 60'000'000); }
  [[nodiscard]] std::uint64_t calls() const { return calls_; }
  [[nodiscard]] std::uint64_t calls_per_minute() const {
    return std::max<std::uint64_t>(60 * per_second_ / 100, 1);
  }
  [[nodiscard]] std::uint64_t events() const { return events_; }
  [[nodiscard]] std::uint64_t others() const { return others_; }
  /// Users come and go: these and the next `users` are there.
  [[nodiscard]] std::uint64_t first_user() const {
    return static_cast<std::uint64_t>(now_ / 60'000'000) * 20;
  }

  /// The next call; `events` are those to push.
  Call next(std::vector<Event>& events) {
    ++calls_;
    const std::int64_t second = now_ / 1'000'000;
    if (second > ticked_) {
      ticked_ = second;
      return {.kind = Call::Kind::tick, .at = weir::event_time(now_ + clock_off())};
    }
    if (second > advanced_) {
      advanced_ = second;
      const std::int64_t back =
          rng_.one_in(300) ? 20'000'000 : 2'000'000;  // a watermark that goes back is ignored
      return {.kind = Call::Kind::advance, .at = weir::event_time(now_ - back)};
    }
    if (rng_.one_in(64))
      return {.kind = Call::Kind::look,
              .at = weir::event_time(now_ - 1'000'000 + static_cast<std::int64_t>(rng_.below(3'000'000))),
              .user = user()};
    std::size_t channel = static_cast<std::size_t>(rng_.below(Town::channels));
    if (is_silent(channel)) {
      // Every second time the host says so.
      if (round() % 2 == 1 && told_[channel] != round()) {
        told_[channel] = round();
        return {.kind = Call::Kind::idle, .channel = channel};
      }
      channel = 0;
    }
    // Now and then nothing happens for a while, on any channel.
    if (rng_.one_in(500'000)) now_ += 1'000'000 + static_cast<std::int64_t>(rng_.below(100'000'000));
    events.resize(rng_.one_in(8) ? 1 : 1 + rng_.below(255));
    for (Event& event : events) make(event);
    if (rng_.one_in(16)) {
      others_ += events.size();
      return {.kind = Call::Kind::push_other};
    }
    events_ += events.size();
    return {.kind = Call::Kind::push, .channel = channel};
  }

 private:
  // What holds the watermark back, so that much has to be kept, comes once in each quarter of an hour: the memory of one is that of
  // the next.
  [[nodiscard]] std::uint64_t round() const { return minute() / 15; }
  /// How far the host's clock is off, in microseconds: for a minute it is late, and for another ahead.
  [[nodiscard]] std::int64_t clock_off() const {
    return minute() % 15 == 3 ? -60'000'000 : minute() % 15 == 9 ? 60'000'000 : 0;
  }
  /// One channel after the other says nothing for two minutes.
  [[nodiscard]] bool is_silent(std::size_t channel) const {
    return channel != 0 && (minute() % 15) / 2 == channel + 1;
  }
  std::uint64_t user() {
    const std::uint64_t at = rng_.below(users);
    return first_user() + at * at / users;  // the first are asked for more often
  }
  void make(Event& event) {
    behind_ += 1'000'000;
    now_ += static_cast<std::int64_t>(behind_ / per_second_);
    behind_ %= per_second_;
    const std::uint64_t bits = rng_.next();
    Event& recent = recent_[next_id_ % recent_.size()];
    if (bits % 128 == 0) {
      event = recent_[(bits >> 8) % recent_.size()];  // once more
      return;
    }
    std::int64_t at = now_;
    if (bits % 128 < 16) at -= static_cast<std::int64_t>(bits >> 44);                  // up to a second
    if (bits % 128 == 16) at -= static_cast<std::int64_t>((bits >> 20) % 90'000'000);  // late, as a rule
    event = {.id = next_id_++,
             .user = user(),
             .shop = static_cast<std::uint32_t>(bits >> 32) % 50,
             .kind = static_cast<std::uint32_t>(bits >> 8) % 256,
             .amount = static_cast<double>(1 + (bits >> 16) % 100),
             .at = weir::event_time(at)};
    if (event.kind > 8) event.kind = 3;
    if (rng_.one_in(100'000))
      event.at = weir::event_time(now_ + 600'000'000);  // ten minutes ahead of all clocks
    if (rng_.one_in(100'000)) event.at = weir::no_time;
    recent = event;
  }

  Rng rng_;
  std::uint64_t per_second_;
  std::int64_t now_ = 0;
  std::uint64_t behind_ = 0;  // of a microsecond, in shares of the rate
  std::uint64_t calls_ = 0, events_ = 0, others_ = 0, next_id_ = 0;
  std::int64_t ticked_ = -1, advanced_ = -1;
  std::array<std::uint64_t, Town::channels> told_{};
  std::array<Event, 512> recent_{};
};

}  // namespace soak

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <queue>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>
#include <absl/strings/string_view.h>

#include <weir/time/instant.hpp>
#include <weir/window/window.hpp>

#include "support/events.hpp"
#include "support/tally.hpp"

/// \file
/// What a good engineer writes in an afternoon: an absl map and a struct, record by record.

namespace bench::naive {

template <class Key, class Value>
[[nodiscard]] weir::Windowed<Key, Value> row(const Key& key, std::int64_t start, std::int64_t end,
                                             const Value& value, std::int64_t watermark) {
  return {.key = key,
          .window = {weir::event_time(start), weir::event_time(end)},
          .value = value,
          .pane = {.is_final = true},
          .as_of = weir::event_time(end),
          .watermark = weir::event_time(watermark)};
}

/// One map, walked and cleared per window.
template <class Sink>
class Tumbling {
 public:
  Tumbling(weir::Duration size, Sink sink) : size_(size.count()), sink_(std::move(sink)) {}

  bool push(const Event& event) {
    const std::int64_t at = weir::ticks(event.at);
    if (at < start_) return false;
    if (at >= start_ + size_) {
      fire(at);
      start_ = at - weir::floor_mod(at, size_);
    }
    CountSum& state = states_[event.key];
    ++state.count;
    state.sum += event.value;
    return true;
  }

  void finish() { fire(start_ + size_); }

 private:
  void fire(std::int64_t watermark) {
    for (const auto& [key, state] : states_) { sink_(row(key, start_, start_ + size_, state, watermark)); }
    states_.clear();
  }

  absl::flat_hash_map<std::uint64_t, CountSum> states_;
  std::int64_t size_;
  std::int64_t start_ = 0;
  Sink sink_;
};

/// The same with `std::string` keys.
template <class Sink>
class TumblingByName {
 public:
  TumblingByName(weir::Duration size, Sink sink) : size_(size.count()), sink_(std::move(sink)) {}

  bool push(const NamedEvent& event) {
    const std::int64_t at = weir::ticks(event.at);
    if (at < start_) return false;
    if (at >= start_ + size_) {
      fire(at);
      start_ = at - weir::floor_mod(at, size_);
    }
    const absl::string_view name{event.name.data(), event.name.size()};
    auto found = states_.find(name);
    if (found == states_.end()) found = states_.try_emplace(std::string{event.name}).first;
    ++found->second.count;
    found->second.sum += event.value;
    return true;
  }

  void finish() { fire(start_ + size_); }

 private:
  void fire(std::int64_t watermark) {
    for (const auto& [name, state] : states_) {
      sink_(row(std::string_view{name}, start_, start_ + size_, state, watermark));
    }
    states_.clear();
  }

  absl::flat_hash_map<std::string, CountSum> states_;
  std::int64_t size_;
  std::int64_t start_ = 0;
  Sink sink_;
};

struct AddCountSum {
  using State = CountSum;
  static void add(State& state, double value) {
    ++state.count;
    state.sum += value;
  }
  static void merge(State& state, const State& other) {
    state.count += other.count;
    state.sum += other.sum;
  }
  static bool is_empty(const State& state) { return state.count == 0; }
};

struct AddMax {
  using State = Peak;
  static void add(State& state, double value) { state.max = std::max(state.max, value); }
  static void merge(State& state, const State& other) { add(state, other.max); }
  static bool is_empty(const State& state) { return state.max == 0; }
};

/// A ring of panes per key, merged for every key at each slide; keys without panes are forgotten.
template <class Aggregate, class Sink>
class Sliding {
 public:
  Sliding(weir::Duration every, Sink sink) : every_(every.count()), sink_(std::move(sink)) {}

  bool push(const Event& event) {
    const std::int64_t at = weir::ticks(event.at);
    if (at < start_) return false;
    while (at >= start_ + every_) fire(at);
    Aggregate::add(states_[event.key].pane[slot_], event.value);
    return true;
  }

  void finish() {
    for (std::size_t i = 0; i < hops; ++i) fire(start_ + every_);
  }

 private:
  static constexpr std::size_t hops = 12;
  using State = typename Aggregate::State;
  struct Panes {
    State pane[hops];
  };

  void fire(std::int64_t watermark) {
    if (states_.empty()) {  // nothing to close: go where the record is
      start_ = std::max(start_ + every_, watermark - weir::floor_mod(watermark, every_));
      return;
    }
    const std::int64_t end = start_ + every_;
    const std::size_t next = (slot_ + 1) % hops;
    for (auto at = states_.begin(); at != states_.end();) {
      State whole{};
      for (const State& pane : at->second.pane) Aggregate::merge(whole, pane);
      if (Aggregate::is_empty(whole)) {
        states_.erase(at++);
        continue;
      }
      sink_(row(at->first, end - static_cast<std::int64_t>(hops) * every_, end, whole, watermark));
      at->second.pane[next] = {};
      ++at;
    }
    start_ = end;
    slot_ = next;
  }

  absl::flat_hash_map<std::uint64_t, Panes> states_;
  std::int64_t every_;
  std::int64_t start_ = 0;
  std::size_t slot_ = 0;
  Sink sink_;
};

/// A map of sessions and a heap with one lazily corrected timer per key.
template <class Sink>
class Session {
 public:
  Session(weir::Duration gap, Sink sink) : gap_(gap.count()), sink_(std::move(sink)) {}

  bool push(const Event& event) {
    const std::int64_t at = weir::ticks(event.at);
    expire(at);
    auto [found, is_new] = open_.try_emplace(event.key, Open{.first = at});
    Open& session = found->second;
    if (is_new) timers_.push({at + gap_, event.key});
    session.last = at;
    ++session.row.count;
    session.row.sum += event.value;
    session.row.max = std::max(session.row.max, event.value);
    return true;
  }

  void finish() {
    while (!timers_.empty()) expire(timers_.top().first + 1);
  }

 private:
  struct Open {
    std::int64_t first = 0;
    std::int64_t last = 0;
    SessionRow row{};
  };
  using Timer = std::pair<std::int64_t, std::uint64_t>;

  void expire(std::int64_t now) {
    while (!timers_.empty() && timers_.top().first < now) {
      const std::uint64_t key = timers_.top().second;
      timers_.pop();
      const auto found = open_.find(key);
      const Open& session = found->second;
      if (session.last + gap_ >= now) {
        timers_.push({session.last + gap_, key});
        continue;
      }
      sink_(row(key, session.first, session.last + gap_, session.row, now));
      open_.erase(found);
    }
  }

  absl::flat_hash_map<std::uint64_t, Open> open_;
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers_;
  std::int64_t gap_;
  Sink sink_;
};

}  // namespace bench::naive

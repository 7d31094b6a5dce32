#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <numeric>
#include <span>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <weir/time/instant.hpp>

#include "support/buffer.hpp"
#include "support/random.hpp"

/// \file
/// The events that every contender of a case reads: same memory, same order, fixed seeds.

namespace bench {

/// What flows: 32 bytes, sparse 64-bit key, a value that is a small whole number so that sums are exact.
struct Event {
  std::uint64_t key;
  weir::EventTime at;
  double value;
  std::uint64_t merchant;
};
static_assert(sizeof(Event) == 32);

/// The same with a text key, as a decoder hands it out: a view into its buffer.
struct NamedEvent {
  std::string_view name;
  weir::EventTime at;
  double value;
};
static_assert(sizeof(NamedEvent) == 32);

enum class Dist { uniform, zipf };

[[nodiscard]] constexpr const char* name_of(Dist dist) { return dist == Dist::zipf ? "zipf" : "uniform"; }

/// `n` ids below `keys`. Zipf 0.99 ranks are scattered by a permutation: hot keys are no neighbours.
/// Kept for the life of the process, because several cases read the same ones.
inline const std::vector<std::uint32_t>& ids(std::size_t n, std::uint32_t keys, Dist dist) {
  static std::map<std::tuple<std::size_t, std::uint32_t, Dist>, std::vector<std::uint32_t>> made;
  std::vector<std::uint32_t>& out = made[{n, keys, dist}];
  if (!out.empty()) return out;
  out.resize(n);
  Rng rng{42};
  if (dist == Dist::uniform) {
    for (auto& id : out) id = static_cast<std::uint32_t>(rng.below(keys));
    return out;
  }
  std::vector<std::uint32_t> scattered(keys);
  std::iota(scattered.begin(), scattered.end(), 0U);
  for (std::uint32_t i = keys; i > 1; --i) std::swap(scattered[i - 1], scattered[rng.below(i)]);
  const Zipf zipf{keys, 0.99};
  for (auto& id : out) id = scattered[zipf(rng) - 1];
  return out;
}

/// The sparse key of an id; never 0.
[[nodiscard]] constexpr std::uint64_t key_of(std::uint32_t id) { return mixed(id + 0x1234567ULL) | 1; }

/// How a stream looks in event time.
struct StreamSpec {
  std::size_t records = 0;
  std::uint32_t keys = 0;
  Dist dist = Dist::uniform;
  weir::Duration span{};        ///< event time that one pass covers
  weir::Duration pause{};       ///< silence between two passes
  weir::Duration mean_delay{};  ///< exponential disorder; zero: ordered
  weir::Duration most_delay{};  ///< bound of the disorder
  double late_share = 0;        ///< share of records that are `late_by` too old
  weir::Duration late_by{};
};

namespace detail {

inline weir::EventTime time_of(const StreamSpec& spec, std::size_t i, Rng& rng) {
  const double share = static_cast<double>(i) / static_cast<double>(spec.records);
  std::int64_t at = static_cast<std::int64_t>(share * static_cast<double>(spec.span.count()));
  if (spec.mean_delay.count() > 0) {
    const double delay = rng.exponential(static_cast<double>(spec.mean_delay.count()));
    at -= std::min(static_cast<std::int64_t>(delay), spec.most_delay.count());
  }
  if (spec.late_share > 0 && rng.unit() < spec.late_share) at -= spec.late_by.count();
  return weir::event_time(at);
}

}  // namespace detail

/// A stream that can be pushed again and again: each round is the same records one span later.
template <class Record>
class Stream {
 public:
  Stream(const StreamSpec& spec, Buffer<Record> records, std::vector<char> text = {})
      : step_(spec.span + spec.pause), records_(std::move(records)), text_(std::move(text)) {}

  std::span<const Record> records() const { return records_.span(); }
  std::size_t size() const { return records_.size(); }

  /// Moves all records by `rounds` spans. With 0 it still rewrites them, so that every contender
  /// finds the same lines in the caches.
  void move_on(std::int64_t rounds) {
    const weir::Duration by = rounds * step_;
    for (Record& record : records_) {
      record.at += by;
      asm volatile("" : : "r"(&record) : "memory");
    }
  }

 private:
  weir::Duration step_;
  Buffer<Record> records_;
  std::vector<char> text_;
};

inline Stream<Event> event_stream(const StreamSpec& spec) {
  const auto& id = ids(spec.records, spec.keys, spec.dist);
  Buffer<Event> out(spec.records);
  Rng values{7};
  Rng times{11};
  for (std::size_t i = 0; i < spec.records; ++i) {
    out[i] = {.key = key_of(id[i]),
              .at = detail::time_of(spec, i, times),
              .value = static_cast<double>(1 + values.below(100)),
              .merchant = id[i] % 1000};
  }
  return {spec, std::move(out)};
}

/// Keys "user_0001234567": 15 bytes, read from one text buffer in arrival order.
inline Stream<NamedEvent> named_stream(const StreamSpec& spec) {
  const auto& id = ids(spec.records, spec.keys, spec.dist);
  constexpr std::size_t length = 15;
  std::vector<char> text(spec.records * length + 16);
  Buffer<NamedEvent> out(spec.records);
  Rng values{7};
  Rng times{11};
  for (std::size_t i = 0; i < spec.records; ++i) {
    char* const at = text.data() + i * length;
    std::snprintf(at, length + 1, "user_%010llu",
                  static_cast<unsigned long long>(id[i] * 7919ULL % 9999999967ULL));
    out[i] = {.name = {at, length},
              .at = detail::time_of(spec, i, times),
              .value = static_cast<double>(1 + values.below(100))};
  }
  return {spec, std::move(out), std::move(text)};
}

}  // namespace bench

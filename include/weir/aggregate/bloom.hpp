#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <weir/aggregate/category_map.hpp>
#include <weir/aggregate/distinct.hpp>
#include <weir/aggregate/feature.hpp>
#include <weir/state/archive.hpp>
#include <weir/state/owned.hpp>

/// \file
/// seen_before

namespace weir::inline v0 {

/// How large a Bloom filter is.
struct BloomSpec {
  std::uint32_t expected = 1000;  ///< different values in a window
  double false_positive =
      0.01;  ///< how often a new value is taken for one that was seen, once there are so many
};

namespace detail {

/// The words that a filter has, and the bits that it sets for a value.
struct BloomSize {
  std::uint32_t words = 1;
  std::uint32_t hashes = 1;
};
[[nodiscard]] BloomSize bloom_size(const BloomSpec& spec);
[[nodiscard]] std::string problem_of(const BloomSpec& spec);

/// Sets or asks for the bits of a value. Without words nothing is in the filter.
void bloom_insert(OwnedVector<std::uint64_t>& words, std::uint64_t hash, const BloomSize& size);
[[nodiscard]] bool bloom_has(const OwnedVector<std::uint64_t>& words, std::uint64_t hash,
                             const BloomSize& size);
void bloom_merge(OwnedVector<std::uint64_t>& words, const OwnedVector<std::uint64_t>& other);

template <class T>
concept Hashed = Scalar<T> || std::same_as<T, std::string>;

template <Hashed T>
[[nodiscard]] std::uint64_t value_hash(Argument<T> x) {
  if constexpr (Scalar<T>)
    return category_hash<std::uint64_t>(identity(x));
  else
    return category_hash<T>(x);
}

}  // namespace detail

/// Whether the newest record has a value that another record of the window has, too: always if it has, and rarely if not.
///
/// Use:      seen_before(x, {.expected, .false_positive})
/// Formula:  the value of the newest record is in a Bloom filter of the values of all others
/// Result:   bool; false of nothing
/// Missing:  skipped and counted; NaN by NanPolicy, NaN is one value; -0.0 is 0.0
/// Merge:    exact (filters of the same size are united); by event time, only which record is newest depends on it; not invertible
/// Error:    true of a new value with probability `false_positive` once there are `expected` different values, less before and more
///           beyond; never false of one that was seen
/// Memory:   40 bytes, from the second record on 1.44 expected log2(1 / false_positive) bits more: 1.2 KB by default
/// Cost:     add log2(1 / false_positive) bits; merge linear in bits; result as add
/// Source:   Bloom, Communications of the ACM 1970; Kirsch, Mitzenmacher, Random Structures and Algorithms 2008 (two hashes)
template <detail::Hashed Value>
struct SeenBefore {
  struct State {
    EventTime at = no_time;  // of the newest record; no_time: there is none
    std::uint64_t newest = 0;
    OwnedVector<std::uint64_t> others;  // empty until there are any

    void archive(Archive& ar) {
      if (ar.is_loading()) *this = {};
      ar(at);
      if (at != no_time) ar(newest, others);
      if (!ar.is_good()) *this = {};
    }
    [[nodiscard]] static consteval std::uint64_t archive_layout() { return 1; }
  };

  detail::BloomSize size = detail::bloom_size({});

  void add(State& state, detail::Argument<Value> x, EventTime at) const {
    add_hash(state, detail::value_hash<Value>(x), at);
  }
  void merge(State& state, const State& later) const {
    if (later.at == no_time) return;
    detail::bloom_merge(state.others, later.others);
    add_hash(state, later.newest, later.at);
  }
  [[nodiscard]] bool result(const State& state) const {
    return state.at != no_time && detail::bloom_has(state.others, state.newest, size);
  }

 private:
  void add_hash(State& state, std::uint64_t hash, EventTime at) const {
    if (at < state.at) return detail::bloom_insert(state.others, hash, size);
    if (state.at != no_time) detail::bloom_insert(state.others, state.newest, size);
    state.newest = hash;
    state.at = at;
  }
};

namespace detail {
struct SeenBeforeOf {
  static constexpr std::string_view name = "seen_before";
  BloomSpec spec;
  BloomSize size;

  void describe(Description& out) const {
    out.number("words", size.words);
    out.number("hashes", size.hashes);
  }
  [[nodiscard]] std::string problem() const { return problem_of(spec); }
  template <class Value>
  requires Hashed<KeptAs<Value>>
  [[nodiscard]] constexpr SeenBefore<KeptAs<Value>> make() const { return {size}; }
};
}  // namespace detail

/// Whether the value of the newest record came before in the window; see `SeenBefore`.
template <class Projection>
[[nodiscard]] auto seen_before(Projection projection, BloomSpec spec = {}) {
  return detail::feature(detail::SeenBeforeOf{spec, detail::bloom_size(spec)}, projection);
}

}  // namespace weir::inline v0

#pragma once

#include <cstddef>
#include <string_view>

#include <weir/aggregate/feature.hpp>
#include <weir/aggregate/sequence.hpp>
#include <weir/aggregate/streak.hpp>

/// \file
/// first_distinct_k, last_distinct_k. Records stand in the order (event time, arrival).

namespace weir::inline v0 {

namespace detail {

/// Different values in the order of the first, or last, record that has them. A value that fell out stands behind all that are kept,
/// and these only move away from it: so nothing needs to be known of it when it comes again.
template <Kept Value, std::size_t most, bool newest>
struct DistinctEnds {
  struct Entry {
    Value value{};
    EventTime at{};
  };
  using State = Sequence<Entry, most>;

  constexpr void add(State& state, Argument<Value> x, EventTime at) const {
    for (std::size_t i = 0; i < state.size(); ++i) {
      if (!(state[i].value == x) && !(is_nan(state[i].value) && is_nan(x))) continue;
      if (newest ? at < state[i].at : at >= state[i].at) return;
      state.erase(i);
      break;
    }
    std::size_t place = state.size();
    while (place > 0 && at < state[place - 1].at) --place;
    if (state.size() == most) {
      if (place == (newest ? 0 : most)) return;
      if (newest) {
        state.erase_front();
        --place;
      }
    }
    state.insert(place, Entry{Value(x), at});
  }
  constexpr void merge(State& state, const State& later) const {
    if (&later == &state) return merge(state, State(later));
    for (const Entry& entry : later) add(state, entry.value, entry.at);
  }
  [[nodiscard]] constexpr Sequence<Value, most> result(const State& state) const {
    Sequence<Value, most> values;
    for (const Entry& entry : state) values.insert(values.size(), entry.value);
    return values;
  }
};

}  // namespace detail

/// The first `most` different values, in the order of the oldest record that has each.
///
/// Use:      first_distinct_k<most>(x)
/// Formula:  values ordered by min over their records of (event time, arrival), the first `most`
/// Result:   Sequence of values, for a std::vector or std::array; empty of nothing
/// Missing:  skipped and counted; NaN by NanPolicy, NaN is one value; -0.0 is 0.0
/// Merge:    exact, whatever the disorder; by event time; not invertible
/// Error:    none
/// Memory:   `most` values and times, padded, and 8 bytes, in place
/// Cost:     add at most `most` comparisons and moves; merge `most` adds; result a copy
/// Source:   definition
template <detail::Kept Value, std::size_t most>
requires detail::Compared<Value>
struct FirstDistinctK : detail::DistinctEnds<Value, most, false> {
};

/// The last `most` different values, in the order of the newest record that has each, the newest at the end.
///
/// Use:      last_distinct_k<most>(x)
/// Formula:  values ordered by max over their records of (event time, arrival), the last `most`
/// Result:   Sequence of values, for a std::vector or std::array; empty of nothing
/// Missing:  skipped and counted; NaN by NanPolicy, NaN is one value; -0.0 is 0.0
/// Merge:    exact, whatever the disorder; by event time; not invertible
/// Error:    none
/// Memory:   `most` values and times, padded, and 8 bytes, in place
/// Cost:     add at most `most` comparisons and moves; merge `most` adds; result a copy
/// Source:   definition
template <detail::Kept Value, std::size_t most>
requires detail::Compared<Value>
struct LastDistinctK : detail::DistinctEnds<Value, most, true> {
};

namespace detail {
template <std::size_t count>
struct FirstDistinctKOf {
  static constexpr std::string_view name = "first_distinct_k";
  static constexpr std::size_t most = count;
  template <class Value>
  requires Kept<KeptAs<Value>> && Compared<KeptAs<Value>>
  static constexpr FirstDistinctK<KeptAs<Value>, most> make() { return {}; }
};
template <std::size_t count>
struct LastDistinctKOf {
  static constexpr std::string_view name = "last_distinct_k";
  static constexpr std::size_t most = count;
  template <class Value>
  requires Kept<KeptAs<Value>> && Compared<KeptAs<Value>>
  static constexpr LastDistinctK<KeptAs<Value>, most> make() { return {}; }
};
}  // namespace detail

/// The first `most` different values, into a std::vector or std::array; see `FirstDistinctK`.
template <std::size_t most, class Projection>
[[nodiscard]] constexpr auto first_distinct_k(Projection projection) {
  static_assert(most > 0, "weir: first_distinct_k<n>() and last_distinct_k<n>() keep at least one value");
  return detail::feature(detail::FirstDistinctKOf<most>{}, projection);
}

/// The last `most` different values, the newest at the end, into a std::vector or std::array; see `LastDistinctK`.
template <std::size_t most, class Projection>
[[nodiscard]] constexpr auto last_distinct_k(Projection projection) {
  static_assert(most > 0, "weir: first_distinct_k<n>() and last_distinct_k<n>() keep at least one value");
  return detail::feature(detail::LastDistinctKOf<most>{}, projection);
}

}  // namespace weir::inline v0

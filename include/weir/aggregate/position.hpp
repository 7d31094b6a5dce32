#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <weir/aggregate/feature.hpp>
#include <weir/aggregate/sequence.hpp>
#include <weir/state/archive.hpp>

/// \file
/// first, last, first_k, last_k. Records stand in the order (event time, arrival).

namespace weir::inline v0 {

namespace detail {

template <Kept Value, bool newest>
struct EndValue {
  struct State {
    Value value{};
    EventTime at = no_time;  // no_time: nothing yet
  };

  constexpr void add(State& state, Argument<Value> x, EventTime at) const {
    if (newest ? at < state.at : state.at != no_time && at >= state.at) return;
    state.value = x;
    state.at = at;
  }
  constexpr void merge(State& state, const State& later) const {
    if (later.at != no_time) add(state, later.value, later.at);
  }
  [[nodiscard]] constexpr std::optional<Value> result(const State& state) const {
    return state.at != no_time ? std::optional<Value>{state.value} : std::nullopt;
  }
};

template <Kept Value, std::size_t most, bool newest>
struct EndValues {
  struct State {
    Sequence<Value, most> values{};
    Sequence<EventTime, most> times{};

    void archive(Archive& ar) requires(Archivable<Value>) {
      ar(values, times);
      if (values.size() == times.size()) return;
      *this = {};
      ar.fail("a list does not have as many values as times");
    }
    [[nodiscard]] static constexpr std::uint64_t archive_layout() { return layout_of<Value>() + most; }
  };

  constexpr void add(State& state, Argument<Value> x, EventTime at) const {
    std::size_t place = state.times.size();
    while (place > 0 && at < state.times[place - 1]) --place;
    if (state.times.size() == most) {
      if (place == (newest ? 0 : most)) return;
      if (newest) {
        state.values.erase_front();
        state.times.erase_front();
        --place;
      }
    }
    state.values.insert(place, x);
    state.times.insert(place, at);
  }
  constexpr void merge(State& state, const State& later) const {
    if (&later == &state) return merge(state, State(later));
    for (std::size_t i = 0; i < later.times.size(); ++i) add(state, later.values[i], later.times[i]);
  }
  [[nodiscard]] constexpr Sequence<Value, most> result(const State& state) const { return state.values; }
};

}  // namespace detail

/// Value of the oldest record, among equals of the one that arrived first.
///
/// Use:      first(x)
/// Formula:  x[1], records 1, 2, ... n in the order (event time, arrival)
/// Result:   std::optional of the value, in its units; empty of nothing
/// Missing:  skipped and counted; NaN by NanPolicy
/// Merge:    exact; by event time; not invertible
/// Error:    none
/// Memory:   the value and 8 bytes: 16 for numbers; texts what they hold
/// Cost:     add 1 comparison, merge 1 comparison, a copy of the value if it wins; result a copy of the value
/// Source:   definition
template <detail::Kept Value>
struct First : detail::EndValue<Value, false> {};

/// Value of the newest record, among equals of the one that arrived last.
///
/// Use:      last(x)
/// Formula:  x[n], records 1, 2, ... n in the order (event time, arrival)
/// Result:   std::optional of the value, in its units; empty of nothing
/// Missing:  skipped and counted; NaN by NanPolicy
/// Merge:    exact; by event time; not invertible
/// Error:    none
/// Memory:   the value and 8 bytes: 16 for numbers; texts what they hold
/// Cost:     add 1 comparison, merge 1 comparison, a copy of the value if it wins; result a copy of the value
/// Source:   definition
template <detail::Kept Value>
struct Last : detail::EndValue<Value, true> {};

/// Values of the oldest n records, oldest first; equals in order of arrival.
///
/// Use:      first_k<n>(x)
/// Formula:  x[1], ... x[n], records 1, 2, ... in the order (event time, arrival)
/// Result:   Sequence of at most n values, in their units, to be read into a std::vector or std::array; empty of nothing
/// Missing:  skipped and counted; NaN by NanPolicy
/// Merge:    exact; by event time; not invertible
/// Error:    none
/// Memory:   n values and times, and 16 bytes, in place; texts what they hold
/// Cost:     add at most n moves, 1 comparison for a record that does not count; merge n adds; result a copy of the list
/// Source:   definition
template <detail::Kept Value, std::size_t most>
struct FirstK : detail::EndValues<Value, most, false> {};

/// Values of the newest n records, oldest first; equals in order of arrival.
///
/// Use:      last_k<n>(x)
/// Formula:  x[m - n + 1], ... x[m], records 1, 2, ... m in the order (event time, arrival)
/// Result:   Sequence of at most n values, in their units, to be read into a std::vector or std::array; empty of nothing
/// Missing:  skipped and counted; NaN by NanPolicy
/// Merge:    exact; by event time; not invertible
/// Error:    none
/// Memory:   n values and times, and 16 bytes, in place; texts what they hold
/// Cost:     add n moves and, for a record out of order, at most n comparisons; merge n adds; result a copy of the list
/// Source:   definition
template <detail::Kept Value, std::size_t most>
struct LastK : detail::EndValues<Value, most, true> {};

namespace detail {

struct FirstOf {
  static constexpr std::string_view name = "first";
  template <class Value>
  requires Kept<KeptAs<Value>>
  static constexpr First<KeptAs<Value>> make() { return {}; }
};
struct LastOf {
  static constexpr std::string_view name = "last";
  template <class Value>
  requires Kept<KeptAs<Value>>
  static constexpr Last<KeptAs<Value>> make() { return {}; }
};
template <std::size_t count>
struct FirstKOf {
  static constexpr std::string_view name = "first_k";
  static constexpr std::size_t most = count;
  template <class Value>
  requires Kept<KeptAs<Value>>
  static constexpr FirstK<KeptAs<Value>, most> make() { return {}; }
};
template <std::size_t count>
struct LastKOf {
  static constexpr std::string_view name = "last_k";
  static constexpr std::size_t most = count;
  template <class Value>
  requires Kept<KeptAs<Value>>
  static constexpr LastK<KeptAs<Value>, most> make() { return {}; }
};

}  // namespace detail

/// The value of the oldest record; see `First`.
template <class Projection>
[[nodiscard]] constexpr auto first(Projection projection) {
  return detail::feature(detail::FirstOf{}, projection);
}

/// The value of the newest record; see `Last`.
template <class Projection>
[[nodiscard]] constexpr auto last(Projection projection) {
  return detail::feature(detail::LastOf{}, projection);
}

/// The values of the oldest `most` records, into a std::vector or std::array; see `FirstK`.
template <std::size_t most, class Projection>
[[nodiscard]] constexpr auto first_k(Projection projection) {
  static_assert(most > 0, "weir: first_k<n>() and last_k<n>() keep at least one value");
  return detail::feature(detail::FirstKOf<most>{}, projection);
}

/// The values of the newest `most` records, oldest first, into a std::vector or std::array; see `LastK`.
template <std::size_t most, class Projection>
[[nodiscard]] constexpr auto last_k(Projection projection) {
  static_assert(most > 0, "weir: first_k<n>() and last_k<n>() keep at least one value");
  return detail::feature(detail::LastKOf<most>{}, projection);
}

}  // namespace weir::inline v0

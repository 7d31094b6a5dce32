#pragma once

#include <cstdint>
#include <string_view>

#include <weir/aggregate/feature.hpp>

/// \file
/// elapsed

namespace weir::inline v0 {

/// The event time from the oldest to the newest record.
///
/// Use:      elapsed()
/// Formula:  max t - min t
/// Result:   Checked<Duration>; zero of nothing
/// Missing:  no value is looked at
/// Merge:    exact; order does not matter; not invertible
/// Error:    none; a distance beyond Duration is held there and flagged
/// Memory:   16 bytes
/// Cost:     add, merge: two comparisons; result: one subtraction
/// Source:   definition
struct Elapsed {
  struct State {
    EventTime oldest = end_of_time;
    EventTime newest = no_time;
  };
  static constexpr bool order_independent = true;

  template <class T>
  constexpr void add(State& state, const T&, EventTime at) const {
    merge(state, {at, at});
  }
  constexpr void merge(State& state, const State& other) const {
    state.oldest = other.oldest < state.oldest ? other.oldest : state.oldest;
    state.newest = other.newest > state.newest ? other.newest : state.newest;
  }
  [[nodiscard]] constexpr Checked<Duration> result(const State& state) const {
    if (state.newest == no_time) return {};
    return detail::held<Duration>(static_cast<detail::Int128>(ticks(state.newest)) - ticks(state.oldest));
  }
};

namespace detail {
struct ElapsedOf {
  static constexpr std::string_view name = "elapsed";
  template <class Value>
  static constexpr Elapsed make() {
    return {};
  }
};
}  // namespace detail

/// The event time between the oldest and the newest record; see `Elapsed`.
[[nodiscard]] constexpr auto elapsed() { return detail::feature(detail::ElapsedOf{}, detail::Presence{}); }

}  // namespace weir::inline v0

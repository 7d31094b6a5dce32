#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

#include <weir/aggregate/feature.hpp>
#include <weir/aggregate/position.hpp>

/// \file
/// nth, lag, delta. Records stand in the order (event time, arrival).

namespace weir::inline v0 {

/// Value of the n-th oldest record, from 1: that of n = 1 is the first.
///
/// Use:      nth<n>(x)
/// Formula:  x[n], records 1, 2, ... in the order (event time, arrival)
/// Result:   std::optional of the value; empty of fewer than n records
/// Missing:  skipped and counted; NaN by NanPolicy
/// Merge:    exact; by event time; not invertible
/// Error:    none
/// Memory:   n values and times, and 16 bytes, in place
/// Cost:     add at most n moves, 1 comparison for a record that does not count; merge n adds; result 1
/// Source:   definition
template <detail::Kept Value, std::size_t n>
struct Nth {
  using State = typename FirstK<Value, n>::State;

  constexpr void add(State& state, detail::Argument<Value> x, EventTime at) const {
    FirstK<Value, n>{}.add(state, x, at);
  }
  constexpr void merge(State& state, const State& later) const { FirstK<Value, n>{}.merge(state, later); }
  [[nodiscard]] constexpr std::optional<Value> result(const State& state) const {
    return state.values.size() == n ? std::optional<Value>{state.values[n - 1]} : std::nullopt;
  }
};

/// Value of the record that came so many before the newest: that of 0 is the last.
///
/// Use:      lag<k>(x)
/// Formula:  x[n - k], records 1, 2, ... n in the order (event time, arrival)
/// Result:   std::optional of the value; empty of k records or fewer
/// Missing:  skipped and counted; NaN by NanPolicy
/// Merge:    exact; by event time; not invertible
/// Error:    none
/// Memory:   k + 1 values and times, and 16 bytes, in place
/// Cost:     add at most k + 1 moves; merge k + 1 adds; result 1
/// Source:   definition
template <detail::Kept Value, std::size_t k>
struct Lag {
  using State = typename LastK<Value, k + 1>::State;

  constexpr void add(State& state, detail::Argument<Value> x, EventTime at) const {
    LastK<Value, k + 1>{}.add(state, x, at);
  }
  constexpr void merge(State& state, const State& later) const { LastK<Value, k + 1>{}.merge(state, later); }
  [[nodiscard]] constexpr std::optional<Value> result(const State& state) const {
    return state.values.size() == k + 1 ? std::optional<Value>{state.values[0]} : std::nullopt;
  }
};

/// By how much the value of the newest record differs from that of the one before it.
///
/// Use:      delta(x)
/// Formula:  x[n] - x[n - 1], records 1, 2, ... n in the order (event time, arrival)
/// Result:   std::optional<double> of floating point, std::optional<Checked<std::int64_t>> of integers, and of durations and instants
///           std::optional<Checked<Duration>>; empty of fewer than 2 records
/// Missing:  skipped and counted; NaN by NanPolicy
/// Merge:    exact; by event time; not invertible
/// Error:    u of floating point, u = 2^-53; equal infinities differ by 0; of integers none, a difference that does not fit is held
///           and flagged
/// Memory:   2 values and times, and 16 bytes, in place: 48 for 64-bit values
/// Cost:     add 2 moves; merge 2 adds; result 1 subtraction
/// Source:   definition
template <class Value>
requires detail::Number<Value> || std::same_as<Value, EventTime>
struct Delta {
  using State = typename LastK<Value, 2>::State;
  using Result =
      std::conditional_t<detail::Float<Value>, double,
                         Checked<std::conditional_t<detail::Integer<Value>, std::int64_t, Duration>>>;

  constexpr void add(State& state, Value x, EventTime at) const { LastK<Value, 2>{}.add(state, x, at); }
  constexpr void merge(State& state, const State& later) const { LastK<Value, 2>{}.merge(state, later); }
  [[nodiscard]] constexpr std::optional<Result> result(const State& state) const {
    if (state.values.size() < 2) return std::nullopt;
    const Value before = state.values[0], newest = state.values[1];
    if constexpr (detail::Float<Value>)
      return newest == before ? 0.0 : static_cast<double>(newest) - static_cast<double>(before);
    else
      return detail::held<decltype(Result::value)>(wide(newest) - wide(before));
  }

 private:
  static constexpr detail::Int128 wide(Value value) {
    if constexpr (std::same_as<Value, Duration>)
      return value.count();
    else if constexpr (std::same_as<Value, EventTime>)
      return ticks(value);
    else
      return static_cast<detail::Int128>(value);
  }
};

namespace detail {
template <std::size_t n>
struct NthOf {
  static constexpr std::string_view name = "nth";
  static void describe(Description& out) { out.number("n", static_cast<std::int64_t>(n)); }
  template <class Value>
  requires Kept<KeptAs<Value>>
  static constexpr Nth<KeptAs<Value>, n> make() { return {}; }
};
template <std::size_t k>
struct LagOf {
  static constexpr std::string_view name = "lag";
  static void describe(Description& out) { out.number("k", static_cast<std::int64_t>(k)); }
  template <class Value>
  requires Kept<KeptAs<Value>>
  static constexpr Lag<KeptAs<Value>, k> make() { return {}; }
};
struct DeltaOf {
  static constexpr std::string_view name = "delta";
  template <class Value>
  requires Number<Value> || std::same_as<Value, EventTime>
  static constexpr Delta<Value> make() { return {}; }
};
}  // namespace detail

/// The value of the n-th oldest record, from 1; see `Nth`.
template <std::size_t n, class Projection>
[[nodiscard]] constexpr auto nth(Projection projection) {
  static_assert(n > 0, "weir: nth<n>() counts from 1: nth<1>() is the oldest");
  return detail::feature(detail::NthOf<n>{}, projection);
}

/// The value of the record that came k before the newest; see `Lag`.
template <std::size_t k, class Projection>
[[nodiscard]] constexpr auto lag(Projection projection) {
  return detail::feature(detail::LagOf<k>{}, projection);
}

/// The value of the newest record minus that of the one before; see `Delta`.
template <class Projection>
[[nodiscard]] constexpr auto delta(Projection projection) {
  return detail::feature(detail::DeltaOf{}, projection);
}

}  // namespace weir::inline v0

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <weir/aggregate/sum.hpp>

/// \file
/// mean

namespace weir::inline v0 {

/// Arithmetic mean.
///
/// Use:      mean(x)
/// Formula:  sum x / n
/// Result:   std::optional<double>, of durations a Duration cut to whole microseconds, in units of the value; empty of nothing
/// Missing:  skipped and counted; NaN by NanPolicy
/// Merge:    of integers and durations exact, order does not matter, invertible; of floating point up to rounding
/// Error:    3u |mean| of integers, u = 2^-53; of floating point that of the sum divided by n, plus u |mean|; a partial sum
///           beyond the range of double is infinite, and so is the mean
/// Memory:   24 bytes
/// Cost:     add, merge: those of the sum and one addition; result: one division
/// Source:   definition
template <detail::Number Value>
struct Mean {
  struct State {
    typename Sum<Value>::State sum{};
    std::uint64_t count = 0;
  };
  static constexpr bool order_independent = !detail::Float<Value>;
  using Result = std::conditional_t<std::same_as<Value, Duration>, Duration, double>;

  constexpr void add(State& state, Value x) const {
    Sum<Value>{}.add(state.sum, x);
    ++state.count;
  }
  constexpr void merge(State& state, const State& other) const {
    Sum<Value>{}.merge(state.sum, other.sum);
    state.count += other.count;
  }
  constexpr void remove(State& state, const State& other) const requires Invertible<Sum<Value>> {
    Sum<Value>{}.remove(state.sum, other.sum);
    state.count -= other.count;
  }
  [[nodiscard]] constexpr std::optional<Result> result(const State& state) const {
    if (state.count == 0) return std::nullopt;
    if constexpr (std::same_as<Value, Duration>)
      return Duration{
          static_cast<std::int64_t>(state.sum.value() / static_cast<detail::Int128>(state.count))};
    else
      return static_cast<double>(state.sum.value()) / static_cast<double>(state.count);
  }
};

namespace detail {
struct MeanOf {
  static constexpr std::string_view name = "mean";
  template <Number Value>
  static constexpr Mean<Value> make() {
    return {};
  }
};
}  // namespace detail

/// The mean of a value; see `Mean`.
template <class Projection>
[[nodiscard]] constexpr auto mean(Projection projection) {
  return detail::feature(detail::MeanOf{}, projection);
}

}  // namespace weir::inline v0

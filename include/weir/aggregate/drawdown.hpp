#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

#include <weir/aggregate/feature.hpp>
#include <weir/aggregate/in_order.hpp>

/// \file
/// drawdown, relative_drawdown. Records stand in the order (event time, arrival).

namespace weir::inline v0 {

namespace detail {

/// The deepest fall from any value to a later one. Falls are rounded, if at all, by a function that grows with the higher and shrinks
/// with the lower value, so that it is enough to know the highest and the lowest value of a part, and merging is exact.
template <Number Value>
struct Falls {
  using Kept = std::conditional_t<Float<Value>, double, Value>;
  using Depth = std::conditional_t<Float<Value>, double, std::uint64_t>;
  using Result =
      std::conditional_t<Float<Value>, double,
                         std::conditional_t<std::same_as<Value, Duration>, Checked<Duration>, std::uint64_t>>;

  struct State {
    Kept high{};
    Kept low{};
    Depth depth{};  // NaN once a NaN was added
    bool any = false;
  };

  constexpr void add(State& state, Value x) const {
    if constexpr (Float<Value>) {
      if (is_nan(x)) return merge(state, {.depth = static_cast<double>(x)});
    }
    merge(state, {x, x, {}, true});
  }
  constexpr void merge(State& state, const State& later) const {
    if (later.depth > state.depth || is_nan(later.depth)) state.depth = later.depth;
    if (!later.any) return;
    if (state.any) {
      const Depth across = fall(state.high, later.low);
      if (across > state.depth) state.depth = across;
    }
    if (!state.any || later.high > state.high) state.high = later.high;
    if (!state.any || later.low < state.low) state.low = later.low;
    state.any = true;
  }
  [[nodiscard]] constexpr std::optional<Result> result(const State& state) const {
    if (!state.any && !is_nan(state.depth)) return std::nullopt;
    if constexpr (std::same_as<Value, Duration>)
      return held<Duration>(static_cast<Int128>(state.depth));
    else
      return state.depth;
  }

 private:
  static constexpr Depth fall(Kept from, Kept to) {
    if (!(to < from)) return {};
    if constexpr (Float<Value>)
      return from - to;
    else if constexpr (std::same_as<Value, Duration>)
      return static_cast<std::uint64_t>(from.count()) - static_cast<std::uint64_t>(to.count());
    else
      return static_cast<std::uint64_t>(from) - static_cast<std::uint64_t>(to);
  }
};

/// The same in parts of the higher value. What is kept is the least quotient of a value and an earlier one that is above 0.
template <Real Value>
struct RelativeFalls {
  struct State {
    double high = 0;  // 0: none is above
    double low = std::numeric_limits<double>::infinity();
    double left = 1;  // NaN once a NaN was added
    std::uint64_t count = 0;
  };

  constexpr void add(State& state, Value value) const {
    const auto x = static_cast<double>(value);
    if (is_nan(x))
      merge(state, {.left = x, .count = 1});
    else
      merge(state, {.high = x > 0 ? x : 0, .low = x > 0 ? x : 0, .count = 1});
  }
  constexpr void merge(State& state, const State& later) const {
    if (later.left < state.left || is_nan(later.left)) state.left = later.left;
    if (later.low < state.high) {
      const double across = later.low / state.high;
      if (across < state.left) state.left = across;
    }
    if (later.high > state.high) state.high = later.high;
    if (later.low < state.low) state.low = later.low;
    state.count += later.count;
  }
  [[nodiscard]] constexpr std::optional<double> result(const State& state) const {
    return state.count > 0 ? std::optional{1 - state.left} : std::nullopt;
  }
};

}  // namespace detail

/// The deepest fall of a value from the highest that it had before.
///
/// Use:      drawdown(x), drawdown<disorder>(x)
/// Formula:  max(x[i] - x[j]) over i <= j, in the order (event time, arrival)
/// Result:   std::optional of Checked<double> for floating point, Checked<std::uint64_t> for integers, Checked<Duration> for durations; in the
///           units of the value; 0 if it never falls; empty of nothing; flagged if a record came after more than `disorder` newer ones
/// Missing:  skipped and counted; NaN by NanPolicy, a NaN that is added makes the result NaN
/// Merge:    exact; by event time; not invertible
/// Error:    u times the result of floating point, u = 2^-53, beyond the range of double infinite; of integers none; a fall beyond Duration
///           is held there and flagged
/// Memory:   52 + 16 disorder bytes for 64-bit values, rounded up to 8: 184 by default, in place
/// Cost:     add 4 comparisons and a subtraction, and a move per newer record; merge and result disorder of these
/// Source:   definition; Magdon-Ismail, Atiya, Pratap, Abu-Mostafa, Journal of Applied Probability 2004
template <detail::Number Value, std::size_t disorder = 8>
struct Drawdown : detail::InOrder<detail::Falls<Value>, Value, disorder> {};

/// The deepest fall of a value from the highest that it had before, as a part of that.
///
/// Use:      relative_drawdown(x), relative_drawdown<disorder>(x)
/// Formula:  max(1 - max(x[j], 0) / x[i]) over i <= j with x[i] > 0, in the order (event time, arrival)
/// Result:   std::optional<Checked<double>>, in [0, 1], no unit: a fall to 0 or below is 1; 0 if it never falls or is never above 0; empty of
///           nothing; flagged if a record came after more than `disorder` newer ones
/// Missing:  skipped and counted; NaN by NanPolicy, a NaN that is added makes the result NaN
/// Merge:    exact; by event time; not invertible
/// Error:    2u, u = 2^-53, and 2u more of integers beyond 2^53; from infinity to a finite value is a fall of 1
/// Memory:   52 + 16 disorder bytes for 64-bit values, rounded up to 8: 184 by default, in place
/// Cost:     add 4 comparisons and at most a division, and a move per newer record; merge and result disorder of these
/// Source:   definition; Magdon-Ismail, Atiya, Pratap, Abu-Mostafa, Journal of Applied Probability 2004
template <detail::Real Value, std::size_t disorder = 8>
struct RelativeDrawdown : detail::InOrder<detail::RelativeFalls<Value>, Value, disorder> {};

namespace detail {
template <std::size_t disorder>
struct DrawdownOf {
  static constexpr std::string_view name = "drawdown";
  static void describe(Description& out) { out.number("disorder", disorder); }
  template <Number Value>
  static constexpr Drawdown<Value, disorder> make() {
    return {};
  }
};
template <std::size_t disorder>
struct RelativeDrawdownOf {
  static constexpr std::string_view name = "relative_drawdown";
  static void describe(Description& out) { out.number("disorder", disorder); }
  template <Real Value>
  static constexpr RelativeDrawdown<Value, disorder> make() {
    return {};
  }
};
}  // namespace detail

/// The deepest fall of a value; see `Drawdown`.
template <std::size_t disorder = 8, class Projection>
[[nodiscard]] constexpr auto drawdown(Projection projection) {
  return detail::feature(detail::DrawdownOf<disorder>{}, projection);
}

/// The deepest fall of a value, as a part of where it fell from; see `RelativeDrawdown`.
template <std::size_t disorder = 8, class Projection>
[[nodiscard]] constexpr auto relative_drawdown(Projection projection) {
  return detail::feature(detail::RelativeDrawdownOf<disorder>{}, projection);
}

}  // namespace weir::inline v0

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <weir/aggregate/decay.hpp>
#include <weir/aggregate/feature.hpp>
#include <weir/aggregate/in_order.hpp>
#include <weir/aggregate/options.hpp>

/// \file
/// ew_mean, ew_variance: exponentially weighted by row.

namespace weir::inline v0 {

namespace detail {

/// Values in order, of which each weighs 1 - alpha times as much as the one behind it.
template <Real Value, bool is_variance>
struct FadingRows {
  struct State {
    WeightedMoments moments{};
    std::uint64_t count = 0;
  };

  double alpha;

  constexpr void add(State& state, Value x) const {
    state.moments.scale(1 - alpha);
    state.moments.merge({1, static_cast<double>(x), 0});
    ++state.count;
  }
  void merge(State& state, const State& later) const {
    state.moments.scale(__builtin_pow(1 - alpha, static_cast<double>(later.count)));
    state.moments.merge(later.moments);
    state.count += later.count;
  }
  [[nodiscard]] constexpr std::optional<double> result(const State& state) const {
    if (state.count == 0) return std::nullopt;
    return is_variance ? state.moments.squares / state.moments.weight : state.moments.mean;
  }
};

}  // namespace detail

/// Exponentially weighted mean by row: the newest value weighs 1, the one before it 1 - alpha, and so on.
///
/// Use:      ew_mean(x, alpha), ew_mean<disorder>(x, alpha)
/// Formula:  sum((1 - alpha)^i x_(n - i)) / sum((1 - alpha)^i), i = 0 ... n - 1, x_n the newest
/// Result:   std::optional<Checked<double>>, in the units of the value; empty of nothing; flagged if a record came after
///           more than `disorder` newer ones
/// Missing:  skipped and counted; NaN by NanPolicy
/// Merge:    up to rounding; by event time; not invertible
/// Error:    8 n u max |x|, u = 2^-53, n values; infinite values and distances beyond the range of double give infinity
///           or NaN; integers beyond 2^53 are rounded on entry
/// Memory:   52 + 16 disorder bytes for 64-bit values, rounded up to 8: 184 by default, in place
/// Cost:     add 1 division, and a move per newer record; merge disorder of these and 1 pow; result disorder of these
/// Source:   Roberts, Technometrics 1959; the weights add up to one from the first record on
template <detail::Real Value, std::size_t disorder = 8>
struct EwMean : detail::InOrder<detail::FadingRows<Value, false>, Value, disorder> {};

/// Exponentially weighted variance by row, around the mean with the same weights, which are taken for all there is.
///
/// Use:      ew_variance(x, alpha), ew_variance<disorder>(x, alpha)
/// Formula:  sum((1 - alpha)^i (x_(n - i) - mean)^2) / sum((1 - alpha)^i), i = 0 ... n - 1, x_n the newest
/// Result:   std::optional<Checked<double>>, in the units of the value, squared; empty of nothing, 0 of one value; flagged
///           if a record came after more than `disorder` newer ones
/// Missing:  skipped and counted; NaN by NanPolicy
/// Merge:    up to rounding; by event time; not invertible
/// Error:    relative 16 n u k, u = 2^-53, k = sqrt(1 + max(x)^2 / variance), n values, while n u k is small; infinite
///           values and distances beyond 1e154 give infinity or NaN; integers beyond 2^53 are rounded on entry
/// Memory:   that of `EwMean`
/// Cost:     that of `EwMean`, result 1 division
/// Source:   that of `EwMean`; Chan, Golub, LeVeque, American Statistician 1983
template <detail::Real Value, std::size_t disorder = 8>
struct EwVariance : detail::InOrder<detail::FadingRows<Value, true>, Value, disorder> {};

namespace detail {
template <std::size_t disorder>
struct EwOptions {
  double alpha;

  void describe(Description& out) const {
    out.text("alpha", number_text(alpha));
    out.number("disorder", disorder);
  }
  /// What is wrong with the options; empty if nothing is.
  [[nodiscard]] std::string problem() const {
    if (alpha > 0 && alpha <= 1) return {};
    return problem_text("alpha", number_text(alpha), "give a number above 0, at most 1");
  }
};
template <std::size_t disorder>
struct EwMeanOf : EwOptions<disorder> {
  static constexpr std::string_view name = "ew_mean";
  template <Real Value>
  [[nodiscard]] constexpr EwMean<Value, disorder> make() const {
    return {{{this->alpha}}};
  }
};
template <std::size_t disorder>
struct EwVarianceOf : EwOptions<disorder> {
  static constexpr std::string_view name = "ew_variance";
  template <Real Value>
  [[nodiscard]] constexpr EwVariance<Value, disorder> make() const {
    return {{{this->alpha}}};
  }
};
}  // namespace detail

/// The mean of a value, each record weighing 1 - alpha times as much as the next; see `EwMean`.
template <std::size_t disorder = 8, class Projection>
[[nodiscard]] constexpr auto ew_mean(Projection projection, double alpha) {
  return detail::feature(detail::EwMeanOf<disorder>{{alpha}}, projection);
}

/// The variance of a value, each record weighing 1 - alpha times as much as the next; see `EwVariance`.
template <std::size_t disorder = 8, class Projection>
[[nodiscard]] constexpr auto ew_variance(Projection projection, double alpha) {
  return detail::feature(detail::EwVarianceOf<disorder>{{alpha}}, projection);
}

}  // namespace weir::inline v0

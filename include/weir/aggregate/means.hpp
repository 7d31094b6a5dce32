#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include <weir/aggregate/feature.hpp>
#include <weir/aggregate/mean.hpp>
#include <weir/aggregate/options.hpp>
#include <weir/aggregate/paired.hpp>

/// \file
/// weighted_mean, geometric_mean, harmonic_mean, bayesian_mean, product

namespace weir::inline v0 {

/// What is believed of a mean before there are records.
struct BayesianSpec {
  double prior = 0;   ///< the mean of nothing; in the units of the value
  double weight = 1;  ///< how many records the prior counts for; not negative
};

namespace detail {

/// 2^exponent for -1022 <= exponent <= 1023.
[[nodiscard]] constexpr double power_of_two(std::int64_t exponent) {
  return std::bit_cast<double>(static_cast<std::uint64_t>(exponent + 1023) << 52U);
}

/// mantissa * 2^exponent, rounded once; infinite if it is too large.
[[nodiscard]] constexpr double scaled(double mantissa, std::int64_t exponent) {
  if (mantissa == 0 || mantissa - mantissa != 0) return mantissa;
  if (exponent > 1023) return mantissa * std::numeric_limits<double>::infinity();
  if (exponent >= -1022) return mantissa * power_of_two(exponent);
  const double small = mantissa * power_of_two(-1022 + 64);
  return exponent < -1022 - 64 ? small * 0.0 : small * power_of_two(exponent + 1022 - 64);
}

/// A product that does not leave the range of double before it is read.
struct WideProduct {
  double mantissa = 1;  // in [1, 2) or of that size below 0; or 0, infinite or NaN
  std::int64_t exponent = 0;

  constexpr void multiply(double x) {
    take_exponent(x);
    mantissa *= x;
    take_exponent(mantissa);
  }
  constexpr void multiply(WideProduct other) {
    multiply(other.mantissa);
    exponent = saturating_add(exponent, other.exponent);
  }

 private:
  /// Moves the exponent of a number out of it.
  constexpr void take_exponent(double& x) {
    auto bits = std::bit_cast<std::uint64_t>(x);
    std::int64_t taken = -1023;
    if ((bits & exponent_bits) == 0) {
      if (x == 0) return;
      bits = std::bit_cast<std::uint64_t>(x * 0x1p64);  // it was denormal
      taken -= 64;
    }
    if ((bits & exponent_bits) == exponent_bits) return;
    taken += static_cast<std::int64_t>((bits & exponent_bits) >> 52U);
    x = std::bit_cast<double>((bits & ~exponent_bits) | (std::uint64_t{1023} << 52U));
    exponent = saturating_add(exponent, taken);
  }
  static constexpr std::uint64_t exponent_bits = std::uint64_t{0x7FF} << 52U;
};

}  // namespace detail

/// Mean in which each record counts as much as its weight says.
///
/// Use:      weighted_mean(x, weight)
/// Formula:  sum(w x) / sum(w)
/// Result:   std::optional<double>, in the units of x; empty of nothing, and if the weights come to 0
/// Missing:  a record is skipped and counted if x or w is missing, or is NaN by NanPolicy
/// Merge:    up to rounding; order does not matter but for rounding; not invertible
/// Error:    (6 u + 4 n^2 u^2) sum |w x| / |sum w|, u = 2^-53, n records, for weights of one sign; those below 0 are
///           taken as they are; a product or partial sum beyond the range of double is infinite, the result then
///           infinite or NaN; integers beyond 2^53 are rounded on entry
/// Memory:   32 bytes
/// Cost:     add 15 operations, no division; merge 16, result 1 division
/// Source:   definition; Ogita, Rump, Oishi, SIAM J. Sci. Comput. 2005 (Sum2)
template <detail::RealPair Value>
struct WeightedMean {
  struct State {
    detail::CompensatedSum weighted{};
    detail::CompensatedSum weights{};
  };

  constexpr void add(State& state, const Value& both) const {
    const auto weight = static_cast<double>(both.y);
    state.weighted.add(static_cast<double>(both.x) * weight);
    state.weights.add(weight);
  }
  constexpr void merge(State& state, const State& other) const {
    state.weighted.merge(other.weighted);
    state.weights.merge(other.weights);
  }
  [[nodiscard]] constexpr std::optional<double> result(const State& state) const {
    const double weights = state.weights.value();
    if (weights == 0) return std::nullopt;
    return state.weighted.value() / weights;
  }
};

/// Product of all values; 1 of nothing. What lies between is never too large or too small.
///
/// Use:      product(x)
/// Formula:  x_1 x_2 ... x_n
/// Result:   double, in the units of the value to the n-th power; 1 of nothing
/// Missing:  skipped and counted; NaN by NanPolicy
/// Merge:    up to rounding; order does not matter but for rounding; not invertible
/// Error:    relative (n + 1) u, u = 2^-53, n values; a result beyond the range of double is infinite, one below it 0 or denormal; 0
///           times infinity is NaN; integers beyond 2^53 are rounded on entry
/// Memory:   16 bytes
/// Cost:     add 1 multiplication and some 10 operations on bits, merge as add, result 2 multiplications
/// Source:   definition
template <detail::Real Value>
struct Product {
  using State = detail::WideProduct;

  constexpr void add(State& state, Value x) const { state.multiply(static_cast<double>(x)); }
  constexpr void merge(State& state, const State& other) const { state.multiply(other); }
  [[nodiscard]] constexpr double result(const State& state) const {
    return detail::scaled(state.mantissa, state.exponent);
  }
};

/// Geometric mean, the mean of growth factors: their product would be the same if each of them were this.
///
/// Use:      geometric_mean(x)
/// Formula:  (x_1 x_2 ... x_n)^(1/n)
/// Result:   std::optional<double>, in the units of the value; empty of nothing; 0 if a value is; NaN if one is below 0
/// Missing:  skipped and counted; NaN by NanPolicy
/// Merge:    up to rounding; order does not matter but for rounding; not invertible
/// Error:    relative 8 u, u = 2^-53, however many values; infinite values give infinity, or NaN beside a 0; integers
///           beyond 2^53 are rounded on entry
/// Memory:   24 bytes
/// Cost:     that of `Product`, result 1 pow and 1 exp2
/// Source:   definition
template <detail::Real Value>
struct GeometricMean {
  struct State {
    detail::WideProduct product{};
    std::uint64_t count = 0;
  };

  void add(State& state, Value x) const {
    const auto number = static_cast<double>(x);
    state.product.multiply(number < 0 ? std::numeric_limits<double>::quiet_NaN() : number);
    ++state.count;
  }
  void merge(State& state, const State& other) const {
    state.product.multiply(other.product);
    state.count += other.count;
  }
  [[nodiscard]] std::optional<double> result(const State& state) const {
    if (state.count == 0) return std::nullopt;
    const double mantissa = state.product.mantissa;
    if (mantissa == 0 || mantissa - mantissa != 0) return mantissa * mantissa;
    const auto n = static_cast<detail::Int128>(state.count);
    const detail::Int128 exponent = state.product.exponent;
    detail::Int128 whole = exponent / n;
    if (whole * n > exponent) --whole;
    const double count = static_cast<double>(state.count);
    const double rest = static_cast<double>(exponent - whole * n) / count;
    return detail::scaled(__builtin_pow(mantissa, 1 / count) * __builtin_exp2(rest),
                          static_cast<std::int64_t>(whole));
  }
};

/// Harmonic mean, the mean of rates: of speeds over equal distances, of prices for equal sums.
///
/// Use:      harmonic_mean(x)
/// Formula:  n / sum(1 / x)
/// Result:   std::optional<double>, in the units of the value; empty of nothing; 0 if a value is; NaN if one is below 0
/// Missing:  skipped and counted; NaN by NanPolicy
/// Merge:    up to rounding; order does not matter but for rounding; not invertible
/// Error:    relative 4 u + 2 n^2 u^2, u = 2^-53, n values; values below 2^-1024 count as 0; integers beyond 2^53 are
///           rounded on entry
/// Memory:   24 bytes
/// Cost:     add 1 division and 7 operations, merge 8, result 1 division
/// Source:   definition; Ogita, Rump, Oishi, SIAM J. Sci. Comput. 2005 (Sum2)
template <detail::Real Value>
struct HarmonicMean {
  struct State {
    detail::CompensatedSum reciprocals{};
    std::uint64_t count = 0;
  };

  constexpr void add(State& state, Value x) const {
    using Limits = std::numeric_limits<double>;
    const auto number = static_cast<double>(x);
    state.reciprocals.add(number < 0 ? Limits::quiet_NaN() : number == 0 ? Limits::infinity() : 1 / number);
    ++state.count;
  }
  constexpr void merge(State& state, const State& other) const {
    state.reciprocals.merge(other.reciprocals);
    state.count += other.count;
  }
  [[nodiscard]] constexpr std::optional<double> result(const State& state) const {
    if (state.count == 0) return std::nullopt;
    return static_cast<double>(state.count) / state.reciprocals.value();
  }
};

/// Mean that starts at a prior, and leaves it the more records there are: of three ratings as of three thousand.
///
/// Use:      bayesian_mean(x, {.prior = 3.5, .weight = 10})
/// Formula:  (prior weight + sum(x)) / (weight + n)
/// Result:   std::optional<double>, in the units of the value; the prior of nothing, empty if its weight is 0
/// Missing:  skipped and counted; NaN by NanPolicy
/// Merge:    that of `Mean`: of integers exact, order does not matter, invertible; of floating point up to rounding
/// Error:    that of `Mean`, and 4 u (|prior weight| + |sum(x)|) / (weight + n), u = 2^-53
/// Memory:   24 bytes
/// Cost:     that of `Mean`
/// Source:   definition
template <detail::Real Value>
struct BayesianMean {
  using State = typename Mean<Value>::State;
  static constexpr bool order_independent = Mean<Value>::order_independent;

  BayesianSpec spec{};

  constexpr void add(State& state, Value x) const { Mean<Value>{}.add(state, x); }
  constexpr void merge(State& state, const State& other) const { Mean<Value>{}.merge(state, other); }
  constexpr void remove(State& state, const State& other) const requires Invertible<Mean<Value>> {
    Mean<Value>{}.remove(state, other);
  }
  [[nodiscard]] constexpr std::optional<double> result(const State& state) const {
    const double weight = spec.weight + static_cast<double>(state.count);
    if (weight == 0) return std::nullopt;
    return (spec.prior * spec.weight + static_cast<double>(state.sum.value())) / weight;
  }
};

namespace detail {
struct WeightedMeanOf {
  static constexpr std::string_view name = "weighted_mean";
  template <RealPair Value>
  static constexpr WeightedMean<Value> make() {
    return {};
  }
};
struct ProductOf {
  static constexpr std::string_view name = "product";
  template <Real Value>
  static constexpr Product<Value> make() {
    return {};
  }
};
struct GeometricMeanOf {
  static constexpr std::string_view name = "geometric_mean";
  template <Real Value>
  static constexpr GeometricMean<Value> make() {
    return {};
  }
};
struct HarmonicMeanOf {
  static constexpr std::string_view name = "harmonic_mean";
  template <Real Value>
  static constexpr HarmonicMean<Value> make() {
    return {};
  }
};
struct BayesianMeanOf {
  static constexpr std::string_view name = "bayesian_mean";
  BayesianSpec spec;

  template <Real Value>
  [[nodiscard]] constexpr BayesianMean<Value> make() const {
    return {spec};
  }
  void describe(Description& out) const {
    out.text("prior", number_text(spec.prior));
    out.text("prior_weight", number_text(spec.weight));
  }
  /// What is wrong with the options; empty if nothing is.
  [[nodiscard]] std::string problem() const {
    if (spec.prior - spec.prior != 0)
      return problem_text("prior", number_text(spec.prior), "give a finite number");
    if (!(spec.weight >= 0) || spec.weight - spec.weight != 0)
      return problem_text("weight", number_text(spec.weight), "give a finite number that is not below 0");
    return {};
  }
};
struct WeightWords {
  static constexpr std::string_view x = "value", y = "weight";
};
}  // namespace detail

/// The mean of x by weight; see `WeightedMean`.
template <class X, class Weight>
[[nodiscard]] constexpr auto weighted_mean(X x, Weight weight) {
  return detail::feature(detail::WeightedMeanOf{}, detail::PairOf<X, Weight, detail::WeightWords>{x, weight});
}

/// The product of a value; see `Product`.
template <class Projection>
[[nodiscard]] constexpr auto product(Projection projection) {
  return detail::feature(detail::ProductOf{}, projection);
}

/// The geometric mean of a value; see `GeometricMean`.
template <class Projection>
[[nodiscard]] constexpr auto geometric_mean(Projection projection) {
  return detail::feature(detail::GeometricMeanOf{}, projection);
}

/// The harmonic mean of a value; see `HarmonicMean`.
template <class Projection>
[[nodiscard]] constexpr auto harmonic_mean(Projection projection) {
  return detail::feature(detail::HarmonicMeanOf{}, projection);
}

/// The mean of a value with a prior; see `BayesianMean`.
template <class Projection>
[[nodiscard]] constexpr auto bayesian_mean(Projection projection, BayesianSpec spec) {
  return detail::feature(detail::BayesianMeanOf{spec}, projection);
}

}  // namespace weir::inline v0

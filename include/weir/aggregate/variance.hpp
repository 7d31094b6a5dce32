#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <weir/aggregate/feature.hpp>

/// \file
/// variance, stddev (of a sample), population_variance, population_stddev

namespace weir::inline v0 {

namespace detail {

/// Welford's running mean and sum of squared distances from it.
struct Moments {
  double count = 0;  // exact up to 2^53 records
  double mean = 0;
  double squares = 0;

  constexpr void add(double x) {
    count += 1;
    const double distance = x - mean;
    mean += distance / count;
    squares += distance * (x - mean);
  }
  constexpr void merge(const Moments& other) {
    if (other.count == 0) return;
    if (count == 0) {
      *this = other;
      return;
    }
    const double distance = other.mean - mean;
    const double total = count + other.count;
    const double share = other.count / total;
    mean += distance * share;
    squares += other.squares + distance * distance * (count * share);
    count = total;
  }
};

enum class Divisor : unsigned char { sample, population };  // n - 1, n

template <Real Value, Divisor divisor, bool is_root>
struct Dispersion {
  using State = Moments;

  constexpr void add(State& state, Value x) const { state.add(static_cast<double>(x)); }
  constexpr void merge(State& state, const State& other) const { state.merge(other); }
  [[nodiscard]] constexpr std::optional<double> result(const State& state) const {
    const double degrees = divisor == Divisor::sample ? state.count - 1 : state.count;
    if (!(degrees > 0)) return std::nullopt;
    const double variance = state.squares / degrees;
    return is_root ? __builtin_sqrt(variance) : variance;
  }
};

}  // namespace detail

/// Unbiased variance of a sample. Never negative.
///
/// Use:      variance(x)
/// Formula:  sum (x - mean)^2 / (n - 1)
/// Result:   std::optional<double>, in squared units of the value; empty of fewer than two values
/// Missing:  skipped and counted; NaN by NanPolicy
/// Merge:    up to rounding; not invertible, nothing is ever subtracted
/// Error:    relative n u sqrt(1 + mean^2 / variance), u = 2^-53, n values: an offset costs digits once, where the difference of
///           sums of squares pays twice; integers beyond 2^53 are rounded on entry; infinite values give NaN, distances beyond
///           1e154 overflow to infinity; value-safe floating point (no -ffast-math)
/// Memory:   24 bytes
/// Cost:     add one division; merge one division; result one division
/// Source:   Welford, Technometrics 1962; Chan, Golub, LeVeque, American Statistician 1983
template <detail::Real Value>
struct Variance : detail::Dispersion<Value, detail::Divisor::sample, false> {};

/// Standard deviation of a sample.
///
/// Use:      stddev(x)
/// Formula:  sqrt(sum (x - mean)^2 / (n - 1))
/// Result:   std::optional<double>, in units of the value; empty of fewer than two values
/// Missing:  skipped and counted; NaN by NanPolicy
/// Merge:    up to rounding; not invertible, nothing is ever subtracted
/// Error:    half of that of the variance
/// Memory:   24 bytes
/// Cost:     add one division; merge one division; result one division and one root
/// Source:   Welford, Technometrics 1962; Chan, Golub, LeVeque, American Statistician 1983
template <detail::Real Value>
struct StdDev : detail::Dispersion<Value, detail::Divisor::sample, true> {};

/// Variance of all there is.
///
/// Use:      population_variance(x)
/// Formula:  sum (x - mean)^2 / n
/// Result:   std::optional<double>, in squared units of the value; empty of nothing
/// Missing:  skipped and counted; NaN by NanPolicy
/// Merge:    up to rounding; not invertible, nothing is ever subtracted
/// Error:    that of `Variance`
/// Memory:   24 bytes
/// Cost:     add one division; merge one division; result one division
/// Source:   Welford, Technometrics 1962; Chan, Golub, LeVeque, American Statistician 1983
template <detail::Real Value>
struct PopulationVariance : detail::Dispersion<Value, detail::Divisor::population, false> {};

/// Standard deviation of all there is.
///
/// Use:      population_stddev(x)
/// Formula:  sqrt(sum (x - mean)^2 / n)
/// Result:   std::optional<double>, in units of the value; empty of nothing
/// Missing:  skipped and counted; NaN by NanPolicy
/// Merge:    up to rounding; not invertible, nothing is ever subtracted
/// Error:    half of that of the variance
/// Memory:   24 bytes
/// Cost:     add one division; merge one division; result one division and one root
/// Source:   Welford, Technometrics 1962; Chan, Golub, LeVeque, American Statistician 1983
template <detail::Real Value>
struct PopulationStdDev : detail::Dispersion<Value, detail::Divisor::population, true> {};

namespace detail {
struct VarianceOf {
  static constexpr std::string_view name = "variance";
  template <Real Value>
  static constexpr Variance<Value> make() {
    return {};
  }
};
struct StdDevOf {
  static constexpr std::string_view name = "stddev";
  template <Real Value>
  static constexpr StdDev<Value> make() {
    return {};
  }
};
struct PopulationVarianceOf {
  static constexpr std::string_view name = "population_variance";
  template <Real Value>
  static constexpr PopulationVariance<Value> make() {
    return {};
  }
};
struct PopulationStdDevOf {
  static constexpr std::string_view name = "population_stddev";
  template <Real Value>
  static constexpr PopulationStdDev<Value> make() {
    return {};
  }
};
}  // namespace detail

/// The variance of a sample; see `Variance`.
template <class Projection>
[[nodiscard]] constexpr auto variance(Projection projection) {
  return detail::feature(detail::VarianceOf{}, projection);
}

/// The standard deviation of a sample; see `StdDev`.
template <class Projection>
[[nodiscard]] constexpr auto stddev(Projection projection) {
  return detail::feature(detail::StdDevOf{}, projection);
}

/// The variance of all there is; see `PopulationVariance`.
template <class Projection>
[[nodiscard]] constexpr auto population_variance(Projection projection) {
  return detail::feature(detail::PopulationVarianceOf{}, projection);
}

/// The standard deviation of all there is; see `PopulationStdDev`.
template <class Projection>
[[nodiscard]] constexpr auto population_stddev(Projection projection) {
  return detail::feature(detail::PopulationStdDevOf{}, projection);
}

}  // namespace weir::inline v0

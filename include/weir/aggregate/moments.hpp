#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <weir/aggregate/feature.hpp>
#include <weir/aggregate/variance.hpp>

/// \file
/// skewness, kurtosis (of a sample), population_skewness, population_kurtosis, sem, z_score

namespace weir::inline v0 {

namespace detail {

/// Moments, and the sum of the cubes of the distances from the mean.
struct ThirdMoments {
  Moments low{};
  double cubes = 0;

  constexpr void add(double x) {
    const double distance = x - low.mean;
    const double total = low.count + 1;
    const double step = distance / total;
    cubes += step * (distance * (step * low.count) * (total - 2) - 3 * low.squares);
    low.add(x);
  }
  constexpr void merge(const ThirdMoments& other) {
    if (other.low.count == 0) return;
    if (low.count == 0) {
      *this = other;
      return;
    }
    const double distance = other.low.mean - low.mean;
    const double total = low.count + other.low.count;
    const double here = low.count / total, there = other.low.count / total;
    cubes += other.cubes + distance * (distance * distance * (low.count * there) * (here - there) +
                                       3 * (here * other.low.squares - there * low.squares));
    low.merge(other.low);
  }
};

/// ThirdMoments, and the sum of the fourth powers of the distances.
struct FourthMoments {
  ThirdMoments third{};
  double fourths = 0;

  constexpr void add(double x) {
    const Moments& low = third.low;
    const double distance = x - low.mean;
    const double total = low.count + 1;
    const double step = distance / total;
    const double square = distance * (step * low.count) * (total * total - 3 * total + 3);
    fourths += step * (step * (square + 6 * low.squares) - 4 * third.cubes);
    third.add(x);
  }
  constexpr void merge(const FourthMoments& other) {
    const Moments &low = third.low, &more = other.third.low;
    if (more.count == 0) return;
    if (low.count == 0) {
      *this = other;
      return;
    }
    const double distance = more.mean - low.mean;
    const double total = low.count + more.count;
    const double here = low.count / total, there = more.count / total;
    const double square =
        distance * distance * (low.count * there) * (here * here - here * there + there * there);
    fourths +=
        other.fourths +
        distance * (distance * (square + 6 * (here * here * more.squares + there * there * low.squares)) +
                    4 * (here * other.third.cubes - there * third.cubes));
    third.merge(other.third);
  }
};

/// Below this sum of squares the cubes and fourth powers of the distances run out of exponents.
inline constexpr double too_small_squares = 0x1p-480;

/// sqrt(n) sum d^3 / (sum d^2)^1.5; adjusted for a sample of at least three.
[[nodiscard]] constexpr std::optional<double> skewness_of(const ThirdMoments& state, Divisor divisor) {
  const double n = state.low.count, squares = state.low.squares;
  if (squares < too_small_squares || (divisor == Divisor::sample && n < 3)) return std::nullopt;
  const double skewness = __builtin_sqrt(n) * (state.cubes / squares) / __builtin_sqrt(squares);
  return divisor == Divisor::population ? skewness : skewness * __builtin_sqrt(n * (n - 1)) / (n - 2);
}

/// n sum d^4 / (sum d^2)^2 - 3; adjusted for a sample of at least four.
[[nodiscard]] constexpr std::optional<double> kurtosis_of(const FourthMoments& state, Divisor divisor) {
  const double n = state.third.low.count, squares = state.third.low.squares;
  if (squares < too_small_squares || (divisor == Divisor::sample && n < 4)) return std::nullopt;
  const double excess = n * (state.fourths / squares) / squares - 3;
  return divisor == Divisor::population ? excess : (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * excess + 6);
}

template <Real Value, Divisor divisor>
struct Skew {
  using State = ThirdMoments;

  constexpr void add(State& state, Value x) const { state.add(static_cast<double>(x)); }
  constexpr void merge(State& state, const State& other) const { state.merge(other); }
  [[nodiscard]] constexpr std::optional<double> result(const State& state) const {
    return skewness_of(state, divisor);
  }
};

template <Real Value, Divisor divisor>
struct Tails {
  using State = FourthMoments;

  constexpr void add(State& state, Value x) const { state.add(static_cast<double>(x)); }
  constexpr void merge(State& state, const State& other) const { state.merge(other); }
  [[nodiscard]] constexpr std::optional<double> result(const State& state) const {
    return kurtosis_of(state, divisor);
  }
};

}  // namespace detail

/// Adjusted Fisher-Pearson skewness G1 of a sample: above 0 if the long tail lies above the mean.
///
/// Use:      skewness(x)
/// Formula:  g1 sqrt(n (n - 1)) / (n - 2), g1 = sqrt(n) sum(x - mean)^3 / (sum(x - mean)^2)^1.5
/// Result:   std::optional<double>, no unit; empty of fewer than 3 values, and if the squared distances from the mean
///           come to less than 2^-480
/// Missing:  skipped and counted; NaN by NanPolicy
/// Merge:    up to rounding; order does not matter but for rounding; not invertible
/// Error:    8 n u k (1 + m), u = 2^-53, k = sqrt(1 + mean^2 / variance), m the mean of |x - mean|^3 / sd^3; infinite
///           values give NaN, distances beyond 1e102 infinity or NaN; integers beyond 2^53 are rounded on entry
/// Memory:   32 bytes
/// Cost:     add 2 divisions, merge 3 divisions, result 4 divisions and 3 square roots
/// Source:   Pébay, Sandia report SAND2008-6212; Joanes, Gill, The Statistician 1998
template <detail::Real Value>
struct Skewness : detail::Skew<Value, detail::Divisor::sample> {};

/// Fisher-Pearson skewness g1 of all there is.
///
/// Use:      population_skewness(x)
/// Formula:  sqrt(n) sum(x - mean)^3 / (sum(x - mean)^2)^1.5
/// Result:   std::optional<double>, no unit; empty of fewer than 2 values, and if the squared distances from the mean
///           come to less than 2^-480
/// Missing:  skipped and counted; NaN by NanPolicy
/// Merge:    up to rounding; order does not matter but for rounding; not invertible
/// Error:    that of `Skewness`
/// Memory:   32 bytes
/// Cost:     that of `Skewness`
/// Source:   Pébay, Sandia report SAND2008-6212
template <detail::Real Value>
struct PopulationSkewness : detail::Skew<Value, detail::Divisor::population> {};

/// Adjusted excess kurtosis G2 of a sample: 0 for a normal distribution, above 0 if the tails are heavier.
///
/// Use:      kurtosis(x)
/// Formula:  (n - 1) / ((n - 2) (n - 3)) ((n + 1) g2 + 6), g2 = n sum(x - mean)^4 / (sum(x - mean)^2)^2 - 3
/// Result:   std::optional<double>, no unit; empty of fewer than 4 values, and if the squared distances from the mean
///           come to less than 2^-480
/// Missing:  skipped and counted; NaN by NanPolicy
/// Merge:    up to rounding; order does not matter but for rounding; not invertible
/// Error:    16 n u k (3 + g2), u = 2^-53, k = sqrt(1 + mean^2 / variance); infinite values give NaN, distances beyond
///           1e77 infinity or NaN; integers beyond 2^53 are rounded on entry
/// Memory:   40 bytes
/// Cost:     add 3 divisions, merge 5 divisions, result 3 divisions
/// Source:   Pébay, Sandia report SAND2008-6212; Joanes, Gill, The Statistician 1998
template <detail::Real Value>
struct Kurtosis : detail::Tails<Value, detail::Divisor::sample> {};

/// Excess kurtosis g2 of all there is.
///
/// Use:      population_kurtosis(x)
/// Formula:  n sum(x - mean)^4 / (sum(x - mean)^2)^2 - 3
/// Result:   std::optional<double>, no unit; empty of fewer than 2 values, and if the squared distances from the mean
///           come to less than 2^-480
/// Missing:  skipped and counted; NaN by NanPolicy
/// Merge:    up to rounding; order does not matter but for rounding; not invertible
/// Error:    that of `Kurtosis`
/// Memory:   40 bytes
/// Cost:     that of `Kurtosis`
/// Source:   Pébay, Sandia report SAND2008-6212
template <detail::Real Value>
struct PopulationKurtosis : detail::Tails<Value, detail::Divisor::population> {};

/// Standard error of the mean: how far the mean of such a sample lies from the true one, as a standard deviation.
///
/// Use:      sem(x)
/// Formula:  sqrt(sum(x - mean)^2 / (n - 1) / n)
/// Result:   std::optional<double>, in the units of the value; empty of fewer than 2 values
/// Missing:  skipped and counted; NaN by NanPolicy
/// Merge:    up to rounding; order does not matter but for rounding; not invertible
/// Error:    relative n u sqrt(1 + mean^2 / variance), u = 2^-53; infinite values give NaN, distances beyond 1e154
///           infinity; integers beyond 2^53 are rounded on entry
/// Memory:   24 bytes
/// Cost:     add 1 division, merge 1 division, result 2 divisions and 1 square root
/// Source:   definition; Welford, Technometrics 1962
template <detail::Real Value>
struct Sem {
  using State = detail::Moments;

  constexpr void add(State& state, Value x) const { state.add(static_cast<double>(x)); }
  constexpr void merge(State& state, const State& other) const { state.merge(other); }
  [[nodiscard]] constexpr std::optional<double> result(const State& state) const {
    if (!(state.count > 1)) return std::nullopt;
    return __builtin_sqrt(state.squares / (state.count - 1) / state.count);
  }
};

/// How unusual the newest value is: its distance from the mean of all other values, in their standard deviations.
///
/// Use:      z_score(x)
/// Formula:  (x_newest - mean) / sd, mean and sample sd of the values without the newest; among equal times the last to
///           arrive is the newest
/// Result:   std::optional<double>, no unit; empty if there are fewer than 2 other values or if they are all equal
/// Missing:  skipped and counted; NaN by NanPolicy
/// Merge:    up to rounding; the newest by event time, else order does not matter but for rounding; not invertible
/// Error:    n u k (|z| + 2 k), u = 2^-53, k = sqrt(1 + mean^2 / variance) of the others, n values; infinite values give
///           NaN, but an infinite newest one infinity; integers beyond 2^53 are rounded on entry
/// Memory:   40 bytes
/// Cost:     add 1 division, merge 2 divisions, result 2 divisions and 1 square root
/// Source:   definition; Welford, Technometrics 1962
template <detail::Real Value>
struct ZScore {
  struct State {
    detail::Moments others{};
    double newest = 0;
    EventTime at = no_time;  // no_time: nothing yet
  };

  constexpr void add(State& state, Value x, EventTime at) const {
    add_number(state, static_cast<double>(x), at);
  }
  constexpr void merge(State& state, const State& later) const {
    if (later.at == no_time) return;
    add_number(state, later.newest, later.at);
    state.others.merge(later.others);
  }
  [[nodiscard]] constexpr std::optional<double> result(const State& state) const {
    const detail::Moments& others = state.others;
    if (!(others.count > 1) || others.squares == 0) return std::nullopt;
    return (state.newest - others.mean) / __builtin_sqrt(others.squares / (others.count - 1));
  }

 private:
  static constexpr void add_number(State& state, double x, EventTime at) {
    if (at < state.at) return state.others.add(x);
    if (state.at != no_time) state.others.add(state.newest);
    state.newest = x;
    state.at = at;
  }
};

namespace detail {
struct SkewnessOf {
  static constexpr std::string_view name = "skewness";
  template <Real Value>
  static constexpr Skewness<Value> make() {
    return {};
  }
};
struct PopulationSkewnessOf {
  static constexpr std::string_view name = "population_skewness";
  template <Real Value>
  static constexpr PopulationSkewness<Value> make() {
    return {};
  }
};
struct KurtosisOf {
  static constexpr std::string_view name = "kurtosis";
  template <Real Value>
  static constexpr Kurtosis<Value> make() {
    return {};
  }
};
struct PopulationKurtosisOf {
  static constexpr std::string_view name = "population_kurtosis";
  template <Real Value>
  static constexpr PopulationKurtosis<Value> make() {
    return {};
  }
};
struct SemOf {
  static constexpr std::string_view name = "sem";
  template <Real Value>
  static constexpr Sem<Value> make() {
    return {};
  }
};
struct ZScoreOf {
  static constexpr std::string_view name = "z_score";
  template <Real Value>
  static constexpr ZScore<Value> make() {
    return {};
  }
};
}  // namespace detail

/// The skewness of a sample; see `Skewness`.
template <class Projection>
[[nodiscard]] constexpr auto skewness(Projection projection) {
  return detail::feature(detail::SkewnessOf{}, projection);
}

/// The skewness of all there is; see `PopulationSkewness`.
template <class Projection>
[[nodiscard]] constexpr auto population_skewness(Projection projection) {
  return detail::feature(detail::PopulationSkewnessOf{}, projection);
}

/// The excess kurtosis of a sample; see `Kurtosis`.
template <class Projection>
[[nodiscard]] constexpr auto kurtosis(Projection projection) {
  return detail::feature(detail::KurtosisOf{}, projection);
}

/// The excess kurtosis of all there is; see `PopulationKurtosis`.
template <class Projection>
[[nodiscard]] constexpr auto population_kurtosis(Projection projection) {
  return detail::feature(detail::PopulationKurtosisOf{}, projection);
}

/// The standard error of the mean; see `Sem`.
template <class Projection>
[[nodiscard]] constexpr auto sem(Projection projection) {
  return detail::feature(detail::SemOf{}, projection);
}

/// The newest value against the others; see `ZScore`.
template <class Projection>
[[nodiscard]] constexpr auto z_score(Projection projection) {
  return detail::feature(detail::ZScoreOf{}, projection);
}

}  // namespace weir::inline v0

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <weir/aggregate/feature.hpp>
#include <weir/aggregate/paired.hpp>
#include <weir/aggregate/variance.hpp>

/// \file
/// covariance (of a sample), population_covariance, correlation, slope, trend

namespace weir::inline v0 {

namespace detail {

/// Running means of two values, and the sum of the products of their distances from them.
struct CoMoments {
  double count = 0;  // exact up to 2^53 records
  double mean_x = 0;
  double mean_y = 0;
  double products = 0;

  /// How far the means of what is merged lie from those before it, and how much that weighs.
  struct Step {
    double x = 0;
    double y = 0;
    double weight = 0;

    /// What the sum of the squares in x, and that in y, grows by. The weight comes first: of the first value it is 0.
    [[nodiscard]] constexpr double square_x() const { return x * (weight * x); }
    [[nodiscard]] constexpr double square_y() const { return y * (weight * y); }
  };

  /// Merges so many records (some) with these means, whose products come to `more`.
  constexpr Step merge(double records, double x, double y, double more) {
    const double total = count + records;
    const double share = records / total;
    const Step step{x - mean_x, y - mean_y, count * share};
    products += more + step.x * (step.weight * step.y);
    mean_x += step.x * share;
    mean_y += step.y * share;
    count = total;
    return step;
  }
};

/// CoMoments, and the sum of the squared distances in x.
struct SlopeMoments {
  CoMoments both{};
  double squares_x = 0;

  constexpr void add(double x, double y) { squares_x += both.merge(1, x, y, 0).square_x(); }
  /// Merges what has its x moved by `shift` against this.
  constexpr void merge(const SlopeMoments& other, double shift = 0) {
    if (other.both.count == 0) return;
    const CoMoments& more = other.both;
    const CoMoments::Step step = both.merge(more.count, more.mean_x + shift, more.mean_y, more.products);
    squares_x += other.squares_x + step.square_x();
  }
  [[nodiscard]] constexpr std::optional<double> slope() const;
};

/// SlopeMoments, and the sum of the squared distances in y.
struct JointMoments {
  CoMoments both{};
  double squares_x = 0;
  double squares_y = 0;

  constexpr void add(double x, double y) {
    const CoMoments::Step step = both.merge(1, x, y, 0);
    squares_x += step.square_x();
    squares_y += step.square_y();
  }
  constexpr void merge(const JointMoments& other) {
    if (other.both.count == 0) return;
    const CoMoments& more = other.both;
    const CoMoments::Step step = both.merge(more.count, more.mean_x, more.mean_y, more.products);
    squares_x += other.squares_x + step.square_x();
    squares_y += other.squares_y + step.square_y();
  }
};

/// Below this sum of squares products of distances run out of exponents.
inline constexpr double too_small_products = 0x1p-960;

constexpr std::optional<double> SlopeMoments::slope() const {
  if (squares_x < too_small_products) return std::nullopt;
  return both.products / squares_x;
}

template <RealPair Value, Divisor divisor>
struct CoDispersion {
  using State = CoMoments;

  constexpr void add(State& state, const Value& both) const {
    state.merge(1, static_cast<double>(both.x), static_cast<double>(both.y), 0);
  }
  constexpr void merge(State& state, const State& other) const {
    if (other.count != 0) state.merge(other.count, other.mean_x, other.mean_y, other.products);
  }
  [[nodiscard]] constexpr std::optional<double> result(const State& state) const {
    const double degrees = divisor == Divisor::sample ? state.count - 1 : state.count;
    if (!(degrees > 0)) return std::nullopt;
    return state.products / degrees;
  }
};

}  // namespace detail

/// Unbiased covariance of a sample: above 0 if x and y tend to be large together.
///
/// Use:      covariance(x, y)
/// Formula:  sum((x - mean_x) (y - mean_y)) / (n - 1)
/// Result:   std::optional<double>, in the units of x times those of y; empty of fewer than 2 records
/// Missing:  a record is skipped and counted if x or y is missing, or is NaN by NanPolicy
/// Merge:    up to rounding; order does not matter but for rounding; not invertible
/// Error:    4 n u (k_x + k_y) sd_x sd_y, u = 2^-53, k = sqrt(1 + mean^2 / variance); infinite values give NaN,
///           products of distances beyond the range of double infinity; integers beyond 2^53 are rounded on entry
/// Memory:   32 bytes
/// Cost:     add 1 division, merge 1 division, result 1 division
/// Source:   Chan, Golub, LeVeque, American Statistician 1983; Pébay, Sandia report SAND2008-6212
template <detail::RealPair Value>
struct Covariance : detail::CoDispersion<Value, detail::Divisor::sample> {};

/// Covariance of all there is.
///
/// Use:      population_covariance(x, y)
/// Formula:  sum((x - mean_x) (y - mean_y)) / n
/// Result:   std::optional<double>, in the units of x times those of y; empty of nothing
/// Missing:  that of `Covariance`
/// Merge:    up to rounding; order does not matter but for rounding; not invertible
/// Error:    that of `Covariance`
/// Memory:   32 bytes
/// Cost:     that of `Covariance`
/// Source:   that of `Covariance`
template <detail::RealPair Value>
struct PopulationCovariance : detail::CoDispersion<Value, detail::Divisor::population> {};

/// Pearson's correlation: 1 or -1 if the records lie on a line, near 0 if x says nothing linear of y.
///
/// Use:      correlation(x, y)
/// Formula:  sum((x - mean_x) (y - mean_y)) / sqrt(sum(x - mean_x)^2 sum(y - mean_y)^2)
/// Result:   std::optional<double> in [-1, 1], no unit; empty of fewer than 2 records, and if the squared distances from
///           the mean, of x or of y, come to less than 2^-960
/// Missing:  a record is skipped and counted if x or y is missing, or is NaN by NanPolicy
/// Merge:    up to rounding; order does not matter but for rounding; not invertible
/// Error:    8 n u (k_x + k_y), u = 2^-53, k = sqrt(1 + mean^2 / variance); infinite values and distances beyond 1e154
///           give NaN or 0; integers beyond 2^53 are rounded on entry
/// Memory:   48 bytes
/// Cost:     add 1 division, merge 1 division, result 2 divisions and 2 square roots
/// Source:   Pearson, Proc. Royal Society 1895; Pébay, Sandia report SAND2008-6212
template <detail::RealPair Value>
struct Correlation {
  using State = detail::JointMoments;

  constexpr void add(State& state, const Value& both) const {
    state.add(static_cast<double>(both.x), static_cast<double>(both.y));
  }
  constexpr void merge(State& state, const State& other) const { state.merge(other); }
  [[nodiscard]] constexpr std::optional<double> result(const State& state) const {
    const double x = state.squares_x, y = state.squares_y;
    if (x < detail::too_small_products || y < detail::too_small_products) return std::nullopt;
    const double r = state.both.products / __builtin_sqrt(x) / __builtin_sqrt(y);
    return r > 1 ? 1 : r < -1 ? -1 : r;
  }
};

/// Slope of the line through the records that is nearest in y (least squares).
///
/// Use:      slope(y, x)
/// Formula:  sum((x - mean_x) (y - mean_y)) / sum(x - mean_x)^2
/// Result:   std::optional<double>, in the units of y per unit of x; empty of fewer than 2 records, and if the squared
///           distances in x come to less than 2^-960
/// Missing:  a record is skipped and counted if x or y is missing, or is NaN by NanPolicy
/// Merge:    up to rounding; order does not matter but for rounding; not invertible
/// Error:    8 n u (k_x + k_y) sd_y / sd_x, u = 2^-53, k = sqrt(1 + mean^2 / variance); infinite values give NaN,
///           distances in x beyond 1e154 give NaN or 0; integers beyond 2^53 are rounded on entry
/// Memory:   40 bytes
/// Cost:     add 1 division, merge 1 division, result 1 division
/// Source:   Chan, Golub, LeVeque, American Statistician 1983
template <detail::RealPair Value>
struct Slope {
  using State = detail::SlopeMoments;

  constexpr void add(State& state, const Value& both) const {
    state.add(static_cast<double>(both.x), static_cast<double>(both.y));
  }
  constexpr void merge(State& state, const State& other) const { state.merge(other); }
  [[nodiscard]] constexpr std::optional<double> result(const State& state) const { return state.slope(); }
};

/// How fast a value rises: the slope of y over event time.
///
/// Use:      trend(y)
/// Formula:  sum((t - mean_t) (y - mean_y)) / sum(t - mean_t)^2
/// Result:   std::optional<double>, in the units of y per second; empty if there are not 2 records of different times
/// Missing:  skipped and counted; NaN by NanPolicy
/// Merge:    up to rounding; order does not matter but for rounding; not invertible
/// Error:    8 n u (sqrt(n) + k_y) sd_y / sd_t, u = 2^-53, k_y = sqrt(1 + mean_y^2 / variance_y): times count from the
///           first record, so that it does not matter how long ago 1970 is; infinite values give NaN
/// Memory:   48 bytes
/// Cost:     add 1 division, merge 1 division, result 1 division
/// Source:   Chan, Golub, LeVeque, American Statistician 1983
template <detail::Real Value>
struct Trend {
  struct State {
    EventTime origin = no_time;  // no_time: nothing yet
    detail::SlopeMoments moments{};
  };

  constexpr void add(State& state, Value y, EventTime at) const {
    if (state.origin == no_time) state.origin = at;
    state.moments.add(distance(state.origin, at), static_cast<double>(y));
  }
  constexpr void merge(State& state, const State& later) const {
    if (later.origin == no_time) return;
    if (state.origin == no_time)
      state = later;
    else
      state.moments.merge(later.moments, distance(state.origin, later.origin));
  }
  [[nodiscard]] constexpr std::optional<double> result(const State& state) const {
    const std::optional<double> slope = state.moments.slope();
    return slope ? std::optional<double>{*slope * 1e6} : std::nullopt;
  }

 private:
  /// In microseconds; exact up to 2^53.
  static constexpr double distance(EventTime from, EventTime to) {
    return static_cast<double>(static_cast<detail::Int128>(ticks(to)) - ticks(from));
  }
};

namespace detail {
struct CovarianceOf {
  static constexpr std::string_view name = "covariance";
  template <RealPair Value>
  static constexpr Covariance<Value> make() {
    return {};
  }
};
struct PopulationCovarianceOf {
  static constexpr std::string_view name = "population_covariance";
  template <RealPair Value>
  static constexpr PopulationCovariance<Value> make() {
    return {};
  }
};
struct CorrelationOf {
  static constexpr std::string_view name = "correlation";
  template <RealPair Value>
  static constexpr Correlation<Value> make() {
    return {};
  }
};
struct SlopeOf {
  static constexpr std::string_view name = "slope";
  template <RealPair Value>
  static constexpr Slope<Value> make() {
    return {};
  }
};
struct TrendOf {
  static constexpr std::string_view name = "trend";
  template <Real Value>
  static constexpr Trend<Value> make() {
    return {};
  }
};
struct AxisWords {
  static constexpr std::string_view x = "x", y = "y";
};
}  // namespace detail

/// The covariance of a sample; see `Covariance`.
template <class X, class Y>
[[nodiscard]] constexpr auto covariance(X x, Y y) {
  return detail::feature(detail::CovarianceOf{}, detail::PairOf<X, Y, detail::AxisWords>{x, y});
}

/// The covariance of all there is; see `PopulationCovariance`.
template <class X, class Y>
[[nodiscard]] constexpr auto population_covariance(X x, Y y) {
  return detail::feature(detail::PopulationCovarianceOf{}, detail::PairOf<X, Y, detail::AxisWords>{x, y});
}

/// Pearson's correlation; see `Correlation`.
template <class X, class Y>
[[nodiscard]] constexpr auto correlation(X x, Y y) {
  return detail::feature(detail::CorrelationOf{}, detail::PairOf<X, Y, detail::AxisWords>{x, y});
}

/// The slope of y over x; see `Slope`.
template <class Y, class X>
[[nodiscard]] constexpr auto slope(Y y, X x) {
  return detail::feature(detail::SlopeOf{}, detail::PairOf<X, Y, detail::AxisWords>{x, y});
}

/// The slope of y over event time, per second; see `Trend`.
template <class Y>
[[nodiscard]] constexpr auto trend(Y y) {
  return detail::feature(detail::TrendOf{}, y);
}

}  // namespace weir::inline v0

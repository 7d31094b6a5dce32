#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <weir/aggregate/feature.hpp>
#include <weir/aggregate/options.hpp>

/// \file
/// decayed_count, decayed_sum, decayed_mean, decayed_variance: the older a record is, the less it weighs.

namespace weir::inline v0 {

namespace detail {

/// 2^-(age / half_life), where `to` is later than `from`; 0 from 2^-1022 down. Whole half lives are exact.
[[nodiscard]] inline double decay(EventTime from, EventTime to, Duration half_life) {
  const std::uint64_t age = static_cast<std::uint64_t>(ticks(to)) - static_cast<std::uint64_t>(ticks(from));
  if (age == 0) return 1;
  if (half_life <= Duration::zero()) return 0;
  const auto half = static_cast<std::uint64_t>(half_life.count());
  const std::uint64_t whole = age / half;
  if (whole > 1021) return 0;
  const double rest = __builtin_exp2(-(static_cast<double>(age % half) / static_cast<double>(half)));
  return std::bit_cast<double>((1023 - whole) << 52U) * rest;
}

/// How much less it all weighs at the instant that a row describes. If that is before the newest record, no less.
[[nodiscard]] inline double decay_since(EventTime newest, EventTime as_of, Duration half_life) {
  return as_of <= newest ? 1 : decay(newest, as_of, half_life);
}

/// A sum whose parts lose half of their weight in every half life, as of its newest record.
struct FadingSum {
  double sum = 0;
  EventTime newest = no_time;  // no_time: nothing yet

  void add(double x, EventTime at, Duration half_life) {
    if (at <= newest) {
      sum += x * decay(at, newest, half_life);
      return;
    }
    if (newest != no_time) sum *= decay(newest, at, half_life);
    sum += x;
    newest = at;
  }
  void merge(const FadingSum& other, Duration half_life) {
    if (other.newest != no_time) add(other.sum, other.newest, half_life);
  }
};

/// Mean, and sum of weighted squared distances from it, of values that weigh differently.
struct WeightedMoments {
  double weight = 0;
  double mean = 0;
  double squares = 0;

  constexpr void scale(double factor) {
    weight *= factor;
    squares *= factor;
  }
  constexpr void merge(const WeightedMoments& other) {
    if (other.weight == 0) return;
    if (weight == 0) {
      *this = other;
      return;
    }
    const double distance = other.mean - mean;
    const double total = weight + other.weight;
    const double share = other.weight / total;
    mean += distance * share;
    squares += other.squares + distance * (distance * (weight * share));
    weight = total;
  }
};

/// WeightedMoments whose weights halve in every half life, as of the newest record.
struct FadingMoments {
  WeightedMoments moments{};
  EventTime newest = no_time;  // no_time: nothing yet

  void add(WeightedMoments more, EventTime at, Duration half_life) {
    if (at <= newest) {
      more.scale(decay(at, newest, half_life));
    } else {
      if (newest != no_time) moments.scale(decay(newest, at, half_life));
      newest = at;
    }
    moments.merge(more);
  }
  void merge(const FadingMoments& other, Duration half_life) {
    if (other.newest != no_time) add(other.moments, other.newest, half_life);
  }
};

}  // namespace detail

/// Count in which a record weighs half after a half life, a quarter after two, and so on.
///
/// Use:      decayed_count(half_life)
/// Formula:  sum(2^-((as_of - t) / half_life))
/// Result:   double, in records; 0 of nothing. If as_of lies before the newest record, the instant of that one stands
///           for it
/// Missing:  no value is looked at
/// Merge:    up to rounding; order does not matter but for rounding; not invertible
/// Error:    relative (5 n + 8) u, u = 2^-53, n records; a weight of 2^-1022 or less counts as 0
/// Memory:   16 bytes
/// Cost:     add 1 exp2 and 1 integer division, merge and result as add
/// Source:   Cormode, Shkapenyuk, Srivastava, Xu, ICDE 2009 (forward decay, here from the newest record)
struct DecayedCount {
  using State = detail::FadingSum;

  Duration half_life;

  template <class T>
  void add(State& state, const T&, EventTime at) const {
    state.add(1, at, half_life);
  }
  void merge(State& state, const State& other) const { state.merge(other, half_life); }
  [[nodiscard]] double result(const State& state, const Interval& asked) const {
    return state.sum * detail::decay_since(state.newest, asked.as_of, half_life);
  }
};

/// Sum in which a value weighs half after a half life, a quarter after two, and so on.
///
/// Use:      decayed_sum(x, half_life)
/// Formula:  sum(x 2^-((as_of - t) / half_life))
/// Result:   double, in the units of the value; 0 of nothing. If as_of lies before the newest record, the instant of that
///           one stands for it
/// Missing:  skipped and counted; NaN by NanPolicy
/// Merge:    up to rounding; order does not matter but for rounding; not invertible
/// Error:    (5 n + 8) u sum(|x| weight), u = 2^-53, n values; a weight of 2^-1022 or less counts as 0;
///           infinite values and a sum beyond the range of double give infinity, or NaN once they weigh 0
/// Memory:   16 bytes
/// Cost:     add 1 exp2 and 1 integer division, merge and result as add
/// Source:   that of `DecayedCount`
template <detail::Real Value>
struct DecayedSum {
  using State = detail::FadingSum;

  Duration half_life;

  void add(State& state, Value x, EventTime at) const { state.add(static_cast<double>(x), at, half_life); }
  void merge(State& state, const State& other) const { state.merge(other, half_life); }
  [[nodiscard]] double result(const State& state, const Interval& asked) const {
    return state.sum * detail::decay_since(state.newest, asked.as_of, half_life);
  }
};

/// Mean in which a value weighs half after a half life, a quarter after two, and so on. It does not change until there
/// is another record.
///
/// Use:      decayed_mean(x, half_life)
/// Formula:  sum(x w) / sum(w), w = 2^-((newest - t) / half_life)
/// Result:   std::optional<double>, in the units of the value; empty of nothing
/// Missing:  skipped and counted; NaN by NanPolicy
/// Merge:    up to rounding; order does not matter but for rounding; not invertible
/// Error:    8 n u max |x|, u = 2^-53, n values; a weight of 2^-1022 or less counts as 0; infinite values and
///           distances beyond the range of double give infinity or NaN
/// Memory:   32 bytes
/// Cost:     add 1 exp2, 1 integer division and 1 division, merge as add, result 1
/// Source:   that of `DecayedCount`; Chan, Golub, LeVeque, American Statistician 1983
template <detail::Real Value>
struct DecayedMean {
  using State = detail::FadingMoments;

  Duration half_life;

  void add(State& state, Value x, EventTime at) const {
    state.add({1, static_cast<double>(x), 0}, at, half_life);
  }
  void merge(State& state, const State& other) const { state.merge(other, half_life); }
  [[nodiscard]] std::optional<double> result(const State& state) const {
    return state.newest == no_time ? std::nullopt : std::optional<double>{state.moments.mean};
  }
};

/// Variance around the decayed mean, in which a value weighs half after a half life, a quarter after two, and so on. It
/// does not change until there is another record. The weights are taken for all there is, as in `population_variance`.
///
/// Use:      decayed_variance(x, half_life)
/// Formula:  sum((x - mean)^2 w) / sum(w), w = 2^-((newest - t) / half_life)
/// Result:   std::optional<double>, in the units of the value, squared; empty of nothing, 0 of one value
/// Missing:  skipped and counted; NaN by NanPolicy
/// Merge:    up to rounding; order does not matter but for rounding; not invertible
/// Error:    relative 16 n u k, u = 2^-53, k = sqrt(1 + max(x)^2 / variance), n values, while n u k is small; a weight
///           of 2^-1022 or less counts as 0; infinite values and distances beyond 1e154 give infinity or NaN
/// Memory:   32 bytes
/// Cost:     that of `DecayedMean`, result 1 division
/// Source:   that of `DecayedMean`
template <detail::Real Value>
struct DecayedVariance {
  using State = detail::FadingMoments;

  Duration half_life;

  void add(State& state, Value x, EventTime at) const {
    state.add({1, static_cast<double>(x), 0}, at, half_life);
  }
  void merge(State& state, const State& other) const { state.merge(other, half_life); }
  [[nodiscard]] std::optional<double> result(const State& state) const {
    if (state.newest == no_time) return std::nullopt;
    return state.moments.squares / state.moments.weight;
  }
};

namespace detail {
struct DecayOptions {
  Duration half_life;

  void describe(Description& out) const { out.duration("half_life", half_life); }
  /// What is wrong with the options; empty if nothing is.
  [[nodiscard]] std::string problem() const {
    if (half_life > Duration::zero()) return {};
    return problem_text("half_life", shown(half_life.count()), "give a duration above zero, such as 1h");
  }
};
struct DecayedCountOf : DecayOptions {
  static constexpr std::string_view name = "decayed_count";
  template <class Value>
  [[nodiscard]] constexpr DecayedCount make() const {
    return {half_life};
  }
};
struct DecayedSumOf : DecayOptions {
  static constexpr std::string_view name = "decayed_sum";
  template <Real Value>
  [[nodiscard]] constexpr DecayedSum<Value> make() const {
    return {half_life};
  }
};
struct DecayedMeanOf : DecayOptions {
  static constexpr std::string_view name = "decayed_mean";
  template <Real Value>
  [[nodiscard]] constexpr DecayedMean<Value> make() const {
    return {half_life};
  }
};
struct DecayedVarianceOf : DecayOptions {
  static constexpr std::string_view name = "decayed_variance";
  template <Real Value>
  [[nodiscard]] constexpr DecayedVariance<Value> make() const {
    return {half_life};
  }
};
}  // namespace detail

/// The number of records, the older ones weighing less; see `DecayedCount`.
[[nodiscard]] constexpr auto decayed_count(Duration half_life) {
  return detail::feature(detail::DecayedCountOf{{half_life}}, detail::Presence{});
}

/// The sum of a value, the older ones weighing less; see `DecayedSum`.
template <class Projection>
[[nodiscard]] constexpr auto decayed_sum(Projection projection, Duration half_life) {
  return detail::feature(detail::DecayedSumOf{{half_life}}, projection);
}

/// The mean of a value, the older ones weighing less; see `DecayedMean`.
template <class Projection>
[[nodiscard]] constexpr auto decayed_mean(Projection projection, Duration half_life) {
  return detail::feature(detail::DecayedMeanOf{{half_life}}, projection);
}

/// The variance of a value, the older ones weighing less; see `DecayedVariance`.
template <class Projection>
[[nodiscard]] constexpr auto decayed_variance(Projection projection, Duration half_life) {
  return detail::feature(detail::DecayedVarianceOf{{half_life}}, projection);
}

}  // namespace weir::inline v0

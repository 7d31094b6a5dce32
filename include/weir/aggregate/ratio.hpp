#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <weir/aggregate/feature.hpp>
#include <weir/aggregate/options.hpp>
#include <weir/aggregate/paired.hpp>
#include <weir/aggregate/sum.hpp>

/// \file
/// ratio, share, share_of, rate

namespace weir::inline v0 {

/// What a rate is counted by.
struct RateSpec {
  Duration per = std::chrono::seconds{1};  ///< the result is so much per this much event time; above zero
};

namespace detail {

template <class T>
using XOf = std::remove_cvref_t<decltype(T::x)>;
template <class T>
using YOf = std::remove_cvref_t<decltype(T::y)>;

/// Two numbers or durations of one record.
template <class T>
concept NumberPair = std::same_as<T, Paired<XOf<T>, YOf<T>>> && Number<XOf<T>> && Number<YOf<T>>;

/// A number or duration, and whether a condition holds.
template <class T>
concept NumberIf = NumberPair<T> && std::same_as < YOf<T>,
bool > ;

/// What `part` comes to for each `per` of the time that a row describes.
[[nodiscard]] constexpr std::optional<double> per_time(double part, Duration per, EventTime oldest,
                                                       const Interval& asked) {
  const EventTime begin = asked.begin == no_time ? oldest : asked.begin;
  const Int128 length = static_cast<Int128>(ticks(asked.as_of)) - ticks(begin);
  if (length <= 0) return std::nullopt;
  return part * static_cast<double>(per.count()) / static_cast<double>(length);
}

}  // namespace detail

/// Sum of one value per sum of another, such as clicks per view: not the mean of the ratios.
///
/// Use:      ratio(numerator, denominator)
/// Formula:  sum(x) / sum(y)
/// Result:   std::optional<double>, in the units of x per unit of y; empty if the sum of y is 0
/// Missing:  a record is skipped and counted if x or y is missing, or is NaN by NanPolicy
/// Merge:    of integers and durations exact, order does not matter, invertible; else up to rounding, not invertible
/// Error:    of integers relative 3 u, u = 2^-53; of floating point the relative errors of both `Sum`s, and u; a partial
///           sum beyond the range of double is infinite, the result then infinite, 0 or NaN
/// Memory:   32 bytes
/// Cost:     that of two `Sum`s, result 1 division
/// Source:   definition
template <detail::NumberPair Value>
struct Ratio {
  using Above = Sum<detail::XOf<Value>>;
  using Below = Sum<detail::YOf<Value>>;
  struct State {
    typename Above::State above{};
    typename Below::State below{};
  };
  static constexpr bool order_independent = OrderIndependent<Above> && OrderIndependent<Below>;

  constexpr void add(State& state, const Value& both) const {
    Above{}.add(state.above, both.x);
    Below{}.add(state.below, both.y);
  }
  constexpr void merge(State& state, const State& other) const {
    Above{}.merge(state.above, other.above);
    Below{}.merge(state.below, other.below);
  }
  constexpr void remove(State& state, const State& other) const
      requires(Invertible<Above>&& Invertible<Below>) {
    Above{}.remove(state.above, other.above);
    Below{}.remove(state.below, other.below);
  }
  [[nodiscard]] constexpr std::optional<double> result(const State& state) const {
    const auto below = static_cast<double>(state.below.value());
    if (below == 0) return std::nullopt;
    return static_cast<double>(state.above.value()) / below;
  }
};

/// Part of a sum that falls to the records that satisfy a condition.
///
/// Use:      share_of(x, condition)
/// Formula:  sum(x where condition) / sum(x)
/// Result:   std::optional<double>, no unit; in [0, 1] if no x is below 0; empty if the sum of x is 0
/// Missing:  a record is skipped and counted if x or the condition is missing, or if x is NaN by NanPolicy
/// Merge:    of integers and durations exact, order does not matter, invertible; else up to rounding, not invertible
/// Error:    that of `Ratio`
/// Memory:   32 bytes
/// Cost:     that of `Ratio`
/// Source:   definition
template <detail::NumberIf Value>
struct ShareOf {
  using X = detail::XOf<Value>;
  using Parts = Ratio<Paired<X, X>>;
  using State = typename Parts::State;
  static constexpr bool order_independent = Parts::order_independent;

  constexpr void add(State& state, const Value& both) const {
    Parts{}.add(state, {both.y ? both.x : X{}, both.x});
  }
  constexpr void merge(State& state, const State& other) const { Parts{}.merge(state, other); }
  constexpr void remove(State& state, const State& other) const requires Invertible<Parts> {
    Parts{}.remove(state, other);
  }
  [[nodiscard]] constexpr std::optional<double> result(const State& state) const {
    return Parts{}.result(state);
  }
};

/// Fraction of the records that satisfy a condition.
///
/// Use:      share(condition)
/// Formula:  count(where condition) / n
/// Result:   std::optional<double> in [0, 1], no unit; empty of nothing
/// Missing:  skipped and counted
/// Merge:    exact; order does not matter; invertible
/// Error:    relative 3 u, u = 2^-53
/// Memory:   16 bytes
/// Cost:     add 2 additions, merge 2 additions, result 1 division
/// Source:   definition
struct Share {
  struct State {
    std::uint64_t matching = 0;
    std::uint64_t all = 0;
  };
  static constexpr bool order_independent = true;

  constexpr void add(State& state, bool matches) const {
    state.matching += matches ? 1U : 0U;
    ++state.all;
  }
  constexpr void merge(State& state, const State& other) const {
    state.matching += other.matching;
    state.all += other.all;
  }
  constexpr void remove(State& state, const State& other) const {
    state.matching -= other.matching;
    state.all -= other.all;
  }
  [[nodiscard]] constexpr std::optional<double> result(const State& state) const {
    if (state.all == 0) return std::nullopt;
    return static_cast<double>(state.matching) / static_cast<double>(state.all);
  }
};

/// Records per time: over the window up to the instant the row describes, or since the oldest record if the window has
/// no beginning.
///
/// Use:      rate({.per = 1s})
/// Formula:  n per / (as_of - begin)
/// Result:   std::optional<double>, records per `per`; empty if no time has passed, and of nothing without a beginning
/// Missing:  no value is looked at
/// Merge:    exact; order does not matter; not invertible
/// Error:    relative 5 u, u = 2^-53
/// Memory:   16 bytes
/// Cost:     add 1 addition and 1 comparison, merge as add, result 1 division
/// Source:   definition
struct Rate {
  struct State {
    std::uint64_t count = 0;
    EventTime oldest = end_of_time;
  };
  static constexpr bool order_independent = true;

  Duration per = RateSpec{}.per;

  template <class T>
  constexpr void add(State& state, const T&, EventTime at) const {
    merge(state, {1, at});
  }
  constexpr void merge(State& state, const State& other) const {
    state.count += other.count;
    state.oldest = other.oldest < state.oldest ? other.oldest : state.oldest;
  }
  [[nodiscard]] constexpr std::optional<double> result(const State& state, const Interval& asked) const {
    return detail::per_time(static_cast<double>(state.count), per, state.oldest, asked);
  }
};

/// Sum per time, such as bytes per second. Otherwise as `Rate`.
///
/// Use:      rate(x, {.per = 1s})
/// Formula:  sum(x) per / (as_of - begin)
/// Result:   std::optional<double>, in the units of the value per `per`; empty if no time has passed, and of nothing
///           without a beginning
/// Missing:  skipped and counted; NaN by NanPolicy
/// Merge:    of integers exact, order does not matter; else up to rounding; not invertible
/// Error:    of integers relative 5 u, u = 2^-53; of floating point that of `Sum`, and relative 4 u
/// Memory:   24 bytes
/// Cost:     that of `Sum` and 1 comparison, result 1 division
/// Source:   definition
template <detail::Real Value>
struct SumRate {
  struct State {
    typename Sum<Value>::State sum{};
    EventTime oldest = end_of_time;
  };
  static constexpr bool order_independent = OrderIndependent<Sum<Value>>;

  Duration per = RateSpec{}.per;

  constexpr void add(State& state, Value x, EventTime at) const {
    Sum<Value>{}.add(state.sum, x);
    state.oldest = at < state.oldest ? at : state.oldest;
  }
  constexpr void merge(State& state, const State& other) const {
    Sum<Value>{}.merge(state.sum, other.sum);
    state.oldest = other.oldest < state.oldest ? other.oldest : state.oldest;
  }
  [[nodiscard]] constexpr std::optional<double> result(const State& state, const Interval& asked) const {
    return detail::per_time(static_cast<double>(state.sum.value()), per, state.oldest, asked);
  }
};

namespace detail {
struct RatioOf {
  static constexpr std::string_view name = "ratio";
  template <NumberPair Value>
  static constexpr Ratio<Value> make() {
    return {};
  }
};
struct ShareOfFamily {
  static constexpr std::string_view name = "share_of";
  template <NumberIf Value>
  static constexpr ShareOf<Value> make() {
    return {};
  }
};
struct ShareFamily {
  static constexpr std::string_view name = "share";
  template <std::same_as<bool> Value>
  static constexpr Share make() {
    return {};
  }
};
struct RateOptions {
  Duration per;

  void describe(Description& out) const { out.duration("per", per); }
  /// What is wrong with the options; empty if nothing is.
  [[nodiscard]] std::string problem() const {
    if (per > Duration::zero()) return {};
    return problem_text("per", shown(per.count()), "give a duration above zero, such as 1s");
  }
};
struct RateOf : RateOptions {
  static constexpr std::string_view name = "rate";
  template <class Value>
  [[nodiscard]] constexpr Rate make() const {
    return {per};
  }
};
struct SumRateOf : RateOptions {
  static constexpr std::string_view name = "sum_rate";
  template <Real Value>
  [[nodiscard]] constexpr SumRate<Value> make() const {
    return {per};
  }
};
struct RatioWords {
  static constexpr std::string_view x = "numerator", y = "denominator";
};
struct ShareWords {
  static constexpr std::string_view x = "value", y = "condition";
};
}  // namespace detail

/// The sum of one value per sum of another; see `Ratio`.
template <class Numerator, class Denominator>
[[nodiscard]] constexpr auto ratio(Numerator numerator, Denominator denominator) {
  return detail::feature(detail::RatioOf{},
                         detail::PairOf<Numerator, Denominator, detail::RatioWords>{numerator, denominator});
}

/// The fraction of the records that satisfy a condition; see `Share`.
template <class Condition>
[[nodiscard]] constexpr auto share(Condition condition) {
  return detail::feature(detail::ShareFamily{}, condition);
}

/// The part of a sum that falls to the records that satisfy a condition; see `ShareOf`.
template <class Projection, class Condition>
[[nodiscard]] constexpr auto share_of(Projection projection, Condition condition) {
  return detail::feature(detail::ShareOfFamily{},
                         detail::PairOf<Projection, Condition, detail::ShareWords>{projection, condition});
}

/// Records per time; see `Rate`.
[[nodiscard]] constexpr auto rate(RateSpec spec = {}) {
  return detail::feature(detail::RateOf{{spec.per}}, detail::Presence{});
}

/// The sum of a value per time; see `SumRate`.
template <class Projection>
[[nodiscard]] constexpr auto rate(Projection projection, RateSpec spec = {}) {
  return detail::feature(detail::SumRateOf{{spec.per}}, projection);
}

}  // namespace weir::inline v0

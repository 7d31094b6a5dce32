#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <string_view>

#include <weir/aggregate/feature.hpp>

/// \file
/// min, max, range, abs_min, abs_max

namespace weir::inline v0 {

namespace detail {

/// The bits of a double as an integer in the same order, -0.0 before +0.0, NaN at both ends; its own inverse.
[[nodiscard]] constexpr std::int64_t in_order(std::int64_t bits) {
  return bits ^ ((bits >> 63) & std::numeric_limits<std::int64_t>::max());
}

template <Ordered Value, bool lowest>
struct Extreme {
  struct State {
    Value value{};
    bool any = false;
  };
  static constexpr bool order_independent = true;

  constexpr void add(State& state, Argument<Value> x) const {
    if (state.any && !(lowest ? x < state.value : state.value < x)) return;
    state.value = x;
    state.any = true;
  }
  constexpr void merge(State& state, const State& other) const {
    if (other.any) add(state, other.value);
  }
  [[nodiscard]] constexpr std::optional<Value> result(const State& state) const {
    return state.any ? std::optional<Value>{state.value} : std::nullopt;
  }
};

/// One integer holds the numbers in order, NaN beyond the end that wins and "nothing" beyond the other.
template <Ordered Value, bool lowest>
requires Float<Value>
struct Extreme<Value, lowest> {
  static constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
  static constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  static constexpr std::int64_t nan = lowest ? least : most;
  static constexpr std::int64_t nothing = lowest ? most : least;

  struct State {
    std::int64_t place = nothing;
  };
  static constexpr bool order_independent = true;

  constexpr void add(State& state, double x) const {
    merge(state, {is_nan(x) ? nan : in_order(std::bit_cast<std::int64_t>(x))});
  }
  constexpr void merge(State& state, const State& other) const {
    const bool wins = lowest ? other.place < state.place : other.place > state.place;
    state.place = wins ? other.place : state.place;
  }
  [[nodiscard]] constexpr std::optional<Value> result(const State& state) const {
    if (state.place == nothing) return std::nullopt;
    if (state.place == nan) return std::numeric_limits<Value>::quiet_NaN();
    return static_cast<Value>(std::bit_cast<double>(in_order(state.place)));
  }
};

}  // namespace detail

/// Smallest value. -0.0 is below +0.0, so that the order of records never shows.
///
/// Use:      min(x)
/// Formula:  min x
/// Result:   std::optional of the value, in its units; empty of nothing
/// Missing:  skipped and counted; NaN by NanPolicy, one that is let in is the result
/// Merge:    exact; order does not matter; not invertible
/// Error:    none; infinities are values like others
/// Memory:   8 bytes for floating point, else the value and a flag: 16 for int64; texts what they hold
/// Cost:     add 1 comparison; merge 1 comparison; result a copy of the value
/// Source:   definition
template <detail::Ordered Value>
struct Min : detail::Extreme<Value, true> {};

/// Largest value. +0.0 is above -0.0, so that the order of records never shows.
///
/// Use:      max(x)
/// Formula:  max x
/// Result:   std::optional of the value, in its units; empty of nothing
/// Missing:  skipped and counted; NaN by NanPolicy, one that is let in is the result
/// Merge:    exact; order does not matter; not invertible
/// Error:    none; infinities are values like others
/// Memory:   8 bytes for floating point, else the value and a flag: 16 for int64; texts what they hold
/// Cost:     add 1 comparison; merge 1 comparison; result a copy of the value
/// Source:   definition
template <detail::Ordered Value>
struct Max : detail::Extreme<Value, false> {};

/// Largest minus smallest value.
///
/// Use:      range(x)
/// Formula:  max x - min x
/// Result:   std::optional of double for floating point, of uint64 for integers, in units of the value, of Checked<Duration> for
///           durations and instants; empty of nothing
/// Missing:  skipped and counted; NaN by NanPolicy
/// Merge:    exact; order does not matter; not invertible
/// Error:    floating point: relative u = 2^-53, 0 of equal infinities, infinity beyond the largest number; integers none;
///           beyond Duration held there and flagged
/// Memory:   16 bytes for floating point, 32 for 64-bit integers, durations and instants
/// Cost:     add 2 comparisons; merge 2 comparisons; result 1 comparison and 1 subtraction
/// Source:   definition
template <class Value>
requires detail::Number<Value> || std::same_as<Value, EventTime>
struct Range {
  struct State {
    typename Min<Value>::State low{};
    typename Max<Value>::State high{};
  };
  using Result =
      std::conditional_t<detail::Float<Value>, double,
                         std::conditional_t<detail::Integer<Value>, std::uint64_t, Checked<Duration>>>;
  static constexpr bool order_independent = true;

  constexpr void add(State& state, Value x) const {
    Min<Value>{}.add(state.low, x);
    Max<Value>{}.add(state.high, x);
  }
  constexpr void merge(State& state, const State& other) const {
    Min<Value>{}.merge(state.low, other.low);
    Max<Value>{}.merge(state.high, other.high);
  }
  [[nodiscard]] constexpr std::optional<Result> result(const State& state) const {
    const std::optional<Value> low = Min<Value>{}.result(state.low);
    const std::optional<Value> high = Max<Value>{}.result(state.high);
    if (!low || !high) return std::nullopt;  // what was read from a snapshot may have one without the other
    if constexpr (detail::Float<Value>)
      return *low == *high ? 0.0 : static_cast<double>(*high) - static_cast<double>(*low);
    else if constexpr (detail::Integer<Value>)
      return static_cast<std::uint64_t>(*high) - static_cast<std::uint64_t>(*low);
    else
      return detail::held<Duration>(static_cast<detail::Int128>(count_of(*high)) - count_of(*low));
  }

 private:
  static constexpr std::int64_t count_of(Duration value) { return value.count(); }
  static constexpr std::int64_t count_of(EventTime value) { return ticks(value); }
};

namespace detail {

/// How large a number is, whatever its sign; of integers exact, also of the least one.
template <Real Value>
[[nodiscard]] constexpr auto magnitude(Value x) {
  if constexpr (Float<Value>)
    return static_cast<Value>(__builtin_fabs(static_cast<double>(x)));
  else if constexpr (std::is_signed_v<Value>)
    return x < 0 ? 0 - static_cast<std::uint64_t>(x) : static_cast<std::uint64_t>(x);
  else
    return static_cast<std::uint64_t>(x);
}

template <Real Value, bool lowest>
struct ExtremeMagnitude {
  using Magnitude = decltype(magnitude(Value{}));
  using State = typename Extreme<Magnitude, lowest>::State;
  static constexpr bool order_independent = true;

  constexpr void add(State& state, Value x) const { Extreme<Magnitude, lowest>{}.add(state, magnitude(x)); }
  constexpr void merge(State& state, const State& other) const {
    Extreme<Magnitude, lowest>{}.merge(state, other);
  }
  [[nodiscard]] constexpr std::optional<Magnitude> result(const State& state) const {
    return Extreme<Magnitude, lowest>{}.result(state);
  }
};

}  // namespace detail

/// Size of the value that is nearest to zero.
///
/// Use:      abs_min(x)
/// Formula:  min(|x|)
/// Result:   std::optional of uint64 for integers, of the value's type for floating point; in the units of the value;
///           empty of nothing
/// Missing:  skipped and counted; NaN by NanPolicy
/// Merge:    exact; order does not matter; not invertible
/// Error:    none; the size of the least integer is right, too
/// Memory:   8 bytes for floating point, 16 for integers
/// Cost:     add 1 comparison, merge 1 comparison, result 1
/// Source:   definition
template <detail::Real Value>
struct AbsMin : detail::ExtremeMagnitude<Value, true> {};

/// Size of the value that is farthest from zero.
///
/// Use:      abs_max(x)
/// Formula:  max(|x|)
/// Result:   that of `AbsMin`
/// Missing:  skipped and counted; NaN by NanPolicy
/// Merge:    exact; order does not matter; not invertible
/// Error:    none; the size of the least integer is right, too
/// Memory:   8 bytes for floating point, 16 for integers
/// Cost:     add 1 comparison, merge 1 comparison, result 1
/// Source:   definition
template <detail::Real Value>
struct AbsMax : detail::ExtremeMagnitude<Value, false> {};

namespace detail {
struct MinOf {
  static constexpr std::string_view name = "min";
  template <class Value>
  requires Ordered<KeptAs<Value>>
  static constexpr Min<KeptAs<Value>> make() { return {}; }
};
struct MaxOf {
  static constexpr std::string_view name = "max";
  template <class Value>
  requires Ordered<KeptAs<Value>>
  static constexpr Max<KeptAs<Value>> make() { return {}; }
};
struct AbsMinOf {
  static constexpr std::string_view name = "abs_min";
  template <Real Value>
  static constexpr AbsMin<Value> make() {
    return {};
  }
};
struct AbsMaxOf {
  static constexpr std::string_view name = "abs_max";
  template <Real Value>
  static constexpr AbsMax<Value> make() {
    return {};
  }
};
struct RangeOf {
  static constexpr std::string_view name = "range";
  template <class Value>
  requires Number<Value> || std::same_as<Value, EventTime>
  static constexpr Range<Value> make() { return {}; }
};
}  // namespace detail

/// The smallest value; see `Min`.
template <class Projection>
[[nodiscard]] constexpr auto min(Projection projection) {
  return detail::feature(detail::MinOf{}, projection);
}

/// The largest value; see `Max`.
template <class Projection>
[[nodiscard]] constexpr auto max(Projection projection) {
  return detail::feature(detail::MaxOf{}, projection);
}

/// The largest minus the smallest value; see `Range`.
template <class Projection>
[[nodiscard]] constexpr auto range(Projection projection) {
  return detail::feature(detail::RangeOf{}, projection);
}

/// The size of the value nearest to zero; see `AbsMin`.
template <class Projection>
[[nodiscard]] constexpr auto abs_min(Projection projection) {
  return detail::feature(detail::AbsMinOf{}, projection);
}

/// The size of the value farthest from zero; see `AbsMax`.
template <class Projection>
[[nodiscard]] constexpr auto abs_max(Projection projection) {
  return detail::feature(detail::AbsMaxOf{}, projection);
}

}  // namespace weir::inline v0

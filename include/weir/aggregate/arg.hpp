#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include <weir/aggregate/feature.hpp>

/// \file
/// arg_min, arg_max

namespace weir::inline v0 {

/// What `arg_min` and `arg_max` add: `what`, ranked by `by`.
template <class By, class What>
struct Ranked {
  By by;
  What what;

  [[nodiscard]] constexpr bool is_nan() const requires std::floating_point<std::remove_cvref_t<By>> {
    return by != by;
  }
};

namespace detail {

/// NaN ranks behind every number, so that `NanPolicy::propagate` keeps the order total.
template <class T>
[[nodiscard]] constexpr bool ranks_before(const T& a, const T& b, bool lowest) {
  if (is_nan(a) || is_nan(b)) return !is_nan(a);
  return lowest ? a < b : b < a;
}

template <Ordered By, Kept What, bool lowest>
struct ArgExtreme {
  struct State {
    By by{};
    What what{};
    EventTime at = no_time;  // no_time: nothing yet
  };

  template <class B, class W>
  constexpr void add(State& state, const Ranked<B, W>& x, EventTime at) const {
    const Argument<By> by = x.by;
    if (state.at != no_time && !ranks_before<Argument<By>>(by, state.by, lowest) &&
        (at >= state.at || ranks_before<Argument<By>>(state.by, by, lowest)))
      return;
    state.by = by;
    state.what = x.what;
    state.at = at;
  }
  constexpr void merge(State& state, const State& later) const {
    if (later.at != no_time) add(state, Ranked<const By&, const What&>{later.by, later.what}, later.at);
  }
  [[nodiscard]] constexpr std::optional<What> result(const State& state) const {
    return state.at != no_time ? std::optional<What>{std::in_place, state.what} : std::nullopt;
  }
};

}  // namespace detail

/// `what` of the record with the smallest `by`, among equals of the oldest, then of the first to arrive.
///
/// Use:      arg_min(by, what)
/// Formula:  what of the record with min by
/// Result:   std::optional of `what`'s type; empty of nothing
/// Missing:  skipped and counted if `by` is missing; NaN of `by` by NanPolicy, and never wins against a number
/// Merge:    exact; equals are told apart by event time, then by arrival; not invertible
/// Error:    none
/// Memory:   both values and 8 bytes
/// Cost:     add, merge: one or two comparisons; a copy of both values if it wins
/// Source:   definition
template <detail::Ordered By, detail::Kept What>
struct ArgMin : detail::ArgExtreme<By, What, true> {};

/// `what` of the record with the largest `by`, among equals of the oldest, then of the first to arrive.
///
/// Use:      arg_max(by, what)
/// Formula:  what of the record with max by
/// Result:   std::optional of `what`'s type; empty of nothing
/// Missing:  skipped and counted if `by` is missing; NaN of `by` by NanPolicy, and never wins against a number
/// Merge:    exact; equals are told apart by event time, then by arrival; not invertible
/// Error:    none
/// Memory:   both values and 8 bytes
/// Cost:     add, merge: one or two comparisons; a copy of both values if it wins
/// Source:   definition
template <detail::Ordered By, detail::Kept What>
struct ArgMax : detail::ArgExtreme<By, What, false> {};

namespace detail {

template <bool lowest>
struct ArgOf {
  static constexpr std::string_view name = lowest ? "arg_min" : "arg_max";
  template <class Value, class By = KeptAs<std::remove_cvref_t<decltype(Value::by)>>,
            class What = KeptAs<std::remove_cvref_t<decltype(Value::what)>>>
  requires Ordered<By> && Kept<What>
  static constexpr std::conditional_t<lowest, ArgMin<By, What>, ArgMax<By, What>> make() { return {}; }
};

/// Projects to Ranked; missing if `by` is.
template <class By, class What>
struct RankedBy {
  By by;
  What what;

  template <class In>
  requires std::is_invocable_v<const By&, const In&> && std::is_invocable_v<const What&, const In&>
  constexpr auto operator()(const In& in) const {
    using B = std::invoke_result_t<const By&, const In&>;
    using W = std::invoke_result_t<const What&, const In&>;
    if constexpr (is_optional<std::remove_cvref_t<B>>) {
      using Result = Ranked<typename std::remove_cvref_t<B>::value_type, W>;
      const auto& x = project(by, in);
      return x ? std::optional<Result>{Result{*x, project(what, in)}} : std::nullopt;
    } else {
      return Ranked<B, W>{project(by, in), project(what, in)};
    }
  }
};

template <class In, class By, class What>
void describe_value(Description& out, const RankedBy<By, What>& projection) {
  describe_read(out, "value", projection_name<In>(projection.what), type_word<Projected<What, In>>);
  describe_read(out, "by", projection_name<In>(projection.by), type_word<Projected<By, In>>);
}

}  // namespace detail

/// `what` of the record with the smallest `by`; see `ArgMin`.
template <class By, class What>
[[nodiscard]] constexpr auto arg_min(By by, What what) {
  return detail::feature(detail::ArgOf<true>{}, detail::RankedBy<By, What>{by, what});
}

/// `what` of the record with the largest `by`; see `ArgMax`.
template <class By, class What>
[[nodiscard]] constexpr auto arg_max(By by, What what) {
  return detail::feature(detail::ArgOf<false>{}, detail::RankedBy<By, What>{by, what});
}

}  // namespace weir::inline v0

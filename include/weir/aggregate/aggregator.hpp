#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include <weir/base/description.hpp>
#include <weir/time/instant.hpp>

/// \file
/// The aggregator protocol: what every aggregate is, built-in or the user's own.

namespace weir::inline v0 {

/// A result that may not have fitted: if `overflowed`, `value` is held at the limit it ran into.
template <class T>
struct Checked {
  T value{};
  bool overflowed = false;

  friend constexpr bool operator==(const Checked&, const Checked&) = default;
};

/// The stretch of event time that a result describes: [begin, as_of).
struct Interval {
  EventTime begin =
      no_time;        ///< where the window begins; `no_time` if it goes back as far as there are records
  EventTime as_of{};  ///< the instant the row describes: a window's end, a read's time; see `Windowed::as_of`
};

namespace detail {

__extension__ typedef __int128 Int128;

template <class A, class Input>
concept AddsTimed = requires(const A& aggregator, typename A::State& state, const Input& x, EventTime at) {
  aggregator.add(state, x, at);
};

template <class A, class Input>
concept AddsUntimed = requires(const A& aggregator, typename A::State& state, const Input& x) {
  aggregator.add(state, x);
};

template <class A>
concept ResultsUntimed = requires(const A& aggregator, const typename A::State& state) {
  requires !std::is_void_v<decltype(aggregator.result(state))>;
};

template <class A>
concept ResultsTimed = requires(const A& aggregator, const typename A::State& state, const Interval& asked) {
  requires !std::is_void_v<decltype(aggregator.result(state, asked))>;
};

template <class A>
concept Merges = requires(const A& aggregator, typename A::State& state, const typename A::State& other) {
  aggregator.merge(state, other);
  requires ResultsUntimed<A> || ResultsTimed<A>;
};

template <class A>
concept HasState = std::default_initializable<typename A::State> && std::copyable<typename A::State>;

}  // namespace detail

/// An aggregate of `Input`s whose parts can be computed apart and merged.
///
/// `State{}` is the neutral element of `merge`, which is associative: panes may be merged in any grouping.
/// `merge(state, other)`: `other` is another State, and holds later event times, or for equal times later arrivals.
/// `result` may be a plain value, a `std::optional` (empty: of nothing) or a `Checked` (it may not fit). What depends on when
/// it is asked, as values that decay do, takes an `Interval` beside the state.
/// The times given to `add` are never `no_time`. `weir::testing::check_laws` tries all of this on samples.
template <class A, class Input>
concept Aggregator = detail::HasState<A> && detail::Merges<A> &&
    (detail::AddsTimed<A, Input> || detail::AddsUntimed<A, Input>);

/// An aggregate of which `remove(state, other)` undoes `merge(state, other)` exactly.
/// Never true of floating-point sums: rounding cannot be undone.
template <class A>
concept Invertible = requires(const A& aggregator, typename A::State& state, const typename A::State& other) {
  aggregator.remove(state, other);
};

/// An aggregate that says that neither the order of records nor the sides of a merge show in its result.
template <class A>
concept OrderIndependent = requires {
  requires A::order_independent;
};

namespace detail {

template <class T>
concept Float = std::same_as<T, double> || std::same_as<T, float>;

template <class T>
concept Integer = std::integral<T> && sizeof(T) <= 8;

template <class T>
concept Real = Integer<T> || Float<T>;

template <class T>
concept Number = Integer<T> || Float<T> || std::same_as<T, Duration>;

/// Values that can be kept in a State.
template <class T>
concept Kept = std::default_initializable<T> && std::copyable<T>;

template <class T>
concept HasLess = requires(const T& a, const T& b) {
  { a < b } -> std::convertible_to<bool>;
};

template <class T>
concept Ordered = Kept<T> && HasLess<T> &&(Float<T> || !std::floating_point<T>);

/// How a value of type T is handed to `add`; a kept string is fed by views.
template <class T>
using Argument = std::conditional_t<std::same_as<T, std::string>, std::string_view, const T&>;

template <class T>
inline constexpr bool is_optional = OptionalOf<T>::value;

template <class T>
inline constexpr bool is_checked = false;
template <class T>
inline constexpr bool is_checked<Checked<T>> = true;

/// Types that say themselves whether a value is NaN.
template <class T>
concept SaysNan = requires(const T& value) {
  value.is_nan();
};

/// Types that have NaN, so that checks vanish for all others.
template <class T>
concept MayBeNan = std::floating_point<T> || SaysNan<T>;

template <class T>
[[nodiscard]] constexpr bool is_nan(const T& value) {
  if constexpr (std::floating_point<T>)
    return value != value;  // NOLINT(misc-redundant-expression): NaN alone differs from itself
  else if constexpr (SaysNan<T>)
    return value.is_nan();
  else
    return false;
}

/// `value` as T, held at the nearer limit of T if it is out of range.
template <class T>
[[nodiscard]] constexpr Checked<T> held(Int128 value) {
  if constexpr (std::same_as<T, Duration>) {
    const auto ticks = held<std::int64_t>(value);
    return {Duration{ticks.value}, ticks.overflowed};
  } else {
    if (value > static_cast<Int128>(std::numeric_limits<T>::max()))
      return {std::numeric_limits<T>::max(), true};
    if (value < static_cast<Int128>(std::numeric_limits<T>::min()))
      return {std::numeric_limits<T>::min(), true};
    return {static_cast<T>(value), false};
  }
}

/// Hands a value to an aggregator, with its time if it wants it.
template <class A, class Input>
constexpr void add_to(const A& aggregator, typename A::State& state, const Input& x, EventTime at) {
  if constexpr (AddsTimed<A, Input>)
    aggregator.add(state, x, at);
  else
    aggregator.add(state, x);
}

/// The result of an aggregator, which is told of when it is if it wants to know.
template <class A>
[[nodiscard]] constexpr decltype(auto) result_of(const A& aggregator, const typename A::State& state,
                                                 const Interval& asked) {
  if constexpr (ResultsTimed<A>)
    return aggregator.result(state, asked);
  else
    return aggregator.result(state);
}

}  // namespace detail

}  // namespace weir::inline v0

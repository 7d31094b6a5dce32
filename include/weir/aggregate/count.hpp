#pragma once

#include <cstdint>
#include <string_view>

#include <weir/aggregate/feature.hpp>

/// \file
/// count, count_where

namespace weir::inline v0 {

/// How many records there are, or how many have a value.
///
/// Use:      count(), count(x), count_where(condition)
/// Formula:  n
/// Result:   std::uint64_t, records; 0 of nothing
/// Missing:  count(x) leaves out missing values and, by NanPolicy, NaN; count() counts every record
/// Merge:    exact; order does not matter; invertible
/// Error:    none
/// Memory:   8 bytes
/// Cost:     add, merge, result: one addition
/// Source:   definition
struct Count {
  using State = std::uint64_t;
  static constexpr bool order_independent = true;

  template <class T>
  constexpr void add(State& state, const T&) const {
    ++state;
  }
  constexpr void merge(State& state, const State& other) const { state += other; }
  constexpr void remove(State& state, const State& other) const { state -= other; }
  [[nodiscard]] constexpr std::uint64_t result(const State& state) const { return state; }
};

namespace detail {
struct CountOf {
  static constexpr std::string_view name = "count";
  template <class Value>
  static constexpr Count make() {
    return {};
  }
};
}  // namespace detail

/// The number of records.
[[nodiscard]] constexpr auto count() { return detail::feature(detail::CountOf{}, detail::Presence{}); }

/// The number of records that have the value: neither missing nor NaN.
template <class Projection>
[[nodiscard]] constexpr auto count(Projection projection) {
  return detail::feature(detail::CountOf{}, projection);
}

/// The number of records for which a condition holds; the same as `count().where(condition)`.
template <class Condition>
[[nodiscard]] constexpr auto count_where(Condition condition) {
  return count().where(condition);
}

}  // namespace weir::inline v0

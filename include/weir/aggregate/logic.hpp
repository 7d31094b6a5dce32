#pragma once

#include <string_view>

#include <weir/aggregate/feature.hpp>

/// \file
/// any, all

namespace weir::inline v0 {

/// Whether it was true of at least one record.
///
/// Use:      any(condition)
/// Formula:  x1 or x2 or ...
/// Result:   bool; false of nothing
/// Missing:  skipped and counted
/// Merge:    exact; order does not matter; not invertible
/// Error:    none
/// Memory:   1 byte
/// Cost:     add, merge: one operation
/// Source:   definition
struct Any {
  struct State {
    bool is_true = false;
  };
  static constexpr bool order_independent = true;

  constexpr void add(State& state, bool x) const { state.is_true |= x; }
  constexpr void merge(State& state, const State& other) const { state.is_true |= other.is_true; }
  [[nodiscard]] constexpr bool result(const State& state) const { return state.is_true; }
};

/// Whether it was true of every record.
///
/// Use:      all(condition)
/// Formula:  x1 and x2 and ...
/// Result:   bool; true of nothing
/// Missing:  skipped and counted
/// Merge:    exact; order does not matter; not invertible
/// Error:    none
/// Memory:   1 byte
/// Cost:     add, merge: one operation
/// Source:   definition
struct All {
  struct State {
    bool is_true = true;
  };
  static constexpr bool order_independent = true;

  constexpr void add(State& state, bool x) const { state.is_true &= x; }
  constexpr void merge(State& state, const State& other) const { state.is_true &= other.is_true; }
  [[nodiscard]] constexpr bool result(const State& state) const { return state.is_true; }
};

namespace detail {
struct AnyOf {
  static constexpr std::string_view name = "any";
  template <std::same_as<bool> Value>
  static constexpr Any make() {
    return {};
  }
};
struct AllOf {
  static constexpr std::string_view name = "all";
  template <std::same_as<bool> Value>
  static constexpr All make() {
    return {};
  }
};
}  // namespace detail

/// Whether a condition held for at least one record; see `Any`.
template <class Condition>
[[nodiscard]] constexpr auto any(Condition condition) {
  return detail::feature(detail::AnyOf{}, condition);
}

/// Whether a condition held for every record; see `All`.
template <class Condition>
[[nodiscard]] constexpr auto all(Condition condition) {
  return detail::feature(detail::AllOf{}, condition);
}

}  // namespace weir::inline v0

#pragma once

#include <cstdint>
#include <string_view>

#include <absl/numeric/int128.h>

#include <weir/aggregate/feature.hpp>
#include <weir/aggregate/sum.hpp>

/// \file
/// wide_sum

namespace weir::inline v0 {

/// Sum of integers in 128 bits: exact, and always there.
///
/// Use:      wide_sum(x)
/// Formula:  sum(x)
/// Result:   absl::int128, in the units of the value; 0 of nothing; the field is an absl::int128, too
/// Missing:  skipped and counted
/// Merge:    exact; order does not matter; invertible
/// Error:    none: fewer than 2^63 records cannot overflow it
/// Memory:   16 bytes
/// Cost:     add 2 additions, merge 2 additions, result 1
/// Source:   definition
template <detail::Integer Value>
struct WideSum {
  using State = detail::WideInteger;
  static constexpr bool order_independent = true;

  constexpr void add(State& state, Value x) const { Sum<Value>{}.add(state, x); }
  constexpr void merge(State& state, const State& other) const { Sum<Value>{}.merge(state, other); }
  constexpr void remove(State& state, const State& other) const { Sum<Value>{}.remove(state, other); }
  [[nodiscard]] constexpr absl::int128 result(const State& state) const {
    return absl::MakeInt128(state.high, state.low);
  }
};

namespace detail {
struct WideSumOf {
  static constexpr std::string_view name = "wide_sum";
  template <Integer Value>
  static constexpr WideSum<Value> make() {
    return {};
  }
};
}  // namespace detail

/// The sum of an integer in 128 bits; see `WideSum`.
template <class Projection>
[[nodiscard]] constexpr auto wide_sum(Projection projection) {
  return detail::feature(detail::WideSumOf{}, projection);
}

}  // namespace weir::inline v0

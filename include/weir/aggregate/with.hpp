#pragma once

#include <weir/aggregate/feature.hpp>

/// \file
/// with: the user's own aggregators

namespace weir::inline v0 {

namespace detail {
template <class A>
struct Custom {
  A aggregator;

  template <class Value>
  requires Aggregator<A, Value>
  [[nodiscard]] constexpr const A& make() const { return aggregator; }
};
template <class A>
inline constexpr bool is_custom<Custom<A>> = true;

}  // namespace detail

/// A feature computed by an `Aggregator` of one's own over a projected value.
template <class A, class Projection>
[[nodiscard]] constexpr auto with(A aggregator, Projection projection) {
  return detail::feature(detail::Custom<A>{aggregator}, projection);
}

/// A feature computed by an `Aggregator` of whole records.
template <class A>
[[nodiscard]] constexpr auto with(A aggregator) {
  return with(aggregator, detail::Whole{});
}

}  // namespace weir::inline v0

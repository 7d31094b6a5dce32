#pragma once

#include <concepts>
#include <string_view>

#include <weir/aggregate/feature.hpp>

/// \file
/// with: the user's own aggregators

namespace weir::inline v0 {

namespace detail {
/// What an aggregator calls itself.
template <class A>
[[nodiscard]] consteval std::string_view custom_name() {
  if constexpr (requires {
                  { A::name } -> std::convertible_to<std::string_view>;
                })
    return A::name;
  else
    return "custom";
}

template <class A>
struct Custom {
  A aggregator;

  static constexpr std::string_view name = custom_name<A>();

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

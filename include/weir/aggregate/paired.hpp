#pragma once

#include <concepts>
#include <optional>
#include <string_view>
#include <type_traits>

#include <weir/aggregate/feature.hpp>

/// \file
/// What aggregates of two values of a record add.

namespace weir::inline v0 {

/// Two values of one record. NaN if one of them is.
template <class X, class Y>
struct Paired {
  X x{};
  Y y{};

  [[nodiscard]] constexpr bool is_nan() const requires(std::floating_point<X> || std::floating_point<Y>) {
    return detail::is_nan(x) || detail::is_nan(y);
  }
};

namespace detail {

template <class T>
[[nodiscard]] constexpr bool is_there(const T& value) {
  if constexpr (is_optional<T>)
    return value.has_value();
  else
    return true;
}
template <class T>
[[nodiscard]] constexpr const auto& inside(const T& value) {
  if constexpr (is_optional<T>)
    return *value;
  else
    return value;
}

/// Projects to Paired; missing if one of both is. `Words` are the names of both in descriptions.
template <class X, class Y, class Words>
struct PairOf {
  X x;
  Y y;

  template <class In>
  requires std::is_invocable_v<const X&, const In&> && std::is_invocable_v<const Y&, const In&>
  constexpr auto operator()(const In& in) const {
    using Both = Paired<Projected<X, In>, Projected<Y, In>>;
    const auto& a = project(x, in);
    const auto& b = project(y, in);
    if constexpr (is_optional<std::remove_cvref_t<decltype(a)>> ||
                  is_optional<std::remove_cvref_t<decltype(b)>>)
      return is_there(a) && is_there(b) ? std::optional<Both>{Both{inside(a), inside(b)}} : std::nullopt;
    else
      return Both{a, b};
  }
};

template <class In, class X, class Y, class Words>
void describe_value(Description& out, const PairOf<X, Y, Words>& projection) {
  describe_read(out, Words::x, projection_name<In>(projection.x), type_word<Projected<X, In>>);
  describe_read(out, Words::y, projection_name<In>(projection.y), type_word<Projected<Y, In>>);
}

/// Two numbers of one record.
template <class T>
concept RealPair = requires(const T& both) {
  requires std::same_as<T,
                        Paired<std::remove_cvref_t<decltype(both.x)>, std::remove_cvref_t<decltype(both.y)>>>;
  requires Real<std::remove_cvref_t<decltype(both.x)>> && Real<std::remove_cvref_t<decltype(both.y)>>;
};

}  // namespace detail

}  // namespace weir::inline v0

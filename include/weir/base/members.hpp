#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

/// \file
/// The members of a plain struct, without their names: what can be written and read field by field.

namespace weir::inline v0::detail {

/// Stands for a value of any type where nothing is evaluated.
struct AnyValue {
  template <class Type>
  operator Type() const noexcept;
};
/// The same for a base of a class.
template <class Derived>
struct AnyBase {
  template <class Base>
  requires std::is_base_of_v<Base, Derived> &&(!std::is_same_v<Base, Derived>)operator Base() const noexcept;
};

template <class Type>
inline constexpr bool has_base = requires {
  Type{AnyBase<Type>{}};
};

#define WEIR_DETAIL_BRACES(count, ...)                         \
  template <class Type>                                        \
  inline constexpr bool takes_braces<Type, count> = requires { \
    Type{__VA_ARGS__};                                         \
  };

/// Whether a struct can be made of so many empty braces.
template <class Type, std::size_t count>
inline constexpr bool takes_braces = false;
WEIR_DETAIL_BRACES(1, {})
WEIR_DETAIL_BRACES(2, {}, {})
WEIR_DETAIL_BRACES(3, {}, {}, {})
WEIR_DETAIL_BRACES(4, {}, {}, {}, {})
WEIR_DETAIL_BRACES(5, {}, {}, {}, {}, {})
WEIR_DETAIL_BRACES(6, {}, {}, {}, {}, {}, {})
WEIR_DETAIL_BRACES(7, {}, {}, {}, {}, {}, {}, {})
WEIR_DETAIL_BRACES(8, {}, {}, {}, {}, {}, {}, {}, {})
WEIR_DETAIL_BRACES(9, {}, {}, {}, {}, {}, {}, {}, {}, {})
WEIR_DETAIL_BRACES(10, {}, {}, {}, {}, {}, {}, {}, {}, {}, {})
WEIR_DETAIL_BRACES(11, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {})
WEIR_DETAIL_BRACES(12, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {})
WEIR_DETAIL_BRACES(13, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {})
WEIR_DETAIL_BRACES(14, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {})
WEIR_DETAIL_BRACES(15, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {})
WEIR_DETAIL_BRACES(16, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {})
WEIR_DETAIL_BRACES(17, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {})

#undef WEIR_DETAIL_BRACES

/// How many members a struct has, found by giving each of them empty braces; 17 if there are more than 16. A struct that takes many
/// braces takes fewer, unless it has references, of which nothing can be read.
template <class Type, std::size_t least = 0, std::size_t most = 17>
consteval std::size_t count_members() {
  constexpr std::size_t middle = (least + most + 1) / 2;
  if constexpr (least == most)
    return least;
  else if constexpr (takes_braces<Type, middle>)
    return count_members<Type, middle, most>();
  else
    return count_members<Type, least, middle - 1>();
}

template <class Type, std::size_t>
using Repeated = Type;
/// Whether so many values can be given to a struct, one after the other; elements of an array count singly.
template <class Type, std::size_t count>
consteval bool takes_values() {
  const auto given = []<std::size_t... i>(std::index_sequence<i...>) {
    return requires { Type{Repeated<AnyValue, i>{}...}; };
  };
  return given(std::make_index_sequence<count>{});
}

/// A struct with 1 to 16 members and no base class, no C array and no member that empty braces cannot make.
template <class Type>
consteval bool is_plain_struct() {
  if constexpr (std::is_class_v<Type> && std::is_aggregate_v<Type> && !has_base<Type>) {
    constexpr std::size_t count = count_members<Type>();
    return count >= 1 && count <= 16 && !takes_values<Type, count + 1>();
  } else {
    return false;
  }
}

#define WEIR_DETAIL_WITH(count, ...) \
  if constexpr (members == count) {  \
    auto& [__VA_ARGS__] = value;     \
    return use(__VA_ARGS__);         \
  }

/// Calls `use` with all members of a plain struct, in their order.
template <class Type, class Use>
constexpr auto with_members(Type& value, const Use& use) {
  constexpr std::size_t members = count_members<std::remove_const_t<Type>>();
  WEIR_DETAIL_WITH(1, a)
  WEIR_DETAIL_WITH(2, a, b)
  WEIR_DETAIL_WITH(3, a, b, c)
  WEIR_DETAIL_WITH(4, a, b, c, d)
  WEIR_DETAIL_WITH(5, a, b, c, d, e)
  WEIR_DETAIL_WITH(6, a, b, c, d, e, f)
  WEIR_DETAIL_WITH(7, a, b, c, d, e, f, g)
  WEIR_DETAIL_WITH(8, a, b, c, d, e, f, g, h)
  WEIR_DETAIL_WITH(9, a, b, c, d, e, f, g, h, i)
  WEIR_DETAIL_WITH(10, a, b, c, d, e, f, g, h, i, j)
  WEIR_DETAIL_WITH(11, a, b, c, d, e, f, g, h, i, j, k)
  WEIR_DETAIL_WITH(12, a, b, c, d, e, f, g, h, i, j, k, l)
  WEIR_DETAIL_WITH(13, a, b, c, d, e, f, g, h, i, j, k, l, m)
  WEIR_DETAIL_WITH(14, a, b, c, d, e, f, g, h, i, j, k, l, m, n)
  WEIR_DETAIL_WITH(15, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o)
  WEIR_DETAIL_WITH(16, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p)
}

#undef WEIR_DETAIL_WITH

/// Types, in an order.
template <class... Type>
struct Types {};
struct TypesOf {
  template <class... Type>
  constexpr Types<Type...> operator()(Type&... /*values*/) const {
    return {};
  }
};
template <class Type>
using Members = decltype(with_members(std::declval<Type&>(), TypesOf{}));

}  // namespace weir::inline v0::detail

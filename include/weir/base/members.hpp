#pragma once

#include <cstddef>
#include <tuple>
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

/// How many members a struct has, found by giving each of them empty braces; 17 if there are more than 16.
template <class Type>
consteval std::size_t count_members() {
  if constexpr (requires { Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; })
    return 17;
  else if constexpr (requires { Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; })
    return 16;
  else if constexpr (requires { Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; })
    return 15;
  else if constexpr (requires { Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; })
    return 14;
  else if constexpr (requires { Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; })
    return 13;
  else if constexpr (requires { Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; })
    return 12;
  else if constexpr (requires { Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; })
    return 11;
  else if constexpr (requires { Type{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; })
    return 10;
  else if constexpr (requires { Type{{}, {}, {}, {}, {}, {}, {}, {}, {}}; })
    return 9;
  else if constexpr (requires { Type{{}, {}, {}, {}, {}, {}, {}, {}}; })
    return 8;
  else if constexpr (requires { Type{{}, {}, {}, {}, {}, {}, {}}; })
    return 7;
  else if constexpr (requires { Type{{}, {}, {}, {}, {}, {}}; })
    return 6;
  else if constexpr (requires { Type{{}, {}, {}, {}, {}}; })
    return 5;
  else if constexpr (requires { Type{{}, {}, {}, {}}; })
    return 4;
  else if constexpr (requires { Type{{}, {}, {}}; })
    return 3;
  else if constexpr (requires { Type{{}, {}}; })
    return 2;
  else if constexpr (requires { Type{{}}; })
    return 1;
  else
    return 0;
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

#define WEIR_DETAIL_TIE(count, ...) \
  if constexpr (members == count) { \
    auto& [__VA_ARGS__] = value;    \
    return std::tie(__VA_ARGS__);   \
  }

/// References to all members of a plain struct. Does not compile if it has bit-fields, to which there are none.
template <class Type>
constexpr auto tie_members(Type& value) {
  constexpr std::size_t members = count_members<std::remove_const_t<Type>>();
  WEIR_DETAIL_TIE(1, a)
  WEIR_DETAIL_TIE(2, a, b)
  WEIR_DETAIL_TIE(3, a, b, c)
  WEIR_DETAIL_TIE(4, a, b, c, d)
  WEIR_DETAIL_TIE(5, a, b, c, d, e)
  WEIR_DETAIL_TIE(6, a, b, c, d, e, f)
  WEIR_DETAIL_TIE(7, a, b, c, d, e, f, g)
  WEIR_DETAIL_TIE(8, a, b, c, d, e, f, g, h)
  WEIR_DETAIL_TIE(9, a, b, c, d, e, f, g, h, i)
  WEIR_DETAIL_TIE(10, a, b, c, d, e, f, g, h, i, j)
  WEIR_DETAIL_TIE(11, a, b, c, d, e, f, g, h, i, j, k)
  WEIR_DETAIL_TIE(12, a, b, c, d, e, f, g, h, i, j, k, l)
  WEIR_DETAIL_TIE(13, a, b, c, d, e, f, g, h, i, j, k, l, m)
  WEIR_DETAIL_TIE(14, a, b, c, d, e, f, g, h, i, j, k, l, m, n)
  WEIR_DETAIL_TIE(15, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o)
  WEIR_DETAIL_TIE(16, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p)
}

#undef WEIR_DETAIL_TIE

/// The members of a plain struct, as a tuple of references.
template <class Type>
using Members = decltype(tie_members(std::declval<Type&>()));

}  // namespace weir::inline v0::detail

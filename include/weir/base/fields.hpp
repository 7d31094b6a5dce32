#pragma once

#include <array>
#include <string_view>
#include <tuple>

/// \file
/// WEIR_FIELDS: one line that gives a struct's fields their names.

namespace weir::inline v0 {

/// A struct whose fields weir knows, by `WEIR_FIELDS(Type, field, ...)` beside it.
template <class Type>
concept HasFields = requires(const Type& value) {
  weir_fields(value);
  weir_field_names(&value);
};

}  // namespace weir::inline v0

#define WEIR_DETAIL_PARENS ()
#define WEIR_DETAIL_EXPAND(...) WEIR_DETAIL_EXPAND4(WEIR_DETAIL_EXPAND4(__VA_ARGS__))
#define WEIR_DETAIL_EXPAND4(...) WEIR_DETAIL_EXPAND3(WEIR_DETAIL_EXPAND3(WEIR_DETAIL_EXPAND3(__VA_ARGS__)))
#define WEIR_DETAIL_EXPAND3(...) WEIR_DETAIL_EXPAND2(WEIR_DETAIL_EXPAND2(WEIR_DETAIL_EXPAND2(__VA_ARGS__)))
#define WEIR_DETAIL_EXPAND2(...) WEIR_DETAIL_EXPAND1(WEIR_DETAIL_EXPAND1(WEIR_DETAIL_EXPAND1(__VA_ARGS__)))
#define WEIR_DETAIL_EXPAND1(...) __VA_ARGS__
#define WEIR_DETAIL_FOR_EACH(macro, ...) \
  __VA_OPT__(WEIR_DETAIL_EXPAND(WEIR_DETAIL_FOR_NEXT(macro, __VA_ARGS__)))
#define WEIR_DETAIL_FOR_NEXT(macro, first, ...) \
  macro(first) __VA_OPT__(, WEIR_DETAIL_FOR_AGAIN WEIR_DETAIL_PARENS(macro, __VA_ARGS__))
#define WEIR_DETAIL_FOR_AGAIN() WEIR_DETAIL_FOR_NEXT
#define WEIR_DETAIL_FIELD(name) value.name
#define WEIR_DETAIL_NAME(name) \
  ::std::string_view { #name }

/// Names the fields of a struct, in the namespace of the struct: `WEIR_FIELDS(Payment, user, amount, at);`
/// A struct with fields can be a key. At most 80 fields.
#define WEIR_FIELDS(Type, ...)                                                \
  [[maybe_unused]] inline auto weir_fields(const Type& value) {               \
    return ::std::tie(WEIR_DETAIL_FOR_EACH(WEIR_DETAIL_FIELD, __VA_ARGS__));  \
  }                                                                           \
  [[maybe_unused]] constexpr auto weir_field_names(const Type*) {             \
    return ::std::array{WEIR_DETAIL_FOR_EACH(WEIR_DETAIL_NAME, __VA_ARGS__)}; \
  }                                                                           \
  static_assert(true, "a semicolon belongs here")

#pragma once

#include <array>
#include <bit>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <weir/base/description.hpp>
#include <weir/base/fields.hpp>
#include <weir/base/members.hpp>
#include <weir/state/owned.hpp>

/// \file
/// How values of a type are written, as far as the type says it.

namespace weir::inline v0 {

class Archive;

/// A type that says itself how it is written and read: `void archive(weir::Archive& ar) { ar(low, high); }`.
template <class Type>
concept HasArchive = requires(Type& value, Archive& archive) {
  value.archive(archive);
};

namespace detail {

template <class T>
inline constexpr bool is_std_array = false;
template <class T, std::size_t count>
inline constexpr bool is_std_array<std::array<T, count>> = true;
template <class T>
inline constexpr bool is_vector = false;
template <class T, class Allocator>
inline constexpr bool is_vector<std::vector<T, Allocator>> = true;
__extension__ typedef __int128 WideSigned;
__extension__ typedef unsigned __int128 WideUnsigned;

/// A number whose bytes are the same everywhere but for their order.
template <class T>
inline constexpr bool is_number = (std::is_arithmetic_v<T> && !std::is_same_v<T, bool> &&
                                   !std::is_same_v<T, long double>) ||
                                  std::is_enum_v<T> || std::is_same_v<T, WideSigned> ||
                                  std::is_same_v<T, WideUnsigned> || is_duration<T> || is_instant<T>;

/// A type that was changed: `version` says how often, and `Previous` how it was before.
template <class T>
concept Versioned = requires {
  { T::version } -> std::convertible_to<std::uint32_t>;
};

/// The kinds of types, in the order in which they are looked for.
enum class ArchiveKind : unsigned char {
  none,
  own,
  number,
  boolean,
  string,
  optional,
  array,
  list,
  parts,
  fields,
  members
};

template <class T>
consteval ArchiveKind archive_kind() {
  if constexpr (std::is_const_v<T> || std::is_reference_v<T>)
    return ArchiveKind::none;  // NOLINT(bugprone-branch-clone): as what no branch knows
  else if constexpr (HasArchive<T>)
    return ArchiveKind::own;
  else if constexpr (std::is_same_v<T, bool>)
    return ArchiveKind::boolean;
  else if constexpr (is_number<T>)
    return ArchiveKind::number;
  else if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, OwnedString>)
    return ArchiveKind::string;
  else if constexpr (OptionalOf<T>::value)
    return ArchiveKind::optional;
  else if constexpr (is_std_array<T> || std::is_bounded_array_v<T>)
    return ArchiveKind::array;
  else if constexpr (is_vector<T>)
    return ArchiveKind::list;
  else if constexpr (PartsOf<T>::value)
    return ArchiveKind::parts;
  else if constexpr (HasFields<T>)
    return ArchiveKind::fields;
  else if constexpr (is_plain_struct<T>())
    return ArchiveKind::members;
  else
    return ArchiveKind::none;
}

template <class T>
struct PartTypes;
template <class... Part>
struct PartTypes<std::tuple<Part...>> : std::type_identity<Types<std::remove_reference_t<Part>...>> {};
template <class First, class Second>
struct PartTypes<std::pair<First, Second>> : std::type_identity<Types<First, Second>> {};
/// WEIR_FIELDS refers to fields of a const value.
template <class T>
struct FieldTypes;
template <class... Field>
struct FieldTypes<std::tuple<Field...>>
    : std::type_identity<Types<std::remove_const_t<std::remove_reference_t<Field>>...>> {};

/// The types of what a value is made of.
template <class T>
consteval auto part_types() {
  constexpr ArchiveKind kind = archive_kind<T>();
  if constexpr (kind == ArchiveKind::parts)
    return std::type_identity<typename PartTypes<T>::type>{};
  else if constexpr (kind == ArchiveKind::fields)
    return std::type_identity<typename FieldTypes<decltype(weir_fields(std::declval<const T&>()))>::type>{};
  else if constexpr (kind == ArchiveKind::members)
    return std::type_identity<Members<T>>{};
  else
    return std::type_identity<Types<>>{};
}
template <class T>
using PartsOfValue = typename decltype(part_types<T>())::type;

template <class T>
struct ElementOf : std::type_identity<typename T::value_type> {};
template <class T, std::size_t count>
struct ElementOf<T[count]> : std::type_identity<T> {};
template <class T>
inline constexpr std::size_t array_size = 0;
template <class T, std::size_t count>
inline constexpr std::size_t array_size<T[count]> = count;
template <class T, std::size_t count>
inline constexpr std::size_t array_size<std::array<T, count>> = count;

template <class Type>
consteval bool is_archivable();
template <class Type>
consteval std::size_t least_bytes();
template <class Type>
consteval bool is_packed();
template <class Type>
constexpr std::uint64_t layout_of();
template <class Type>
std::uint64_t own_layout();

constexpr std::uint64_t mix_layout(std::uint64_t hash, std::uint64_t with) noexcept {
  hash = (hash ^ with) * 0x9E3779B97F4A7C15;
  return hash ^ (hash >> 29);
}

/// What holds for all parts of a value, or comes of them.
template <class Parts>
struct OfParts;
template <class... Part>
struct OfParts<Types<Part...>> {
  static consteval bool are_archivable() { return (is_archivable<Part>() && ...); }
  static consteval std::size_t least_bytes() { return (std::size_t{0} + ... + detail::least_bytes<Part>()); }
  /// Without anything between them.
  static consteval bool fill(std::size_t bytes) {
    return (is_packed<Part>() && ...) && (std::size_t{0} + ... + sizeof(Part)) == bytes;
  }
  static constexpr std::uint64_t layout(std::uint64_t start) {
    ((start = mix_layout(start, layout_of<Part>())), ...);
    return start;
  }
};

template <class Type>
consteval bool is_archivable() {
  constexpr ArchiveKind kind = archive_kind<Type>();
  if constexpr (kind == ArchiveKind::none)
    return false;
  else if constexpr (kind == ArchiveKind::list)
    return is_archivable<typename Type::value_type>() && !std::is_same_v<typename Type::value_type, bool> &&
           std::is_default_constructible_v<typename Type::value_type>;
  else if constexpr (kind == ArchiveKind::optional)
    return is_archivable<typename Type::value_type>() &&
           std::is_default_constructible_v<typename Type::value_type>;
  else if constexpr (kind == ArchiveKind::array)
    return is_archivable<typename ElementOf<Type>::type>();
  else
    return OfParts<PartsOfValue<Type>>::are_archivable();
}

/// The fewest bytes that a value takes.
template <class Type>
consteval std::size_t least_bytes() {
  constexpr ArchiveKind kind = archive_kind<Type>();
  if constexpr (Versioned<Type>)
    return sizeof(std::uint32_t);
  else if constexpr (kind == ArchiveKind::number)
    return sizeof(Type);
  else if constexpr (kind == ArchiveKind::string || kind == ArchiveKind::list)
    return sizeof(std::uint64_t);
  else if constexpr (kind == ArchiveKind::array)
    return array_size<Type> * least_bytes<typename ElementOf<Type>::type>();
  else if constexpr (kind == ArchiveKind::parts || kind == ArchiveKind::fields ||
                     kind == ArchiveKind::members)
    return OfParts<PartsOfValue<Type>>::least_bytes();
  else
    return kind == ArchiveKind::own ? 0 : 1;
}

/// Whether the bytes of a value are those of its numbers, one after the other, on this machine.
template <class Type>
consteval bool is_packed() {
  constexpr ArchiveKind kind = archive_kind<Type>();
  if constexpr (std::endian::native != std::endian::little || Versioned<Type> ||
                !std::is_trivially_copyable_v<Type>)
    return false;  // NOLINT(bugprone-branch-clone): as what no branch knows
  else if constexpr (kind == ArchiveKind::number)
    return true;
  else if constexpr (kind == ArchiveKind::array)
    return is_packed<typename ElementOf<Type>::type>();
  else if constexpr (kind == ArchiveKind::members)
    return OfParts<PartsOfValue<Type>>::fill(sizeof(Type));
  else
    return false;
}

/// A number for how a type is written: types that are written alike have the same. A constant, unless it takes `own_layout`.
template <class Type>
constexpr std::uint64_t layout_of() {
  constexpr ArchiveKind kind = archive_kind<Type>();
  constexpr std::uint64_t start = mix_layout(0, static_cast<std::uint64_t>(kind) + 1);
  if constexpr (Versioned<Type>) {
    // It says itself which version it is, and each may be written in another way.
    return mix_layout(mix_layout(0, static_cast<std::uint64_t>(ArchiveKind::own) + 1), 0x76657273);
  } else if constexpr (kind == ArchiveKind::number) {
    return mix_layout(mix_layout(start, sizeof(Type)), std::is_floating_point_v<Type> ? 1 : 0);
  } else if constexpr (kind == ArchiveKind::own) {
    if constexpr (requires { Type::archive_layout(); })
      return mix_layout(start, Type::archive_layout());
    else
      return own_layout<Type>();
  } else if constexpr (kind == ArchiveKind::list || kind == ArchiveKind::optional) {
    return mix_layout(start, layout_of<typename Type::value_type>());
  } else if constexpr (kind == ArchiveKind::array) {
    return mix_layout(mix_layout(start, array_size<Type>), layout_of<typename ElementOf<Type>::type>());
  } else {
    return OfParts<PartsOfValue<Type>>::layout(start);
  }
}

}  // namespace detail

/// A type that an archive can write and read: numbers, enums, durations, instants, strings; optionals, pairs, tuples, arrays and
/// vectors of these; types with an `archive` member; structs with WEIR_FIELDS, and plain structs of at most 16 members.
template <class Type>
concept Archivable = detail::is_archivable<Type>();

}  // namespace weir::inline v0

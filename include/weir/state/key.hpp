#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <weir/base/fields.hpp>
#include <weir/base/hash.hpp>
#include <weir/time/instant.hpp>

/// \file
/// What can be a key: integers, enums, booleans, instants, strings, and tuples, pairs and field structs of these.

namespace weir::inline v0 {

namespace detail {

template <class Type>
inline constexpr bool is_tuple = false;
template <class... Parts>
inline constexpr bool is_tuple<std::tuple<Parts...>> = true;
template <class First, class Second>
inline constexpr bool is_tuple<std::pair<First, Second>> = true;

template <class Type>
concept StringLike = std::is_convertible_v<const Type&, std::string_view>;
template <class Type>
concept WordLike = std::is_integral_v<Type> || std::is_enum_v<Type> || std::is_same_v<Type, EventTime> ||
    std::is_same_v<Type, Duration>;

template <class Type>
constexpr bool is_key();

/// Inside a tuple or a struct strings must own their bytes: the key is stored as it is.
template <class Type>
constexpr bool is_key_part() {
  return is_key<Type>() && (!StringLike<Type> || std::is_same_v<Type, std::string>);
}

template <class Tuple, std::size_t... Index>
constexpr bool are_keys(std::index_sequence<Index...>) {
  return (is_key_part<std::remove_cvref_t<std::tuple_element_t<Index, Tuple>>>() && ...);
}

template <class Type>
constexpr bool is_key() {
  if constexpr (WordLike<Type> || StringLike<Type>) {
    return true;
  } else if constexpr (is_tuple<Type>) {
    return are_keys<Type>(std::make_index_sequence<std::tuple_size_v<Type>>{});
  } else if constexpr (HasFields<Type>) {
    using Tied = decltype(weir_fields(std::declval<const Type&>()));
    return are_keys<Tied>(std::make_index_sequence<std::tuple_size_v<Tied>>{});
  } else {
    return false;
  }
}

}  // namespace detail

/// A type whose values can identify a key.
template <class Type>
concept Key = detail::is_key<Type>();

/// What a dictionary keeps of a key: strings are owned, everything else is stored as it is.
template <class Type>
using StoredKey = std::conditional_t<detail::StringLike<Type>, std::string, Type>;

namespace detail {

/// What a key is looked up by: strings by view, so that a look-up never allocates.
template <class Type>
using KeyView = std::conditional_t<StringLike<Type>, std::string_view, const Type&>;

/// How the keys of a batch are given.
template <class Type>
using BatchKey = std::conditional_t<StringLike<Type>, std::string_view, Type>;

/// A key that is no more than 64 bits.
template <class Type>
inline constexpr bool is_word = WordLike<Type> && sizeof(Type) <= sizeof(std::uint64_t);

/// The bits of such a key; different keys have different ones.
template <class Type>
requires is_word<Type>
[[nodiscard]] constexpr std::uint64_t word_of(const Type& key) noexcept {
  if constexpr (std::is_same_v<Type, EventTime>) {
    return static_cast<std::uint64_t>(ticks(key));
  } else if constexpr (std::is_same_v<Type, Duration>) {
    return static_cast<std::uint64_t>(key.count());
  } else {
    return static_cast<std::uint64_t>(key);
  }
}

template <class Type>
[[nodiscard]] std::uint64_t hash_key(const Type& key, const HashSeed& seed) noexcept {
  if constexpr (is_word<Type>) {
    return hash_word(word_of(key), seed);
  } else if constexpr (WordLike<Type>) {
    return hash_word(hash_word(static_cast<std::uint64_t>(key >> 64), seed) ^ static_cast<std::uint64_t>(key),
                     seed);
  } else if constexpr (StringLike<Type>) {
    return hash_bytes(key, seed);
  } else if constexpr (is_tuple<Type>) {
    return std::apply(
        [&seed](const auto&... parts) {
          std::uint64_t hash = 0;
          ((hash = hash_word(hash ^ hash_key(parts, seed), seed)), ...);
          return hash;
        },
        key);
  } else {
    return hash_key(weir_fields(key), seed);
  }
}

/// Part by part, because a struct with fields need not have an `==`.
template <class Stored, class Type>
[[nodiscard]] bool same_parts(const Stored& stored, const Type& key) noexcept {
  if constexpr (is_tuple<Type>) {
    return [&]<std::size_t... Index>(std::index_sequence<Index...>) {
      return (detail::same_parts(std::get<Index>(stored), std::get<Index>(key)) && ...);
    }
    (std::make_index_sequence<std::tuple_size_v<Type>>{});
  } else if constexpr (HasFields<Type>) {
    return detail::same_parts(weir_fields(stored), weir_fields(key));
  } else {
    return stored == key;
  }
}
template <class Type>
[[nodiscard]] bool same_key(const StoredKey<Type>& stored, KeyView<Type> key) noexcept {
  return detail::same_parts(stored, key);
}

/// Bytes that a stored key has taken beside its own size: those of strings that do not fit into themselves.
template <class Type>
[[nodiscard]] std::size_t owned_bytes(const Type& key) noexcept {
  if constexpr (std::is_same_v<Type, std::string>) {
    return key.capacity() > std::string().capacity() ? key.capacity() + 1 : 0;
  } else if constexpr (is_tuple<Type>) {
    return std::apply(
        [](const auto&... parts) { return (detail::owned_bytes(parts) + ... + std::size_t{0}); }, key);
  } else if constexpr (HasFields<Type>) {
    return detail::owned_bytes(weir_fields(key));
  } else {
    return 0;
  }
}

}  // namespace detail

}  // namespace weir::inline v0

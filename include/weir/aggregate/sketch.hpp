#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <weir/aggregate/distinct.hpp>
#include <weir/aggregate/options.hpp>
#include <weir/base/hash.hpp>

/// \file
/// What the sketches share: hashes of values, numbers that empty when they are moved from, words for options that make no sense.

namespace weir::inline v0::detail {

/// A number that is zero once it was moved from, as the vector beside it is empty then.
template <class T>
struct Emptied {
  T value{};

  constexpr Emptied() = default;
  constexpr Emptied(T x) : value(x) {}  // NOLINT(google-explicit-constructor): stands for the number
  constexpr Emptied(const Emptied&) = default;
  constexpr Emptied& operator=(const Emptied&) = default;
  constexpr Emptied(Emptied&& other) noexcept : value(std::exchange(other.value, T{})) {}
  constexpr Emptied& operator=(Emptied&& other) noexcept {
    value = std::exchange(other.value, T{});
    return *this;
  }
  constexpr ~Emptied() = default;
};

template <class T>
concept Text = std::is_convertible_v<const T&, std::string_view>;

template <class T>
consteval bool is_hashable() {
  if constexpr (Scalar<T> || Text<T>)
    return true;
  else if constexpr (PartsOf<T>::value)
    return []<std::size_t... i>(std::index_sequence<i...>) {
      return (sizeof...(i) > 0) && (is_hashable<std::remove_cvref_t<std::tuple_element_t<i, T>>>() && ...);
    }
  (std::make_index_sequence<std::tuple_size_v<T>>{});
  else return false;
}

/// Scalars, strings, and pairs and tuples of these.
template <class T>
concept Hashable = is_hashable<T>();

/// The same bytes on every machine.
[[nodiscard]] constexpr std::uint64_t little_endian(std::uint64_t word) {
  return std::endian::native == std::endian::little ? word : __builtin_bswap64(word);
}

/// XXH3 of a value: of its 8 bytes, of its text, or of those of its parts.
template <Hashable T>
[[nodiscard]] std::uint64_t hash_of(const T& x) {
  if constexpr (Scalar<T>) {
    const std::uint64_t word = little_endian(identity(x));
    return XXH3_64bits(&word, sizeof word);
  } else if constexpr (Text<T>) {
    const std::string_view text = x;
    return XXH3_64bits(text.data(), text.size());
  } else {
    return std::apply(
        [](const auto&... part) {
          const auto word_of = []<class P>(const P& p) {
            if constexpr (Scalar<P>)
              return identity(p);
            else
              return hash_of(p);
          };
          const std::array<std::uint64_t, sizeof...(part)> words{little_endian(word_of(part))...};
          return XXH3_64bits(words.data(), sizeof words);
        },
        x);
  }
}

}  // namespace weir::inline v0::detail

#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#define XXH_INLINE_ALL
#include <xxhash.h>

/// \file
/// Keyed hashing. A hash only finds a place; it is never an identity. Sketches, whose results are made of hashes,
/// have one of their own that has no key and is the same on every machine.

namespace weir::inline v0 {

/// The secret of a table: who does not know it cannot choose keys that collide.
struct HashSeed {
  std::uint64_t add = 0x9E3779B97F4A7C15;
  std::uint64_t multiply = 0xD6E8FEB86659FD93;

  /// Derives both words from one number.
  [[nodiscard]] static constexpr HashSeed from(std::uint64_t number) noexcept {
    const auto mix = [](std::uint64_t z) {
      z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
      z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
      return z ^ (z >> 31);
    };
    return {mix(number + 0x9E3779B97F4A7C15), mix(number + 0x3C6EF372FE94F82A) | 1};
  }
};

/// One multiplication, folded, and a second one, so that every bit of the word reaches both ends of the hash. The last step takes its
/// middle to its low end: without it one seed in some hundred puts words at equal distances into few places.
[[nodiscard]] inline std::uint64_t hash_word(std::uint64_t word, const HashSeed& seed) noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(word ^ seed.add) * seed.multiply;
  const auto folded = static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  const std::uint64_t hash = folded * 0x9E3779B97F4A7C15;
  return hash ^ hash >> 32;
}

/// XXH3 of a byte string.
[[nodiscard]] inline std::uint64_t hash_bytes(std::string_view bytes, const HashSeed& seed) noexcept {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed.add ^ seed.multiply);
}

}  // namespace weir::inline v0

#include <weir/base/hash.hpp>

#include <bit>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"

namespace {

using weir::hash_word;
using weir::HashSeed;

TEST_CASE("seeds from different numbers differ in both words, and the multiplier is odd") {
  std::set<std::uint64_t> adds;
  std::set<std::uint64_t> multipliers;
  for (std::uint64_t number = 0; number < 1'000; ++number) {
    const HashSeed seed = HashSeed::from(number);
    adds.insert(seed.add);
    multipliers.insert(seed.multiply);
    CHECK(seed.multiply % 2 == 1);
  }
  CHECK(adds.size() == 1'000);
  CHECK(multipliers.size() == 1'000);
}

TEST_CASE("one bit of a word changes about half of the bits of its hash") {
  const HashSeed seed = HashSeed::from(7);
  for (unsigned bit = 0; bit < 64; ++bit) {
    int changed = 0;
    for (std::uint64_t word = 0; word < 1'000; ++word) {
      changed += std::popcount(hash_word(word * 0x9E3779B97F4A7C15, seed) ^
                               hash_word(word * 0x9E3779B97F4A7C15 ^ std::uint64_t{1} << bit, seed));
    }
    CHECK(changed > 1'000 * 20);
    CHECK(changed < 1'000 * 44);
  }
}

TEST_CASE("neighbouring words spread evenly over the low and the high bits of their hashes") {
  const HashSeed seed = HashSeed::from(8);
  std::vector<int> low(128);
  std::vector<int> high(128);
  constexpr int words = 128 * 200;
  for (std::uint64_t word = 0; word < words; ++word) {
    ++low[hash_word(word, seed) % 128];
    ++high[hash_word(word, seed) >> 57];
  }
  for (std::size_t i = 0; i < 128; ++i) {
    CHECK(low[i] > 100);
    CHECK(low[i] < 300);
    CHECK(high[i] > 100);
    CHECK(high[i] < 300);
  }
}

TEST_CASE("the hash of bytes depends on the seed, on every byte and on the length") {
  const HashSeed seed = HashSeed::from(9);
  const std::string text(300, 'a');
  std::set<std::uint64_t> hashes;
  for (std::size_t length = 0; length <= text.size(); ++length) {
    hashes.insert(weir::hash_bytes(std::string_view(text).substr(0, length), seed));
    std::string changed = text;
    if (length < text.size()) changed[length] = 'b';
    hashes.insert(weir::hash_bytes(changed, seed));
  }
  CHECK(hashes.size() == 601);
  CHECK(weir::hash_bytes(text, seed) == weir::hash_bytes(text, HashSeed::from(9)));
  CHECK(weir::hash_bytes(text, seed) != weir::hash_bytes(text, HashSeed::from(10)));
}

}  // namespace

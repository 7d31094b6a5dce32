#include <weir/state/key_dictionary.hpp>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "catch.hpp"
#include "effort.hpp"

// Keys of somebody who knows the hash, but not the seed. What is counted is the work, not the time: lines of the index that
// a look-up reads, and bytes.

namespace {

using weir::HashSeed;
using weir::KeyDictionary;

struct Work {
  double lines = 0;  // a look-up, on average
  double bytes = 0;
  std::size_t refused = 0;
};

template <class Key>
Work work(const std::vector<Key>& keys, const HashSeed& seed) {
  KeyDictionary<Key> dictionary(seed, std::size_t{1} << 24);
  Work done;
  for (const Key& key : keys) done.refused += dictionary.intern(key) == weir::no_slot ? 1U : 0U;
  for (const Key& key : keys) done.lines += static_cast<double>(dictionary.lines_read(key));
  done.lines /= static_cast<double>(keys.size());
  done.bytes = static_cast<double>(dictionary.size_bytes());
  return done;
}

/// The most over seeds that nobody knows.
template <class Key>
Work most_work(const std::vector<Key>& keys, int seeds) {
  std::mt19937_64 random(5);
  Work most;
  for (int i = 0; i < seeds; ++i) {
    const Work one = work(keys, HashSeed::from(random()));
    most.lines = std::max(most.lines, one.lines);
    most.bytes = std::max(most.bytes, one.bytes);
    most.refused += one.refused;
  }
  return most;
}

std::uint64_t number(std::uint64_t i) { return i * 0x9E3779B97F4A7C15 ^ i >> 7; }
std::string text(std::uint64_t i) {
  const std::uint64_t bits = number(i);
  return "customer " + std::string(reinterpret_cast<const char*>(&bits), sizeof bits);
}
std::tuple<std::uint64_t, std::uint32_t> pair(std::uint64_t i) {
  return {number(i), static_cast<std::uint32_t>(i)};
}

/// The first keys of `make(0), make(1), ...` that a known seed sends to one line of few segments.
template <class Make>
auto forged(const HashSeed& seed, std::size_t count, Make&& make) {
  using Key = decltype(make(0));
  const KeyDictionary<Key> dictionary(seed, 1);
  std::vector<Key> keys;
  for (std::uint64_t i = 0; keys.size() < count; ++i) {
    Key key = make(i);
    const std::uint64_t hash = dictionary.hash(key);
    if (hash % 128 == 77 && hash >> 61 == 5) keys.push_back(std::move(key));
  }
  return keys;
}
template <class Make>
auto first(std::size_t count, Make&& make) {
  std::vector<decltype(make(0))> keys;
  for (std::uint64_t i = 0; i < count; ++i) keys.push_back(make(i));
  return keys;
}

template <class Make>
void check_forged(Make&& make) {
  constexpr std::size_t count = 1500;
  const HashSeed known = GENERATE(HashSeed{}, HashSeed::from(0), HashSeed::from(1));
  const auto keys = forged(known, count, make);
  const Work usual = most_work(first(count, make), 20);
  const Work collided = work(keys, known);
  INFO(collided.lines << " lines with the seed that is known, " << usual.lines << " of other keys");
  REQUIRE(collided.lines > 10 * usual.lines);  // so well are they made
  const Work got = most_work(keys, 20);
  CHECK(got.lines < 1.25 * usual.lines);
  CHECK(got.bytes <= 1.5 * usual.bytes);
  CHECK(got.refused == 0);
}

}  // namespace

TEST_CASE("numbers that collide under one seed are like any others under another") { check_forged(number); }

TEST_CASE("texts that collide under one seed are like any others under another") { check_forged(text); }

TEST_CASE("pairs that collide under one seed are like any others under another") { check_forged(pair); }

TEST_CASE("no pattern of numbers collides under a seed in hundreds") {
  constexpr std::uint64_t count = 1024;
  const int seeds = effort() == "long" ? 20'000 : effort() == "quick" ? 100 : 600;
  const double usual = most_work(first(count, number), seeds).lines;
  const auto check = [&](const std::string& name, auto make) {
    const Work got = most_work(first(count, make), seeds);
    INFO(name << ": " << got.lines << " lines, " << usual << " of others");
    CHECK(got.lines < 1.5 * usual);
    CHECK(got.refused == 0);
  };
  for (unsigned shift = 0; shift <= 54; shift += 6)
    check("multiples of 2^" + std::to_string(shift), [shift](std::uint64_t i) { return i << shift; });
  check("turned round", [](std::uint64_t i) {
    std::uint64_t turned = 0;
    for (unsigned bit = 0; bit < 64; ++bit) turned |= (i >> bit & 1) << (63 - bit);
    return turned;
  });
  check("the same in both halves", [](std::uint64_t i) { return i << 32 | i; });
  check("with their complements", [](std::uint64_t i) { return i % 2 == 0 ? i / 2 : ~(i / 2); });
  check("high and low bits", [](std::uint64_t i) { return i / 32 << 56 | i % 32; });
  // 2^64 + 1 is the product of these: a multiple of it folds to nothing.
  check("multiples of a factor", [](std::uint64_t i) { return i * 274'177; });
  check("multiples of the other", [](std::uint64_t i) { return i * 67'280'421'310'721; });
  check("multiples of the last multiplier", [](std::uint64_t i) { return i * 0x9E3779B97F4A7C15; });
  check("of its inverse", [](std::uint64_t i) { return i * 0xF1DE83E19937733D; });
}

TEST_CASE("no pattern of texts, pairs or times collides under a seed in hundreds") {
  constexpr std::uint64_t count = 1024;
  const int seeds = effort() == "long" ? 20'000 : effort() == "quick" ? 100 : 300;
  const auto check = [&](const std::string& name, auto like, auto make) {
    const double usual = most_work(first(count, like), seeds).lines;
    const Work got = most_work(first(count, make), seeds);
    INFO(name << ": " << got.lines << " lines, " << usual << " of others");
    CHECK(got.lines < 1.5 * usual);
    CHECK(got.refused == 0);
  };
  const auto bytes = [](std::initializer_list<std::uint64_t> words) {
    std::string out;
    for (const std::uint64_t word : words) out.append(reinterpret_cast<const char*>(&word), sizeof word);
    return out;
  };
  // XXH3 has a way of its own for each range of lengths.
  check("3 bytes", text, [&](std::uint64_t i) { return bytes({i}).substr(0, 3); });
  check("8 bytes", text, [&](std::uint64_t i) { return bytes({i << 48}); });
  check("16 bytes", text, [&](std::uint64_t i) { return bytes({i, ~i}); });
  check("48 bytes", text, [&](std::uint64_t i) { return bytes({i, 0, 0, ~i, i, 0}); });
  check("160 bytes", text, [&](std::uint64_t i) { return std::string(144, 'x') + bytes({i << 32, i}); });
  check("512 bytes", text, [&](std::uint64_t i) { return bytes({i << 50}) + std::string(504, '\0'); });
  using Pair = std::tuple<std::uint64_t, std::uint32_t>;
  check("a grid", pair, [](std::uint64_t i) { return Pair{i / 32, i % 32}; });
  check("high parts", pair, [](std::uint64_t i) { return Pair{i << 54, 0}; });
  check("equal parts", pair, [](std::uint64_t i) { return Pair{i, static_cast<std::uint32_t>(i)}; });
  check(
      "days", [](std::uint64_t i) { return weir::event_time(static_cast<std::int64_t>(number(i))); },
      [](std::uint64_t i) { return weir::event_time(static_cast<std::int64_t>(i) * 86'400'000'000); });
}

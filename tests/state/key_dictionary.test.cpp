#include <weir/state/key_dictionary.hpp>

#include <algorithm>
#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "catch.hpp"

namespace host {

struct City {
  std::string name;
};
WEIR_FIELDS(City, name);
struct Branch {
  City city;
  int number = 0;
};
WEIR_FIELDS(Branch, city, number);

/// Can be copied, and not moved.
struct Copied {
  Copied() = default;
  explicit Copied(std::string text) : name(std::move(text)) {}
  Copied(const Copied&) = default;
  Copied& operator=(const Copied&) = default;
  ~Copied() = default;
  std::string name;
};
WEIR_FIELDS(Copied, name);

[[maybe_unused]] std::string owned_bytes(const City& city) { return city.name; }  // is not weir's

}  // namespace host

namespace {

template <class Key, class View>
weir::Slot intern(weir::KeyDictionary<Key>& dictionary, const View& key) {
  weir::Slot slot = weir::no_slot;
  dictionary.intern(
      1, [&](std::size_t) -> const View& { return key; }, &slot);
  return slot;
}

/// Random interning, looking up and reclaiming, against a map.
template <class Key, class Make>
void check_random(std::uint64_t seed, std::size_t most_keys, std::size_t steps, std::uint64_t domain,
                  Make&& make) {
  weir::KeyDictionary<Key> dictionary(weir::HashSeed::from(seed), most_keys);
  std::unordered_map<std::string, weir::Slot> expected;
  std::vector<bool> held;
  std::mt19937_64 random(seed);
  const auto name = [](const Key& key) {
    if constexpr (std::is_same_v<Key, std::string>) {
      return key;
    } else {
      return std::to_string(key);
    }
  };
  std::size_t reclaimed = 0;
  for (std::size_t i = 0; i < steps; ++i) {
    if (random() % 16 == 0) {
      std::set<weir::Slot> kept;
      for (weir::Slot slot = 0; slot < dictionary.slot_bound(); ++slot) {
        if (random() % 2 == 0) kept.insert(slot);
      }
      std::set<weir::Slot> dropped;
      dictionary.reclaim(random() % 32, [&](weir::Slot slot) {
        if (kept.count(slot) == 0) dropped.insert(slot);
        return kept.count(slot) != 0;
      });
      for (auto at = expected.begin(); at != expected.end();) {
        if (dropped.count(at->second) != 0) {
          at = expected.erase(at);
          ++reclaimed;
        } else {
          ++at;
        }
      }
      REQUIRE(dictionary.size() == expected.size());
      continue;
    }
    const Key key = make(random() % domain);
    const auto known = expected.find(name(key));
    REQUIRE(dictionary.find(key) == (known == expected.end() ? weir::no_slot : known->second));
    const weir::Slot slot = intern(dictionary, key);
    if (known != expected.end()) {
      REQUIRE(slot == known->second);
    } else if (expected.size() >= most_keys) {
      REQUIRE(slot == weir::no_slot);
      continue;
    } else {
      REQUIRE(slot < dictionary.slot_bound());
      bool is_free = true;
      for (const auto& [other, of_other] : expected) is_free = is_free && of_other != slot;
      REQUIRE(is_free);
      expected.emplace(name(key), slot);
    }
    REQUIRE(name(dictionary.key(slot)) == name(key));
  }
  CHECK(reclaimed > 50);
}

TEST_CASE("integers keep their slots until they are taken back, and no two keys share one") {
  check_random<std::int64_t>(1, 1 << 20, 6'000, 200,
                             [](std::uint64_t i) { return static_cast<std::int64_t>(i) - 100; });
}

TEST_CASE("strings keep their slots until they are taken back") {
  check_random<std::string>(2, 1 << 20, 6'000, 200, [](std::uint64_t i) {
    return i % 3 == 0 ? std::string(i, 'x') : "key " + std::to_string(i);
  });
}

TEST_CASE(
    "a full dictionary refuses new keys, knows the old ones, and takes new ones again after reclaiming") {
  check_random<std::int64_t>(3, 20, 6'000, 60, [](std::uint64_t i) { return static_cast<std::int64_t>(i); });
}

TEST_CASE("sweeping keeps at most three times the keys that are held, however many come and go") {
  weir::KeyDictionary<std::int64_t> dictionary(weir::HashSeed::from(6), 1 << 20);
  constexpr std::int64_t held = 1'000;
  for (std::int64_t key = 0; key < 100'000; ++key) {
    intern(dictionary, key);
    dictionary.sweep([&](weir::Slot slot) { return dictionary.key(slot) > key - held; });
    REQUIRE(dictionary.size() <= 3 * held);
    REQUIRE(dictionary.find(std::max<std::int64_t>(0, key - held + 1)) != weir::no_slot);
  }
  CHECK(dictionary.slot_bound() <= 3 * held);
}

TEST_CASE("keys that are not held for a while, but come again, keep their slots in the end") {
  weir::KeyDictionary<std::int64_t> dictionary(weir::HashSeed::from(7), 1 << 20);
  constexpr std::int64_t keys = 10'000;
  std::vector<bool> is_held(keys, false);
  std::size_t added = 0;
  for (int round = 0; round < 20; ++round) {
    is_held.assign(keys, false);
    if (round == 10) added = 0;
    for (std::int64_t key = 0; key < keys; ++key) {
      added += dictionary.find(key) == weir::no_slot ? 1U : 0U;
      const weir::Slot slot = intern(dictionary, key);
      is_held[static_cast<std::size_t>(key)] = true;
      REQUIRE(dictionary.key(slot) == key);
      dictionary.sweep(
          [&](weir::Slot one) { return is_held[static_cast<std::size_t>(dictionary.key(one))]; });
    }
  }
  CHECK(added == 0);
}

TEST_CASE("very many keys in batches, staged and unstaged, are numbered in the order in which they come") {
  weir::KeyDictionary<std::int64_t> dictionary(weir::HashSeed::from(4), 1 << 20);
  constexpr std::int64_t count = 100'000;
  std::vector<weir::Slot> slots(256);
  for (int round = 0; round < 2; ++round) {
    for (std::int64_t from = 0; from < count; from += 250) {
      dictionary.intern(
          250, [from](std::size_t i) { return (from + static_cast<std::int64_t>(i)) * 0x10001; },
          slots.data());
      for (std::size_t i = 0; i < 250; ++i) REQUIRE(slots[i] == static_cast<weir::Slot>(from) + i);
    }
  }
  CHECK(dictionary.size() == count);
  CHECK(dictionary.size_bytes() < std::size_t{16} << 20);
}

TEST_CASE("a batch of strings that exist only during the call is interned by value") {
  weir::KeyDictionary<std::string> dictionary(weir::HashSeed::from(5), 1 << 20);
  const bool is_large = GENERATE(false, true);
  const std::int64_t already = is_large ? 20'000 : 0;  // above this many keys look-ups are staged
  for (std::int64_t i = 0; i < already; ++i) intern(dictionary, "filler " + std::to_string(i));
  std::vector<weir::Slot> slots(200);
  const auto name = [](std::size_t i) {
    return "a key that is longer than fifteen characters " + std::to_string(i % 50);
  };
  dictionary.intern(200, name, slots.data());
  for (std::size_t i = 0; i < 200; ++i) {
    REQUIRE(slots[i] != weir::no_slot);
    CHECK(dictionary.key(slots[i]) == name(i));
  }
  CHECK(dictionary.size() == static_cast<std::size_t>(already) + 50);
}

TEST_CASE("another hash seed gives other hashes, but the same keys") {
  const weir::KeyDictionary<std::int64_t> one(weir::HashSeed::from(1), 10);
  const weir::KeyDictionary<std::int64_t> two(weir::HashSeed::from(2), 10);
  int same = 0;
  for (std::int64_t key = 0; key < 1000; ++key) same += one.hash(key) == two.hash(key) ? 1 : 0;
  CHECK(same == 0);
}

const std::string long_name(40, 'x');

TEST_CASE("structs with fields are keys inside of others, by their fields") {
  weir::KeyDictionary<host::Branch> branches(weir::HashSeed{}, 100);
  const weir::Slot slot = branches.intern({{"Leeds"}, 1});
  CHECK(branches.intern({{"Leeds"}, 2}) != slot);
  CHECK(branches.intern({{"York"}, 1}) != slot);
  CHECK(branches.intern({{"Leeds"}, 1}) == slot);
  CHECK(branches.size() == 3);

  weir::KeyDictionary<std::tuple<host::City, int>> pairs(weir::HashSeed{}, 100);
  const weir::Slot pair = pairs.intern({{"Leeds"}, 1});
  CHECK(pairs.intern({{"Leeds"}, 2}) != pair);
  CHECK(pairs.intern({{"Leeds"}, 1}) == pair);
}

TEST_CASE("what long keys own is counted while they have a slot, and then given back") {
  const auto check = [](auto& dictionary, auto make) {
    for (int i = 0; i < 1000; ++i) static_cast<void>(dictionary.intern(make(i)));
    CHECK(dictionary.owned_bytes() >= 1000 * long_name.size());
    CHECK(dictionary.owned_bytes() <= 2000 * long_name.size());
    const std::size_t rest = dictionary.size_bytes() - dictionary.owned_bytes();
    dictionary.reclaim(2000, [](weir::Slot) { return false; });
    CHECK(dictionary.size() == 0);
    CHECK(dictionary.owned_bytes() == 0);
    CHECK(dictionary.size_bytes() <= rest);
    for (int i = 0; i < 1000; ++i) {  // again and again in one slot
      static_cast<void>(dictionary.intern(make(i)));
      dictionary.reclaim(2000, [](weir::Slot) { return false; });
    }
    CHECK(dictionary.owned_bytes() == 0);
  };
  const auto text = [](int i) { return long_name + std::to_string(i); };
  weir::KeyDictionary<std::string> strings(weir::HashSeed{}, 1000);
  check(strings, text);
  weir::KeyDictionary<host::Branch> branches(weir::HashSeed{}, 1000);
  check(branches, [&](int i) { return host::Branch{{text(i)}, i}; });
  weir::KeyDictionary<host::Copied> copied(weir::HashSeed{}, 1000);
  check(copied, [&](int i) {
    return host::Copied(text(i % 7) + std::string(static_cast<std::size_t>(i % 40), 'y') + std::to_string(i));
  });
  weir::KeyDictionary<int> numbers(weir::HashSeed{}, 1000);
  static_cast<void>(numbers.intern(1));
  CHECK(numbers.owned_bytes() == 0);
}

}  // namespace

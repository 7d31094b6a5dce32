#include <weir/view/published_map.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "effort.hpp"

namespace {

using weir::HashSeed;
using weir::detail::PublishedMap;
using weir::detail::ReadOutcome;

using Numbers = PublishedMap<std::uint64_t, std::uint64_t>;
using Strings = PublishedMap<std::string, std::string>;

// ---------------------------------------------------------------------------------------------------- one
// thread

TEST_CASE("a reader sees the newest row of a key, and none before the first and after it is erased") {
  Strings map;
  const Strings::Reader reader = map.reader();
  std::string row = "untouched";
  CHECK(reader.read("ada", row) == ReadOutcome::missing);
  CHECK(row == "untouched");
  CHECK(map.publish("ada", "first"));
  CHECK(map.publish("grace", std::string(100, 'g')));
  CHECK(map.publish("ada", "second"));
  CHECK(map.size() == 2);
  CHECK(reader.read("ada", row) == ReadOutcome::found);
  CHECK(row == "second");
  CHECK(map.erase("ada"));
  CHECK(!map.erase("ada"));
  CHECK(reader.read("ada", row) == ReadOutcome::missing);
  CHECK(reader.read("grace", row) == ReadOutcome::found);
  CHECK(row == std::string(100, 'g'));
  CHECK(map.size() == 1);
}

TEST_CASE("a key of several parts is compared in full") {
  PublishedMap<std::tuple<std::string, int>, double> map{HashSeed{0, 0}};  // all hashes are alike
  const auto reader = map.reader();
  for (int i = 0; i < 100; ++i) REQUIRE(map.publish({i % 2 == 0 ? "even" : "odd", i}, i));
  double row = 0;
  for (int i = 0; i < 100; ++i) {
    REQUIRE(reader.read({i % 2 == 0 ? "even" : "odd", i}, row) == ReadOutcome::found);
    REQUIRE(row == i);
    REQUIRE(reader.read({i % 2 == 1 ? "even" : "odd", i}, row) == ReadOutcome::missing);
  }
}

TEST_CASE("a batch calls back for each key in turn") {
  Strings map;
  for (int i = 0; i < 1'000; ++i) REQUIRE(map.publish(std::to_string(i), std::to_string(i * i)));
  const auto reader = map.reader();
  std::vector<std::string> names;
  for (int i = 0; i < 300; ++i) names.push_back(std::to_string(i * 7));  // those above 999 are missing
  const std::vector<std::string_view> keys(names.begin(), names.end());
  std::size_t next = 0;
  const ReadOutcome all = reader.read_all(keys, [&](std::size_t i, const std::string* row) {
    REQUIRE(i == next++);
    REQUIRE((row != nullptr) == (i * 7 < 1'000));
    if (row != nullptr) REQUIRE(*row == std::to_string(i * 7 * i * 7));
  });
  CHECK(next == 300);
  CHECK(all == ReadOutcome::missing);
  const auto ignore = [](std::size_t, const std::string*) {};
  CHECK(reader.read_all(std::span(keys).first(100), ignore) == ReadOutcome::found);
  CHECK(reader.read_all({}, ignore) == ReadOutcome::found);
  map.close();
  CHECK(reader.read_all(keys, [](std::size_t, const std::string*) { FAIL(); }) == ReadOutcome::closed);
}

TEST_CASE("a reader that outlives its map reads closed, and so does one of no map") {
  std::optional<Strings> map(std::in_place);
  REQUIRE(map->publish("ada", "first"));
  Strings::Reader reader = map->reader();
  std::string row;
  CHECK(reader.read("ada", row) == ReadOutcome::found);
  map.reset();
  CHECK(reader.read("ada", row) == ReadOutcome::closed);
  CHECK(row == "first");
  Strings::Reader moved = std::move(reader);
  CHECK(moved.read("ada", row) == ReadOutcome::closed);
  moved = Strings::Reader();
  CHECK(moved.read("ada", row) == ReadOutcome::closed);
}

TEST_CASE("closing gives the rows' memory back while readers remain") {
  Numbers map;
  const auto reader = map.reader();
  for (std::uint64_t key = 0; key < 10'000; ++key) REQUIRE(map.publish(key, key));
  CHECK(map.size_bytes() > 10'000 * 16);
  map.close();
  map.close();
  CHECK(map.size() == 0);
  CHECK(map.size_bytes() < 4'096 * 2);
  std::uint64_t row = 0;
  CHECK(reader.read(1, row) == ReadOutcome::closed);
}

TEST_CASE("as many keys with one hash as a segment holds are kept, and the next is refused") {
  Numbers map{HashSeed{0, 0}};
  std::uint64_t kept = 0;
  while (kept < 1'000 && map.publish(kept, kept * 3)) ++kept;
  CHECK(kept == 448);
  CHECK(map.size() == kept);
  CHECK(map.size_bytes() < 200'000);
  const auto reader = map.reader();
  std::uint64_t row = 0;
  for (std::uint64_t key = 0; key < kept; ++key) {
    REQUIRE(reader.read(key, row) == ReadOutcome::found);
    REQUIRE(row == key * 3);
  }
  CHECK(reader.read(kept, row) == ReadOutcome::missing);
  CHECK(map.publish(7, std::uint64_t{1}));  // there is room for what is there
  CHECK(map.erase(3));
  CHECK(map.publish(kept, kept));
  CHECK(reader.read(kept, row) == ReadOutcome::found);
}

// ------------------------------------------------------------------------------------------------------ the
// model

/// Random calls against a std::map, in phases that grow, churn and shrink the map.
template <class Map, class KeyOf>
void compare_with_map(Map& map, std::uint64_t seed, std::size_t steps, std::uint64_t keys, KeyOf&& key_of) {
  using Value = std::string;
  std::mt19937_64 random(seed);
  std::map<std::uint64_t, Value> model;
  const auto reader = map.reader();
  Value row;
  for (std::size_t i = 0; i < steps; ++i) {
    const std::size_t phase = i * 8 / steps;
    const std::uint64_t number = random() % (phase % 4 == 2 ? keys / 50 + 1 : keys);
    const std::uint64_t erasing = phase % 4 == 3 ? 9 : phase % 4 == 1 ? 4 : 1;
    if (random() % 10 < erasing) {
      REQUIRE(map.erase(key_of(number)) == (model.erase(number) != 0));
    } else {
      Value value = std::to_string(random()) + std::string(random() % 24, 'x');
      REQUIRE(map.publish(key_of(number), value));
      model[number] = std::move(value);
    }
    const std::uint64_t asked = random() % keys;
    const auto at = model.find(asked);
    const ReadOutcome outcome = reader.read(key_of(asked), row);
    REQUIRE(outcome == (at == model.end() ? ReadOutcome::missing : ReadOutcome::found));
    if (at != model.end()) REQUIRE(row == at->second);
    REQUIRE(map.size() == model.size());
    if (random() % (steps / 10) == 0) map.collect();
  }
  for (std::uint64_t number = 0; number < keys; ++number) {
    const auto at = model.find(number);
    REQUIRE((reader.read(key_of(number), row) == ReadOutcome::found) == (at != model.end()));
    if (at != model.end()) REQUIRE(row == at->second);
  }
}

TEST_CASE("random calls give what a std::map gives") {
  const std::size_t steps = effort() == "quick" ? 60'000 : effort() == "long" ? 20'000'000 : 400'000;
  const std::uint64_t seed = GENERATE(1U, 2U, 3U);
  SECTION("numbers") {
    PublishedMap<std::uint64_t, std::string> map(HashSeed::from(seed));
    compare_with_map(map, seed, steps, 20'000, [](std::uint64_t number) { return number * 977; });
  }
  SECTION("strings, short and long") {
    Strings map(HashSeed::from(seed));
    compare_with_map(map, seed, steps, 20'000, [](std::uint64_t number) {
      return std::to_string(number) + std::string(number % 3 * 20, '-');
    });
  }
  SECTION("hashes that differ in few bits") {
    PublishedMap<std::uint64_t, std::string> map(HashSeed{0, std::uint64_t{1} << 58});
    compare_with_map(map, seed, steps / 4, 400, [](std::uint64_t number) { return number; });
  }
}

// ---------------------------------------------------------------------------------------------------------
// memory

struct Wide {
  std::array<std::uint64_t, 7> words{};
};
using WideRows = PublishedMap<std::uint64_t, Wide>;

std::uint64_t scattered(std::uint64_t i) { return i * 0x9E3779B97F4A7C15; }

std::size_t fresh_bytes(std::uint64_t first, std::uint64_t count, std::uint64_t step) {
  WideRows map;
  for (std::uint64_t i = 0; i < count; ++i) REQUIRE(map.publish(scattered(first + i * step), Wide{}));
  return map.size_bytes();
}

TEST_CASE("replacing rows allocates nothing once the map has room for what waits") {
  WideRows map;
  const auto reader = map.reader();
  for (std::uint64_t i = 0; i < 50'000; ++i) REQUIRE(map.publish(scattered(i), Wide{}));
  std::mt19937_64 random(1);
  const auto replace = [&](int times) {
    for (int i = 0; i < times; ++i) REQUIRE(map.publish(scattered(random() % 50'000), Wide{}));
  };
  replace(50'000);
  const std::size_t before = map.size_bytes();
  CHECK(before < 50'000 * (64 + 27) * 11 / 10);
  for (int round = 0; round < 20; ++round) {
    replace(10'000);
    REQUIRE(map.size_bytes() == before);
  }
}

TEST_CASE("memory follows the keys: churn, a shrinking map and an empty one") {
  const std::uint64_t keys = effort() == "quick" ? 40'000 : 200'000;
  WideRows map;
  const auto reader = map.reader();
  const std::size_t empty = map.size_bytes();
  for (std::uint64_t i = 0; i < keys; ++i) REQUIRE(map.publish(scattered(i), Wide{}));
  const std::size_t full = map.size_bytes();
  REQUIRE(full == fresh_bytes(0, keys, 1) + sizeof(weir::detail::ReaderPlace));

  // Five times as many keys come and go as there are at any time.
  for (std::uint64_t i = 0; i < 5 * keys; ++i) {
    REQUIRE(map.erase(scattered(i)));
    REQUIRE(map.publish(scattered(i + keys), Wide{}));
    if (i % 4'096 == 0) REQUIRE(map.size_bytes() < full * 13 / 10);
  }
  CHECK(map.size() == keys);
  map.collect();
  CHECK(map.size_bytes() < full * 11 / 10);

  // All but every tenth expire: what is left lies scattered over all slabs and segments.
  for (std::uint64_t i = 5 * keys; i < 6 * keys; ++i)
    if (i % 10 != 0) REQUIRE(map.erase(scattered(i)));
  const std::size_t tenth = fresh_bytes(5 * keys, keys / 10, 10);
  CHECK(map.size_bytes() < tenth * 17 / 10 + 131'072);
  map.collect();
  CHECK(map.size_bytes() < tenth * 11 / 10);
  Wide row;
  for (std::uint64_t i = 5 * keys; i < 6 * keys; ++i)
    REQUIRE(reader.read(scattered(i), row) == (i % 10 == 0 ? ReadOutcome::found : ReadOutcome::missing));

  for (std::uint64_t i = 5 * keys; i < 6 * keys; i += 10) REQUIRE(map.erase(scattered(i)));
  map.collect();
  CHECK(map.size() == 0);
  CHECK(map.size_bytes() <= empty + 4'096 * 2);
}

/// Counts its living copies, and can be told to fail at the n-th.
struct Counted {
  static inline std::atomic<int> living = 0;
  static inline int fails_in = 0;
  std::uint64_t number = 0;
  std::string text;

  explicit Counted(std::uint64_t n) : number(n), text(40, 'c') { ++living; }
  Counted(const Counted& other) : number(other.number), text(other.text) {
    if (fails_in > 0 && --fails_in == 0) throw std::runtime_error("no copy");
    ++living;
  }
  Counted& operator=(const Counted& other) = default;
  ~Counted() { --living; }
};

TEST_CASE("every value is ended once, whatever became of its row") {
  {
    PublishedMap<std::uint64_t, Counted> map;
    const auto reader = map.reader();
    std::mt19937_64 random(4);
    for (int i = 0; i < 30'000; ++i) {
      const std::uint64_t key = random() % 3'000;
      if (random() % 3 == 0) {
        map.erase(key);
      } else {
        REQUIRE(map.publish(key, Counted(key)));
      }
    }
    CHECK(Counted::living >= static_cast<int>(map.size()));
    map.collect();
    CHECK(Counted::living == static_cast<int>(map.size()));
  }
  CHECK(Counted::living == 0);
}

TEST_CASE("a value that cannot be copied leaves the rows as they were") {
  PublishedMap<std::uint64_t, Counted> map;
  const auto reader = map.reader();
  Counted row(0);
  for (std::uint64_t key = 0; key < 2'000; ++key) REQUIRE(map.publish(key, Counted(key)));
  const Counted next(1);
  for (std::uint64_t key = 1'990; key < 2'010; ++key) {
    Counted::fails_in = 1;
    CHECK_THROWS_AS(map.publish(key, next), std::runtime_error);
    CHECK(map.size() == 2'000);
    CHECK(reader.read(key, row) == (key < 2'000 ? ReadOutcome::found : ReadOutcome::missing));
    if (key < 2'000) CHECK(row.number == key);
  }
  for (std::uint64_t key = 0; key < 1'900; ++key) REQUIRE(map.erase(key));
  Counted::fails_in = 5;
  try {
    map.collect();
  } catch (const std::runtime_error&) {}
  Counted::fails_in = 0;
  for (std::uint64_t key = 1'900; key < 2'000; ++key) {
    REQUIRE(reader.read(key, row) == ReadOutcome::found);
    REQUIRE(row.number == key);
  }
  map.collect();
  CHECK(Counted::living == 102);
}

}  // namespace

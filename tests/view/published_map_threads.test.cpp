#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <weir/view/published_map.hpp>

#include "catch.hpp"
#include "effort.hpp"

// Published maps with readers on threads of their own. What they find is counted there and checked after they
// ended.

namespace {

using weir::detail::PublishedMap;
using weir::detail::ReadOutcome;

/// A row that says of itself whether it is whole.
struct Checked {
  std::uint64_t key = 0;
  std::uint64_t version = 0;
  std::array<std::uint64_t, 4> words{};
  std::uint64_t sum = 0;

  Checked() = default;
  Checked(std::uint64_t of, std::uint64_t which) : key(of), version(which) {
    for (std::size_t i = 0; i < words.size(); ++i)
      words[i] = (key ^ (version << 20) ^ i) * 0x9E3779B97F4A7C15;
    sum = total();
  }
  [[nodiscard]] std::uint64_t total() const {
    std::uint64_t all = key * 3 + version * 5;
    for (const std::uint64_t word : words) all = all * 31 + word;
    return all;
  }
  [[nodiscard]] bool is_whole(std::uint64_t under) const { return key == under && sum == total(); }
};
/// The same in a string, most of it on the heap.
struct CheckedText {
  std::string text;
  std::uint64_t version = 0;

  CheckedText() = default;
  CheckedText(std::uint64_t key, std::uint64_t which)
      : text(std::to_string(key) + "/" + std::to_string(which) + std::string(30, '.')), version(which) {}
  [[nodiscard]] bool is_whole(std::uint64_t key) const { return text == CheckedText(key, version).text; }
};

struct Stress {
  std::uint64_t keys;
  std::uint64_t writes;
  std::uint64_t reads;  // at least, by each of two readers
};
struct Seen {
  std::uint64_t reads = 0;
  std::uint64_t torn = 0;
  std::uint64_t backwards = 0;  // an older version after a newer one
  std::uint64_t lost = 0;       // missing, though it was there all the time
};

/// What one reader finds, single reads and batches in turn, until the writer is done and it has read enough.
template <class Value, class Reader>
Seen read_until(const Reader& reader, const std::atomic<bool>& is_done, const Stress& stress,
                std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::uint64_t> newest(stress.keys);
  std::array<std::uint64_t, 50> batch{};
  Seen seen;
  const auto judge = [&](std::uint64_t key, const Value* row) {
    ++seen.reads;
    if (row == nullptr) {
      seen.lost += key % 2 == 0 ? 1 : 0;
      return;
    }
    seen.torn += row->is_whole(key) ? 0 : 1;
    seen.backwards += row->version < newest[key] ? 1 : 0;
    newest[key] = row->version;
  };
  Value row;
  while (!is_done.load(std::memory_order_acquire) || seen.reads < stress.reads) {
    const std::uint64_t first = random();
    for (std::size_t i = 0; i < batch.size(); ++i) batch[i] = (first + i * 37) % stress.keys;  // each once
    for (const std::uint64_t key : batch)
      judge(key, reader.read(key, row) == ReadOutcome::found ? &row : nullptr);
    static_cast<void>(reader.read_all(std::span<const std::uint64_t>(batch),
                                      [&](std::size_t i, const Value* found) { judge(batch[i], found); }));
  }
  return seen;
}

/// Two readers look while the writer replaces all rows, and takes odd ones away and brings them back, in
/// waves that let segments split and merge and slabs fill and drain.
template <class Value>
void stress_map(const Stress& stress) {
  PublishedMap<std::uint64_t, Value> map;
  for (std::uint64_t key = 0; key < stress.keys; key += 2) REQUIRE(map.publish(key, Value(key, 0)));
  std::atomic<bool> is_done = false;
  std::array<Seen, 2> seen;
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < seen.size(); ++i) {
    threads.emplace_back(
        [&, i, reader = map.reader()] { seen[i] = read_until<Value>(reader, is_done, stress, i + 1); });
  }
  std::mt19937_64 random(9);
  bool is_published = true;
  for (std::uint64_t version = 1; version <= stress.writes; ++version) {
    const bool is_shrinking = version / stress.keys % 2 == 1;
    const std::uint64_t key = random() % stress.keys;
    if (key % 2 == 1 && random() % 8 < (is_shrinking ? 7U : 1U)) {
      map.erase(key);
    } else if (key % 2 == 0 || !is_shrinking) {
      is_published = map.publish(key, Value(key, version)) && is_published;
    }
    if (version % (stress.keys * 3) == 0) map.collect();
  }
  is_done.store(true, std::memory_order_release);
  for (std::thread& thread : threads) thread.join();
  CHECK(is_published);
  for (const Seen& one : seen) {
    CHECK(one.reads >= stress.reads);
    CHECK(one.torn == 0);
    CHECK(one.backwards == 0);
    CHECK(one.lost == 0);
  }
  map.collect();
  CHECK(map.size_bytes() < map.size() * (sizeof(Value) + 8 + 40) * 11 / 10 + 65'536);
}

TEST_CASE("readers on two threads see whole rows, never an older one after a newer, and lose none") {
  const Stress stress = effort() == "quick"  ? Stress{3'000, 60'000, 40'000}
                        : effort() == "long" ? Stress{20'000, 10'000'000, 50'000'000}
                                             : Stress{8'000, 1'000'000, 1'000'000};
  stress_map<Checked>(stress);
}

TEST_CASE("rows that hold strings are copied whole while the writer replaces them") {
  const Stress stress = effort() == "quick"  ? Stress{2'000, 30'000, 20'000}
                        : effort() == "long" ? Stress{20'000, 3'000'000, 3'000'000}
                                             : Stress{4'000, 200'000, 200'000};
  stress_map<CheckedText>(stress);
}

TEST_CASE("readers come and go on other threads, and use each other's places") {
  PublishedMap<std::uint64_t, std::uint64_t> map;
  REQUIRE(map.publish(1, std::uint64_t{0}));
  const int rounds = effort() == "quick" ? 300 : 3'000;
  std::atomic<int> wrong = 0;
  std::atomic<int> running = 2;
  const auto come_and_go = [&] {
    std::uint64_t before = 0;
    for (int i = 0; i < rounds; ++i) {
      const auto reader = map.reader();
      std::uint64_t row = 0;
      if (reader.read(1, row) != ReadOutcome::found || row < before) ++wrong;
      before = row;
    }
    --running;
  };
  std::thread one(come_and_go);
  std::thread other(come_and_go);
  std::uint64_t version = 0;
  while (running != 0) REQUIRE(map.publish(1, ++version));
  one.join();
  other.join();
  CHECK(wrong == 0);
  map.collect();
  CHECK(map.size_bytes() < 65'536);
}

TEST_CASE("a map that is closed under its readers lets each finish") {
  for (int round = 0; round < 20; ++round) {
    std::optional<PublishedMap<std::uint64_t, CheckedText>> map(std::in_place);
    for (std::uint64_t key = 0; key < 100; ++key) REQUIRE(map->publish(key, CheckedText(key, 1)));
    std::atomic<int> reading = 0;
    std::atomic<int> wrong = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i) {
      threads.emplace_back([&, reader = map->reader()] {
        CheckedText row;
        ++reading;
        for (std::uint64_t key = 0;; key = (key + 1) % 100) {
          const ReadOutcome outcome = reader.read(key, row);
          if (outcome == ReadOutcome::closed) break;
          if (outcome != ReadOutcome::found || !row.is_whole(key)) ++wrong;
        }
      });
    }
    while (reading != 2) std::this_thread::yield();
    map.reset();
    for (std::thread& thread : threads) thread.join();
    REQUIRE(wrong == 0);
  }
}

/// A value whose copy into a reader's hands waits until it is let go.
struct Slow {
  static inline std::atomic<int> waiting = 0;
  static inline std::atomic<bool> is_held = false;
  std::uint64_t number = 0;

  Slow() = default;
  explicit Slow(std::uint64_t n) : number(n) {}
  Slow(const Slow&) = default;
  Slow& operator=(const Slow& other) {
    if (is_held) {
      ++waiting;
      waiting.notify_all();
      is_held.wait(true);
    }
    number = other.number;
    return *this;
  }
};

/// A reader that is held inside its read of key 1 while something else is done.
template <class Meanwhile>
std::uint64_t read_slowly(PublishedMap<std::uint64_t, Slow>::Reader reader, Meanwhile&& meanwhile) {
  Slow row;
  Slow::waiting = 0;
  Slow::is_held = true;
  std::thread thread([&row, reader = std::move(reader)] { static_cast<void>(reader.read(1, row)); });
  Slow::waiting.wait(0);
  meanwhile();
  Slow::is_held = false;
  Slow::is_held.notify_all();
  thread.join();
  return row.number;
}

TEST_CASE("a reader that is held inside a read holds memory back, not the writer") {
  PublishedMap<std::uint64_t, Slow> map;
  for (std::uint64_t key = 0; key < 1'000; ++key) REQUIRE(map.publish(key, Slow(key)));
  map.collect();
  const std::size_t before = map.size_bytes();
  const auto other = map.reader();
  const std::uint64_t read = read_slowly(map.reader(), [&] {
    for (std::uint64_t i = 0; i < 100'000; ++i) REQUIRE(map.publish(i % 1'000, Slow(i)));
    for (std::uint64_t key = 1'000; key < 20'000; ++key)
      REQUIRE(map.publish(key, Slow(key)));                                        // segments split
    for (std::uint64_t key = 1'000; key < 20'000; ++key) REQUIRE(map.erase(key));  // and merge
    map.collect();
    CHECK(map.size_bytes() > before + 100'000 * sizeof(Slow));
    CHECK(other.read_all(std::array{std::uint64_t{1}}, [](std::size_t, const Slow* row) {
      CHECK(row->number == 99'001);
    }) == ReadOutcome::found);
  });
  CHECK(read == 1);
  map.collect();
  CHECK(map.size_bytes() <= before + 4'096 * 4);
}

TEST_CASE("a reader that is held inside a read outlives the map and still gets its row") {
  std::optional<PublishedMap<std::uint64_t, Slow>> map(std::in_place);
  for (std::uint64_t key = 0; key < 1'000; ++key) REQUIRE(map->publish(key, Slow(key + 5)));
  CHECK(read_slowly(map->reader(), [&] { map.reset(); }) == 6);
}

TEST_CASE("a reader that is held while the map closes leaves the rows to collect") {
  PublishedMap<std::uint64_t, Slow> map;
  for (std::uint64_t key = 0; key < 10'000; ++key) REQUIRE(map.publish(key, Slow(key)));
  const std::size_t full = map.size_bytes();
  CHECK(read_slowly(map.reader(), [&] {
          map.close();
          CHECK(map.size_bytes() >= full);
        }) == 1);
  map.collect();
  CHECK(map.size_bytes() < full / 10);
}

}  // namespace

#include <weir/view/reader.hpp>

#include <weir/weir.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "effort.hpp"

// Readers on threads of their own while a pipeline runs. What they find is counted there and checked after they ended.

namespace {

using weir::event_time;
using weir::ReadStatus;

weir::Duration us(std::int64_t ticks) { return weir::Duration{ticks}; }

struct Note {
  std::uint64_t key = 0;
  std::int64_t value = 0;
  weir::EventTime at{};
};

struct Whole {
  std::int64_t n = 0;
  std::int64_t sum = 0;
  std::int64_t most = 0;
  std::int64_t least = 0;
};

struct Seen {
  std::uint64_t found = 0;
  std::uint64_t torn = 0;
  std::uint64_t backwards = 0;
  std::uint64_t ahead = 0;      // with an age although the row is newer
  std::uint64_t misjudged = 0;  // fresh in spite of its age, or stale without it
};

constexpr std::int64_t value = 7;
constexpr std::uint64_t thread_keys = 500;
const weir::Duration max_age{300};

/// Reads until the pipeline is gone. Every value is 7, so each whole row says how many there were in three ways.
void read_until_closed(weir::Reader<std::uint64_t, Whole>& reader, std::uint64_t seed, Seen& seen) {
  std::mt19937_64 random(seed);
  std::vector<weir::EventTime> as_of(thread_keys, weir::no_time);
  std::vector<std::uint64_t> version(thread_keys);
  weir::EventTime known = weir::no_time;
  std::array<std::uint64_t, 40> keys{};
  std::vector<weir::Lookup<Whole>> results(keys.size());
  while (true) {
    const std::uint64_t first = random();
    for (std::size_t i = 0; i < keys.size(); ++i) keys[i] = (first + i * 11) % thread_keys;
    if (first % 2 == 0) {
      reader.lookup_all(keys, {}, results);
    } else {
      for (std::size_t i = 0; i < keys.size(); ++i) reader.lookup(keys[i], {}, results[i]);
    }
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const weir::Lookup<Whole>& read = results[i];
      if (read.status == ReadStatus::closed) return;
      seen.backwards += read.watermark < known ? 1 : 0;
      known = read.watermark;
      if (read.status == ReadStatus::missing) continue;
      ++seen.found;
      const std::int64_t extreme = read->n == 0 ? 0 : value;
      seen.torn += read->sum != read->n * value || read->most != extreme || read->least != extreme ? 1 : 0;
      seen.backwards += read.as_of < as_of[keys[i]] || read.version < version[keys[i]] ? 1 : 0;
      seen.ahead += read.age > us(0) && read.as_of > read.watermark + us(1000) + read.age ? 1 : 0;
      seen.misjudged += (read.status == ReadStatus::stale) != (read.age >= max_age) ? 1 : 0;
      as_of[keys[i]] = read.as_of;
      version[keys[i]] = read.version;
    }
  }
}

TEST_CASE("readers on other threads see whole rows, none older than before, until the pipeline is gone") {
  weir::Graph graph{"threads"};
  const auto source = graph.source<Note>("notes", {.time = &Note::at, .watermark = weir::trailing(us(20))});
  const auto view =
      source | weir::key_by(&Note::key) |
      weir::features<Whole>(
          {.name = "features", .retain = us(4000)},
          weir::rolling({.size = us(2000), .precision = us(50)})
              .compute(weir::count().as(&Whole::n), weir::sum(&Note::value).as(&Whole::sum),
                       weir::max(&Note::value).as(&Whole::most), weir::min(&Note::value).as(&Whole::least))) |
      weir::view("view", {.max_age = max_age}).publish({.refresh = us(500)});
  std::optional<weir::Pipeline> pipeline(std::move(graph).build().value());
  std::array<Seen, 2> seen;
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < seen.size(); ++i) {
    threads.emplace_back([&seen, i, reader = pipeline->reader(view).value()]() mutable {
      read_until_closed(reader, i + 1, seen[i]);
    });
  }
  std::mt19937_64 random(5);
  std::vector<Note> batch;
  const std::int64_t calls = effort() == "quick"  ? 5'000
                             : effort() == "long" ? 3'000'000  // 10^7 records, more than 10^8 reads
                                                  : 30'000;
  std::int64_t now = 0;
  for (std::int64_t call = 0; call < calls; ++call) {
    batch.clear();
    for (std::uint64_t left = random() % 8; left > 0; --left) {
      now += static_cast<std::int64_t>(random() % 10);
      // Half of the keys at a time, so that the others are forgotten and come again.
      const std::uint64_t key =
          (random() % (thread_keys / 2) + (now / 10'000 % 2 == 0 ? 0 : thread_keys / 2));
      batch.push_back(
          {.key = key, .value = value, .at = event_time(now - static_cast<std::int64_t>(random() % 15))});
    }
    pipeline->push(source, std::span<const Note>(batch));
    if (random() % 50 == 0) static_cast<void>(pipeline->erase(view, random() % thread_keys));
  }
  pipeline.reset();
  for (std::thread& thread : threads) thread.join();
  for (const Seen& one : seen) {
    CHECK(one.found > 0);
    CHECK(one.torn == 0);
    CHECK(one.backwards == 0);
    CHECK(one.ahead == 0);
    CHECK(one.misjudged == 0);
    if (effort() == "long") CHECK(one.found > 50'000'000);
  }
}

}  // namespace

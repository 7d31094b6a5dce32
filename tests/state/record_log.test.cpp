#include <weir/state/record_log.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"

namespace {

using weir::event_time;
using weir::detail::RecordLogs;

using Logs = RecordLogs<std::string>;
using Line = std::vector<std::pair<std::int64_t, std::string>>;

std::string word(std::int64_t number) {
  return "a record that is too long for a small string #" + std::to_string(number);
}
Line line(const Logs::Log& log) {
  Line line;
  for (std::uint32_t at = 0; at < log.size(); ++at)
    line.emplace_back(weir::ticks(Logs::item(log, at).at), Logs::item(log, at).record);
  return line;
}

TEST_CASE("records stand in the order of time, and those that came first before others of the same instant") {
  Logs logs;
  Logs::Log log;
  CHECK(logs.insert(log, event_time(5), "a") == 0);
  CHECK(logs.insert(log, event_time(9), "b") == 1);
  CHECK(logs.insert(log, event_time(5), "c") == 1);
  CHECK(logs.insert(log, event_time(-3), "d") == 0);
  CHECK(logs.insert(log, event_time(9), "e") == 4);
  CHECK(line(log) == Line{{-3, "d"}, {5, "a"}, {5, "c"}, {9, "b"}, {9, "e"}});
  logs.release(log);
  CHECK((log.size() == 0 && !log.has_ring()));
}

TEST_CASE("a time is found where its first record stands") {
  Logs logs;
  Logs::Log log;
  CHECK(Logs::lower_bound(log, event_time(0)) == 0);
  for (const std::int64_t at : {2, 4, 4, 4, 7}) logs.insert(log, event_time(at), word(at));
  const auto found = [&](std::int64_t at, std::uint32_t from = 0) {
    return Logs::lower_bound(log, event_time(at), from);
  };
  CHECK((found(1) == 0 && found(2) == 0 && found(3) == 1 && found(4) == 1 && found(5) == 4 && found(8) == 5));
  CHECK((found(4, 2) == 2 && found(1, 3) == 3 && found(9, 5) == 5));
  logs.release(log);
}

TEST_CASE("a log that goes round its ring is what a vector would be") {
  Logs logs;
  std::vector<Logs::Log> places(3);
  std::vector<Line> wanted(3);
  std::mt19937_64 random(1);
  for (std::int64_t i = 0; i < 20'000; ++i) {
    const std::size_t key = random() % 3;
    const bool grows = (i / 4000) % 2 == 0;
    if (random() % 8 < (grows ? 5U : 3U)) {
      const std::int64_t at = i - static_cast<std::int64_t>(random() % 30);
      Line& all = wanted[key];
      auto behind = all.end();
      while (behind != all.begin() && (behind - 1)->first > at) --behind;
      const auto place = static_cast<std::uint32_t>(behind - all.begin());
      all.insert(behind, {at, word(i)});
      REQUIRE(logs.insert(places[key], event_time(at), word(i)) == place);
    } else if (!wanted[key].empty()) {
      wanted[key].erase(wanted[key].begin());
      logs.drop_first(places[key]);
      logs.shrink(places[key]);
    }
    if (i % 100 == 0) REQUIRE(line(places[key]) == wanted[key]);
    REQUIRE((places[key].size() * 8U > places[key].capacity() || places[key].capacity() <= 4 ||
             places[key].size() == wanted[key].size()));
  }
  for (std::size_t key = 0; key < 3; ++key) {
    CHECK(line(places[key]) == wanted[key]);
    logs.release(places[key]);
  }
}

TEST_CASE("the first record needs no ring unless it is large") {
  struct Large {
    std::array<std::int64_t, 16> values{};
  };
  Logs logs;
  Logs::Log log;
  logs.insert(log, event_time(1), word(1));
  CHECK((!log.has_ring() && logs.size_bytes() == 0));
  logs.drop_first(log);
  logs.insert(log, event_time(3), word(3));
  logs.insert(log, event_time(2), word(2));
  CHECK(log.has_ring());
  CHECK(line(log) == Line{{2, word(2)}, {3, word(3)}});
  logs.release(log);
  logs.insert(log, event_time(4), word(4));
  CHECK(line(log) == Line{{4, word(4)}});
  logs.release(log);

  RecordLogs<Large> large_logs;
  RecordLogs<Large>::Log large;
  CHECK(large.capacity() == 0);
  large_logs.insert(large, event_time(1), Large{});
  CHECK(large.has_ring());
  large_logs.release(large);
}

TEST_CASE("what is appended out of order is sorted when it is asked for, each record once") {
  Logs logs;
  Logs::Log log;
  Line wanted;
  std::mt19937_64 random(2);
  for (std::int64_t i = 0; i < 20'000; ++i) {
    const std::int64_t at = i / 3 - static_cast<std::int64_t>(random() % 3 == 0 ? random() % 400 : 0);
    auto behind = wanted.end();
    while (behind != wanted.begin() && (behind - 1)->first > at) --behind;
    wanted.insert(behind, {at, word(i)});
    logs.append(log, event_time(at), word(i));
    if (random() % 50 != 0) continue;
    if (!log.is_sorted()) CHECK(weir::ticks(log.least_unsorted()) >= wanted.front().first);
    logs.sort(log);
    REQUIRE(log.is_sorted());
    REQUIRE(line(log) == wanted);
    for (std::uint64_t dropped = random() % 60; dropped > 0 && !wanted.empty(); --dropped) {
      wanted.erase(wanted.begin());
      logs.drop_first(log);
    }
    logs.shrink(log);
  }
  logs.sort(log);
  CHECK(line(log) == wanted);
  logs.release(log);
}

TEST_CASE("memory that is not needed is given back, and used again") {
  Logs logs;
  Logs::Log log;
  for (std::int64_t i = 0; i < 1000; ++i) logs.insert(log, event_time(i), word(i));
  CHECK(log.capacity() == 1024);
  const std::size_t bytes = logs.size_bytes();
  for (std::int64_t i = 0; i < 900; ++i) {
    logs.drop_first(log);
    logs.shrink(log);
    REQUIRE((log.size() * 8U > log.capacity() || log.capacity() == 2));
  }
  CHECK(log.capacity() < 1024);
  CHECK(line(log).front() == Line::value_type{900, word(900)});
  while (log.size() > 0) logs.drop_first(log);
  logs.shrink(log);
  CHECK((!log.has_ring() && log.capacity() == 1));
  for (std::int64_t i = 0; i < 1000; ++i) logs.insert(log, event_time(i), word(i));
  CHECK(logs.size_bytes() <= bytes + (std::size_t{1} << 17));
  const std::size_t again = logs.size_bytes();
  logs.release(log);
  for (std::int64_t i = 0; i < 1000; ++i) logs.insert(log, event_time(i), word(i));
  CHECK(logs.size_bytes() == again);
  logs.release(log);
}

struct Fragile {
  static inline int copies_left = 0;
  static inline int alive = 0;
  std::int64_t value = 0;

  explicit Fragile(std::int64_t number) : value(number) { ++alive; }
  Fragile(const Fragile& other) : value(other.value) {
    if (--copies_left < 0) throw std::bad_alloc();
    ++alive;
  }
  Fragile(Fragile&& other) : Fragile(other) {}
  Fragile& operator=(const Fragile&) = default;
  ~Fragile() { --alive; }
};

TEST_CASE("a copy that throws while a log grows leaves it as it was, and leaks nothing") {
  Fragile::alive = 0;
  {
    RecordLogs<Fragile> logs;
    RecordLogs<Fragile>::Log log;
    const Fragile record{7};
    for (int copies = 0; copies < 40; ++copies) {
      Fragile::copies_left = 1000;
      while (log.size() < 8) logs.insert(log, event_time(log.size()), record);
      Fragile::copies_left = copies;
      bool has_thrown = false;
      try {
        logs.insert(log, event_time(100), record);  // the ninth: the ring is full
      } catch (const std::bad_alloc&) { has_thrown = true; }
      CHECK(has_thrown == (copies < 9));
      CHECK(log.size() == (has_thrown ? 8 : 9));
      for (std::uint32_t at = 0; at < log.size(); ++at)
        REQUIRE(RecordLogs<Fragile>::item(log, at).record.value == 7);
      Fragile::copies_left = 1000;
      logs.release(log);
    }
  }
  CHECK(Fragile::alive == 0);
}

}  // namespace

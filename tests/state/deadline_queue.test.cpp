#include <weir/state/deadline_queue.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <random>
#include <utility>
#include <vector>

#include "catch.hpp"

namespace {

using weir::event_time;
using weir::EventTime;
using weir::no_time;
using weir::Slot;
using Fired = std::pair<EventTime, Slot>;

/// Arms, moves and drops deadlines, and lets time go on; `advance(queue, to, deadline_of, fire)`.
template <class Advance>
void check_moving(std::uint64_t seed, bool is_ordered, Advance&& advance) {
  std::mt19937_64 random(seed);
  constexpr std::int64_t granularities[] = {0, 1, 7, 1000};
  for (int script = 0; script < 400; ++script) {
    weir::detail::DeadlineQueue<Slot> queue(weir::Duration{granularities[script % 4]});
    std::map<Slot, EventTime>
        present;  // a deadline may move to later, or be dropped, without the queue being told
    Slot next = 0;
    std::int64_t now = -200;
    const std::int64_t span = script % 3 == 0 ? 20 : 3000;
    for (int step = 0; step < 60; ++step) {
      for (std::uint64_t i = random() % 4; i > 0; --i) {
        const EventTime at =
            event_time(now + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(span)) - 2);
        queue.arm(at, next);
        present[next++] = at;
      }
      if (!present.empty() && random() % 3 == 0) {
        auto at = present.begin();
        std::advance(at, static_cast<std::ptrdiff_t>(random() % present.size()));
        if (random() % 2 == 0) {
          at->second = weir::later(at->second, weir::Duration{static_cast<std::int64_t>(random() % 50)});
        } else {
          present.erase(at);
        }
      }
      now += static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(span / 4));
      const EventTime to = event_time(now);
      std::vector<Fired> expected;
      for (const auto& [entry, at] : present) {
        if (at <= to) expected.emplace_back(at, entry);
        if (!(queue.earliest() <= at)) FAIL("earliest() is after a deadline");
      }
      std::sort(expected.begin(), expected.end());
      for (const Fired& one : expected) present.erase(one.second);
      std::map<Slot, EventTime> due;
      for (const Fired& one : expected) due[one.second] = one.first;
      std::vector<Fired> fired;
      advance(
          queue, to,
          [&](Slot entry) {
            if (const auto at = due.find(entry); at != due.end()) return at->second;
            const auto at = present.find(entry);
            return at == present.end() ? no_time : at->second;
          },
          [&](EventTime at, Slot entry) { fired.emplace_back(at, entry); });
      if (!is_ordered) std::sort(fired.begin(), fired.end());
      REQUIRE(fired == expected);
    }
  }
}

TEST_CASE(
    "deadlines fire once, in order, at their present time, whatever the granularity and however they move") {
  check_moving(41, true, [](auto& queue, EventTime to, auto&& deadline_of, auto&& fire) {
    queue.advance(to, deadline_of, fire);
  });
}

TEST_CASE("deadlines that are drained are the same in another order, and those after them stay in order") {
  int calls = 0;
  check_moving(47, false, [&calls](auto& queue, EventTime to, auto&& deadline_of, auto&& fire) {
    ++calls % 3 == 0 ? queue.advance(to, deadline_of, fire) : queue.drain(to, deadline_of, fire);
  });
}

TEST_CASE("thousands of deadlines in one bucket fire in order, however they lie in it") {
  std::mt19937_64 random(43);
  for (int script = 0; script < 40; ++script) {
    const std::int64_t granularity = script % 2 == 0 ? 1'000'000 : 100;
    weir::detail::DeadlineQueue<Slot> queue(weir::Duration{granularity});
    const std::int64_t step = std::int64_t{1} << random() % 18;  // coarse times: many deadlines are the same
    const std::int64_t span = std::int64_t{1} << random() % 22;
    const std::int64_t start = static_cast<std::int64_t>(random() % 10'000'000) - 5'000'000;
    std::vector<Fired> expected;
    std::vector<Slot> order;
    for (Slot i = 0; i < 3000; ++i) {
      const bool is_cluster = script % 3 == 0 && i % 8 != 0;
      const auto within =
          static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(is_cluster ? 3 : span));
      expected.emplace_back(event_time(start + within / step * step), i);
      order.push_back(i);
    }
    std::shuffle(order.begin(), order.end(), random);
    const std::vector<Fired> present = expected;
    for (const Slot i : order) {
      const EventTime at = present[static_cast<std::size_t>(i)].first;
      queue.arm(weir::earlier(at, weir::Duration{static_cast<std::int64_t>(random() % 3) * granularity}), i);
    }
    std::sort(expected.begin(), expected.end());
    std::vector<Fired> fired;
    for (EventTime to = event_time(start); fired.size() < 3000;
         to = weir::later(to, weir::Duration{span / 5 + 1})) {
      queue.advance(
          to, [&](Slot i) { return present[static_cast<std::size_t>(i)].first; },
          [&](EventTime at, Slot i) { fired.emplace_back(at, i); });
      REQUIRE((fired.empty() || fired.back().first <= to));
    }
    REQUIRE(fired == expected);
  }
}

TEST_CASE("what fires may arm again, in the same step too") {
  weir::detail::DeadlineQueue<Slot> queue(weir::Duration{10});
  EventTime present = event_time(5);
  queue.arm(present, 1);
  std::vector<Fired> fired;
  queue.advance(
      event_time(30), [&](Slot) { return present; },
      [&](EventTime at, Slot entry) {
        fired.emplace_back(at, entry);
        present = weir::later(at, weir::Duration{9});
        queue.arm(present, entry);
      });
  CHECK(fired == std::vector<Fired>{{event_time(5), 1}, {event_time(14), 1}, {event_time(23), 1}});
  CHECK(queue.earliest() <= event_time(32));
}

TEST_CASE("a queue that is cleared has no entries and no memory, and can be used again") {
  weir::detail::DeadlineQueue<Slot> queue(weir::Duration{10});
  const auto at = [](Slot i) { return event_time(i % 5000); };
  const auto ignore = [](EventTime, Slot) {};
  const std::size_t fresh = queue.size_bytes();
  for (Slot i = 0; i < 10'000; ++i) queue.arm(at(i), i);
  queue.advance(event_time(2500), at, ignore);
  for (Slot i = 0; i < 100; ++i) queue.arm(at(i), i);
  CHECK(queue.size_bytes() > 10'000);
  queue.clear();
  CHECK(queue.size() == 0);
  CHECK(queue.size_bytes() == fresh);
  CHECK(queue.earliest() == weir::end_of_time);
  queue.arm(event_time(7), 7);
  std::vector<Slot> fired;
  queue.advance(event_time(100), at, [&](EventTime, Slot i) { fired.push_back(i); });
  CHECK(fired == std::vector<Slot>{7});
}

TEST_CASE("deadlines at the ends of time are kept in order") {
  constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  weir::detail::DeadlineQueue<Slot> queue(weir::Duration{1'000'003});
  const std::int64_t times[] = {most, least + 1, 0, most - 1, -1, least + 2};
  for (Slot i = 0; i < 6; ++i) queue.arm(event_time(times[i]), i);
  std::vector<std::int64_t> fired;
  CHECK(queue.earliest() <= event_time(least + 1));
  queue.advance(
      weir::end_of_time, [&](Slot i) { return event_time(times[i]); },
      [&](EventTime, Slot i) { fired.push_back(times[i]); });
  CHECK(fired == std::vector<std::int64_t>{least + 1, least + 2, -1, 0, most - 1, most});
  CHECK(queue.earliest() == weir::end_of_time);
}

}  // namespace

#include <weir/window/touch_lists.hpp>

#include <cstdint>
#include <map>
#include <random>
#include <utility>

#include "catch.hpp"

namespace {

using weir::event_time;
using weir::Slot;
using weir::detail::DeadlineLists;
using weir::detail::TouchLists;
using Slots = weir::detail::StateVector<Slot>;

TEST_CASE("touch lists give the keys of each pane in the order of their first touch, oldest pane first") {
  std::mt19937_64 random(9);
  for (int script = 0; script < 300; ++script) {
    TouchLists lists;
    std::map<std::int64_t, Slots> expected;
    std::int64_t newest = 0;
    for (weir::Slot step = 0; step < 200; ++step) {
      if (random() % 4 != 0 || expected.empty()) {
        newest += random() % 5 == 0 ? 1 : 0;
        const std::int64_t pane = newest - static_cast<std::int64_t>(random() % 6);
        lists.add(pane, step);
        expected[pane].push_back(step);
      } else {
        REQUIRE(lists.front() == expected.begin()->first);
        Slots slots = lists.take_front();
        REQUIRE(slots == expected.begin()->second);
        expected.erase(expected.begin());
        if (random() % 2 == 0) lists.recycle(std::move(slots));
      }
      if (random() % 16 == 0) {
        const auto is_gone = [part = random() % 3](Slot slot) { return slot % 3 == part; };
        lists.forget(is_gone);
        for (auto& [pane, slots] : expected) std::erase_if(slots, is_gone);
        std::erase_if(expected, [](const auto& list) { return list.second.empty(); });
      }
      REQUIRE(lists.is_empty() == expected.empty());
    }
  }
}

TEST_CASE("deadline lists give what is due, earliest first, and nothing before") {
  DeadlineLists lists;
  Slots due{99};
  CHECK_FALSE(lists.take(event_time(100), due));
  lists.add(event_time(20), 1);
  lists.add(event_time(10), 2);
  lists.add(event_time(20), Slots{3, 4});
  CHECK_FALSE(lists.take(event_time(9), due));
  REQUIRE(lists.take(event_time(20), due));
  CHECK(due == Slots{2});
  REQUIRE(lists.take(event_time(20), due));
  CHECK(due == Slots{1, 3, 4});
  CHECK_FALSE(lists.take(weir::end_of_time, due));
  lists.add(event_time(30), Slots{5, 6});
  lists.add(event_time(40), 5);
  lists.forget([](Slot slot) { return slot == 5; });
  REQUIRE(lists.take(weir::end_of_time, due));
  CHECK(due == Slots{6});
  CHECK_FALSE(lists.take(weir::end_of_time, due));
}

}  // namespace

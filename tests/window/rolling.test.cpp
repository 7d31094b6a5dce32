#include <weir/window/rolling.hpp>

#include <cstdint>
#include <string>
#include <vector>

#include "catch.hpp"

namespace {

using weir::Asking;
using weir::Duration;
using weir::event_time;
using weir::exact;
using weir::pre_cut;
using weir::RollingSpec;
using weir::detail::Cut;
using weir::detail::RollingPlan;
using weir::detail::RollingWindow;

constexpr Duration us(std::int64_t ticks) { return Duration{ticks}; }

RollingWindow window(std::int64_t size, weir::Precision precision, Asking asking = Asking::excluded) {
  return RollingWindow::of(RollingSpec{.size = us(size), .precision = precision, .asking = asking});
}
RollingPlan plan(std::vector<RollingWindow> windows) { return RollingPlan(std::move(windows)); }
RollingPlan plan(const RollingWindow& window) { return plan(std::vector<RollingWindow>{window}); }

/// `[low,high) panes first..end`, and `cut` if it is not whole.
std::string reach(const RollingPlan& plan, std::int64_t as_of, std::int64_t settled, std::size_t at = 0) {
  const RollingPlan::Reach reach = plan.reach(at, event_time(as_of), event_time(settled));
  return "[" + std::to_string(weir::ticks(reach.low)) + "," + std::to_string(weir::ticks(reach.high)) + ") " +
         std::to_string(reach.first_pane) + ".." + std::to_string(reach.end_pane) +
         (reach.is_whole ? "" : " cut");
}

TEST_CASE("a precision says what of a window is cut") {
  constexpr weir::Precision minute = std::chrono::minutes{1};
  CHECK((minute.cut() == Cut::tail && minute.hop() == std::chrono::minutes{1}));
  CHECK((exact.cut() == Cut::exact && exact.hop() == us(1)));
  constexpr weir::Precision both = pre_cut(std::chrono::minutes{5});
  CHECK((both.cut() == Cut::both && both.hop() == std::chrono::minutes{5}));
}

TEST_CASE("a window that is read at the settled horizon or later reaches as far as it promises") {
  CHECK(reach(plan(window(10, us(4))), 14, 14) == "[4,14) 1..3");
  CHECK(reach(plan(window(10, us(4))), 13, 13) == "[0,13) 0..3");
  CHECK(reach(plan(window(10, us(4))), -3, -3) == "[-16,-3) -4..-1");
  CHECK(reach(plan(window(10, us(4), Asking::included)), 13, 13) == "[4,14) 1..3");
  CHECK(reach(plan(window(10, pre_cut(us(5)))), 14, 14) == "[0,10) 0..2");
  CHECK(reach(plan(window(10, pre_cut(us(5)))), 15, 15) == "[5,15) 1..3");
  CHECK(reach(plan(window(10, pre_cut(us(5)), Asking::included)), 14, 14) == "[5,15) 1..3");
  CHECK(reach(plan(window(10, exact)), 14, 14) == "[4,14) 4..14");
}

TEST_CASE(
    "a window that is read before the settled horizon covers what is left, and says that it is not whole") {
  CHECK(reach(plan(window(10, us(4))), 99, 100) == "[88,96) 22..24 cut");
  CHECK(reach(plan(window(10, us(4))), 40, 100) == "[40,40) 10..10 cut");
  CHECK(reach(plan(window(10, exact)), 97, 100) == "[90,97) 90..97 cut");
  CHECK(reach(plan(window(10, pre_cut(us(5)))), 99, 100) == "[85,95) 17..19");
  CHECK(reach(plan(window(10, pre_cut(us(5)))), 94, 100) == "[85,90) 17..18 cut");
  CHECK(reach(plan(window(10, us(4), Asking::included)), 99, 100) == "[88,100) 22..25");
}

TEST_CASE(
    "what a window keeps is what a read at the settled horizon needs, and of a pre-cut one a hop more") {
  const auto kept = [](const RollingWindow& window) {
    return weir::ticks(plan(window).kept_from(0, event_time(101)));
  };
  CHECK(kept(window(10, us(4))) == 88);
  CHECK(kept(window(10, exact)) == 91);
  CHECK(kept(window(10, pre_cut(us(5)))) == 85);
  const RollingPlan records = plan(RollingWindow::of(weir::RollingRecordsSpec{.records = 3}));
  CHECK(records.kept_from(0, event_time(101)) == weir::no_time);
  CHECK(plan(RollingWindow::of(weir::RollingLifetimeSpec{})).kept_from(0, event_time(101)) == weir::no_time);
}

TEST_CASE("windows with one precision share a level, and levels stand from the finest on") {
  const RollingPlan shared =
      plan({window(60, us(12)), window(10, us(4)), window(30, us(12)), window(24, pre_cut(us(4)))});
  REQUIRE(shared.levels().size() == 2);
  CHECK((shared.levels()[0].hop == 4 && shared.levels()[0].span == 28));
  CHECK((shared.levels()[1].hop == 12 && shared.levels()[1].span == 60));
  CHECK((shared.level_of(0) == 1 && shared.level_of(1) == 0 && shared.level_of(2) == 1 &&
         shared.level_of(3) == 0));
  CHECK(shared.longest() == us(72));
  CHECK((shared.record_span() == us(0) && shared.record_count() == 0 && !shared.is_endless()));
}

TEST_CASE("an exact window has panes of about a 64th of it, which divide or are those of the others") {
  CHECK(plan(window(6400, exact)).levels()[0].hop == 100);
  CHECK(plan({window(6400, exact), window(6400, us(150))}).levels().size() == 1);  // not much coarser
  const RollingPlan finer = plan({window(6400, exact), window(6400, us(1000))});
  REQUIRE(finer.levels().size() == 2);
  CHECK((finer.levels()[0].hop == 100 && finer.levels()[1].hop == 1000));
  const RollingPlan odd = plan({window(6400, exact), window(6400, us(1009))});  // a prime: no part of it fits
  REQUIRE(odd.levels().size() == 1);
  CHECK(odd.levels()[0].hop == 1009);
  CHECK((odd.record_span() == us(6400) && plan(window(10, exact)).levels()[0].hop == 1));
}

TEST_CASE("each level is a whole number of the panes of the one below, whatever exact windows are there") {
  for (std::int64_t size = 1; size < 3000; size += 7) {
    for (const std::int64_t hop : {1, 6, 30, 97, 360, 1024}) {
      const RollingPlan mixed = plan({window(size, exact), window(3000, us(hop)), window(size / 3 + 1, exact),
                                      window(6000, us(2 * hop))});
      for (std::size_t level = 1; level < mixed.levels().size(); ++level)
        REQUIRE(mixed.levels()[level].hop % mixed.levels()[level - 1].hop == 0);
    }
  }
}

TEST_CASE("a lifetime is one pane above all others, and windows of records have no panes") {
  const RollingPlan mixed = plan({RollingWindow::of(weir::RollingLifetimeSpec{}), window(10, us(5)),
                                  RollingWindow::of(weir::RollingRecordsSpec{.records = 7})});
  REQUIRE(mixed.levels().size() == 2);
  CHECK((mixed.levels()[1].is_endless() && mixed.level_of(0) == 1 && mixed.is_endless()));
  CHECK((mixed.levels()[1].pane(event_time(-5)) == 0 && mixed.levels()[1].start(0) == weir::no_time));
  CHECK(mixed.record_count() == 7);
  const weir::EventTime now = event_time(100);
  CHECK((mixed.reach(0, now, now).low == weir::no_time && mixed.reach(0, now, now).is_whole));
  CHECK_FALSE(mixed.reach(0, event_time(99), now).is_whole);
  CHECK_FALSE(mixed.reach(2, event_time(99), now).is_whole);
}

TEST_CASE("panes at the ends of time are held there") {
  const RollingPlan::Level level{.hop = 1000, .span = 5000};
  const std::int64_t first = level.pane(event_time(INT64_MIN + 1));
  CHECK(level.start(first) == weir::no_time);
  CHECK(level.start(level.pane(weir::end_of_time) + 1) == weir::end_of_time);
  CHECK(level.pane_from(weir::no_time) == first);
  CHECK(level.pane_from(event_time(1)) == 1);
  CHECK(level.pane_from(event_time(0)) == 0);
  CHECK(level.pane_from(event_time(-1)) == 0);
  const RollingPlan whole = plan(window(INT64_MAX, us(1'000'000)));
  CHECK(whole.reach(0, event_time(-5), event_time(-5)).low == weir::no_time);
}

}  // namespace

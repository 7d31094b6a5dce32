#include <weir/operators/session_windows.hpp>

#include "catch.hpp"
#include "operators/desk.hpp"

namespace {

using desk::Desk;
using desk::Lines;
using desk::us;

TEST_CASE("a session ends after its gap even when other keys stay busy") {
  Desk desk(weir::session({.gap = us(5), .grace = us(0)}));
  desk.push(1, 0).push(2, 1).push(2, 4).push(2, 8).advance(5);
  CHECK(desk.take() == Lines{"1 [0,5) 1/1 on_time#0."});
  desk.finish();
  CHECK(desk.take() == Lines{"2 [1,13) 3/3 on_time#0."});
}

TEST_CASE("records exactly a gap apart join, or not, as touching says") {
  Desk merging(weir::session({.gap = us(5), .grace = us(0)}));
  merging.push(1, 0).push(1, 5).finish();
  CHECK(merging.take() == Lines{"1 [0,10) 2/2 on_time#0."});
  Desk separate(weir::session({.gap = us(5), .touching = weir::Touching::separate, .grace = us(0)}));
  separate.push(1, 0).push(1, 5).finish();
  CHECK(separate.take() == Lines{"1 [0,5) 1/1 on_time#0.", "1 [5,10) 1/1 on_time#0."});
}

TEST_CASE("a record between two sessions bridges them") {
  Desk desk(weir::session({.gap = us(5), .grace = us(0)}));
  desk.push(1, 0, 10).push(1, 9, 20);
  CHECK(desk.live() == 2);
  desk.push(1, 5, 30);
  CHECK(desk.live() == 1);
  desk.finish();
  CHECK(desk.take() == Lines{"1 [0,14) 3/60 on_time#0."});
}

TEST_CASE("a record is judged after merging: what an open session can take is not late") {
  Desk desk(weir::session({.gap = us(10), .grace = us(0)}));
  desk.push(1, 20).advance(25).push(1, 12);
  CHECK(desk.take().empty());
  desk.push(1, 1);
  CHECK(desk.take() == Lines{"late 1@1 0/1 W 25"});
  desk.finish();
  CHECK(desk.take() == Lines{"1 [12,30) 2/2 on_time#0."});
  Desk before(
      weir::session({.gap = us(10), .judged = weir::SessionLateness::before_merging, .grace = us(0)}));
  before.push(1, 20).advance(25).push(1, 12);
  CHECK(before.take() == Lines{"late 1@12 0/1 W 25"});
}

TEST_CASE(
    "a session that fired and grows beyond the watermark fires again on time, and inside the grace at once") {
  Desk desk(weir::session({.gap = us(10), .grace = us(20)}));
  desk.push(1, 0).advance(12);
  CHECK(desk.take() == Lines{"1 [0,10) 1/1 on_time#0"});
  desk.push(1, 1);
  CHECK(desk.take() == Lines{"1 [0,11) 2/2 late#1"});
  desk.push(1, 8);
  CHECK(desk.take().empty());
  desk.advance(18);
  CHECK(desk.take() == Lines{"1 [0,18) 3/3 on_time#2"});
  desk.advance(38);
  CHECK(desk.live() == 0);
}

TEST_CASE("a session is never longer than its longest, nor of more records than its most") {
  Desk longest(weir::session({.gap = us(5), .longest = us(8), .grace = us(0)}));
  longest.push(1, 0).push(1, 4).push(1, 8).push(1, 12).finish();
  CHECK(longest.take() == Lines{"1 [0,13) 3/3 on_time#0.", "1 [12,17) 1/1 on_time#0."});
  Desk most(weir::session({.gap = us(5), .most_records = 2, .grace = us(0)}));
  most.push(1, 0).push(1, 1).push(1, 2).push(1, 3).push(1, 4).finish();
  CHECK(most.take() == Lines{"1 [0,6) 2/2 on_time#0.", "1 [2,8) 2/2 on_time#0.", "1 [4,9) 1/1 on_time#0."});
}

TEST_CASE("a marker ends its session: later arrivals start a new one") {
  Desk desk(weir::session({.gap = us(10), .grace = us(0)}).ends_at([](const desk::Event& event) {
    return event.value == 0;
  }));
  desk.push(1, 0).push(1, 1, 0).push(1, 2).push(1, 3).finish();
  CHECK(desk.take() == Lines{"1 [0,11) 2/1 on_time#0.", "1 [2,13) 2/2 on_time#0."});
}

TEST_CASE("each record may bring its own gap: one that is not positive is rejected and counted") {
  Desk desk(weir::session({.gap = us(1), .grace = us(0)}).gap_from([](const desk::Event& event) {
    return us(event.value);
  }));
  desk.push(1, 0, 3).push(1, 2, 10).push(1, 3, 0).push(1, 4, -5).push(1, 12, 1).finish();
  CHECK(desk.take() == Lines{"1 [0,13) 3/14 on_time#0."});
  CHECK(desk.stats().rejected == 2);
  CHECK(desk.stats().conserves());
}

TEST_CASE("when sessions that had fired merge, the absorbed ones are taken back first") {
  Desk desk(weir::session({.gap = us(3), .grace = us(20), .panes = weir::retracting}));
  desk.push(1, 0).push(1, 6).advance(9);
  CHECK(desk.take() == Lines{"1 [0,3) 1/1 on_time#0", "1 [6,9) 1/1 on_time#0"});
  desk.push(1, 3);
  CHECK(desk.take() == Lines{"-1 [6,9) 1/1 on_time#0", "-1 [0,3) 1/1 on_time#0", "1 [0,9) 3/3 late#1"});
}

TEST_CASE("count windows go by arrival: full ones, overlapping ones, and partial ones") {
  Desk full(weir::count_windows({.size = 3}));
  full.push(1, 9).push(1, 2).push(2, 1).push(1, 5).push(1, 6).finish();
  CHECK(full.take() == Lines{"1 [2,10) 3/3 on_time#0."});
  Desk overlapping(weir::count_windows({.size = 3, .every = 2}));
  for (std::int64_t i = 1; i <= 6; ++i) overlapping.push(1, i, i);
  CHECK(overlapping.take() == Lines{"1 [1,4) 3/6 on_time#0.", "1 [3,6) 3/12 on_time#0."});
  Desk partial(weir::count_windows({.size = 3, .every = 2, .partial = true}));
  for (std::int64_t i = 1; i <= 4; ++i) partial.push(1, i, i);
  CHECK(partial.take() == Lines{"1 [1,3) 2/3 on_time#0.", "1 [2,5) 3/9 on_time#0."});
  Desk gaps(weir::count_windows({.size = 1, .every = 3}));
  for (std::int64_t i = 1; i <= 6; ++i) gaps.push(1, i, i);
  CHECK(gaps.take() == Lines{"1 [1,2) 1/1 on_time#0.", "1 [4,5) 1/4 on_time#0."});
  CHECK(gaps.stats().unassigned == 4);
  CHECK(gaps.stats().conserves());
}

}  // namespace

#include <algorithm>
#include <map>
#include <random>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include <weir/operators/windows.hpp>

#include <weir/testing/harness.hpp>

#include "catch.hpp"
#include "operators/desk.hpp"

namespace {

using desk::Desk;
using desk::Lines;
using desk::us;

TEST_CASE("a tumbling window fires once when the watermark reaches its end, only for keys with records") {
  Desk desk(weir::tumbling({.size = us(10), .grace = us(0)}));
  desk.push(2, 3, 5).push(1, 9, 7).push(2, 0, 1).push(3, 10);
  desk.advance(9);
  CHECK(desk.take().empty());
  desk.advance(10);
  CHECK(desk.take() == Lines{"2 [0,10) 2/6 on_time#0.", "1 [0,10) 1/7 on_time#0."});
  desk.advance(10).advance(19);
  CHECK(desk.take().empty());
  desk.finish();
  CHECK(desk.take() == Lines{"3 [10,20) 1/1 on_time#0."});
  CHECK(desk.live() == 0);
}

TEST_CASE("windows before 1970 and with offsets begin where counting says") {
  Desk desk(weir::tumbling({.size = us(10), .offset = us(-3), .grace = us(0)}));
  desk.push(1, -4).push(1, -3).push(1, 6).push(1, 7).finish();
  CHECK(desk.take() ==
        Lines{"1 [-13,-3) 1/1 on_time#0.", "1 [-3,7) 2/2 on_time#0.", "1 [7,17) 1/1 on_time#0."});
}

TEST_CASE("a late record inside the grace fires its window again at once: past it, it is reported once") {
  Desk desk(weir::tumbling({.size = us(10), .grace = us(5)}));
  desk.push(1, 1).advance(10);
  CHECK(desk.take() == Lines{"1 [0,10) 1/1 on_time#0"});
  desk.push(1, 2);
  CHECK(desk.admit() == weir::Admit::late);
  desk.push(2, 3);
  CHECK(desk.take() == Lines{"1 [0,10) 2/2 late#1", "2 [0,10) 1/1 late#0"});
  desk.advance(14).push(1, 4);
  CHECK(desk.take() == Lines{"1 [0,10) 3/3 late#2"});
  desk.advance(15).push(1, 5);
  CHECK(desk.take() == Lines{"late 1@5 0/1 W 15"});
  CHECK(desk.live() == 0);
  CHECK(desk.stats().applied == 4);
  CHECK(desk.stats().late == 1);
  CHECK(desk.stats().windows_missed == 1);
  CHECK(desk.stats().emitted == 5);
  CHECK(desk.stats().conserves());
}

TEST_CASE(
    "a record that some sliding windows take and others miss is partially late, or dropped whole if asked") {
  Desk open(weir::sliding({.size = us(20), .every = us(10), .grace = us(0)}));
  open.advance(10).push(1, 5, 3);
  CHECK(open.take() == Lines{"late 1@5 1/1 W 10"});
  open.finish();
  CHECK(open.take() == Lines{"1 [0,20) 1/3 on_time#0."});
  CHECK(open.stats().partially_late == 1);
  Desk whole(weir::sliding({.size = us(20), .every = us(10), .grace = us(0), .late = weir::drop_whole}));
  whole.advance(10).push(1, 5, 3);
  CHECK(whole.take() == Lines{"late 1@5 0/1 W 10"});
  whole.finish();
  CHECK(whole.take().empty());
  CHECK(whole.stats().late == 1);
  CHECK((open.stats().conserves() && whole.stats().conserves()));
}

TEST_CASE("a slide longer than the size leaves records in the gaps unassigned") {
  Desk desk(weir::sliding({.size = us(3), .every = us(10), .grace = us(0)}));
  desk.push(1, 0).push(1, 2).push(1, 3).push(1, 9).push(1, 12).finish();
  CHECK(desk.take() == Lines{"1 [0,3) 2/2 on_time#0.", "1 [10,13) 1/1 on_time#0."});
  CHECK(desk.stats().unassigned == 2);
  CHECK(desk.stats().conserves());
}

TEST_CASE("cumulating windows grow inside their base") {
  Desk desk(weir::cumulating({.size = us(9), .step = us(3), .grace = us(0)}));
  desk.push(1, 1).push(1, 7).push(1, 10).finish();
  CHECK(desk.take() == Lines{"1 [0,3) 1/1 on_time#0.", "1 [0,6) 1/1 on_time#0.", "1 [0,9) 2/2 on_time#0.",
                             "1 [9,12) 1/1 on_time#0.", "1 [9,15) 1/1 on_time#0.",
                             "1 [9,18) 1/1 on_time#0."});
}

TEST_CASE("a lifetime window closes at finish(), and fires before as it is asked to") {
  Desk closing(weir::lifetime());
  closing.push(1, 5).push(1, 500).advance(1000);
  CHECK(closing.take().empty());
  closing.finish();
  CHECK(closing.take() == Lines{"1 [-inf,inf) 2/2 on_time#0."});
  Desk updating(weir::lifetime({.emit = weir::after(2)}));
  updating.push(1, 1).push(1, 2).push(1, 3).finish();
  CHECK(updating.take() == Lines{"1 [-inf,inf) 2/2 early#0"});
  CHECK(updating.stats().unemitted == 1);
}

TEST_CASE("empty windows come for keys that were seen, so many in a row, and again after the next record") {
  Desk desk(weir::tumbling({.size = us(10), .grace = us(0), .emit_empty = weir::EmptyWindows{.most = 2}}));
  desk.push(1, 5).advance(100);
  CHECK(desk.take() ==
        Lines{"1 [0,10) 1/1 on_time#0.", "1 [10,20) 0/0 on_time#0.", "1 [20,30) 0/0 on_time#0."});
  desk.push(1, 105).advance(120);
  CHECK(desk.take() == Lines{"1 [100,110) 1/1 on_time#0.", "1 [110,120) 0/0 on_time#0."});
  desk.push(1, 125).finish();
  CHECK(desk.take() ==
        Lines{"1 [120,130) 1/1 on_time#0.", "1 [130,140) 0/0 on_time#0.", "1 [140,150) 0/0 on_time#0."});
}

TEST_CASE("retracting panes take back the row before: discarding ones hold what is new") {
  Desk retracting(weir::tumbling({.size = us(10),
                                  .grace = us(5),
                                  .emit = weir::emit_when(weir::on_close(), weir::after(2)),
                                  .panes = weir::retracting}));
  retracting.push(1, 1).push(1, 2).push(1, 3).advance(10).push(1, 4);
  CHECK(retracting.take() == Lines{"1 [0,10) 2/2 early#0", "-1 [0,10) 2/2 early#0", "1 [0,10) 3/3 on_time#1",
                                   "-1 [0,10) 3/3 on_time#1", "1 [0,10) 4/4 late#2"});
  Desk discarding(weir::tumbling({.size = us(10),
                                  .grace = us(5),
                                  .emit = weir::emit_when(weir::on_close(), weir::after(2)),
                                  .panes = weir::discarding}));
  discarding.push(1, 1).push(1, 2).advance(10).push(1, 4).finish();
  CHECK(discarding.take() == Lines{"1 [0,10) 2/2 early#0", "1 [0,10) 1/1 late#1"});
}

TEST_CASE("every() fires at multiples after the first record that lie before the end, once per multiple") {
  Desk desk(weir::tumbling(
      {.size = us(10), .grace = us(0), .emit = weir::emit_when(weir::on_close(), weir::every(us(3)))}));
  desk.push(1, 1).advance(3);
  CHECK(desk.take().empty());
  desk.advance(4);
  CHECK(desk.take() == Lines{"1 [0,10) 1/1 early#0"});
  desk.push(1, 5).advance(30);
  CHECK(desk.take() == Lines{"1 [0,10) 2/2 early#1", "1 [0,10) 2/2 on_time#2."});
}

TEST_CASE("late records held back come in the final pane, and those of a window closed for good miss it") {
  Desk held(weir::tumbling({.size = us(10), .grace = us(5), .emit = weir::on_close().holding_late()}));
  held.push(1, 1).advance(10).push(1, 2).push(1, 3);
  CHECK(held.take() == Lines{"1 [0,10) 1/1 on_time#0"});
  held.advance(15);
  CHECK(held.take() == Lines{"1 [0,10) 3/3 late#1."});
  Desk closed(weir::tumbling({.size = us(10), .grace = us(5), .emit = weir::on_close().closing_for_good()}));
  closed.push(1, 1).advance(10).push(1, 2);
  CHECK(closed.take() == Lines{"1 [0,10) 1/1 on_time#0.", "late 1@2 0/1 W 10"});
}

TEST_CASE("windows that share panes give the rows of separate aggregates") {
  weir::Graph graph{"shared"};
  const auto events =
      graph.source<desk::Event>("events", {.time = &desk::Event::at, .watermark = weir::trailing(us(15))});
  const auto keyed = events | weir::key_by(&desk::Event::key);
  const auto day = weir::tumbling({.size = us(40), .offset = us(5), .grace = us(10)});
  const auto hour = weir::sliding({.size = us(30), .every = us(10), .grace = us(0)});
  const auto grown = weir::cumulating({.size = us(20), .step = us(10), .grace = us(3)});
  const auto [a, b, c] = keyed | weir::windows(day, hour, grown) | desk::totals("together");
  const auto d = keyed | day | desk::totals("day");
  const auto e = keyed | hour | desk::totals("hour");
  const auto f = keyed | grown | desk::totals("grown");
  weir::testing::Harness harness{std::move(graph)};
  harness.watch(a).watch(b).watch(c).watch(d).watch(e).watch(f).watch(a.late());
  for (std::int64_t i = 0; i < 400; ++i)
    harness.push(events, desk::event(i * 31 % 7, i * 2 - (i % 9 == 4 ? 22 : 0), i));
  harness.finish();
  const auto check_same = [&](const auto& together, const auto& apart) {
    // Which keys of one window come first depends on the panes, and shared panes are narrower.
    const auto sorted = [](auto all) {
      std::sort(all.begin(), all.end(), [](const auto& x, const auto& y) {
        return std::tie(x.window.end, x.window.start, x.key, x.pane.index) <
               std::tie(y.window.end, y.window.start, y.key, y.pane.index);
      });
      return all;
    };
    const auto rows = sorted(harness.seen(together));
    const auto others = sorted(harness.seen(apart));
    REQUIRE(rows.size() == others.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      REQUIRE(desk::text(rows[i]) == desk::text(others[i]));
      REQUIRE(rows[i] == others[i]);
    }
  };
  check_same(a, d);
  check_same(b, e);
  check_same(c, f);
  CHECK(harness.seen(a).size() > 50);
  CHECK(harness.seen(a.late()).size() ==
        harness.stats("together").late + harness.stats("together").partially_late);
  CHECK(harness.stats("together").conserves());
}

TEST_CASE(
    "keys with many panes give the rows that counting gives, and the same bytes however records come in "
    "batches") {
  struct Reading {
    std::int64_t key;
    double value;
    weir::EventTime at;
  };
  struct Sums {
    std::int64_t n = 0;
    std::int64_t ticks = 0;
    double sum = 0;
  };
  using Line = std::tuple<std::int64_t, std::int64_t, std::int64_t, std::int64_t, double>;
  constexpr std::int64_t size = 120;
  constexpr std::int64_t every = 10;
  constexpr std::int64_t delay = 15;
  std::mt19937_64 random(5);
  std::vector<Reading> readings;
  std::map<std::pair<std::int64_t, std::int64_t>, std::pair<std::int64_t, std::int64_t>>
      counted;  // by end and key
  std::int64_t newest = -1000;
  for (std::int64_t i = 0; i < 120'000; ++i) {
    // Keys 0 to 1499 are busy, then few are, then all again; some records are late for some of their windows or all.
    const bool is_busy = i / 40'000 != 1;
    const auto key = static_cast<std::int64_t>(random() % (is_busy ? 1500 : 40));
    const std::int64_t at = i / 80 - static_cast<std::int64_t>(random() % (random() % 20 == 0 ? 160 : 12));
    readings.push_back(
        {.key = key, .value = 1.0 / static_cast<double>(1 + random() % 1000), .at = weir::event_time(at)});
    const std::int64_t watermark = newest - delay;
    for (std::int64_t end = weir::floor_mod(-at, every) + at; end <= at + size; end += every) {
      if (end <= at || end <= watermark) continue;
      auto& [n, ticks] = counted[{end, key}];
      ++n;
      ticks += at;
    }
    newest = std::max(newest, at);
  }
  const auto rows_of = [&readings](std::size_t batch) {
    std::vector<Line> lines;
    weir::Graph graph{"readings"};
    auto source =
        graph.source<Reading>("readings", {.time = &Reading::at, .watermark = weir::trailing(us(delay))});
    source | weir::key_by(&Reading::key) |
        weir::sliding({.size = us(size), .every = us(every), .grace = us(0)}) |
        weir::aggregate<Sums>("sums", weir::count().as(&Sums::n), weir::sum([](const Reading& one) {
                                                                    return weir::ticks(one.at);
                                                                  }).as(&Sums::ticks),
                              weir::sum(&Reading::value).as(&Sums::sum)) |
        weir::sink("lines", [&lines](const weir::Windowed<std::int64_t, Sums>& row) {
          lines.emplace_back(weir::ticks(row.window.end), row.key, row.value.n, row.value.ticks,
                             row.value.sum);
        });
    weir::Pipeline pipeline = std::move(graph).build().value();
    for (std::size_t i = 0; i < readings.size(); i += batch) {
      pipeline.push(source, std::span(readings).subspan(i, std::min(batch, readings.size() - i)));
    }
    CHECK(pipeline.finish().ok());
    CHECK(pipeline.live_windows("sums") == 0);
    CHECK(pipeline.stats("sums").conserves());
    return lines;
  };
  const std::vector<Line> lines = rows_of(1);
  REQUIRE(lines.size() == counted.size());
  for (const auto& [end, key, n, ticks, sum] : lines) REQUIRE(counted.at({end, key}) == std::pair(n, ticks));
  for (const std::size_t batch : {7U, 256U, 5000U}) {
    const std::vector<Line> again = rows_of(batch);
    REQUIRE(again == lines);
  }
}

TEST_CASE("rows travel on with the last instant of their window, so windows can follow windows") {
  weir::Graph graph{"chain"};
  const auto events =
      graph.source<desk::Event>("events", {.time = &desk::Event::at, .watermark = weir::host_driven()});
  const auto minute = events | weir::key_by(&desk::Event::key) |
                      weir::tumbling({.size = us(10), .grace = us(0)}) | desk::totals("minute");
  const auto hour = minute |
                    weir::map([](const desk::Row& row) { return desk::event(0, 0, row.value.sum); }) |
                    weir::key_by(&desk::Event::key) | weir::tumbling({.size = us(20), .grace = us(0)}) |
                    desk::totals("hour");
  weir::testing::Harness harness{std::move(graph)};
  harness.watch(hour);
  for (std::int64_t i = 0; i < 40; ++i) harness.push(events, desk::event(i % 3, i, i));
  harness.watermark(events, weir::event_time(40));
  REQUIRE(harness.seen(hour).size() == 2);
  CHECK(desk::text(harness.seen(hour)[0]) == "0 [0,20) 6/190 on_time#0.");
  CHECK(desk::text(harness.seen(hour)[1]) == "0 [20,40) 6/590 on_time#0.");
}

TEST_CASE("a watermark step fires windows by end, then operators as declared, then keys by first touch") {
  weir::Graph graph{"order"};
  const auto events =
      graph.source<desk::Event>("events", {.time = &desk::Event::at, .watermark = weir::host_driven()});
  const auto keyed = events | weir::key_by(&desk::Event::key);
  const auto a = keyed | weir::tumbling({.size = us(10), .grace = us(0)}) | desk::totals("a");
  const auto b = keyed | weir::tumbling({.size = us(5), .grace = us(0)}) | desk::totals("b");
  const auto both =
      weir::merge("both", a | weir::map([](const desk::Row& row) { return "a " + desk::text(row); }),
                  b | weir::map([](const desk::Row& row) { return "b " + desk::text(row); }));
  weir::testing::Harness harness{std::move(graph)};
  harness.watch(both);
  for (const std::int64_t at : {7, 2}) harness.push(events, desk::event(9, at));
  harness.push(events, desk::event(1, 8));
  harness.finish();
  CHECK(harness.seen(both) == Lines{"b 9 [0,5) 1/1 on_time#0.", "a 9 [0,10) 2/2 on_time#0.",
                                    "a 1 [0,10) 1/1 on_time#0.", "b 9 [5,10) 1/1 on_time#0.",
                                    "b 1 [5,10) 1/1 on_time#0."});
}

}  // namespace

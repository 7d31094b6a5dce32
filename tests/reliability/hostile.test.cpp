#include <weir/weir.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "catch.hpp"
#include "operators/desk.hpp"

// Input that wants to hurt: extreme times, very many keys, windows and timers, watermarks that jump or go back.
// Work is bounded by counting what comes out; a sink that throws turns a hang into a failure.

namespace {

using desk::Desk;
using desk::Event;
using desk::Lines;
using desk::us;
using weir::event_time;

constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();

weir::Source<Event> events_of(weir::Graph& graph, weir::WatermarkRule<Event> rule = weir::host_driven()) {
  return graph.source<Event>("events",
                             {.time = &Event::at, .watermark = rule, .max_future_skew = std::nullopt});
}

/// Throws when more came than a bounded amount of work can give.
struct Bounded {
  std::uint64_t* seen;
  std::uint64_t most;
  template <class Any>
  void operator()(const Any&) const {
    if (++*seen > most) throw std::runtime_error("unbounded output");
  }
};

/// A heartbeat per key: every `period` from the key's first record on.
struct Heartbeat {
  struct State {
    std::int64_t beats = 0;
    bool operator==(const State&) const = default;
  };
  weir::Duration period{1};
  std::uint64_t most = 100'000;
  void process(State&, const Event& event, weir::Timer& timer, weir::Out<Event>&) const {
    if (!timer.is_set()) timer.set(weir::later(event.at, period));
  }
  void on_timer(State& state, const weir::Fired<std::int64_t>& fired, weir::Timer& timer,
                weir::Out<Event>& out) const {
    if (static_cast<std::uint64_t>(++state.beats) > most) throw std::runtime_error("unbounded timers");
    out.emit(desk::event(fired.key, weir::ticks(fired.at)));
    timer.set(weir::later(fired.at, period));
  }
};

std::string build_error(weir::Graph graph) {
  const auto built = std::move(graph).build();
  return built.ok() ? "" : std::string(built.status().message());
}

TEST_CASE("finish() ends although every timer sets itself again") {
  weir::Graph graph{"heartbeat"};
  const auto events = events_of(graph);
  std::uint64_t beats = 0;
  events | weir::key_by(&Event::key) | weir::each("heartbeat", Heartbeat{.period = std::chrono::hours{1}}) |
      weir::sink("beats", Bounded{&beats, 200'000});
  auto pipeline = std::move(graph).build().value();
  pipeline.push(events, desk::event(1, 0));
  REQUIRE(pipeline.advance(events, event_time(3 * 3'600'000'000 + 1)).ok());
  CHECK(beats == 3);
  CHECK_NOTHROW(pipeline.finish().IgnoreError());
  CHECK(pipeline.status().ok());
}

TEST_CASE("finish() fires no early pane of a window without end, also when another timed operator follows") {
  weir::Graph graph{"chain"};
  const auto events = events_of(graph);
  std::uint64_t rows = 0;
  const auto running =
      events | weir::key_by(&Event::key) |
      weir::lifetime({.emit = weir::emit_when(weir::on_close(), weir::every(std::chrono::minutes{1}))}) |
      desk::totals("running");
  running | weir::sink("rows", Bounded{&rows, 50'000});
  const auto again = running |
                     weir::map([](const desk::Row& row) { return desk::event(0, 0, row.value.n); }) |
                     weir::key_by(&Event::key) |
                     weir::tumbling({.size = std::chrono::hours{1}, .grace = us(0)}) | desk::totals("again");
  again | weir::sink("again rows", Bounded{&rows, 50'000});
  auto pipeline = std::move(graph).build().value();
  pipeline.push(events, desk::event(1, 0));
  CHECK_NOTHROW(pipeline.finish().IgnoreError());
  CHECK(pipeline.status().ok());
  CHECK(rows < 10);
}

TEST_CASE(
    "a watermark jump over very many early panes fires the last ones only, alone or before another timed "
    "operator") {
  const bool has_follower = GENERATE(false, true);
  CAPTURE(has_follower);
  weir::Graph graph{"jump"};
  const auto events = events_of(graph);
  std::uint64_t rows = 0;
  const auto running = events | weir::key_by(&Event::key) | weir::lifetime({.emit = weir::every(us(1))}) |
                       desk::totals("running");
  running | weir::sink("rows", Bounded{&rows, 100'000});
  if (has_follower) {
    const auto again =
        running | weir::map([](const desk::Row& row) { return desk::event(0, 0, row.value.n); }) |
        weir::key_by(&Event::key) | weir::tumbling({.size = std::chrono::hours{1}, .grace = us(0)}) |
        desk::totals("again");
    again | weir::sink("again rows", Bounded{&rows, 100'000});
  }
  auto pipeline = std::move(graph).build().value();
  pipeline.push(events, desk::event(1, 0));
  CHECK_NOTHROW(pipeline.advance(events, event_time(1'000'000'000'000'000)).IgnoreError());
  CHECK(pipeline.status().ok());
  CHECK(rows <= 20'001);
  CHECK(pipeline.stats("running").skipped_firings > 0);
}

TEST_CASE("a watermark jump over 1e15 us does work for the live windows only") {
  Desk tumbling(weir::tumbling({.size = us(1), .grace = us(0)}));
  Desk sliding(weir::sliding({.size = us(1000), .every = us(1), .grace = us(0)}));
  Desk cumulating(weir::cumulating({.size = us(1000), .step = us(1), .grace = us(5)}));
  Desk lifetime(weir::lifetime());
  Desk session(weir::session({.gap = us(1), .grace = us(0)}));
  Desk held(weir::tumbling({.size = us(10), .grace = us(100), .emit = weir::on_close().holding_late()}));
  const auto jump = [](Desk& desk, std::size_t rows) {
    desk.push(1, -500'000'000'000'000).push(2, 7);
    desk.advance(600'000'000'000'000);
    CHECK(desk.take().size() == rows);
    CHECK(desk.live() == (rows == 0 ? 2 : 0));
  };
  jump(tumbling, 2);
  jump(sliding, 2000);
  jump(cumulating, 1000 - 0 + 993);
  jump(lifetime, 0);
  jump(session, 2);
  jump(held, 2);
}

TEST_CASE("windows that would put one record into too many panes or windows are refused by build()") {
  const auto refused = [](auto shape) {
    weir::Graph graph{"explosion"};
    events_of(graph) | weir::key_by(&Event::key) | std::move(shape) | desk::totals("rows");
    return build_error(std::move(graph));
  };
  using std::chrono::hours;
  CHECK(refused(weir::sliding({.size = us(1'000'000'000), .every = us(1), .grace = us(0)})).find("rows: ") ==
        0);
  CHECK(
      refused(weir::cumulating({.size = us(1'000'000'000), .step = us(1), .grace = us(0)})).find("rows: ") ==
      0);
  CHECK(refused(weir::sliding({.size = us(2000), .every = us(1), .grace = us(0), .emit = weir::on_update()}))
            .find("rows: ") == 0);
  CHECK(refused(weir::tumbling({.size = hours{24}, .grace = us(0), .emit = weir::every(us(1))}))
            .find("rows: ") == 0);
  CHECK(refused(weir::sliding({.size = hours{24}, .every = hours{1}, .offset = us(1), .grace = us(0)}))
            .empty());
}

TEST_CASE("windows() refuses too many panes whichever of its windows needs them") {
  weir::Graph graph{"explosion"};
  (events_of(graph) | weir::key_by(&Event::key) |
   weir::windows(weir::tumbling({.size = us(1), .grace = us(0)}),
                 weir::sliding({.size = us(1'000'000'000), .every = us(1), .grace = us(0)})) |
   desk::totals("rows"));
  CHECK(build_error(std::move(graph)).find("rows: ") == 0);
}

TEST_CASE("times at the ends of int64 go through every kind of window, and every record is accounted for") {
  const std::int64_t times[] = {least, least + 1, least + 2, -1, 0, 1, most - 2, most - 1, most};
  const auto hurt = [&](auto shape, bool ends_with_time = true) {
    Desk desk(std::move(shape), weir::trailing(us(0)));
    for (const std::int64_t at : times) desk.push(1, at);
    for (const std::int64_t at : times) desk.push(2, at);
    desk.finish();
    CHECK(desk.status().ok());
    if (ends_with_time) CHECK(desk.live() == 0);
    CHECK(desk.stats("events").conserves());
    CHECK(desk.stats("events").no_timestamp == 2);
    CHECK(desk.stats().conserves());
    CHECK(desk.stats().ingested == 16);
  };
  hurt(weir::tumbling({.size = us(1), .grace = us(0)}));
  hurt(weir::tumbling({.size = us(most), .grace = us(most)}));
  hurt(weir::tumbling({.size = us(10), .offset = us(least), .grace = us(most)}));
  hurt(weir::sliding({.size = us(10), .every = us(most), .grace = us(0)}));
  hurt(weir::sliding({.size = us(10), .every = us(3), .offset = us(most), .grace = us(1)}));
  hurt(weir::cumulating({.size = us(most), .step = us(most), .grace = us(0)}));
  hurt(weir::lifetime({.emit = weir::on_update(), .panes = weir::retracting}));
  hurt(weir::tumbling({.size = us(most), .grace = us(0), .emit = weir::every(us(most))}));
  hurt(weir::session({.gap = us(1), .grace = us(0)}));
  hurt(weir::session({.gap = us(most), .longest = us(0), .grace = us(most)}));
  hurt(weir::count_windows({.size = 3}), false);
}

TEST_CASE("a watermark that goes back is ignored and counted, and never opens a window again") {
  Desk desk(weir::tumbling({.size = us(10), .grace = us(0)}));
  desk.push(1, 5).advance(20);
  CHECK(desk.take() == Lines{"1 [0,10) 1/1 on_time#0."});
  CHECK(desk.advance(3).status().ok());
  desk.push(1, 5).advance(20).advance(least).advance(19);
  CHECK(desk.take() == Lines{"late 1@5 0/1 W 20"});
  CHECK(desk.stats("events").regressions == 3);
  CHECK(desk.pipeline().watermark(desk.source()) == event_time(20));
}

TEST_CASE("a hundred thousand sessions inserted in reverse order into one key close in order") {
  constexpr std::int64_t count = 100'000;
  Desk desk(weir::session({.gap = us(5), .grace = us(0)}));
  for (std::int64_t i = count; i > 0; --i) desk.push(1, i * 10);
  CHECK(desk.live() == count);
  desk.advance(count * 10 + 6);
  const Lines rows = desk.take();
  REQUIRE(rows.size() == count);
  CHECK(rows.front() == "1 [10,15) 1/1 on_time#0.");
  CHECK(rows.back() == "1 [1000000,1000005) 1/1 on_time#0.");
  CHECK(desk.live() == 0);
}

TEST_CASE("a hundred thousand records in reverse order extend one session") {
  constexpr std::int64_t count = 100'000;
  Desk desk(weir::session({.gap = us(10), .grace = us(0)}));
  for (std::int64_t i = count; i > 0; --i) desk.push(1, i * 10);
  desk.finish();
  CHECK(desk.take() == Lines{"1 [10,1000010) 100000/100000 on_time#0."});
}

TEST_CASE("very many timers at one instant fire once each, in the order in which they were set") {
  struct Once {
    void process(const Event&, weir::Timer& timer, weir::Out<Event>&) const { timer.set(event_time(1000)); }
    void on_timer(const weir::Fired<std::int64_t>& fired, weir::Out<Event>& out) const {
      out.emit(desk::event(fired.key, 0));
    }
  };
  constexpr std::int64_t count = 200'000;
  weir::Graph graph{"timers"};
  const auto events = events_of(graph);
  std::int64_t next = count;
  bool is_ordered = true;
  events | weir::key_by(&Event::key) | weir::each("once", Once{}) |
      weir::sink("fired", [&](const Event& event) { is_ordered = is_ordered && event.key == --next; });
  auto pipeline = std::move(graph).build().value();
  for (std::int64_t key = count; key > 0; --key) pipeline.push(events, desk::event(key - 1, 5));
  REQUIRE(pipeline.advance(events, event_time(1000)).ok());
  CHECK(next == count);
  REQUIRE(pipeline.advance(events, event_time(1001)).ok());
  CHECK(next == 0);
  CHECK(is_ordered);
}

TEST_CASE("five million distinct keys pass through tumbling windows in bounded memory") {
  constexpr std::int64_t count = 5'000'000;
  constexpr std::int64_t live_keys = 10'000;
  weir::Graph graph{"churn"};
  const auto events = events_of(graph, weir::ascending());
  std::uint64_t rows = 0;
  events | weir::key_by(&Event::key) | weir::tumbling({.size = us(live_keys), .grace = us(0)}) |
      desk::totals("windows") | weir::sink("rows", [&rows](const desk::Row&) { ++rows; });
  auto pipeline = std::move(graph).build().value();
  std::vector<Event> batch(1000);
  std::uint64_t most_keys = 0;
  std::uint64_t most_bytes = 0;
  for (std::int64_t from = 0; from < count; from += 1000) {
    for (std::int64_t i = 0; i < 1000; ++i)
      batch[static_cast<std::size_t>(i)] = desk::event(from + i, from + i);
    pipeline.push(events, std::span<const Event>(batch));
    if (from % 50'000 != 0) continue;
    const weir::OperatorStats& keys = pipeline.stats("key_by #1");
    most_keys = std::max(most_keys, keys.keys);
    most_bytes = std::max(most_bytes, keys.state_bytes + pipeline.stats("windows").state_bytes);
  }
  REQUIRE(pipeline.finish().ok());
  CHECK(rows == count);
  CHECK(most_keys <= 4 * live_keys);
  CHECK(most_bytes < std::uint64_t{32} << 20);
}

TEST_CASE("a small key limit holds against very many distinct keys, and lets new ones in as old ones go") {
  weir::Graph graph{"limit"};
  const auto events = events_of(graph, weir::ascending());
  std::uint64_t rows = 0;
  events | weir::key_by(&Event::key, {.most_keys = 1000}) |
      weir::tumbling({.size = us(10'000), .grace = us(0)}) | desk::totals("windows") |
      weir::sink("rows", [&rows](const desk::Row&) { ++rows; });
  auto pipeline = std::move(graph).build().value();
  for (std::int64_t i = 0; i < 1'000'000; ++i) pipeline.push(events, desk::event(i, i));
  REQUIRE(pipeline.finish().ok());
  const weir::OperatorStats& keys = pipeline.stats("key_by #1");
  CHECK(keys.keys <= 1000);
  CHECK(keys.conserves());
  CHECK(keys.over_key_limit == keys.rejected);
  CHECK(rows == keys.applied);
  CHECK(keys.applied > 50'000);
}

TEST_CASE("NaN and infinities in one record leave the rest of the window alone") {
  struct Reading {
    weir::EventTime at{};
    double value = 0;
  };
  struct Summary {
    double sum = 0;
    double largest = 0;
    std::int64_t n = 0;
  };
  weir::Graph graph{"nan"};
  const auto readings =
      graph.source<Reading>("readings", {.time = &Reading::at, .watermark = weir::host_driven()});
  std::vector<Summary> rows;
  readings | weir::key_by([](const Reading&) { return 0; }) |
      weir::tumbling({.size = us(10), .grace = us(0)}) |
      weir::aggregate<Summary>("rows", weir::sum(&Reading::value).as(&Summary::sum),
                               weir::max(&Reading::value).as(&Summary::largest),
                               weir::count().as(&Summary::n)) |
      weir::sink("sink", [&rows](const auto& row) { rows.push_back(row.value); });
  auto pipeline = std::move(graph).build().value();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double value : {1.0, nan, -0.0, 2.5, nan})
    pipeline.push(readings, Reading{event_time(1), value});
  for (const double value : {1.0, infinity, 2.0}) pipeline.push(readings, Reading{event_time(11), value});
  REQUIRE(pipeline.finish().ok());
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].sum == 3.5);
  CHECK(rows[0].largest == 2.5);
  CHECK(rows[0].n == 5);
  CHECK(rows[1].sum == infinity);
  CHECK(rows[1].largest == infinity);
  CHECK(pipeline.stats("rows").features[0].nan == 2);
}

TEST_CASE("a session with caps stays quick when it is one of very many in its key") {
  constexpr std::int64_t count = 20'000;
  Desk desk(weir::session({.gap = us(1'000'000), .most_records = 1, .grace = us(0)}));
  for (std::int64_t i = 0; i < count; ++i) desk.push(1, i * 2'000'000);
  CHECK(desk.live() == count);
  desk.finish();
  CHECK(desk.take().size() == count);
}

}  // namespace

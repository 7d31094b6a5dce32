#include <weir/operators/each.hpp>

#include <weir/testing/harness.hpp>

#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "operators/desk.hpp"

namespace {

using desk::Event;
using desk::Lines;
using desk::us;
using weir::event_time;

weir::Source<Event> events_of(weir::Graph& graph, const char* name = "events") {
  return graph.source<Event>(name, {.time = &Event::at, .watermark = weir::host_driven()});
}

/// Splits by sign; counts what each key saw; says so after a pause of 10.
struct Split {
  struct State {
    std::int64_t seen = 0;
    bool operator==(const State&) const = default;
  };
  void process(State& state, const Event& event, weir::Timer& timer, weir::Out<Event>& plus,
               weir::Out<std::string>& texts) const {
    ++state.seen;
    if (event.value > 0) plus.emit(event);
    if (event.value < 0) texts.emit_at(event_time(99), "minus " + std::to_string(event.key));
    timer.set(weir::later(event.at, us(10)));
  }
  void on_timer(State& state, const weir::Fired<std::int64_t>& fired, weir::Out<Event>&,
                weir::Out<std::string>& texts) const {
    texts.emit("key " + std::to_string(fired.key) + " saw " + std::to_string(std::exchange(state.seen, 0)) +
               " at " + desk::text(fired.at));
  }
};

TEST_CASE("a custom operator has state and a timer per key and several outputs") {
  weir::Graph graph{"each"};
  const auto events = events_of(graph);
  const auto [plus, texts] = events | weir::key_by(&Event::key) | weir::each("split", Split{});
  weir::testing::Harness harness{std::move(graph)};
  harness.watch(plus).watch(texts);
  harness.push(events, desk::event(2, 0, 5));
  harness.push(events, desk::event(1, 1, -5));
  harness.push(events, desk::event(2, 3, 7));
  harness.watermark(events, event_time(11));
  CHECK(harness.seen(texts) == Lines{"minus 1"});
  harness.watermark(events, event_time(12));
  CHECK(harness.seen(texts) == Lines{"minus 1", "key 1 saw 1 at 11"});
  harness.watermark(events, event_time(14));
  CHECK(harness.seen(texts) == Lines{"minus 1", "key 1 saw 1 at 11", "key 2 saw 2 at 13"});
  CHECK(harness.seen(plus).size() == 2);
  harness.push(events, desk::event(2, 15, 1));
  harness.finish();
  CHECK(harness.seen(texts).back() == "key 2 saw 1 at 25");
  CHECK(harness.stats("split").emitted == 7);
  CHECK(harness.stats("split").conserves());
}

TEST_CASE(
    "a timer that is set twice fires once, one that is cancelled not at all, and one in the past in the same "
    "step") {
  struct Moves {
    void process(const Event& event, weir::Timer& timer, weir::Out<Event>&) const {
      if (event.value == 0) return timer.cancel();
      timer.set(event_time(event.value));
    }
    void on_timer(const weir::Fired<std::int64_t>& fired, weir::Out<Event>& out) const {
      out.emit(desk::event(fired.key, weir::ticks(fired.at)));
    }
  };
  weir::Graph graph{"timers"};
  const auto events = events_of(graph);
  const auto fired = events | weir::key_by(&Event::key) | weir::each("moves", Moves{});
  weir::testing::Harness harness{std::move(graph)};
  harness.watch(fired);
  harness.push(events, desk::event(1, 0, 50));
  harness.push(events, desk::event(1, 0, 20));
  harness.push(events, desk::event(2, 0, 30));
  harness.push(events, desk::event(2, 0, 0));
  harness.push(events, desk::event(3, 0, 40));
  harness.push(events, desk::event(3, 0, 60));
  harness.watermark(events, event_time(51));
  REQUIRE(harness.seen(fired).size() == 1);
  CHECK(harness.seen(fired)[0].at == event_time(20));
  harness.watermark(events, event_time(100));
  REQUIRE(harness.seen(fired).size() == 2);
  CHECK(harness.seen(fired)[1].at == event_time(60));
  harness.push(events, desk::event(4, 100, 5));
  harness.watermark(events, event_time(101));
  REQUIRE(harness.seen(fired).size() == 3);
  CHECK(harness.seen(fired)[2].key == 4);
}

TEST_CASE("an operator on a stream without key has one state for all") {
  struct Running {
    using State = std::int64_t;
    void process(State& sum, const Event& event, weir::Out<std::int64_t>& out) const {
      out.emit(sum += event.value);
    }
  };
  weir::Graph graph{"running"};
  const auto events = events_of(graph);
  const auto sums = events | weir::each("running", Running{});
  weir::testing::Harness harness{std::move(graph)};
  harness.watch(sums);
  for (std::int64_t i = 1; i <= 4; ++i) harness.push(events, desk::event(i, i, i));
  CHECK(harness.seen(sums) == std::vector<std::int64_t>{1, 3, 6, 10});
}

TEST_CASE("fused stages give what the same stages one by one give") {
  weir::Graph graph{"stages"};
  const auto events = events_of(graph);
  const auto even = weir::filter([](const Event& event) { return event.value % 2 == 0; });
  const auto twice = weir::flat_map<Event>([](const Event& event, auto&& emit) {
    emit(event);
    if (event.value % 3 == 0) emit(desk::event(event.key, 0, -event.value));
  });
  const auto value = weir::map(&Event::value);
  const auto fused = events | (even | twice | value);
  const auto apart = events | even | twice | value;
  weir::testing::Harness harness{std::move(graph)};
  harness.watch(fused).watch(apart);
  std::vector<Event> batch;
  for (std::int64_t i = 0; i < 1000; ++i) batch.push_back(desk::event(1, i, i));
  harness.push(events, batch);
  CHECK(harness.seen(fused) == harness.seen(apart));
  CHECK(harness.seen(fused).size() == 500 + 167);
  const weir::OperatorStats& stats = harness.stats("filter | flat_map | map #1");
  CHECK(stats.ingested == 1000);
  CHECK(stats.unassigned == 500);
  CHECK(stats.emitted == 667);
  for (const std::string& name : harness.pipeline().names()) CHECK(harness.stats(name).conserves());
}

TEST_CASE("a merge waits for its slowest source, leaves out idle ones, and keeps the order of arrival") {
  weir::Graph graph{"merge"};
  const auto a = events_of(graph, "a");
  const auto b = events_of(graph, "b");
  const auto rows = weir::merge("both", a, b) | weir::key_by(&Event::key) |
                    weir::tumbling({.size = us(10), .grace = us(0)}) | desk::totals("rows");
  weir::testing::Harness harness{std::move(graph)};
  harness.watch(rows);
  harness.push(a, desk::event(1, 1, 1));
  harness.push(b, desk::event(1, 2, 10));
  harness.watermark(a, event_time(50));
  CHECK(harness.seen(rows).empty());
  harness.watermark(b, event_time(10));
  REQUIRE(harness.seen(rows).size() == 1);
  CHECK(desk::text(harness.seen(rows)[0]) == "1 [0,10) 2/11 on_time#0.");
  harness.push(a, desk::event(1, 55, 1));
  harness.watermark(a, event_time(60));
  CHECK(harness.seen(rows).size() == 1);
  REQUIRE(harness.pipeline().set_idle(b.channel(0)).ok());
  CHECK(harness.seen(rows).size() == 2);
  CHECK(harness.push(b, desk::event(2, 61)) == weir::Admit::on_time);
  harness.finish();
  CHECK(harness.seen(rows).size() == 3);
  CHECK(harness.stats("both").ingested == 4);
}

TEST_CASE(
    "a stream merged with a part of itself gives each record to both, record by record, also in batches") {
  weir::Graph graph{"self"};
  const auto events = events_of(graph);
  const auto both =
      weir::merge("both", events,
                  events | weir::filter([](const Event& event) { return event.value % 2 == 0; })) |
      weir::map(&Event::value);
  weir::testing::Harness harness{std::move(graph)};
  harness.watch(both);
  const std::vector<Event> batch{desk::event(1, 1, 1), desk::event(1, 2, 2), desk::event(1, 3, 3),
                                 desk::event(1, 4, 4)};
  harness.push(events, batch);
  CHECK(harness.seen(both) == std::vector<std::int64_t>{1, 2, 2, 3, 4, 4});
}

TEST_CASE("a tap sees what passes and gives the same stream back") {
  weir::Graph graph{"tap"};
  const auto events = events_of(graph);
  std::uint64_t seen = 0;
  const auto rows = events | weir::key_by(&Event::key) | weir::tap("tap", [&seen](const Event&) { ++seen; }) |
                    weir::tumbling({.size = us(10), .grace = us(0)}) | desk::totals("rows");
  weir::testing::Harness harness{std::move(graph)};
  harness.watch(rows);
  harness.push(events, desk::event(1, 1));
  harness.push(events, desk::event(1, 2));
  harness.finish();
  CHECK(seen == 2);
  REQUIRE(harness.seen(rows).size() == 1);
}

}  // namespace

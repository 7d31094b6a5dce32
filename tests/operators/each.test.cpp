#include <weir/operators/each.hpp>

#include <weir/testing/harness.hpp>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "effort.hpp"
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

/// Says what the State of a key was before each record; a value of 0 only asks; rings 12 behind a negative value.
struct Last {
  struct State {
    std::int64_t value = 0;
    friend bool operator==(const State&, const State&) = default;
  };
  void process(State& state, const Event& event, weir::Timer& timer, weir::Out<std::string>& out) const {
    out.emit(std::to_string(event.key) + ": " + std::to_string(state.value));
    if (event.value != 0) state.value = event.value;
    if (event.value < 0) timer.set(weir::later(event.at, us(12)));
  }
  void on_timer(State& state, const weir::Fired<std::int64_t>& fired, weir::Out<std::string>& out) const {
    out.emit(std::to_string(fired.key) + " rings with " + std::to_string(state.value));
    state.value += 1000;
  }
};

struct Retaining {
  explicit Retaining(const weir::EachSpec& spec, weir::WatermarkRule<Event> rule = weir::host_driven()) {
    weir::Graph graph{"retaining"};
    source.emplace(graph.source<Event>(
        "events", {.time = &Event::at, .watermark = std::move(rule), .max_future_skew = std::nullopt}));
    *source | weir::key_by(&Event::key) | weir::each(spec, Last{}) |
        weir::sink("out", [this](const std::string& line) { lines.push_back(line); });
    absl::StatusOr<weir::Pipeline> built = std::move(graph).build();
    error = std::string(built.status().message());
    if (built.ok()) pipeline.emplace(*std::move(built));
  }
  Retaining(const Retaining&) = delete;
  Retaining& operator=(const Retaining&) = delete;

  Lines lines;
  std::string error;
  std::optional<weir::Source<Event>> source;
  std::optional<weir::Pipeline> pipeline;
};

TEST_CASE("the State of a key is forgotten when nothing has refreshed it for so long, as an oracle does it") {
  const std::uint64_t runs = effort() == "long" ? 200'000 : effort() == "quick" ? 200 : 4'000;
  std::size_t forgotten = 0;
  std::size_t rung = 0;
  for (std::uint64_t seed = 1; seed <= runs; ++seed) {
    std::mt19937_64 random(seed);
    const auto pick = [&random](std::int64_t low, std::int64_t high) {
      return low + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(high - low + 1));
    };
    const std::int64_t retain = pick(1, 30);
    const weir::EachSpec spec{
        .name = "last",
        .retain = us(retain),
        .refresh = pick(0, 1) == 0 ? weir::Refresh::on_change : weir::Refresh::on_record,
        .clock = pick(0, 1) == 0 ? weir::Clock::event : weir::Clock::wall};
    const bool is_wall = spec.clock == weir::Clock::wall;
    const bool on_change = spec.refresh == weir::Refresh::on_change;
    struct Kept {
      std::int64_t value = 0;
      std::int64_t until = INT64_MIN;
      std::optional<std::int64_t> timer;
    };
    std::map<std::int64_t, Kept> kept;
    std::int64_t watermark = INT64_MIN;
    std::optional<std::int64_t> clock;
    Lines wanted;
    const auto touch = [&](Kept& one, std::int64_t at) {
      one.until = std::max(one.until, is_wall ? (clock ? *clock + retain : INT64_MAX) : at + retain);
    };
    const auto drop_empty = [&](std::int64_t key) {
      if (kept[key].value == 0 && !kept[key].timer) kept.erase(key);
    };
    const auto advance_to = [&](std::int64_t to) {  // one instant after the other
      for (std::int64_t w = std::max(watermark, std::int64_t{-200}) + 1; w <= to; ++w) {
        std::vector<std::pair<std::int64_t, std::int64_t>> due;
        if (!is_wall)
          forgotten += std::erase_if(kept, [w](const auto& one) { return one.second.until <= w; });
        for (auto& [key, one] : kept) {
          if (one.timer && *one.timer < w) due.emplace_back(*one.timer, key);
        }
        for (const auto& [at, key] : due) {
          Kept& one = kept[key];
          one.timer.reset();
          wanted.push_back(std::to_string(key) + " rings with " + std::to_string(one.value));
          one.value += 1000;
          if (on_change) touch(one, at);
          drop_empty(key);
          ++rung;
        }
        watermark = w;
      }
    };
    auto desk = std::make_unique<Retaining>(spec);
    std::int64_t now = pick(-50, 50);
    for (int step = 0; step < 50; ++step) {
      const std::int64_t way = pick(0, 19);
      INFO("seed " << seed << ", step " << step);
      if (way < 12) {
        now += pick(0, 4);
        const Event event = desk::event(pick(0, 3), now - pick(0, 10), pick(-2, 2));
        const std::int64_t at = weir::ticks(event.at);
        if (!is_wall && kept.count(event.key) > 0 && kept[event.key].until <= watermark)
          kept.erase(event.key);
        const bool is_new = kept.count(event.key) == 0;
        Kept& one = kept[event.key];
        wanted.push_back(std::to_string(event.key) + ": " + std::to_string(one.value));
        const std::int64_t before = one.value;
        if (event.value != 0) one.value = event.value;
        if (event.value < 0) one.timer = at + 12;
        if (!on_change || is_new || one.value != before) touch(one, at);
        drop_empty(event.key);
        desk->pipeline->push(*desk->source, event);
      } else if (way < 16) {
        const std::int64_t to = now - pick(-2, 10);
        advance_to(to);
        desk->pipeline->advance(*desk->source, event_time(to)).IgnoreError();
      } else if (way < 19) {
        const std::int64_t next = clock.value_or(0) + pick(0, 15);
        for (auto& [key, one] : kept) {
          if (is_wall && !clock) one.until = next + retain;
        }
        clock = next;
        if (is_wall)
          forgotten += std::erase_if(kept, [&](const auto& one) { return one.second.until <= *clock; });
        CHECK(desk->pipeline->tick(weir::WallTime{us(next)}).ok());
      } else {
        std::string image;
        REQUIRE(desk->pipeline->snapshot({}, image).ok());
        Lines lines = std::move(desk->lines);
        desk = std::make_unique<Retaining>(spec);
        desk->lines = std::move(lines);
        REQUIRE(desk->pipeline->restore(image).ok());
      }
      // Timers of one instant ring in the order in which they were set, which the oracle does not know.
      std::sort(wanted.begin(), wanted.end());
      std::sort(desk->lines.begin(), desk->lines.end());
      REQUIRE(desk->lines == wanted);
      wanted.clear();
      desk->lines.clear();
    }
  }
  CHECK(forgotten > runs);
  CHECK(rung > runs / 4);
}

TEST_CASE("State is retained in batches as record by record") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    std::mt19937_64 random(seed);
    std::vector<Event> events;
    std::int64_t now = 0;
    for (int i = 0; i < 300; ++i) {
      now += static_cast<std::int64_t>(random() % 3);
      events.push_back(desk::event(static_cast<std::int64_t>(random() % 9),
                                   now - static_cast<std::int64_t>(random() % 20),
                                   static_cast<std::int64_t>(random() % 5) - 2));
    }
    const weir::EachSpec spec{.name = "last", .retain = us(11), .refresh = weir::Refresh::on_change};
    Retaining single(spec, weir::trailing(us(8)));
    for (const Event& event : events) single.pipeline->push(*single.source, event);
    Retaining batched(spec, weir::trailing(us(8)));
    batched.pipeline->push(*batched.source, std::span<const Event>(events));
    REQUIRE(single.lines == batched.lines);
  }
}

TEST_CASE("a source that moves its watermark itself lets State be forgotten in time") {
  Retaining desk({.name = "last", .retain = us(100)}, weir::ascending());
  const auto push = [&](const Event& event) { static_cast<void>(desk.pipeline->push(*desk.source, event)); };
  push(desk::event(1, 0, 5));
  push(desk::event(1, 99, 0));
  push(desk::event(2, 198, 1));
  push(desk::event(1, 198, 0));
  push(desk::event(2, 298, 1));
  push(desk::event(1, 298, 0));
  CHECK(desk.lines == Lines{"1: 0", "1: 5", "2: 0", "1: 5", "2: 1", "1: 0"});
}

TEST_CASE("options of retained State that make no sense are refused") {
  CHECK(Retaining({.name = "last", .retain = us(-1)}).error.find("last: retain (-1us) must be positive") !=
        std::string::npos);
  CHECK(Retaining({.name = "last", .clock = weir::Clock::wall})
            .error.find("last: clock is of retain, which is for_ever") != std::string::npos);
  struct Incomparable {
    struct State {
      std::int64_t value = 0;
    };
    void process(State& state, const Event& event, weir::Out<Event>&) const { state.value = event.value; }
  };
  weir::Graph graph{"incomparable"};
  const auto events = events_of(graph);
  events | weir::key_by(&Event::key) |
      weir::each({.name = "keyed", .retain = us(5), .refresh = weir::Refresh::on_change}, Incomparable{});
  events | weir::each({.name = "unkeyed", .retain = us(5)}, Incomparable{});
  const std::string error(std::move(graph).build().status().message());
  CHECK(error.find("keyed: refresh is on_change, and State has no ==") != std::string::npos);
  CHECK(error.find("unkeyed: retain is for keys, and the stream has none; put a key_by before it") !=
        std::string::npos);
}

}  // namespace

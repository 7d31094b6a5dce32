#include <weir/graph/pipeline.hpp>

#include <weir/testing/harness.hpp>

#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "operators/desk.hpp"

namespace {

using desk::Desk;
using desk::Event;
using desk::Lines;
using desk::us;
using weir::Admit;
using weir::event_time;

weir::WallTime wall(std::int64_t ticks) { return weir::WallTime{us(ticks)}; }

/// A source with options, and a sink that counts.
struct Line {
  explicit Line(weir::SourceSpec<Event> spec) : source(graph.source<Event>("events", std::move(spec))) {
    source | weir::sink("sink", [this](const Event&) { ++seen; });
  }
  weir::Pipeline& pipeline() {
    if (!built.has_value()) built.emplace(std::move(graph).build().value());
    return *built;
  }
  Admit push(std::int64_t at) { return pipeline().push(source, desk::event(1, at)); }
  Admit push(std::size_t channel, std::int64_t at) {
    return pipeline().push(source.channel(channel), desk::event(1, at));
  }
  std::int64_t watermark() { return weir::ticks(pipeline().watermark(source)); }

  std::uint64_t seen = 0;
  weir::Graph graph{"line"};
  weir::Source<Event> source;
  std::optional<weir::Pipeline> built;
};

TEST_CASE("finish() fires everything once, is idempotent, and afterwards records are refused") {
  Desk desk(weir::tumbling({.size = us(10), .grace = us(100)}));
  desk.push(1, 5).push(1, 25).finish();
  CHECK(desk.take() == Lines{"1 [0,10) 1/1 on_time#0", "1 [20,30) 1/1 on_time#0"});
  CHECK(desk.pipeline().watermark(desk.source()) == weir::end_of_time);
  desk.finish();
  CHECK(desk.status().ok());
  CHECK(desk.push(1, 50).admit() == Admit::refused);
  CHECK(desk.advance(70).status().ok());
  CHECK(desk.take().empty());
  CHECK(desk.stats("events").ingested == 2);
}

TEST_CASE("handles of another pipeline are refused by every call and move nothing") {
  Line one({.time = &Event::at, .watermark = weir::host_driven(), .channels = 2});
  Line other({.time = &Event::at, .watermark = weir::host_driven(), .channels = 2});
  one.push(1);
  other.push(1);
  weir::Pipeline& pipeline = one.pipeline();
  CHECK(pipeline.push(other.source, desk::event(1, 5)) == Admit::refused);
  const Event event = desk::event(1, 5);
  CHECK(pipeline.push(other.source, std::span<const Event>(&event, 1)).refused == 1);
  CHECK_FALSE(pipeline.advance(other.source, event_time(7)).ok());
  CHECK_FALSE(pipeline.set_idle(other.source.channel(1)).ok());
  CHECK_FALSE(pipeline.set_active(other.source.channel(1)).ok());
  CHECK_FALSE(pipeline.close(other.source.channel(1)).ok());
  CHECK(other.watermark() == weir::ticks(weir::no_time));
  CHECK(other.seen == 1);
  CHECK(one.pipeline().status().ok());
}

TEST_CASE("channels that do not exist are refused by every call") {
  Line line({.time = &Event::at, .watermark = weir::host_driven(), .channels = 2});
  CHECK(line.push(std::size_t{2}, 5) == Admit::refused);
  const absl::Status status = line.pipeline().advance(line.source.channel(2), event_time(1));
  CHECK(status.code() == absl::StatusCode::kInvalidArgument);
  CHECK(status.message() == "events: channel 2 does not exist; there are 2");
  CHECK_FALSE(line.pipeline().close(line.source.channel(9)).ok());
}

TEST_CASE("a source's watermark is the minimum over its channels and never goes back") {
  Line line({.time = &Event::at, .watermark = weir::trailing(us(10)), .channels = 3});
  line.push(std::size_t{0}, 100);
  line.push(std::size_t{1}, 200);
  CHECK(line.watermark() == weir::ticks(weir::no_time));
  line.push(std::size_t{2}, 50);
  CHECK(line.watermark() == 40);
  line.push(std::size_t{2}, 300);
  CHECK(line.watermark() == 90);
  CHECK(line.push(std::size_t{0}, 89) == Admit::late);
  CHECK(line.pipeline().close(line.source.channel(0)).ok());
  CHECK(line.watermark() == 190);
}

TEST_CASE(
    "a channel that is silent for long enough is idle at the next tick, not before, and its record wakes "
    "it") {
  Line line({.time = &Event::at,
             .watermark = weir::ascending(),
             .idle_after = us(100),
             .channels = 2,
             .max_future_skew = std::nullopt});
  line.push(std::size_t{0}, 10);
  line.push(std::size_t{1}, 20);
  CHECK(line.pipeline().tick(wall(1000)).ok());
  line.push(std::size_t{1}, 500);
  CHECK(line.watermark() == 10);
  CHECK(line.pipeline().tick(wall(1099)).ok());
  CHECK(line.watermark() == 10);
  line.push(std::size_t{1}, 600);
  CHECK(line.pipeline().tick(wall(1100)).ok());
  CHECK(line.watermark() == 600);
  CHECK(line.push(std::size_t{0}, 30) == Admit::late);
  CHECK(line.watermark() == 600);
  line.push(std::size_t{1}, 700);
  CHECK(line.watermark() == 700);
  line.push(std::size_t{0}, 900);
  line.push(std::size_t{1}, 950);
  CHECK(line.watermark() == 900);
}

TEST_CASE(
    "when the channel that held the watermark turns idle last, the watermark rises to the highest seen") {
  Line line({.time = &Event::at, .watermark = weir::ascending(), .channels = 2});
  line.push(std::size_t{0}, 100);
  line.push(std::size_t{1}, 300);
  CHECK(line.watermark() == 100);
  CHECK(line.pipeline().set_idle(line.source.channel(1)).ok());
  CHECK(line.watermark() == 100);
  CHECK(line.pipeline().set_idle(line.source.channel(0)).ok());
  CHECK(line.watermark() == 300);
  CHECK(line.pipeline().is_idle(line.source));
  CHECK(line.pipeline().set_active(line.source.channel(0)).ok());
  CHECK_FALSE(line.pipeline().is_idle(line.source));
  CHECK(line.watermark() == 300);
}

TEST_CASE("a clock that goes back is ignored: nothing turns idle twice, nothing wakes") {
  Line line(
      {.time = &Event::at, .watermark = weir::ascending(), .idle_after = us(100), .max_future_skew = us(50)});
  CHECK(line.pipeline().tick(wall(1000)).ok());
  CHECK(line.push(1050) == Admit::on_time);
  CHECK(line.push(1051) == Admit::future);
  CHECK(line.pipeline().tick(wall(-3'600'000'000)).ok());
  CHECK(line.push(1050) == Admit::on_time);
  CHECK(line.push(1051) == Admit::future);
  CHECK(line.pipeline().tick(wall(1001)).ok());
  CHECK(line.push(1051) == Admit::on_time);
}

TEST_CASE(
    "a record beyond the future guard is kept but moves no watermark: before the first tick nothing is "
    "future") {
  Line line({.time = &Event::at, .watermark = weir::ascending(), .max_future_skew = us(100)});
  CHECK(line.push(5) == Admit::on_time);
  CHECK(line.pipeline().tick(wall(1000)).ok());
  CHECK(line.push(1101) == Admit::future);
  CHECK(line.watermark() == 5);
  CHECK(line.push(1100) == Admit::on_time);
  CHECK(line.watermark() == 1100);
  CHECK(line.seen == 3);
  CHECK(line.pipeline().stats("events").future == 1);
  CHECK(line.pipeline().stats("events").conserves());
}

TEST_CASE("one record cannot move the watermark by more than max_jump") {
  Line line({.time = &Event::at,
             .watermark = weir::ascending(),
             .max_future_skew = std::nullopt,
             .max_jump = us(100)});
  CHECK(line.push(1'000'000) == Admit::on_time);
  CHECK(line.push(1'000'101) == Admit::future);
  CHECK(line.watermark() == 1'000'000);
  CHECK(line.push(1'000'100) == Admit::on_time);
  CHECK(line.watermark() == 1'000'100);
  CHECK(line.pipeline().stats("events").jumped == 1);
}

TEST_CASE(
    "a regressing advance is ignored and counted: with strict it is an error that names source and channel") {
  const bool is_strict = GENERATE(false, true);
  Line line({.time = &Event::at, .watermark = weir::host_driven(), .strict = is_strict});
  CHECK(line.pipeline().advance(line.source, event_time(50)).ok());
  CHECK(line.pipeline().advance(line.source, event_time(50)).ok());
  const absl::Status back = line.pipeline().advance(line.source, event_time(49));
  CHECK(back.ok() == !is_strict);
  if (is_strict)
    CHECK(back.message() == "events: the watermark of channel 0 must not go back to 49us; it is ignored");
  CHECK(line.watermark() == 50);
  CHECK(line.pipeline().stats("events").regressions == 1);
  CHECK(line.pipeline().status().ok());
  CHECK(line.push(60) == Admit::on_time);
}

TEST_CASE("punctuated sources move by what records carry, in order, and only forward") {
  Line line({.time = &Event::at,
             .watermark = weir::punctuated([](const Event& event) -> std::optional<weir::EventTime> {
               return event.value == 0 ? std::nullopt : std::optional{event_time(event.value)};
             })});
  const auto push = [&](std::int64_t at, std::int64_t mark) {
    return line.pipeline().push(line.source, desk::event(1, at, mark));
  };
  CHECK(push(100, 0) == Admit::on_time);
  CHECK(line.watermark() == weir::ticks(weir::no_time));
  CHECK(push(90, 80) == Admit::on_time);
  CHECK(line.watermark() == 80);
  CHECK(push(79, 200) == Admit::late);
  CHECK(line.watermark() == 200);
  CHECK(push(300, 150) == Admit::on_time);
  CHECK(line.watermark() == 200);
}

TEST_CASE(
    "records without a timestamp or outside of the accepted range are rejected by reason, first of all "
    "checks") {
  Line line({.time = &Event::at,
             .watermark = weir::ascending(),
             .earliest = event_time(0),
             .latest = event_time(1000)});
  CHECK(line.push(weir::ticks(weir::no_time)) == Admit::rejected);
  CHECK(line.push(-1) == Admit::rejected);
  CHECK(line.push(1001) == Admit::rejected);
  CHECK(line.push(0) == Admit::on_time);
  CHECK(line.push(1000) == Admit::on_time);
  const weir::OperatorStats& stats = line.pipeline().stats("events");
  CHECK(stats.rejected == 3);
  CHECK(stats.no_timestamp == 1);
  CHECK(stats.out_of_range == 2);
  CHECK(stats.ingested == 5);
  CHECK(stats.conserves());
  CHECK(line.seen == 2);
}

TEST_CASE("a batch counts its records as they would be counted one by one") {
  const std::int64_t times[] = {5, 2, 9, weir::ticks(weir::no_time), 2'000'000'000, 6, 10, -7, 20};
  weir::Admitted singly;
  Line one({.time = &Event::at, .watermark = weir::trailing(us(2)), .earliest = event_time(-5)});
  Line all({.time = &Event::at, .watermark = weir::trailing(us(2)), .earliest = event_time(-5)});
  CHECK(one.pipeline().tick(wall(1000)).ok());
  CHECK(all.pipeline().tick(wall(1000)).ok());
  std::vector<Event> batch;
  for (const std::int64_t at : times) {
    batch.push_back(desk::event(1, at));
    switch (one.push(at)) {
      case Admit::on_time:
        ++singly.on_time;
        break;
      case Admit::late:
        ++singly.late;
        break;
      case Admit::future:
        ++singly.future;
        break;
      case Admit::rejected:
        ++singly.rejected;
        break;
      case Admit::refused:
        ++singly.refused;
        break;
    }
  }
  CHECK(all.pipeline().push(all.source, std::span<const Event>(batch)) == singly);
  CHECK(singly == weir::Admitted{.on_time = 4, .late = 2, .future = 1, .rejected = 2, .refused = 0});
  CHECK(all.watermark() == one.watermark());
}

TEST_CASE("an unknown name gives empty counters, and names come in the order of declaration") {
  Desk desk(weir::tumbling({.size = us(10), .grace = us(0)}));
  CHECK(desk.stats("nobody").ingested == 0);
  CHECK(desk.pipeline().names() ==
        std::vector<std::string>{"events", "key_by #1", "windows", "rows", "late"});
  CHECK(desk.pipeline().live_windows("nobody") == 0);
}

TEST_CASE("two pipelines in one process never influence each other") {
  Desk one(weir::tumbling({.size = us(10), .grace = us(0)}));
  Desk two(weir::tumbling({.size = us(10), .grace = us(0)}));
  one.push(1, 5);
  two.push(1, 6, 7);
  one.advance(10);
  CHECK(one.take() == Lines{"1 [0,10) 1/1 on_time#0."});
  CHECK(two.take().empty());
  two.finish();
  CHECK(two.take() == Lines{"1 [0,10) 1/7 on_time#0."});
  CHECK(one.push(1, 15).admit() == Admit::on_time);
}

/// Two sources that meet before a window, and one that goes its own way.
struct Meeting {
  Meeting() {
    weir::Graph graph{"meeting"};
    const auto make = [&graph](const char* name, std::size_t channels) {
      return graph.source<Event>(name, {.time = &Event::at,
                                        .watermark = weir::trailing(us(3)),
                                        .idle_after = us(40),
                                        .channels = channels,
                                        .max_future_skew = std::nullopt});
    };
    sources = {make("a", 2), make("b", 1)};
    const auto both =
        weir::merge("both", sources[0], sources[1] | weir::filter([](const Event&) { return true; }));
    const auto rows = both | weir::key_by(&Event::key) | weir::tumbling({.size = us(10), .grace = us(5)}) |
                      desk::totals("rows");
    const auto put = [this](std::string line, weir::EventTime watermark) {
      lines.push_back(std::move(line) + " at " + desk::text(watermark));
    };
    rows | weir::sink("out", [put](const desk::Row& row) { put(desk::text(row), row.watermark); });
    rows.late() |
        weir::sink("late", [put](const weir::Late<Event>& late) { put(desk::text(late), late.watermark); });
    pipeline.emplace(std::move(graph).build().value());
  }
  Meeting(const Meeting&) = delete;
  Meeting& operator=(const Meeting&) = delete;

  Lines lines;
  std::vector<weir::Source<Event>> sources;
  std::optional<weir::Pipeline> pipeline;
};

TEST_CASE("what comes out where streams meet does not depend on when anybody looked") {
  std::uint64_t late = 0;
  for (std::uint32_t seed = 1; seed <= 30; ++seed) {
    std::mt19937 random(seed);
    const auto below = [&random](std::int64_t n) { return static_cast<std::int64_t>(random() % n); };
    Meeting unseen;
    Meeting seen;
    std::int64_t now = 0;
    for (int step = 0; step < 2000; ++step) {
      now += below(3);
      const std::int64_t kind = below(100);
      const auto source = static_cast<std::size_t>(below(2));
      const std::size_t channel = source == 0 ? static_cast<std::size_t>(below(2)) : 0;
      for (Meeting* one : {&unseen, &seen}) {
        if (kind == 0) {
          CHECK(one->pipeline->tick(wall(now + 1)).ok());
        } else if (kind == 1) {
          CHECK(one->pipeline->set_idle(one->sources[source].channel(channel)).ok());
        } else if (kind > 5 || source == 0) {
          std::mt19937 same(static_cast<std::uint32_t>(step));
          const std::int64_t back = same() % 10 == 0 ? static_cast<std::int64_t>(same() % 40) : 0;
          one->pipeline->push(one->sources[source].channel(channel),
                              desk::event(static_cast<std::int64_t>(same() % 3), now - back));
        }
      }
      late += seen.pipeline->stats("rows").late;
      INFO("seed " << seed << ", step " << step);
      REQUIRE(unseen.lines == seen.lines);
    }
  }
  CHECK(late > 0);
}

TEST_CASE("a window of merged streams closes with the record that closes it") {
  Meeting meeting;
  weir::Pipeline& pipeline = *meeting.pipeline;
  CHECK(pipeline.close(meeting.sources[0].channel(1)).ok());
  const auto push = [&](std::size_t source, std::int64_t at) {
    pipeline.push(meeting.sources[source], desk::event(1, at));
  };
  push(0, 8);
  push(1, 9);
  push(1, 20);
  CHECK(meeting.lines.empty());
  push(0, 14);
  CHECK(meeting.lines == Lines{"1 [0,10) 2/2 on_time#0 at 11"});
}

TEST_CASE("at the end operators know how far the watermark had come, whether anybody looked before or not") {
  for (const bool looks : {false, true}) {
    weir::Graph graph{"end"};
    const auto events = graph.source<Event>("events", {.time = &Event::at, .watermark = weir::ascending()});
    const auto view =
        events | weir::filter([](const Event& event) { return event.value > 0; }) |
        weir::key_by(&Event::key) |
        weir::features<desk::Totals>("totals", weir::rolling({.size = us(1'000'000), .precision = us(1000)})
                                                   .compute(weir::count().as(&desk::Totals::n))) |
        weir::view("view");
    weir::Pipeline pipeline = std::move(graph).build().value();
    pipeline.push(events, desk::event(1, 5));
    pipeline.push(events, desk::event(1, 50, 0));
    if (looks) CHECK(pipeline.stats("events").ingested == 2);
    CHECK(pipeline.finish().ok());
    CHECK(pipeline.lookup(view, 1).known_until == event_time(50));
  }
}

}  // namespace

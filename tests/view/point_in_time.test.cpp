#include <weir/view/point_in_time.hpp>

#include <weir/weir.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"

namespace {

struct Event {
  std::int64_t key = 0;
  std::int64_t value = 0;
  weir::EventTime at{};
  weir::EventTime known{};
};

struct Totals {
  std::int64_t n = 0;
  std::int64_t sum = 0;
};

using Label = weir::Label<std::int64_t>;

struct Pipes {
  weir::Graph graph;
  weir::Source<Event> events;
  weir::View<std::int64_t, Totals> view;
};

weir::EventTime at(std::int64_t ticks) { return weir::event_time(ticks); }

Pipes build(std::int64_t bound, std::int64_t size = 10) {
  weir::Graph graph{"training"};
  auto events =
      graph.source<Event>("events", {.time = &Event::at, .watermark = weir::trailing(weir::Duration{bound})});
  auto view =
      events | weir::key_by(&Event::key) |
      weir::features<Totals>(
          "totals", weir::rolling({.size = weir::Duration{size}, .precision = weir::Duration{5}})
                        .compute(weir::count().as(&Totals::n), weir::sum(&Event::value).as(&Totals::sum))) |
      weir::view("view");
  return {std::move(graph), events, view};
}

Event event(std::int64_t key, std::int64_t when, std::int64_t value = 1, std::int64_t known = 0) {
  return {.key = key, .value = value, .at = at(when), .known = at(known)};
}

TEST_CASE("each label gets the row of its instant, in the order of the labels") {
  const std::vector<Event> past{event(1, 1, 10), event(1, 3, 20), event(2, 3, 5), event(1, 40, 1)};
  const std::vector<Label> labels{{1, at(41)}, {1, at(3)}, {2, at(4)}, {3, at(4)}, {1, at(4)}};
  Pipes pipes = build(0);
  const auto rows =
      weir::point_in_time(std::move(pipes.graph), pipes.view, labels, weir::history(pipes.events, past));
  REQUIRE(rows.ok());
  REQUIRE(rows->size() == 5);
  CHECK((*rows)[0].value.sum == 1);
  CHECK((*rows)[1].value.sum == 10);
  CHECK((*rows)[2].value.sum == 5);
  CHECK((*rows)[3].status == weir::ReadStatus::missing);
  CHECK((*rows)[4].value.sum == 30);
  CHECK((*rows)[4].as_of == at(4));
  CHECK((*rows)[4].event_time == at(3));
}

TEST_CASE(
    "a row sees every record that comes before the watermark passes its instant, and none from then on") {
  const std::vector<Event> past{event(1, 5, 1), event(1, 9, 2),   event(1, 7, 4),
                                event(1, 6, 8), event(1, 30, 16), event(1, 8, 32)};
  const std::vector<Label> labels{{1, at(8)}, {1, at(9)}, {1, at(31)}};
  Pipes pipes = build(5);
  const auto rows =
      weir::point_in_time(std::move(pipes.graph), pipes.view, labels, weir::history(pipes.events, past));
  REQUIRE(rows.ok());
  CHECK((*rows)[0].value.sum == 13);  // 5, 6 and 7; the late record at 8 came after the watermark had passed
  CHECK((*rows)[1].value.sum == 13);
  CHECK((*rows)[2].value.sum == 16);
}

TEST_CASE("a window that includes its instant waits for all records of that instant") {
  const auto row_at_ten = [](std::int64_t bound, const std::vector<Event>& past) {
    weir::Graph graph{"included"};
    auto events = graph.source<Event>(
        "events", {.time = &Event::at, .watermark = weir::trailing(weir::Duration{bound})});
    auto view = events | weir::key_by(&Event::key) |
                weir::features<Totals>("totals", weir::rolling({.size = weir::Duration{100},
                                                                .precision = weir::exact,
                                                                .asking = weir::Asking::included})
                                                     .compute(weir::sum(&Event::value).as(&Totals::sum))) |
                weir::view("view");
    const std::vector<Label> labels{{1, at(10)}};
    return weir::point_in_time(std::move(graph), view, labels, weir::history(events, past))
        .value()[0]
        .value.sum;
  };
  CHECK(row_at_ten(0, {event(1, 5, 1), event(2, 10), event(1, 10, 2), event(1, 11, 4)}) == 3);
  CHECK(row_at_ten(0, {event(2, 10), event(1, 10, 2)}) == 2);
  CHECK(row_at_ten(5, {event(2, 15), event(1, 10, 2), event(2, 16), event(1, 10, 4)}) ==
        2);  // the last is late
}

TEST_CASE("labels far behind one another are as exact as those at the watermark") {
  std::vector<Event> past;
  std::vector<Label> labels;
  for (std::int64_t when = 0; when < 5000; when += 3) past.push_back(event(when % 7, when, when));
  for (std::int64_t when = 4000; when > 0; when -= 501) labels.push_back({when % 7, at(when)});
  Pipes pipes = build(0, 40);
  const auto rows =
      weir::point_in_time(std::move(pipes.graph), pipes.view, labels, weir::history(pipes.events, past));
  REQUIRE(rows.ok());
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const std::int64_t end = weir::ticks(labels[i].as_of);
    const std::int64_t low = (end - 40) - weir::floor_mod(end - 40, 5);
    std::int64_t sum = 0;
    for (const Event& one : past) {
      const std::int64_t when = weir::ticks(one.at);
      if (one.key == labels[i].key && when >= low && when < end) sum += one.value;
    }
    CHECK((*rows)[i].value.sum == sum);
  }
}

TEST_CASE("as known: a row sees what had become known before its label, however old it is") {
  const std::vector<Event> past{event(1, 1, 1, 10), event(1, 9, 2, 11), event(1, 2, 4, 12),
                                event(1, 3, 8, 20)};
  const std::vector<Label> labels{
      {1, at(10), at(11)}, {1, at(10), at(12)}, {1, at(10), at(13)}, {1, at(10), at(21)}};
  Pipes pipes = build(100);
  std::vector<std::int64_t> sums(labels.size());
  const absl::Status done = weir::point_in_time(
      std::move(pipes.graph), pipes.view, labels, {.knowledge = weir::Knowledge::as_known},
      [&](std::size_t label, const weir::Lookup<Totals>& found) { sums[label] = found->sum; },
      weir::history(pipes.events, past).known_at(&Event::known));
  REQUIRE(done.ok());
  CHECK(sums == std::vector<std::int64_t>{1, 3, 7, 15});
}

TEST_CASE("what cannot be read as of the past is asked for as known") {
  const auto past = [] {
    return std::vector<Event>{event(1, 1, 10, 1), event(1, 3, 20, 3), event(1, 15, 5, 15)};
  };
  const auto rows_of = [&past](weir::PointInTimeSpec spec) {
    weir::Graph graph{"training"};
    auto events = graph.source<Event>("events", {.time = &Event::at, .watermark = weir::ascending()});
    auto view = events | weir::key_by(&Event::key) |
                weir::session({.gap = weir::Duration{100}, .grace = weir::Duration{0}}) |
                weir::aggregate<Totals>("visits", weir::count().as(&Totals::n),
                                        weir::sum(&Event::value).as(&Totals::sum)) |
                weir::view("view");
    std::vector<std::int64_t> sums;
    const std::vector<Event> records = past();
    const std::vector<Label> labels{{.key = 1, .as_of = at(3), .known_at = at(3)},
                                    {.key = 1, .as_of = at(15), .known_at = at(15)}};
    const absl::Status done = weir::point_in_time(
        std::move(graph), view, std::span<const Label>(labels), spec,
        [&sums](std::size_t, const weir::Lookup<Totals>& row) { sums.push_back(row->sum); },
        weir::history(events, std::span<const Event>(records)).known_at(&Event::known));
    return std::pair(done, sums);
  };
  const auto refused = rows_of({});
  CHECK(refused.first.code() == absl::StatusCode::kInvalidArgument);
  CHECK(std::string(refused.first.message()).find("Knowledge::as_known") != std::string::npos);
  const auto known = rows_of({.knowledge = weir::Knowledge::as_known});
  CHECK(known.first.ok());
  CHECK(known.second == std::vector<std::int64_t>{10, 30});
}

TEST_CASE("as known needs to be told when records became known") {
  Pipes pipes = build(0);
  const std::vector<Event> past;
  const std::vector<Label> labels;
  const absl::Status done = weir::point_in_time(
      std::move(pipes.graph), pipes.view, labels, {.knowledge = weir::Knowledge::as_known},
      [](std::size_t, const weir::Lookup<Totals>&) {}, weir::history(pipes.events, past));
  CHECK(std::string(done.message()).find("known_at(&Record::arrived)") != std::string::npos);
}

TEST_CASE("as known: a label that does not say when it was asked is refused, and named") {
  const std::vector<Event> past{event(1, 1, 1, 10), event(1, 2, 2, 20)};
  const auto ask = [&past](weir::Knowledge knowledge, std::span<const Label> labels) {
    Pipes pipes = build(0);
    std::vector<std::int64_t> sums;
    const absl::Status done = weir::point_in_time(
        std::move(pipes.graph), pipes.view, labels, {.knowledge = knowledge},
        [&sums](std::size_t, const weir::Lookup<Totals>& row) { sums.push_back(row->sum); },
        weir::history(pipes.events, past).known_at(&Event::known));
    return std::pair(done, sums);
  };
  const std::vector<Label> labels{{1, at(3), at(15)}, {.key = 1, .as_of = at(3)}, {.key = 2, .as_of = at(3)}};
  const auto refused = ask(weir::Knowledge::as_known, labels);
  CHECK(refused.first.code() == absl::StatusCode::kInvalidArgument);
  CHECK(std::string(refused.first.message()).find("known_at of label 1 is not given") != std::string::npos);
  CHECK(refused.second.empty());
  CHECK(ask(weir::Knowledge::all_on_time, labels).first.ok());
  const std::vector<Label> behind_all{{1, at(3), weir::end_of_time}};
  CHECK(ask(weir::Knowledge::as_known, behind_all).second == std::vector<std::int64_t>{3});
}

TEST_CASE("a history may be generated record by record, and several are merged by event time") {
  weir::Graph graph{"two"};
  const auto source = [&graph](const char* name) {
    return graph.source<Event>(name, {.time = &Event::at, .watermark = weir::trailing(weir::Duration{0})});
  };
  auto first = source("first");
  auto second = source("second");
  auto view =
      weir::merge("both", first, second) | weir::key_by(&Event::key) |
      weir::features<Totals>("totals", weir::rolling({.size = weir::Duration{100}, .precision = weir::exact})
                                           .compute(weir::sum(&Event::value).as(&Totals::sum))) |
      weir::view("view");
  std::int64_t next = 0;
  const auto odd = [&next]() -> std::optional<Event> {
    next += 2;
    if (next > 100) return std::nullopt;
    return event(1, next - 1, 1);
  };
  std::vector<Event> even;
  for (std::int64_t when = 0; when < 50; when += 2) even.push_back(event(1, when, 1000));
  const std::vector<Label> labels{{1, at(10)}, {1, at(60)}, {1, at(100)}};
  const auto rows = weir::point_in_time(std::move(graph), view, labels, weir::history(first, odd),
                                        weir::history(second, even));
  REQUIRE(rows.ok());
  CHECK((*rows)[0].value.sum == 5005);
  CHECK((*rows)[1].value.sum == 25030);
  CHECK((*rows)[2].value.sum == 25050);
}

/// A source with two channels behind the view, and one that feeds something else.
struct Partitions {
  weir::Graph graph{"partitions"};
  weir::Source<Event> events;
  weir::Source<Event> other;
  weir::View<std::int64_t, Totals> view;

  Partitions()
      : events(graph.source<Event>(
            "events", {.time = &Event::at, .watermark = weir::trailing(weir::Duration{0}), .channels = 2})),
        other(graph.source<Event>("other", {.time = &Event::at, .watermark = weir::host_driven()})),
        view(events | weir::key_by(&Event::key) |
             weir::features<Totals>(
                 "totals",
                 weir::rolling({.size = weir::Duration{100}, .precision = weir::exact})
                     .compute(weir::count().as(&Totals::n), weir::sum(&Event::value).as(&Totals::sum))) |
             weir::view("view")) {
    static_cast<void>(other | weir::tap("nothing", [](const Event&) {}));
  }
};

TEST_CASE("each channel of a source has a history, and one that ends early holds no row back") {
  std::vector<Event> first;
  std::vector<Event> second;
  for (std::int64_t when = 0; when < 1000; when += 2) first.push_back(event(1, when, 1));
  for (std::int64_t when = 1; when < 300; when += 2) second.push_back(event(1, when, 1000));
  const std::vector<Label> labels{{1, at(200)}, {1, at(310)}, {1, at(900)}};
  std::vector<std::int64_t> sums;
  std::vector<std::size_t> pushed;
  std::size_t count = 0;
  Partitions pipes;
  const auto next = [&]() -> std::optional<Event> {
    if (count == first.size()) return std::nullopt;
    return first[count++];
  };
  const absl::Status done = weir::point_in_time(
      std::move(pipes.graph), pipes.view, labels, {},
      [&](std::size_t, const weir::Lookup<Totals>& row) {
        sums.push_back(row->sum);
        pushed.push_back(count);
        CHECK(row.watermark >= row.as_of);
      },
      weir::history(pipes.events.channel(0), next), weir::history(pipes.events.channel(1), second));
  REQUIRE(done.ok());
  CHECK(sums == std::vector<std::int64_t>{50'050, 45'050, 50});
  CHECK(pushed[1] < 170);  // as soon as the watermark is there, and not at the end
  CHECK(pushed[2] < 460);

  Partitions again;
  const std::vector<Event> nothing;
  const auto rows = weir::point_in_time(std::move(again.graph), again.view, labels,
                                        weir::history(again.events.channel(0), first),
                                        weir::history(again.events.channel(1), nothing));
  REQUIRE(rows.ok());
  CHECK((*rows)[1].value.sum == 50);
}

TEST_CASE("several histories of one channel are merged, and the first one that ends says nothing of it") {
  std::vector<Event> early;
  std::vector<Event> later;
  for (std::int64_t when = 0; when < 100; ++when) (when < 50 ? early : later).push_back(event(1, when, 1));
  Pipes pipes = build(3, 1000);
  const std::vector<Label> labels{{1, at(40)}, {1, at(80)}};
  const auto rows =
      weir::point_in_time(std::move(pipes.graph), pipes.view, labels, weir::history(pipes.events, later),
                          weir::history(pipes.events, early));
  REQUIRE(rows.ok());
  CHECK((*rows)[0].value.sum == 40);
  CHECK((*rows)[1].value.sum == 80);
}

TEST_CASE(
    "what would hold back all rows is refused: no history, a channel without one, the host's watermark") {
  const std::vector<Event> past{event(1, 1)};
  const std::vector<Label> labels{{1, at(2)}};
  Partitions one;
  const auto of_one =
      weir::point_in_time(std::move(one.graph), one.view, labels, weir::history(one.events, past));
  CHECK(of_one.status() == absl::InvalidArgumentError(
                               "events: channel (1) feeds the view and has no history, so that its "
                               "watermark would hold back all rows; give "
                               "history(source.channel(1), records), an empty one if nothing came there"));

  Partitions none;
  const auto of_third = weir::point_in_time(std::move(none.graph), none.view, labels,
                                            weir::history(none.events.channel(2), past));
  CHECK(of_third.status() ==
        absl::InvalidArgumentError("events: channel (2) of a history does not exist; the source has 2"));

  Partitions driven;
  const auto of_host = weir::point_in_time(
      std::move(driven.graph), driven.view, labels, weir::history(driven.events.channel(0), past),
      weir::history(driven.events.channel(1), past), weir::history(driven.other, past));
  CHECK(of_host.status().code() == absl::StatusCode::kInvalidArgument);
  CHECK(std::string(of_host.status().message()).find("other: watermark (host_driven)") == 0);

  weir::Graph graph{"two"};
  const auto source = [&graph](const char* name) {
    return graph.source<Event>(name, {.time = &Event::at, .watermark = weir::ascending()});
  };
  auto first = source("first");
  auto second = source("second");
  auto view =
      weir::merge("both", first, second) | weir::key_by(&Event::key) |
      weir::features<Totals>("totals", weir::rolling({.size = weir::Duration{3}, .precision = weir::exact})
                                           .compute(weir::count().as(&Totals::n))) |
      weir::view("view");
  const auto of_two = weir::point_in_time(std::move(graph), view, labels, weir::history(first, past));
  CHECK(of_two.status() == absl::InvalidArgumentError(
                               "second: the source feeds the view and has no history, so that its watermark "
                               "would hold back all rows; give history(source, records), an empty one if "
                               "nothing came there"));

  Pipes mine = build(0);
  Pipes other = build(0);
  const auto of_other =
      weir::point_in_time(std::move(mine.graph), other.view, labels, weir::history(mine.events, past));
  CHECK(std::string(of_other.status().message()).find("the view belongs to another graph") !=
        std::string::npos);
}

TEST_CASE("progress tells how far it has come, and may stop it") {
  std::vector<Event> past;
  std::vector<Label> labels;
  for (std::int64_t when = 0; when < 100; ++when) {
    past.push_back(event(1, when));
    labels.push_back({1, at(when)});
  }
  std::int64_t now = 0;
  const auto clock = [&now] { return weir::WallTime{weir::Duration{now += 1'000'000}}; };
  std::vector<weir::ReplayProgress> seen;
  const auto look = [&](const weir::ReplayProgress& progress) {
    seen.push_back(progress);
    return seen.size() < 3;
  };
  std::size_t rows = 0;
  Pipes pipes = build(0);
  const absl::Status done = weir::point_in_time(
      std::move(pipes.graph), pipes.view, labels, {.progress = look, .progress_every = 20, .clock = clock},
      [&rows](std::size_t, const weir::Lookup<Totals>&) { ++rows; }, weir::history(pipes.events, past));
  CHECK(absl::IsCancelled(done));
  REQUIRE(seen.size() == 3);
  CHECK(seen[0].records == 20);
  CHECK(seen[0].rows == 20);
  CHECK(seen[0].labels == 100);
  CHECK(seen[0].position == at(19));
  CHECK(seen[0].records_per_second == 20.0);
  CHECK(seen[0].remaining->count() == 4.0);
  CHECK(seen[2].records == 60);
  CHECK(rows == 60);
}

TEST_CASE("progress tells the watermark whatever the knowledge, and where it ends") {
  std::vector<Event> past;
  for (std::int64_t when = 0; when < 100; ++when) past.push_back(event(1, when, 1, when + 5));
  const auto positions = [&past](weir::Knowledge knowledge) {
    std::vector<weir::EventTime> seen;
    const auto look = [&seen](const weir::ReplayProgress& progress) {
      seen.push_back(progress.position);
      return true;
    };
    const std::vector<Label> labels{{1, at(50), at(50)}};
    Pipes pipes = build(10);
    CHECK(weir::point_in_time(
              std::move(pipes.graph), pipes.view, labels,
              {.knowledge = knowledge, .progress = look, .progress_every = 40},
              [](std::size_t, const weir::Lookup<Totals>&) {},
              weir::history(pipes.events, past).known_at(&Event::known))
              .ok());
    return seen;
  };
  const std::vector<weir::EventTime> expected{at(29), at(69), weir::end_of_time};
  CHECK(positions(weir::Knowledge::all_on_time) == expected);
  CHECK(positions(weir::Knowledge::as_known) == expected);
}

TEST_CASE("progress is called between the last rows, and may stop it there and at the very end") {
  const std::vector<Event> past{event(1, 1)};
  const std::vector<Label> labels(100, Label{1, at(2), at(2)});
  const auto run = [&](weir::Knowledge knowledge, std::size_t stop_at, std::size_t& calls) {
    std::size_t rows = 0;
    calls = 0;
    const auto look = [&](const weir::ReplayProgress& progress) {
      CHECK(progress.rows == rows);
      ++calls;
      return progress.rows < stop_at;
    };
    Pipes pipes = build(0);
    const absl::Status done = weir::point_in_time(
        std::move(pipes.graph), pipes.view, labels,
        {.knowledge = knowledge, .progress = look, .progress_every = 30},
        [&rows](std::size_t, const weir::Lookup<Totals>&) { ++rows; },
        weir::history(pipes.events, past).known_at(&Event::known));
    return std::pair(done, rows);
  };
  std::size_t calls = 0;
  for (const weir::Knowledge knowledge : {weir::Knowledge::all_on_time, weir::Knowledge::as_known}) {
    const auto stopped = run(knowledge, 60, calls);
    CHECK(stopped.first ==
          absl::CancelledError("point_in_time: stopped by progress after 1 records and 60 rows"));
    CHECK((stopped.second == 60 && calls == 2));
    const auto at_the_end = run(knowledge, 100, calls);
    CHECK(absl::IsCancelled(at_the_end.first));
    CHECK((at_the_end.second == 100 && calls == 4));
    CHECK(run(knowledge, 101, calls).first.ok());
  }
}

TEST_CASE("a graph that does not build is an error, and so is another graph's source") {
  Pipes wrong = build(0, -1);
  const std::vector<Event> past{event(1, 1)};
  const std::vector<Label> labels{{1, at(2)}};
  const auto unbuilt =
      weir::point_in_time(std::move(wrong.graph), wrong.view, labels, weir::history(wrong.events, past));
  CHECK(std::string(unbuilt.status().message()).find("size") != std::string::npos);

  Pipes one = build(0);
  Pipes other = build(0);
  const auto foreign =
      weir::point_in_time(std::move(one.graph), one.view, labels, weir::history(other.events, past));
  CHECK(std::string(foreign.status().message()).find("another graph") != std::string::npos);
}

}  // namespace

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

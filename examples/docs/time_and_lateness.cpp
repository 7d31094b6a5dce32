// The programs of docs/guides/time_and_lateness.md.
#include <optional>
#include <utility>
#include <vector>

#include <weir/weir.hpp>

#include "expect.hpp"

using namespace std::chrono_literals;

struct Reading {
  int sensor = 0;
  double value = 0;
  weir::EventTime at;
  bool is_marker = false;
};

struct Count {
  std::int64_t readings = 0;
};

using Row = weir::Windowed<int, Count>;

namespace {

constexpr weir::EventTime minute(int number) { return weir::EventTime{std::chrono::minutes{number}}; }
constexpr weir::WallTime wall(int minutes) { return weir::WallTime{std::chrono::minutes{minutes}}; }

/// Hourly counts with a grace of ten minutes behind the given source; their rows go into `rows`.
weir::Pipeline hourly(weir::Graph graph, const weir::Source<Reading>& readings, std::vector<Row>& rows) {
  auto hours = readings | weir::key_by(&Reading::sensor) | weir::tumbling({.size = 1h, .grace = 10min})
                        | weir::aggregate<Count>("hours", weir::count().as(&Count::readings));
  hours | weir::sink("rows", [&rows](const Row& row) { rows.push_back(row); });
  auto pipeline = std::move(graph).build();
  support::expect(pipeline.ok());
  return *std::move(pipeline);
}

void watermark_rules() {
  weir::Graph graph{"rules"};
  // [region watermarks]
  auto in_order = graph.source<Reading>("in_order", {.time = &Reading::at, .watermark = weir::ascending()});
  auto bounded = graph.source<Reading>("bounded", {.time = &Reading::at, .watermark = weir::trailing(30s)});
  auto by_host = graph.source<Reading>("by_host", {.time = &Reading::at, .watermark = weir::host_driven()});
  auto marked = graph.source<Reading>("marked", {
      .time = &Reading::at,
      .watermark = weir::punctuated([](const Reading& reading) -> std::optional<weir::EventTime> {
        if (reading.is_marker) return reading.at;  // "nothing older will follow"
        return std::nullopt;
      })});
  // [end]
  auto all = weir::merge("all", in_order, bounded, by_host, marked);
  all | weir::sink("out", [](const Reading&) {});
  auto pipeline = std::move(graph).build();
  support::expect(pipeline.ok());

  // [region exclusive]
  pipeline->push(bounded, {1, 0.5, minute(10)});
  support::expect(pipeline->watermark(bounded) == minute(10) - 30s);
  pipeline->push(bounded, {1, 0.5, minute(9)});  // older: the watermark never goes back
  support::expect(pipeline->watermark(bounded) == minute(10) - 30s);
  // [end]

  // [region host_driven]
  pipeline->push(by_host, {1, 0.5, minute(10)});
  support::expect(pipeline->watermark(by_host) == weir::no_time);
  absl::Status moved = pipeline->advance(by_host, minute(10));  // further on-time records: time >= minute 10
  // [end]
  support::expect(moved.ok() && pipeline->watermark(by_host) == minute(10));
  pipeline->push(marked, {1, 0.5, minute(20), true});
  support::expect(pipeline->watermark(marked) == minute(20));
}

void grace() {
  weir::Graph graph{"grace"};
  auto readings = graph.source<Reading>("readings", {.time = &Reading::at, .watermark = weir::ascending()});
  std::vector<Row> rows;
  // [region late_stream]
  auto hours = readings | weir::key_by(&Reading::sensor) | weir::tumbling({.size = 1h, .grace = 10min})
                        | weir::aggregate<Count>("hours", weir::count().as(&Count::readings));
  int too_late = 0;
  hours.late() | weir::sink("too_late", [&too_late](const weir::Late<Reading>&) { ++too_late; });
  // [end]
  hours | weir::sink("rows", [&rows](const Row& row) { rows.push_back(row); });
  auto pipeline = std::move(graph).build();
  support::expect(pipeline.ok());

  // [region grace]
  pipeline->push(readings, {1, 0.5, minute(10)});
  pipeline->push(readings, {1, 0.5, minute(65)});  // W = minute 65: the hour closes with one reading
  support::expect(rows.back().value.readings == 1 && !rows.back().pane.is_final);

  weir::Admit admit = pipeline->push(readings, {1, 0.5, minute(59)});  // inside the grace: an amended row
  support::expect(admit == weir::Admit::late);
  support::expect(rows.back().value.readings == 2 && rows.back().pane.timing == weir::Timing::late);

  pipeline->push(readings, {1, 0.5, minute(70)});  // W = end + grace: the hour is gone
  pipeline->push(readings, {1, 0.5, minute(58)});  // too late: to the late stream
  support::expect(rows.size() == 2 && too_late == 1);
  // [end]

  // [region accounting]
  const weir::OperatorStats& stats = pipeline->stats("hours");
  support::expect(stats.ingested == 5 && stats.applied == 4 && stats.late == 1);
  // ingested = applied + partially late + late + duplicate + rejected + unassigned
  support::expect(stats.conserves());
  // [end]
}

void channels() {
  weir::Graph graph{"channels"};
  // [region channels]
  auto readings = graph.source<Reading>("readings", {
      .time = &Reading::at,
      .watermark = weir::ascending(),
      .idle_after = 5min,  // by the host's tick
      .channels = 2,
  });
  // [end]
  std::vector<Row> rows;
  weir::Pipeline pipeline = hourly(std::move(graph), readings, rows);

  // [region idle]
  support::expect(pipeline.tick(wall(70)).ok());
  pipeline.push(readings.channel(0), {1, 0.5, minute(70)});
  pipeline.push(readings.channel(1), {2, 0.5, minute(20)});
  support::expect(pipeline.watermark(readings) == minute(20));  // the least of both

  support::expect(pipeline.tick(wall(73)).ok());
  pipeline.push(readings.channel(0), {1, 0.5, minute(71)});
  support::expect(pipeline.tick(wall(75)).ok());                // channel 1: silent for five minutes
  support::expect(pipeline.watermark(readings) == minute(71) && rows.size() == 1);
  // [end]
}

void future() {
  weir::Graph graph{"future"};
  // [region future_guard]
  auto readings = graph.source<Reading>("readings", {
      .time = &Reading::at,
      .watermark = weir::ascending(),
      .max_future_skew = 5min,  // the default; std::nullopt turns it off, for replays of the past
      .max_jump = 24h,          // no single record may move the watermark further
      .earliest = minute(0),
  });
  // [end]
  std::vector<Row> rows;
  weir::Pipeline pipeline = hourly(std::move(graph), readings, rows);

  // [region guarded]
  support::expect(pipeline.tick(wall(10)).ok());
  pipeline.push(readings, {1, 0.5, minute(9)});
  weir::Admit ahead = pipeline.push(readings, {1, 0.5, minute(500)});  // kept, but it moves no watermark
  weir::Admit before = pipeline.push(readings, {1, 0.5, minute(-1)});
  support::expect(ahead == weir::Admit::future && before == weir::Admit::rejected);
  support::expect(pipeline.watermark(readings) == minute(9));
  // [end]

  // [region finish]
  support::expect(pipeline.finish().ok());  // W = end of time: everything fires, once
  weir::Admit after = pipeline.push(readings, {1, 0.5, minute(501)});
  support::expect(rows.size() == 2 && after == weir::Admit::refused);
  // [end]
}

}  // namespace

int main() {
  watermark_rules();
  grace();
  channels();
  future();
}

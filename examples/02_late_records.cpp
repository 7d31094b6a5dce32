// Sliding windows over disordered readings, and a stream of what came too late for them.
//
//   readings ─── by room ─── last 10 min, every 5 min ─┬─ warmest
//                                                      └─ late
#include <vector>

#include <weir/weir.hpp>

#include "expect.hpp"

using namespace std::chrono_literals;

struct Reading {
  int room = 0;
  double celsius = 0;
  weir::EventTime at;
};

struct Warmth {
  double warmest = 0;
};

constexpr weir::EventTime minute(int number) { return weir::EventTime{std::chrono::minutes{number}}; }

int main() {
  weir::Graph graph{"rooms"};
  auto readings = graph.source<Reading>("readings", {.time = &Reading::at,
                                                     .watermark = weir::trailing(1min)});
  auto warmth = readings | weir::key_by(&Reading::room)
                         | weir::sliding({.size = 10min, .every = 5min, .grace = 2min})
                         | weir::aggregate<Warmth>("warmth",
                               weir::max(&Reading::celsius).as(&Warmth::warmest));

  std::vector<weir::Windowed<int, Warmth>> rows;
  std::vector<weir::Late<Reading>> late;
  warmth | weir::sink("rows", [&rows](const weir::Windowed<int, Warmth>& row) { rows.push_back(row); });
  warmth.late() | weir::sink("late", [&late](const weir::Late<Reading>& notice) { late.push_back(notice); });

  auto pipeline = std::move(graph).build();
  support::expect(pipeline.ok());

  pipeline->push(readings, {1, 20.5, minute(3)});
  pipeline->push(readings, {1, 21.0, minute(8)});
  pipeline->push(readings, {1, 19.0, minute(17)});  // W = minute 16: the windows up to 15 have fired
  support::expect(rows.size() == 3);

  pipeline->push(readings, {1, 24.0, minute(9)});  // [0, 10) is past its grace; [5, 15) fires again
  support::expect(late.size() == 1 && late[0].windows_hit == 1 && late[0].windows_missed == 1);
  support::expect(rows.back().value.warmest == 24.0 && rows.back().pane.timing == weir::Timing::late);

  pipeline->push(readings, {1, 30.0, minute(2)});  // too late for both of its windows
  support::expect(late.size() == 2 && late[1].windows_hit == 0 && late[1].windows_missed == 2);

  const weir::OperatorStats& stats = pipeline->stats("warmth");
  support::expect(stats.applied == 3 && stats.partially_late == 1 && stats.late == 1 && stats.conserves());
}

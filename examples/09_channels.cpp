// One source with two channels, say two partitions of a topic: the slower one decides, until it falls idle.
//
//   meters (2 channels) ─── by house ─── hours ─── rows
#include <weir/weir.hpp>

#include "expect.hpp"

using namespace std::chrono_literals;

struct Meter {
  int house = 0;
  double kwh = 0;
  weir::EventTime at;
};

struct Use {
  double kwh = 0;
};

constexpr weir::EventTime minute(int number) { return weir::EventTime{std::chrono::minutes{number}}; }
constexpr weir::WallTime wall(int minutes) { return weir::WallTime{std::chrono::minutes{minutes}}; }

int main() {
  weir::Graph graph{"meters"};
  auto meters = graph.source<Meter>("meters", {.time = &Meter::at, .watermark = weir::ascending(),
                                               .idle_after = 5min, .channels = 2});
  auto hours = meters | weir::key_by(&Meter::house)
                      | weir::tumbling({.size = 1h, .grace = 0s})
                      | weir::aggregate<Use>("hours", weir::sum(&Meter::kwh).as(&Use::kwh));

  int rows = 0;
  hours | weir::sink("rows", [&rows](const weir::Windowed<int, Use>&) { ++rows; });

  auto pipeline = std::move(graph).build();
  support::expect(pipeline.ok());

  support::expect(pipeline->tick(wall(65)).ok());
  pipeline->push(meters.channel(0), {1, 0.2, minute(10)});
  pipeline->push(meters.channel(1), {2, 0.3, minute(12)});
  pipeline->push(meters.channel(0), {1, 0.4, minute(65)});  // channel 1 may still be before minute 60
  support::expect(rows == 0 && pipeline->watermark(meters) == minute(12));

  support::expect(pipeline->tick(wall(68)).ok());
  pipeline->push(meters.channel(0), {1, 0.1, minute(66)});
  support::expect(pipeline->tick(wall(71)).ok());  // channel 1 was silent for six minutes: it is left out
  support::expect(rows == 2 && pipeline->watermark(meters) == minute(66));
}

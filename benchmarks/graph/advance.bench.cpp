#include <algorithm>
#include <memory>
#include <vector>

#include <weir/weir.hpp>

#include "support/ours.hpp"
#include "support/versus.hpp"

/// One `advance` over a million windows of which a thousand hold a record, against one over those thousand
/// alone. The ns are per live window, its row included.

namespace bench {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t live = 1000;
constexpr int advances = 50;

/// Live windows lie `stride` windows apart.
Contender advance_over(std::int64_t stride) {
  auto tally = std::make_shared<Tally>();
  weir::Graph graph{"bench"};
  auto events = graph.source<Event>("events", {.time = &Event::at, .watermark = weir::host_driven()});
  events | weir::key_by(&Event::key) | weir::tumbling({.size = 1s, .grace = 0s}) |
      weir::aggregate<CountSum>("totals", weir::count().as(&CountSum::count),
                                weir::sum(&Event::value).as(&CountSum::sum)) |
      weir::sink("tally", TallySink{*tally});
  auto operation = std::make_shared<Ours<Event>>(std::move(graph), events);
  auto base = std::make_shared<weir::EventTime>(weir::event_time(0));

  Contender out;
  out.pass = [operation, base, stride] {
    std::vector<double> seconds;
    std::vector<Event> records(live);
    for (int i = 0; i < advances; ++i) {
      for (std::int64_t k = 0; k < live; ++k) {
        records[static_cast<std::size_t>(k)] = {.key = key_of(static_cast<std::uint32_t>(k)),
                                                .at = *base + k * stride * 1s + 500ms,
                                                .value = 1,
                                                .merchant = 0};
      }
      operation->push(std::span<const Event>{records});
      *base += live * stride * 1s;
      const double start = wall_seconds();
      operation->advance(*base);
      seconds.push_back(wall_seconds() - start);
    }
    // The median, because a single advance is short enough to be hit by an interrupt.
    std::nth_element(seconds.begin(), seconds.begin() + advances / 2, seconds.end());
    return seconds[advances / 2] * advances;
  };
  out.finish = [tally] { return *tally; };
  return out;
}

Match empty_windows(const Setting&) {
  Match match;
  match.items = static_cast<double>(live) * advances;
  match.ours = advance_over(1000);
  match.limit = advance_over(1);
  match.counted_per_pass = static_cast<std::uint64_t>(live) * advances;
  match.compares_rows = false;
  return match;
}

const bool added = add({.name = "advance over 1e6 windows, 1000 live",
                        .api = "advance",
                        .keys = {static_cast<std::uint32_t>(live)},
                        .dists = {Dist::uniform},
                        .required = 3.0,
                        .against = "live_alone",
                        .set_up = empty_windows});

}  // namespace
}  // namespace bench

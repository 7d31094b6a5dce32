#include <memory>

#include <weir/weir.hpp>

#include "limits/tumbling.hpp"
#include "naive/windows.hpp"
#include "support/ours.hpp"
#include "support/versus.hpp"

/// Tumbling count and sum by a 64-bit key, emitted when the window closes. 2^20 records a window, 16 a tick
/// of 1 ms, so at 1e6 keys two thirds of the records open their key's window.

namespace bench {
namespace {

using namespace std::chrono_literals;

constexpr weir::Duration tick = 1ms;
constexpr weir::Duration window_size = (1 << 16) * tick;

StreamSpec spec_of(const Setting& setting) {
  return {.records = setting.records,
          .keys = setting.keys,
          .dist = setting.dist,
          .span = static_cast<std::int64_t>(setting.records / 16) * tick};
}

auto totals(const weir::Source<Event>& events) {
  return events | weir::key_by(&Event::key) | weir::tumbling({.size = window_size, .grace = 0s}) |
         weir::aggregate<CountSum>("totals", weir::count().as(&CountSum::count),
                                   weir::sum(&Event::value).as(&CountSum::sum));
}

Contender our_totals(const std::shared_ptr<Stream<Event>>& stream, weir::WatermarkRule<Event> rule,
                     std::size_t batch) {
  return ours(
      stream, rule,
      [](const weir::Source<Event>& events, TallySink sink) { totals(events) | weir::sink("tally", sink); },
      batch);
}

Match against_limit(const StreamSpec& spec, std::size_t batch) {
  const auto stream = std::make_shared<Stream<Event>>(event_stream(spec));
  Match match = match_over(stream);
  match.ours = our_totals(stream, weir::ascending(), batch);
  match.limit = hand_written<limit::Tumbling<TallySink>>(stream, batch, std::size_t{spec.keys}, window_size);
  match.naive = hand_written<naive::Tumbling<TallySink>>(stream, 1, window_size);
  if (spec.late_share == 0) match.counted_per_pass = spec.records;
  return match;
}

/// Ordered input against input that is up to 1000 ticks late, exponentially with mean 100, nothing lost. Both
/// sides are ours with the same rule, so what is compared is the disorder.
Match disorder(const Setting& setting) {
  const StreamSpec ordered = spec_of(setting);
  StreamSpec shuffled = ordered;
  shuffled.mean_delay = 100 * tick;
  shuffled.most_delay = 1000 * tick;
  const auto above = std::make_shared<Stream<Event>>(event_stream(shuffled));
  const auto below = std::make_shared<Stream<Event>>(event_stream(ordered));
  Match match = match_over(above);
  match.move_on = [above, below](std::int64_t rounds) {
    above->move_on(rounds);
    below->move_on(rounds);
  };
  match.ours = our_totals(above, weir::trailing(1000 * tick), 256);
  match.limit = our_totals(below, weir::trailing(1000 * tick), 256);
  match.counted_per_pass = setting.records;
  match.compares_rows = false;
  return match;
}

const bool added =
    add({.name = "tumbling count+sum",
         .api = "push256",
         .also_1e7 = true,
         .required = 2.0,
         .beats_naive_from = 100'000,
         .set_up = [](const Setting& setting) { return against_limit(spec_of(setting), 256); }}) &&
    add({.name = "tumbling count+sum",
         .api = "push1",
         .also_1e7 = true,
         .required = 2.5,
         .set_up = [](const Setting& setting) { return against_limit(spec_of(setting), 1); }}) &&
    add({.name = "tumbling, 1 % late",
         .set_up =
             [](const Setting& setting) {
               StreamSpec spec = spec_of(setting);
               spec.late_share = 0.01;
               spec.late_by = 2 * window_size;
               return against_limit(spec, 256);
             }}) &&
    add({.name = "bounded disorder", .required = 1.3, .against = "ordered", .set_up = disorder});

}  // namespace
}  // namespace bench

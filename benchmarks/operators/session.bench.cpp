#include <memory>

#include <weir/weir.hpp>

#include "limits/session.hpp"
#include "naive/windows.hpp"
#include "support/ours.hpp"
#include "support/versus.hpp"

/// Sessions with a gap of 30 min, three aggregates, closed by the watermark. The mean time between two
/// records of a key is 0.05, 0.2 or 1 gap; between two passes the stream is silent for three gaps, so every
/// pass opens and closes all its sessions.

namespace bench {
namespace {

using namespace std::chrono_literals;

constexpr weir::Duration gap = 30min;

Match sessions(const Setting& setting, double spacing) {
  const double records = static_cast<double>(setting.records);
  const double span = spacing * static_cast<double>(gap.count()) * records / setting.keys;
  const auto stream =
      std::make_shared<Stream<Event>>(event_stream({.records = setting.records,
                                                    .keys = setting.keys,
                                                    .dist = setting.dist,
                                                    .span = weir::Duration{static_cast<std::int64_t>(span)},
                                                    .pause = 3 * gap}));
  Match match = match_over(stream);
  match.ours = ours(stream, weir::ascending(), [](const weir::Source<Event>& events, TallySink sink) {
    events | weir::key_by(&Event::key) | weir::session({.gap = gap, .grace = 0s}) |
        weir::aggregate<SessionRow>("sessions", weir::count().as(&SessionRow::count),
                                    weir::sum(&Event::value).as(&SessionRow::sum),
                                    weir::max(&Event::value).as(&SessionRow::max)) |
        weir::sink("tally", sink);
  });
  using Few = limit::Session<limit::InlineTable, TallySink>;
  using Many = limit::Session<limit::DenseTable, TallySink>;
  const std::size_t keys = setting.keys;
  match.limit = keys <= limit::few_keys ? hand_written<Few>(stream, 256, keys, gap)
                                        : hand_written<Many>(stream, 256, keys, gap);
  match.naive = hand_written<naive::Session<TallySink>>(stream, 1, gap);
  match.counted_per_pass = setting.records;
  return match;
}

bool add_spacing(const char* name, double spacing) {
  return add(
      {.name = name, .dists = {Dist::uniform}, .required = 2.0, .set_up = [spacing](const Setting& setting) {
         return sessions(setting, spacing);
       }});
}

const bool added = add_spacing("sessions, spacing 0.05 gap", 0.05) &&
                   add_spacing("sessions, spacing 0.2 gap", 0.2) &&
                   add_spacing("sessions, spacing 1 gap", 1.0);

}  // namespace
}  // namespace bench

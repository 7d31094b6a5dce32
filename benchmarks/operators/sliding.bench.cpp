#include <memory>

#include <weir/weir.hpp>

#include "limits/sliding.hpp"
#include "naive/windows.hpp"
#include "support/ours.hpp"
#include "support/versus.hpp"

/// Sliding windows of 1 h every 5 min at 1553 records a second, emitted when they close: at 1e6 keys that is
/// two rows for each record, at 1e3 keys next to none.

namespace bench {
namespace {

using namespace std::chrono_literals;

constexpr double records_per_second = static_cast<double>(1 << 24) / (3 * 3600);

StreamSpec spec_of(const Setting& setting) {
  const double seconds = static_cast<double>(setting.records) / records_per_second;
  return {.records = setting.records,
          .keys = setting.keys,
          .dist = setting.dist,
          .span = weir::Duration{static_cast<std::int64_t>(seconds * 1e6)}};
}

/// Passes until the first hour is over and each slide closes a full window.
int warm_up(const Setting& setting) {
  return 1 + static_cast<int>(records_per_second * 3600 / static_cast<double>(setting.records));
}

template <class Panes>
Contender limit_for(const std::shared_ptr<Stream<Event>>& stream, const Setting& setting) {
  using Few = limit::Sliding<Panes, limit::InlineTable, TallySink>;
  using Many = limit::Sliding<Panes, limit::DenseTable, TallySink>;
  const std::size_t keys = setting.keys;
  const weir::Duration every = 5min;
  return keys <= limit::few_keys ? hand_written<Few>(stream, 256, keys, every)
                                 : hand_written<Many>(stream, 256, keys, every);
}

template <class Row, class Keyed>
auto count_sum(const Keyed& windows) {
  return windows | weir::aggregate<Row>("totals", weir::count().as(&Row::count),
                                        weir::sum(&Event::value).as(&Row::sum));
}

Match sliding_count_sum(const Setting& setting) {
  const auto stream = std::make_shared<Stream<Event>>(event_stream(spec_of(setting)));
  Match match = match_over(stream);
  match.ours = ours(stream, weir::ascending(), [](const weir::Source<Event>& events, TallySink sink) {
    count_sum<CountSum>(events | weir::key_by(&Event::key) |
                        weir::sliding({.size = 1h, .every = 5min, .grace = 0s})) |
        weir::sink("tally", sink);
  });
  match.limit = limit_for<limit::CountSumPanes>(stream, setting);
  match.naive = hand_written<naive::Sliding<naive::AddCountSum, TallySink>>(stream, 1, weir::Duration{5min});
  match.warm_up = warm_up(setting);
  match.counted_per_pass = 12 * setting.records;
  return match;
}

Match sliding_max(const Setting& setting) {
  const auto stream = std::make_shared<Stream<Event>>(event_stream(spec_of(setting)));
  Match match = match_over(stream);
  match.ours = ours(stream, weir::ascending(), [](const weir::Source<Event>& events, TallySink sink) {
    events | weir::key_by(&Event::key) | weir::sliding({.size = 1h, .every = 5min, .grace = 0s}) |
        weir::aggregate<Peak>("peak", weir::max(&Event::value).as(&Peak::max)) | weir::sink("tally", sink);
  });
  match.limit = limit_for<limit::MaxPanes>(stream, setting);
  match.naive = hand_written<naive::Sliding<naive::AddMax, TallySink>>(stream, 1, weir::Duration{5min});
  match.warm_up = warm_up(setting);
  return match;
}

/// 1 h every 5 min alone, against the same together with tumbling 5 min and tumbling 1 h on the same keyed
/// stream. Rows of all three are counted, so the three hand out up to half as many rows more.
Match three_windows(const Setting& setting) {
  const auto stream = std::make_shared<Stream<Event>>(event_stream(spec_of(setting)));
  Match match = match_over(stream);
  match.ours = ours(stream, weir::ascending(), [](const weir::Source<Event>& events, TallySink sink) {
    auto [hour, slice, block] =
        count_sum<CountSum>(events | weir::key_by(&Event::key) |
                            weir::windows(weir::sliding({.size = 1h, .every = 5min, .grace = 0s}),
                                          weir::tumbling({.size = 5min, .grace = 0s}),
                                          weir::tumbling({.size = 1h, .grace = 0s})));
    hour | weir::sink("hour", sink);
    slice | weir::sink("slice", sink);
    block | weir::sink("block", sink);
  });
  match.limit = ours(stream, weir::ascending(), [](const weir::Source<Event>& events, TallySink sink) {
    count_sum<CountSum>(events | weir::key_by(&Event::key) |
                        weir::sliding({.size = 1h, .every = 5min, .grace = 0s})) |
        weir::sink("tally", sink);
  });
  match.warm_up = warm_up(setting);
  match.counted_per_pass = 14 * setting.records;
  match.compares_rows = false;
  return match;
}

/// What a record costs when the window is long and the slide short. Only pushes are timed: a slide closes the
/// window that ends with the first pane, so that its rows can be checked, and then the pipeline is dropped.
Contender short_slides(const std::shared_ptr<Stream<Event>>& stream, weir::Duration size,
                       weir::Duration every) {
  Contender out;
  out.pass = [stream, size, every] {
    Tally tally;
    weir::Graph graph{"bench"};
    auto events = graph.source<Event>("events", {.time = &Event::at, .watermark = weir::host_driven()});
    count_sum<CountSum>(events | weir::key_by(&Event::key) |
                        weir::sliding({.size = size, .every = every, .grace = 0s})) |
        weir::sink("tally", TallySink{tally});
    Ours<Event> operation{std::move(graph), events};

    const std::span<const Event> records = stream->records();
    const double start = thread_seconds();
    for (std::size_t i = 0; i < records.size(); i += 256) {
      operation.push(records.subspan(i, std::min<std::size_t>(256, records.size() - i)));
    }
    const double seconds = thread_seconds() - start;

    const std::int64_t first = weir::ticks(records.front().at);
    const std::int64_t end = first - weir::floor_mod(first, every.count()) + every.count();
    operation.advance(weir::event_time(end));
    std::uint64_t expected = 0;
    for (const Event& record : records) expected += weir::ticks(record.at) < end;
    if (tally.records != expected || !operation.stats("totals").conserves()) {
      std::cerr << "short slides: " << tally.records << " records came out, " << expected << " went in\n";
      std::abort();
    }
    return seconds;
  };
  return out;
}

/// One hour of records for both. Each pipeline starts empty and learns its keys and grows in the pass; at 1e3 keys
/// almost every record opens a pane of 1 s, and next to none a pane of 5 min.
Match short_against_long_slides(const Setting& setting) {
  StreamSpec spec = spec_of(setting);
  spec.span = 1h;
  const auto stream = std::make_shared<Stream<Event>>(event_stream(spec));
  Match match = match_over(stream);
  match.ours = short_slides(stream, 24h, 1s);
  match.limit = short_slides(stream, 1h, 5min);
  match.compares_rows = false;
  return match;
}

/// Twelve panes for both, so 12 s of records against 1 h: what is left is the number of windows a record is in.
Match same_panes(const Setting& setting) {
  StreamSpec dense = spec_of(setting);
  dense.span = 12s;
  StreamSpec sparse = dense;
  sparse.span = 1h;
  const auto above = std::make_shared<Stream<Event>>(event_stream(dense));
  const auto below = std::make_shared<Stream<Event>>(event_stream(sparse));
  Match match = match_over(above);
  match.move_on = [above, below](std::int64_t rounds) {
    above->move_on(rounds);
    below->move_on(rounds);
  };
  match.ours = short_slides(above, 24h, 1s);
  match.limit = short_slides(below, 1h, 5min);
  match.compares_rows = false;
  return match;
}

const bool added =
    add({.name = "sliding 1h/5min count+sum", .required = 2.0, .set_up = sliding_count_sum}) &&
    add({.name = "sliding 1h/5min max", .required = 2.0, .set_up = sliding_max}) &&
    add({.name = "24h/1s against 1h/5min",
         .dists = {Dist::uniform},
         .required = 2.0,
         .against = "1h_5min",
         .set_up = short_against_long_slides}) &&
    add({.name = "24h/1s against 1h/5min, as many panes",
         .dists = {Dist::uniform},
         .against = "1h_5min",
         .set_up = same_panes}) &&
    add({.name = "three windows against one", .required = 2.0, .against = "one", .set_up = three_windows});

}  // namespace
}  // namespace bench

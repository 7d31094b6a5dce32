#include <memory>

#include <weir/weir.hpp>

#include "limits/strings.hpp"
#include "naive/windows.hpp"
#include "support/ours.hpp"
#include "support/versus.hpp"

/// Text keys of 15 bytes, one million of them, the full key compared: tumbling count and sum as in
/// operators/tumbling.bench.cpp.

namespace bench {
namespace {

using namespace std::chrono_literals;

constexpr weir::Duration window_size = (1 << 16) * weir::Duration{1ms};

template <class Slot>
Match string_keys(const Setting& setting) {
  const auto stream = std::make_shared<Stream<NamedEvent>>(
      named_stream({.records = setting.records,
                    .keys = setting.keys,
                    .dist = setting.dist,
                    .span = static_cast<std::int64_t>(setting.records / 16) * weir::Duration{1ms}}));
  Match match = match_over(stream);
  match.ours = ours(stream, weir::ascending(), [](const weir::Source<NamedEvent>& events, TallySink sink) {
    events | weir::key_by(&NamedEvent::name) | weir::tumbling({.size = window_size, .grace = 0s}) |
        weir::aggregate<CountSum>("totals", weir::count().as(&CountSum::count),
                                  weir::sum(&NamedEvent::value).as(&CountSum::sum)) |
        weir::sink("tally", sink);
  });
  match.limit = hand_written<limit::TumblingByName<Slot, TallySink>>(stream, 256, std::size_t{setting.keys},
                                                                     window_size);
  match.naive = hand_written<naive::TumblingByName<TallySink>>(stream, 1, window_size);
  match.counted_per_pass = setting.records;
  return match;
}

// The limit of the design note keeps the bytes in a pool; keeping short ones in the slot is faster, so that
// is the limit now, and the other is reported.
const bool added = add({.name = "string keys, 15 bytes",
                        .keys = {1'000'000},
                        .required = 1.5,
                        .set_up = string_keys<limit::InlinedKey>}) &&
                   add({.name = "string keys, 15 bytes, pooled limit",
                        .keys = {1'000'000},
                        .against = "pooled",
                        .set_up = string_keys<limit::PooledKey>});

}  // namespace
}  // namespace bench

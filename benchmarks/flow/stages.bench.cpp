#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <memory>

#include <weir/weir.hpp>

#include "limits/edge.hpp"
#include "support/ours.hpp"
#include "support/versus.hpp"

/// What stages without state cost: fused into one node, and as nodes of their own with an edge between them.

namespace bench {
namespace {

using namespace std::chrono_literals;

struct Converted {
  std::uint64_t key;
  double value;
};

constexpr auto is_large = [](const Event& event) { return event.value > 10; };  // nine of ten
constexpr auto converted = [](const Event& event) { return Converted{event.key, event.value * 1.25}; };
constexpr auto raised = [](const Event& event) {
  Event out = event;
  out.value += 1;
  return out;
};

/// What the host's sink does with a record.
struct SumUp {
  Tally* tally;
  template <class Record>
  void operator()(const Record& record) const {
    ++tally->records;
    tally->values += record.value;
  }
};

/// Records that stay in the near caches: what is measured is the stages, not memory.
std::shared_ptr<Stream<Event>> near_stream() {
  constexpr std::size_t records = 1 << 14;
  return std::make_shared<Stream<Event>>(
      event_stream({.records = records, .keys = 1000, .span = weir::Duration{records}}));
}

constexpr int laps = 64;  ///< times that a pass goes through the stream

/// Pushes the stream `laps` times; the same times again are in order for a host-driven watermark.
template <class Operation>
double timed_laps(const Stream<Event>& stream, Operation& operation) {
  const std::span<const Event> records = stream.records();
  const double start = thread_seconds();
  for (int lap = 0; lap < laps; ++lap) {
    for (std::size_t i = 0; i < records.size(); i += 256) operation.push(records.subspan(i, 256));
  }
  return thread_seconds() - start;
}

template <class Wire>
Contender laps_of(const std::shared_ptr<Stream<Event>>& stream, Wire wire) {
  auto tally = std::make_shared<Tally>();
  weir::Graph graph{"bench"};
  auto events = graph.source<Event>("events", {.time = &Event::at, .watermark = weir::host_driven()});
  wire(events, SumUp{tally.get()});
  auto operation = std::make_shared<Ours<Event>>(std::move(graph), events);
  Contender out;
  out.pass = [stream, operation] { return timed_laps(*stream, *operation); };
  out.finish = [operation, tally] {
    operation->finish();
    return *tally;
  };
  return out;
}

Contender fused(const std::shared_ptr<Stream<Event>>& stream) {
  return laps_of(stream, [](const weir::Source<Event>& events, SumUp sum_up) {
    events | (weir::filter(is_large) | weir::map(converted)) | weir::sink("sum", sum_up);
  });
}

/// The same node with the stage written out by hand.
Contender one_stage_by_hand(const std::shared_ptr<Stream<Event>>& stream) {
  return laps_of(stream, [](const weir::Source<Event>& events, SumUp sum_up) {
    events | weir::flat_map<Converted>([](const Event& event, auto&& emit) {
      if (event.value > 10) emit(Converted{event.key, event.value * 1.25});
    }) | weir::sink("sum", sum_up);
  });
}

/// The whole pipeline as one loop: time and lateness test, filter, map, sum.
class Loop {
 public:
  explicit Loop(Tally& tally) : sum_up_{&tally} {}

  void push(std::span<const Event> batch) {
    for (const Event& event : batch) {
      if (event.at == weir::no_time) continue;
      late_ += event.at < watermark_;
      if (is_large(event)) sum_up_(converted(event));
    }
  }

 private:
  SumUp sum_up_;
  weir::EventTime watermark_ = weir::no_time;
  std::uint64_t late_ = 0;
};

Match fused_against_hand(const Setting&) {
  const auto stream = near_stream();
  Match match = match_over(stream);
  match.items *= laps;
  match.ours = fused(stream);
  match.limit = one_stage_by_hand(stream);
  return match;
}

Match pipeline_against_loop(const Setting&) {
  const auto stream = near_stream();
  Match match = match_over(stream);
  match.items *= laps;
  match.ours = fused(stream);
  auto tally = std::make_shared<Tally>();
  auto loop = std::make_shared<Loop>(*tally);
  match.limit.pass = [stream, loop] { return timed_laps(*stream, *loop); };
  match.limit.finish = [tally] { return *tally; };
  return match;
}

constexpr std::size_t stages = 9;
constexpr auto raised_by_all = [](const Event& event) {
  Event out = event;
  for (std::size_t i = 0; i < stages; ++i) out = raised(out);
  return out;
};

/// What eight edges add: the same nine stages as nine nodes, and as one.
Contender per_edge(Contender apart, Contender as_one) {
  Contender out;
  out.pass = [apart, as_one] { return std::max(0.0, (apart.pass() - as_one.pass()) / (stages - 1)); };
  out.finish = [apart, as_one] {
    const Tally tally = apart.finish();
    if (!(tally == as_one.finish())) {
      std::cerr << "edge: nine nodes and one do not agree\n";
      std::abort();
    }
    return tally;
  };
  return out;
}

Contender chain_by_hand(const std::shared_ptr<Stream<Event>>& stream, std::size_t nodes, auto map) {
  auto chain = std::make_shared<limit::Chain<decltype(map)>>(nodes, map);
  auto count = std::make_shared<std::uint64_t>(0);
  Contender out;
  out.pass = [stream, chain, count] {
    *count += stream->size() * laps;
    return timed_laps(*stream, *chain);
  };
  out.finish = [chain, count] { return Tally{.records = *count, .values = chain->sum()}; };
  return out;
}

Match edge(const Setting&) {
  const auto stream = near_stream();
  Match match = match_over(stream);
  match.items *= laps;
  const auto m = [] { return weir::map(raised); };
  match.ours = per_edge(
      laps_of(stream,
              [m](const weir::Source<Event>& events, SumUp sum_up) {
                events | m() | m() | m() | m() | m() | m() | m() | m() | m() | weir::sink("sum", sum_up);
              }),
      laps_of(stream, [m](const weir::Source<Event>& events, SumUp sum_up) {
        events | (m() | m() | m() | m() | m() | m() | m() | m() | m()) | weir::sink("sum", sum_up);
      }));
  match.limit = per_edge(chain_by_hand(stream, stages, raised), chain_by_hand(stream, 1, raised_by_all));
  return match;
}

const bool added =
    add({.name = "fused filter|map",
         .keys = {0},
         .dists = {Dist::uniform},
         .required = 1.05,
         .against = "same_node_by_hand",
         .set_up = fused_against_hand}) &&
    add({.name = "source, filter|map, sink",
         .keys = {0},
         .dists = {Dist::uniform},
         .against = "bare_loop",
         .set_up = pipeline_against_loop}) &&
    add({.name = "unfused edge", .keys = {0}, .dists = {Dist::uniform}, .required_ns = 1.5, .set_up = edge});

}  // namespace
}  // namespace bench

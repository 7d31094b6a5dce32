#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include <weir/shard/runner.hpp>
#include <weir/weir.hpp>

#include "limits/handoff.hpp"
#include "support/versus.hpp"

/// From one core to another: batches of 256 through the queue of a runner, and what a runner makes of a whole pipeline. Needs two
/// processors, and the wall clock.

namespace bench {
namespace {

using namespace std::chrono_literals;

/// What the reading side adds up, so that no record can get lost.
struct Sum {
  std::uint64_t keys = 0;
  std::uint64_t records = 0;

  void add(const Event& event) {
    keys += event.key;
    ++records;
  }
};

struct Handles {
  weir::Source<Event> events;
};

StreamSpec spec_of(const Setting& setting) {
  return {.records = setting.records,
          .keys = setting.keys,
          .dist = setting.dist,
          .span = static_cast<std::int64_t>(setting.records) * 60us};
}

/// A pipeline that only adds up, behind a queue: what the queue itself costs.
class Queue {
 public:
  explicit Queue(Sum& sum) : set_({.name = "bench"}) {
    weir::Graph graph{"bench"};
    const auto events = graph.source<Event>("events", {.time = &Event::at, .watermark = weir::ascending()});
    events | weir::sink("sum", [&sum](const Event& event) { sum.add(event); });
    const std::vector<weir::Source<Event>> sources{events};
    if (!set_.add_shard(std::move(graph)).ok() || !set_.add_route<Event>(sources, &Event::key).ok() ||
        !set_.complete().ok())
      std::abort();
    route_ = &set_.route_of(events.node());
    threads_.emplace(set_, 16);
  }

  /// Records whose source has judged them: all on time, and each of them moves the watermark.
  void push(std::span<const Event> records) {
    weir::detail::Round& round = threads_->open();
    if (!set_.begin(round, *route_, 0)) std::abort();
    auto& lot = static_cast<weir::detail::Lot<Event>&>(*round.lots.front());
    for (const Event& event : records) {
      lot.add(event, {round.watermarks.size(), weir::Admit::on_time});
      round.watermarks.push_back(event.at);
    }
    while (!threads_->has_room()) threads_->wait_for_room();
    static_cast<void>(threads_->hand_over());
  }
  void rest() { threads_->wait_until_done(); }

 private:
  weir::detail::ShardSet set_;
  weir::detail::RouteBase* route_ = nullptr;
  std::optional<weir::detail::ShardThreads> threads_;
};

Match handoff(const Setting& setting) {
  const auto stream = std::make_shared<Stream<Event>>(event_stream(spec_of(setting)));
  Match match = match_over(stream);
  match.compares_rows = false;
  const auto check = [stream](Sum& sum) {
    if (std::exchange(sum, {}).records != stream->size()) std::abort();
  };
  const auto ours_sum = std::make_shared<Sum>();
  const auto queue = std::make_shared<Queue>(*ours_sum);
  match.ours.pass = [stream, queue, ours_sum, check] {
    const double start = wall_seconds();
    for (std::size_t i = 0; i < stream->size(); i += 256) queue->push(stream->records().subspan(i, 256));
    queue->rest();
    const double seconds = wall_seconds() - start;
    check(*ours_sum);
    return seconds;
  };
  const auto ring = std::make_shared<limit::BatchRing<Event>>();
  match.limit.pass = [stream, ring, check] {
    Sum sum;
    const double start = wall_seconds();
    std::thread reader([&sum, &stream, &ring] {
      ring->read(stream->size() / 256, [&sum](const auto& batch) {
        for (const Event& event : batch) sum.add(event);
      });
    });
    for (std::size_t i = 0; i < stream->size(); i += 256) {
      std::copy_n(stream->records().data() + i, 256, ring->open().begin());
      ring->publish();
    }
    reader.join();
    const double seconds = wall_seconds() - start;
    check(sum);
    return seconds;
  };
  return match;
}

Handles define(weir::Graph& graph, TallySink sink) {
  const auto events = graph.source<Event>("events", {.time = &Event::at, .watermark = weir::ascending()});
  events | weir::key_by(&Event::key) | weir::sliding({.size = 1h, .every = 5min, .grace = 0s}) |
      weir::aggregate<CountSum>("totals", weir::count().as(&CountSum::count),
                                weir::sum(&Event::value).as(&CountSum::sum)) |
      weir::sink("tally", sink);
  return {events};
}

/// A pipeline whose records are judged on one core and applied on another, against the same on one.
Match runner(const Setting& setting) {
  const auto stream = std::make_shared<Stream<Event>>(event_stream(spec_of(setting)));
  Match match = match_over(stream);
  const auto make = [](std::size_t shards, std::shared_ptr<std::vector<Tally>> tallies) {
    return weir::sharded(
               {.name = "bench", .shards = shards},
               [tallies](weir::Graph& graph, std::size_t shard) {
                 return define(graph, TallySink{(*tallies)[shard]});
               },
               weir::route(&Handles::events, &Event::key))
        .value();
  };
  const auto ours_tally = std::make_shared<std::vector<Tally>>(1);
  const auto ours =
      std::make_shared<weir::ShardRunner<Handles>>(weir::shard_runner(make(1, ours_tally)).value());
  match.ours.pass = [stream, ours] {
    const double start = wall_seconds();
    for (std::size_t i = 0; i < stream->size(); i += 256)
      static_cast<void>(ours->push_waiting(&Handles::events, stream->records().subspan(i, 256)));
    if (!ours->drain().ok()) std::abort();
    return wall_seconds() - start;
  };
  match.ours.finish = [ours, ours_tally] {
    if (!ours->finish().ok() || !ours->drain().ok()) std::abort();
    return ours_tally->front();
  };
  const auto tally = std::make_shared<Tally>();
  const auto graph = std::make_shared<weir::Graph>("bench");
  const Handles handles = define(*graph, TallySink{*tally});
  const auto pipeline = std::make_shared<weir::Pipeline>(std::move(*graph).build().value());
  match.limit.pass = [stream, handles, pipeline] {
    const double start = wall_seconds();
    for (std::size_t i = 0; i < stream->size(); i += 256)
      pipeline->push(handles.events, stream->records().subspan(i, 256));
    return wall_seconds() - start;
  };
  match.limit.finish = [pipeline, tally] {
    if (!pipeline->finish().ok()) std::abort();
    return *tally;
  };
  return match;
}

const bool added = add({.name = "hand-off to another core",
                        .suite = "state",
                        .keys = {1'000},
                        .dists = {Dist::uniform},
                        .required = 2.0,
                        .set_up = handoff}) &&
                   add({.name = "sliding 1h/5min through a runner of one shard",
                        .suite = "state",
                        .keys = {1'000, 100'000},
                        .dists = {Dist::uniform},
                        .against = "one pipeline",
                        .set_up = runner});

}  // namespace
}  // namespace bench

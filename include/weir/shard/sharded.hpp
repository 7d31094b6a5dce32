#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <weir/graph/graph.hpp>
#include <weir/graph/pipeline.hpp>
#include <weir/graph/snapshot.hpp>
#include <weir/shard/route.hpp>
#include <weir/shard/shard_set.hpp>
#include <weir/view/view.hpp>

/// \file
/// Sharded: several pipelines of one definition that share the keys of a stream and give what one pipeline would.

namespace weir::inline v0 {

template <class HandlesType>
class Sharded;
template <class HandlesType>
class ShardRunner;
struct RunnerSpec;

/// Readers of a view in all shards: each key is looked up where it is. Made by `sharded.reader(&Handles::view)`.
///
/// A row is what `Reader` gives of the key's shard: where the stream's knowledge ends is where that shard's does.
///
/// Errors, Threads: as `Reader`
template <class ViewType>
class ShardedReader {
 public:
  using Result = typename ViewType::Result;
  using KeyView = typename ViewType::KeyView;

  ShardedReader(const detail::ShardMap& map, std::vector<typename ViewType::Reader> readers)
      : map_(map), readers_(std::move(readers)) {}

  /// The row of a key, and what it is worth.
  [[nodiscard]] Result lookup(KeyView key, const LookupSpec& spec = {}) {
    Result result;
    lookup(key, spec, result);
    return result;
  }
  /// The same into a result that the caller keeps, which saves making one.
  void lookup(KeyView key, const LookupSpec& spec, Result& result) {
    readers_[map_.shard_of_key(key, *scratch_)].lookup(key, spec, result);
  }
  /// What was asked, and what was given.
  [[nodiscard]] ViewStats stats() const {
    ViewStats sum;
    for (const auto& reader : readers_) detail::add(sum, reader.stats());
    return sum;
  }

 private:
  detail::ShardMap map_;
  std::unique_ptr<Archive> scratch_ = std::make_unique<Archive>();
  std::vector<typename ViewType::Reader> readers_;
};

/// Pipelines of one definition, each with a part of the key groups: the records of a key all go to one of them. Made by
/// `sharded`.
///
/// Lateness, watermarks, idleness and guards are decided in front, from all records in the order in which they come, by what the
/// definition says of each source; then each shard is told its records, and all of them how far time has come. So every key
/// gets the rows, late reports and look-ups that a single pipeline would give it.
///
/// Order:    of one key as in a single pipeline; between keys of different shards there is none
/// Errors:   as those of `Pipeline`. What a callback throws in one shard poisons all of them
/// Threads:  none; calls must not overlap. The host may bring some with `run_with`; `shard_runner` has one for each shard
/// Time:     a push: the key's hash and the source's work once, then the shard's; a call of its own for each shard
template <class HandlesType>
class Sharded {
 public:
  using Handles = HandlesType;

  /// See `sharded`.
  template <class Define, class... Routes>
  [[nodiscard]] static absl::StatusOr<Sharded> build(const ShardedSpec& spec, Define&& define,
                                                     Routes... routes) {
    auto set = std::make_unique<detail::ShardSet>(spec);
    if (absl::Status wrong = set->check(); !wrong.ok()) return wrong;
    std::vector<Handles> handles;
    for (std::size_t shard = 0; shard < spec.shards; ++shard) {
      Graph graph(spec.name, spec.graph);
      handles.push_back(define(graph, shard));
      if (absl::Status wrong = set->add_shard(std::move(graph)); !wrong.ok()) return wrong;
    }
    absl::Status wrong;
    const auto add = [&]<class Record, class Projection>(Route<Handles, Record, Projection>& route) {
      std::vector<Source<Record>> sources;
      sources.reserve(handles.size());
      for (const Handles& one : handles) sources.push_back(one.*route.source);
      wrong = set->template add_route<Record>(sources, std::move(route.key));
      return wrong.ok();
    };
    if (!(add(routes) && ...)) return wrong;
    if (wrong = set->complete(); !wrong.ok()) return wrong;
    return Sharded(std::move(set), std::move(handles));
  }

  [[nodiscard]] std::size_t shards() const noexcept { return set_->size(); }
  /// The key groups of a shard: of n shards, group g of all groups belongs to shard g * n / groups.
  [[nodiscard]] KeyGroupRange groups(std::size_t shard) const noexcept {
    return set_->map().groups_of(shard);
  }
  /// Where a key is: `shard_of(&Handles::velocity, user)`, by the key of a view.
  template <class ViewType>
  [[nodiscard]] std::size_t shard_of(ViewType Handles::*, typename ViewType::KeyView key) const {
    return set_->shard_of_key(key);
  }
  /// What the definition gave for a shard.
  [[nodiscard]] const Handles& handles(std::size_t shard) const noexcept { return handles_[shard]; }
  /// A shard to be looked at: its picture, its names, its counters.
  [[nodiscard]] const Pipeline& pipeline(std::size_t shard) const noexcept { return set_->pipeline(shard); }

  /// From now on threads of the host may do the shards' part of each call: `run(apply)` calls `apply(shard)` once with each number
  /// below `shards()`, on any threads and in any order, and returns when all of these calls have returned. Sinks are called
  /// on those threads. What one throws passes through `apply`.
  template <class Run>
  void run_with(Run run) {
    constexpr bool runs = std::is_invocable_v<Run&, absl::FunctionRef<void(std::size_t)>>;
    static_assert(runs, "weir: run_with() takes a callable on absl::FunctionRef<void(std::size_t shard)>");
    if constexpr (runs) set_->run_with(std::make_unique<Executor<Run>>(std::move(run)));
  }

  /// Pushes one record to a channel of a source: judged in front, then applied by the shard of its key.
  template <class Record>
  Admit push(Source<Record> Handles::*source, const std::type_identity_t<Record>& record,
             std::size_t channel = 0) {
    const Admitted admitted = push(source, std::span<const Record>(&record, 1), channel);
    return admitted.on_time != 0    ? Admit::on_time
           : admitted.late != 0     ? Admit::late
           : admitted.future != 0   ? Admit::future
           : admitted.rejected != 0 ? Admit::rejected
                                    : Admit::refused;
  }
  /// Pushes records in order. The same result as one by one, faster.
  template <class Record>
  Admitted push(Source<Record> Handles::*source, std::span<const std::type_identity_t<Record>> records,
                std::size_t channel = 0) {
    detail::RouteOf<Record>& route = route_of(source);
    if (!set_->takes_records(route, channel)) return {.refused = records.size()};
    Admitted admitted;
    detail::PipelineCore::Call call(set_->front(), records.size());
    do {
      static_cast<void>(set_->begin(round_, route, channel));
      records = records.subspan(route.judge(round_, channel, records, admitted));
      set_->apply_all(round_);
    } while (!records.empty());
    call.complete();
    return admitted;
  }

  /// Raises the watermark of a channel, as `Pipeline::advance`.
  template <class Record>
  absl::Status advance(Source<Record> Handles::*source, EventTime watermark, std::size_t channel = 0) {
    return carry_out([&] { return set_->advance(round_, route_of(source), channel, watermark); });
  }
  /// The channel is silent, speaks again, has ended for good: as of `Pipeline`.
  template <class Record>
  absl::Status set_idle(Source<Record> Handles::*source, std::size_t channel = 0) {
    return change(source, channel, detail::PipelineCore::ChannelChange::idle);
  }
  template <class Record>
  absl::Status set_active(Source<Record> Handles::*source, std::size_t channel = 0) {
    return change(source, channel, detail::PipelineCore::ChannelChange::active);
  }
  template <class Record>
  absl::Status close(Source<Record> Handles::*source, std::size_t channel = 0) {
    return change(source, channel, detail::PipelineCore::ChannelChange::close);
  }
  /// The host's clock.
  absl::Status tick(WallTime now) {
    return carry_out([&] { return set_->tick(round_, now); });
  }
  /// The end of all streams: everything fires once. Idempotent; afterwards records are refused.
  absl::Status finish() {
    return carry_out([&] { return set_->finish(round_); });
  }

  /// The row of a key in a view, as `Pipeline::lookup` of a single pipeline gives it.
  /// Time: a look-up, and a glance at the view of each shard
  template <class ViewType>
  [[nodiscard]] typename ViewType::Result lookup(ViewType Handles::*view, typename ViewType::KeyView key,
                                                 const typename ViewType::Spec& spec = {}) {
    typename ViewType::Result result;
    lookup(view, key, spec, result);
    return result;
  }
  /// The same into a result that the host keeps, which saves making one.
  template <class ViewType>
  void lookup(ViewType Handles::*view, typename ViewType::KeyView key, const typename ViewType::Spec& spec,
              typename ViewType::Result& result) {
    if (!set_->takes_calls()) {
      result = {};
      return;
    }
    EventTime until = no_time;
    for (const Handles& one : handles_) until = std::max(until, (one.*view).known_until());
    const std::size_t shard = shard_of(view, key);
    const ViewType& there = handles_[shard].*view;
    there.know(until);
    set_->pipeline(shard).lookup(there, key, spec, result);
  }
  /// A reader of a view for another thread; it may outlive this. The view must have said `.publish()`.
  /// Errors: as `Pipeline::reader`
  template <class ViewType>
  [[nodiscard]] absl::StatusOr<ShardedReader<ViewType>> reader(ViewType Handles::*view) {
    if (absl::Status refused = set_->refusal("reader"); !refused.ok()) return refused;
    std::vector<typename ViewType::Reader> readers;
    for (std::size_t shard = 0; shard < shards(); ++shard) {
      auto reader = set_->pipeline(shard).reader(handles_[shard].*view);
      if (!reader.ok()) return reader.status();
      readers.push_back(*std::move(reader));
    }
    return ShardedReader<ViewType>(set_->map(), std::move(readers));
  }
  /// Forgets a key, behind a view or a keyed stream, as `Pipeline::erase`.
  template <class ViewType>
  bool erase(ViewType Handles::*view, typename ViewType::KeyView key) {
    const std::size_t shard = shard_of(view, key);
    return set_->takes_calls() && set_->pipeline(shard).erase(handles_[shard].*view, key);
  }

  /// The watermark that a source has reached, of all its records; `no_time` before it has one.
  template <class Record>
  [[nodiscard]] EventTime watermark(Source<Record> Handles::*source) const {
    return route_of(source).front().reached();
  }
  /// Whether all channels of a source are idle.
  template <class Record>
  [[nodiscard]] bool is_idle(Source<Record> Handles::*source) const {
    return route_of(source).front().is_idle();
  }
  /// OK, or why no call can run any more.
  [[nodiscard]] absl::Status status() const { return set_->status(); }
  /// The counters of a source or operator, added over the shards; of the watermark the least. An unknown name gives empty ones.
  [[nodiscard]] OperatorStats stats(std::string_view name) const { return set_->stats(name); }
  /// What a view was asked, and what it gave, added over the shards.
  template <class Key, class Row>
  [[nodiscard]] ViewStats stats(View<Key, Row> Handles::*view) const {
    ViewStats sum;
    for (const Handles& one : handles_) detail::add(sum, (one.*view).stats());
    return sum;
  }
  /// Names of all sources and operators, in the order of declaration.
  [[nodiscard]] std::vector<std::string> names() const { return pipeline(0).names(); }

  /// Writes one shard, with all its key groups unless the spec names some: an image that any number of shards, and a single
  /// pipeline of the same definition, can restore. Images of one instant, of all shards, belong together.
  /// Errors: as `Pipeline::snapshot`; InvalidArgument for a key group of another shard
  [[nodiscard]] absl::Status snapshot(std::size_t shard, const SnapshotSpec& spec, SnapshotSink sink) {
    if (absl::Status refused = set_->refusal("snapshot"); !refused.ok()) return refused;
    return set_->snapshot(shard, set_->progress(), spec, sink);
  }
  /// The images of all shards, each with the same positions.
  [[nodiscard]] absl::StatusOr<std::vector<std::string>> snapshot(std::string_view positions = {}) {
    std::vector<std::string> images(shards());
    for (std::size_t shard = 0; shard < shards(); ++shard) {
      absl::Status status = snapshot(shard, {.positions = positions}, [&](std::string_view piece) {
        images[shard].append(piece);
        return absl::OkStatus();
      });
      if (!status.ok()) return status;
    }
    return images;
  }
  /// Takes the state of images that were written at one instant by any number of shards, before the first record. Key groups and
  /// counters go where they belong; the watermarks in front go on as they were.
  ///
  /// Errors:  as `Pipeline::restore`, with the number of the image; nothing is changed then, in any shard
  [[nodiscard]] absl::Status restore(std::span<const std::string_view> images, const RestoreSpec& spec = {}) {
    return set_->restore(images, spec);
  }
  [[nodiscard]] absl::Status restore(const std::vector<std::string>& images, const RestoreSpec& spec = {}) {
    const std::vector<std::string_view> views(images.begin(), images.end());
    return set_->restore(views, spec);
  }

 private:
  template <class>
  friend class ShardRunner;
  template <class AnyHandles>
  friend absl::StatusOr<ShardRunner<AnyHandles>> shard_runner(Sharded<AnyHandles> sharded,
                                                              const RunnerSpec& spec);

  template <class Run>
  class Executor final : public detail::ShardExecutor {
   public:
    explicit Executor(Run run) : run_(std::move(run)) {}
    void run(absl::FunctionRef<void(std::size_t)> apply) override { run_(apply); }

   private:
    Run run_;
  };

  Sharded(std::unique_ptr<detail::ShardSet> set, std::vector<Handles> handles)
      : set_(std::move(set)), handles_(std::move(handles)) {}

  template <class Record>
  [[nodiscard]] detail::RouteOf<Record>& route_of(Source<Record> Handles::*source) const {
    return static_cast<detail::RouteOf<Record>&>(set_->route_of((handles_.front().*source).node()));
  }
  template <class Record>
  absl::Status change(Source<Record> Handles::*source, std::size_t channel,
                      detail::PipelineCore::ChannelChange change) {
    return carry_out([&] { return set_->change(round_, route_of(source), channel, change); });
  }
  /// Tells the front, then the shards what it made of that.
  template <class Say>
  absl::Status carry_out(Say&& say) {
    if (absl::Status refused = set_->refusal("a call"); !refused.ok()) return refused;
    absl::Status status = say();
    detail::PipelineCore::Call call(set_->front(), 0);
    set_->apply_all(round_);
    call.complete();
    return status;
  }

  std::unique_ptr<detail::ShardSet> set_;
  std::vector<Handles> handles_;
  detail::Round round_;
};

/// Builds pipelines of one definition and spreads the keys of its sources over them. `define(graph, shard)` adds sources, operators,
/// sinks and views to the graph of a shard, the same for every shard, and returns a struct of handles; sinks of different
/// shards may be called on different threads. There is one `route` for each source.
///
/// Errors:  what `Graph::build` says; InvalidArgument for a number of shards that the key groups do not allow, a source without a
///          route, shards that differ, and an operator that keeps one state for the whole stream
template <class Define, class... Routes>
[[nodiscard]] auto sharded(const ShardedSpec& spec, Define&& define, Routes... routes) {
  constexpr bool defines = std::is_invocable_v<Define&, Graph&, std::size_t>;
  static_assert(
      defines,
      "weir: sharded() takes a callable on (weir::Graph&, std::size_t shard) that returns a struct of "
      "handles");
  if constexpr (defines) {
    using Handles = std::remove_cvref_t<std::invoke_result_t<Define&, Graph&, std::size_t>>;
    return Sharded<Handles>::build(spec, define, std::move(routes)...);
  } else {
    return detail::never<absl::StatusOr<int>>();
  }
}

}  // namespace weir::inline v0

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>

#include <weir/flow/stats.hpp>
#include <weir/graph/graph.hpp>
#include <weir/graph/pipeline.hpp>
#include <weir/graph/snapshot.hpp>
#include <weir/shard/round.hpp>
#include <weir/shard/route.hpp>
#include <weir/state/kept_keys.hpp>
#include <weir/time/instant.hpp>

/// \file
/// Several pipelines of one definition and the sources in front of them, without the types of records.

namespace weir::inline v0 {

/// Options of `sharded`.
struct ShardedSpec {
  /// Of each of the pipelines.
  std::string name;
  /// How many pipelines, each with its part of the key groups: at most as many as there are groups.
  std::size_t shards = 1;
  /// Of each graph. All shards share its `memory`, which has to be thread-safe if they run on threads.
  GraphSpec graph = {};
};

namespace detail {

/// How the host runs the shards' part of a call.
class ShardExecutor {
 public:
  ShardExecutor() = default;
  ShardExecutor(const ShardExecutor&) = delete;
  ShardExecutor& operator=(const ShardExecutor&) = delete;
  virtual ~ShardExecutor();

  /// Calls `apply` once with the number of each shard, and returns when all of these calls have.
  virtual void run(absl::FunctionRef<void(std::size_t shard)> apply) = 0;
};

/// The pipelines, and what stands before them. The front is a pipeline that has sources and nothing else: it sees all records in
/// their order. What it decides goes in rounds to the shards, which may be on other threads: a shard is touched by `apply` and
/// `run_task` of its own number, and by what says so, and the front by everything else.
class ShardSet {
 public:
  explicit ShardSet(const ShardedSpec& spec);

  /// Building: check, then a graph per shard, then routes, then complete.
  [[nodiscard]] absl::Status check() const;
  [[nodiscard]] absl::Status add_shard(Graph graph);
  template <class Record, class Projection>
  [[nodiscard]] absl::Status add_route(std::span<const Source<Record>> sources, Projection key) {
    if (absl::Status wrong =
            check_handles(sources.size(), [&sources](std::size_t shard) { return &sources[shard].wiring(); });
        !wrong.ok())
      return wrong;
    return take_route(
        std::make_unique<RouteBy<Record, Projection>>(front_graph_, sources, map_, std::move(key)));
  }
  [[nodiscard]] absl::Status complete();

  [[nodiscard]] const std::string& name() const noexcept { return spec_.name; }
  [[nodiscard]] std::size_t size() const noexcept { return shards_.size(); }
  [[nodiscard]] const ShardMap& map() const noexcept { return map_; }
  template <class KeyType>
  [[nodiscard]] std::size_t shard_of_key(const KeyType& key) {
    return map_.shard_of_key(key, scratch_);
  }
  [[nodiscard]] PipelineCore& front() const noexcept { return PipelineAccess::core(*front_); }
  [[nodiscard]] Pipeline& pipeline(std::size_t shard) noexcept { return shards_[shard].pipeline; }
  /// The route of a source of the first shard.
  [[nodiscard]] RouteBase& route_of(const Node& source) const noexcept;

  /// OK, or why no call can run any more.
  [[nodiscard]] absl::Status status() const;
  /// The same, or that a call is running.
  [[nodiscard]] absl::Status refusal(const char* call) const;
  [[nodiscard]] bool takes_calls() const noexcept { return failure_.ok() && front().takes_calls(); }
  [[nodiscard]] bool takes_records(RouteBase& route, std::size_t channel) const noexcept {
    return failure_.ok() && front().takes_records() && channel < route.front().channels();
  }

  /// Makes a round ready for records of a channel. False if it is full, or has something that they cannot be put behind.
  [[nodiscard]] bool begin(Round& round, RouteBase& route, std::size_t channel) const;
  // What the host says beside records: the front hears it, and a round what becomes of it.
  [[nodiscard]] absl::Status advance(Round& round, RouteBase& route, std::size_t channel,
                                     EventTime watermark);
  [[nodiscard]] absl::Status change(Round& round, RouteBase& route, std::size_t channel,
                                    PipelineCore::ChannelChange change);
  [[nodiscard]] absl::Status tick(Round& round, WallTime now);
  [[nodiscard]] absl::Status finish(Round& round);

  /// A shard does what a round says, but for its task. Errors: what makes the shard useless from now on
  [[nodiscard]] absl::Status apply(const Round& round, std::size_t shard);
  /// What `apply` said of a shard; from now on no call can run.
  void take_failure(absl::Status status);
  /// No call can run any more: readers of all shards are to say so. On any thread.
  void refuse_reads() noexcept;
  /// All of them do, as the executor says or one after the other; then nothing of the round is left.
  void apply_all(Round& round);
  void run_with(std::unique_ptr<ShardExecutor> executor) { executor_ = std::move(executor); }

  [[nodiscard]] OperatorStats stats(std::string_view name);
  /// How far the sources have come, in the order of the routes.
  [[nodiscard]] std::vector<SourceProgress> progress() const;
  /// Writes one shard, with what the front had come to when it had told the shard all that it was told.
  [[nodiscard]] absl::Status snapshot(std::size_t shard, const std::vector<SourceProgress>& progress,
                                      const SnapshotSpec& spec, SnapshotSink sink);
  [[nodiscard]] absl::Status restore(std::span<const std::string_view> images, const RestoreSpec& spec);

 private:
  struct Shard {
    Pipeline pipeline;
    std::vector<SourceBase*> sources;  // in the order of the routes
  };

  [[nodiscard]] absl::Status check_handles(std::size_t handles,
                                           absl::FunctionRef<const Wiring*(std::size_t)> wiring) const;
  [[nodiscard]] absl::Status take_route(std::unique_ptr<RouteBase> route);
  [[nodiscard]] absl::Status check_routes() const;
  [[nodiscard]] absl::Status check_definitions() const;
  [[nodiscard]] absl::Status check_state() const;
  [[nodiscard]] absl::Status say(Round& round, absl::FunctionRef<absl::Status(PipelineCore&)> call);
  [[nodiscard]] bool has_begun() const noexcept;
  void follow_time(const Round& round, std::size_t shard) const;
  [[nodiscard]] absl::Status check_images(std::span<const std::string_view> images, const RestoreSpec& spec,
                                          std::vector<std::vector<std::uint32_t>>& groups) const;
  [[nodiscard]] absl::Status restore_shard(std::size_t shard, std::span<const std::string_view> images,
                                           const std::vector<std::vector<std::uint32_t>>& groups,
                                           const RestoreSpec& spec);
  [[nodiscard]] absl::Status restore_front();

  ShardedSpec spec_;
  ShardMap map_;
  Archive scratch_;
  std::vector<Shard> shards_;
  std::vector<std::unique_ptr<RouteBase>> routes_;
  Graph front_graph_;
  std::unique_ptr<Pipeline> front_;
  std::unique_ptr<ShardExecutor> executor_;  // null: this thread
  std::vector<absl::Status> applied_;        // what became of the round that is applied, per shard
  bool is_restored_ = false;
  absl::Status failure_;
};

[[nodiscard]] absl::Status check_queue(const std::string& name, std::size_t queue);
/// Adds counters of the same operator in another shard.
void add(OperatorStats& sum, const OperatorStats& more);

}  // namespace detail

}  // namespace weir::inline v0

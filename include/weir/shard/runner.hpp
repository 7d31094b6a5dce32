#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <weir/shard/shard_threads.hpp>
#include <weir/shard/sharded.hpp>

/// \file
/// ShardRunner: a thread and a bounded queue for each shard.

namespace weir::inline v0 {

/// Options of `shard_runner`.
struct RunnerSpec {
  /// How many batches wait for each shard at most, of up to 256 records each: from 1 to 65536.
  std::size_t queue = 16;
};

/// What became of records that were pushed to a runner.
struct Pushed {
  Admitted admitted;      ///< how those that were taken were judged, and how many were refused
  std::size_t taken = 0;  ///< so many of them, from the first on
  bool is_full = false;   ///< some queue has no room: the others were not taken, and can be pushed again
};

namespace detail {

/// Something that calls what the host gave, with the number of each shard.
template <class Call>
class ShardCall final : public ShardTask {
 public:
  explicit ShardCall(Call call) : call_(std::move(call)) {}
  void run(ShardSet& shards, std::size_t shard) override { call_(shards, shard); }

 private:
  Call call_;
};

}  // namespace detail

/// Runs shards, each on a thread of its own behind a bounded queue of batches. Made by `shard_runner`.
///
/// Records are judged on the thread that pushes and handed over in batches: when some shard has 256 of them, and by `flush`
/// and every other call but `push`. All shards are told how far time has come, in the order in which it came, so each key gets
/// the rows that a single pipeline would give it. Sinks and other callbacks of a shard run on its thread; reads go through `reader`.
///
/// A queue that is full is reported: `push` says how many records it took, other calls say Unavailable and nothing has happened.
/// Try again later, drop, or `wait_for_room`. Nothing is dropped here.
///
/// Order:    of each shard as of `Sharded`; shards are not in step with each other
/// Errors:   as `Sharded`. What a callback throws is caught on the shard's thread; from then on records are refused and `status()`
///           says why. From a callback no call may be made
/// Threads:  one for each shard; the calls belong to one thread at a time
/// Memory:   `queue` batches and one more for each shard
template <class HandlesType>
class ShardRunner {
 public:
  using Handles = HandlesType;

  ShardRunner(const ShardRunner&) = delete;
  ShardRunner& operator=(const ShardRunner&) = delete;
  ShardRunner(ShardRunner&&) noexcept = default;
  ShardRunner& operator=(ShardRunner&&) = delete;
  /// As `stop`.
  ~ShardRunner() {
    if (threads_ != nullptr && !threads_->is_over()) stop().IgnoreError();
  }

  /// Pushes records in order, as far as there is room. Never waits.
  template <class Record>
  Pushed push(Source<Record> Handles::*source, std::span<const std::type_identity_t<Record>> records,
              std::size_t channel = 0) {
    Pushed pushed;
    detail::RouteOf<Record>& route = sharded_->route_of(source);
    detail::ShardSet& set = *sharded_->set_;
    if (threads_->is_over() || threads_->has_failed() || !set.takes_records(route, channel)) {
      pushed.admitted.refused = records.size();
      return pushed;
    }
    detail::PipelineCore::Call call(set.front(), records.size());
    do {
      if (!set.begin(threads_->open(), route, channel) && !threads_->hand_over()) {
        pushed.is_full = true;
        break;
      }
      static_cast<void>(set.begin(threads_->open(), route, channel));
      pushed.taken += route.judge(threads_->open(), channel, records.subspan(pushed.taken), pushed.admitted);
    } while (pushed.taken < records.size());
    call.complete();
    if (threads_->open().is_full && threads_->has_room()) static_cast<void>(threads_->hand_over());
    return pushed;
  }
  template <class Record>
  Pushed push(Source<Record> Handles::*source, const std::type_identity_t<Record>& record,
              std::size_t channel = 0) {
    return push(source, std::span<const Record>(&record, 1), channel);
  }
  /// The same, but waits whenever a queue is full, until all records were taken or some were refused.
  template <class Record>
  Pushed push_waiting(Source<Record> Handles::*source, std::span<const std::type_identity_t<Record>> records,
                      std::size_t channel = 0) {
    Pushed all = push(source, records, channel);
    while (all.is_full) {
      wait_for_room();
      const Pushed more = push(source, records.subspan(all.taken), channel);
      all.admitted += more.admitted;
      all.taken += more.taken;
      all.is_full = more.is_full;
    }
    return all;
  }
  /// Waits until there is room in every queue.
  void wait_for_room() { threads_->wait_for_room(); }
  /// Hands over what has been pushed so far. Errors: Unavailable if a queue is full
  absl::Status flush() {
    if (threads_->is_over() || threads_->open().is_empty()) return status();
    return threads_->hand_over() ? status() : full("flush");
  }

  // As of `Sharded`; a status says what the front made of it, and Unavailable that a queue is full: then nothing has happened.
  template <class Record>
  absl::Status advance(Source<Record> Handles::*source, EventTime watermark, std::size_t channel = 0) {
    return say("advance", [&](detail::Round& round) {
      return set().advance(round, sharded_->route_of(source), channel, watermark);
    });
  }
  template <class Record>
  absl::Status set_idle(Source<Record> Handles::*source, std::size_t channel = 0) {
    return change("set_idle", source, channel, detail::PipelineCore::ChannelChange::idle);
  }
  template <class Record>
  absl::Status set_active(Source<Record> Handles::*source, std::size_t channel = 0) {
    return change("set_active", source, channel, detail::PipelineCore::ChannelChange::active);
  }
  template <class Record>
  absl::Status close(Source<Record> Handles::*source, std::size_t channel = 0) {
    return change("close", source, channel, detail::PipelineCore::ChannelChange::close);
  }
  absl::Status tick(WallTime now) {
    return say("tick", [&](detail::Round& round) { return set().tick(round, now); });
  }
  /// The end of all streams. Shards fire on their threads; `drain` waits for them.
  absl::Status finish() {
    return say("finish", [&](detail::Round& round) { return set().finish(round); });
  }
  /// Has each shard written on its own thread when it has done what was pushed before: `write(shard, piece)` gets the pieces and
  /// returns an absl::Status, then `done(shard, status)` is called. Both are called on the shards' threads, those of several
  /// shards at the same time. The images are of one instant; `positions` belong to what was pushed.
  /// Errors: Unavailable if a queue is full, and as `status()`; then nothing is called
  template <class Write, class Done>
  absl::Status snapshot(std::string positions, Write write, Done done) {
    return say("snapshot", [&](detail::Round& round) {
      if (absl::Status refused = set().refusal("snapshot"); !refused.ok()) return refused;
      auto save = [threads = threads_.get(), positions = std::move(positions), progress = set().progress(),
                   write = std::move(write),
                   done = std::move(done)](detail::ShardSet& shards, std::size_t shard) mutable {
        absl::Status saved = threads->failure(shard);
        if (saved.ok()) {
          saved = shards.snapshot(shard, progress, {.positions = positions},
                                  [&](std::string_view piece) { return write(shard, piece); });
        }
        done(shard, saved);
      };
      round.task = std::make_shared<detail::ShardCall<decltype(save)>>(std::move(save));
      return absl::OkStatus();
    });
  }

  /// Hands over what has been pushed, and waits until every shard has done all of it.
  absl::Status drain() {
    if (threads_->is_over()) return status();
    while (!threads_->open().is_empty() && !threads_->hand_over()) wait_for_room();
    threads_->wait_until_done();
    set().take_failure(threads_->status());
    return status();
  }
  /// The same, and gives what runs here: until the next call of the runner it may be used on this thread, to read counters and
  /// views, to make readers, to write snapshots.
  [[nodiscard]] Sharded<Handles>& sharded() {
    drain().IgnoreError();
    return *sharded_;
  }
  /// The same as `drain`, and ends the threads. Afterwards records are refused; `sharded` stays.
  absl::Status stop() {
    absl::Status drained = drain();
    threads_->stop();
    return drained;
  }

  /// How far a source has come, with all that was pushed.
  template <class Record>
  [[nodiscard]] EventTime watermark(Source<Record> Handles::*source) const {
    return sharded_->watermark(source);
  }
  [[nodiscard]] std::size_t shards() const noexcept { return sharded_->shards(); }
  /// How full the queue of a shard is.
  [[nodiscard]] QueueStats queue(std::size_t shard) const noexcept { return threads_->queue(shard); }
  /// OK, or why records are refused. What has been handed over may still go wrong.
  [[nodiscard]] absl::Status status() const {
    absl::Status failed = threads_->status();
    return failed.ok() ? sharded_->status() : failed;
  }

 private:
  template <class AnyHandles>
  friend absl::StatusOr<ShardRunner<AnyHandles>> shard_runner(Sharded<AnyHandles> sharded,
                                                              const RunnerSpec& spec);

  ShardRunner(Sharded<Handles> sharded, std::size_t queue)
      : sharded_(std::make_unique<Sharded<Handles>>(std::move(sharded))),
        threads_(std::make_unique<detail::ShardThreads>(set(), queue)) {}

  [[nodiscard]] detail::ShardSet& set() const noexcept { return *sharded_->set_; }
  [[nodiscard]] absl::Status full(const char* call) const {
    return absl::UnavailableError(set().name() + ": " + call +
                                  ": the queue of a shard is full; try again, or wait_for_room() before");
  }
  /// What the host says beside records goes behind them.
  template <class Say>
  absl::Status say(const char* call, Say&& say) {
    if (threads_->is_over()) {
      return absl::FailedPreconditionError(set().name() + ": " + call +
                                           " was called after stop(); call it before, or on sharded()");
    }
    if (threads_->has_failed()) return status();
    if (!threads_->has_room()) {
      static_cast<void>(threads_->hand_over());  // counts that there was none
      return full(call);
    }
    absl::Status said = say(threads_->open());
    if (!threads_->open().is_empty()) static_cast<void>(threads_->hand_over());
    return said;
  }
  template <class Record>
  absl::Status change(const char* call, Source<Record> Handles::*source, std::size_t channel,
                      detail::PipelineCore::ChannelChange change) {
    return say(call, [&](detail::Round& round) {
      return set().change(round, sharded_->route_of(source), channel, change);
    });
  }

  std::unique_ptr<Sharded<Handles>> sharded_;
  std::unique_ptr<detail::ShardThreads> threads_;
};

/// Starts a thread for each shard.
///
/// Errors:  InvalidArgument for a queue of a length that is not allowed; as `sharded.status()`
template <class Handles>
[[nodiscard]] absl::StatusOr<ShardRunner<Handles>> shard_runner(Sharded<Handles> sharded,
                                                                const RunnerSpec& spec = {}) {
  if (absl::Status wrong = sharded.status(); !wrong.ok()) return wrong;
  if (absl::Status wrong = detail::check_queue(sharded.set_->name(), spec.queue); !wrong.ok()) return wrong;
  return ShardRunner<Handles>(std::move(sharded), spec.queue);
}

}  // namespace weir::inline v0

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <weir/base/assert.hpp>
#include <weir/base/owner.hpp>
#include <weir/flow/node.hpp>
#include <weir/graph/meter.hpp>
#include <weir/graph/snapshot.hpp>
#include <weir/graph/source.hpp>

/// \file
/// Pipeline: a checked graph that runs. Single-threaded; it does nothing by itself.

namespace weir::inline v0 {

namespace detail {

/// The state of a pipeline that does not depend on record types. Stays where it is while a call runs in it.
class PipelineCore {
 public:
  PipelineCore(Owner<Wiring> wiring, std::vector<SourceBase*> sources);
  PipelineCore(const PipelineCore&) = delete;
  PipelineCore& operator=(const PipelineCore&) = delete;
  ~PipelineCore();

  /// Marks the pipeline as busy for the time of one call of the host. What a callback throws passes through and
  /// leaves the pipeline poisoned: the call may have had part of its effect.
  class Call {
   public:
    Call(PipelineCore& core, std::uint64_t records) : core_(&core), records_(records) {
      core.busy_ = true;
      core.meter_.start();
    }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    ~Call() {
      if (core_ != nullptr) core_->abandon();
    }
    void complete() {
      if (core_->wiring_->wants_rest()) core_->rest();
      core_->meter_.stop(records_);
      std::exchange(core_, nullptr)->leave();
    }

   private:
    PipelineCore* core_;
    std::uint64_t records_;
  };

  /// The same for a look-up, which is not timed.
  class Look {
   public:
    explicit Look(PipelineCore& core) : core_(&core) { core.busy_ = true; }
    Look(const Look&) = delete;
    Look& operator=(const Look&) = delete;
    ~Look() {
      if (core_ != nullptr) core_->abandon();
    }
    void complete() { std::exchange(core_, nullptr)->leave(); }

   private:
    PipelineCore* core_;
  };

  /// The same for a call that changes nothing, whatever is thrown in it.
  class Pause {
   public:
    explicit Pause(PipelineCore& core) : core_(&core) { core.busy_ = true; }
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;
    ~Pause() { core_->poisoned_ ? core_->abandon() : core_->leave(); }

   private:
    PipelineCore* core_;
  };

  [[nodiscard]] bool takes_calls() const noexcept { return !busy_ && !poisoned_; }
  [[nodiscard]] bool takes_records() const noexcept { return !(busy_ | poisoned_ | finished_); }
  [[nodiscard]] bool is_finished() const noexcept { return finished_; }
  /// In the order of declaration.
  [[nodiscard]] const std::vector<SourceBase*>& sources() const noexcept { return sources_; }
  [[nodiscard]] absl::Status status() const;
  /// OK, or why a call cannot run now.
  [[nodiscard]] absl::Status refusal(const char* call) const;
  [[nodiscard]] absl::Status wrong_channel(const Wiring* of, const SourceBase& source,
                                           std::size_t channel) const;
  [[nodiscard]] absl::Status wrong_graph(const Wiring* of) const;
  [[nodiscard]] Wiring& wiring() noexcept { return *wiring_; }
  [[nodiscard]] const Wiring& wiring() const noexcept { return *wiring_; }
  [[nodiscard]] Meter& meter() noexcept { return meter_; }
  /// The host gives the pipeline up: at once, or when the call that is running ends.
  static void release(PipelineCore* core) noexcept;

  [[nodiscard]] absl::Status advance(const Wiring* of, SourceBase& source, std::size_t channel,
                                     EventTime watermark);
  enum class ChannelChange : std::uint8_t { idle, active, close };
  [[nodiscard]] absl::Status change(const Wiring* of, SourceBase& source, std::size_t channel,
                                    ChannelChange change);
  [[nodiscard]] absl::Status tick(WallTime now);
  [[nodiscard]] absl::Status finish();
  [[nodiscard]] absl::Status snapshot(const SnapshotSpec& spec, SnapshotSink sink);
  [[nodiscard]] absl::StatusOr<FrozenSnapshot> begin_snapshot(const SnapshotSpec& spec);
  [[nodiscard]] absl::Status restore(SnapshotSource source, const RestoreSpec& spec);
  /// Takes back all that was restored: before the first record.
  void bring_back(const FreshState& state);
  [[nodiscard]] absl::Status drop(std::span<const std::uint32_t> groups);
  [[nodiscard]] const OperatorStats& stats(std::string_view name);
  /// Tells the operators how far time has come.
  void catch_up();
  /// The host's clock at its last tick.
  [[nodiscard]] const std::optional<WallTime>& now() const noexcept { return wiring_->now(); }
  /// A node by name, up to date with its sources; null if there is none.
  [[nodiscard]] Node* find(std::string_view name);

 private:
  void leave() noexcept {
    busy_ = false;
    if (released_) [[unlikely]] { end(); }
  }
  void abandon() noexcept;
  void end() noexcept;
  void prepare_snapshot();
  void rest();

  Owner<Wiring> wiring_;
  std::vector<SourceBase*> sources_;
  Meter meter_;
  bool busy_ = false;
  bool poisoned_ = false;
  bool finished_ = false;
  bool released_ = false;
};

struct PipelineAccess;

}  // namespace detail

/// A running graph. Everything happens inside the host's calls, on the host's thread.
///
/// Order:    one stream gets the same records in the same order, whatever the batches are
/// Errors:   calls from inside a callback are refused; what a callback throws passes through and poisons the pipeline,
///           every later call is refused and `status()` says why
/// Threads:  none; calls of one pipeline must not overlap
class Pipeline {
 public:
  /// What `Graph::build` makes; the core is the pipeline's from now on.
  explicit Pipeline(detail::PipelineCore* core) noexcept : core_(core) {}
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;
  Pipeline(Pipeline&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
  Pipeline& operator=(Pipeline&& other) noexcept {
    Pipeline taken(std::move(other));
    std::swap(core_, taken.core_);
    return *this;
  }
  ~Pipeline() {
    if (core_ != nullptr) detail::PipelineCore::release(core_);
  }

  /// Pushes one record: classified against the watermark, applied, then moving it. No allocation in steady state.
  template <class Record>
  Admit push(const Channel<Record>& channel, const std::type_identity_t<Record>& record) {
    if (!takes(channel)) return Admit::refused;
    detail::PipelineCore::Call call(*core_, 1);
    const Admit admit = channel.node->push(core_->wiring(), channel.index, record);
    call.complete();
    return admit;
  }
  template <class Record>
  Admit push(const Source<Record>& source, const std::type_identity_t<Record>& record) {
    return push(source.channel(0), record);
  }
  /// Pushes records in order. The same result as one by one, faster.
  template <class Record>
  Admitted push(const Channel<Record>& channel, std::span<const std::type_identity_t<Record>> records) {
    if (!takes(channel)) return {.refused = records.size()};
    detail::PipelineCore::Call call(*core_, records.size());
    const Admitted admitted =
        channel.node->push(core_->wiring(), channel.index, records.data(), records.size());
    call.complete();
    return admitted;
  }
  template <class Record>
  Admitted push(const Source<Record>& source, std::span<const std::type_identity_t<Record>> records) {
    return push(source.channel(0), records);
  }

  /// Raises the watermark of a channel: every further on-time record has time >= `watermark`.
  /// Errors: going back is ignored and counted, with `.strict` also InvalidArgument.
  template <class Record>
  absl::Status advance(const Channel<Record>& channel, EventTime watermark) {
    return core_->advance(channel.wiring, *channel.node, channel.index, watermark);
  }
  template <class Record>
  absl::Status advance(const Source<Record>& source, EventTime watermark) {
    return advance(source.channel(0), watermark);
  }
  /// The channel is silent and must not hold the watermark back, until its next record or `set_active`.
  template <class Record>
  absl::Status set_idle(const Channel<Record>& channel) {
    return core_->change(channel.wiring, *channel.node, channel.index,
                         detail::PipelineCore::ChannelChange::idle);
  }
  template <class Record>
  absl::Status set_active(const Channel<Record>& channel) {
    return core_->change(channel.wiring, *channel.node, channel.index,
                         detail::PipelineCore::ChannelChange::active);
  }
  /// The channel has ended for good.
  template <class Record>
  absl::Status close(const Channel<Record>& channel) {
    return core_->change(channel.wiring, *channel.node, channel.index,
                         detail::PipelineCore::ChannelChange::close);
  }

  /// The host's clock. Decides idleness exactly at the call, and guards against times in the future.
  absl::Status tick(WallTime now) { return core_->tick(now); }
  /// The end of all streams: everything fires once. Idempotent; afterwards records are refused.
  absl::Status finish() { return core_->finish(); }

  /// The row of a key in a view, and what it is worth: `lookup(view, user, {.as_of = payment.at})`.
  /// Errors: `refused` from inside a callback, on a poisoned pipeline and for another pipeline's view
  template <class View>
  [[nodiscard]] typename View::Result lookup(const View& view, typename View::KeyView key,
                                             const typename View::Spec& spec = {}) {
    typename View::Result result;
    lookup(view, key, spec, result);
    return result;
  }
  /// The same into a result that the host keeps, which saves making one.
  template <class View>
  void lookup(const View& view, typename View::KeyView key, const typename View::Spec& spec,
              typename View::Result& result) {
    if (&view.wiring() != &core_->wiring() || !core_->takes_calls()) {
      result = {};
      return;
    }
    detail::PipelineCore::Look look(*core_);
    core_->catch_up();
    view.read(key, spec, core_->now(), result);
    look.complete();
  }
  /// The rows of many keys, in their order, for less than one by one; `results` has room for as many as there are keys.
  template <class View>
  void lookup_all(const View& view, std::span<const typename View::BatchKey> keys,
                  const typename View::Spec& spec, std::span<typename View::Result> results) {
    WEIR_ASSERT(results.size() >= keys.size(), "lookup_all needs room for a result per key");
    if (&view.wiring() != &core_->wiring() || !core_->takes_calls()) {
      for (std::size_t i = 0; i < keys.size(); ++i) results[i] = {};
      return;
    }
    detail::PipelineCore::Look look(*core_);
    core_->catch_up();
    view.read_all(keys, spec, core_->now(), results.data());
    look.complete();
  }

  /// A reader of a view for another thread; it may outlive the pipeline. The view must have said `.publish()`.
  /// Errors: InvalidArgument for a view that publishes nothing or belongs to another pipeline; FailedPrecondition as `status()`
  /// says, and from inside a callback
  template <class View>
  [[nodiscard]] absl::StatusOr<typename View::Reader> reader(const View& view) {
    if (absl::Status refused = core_->refusal("reader"); !refused.ok()) return refused;
    if (absl::Status wrong = core_->wrong_graph(&view.wiring()); !wrong.ok()) return wrong;
    detail::PipelineCore::Look look(*core_);
    absl::StatusOr<typename View::Reader> reader = view.reader();
    look.complete();
    return reader;
  }

  /// What a view and the definition of its rows are, as JSON. Empty for another pipeline's view.
  template <class View>
  [[nodiscard]] std::string describe(const View& view) const {
    return &view.wiring() == &core_->wiring() ? view.describe() : std::string();
  }

  /// Forgets a key, as a request to be forgotten asks for: everything that the operators behind a `key_by` keep of it, timers and
  /// published rows included, if `of` is the keyed stream; or, if `of` is a view, what the operator behind it keeps. The key's
  /// next record begins anew. Nothing is emitted, and what was emitted is not taken back; `latest` and `dedup` keep rows and ids
  /// under keys of their own. False if nothing was known of the key, or as `lookup` refuses.
  /// Time:    of a keyed stream a walk over the deadlines of all keys
  template <class Handle>
  bool erase(const Handle& of, typename Handle::KeyView key) {
    if (&of.wiring() != &core_->wiring() || !core_->takes_calls()) return false;
    detail::PipelineCore::Call call(*core_, 0);
    const bool was_there = of.erase(key);
    call.complete();
    return was_there;
  }

  /// Writes the whole state of the pipeline, or that of some key groups, and what the host keeps with it. The pipeline goes on
  /// as if nothing had been.
  /// Time:    as many bytes as there are; memory for one operator's key group and lists, and some 10 bytes per key
  /// Errors:  FailedPrecondition as `status()` says, from inside a callback, and for an operator whose state weir cannot write;
  ///          what the sink says
  [[nodiscard]] absl::Status snapshot(const SnapshotSpec& spec, SnapshotSink sink);
  /// The same into a string, which is left empty if that fails.
  [[nodiscard]] absl::Status snapshot(const SnapshotSpec& spec, std::string& image);
  /// The first half of `snapshot`: takes the state out of the pipeline, which may go on. Another thread can write it.
  /// Time:    as `snapshot` without checksums and sink; memory for all of the state
  /// Errors:  as `snapshot`
  [[nodiscard]] absl::StatusOr<FrozenSnapshot> begin_snapshot(const SnapshotSpec& spec = {});
  /// Takes the state of a snapshot: into a pipeline that has taken no record, all of it; into one that has, key groups that it
  /// has nothing of, if both have come to the same watermark. All or nothing: after an error the pipeline is as it was.
  /// Errors:  DataLoss for bytes that are damaged or make no sense, with the offset and, where a section was begun, the operator;
  ///          FailedPrecondition for a snapshot of another definition, with the operator; Unimplemented for a later format; as
  ///          `snapshot` otherwise
  [[nodiscard]] absl::Status restore(SnapshotSource source, const RestoreSpec& spec = {});
  [[nodiscard]] absl::Status restore(std::string_view image, const RestoreSpec& spec = {});
  /// Forgets all keys of some key groups, which another pipeline goes on with; nothing is emitted for them.
  /// Errors: as `snapshot`; InvalidArgument for a group that does not exist
  [[nodiscard]] absl::Status drop(std::span<const std::uint32_t> groups);

  /// The watermark that a source has reached; `no_time` before it has one.
  template <class Record>
  [[nodiscard]] EventTime watermark(const Source<Record>& source) const {
    return source.channel(0).node->reached();
  }
  /// Whether all channels of a source are idle.
  template <class Record>
  [[nodiscard]] bool is_idle(const Source<Record>& source) const {
    return source.channel(0).node->is_idle();
  }
  /// OK, or why the pipeline is poisoned.
  [[nodiscard]] absl::Status status() const { return core_->status(); }

  /// The counters of a source or operator, brought up to date. An unknown name gives empty counters.
  [[nodiscard]] const OperatorStats& stats(std::string_view name) const { return core_->stats(name); }
  /// Names of all sources and operators, in the order of declaration.
  [[nodiscard]] std::vector<std::string> names() const;
  /// (key, window) pairs of an operator that hold state. Walks its state: for tests, not for the hot path.
  [[nodiscard]] std::uint64_t live_windows(std::string_view name) const;
  /// Times the host's calls with the host's clock; see `Meter`.
  [[nodiscard]] Meter& meter() { return core_->meter(); }

  /// The graph as a picture.
  [[nodiscard]] std::string mermaid() const;
  [[nodiscard]] std::string dot() const;
  [[nodiscard]] std::string text() const;

 private:
  template <class Record>
  [[nodiscard]] bool takes(const Channel<Record>& channel) const {
    return core_->takes_records() && channel.wiring == &core_->wiring() &&
           channel.index < channel.node->channels();
  }

  friend struct detail::PipelineAccess;

  detail::PipelineCore* core_;  // null once it was moved from; `release` ends it
};

namespace detail {

/// The inside of a pipeline, for rooms above.
struct PipelineAccess {
  [[nodiscard]] static PipelineCore& core(const Pipeline& pipeline) noexcept { return *pipeline.core_; }
};

}  // namespace detail

}  // namespace weir::inline v0

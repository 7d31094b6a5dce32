#include <weir/graph/pipeline.hpp>

#include <weir/graph/picture.hpp>

#include "snapshot_format.hpp"

namespace weir::inline v0 {

namespace detail {

PipelineCore::PipelineCore(Owner<Wiring> wiring, std::vector<SourceBase*> sources)
    : wiring_(std::move(wiring)), sources_(std::move(sources)) {}

PipelineCore::~PipelineCore() = default;

absl::Status PipelineCore::status() const {
  if (!poisoned_) return absl::OkStatus();
  return absl::FailedPreconditionError(
      wiring_->name() +
      ": the pipeline is poisoned: a callback or an allocation threw inside a call, which may have had "
      "part of its effect; build a new pipeline and replay");
}

absl::Status PipelineCore::refusal(const char* call) const {
  if (poisoned_) return status();
  if (busy_) {
    return absl::FailedPreconditionError(
        wiring_->name() + ": " + call +
        " was called from inside a callback of this pipeline; call it afterwards");
  }
  return absl::OkStatus();
}

absl::Status PipelineCore::wrong_graph(const Wiring* of) const {
  if (of == &*wiring_) return absl::OkStatus();
  return absl::InvalidArgumentError(wiring_->name() +
                                    ": the handle belongs to another pipeline; use this graph's own");
}

absl::Status PipelineCore::wrong_channel(const Wiring* of, const SourceBase& source,
                                         std::size_t channel) const {
  if (absl::Status wrong = wrong_graph(of); !wrong.ok()) return wrong;
  if (channel < source.channels()) return absl::OkStatus();
  return absl::InvalidArgumentError(source.name() + ": channel " + std::to_string(channel) +
                                    " does not exist; there are " + std::to_string(source.channels()));
}

void PipelineCore::release(PipelineCore* core) noexcept {
  if (core->busy_) {
    core->released_ = true;
  } else {
    delete core;
  }
}

void PipelineCore::end() noexcept { delete this; }

void PipelineCore::abandon() noexcept {
  poisoned_ = true;
  wiring_->refuse_reads();
  leave();
}

absl::Status PipelineCore::advance(const Wiring* of, SourceBase& source, std::size_t channel,
                                   EventTime watermark) {
  if (absl::Status refused = refusal("advance"); !refused.ok()) return refused;
  if (finished_) return absl::OkStatus();
  if (absl::Status wrong = wrong_channel(of, source, channel); !wrong.ok()) return wrong;
  const bool is_strict = source.is_strict();
  Call call(*this, 0);
  const bool is_forward = source.advance_channel(*wiring_, channel, watermark);
  absl::Status status;
  if (!is_forward && is_strict) {
    status = absl::InvalidArgumentError(source.name() + ": the watermark of channel " +
                                        std::to_string(channel) + " must not go back to " +
                                        std::to_string(ticks(watermark)) + "us; it is ignored");
  }
  call.complete();
  return status;
}

absl::Status PipelineCore::change(const Wiring* of, SourceBase& source, std::size_t channel,
                                  ChannelChange change) {
  if (absl::Status refused = refusal("a channel change"); !refused.ok()) return refused;
  if (finished_) return absl::OkStatus();
  if (absl::Status wrong = wrong_channel(of, source, channel); !wrong.ok()) return wrong;
  Call call(*this, 0);
  switch (change) {
    case ChannelChange::idle:
      source.set_idle(*wiring_, channel);
      break;
    case ChannelChange::active:
      source.set_active(*wiring_, channel);
      break;
    case ChannelChange::close:
      source.close(*wiring_, channel);
      break;
  }
  call.complete();
  return absl::OkStatus();
}

absl::Status PipelineCore::tick(WallTime now) {
  if (absl::Status refused = refusal("tick"); !refused.ok()) return refused;
  if (finished_) return absl::OkStatus();
  Call call(*this, 0);
  wiring_->set_now(now);
  for (SourceBase* source : sources_) source->tick(*wiring_, now);
  call.complete();
  return absl::OkStatus();
}

absl::Status PipelineCore::finish() {
  if (absl::Status refused = refusal("finish"); !refused.ok()) return refused;
  if (finished_) return absl::OkStatus();
  Call call(*this, 0);
  for (SourceBase* source : sources_) source->finish(*wiring_);
  finished_ = true;
  call.complete();
  return absl::OkStatus();
}

void PipelineCore::prepare_snapshot() {
  poisoned_ = true;  // and so it stays if operators cannot be told how far time has come
  catch_up();
  poisoned_ = false;
}

absl::Status PipelineCore::snapshot(const SnapshotSpec& spec, SnapshotSink sink) {
  if (absl::Status refused = refusal("snapshot"); !refused.ok()) return refused;
  const Pause pause(*this);
  prepare_snapshot();
  return write_snapshot(*wiring_, finished_, spec, sink);
}

absl::StatusOr<FrozenSnapshot> PipelineCore::begin_snapshot(const SnapshotSpec& spec) {
  if (absl::Status refused = refusal("snapshot"); !refused.ok()) return refused;
  const Pause pause(*this);
  prepare_snapshot();
  return freeze_snapshot(*wiring_, finished_, spec);
}

absl::Status PipelineCore::restore(SnapshotSource source, const RestoreSpec& spec) {
  if (absl::Status refused = refusal("restore"); !refused.ok()) return refused;
  Call call(*this, 0);
  const MemoryScope memory(wiring_->memory());
  catch_up();
  absl::Status status = read_snapshot(*wiring_, finished_, spec, source);
  call.complete();
  return status;
}

void PipelineCore::bring_back(const FreshState& state) {
  Call call(*this, 0);
  const MemoryScope memory(wiring_->memory());
  state.bring_back(*wiring_, finished_);
  call.complete();
}

absl::Status PipelineCore::drop(std::span<const std::uint32_t> groups) {
  if (absl::Status refused = refusal("drop"); !refused.ok()) return refused;
  Call call(*this, 0);
  absl::Status status = drop_groups(*wiring_, groups);
  call.complete();
  return status;
}

void PipelineCore::rest() {
  if (wiring_->keeps_up()) catch_up();
  wiring_->rest();
}

void PipelineCore::catch_up() {
  // Operators are told the watermark when it matters to them; here it does. Nothing can be due.
  for (SourceBase* source : sources_) source->catch_up(*wiring_);
}

Node* PipelineCore::find(std::string_view name) {
  if (takes_calls()) catch_up();
  for (const auto& node : wiring_->nodes()) {
    if (node->name() == name) return node.get();
  }
  return nullptr;
}

const OperatorStats& PipelineCore::stats(std::string_view name) {
  static const OperatorStats none;
  Node* node = find(name);
  if (node == nullptr) return none;
  node->stats().watermark = node->watermark();
  node->stats().state_bytes = 0;
  node->refresh(node->stats());
  node->stats().state_bytes += node->value_bytes();
  return node->stats();
}

}  // namespace detail

absl::Status Pipeline::snapshot(const SnapshotSpec& spec, SnapshotSink sink) {
  return core_->snapshot(spec, sink);
}

absl::Status Pipeline::snapshot(const SnapshotSpec& spec, std::string& image) {
  return detail::write_bytes(image, [&](SnapshotSink sink) { return snapshot(spec, sink); });
}

absl::StatusOr<FrozenSnapshot> Pipeline::begin_snapshot(const SnapshotSpec& spec) {
  return core_->begin_snapshot(spec);
}

absl::Status Pipeline::restore(SnapshotSource source, const RestoreSpec& spec) {
  return core_->restore(source, spec);
}

absl::Status Pipeline::restore(std::string_view image, const RestoreSpec& spec) {
  return detail::read_bytes(image, [&](SnapshotSource source) { return restore(source, spec); });
}

absl::Status Pipeline::drop(std::span<const std::uint32_t> groups) { return core_->drop(groups); }

std::vector<std::string> Pipeline::names() const {
  std::vector<std::string> names;
  for (const auto& node : core_->wiring().nodes()) names.push_back(node->name());
  return names;
}

std::uint64_t Pipeline::live_windows(std::string_view name) const {
  const Node* node = core_->find(name);
  return node == nullptr ? 0 : node->live_windows();
}

std::string Pipeline::mermaid() const { return detail::mermaid(core_->wiring()); }
std::string Pipeline::dot() const { return detail::dot(core_->wiring()); }
std::string Pipeline::text() const { return detail::text(core_->wiring()); }

}  // namespace weir::inline v0

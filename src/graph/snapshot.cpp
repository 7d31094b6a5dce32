#include <weir/graph/snapshot.hpp>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include <weir/flow/node.hpp>

#include "snapshot_format.hpp"
#include "snapshot_matching.hpp"

namespace weir::inline v0::detail {

namespace {

/// Which key groups are meant.
std::vector<bool> wanted_of(const std::vector<std::uint32_t>& groups, std::uint32_t count) {
  if (groups.empty()) return std::vector<bool>(count, true);
  std::vector<bool> wanted(count, false);
  for (const std::uint32_t group : groups) wanted[group] = true;
  return wanted;
}

absl::Status check_groups(const Wiring& wiring, std::span<const std::uint32_t> groups) {
  for (const std::uint32_t group : groups) {
    if (group < wiring.key_groups().count) continue;
    return absl::InvalidArgumentError(wiring.name() + ": groups (" + std::to_string(group) +
                                      ") does not exist; there are " +
                                      std::to_string(wiring.key_groups().count) + " key groups, from 0 on");
  }
  return absl::OkStatus();
}

/// The keys of all dictionaries, and which nodes keep something of them.
class AllKeys {
 public:
  [[nodiscard]] KeptKeys& of(std::size_t node, const void* dictionary) {
    dictionary_of_[node] = dictionary;
    return keys_[dictionary];
  }
  /// Forgets all of them, the owners of dictionaries last.
  void forget(Wiring& wiring) {
    for (auto at = dictionary_of_.rbegin(); at != dictionary_of_.rend(); ++at) {
      Node& node = *wiring.nodes()[at->first];
      const OwnedMemory::Scope memory(node.value_memory());
      node.forget(keys_[at->second].all());
    }
  }

 private:
  std::map<const void*, KeptKeys> keys_;
  std::map<std::size_t, const void*> dictionary_of_;  // per node
};

/// Writes one node after the other: into a snapshot, or only what they keep as a whole.
class Saver final : public NodeArchive {
 public:
  Saver(const Wiring& wiring, std::vector<bool> wanted, SectionTaker* writer)
      : NodeArchive(false, false, true), wiring_(wiring), wanted_(std::move(wanted)), writer_(writer) {}

  void save(Wiring& wiring, std::size_t node) {
    node_ = node;
    is_whole_done_ = false;
    whole_.clear();
    set_whole(whole_);
    wiring.archive_time(*wiring.nodes()[node], *this);
    wiring.nodes()[node]->archive(*this);
    end_whole();
  }
  /// What the node that was saved last keeps as a whole.
  [[nodiscard]] std::string_view whole() const noexcept { return whole_.written(); }
  [[nodiscard]] AllKeys& all_keys() noexcept { return keys_; }
  [[nodiscard]] const absl::Status& status() const noexcept { return status_; }

  void each_group(absl::FunctionRef<void(Archive&, std::size_t)> each) override {
    end_whole();
    if (writer_ == nullptr) return;
    for (std::size_t group = 0; group < wanted_.size() && writer_->is_good(); ++group) {
      if (current_->of(group).empty()) continue;
      content_.clear();
      each(content_, group);
      if (!content_.is_good()) {
        status_ = absl::InternalError(wiring_.nodes()[node_]->name() +
                                      ": it could not be written: " + content_.reason());
        return;
      }
      writer_->section(static_cast<std::uint32_t>(node_), static_cast<std::uint32_t>(group),
                       content_.written());
    }
  }
  [[nodiscard]] KeptKeys& keys(const void* dictionary) override {
    current_ = &keys_.of(node_, dictionary);
    return *current_;
  }
  [[nodiscard]] const KeyGroups& groups() const noexcept override { return wiring_.key_groups(); }
  [[nodiscard]] bool wants(std::size_t group) const noexcept override { return wanted_[group]; }

 private:
  void end_whole() {
    if (is_whole_done_) return;
    is_whole_done_ = true;
    if (writer_ != nullptr) writer_->section(static_cast<std::uint32_t>(node_), of_whole, whole());
  }

  const Wiring& wiring_;
  std::vector<bool> wanted_;
  SectionTaker* writer_;
  AllKeys keys_;
  KeptKeys* current_ = nullptr;
  std::size_t node_ = 0;
  bool is_whole_done_ = false;
  Archive whole_;
  Archive content_;
  absl::Status status_;
};

/// Puts back what a node kept as a whole.
class WholeLoader final : public NodeArchive {
 public:
  explicit WholeLoader(const Wiring& wiring) : NodeArchive(true, false, true), wiring_(wiring) {}
  void load(Wiring& wiring, Node& node, std::string_view whole) {
    Archive archive(whole);
    set_whole(archive);
    wiring.archive_time(node, *this);
    const OwnedMemory::Scope memory(node.value_memory());
    node.archive(*this);
  }
  void each_group(absl::FunctionRef<void(Archive&, std::size_t)>) override {}
  [[nodiscard]] KeptKeys& keys(const void*) override { return none_; }
  [[nodiscard]] const KeyGroups& groups() const noexcept override { return wiring_.key_groups(); }
  [[nodiscard]] bool wants(std::size_t) const noexcept override { return false; }

 private:
  const Wiring& wiring_;
  KeptKeys none_;
};

/// Reads one node after the other.
class Loader final : public NodeArchive {
 public:
  Loader(Wiring& wiring, SnapshotReader& reader, std::vector<bool> wanted, bool is_joining,
         bool takes_counters)
      : NodeArchive(true, is_joining, takes_counters),
        wiring_(wiring),
        reader_(reader),
        wanted_(std::move(wanted)) {}

  /// Reads all sections; `targets[i]` takes those of the i-th operator of the snapshot, if there is one.
  [[nodiscard]] absl::Status load(const SnapshotHeader& header, const std::vector<Node*>& targets) {
    if (absl::Status status = reader_.next(head_); !status.ok()) return status;
    for (std::size_t i = 0; i < targets.size(); ++i) {
      if (head_.node != i || head_.group != of_whole)
        return absl::DataLossError(header.operators[i].name +
                                   ": the snapshot lacks this operator, though it names it, at offset " +
                                   std::to_string(reader_.offset()));
      if (absl::Status status = load_node(static_cast<std::uint32_t>(i), targets[i]); !status.ok())
        return status;
    }
    if (head_.node == end_of_sections) return absl::OkStatus();
    return absl::DataLossError(
        wiring_.name() + ": the snapshot has a section of an operator that it does not name, at offset " +
        std::to_string(reader_.offset()));
  }
  /// Leaves the pipeline as it was.
  void undo() {
    keys_.forget(wiring_);
    for (const auto& [node, whole] : before_) WholeLoader(wiring_).load(wiring_, *node, whole);
  }

  void each_group(absl::FunctionRef<void(Archive&, std::size_t)> each) override {
    while (status_.ok() && head_.node == node_) {
      if (head_.group >= wanted_.size()) {
        status_ = wrong("a section of a key group that does not exist");
        return;
      }
      if (wanted_[head_.group]) {
        Archive archive(reader_.content());
        each(archive, head_.group);
        if (archive.is_good() && archive.left() > 0) archive.fail("more is there than belongs to its keys");
        if (!archive.is_good()) status_ = wrong(archive.reason(), archive.offset());
      }
      if (status_.ok()) status_ = reader_.next(head_);
    }
  }
  [[nodiscard]] KeptKeys& keys(const void* dictionary) override {
    return keys_.of(Wiring::id(*target_), dictionary);
  }
  [[nodiscard]] const KeyGroups& groups() const noexcept override { return wiring_.key_groups(); }
  [[nodiscard]] bool wants(std::size_t group) const noexcept override { return wanted_[group]; }

 private:
  absl::Status load_node(std::uint32_t node, Node* target) {
    node_ = node;
    target_ = target;
    if (target != nullptr) {
      Saver saver(wiring_, std::vector<bool>(wanted_.size(), false), nullptr);
      saver.save(wiring_, Wiring::id(*target));
      before_.emplace_back(target, saver.whole());
      Archive whole(whole_ = reader_.content());
      whole_at_ = reader_.content_at();
      set_whole(whole);
      wiring_.archive_time(*target, *this);
      if (whole.is_good()) status_ = reader_.next(head_);
      const OwnedMemory::Scope memory(target->value_memory());
      if (whole.is_good() && status_.ok()) target->archive(*this);
      if (status_.ok() && whole.is_good() && whole.left() > 0) whole.fail("more is there than belongs to it");
      if (!whole.is_good()) return wrong_whole(whole);
    } else {
      status_ = reader_.next(head_);
    }
    while (status_.ok() && head_.node == node) status_ = reader_.next(head_);  // what nobody wants
    return status_;
  }
  [[nodiscard]] absl::Status wrong(std::string_view why, std::size_t at = 0) const {
    return absl::DataLossError(target_->name() + ": the snapshot makes no sense at offset " +
                               std::to_string(reader_.content_at() + at) + ": " + std::string(why));
  }
  [[nodiscard]] absl::Status wrong_whole(const Archive& whole) const {
    if (is_joining()) return absl::FailedPreconditionError(target_->name() + ": " + whole.reason());
    return absl::DataLossError(target_->name() + ": the snapshot makes no sense at offset " +
                               std::to_string(whole_at_ + whole.offset()) + ": " + whole.reason());
  }

  Wiring& wiring_;
  SnapshotReader& reader_;
  std::vector<bool> wanted_;
  AllKeys keys_;
  SectionHead head_;
  std::uint32_t node_ = 0;
  Node* target_ = nullptr;
  std::string whole_;
  std::uint64_t whole_at_ = 0;
  absl::Status status_;
  std::vector<std::pair<Node*, std::string>> before_;
};

absl::Status check_archivable(const Wiring& wiring) {
  for (const auto& node : wiring.nodes()) {
    if (node->kept().is_archivable) continue;
    return absl::FailedPreconditionError(
        node->name() +
        ": it keeps values of a type that cannot be written; give the record, row or State a member void "
        "archive(weir::Archive&), or WEIR_FIELDS");
  }
  return absl::OkStatus();
}

bool is_fresh(const Wiring& wiring) {
  return wiring.is_new() && std::all_of(wiring.nodes().begin(), wiring.nodes().end(),
                                        [](const auto& node) { return node->stats().ingested == 0; });
}

/// A state that cannot be cut must be taken as a whole.
absl::Status check_whole(const SnapshotHeader& header, const std::vector<Node*>& targets,
                         const std::vector<bool>& wanted, bool is_joining) {
  const bool has_all = header.groups.size() == header.key_groups &&
                       std::find(wanted.begin(), wanted.end(), false) == wanted.end();
  if (has_all && !is_joining) return absl::OkStatus();
  for (const Node* node : targets) {
    if (node == nullptr || node->kept().kind != KeptState::Kind::whole) continue;
    return absl::FailedPreconditionError(
        node->name() +
        ": it keeps one state for the whole stream, which cannot be cut into key groups; put it "
        "behind a key_by, or restore all key groups into a new pipeline");
  }
  return absl::OkStatus();
}

}  // namespace

/// What a header says of this pipeline.
absl::StatusOr<SnapshotHeader> header_of(const Wiring& wiring, bool is_finished, const SnapshotSpec& spec) {
  if (absl::Status status = check_archivable(wiring); !status.ok()) return status;
  if (absl::Status status = check_groups(wiring, spec.groups); !status.ok()) return status;
  const std::vector<bool> wanted = wanted_of(spec.groups, wiring.key_groups().count);
  SnapshotHeader header{.pipeline = wiring.name(),
                        .positions = std::string(spec.positions),
                        .is_increment = spec.base != nullptr,
                        .key_groups = wiring.key_groups().count,
                        .is_finished = is_finished};
  for (std::uint32_t group = 0; group < wanted.size(); ++group) {
    if (wanted[group]) header.groups.push_back(group);
  }
  for (const auto& node : wiring.nodes()) header.operators.push_back(entry_of(wiring, *node));
  header.definition = fingerprint_of(header.operators);
  Archive shared;
  const_cast<Wiring&>(wiring).archive_shared(shared);
  header.shared = shared.written();
  return header;
}

absl::Status save_all(Wiring& wiring, const SnapshotHeader& header, SectionTaker& taker) {
  Saver saver(wiring, wanted_of(header.groups, header.key_groups), &taker);
  for (std::size_t node = 0; node < wiring.nodes().size() && taker.is_good() && saver.status().ok(); ++node)
    saver.save(wiring, node);
  return saver.status();
}

absl::Status write_snapshot(Wiring& wiring, bool is_finished, const SnapshotSpec& spec, SnapshotSink sink) {
  absl::StatusOr<SnapshotHeader> header = header_of(wiring, is_finished, spec);
  if (!header.ok()) return header.status();
  SnapshotWriter writer(sink, spec.base);
  writer.header(*header);
  if (absl::Status status = save_all(wiring, *header, writer); !status.ok()) return status;
  return writer.finish();
}

absl::StatusOr<FrozenSnapshot> freeze_snapshot(Wiring& wiring, bool is_finished, const SnapshotSpec& spec) {
  absl::StatusOr<SnapshotHeader> header = header_of(wiring, is_finished, spec);
  if (!header.ok()) return header.status();
  const auto frozen = std::make_shared<Frozen>();
  frozen->header = *std::move(header);
  if (spec.base != nullptr) frozen->base = *spec.base;
  if (absl::Status status = save_all(wiring, frozen->header, *frozen); !status.ok()) return status;
  return FrozenSnapshot(frozen);
}

absl::Status read_snapshot(Wiring& wiring, bool& is_finished, const RestoreSpec& spec,
                           SnapshotSource source) {
  if (absl::Status status = check_archivable(wiring); !status.ok()) return status;
  if (absl::Status status = check_groups(wiring, spec.groups); !status.ok()) return status;
  SnapshotReader reader(source);
  SnapshotHeader header;
  if (absl::Status status = reader.header(header); !status.ok()) return status;
  if (header.key_groups != wiring.key_groups().count) {
    return absl::FailedPreconditionError(
        wiring.name() + ": the snapshot has " + std::to_string(header.key_groups) +
        " key groups, and the pipeline " + std::to_string(wiring.key_groups().count) +
        "; give the graph the same key_groups");
  }
  for (const std::uint32_t group : spec.groups) {
    if (std::binary_search(header.groups.begin(), header.groups.end(), group)) continue;
    return absl::InvalidArgumentError(wiring.name() + ": the snapshot does not have key group " +
                                      std::to_string(group) + "; leave it out of RestoreSpec::groups");
  }
  if (header.is_increment) {
    return absl::FailedPreconditionError(
        wiring.name() + ": the snapshot is an increment; make a whole one of it and its base with combine()");
  }
  std::vector<Node*> targets;
  if (absl::Status status = match_operators(wiring, header, spec, targets); !status.ok()) return status;
  const bool is_joining = !is_fresh(wiring);
  const std::vector<bool> wanted = wanted_of(spec.groups, header.key_groups);
  if (absl::Status status = check_whole(header, targets, wanted, is_joining); !status.ok()) return status;
  if (is_joining && header.is_finished != is_finished) {
    return absl::FailedPreconditionError(
        wiring.name() + ": of the snapshot and the pipeline one is finished and the other is not");
  }
  Archive shared(header.shared);
  Archive shared_before;
  wiring.archive_shared(shared_before);
  if (!is_joining) wiring.archive_shared(shared);
  Loader loader(wiring, reader, wanted, is_joining, spec.counters);
  absl::Status status = loader.load(header, targets);
  if (status.ok() && !shared.is_good())
    status = absl::DataLossError(wiring.name() + ": the header: " + shared.reason());
  if (status.ok()) {
    is_finished = header.is_finished;
    wiring.start_epoch();
  } else {
    loader.undo();
    Archive back(shared_before.written());
    wiring.archive_shared(back);
  }
  return status;
}

FreshState::FreshState(Wiring& wiring) {
  Saver saver(wiring, std::vector<bool>(wiring.key_groups().count, false), nullptr);
  for (std::size_t node = 0; node < wiring.nodes().size(); ++node) {
    saver.save(wiring, node);
    wholes_.emplace_back(saver.whole());
  }
  Archive shared;
  wiring.archive_shared(shared);
  shared_ = shared.written();
}

void FreshState::bring_back(Wiring& wiring, bool& is_finished) const {
  Saver census(wiring, wanted_of({}, wiring.key_groups().count), nullptr);
  for (std::size_t node = 0; node < wiring.nodes().size(); ++node) census.save(wiring, node);
  census.all_keys().forget(wiring);
  for (const auto& node : wiring.nodes()) node->forget_unheld();
  for (std::size_t node = 0; node < wiring.nodes().size(); ++node)
    WholeLoader(wiring).load(wiring, *wiring.nodes()[node], wholes_[node]);
  Archive shared(shared_);
  wiring.archive_shared(shared);
  is_finished = false;
  wiring.begin_anew();
}

absl::Status drop_groups(Wiring& wiring, std::span<const std::uint32_t> groups) {
  if (absl::Status status = check_groups(wiring, groups); !status.ok() || groups.empty()) return status;
  Saver census(wiring, wanted_of({groups.begin(), groups.end()}, wiring.key_groups().count), nullptr);
  for (std::size_t node = 0; node < wiring.nodes().size(); ++node) census.save(wiring, node);
  census.all_keys().forget(wiring);
  return absl::OkStatus();
}

}  // namespace weir::inline v0::detail

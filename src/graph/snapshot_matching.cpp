#include "snapshot_matching.hpp"

#include <algorithm>
#include <string>
#include <string_view>

#include <weir/flow/definition.hpp>

namespace weir::inline v0::detail {

namespace {

bool is_in(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Finds for each operator of a snapshot the one that takes its state.
class Matching {
 public:
  Matching(const Wiring& wiring, const SnapshotHeader& header, const RestoreSpec& spec)
      : wiring_(wiring), header_(header), spec_(spec) {}

  [[nodiscard]] absl::Status find(std::vector<Node*>& targets) {
    if (absl::Status status = check_names(); !status.ok()) return status;
    for (const HeaderEntry& entry : header_.operators) {
      targets.push_back(nullptr);
      if (absl::Status status = match(entry, targets.back()); !status.ok()) return status;
      const Node* target = targets.back();
      if (target == nullptr || std::count(targets.begin(), targets.end(), target) == 1) continue;
      return absl::InvalidArgumentError(
          target->name() +
          ": two operators of the snapshot have this name, or are renamed to it; "
          "name one of them in RestoreSpec::drop");
    }
    for (const auto& node : wiring_.nodes()) {
      if (node->kept().kind == KeptState::Kind::nothing || is_in(spec_.start_empty, node->name())) continue;
      if (std::find(targets.begin(), targets.end(), node.get()) == targets.end()) {
        return absl::FailedPreconditionError(node->name() +
                                             ": the snapshot has no state of this operator; name it in "
                                             "RestoreSpec::start_empty, or what it was called in rename");
      }
    }
    return absl::OkStatus();
  }

 private:
  [[nodiscard]] Node* find_node(std::string_view name) const {
    for (const auto& node : wiring_.nodes()) {
      if (node->name() == name) return node.get();
    }
    return nullptr;
  }
  [[nodiscard]] std::string_view name_now(std::string_view name) const {
    for (const auto& [before, now] : spec_.rename) {
      if (before == name) return now;
    }
    return name;
  }
  [[nodiscard]] bool has_entry(std::string_view name) const {
    return std::any_of(header_.operators.begin(), header_.operators.end(),
                       [name](const HeaderEntry& entry) { return entry.name == name; });
  }
  [[nodiscard]] absl::Status check_names() const {
    const auto unknown = [](const std::string& name, const char* field, const char* where) {
      return absl::InvalidArgumentError("RestoreSpec::" + std::string(field) + " names \"" + name +
                                        "\", which is no operator of the " + where);
    };
    for (const std::string& name : spec_.drop) {
      if (!has_entry(name)) return unknown(name, "drop", "snapshot");
    }
    for (const std::string& name : spec_.start_empty) {
      if (find_node(name) == nullptr) return unknown(name, "start_empty", "pipeline");
    }
    for (const auto& [before, now] : spec_.rename) {
      if (!has_entry(before)) return unknown(before, "rename", "snapshot");
      if (find_node(now) == nullptr) return unknown(now, "rename", "pipeline");
    }
    return absl::OkStatus();
  }
  [[nodiscard]] absl::Status match(const HeaderEntry& entry, Node*& target) const {
    if (is_in(spec_.drop, entry.name)) return absl::OkStatus();
    Node* node = find_node(name_now(entry.name));
    const bool is_kept = entry.kept != KeptState::Kind::nothing;
    if (node == nullptr) {
      if (!is_kept) return absl::OkStatus();
      return absl::FailedPreconditionError(
          entry.name +
          ": the snapshot has state of this operator, and the pipeline has no such "
          "operator; name it in RestoreSpec::drop, or what it is called now in rename");
    }
    const HeaderEntry now = entry_of(wiring_, *node);
    const bool is_same = now.kind == entry.kind && now.definition == entry.definition;
    const bool has_same_keys = now.keys == name_now(entry.keys);
    if (!is_kept && now.kept == entry.kept) {  // what it counted, if it is the same
      if (is_same && has_same_keys && now.layout == entry.layout) target = node;
      return absl::OkStatus();
    }
    const char* const give_up = "or give its state up by naming it in RestoreSpec::drop and start_empty";
    if (!is_same) {
      return absl::FailedPreconditionError(
          entry.name + ": its definition is " + fingerprint_text(now.definition) + ", and was " +
          fingerprint_text(entry.definition) +
          " when the snapshot was written; restore it with the definition of then, " + give_up);
    }
    if (now.kept != entry.kept || now.layout != entry.layout) {
      return absl::FailedPreconditionError(
          entry.name +
          ": the types of its state have changed since the snapshot was written; give the State that "
          "changed a version and a Previous, " +
          give_up);
    }
    if (!has_same_keys) {
      return absl::FailedPreconditionError(
          entry.name + ": it keeps state of the keys of " + now.keys + ", and kept that of " + entry.keys +
          " when the snapshot was written; restore it behind that one, " + give_up);
    }
    if (is_in(spec_.drop, entry.keys)) {
      return absl::FailedPreconditionError(entry.name + ": it keeps state of the keys of " + entry.keys +
                                           ", which RestoreSpec::drop names; drop this one, too");
    }
    target = node;
    return absl::OkStatus();
  }

  const Wiring& wiring_;
  const SnapshotHeader& header_;
  const RestoreSpec& spec_;
};

}  // namespace

absl::Status match_operators(const Wiring& wiring, const SnapshotHeader& header, const RestoreSpec& spec,
                             std::vector<Node*>& targets) {
  return Matching(wiring, header, spec).find(targets);
}

}  // namespace weir::inline v0::detail

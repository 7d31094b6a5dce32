#include <weir/flow/node.hpp>

#include <algorithm>
#include <map>

#include <weir/base/assert.hpp>
#include <weir/base/description.hpp>
#include <weir/flow/node_archive.hpp>

namespace weir::inline v0 {

void Problems::add(std::string_view where, std::string_view message) {
  std::string& text = messages_.emplace_back(where);
  text += ": ";
  text += message;
}

Node::Node(std::string name, std::string kind) {
  stats_.name = std::move(name);
  stats_.kind = std::move(kind);
}

Node::~Node() = default;

KeptState Node::kept() const { return {}; }

void Node::check_owned(std::string_view key) {
  const std::uint32_t group = work_->key_groups.of(key);
  if (work_->owned.has(group) || !work_->strayed.empty()) return;
  work_->strayed = name() + ": it got a key of key group " + std::to_string(group) +
                   ", and only keys of the groups from " + std::to_string(work_->owned.begin) + " to " +
                   std::to_string(work_->owned.end - 1) + " come here";
}

NodeArchive::~NodeArchive() = default;

Wiring::Wiring(std::string name) : name_(std::move(name)) {}

Wiring::~Wiring() = default;

std::string Wiring::unique_name(std::string_view kind) const {
  return std::string(kind) + " #" + std::to_string(nodes_.size());
}

void Wiring::adopt(std::unique_ptr<Node> node, std::initializer_list<const Node*> inputs,
                   bool values_own_memory) {
  WEIR_ASSERT(!is_sealed_, "operators are attached before build(), not after it");
  node->id_ = nodes_.size();
  node->work_ = work_.get();
  if (values_own_memory) node->value_memory_.reset(new detail::OwnedMemory(memory_));
  if (inputs.size() > 1) node->merge_ = std::make_unique<WatermarkMerge>(inputs.size());
  for (const Node* input : inputs) node->inputs_.push_back(input->id_);
  nodes_.push_back(std::move(node));
}

void Wiring::check_names(Problems& problems) const {
  std::map<std::string_view, const Node*> seen;
  for (const auto& node : nodes_) {
    if (node->name().empty()) {
      problems.add(node->stats().kind, "name is empty; give it one, it keys metrics and errors");
      continue;
    }
    const auto [at, is_new] = seen.emplace(node->name(), node.get());
    if (!is_new) {
      problems.add(node->name(), "name is used twice (" + at->second->stats().kind + " and " +
                                     node->stats().kind + "); give one of them another name");
    }
  }
}

void Wiring::find_shape() {
  const std::size_t count = nodes_.size();
  std::vector<std::vector<bool>> reaches(count, std::vector<bool>(count, false));
  for (std::size_t id = 0; id < count; ++id) {
    reaches[id][id] = true;
    for (const std::size_t input : nodes_[id]->inputs_) {
      for (std::size_t from = 0; from <= input; ++from) {
        if (reaches[from][input]) reaches[from][id] = true;
      }
    }
  }
  downstream_.resize(count);
  met_.resize(count);
  single_.resize(count);
  stepped_.resize(count);
  idle_.resize(count);
  std::vector<char> is_reached(count);
  for (std::size_t source = 0; source < count; ++source) {
    if (!nodes_[source]->inputs_.empty()) continue;
    std::vector<std::size_t> timed;
    for (std::size_t id = source + 1; id < count; ++id) {
      if (!reaches[source][id]) continue;
      nodes_[id]->is_joined_ = is_reached[id] != 0;
      is_reached[id] = 1;
      downstream_[source].push_back(id);
      if (nodes_[id]->is_timed()) timed.push_back(id);
      std::size_t ways = 0;
      for (const std::size_t input : nodes_[id]->inputs_) ways += reaches[source][input] ? 1U : 0U;
      if (ways > 1) single_[source] = 1;
    }
    for (std::size_t other = 0; other < count; ++other) {
      if (other == source || !nodes_[other]->inputs_.empty()) continue;
      const auto meet = [&](std::size_t id) { return reaches[other][id]; };
      if (std::any_of(downstream_[source].begin(), downstream_[source].end(), meet))
        met_[source].push_back(other);
    }
    for (const std::size_t first : timed) {
      for (const std::size_t second : timed) {
        for (std::size_t id = second; first < second && id < count; ++id) {
          if (reaches[first][id] && reaches[second][id]) stepped_[source] = 1;
        }
      }
    }
  }
}

/// What shows only when a node says what it computes: the options of its features.
void Wiring::check_described(Problems& problems) const {
  for (const auto& node : nodes_) {
    Description described;
    described.begin_object();
    node->describe(described);
    described.end();
    for (const std::string& problem : described.problems()) problems.add(node->name(), problem);
  }
}

void Wiring::seal(Problems& problems) {
  if (nodes_.empty()) problems.add(name_, "the graph has no source; add one with graph.source<Record>(...)");
  check_names(problems);
  for (const auto& node : nodes_) node->check(problems);
  if (problems.messages().empty()) check_described(problems);
  if (problems.messages().empty()) find_shape();
  is_sealed_ = true;
}

EventTime Wiring::incoming(const Node& node, EventTime cap) const {
  if (node.merge_ == nullptr) return std::min(nodes_[node.inputs_.front()]->watermark_, cap);
  for (std::size_t i = 0; i < node.inputs_.size(); ++i) {
    node.merge_->update(i, std::min(nodes_[node.inputs_[i]]->watermark_, cap));
  }
  return node.merge_->watermark();
}

void Wiring::raise(Node& node, EventTime to) {
  const detail::OwnedMemory::Scope memory(node.value_memory());
  node.advance(to);
  node.watermark_ = to;
  if (to != end_of_time) node.last_watermark_ = to;
}

void Wiring::spread(const std::vector<std::size_t>& nodes, EventTime cap) {
  for (const std::size_t id : nodes) {
    Node& node = *nodes_[id];
    const EventTime to = incoming(node, cap);
    if (to > node.watermark_) raise(node, to);
  }
}

void Wiring::publish(Node& source) {
  // None of the others has come to its own horizon, so nothing fires by them alone.
  for (const std::size_t other : met_[source.id_]) publish_one(*nodes_[other]);
  publish_one(source);
}

void Wiring::publish_one(Node& source) {
  const EventTime to = source.reached_watermark();
  if (to <= source.watermark_) return;
  source.watermark_ = to;
  ++work_->epoch;
  work_->target = to;
  const std::vector<std::size_t>& nodes = downstream_[source.id_];
  if (stepped_[source.id_] != 0) {
    // Operators whose outputs meet fire by deadline, not one operator after the other.
    EventTime last = no_time;
    while (true) {
      EventTime due = end_of_time;
      for (const std::size_t id : nodes) {
        const EventTime next = nodes_[id]->next_due();
        if (next > last) due = std::min(due, next);
      }
      if (due >= to) break;
      spread(nodes, due);
      last = due;
    }
  }
  spread(nodes, to);
}

void Wiring::set_idle(Node& source, bool is_idle) {
  idle_[source.id_] = is_idle ? 1 : 0;
  ++work_->epoch;
  work_->target = source.watermark_;
  for (const std::size_t id : downstream_[source.id_]) {
    const Node& node = *nodes_[id];
    bool is_all_idle = true;
    for (std::size_t i = 0; i < node.inputs_.size(); ++i) {
      const bool is_input_idle = idle_[node.inputs_[i]] != 0;
      is_all_idle = is_all_idle && is_input_idle;
      if (node.merge_ == nullptr) continue;
      if (is_input_idle) {
        node.merge_->set_idle(i);
      } else {
        node.merge_->set_active(i);
      }
    }
    idle_[id] = is_all_idle ? 1 : 0;
  }
  spread(downstream_[source.id_], end_of_time);
}

EventTime Wiring::horizon(const Node& source) const {
  EventTime least = end_of_time;
  for (const std::size_t id : downstream_[source.id_]) {
    const Node& node = *nodes_[id];
    // A node that another source holds back cannot move before that source does.
    if (node.watermark_ == source.watermark_) least = std::min(least, node.horizon());
    // Whether an input has caught up is seen where it happens.
    if (node.merge_ != nullptr && node.merge_->is_catching_up())
      least = std::min(least, later(source.watermark_, Duration{1}));
  }
  return least;
}

void Wiring::archive_time(Node& node, NodeArchive& out) {
  EventTime watermark = node.watermark_;
  out.common(watermark);
  if (out.is_joining() && watermark != node.watermark_) {
    out.fail("its watermark is " + std::to_string(ticks(watermark)) + "us, and " +
             std::to_string(ticks(node.watermark_)) +
             "us in the pipeline; bring both to one watermark first");
  }
  if (!out.is_joining()) node.watermark_ = watermark;
  out.own(node.last_watermark_, idle_[node.id_]);
  bool has_merge = node.merge_ != nullptr;
  out.common(has_merge);
  if (has_merge != (node.merge_ != nullptr)) return out.fail("it had another number of inputs");
  if (has_merge) out.own(*node.merge_);
  OperatorStats& stats = node.stats_;
  out.sum(stats.ingested, stats.applied, stats.partially_late, stats.late, stats.duplicate, stats.conflicting,
          stats.rejected, stats.unassigned, stats.emitted, stats.windows_missed, stats.unemitted,
          stats.behind, stats.future, stats.jumped, stats.regressions, stats.skipped_firings,
          stats.no_timestamp, stats.out_of_range, stats.over_key_limit, stats.evicted);
}

void Wiring::archive_shared(Archive& archive) { archive(work_->now); }

void Wiring::set_now(WallTime now) {
  work_->now = now;
  for (const auto& node : nodes_) {
    const detail::OwnedMemory::Scope memory(node->value_memory());
    node->tick(now);
  }
}

void Wiring::rest() {
  work_->wants_rest = work_->keeps_up;
  for (const auto& node : nodes_) node->rest();
}

}  // namespace weir::inline v0

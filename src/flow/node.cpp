#include <weir/flow/node.hpp>

#include <algorithm>
#include <map>

#include <weir/base/assert.hpp>
#include <weir/base/description.hpp>
#include <weir/flow/node_archive.hpp>
#include <weir/time/merge.hpp>

namespace weir::inline v0 {

/// What a node hears of.
struct Node::Inputs {
  std::vector<std::size_t> nodes;
  std::vector<std::uint32_t> outputs;     // per input: which output of that node
  std::unique_ptr<WatermarkMerge> merge;  // only with several inputs
};

struct Wiring::Shape {
  std::vector<std::unique_ptr<Node>> nodes;  // in the order of attachment, which is topological
  std::vector<std::vector<std::size_t>>
      downstream;                             // per node: ids reachable from it, ascending; sources only
  std::vector<std::vector<std::size_t>> met;  // per source: other sources that reach a node that it reaches
  std::vector<char> single;                   // per node
  std::vector<char> stepped;                  // per source: timed nodes meet or follow each other
  std::vector<char> idle;                     // per node
};

namespace detail {

Work::Work() : is_refused(std::make_shared<std::atomic<bool>>(false)) {}

Work::~Work() = default;

}  // namespace detail

void Problems::add(std::string_view where, std::string_view message) {
  std::string& text = messages_.emplace_back(where);
  text += ": ";
  text += message;
}

Node::Node(std::string name, std::string_view kind) : inputs_(new Inputs) {
  stats_.name = std::move(name);
  stats_.kind = kind;
}

void Node::set_definition(const std::string& label) { definition_ = label; }

Node::~Node() {
  if (value_memory_ != nullptr) value_memory_->end();
}

KeptState Node::kept() const { return {}; }

void Node::check_owned(std::string_view key) {
  const std::uint32_t group = work_->key_groups.of(key);
  if (work_->owned.has(group) || !work_->strayed.empty()) return;
  work_->strayed = name() + ": it got a key of key group " + std::to_string(group) +
                   ", and only keys of the groups from " + std::to_string(work_->owned.begin) + " to " +
                   std::to_string(work_->owned.end - 1) + " come here";
}

NodeArchive::~NodeArchive() = default;

void NodeArchive::add_up(std::uint64_t& value) {
  std::uint64_t read = value;
  (*whole_)(read);
  if (is_loading_) value = (is_joining_ ? value : 0) + (takes_counters_ ? read : 0);
}

Wiring::Wiring(std::string name) : name_(std::move(name)), shape_(new Shape), work_(new detail::Work) {}

Wiring::~Wiring() = default;

const std::vector<std::unique_ptr<Node>>& Wiring::nodes() const noexcept { return shape_->nodes; }

const std::vector<std::size_t>& Wiring::inputs(const Node& node) const noexcept {
  return node.inputs_->nodes;
}

const std::vector<std::uint32_t>& Wiring::outputs(const Node& node) const noexcept {
  return node.inputs_->outputs;
}

void Wiring::note_output(Node& node, std::uint32_t output) { node.inputs_->outputs.push_back(output); }

bool Wiring::needs_single_records(const Node& source) const { return shape_->single[source.id_] != 0; }

void Wiring::refuse_reads() noexcept { work_->is_refused->store(true, std::memory_order_release); }

std::shared_ptr<const std::atomic<bool>> Wiring::is_refused() const { return work_->is_refused; }

std::string Wiring::unique_name(std::string_view kind) const {
  return std::string(kind) + " #" + std::to_string(shape_->nodes.size());
}

void Wiring::adopt(Node* node, std::initializer_list<const Node*> inputs, bool values_own_memory) {
  std::unique_ptr<Node> added(node);
  WEIR_ASSERT(!is_sealed_, "operators are attached before build(), not after it");
  node->id_ = shape_->nodes.size();
  node->work_ = &*work_;
  if (values_own_memory) node->value_memory_ = new detail::OwnedMemory(memory_);
  if (inputs.size() > 1) node->inputs_->merge = std::make_unique<WatermarkMerge>(inputs.size());
  for (const Node* input : inputs) node->inputs_->nodes.push_back(input->id_);
  shape_->nodes.push_back(std::move(added));
}

void Wiring::check_names(Problems& problems) const {
  std::map<std::string_view, const Node*> seen;
  for (const auto& node : shape_->nodes) {
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
  const std::size_t count = shape_->nodes.size();
  std::vector<std::vector<bool>> reaches(count, std::vector<bool>(count, false));
  for (std::size_t id = 0; id < count; ++id) {
    reaches[id][id] = true;
    for (const std::size_t input : shape_->nodes[id]->inputs_->nodes) {
      for (std::size_t from = 0; from <= input; ++from) {
        if (reaches[from][input]) reaches[from][id] = true;
      }
    }
  }
  shape_->downstream.resize(count);
  shape_->met.resize(count);
  shape_->single.resize(count);
  shape_->stepped.resize(count);
  shape_->idle.resize(count);
  std::vector<char> is_reached(count);
  for (std::size_t source = 0; source < count; ++source) {
    if (!shape_->nodes[source]->inputs_->nodes.empty()) continue;
    std::vector<std::size_t> timed;
    for (std::size_t id = source + 1; id < count; ++id) {
      if (!reaches[source][id]) continue;
      shape_->nodes[id]->is_joined_ = is_reached[id] != 0;
      is_reached[id] = 1;
      shape_->downstream[source].push_back(id);
      if (shape_->nodes[id]->is_timed()) timed.push_back(id);
      std::size_t ways = 0;
      for (const std::size_t input : shape_->nodes[id]->inputs_->nodes)
        ways += reaches[source][input] ? 1U : 0U;
      if (ways > 1) shape_->single[source] = 1;
    }
    for (std::size_t other = 0; other < count; ++other) {
      if (other == source || !shape_->nodes[other]->inputs_->nodes.empty()) continue;
      const auto meet = [&](std::size_t id) { return reaches[other][id]; };
      if (std::any_of(shape_->downstream[source].begin(), shape_->downstream[source].end(), meet))
        shape_->met[source].push_back(other);
    }
    for (const std::size_t first : timed) {
      for (const std::size_t second : timed) {
        for (std::size_t id = second; first < second && id < count; ++id) {
          if (reaches[first][id] && reaches[second][id]) shape_->stepped[source] = 1;
        }
      }
    }
  }
}

/// What shows only when a node says what it computes: the options of its features.
void Wiring::check_described(Problems& problems) const {
  for (const auto& node : shape_->nodes) {
    Description described;
    described.begin_object();
    node->describe(described);
    described.end();
    for (const std::string& problem : described.problems()) problems.add(node->name(), problem);
  }
}

void Wiring::seal(Problems& problems) {
  if (shape_->nodes.empty())
    problems.add(name_, "the graph has no source; add one with graph.source<Record>(...)");
  check_names(problems);
  for (const auto& node : shape_->nodes) node->check(problems);
  if (problems.messages().empty()) check_described(problems);
  if (problems.messages().empty()) find_shape();
  is_sealed_ = true;
}

EventTime Wiring::incoming(const Node& node, EventTime cap) const {
  if (node.inputs_->merge == nullptr)
    return std::min(shape_->nodes[node.inputs_->nodes.front()]->watermark_, cap);
  for (std::size_t i = 0; i < node.inputs_->nodes.size(); ++i) {
    node.inputs_->merge->update(i, std::min(shape_->nodes[node.inputs_->nodes[i]]->watermark_, cap));
  }
  return node.inputs_->merge->watermark();
}

void Wiring::raise(Node& node, EventTime to) {
  const detail::OwnedMemory::Scope memory(node.value_memory());
  node.advance(to);
  node.watermark_ = to;
  if (to != end_of_time) node.last_watermark_ = to;
}

void Wiring::spread(const std::vector<std::size_t>& nodes, EventTime cap) {
  for (const std::size_t id : nodes) {
    Node& node = *shape_->nodes[id];
    const EventTime to = incoming(node, cap);
    if (to > node.watermark_) raise(node, to);
  }
}

void Wiring::publish(Node& source) {
  // None of the others has come to its own horizon, so nothing fires by them alone.
  for (const std::size_t other : shape_->met[source.id_]) publish_one(*shape_->nodes[other]);
  publish_one(source);
}

void Wiring::publish_one(Node& source) {
  const EventTime to = source.reached_watermark();
  if (to <= source.watermark_) return;
  source.watermark_ = to;
  ++work_->epoch;
  work_->target = to;
  const std::vector<std::size_t>& nodes = shape_->downstream[source.id_];
  if (shape_->stepped[source.id_] != 0) {
    // Operators whose outputs meet fire by deadline, not one operator after the other.
    EventTime last = no_time;
    while (true) {
      EventTime due = end_of_time;
      for (const std::size_t id : nodes) {
        const EventTime next = shape_->nodes[id]->next_due();
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
  shape_->idle[source.id_] = is_idle ? 1 : 0;
  ++work_->epoch;
  work_->target = source.watermark_;
  for (const std::size_t id : shape_->downstream[source.id_]) {
    const Node& node = *shape_->nodes[id];
    bool is_all_idle = true;
    for (std::size_t i = 0; i < node.inputs_->nodes.size(); ++i) {
      const bool is_input_idle = shape_->idle[node.inputs_->nodes[i]] != 0;
      is_all_idle = is_all_idle && is_input_idle;
      if (node.inputs_->merge == nullptr) continue;
      if (is_input_idle) {
        node.inputs_->merge->set_idle(i);
      } else {
        node.inputs_->merge->set_active(i);
      }
    }
    shape_->idle[id] = is_all_idle ? 1 : 0;
  }
  spread(shape_->downstream[source.id_], end_of_time);
}

EventTime Wiring::horizon(const Node& source) const {
  EventTime least = end_of_time;
  for (const std::size_t id : shape_->downstream[source.id_]) {
    const Node& node = *shape_->nodes[id];
    // A node that another source holds back cannot move before that source does.
    if (node.watermark_ == source.watermark_) least = std::min(least, node.horizon());
    // Whether an input has caught up is seen where it happens.
    if (node.inputs_->merge != nullptr && node.inputs_->merge->is_catching_up())
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
  out.own(node.last_watermark_, shape_->idle[node.id_]);
  bool has_merge = node.inputs_->merge != nullptr;
  out.common(has_merge);
  if (has_merge != (node.inputs_->merge != nullptr)) return out.fail("it had another number of inputs");
  if (has_merge) out.own(*node.inputs_->merge);
  OperatorStats& stats = node.stats_;
  out.sum(stats.ingested, stats.applied, stats.partially_late, stats.late, stats.duplicate, stats.conflicting,
          stats.rejected, stats.unassigned, stats.emitted, stats.windows_missed, stats.unemitted,
          stats.behind, stats.future, stats.jumped, stats.regressions, stats.skipped_firings,
          stats.no_timestamp, stats.out_of_range, stats.over_key_limit, stats.evicted);
}

void Wiring::archive_shared(Archive& archive) { archive(work_->now); }

void Wiring::set_now(WallTime now) {
  work_->now = now;
  for (const auto& node : shape_->nodes) {
    const detail::OwnedMemory::Scope memory(node->value_memory());
    node->tick(now);
  }
}

void Wiring::rest() {
  work_->wants_rest = work_->keeps_up;
  for (const auto& node : shape_->nodes) node->rest();
}

}  // namespace weir::inline v0

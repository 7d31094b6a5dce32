#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <weir/base/description.hpp>
#include <weir/base/hash.hpp>
#include <weir/base/owner.hpp>
#include <weir/flow/stats.hpp>
#include <weir/state/kept_keys.hpp>
#include <weir/state/memory.hpp>
#include <weir/state/owned.hpp>
#include <weir/time/instant.hpp>

/// \file
/// What a pipeline is made of: nodes that are wired once, checked once and then run.

namespace weir::inline v0 {

/// What `build()` found wrong. Each message reads "operator: field (value) rule; remedy".
class Problems {
 public:
  void add(std::string_view where, std::string_view message);
  [[nodiscard]] const std::vector<std::string>& messages() const noexcept { return messages_; }

 private:
  std::vector<std::string> messages_;
};

class Archive;
class NodeArchive;
struct KeptState;

namespace detail {

/// What the nodes of one graph share while they work.
struct Work {
  Work();
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;
  ~Work();

  std::uint64_t epoch = 0;        // changes with every publication and every late record
  std::uint64_t first_epoch = 0;  // as long as it is this, nothing has been published
  EventTime target = no_time;     // of the publication that is running
  std::optional<WallTime> now;    // the host's clock at its last tick
  bool wants_rest = false;
  bool keeps_up = false;  // a node rests after every call
  KeyGroups key_groups;
  KeyGroupRange owned = {};  // of the keys that come here
  std::string strayed = {};  // a key came that is in another group: what to say of it
  // No call can run any more; seen by readers on other threads, which may outlive the pipeline.
  std::shared_ptr<std::atomic<bool>> is_refused;
};

}  // namespace detail

/// Something that runs inside a pipeline: a source, an operator or a sink.
///
/// Records reach a node through the ports of its upstream nodes; time reaches it through `advance`. A node judges
/// records against `watermark()` and promises with `horizon()` how far the watermark may rise unseen.
class Node {
 public:
  Node(std::string name, std::string_view kind);
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  virtual ~Node();

  [[nodiscard]] const std::string& name() const noexcept { return stats_.name; }
  [[nodiscard]] EventTime watermark() const noexcept { return watermark_; }
  /// The same, but of the end of all streams the last one before it.
  [[nodiscard]] EventTime last_watermark() const noexcept { return last_watermark_; }

  /// Reports wrong options. Called once, by `build()`.
  virtual void check(Problems&) const {}
  /// Fires what is due when the watermark rises to `to`, in order of deadline, and delivers it. `watermark()` is still
  /// the old one during the call.
  virtual void advance(EventTime /*to*/) {}
  /// The host's clock shows another time.
  virtual void tick(WallTime /*now*/) {}
  /// The least watermark above the present one at which the node could act, or judge a record differently than now,
  /// provided that it only gets records that are not behind the present one.
  [[nodiscard]] virtual EventTime horizon() const { return end_of_time; }
  /// The least watermark at which something this node already holds is due; `end_of_time` if nothing is.
  [[nodiscard]] virtual EventTime next_due() const { return end_of_time; }
  /// Of a source: the watermark it has come to, of which its operators may not have been told.
  [[nodiscard]] virtual EventTime reached_watermark() const { return watermark_; }
  /// Whether the node ever fires by time.
  [[nodiscard]] virtual bool is_timed() const { return false; }
  /// Whether the node keeps state for the slot.
  [[nodiscard]] virtual bool holds(std::uint32_t /*slot*/) const { return false; }
  /// Called once after a call of the host in which the node asked for it, when nothing is being delivered.
  virtual void rest() {}
  /// Says how the node computes what it gives, inside of an object that has begun: the same in every process, whatever the
  /// machine and the compiler.
  virtual void describe(Description&) const {}
  /// The same for options that change what a row is worth, but not the row.
  virtual void describe_reach(Description&) const {}
  /// Brings the counters that are not kept by the record up to date.
  virtual void refresh(OperatorStats&) const {}
  /// What the node keeps between calls; see node_archive.hpp.
  [[nodiscard]] virtual KeptState kept() const;
  /// Writes what the node keeps, or reads it; what it counts in `stats()` is written for it.
  virtual void archive(NodeArchive&) {}
  /// Forgets all that it keeps of some keys, and emits nothing.
  virtual void forget(std::span<const std::uint32_t> /*slots*/) {}
  /// Forgets keys of its own for which no node keeps anything.
  virtual void forget_unheld() {}
  /// (key, window) pairs that hold state. Walks the whole state.
  [[nodiscard]] virtual std::uint64_t live_windows() const { return 0; }

  /// The host's label for what the node computes by functions that nothing else is known of.
  void set_definition(const std::string& label);
  [[nodiscard]] const std::string& definition() const noexcept { return definition_; }

  /// A key came here: if it is of a group that does not, the host's call will say so.
  void check_owned(std::string_view key);
  /// What the values that the node keeps own, of nodes that keep such values; else null.
  [[nodiscard]] detail::OwnedMemory* value_memory() const noexcept { return value_memory_; }
  [[nodiscard]] std::size_t value_bytes() const noexcept {
    return value_memory_ == nullptr ? 0 : value_memory_->size_bytes();
  }
  [[nodiscard]] OperatorStats& stats() noexcept { return stats_; }
  [[nodiscard]] const OperatorStats& stats() const noexcept { return stats_; }

 protected:
  /// Asks for `rest` after the host's call that is running.
  void ask_for_rest() noexcept { work_->wants_rest = true; }
  /// Asks for `rest` after every call of the host, with all nodes told how far time has come.
  void ask_to_keep_up() noexcept { work_->wants_rest = work_->keeps_up = true; }
  /// The host's clock at its last tick.
  [[nodiscard]] const std::optional<WallTime>& now() const noexcept { return work_->now; }
  /// The publication that is running; an `advance` may be one of several steps of it.
  [[nodiscard]] std::uint64_t publication() const noexcept { return work_->epoch; }
  /// Whether records of several sources reach this node: one that is late to its source may come before the others' watermarks.
  [[nodiscard]] bool is_joined() const noexcept { return is_joined_; }
  /// How far the publication that is running goes.
  [[nodiscard]] EventTime target() const noexcept { return work_->target; }
  /// Whether only keys of some key groups come here; then `check_owned` is to be called with the bytes of some new keys.
  [[nodiscard]] bool owns_part() const noexcept { return !work_->owned.is_empty(); }

 private:
  friend class Wiring;
  struct Inputs;

  OperatorStats stats_;
  std::string definition_;
  EventTime watermark_ = no_time;
  EventTime last_watermark_ = no_time;  // before the end
  detail::Owner<Inputs> inputs_;
  detail::OwnedMemory* value_memory_ = nullptr;  // null: values own nothing
  detail::Work* work_ = nullptr;
  std::size_t id_ = 0;
  bool is_joined_ = false;
};

/// The nodes of one graph and how they hang together. Owned by the `Graph`, then by the `Pipeline`.
class Wiring {
 public:
  explicit Wiring(std::string name);
  Wiring(const Wiring&) = delete;
  Wiring& operator=(const Wiring&) = delete;
  ~Wiring();

  /// Makes a node behind others that were added before. Programmer error after `build()`.
  template <class NodeType, class... Arguments>
  NodeType& add(std::initializer_list<const Node*> inputs, Arguments&&... arguments) {
    const detail::MemoryScope scope(memory_);
    auto* added = new NodeType(std::forward<Arguments>(arguments)...);
    adopt(added, inputs, detail::values_own_memory<NodeType>);
    return *added;
  }
  [[nodiscard]] static std::size_t id(const Node& node) noexcept { return node.id_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// A name for a node that got none.
  [[nodiscard]] std::string unique_name(std::string_view kind) const;
  [[nodiscard]] const std::vector<std::unique_ptr<Node>>& nodes() const noexcept;
  [[nodiscard]] const std::vector<std::size_t>& inputs(const Node& node) const noexcept;
  /// Which output of each of its inputs a node gets.
  [[nodiscard]] const std::vector<std::uint32_t>& outputs(const Node& node) const noexcept;
  /// The next input of a node is this output. To be called for each, in their order; without it they are the first ones.
  static void note_output(Node& node, std::uint32_t output);
  [[nodiscard]] const HashSeed& hash_seed() const noexcept { return hash_seed_; }
  /// Where what the nodes keep is allocated. To be called before the first one is added.
  void set_memory(std::pmr::memory_resource* memory) noexcept { memory_ = memory; }
  [[nodiscard]] std::pmr::memory_resource* memory() const noexcept { return memory_; }
  void set_hash_seed(std::uint64_t seed) noexcept { hash_seed_ = HashSeed::from(seed); }

  /// Checks names and every node's options, then fixes the order of work. No node can be added afterwards.
  void seal(Problems& problems);
  [[nodiscard]] bool is_sealed() const noexcept { return is_sealed_; }

  /// Whether batches from this source must be cut into single records to keep the order of a stream: some node is
  /// reached from it on two ways.
  [[nodiscard]] bool needs_single_records(const Node& source) const;

  /// The source's operators are told the watermark it has come to, and fire what is due. Sources that meet it somewhere are
  /// told before it, so that what fires where they meet does not depend on when each was published.
  void publish(Node& source);
  /// The source is idle, or active again: multi-input nodes downstream leave it out, or not.
  void set_idle(Node& source, bool is_idle);
  /// How far this source's watermark may rise before it has to be published.
  [[nodiscard]] EventTime horizon(const Node& source) const;
  /// Changes whenever a watermark was published or a late record came: horizons read before are void.
  [[nodiscard]] std::uint64_t epoch() const noexcept { return work_->epoch; }
  void start_epoch() noexcept { ++work_->epoch; }
  /// Nothing has been published, or all that was has been taken back.
  [[nodiscard]] bool is_new() const noexcept { return work_->epoch == work_->first_epoch; }
  /// What was published was taken back: from here on it counts as new.
  void begin_anew() noexcept { work_->first_epoch = ++work_->epoch; }
  /// Whether a node asked for `rest`.
  [[nodiscard]] bool wants_rest() const noexcept { return work_->wants_rest; }
  /// Whether nodes must be told before how far time has come.
  [[nodiscard]] bool keeps_up() const noexcept { return work_->keeps_up; }
  /// Writes how far time has come at a node and what it counted, or reads it.
  void archive_time(Node& node, NodeArchive& out);
  /// The same for what the nodes share.
  void archive_shared(Archive& archive);
  /// How state is cut into parts that can be moved.
  [[nodiscard]] const KeyGroups& key_groups() const noexcept { return work_->key_groups; }
  void set_key_groups(const KeyGroups& groups) noexcept { work_->key_groups = groups; }
  /// Only keys of these key groups will come.
  void own(const KeyGroupRange& groups) noexcept { work_->owned = groups; }
  /// Which operator got a key of another group, in words; empty if none did.
  [[nodiscard]] const std::string& strayed() const noexcept { return work_->strayed; }
  /// Calls `rest` on every node.
  void rest();
  /// The host's clock at its last tick.
  [[nodiscard]] const std::optional<WallTime>& now() const noexcept { return work_->now; }
  void set_now(WallTime now);
  /// No call can run any more: readers are to say so. On any thread.
  void refuse_reads() noexcept;
  [[nodiscard]] std::shared_ptr<const std::atomic<bool>> is_refused() const;

 private:
  struct Shape;

  /// Takes the node over.
  void adopt(Node* node, std::initializer_list<const Node*> inputs, bool values_own_memory);
  void check_names(Problems& problems) const;
  void check_described(Problems& problems) const;
  void find_shape();
  void publish_one(Node& source);
  void spread(const std::vector<std::size_t>& nodes, EventTime to);
  void raise(Node& node, EventTime to);
  [[nodiscard]] EventTime incoming(const Node& node, EventTime cap) const;

  std::string name_;
  std::pmr::memory_resource* memory_ = detail::default_memory();
  HashSeed hash_seed_;
  detail::Owner<Shape> shape_;
  detail::Owner<detail::Work> work_;
  bool is_sealed_ = false;
};

}  // namespace weir::inline v0

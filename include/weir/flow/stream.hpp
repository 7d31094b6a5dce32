#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <weir/base/assert.hpp>
#include <weir/flow/batch.hpp>
#include <weir/flow/node.hpp>
#include <weir/state/key_dictionary.hpp>

/// \file
/// The handles users hold. They are small, can be copied and written down, and never nest.

namespace weir::inline v0 {

/// A verb: something that `stream | verb` attaches. It has `attach(handle)`, which adds nodes and returns a handle, and
/// says with `accepts<Handle>` behind which handles it goes.
template <class VerbType, class Handle>
concept Verb = VerbType::template accepts<Handle>;

namespace detail {

/// A handle whose records can be looked at one by one: with or without a key, but not cut into windows.
template <class Handle>
inline constexpr bool is_stream = requires {
  typename Handle::Record;
}
&&!requires { typename Handle::weir_windowed; };
template <class Handle>
inline constexpr bool is_keyed = is_stream<Handle>&& requires {
  typename Handle::KeyType;
};
template <class Handle>
inline constexpr bool is_windowed = requires {
  typename Handle::weir_windowed;
};

/// What a verb "returns" after it said what is wrong with it, so that the message stands alone.
template <class Handle>
Handle never();

}  // namespace detail

/// Attaches a verb to a handle: one named node, or a few, and a new handle.
template <class Handle, class VerbType>
requires requires { typename Handle::weir_handle; }
auto operator|(const Handle& handle, VerbType verb) {
  static_assert(
      Verb<VerbType, Handle>,
      "weir: this verb does not go behind this stream; windows and keyed operators need a key_by first, "
      "aggregate() needs a window first, view() needs features(), latest() or sessions");
  if constexpr (Verb<VerbType, Handle>) return std::move(verb).attach(handle);
}

/// The output on which an operator reports late records.
inline constexpr std::uint32_t late_output = ~std::uint32_t{0};

/// A stream of records: one output of one node of a graph.
template <class RecordType>
class Stream {
 public:
  using weir_handle = void;
  using Record = RecordType;

  Stream(Wiring& wiring, Node& node, Port<Record>& port, std::uint32_t output = 0)
      : wiring_(&wiring), node_(&node), port_(&port), output_(output) {}

  [[nodiscard]] Wiring& wiring() const noexcept { return *wiring_; }
  [[nodiscard]] Node& node() const noexcept { return *node_; }
  [[nodiscard]] Port<Record>& port() const noexcept { return *port_; }

  /// Adds a node behind this stream; see `Port::connect` for what it needs.
  template <class NodeType, class... Arguments>
  NodeType& feed(Arguments&&... arguments) const {
    NodeType& added = wiring_->template add<NodeType>({node_}, std::forward<Arguments>(arguments)...);
    connect(added);
    return added;
  }
  /// Connects a node that is in the graph already.
  template <class NodeType>
  void connect(NodeType& node) const {
    port_->connect(node);
    Wiring::note_output(node, output_);
  }

 private:
  Wiring* wiring_;
  Node* node_;
  Port<Record>* port_;
  std::uint32_t output_;  // its number at the node
};

/// Nodes that keep state per slot of one key dictionary.
class Holders {
 public:
  Holders();
  Holders(const Holders&) = delete;
  Holders& operator=(const Holders&) = delete;
  ~Holders();

  void add(Node& node);
  [[nodiscard]] bool hold(Slot slot) const;
  /// What their values own.
  [[nodiscard]] std::size_t value_bytes() const noexcept;
  /// What they take without it; they are asked for their counters.
  [[nodiscard]] std::size_t state_bytes() const;
  /// Makes them forget some keys.
  void forget(std::span<const Slot> slots);

 private:
  std::vector<Node*> nodes_;
};

/// Knows which nodes keep state per slot of one key dictionary, so that slots nobody needs can be reused.
template <class KeyType>
struct Keyspace {
  Keyspace(HashSeed seed, std::size_t most_keys) : dictionary(seed, most_keys) {}

  /// Forgets some keys, and all that is held for them.
  void forget(std::span<const Slot> slots) {
    holders.forget(slots);
    for (const Slot slot : slots) dictionary.erase(slot);
  }

  KeyDictionary<KeyType> dictionary;
  Holders holders;
};

/// A stream whose records have a key: what windows and keyed operators need.
template <class KeyT, class RecordType>
class KeyedStream {
 public:
  using weir_handle = void;
  using KeyType = KeyT;
  using KeyView = detail::KeyView<KeyType>;
  using Record = RecordType;

  KeyedStream(Stream<Record> stream, Keyspace<KeyType>& keyspace) : stream_(stream), keyspace_(&keyspace) {}

  [[nodiscard]] Wiring& wiring() const noexcept { return stream_.wiring(); }
  [[nodiscard]] const Stream<Record>& stream() const noexcept { return stream_; }
  [[nodiscard]] Keyspace<KeyType>& keyspace() const noexcept { return *keyspace_; }
  /// See `Pipeline::erase`.
  // NOLINTNEXTLINE(modernize-use-nodiscard): who asks for it need not care whether there was something
  bool erase(KeyView key) const {
    const Slot slot = keyspace_->dictionary.find(key);
    if (slot != no_slot) keyspace_->forget({&slot, 1});
    return slot != no_slot;
  }

  /// As `Stream::feed`, and the node's `holds(slot)` is asked before a slot is reused.
  template <class NodeType, class... Arguments>
  NodeType& feed(Arguments&&... arguments) const {
    NodeType& added = stream_.template feed<NodeType>(std::forward<Arguments>(arguments)...);
    keyspace_->holders.add(added);
    return added;
  }

 private:
  Stream<Record> stream_;
  Keyspace<KeyType>* keyspace_;
};

}  // namespace weir::inline v0

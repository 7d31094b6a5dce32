#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include <weir/base/owner.hpp>
#include <weir/state/column.hpp>
#include <weir/state/owned.hpp>
#include <weir/time/instant.hpp>

/// \file
/// What travels along an edge: spans of records with their times, and behind a key_by their slots.

namespace weir::inline v0 {

/// Consecutive records of one stream. Valid during the call that delivers it.
template <class Record>
struct Batch {
  const Record* records = nullptr;
  const EventTime* times = nullptr;
  const Slot* slots = nullptr;  ///< the keys' slots; null on streams without a key
  std::size_t size = 0;
};

/// The most records a batch has.
inline constexpr std::size_t batch_limit = 256;

namespace detail {

/// Who takes the records of an output, whatever their type is.
class Targets {
 public:
  struct Target {
    void (*take)(void* node, const void* batch);
    void (*take_one)(void* node, const void* record, EventTime time, Slot slot);
    void* node;
  };
  Targets() noexcept;
  Targets(const Targets&) = delete;
  Targets& operator=(const Targets&) = delete;
  ~Targets();

  void add(const Target& target);
  [[nodiscard]] bool is_empty() const noexcept { return targets_.empty(); }
  void deliver(const void* batch) const {
    const Target* const all = targets_.data();
    for (std::size_t i = 0; i < targets_.size(); ++i) all[i].take(all[i].node, batch);
  }
  void deliver_one(const void* record, EventTime time, Slot slot) const {
    const Target* const all = targets_.data();
    if (targets_.size() == 1) [[likely]] { return all->take_one(all->node, record, time, slot); }
    for (std::size_t i = 0; i < targets_.size(); ++i) all[i].take_one(all[i].node, record, time, slot);
  }

 private:
  std::vector<Target> targets_;
};

}  // namespace detail

/// The output of a node: who takes its records, in the order of attachment.
template <class Record>
class Port {
 public:
  /// Connects a node that takes batches with `take(batch)` and, if it has a shorter way for it, a single record with
  /// `take_one(record, time, slot)`.
  template <class NodeType>
  void connect(NodeType& node) {
    targets_.add({.take = take<NodeType>, .take_one = take_one<NodeType>, .node = &node});
  }
  void deliver(const Batch<Record>& batch) const { targets_.deliver(&batch); }
  void deliver_one(const Record& record, EventTime time, Slot slot) const {
    targets_.deliver_one(std::addressof(record), time, slot);
  }
  [[nodiscard]] bool is_connected() const noexcept { return !targets_.is_empty(); }

 private:
  template <class NodeType>
  static void take(void* to, const void* batch) {
    NodeType& node = *static_cast<NodeType*>(to);
    [[maybe_unused]] const detail::ValueScope<NodeType> memory(node);
    node.take(*static_cast<const Batch<Record>*>(batch));
  }
  template <class NodeType>
  static void take_one(void* to, const void* one, EventTime time, Slot slot) {
    NodeType& node = *static_cast<NodeType*>(to);
    const Record& record = *static_cast<const Record*>(one);
    [[maybe_unused]] const detail::ValueScope<NodeType> memory(node);
    if constexpr (requires { node.take_one(record, time, slot); }) {
      node.take_one(record, time, slot);
    } else {
      node.take({std::addressof(record), &time, &slot, 1});
    }
  }

  detail::Targets targets_;
};

/// A port with a buffer: collects records and delivers them in batches. The buffer's memory is reused.
///
/// Memory:  none before the first record, then for a full batch: of large records fewer than 256, as many as fit in 64 KiB
template <class Record>
class Outbox {
 public:
  Outbox() = default;
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;
  ~Outbox() { destroy_all(); }

  [[nodiscard]] Port<Record>& port() noexcept { return port_; }
  [[nodiscard]] bool is_connected() const noexcept { return port_.is_connected(); }

  template <class Value>
  void push(Value&& value, EventTime time, Slot slot = no_slot) {
    if (size_ == made_) [[unlikely]] { make_room(); }
    put(size_, std::forward<Value>(value));
    commit(time, slot);
  }

  /// A record to fill in place; holds whatever it held before. Follow with `commit`.
  Record& next() {
    if (size_ == made_) [[unlikely]] {
      make_room();
      if (size_ == made_) {
        std::construct_at(record(made_));
        ++made_;
      }
    }
    return *record(size_);
  }
  void commit(EventTime time, Slot slot = no_slot) noexcept {
    buffer_->times[size_] = time;
    buffer_->slots[size_] = slot;
    ++size_;
  }

  void flush() {
    if (size_ != 0) deliver();
  }
  /// Delivers one record past the buffer, which must be empty.
  void pass(const Record& record, EventTime time, Slot slot) {
    ++delivered_;
    port_.deliver_one(record, time, slot);
  }
  /// Delivers one record for each of a batch, at its time and slot; `make(record, put)` calls `put(value)` once. The buffer
  /// must be empty.
  template <class In, class Make>
  void pass(const Batch<In>& batch, Make&& make) {
    if (!buffer_) [[unlikely]] { make_room(); }
    for (std::size_t done = 0; done < batch.size;) {
      const std::size_t taken = std::min(most, batch.size - done);
      for (std::size_t i = 0; i < taken; ++i) {
        make(batch.records[done + i],
             [this, i](auto&& value) { this->put(i, std::forward<decltype(value)>(value)); });
      }
      delivered_ += taken;
      port_.deliver({.records = record(0),
                     .times = batch.times + done,
                     .slots = batch.slots == nullptr ? nullptr : batch.slots + done,
                     .size = taken});
      if constexpr (!is_reused) destroy_all();
      done += taken;
    }
  }
  [[nodiscard]] std::uint64_t pushed() const noexcept { return delivered_ + size_; }
  /// The counter of what was pushed; for a snapshot, while nothing is in the buffer.
  [[nodiscard]] std::uint64_t& counter() noexcept { return delivered_; }

 private:
  // Records that cannot be assigned are destroyed when they have been delivered.
  static constexpr bool is_reused = std::is_move_assignable_v<Record>;
  static constexpr std::size_t most =
      std::clamp<std::size_t>((std::size_t{1} << 16) / sizeof(Record), 1, batch_limit);
  struct Buffer {
    std::array<EventTime, most> times;
    std::array<Slot, most> slots;
    alignas(Record) std::array<std::byte, most * sizeof(Record)> records;
  };
  [[nodiscard]] Record* record(std::size_t at) noexcept {
    return reinterpret_cast<Record*>(buffer_->records.data()) + at;
  }
  /// Puts a record over one that was there, or behind all that are.
  template <class Value>
  void put(std::size_t at, Value&& value) {
    if (at == made_) [[unlikely]] {
      std::construct_at(record(at), std::forward<Value>(value));
      ++made_;
    } else if constexpr (std::is_assignable_v<Record&, Value&&>) {
      *record(at) = std::forward<Value>(value);
    } else if constexpr (is_reused) {
      *record(at) = Record(std::forward<Value>(value));
    }
  }
  void destroy_all() noexcept {
    while (made_ > 0) std::destroy_at(record(--made_));
  }
  /// Every record made so far is in use: delivers them if the buffer is full; else one more can be made.
  [[gnu::noinline]] void make_room() {
    if (!buffer_) buffer_ = detail::Owner<Buffer>(new Buffer);
    if (size_ == most) deliver();
  }
  [[gnu::noinline]] void deliver() {
    const std::size_t size = std::exchange(size_, 0);
    delivered_ += size;
    const detail::OwnedMemory::Scope nobodys(nullptr);  // what others allocate is not this node's
    port_.deliver(
        {.records = record(0), .times = buffer_->times.data(), .slots = buffer_->slots.data(), .size = size});
    if constexpr (!is_reused) destroy_all();
  }

  Port<Record> port_;
  detail::Owner<Buffer> buffer_;
  std::size_t made_ = 0;  // records that are there: as many as were in the buffer at one time
  std::size_t size_ = 0;
  std::uint64_t delivered_ = 0;
};

}  // namespace weir::inline v0

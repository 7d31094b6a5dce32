#pragma once

#include <cstddef>
#include <cstdint>

#include <weir/state/column.hpp>
#include <weir/state/key.hpp>

/// \file
/// Which rows of an operator are not what they were.

namespace weir::inline v0::detail {

/// The keys of an operator that changed since its owner asked last. The owner attaches it to the operator, which keeps no more
/// than a pointer to the first.
///
/// Time:    all calls 1 amortised; a slot that is marked already is not marked again
/// Memory:  a bit per slot, and 4 bytes per slot that is marked
template <class KeyType>
class ChangedKeys {
 public:
  ChangedKeys() = default;
  ChangedKeys(const ChangedKeys&) = delete;
  ChangedKeys& operator=(const ChangedKeys&) = delete;
  ~ChangedKeys() = default;

  /// What is kept for this slot has changed, or will before the owner asks.
  void touch(Slot slot) {
    if (slot / 64 >= is_touched_.size()) [[unlikely]]
      is_touched_.resize(2 * (std::size_t{slot} / 64) + 1);
    std::uint64_t& marks = is_touched_[slot / 64];
    const std::uint64_t mark = std::uint64_t{1} << (slot % 64);
    if ((marks & mark) != 0) return;
    touched_.push_back(slot);
    marks |= mark;
  }
  /// Nothing is kept of this key any more. By key, because its slot may belong to another one when the owner asks.
  void drop(const StoredKey<KeyType>& key) { dropped_.push_back(key); }

  /// Slots in the order in which they were first touched. Some may have nothing, or another key's, by now.
  [[nodiscard]] const StateVector<Slot>& touched() const noexcept { return touched_; }
  /// Keys in the order in which they were dropped. Some may have come again.
  [[nodiscard]] const StateVector<StoredKey<KeyType>>& dropped() const noexcept { return dropped_; }
  void clear() noexcept {
    for (const Slot slot : touched_) is_touched_[slot / 64] = 0;
    touched_.clear();
    dropped_.clear();
  }
  [[nodiscard]] std::size_t size_bytes() const noexcept {
    return is_touched_.capacity() * sizeof(std::uint64_t) + touched_.capacity() * sizeof(Slot) +
           dropped_.capacity() * sizeof(StoredKey<KeyType>);
  }

  ChangedKeys* next = nullptr;  // of the same operator

 private:
  StateVector<std::uint64_t> is_touched_;
  StateVector<Slot> touched_;
  StateVector<StoredKey<KeyType>> dropped_;
};

}  // namespace weir::inline v0::detail

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <weir/operators/changed_keys.hpp>
#include <weir/state/column.hpp>
#include <weir/state/key.hpp>
#include <weir/time/instant.hpp>
#include <weir/window/window.hpp>

/// \file
/// Operators whose state can be read by key: what views stand on.

namespace weir::inline v0 {

namespace detail {
enum class AsOfKind : std::uint8_t { instant, latest_event, watermark, host_now };
}  // namespace detail

/// The instant at which a read looks: an event time, or one of the constants below.
class AsOf {
 public:
  constexpr AsOf(EventTime at) : at_(at) {}  // NOLINT(google-explicit-constructor)
  constexpr explicit AsOf(detail::AsOfKind kind) : kind_(kind) {}

  [[nodiscard]] constexpr detail::AsOfKind kind() const noexcept { return kind_; }
  [[nodiscard]] constexpr EventTime at() const noexcept { return at_; }

 private:
  detail::AsOfKind kind_ = detail::AsOfKind::instant;
  EventTime at_ = no_time;
};

/// Just behind the newest record of the stream: everything that has come is in the past.
inline constexpr AsOf latest_event{detail::AsOfKind::latest_event};
/// The watermark: nothing on time can come before it any more.
inline constexpr AsOf at_watermark{detail::AsOfKind::watermark};
/// The host's clock at its last `tick`.
inline constexpr AsOf host_now{detail::AsOfKind::host_now};

/// The most windows that one row has.
inline constexpr std::size_t most_row_windows = 16;

namespace detail {

/// What an operator knows of a key at an instant.
template <class Row>
struct Reading {
  Row row{};
  bool is_there = false;            // the key has something that counts
  bool is_whole = true;             // every window covers what it promises
  EventTime event_time = no_time;   // of the key's newest record that is seen
  EventTime known_until = no_time;  // where the knowledge ends that the row stands on
  std::uint64_t overflowed = 0;     // bit i: feature i is held at its field's limit
  std::uint64_t version = 0;        // of the key: grows with each of its records
  Window* covered = nullptr;        // room for `windows()` of them
};

/// So many keys are read at a time.
inline constexpr std::size_t read_together = 64;

/// An operator whose rows can be looked up by key.
template <class KeyType, class Row>
class Readable {
 public:
  Readable() = default;
  Readable(const Readable&) = delete;
  Readable& operator=(const Readable&) = delete;
  virtual ~Readable() = default;

  /// How many windows a row has.
  [[nodiscard]] virtual std::size_t windows() const = 0;
  /// How far the operator's knowledge reaches: behind its newest record, or to its watermark.
  [[nodiscard]] virtual EventTime known_until() const = 0;
  [[nodiscard]] virtual EventTime read_watermark() const = 0;
  /// The stream that this operator sees a part of is known that far.
  virtual void know(EventTime /*until*/) {}
  /// Whatever the watermark, reads from this instant on stay as exact as at the watermark. It only ever rises. False if the
  /// operator cannot: then what it gives as of the past is not what it gave then.
  [[nodiscard]] virtual bool hold(EventTime) { return false; }
  /// Forgets a key. False if nothing was known of it.
  virtual bool erase(KeyView<KeyType> key) = 0;
  /// The slot of a key of which something is kept; `no_slot` for any other.
  [[nodiscard]] virtual Slot find(KeyView<KeyType> key) const = 0;
  /// The same for at most `read_together` keys.
  virtual void find_all(std::span<const BatchKey<KeyType>> keys, Slot* slots) const {
    for (std::size_t i = 0; i < keys.size(); ++i) slots[i] = find(keys[i]);
  }
  /// Asks for the memory that a read of a slot needs: what lies with the key, and then what that leads to.
  virtual void prefetch(Slot) const {}
  virtual void prefetch_more(Slot) const {}
  /// The key for whose slot something is kept; null for any other slot.
  [[nodiscard]] virtual const StoredKey<KeyType>* key_of(Slot slot) const = 0;
  /// What is known as of an instant of the key of a slot that `find` gave.
  virtual void read_slot(Slot slot, EventTime as_of, Reading<Row>& out) = 0;

  /// From now on tells `changed`, which outlives the last call, what changes.
  void attach(ChangedKeys<KeyType>& changed) noexcept {
    changed.next = changed_;
    changed_ = &changed;
  }

 protected:
  [[nodiscard]] bool is_attached() const noexcept { return changed_ != nullptr; }
  /// What is kept for the slot has changed.
  void touch(Slot slot) {
    if (changed_ == nullptr) [[likely]] { return; }
    for (auto* changed = changed_; changed != nullptr; changed = changed->next) changed->touch(slot);
  }
  /// Nothing is kept of the key any more.
  void drop(const StoredKey<KeyType>& key) {
    for (auto* changed = changed_; changed != nullptr; changed = changed->next) changed->drop(key);
  }

 private:
  ChangedKeys<KeyType>* changed_ = nullptr;
};

}  // namespace detail

}  // namespace weir::inline v0

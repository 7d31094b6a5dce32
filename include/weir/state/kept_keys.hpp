#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <weir/state/column.hpp>

/// \file
/// The keys of a dictionary as a snapshot has them: cut into key groups.

namespace weir::inline v0 {

/// The hash by which Kafka's own clients choose a partition: `KeyGroups{.count = 64, .hash = weir::murmur2}` puts a key of text that
/// went to partition p of 64 into key group p. Keys that are no text are hashed as weir writes them, little-endian.
/// Time:    the bytes, 4 at a time
/// Source:  Appleby, MurmurHash2, with Kafka's seed 0x9747b28c
[[nodiscard]] std::uint64_t murmur2(std::string_view key);

/// Which key groups there are, and which of them a key belongs to: state can be moved by key group, and no finer.
struct KeyGroups {
  /// A power of two from 1 to 32768.
  std::uint32_t count = 128;
  /// Of the bytes of a key (a string's own bytes, else as an archive writes it) a number of which the lowest bits count; null:
  /// XXH3 of the bytes. It must not change while there is state.
  std::uint64_t (*hash)(std::string_view key) = nullptr;

  [[nodiscard]] std::uint32_t of(std::string_view key) const;
};

/// Key groups that follow each other.
struct KeyGroupRange {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;  ///< behind the last one

  [[nodiscard]] constexpr bool is_empty() const noexcept { return begin == end; }
  [[nodiscard]] constexpr bool has(std::uint32_t group) const noexcept {
    return begin <= group && group < end;
  }
  friend constexpr bool operator==(const KeyGroupRange&, const KeyGroupRange&) = default;
};

namespace detail {

/// The keys of one dictionary in a snapshot: by key group, and in each group by slot.
class KeptKeys {
 public:
  /// Makes room for these slots.
  void begin(std::size_t slots, std::size_t groups);
  void add(Slot slot, std::size_t group) { group_of_[slot] = static_cast<std::uint16_t>(group + 1); }
  /// All have been added: finds their places.
  void sort();

  /// A key that was read and is not here yet; groups come in order.
  void append(Slot slot, std::size_t group);

  [[nodiscard]] std::span<const Slot> of(std::size_t group) const noexcept;
  [[nodiscard]] std::span<const Slot> all() const noexcept;
  /// Whether the key of a slot is in the snapshot, which is then being written.
  [[nodiscard]] bool has(Slot slot) const noexcept { return slot < group_of_.size() && group_of_[slot] != 0; }
  [[nodiscard]] std::size_t group(Slot slot) const noexcept { return group_of_[slot] - std::size_t{1}; }
  /// Where a slot stands in its group.
  [[nodiscard]] std::uint32_t place(Slot slot) const noexcept { return places_[slot]; }

 private:
  std::vector<std::uint16_t> group_of_;  // per slot, from 1; 0: not in the snapshot
  std::vector<std::uint32_t> places_;    // per slot
  std::vector<Slot> slots_;
  std::vector<std::size_t> ends_;  // per group
};

}  // namespace detail

}  // namespace weir::inline v0

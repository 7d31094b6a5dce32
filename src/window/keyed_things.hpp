#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <weir/state/archive.hpp>
#include <weir/state/kept_keys.hpp>

/// \file
/// What lists of keys have in a snapshot.

namespace weir::inline v0::detail {

/// Things that belong to keys, written group by group. If they are ordered, it is an order across all groups, in which they are
/// put together again.
template <class Thing, bool is_ordered = false>
class KeyedThings {
 public:
  struct Entry {
    Slot slot;
    std::uint32_t rank;
    Thing thing;
  };

  /// The next one of a list that is to be written. Left out if its key is not in the snapshot.
  void add(const KeptKeys& keys, Slot slot, const Thing& thing) {
    if (!keys.has(slot)) return;
    const std::size_t group = keys.group(slot);
    if (parts_.size() <= group) parts_.resize(group + 1);
    parts_[group].push_back({slot, next_rank_, thing});
    if constexpr (is_ordered) ++next_rank_;
  }
  [[nodiscard]] std::size_t size_of(std::size_t group) const noexcept {
    return group < parts_.size() ? parts_[group].size() : 0;
  }

  /// Writes what a group has, or reads it. `is_set`: a key has at most one.
  void archive(Archive& archive, const KeptKeys& keys, std::size_t group, bool is_set = false) {
    std::size_t count = size_of(group);
    archive.size(count, sizeof(std::uint32_t) * (is_ordered ? 2 : 1) + least_bytes<Thing>());
    const std::span<const Slot> slots = keys.of(group);
    std::vector<std::uint32_t> places;
    for (std::size_t i = 0; i < count && archive.is_good(); ++i) {
      if (!archive.is_loading()) {
        Entry& entry = parts_[group][i];
        std::uint32_t place = keys.place(entry.slot);
        archive_entry(archive, place, entry);
        continue;
      }
      std::uint32_t place = 0;
      Entry entry{};
      archive_entry(archive, place, entry);
      if (place >= slots.size()) return archive.fail("something belongs to a key that is not there");
      if (is_set) places.push_back(place);
      entry.slot = slots[place];
      read_.push_back(entry);
    }
    std::sort(places.begin(), places.end());
    if (std::adjacent_find(places.begin(), places.end()) != places.end())
      archive.fail("a key is in a list twice");
  }
  /// What was read, in its order; if it has none, as it came.
  [[nodiscard]] const std::vector<Entry>& sorted() {
    if constexpr (is_ordered) sort();
    return read_;
  }

 private:
  /// Ranks go from 0 to the number of things, unless only some groups were read: then each has a place to go to.
  void sort() {
    std::uint32_t most = 0;
    for (const Entry& entry : read_) most = std::max(most, entry.rank);
    if (most / 4 > read_.size()) {
      return std::sort(read_.begin(), read_.end(), [](const Entry& a, const Entry& b) {
        return a.rank != b.rank ? a.rank < b.rank : a.slot < b.slot;
      });
    }
    std::vector<std::size_t> ends(std::size_t{most} + 2);
    for (const Entry& entry : read_) ++ends[entry.rank + std::size_t{1}];
    for (std::size_t rank = 1; rank < ends.size(); ++rank) ends[rank] += ends[rank - 1];
    std::vector<Entry> sorted(read_.size());
    for (const Entry& entry : read_) sorted[ends[entry.rank]++] = entry;
    read_ = std::move(sorted);
  }
  static void archive_entry(Archive& archive, std::uint32_t& place, Entry& entry) {
    archive(place);
    if constexpr (is_ordered) archive(entry.rank);
    archive(entry.thing);
  }

  std::vector<std::vector<Entry>> parts_;  // per group
  std::uint32_t next_rank_ = 0;
  std::vector<Entry> read_;
};

}  // namespace weir::inline v0::detail

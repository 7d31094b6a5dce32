#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <weir/state/column.hpp>

/// \file
/// From a key's hash to its slot: one cache line per look-up, growth in steps of 8 KiB.

namespace weir::inline v0 {

/// An extendible hash index of slots. It stores no key: the caller compares, so a hash is never an identity.
///
/// A line holds seven (tag, slot) pairs; a full line overflows into the next of its segment and counts it, so an
/// erased entry leaves no tombstone. A segment that fills up splits in two; nothing else moves.
///
/// Time:    find, insert, erase 1 line expected; a split touches one segment (896 entries)
/// Memory:  64 bytes per 3 to 5 keys
/// Source:  Fagin, Nievergelt, Pippenger, Strong, Extendible hashing, TODS 1979
class SlotIndex {
 public:
  static constexpr std::size_t pairs_per_line = 7;
  struct alignas(detail::cache_line_bytes) Line {
    std::array<std::uint32_t, pairs_per_line> tags;
    std::uint32_t overflowed;  // entries whose probe went past this line while looking for room
    std::array<Slot, pairs_per_line> slots;
    std::uint32_t unused;
  };
  static_assert(sizeof(Line) == detail::cache_line_bytes);

  SlotIndex();

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t size_bytes() const noexcept {
    return blocks_.size_bytes() + directory_.capacity() * sizeof(Line*) + depths_.capacity();
  }

  /// The index as it lies now, for loops in which nothing is inserted or erased: keeps its address in registers.
  class View {
   public:
    void prefetch(std::uint64_t hash) const noexcept { detail::prefetch_for_read(segment_of(hash) + line_of(hash)); }

    /// The slot for which `is_same(slot)` holds, or `no_slot`. It is asked only when 32 bits of the hash agree.
    template <class IsSame>
    [[nodiscard]] Slot find(std::uint64_t hash, IsSame&& is_same) const {
      const Line* segment = segment_of(hash);
      const std::uint32_t tag = tag_of(hash);
      for (std::size_t at = line_of(hash);; at = (at + 1) % lines_per_segment) {
        const Line& line = segment[at];
        for (unsigned hits = matches(line, tag); hits != 0; hits &= hits - 1) {
          const Slot slot = line.slots[static_cast<unsigned>(std::countr_zero(hits))];
          if (slot != no_slot && is_same(slot)) [[likely]] {
            return slot;
          }
        }
        if (line.overflowed == 0) [[likely]] {
          return no_slot;
        }
      }
    }

   private:
    friend class SlotIndex;
    View(Line* const* directory, unsigned depth) : directory_(directory), shift_(63 - depth) {}
    [[nodiscard]] const Line* segment_of(std::uint64_t hash) const noexcept { return directory_[(hash >> 1) >> shift_]; }

    Line* const* directory_;
    unsigned shift_;
  };
  [[nodiscard]] View view() const noexcept { return {directory_.data(), depth_}; }

  /// Whether the next `insert` of this hash would split a segment, for which `split` must be called first.
  [[nodiscard]] bool is_full(std::uint64_t hash) const noexcept;
  /// Whether a split can help. Only some 600 keys that share 25 bits of their hash make it false.
  [[nodiscard]] bool can_split(std::uint64_t hash) const noexcept {
    return depths_[segment_index(hash)] < most_depth;
  }
  /// Splits the segment of `hash`; `hash_of(slot)` gives the full hash of a stored slot.
  template <class HashOf>
  void split(std::uint64_t hash, HashOf&& hash_of) {
    std::vector<std::uint64_t>& hashes = scratch_;
    hashes.clear();
    const Line* segment = directory_[segment_index(hash)];
    for (std::size_t at = 0; at < lines_per_segment; ++at) {
      for (const Slot slot : segment[at].slots) {
        if (slot != no_slot) {
          hashes.push_back(hash_of(slot));
          hashes.push_back(slot);
        }
      }
    }
    split_into(hash, hashes);
  }
  /// Adds a slot that is not in the index. Needs `!is_full(hash)`.
  void insert(std::uint64_t hash, Slot slot) noexcept;
  /// Removes a slot that is in the index under this hash.
  void erase(std::uint64_t hash, Slot slot) noexcept;

 private:
  static constexpr std::size_t lines_per_segment = 128;
  static constexpr unsigned most_depth = 25;
  static constexpr std::uint32_t most_per_segment = lines_per_segment * pairs_per_line * 7 / 10;

  // The lowest 7 bits choose the line, the next 32 are the tag, the highest choose the segment.
  static std::size_t line_of(std::uint64_t hash) noexcept { return hash % lines_per_segment; }
  static std::uint32_t tag_of(std::uint64_t hash) noexcept { return static_cast<std::uint32_t>(hash >> 7); }
  [[nodiscard]] std::size_t segment_index(std::uint64_t hash) const noexcept { return (hash >> 1) >> (63 - depth_); }

  static unsigned matches(const Line& line, std::uint32_t tag) noexcept {
#if defined(__SSE2__)
    const __m128i wanted = _mm_set1_epi32(static_cast<int>(tag));
    const auto* words = reinterpret_cast<const __m128i*>(line.tags.data());
    const __m128i low = _mm_cmpeq_epi32(_mm_load_si128(words), wanted);
    const __m128i high = _mm_cmpeq_epi32(_mm_load_si128(words + 1), wanted);
    return static_cast<unsigned>(_mm_movemask_epi8(_mm_packs_epi16(_mm_packs_epi32(low, high), __m128i{}))) & 0x7F;
#else
    unsigned hits = 0;
    for (unsigned i = 0; i < pairs_per_line; ++i) hits |= static_cast<unsigned>(line.tags[i] == tag) << i;
    return hits;
#endif
  }

  [[nodiscard]] Line* new_segment();
  static void place(Line* segment, std::uint64_t hash, Slot slot) noexcept;
  void split_into(std::uint64_t hash, const std::vector<std::uint64_t>& hashes_and_slots);

  std::vector<Line*> directory_;
  std::vector<std::uint8_t> depths_;   // per directory entry: bits its segment has in common
  std::vector<std::uint32_t> counts_;  // per directory entry, kept at the segment's first entry
  std::vector<std::uint64_t> scratch_;
  std::vector<Line*> emptied_;
  detail::BlockList blocks_;
  Line* next_ = nullptr;
  std::size_t spare_ = 0;
  unsigned depth_ = 0;
  std::size_t size_ = 0;
};

}  // namespace weir::inline v0

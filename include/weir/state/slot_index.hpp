#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <absl/functional/function_ref.h>

#include <weir/state/column.hpp>

/// \file
/// From a key's hash to its slot: one cache line per look-up, growth in steps of 8 KiB.

namespace weir::inline v0 {

/// An extendible hash index of slots. What a look-up compares in it is a key's `Mark`: 32 bits of its hash, after which
/// the caller compares the key, or 64 bits that are the key. So a hash is never an identity.
///
/// A line holds seven (or five) pairs of mark and slot; a full line overflows into the next of its segment and counts
/// it, so an erased entry leaves no tombstone. A segment that fills up splits in two; nothing else moves.
///
/// Time:    find, insert, erase 1 line expected; a split touches one segment (at most 8 KiB)
/// Memory:  64 bytes per 2.5 to 3.5 keys of 64 bits, or per 3.5 to 5 others
/// Source:  Fagin, Nievergelt, Pippenger, Strong, Extendible hashing, TODS 1979
template <class Mark>
class SlotIndex {
 public:
  static constexpr std::size_t pairs_per_line = 60 / (sizeof(Mark) + sizeof(Slot));
  struct alignas(detail::cache_line_bytes) Line {
    std::array<Mark, pairs_per_line> marks;
    std::array<Slot, pairs_per_line> slots;
    std::uint32_t overflowed;  // entries whose probe went past this line while looking for room
  };
  static_assert(sizeof(Line) == detail::cache_line_bytes);

  SlotIndex();
  SlotIndex(const SlotIndex&) = delete;
  SlotIndex& operator=(const SlotIndex&) = delete;
  ~SlotIndex();

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t size_bytes() const noexcept {
    return blocks_.size_bytes() + directory_.capacity() * sizeof(void*) + depths_.capacity();
  }

  /// The index as it lies now, for loops in which nothing is inserted or erased: keeps its address in registers.
  class View {
   public:
    void prefetch(std::uint64_t hash) const noexcept {
      detail::prefetch_for_read(segment_of(hash) + line_of(hash));
    }

    /// The slot under this mark for which `is_same(slot)` holds, or `no_slot`.
    template <class IsSame>
    [[nodiscard]] Slot find(std::uint64_t hash, Mark mark, IsSame&& is_same) const {
      const Line* segment = segment_of(hash);
      for (std::size_t at = line_of(hash);; at = (at + 1) % lines_per_segment) {
        const Line& line = segment[at];
        for (unsigned hits = matches(line, mark); hits != 0; hits &= hits - 1) {
          const Slot slot = line.slots[static_cast<unsigned>(__builtin_ctz(hits))];
          if (slot != no_slot && is_same(slot)) [[likely]] { return slot; }
        }
        if (line.overflowed == 0) [[likely]] { return no_slot; }
      }
    }

    /// Lines that a look-up of this hash reads when nothing is found: one, or more where many keys are near.
    [[nodiscard]] std::size_t lines_read(std::uint64_t hash) const noexcept {
      const Line* segment = segment_of(hash);
      std::size_t lines = 1;
      for (std::size_t at = line_of(hash); segment[at].overflowed != 0 && lines < lines_per_segment; ++lines)
        at = (at + 1) % lines_per_segment;
      return lines;
    }

   private:
    friend class SlotIndex;
    View(Line* const* directory, unsigned depth) : directory_(directory), shift_(64 - depth) {}
    [[nodiscard]] const Line* segment_of(std::uint64_t hash) const noexcept {
      return directory_[hash >> shift_];
    }

    Line* const* directory_;
    unsigned shift_;
  };
  [[nodiscard]] View view() const noexcept { return {directory_.data(), depth_}; }

  /// The mark of a key that does not fit into 64 bits itself.
  [[nodiscard]] static Mark hash_mark(std::uint64_t hash) noexcept {
    return static_cast<Mark>(hash >> line_bits);
  }

  /// Whether the next `insert` of this hash would split a segment, for which `split` must be called first.
  [[nodiscard]] bool is_full(std::uint64_t hash) const noexcept;
  /// Whether a split can help. Only some 400 keys that share 25 bits of their hash make it false.
  [[nodiscard]] bool can_split(std::uint64_t hash) const noexcept {
    return depths_[segment_index(hash)] < most_depth;
  }
  /// Splits the segment of `hash`; `hash_of(slot)` gives the full hash of a stored slot.
  void split(std::uint64_t hash, absl::FunctionRef<std::uint64_t(Slot)> hash_of);
  /// Adds a slot that is not in the index. Needs `!is_full(hash)`.
  void insert(std::uint64_t hash, Mark mark, Slot slot) noexcept;
  /// Removes a slot that is in the index under this hash.
  void erase(std::uint64_t hash, Slot slot) noexcept;

 private:
  struct Entry {
    std::uint64_t hash;
    Mark mark;
    Slot slot;
  };
  static constexpr unsigned line_bits = 7;
  static constexpr std::size_t lines_per_segment = std::size_t{1} << line_bits;
  static constexpr unsigned most_depth = 25;
  static constexpr std::uint32_t most_per_segment = lines_per_segment * pairs_per_line * 7 / 10;

  // The lowest bits of a hash choose the line, the highest choose the segment.
  static std::size_t line_of(std::uint64_t hash) noexcept { return hash % lines_per_segment; }
  [[nodiscard]] std::size_t segment_index(std::uint64_t hash) const noexcept { return hash >> (64 - depth_); }

  /// A bit for each pair with this mark.
  static unsigned matches(const Line& line, Mark mark) noexcept {
#if defined(__SSE2__)
    const auto* words = reinterpret_cast<const __m128i*>(line.marks.data());
    if constexpr (sizeof(Mark) == sizeof(std::uint32_t)) {
      const __m128i wanted = _mm_set1_epi32(static_cast<int>(mark));
      const __m128i low = _mm_cmpeq_epi32(_mm_load_si128(words), wanted);
      const __m128i high = _mm_cmpeq_epi32(_mm_load_si128(words + 1), wanted);
      return static_cast<unsigned>(
                 _mm_movemask_epi8(_mm_packs_epi16(_mm_packs_epi32(low, high), __m128i{}))) &
             0x7F;
    } else {
      const __m128i wanted = _mm_set1_epi64x(static_cast<long long>(mark));
      const __m128i low = _mm_cmpeq_epi32(_mm_load_si128(words), wanted);
      const __m128i high = _mm_cmpeq_epi32(_mm_load_si128(words + 1), wanted);
      const __m128i halves =
          _mm_packs_epi32(low, high);  // two 16-bit lanes per mark, both set if all of it is equal
      const __m128i whole = _mm_cmpeq_epi32(halves, _mm_set1_epi32(-1));
      return static_cast<unsigned>(_mm_movemask_ps(_mm_castsi128_ps(whole))) |
             static_cast<unsigned>(line.marks[4] == mark) << 4;
    }
#else
    unsigned hits = 0;
    for (unsigned i = 0; i < pairs_per_line; ++i) hits |= static_cast<unsigned>(line.marks[i] == mark) << i;
    return hits;
#endif
  }

  [[nodiscard]] Line* new_segment();
  static void place(Line* segment, const Entry& entry) noexcept;

  detail::StateVector<Line*> directory_;
  detail::StateVector<std::uint8_t> depths_;   // per directory entry: bits its segment has in common
  detail::StateVector<std::uint32_t> counts_;  // per directory entry, kept at the segment's first entry
  detail::StateVector<Entry> moving_;
  detail::StateVector<Line*> emptied_;
  detail::BlockList blocks_;
  Line* next_ = nullptr;
  std::size_t spare_ = 0;
  unsigned depth_ =
      1;  // bits of a hash that choose the directory entry; at least one, so that shifts are whole
  std::size_t size_ = 0;
};

// SlotIndex<std::uint32_t>, SlotIndex<std::uint64_t>: src/state/slot_index.cpp

}  // namespace weir::inline v0

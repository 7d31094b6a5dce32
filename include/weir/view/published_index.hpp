#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <weir/base/hash.hpp>
#include <weir/state/column.hpp>
#include <weir/view/epochs.hpp>

/// \file
/// From a key's hash to its cell, for readers on other threads while one writer changes it.

namespace weir::inline v0::detail {

/// Seven cells with a byte of their hashes each: one cache line. What is in `tags` from the writer's last
/// store on is in `cells` too; a tag of 0 is an empty place, whatever its pointer.
struct alignas(cache_line_bytes) PublishedLine {
  static constexpr std::size_t places = 7;
  std::atomic<std::uint64_t> tags{
      0};  // bytes 0 to 6; byte 7: entries whose probe went past this line, at most 255
  std::array<std::atomic<void*>, places> cells{};
};
static_assert(sizeof(PublishedLine) == cache_line_bytes);

/// The lines that share the first bits of a hash. Only the writer looks at the words before them.
struct alignas(cache_line_bytes) PublishedSegment {
  static constexpr unsigned line_bits = 6;
  static constexpr std::size_t lines_per_segment = std::size_t{1} << line_bits;
  static constexpr std::size_t most = lines_per_segment * PublishedLine::places;

  std::uint32_t count = 0;
  std::uint32_t depth = 0;   // how many bits of the hash all entries have in common
  std::uint64_t prefix = 0;  // those bits, at the top
  std::array<PublishedLine, lines_per_segment> lines{};
};

/// Where the segments are: by the first bits of a hash.
class PublishedDirectory {
 public:
  [[nodiscard]] static PublishedDirectory* make(unsigned depth, std::pmr::memory_resource* memory);
  static void free(PublishedDirectory* directory, std::pmr::memory_resource* memory) noexcept;
  [[nodiscard]] static std::size_t bytes_of(unsigned depth) noexcept {
    return sizeof(PublishedDirectory) + (std::size_t{1} << depth) * sizeof(Entry);
  }

  using Entry = std::atomic<PublishedSegment*>;
  [[nodiscard]] unsigned depth() const noexcept { return 64 - shift_; }
  [[nodiscard]] std::size_t size() const noexcept { return std::size_t{1} << depth(); }
  [[nodiscard]] std::size_t index_of(std::uint64_t hash) const noexcept { return hash >> shift_; }
  [[nodiscard]] const Entry& operator[](std::size_t index) const noexcept {
    return reinterpret_cast<const Entry*>(this + 1)[index];
  }
  [[nodiscard]] Entry& operator[](std::size_t index) noexcept {
    return reinterpret_cast<Entry*>(this + 1)[index];
  }
  [[nodiscard]] const PublishedSegment* segment_of(std::uint64_t hash) const noexcept {
    return (*this)[index_of(hash)].load(std::memory_order_acquire);
  }

 private:
  explicit PublishedDirectory(unsigned depth) noexcept : shift_(64 - depth) {}
  alignas(Entry) unsigned shift_;
};

/// An extendible hash table of pointers to cells. A segment that fills up is copied into two, and two sparse
/// ones into one; readers find the old or the new ones through one pointer. What they were copied from never
/// changes again, so a reader that is still in it sees the map as it was when the copy took its place, which
/// is after the read began.
///
/// Time:    find 1 line expected, 64 at most; insert, erase 1; a split copies one segment, 336 entries; the
///          directory is copied when it doubles or halves
/// Memory:  64 bytes per 2.6 to 5.3 keys, and 8 to 16 bytes per 200 keys
/// Source:  Fagin, Nievergelt, Pippenger, Strong, Extendible hashing, TODS 1979
class PublishedIndex {
 public:
  using HashOf = std::uint64_t (*)(const void* cell, const HashSeed& seed);

  /// What a change of shape put out of use. The caller frees it when no reader can see it any more.
  struct Replaced {
    std::array<PublishedSegment*, 2> segments{};
    PublishedDirectory* directory = nullptr;
  };
  /// Where a cell is kept, and which.
  struct Found {
    std::atomic<void*>* place = nullptr;
    void* cell = nullptr;
  };

  PublishedIndex(HashOf hash_of, const HashSeed& seed);
  PublishedIndex(const PublishedIndex&) = delete;
  PublishedIndex& operator=(const PublishedIndex&) = delete;
  ~PublishedIndex() { clear(); }

  // What readers use.

  [[nodiscard]] const PublishedDirectory& directory() const noexcept {
    return *root_.load(std::memory_order_acquire);
  }
  [[nodiscard]] static std::size_t line_of(std::uint64_t hash) noexcept {
    return hash % PublishedSegment::lines_per_segment;
  }
  /// The place under this hash for whose cell `is_same(cell)` holds.
  template <class IsSame>
  [[nodiscard]] static Found find(const PublishedSegment& segment, std::uint64_t hash, IsSame&& is_same) {
    const std::uint64_t tag = tag_of(hash);
    std::size_t at = line_of(hash);
    for (std::size_t step = 0; step < PublishedSegment::lines_per_segment; ++step) {
      const PublishedLine& line = segment.lines[at];
      const std::uint64_t tags = line.tags.load(std::memory_order_acquire);
      for (std::uint32_t hits = matches(tags, tag); hits != 0; hits &= hits - 1) {
        const auto& place = line.cells[static_cast<std::uint32_t>(__builtin_ctz(hits))];
        void* cell = place.load(std::memory_order_acquire);
        if (is_same(cell)) [[likely]] { return {const_cast<std::atomic<void*>*>(&place), cell}; }
      }
      if (tags >> overflow_shift == 0) [[likely]] { return {}; }
      at = (at + 1) % PublishedSegment::lines_per_segment;
    }
    return {};
  }
  /// The first cell of the hash's own line that may be it: what to prefetch.
  [[nodiscard]] static const void* guess(const PublishedSegment& segment, std::uint64_t hash) noexcept {
    const PublishedLine& line = segment.lines[line_of(hash)];
    const std::uint32_t hits = matches(line.tags.load(std::memory_order_acquire), tag_of(hash));
    if (hits == 0) return nullptr;
    return line.cells[static_cast<std::uint32_t>(__builtin_ctz(hits))].load(std::memory_order_acquire);
  }

  // What the writer uses.

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t size_bytes() const noexcept;
  template <class IsSame>
  [[nodiscard]] Found find(std::uint64_t hash, IsSame&& is_same) const {
    return find(*directory().segment_of(hash), hash, is_same);
  }
  /// Whether the segment of a hash should be split before the next insertion; `has_room` is what insertion
  /// needs.
  [[nodiscard]] bool is_full(std::uint64_t hash) const noexcept;
  [[nodiscard]] bool has_room(std::uint64_t hash) const noexcept;
  [[nodiscard]] Replaced split(std::uint64_t hash);
  void insert(std::uint64_t hash, void* cell) noexcept;
  /// Takes a cell out of the place where `find` found it.
  void erase(std::uint64_t hash, void* cell) noexcept;
  /// Makes one of the hash's segment and its neighbour if both together hold at most `most` entries.
  [[nodiscard]] bool can_merge(std::uint64_t hash, std::size_t most) const noexcept;
  [[nodiscard]] Replaced merge(std::uint64_t hash);
  /// The first hash of the segment behind this one's; 0 behind the last.
  [[nodiscard]] std::uint64_t next_segment(std::uint64_t hash) const noexcept {
    const PublishedSegment& segment = segment_of(hash);
    return segment.depth == 0 ? 0 : segment.prefix + (std::uint64_t{1} << (64 - segment.depth));
  }

  /// Calls `visit(cell)` for every cell.
  template <class Visitor>
  void for_each(Visitor&& visit) const {
    for_each_segment([&visit](PublishedSegment& segment) {
      for (PublishedLine& line : segment.lines) {
        const std::uint64_t tags = line.tags.load(std::memory_order_relaxed);
        for (std::size_t i = 0; i < PublishedLine::places; ++i)
          if ((tags >> (8 * i) & 0xFF) != 0) visit(line.cells[i].load(std::memory_order_relaxed));
      }
    });
  }
  /// Frees all segments. No reader may be inside.
  void clear() noexcept;
  void free(PublishedSegment* segment) noexcept { EndIn<PublishedSegment>{memory_}(segment); }
  void free(PublishedDirectory* directory) noexcept { PublishedDirectory::free(directory, memory_); }

  /// Merging up to here leaves nothing that the next insertion would split.
  static constexpr std::size_t merge_tight = PublishedSegment::most * 71 / 100;
  static constexpr std::size_t merge_loose = PublishedSegment::most * 3 / 8;

 private:
  static constexpr unsigned overflow_shift = 8 * PublishedLine::places;
  static constexpr std::size_t split_at = PublishedSegment::most * 3 / 4;
  static constexpr unsigned least_depth = 1;  // so that shifts are whole

  [[nodiscard]] static std::uint64_t tag_of(std::uint64_t hash) noexcept {
    const std::uint64_t byte = hash >> PublishedSegment::line_bits & 0xFF;
    return byte == 0 ? 1 : byte;
  }
  /// A bit for each of the seven bytes that equals the tag.
  [[nodiscard]] static std::uint32_t matches(std::uint64_t tags, std::uint64_t tag) noexcept {
    const std::uint64_t wanted = tag * 0x0101010101010101;
#if defined(__SSE2__)
    const __m128i equal = _mm_cmpeq_epi8(_mm_cvtsi64_si128(static_cast<long long>(tags)),
                                         _mm_cvtsi64_si128(static_cast<long long>(wanted)));
    return static_cast<std::uint32_t>(_mm_movemask_epi8(equal)) & 0x7F;
#else
    constexpr std::uint64_t low_seven = 0x7F7F7F7F7F7F7F7F;
    const std::uint64_t different = tags ^ wanted;
    const std::uint64_t equal =
        ~(((different & low_seven) + low_seven) | different | low_seven);  // their top bits
    return static_cast<std::uint32_t>((equal >> 7) * 0x0102040810204081 >> 49 & 0x7F);
#endif
  }

  template <class Visitor>
  void for_each_segment(Visitor&& visit) const {
    const PublishedDirectory* all = root_.load(std::memory_order_relaxed);
    if (all == nullptr) return;
    for (std::size_t i = 0; i < all->size();) {
      PublishedSegment* segment = (*all)[i].load(std::memory_order_relaxed);
      i += std::size_t{1} << (all->depth() - segment->depth);
      visit(*segment);
    }
  }
  [[nodiscard]] PublishedSegment& segment_of(std::uint64_t hash) const noexcept;
  [[nodiscard]] PublishedSegment* neighbour_of(const PublishedSegment& segment) const noexcept;
  void place(PublishedSegment& segment, std::uint64_t hash, void* cell) const noexcept;
  template <class Choose>
  void copy(const PublishedSegment& from, Choose&& choose) const;
  void point(PublishedDirectory& directory, PublishedSegment* segment) const noexcept;
  [[nodiscard]] PublishedDirectory* resized(unsigned depth) const;

  // Readers' line: it changes when the directory does.
  alignas(apart_bytes) std::atomic<PublishedDirectory*> root_{nullptr};
  HashOf hash_of_;
  HashSeed seed_;
  std::pmr::memory_resource* memory_ = memory_in_scope();
  // The writer's.
  alignas(apart_bytes) std::size_t size_ = 0;
  std::size_t segments_ = 0;
  std::size_t deepest_ = 0;  // segments as deep as the directory
};

}  // namespace weir::inline v0::detail

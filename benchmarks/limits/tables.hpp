#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include "support/buffer.hpp"

/// \file
/// The tables of the hand-written limits: full key compared, sized beforehand, never grown.

namespace bench::limit {

/// One 64x64 -> 128 multiply, folded: the cheapest hash of good quality for whole numbers.
[[nodiscard]] inline std::uint64_t folded(std::uint64_t k) {
  __extension__ using Wide = unsigned __int128;
  const Wide m = static_cast<Wide>(k ^ 0x9E3779B97F4A7C15ULL) * 0xD6E8FEB86659FD93ULL;
  return static_cast<std::uint64_t>(m) ^ static_cast<std::uint64_t>(m >> 64);
}

/// State below this many bytes lives in the near caches: staging a batch there costs more than it wins.
inline constexpr std::size_t stage_above = std::size_t{512} << 10;

/// Up to this many keys a table may be nearly empty and still stay in the near caches.
inline constexpr std::size_t few_keys = 10'000;

/// Open addressing with the record in the slot: one line per key. Key 0 marks an empty slot.
///
/// What costs is the mispredicted second probe, so the table is kept at most a third full, and when the
/// keys are few a sixteenth.
template <class Record>
class InlineTable {
 public:
  using Place = std::uint64_t;
  static constexpr bool has_index = false;

  explicit InlineTable(std::size_t keys)
      : is_roomy_(keys <= few_keys),
        slots_(std::bit_ceil(keys * (is_roomy_ ? 16 : 3))),
        mask_(slots_.size() - 1) {}

  /// Bytes that the keys it was sized for touch.
  std::size_t working_set() const { return slots_.size() / (is_roomy_ ? 16 : 1) * sizeof(Record); }
  Place home(std::uint64_t key) const { return folded(key) & mask_; }
  void prefetch(Place at) const { __builtin_prefetch(&slots_[at], 1, 3); }
  Record& at(std::uint64_t key, Place at) {
    for (;; at = (at + 1) & mask_) {
      Record& slot = slots_[at];
      if (slot.key == key) [[likely]]
        return slot;
      if (slot.key == 0) {
        slot.key = key;
        return slot;
      }
    }
  }

  /// Ids are positions: 0..id_end()-1, most of them empty.
  std::uint32_t id_end() const { return static_cast<std::uint32_t>(slots_.size()); }
  std::size_t most_ids() const { return slots_.size(); }
  Record& operator[](std::uint32_t id) { return slots_[id]; }

 private:
  bool is_roomy_;
  Buffer<Record> slots_;
  std::uint64_t mask_;
};

/// Lines of eight fingerprints and eight ids beside dense records: a probe is one compare of a line.
template <class Record>
class DenseTable {
 public:
  using Place = std::uint64_t;  ///< the whole hash
  static constexpr bool has_index = true;

  explicit DenseTable(std::size_t keys)
      : lines_(std::bit_ceil(keys * 5 / 3 / 8 + 1)), records_(keys + 1), mask_(lines_.size() - 1) {}

  std::size_t working_set() const { return lines_.size() * sizeof(Line) + records_.size() * sizeof(Record); }
  Place home(std::uint64_t key) const { return folded(key); }
  void prefetch(Place hash) const { __builtin_prefetch(&lines_[hash & mask_], 0, 3); }

  /// Id by fingerprint, 0 when there is none; whoever uses it compares the key in the record.
  std::uint32_t find(Place hash) const {
    const std::uint32_t print = print_of(hash);
    for (std::uint64_t i = hash & mask_;; i = (i + 1) & mask_) {
      const Line& line = lines_[i];
      if (const unsigned hit = matches(line, print); hit != 0) [[likely]] {
        return line.id[std::countr_zero(hit)];
      }
      if (line.print[7] == 0) return 0;  // lines fill from the front
    }
  }
  void prefetch_record(std::uint32_t id) const {
    const auto* const record = reinterpret_cast<const char*>(&records_[id]);
    for (std::size_t at = 0; at < sizeof(Record); at += 64) __builtin_prefetch(record + at, 1, 3);
  }
  Record& verified(std::uint64_t key, Place hash, std::uint32_t id) {
    Record& record = records_[id];
    if (record.key == key) [[likely]]
      return record;
    return records_[found_or_added(key, hash)];
  }
  Record& at(std::uint64_t key, Place hash) { return verified(key, hash, find(hash)); }

  /// Ids in the order in which the keys came, from 1; record 0 belongs to no key.
  std::uint32_t id_end() const { return count_ + 1; }
  std::size_t most_ids() const { return records_.size(); }
  Record& operator[](std::uint32_t id) { return records_[id]; }

 private:
  struct alignas(64) Line {
    std::uint32_t print[8];
    std::uint32_t id[8];
  };

  static std::uint32_t print_of(Place hash) { return static_cast<std::uint32_t>(hash >> 32) | 1; }

  static unsigned matches(const Line& line, std::uint32_t print) {
#if defined(__AVX2__)
    const __m256i wanted = _mm256_set1_epi32(static_cast<int>(print));
    const __m256i seen = _mm256_load_si256(reinterpret_cast<const __m256i*>(line.print));
    return static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(seen, wanted))));
#elif defined(__SSE2__)
    const __m128i wanted = _mm_set1_epi32(static_cast<int>(print));
    const auto* const prints = reinterpret_cast<const __m128i*>(line.print);
    const __m128i low = _mm_cmpeq_epi32(_mm_load_si128(prints), wanted);
    const __m128i high = _mm_cmpeq_epi32(_mm_load_si128(prints + 1), wanted);
    const __m128i both = _mm_packs_epi16(_mm_packs_epi32(low, high), _mm_setzero_si128());
    return static_cast<unsigned>(_mm_movemask_epi8(both));
#else
    unsigned hit = 0;
    for (unsigned i = 0; i < 8; ++i) hit |= unsigned{line.print[i] == print} << i;
    return hit;
#endif
  }

  [[gnu::noinline]] std::uint32_t found_or_added(std::uint64_t key, Place hash) {
    const std::uint32_t print = print_of(hash);
    for (std::uint64_t i = hash & mask_;; i = (i + 1) & mask_) {
      Line& line = lines_[i];
      for (int j = 0; j < 8; ++j) {
        if (line.print[j] == print && records_[line.id[j]].key == key) return line.id[j];
        if (line.print[j] == 0) {
          line.print[j] = print;
          line.id[j] = ++count_;
          records_[count_].key = key;
          return count_;
        }
      }
    }
  }

  Buffer<Line> lines_;
  Buffer<Record> records_;
  std::uint64_t mask_;
  std::uint32_t count_ = 0;
};

/// Records that are looked up this far ahead of the one being applied.
inline constexpr std::size_t ahead = 32;

/// Calls `apply(event, record)` for each event of a batch of at most 256, in order, with the table's
/// lines on their way `ahead` events before they are needed (rolling beats two passes by a fifth).
template <class Table, class Batch, class Apply>
void for_each_record(Table& table, const Batch& batch, Apply&& apply) {
  const std::size_t n = batch.size();
  if (table.working_set() <= stage_above) {
    for (std::size_t i = 0; i < n; ++i) { apply(batch[i], table.at(batch[i].key, table.home(batch[i].key))); }
    return;
  }
  typename Table::Place place[256];
  const auto start = [&](std::size_t i) {
    place[i] = table.home(batch[i].key);
    table.prefetch(place[i]);
  };
  if constexpr (Table::has_index) {
    std::uint32_t id[256];
    const auto look_up = [&](std::size_t i) {
      id[i] = table.find(place[i]);
      table.prefetch_record(id[i]);
    };
    for (std::size_t i = 0; i < std::min(2 * ahead, n); ++i) start(i);
    for (std::size_t i = 0; i < std::min(ahead, n); ++i) look_up(i);
    for (std::size_t i = 0; i < n; ++i) {
      if (i + 2 * ahead < n) start(i + 2 * ahead);
      if (i + ahead < n) look_up(i + ahead);
      apply(batch[i], table.verified(batch[i].key, place[i], id[i]));
    }
  } else {
    for (std::size_t i = 0; i < std::min(ahead, n); ++i) start(i);
    for (std::size_t i = 0; i < n; ++i) {
      if (i + ahead < n) start(i + ahead);
      apply(batch[i], table.at(batch[i].key, place[i]));
    }
  }
}

}  // namespace bench::limit

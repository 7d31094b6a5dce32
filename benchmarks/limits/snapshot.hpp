#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include <weir/base/hash.hpp>

#include "limits/tables.hpp"

/// \file
/// State as one flat array of records: written in pieces of 64 KiB with a checksum, read back into a table. And keys that
/// are over, taken out of a table in the order of their deadlines.

namespace bench::limit {

struct FlatRecord {
  std::uint64_t key;
  std::int64_t window;
  std::int64_t count;
  double sum;
};

inline constexpr std::size_t flat_piece = (std::size_t{64} << 10) / sizeof(FlatRecord);

/// Calls `sink(bytes, checksum)` for each piece.
template <class Sink>
void write_flat(std::span<const FlatRecord> records, Sink&& sink) {
  for (std::size_t at = 0; at < records.size(); at += flat_piece) {
    const std::span<const FlatRecord> piece = records.subspan(at, std::min(flat_piece, records.size() - at));
    sink(piece, XXH3_64bits(piece.data(), piece.size_bytes()));
  }
}

/// Checks the pieces and puts each record where its key belongs. False if a checksum is wrong.
inline bool read_flat(std::span<const FlatRecord> records, std::span<const std::uint64_t> checksums,
                      InlineTable<FlatRecord>& table) {
  for (std::size_t piece = 0; piece < checksums.size(); ++piece) {
    const std::size_t from = piece * flat_piece;
    const std::size_t to = std::min(from + flat_piece, records.size());
    if (XXH3_64bits(&records[from], (to - from) * sizeof(FlatRecord)) != checksums[piece]) return false;
    for (std::size_t i = from; i < to; ++i) {
      if (i + ahead < to) table.prefetch(table.home(records[i + ahead].key));
      table.at(records[i].key, table.home(records[i].key)) = records[i];
    }
  }
  return true;
}

/// Keys with a deadline behind their last touch, all by the same duration: so a ring has them in their order, once per touch.
class Expiring {
 public:
  Expiring(std::size_t keys, std::int64_t retain) : table_(keys), retain_(retain) {}

  void touch(std::uint64_t key, std::int64_t at) {
    Entry& entry = table_.at(key, table_.home(key));
    entry.until = at + retain_;
    ++entry.count;
    ring_.push_back({&entry, entry.until});
  }
  /// How many keys were over.
  std::size_t expire(std::int64_t to) {
    std::size_t over = 0;
    for (; next_ < ring_.size() && ring_[next_].until <= to; ++next_) {
      if (next_ + 16 < ring_.size()) __builtin_prefetch(ring_[next_ + 16].entry, 1, 3);
      Entry& entry = *ring_[next_].entry;
      if (entry.until != ring_[next_].until) continue;
      entry.until = 0;
      entry.count = 0;
      ++over;
    }
    ring_.erase(ring_.begin(), ring_.begin() + static_cast<std::ptrdiff_t>(next_));
    next_ = 0;
    return over;
  }

 private:
  struct Entry {
    std::uint64_t key;
    std::int64_t until;
    std::int64_t count;
    std::int64_t unused;
  };
  struct Waiting {
    Entry* entry;
    std::int64_t until;
  };

  InlineTable<Entry> table_;
  std::int64_t retain_;
  std::vector<Waiting> ring_;
  std::size_t next_ = 0;
};

}  // namespace bench::limit

#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "limits/tables.hpp"
#include "support/buffer.hpp"

/// \file
/// Rows of one line that one thread writes and others read: a sequence lock per row.

namespace bench::limit {

/// Open addressing, sized beforehand. Key 0 marks an empty place.
class SequencedRows {
 public:
  static constexpr std::size_t at_once = 64;

  explicit SequencedRows(std::size_t keys) : rows_(std::bit_ceil(keys * 10 / 7)), mask_(rows_.size() - 1) {}

  void write(std::uint64_t key, double value) {
    Row& row = at(key, folded(key) & mask_);
    const std::uint32_t sequence = row.sequence.load(std::memory_order_relaxed);
    row.sequence.store(sequence + 1, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_release);
    add(row.count, std::uint32_t{1});
    for (std::atomic<double>& sum : row.sums) add(sum, value);
    row.sequence.store(sequence + 2, std::memory_order_release);
  }
  /// The sum of a row's values, and its count.
  [[nodiscard]] double read(std::uint64_t key) { return read(key, folded(key) & mask_); }
  [[nodiscard]] double read(std::span<const std::uint64_t> keys) {
    std::array<std::uint64_t, at_once> places;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      places[i] = folded(keys[i]) & mask_;
      __builtin_prefetch(&rows_[places[i]], 0, 3);
    }
    double total = 0;
    for (std::size_t i = 0; i < keys.size(); ++i) total += read(keys[i], places[i]);
    return total;
  }

 private:
  // Each field is atomic, so that a torn read is no undefined behaviour; it costs nothing.
  struct alignas(64) Row {
    std::uint64_t key;
    std::atomic<std::uint32_t> sequence;
    std::atomic<std::uint32_t> count;
    std::array<std::atomic<double>, 6> sums;
  };

  template <class Value>
  static void add(std::atomic<Value>& to, Value value) {
    to.store(to.load(std::memory_order_relaxed) + value, std::memory_order_relaxed);
  }
  Row& at(std::uint64_t key, std::uint64_t place) {
    for (;; place = (place + 1) & mask_) {
      Row& row = rows_[place];
      if (row.key == key) [[likely]]
        return row;
      if (row.key == 0) {
        row.key = key;
        return row;
      }
    }
  }
  [[nodiscard]] double read(std::uint64_t key, std::uint64_t place) {
    Row& row = at(key, place);
    for (;;) {
      const std::uint32_t before = row.sequence.load(std::memory_order_acquire);
      double total = row.count.load(std::memory_order_relaxed);
      for (const std::atomic<double>& sum : row.sums) total += sum.load(std::memory_order_relaxed);
      std::atomic_thread_fence(std::memory_order_acquire);
      if ((before & 1) == 0 && row.sequence.load(std::memory_order_relaxed) == before) return total;
    }
  }

  Buffer<Row> rows_;
  std::uint64_t mask_;
};

}  // namespace bench::limit

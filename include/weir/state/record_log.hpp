#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

#include <weir/state/column.hpp>
#include <weir/state/pool.hpp>
#include <weir/time/instant.hpp>

/// \file
/// Copies of a key's records in the order of time, those that came first before others of the same instant.

namespace weir::inline v0::detail {

/// The logs of many keys: one small record in the key's own lines, more in a ring.
///
/// Time:    at the end 1 (amortised); an earlier record moves those behind it; look for a time O(log n)
/// Memory:  rings that are at least an eighth full, from pools
/// Errors:  growth fails as `new` or the copy does; the log is then as it was
template <class Record>
class RecordLogs {
 public:
  struct Item {
    EventTime at;
    Record record;
  };
  /// The log of one key.
  class Log {
   public:
    [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
    [[nodiscard]] bool has_ring() const noexcept { return ring_ != nullptr; }
    [[nodiscard]] std::uint32_t capacity() const noexcept {
      if (has_ring()) return std::uint32_t{1} << shape_;
      return has_place ? 1 : 0;
    }

   private:
    friend RecordLogs;
    static constexpr bool has_place = sizeof(Item) <= cache_line_bytes;
    struct NoPlace {};
    struct Place {
      alignas(Item) std::array<std::byte, sizeof(Item)> bytes;
    };

    void* ring_ = nullptr;  // 2^shape places; null: only the one in here, if it has one
    std::uint32_t head_ = 0;
    std::uint32_t size_ = 0;
    std::uint8_t shape_ = 0;
    [[no_unique_address]] std::conditional_t<has_place, Place, NoPlace> place_;
  };

  RecordLogs() {
    pools_.reserve(most_shape);
    for (unsigned shape = 1; shape <= most_shape; ++shape) {
      const std::size_t bytes = sizeof(Item) << shape;
      pools_.emplace_back(bytes, alignof(Item), std::max<std::size_t>(1, block_bytes / bytes));
    }
  }
  RecordLogs(const RecordLogs&) = delete;
  RecordLogs& operator=(const RecordLogs&) = delete;
  ~RecordLogs() { release(unfinished_); }

  [[nodiscard]] static Item& item(const Log& log, std::uint32_t at) noexcept {
    return *std::launder(reinterpret_cast<Item*>(address(log, at)));
  }
  /// The first item that is not before `at`, from the `from`-th on.
  [[nodiscard]] static std::uint32_t lower_bound(const Log& log, EventTime at,
                                                 std::uint32_t from = 0) noexcept {
    std::uint32_t end = log.size_;
    while (from < end) {
      const std::uint32_t middle = from + (end - from) / 2;
      if (item(log, middle).at < at) {
        from = middle + 1;
      } else {
        end = middle;
      }
    }
    return from;
  }
  /// Asks for both ends of a ring.
  static void prefetch_ring(const Log& log) noexcept {
    if (!log.has_ring()) return;
    prefetch_for_write(address(log, 0));
    prefetch_for_write(address(log, log.size_ - 1U));
    prefetch_object(address(log, log.size_), sizeof(Item));
  }

  /// Puts a record behind all that are not later; gives its place.
  std::uint32_t insert(Log& log, EventTime at, const Record& record) {
    if (log.size_ == log.capacity()) resize(log, log.shape_ + 1U);
    new (address(log, log.size_)) Item{at, record};
    std::uint32_t place = log.size_++;
    for (; place > 0 && item(log, place - 1).at > at; --place)
      std::swap(item(log, place), item(log, place - 1));
    return place;
  }
  void drop_first(Log& log) noexcept {
    std::destroy_at(&item(log, 0));
    if (log.has_ring()) log.head_ = (log.head_ + 1) & (log.capacity() - 1);
    --log.size_;
  }
  void erase(Log& log, std::uint32_t place) noexcept {
    for (; place > 0; --place) std::swap(item(log, place), item(log, place - 1));
    drop_first(log);
  }
  /// Gives memory back that is not needed any more.
  void shrink(Log& log) {
    if (!log.has_ring()) return;
    if (log.size_ == 0) {
      release(log);
    } else if (log.shape_ > 1 && log.size_ * 8U <= log.capacity()) {
      resize(log, log.shape_ - 1U);
    }
  }
  void release(Log& log) noexcept {
    if constexpr (!std::is_trivially_destructible_v<Item>) {
      for (std::uint32_t at = 0; at < log.size_; ++at) std::destroy_at(&item(log, at));
    }
    if (log.has_ring()) pools_[log.shape_ - 1U].give_back(log.ring_);
    lend(log, nullptr, 0);
  }

  [[nodiscard]] std::size_t size_bytes() const noexcept {
    std::size_t total = 0;
    for (const RawPool& pool : pools_) total += pool.size_bytes();
    return total;
  }

 private:
  static constexpr unsigned most_shape = 31;
  static constexpr std::size_t block_bytes = std::size_t{1} << 16;

  static std::byte* address(const Log& log, std::uint32_t at) noexcept {
    if constexpr (Log::has_place) {
      if (!log.has_ring()) return const_cast<std::byte*>(log.place_.bytes.data());
    }
    return static_cast<std::byte*>(log.ring_) + sizeof(Item) * ((log.head_ + at) & (log.capacity() - 1));
  }
  /// Gives a log that holds nothing another ring.
  static void lend(Log& log, void* ring, unsigned shape) noexcept {
    log.ring_ = ring;
    log.head_ = 0;
    log.size_ = 0;
    log.shape_ = static_cast<std::uint8_t>(shape);
  }
  /// Moves the items to a ring of another size. What was built of it when a move threw is kept until the next one.
  [[gnu::noinline]] void resize(Log& log, unsigned shape) {
    release(unfinished_);
    lend(unfinished_, pools_[shape - 1].take(), shape);
    for (std::uint32_t at = 0; at < log.size_; ++at) {
      new (address(unfinished_, at)) Item(std::move(item(log, at)));
      ++unfinished_.size_;
    }
    release(log);
    log.ring_ = unfinished_.ring_;
    log.size_ = unfinished_.size_;
    log.shape_ = unfinished_.shape_;
    lend(unfinished_, nullptr, 0);
  }

  std::vector<RawPool> pools_;  // one per shape
  Log unfinished_;
};

}  // namespace weir::inline v0::detail

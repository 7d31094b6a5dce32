#pragma once

#include <algorithm>
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

/// Where the log of one key is.
struct LogPlace {
  void* memory = nullptr;  // a ring of 2^shape places; null if there are none
  std::uint32_t head = 0;
  std::uint32_t size = 0;
  std::uint8_t shape = 0;

  [[nodiscard]] std::uint32_t capacity() const noexcept {
    return memory == nullptr ? 0 : std::uint32_t{1} << shape;
  }
};

/// The logs of many keys, in rings.
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

  [[nodiscard]] static Item& item(const LogPlace& log, std::uint32_t at) noexcept {
    return *std::launder(reinterpret_cast<Item*>(address(log, at)));
  }
  /// The first item that is not before `at`, from the `from`-th on.
  [[nodiscard]] static std::uint32_t lower_bound(const LogPlace& log, EventTime at,
                                                 std::uint32_t from = 0) noexcept {
    std::uint32_t end = log.size;
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
  static void prefetch_first(const LogPlace& log) noexcept {
    if (log.memory != nullptr) prefetch_for_write(address(log, 0));
  }

  /// Puts a record behind all that are not later; gives its place.
  std::uint32_t insert(LogPlace& log, EventTime at, const Record& record) {
    if (log.size == log.capacity()) resize(log, log.shape + 1U);
    new (address(log, log.size)) Item{at, record};
    std::uint32_t place = log.size++;
    for (; place > 0 && item(log, place - 1).at > at; --place)
      std::swap(item(log, place), item(log, place - 1));
    return place;
  }
  void drop_first(LogPlace& log) noexcept {
    std::destroy_at(&item(log, 0));
    log.head = (log.head + 1) & (log.capacity() - 1);
    --log.size;
  }
  void erase(LogPlace& log, std::uint32_t place) noexcept {
    for (; place > 0; --place) std::swap(item(log, place), item(log, place - 1));
    drop_first(log);
  }
  /// Gives memory back that is not needed any more.
  void shrink(LogPlace& log) {
    if (log.memory == nullptr) return;
    if (log.size == 0) {
      release(log);
    } else if (log.shape > 1 && log.size * 8U <= log.capacity()) {
      resize(log, log.shape - 1U);
    }
  }
  void release(LogPlace& log) noexcept {
    const LogPlace gone = std::exchange(log, {});
    if (gone.memory == nullptr) return;
    if constexpr (!std::is_trivially_destructible_v<Item>) {
      for (std::uint32_t at = 0; at < gone.size; ++at) std::destroy_at(&item(gone, at));
    }
    pools_[gone.shape - 1U].give_back(gone.memory);
  }

  [[nodiscard]] std::size_t size_bytes() const noexcept {
    std::size_t total = 0;
    for (const RawPool& pool : pools_) total += pool.size_bytes();
    return total;
  }

 private:
  static constexpr unsigned most_shape = 31;
  static constexpr std::size_t block_bytes = std::size_t{1} << 16;

  static std::byte* address(const LogPlace& log, std::uint32_t at) noexcept {
    return static_cast<std::byte*>(log.memory) + sizeof(Item) * ((log.head + at) & (log.capacity() - 1));
  }
  /// Moves the items to a ring of another size. What was built of it when a move threw is kept until the next one.
  [[gnu::noinline]] void resize(LogPlace& log, unsigned shape) {
    release(unfinished_);
    unfinished_.memory = pools_[shape - 1].take();
    unfinished_.shape = static_cast<std::uint8_t>(shape);
    for (std::uint32_t at = 0; at < log.size; ++at) {
      new (address(unfinished_, at)) Item(std::move(item(log, at)));
      ++unfinished_.size;
    }
    release(log);
    std::swap(log, unfinished_);
  }

  std::vector<RawPool> pools_;  // one per shape
  LogPlace unfinished_;
};

}  // namespace weir::inline v0::detail

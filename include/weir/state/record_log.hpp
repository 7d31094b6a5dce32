#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include <weir/state/archive.hpp>
#include <weir/state/column.hpp>
#include <weir/state/pool.hpp>
#include <weir/time/instant.hpp>

/// \file
/// Copies of a key's records in the order of time, those that came first before others of the same instant.

namespace weir::inline v0::detail {

/// The logs of many keys: one small record in the key's own lines, more in a ring.
///
/// Time:    append 1 (amortised); sort what was appended out of order, and a move of each later one; look for a time O(log n)
/// Memory:  rings that are at least an eighth full, from pools
/// Errors:  growth fails as `new` or the copy does; the log is then as it was
template <class Record>
class RecordLogs {
  static_assert(std::is_move_constructible_v<Record> && std::is_move_assignable_v<Record>,
                "weir: records that are kept are moved into order; give theirs a constructor and an "
                "assignment, which const "
                "members take away");

 public:
  struct Item {
    EventTime at;
    Record record;
  };
  /// The log of one key.
  class Log {
   public:
    [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
    /// Whether all stand in the order of time.
    [[nodiscard]] bool is_sorted() const noexcept { return sorted_ == size_; }
    /// Of the items that do not: the least time.
    [[nodiscard]] EventTime least_unsorted() const noexcept { return least_unsorted_; }
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
    std::uint32_t sorted_ = 0;  // from here on the items stand as they came
    std::uint8_t shape_ = 0;
    EventTime least_unsorted_ = end_of_time;
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
  /// The first item that is not before `at`, from the `from`-th on. Of a log that is sorted.
  [[nodiscard]] static std::uint32_t lower_bound(const Log& log, EventTime at,
                                                 std::uint32_t from = 0) noexcept {
    return first_where(log, from, [at](EventTime other) { return other >= at; });
  }
  /// Asks for both ends of a ring.
  static void prefetch_ring(const Log& log) noexcept {
    if (!log.has_ring()) return;
    prefetch_for_write(address(log, 0));
    prefetch_for_write(address(log, log.size_ - 1U));
    prefetch_object(address(log, log.size_), sizeof(Item));
  }

  /// Puts a record behind all that are not later, and gives its place.
  std::uint32_t insert(Log& log, EventTime at, const Record& record) {
    append(log, at, record);
    sort(log);
    return first_behind(log, at) - 1;
  }
  /// Puts a record last, wherever it belongs.
  void append(Log& log, EventTime at, const Record& record) {
    if (log.size_ == log.capacity()) resize(log, log.shape_ + 1U);
    new (address(log, log.size_)) Item{at, record};
    if (log.is_sorted() && (log.size_ == 0 || item(log, log.size_ - 1U).at <= at)) {
      ++log.sorted_;
    } else {
      log.least_unsorted_ = std::min(log.least_unsorted_, at);
    }
    ++log.size_;
  }
  /// Puts everything in the order of time, and what is of one instant in the order in which it came.
  void sort(Log& log) {
    if (!log.is_sorted()) sort_from(log, first_behind(log, log.least_unsorted_));
  }
  void drop_first(Log& log) noexcept {
    std::destroy_at(&item(log, 0));
    if (log.has_ring()) log.head_ = (log.head_ + 1) & (log.capacity() - 1);
    --log.size_;
    --log.sorted_;
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

  /// Writes a log, or reads one that is empty.
  void archive(Archive& ar, Log& log) requires(Archivable<Record>) {
    sort(log);
    std::size_t count = log.size_;
    ar.size(count, sizeof(EventTime) + least_bytes<Record>());
    EventTime before = no_time;
    for (std::uint32_t at = 0; at < count && ar.is_good(); ++at) {
      if (!ar.is_loading()) {
        ar(item(log, at).at, item(log, at).record);
        continue;
      }
      Item read{};
      ar(read.at, read.record);
      if (read.at < before) ar.fail("records are not in the order of their times");
      if (!ar.is_good()) return;
      before = read.at;
      append(log, read.at, read.record);
    }
  }

  [[nodiscard]] std::size_t size_bytes() const noexcept {
    std::size_t total = moved_.capacity() * sizeof(Item) + order_.capacity() * sizeof(std::uint32_t);
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
  /// The first of the sorted items, from the `from`-th on, for whose time `is_there` holds, as it does for all behind it.
  template <class IsThere>
  [[nodiscard]] static std::uint32_t first_where(const Log& log, std::uint32_t from,
                                                 IsThere&& is_there) noexcept {
    std::uint32_t end = log.sorted_;
    while (from < end) {
      const std::uint32_t middle = from + (end - from) / 2;
      if (is_there(item(log, middle).at)) {
        end = middle;
      } else {
        from = middle + 1;
      }
    }
    return from;
  }
  [[nodiscard]] static std::uint32_t first_behind(const Log& log, EventTime at) noexcept {
    return first_where(log, 0, [at](EventTime other) { return other > at; });
  }
  /// Sorts what stands as it came, and merges it with the sorted items from the `first`-th on.
  [[gnu::noinline]] void sort_from(Log& log, std::uint32_t first) {
    const std::uint32_t tail = log.sorted_ - first;  // where the unsorted ones begin in `moved_`
    moved_.clear();
    moved_.reserve(log.size_ - first);
    order_.clear();
    order_.reserve(log.size_ - log.sorted_);
    for (std::uint32_t at = first; at < log.size_; ++at) moved_.push_back(std::move(item(log, at)));
    for (std::uint32_t at = tail; at < moved_.size(); ++at) order_.push_back(at);
    std::sort(order_.begin(), order_.end(), [this](std::uint32_t a, std::uint32_t b) {
      return moved_[a].at != moved_[b].at ? moved_[a].at < moved_[b].at : a < b;
    });
    std::uint32_t sorted = 0;
    auto unsorted = order_.begin();
    for (std::uint32_t at = first; at < log.size_; ++at) {
      const bool takes_sorted =
          unsorted == order_.end() || (sorted < tail && moved_[sorted].at <= moved_[*unsorted].at);
      item(log, at) = std::move(moved_[takes_sorted ? sorted++ : *unsorted++]);
    }
    moved_.clear();
    log.sorted_ = log.size_;
    log.least_unsorted_ = end_of_time;
  }
  /// Gives a log that holds nothing another ring.
  static void lend(Log& log, void* ring, unsigned shape) noexcept {
    log.ring_ = ring;
    log.head_ = 0;
    log.size_ = 0;
    log.sorted_ = 0;
    log.shape_ = static_cast<std::uint8_t>(shape);
    log.least_unsorted_ = end_of_time;
  }
  /// Moves the items to a ring of another size. What was built of it when a move threw is kept until the next one.
  [[gnu::noinline]] void resize(Log& log, unsigned shape) {
    release(unfinished_);
    lend(unfinished_, pools_[shape - 1].take(), shape);
    for (std::uint32_t at = 0; at < log.size_; ++at) {
      new (address(unfinished_, at)) Item(std::move(item(log, at)));
      ++unfinished_.size_;
    }
    unfinished_.sorted_ = log.sorted_;
    unfinished_.least_unsorted_ = log.least_unsorted_;
    release(log);
    log.ring_ = unfinished_.ring_;
    log.size_ = unfinished_.size_;
    log.sorted_ = unfinished_.sorted_;
    log.shape_ = unfinished_.shape_;
    log.least_unsorted_ = unfinished_.least_unsorted_;
    lend(unfinished_, nullptr, 0);
  }

  StateVector<RawPool> pools_;  // one per shape
  Log unfinished_;
  // Of a sort that is running; kept for their memory.
  StateVector<Item> moved_;
  StateVector<std::uint32_t> order_;
};

}  // namespace weir::inline v0::detail

#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <weir/base/owner.hpp>
#include <weir/state/pool.hpp>
#include <weir/time/instant.hpp>

/// \file
/// Deadlines of very many keys, of which most move before they come: one coarse entry each, sorted only when near.

namespace weir::inline v0::detail {

/// A timing wheel. An entry waits in the bucket of the deadline it was armed for; when that bucket comes up, its owner
/// says what the deadline is by now: an entry whose deadline has moved is armed again, the others are sorted.
///
///     near_, added      what is due in buckets up to opened_: sorted, and a heap of what was armed into them later
///     wheel_            the next 256 buckets
///     far               every other bucket, in a map
///
/// Time:    arm O(1) within 256 buckets, else O(log buckets); coming due O(1) if deadlines differ, O(log n) if not
/// Memory:  one entry per armed deadline; chunks of 512 bytes on the wheel, a vector per bucket beyond it
/// Source:  Varghese, Lauck, Hashed and hierarchical timing wheels, SOSP 1987 (lazy re-arming as in kernels)
///
/// What is not done for every deadline stands in the library, for the entries named at the end.
template <class Entry>
class DeadlineQueue {
  static_assert(std::is_trivially_copyable_v<Entry>);

  struct IgnoreHint {
    void operator()(const Entry&, bool) const noexcept {}
  };

 public:
  /// Deadlines that share a bucket are up to `granularity` apart; it is cut to a power of two.
  explicit DeadlineQueue(Duration granularity);
  DeadlineQueue(const DeadlineQueue&) = delete;
  DeadlineQueue& operator=(const DeadlineQueue&) = delete;
  ~DeadlineQueue();

  /// Forgets all entries, and how far time has come.
  void clear();

  void arm(EventTime deadline, Entry entry) {
    ++size_;
    place(deadline, entry);
  }
  /// How many entries wait, also those whose owner has no deadline for them any more.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  /// No deadline is before this; `end_of_time` if there is none.
  [[nodiscard]] EventTime earliest() const noexcept;

  /// Takes out the entries with deadline <= `to`, by deadline and then by `Entry`'s order, and calls `fire(deadline, entry)`
  /// for each. `deadline_of(entry)` gives an entry's present deadline, never an earlier one than it was armed for, or
  /// `no_time` if it has none any more. `hint(entry, is_due)` comes some entries before either is asked for.
  template <class DeadlineOf, class Fire, class Hint = IgnoreHint>
  void advance(EventTime to, DeadlineOf&& deadline_of, Fire&& fire, Hint&& hint = {}) {
    while (true) {
      const Near* next = nearest();
      if (next == nullptr) {
        if (!open_next(to, deadline_of, hint)) return;
        continue;
      }
      if (next->deadline > to) return;
      const Near taken = *next;
      drop_nearest();
      if (near_at_ + hinted_ahead < near_end_) hint(near_[near_at_ + hinted_ahead].entry, true);
      const EventTime now = deadline_of(taken.entry);
      if (now != taken.deadline && now != no_time) {
        place(now, taken.entry);
        continue;
      }
      --size_;
      if (now == taken.deadline) [[likely]] { fire(now, taken.entry); }
    }
  }

  /// The same in no particular order, which saves sorting what is due.
  template <class DeadlineOf, class Fire, class Hint = IgnoreHint>
  void drain(EventTime to, DeadlineOf&& deadline_of, Fire&& fire, Hint&& hint = {}) {
    while (is_waiting_ && first_ < bucket_of(to)) {
      take_first();
      const std::size_t count = opening_.size();
      for (std::size_t i = 0; i < std::min(hinted_ahead, count); ++i) hint(opening_[i], true);
      for (std::size_t i = 0; i < count; ++i) {
        if (i + hinted_ahead < count) hint(opening_[i + hinted_ahead], true);
        const Entry entry = opening_[i];
        const EventTime now = deadline_of(entry);
        if (now != no_time && now > to) {
          place(now, entry);
          continue;
        }
        --size_;
        if (now != no_time) [[likely]] { fire(now, entry); }
      }
    }
    advance(to, deadline_of, fire, hint);
  }

  [[nodiscard]] std::size_t size_bytes() const noexcept;

 private:
  static constexpr std::size_t spokes = 256;
  static constexpr std::size_t hinted_ahead = 16;

  struct Near {
    EventTime deadline;
    Entry entry;
    friend bool operator<(const Near& a, const Near& b) {
      return a.deadline != b.deadline ? a.deadline < b.deadline : a.entry < b.entry;
    }
  };
  struct Chunk {
    static constexpr std::size_t most = (512 - sizeof(void*)) / sizeof(Entry);
    Chunk* next = nullptr;
    std::array<Entry, most> entries;
    Chunk() noexcept {}  // leaves the entries as they are
  };
  /// A list of chunks on the wheel, of which only the first has room.
  struct Bucket {
    Chunk* chunk = nullptr;
    std::size_t size = Chunk::most;  // of the first chunk
  };
  struct Lists;

  void place(EventTime deadline, Entry entry) {
    const std::int64_t bucket = bucket_of(deadline);
    if (bucket <= opened_) [[unlikely]] { return insert_added(deadline, entry); }
    if (is_on_wheel(bucket)) [[likely]] {
      const std::size_t spoke = static_cast<std::size_t>(bucket) % spokes;
      add(wheel_[spoke], entry);
      occupied_[spoke / 64] |= std::uint64_t{1} << spoke % 64;
    } else {
      add_far(bucket, entry);
    }
    first_ = is_waiting_ ? std::min(first_, bucket) : bucket;
    is_waiting_ = true;
  }
  [[nodiscard]] std::int64_t bucket_of(EventTime at) const noexcept { return ticks(at) >> shift_; }
  [[nodiscard]] EventTime start_of(std::int64_t bucket) const noexcept {
    return event_time(bucket << shift_);
  }
  [[nodiscard]] bool is_on_wheel(std::int64_t bucket) const noexcept {
    return static_cast<std::uint64_t>(bucket) - static_cast<std::uint64_t>(opened_) - 1 < spokes;
  }

  [[nodiscard]] const Near* nearest() const noexcept {
    const Near* sorted = near_at_ < near_end_ ? &near_[near_at_] : nullptr;
    if (added_ == nullptr) [[likely]] { return sorted; }
    return sorted == nullptr || *added_ < *sorted ? added_ : sorted;
  }
  void drop_nearest() {
    if (added_ == nullptr || nearest() != added_) {
      ++near_at_;
    } else {
      drop_added();
    }
  }
  void insert_added(EventTime deadline, Entry entry);
  void drop_added();
  void add_far(std::int64_t bucket, Entry entry);
  void add(Bucket& bucket, Entry entry) {
    if (bucket.size == Chunk::most) [[unlikely]] { add_chunk(bucket); }
    prefetch_for_write(&bucket.chunk->entries[std::min(bucket.size + 8, Chunk::most - 1)]);
    bucket.chunk->entries[bucket.size++] = entry;
  }
  void add_chunk(Bucket& bucket);

  /// Moves the entries of the first bucket to opening_.
  void take_first();
  /// Opens the first bucket unless it begins after `to`.
  template <class DeadlineOf, class Hint>
  bool open_next(EventTime to, DeadlineOf& deadline_of, Hint& hint) {
    if (!is_waiting_ || first_ > bucket_of(to)) {
      opened_ = std::max(opened_, bucket_of(to));
      return false;
    }
    take_first();
    reserve_near();
    for (std::size_t i = 0; i < opening_.size(); ++i) {
      if (i + hinted_ahead < opening_.size()) hint(opening_[i + hinted_ahead], false);
      const Entry& entry = opening_[i];
      const EventTime now = deadline_of(entry);
      if (now == no_time) {
        --size_;
      } else if (bucket_of(now) <= opened_) {
        near_[near_end_++] = {now, entry};
      } else {
        place(now, entry);
      }
    }
    sort_near();
    return true;
  }
  /// Makes room in near_ for what is opening.
  void reserve_near();
  void take_all(Bucket& bucket);
  void find_first();
  void sort_near();

  std::size_t size_ = 0;
  int shift_ = 0;                    // a bucket is 2^shift_ long
  std::int64_t opened_ = INT64_MIN;  // buckets up to it are over, or sorted into near_
  StateVector<Near> near_;           // sorted from near_at_ to near_end_; what lies outside is over
  std::size_t near_at_ = 0;
  std::size_t near_end_ = 0;
  const Near* added_ = nullptr;  // the first of what was armed into opened buckets
  std::array<Bucket, spokes> wheel_{};
  std::array<std::uint64_t, spokes / 64> occupied_{};  // a bit per bucket on the wheel that is not empty
  bool is_waiting_ = false;                            // some bucket is not empty
  std::int64_t first_ = 0;                             // the first one
  StateVector<Entry> opening_;
  Owner<Lists> lists_;
};

/// An entry of a slot, in an order of its own.
struct SlotTimer {
  std::uint64_t sequence;
  Slot slot;
  friend auto operator<=>(const SlotTimer&, const SlotTimer&) = default;
};

// DeadlineQueue<Slot>, DeadlineQueue<SlotTimer>, DeadlineQueue<SessionDeadline>: src/state/deadline_queue.cpp

}  // namespace weir::inline v0::detail

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <weir/state/recycled_map.hpp>
#include <weir/time/instant.hpp>

/// \file
/// Deadlines of very many keys, of which most move before they come: one coarse entry each, sorted only when near.

namespace weir::inline v0::detail {

/// A timing wheel over sparse buckets. An entry sits in the bucket of the deadline it was armed for; when that bucket
/// comes up, its owner says what the deadline is by now, and an entry whose deadline has moved is armed again.
///
/// Time:    arm O(1) in a near bucket, O(log buckets) in a new one; coming due O(log n of its bucket)
/// Memory:  one entry per armed deadline
/// Source:  Varghese, Lauck, Hashed and hierarchical timing wheels, SOSP 1987 (lazy re-arming as in kernels)
template <class Entry>
class DeadlineQueue {
 public:
  /// Deadlines inside `granularity` of each other share a bucket.
  explicit DeadlineQueue(Duration granularity) : granularity_(std::max<std::int64_t>(1, granularity.count())) {}

  void arm(EventTime deadline, Entry entry) {
    const std::int64_t bucket = floor_div(ticks(deadline), granularity_);
    if (bucket <= opened_) {
      insert_near(deadline, std::move(entry));
      return;
    }
    if (last_ == nullptr || last_bucket_ != bucket) {
      last_ = &buckets_.at(bucket);
      last_bucket_ = bucket;
    }
    last_->push_back(std::move(entry));
  }

  /// No deadline is before this; `end_of_time` if there is none.
  [[nodiscard]] EventTime earliest() const noexcept {
    if (const Near* next = nearest(); next != nullptr) return next->first;
    if (buckets_.is_empty()) return end_of_time;
    std::int64_t start = 0;
    if (__builtin_mul_overflow(buckets_.first_key(), granularity_, &start)) return event_time(INT64_MIN + 1);
    return event_time(start);
  }

  /// Takes out the entries with deadline <= `to`, by deadline and then by `Entry`'s order, and calls `fire(deadline, entry)`
  /// for each. `deadline_of(entry)` gives an entry's present deadline, or `no_time` if it has none any more.
  template <class DeadlineOf, class Fire>
  void advance(EventTime to, DeadlineOf&& deadline_of, Fire&& fire) {
    while (true) {
      const Near* next = nearest();
      if (next == nullptr) {
        if (!open_next(to, deadline_of)) return;
        continue;
      }
      if (next->first > to) return;
      const Near taken = *next;
      drop_nearest();
      const EventTime now = deadline_of(taken.second);
      if (now == taken.first) {
        fire(taken.first, taken.second);
      } else if (now != no_time) {
        arm(now, taken.second);
      }
    }
  }

 private:
  using Near = std::pair<EventTime, Entry>;
  struct Later {
    bool operator()(const Near& a, const Near& b) const { return b < a; }
  };

  [[nodiscard]] const Near* nearest() const noexcept {
    const Near* sorted = near_at_ < near_.size() ? &near_[near_at_] : nullptr;
    const Near* added = added_.empty() ? nullptr : &added_.front();
    if (sorted == nullptr || added == nullptr) return sorted == nullptr ? added : sorted;
    return *added < *sorted ? added : sorted;
  }
  void drop_nearest() {
    if (nearest() != (added_.empty() ? nullptr : &added_.front())) {
      ++near_at_;
      return;
    }
    std::pop_heap(added_.begin(), added_.end(), Later{});
    added_.pop_back();
  }
  template <class DeadlineOf>
  bool open_next(EventTime to, DeadlineOf& deadline_of) {
    if (buckets_.is_empty() || buckets_.first_key() > floor_div(ticks(to), granularity_)) return false;
    const std::int64_t bucket = buckets_.first_key();
    opening_.swap(buckets_.first());
    buckets_.drop_first();
    last_ = nullptr;
    opened_ = bucket;
    near_.clear();
    near_at_ = 0;
    for (Entry& entry : opening_) {
      const EventTime now = deadline_of(entry);
      if (now == no_time) continue;
      if (floor_div(ticks(now), granularity_) <= opened_) {
        near_.emplace_back(now, std::move(entry));
      } else {
        arm(now, std::move(entry));
      }
    }
    std::sort(near_.begin(), near_.end());
    opening_.clear();
    return true;
  }
  void insert_near(EventTime deadline, Entry entry) {
    added_.emplace_back(deadline, std::move(entry));
    std::push_heap(added_.begin(), added_.end(), Later{});
  }

  std::int64_t granularity_;
  RecycledMap<std::int64_t, std::vector<Entry>> buckets_;
  std::int64_t opened_ = INT64_MIN;  // buckets up to it are sorted into near_, or over
  std::vector<Near> near_;  // sorted; what lies before near_at_ is over
  std::size_t near_at_ = 0;
  std::vector<Near> added_;  // a heap of what was armed into opened buckets
  std::vector<Entry>* last_ = nullptr;
  std::int64_t last_bucket_ = 0;
  std::vector<Entry> opening_;
};

}  // namespace weir::inline v0::detail

#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <weir/time/instant.hpp>
#include <weir/window/window.hpp>

#include "limits/tables.hpp"
#include "support/events.hpp"
#include "support/tally.hpp"

/// \file
/// Sessions by hand: one line per key, closed in time by a wheel of at most gap / 64 a slot that holds each
/// key once and re-arms it only when its slot comes up.

namespace bench::limit {

template <template <class> class Table, class Sink>
class Session {
 public:
  Session(std::size_t keys, weir::Duration gap, Sink sink)
      : table_(keys),
        gap_(gap.count()),
        slot_shift_(
            static_cast<int>(std::bit_width(static_cast<std::uint64_t>(gap.count() / slots_per_gap))) - 1),
        wheel_(std::bit_ceil(std::size_t{2 * slots_per_gap} + 2)),
        sink_(std::move(sink)) {}

  /// Returns false for a late record.
  bool push(const Event& event) { return apply(event, table_.at(event.key, table_.home(event.key))); }

  std::size_t push(std::span<const Event> batch) {
    std::size_t taken = 0;
    for_each_record(table_, batch,
                    [&](const Event& event, Record& record) { taken += apply(event, record); });
    return taken;
  }

  void finish() { expire(watermark_ + 3 * gap_); }

 private:
  static constexpr std::int64_t slots_per_gap = 64;

  struct alignas(64) Record {
    std::uint64_t key;
    std::int64_t first;
    std::int64_t last;
    double sum;
    double max;
    std::uint32_t count;  ///< 0: no session
    bool is_armed;        ///< waits in the wheel
  };

  bool apply(const Event& event, Record& record) {
    const std::int64_t at = weir::ticks(event.at);
    if (at < watermark_) [[unlikely]]
      return false;  // ordered input: a late record has lost its session
    watermark_ = at;
    if (at >= next_due_) expire(at);
    if (record.count != 0 && at - record.last <= gap_) [[likely]] {
      ++record.count;
      record.sum += event.value;
      record.max = std::max(record.max, event.value);
      record.last = at;
      return true;
    }
    if (record.count != 0) emit(record);
    record.first = at;
    record.last = at;
    record.sum = event.value;
    record.max = event.value;
    record.count = 1;
    if (!record.is_armed) arm(record);
    return true;
  }

  void arm(Record& record) {
    record.is_armed = true;
    slot_of(slot_after(record)).push_back(&record);
  }

  /// First slot that begins after the session's end.
  std::int64_t slot_after(const Record& record) const { return ((record.last + gap_) >> slot_shift_) + 1; }

  std::vector<Record*>& slot_of(std::int64_t tick) {
    return wheel_[static_cast<std::size_t>(tick) & (wheel_.size() - 1)];
  }

  /// Goes through the slots that end at or before `now`.
  [[gnu::noinline]] void expire(std::int64_t now) {
    const std::int64_t until = now >> slot_shift_;
    // After a jump each slot needs to be seen once only.
    tick_ = std::max(tick_, until - static_cast<std::int64_t>(wheel_.size()));
    for (; tick_ < until; ++tick_) {
      due_.clear();
      due_.swap(slot_of(tick_));
      for (std::size_t i = 0; i < due_.size(); ++i) {
        if (i + 16 < due_.size()) __builtin_prefetch(due_[i + 16], 1, 3);
        Record& record = *due_[i];
        if (slot_after(record) <= tick_) {
          emit(record);
          record.count = 0;
          record.is_armed = false;
        } else {
          arm(record);
        }
      }
    }
    next_due_ = (tick_ + 1) << slot_shift_;
  }

  void emit(const Record& record) {
    const weir::EventTime end = weir::event_time(record.last + gap_);
    sink_(weir::Windowed<std::uint64_t, SessionRow>{.key = record.key,
                                                    .window = {weir::event_time(record.first), end},
                                                    .value = {record.count, record.sum, record.max},
                                                    .pane = {.is_final = true},
                                                    .as_of = end,
                                                    .watermark = weir::event_time(watermark_)});
  }

  Table<Record> table_;
  std::int64_t gap_;
  int slot_shift_;  ///< a slot is a power of two of ticks, at most gap / 64
  std::vector<std::vector<Record*>> wheel_;
  std::vector<Record*> due_;
  std::int64_t tick_ = 0;
  std::int64_t next_due_ = 0;
  std::int64_t watermark_ = 0;
  Sink sink_;
};

}  // namespace bench::limit

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include <weir/time/instant.hpp>
#include <weir/window/window.hpp>

#include "limits/tables.hpp"
#include "support/events.hpp"
#include "support/tally.hpp"

/// \file
/// Tumbling count and sum by hand: look the key up (all of it compared), test the time, add, and at the
/// window's end hand out one row per key touched, in first-touch order.

namespace bench::limit {

template <class Sink>
class Tumbling {
 public:
  Tumbling(std::size_t keys, weir::Duration size, Sink sink)
      : table_(keys), touched_(keys), size_(size.count()), sink_(std::move(sink)) {}

  /// Returns false for a late record.
  bool push(const Event& event) { return apply(event, table_.at(event.key, table_.home(event.key))); }

  std::size_t push(std::span<const Event> batch) {
    std::size_t taken = 0;
    for_each_record(table_, batch,
                    [&](const Event& event, Record& record) { taken += apply(event, record); });
    return taken;
  }

  void finish() { fire(); }

 private:
  struct alignas(32) Record {
    std::uint64_t key;
    std::uint32_t epoch;  ///< which window the state below belongs to
    std::uint32_t count;
    double sum;
  };

  bool apply(const Event& event, Record& record) {
    const std::int64_t at = weir::ticks(event.at);
    if (static_cast<std::uint64_t>(at - start_) >= static_cast<std::uint64_t>(size_)) [[unlikely]] {
      if (!roll(at)) return false;
    }
    watermark_ = std::max(watermark_, at);
    if (record.epoch != epoch_) {
      record.epoch = epoch_;
      record.count = 1;
      record.sum = event.value;
      touched_[touched_count_++] = &record;
    } else {
      ++record.count;
      record.sum += event.value;
    }
    return true;
  }

  [[gnu::noinline]] bool roll(std::int64_t at) {
    if (at < start_) return false;
    watermark_ = at;
    fire();
    ++epoch_;
    start_ = at - weir::floor_mod(at, size_);
    return true;
  }

  void fire() {
    const weir::Window window{weir::event_time(start_), weir::event_time(start_ + size_)};
    for (std::size_t i = 0; i < touched_count_; ++i) {
      if (i + ahead < touched_count_) __builtin_prefetch(touched_[i + ahead], 0, 3);
      const Record& record = *touched_[i];
      sink_(weir::Windowed<std::uint64_t, CountSum>{.key = record.key,
                                                    .window = window,
                                                    .value = {record.count, record.sum},
                                                    .pane = {.is_final = true},
                                                    .as_of = window.end,
                                                    .watermark = weir::event_time(watermark_)});
    }
    touched_count_ = 0;
  }

  InlineTable<Record> table_;
  Buffer<Record*> touched_;  ///< first-touch list of the open window
  std::size_t touched_count_ = 0;
  std::int64_t size_;
  std::int64_t start_ = 0;
  std::int64_t watermark_ = 0;
  std::uint32_t epoch_ = 1;
  Sink sink_;
};

}  // namespace bench::limit

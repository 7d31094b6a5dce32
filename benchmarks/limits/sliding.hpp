#pragma once

#include <algorithm>
#include <array>
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
/// Sliding windows by hand: 1 h every 5 min, twelve panes, nothing subtracted.
///
/// A record touches the index line and half a line of its key, whatever the number of open windows. When a
/// pane closes, all keys are walked in the order of their ids (sequential memory), two-stacks in columns: the
/// pane goes to its column, the row is the running aggregate of the newer panes merged with one
/// suffix aggregate of the older ones, and every twelfth time the suffixes are built anew.

namespace bench::limit {

inline constexpr std::size_t hops = 12;  ///< size / every of the cases

struct CountSumPanes {
  using Row = CountSum;
  struct Cell {
    double sum;
    std::uint64_t count;
    void merge(const Cell& other) {
      sum += other.sum;
      count += other.count;
    }
    bool is_empty() const { return count == 0; }
    Row row() const { return {static_cast<std::int64_t>(count), sum}; }
  };

  struct alignas(32) Record {
    std::uint64_t key;
    double now_sum;    ///< current pane
    double newer_sum;  ///< closed panes since the suffixes were built
    std::uint32_t now_count;
    std::uint32_t newer_count;

    void add(double value) {
      now_sum += value;
      ++now_count;
    }
    Cell close() {
      const Cell pane{now_sum, now_count};
      newer_sum += now_sum;
      newer_count += now_count;
      now_sum = 0;
      now_count = 0;
      return pane;
    }
    Cell newer() const { return {newer_sum, newer_count}; }
    void forget_newer() {
      newer_sum = 0;
      newer_count = 0;
    }
  };
};

/// Values of the cases are positive: 0 is "no record".
struct MaxPanes {
  using Row = Peak;
  struct Cell {
    double max;
    void merge(const Cell& other) { max = std::max(max, other.max); }
    bool is_empty() const { return max == 0; }
    Row row() const { return {max}; }
  };

  struct alignas(32) Record {
    std::uint64_t key;
    Cell now;
    Cell since;

    void add(double value) { now.max = std::max(now.max, value); }
    Cell close() {
      const Cell pane = std::exchange(now, Cell{});
      since.merge(pane);
      return pane;
    }
    Cell newer() const { return since; }
    void forget_newer() { since = {}; }
  };
};

template <class Panes, template <class> class Table, class Sink>
class Sliding {
 public:
  Sliding(std::size_t keys, weir::Duration every, Sink sink)
      : table_(keys), every_(every.count()), sink_(std::move(sink)) {
    for (auto& column : column_) column = Buffer<Cell>(table_.most_ids());
  }

  /// Returns false for a late record.
  bool push(const Event& event) { return apply(event, table_.at(event.key, table_.home(event.key))); }

  std::size_t push(std::span<const Event> batch) {
    std::size_t taken = 0;
    for_each_record(table_, batch,
                    [&](const Event& event, Record& record) { taken += apply(event, record); });
    return taken;
  }

  void finish() {
    for (std::size_t i = 0; i < hops; ++i) fire();
  }

 private:
  using Record = typename Panes::Record;
  using Cell = typename Panes::Cell;
  using Row = typename Panes::Row;

  bool apply(const Event& event, Record& record) {
    const std::int64_t at = weir::ticks(event.at);
    if (static_cast<std::uint64_t>(at - start_) >= static_cast<std::uint64_t>(every_)) [[unlikely]] {
      if (!roll(at)) return false;
    }
    watermark_ = std::max(watermark_, at);
    record.add(event.value);
    return true;
  }

  [[gnu::noinline]] bool roll(std::int64_t at) {
    if (at < start_) return false;
    watermark_ = at;
    for (std::size_t i = 0; i <= hops && at - start_ >= every_; ++i) fire();
    start_ = at - weir::floor_mod(at, every_);  // everything is closed when the jump was longer
    return true;
  }

  /// Closes the window that ends with the current pane.
  void fire() {
    const std::int64_t end = start_ + every_;
    const weir::Window window{weir::event_time(end - static_cast<std::int64_t>(hops) * every_),
                              weir::event_time(end)};
    Cell* const closing = column_[slot_].data();
    const bool is_last = slot_ + 1 == hops;  // the window is the newer panes and nothing else
    const Cell* const older = is_last ? nullptr : column_[slot_ + 1].data();
    for (std::uint32_t id = 0; id < table_.id_end(); ++id) {
      Record& record = table_[id];
      closing[id] = record.close();
      Cell whole = record.newer();
      if (!is_last) whole.merge(older[id]);
      if (whole.is_empty()) continue;
      sink_(weir::Windowed<std::uint64_t, Row>{.key = record.key,
                                               .window = window,
                                               .value = whole.row(),
                                               .pane = {.is_final = true},
                                               .as_of = window.end,
                                               .watermark = weir::event_time(watermark_)});
    }
    if (is_last) build_suffixes();
    start_ = end;
    slot_ = is_last ? 0 : slot_ + 1;
  }

  void build_suffixes() {
    for (std::uint32_t id = 0; id < table_.id_end(); ++id) {
      table_[id].forget_newer();
      for (std::size_t i = hops - 1; i-- > 1;) column_[i][id].merge(column_[i + 1][id]);
    }
  }

  Table<Record> table_;
  std::array<Buffer<Cell>, hops> column_;  ///< by pane: raw since the last rebuild, suffixes before
  std::int64_t every_;
  std::int64_t start_ = 0;  ///< of the current pane
  std::size_t slot_ = 0;    ///< of the current pane
  std::int64_t watermark_ = 0;
  Sink sink_;
};

}  // namespace bench::limit

#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include <weir/time/instant.hpp>

#include "limits/tables.hpp"
#include "support/events.hpp"

/// \file
/// Twelve aggregates over three windows by hand: one open pane per key in two lines, merged into the next
/// level when it ends; reads of merges that are kept ready.

namespace bench::limit {

/// Count, sum, mean, variance, min, max, range, first, last, count and sum of the large ones, elapsed: what is
/// stored of them, with plain sums.
struct Twelve {
  std::uint32_t count = 0;
  std::uint32_t large = 0;
  double sum = 0;
  double squares = 0;
  double large_sum = 0;
  double least = 0;
  double most = 0;
  double first = 0;
  double last = 0;
  std::int64_t first_at = 0;
  std::int64_t last_at = 0;

  void add(double x, std::int64_t at) {
    if (count == 0) {
      least = most = first = x;
      first_at = at;
    }
    ++count;
    sum += x;
    squares += x * x;
    least = std::min(least, x);
    most = std::max(most, x);
    last = x;
    last_at = at;
    const bool is_large = x > 50;
    large += is_large ? 1 : 0;
    large_sum += is_large ? x : 0;
  }
  void merge(const Twelve& later) {
    if (later.count == 0) return;
    if (count == 0) {
      *this = later;
      return;
    }
    count += later.count;
    large += later.large;
    sum += later.sum;
    squares += later.squares;
    large_sum += later.large_sum;
    least = std::min(least, later.least);
    most = std::max(most, later.most);
    last = later.last;
    last_at = later.last_at;
  }
  void results(std::span<double, 12> out) const {
    const double n = count;
    out[0] = n;
    out[1] = sum;
    out[2] = count == 0 ? NAN : sum / n;
    out[3] = count < 2 ? NAN : (squares - sum * sum / n) / (n - 1);
    out[4] = least;
    out[5] = most;
    out[6] = most - least;
    out[7] = first;
    out[8] = last;
    out[9] = large;
    out[10] = large_sum;
    out[11] = static_cast<double>(last_at - first_at);
  }
};

/// Keeps the open panes of every key; a pane that ends goes to the end of one long list of all keys.
class RollingUpdate {
 public:
  RollingUpdate(std::size_t keys, std::array<weir::Duration, 3> hops)
      : table_(keys), ended_(keys * 4 + 65536) {
    for (std::size_t i = 0; i < hops.size(); ++i) hops_[i] = hops[i].count();
  }

  void push(std::span<const Event> batch) {
    for_each_record(table_, batch, [this](const Event& event, Record& record) {
      const std::int64_t at = weir::ticks(event.at);
      if (at >= record.end[0]) [[unlikely]]
        roll(record, at);
      record.open[0].add(event.value, at);
    });
  }
  void finish() {}

 private:
  struct alignas(64) Record {
    std::uint64_t key;
    std::array<std::int64_t, 3> end;
    std::array<Twelve, 3> open;
  };

  void roll(Record& record, std::int64_t at) {
    for (std::size_t level = 0; level < 3 && at >= record.end[level]; ++level) {
      Twelve& open = record.open[level];
      if (open.count > 0) {
        ended_[ended_size_++ % ended_.size()] = open;
        if (level < 2) record.open[level + 1].merge(open);
        open = {};
      }
      record.end[level] = at - weir::floor_mod(at, hops_[level]) + hops_[level];
    }
  }

  DenseTable<Record> table_;
  Buffer<Twelve> ended_;
  std::size_t ended_size_ = 0;
  std::array<std::int64_t, 3> hops_{};
};

/// The last hour of each key, exactly: a ring of records per key, of which those that are too old are dropped
/// with every record that comes.
template <bool is_max>
class ExactHour {
 public:
  explicit ExactHour(std::size_t keys) : table_(keys) {}
  ExactHour(const ExactHour&) = delete;
  ExactHour& operator=(const ExactHour&) = delete;
  ~ExactHour() {
    for (std::uint32_t id = 0; id < table_.id_end(); ++id) std::free(table_[id].ring);
  }

  void push(std::span<const Event> batch) {
    for_each_record(table_, batch, [](const Event& event, Record& record) {
      record.add(static_cast<std::uint32_t>(weir::ticks(event.at) / 1000), static_cast<float>(event.value));
    });
  }
  void finish() {}

 private:
  static constexpr std::uint32_t hour = 3'600'000;  // ms
  struct Item {
    std::uint32_t at;
    float value;
  };
  struct alignas(64) Record {
    std::uint64_t key;
    Item* ring;
    double sum;
    std::uint32_t first;
    std::uint32_t count;
    std::uint32_t capacity;

    Item& item(std::uint32_t i) { return ring[(first + i) & (capacity - 1)]; }
    void add(std::uint32_t now, float value) {
      while (count > 0 && now - item(0).at >= hour) {
        sum -= static_cast<double>(item(0).value);
        first = (first + 1) & (capacity - 1);
        --count;
      }
      // For the largest value only those matter that no later one reaches.
      while (is_max && count > 0 && item(count - 1).value <= value) --count;
      if (count == capacity) grow();
      item(count++) = {now, value};
      sum += static_cast<double>(value);
    }
    [[gnu::noinline]] void grow() {
      const std::uint32_t larger = capacity == 0 ? 4 : 2 * capacity;
      auto* const next = static_cast<Item*>(std::malloc(larger * sizeof(Item)));
      for (std::uint32_t i = 0; i < count; ++i) next[i] = item(i);
      std::free(ring);
      ring = next;
      first = 0;
      capacity = larger;
    }
  };

  DenseTable<Record> table_;
};

/// Reads of all windows from what was merged beforehand: per key the open pane, and per window two merges.
class RollingRead {
 public:
  explicit RollingRead(std::size_t keys) : table_(keys) {}

  void add(std::uint64_t key, std::size_t part, double x, std::int64_t at) {
    table_.at(key, table_.home(key)).parts[part].add(x, at);
  }
  /// All 36 values of each key in turn.
  template <class Use>
  void read(std::span<const std::uint64_t> keys, Use&& use) {
    std::array<double, 36> row;
    const std::span<double, 36> out{row};
    for_each_record(table_, Keys{keys}, [&](const KeyOnly&, Record& record) {
      Twelve window = record.parts[0];
      window.merge(record.parts[1]);
      window.results(out.subspan<0, 12>());
      window.merge(record.parts[2]);
      window.merge(record.parts[3]);
      window.results(out.subspan<12, 12>());
      window.merge(record.parts[4]);
      window.merge(record.parts[5]);
      window.results(out.subspan<24, 12>());
      use(row);
    });
  }

 private:
  struct alignas(64) Record {
    std::uint64_t key;
    std::array<Twelve, 6> parts;
  };
  struct KeyOnly {
    std::uint64_t key;
  };
  struct Keys {
    std::span<const std::uint64_t> keys;
    [[nodiscard]] std::size_t size() const { return keys.size(); }
    KeyOnly operator[](std::size_t i) const { return {keys[i]}; }
  };

  DenseTable<Record> table_;
};

}  // namespace bench::limit

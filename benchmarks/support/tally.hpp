#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <weir/window/window.hpp>

#include "support/random.hpp"

/// \file
/// What every contender's rows are counted into, so that a wrong fast path cannot win.

namespace bench {

struct CountSum {
  std::int64_t count = 0;
  double sum = 0;
};

struct Peak {
  double max = 0;
};

struct SessionRow {
  std::int64_t count = 0;
  double sum = 0;
  double max = 0;
};

[[nodiscard]] inline std::uint64_t fingerprint_of(std::uint64_t key) { return key; }
[[nodiscard]] inline std::uint64_t fingerprint_of(std::string_view key) {
  return key.empty() ? 0 : static_cast<unsigned char>(key.back()) + (key.size() << 8);
}

/// Sums over all rows; none depends on the order of the rows.
struct Tally {
  std::uint64_t rows = 0;
  std::uint64_t records = 0;      ///< sum of emitted counts
  double values = 0;              ///< sum of emitted sums or maxima; whole numbers, so exact
  std::uint64_t fingerprint = 0;  ///< keys and bounds of the rows

  template <class Key>
  void add_row(const Key& key, const weir::Window& window) {
    ++rows;
    fingerprint += fingerprint_of(key) * (2 * static_cast<std::uint64_t>(weir::ticks(window.end)) + 1);
  }

  friend bool operator==(const Tally&, const Tally&) = default;
};

/// The host's sink: reads key, bounds and values of each row. Ours and the limits hand rows to the same one.
class TallySink {
 public:
  explicit TallySink(Tally& tally) : tally_(&tally) {}

  template <class Key, class Value>
  void operator()(const weir::Windowed<Key, Value>& row) const {
    asm volatile("" : : "m"(row) : "memory");  // the whole row exists, also where this is inlined
    tally_->add_row(row.key, row.window);
    add(row.value);
  }

 private:
  void add(const CountSum& value) const {
    tally_->records += static_cast<std::uint64_t>(value.count);
    tally_->values += value.sum;
  }
  void add(const SessionRow& value) const {
    tally_->records += static_cast<std::uint64_t>(value.count);
    tally_->values += value.sum + value.max;
  }
  void add(const Peak& value) const { tally_->values += value.max; }

  Tally* tally_;
};

}  // namespace bench

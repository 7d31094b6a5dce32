#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

/// \file
/// Meter: how long the host's calls take, by the host's own clock.

namespace weir::inline v0 {

/// Counts durations in buckets that grow with them.
///
/// Error:   a quantile is at most 1/16 above the true value
/// Memory:  8 KiB, fixed
class LatencyHistogram {
 public:
  void add(std::uint64_t nanoseconds) noexcept {
    ++counts_[bucket(nanoseconds)];
    ++count_;
    total_ += nanoseconds;
    if (nanoseconds > longest_) longest_ = nanoseconds;
  }
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] std::uint64_t total() const noexcept { return total_; }
  [[nodiscard]] std::uint64_t longest() const noexcept { return longest_; }
  /// The upper edge of the bucket that holds the quantile; 0 when nothing was counted. `q` in [0, 1].
  [[nodiscard]] std::uint64_t quantile(double q) const noexcept;

 private:
  static constexpr unsigned sub_bits = 4;
  static constexpr std::size_t buckets = (64 - sub_bits + 1) << sub_bits;
  static std::size_t bucket(std::uint64_t value) noexcept;
  static std::uint64_t upper_edge(std::size_t bucket) noexcept;

  std::array<std::uint64_t, buckets> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t total_ = 0;
  std::uint64_t longest_ = 0;
};

/// Measures calls of the host once it was given a clock; without one it costs a branch per call.
class Meter {
 public:
  using Clock = std::uint64_t (*)();  ///< nanoseconds that never go back

  /// Starts measuring with the host's clock, or stops with null.
  void use(Clock clock) noexcept { clock_ = clock; }
  [[nodiscard]] const LatencyHistogram& calls() const noexcept { return calls_; }
  /// Records pushed while measuring; with `calls().total()` it gives the throughput.
  [[nodiscard]] std::uint64_t records() const noexcept { return records_; }

  void start() noexcept {
    if (clock_ != nullptr) started_ = clock_();
  }
  void stop(std::uint64_t records) noexcept {
    if (clock_ == nullptr) return;
    calls_.add(clock_() - started_);
    records_ += records;
  }

 private:
  Clock clock_ = nullptr;
  std::uint64_t started_ = 0;
  std::uint64_t records_ = 0;
  LatencyHistogram calls_;
};

}  // namespace weir::inline v0

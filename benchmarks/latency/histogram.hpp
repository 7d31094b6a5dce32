#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace bench {

/// Durations in log-linear buckets: 64 to a power of two, so a quantile is at most 1.6 % too high.
class Histogram {
 public:
  void add(std::uint64_t nanoseconds) {
    ++buckets_[bucket_of(nanoseconds)];
    ++count_;
    longest_ = std::max(longest_, nanoseconds);
  }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::uint64_t longest() const { return longest_; }

  /// Upper edge of the bucket that holds the quantile, never above the longest.
  [[nodiscard]] std::uint64_t quantile(double q) const {
    const auto rank = static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(count_)));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      seen += buckets_[i];
      if (seen >= rank && seen > 0) return std::min(longest_, upper_edge(i));
    }
    return longest_;
  }

 private:
  static constexpr unsigned sub_bits = 6;

  static std::size_t bucket_of(std::uint64_t value) {
    if (value < (1U << sub_bits)) return value;
    const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - 1 - sub_bits;
    return (std::size_t{shift + 1} << sub_bits) + ((value >> shift) & ((1U << sub_bits) - 1));
  }
  static std::uint64_t upper_edge(std::size_t bucket) {
    if (bucket < (1U << sub_bits)) return bucket;
    const std::size_t shift = (bucket >> sub_bits) - 1;
    const std::uint64_t mantissa = (1U << sub_bits) + (bucket & ((1U << sub_bits) - 1));
    return ((mantissa + 1) << shift) - 1;
  }

  std::vector<std::uint64_t> buckets_ = std::vector<std::uint64_t>((65 - sub_bits) << sub_bits);
  std::uint64_t count_ = 0;
  std::uint64_t longest_ = 0;
};

}  // namespace bench

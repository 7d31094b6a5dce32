#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "support/random.hpp"

/// \file
/// Sketches by hand: sized beforehand, always dense, no options, no other values than those that come.

namespace bench::limit {

/// HyperLogLog with 2^12 registers of a byte.
class HyperLogLog {
 public:
  static constexpr unsigned precision = 12;

  HyperLogLog() : registers_(count) {}

  void add(std::span<const std::uint64_t> values) {
    unsigned char* const registers = registers_.data();  // a byte that is written may be any pointer's
    for (const std::uint64_t x : values) {
      const std::uint64_t hash = mixed(x);
      const int zeros = std::countl_zero((hash << precision) | (std::uint64_t{1} << (precision - 1)));
      unsigned char& at = registers[hash >> (64 - precision)];
      if (zeros >= at) at = static_cast<unsigned char>(zeros + 1);
    }
  }
  void unite(const HyperLogLog& other) {
    unsigned char* const to = registers_.data();
    const unsigned char* const from = other.registers_.data();
#if defined(__SSE2__)
    const auto raise = [to, from](std::size_t i) {
      auto* const lane = reinterpret_cast<__m128i*>(to + i);
      _mm_storeu_si128(lane, _mm_max_epu8(_mm_loadu_si128(lane),
                                          _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i))));
    };
    for (std::size_t i = 0; i < count; i += 64) {
      raise(i);
      raise(i + 16);
      raise(i + 32);
      raise(i + 48);
    }
#else
    for (std::size_t i = 0; i < count; ++i) to[i] = std::max(to[i], from[i]);
#endif
  }
  /// Good for many more values than there are registers.
  [[nodiscard]] double estimate() const {
    double sum = 0;
    for (const unsigned char zeros : registers_) sum += 1.0 / static_cast<double>(std::uint64_t{1} << zeros);
    return 0.7213 / (1 + 1.079 / count) * count * count / sum;
  }

 private:
  static constexpr std::size_t count = std::size_t{1} << precision;

  std::vector<unsigned char> registers_;
};

/// Counts of positive numbers by their logarithm, 2 % from one bucket to the next; the logarithm is a square between two powers
/// of two.
class LogHistogram {
 public:
  LogHistogram() : counts_(size) {}

  void add(double x) { ++counts_[index(x) & (size - 1)]; }
  /// What lies in the bucket of rank q (n - 1).
  [[nodiscard]] double at(double q, std::size_t n) const {
    const auto rank = static_cast<std::uint64_t>(q * static_cast<double>(n - 1));
    std::uint64_t below = 0;
    std::size_t bucket = 0;
    while (bucket < size && (below += counts_[bucket]) <= rank) ++bucket;
    // The inverse is only needed here, so it is looked for.
    double low = 1e-9;
    double high = 1e9;
    for (int i = 0; i < 100; ++i) {
      const double middle = (low + high) / 2;
      (index(middle) < bucket ? low : high) = middle;
    }
    return low;
  }

 private:
  static constexpr std::size_t size = 4096;
  static constexpr double buckets_per_octave = 35.0028;  // 1 / log2(1.02)

  [[nodiscard]] static std::size_t index(double x) {
    const auto bits = std::bit_cast<std::uint64_t>(x);
    const auto octave = static_cast<double>(static_cast<std::int64_t>(bits >> 52) - 1023);
    const double s = std::bit_cast<double>((bits & 0xFFFFFFFFFFFFF) | 0x3FF0000000000000) - 1;
    const double log = octave + s * (4 - s) * (1.0 / 3);
    return static_cast<std::size_t>(static_cast<int>(log * buckets_per_octave) + 2048);
  }

  std::vector<std::uint32_t> counts_;
};

/// Count-min: four rows of 2^15 counters, all found by parts of one hash.
class CountMin {
 public:
  CountMin() : counts_(rows * width) {}

  void add(std::uint64_t x) {
    const std::uint64_t hash = mixed(x);
    for (std::size_t row = 0; row < rows; ++row) ++counts_[place(hash, row)];
  }
  [[nodiscard]] std::uint64_t count_of(std::uint64_t x) const {
    const std::uint64_t hash = mixed(x);
    std::uint32_t least = counts_[place(hash, 0)];
    for (std::size_t row = 1; row < rows; ++row) least = std::min(least, counts_[place(hash, row)]);
    return least;
  }

 private:
  static constexpr std::size_t rows = 4;
  static constexpr std::size_t width = 32768;

  [[nodiscard]] static std::size_t place(std::uint64_t hash, std::size_t row) {
    return row * width + ((hash >> (16 * row)) & (width - 1));
  }

  std::vector<std::uint32_t> counts_;
};

}  // namespace bench::limit

#pragma once

#include <cmath>
#include <cstdint>

/// \file
/// Random numbers of the benchmarks: fixed seeds, the same on every machine.

namespace bench {

/// splitmix64: one multiply-xorshift chain per number.
class Rng {
 public:
  explicit Rng(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }

  /// Uniform in [0, 1).
  double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

  /// Uniform in [0, n).
  std::uint64_t below(std::uint64_t n) {
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::uint64_t>((static_cast<Wide>(next()) * n) >> 64);
  }

  /// Exponential with that mean.
  double exponential(double mean) { return -std::log(1.0 - unit()) * mean; }

 private:
  std::uint64_t state_;
};

/// Murmur's finaliser: a bijection, so distinct ids give distinct, sparse keys.
[[nodiscard]] constexpr std::uint64_t mixed(std::uint64_t k) {
  k ^= k >> 33;
  k *= 0xff51afd7ed558ccdULL;
  k ^= k >> 33;
  k *= 0xc4ceb9fe1a85ec53ULL;
  return k ^ (k >> 33);
}

/// Zipf ranks 1..n with exponent != 1, by rejection-inversion (Hoermann and Derflinger 1996).
class Zipf {
 public:
  Zipf(std::uint64_t n, double exponent) : n_(static_cast<double>(n)), exponent_(exponent) {
    first_ = integral(1.5) - 1.0;
    last_ = integral(n_ + 0.5);
    accept_ = 2.0 - inverse(integral(2.5) - density(2.0));
  }

  std::uint64_t operator()(Rng& rng) const {
    for (;;) {
      const double u = last_ + rng.unit() * (first_ - last_);
      const double x = inverse(u);
      double rank = std::floor(x + 0.5);
      if (rank < 1.0) rank = 1.0;
      if (rank > n_) rank = n_;
      if (rank - x <= accept_ || u >= integral(rank + 0.5) - density(rank)) {
        return static_cast<std::uint64_t>(rank);
      }
    }
  }

 private:
  double integral(double x) const { return (std::pow(x, 1 - exponent_) - 1) / (1 - exponent_); }
  double inverse(double x) const { return std::pow(1 + x * (1 - exponent_), 1 / (1 - exponent_)); }
  double density(double x) const { return std::pow(x, -exponent_); }

  double n_;
  double exponent_;
  double first_;
  double last_;
  double accept_;
};

}  // namespace bench

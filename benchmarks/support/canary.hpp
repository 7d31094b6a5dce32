#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "support/buffer.hpp"
#include "support/clock.hpp"
#include "support/random.hpp"

/// \file
/// Two fixed loops that know nothing of weir. When they get slower, the machine did.

namespace bench {

/// ns per step of a loop that lives in registers; best of five.
inline double canary_compute() {
  constexpr int steps = 400'000;
  double best = 1e9;
  for (int round = 0; round < 5; ++round) {
    std::uint64_t a = 1;
    std::uint64_t b = 2;
    std::uint64_t c = 3;
    const double start = wall_seconds();
    for (int i = 0; i < steps; ++i) {
      a = a * 0x9E3779B97F4A7C15ULL + 1;
      b = (b ^ (b >> 7)) + static_cast<std::uint64_t>(i);
      c ^= (a ^ b) << 3;
      asm volatile("" : "+r"(c));
    }
    best = std::min(best, (wall_seconds() - start) / steps * 1e9);
  }
  return best;
}

/// ns per random read-modify-write of a line in 64 MiB; best of five.
inline double canary_random_update() {
  constexpr std::size_t lines = std::size_t{1} << 20;
  constexpr std::size_t steps = 200'000;
  static Buffer<std::uint64_t> memory(lines * 8);
  double best = 1e9;
  Rng rng{3};
  for (int round = 0; round < 5; ++round) {
    const double start = wall_seconds();
    for (std::size_t i = 0; i < steps; ++i) ++memory[(rng.next() & (lines - 1)) * 8];
    best = std::min(best, (wall_seconds() - start) / static_cast<double>(steps) * 1e9);
  }
  return best;
}

}  // namespace bench

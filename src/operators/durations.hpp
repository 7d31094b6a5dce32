#pragma once

#include <cstdint>
#include <string>

#include <weir/base/description.hpp>
#include <weir/time/instant.hpp>

// Durations in the words of error messages.

namespace weir::inline v0::detail {

/// The shortest round duration from `least` on that divides `size`; else the first after it.
[[nodiscard]] inline std::int64_t round_step(std::int64_t size, std::int64_t least) {
  constexpr std::int64_t second = 1'000'000;
  constexpr std::int64_t round[] = {10,
                                    20,
                                    50,
                                    100,
                                    200,
                                    500,
                                    1'000,
                                    2'000,
                                    5'000,
                                    10'000,
                                    20'000,
                                    50'000,
                                    100'000,
                                    200'000,
                                    500'000,
                                    second,
                                    2 * second,
                                    5 * second,
                                    10 * second,
                                    15 * second,
                                    30 * second,
                                    60 * second,
                                    300 * second,
                                    600 * second,
                                    900 * second,
                                    1800 * second,
                                    3600 * second,
                                    21600 * second,
                                    86400 * second};
  for (const std::int64_t step : round) {
    if (step >= least && size % step == 0) return step;
  }
  return least;
}

[[nodiscard]] inline std::string shown(Duration duration) { return shown(duration.count()); }

}  // namespace weir::inline v0::detail

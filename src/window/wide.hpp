#pragma once

#include <cstdint>

#include <weir/time/instant.hpp>
#include <weir/window/grid.hpp>

// Division of numbers of 128 bits, of which nearly all have fewer than 64.

namespace weir::inline v0::detail {

/// Rounds down. A division of 128 bits takes several times as long as one of 64.
[[nodiscard]] inline WindowIndex floor_wide(WindowIndex value, std::int64_t divisor) {
  const auto narrow = static_cast<std::int64_t>(value);
  if (narrow == value) [[likely]] { return floor_div(narrow, divisor); }
  return value / divisor - (value % divisor < 0 ? 1 : 0);
}

}  // namespace weir::inline v0::detail

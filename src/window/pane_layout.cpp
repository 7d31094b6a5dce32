#include <weir/window/pane_layout.hpp>

#include <algorithm>
#include <limits>

namespace weir::inline v0::detail {

namespace {

WindowIndex floor_wide(WindowIndex value, std::int64_t divisor) {
  return value / divisor - (value % divisor < 0 ? 1 : 0);
}

}  // namespace

std::pair<PaneIndex, PaneIndex> PaneLayout::panes(const Grid& grid, WindowIndex index) const noexcept {
  using Wide = WindowIndex;
  const auto clamp = [](Wide value) {
    constexpr Wide least = std::numeric_limits<std::int64_t>::min() + 1;
    constexpr Wide most = std::numeric_limits<std::int64_t>::max();
    return static_cast<PaneIndex>(std::clamp(value, least, most));
  };
  if (index + 1 >= after_all_windows) return {clamp(after_all_windows), clamp(after_all_windows)};
  const Wide offset = (Wide{grid.offset()} - origin) / width;
  if (grid.is_cumulating()) {
    const std::int64_t steps = grid.size() / grid.step();
    const Wide high = (Wide{index} + 1) * (grid.step() / width) + offset;
    const Wide low = floor_wide(index, steps) * (grid.size() / width) + offset;
    return {clamp(low), clamp(high - 1)};
  }
  const Wide low = Wide{index} * (grid.step() / width) + offset;
  return {clamp(low), clamp(low + grid.size() / width - 1)};
}

}  // namespace weir::inline v0::detail

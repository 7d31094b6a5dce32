#include <weir/window/pane_layout.hpp>

#include <algorithm>
#include <limits>

namespace weir::inline v0::detail {

std::pair<PaneIndex, PaneIndex> PaneLayout::panes(const Grid& grid, WindowIndex index) const noexcept {
  __extension__ using Wide = __int128;
  const auto clamp = [](Wide value) {
    constexpr Wide least = std::numeric_limits<std::int64_t>::min() + 1;
    constexpr Wide most = std::numeric_limits<std::int64_t>::max();
    return static_cast<PaneIndex>(std::clamp(value, least, most));
  };
  const Wide offset = (Wide{grid.offset()} - origin) / width;
  if (grid.is_cumulating()) {
    const std::int64_t steps = grid.size() / grid.step();
    const Wide high = (Wide{index} + 1) * (grid.step() / width) + offset;
    const Wide low = Wide{floor_div(index, steps)} * (grid.size() / width) + offset;
    return {clamp(low), clamp(high - 1)};
  }
  const Wide low = Wide{index} * (grid.step() / width) + offset;
  return {clamp(low), clamp(low + grid.size() / width - 1)};
}

}  // namespace weir::inline v0::detail

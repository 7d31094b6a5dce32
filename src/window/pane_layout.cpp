#include <weir/window/pane_layout.hpp>

#include <algorithm>
#include <limits>

#include "wide.hpp"

namespace weir::inline v0::detail {

std::pair<WindowIndex, WindowIndex> PaneLayout::panes(const Grid& grid, WindowIndex index) const noexcept {
  if (index + 1 >= after_all_windows) return {after_all_windows, after_all_windows};
  const WindowIndex offset = floor_wide(WindowIndex{grid.offset()} - origin, width);  // exact
  if (grid.is_cumulating()) {
    const std::int64_t steps = grid.size() / grid.step();
    const WindowIndex high = (index + 1) * (grid.step() / width) + offset;
    return {floor_wide(index, steps) * (grid.size() / width) + offset, high - 1};
  }
  const WindowIndex low = index * (grid.step() / width) + offset;
  return {low, low + grid.size() / width - 1};
}

EventTime PaneLayout::start(PaneIndex pane) const noexcept {
  const WindowIndex at = WindowIndex{pane} * width + origin;
  return at < ticks(no_time)       ? no_time
         : at > ticks(end_of_time) ? end_of_time
                                   : event_time(static_cast<std::int64_t>(at));
}

PaneIndex PaneLayout::last_through(WindowIndex pane) noexcept {
  constexpr PaneIndex none = std::numeric_limits<PaneIndex>::min();
  return pane <= none ? none : nearest(pane);
}

PaneIndex PaneLayout::nearest(WindowIndex pane) noexcept {
  constexpr WindowIndex least = std::numeric_limits<PaneIndex>::min() + 1;
  constexpr WindowIndex most = std::numeric_limits<PaneIndex>::max();
  return static_cast<PaneIndex>(std::clamp(pane, least, most));
}

}  // namespace weir::inline v0::detail

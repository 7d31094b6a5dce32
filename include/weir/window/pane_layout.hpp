#pragma once

#include <cstdint>
#include <numeric>
#include <utility>

#include <weir/state/pane_tree.hpp>
#include <weir/window/grid.hpp>

/// \file
/// How windows map to the panes they share.

namespace weir::inline v0::detail {

/// Panes of equal width such that every bound of every window is a bound of a pane.
struct PaneLayout {
  std::int64_t width = 1;
  std::int64_t origin = 0;  // in [0, width)

  /// Makes room for one more grid: the width becomes the greatest that divides all bounds.
  void include(const Grid& grid, bool is_first) {
    if (is_first) {
      width = grid.pane_width();
    } else {
      width = std::gcd(std::gcd(width, grid.pane_width()), grid.offset() - origin);
    }
    origin = floor_mod(grid.offset(), width);
  }
  [[nodiscard]] PaneIndex pane(EventTime at) const noexcept {
    const std::int64_t whole = floor_div(ticks(at), width);
    return floor_mod(ticks(at), width) < origin ? whole - 1 : whole;
  }
  /// The first instant of a pane, saturating.
  [[nodiscard]] EventTime start(PaneIndex pane) const noexcept;
  /// The panes of a window, from first to second, both included. They may lie beyond the panes that records can be in.
  [[nodiscard]] std::pair<WindowIndex, WindowIndex> panes(const Grid& grid, WindowIndex index) const noexcept;
  /// The nearest pane that records can be in.
  [[nodiscard]] static PaneIndex nearest(WindowIndex pane) noexcept;
  /// The last pane up to `pane` that records can be in; the int64 minimum if there is none.
  [[nodiscard]] static PaneIndex last_through(WindowIndex pane) noexcept;
};

}  // namespace weir::inline v0::detail

#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <tuple>
#include <vector>

#include <weir/window/pane_schedule.hpp>
#include <weir/window/touch_lists.hpp>

/// \file
/// The lists of keys that a schedule of panes keeps.

namespace weir::inline v0::detail {

/// One kind of windows, and the keys that its firings are to visit.
struct PaneSchedule::Kind {
  struct Due {
    bool is_some = false;
    WindowIndex index = 0;
    EventTime end = end_of_time;
  };
  explicit Kind(const WindowPlan& with) : plan(with) {}

  [[nodiscard]] const Grid& grid() const noexcept { return plan.grid; }
  [[nodiscard]] Duration grace() const noexcept { return plan.trigger.grace(); }
  /// Its next firing that has a key to visit.
  [[nodiscard]] Due due(const PaneLayout& layout) const;

  WindowPlan plan;
  WindowIndex next = before_all_windows;  // the lowest window that has not fired
  TouchLists pending;                     // panes that no fired window covered
  StateVector<Slot> active;               // keys with panes that fired windows covered
  PaneIndex enrolled =
      std::numeric_limits<PaneIndex>::min();  // panes up to it are in `active`, not in `pending`
  // Empty rows since a key's last record.
  std::map<Slot, std::uint32_t, std::less<Slot>, StateAllocator<std::pair<const Slot, std::uint32_t>>>
      empties;
};

struct PaneSchedule::Lists {
  std::vector<Kind> kinds;
  DeadlineLists amendable;
  StateVector<Slot> amended;
  StateVector<Slot> direct;
  DeadlineLists retired;
  StateVector<Slot> released;  // the last that were taken out of it
  std::vector<Refiring> refirings;
  RecycledMap<std::tuple<EventTime, std::size_t, WindowIndex, Slot>, std::uint32_t> refired;
};

}  // namespace weir::inline v0::detail

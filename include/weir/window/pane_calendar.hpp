#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include <weir/state/column.hpp>
#include <weir/state/pane_tree.hpp>
#include <weir/window/grid.hpp>

/// \file
/// Which keys a window has to look at when it fires: lists by pane, so that silent keys cost nothing.

namespace weir::inline v0::detail {

/// How windows map to the panes they share.
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
  [[nodiscard]] EventTime start(PaneIndex pane) const noexcept {
    std::int64_t at = 0;
    if (__builtin_mul_overflow(pane, width, &at)) return pane < 0 ? no_time : end_of_time;
    return event_time(saturating_add(at, origin));
  }
  /// The panes [first, second) of a window.
  [[nodiscard]] std::pair<PaneIndex, PaneIndex> panes(const Grid& grid, WindowIndex index) const noexcept;
};

/// The keys that touched panes, in the order in which they first did, sorted by pane.
class TouchLists {
 public:
  struct List {
    PaneIndex pane;
    std::vector<Slot> slots;
  };

  [[nodiscard]] bool is_empty() const noexcept { return first_ == lists_.size(); }
  [[nodiscard]] PaneIndex front() const noexcept { return lists_[first_].pane; }
  void add(PaneIndex pane, Slot slot) {
    if (!is_empty() && lists_.back().pane == pane) [[likely]] {
      lists_.back().slots.push_back(slot);
    } else {
      list(pane).slots.push_back(slot);
    }
  }
  /// Takes the list of the oldest pane out; give its memory back with `recycle`.
  [[nodiscard]] std::vector<Slot> take_front() {
    std::vector<Slot> slots = std::move(lists_[first_].slots);
    if (++first_ == lists_.size()) {
      lists_.clear();
      first_ = 0;
    }
    return slots;
  }
  void recycle(std::vector<Slot>&& slots) {
    slots.clear();
    if (slots.capacity() > spare_.capacity()) spare_ = std::move(slots);
  }

 private:
  List& list(PaneIndex pane) {
    if (first_ > 16 && first_ * 2 > lists_.size()) {
      lists_.erase(lists_.begin(), lists_.begin() + static_cast<std::ptrdiff_t>(first_));
      first_ = 0;
    }
    const auto begin = lists_.begin() + static_cast<std::ptrdiff_t>(first_);
    const auto at = std::lower_bound(begin, lists_.end(), pane,
                                     [](const List& one, PaneIndex wanted) { return one.pane < wanted; });
    if (at != lists_.end() && at->pane == pane) return *at;
    return *lists_.insert(at, List{.pane = pane, .slots = std::exchange(spare_, {})});
  }

  std::vector<List> lists_;
  std::size_t first_ = 0;
  std::vector<Slot> spare_;
};

}  // namespace weir::inline v0::detail

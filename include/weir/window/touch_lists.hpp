#pragma once

#include <cstddef>

#include <weir/state/column.hpp>
#include <weir/state/pane_tree.hpp>
#include <weir/state/recycled_map.hpp>
#include <weir/time/instant.hpp>

/// \file
/// Lists of keys that something has to be done for: by pane, or by deadline. Silent keys are in none.

namespace weir::inline v0::detail {

/// The keys that touched panes, in the order in which they first did, sorted by pane.
///
/// Time:    add 1 for the newest pane, else O(log panes) and the move of the lists behind it
/// Memory:  4 bytes per key and pane
class TouchLists {
 public:
  [[nodiscard]] bool is_empty() const noexcept { return first_ == lists_.size(); }
  /// The oldest pane that has a list. Needs `!is_empty()`.
  [[nodiscard]] PaneIndex front() const noexcept { return lists_[first_].pane; }
  void add(PaneIndex pane, Slot slot) {
    // Once the last list is taken out there are none: this is `is_empty` without a division.
    if (!lists_.empty() && lists_.back().pane == pane) [[likely]] {
      lists_.back().slots.push_back(slot);
    } else {
      add_elsewhere(pane, slot);
    }
  }
  /// Calls `visit(pane, slots)` for each list.
  template <class Visit>
  void for_each(Visit&& visit) {
    for (std::size_t i = first_; i < lists_.size(); ++i) visit(lists_[i].pane, lists_[i].slots);
  }
  /// Removes the slots for which `is_gone(slot)` holds. A pane that nobody touched has no list: firings go by the oldest one.
  template <class IsGone>
  void forget(IsGone&& is_gone) {
    for (List& list : lists_) std::erase_if(list.slots, is_gone);
    std::erase_if(lists_, [](const List& list) { return list.slots.empty(); });
    first_ = 0;
  }
  /// Takes the list of the oldest pane out; its memory comes back with `recycle`.
  [[nodiscard]] StateVector<Slot> take_front();
  void recycle(StateVector<Slot>&& slots);
  [[nodiscard]] std::size_t size_bytes() const noexcept;

 private:
  struct List {
    PaneIndex pane;
    StateVector<Slot> slots;
  };
  void add_elsewhere(PaneIndex pane, Slot slot);
  StateVector<Slot>& list(PaneIndex pane);

  StateVector<List> lists_;
  std::size_t first_ = 0;
  StateVector<StateVector<Slot>> spares_;
};

/// Keys by deadline, each list in the order of arrival.
class DeadlineLists {
 public:
  void add(EventTime deadline, Slot slot);
  void add(EventTime deadline, const StateVector<Slot>& slots);
  /// Calls `visit(deadline, slots)` for each list.
  template <class Visit>
  void for_each(Visit&& visit) {
    lists_.for_each_entry(visit);
  }
  /// Removes the slots for which `is_gone(slot)` holds.
  template <class IsGone>
  void forget(IsGone&& is_gone) {
    lists_.drop_if([&is_gone](EventTime, StateVector<Slot>& slots) {
      std::erase_if(slots, is_gone);
      return slots.empty();
    });
  }
  /// Takes the earliest list out if its deadline is not after `to`; false if there is none. What `slots` held is lost.
  bool take(EventTime to, StateVector<Slot>& slots);
  [[nodiscard]] std::size_t size_bytes() const noexcept;

 private:
  RecycledMap<EventTime, StateVector<Slot>> lists_;
};

}  // namespace weir::inline v0::detail

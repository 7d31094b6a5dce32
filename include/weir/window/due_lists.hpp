#pragma once

#include <cstdint>

#include <weir/state/column.hpp>
#include <weir/state/recycled_map.hpp>
#include <weir/time/instant.hpp>
#include <weir/window/grid.hpp>

/// \file
/// What is due when for windows that have a state each.

namespace weir::inline v0::detail {

/// The steps of a window's life, in the order in which they are taken at one instant.
enum class WindowStep : std::uint8_t { early, end, cleanup };

/// A step of one window. Ordered by instant, then step, then window.
struct WindowDue {
  EventTime at;
  WindowStep step;
  WindowIndex window;

  friend auto operator<=>(const WindowDue&, const WindowDue&) = default;
};

/// The keys for which a step of a window is due, each list in the order of arrival.
class DueLists {
 public:
  void add(const WindowDue& due, Slot slot);
  void add(const WindowDue& due, const StateVector<Slot>& slots);
  /// Removes the slots for which `is_gone(slot)` holds.
  template <class IsGone>
  void forget(IsGone&& is_gone) {
    lists_.drop_if([&is_gone](const WindowDue&, StateVector<Slot>& slots) {
      std::erase_if(slots, is_gone);
      return slots.empty();
    });
  }
  /// Takes the earliest list out if it is due at `to`; false if there is none. What `slots` held is lost.
  bool take(EventTime to, WindowDue& due, StateVector<Slot>& slots);
  /// When the earliest list is due; `end_of_time` if there is none.
  [[nodiscard]] EventTime earliest() const noexcept;
  [[nodiscard]] std::size_t size_bytes() const noexcept;

 private:
  RecycledMap<WindowDue, StateVector<Slot>> lists_;
};

}  // namespace weir::inline v0::detail

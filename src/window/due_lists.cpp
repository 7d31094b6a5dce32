#include <weir/window/due_lists.hpp>

namespace weir::inline v0::detail {

bool DueLists::take(EventTime to, WindowDue& due, StateVector<Slot>& slots) {
  if (earliest() > to || lists_.is_empty()) return false;
  due = lists_.first_key();
  slots.clear();
  slots.swap(lists_.first());
  lists_.drop_first();
  return true;
}

}  // namespace weir::inline v0::detail

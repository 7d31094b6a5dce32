#include <weir/window/due_lists.hpp>

#include <utility>

namespace weir::inline v0::detail {

void DueLists::add(const WindowDue& due, std::vector<Slot>&& slots) {
  std::vector<Slot>& list = lists_[due];
  if (list.empty()) {
    list = std::move(slots);
  } else {
    list.insert(list.end(), slots.begin(), slots.end());
  }
}

bool DueLists::take(EventTime to, WindowDue& due, std::vector<Slot>& slots) {
  if (lists_.empty() || lists_.begin()->first.at > to) return false;
  due = lists_.begin()->first;
  slots = std::move(lists_.begin()->second);
  lists_.erase(lists_.begin());
  return true;
}

}  // namespace weir::inline v0::detail

#include <weir/window/touch_lists.hpp>

#include <algorithm>
#include <utility>

namespace weir::inline v0::detail {

std::vector<Slot> TouchLists::take_front() {
  std::vector<Slot> slots = std::move(lists_[first_].slots);
  if (++first_ == lists_.size()) {
    lists_.clear();
    first_ = 0;
  }
  return slots;
}

void TouchLists::recycle(std::vector<Slot>&& slots) {
  slots.clear();
  if (slots.capacity() > spare_.capacity()) spare_ = std::move(slots);
}

std::vector<Slot>& TouchLists::list(PaneIndex pane) {
  if (first_ > 16 && first_ * 2 > lists_.size()) {
    lists_.erase(lists_.begin(), lists_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
  const auto begin = lists_.begin() + static_cast<std::ptrdiff_t>(first_);
  const auto at =
      std::lower_bound(begin, lists_.end(), pane, [](const List& one, PaneIndex wanted) { return one.pane < wanted; });
  if (at != lists_.end() && at->pane == pane) return at->slots;
  return lists_.insert(at, List{.pane = pane, .slots = std::exchange(spare_, {})})->slots;
}

void DeadlineLists::add(EventTime deadline, Slot slot) { lists_[deadline].push_back(slot); }

void DeadlineLists::add(EventTime deadline, std::vector<Slot>&& slots) {
  std::vector<Slot>& list = lists_[deadline];
  if (list.empty()) {
    list = std::move(slots);
  } else {
    list.insert(list.end(), slots.begin(), slots.end());
  }
}

bool DeadlineLists::take(EventTime to, std::vector<Slot>& slots) {
  if (lists_.empty() || lists_.begin()->first > to) return false;
  slots = std::move(lists_.begin()->second);
  lists_.erase(lists_.begin());
  return true;
}

}  // namespace weir::inline v0::detail

#include <weir/window/touch_lists.hpp>

#include <algorithm>
#include <utility>

namespace weir::inline v0::detail {

StateVector<Slot> TouchLists::take_front() {
  StateVector<Slot> slots = std::move(lists_[first_].slots);
  if (++first_ == lists_.size()) {
    lists_.clear();
    first_ = 0;
  }
  return slots;
}

void TouchLists::recycle(StateVector<Slot>&& slots) {
  slots.clear();
  spares_.push_back(std::move(slots));
}

void TouchLists::add_elsewhere(PaneIndex pane, Slot slot) { list(pane).push_back(slot); }

StateVector<Slot>& TouchLists::list(PaneIndex pane) {
  if (first_ > 16 && first_ * 2 > lists_.size()) {
    lists_.erase(lists_.begin(), lists_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
  const auto begin = lists_.begin() + static_cast<std::ptrdiff_t>(first_);
  const auto at = std::lower_bound(begin, lists_.end(), pane,
                                   [](const List& one, PaneIndex wanted) { return one.pane < wanted; });
  if (at != lists_.end() && at->pane == pane) return at->slots;
  List fresh{.pane = pane, .slots = StateVector<Slot>(lists_.get_allocator())};
  if (!spares_.empty()) {
    fresh.slots = std::move(spares_.back());
    spares_.pop_back();
  }
  return lists_.insert(at, std::move(fresh))->slots;
}

void DeadlineLists::add(EventTime deadline, Slot slot) { lists_.at(deadline).push_back(slot); }

void DeadlineLists::add(EventTime deadline, const StateVector<Slot>& slots) {
  StateVector<Slot>& list = lists_.at(deadline);
  list.insert(list.end(), slots.begin(), slots.end());
}

bool DeadlineLists::take(EventTime to, StateVector<Slot>& slots) {
  if (lists_.is_empty() || lists_.first_key() > to) return false;
  slots.clear();
  slots.swap(lists_.first());
  lists_.drop_first();
  return true;
}

namespace {

std::size_t bytes_of(const StateVector<Slot>& slots) { return slots.capacity() * sizeof(Slot); }

}  // namespace

std::size_t TouchLists::size_bytes() const noexcept {
  std::size_t total = lists_.capacity() * sizeof(List) + spares_.capacity() * sizeof(StateVector<Slot>);
  for (const List& list : lists_) total += bytes_of(list.slots);
  for (const StateVector<Slot>& spare : spares_) total += bytes_of(spare);
  return total;
}

std::size_t DeadlineLists::size_bytes() const noexcept {
  std::size_t total = lists_.size_bytes();
  lists_.for_each([&total](const StateVector<Slot>& slots) { total += bytes_of(slots); });
  return total;
}

}  // namespace weir::inline v0::detail

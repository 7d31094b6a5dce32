#include <weir/window/due_lists.hpp>

namespace weir::inline v0::detail {

void DueLists::add(const WindowDue& due, Slot slot) { lists_.at(due).push_back(slot); }

void DueLists::add(const WindowDue& due, const StateVector<Slot>& slots) {
  StateVector<Slot>& list = lists_.at(due);
  list.insert(list.end(), slots.begin(), slots.end());
}

EventTime DueLists::earliest() const noexcept {
  return lists_.is_empty() ? end_of_time : lists_.first_key().at;
}

std::size_t DueLists::size_bytes() const noexcept {
  std::size_t total = lists_.size_bytes();
  lists_.for_each([&total](const StateVector<Slot>& slots) { total += slots.capacity() * sizeof(Slot); });
  return total;
}

bool DueLists::take(EventTime to, WindowDue& due, StateVector<Slot>& slots) {
  if (earliest() > to || lists_.is_empty()) return false;
  due = lists_.first_key();
  slots.clear();
  slots.swap(lists_.first());
  lists_.drop_first();
  return true;
}

}  // namespace weir::inline v0::detail

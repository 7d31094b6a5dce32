#include <weir/view/publisher.hpp>

namespace weir::inline v0::detail {

void PublicationOrder::put_last(Slot slot, EventTime at) {
  places_.grow(std::size_t{slot} + 1);
  take_out(slot);
  Place& place = places_[slot];
  place = {.before = last_, .behind = no_slot, .at = at};
  (last_ == no_slot ? first_ : places_[last_].behind) = slot;
  last_ = slot;
}

void PublicationOrder::take_out(Slot slot) noexcept {
  if (slot >= places_.size() || places_[slot].at == no_time) return;
  const Place place = places_[slot];
  (place.before == no_slot ? first_ : places_[place.before].behind) = place.behind;
  (place.behind == no_slot ? last_ : places_[place.behind].before) = place.before;
  places_[slot] = Place{};
}

}  // namespace weir::inline v0::detail

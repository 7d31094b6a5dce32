#include <weir/state/slot_expiry.hpp>

#include <algorithm>

namespace weir::inline v0::detail {

SlotExpiry::SlotExpiry(Duration within, Clock clock)
    : within_(within),
      clock_(clock),
      queue_(std::clamp(Duration{within / 64}, Duration{0}, Duration{60'000'000})) {}

void SlotExpiry::touch(Slot slot, EventTime at, const std::optional<WallTime>& now) {
  until_.grow(std::size_t{slot} + 1);
  const EventTime until = is_wall() ? behind(now) : later(at, within_);
  EventTime& present = until_[slot].at;
  if (present != no_time) {
    present = std::max(present, until);
    return;
  }
  present = until;
  if (queue_.size() >= most_entries_) return arm_anew();
  arm(slot);
}

void SlotExpiry::forget(std::span<const Slot> slots) {
  for (const Slot slot : slots) drop(slot);
  arm_anew();
}

void SlotExpiry::archive(Archive& archive, Slot slot) {
  until_.grow(std::size_t{slot} + 1);
  archive(until_[slot].at);
  if (!archive.is_loading() || !archive.is_good()) return;
  if (until_[slot].at == no_time) return archive.fail("what a key holds has no end");
  arm(slot);
}

void SlotExpiry::arm_anew() {
  queue_.clear();
  for (Slot slot = 0; slot < until_.size(); ++slot) {
    if (until_[slot].at != no_time) arm(slot);
  }
  most_entries_ = 2 * queue_.size() + least_entries;
}

void SlotExpiry::arm(Slot slot) {
  if (until_[slot].at != end_of_time) return queue_.arm(until_[slot].at, slot);
  has_unstamped_ = is_wall();
}

void SlotExpiry::stamp(WallTime now) {
  has_unstamped_ = false;
  for (Slot slot = 0; slot < until_.size(); ++slot) {
    if (until_[slot].at != unstamped) continue;
    until_[slot].at = behind(now);
    arm(slot);
  }
}

}  // namespace weir::inline v0::detail

#include <weir/state/slot_numbers.hpp>

namespace weir::inline v0::detail {

SlotNumbers::SlotNumbers() = default;
SlotNumbers::~SlotNumbers() = default;

std::vector<Slot> SlotNumbers::all() const {
  std::vector<Slot> slots;
  for (Slot slot = 0; slot < bound_; ++slot) {
    if (is_used(slot)) slots.push_back(slot);
  }
  return slots;
}

Slot SlotNumbers::prepare() {
  if (!free_.empty()) return free_.back();
  if (free_.capacity() == bound_) free_.reserve(2 * free_.capacity() + 16);
  if (bound_ % 64 == 0 && used_.size() == bound_ / 64) used_.push_back(0);
  return bound_;
}

void SlotNumbers::take() noexcept {
  const Slot slot = free_.empty() ? bound_++ : free_.back();
  if (!free_.empty()) free_.pop_back();
  used_[slot / 64] |= std::uint64_t{1} << (slot % 64);
}

void SlotNumbers::give_back(Slot slot) noexcept {
  used_[slot / 64] &= ~(std::uint64_t{1} << (slot % 64));
  free_.push_back(slot);
}

Slot SlotNumbers::next_in_turn() noexcept {
  if (hand_ >= bound_) hand_ = 0;
  return hand_++;
}

std::size_t SlotNumbers::size_bytes() const noexcept {
  return used_.capacity() * sizeof(std::uint64_t) + free_.capacity() * sizeof(Slot);
}

}  // namespace weir::inline v0::detail

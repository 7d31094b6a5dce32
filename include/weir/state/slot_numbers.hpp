#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <weir/state/column.hpp>

/// \file
/// Which slots are in use.

namespace weir::inline v0::detail {

/// Numbers from 0 on, given out and taken back; those taken back are given out first.
///
/// Time:    all calls 1
/// Memory:  4 bytes and a bit per slot
class SlotNumbers {
 public:
  SlotNumbers();
  SlotNumbers(const SlotNumbers&) = delete;
  SlotNumbers& operator=(const SlotNumbers&) = delete;
  ~SlotNumbers();

  /// Every slot in use is below this.
  [[nodiscard]] Slot bound() const noexcept { return bound_; }
  [[nodiscard]] bool is_used(Slot slot) const noexcept { return (used_[slot / 64] >> (slot % 64) & 1U) != 0; }
  /// The slot that `take` would use, and room for taking it and giving it back.
  [[nodiscard]] Slot prepare();
  /// Takes the slot that `prepare` gave.
  void take() noexcept;
  void give_back(Slot slot) noexcept;
  /// All slots below the bound in turn, over and over. Needs `bound() > 0`.
  [[nodiscard]] Slot next_in_turn() noexcept;
  /// All slots in use, in their order.
  [[nodiscard]] std::vector<Slot> all() const;
  [[nodiscard]] std::size_t size_bytes() const noexcept;

 private:
  StateVector<std::uint64_t> used_;
  StateVector<Slot> free_;
  Slot bound_ = 0;
  Slot hand_ = 0;
};

}  // namespace weir::inline v0::detail

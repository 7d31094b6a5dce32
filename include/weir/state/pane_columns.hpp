#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

#include <weir/state/column.hpp>
#include <weir/state/pane_tree.hpp>
#include <weir/state/pool.hpp>

namespace weir::inline v0::detail {

/// A window in the course of its slide over the panes, which never goes back. Its merge is grouped by `middle`, for every
/// key alike: (oldest + (... + (.. + before middle))) + (((middle + ..) + ...) + newest). Panes that a key has not are left out.
struct SlidingPanes {
  PaneIndex low = no_pane;
  PaneIndex middle = no_pane;
  PaneIndex last = no_pane;

  /// Moves on; true if nothing is left before the middle, which then moves to `to_last`.
  bool move_to(PaneIndex to_low, PaneIndex to_last) noexcept {
    low = to_low;
    last = to_last;
    if (low < middle) return false;
    middle = last;
    return true;
  }
};

/// The panes of a sliding window, for slots in blocks of 1024 of which many have them: a column for each pane.
///
///     present     which panes a slot has: bit `pane mod panes`
///     panes[i]    their states
///     suffixes[i] the merge of pane i and those after it, up to the window's middle
///     newer       the merge of those from the middle on
///
/// A row is one merge of a suffix and `newer`; suffixes are built anew when the last of them is used up. Each of the four
/// is read along the slots, and firings visit slots nearly in their order.
///
/// Time:    a row 3 merges amortised while panes come in order; a record in a pane that is here: as many as there are panes
/// Memory:  2 States per slot and pane, so at most 16 per pane that there is: blocks are given up when an eighth is used
/// Source:  two-stacks lite; Tangwongsan, Hirzel, Schneider, DEBS 2017
template <class State>
class PaneColumns {
 public:
  static constexpr unsigned block_bits = 10;
  static constexpr std::size_t block_size = std::size_t{1} << block_bits;
  static constexpr std::int64_t least_panes = 4;  // fewer are merged as fast without
  static constexpr std::int64_t most_panes = 31;
  using Mask = std::uint32_t;

  /// For windows of `panes` panes; does nothing if they are too few or too many.
  explicit PaneColumns(std::int64_t panes)
      : panes_(panes >= least_panes && panes <= most_panes ? static_cast<std::uint32_t>(panes) : 0),
        memory_(block_bytes(), cache_line_bytes, 1) {}

  [[nodiscard]] bool is_on() const noexcept { return panes_ != 0; }
  void grow(std::size_t slots) {
    if (is_on()) blocks_.resize((slots + block_size - 1) / block_size);
  }
  [[nodiscard]] std::size_t blocks() const noexcept { return blocks_.size(); }
  [[nodiscard]] std::size_t size_bytes() const noexcept { return memory_.size_bytes(); }

  [[nodiscard]] const SlidingPanes& window() const noexcept { return window_; }
  /// Moves the window; true if the middle moved: then each block has to be kept or dropped, filled, and stacked.
  bool move_to(PaneIndex low, PaneIndex last) noexcept {
    const PaneIndex before = window_.last;
    const bool turns = window_.move_to(low, last);
    filled_ = before;
    low_at_ = column(low);
    last_at_ = column(last);
    older_ = bits(low, window_.middle - 1);
    newer_ = bits(window_.middle, last);
    erased_through_ = no_pane;
    return turns;
  }

  [[nodiscard]] bool has(Slot slot) const noexcept {
    return (slot >> block_bits) < blocks_.size() && blocks_[slot >> block_bits] != nullptr;
  }
  /// Whether a pane of the slot belongs here.
  [[nodiscard]] bool takes(Slot slot, PaneIndex pane) const noexcept {
    return pane >= window_.low && pane <= window_.last && has(slot);
  }
  [[nodiscard]] Mask present(Slot slot) const noexcept { return has(slot) ? *presence(slot) & ~stale : 0; }
  [[nodiscard]] bool contains(Slot slot, PaneIndex pane) const noexcept { 
    return has(slot) && (*presence(slot) >> column(pane) & 1U) != 0;
  }
  [[nodiscard]] State& state(Slot slot, PaneIndex pane) noexcept { return *cell(slot, column(pane)); }

  void prefetch(Slot slot) const noexcept {
    if (!has(slot)) return;
    prefetch_for_write(presence(slot));
    prefetch_for_write(cell(slot, last_at_));
    prefetch_for_read(suffix(slot, low_at_));
    prefetch_for_write(newer(slot));
  }

  /// The state of a pane, made if it was not there, for a record out of turn: the slot is merged anew at its next row.
  State& at(Slot slot, PaneIndex pane, bool& is_new) noexcept {
    const Mask bit = Mask{1} << column(pane);
    Mask& mask = *presence(slot);
    is_new = (mask & bit) == 0;
    if (is_new) *cell(slot, column(pane)) = State{};
    mask |= bit | stale;
    return *cell(slot, column(pane));
  }
  /// Takes a pane in that has closed. Each slot's panes come in order.
  template <class Merge>
  void close(Slot slot, PaneIndex pane, const State& state, const Merge& merge) noexcept {
    const std::uint32_t at = pane == window_.last ? last_at_ : column(pane);
    Mask& mask = *presence(slot);
    *cell(slot, at) = state;
    if (pane < window_.middle || pane <= filled_) {
      mask |= stale;
    } else if ((mask & newer_) == 0) {
      *newer(slot) = state;
    } else {
      merge(*newer(slot), state);
    }
    mask |= Mask{1} << at;
  }
  /// The merge of the window's panes of a slot, null if it has none of them.
  template <class Merge>
  const State* whole(Slot slot, const Merge& merge, State& scratch) noexcept {
    Mask& mask = *presence(slot);
    if ((mask & stale) != 0) [[unlikely]] {
      stack(slot, merge);
    }
    const bool has_older = (mask & older_) != 0;
    if ((mask & newer_) == 0) return has_older ? suffix(slot, low_at_) : nullptr;
    if (!has_older) return newer(slot);
    scratch = *suffix(slot, low_at_);
    merge(scratch, *newer(slot));
    return &scratch;
  }
  void erase_through(Slot slot, PaneIndex last) noexcept {
    if (last < window_.low || !has(slot)) return;
    if (last != erased_through_) {
      erased_through_ = last;
      erased_ = bits(window_.low, std::min(last, window_.last));
    }
    Mask& mask = *presence(slot);
    mask &= ~erased_;
    if (mask == stale) mask = 0;
  }

  /// Panes that a block has.
  [[nodiscard]] std::size_t count(std::size_t block) const noexcept {
    std::size_t all = 0;
    for (std::size_t i = 0; i < block_size; ++i) {
      all += static_cast<std::size_t>(std::popcount(*presence(static_cast<Slot>(block * block_size + i)) & ~stale));
    }
    return all;
  }
  [[nodiscard]] bool is_worth(std::size_t panes, bool is_there) const noexcept {
    return panes * (is_there ? 8U : 4U) >= block_size * panes_;
  }
  void add(std::size_t block) {
    auto* made = static_cast<std::byte*>(memory_.take());
    std::uninitialized_value_construct_n(reinterpret_cast<Mask*>(made), block_size);
    blocks_[block] = made;
  }
  void drop(std::size_t block) noexcept { memory_.give_back(std::exchange(blocks_[block], nullptr)); }
  /// Builds the suffixes of a block when the middle has moved and every pane up to it is in.
  template <class Merge>
  void stack_block(std::size_t block, const Merge& merge) noexcept {
    const auto first = static_cast<Slot>(block * block_size);
    std::array<bool, block_size> has_later{};
    std::uint32_t later = low_at_;
    for (PaneIndex pane = window_.middle; pane > window_.low; later = column(pane)) {
      --pane;
      const std::uint32_t at = column(pane);
      for (Slot slot = first; slot < first + block_size; ++slot) {
        has_later[slot - first] = put_suffix(slot, at, later, has_later[slot - first], merge);
      }
    }
    for (Slot slot = first; slot < first + block_size; ++slot) *presence(slot) &= ~stale;
  }

 private:
  static constexpr Mask stale = Mask{1} << 31;  // the suffixes and `newer` of the slot have to be built

  [[nodiscard]] std::size_t block_bytes() const noexcept {
    return block_size * (sizeof(Mask) + (2 * std::size_t{panes_} + 1) * sizeof(State));
  }
  [[nodiscard]] std::uint32_t column(PaneIndex pane) const noexcept {
    return static_cast<std::uint32_t>(floor_mod(pane, panes_));
  }
  /// Of at most `panes_` panes.
  [[nodiscard]] Mask bits(PaneIndex first, PaneIndex last) const noexcept {
    Mask all = 0;
    for (PaneIndex pane = first; pane <= last; ++pane) all |= Mask{1} << column(pane);
    return all;
  }
  [[nodiscard]] std::byte* block(Slot slot) const noexcept { return blocks_[slot >> block_bits]; }
  [[nodiscard]] Mask* presence(Slot slot) const noexcept {
    return std::launder(reinterpret_cast<Mask*>(block(slot))) + (slot & (block_size - 1));
  }
  [[nodiscard]] State* states(Slot slot, std::size_t column) const noexcept {
    auto* all = reinterpret_cast<State*>(block(slot) + block_size * sizeof(Mask));
    return all + column * block_size + (slot & (block_size - 1));
  }
  [[nodiscard]] State* newer(Slot slot) const noexcept { return states(slot, 0); }
  [[nodiscard]] State* cell(Slot slot, std::uint32_t at) const noexcept { return states(slot, 1 + at); }
  [[nodiscard]] State* suffix(Slot slot, std::uint32_t at) const noexcept { return states(slot, 1 + panes_ + at); }

  template <class Merge>
  bool put_suffix(Slot slot, std::uint32_t at, std::uint32_t later, bool has_later, const Merge& merge) noexcept {
    const bool has_this = (*presence(slot) >> at & 1U) != 0;
    if (has_this) {
      *suffix(slot, at) = *cell(slot, at);
      if (has_later) merge(*suffix(slot, at), *suffix(slot, later));
    } else if (has_later) {
      *suffix(slot, at) = *suffix(slot, later);
    }
    return has_this || has_later;
  }
  template <class Merge>
  [[gnu::noinline]] void stack(Slot slot, const Merge& merge) noexcept {
    Mask& mask = *presence(slot);
    bool has_later = false;
    std::uint32_t later = low_at_;
    for (PaneIndex pane = window_.middle; pane > window_.low; later = column(pane)) {
      --pane;
      has_later = put_suffix(slot, column(pane), later, has_later, merge);
    }
    bool has_newer = false;
    for (PaneIndex pane = window_.middle; pane <= window_.last; ++pane) {
      if ((mask >> column(pane) & 1U) == 0) continue;
      if (has_newer) {
        merge(*newer(slot), *cell(slot, column(pane)));
      } else {
        *newer(slot) = *cell(slot, column(pane));
      }
      has_newer = true;
    }
    mask &= ~stale;
  }

  std::uint32_t panes_;
  SlidingPanes window_;
  PaneIndex filled_ = no_pane;  // where the window before ended
  std::uint32_t low_at_ = 0;
  std::uint32_t last_at_ = 0;
  Mask older_ = 0;
  Mask newer_ = 0;
  PaneIndex erased_through_ = no_pane;
  Mask erased_ = 0;
  std::vector<std::byte*> blocks_;
  RawPool memory_;
};

}  // namespace weir::inline v0::detail

#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include <weir/state/column.hpp>
#include <weir/state/pane_tree.hpp>
#include <weir/state/pool.hpp>
#include <weir/time/instant.hpp>

namespace weir::inline v0::detail {

/// A window in the course of its slide over the panes, which never goes back. Its merge is grouped by `middle`, for every
/// key alike: (oldest + (... + (.. + before middle))) + (((middle + ..) + ...) + newest). Panes that a key has not are left
/// out. The middle is the multiple of the window's length that lies in it, so it depends on where the window is and on
/// nothing that was before.
struct SlidingPanes {
  PaneIndex low = no_pane;
  PaneIndex middle = no_pane;
  PaneIndex last = no_pane;

  /// Moves on; true if the middle has moved.
  bool move_to(PaneIndex to_low, PaneIndex to_last) noexcept {
    low = to_low;
    last = to_last;
    const std::int64_t behind = floor_mod(low, last - low + 1);
    const PaneIndex before = std::exchange(middle, behind == 0 ? low : last + 1 - behind);
    return middle != before;
  }
};

/// Of a store over which no window slides.
struct NoColumns {
  struct View {
    [[nodiscard]] static constexpr bool is_there() noexcept { return false; }
  };
  explicit NoColumns(std::int64_t /*panes*/) noexcept {}
  [[nodiscard]] static constexpr bool is_on() noexcept { return false; }
  [[nodiscard]] static constexpr std::uint32_t present(Slot /*slot*/) noexcept { return 0; }
  [[nodiscard]] static constexpr SlidingPanes window() noexcept { return {}; }
  [[nodiscard]] static constexpr std::size_t size_bytes() noexcept { return 0; }
  void grow(std::size_t /*slots*/) noexcept {}
  void prefetch(Slot /*slot*/) const noexcept {}
};

/// The columns of some slots.
struct PaneBlock {
  std::byte* memory = nullptr;  // null: they are not there
  std::uint32_t turn = 0;
  std::uint32_t misses = 0;
};
void grow_blocks(StateVector<PaneBlock>& blocks, std::size_t count);

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
/// Needs:   windows one after the other, and a visit of each slot that has panes in one, before the next
/// Time:    a row 3 merges amortised while panes come in order; after a record in a pane that is here, as many as panes
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
    if (is_on()) grow_blocks(blocks_, (slots + block_size - 1) / block_size);
  }
  [[nodiscard]] std::size_t size_bytes() const noexcept { return memory_.size_bytes(); }

  [[nodiscard]] const SlidingPanes& window() const noexcept { return window_; }
  /// Moves the window; panes up to `dead` are in no later one. When the middle moves, each block has to turn.
  void move_to(PaneIndex low, PaneIndex last, PaneIndex dead) noexcept {
    const PaneIndex before = window_.last;
    if (window_.move_to(low, last)) ++turn_;
    filled_ = before;
    low_at_ = column(low);
    last_at_ = column(last);
    older_ = bits(low, window_.middle - 1);
    newer_ = bits(window_.middle, last);
    dead_ = bits(low, std::min(dead, last));
  }

  [[nodiscard]] bool has(Slot slot) const noexcept {
    return (slot >> block_bits) < blocks_.size() && blocks_[slot >> block_bits].memory != nullptr;
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
  /// Where a block's part in the rows of the present window lies: found once for all its slots.
  class View {
   public:
    [[nodiscard]] bool is_of(Slot slot) const noexcept { return slot >> block_bits == block_; }
    [[nodiscard]] bool is_there() const noexcept { return presence_ != nullptr; }
    /// Takes the window's last pane in, if nothing of the slot is out of turn.
    template <class Merge>
    void close(Slot slot, const State& state, const Merge& merge) {
      const std::size_t at = slot & (block_size - 1);
      Mask& mask = presence_[at];
      last_[at] = state;
      if ((mask & newer_bits_) == 0) {
        newer_[at] = state;
      } else {
        merge(newer_[at], state);
      }
      mask |= last_bit_;
    }
    [[nodiscard]] bool is_in_turn(Slot slot) const noexcept {
      return (presence_[slot & (block_size - 1)] & stale) == 0;
    }
    /// The merge of the window's panes of a slot that is in turn. Those that no later window has are then gone.
    template <class Merge>
    const State* take_whole(Slot slot, const Merge& merge, State& scratch) {
      const std::size_t at = slot & (block_size - 1);
      const Mask mask = presence_[at];
      presence_[at] = mask & later_bits_;
      if ((mask & newer_bits_) == 0) return (mask & older_bits_) != 0 ? &suffix_[at] : nullptr;
      if ((mask & older_bits_) == 0) return &newer_[at];
      scratch = suffix_[at];
      merge(scratch, newer_[at]);
      return &scratch;
    }

   private:
    friend class PaneColumns;
    Slot block_ = no_slot;
    Mask* presence_ = nullptr;
    State* last_ = nullptr;
    State* newer_ = nullptr;
    const State* suffix_ = nullptr;
    Mask last_bit_ = 0;
    Mask newer_bits_ = 0;
    Mask older_bits_ = 0;
    Mask later_bits_ = 0;
  };
  [[nodiscard]] View view(Slot slot) const noexcept {
    View found;
    found.block_ = slot >> block_bits;
    if (!has(slot)) return found;
    const Slot first = found.block_ << block_bits;
    found.presence_ = presence(first);
    found.last_ = cell(first, last_at_);
    found.newer_ = newer(first);
    found.suffix_ = suffix(first, low_at_);
    found.last_bit_ = Mask{1} << last_at_;
    found.newer_bits_ = newer_;
    found.older_bits_ = older_;
    found.later_bits_ = ~dead_;
    return found;
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
  void close(Slot slot, PaneIndex pane, const State& state, const Merge& merge) {
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
  /// Merges a slot anew.
  template <class Merge>
  [[gnu::noinline]] void stack(Slot slot, const Merge& merge) {
    bool has_later = false;
    std::uint32_t later = low_at_;
    for (PaneIndex pane = window_.middle; pane > window_.low; later = column(pane)) {
      --pane;
      has_later = put_suffix(slot, column(pane), later, has_later, merge);
    }
    build_newer(slot, merge);
  }
  void erase_through(Slot slot, PaneIndex last) noexcept {
    if (last < window_.low || !has(slot)) return;
    Mask& mask = *presence(slot);
    if ((mask & ~stale) != 0) mask &= ~bits(window_.low, std::min(last, window_.last));
    if (mask == stale) mask = 0;
  }

  /// Whether the slot's block has to be kept or dropped, filled, and stacked, because the middle has moved. Says so once.
  [[nodiscard]] bool turns(Slot slot) noexcept {
    return std::exchange(blocks_[slot >> block_bits].turn, turn_) != turn_;
  }
  /// Notes that a window had panes of a slot that is not here.
  void count_miss(Slot slot) noexcept { ++blocks_[slot >> block_bits].misses; }
  /// Whether a block can be worth it that is not there. A look at all its slots then costs less than the visits since the
  /// last one.
  [[nodiscard]] bool may_be_worth(Slot slot) noexcept {
    return std::exchange(blocks_[slot >> block_bits].misses, 0U) >= block_size * panes_ / 4;
  }
  [[nodiscard]] bool is_worth(std::size_t panes, bool is_there) const noexcept {
    return panes * (is_there ? 8U : 4U) >= block_size * panes_;
  }
  void add(Slot slot) {
    auto* made = static_cast<std::byte*>(memory_.take());
    std::uninitialized_value_construct_n(reinterpret_cast<Mask*>(made), block_size);
    blocks_[slot >> block_bits].memory = made;
  }
  void drop(Slot slot) noexcept {
    memory_.give_back(std::exchange(blocks_[slot >> block_bits].memory, nullptr));
  }
  /// Merges the slots of a block anew, which has turned and has been filled.
  template <class Merge>
  void stack_block(Slot first, const Merge& merge) {
    std::array<bool, block_size> has_later{};
    std::uint32_t later = low_at_;
    for (PaneIndex pane = window_.middle; pane > window_.low; later = column(pane)) {
      --pane;
      const std::uint32_t at = column(pane);
      for (Slot slot = first; slot < first + block_size; ++slot) {
        has_later[slot - first] = put_suffix(slot, at, later, has_later[slot - first], merge);
      }
    }
    for (Slot slot = first; slot < first + block_size; ++slot) {
      if ((*presence(slot) & stale) != 0) build_newer(slot, merge);
    }
  }

 private:
  static constexpr Mask stale = Mask{1} << 31;  // the suffixes and `newer` of the slot have to be built

  [[nodiscard]] std::size_t block_bytes() const noexcept {
    return block_size * (sizeof(Mask) + (2 * std::size_t{panes_} + 1) * sizeof(State));
  }
  [[nodiscard]] std::uint32_t column(PaneIndex pane) const noexcept {
    return static_cast<std::uint32_t>(floor_mod(pane, panes_));
  }
  /// Of at most `panes_` panes. Neither they nor the window reach the last PaneIndex.
  [[nodiscard]] Mask bits(PaneIndex first, PaneIndex last) const noexcept {
    Mask all = 0;
    for (PaneIndex pane = first; pane <= last; ++pane) all |= Mask{1} << column(pane);
    return all;
  }
  [[nodiscard]] std::byte* block(Slot slot) const noexcept { return blocks_[slot >> block_bits].memory; }
  [[nodiscard]] Mask* presence(Slot slot) const noexcept {
    return std::launder(reinterpret_cast<Mask*>(block(slot))) + (slot & (block_size - 1));
  }
  [[nodiscard]] State* states(Slot slot, std::size_t column) const noexcept {
    auto* all = reinterpret_cast<State*>(block(slot) + block_size * sizeof(Mask));
    return all + column * block_size + (slot & (block_size - 1));
  }
  [[nodiscard]] State* newer(Slot slot) const noexcept { return states(slot, 0); }
  [[nodiscard]] State* cell(Slot slot, std::uint32_t at) const noexcept { return states(slot, 1 + at); }
  [[nodiscard]] State* suffix(Slot slot, std::uint32_t at) const noexcept {
    return states(slot, 1 + panes_ + at);
  }

  template <class Merge>
  bool put_suffix(Slot slot, std::uint32_t at, std::uint32_t later, bool has_later, const Merge& merge) {
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
  void build_newer(Slot slot, const Merge& merge) {
    Mask& mask = *presence(slot);
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
  Mask dead_ = 0;
  std::uint32_t turn_ = 0;
  StateVector<PaneBlock> blocks_;
  RawPool memory_;
};

}  // namespace weir::inline v0::detail

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

/// \file
/// The panes of every key: the newest in one aligned line, older ones behind it.

namespace weir::inline v0::detail {

inline constexpr PaneIndex no_pane = std::numeric_limits<PaneIndex>::min();

/// The index that no pane has.
template <class Index>
inline constexpr Index no_index = sizeof(Index) > sizeof(PaneIndex) ? -(Index{1} << (8 * sizeof(Index) - 8)) : no_pane;

/// Per slot a sparse, ordered set of panes, each with a `State`. `Index` may be wider than a PaneIndex if the owner makes
/// no queries; panes 2^64 apart then share a place once a key has more than 32.
///
/// The newest pane lies in the slot's own line. Older ones lie in a ring of 2, 4, ... 32 places, oldest first, and when they
/// are more than that in a tree:
///
///     lines_[slot]    pane, state                  the one line that a record touches
///     rests_[slot]    where the ring lies, its head and size
///     ring            (pane, state[, merged]) ...  erasing the oldest moves nothing
///
/// A store that keeps merges answers the queries of one window that slides in about one merge (`slide`). Of a ring, the
/// first `stacked` places then also hold the merge of themselves and all that follow among the stacked; the next ones, up to
/// `covered`, are merged in `running_`; the rest is merged nowhere:
///
///     oldest | merged with what follows .. stacked | .. covered: in `running_` | not merged | newest
///
/// The panes themselves stay as they are, so whatever touches a merged one only makes the merges be built again.
///
/// Time:    newest pane 1; older ones O(32) to find; query at most 33 merges, or O(16 log16 span); slide 1 to 3 merges
///          amortised while panes come in order
/// Memory:  live panes only, in rings that are at least an eighth full; a slot without panes costs its line
/// Source:  two-stacks lite; Tangwongsan, Hirzel, Schneider, DEBS 2017
template <class State, class Index = PaneIndex>
class PaneStore {
  static constexpr Index none = no_index<Index>;
  struct Item {
    Index pane;
    State state;
  };
  static constexpr std::uint8_t most_in_ring = 32;
  static constexpr std::uint8_t tree_shape = 0xFF;
  struct Rest {
    void* older = nullptr;      // a ring or a tree; null if there is nothing older
    std::uint8_t shape = 0;     // log2 of the ring's places, or `tree_shape`
    std::uint8_t head = 0;      // the place of the oldest
    std::uint8_t size = 0;
    std::uint8_t stacked = 0;
    std::uint8_t covered = 0;

    [[nodiscard]] bool is_tree() const noexcept { return shape == tree_shape; }
    [[nodiscard]] std::uint32_t capacity() const noexcept { return std::uint32_t{1} << shape; }
    void forget_merges() noexcept { stacked = covered = 0; }
  };
  using Tree = PaneTree<State>;

 public:
  /// What `slide` needs: merges are copied around.
  static constexpr bool can_keep_merges = std::is_trivially_copyable_v<State>;
  /// The most panes, newest included, that `slide` is quick for.
  static constexpr std::int64_t most_quick = most_in_ring;

  struct Line {
    Index pane = none;
    State state{};
  };

  explicit PaneStore(bool keeps_merges = false)
      : keeps_merges_(can_keep_merges && keeps_merges),
        stride_(stride(keeps_merges_)),
        rings_{ring_pool(1), ring_pool(2), ring_pool(3), ring_pool(4), ring_pool(5)} {}
  PaneStore(const PaneStore&) = delete;
  PaneStore& operator=(const PaneStore&) = delete;
  ~PaneStore() {
    drop_older(unfinished_);
    for (std::size_t slot = 0; slot < rests_.size(); ++slot) drop_older(rests_[static_cast<Slot>(slot)]);
  }

  void grow(std::size_t slots) {
    lines_.grow(slots);
    if (keeps_merges_) running_.grow(slots);
    rests_.grow(slots);
  }
  [[nodiscard]] bool keeps_merges() const noexcept { return keeps_merges_; }
  [[nodiscard]] std::size_t slots() const noexcept { return std::min(lines_.size(), rests_.size()); }
  [[nodiscard]] Line& line(Slot slot) noexcept { return lines_[slot]; }
  [[nodiscard]] typename Column<Line>::View lines() const noexcept { return lines_.view(); }
  [[nodiscard]] bool is_empty(Slot slot) const noexcept {
    return lines_[slot].pane == none && rests_[slot].older == nullptr;
  }
  /// The newest pane of the slot, or `none`.
  [[nodiscard]] Index newest(Slot slot) const noexcept {
    const Index pane = lines_[slot].pane;
    return pane != none || rests_[slot].older == nullptr ? pane : newest_older(rests_[slot]);
  }

  /// Fetches what a visit of the slot starts with.
  void prefetch(Slot slot) const noexcept {
    prefetch_for_write(&lines_[slot]);
    prefetch_for_write(&rests_[slot]);
    if (keeps_merges_) prefetch_for_write(&running_[slot]);
  }
  /// Fetches what a visit goes on with; some visits after `prefetch`.
  void prefetch_older(Slot slot) const noexcept {
    const Rest& rest = rests_[slot];
    if (rest.older == nullptr) return;
    if (rest.is_tree()) {
      prefetch_for_write(rest.older);
      return;
    }
    prefetch_for_write(place(rest, 0));
    prefetch_for_write(place(rest, rest.size));
    if (rest.covered != 0) return;
    const auto step = static_cast<std::uint32_t>(std::max<std::size_t>(1, cache_line_bytes / stride_));
    for (std::uint32_t at = step; at < rest.size; at += step) prefetch_for_write(place(rest, at));
  }

  /// The state of a pane, made if it was not there; `is_new` says which.
  State& at(Slot slot, Index pane, bool& is_new) {
    Line& line = lines_[slot];
    is_new = false;
    if (line.pane == pane) return line.state;
    if (line.pane == none) {
      if (pane > newest_kept_ || rests_[slot].older == nullptr || newest_older(rests_[slot]) < pane) {
        is_new = true;
        line.pane = pane;
        return line.state;
      }
    } else if (line.pane < pane) {
      put_behind(line, rests_[slot]);
      line.pane = pane;
      is_new = true;
      return line.state;
    }
    return older_at(rests_[slot], pane, is_new);
  }

  State* find(Slot slot, Index pane) noexcept {
    Line& line = lines_[slot];
    if (line.pane == pane) return &line.state;
    const Rest& rest = rests_[slot];
    if (rest.older == nullptr) return nullptr;
    if (rest.is_tree()) return tree(rest).find(static_cast<PaneIndex>(pane));
    const std::uint32_t at = position(rest, pane);
    return at < rest.size && item(rest, at).pane == pane ? &item(rest, at).state : nullptr;
  }

  /// Calls `visit(state)` with states that together hold exactly the panes from `low` to `last`, oldest first.
  template <class Merge, class Visit>
  void query(Slot slot, Index low, Index last, Merge&& merge, Visit&& visit) {
    if (const Rest& rest = rests_[slot]; rest.older != nullptr) {
      if (rest.is_tree()) {
        tree(rest).query(static_cast<PaneIndex>(low), static_cast<PaneIndex>(last), merge, visit);
      } else {
        for (std::uint32_t at = 0; at < rest.size; ++at) {
          const Item& one = item(rest, at);
          if (one.pane > last) break;
          if (one.pane >= low) visit(one.state);
        }
      }
    }
    const Line& line = lines_[slot];
    if (line.pane >= low && line.pane <= last && line.pane != none) visit(line.state);
  }

  /// The merge of the panes from `low` to `last`, null if there are none: a single pane as it lies, else in `whole`.
  template <class Merge>
  const State* gather(Slot slot, Index low, Index last, Merge&& merge, State& whole) {
    const State* only = nullptr;
    bool is_merged = false;
    query(slot, low, last, merge, [&](const State& state) {
      if (only == nullptr) {
        only = &state;
        return;
      }
      if (!is_merged) {
        whole = *only;
        is_merged = true;
      }
      merge(whole, state);
    });
    return is_merged ? &whole : only;
  }

  /// The same by kept merges, for windows whose `low` and `last` never go back. Needs `keeps_merges()`.
  template <class Merge>
  const State* slide(Slot slot, Index low, Index last, Merge&& merge, State& whole) requires can_keep_merges {
    Rest& rest = rests_[slot];
    close_through(slot, last);
    if (rest.older == nullptr || rest.is_tree()) return gather(slot, low, last, merge, whole);
    std::uint32_t first = 0;
    while (first < rest.size && item(rest, first).pane < low) ++first;
    const bool is_nothing_kept = first == rest.stacked && rest.covered == rest.stacked;
    if (first > rest.stacked || is_nothing_kept) return stack(rest, first, last, merge);
    State& running = running_[slot];
    for (; rest.covered < rest.size && item(rest, rest.covered).pane <= last; ++rest.covered) {
      const State& next = item(rest, rest.covered).state;
      if (rest.covered == rest.stacked) {
        running = next;
      } else {
        merge(running, next);
      }
    }
    if (first == rest.stacked) return &running;
    if (rest.covered == rest.stacked) return &merged(rest, first);
    whole = merged(rest, first);
    merge(whole, running);
    return &whole;
  }

  /// Puts the newest pane behind the line if it is at most `last` and others lie there already. Changes no answer: a record
  /// then finds the line free, at a time at which the ring has to be fetched anyway.
  void close_through(Slot slot, Index last) {
    Line& line = lines_[slot];
    if (line.pane == none || line.pane > last) return;
    if (Rest& rest = rests_[slot]; rest.older != nullptr) {
      put_behind(line, rest);
      line.pane = none;
    }
  }

  /// Removes the panes up to `last`.
  void erase_through(Slot slot, Index last) {
    if (Line& line = lines_[slot]; line.pane <= last && line.pane != none) reset(line);
    if (rests_[slot].older != nullptr) erase_older_through(rests_[slot], last);
  }

  void erase(Slot slot, Index pane) {
    Line& line = lines_[slot];
    if (line.pane == pane) {
      reset(line);
      return;
    }
    Rest& rest = rests_[slot];
    if (rest.older == nullptr) return;
    if (rest.is_tree()) {
      tree(rest).erase_one(static_cast<PaneIndex>(pane));
      if (tree(rest).size() == 0) drop_older(rest);
      return;
    }
    std::uint32_t at = position(rest, pane);
    if (at == rest.size || item(rest, at).pane != pane) return;
    rest.forget_merges();
    for (; at > 0; --at) item(rest, at) = std::move(item(rest, at - 1));
    drop_oldest(rest);
    if (rest.size == 0) drop_older(rest);
  }

  /// Calls `visit(pane, state)` for each pane of the slot, oldest first.
  template <class Visit>
  void for_each(Slot slot, Visit&& visit) {
    if (const Rest& rest = rests_[slot]; rest.older != nullptr) {
      if (rest.is_tree()) {
        tree(rest).for_each(visit);
      } else {
        for (std::uint32_t at = 0; at < rest.size; ++at) visit(item(rest, at).pane, item(rest, at).state);
      }
    }
    if (Line& line = lines_[slot]; line.pane != none) visit(line.pane, line.state);
  }

  [[nodiscard]] std::size_t size_bytes() const noexcept {
    std::size_t total = lines_.size_bytes() + running_.size_bytes() + rests_.size_bytes() + pools_.leaves.size_bytes() +
                        pools_.inners.size_bytes() + trees_.size_bytes();
    for (const RawPool& pool : rings_) total += pool.size_bytes();
    return total;
  }

 private:
  static constexpr std::size_t stride(bool keeps_merges) noexcept {
    if (!keeps_merges) return sizeof(Item);
    const std::size_t both = (sizeof(Item) + sizeof(State) + alignof(Item) - 1) / alignof(Item) * alignof(Item);
    return both <= cache_line_bytes ? std::bit_ceil(both) : both;
  }
  RawPool ring_pool(unsigned shape) const {
    return RawPool(stride_ << shape, keeps_merges_ ? std::max(alignof(Item), cache_line_bytes) : alignof(Item));
  }
  static Tree& tree(const Rest& rest) noexcept { return *static_cast<Tree*>(rest.older); }
  std::byte* place(const Rest& rest, std::uint32_t at) const noexcept {
    return static_cast<std::byte*>(rest.older) + stride_ * ((rest.head + at) & (rest.capacity() - 1));
  }
  Item& item(const Rest& rest, std::uint32_t at) const noexcept {
    return *std::launder(reinterpret_cast<Item*>(place(rest, at)));
  }
  void* merged_place(const Rest& rest, std::uint32_t at) const noexcept { return place(rest, at) + sizeof(Item); }
  const State& merged(const Rest& rest, std::uint32_t at) const noexcept {
    return *std::launder(static_cast<const State*>(merged_place(rest, at)));
  }
  Index newest_older(const Rest& rest) const noexcept {
    if (rest.is_tree()) return tree(rest).newest();
    return rest.size == 0 ? none : item(rest, rest.size - 1U).pane;
  }
  std::uint32_t position(const Rest& rest, Index pane) const noexcept {
    std::uint32_t at = rest.size;
    while (at > 0 && item(rest, at - 1).pane >= pane) --at;
    return at;
  }
  static void reset(Line& line) {
    line.pane = none;
    line.state = State{};
  }

  /// Builds the merges of the panes from place `first` on that are at most `last`; gives the merge of them all.
  template <class Merge>
  const State* stack(Rest& rest, std::uint32_t first, Index last, Merge& merge) {
    std::uint32_t end = first;
    while (end < rest.size && item(rest, end).pane <= last) ++end;
    if (end == first) return nullptr;
    const State* newer = new (merged_place(rest, end - 1)) State(item(rest, end - 1).state);
    for (std::uint32_t at = end - 1; at > first; --at) {
      auto* into = new (merged_place(rest, at - 1)) State(item(rest, at - 1).state);
      merge(*into, *newer);
      newer = into;
    }
    rest.stacked = rest.covered = static_cast<std::uint8_t>(end);
    return newer;
  }

  /// Makes place for one more: in the ring, in a larger one, or in a tree.
  void make_room(Rest& rest) {
    if (rest.older == nullptr) {
      rest.older = rings_[0].take();
      rest.shape = 1;
    } else if (rest.size == most_in_ring) {
      plant(rest);
    } else if (rest.size == rest.capacity()) {
      move_to(rest, rest.shape + 1U);
    }
  }
  /// Moves a line's state to where older panes lie. The line keeps its pane.
  void put_behind(Line& line, Rest& rest) {
    newest_kept_ = std::max(newest_kept_, line.pane);
    if (!rest.is_tree()) make_room(rest);
    State& kept = rest.is_tree() ? tree(rest).at(static_cast<PaneIndex>(line.pane)) : append(rest, line.pane).state;
    kept = std::move(line.state);
    line.state = State{};
  }
  State& older_at(Rest& rest, Index pane, bool& is_new) {
    newest_kept_ = std::max(newest_kept_, pane);
    if (!rest.is_tree()) {
      const std::uint32_t at = position(rest, pane);
      if (at < rest.covered) rest.forget_merges();
      if (at < rest.size && item(rest, at).pane == pane) return item(rest, at).state;
      make_room(rest);
    }
    if (rest.is_tree()) return tree_at(rest, pane, is_new);
    const std::uint32_t at = position(rest, pane);
    is_new = true;
    append(rest, pane);
    for (std::uint32_t i = rest.size - 1U; i > at; --i) std::swap(item(rest, i), item(rest, i - 1));
    return item(rest, at).state;
  }
  static State& tree_at(const Rest& rest, Index pane, bool& is_new) {
    const std::size_t before = tree(rest).size();
    State& state = tree(rest).at(static_cast<PaneIndex>(pane));
    is_new = tree(rest).size() != before;
    return state;
  }
  Item& append(Rest& rest, Index pane) {
    Item& added = *new (place(rest, rest.size)) Item{.pane = pane, .state = State{}};
    ++rest.size;
    return added;
  }
  /// Moves a ring to one with another number of places.
  void move_to(Rest& rest, unsigned shape) {
    // Whatever throws below: the unfinished ring hangs on a slot of its own and goes with the store.
    drop_older(unfinished_);
    unfinished_.older = rings_[shape - 1].take();
    unfinished_.shape = static_cast<std::uint8_t>(shape);
    for (std::uint32_t at = 0; at < rest.size; ++at) {
      append(unfinished_, item(rest, at).pane).state = std::move(item(rest, at).state);
    }
    if constexpr (can_keep_merges) {
      for (std::uint32_t at = 0; at < rest.stacked; ++at) new (merged_place(unfinished_, at)) State(merged(rest, at));
    }
    unfinished_.stacked = rest.stacked;
    unfinished_.covered = rest.covered;
    drop_older(rest);
    std::swap(rest, unfinished_);
  }
  void plant(Rest& rest) {
    drop_older(unfinished_);
    unfinished_.older = new (trees_.take()) Tree(pools_);
    unfinished_.shape = tree_shape;
    for (std::uint32_t at = 0; at < rest.size; ++at) {
      tree(unfinished_).at(static_cast<PaneIndex>(item(rest, at).pane)) = std::move(item(rest, at).state);
    }
    drop_older(rest);
    std::swap(rest, unfinished_);
  }

  void erase_older_through(Rest& rest, Index last) {
    if (rest.is_tree()) {
      tree(rest).erase_through(static_cast<PaneIndex>(last));
      if (tree(rest).size() == 0) drop_older(rest);
      return;
    }
    bool is_done = false;
    while (!is_done && rest.size > 0 && item(rest, 0).pane <= last) {
      is_done = item(rest, 0).pane == last;  // then the next one, which need not be in any cache, is not looked at
      drop_oldest(rest);
    }
    if (rest.size == 0) {
      drop_older(rest);
    } else if (rest.size * 8U <= rest.capacity()) {
      move_to(rest, rest.shape - 1U);
    }
  }
  void drop_oldest(Rest& rest) {
    std::destroy_at(&item(rest, 0));
    rest.head = static_cast<std::uint8_t>((rest.head + 1U) & (rest.capacity() - 1));
    --rest.size;
    if (rest.stacked > 0) {
      --rest.stacked;
      --rest.covered;
    } else {
      rest.covered = 0;
    }
  }
  void drop_older(Rest& rest) noexcept {
    const Rest gone = std::exchange(rest, {});
    if (gone.older == nullptr) return;
    if (gone.is_tree()) {
      std::destroy_at(&tree(gone));
      trees_.give_back(gone.older);
      return;
    }
    if constexpr (!std::is_trivially_destructible_v<State>) {
      for (std::uint32_t at = 0; at < gone.size; ++at) std::destroy_at(&item(gone, at));
    }
    rings_[gone.shape - 1U].give_back(gone.older);
  }

  bool keeps_merges_;
  std::size_t stride_;  // of the places of a ring
  Index newest_kept_ = none;  // no line has put a newer pane behind itself
  Column<Line> lines_;
  Column<Rest> rests_;
  Column<State> running_;  // only if merges are kept
  std::array<RawPool, 5> rings_;
  RawPool trees_{sizeof(Tree), alignof(Tree)};
  Rest unfinished_;
  typename Tree::Pools pools_;
};

}  // namespace weir::inline v0::detail

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
#include <weir/state/pane_columns.hpp>
#include <weir/state/pane_tree.hpp>
#include <weir/state/pool.hpp>

/// \file
/// The panes of every key: the newest in one aligned line, older ones behind it.

namespace weir::inline v0::detail {

/// The index that no pane has.
template <class Index>
inline constexpr Index no_index = sizeof(Index) > sizeof(PaneIndex) ? -(Index{1} << (8 * sizeof(Index) - 8))
                                                                    : no_pane;

/// Per slot a sparse, ordered set of panes, each with a `State`. `Index` may be wider than a PaneIndex if the owner makes
/// no queries; panes 2^64 apart then share a place once a key has more than 32.
///
/// The newest pane lies in the slot's own line. Older ones lie in a ring of 2, 4, ... 32 places, oldest first, and when they
/// are more than that in a tree:
///
///     lines_[slot]    pane, state         the one line that a record touches
///     rests_[slot]    where the ring or tree is, the ring's head and size
///     ring            (pane, state) ...   erasing the oldest moves nothing
///
/// A window that slides over the panes (`move_to`, `slide`) may have columns instead: there the panes that it has come to lie
/// of slots that have many (see pane_columns.hpp). What is newer than the window still lies as above.
///
/// Time:    newest pane 1; older ones O(32) to find; query at most 33 merges, or O(16 log16 span)
/// Memory:  live panes only, in rings that are at least an eighth full; a slot without panes costs its line
template <class State, class Index = PaneIndex, bool slides_over = std::is_same_v<Index, PaneIndex>>
class PaneStore {
  static constexpr Index none = no_index<Index>;
  struct Item {
    Index pane;
    State state;
  };
  static constexpr std::uint8_t most_in_ring = 32;
  static constexpr std::uint8_t tree_shape = 0xFF;
  struct Rest {
    void* older = nullptr;   // a ring or a tree; null if there is nothing older
    std::uint8_t shape = 0;  // log2 of the ring's places, or `tree_shape`
    std::uint8_t head = 0;   // the place of the oldest
    std::uint8_t size = 0;

    [[nodiscard]] bool is_tree() const noexcept { return shape == tree_shape; }
    [[nodiscard]] std::uint32_t capacity() const noexcept { return std::uint32_t{1} << shape; }
  };
  using Tree = PaneTree<State>;
  using Columns = PaneColumns<State>;

 public:
  /// Whether a window can slide over the panes: merges are copied around, and as many as panes are kept.
  static constexpr bool can_slide =
      slides_over && std::is_trivially_copyable_v<State> && sizeof(State) <= cache_line_bytes;

  struct Line {
    Index pane = none;
    State state{};
  };

  /// `panes_in_window` if one window is going to slide over all panes, else 0.
  explicit PaneStore(std::int64_t panes_in_window = 0) : columns_(can_slide ? panes_in_window : 0) {}
  PaneStore(const PaneStore&) = delete;
  PaneStore& operator=(const PaneStore&) = delete;
  ~PaneStore() {
    drop_older(unfinished_);
    for (std::size_t slot = 0; slot < rests_.size(); ++slot) drop_older(rests_[static_cast<Slot>(slot)]);
  }

  void grow(std::size_t slots) {
    lines_.grow(slots);
    rests_.grow(slots);
    columns_.grow(this->slots());
  }
  [[nodiscard]] bool slides() const noexcept { return columns_.is_on(); }
  [[nodiscard]] std::size_t slots() const noexcept { return std::min(lines_.size(), rests_.size()); }
  [[nodiscard]] Line& line(Slot slot) noexcept { return lines_[slot]; }
  [[nodiscard]] typename Column<Line>::View lines() const noexcept { return lines_.view(); }
  [[nodiscard]] bool is_empty(Slot slot) const noexcept {
    return lines_[slot].pane == none && rests_[slot].older == nullptr && columns_.present(slot) == 0;
  }
  /// The newest pane of the slot, or `none`.
  [[nodiscard]] Index newest(Slot slot) const noexcept {
    const Index pane = lines_[slot].pane;
    if (pane != none) return pane;
    if (rests_[slot].older != nullptr) return newest_older(rests_[slot]);
    if (columns_.present(slot) == 0) return none;
    PaneIndex newest = columns_.window().last;
    while (!columns_.contains(slot, newest)) --newest;
    return newest;
  }

  /// Fetches what a visit of the slot starts with.
  void prefetch(Slot slot) const noexcept {
    prefetch_for_write(&lines_[slot]);
    prefetch_for_write(&rests_[slot]);
    columns_.prefetch(slot);
  }
  /// Fetches what a visit goes on with; some visits after `prefetch`.
  void prefetch_older(Slot slot) const noexcept {
    const Rest& rest = rests_[slot];
    if (rest.older == nullptr) return;
    prefetch_for_write(rest.older);
    if (rest.is_tree()) return;
    constexpr auto step =
        static_cast<std::uint32_t>(std::max<std::size_t>(1, cache_line_bytes / sizeof(Item)));
    for (std::uint32_t at = 0; at <= rest.size; at += step) prefetch_for_write(place(rest, at));
  }

  /// The state of a pane, made if it was not there; `is_new` says which.
  State& at(Slot slot, Index pane, bool& is_new) {
    Line& line = lines_[slot];
    is_new = false;
    if (line.pane == pane) return line.state;
    if constexpr (can_slide) {
      if (columns_.takes(slot, pane)) return columns_.at(slot, pane, is_new);
    }
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
    if constexpr (can_slide) {
      if (columns_.takes(slot, pane))
        return columns_.contains(slot, pane) ? &columns_.state(slot, pane) : nullptr;
    }
    const Rest& rest = rests_[slot];
    if (rest.older == nullptr) return nullptr;
    if (rest.is_tree()) return tree(rest).find(static_cast<PaneIndex>(pane));
    const std::uint32_t at = position(rest, pane);
    return at < rest.size && item(rest, at).pane == pane ? &item(rest, at).state : nullptr;
  }

  /// Calls `visit(state)` with states that together hold exactly the panes from `low` to `last`, oldest first.
  template <class Merge, class Visit>
  void query(Slot slot, Index low, Index last, Merge&& merge, Visit&& visit) {
    for_each_in_columns(slot, low, last, [&visit](Index, const State& state) { visit(state); });
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

  /// Moves the window that slides; panes up to `dead` are in no later one. The bounds only ever rise. False if this window has
  /// to be gathered instead.
  bool move_to(Index low, Index last, Index dead) requires can_slide {
    if (!slides() || low > last || last == std::numeric_limits<Index>::max()) return false;
    newest_kept_ = std::max(newest_kept_, last);
    view_ = {};
    columns_.move_to(low, last, dead);
    return true;
  }
  /// The merge of the panes in the window that slides, null if there are none; all of them are closed. The same bytes
  /// wherever they lie. Once for each window, for every slot that has panes in it; `end_slide` follows when the merge is no
  /// longer needed.
  template <class Merge>
  const State* slide(Slot slot, const Merge& merge, State& whole) requires can_slide {
    if (!view_.is_of(slot)) {
      if (columns_.turns(slot)) turn(slot, merge);
      view_ = columns_.view(slot);
    }
    if (!view_.is_there()) {
      columns_.count_miss(slot);
      close_through(slot, columns_.window().last);
      return fold(slot, merge, whole);
    }
    Line& line = lines_[slot];
    if (rests_[slot].older == nullptr && line.pane == columns_.window().last) [[likely]] {
      view_.close(slot, line.state, merge);
      reset(line);
    } else {
      close_in_columns(slot, merge);
    }
    if (!view_.is_in_turn(slot)) [[unlikely]] { columns_.stack(slot, merge); }
    return view_.take_whole(slot, merge, whole);
  }
  void end_slide(Slot slot, Index dead) {
    if (!view_.is_there()) erase_through(slot, dead);
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
    if constexpr (can_slide) columns_.erase_through(slot, last);
    if (rests_[slot].older != nullptr) erase_older_through(rests_[slot], last);
  }

  /// Removes one pane. Not for a store with a window that slides.
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
    for (; at > 0; --at) item(rest, at) = std::move(item(rest, at - 1));
    drop_oldest(rest);
    if (rest.size == 0) drop_older(rest);
  }

  /// Calls `visit(pane, state)` for each pane of the slot, oldest first.
  template <class Visit>
  void for_each(Slot slot, Visit&& visit) {
    for_each_in_columns(slot, columns_.window().low, columns_.window().last, visit);
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
    std::size_t total = lines_.size_bytes() + columns_.size_bytes() + rests_.size_bytes() +
                        pools_.leaves.size_bytes() + pools_.inners.size_bytes() + trees_.size_bytes();
    for (const RawPool& pool : rings_) total += pool.size_bytes();
    return total;
  }

 private:
  static Tree& tree(const Rest& rest) noexcept { return *static_cast<Tree*>(rest.older); }
  static std::byte* place(const Rest& rest, std::uint32_t at) noexcept {
    return static_cast<std::byte*>(rest.older) + sizeof(Item) * ((rest.head + at) & (rest.capacity() - 1));
  }
  static Item& item(const Rest& rest, std::uint32_t at) noexcept {
    return *std::launder(reinterpret_cast<Item*>(place(rest, at)));
  }
  static Index newest_older(const Rest& rest) noexcept {
    if (rest.is_tree()) return tree(rest).newest();
    return rest.size == 0 ? none : item(rest, rest.size - 1U).pane;
  }
  static std::uint32_t position(const Rest& rest, Index pane) noexcept {
    std::uint32_t at = rest.size;
    while (at > 0 && item(rest, at - 1).pane >= pane) --at;
    return at;
  }
  static void reset(Line& line) {
    line.pane = none;
    line.state = State{};
  }

  template <class Visit>
  void for_each_in_columns(Slot slot, Index low, Index last, Visit&& visit) {
    if constexpr (can_slide) {
      if (columns_.present(slot) == 0) return;
      const Index end = std::min(last, columns_.window().last);
      for (Index pane = std::max(low, columns_.window().low); pane <= end; ++pane) {
        if (columns_.contains(slot, pane)) visit(pane, columns_.state(slot, pane));
      }
    }
  }
  /// Decides where the panes of a slot's block lie from now on, and builds what the window needs.
  template <class Merge>
  [[gnu::noinline]] void turn(Slot any, const Merge& merge) {
    const Slot first = any & ~static_cast<Slot>(Columns::block_size - 1);
    const bool was_there = columns_.has(first);
    if (!was_there && !columns_.may_be_worth(first)) return;
    std::size_t panes = 0;
    for (Slot slot = first; slot < first + Columns::block_size; ++slot) {
      panes += static_cast<std::size_t>(std::popcount(columns_.present(slot))) + rests_[slot].size +
               (lines_[slot].pane != none ? 1U : 0U);
    }
    if (!columns_.is_worth(panes, was_there)) {
      if (was_there) leave_columns(first);
      return;
    }
    if (!was_there) columns_.add(first);
    for (Slot slot = first; slot < first + Columns::block_size; ++slot) close_in_columns(slot, merge);
    columns_.stack_block(first, merge);
  }
  void leave_columns(Slot first) {
    for (Slot slot = first; slot < first + Columns::block_size; ++slot) {
      for_each_in_columns(slot, columns_.window().low, columns_.window().last,
                          [&](Index pane, const State& state) {
                            bool is_new = false;
                            older_at(rests_[slot], pane, is_new) = state;
                          });
    }
    columns_.drop(first);
  }
  /// Moves the panes that the window has come to into the columns.
  template <class Merge>
  void close_in_columns(Slot slot, const Merge& merge) {
    const SlidingPanes& window = columns_.window();
    if (Rest& rest = rests_[slot]; rest.older != nullptr) {
      if (rest.is_tree()) {
        for (Index pane = window.low; pane <= window.last; ++pane) {
          if (const State* state = tree(rest).find(pane); state != nullptr)
            columns_.close(slot, pane, *state, merge);
        }
      } else {
        for (std::uint32_t at = 0; at < rest.size && item(rest, at).pane <= window.last; ++at) {
          if (item(rest, at).pane >= window.low)
            columns_.close(slot, item(rest, at).pane, item(rest, at).state, merge);
        }
      }
      erase_older_through(rest, window.last);
    }
    Line& line = lines_[slot];
    if (line.pane == none || line.pane > window.last) return;
    if (line.pane >= window.low) columns_.close(slot, line.pane, line.state, merge);
    reset(line);
  }
  /// What the columns would give: the same panes merged in the same groups.
  template <class Merge>
  const State* fold(Slot slot, const Merge& merge, State& whole) {
    const SlidingPanes& window = columns_.window();
    const Line& line = lines_[slot];
    const Rest& rest = rests_[slot];
    const bool has_line = line.pane != none && line.pane >= window.low && line.pane <= window.last;
    if (rest.older == nullptr) return has_line ? &line.state : nullptr;
    State suffix;
    const State* older = nullptr;
    const auto put_before = [&](const State& state) {
      if (older == nullptr) {
        older = &state;
        return;
      }
      State longer = state;
      merge(longer, *older);
      suffix = longer;
      older = &suffix;
    };
    State prefix;
    const State* newer = nullptr;
    const auto put_behind = [&](const State& state) {
      if (newer == nullptr) {
        newer = &state;
        return;
      }
      if (newer != &prefix) prefix = *newer;
      newer = &prefix;
      merge(prefix, state);
    };
    if (has_line && line.pane < window.middle) put_before(line.state);
    if (rest.is_tree()) {
      for (Index pane = window.middle; pane > window.low; --pane) {
        if (const State* state = tree(rest).find(pane - 1); state != nullptr) put_before(*state);
      }
      for (Index pane = window.middle; pane <= window.last; ++pane) {
        if (const State* state = tree(rest).find(pane); state != nullptr) put_behind(*state);
      }
    } else {
      std::uint32_t middle = 0;
      while (middle < rest.size && item(rest, middle).pane < window.middle) ++middle;
      for (std::uint32_t at = middle; at > 0 && item(rest, at - 1).pane >= window.low; --at) {
        put_before(item(rest, at - 1).state);
      }
      for (std::uint32_t at = middle; at < rest.size && item(rest, at).pane <= window.last; ++at) {
        put_behind(item(rest, at).state);
      }
    }
    if (has_line && line.pane >= window.middle) put_behind(line.state);
    if (older == nullptr && newer == nullptr) return nullptr;
    whole = older != nullptr ? *older : *newer;
    if (older != nullptr && newer != nullptr) merge(whole, *newer);
    return &whole;
  }

  /// Makes place for one more: in the ring, in a larger one, or in a tree.
  [[gnu::noinline]] void make_room(Rest& rest) {
    if (rest.older == nullptr) {
      rest.older = rings_[0].take();
      rest.shape = 1;
    } else if (rest.size == most_in_ring) {
      plant(rest);
    } else if (rest.size == rest.capacity()) {
      resize(rest, rest.shape + 1U);
    }
  }
  /// Moves a line's state to where older panes lie. The line keeps its pane.
  void put_behind(Line& line, Rest& rest) {
    newest_kept_ = std::max(newest_kept_, line.pane);
    if (!rest.is_tree()) make_room(rest);
    State& kept =
        rest.is_tree() ? tree(rest).at(static_cast<PaneIndex>(line.pane)) : append(rest, line.pane).state;
    kept = std::move(line.state);
    line.state = State{};
  }
  [[gnu::noinline]] State& older_at(Rest& rest, Index pane, bool& is_new) {
    newest_kept_ = std::max(newest_kept_, pane);
    if (!rest.is_tree()) {
      const std::uint32_t at = position(rest, pane);
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
  [[gnu::noinline]] void resize(Rest& rest, unsigned shape) {
    // Whatever throws below: the unfinished ring hangs on a slot of its own and goes with the store.
    drop_older(unfinished_);
    unfinished_.older = rings_[shape - 1].take();
    unfinished_.shape = static_cast<std::uint8_t>(shape);
    for (std::uint32_t at = 0; at < rest.size; ++at) {
      append(unfinished_, item(rest, at).pane).state = std::move(item(rest, at).state);
    }
    drop_older(rest);
    std::swap(rest, unfinished_);
  }
  [[gnu::noinline]] void plant(Rest& rest) {
    drop_older(unfinished_);
    unfinished_.older = new (trees_.take()) Tree(pools_);
    unfinished_.shape = tree_shape;
    for (std::uint32_t at = 0; at < rest.size; ++at) {
      tree(unfinished_).at(static_cast<PaneIndex>(item(rest, at).pane)) = std::move(item(rest, at).state);
    }
    drop_older(rest);
    std::swap(rest, unfinished_);
  }

  [[gnu::noinline]] void erase_older_through(Rest& rest, Index last) {
    if (rest.is_tree()) {
      tree(rest).erase_through(static_cast<PaneIndex>(last));
      if (tree(rest).size() == 0) drop_older(rest);
      return;
    }
    bool is_done = false;
    while (!is_done && rest.size > 0 && item(rest, 0).pane <= last) {
      is_done =
          item(rest, 0).pane == last;  // then the next one, which need not be in any cache, is not looked at
      drop_oldest(rest);
    }
    if (rest.size == 0) {
      drop_older(rest);
    } else if (rest.size * 8U <= rest.capacity()) {
      resize(rest, rest.shape - 1U);
    }
  }
  void drop_oldest(Rest& rest) {
    std::destroy_at(&item(rest, 0));
    rest.head = static_cast<std::uint8_t>((rest.head + 1U) & (rest.capacity() - 1));
    --rest.size;
  }
  [[gnu::noinline]] void drop_older(Rest& rest) noexcept {
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

  static constexpr std::size_t ring_bytes(unsigned shape) { return sizeof(Item) << shape; }

  Index newest_kept_ = none;  // no line has put a newer pane behind itself, and the window has come to none
  Column<Line> lines_;
  Column<Rest> rests_;
  std::array<RawPool, 5> rings_{RawPool{ring_bytes(1), alignof(Item)}, RawPool{ring_bytes(2), alignof(Item)},
                                RawPool{ring_bytes(3), alignof(Item)}, RawPool{ring_bytes(4), alignof(Item)},
                                RawPool{ring_bytes(5), alignof(Item)}};
  Columns columns_;
  typename Columns::View view_;  // of the block that `slide` was in last
  RawPool trees_{sizeof(Tree), alignof(Tree)};
  Rest unfinished_;
  typename Tree::Pools pools_;
};

}  // namespace weir::inline v0::detail

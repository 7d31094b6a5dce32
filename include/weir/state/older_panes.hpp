#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include <absl/functional/function_ref.h>

#include <weir/state/column.hpp>
#include <weir/state/pane_tree.hpp>
#include <weir/state/pool.hpp>

/// \file
/// The panes of a key behind its newest one: a ring while they are few, a tree when they are many.

namespace weir::inline v0::detail {

/// The index that no pane has.
template <class Index>
inline constexpr Index no_index = sizeof(Index) > sizeof(PaneIndex) ? -(Index{1} << (8 * sizeof(Index) - 8))
                                                                    : no_pane;

/// Where the older panes of one key are.
struct OlderPlace {
  static constexpr std::uint8_t tree_shape = 0xFF;

  void* memory = nullptr;  // a ring or a tree; null if there are none
  std::uint8_t shape = 0;  // log2 of the ring's places, or `tree_shape`
  std::uint8_t head = 0;   // the place of the oldest
  std::uint8_t size = 0;   // of a ring

  [[nodiscard]] bool is_there() const noexcept { return memory != nullptr; }
  [[nodiscard]] bool is_tree() const noexcept { return shape == tree_shape; }
  [[nodiscard]] std::uint32_t capacity() const noexcept { return std::uint32_t{1} << shape; }
};

/// The memory of the older panes of all keys, and what is done with those of one.
///
/// A ring has 2, 4, ... 32 places, oldest first: erasing the oldest moves nothing. Where a call takes a place that may have
/// no panes, it says so.
///
/// Time:    in a ring O(32), in a tree O(levels); see PaneTree
/// Memory:  rings are at least an eighth full
/// Errors:  a call that runs out of memory, or whose State throws, leaves a place that can be released
template <class State, class Index>
class OlderPanes {
  static constexpr std::uint8_t most_in_ring = 32;
  using Tree = PaneTree<State>;
  struct Item {
    Index pane;
    State state;
  };

 public:
  OlderPanes() = default;
  OlderPanes(const OlderPanes&) = delete;
  OlderPanes& operator=(const OlderPanes&) = delete;
  ~OlderPanes() { release(unfinished_); }

  [[nodiscard]] static Index newest(const OlderPlace& place) noexcept {
    if (place.is_tree()) return tree(place).newest();
    return place.size == 0 ? no_index<Index> : item(place, place.size - 1U).pane;
  }
  static void prefetch(const OlderPlace& place) noexcept {
    prefetch_for_write(place.memory);
    if (place.is_tree()) return;
    constexpr auto step =
        static_cast<std::uint32_t>(std::max<std::size_t>(1, cache_line_bytes / sizeof(Item)));
    for (std::uint32_t at = 0; at <= place.size; at += step) prefetch_for_write(address(place, at));
  }

  /// Asks for the oldest pane and for the place behind the newest.
  static void prefetch_ends(const OlderPlace& place) noexcept {
    if (!place.is_there()) return;
    prefetch_for_write(place.is_tree() ? place.memory : address(place, 0));
    if (!place.is_tree()) prefetch_object(address(place, place.size), sizeof(Item));
  }

  /// How many panes there are.
  [[nodiscard]] static std::size_t size(const OlderPlace& place) noexcept {
    return place.is_tree() ? tree(place).size() : place.size;
  }
  [[nodiscard]] static State* find(const OlderPlace& place, Index pane) noexcept {
    if (place.is_tree()) return tree(place).find(static_cast<PaneIndex>(pane));
    const std::uint32_t at = position(place, pane);
    return at < place.size && item(place, at).pane == pane ? &item(place, at).state : nullptr;
  }
  /// The state of a pane, made if it was not there; `is_new` says which. The place may be empty.
  [[gnu::noinline]] State& at(OlderPlace& place, Index pane, bool& is_new) {
    if (!place.is_tree()) {
      const std::uint32_t at = position(place, pane);
      if (at < place.size && item(place, at).pane == pane) return item(place, at).state;
      make_room(place);
    }
    if (place.is_tree()) {
      const std::size_t before = tree(place).size();
      State& state = tree(place).at(static_cast<PaneIndex>(pane));
      is_new = tree(place).size() != before;
      return state;
    }
    const std::uint32_t at = position(place, pane);
    is_new = true;
    add_to_ring(place, pane);
    for (std::uint32_t i = place.size - 1U; i > at; --i) std::swap(item(place, i), item(place, i - 1));
    return item(place, at).state;
  }
  /// The state of a pane that is newer than all there. The place may be empty.
  [[nodiscard]] State& append(OlderPlace& place, Index pane) {
    if (!place.is_tree()) make_room(place);
    return place.is_tree() ? tree(place).at(static_cast<PaneIndex>(pane)) : add_to_ring(place, pane).state;
  }
  /// The same with its state.
  void append(OlderPlace& place, Index pane, State&& state) {
    if (!place.is_tree()) make_room(place);
    if (place.is_tree()) {
      tree(place).at(static_cast<PaneIndex>(pane)) = std::move(state);
    } else {
      new (address(place, place.size)) Item{.pane = pane, .state = std::move(state)};
      ++place.size;
    }
  }

  /// Calls `visit(state)` with states that together hold exactly the panes from `low` to `last`, oldest first.
  template <class Merge, class Visit>
  static void query(const OlderPlace& place, Index low, Index last, Merge&& merge, Visit&& visit) {
    if (place.is_tree()) {
      tree(place).query(static_cast<PaneIndex>(low), static_cast<PaneIndex>(last), merge, visit);
    } else {
      for_each_in(place, low, last, [&visit](Index, const State& state) { visit(state); });
    }
  }
  /// Calls `visit(pane, state)` for each pane from `low` to `last`, oldest first.
  template <class Visit>
  static void for_each_in(const OlderPlace& place, Index low, Index last, Visit&& visit) {
    if (place.is_tree()) {
      return tree(place).for_each_in(static_cast<PaneIndex>(low), static_cast<PaneIndex>(last), visit);
    }
    for (std::uint32_t at = 0; at < place.size && item(place, at).pane <= last; ++at) {
      if (item(place, at).pane >= low) visit(item(place, at).pane, item(place, at).state);
    }
  }
  /// The same for the panes from `low` to before `end`, newest first.
  template <class Visit>
  static void for_each_back(const OlderPlace& place, Index low, Index end, Visit&& visit) {
    if (place.is_tree()) {
      for (Index pane = end; pane > low; --pane) {
        if (State* state = find(place, pane - 1); state != nullptr) visit(pane - 1, *state);
      }
      return;
    }
    for (std::uint32_t at = position(place, end); at > 0 && item(place, at - 1).pane >= low; --at) {
      visit(item(place, at - 1).pane, item(place, at - 1).state);
    }
  }
  /// Calls `visit(pane, state)` for each pane, oldest first.
  static void for_each(const OlderPlace& place, absl::FunctionRef<void(Index, State&)> visit) {
    if (place.is_tree()) {
      tree(place).for_each(visit);
    } else {
      for (std::uint32_t at = 0; at < place.size; ++at) visit(item(place, at).pane, item(place, at).state);
    }
  }

  /// Makes a tree without panes of an empty place.
  void plant_new(OlderPlace& place) {
    place.memory = new (trees_.take()) Tree(pools_);
    place.shape = OlderPlace::tree_shape;
  }

  /// Removes one pane, if it is there.
  void erase(OlderPlace& place, Index pane) {
    if (place.is_tree()) {
      tree(place).erase_one(static_cast<PaneIndex>(pane));
      if (tree(place).size() == 0) release(place);
      return;
    }
    std::uint32_t at = position(place, pane);
    if (at == place.size || item(place, at).pane != pane) return;
    for (; at > 0; --at) item(place, at) = std::move(item(place, at - 1));
    drop_oldest(place);
    if (place.size == 0) release(place);
  }
  /// Removes the panes up to `last`.
  [[gnu::noinline]] void erase_through(OlderPlace& place, Index last) {
    if (place.is_tree()) {
      tree(place).erase_through(static_cast<PaneIndex>(last));
      if (tree(place).size() == 0) release(place);
      return;
    }
    bool is_done = false;
    while (!is_done && place.size > 0 && item(place, 0).pane <= last) {
      is_done = item(place, 0).pane == last;  // then the next one, which may be far away, is not looked at
      drop_oldest(place);
    }
    if (place.size == 0) {
      release(place);
    } else if (place.size * 8U <= place.capacity()) {
      resize(place, place.shape - 1U);
    }
  }
  /// Removes all panes and gives the memory back. The place may be empty.
  [[gnu::noinline]] void release(OlderPlace& place) noexcept {
    const OlderPlace gone = std::exchange(place, {});
    if (!gone.is_there()) return;
    if (gone.is_tree()) {
      std::destroy_at(&tree(gone));
      trees_.give_back(gone.memory);
      return;
    }
    if constexpr (!std::is_trivially_destructible_v<State>) {
      for (std::uint32_t at = 0; at < gone.size; ++at) std::destroy_at(&item(gone, at));
    }
    rings_[gone.shape - 1U].give_back(gone.memory);
  }

  [[nodiscard]] std::size_t size_bytes() const noexcept {
    std::size_t total = pools_.leaves.size_bytes() + pools_.inners.size_bytes() + trees_.size_bytes();
    for (const RawPool& pool : rings_) total += pool.size_bytes();
    return total;
  }

 private:
  static Tree& tree(const OlderPlace& place) noexcept { return *static_cast<Tree*>(place.memory); }
  static std::byte* address(const OlderPlace& place, std::uint32_t at) noexcept {
    return static_cast<std::byte*>(place.memory) +
           sizeof(Item) * ((place.head + at) & (place.capacity() - 1));
  }
  static Item& item(const OlderPlace& place, std::uint32_t at) noexcept {
    return *std::launder(reinterpret_cast<Item*>(address(place, at)));
  }
  /// Of the first in a ring that is not older than `pane`.
  static std::uint32_t position(const OlderPlace& place, Index pane) noexcept {
    std::uint32_t at = place.size;
    while (at > 0 && item(place, at - 1).pane >= pane) --at;
    return at;
  }

  /// Makes place for one more: in the ring, in a larger one, or in a tree.
  [[gnu::noinline]] void make_room(OlderPlace& place) {
    if (!place.is_there()) {
      place.memory = rings_[0].take();
      place.shape = 1;
    } else if (place.size == most_in_ring) {
      plant(place);
    } else if (place.size == place.capacity()) {
      resize(place, place.shape + 1U);
    }
  }
  Item& add_to_ring(OlderPlace& place, Index pane) {
    Item& added = *new (address(place, place.size)) Item{.pane = pane, .state = State{}};
    ++place.size;
    return added;
  }
  /// Moves a ring to one with another number of places.
  [[gnu::noinline]] void resize(OlderPlace& place, unsigned shape) {
    release(unfinished_);
    unfinished_.memory = rings_[shape - 1].take();
    unfinished_.shape = static_cast<std::uint8_t>(shape);
    for (std::uint32_t at = 0; at < place.size; ++at) {
      add_to_ring(unfinished_, item(place, at).pane).state = std::move(item(place, at).state);
    }
    release(place);
    std::swap(place, unfinished_);
  }
  /// Moves a ring to a tree.
  [[gnu::noinline]] void plant(OlderPlace& place) {
    release(unfinished_);
    unfinished_.memory = new (trees_.take()) Tree(pools_);
    unfinished_.shape = OlderPlace::tree_shape;
    for (std::uint32_t at = 0; at < place.size; ++at) {
      tree(unfinished_).at(static_cast<PaneIndex>(item(place, at).pane)) = std::move(item(place, at).state);
    }
    release(place);
    std::swap(place, unfinished_);
  }
  void drop_oldest(OlderPlace& place) {
    std::destroy_at(&item(place, 0));
    place.head = static_cast<std::uint8_t>((place.head + 1U) & (place.capacity() - 1));
    --place.size;
  }

  static constexpr std::size_t ring_bytes(unsigned shape) { return sizeof(Item) << shape; }

  std::array<RawPool, 5> rings_{RawPool{ring_bytes(1), alignof(Item)}, RawPool{ring_bytes(2), alignof(Item)},
                                RawPool{ring_bytes(3), alignof(Item)}, RawPool{ring_bytes(4), alignof(Item)},
                                RawPool{ring_bytes(5), alignof(Item)}};
  RawPool trees_{sizeof(Tree), alignof(Tree)};
  typename Tree::Pools pools_;
  OlderPlace unfinished_;  // what a move was building when it threw; goes with the memory
};

}  // namespace weir::inline v0::detail

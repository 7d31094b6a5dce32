#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>
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
/// The newest pane lies in the slot's own line. Older ones lie in a sorted run of at most 32, and beyond that in a tree.
///
/// Time:    newest pane 1; older ones O(log) to find; query at most 33 merges, or O(16 log16 span)
/// Memory:  live panes only; a slot without panes costs its line
template <class State, class Index = PaneIndex>
class PaneStore {
  static constexpr Index none = no_index<Index>;
  struct Item {
    Index pane;
    State state;
  };
  struct Run {
    std::uint32_t size;
    std::uint32_t capacity;
  };
  static constexpr std::size_t items_offset = (sizeof(Run) + alignof(Item) - 1) / alignof(Item) * alignof(Item);
  static constexpr std::uint32_t most_in_run = 32;
  static constexpr std::uint32_t tree_mark = 0xFFFFFFFF;
  using Tree = PaneTree<State>;
  struct Grove {
    Run head{.size = 0, .capacity = tree_mark};
    Tree tree;
    explicit Grove(typename Tree::Pools& pools) : tree(pools) {}
  };

 public:
  struct Line {
    Index pane = none;
    State state{};
  };
  struct Rest {
    Run* older = nullptr;
  };

  PaneStore() = default;
  PaneStore(const PaneStore&) = delete;
  PaneStore& operator=(const PaneStore&) = delete;
  ~PaneStore() {
    drop_older(unfinished_);
    for (std::size_t slot = 0; slot < rests_.size(); ++slot) drop_older(rests_[static_cast<Slot>(slot)]);
  }

  void grow(std::size_t slots) {
    lines_.grow(slots);
    rests_.grow(slots);
  }
  [[nodiscard]] std::size_t slots() const noexcept { return std::min(lines_.size(), rests_.size()); }
  [[nodiscard]] Line& line(Slot slot) noexcept { return lines_[slot]; }
  [[nodiscard]] typename Column<Line>::View lines() const noexcept { return lines_.view(); }
  [[nodiscard]] bool is_empty(Slot slot) const noexcept {
    return lines_[slot].pane == none && rests_[slot].older == nullptr;
  }
  /// The newest pane of the slot, or `none`.
  [[nodiscard]] Index newest(Slot slot) const noexcept {
    const Index pane = lines_[slot].pane;
    return pane != none || rests_[slot].older == nullptr ? pane : newest_older(rests_[slot].older);
  }

  /// The state of a pane, made if it was not there; `is_new` says which.
  State& at(Slot slot, Index pane, bool& is_new) {
    Line& line = lines_[slot];
    is_new = false;
    if (line.pane == pane) return line.state;
    Rest& rest = rests_[slot];
    if (line.pane == none) {
      if (rest.older == nullptr || newest_older(rest.older) < pane) {
        is_new = true;
        line.pane = pane;
        return line.state;
      }
    } else if (line.pane < pane) {
      bool added = false;
      State& kept = older_at(rest, line.pane, added);
      kept = std::move(line.state);
      line.state = State{};
      line.pane = pane;
      is_new = true;
      return line.state;
    }
    return older_at(rest, pane, is_new);
  }

  State* find(Slot slot, Index pane) noexcept {
    Line& line = lines_[slot];
    if (line.pane == pane) return &line.state;
    Run* older = rests_[slot].older;
    if (older == nullptr) return nullptr;
    if (older->capacity == tree_mark) return grove(older).tree.find(static_cast<PaneIndex>(pane));
    const std::uint32_t at = position(older, pane);
    return at < older->size && items(older)[at].pane == pane ? &items(older)[at].state : nullptr;
  }

  /// Calls `visit(state)` with states that together hold exactly the panes from `low` to `last`, oldest first.
  template <class Merge, class Visit>
  void query(Slot slot, Index low, Index last, Merge&& merge, Visit&& visit) {
    if (Run* older = rests_[slot].older; older != nullptr) {
      if (older->capacity == tree_mark) {
        grove(older).tree.query(static_cast<PaneIndex>(low), static_cast<PaneIndex>(last), merge, visit);
      } else {
        for (std::uint32_t at = 0; at < older->size; ++at) {
          const Item& item = items(older)[at];
          if (item.pane > last) break;
          if (item.pane >= low) visit(item.state);
        }
      }
    }
    const Line& line = lines_[slot];
    if (line.pane >= low && line.pane <= last && line.pane != none) visit(line.state);
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
    if (rest.older->capacity == tree_mark) {
      Grove& trees = grove(rest.older);
      trees.tree.erase_one(static_cast<PaneIndex>(pane));
      if (trees.tree.size() == 0) drop_older(rest);
      return;
    }
    const std::uint32_t at = position(rest.older, pane);
    if (at == rest.older->size || items(rest.older)[at].pane != pane) return;
    Item* all = items(rest.older);
    std::move(all + at + 1, all + rest.older->size, all + at);
    std::destroy_at(all + --rest.older->size);
    if (rest.older->size == 0) drop_older(rest);
  }

  /// Calls `visit(pane, state)` for each pane of the slot, oldest first.
  template <class Visit>
  void for_each(Slot slot, Visit&& visit) {
    if (Run* older = rests_[slot].older; older != nullptr) {
      if (older->capacity == tree_mark) {
        grove(older).tree.for_each(visit);
      } else {
        for (std::uint32_t at = 0; at < older->size; ++at) visit(items(older)[at].pane, items(older)[at].state);
      }
    }
    if (Line& line = lines_[slot]; line.pane != none) visit(line.pane, line.state);
  }

  [[nodiscard]] std::size_t size_bytes() const noexcept {
    std::size_t total = lines_.size_bytes() + rests_.size_bytes() + pools_.leaves.size_bytes() +
                        pools_.inners.size_bytes() + groves_.size_bytes();
    for (const RawPool& pool : runs_) total += pool.size_bytes();
    return total;
  }

 private:
  static Item* items(Run* run) noexcept {
    return std::launder(reinterpret_cast<Item*>(reinterpret_cast<std::byte*>(run) + items_offset));
  }
  static Grove& grove(Run* run) noexcept { return *reinterpret_cast<Grove*>(run); }
  static Index newest_older(Run* run) noexcept {
    return run->capacity == tree_mark ? grove(run).tree.newest() : items(run)[run->size - 1].pane;
  }
  static std::uint32_t position(Run* run, Index pane) noexcept {
    std::uint32_t at = run->size;
    while (at > 0 && items(run)[at - 1].pane >= pane) --at;
    return at;
  }
  static void reset(Line& line) {
    line.pane = none;
    line.state = State{};
  }

  static unsigned size_class(std::uint32_t capacity) noexcept {
    return static_cast<unsigned>(std::countr_zero(capacity)) - 1;
  }
  Run* make_run(std::uint32_t capacity) {
    return new (runs_[size_class(capacity)].take()) Run{.size = 0, .capacity = capacity};
  }

  State& older_at(Rest& rest, Index pane, bool& is_new) {
    if (rest.older == nullptr) rest.older = make_run(2);
    if (rest.older->capacity == tree_mark) return tree_at(grove(rest.older), static_cast<PaneIndex>(pane), is_new);
    const std::uint32_t at = position(rest.older, pane);
    if (at < rest.older->size && items(rest.older)[at].pane == pane) return items(rest.older)[at].state;
    is_new = true;
    if (rest.older->size == rest.older->capacity) {
      if (rest.older->capacity == most_in_run) {
        plant(rest);
        return tree_at(grove(rest.older), static_cast<PaneIndex>(pane), is_new);
      }
      widen(rest);
    }
    Item* all = items(rest.older);
    const std::uint32_t size = rest.older->size++;
    new (all + size) Item{.pane = pane, .state = State{}};
    for (std::uint32_t i = size; i > at; --i) std::swap(all[i], all[i - 1]);
    return all[at].state;
  }
  static State& tree_at(Grove& trees, PaneIndex pane, bool& is_new) {
    const std::size_t before = trees.tree.size();
    State& state = trees.tree.at(pane);
    is_new = trees.tree.size() != before;
    return state;
  }
  void widen(Rest& rest) {
    Run* wider = make_run(rest.older->capacity * 2);
    Item* from = items(rest.older);
    std::uninitialized_move_n(from, rest.older->size, items(wider));
    wider->size = rest.older->size;
    drop_older(rest);
    rest.older = wider;
  }
  void plant(Rest& rest) {
    Rest planted{.older = &(new (groves_.take()) Grove(pools_))->head};
    // Whatever throws below: the unfinished tree hangs on a slot of its own and goes with the store.
    std::swap(planted.older, unfinished_.older);
    Item* all = items(rest.older);
    for (std::uint32_t at = 0; at < rest.older->size; ++at) {
      grove(unfinished_.older).tree.at(static_cast<PaneIndex>(all[at].pane)) = std::move(all[at].state);
    }
    drop_older(rest);
    std::swap(rest.older, unfinished_.older);
  }
  void erase_older_through(Rest& rest, Index last) {
    if (rest.older->capacity == tree_mark) {
      Grove& trees = grove(rest.older);
      trees.tree.erase_through(static_cast<PaneIndex>(last));
      if (trees.tree.size() == 0) drop_older(rest);
      return;
    }
    Item* all = items(rest.older);
    std::uint32_t gone = 0;
    while (gone < rest.older->size && all[gone].pane <= last) ++gone;
    if (gone == 0) return;
    std::move(all + gone, all + rest.older->size, all);
    std::destroy_n(all + rest.older->size - gone, gone);
    rest.older->size -= gone;
    if (rest.older->size == 0) drop_older(rest);
  }
  void drop_older(Rest& rest) noexcept {
    Run* older = std::exchange(rest.older, nullptr);
    if (older == nullptr) return;
    if (older->capacity == tree_mark) {
      Grove& trees = grove(older);
      std::destroy_at(&trees);
      groves_.give_back(&trees);
      return;
    }
    std::destroy_n(items(older), older->size);
    runs_[size_class(older->capacity)].give_back(older);
  }
  static constexpr std::size_t run_bytes(std::uint32_t capacity) { return items_offset + capacity * sizeof(Item); }
  static constexpr std::size_t run_alignment = std::max(alignof(Run), alignof(Item));

  Column<Line> lines_;
  Column<Rest> rests_;
  std::array<RawPool, 5> runs_{RawPool{run_bytes(2), run_alignment}, RawPool{run_bytes(4), run_alignment},
                               RawPool{run_bytes(8), run_alignment}, RawPool{run_bytes(16), run_alignment},
                               RawPool{run_bytes(32), run_alignment}};
  RawPool groves_{sizeof(Grove), alignof(Grove)};
  Rest unfinished_;
  typename Tree::Pools pools_;
};

}  // namespace weir::inline v0::detail

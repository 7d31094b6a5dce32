#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

#include <weir/state/pool.hpp>

namespace weir::inline v0::detail {

/// The number of a pane: floor((time - origin) / width).
using PaneIndex = std::int64_t;
/// What no pane has.
inline constexpr PaneIndex no_pane = std::numeric_limits<PaneIndex>::min();

/// The panes of one key when they are many: a sparse tree of fanout 16 by pane index, with merges cached at each node.
///
/// Time:    at 1 next to the pane before if no query or erase came between, else O(levels); erase O(levels); query
///          O(16 * levels) merges; levels = log16 of the span of panes, at most 16
/// Memory:  16 states per started group of 16 panes
/// Source:  base-interval trees; Moon et al., Temporal aggregation, TKDE 2003 (the idea of aligned partial merges)
template <class State>
class PaneTree {
  static constexpr unsigned fan_bits = 4;
  static constexpr unsigned fanout = 1U << fan_bits;

 public:
  struct Node {
    std::uint16_t mask = 0;
    bool has_merged = false;
    State merged{};
  };
  struct Leaf : Node {
    std::array<State, fanout> states{};
  };
  struct Inner : Node {
    std::array<Node*, fanout> children{};
  };
  struct Pools {
    Pool<Leaf> leaves;
    Pool<Inner> inners;
  };

  explicit PaneTree(Pools& pools) : pools_(&pools) {}
  PaneTree(const PaneTree&) = delete;
  PaneTree& operator=(const PaneTree&) = delete;
  ~PaneTree() {
    if (root_ != nullptr) drop(root_, level_);
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  State* find(PaneIndex pane) noexcept {
    if (root_ == nullptr || prefix(pane, level_) != prefix_) return nullptr;
    Node* node = root_;
    for (unsigned level = level_; level > 0; --level) {
      if (!has(node, digit(pane, level))) return nullptr;
      node = static_cast<Inner*>(node)->children[digit(pane, level)];
    }
    return has(node, digit(pane, 0)) ? &static_cast<Leaf*>(node)->states[digit(pane, 0)] : nullptr;
  }

  /// The pane's state, made if it was not there; merges that contain it are forgotten.
  State& at(PaneIndex pane) {
    if (recent_ != nullptr) {
      if (prefix(pane, 0) == recent_prefix_) return state_in(recent_, pane);
      if (above_recent_ != nullptr && prefix(pane, 1) == recent_prefix_ >> fan_bits) {
        recent_ = leaf_in(above_recent_, pane);
        recent_prefix_ = prefix(pane, 0);
        return state_in(recent_, pane);
      }
      recent_ = nullptr;
    }
    if (root_ == nullptr) {
      root_ = pools_->leaves.make();
      level_ = 0;
      prefix_ = prefix(pane, 0);
    }
    while (prefix(pane, level_) != prefix_) raise();
    Node* node = root_;
    node->has_merged = false;
    for (unsigned level = level_; level > 1; --level) {
      auto* inner = static_cast<Inner*>(node);
      const unsigned at = digit(pane, level);
      if (!has(node, at)) {
        inner->children[at] = pools_->inners.make();
        mark(node, at);
      }
      node = inner->children[at];
      node->has_merged = false;
    }
    above_recent_ = level_ == 0 ? nullptr : static_cast<Inner*>(node);
    recent_ = level_ == 0 ? static_cast<Leaf*>(node) : leaf_in(above_recent_, pane);
    recent_prefix_ = prefix(pane, 0);
    return state_in(recent_, pane);
  }

  /// Calls `visit(state)` with merges that together hold exactly the panes from `low` to `last`, oldest first.
  template <class Merge, class Visit>
  void query(PaneIndex low, PaneIndex last, Merge&& merge, Visit&& visit) {
    recent_ = nullptr;
    if (root_ != nullptr && low <= last)
      walk(root_, level_, first_of(prefix_, level_), low, last, merge, visit);
  }

  /// Removes panes up to `last`.
  void erase_through(PaneIndex last) {
    recent_ = nullptr;
    if (root_ != nullptr && erase(root_, level_, first_of(prefix_, level_), last)) root_ = nullptr;
  }
  /// Removes one pane, if it is there.
  void erase_one(PaneIndex pane) {
    recent_ = nullptr;
    if (find(pane) != nullptr && erase_path(root_, level_, pane)) root_ = nullptr;
  }

  /// The newest pane. Needs `size() > 0`.
  [[nodiscard]] PaneIndex newest() const noexcept {
    const Node* node = root_;
    std::uint64_t first = first_of(prefix_, level_);
    for (unsigned level = level_;; --level) {
      const unsigned at = static_cast<unsigned>(std::bit_width(node->mask)) - 1;
      first += std::uint64_t{at} << (level * fan_bits);
      if (level == 0) return static_cast<PaneIndex>(first ^ (std::uint64_t{1} << 63));
      node = static_cast<const Inner*>(node)->children[at];
    }
  }

  /// Calls `visit(pane, state)` for each pane, oldest first.
  template <class Visit>
  void for_each(Visit&& visit) {
    for_each_in(std::numeric_limits<PaneIndex>::min(), std::numeric_limits<PaneIndex>::max(), visit);
  }
  /// The same for the panes from `low` to `last`.
  template <class Visit>
  void for_each_in(PaneIndex low, PaneIndex last, Visit&& visit) {
    if (root_ != nullptr) each(root_, level_, first_of(prefix_, level_), ordered(low), ordered(last), visit);
  }

 private:
  static bool has(const Node* node, unsigned at) noexcept { return (node->mask >> at & 1U) != 0; }
  static void mark(Node* node, unsigned at) noexcept {
    node->mask = static_cast<std::uint16_t>(node->mask | 1U << at);
  }
  static void unmark(Node* node, unsigned at) noexcept {
    node->mask = static_cast<std::uint16_t>(node->mask & ~(1U << at));
  }
  // Digits are those of the two's complement with its sign bit flipped, so that order is kept below zero.
  static std::uint64_t ordered(PaneIndex pane) noexcept {
    return static_cast<std::uint64_t>(pane) ^ (std::uint64_t{1} << 63);
  }
  static unsigned digit(PaneIndex pane, unsigned level) noexcept {
    return static_cast<unsigned>(ordered(pane) >> (level * fan_bits)) & (fanout - 1);
  }
  static std::uint64_t prefix(PaneIndex pane, unsigned level) noexcept {
    return level >= 15 ? 0 : ordered(pane) >> ((level + 1) * fan_bits);
  }
  static std::uint64_t first_of(std::uint64_t prefix, unsigned level) noexcept {
    return level >= 15 ? 0 : prefix << ((level + 1) * fan_bits);
  }
  static std::uint64_t last_of(std::uint64_t first, unsigned level) noexcept {
    return level >= 15 ? ~std::uint64_t{0} : first + ((std::uint64_t{1} << ((level + 1) * fan_bits)) - 1);
  }

  [[gnu::noinline]] Leaf* leaf_in(Inner* inner, PaneIndex pane) {
    const unsigned at = digit(pane, 1);
    if (!has(inner, at)) {
      inner->children[at] = pools_->leaves.make();
      mark(inner, at);
    }
    auto* leaf = static_cast<Leaf*>(inner->children[at]);
    leaf->has_merged = false;
    return leaf;
  }
  State& state_in(Leaf* leaf, PaneIndex pane) noexcept {
    const unsigned at = digit(pane, 0);
    if (!has(leaf, at)) {
      mark(leaf, at);
      ++size_;
    }
    return leaf->states[at];
  }

  [[gnu::noinline]] void raise() {
    auto* root = pools_->inners.make();
    const unsigned at = static_cast<unsigned>(prefix_) & (fanout - 1);
    root->children[at] = root_;
    mark(root, at);
    root_ = root;
    ++level_;
    prefix_ >>= fan_bits;
  }

  [[gnu::noinline]] void drop(Node* node, unsigned level) noexcept {
    if (level == 0) {
      pools_->leaves.destroy(static_cast<Leaf*>(node));
      return;
    }
    auto* inner = static_cast<Inner*>(node);
    for (unsigned at = 0; at < fanout; ++at) {
      if (has(node, at)) drop(inner->children[at], level - 1);
    }
    pools_->inners.destroy(inner);
  }

  template <class Merge>
  [[gnu::noinline]] const State& merged(Node* node, unsigned level, Merge& merge) {
    if (!node->has_merged) {
      node->merged = State{};
      for (unsigned rest = node->mask; rest != 0; rest &= rest - 1) {
        const auto at = static_cast<unsigned>(std::countr_zero(rest));
        merge(node->merged, level == 0 ? static_cast<Leaf*>(node)->states[at]
                                       : merged(static_cast<Inner*>(node)->children[at], level - 1, merge));
      }
      node->has_merged = true;
    }
    return node->merged;
  }

  template <class Merge, class Visit>
  [[gnu::noinline]] void walk(Node* node, unsigned level, std::uint64_t first, PaneIndex low, PaneIndex last,
                              Merge& merge, Visit& visit) {
    if (ordered(low) <= first && last_of(first, level) <= ordered(last)) {
      visit(merged(node, level, merge));
      return;
    }
    for (unsigned rest = node->mask; rest != 0; rest &= rest - 1) {
      const auto at = static_cast<unsigned>(std::countr_zero(rest));
      const std::uint64_t child_first = first + (std::uint64_t{at} << (level * fan_bits));
      const std::uint64_t child_last = level == 0 ? child_first : last_of(child_first, level - 1);
      if (child_last < ordered(low)) continue;
      if (child_first > ordered(last)) return;
      if (level == 0) {
        visit(static_cast<const State&>(static_cast<Leaf*>(node)->states[at]));
      } else {
        walk(static_cast<Inner*>(node)->children[at], level - 1, child_first, low, last, merge, visit);
      }
    }
  }

  // Both return whether the node is gone.
  [[gnu::noinline]] bool erase(Node* node, unsigned level, std::uint64_t first, PaneIndex last) {
    if (first > ordered(last)) return false;
    node->has_merged = false;
    for (unsigned rest = node->mask; rest != 0; rest &= rest - 1) {
      const auto at = static_cast<unsigned>(std::countr_zero(rest));
      const std::uint64_t child_first = first + (std::uint64_t{at} << (level * fan_bits));
      if (child_first > ordered(last)) break;
      if (level == 0) {
        forget(static_cast<Leaf*>(node), at);
      } else if (erase(static_cast<Inner*>(node)->children[at], level - 1, child_first, last)) {
        unmark(node, at);
      }
    }
    return release_if_empty(node, level);
  }
  [[gnu::noinline]] bool erase_path(Node* node, unsigned level, PaneIndex pane) {
    node->has_merged = false;
    const unsigned at = digit(pane, level);
    if (level == 0) {
      forget(static_cast<Leaf*>(node), at);
    } else if (erase_path(static_cast<Inner*>(node)->children[at], level - 1, pane)) {
      unmark(node, at);
    }
    return release_if_empty(node, level);
  }
  void forget(Leaf* leaf, unsigned at) {
    leaf->states[at] = State{};
    unmark(leaf, at);
    --size_;
  }
  bool release_if_empty(Node* node, unsigned level) noexcept {
    if (node->mask != 0) return false;
    if (level == 0) {
      pools_->leaves.destroy(static_cast<Leaf*>(node));
    } else {
      pools_->inners.destroy(static_cast<Inner*>(node));
    }
    return true;
  }

  template <class Visit>
  [[gnu::noinline]] void each(Node* node, unsigned level, std::uint64_t first, std::uint64_t low,
                              std::uint64_t last, Visit& visit) {
    for (unsigned rest = node->mask; rest != 0; rest &= rest - 1) {
      const auto at = static_cast<unsigned>(std::countr_zero(rest));
      const std::uint64_t child_first = first + (std::uint64_t{at} << (level * fan_bits));
      const std::uint64_t child_last = level == 0 ? child_first : last_of(child_first, level - 1);
      if (child_last < low) continue;
      if (child_first > last) return;
      if (level == 0) {
        visit(static_cast<PaneIndex>(child_first ^ (std::uint64_t{1} << 63)),
              static_cast<Leaf*>(node)->states[at]);
      } else {
        each(static_cast<Inner*>(node)->children[at], level - 1, child_first, low, last, visit);
      }
    }
  }

  Pools* pools_;
  Leaf* recent_ = nullptr;  // where `at` was last; no merge that contains it has been made since
  Inner* above_recent_ = nullptr;
  std::uint64_t recent_prefix_ = 0;
  Node* root_ = nullptr;
  unsigned level_ = 0;
  std::uint64_t prefix_ = 0;
  std::size_t size_ = 0;
};

}  // namespace weir::inline v0::detail

#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

#include <absl/functional/function_ref.h>

#include <weir/state/pool.hpp>

namespace weir::inline v0::detail {

/// The number of a pane: floor((time - origin) / width).
using PaneIndex = std::int64_t;
/// What no pane has.
inline constexpr PaneIndex no_pane = std::numeric_limits<PaneIndex>::min();

/// The panes of one key when they are many: a sparse tree of fanout 16 by pane index, with merges cached at each node.
///
/// A leaf has 16 panes; an inner node stands where leaves part, and levels on which none do are left out.
///
/// Time:    at 1 next to the pane before if no query or erase came between, else O(levels); erase O(levels); query
///          O(16 * levels) merges; levels = log16 of the span of panes, at most 16
/// Memory:  16 states per started group of 16 panes, and less than one inner node for each
/// Source:  base-interval trees; Moon et al., Temporal aggregation, TKDE 2003 (the idea of aligned partial merges)
template <class State>
class PaneTree {
  static constexpr unsigned fan_bits = 4;
  static constexpr unsigned fanout = 1U << fan_bits;

 public:
  struct Node {
    std::uint16_t mask = 0;
    std::uint8_t level = 0;  // 0: a leaf
    bool has_merged = false;
    std::uint64_t prefix = 0;  // the digits above its level
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
    if (root_ != nullptr) drop(root_);
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  State* find(PaneIndex pane) noexcept {
    Node* node = root_;
    while (node != nullptr && prefix(pane, node->level) == node->prefix) {
      const unsigned at = digit(pane, node->level);
      if (!has(node, at)) return nullptr;
      if (node->level == 0) return &leaf(node)->states[at];
      node = inner(node)->children[at];
    }
    return nullptr;
  }

  /// The pane's state, made if it was not there; merges that contain it are forgotten.
  State& at(PaneIndex pane) {
    if (recent_ != nullptr) {
      if (prefix(pane, 0) == recent_->prefix) return state_in(recent_, pane);
      if (above_recent_ != nullptr && prefix(pane, 1) == above_recent_->prefix) {
        recent_ = leaf(child_of(above_recent_, pane));
        recent_->has_merged = false;
        return state_in(recent_, pane);
      }
      recent_ = nullptr;
    }
    if (root_ == nullptr) root_ = make_leaf(pane);
    above_recent_ = nullptr;
    Node** link = &root_;
    while (true) {
      if (prefix(pane, (*link)->level) != (*link)->prefix) part(*link, pane);
      Node* node = *link;
      node->has_merged = false;
      if (node->level == 0) break;
      above_recent_ = node->level == 1 ? inner(node) : nullptr;
      link = &child_of(inner(node), pane);
    }
    recent_ = leaf(*link);
    return state_in(recent_, pane);
  }

  /// Calls `visit(state)` with merges that together hold exactly the panes from `low` to `last`, oldest first.
  template <class Merge, class Visit>
  void query(PaneIndex low, PaneIndex last, Merge&& merge, Visit&& visit) {
    recent_ = nullptr;
    if (root_ != nullptr && low <= last) walk(root_, ordered(low), ordered(last), merge, visit);
  }

  /// Removes panes up to `last`.
  void erase_through(PaneIndex last) {
    recent_ = nullptr;
    if (root_ != nullptr) erase(root_, ordered(last));
  }
  /// Removes one pane, if it is there.
  void erase_one(PaneIndex pane) {
    recent_ = nullptr;
    if (find(pane) != nullptr) erase_path(root_, pane);
  }

  /// The newest pane. Needs `size() > 0`.
  [[nodiscard]] PaneIndex newest() const noexcept {
    const Node* node = root_;
    while (true) {
      const unsigned at = static_cast<unsigned>(std::bit_width(node->mask)) - 1;
      if (node->level == 0) return pane_of(first_of(*node) + at);
      node = static_cast<const Inner*>(node)->children[at];
    }
  }

  /// Calls `visit(pane, state)` for each pane, oldest first.
  void for_each(absl::FunctionRef<void(PaneIndex, State&)> visit) {
    for_each_in(std::numeric_limits<PaneIndex>::min(), std::numeric_limits<PaneIndex>::max(), visit);
  }
  /// The same for the panes from `low` to `last`.
  void for_each_in(PaneIndex low, PaneIndex last, absl::FunctionRef<void(PaneIndex, State&)> visit) {
    if (root_ != nullptr) each(root_, ordered(low), ordered(last), visit);
  }

 private:
  static Leaf* leaf(Node* node) noexcept { return static_cast<Leaf*>(node); }
  static Inner* inner(Node* node) noexcept { return static_cast<Inner*>(node); }
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
  static PaneIndex pane_of(std::uint64_t ordered) noexcept {
    return static_cast<PaneIndex>(ordered ^ (std::uint64_t{1} << 63));
  }
  static unsigned digit_of(std::uint64_t ordered, unsigned level) noexcept {
    return static_cast<unsigned>(ordered >> (level * fan_bits)) & (fanout - 1);
  }
  static unsigned digit(PaneIndex pane, unsigned level) noexcept { return digit_of(ordered(pane), level); }
  static std::uint64_t prefix(PaneIndex pane, unsigned level) noexcept {
    return level >= 15 ? 0 : ordered(pane) >> ((level + 1) * fan_bits);
  }
  // The first and the last pane that a node can have.
  static std::uint64_t first_of(const Node& node) noexcept {
    return node.level >= 15 ? 0 : node.prefix << ((node.level + 1U) * fan_bits);
  }
  static std::uint64_t last_of(const Node& node) noexcept {
    return node.level >= 15 ? ~std::uint64_t{0}
                            : first_of(node) + ((std::uint64_t{1} << ((node.level + 1U) * fan_bits)) - 1);
  }

  Leaf* make_leaf(PaneIndex pane) {
    Leaf* made = pools_->leaves.make();
    made->prefix = prefix(pane, 0);
    return made;
  }
  /// What an inner node has where the pane belongs; a leaf if there was nothing.
  [[gnu::noinline]] Node*& child_of(Inner* node, PaneIndex pane) {
    const unsigned at = digit(pane, node->level);
    if (!has(node, at)) {
      node->children[at] = make_leaf(pane);
      mark(node, at);
    }
    return node->children[at];
  }
  /// Puts a node above another one, where that and the pane part.
  [[gnu::noinline]] void part(Node*& below, PaneIndex pane) {
    const std::uint64_t first = first_of(*below);
    const auto level = static_cast<unsigned>(std::bit_width((first ^ ordered(pane)) | 1U) - 1) / fan_bits;
    Inner* made = pools_->inners.make();
    made->level = static_cast<std::uint8_t>(level);
    made->prefix = prefix(pane, level);
    made->children[digit_of(first, level)] = below;
    mark(made, digit_of(first, level));
    below = made;
  }
  State& state_in(Leaf* leaf, PaneIndex pane) noexcept {
    const unsigned at = digit(pane, 0);
    if (!has(leaf, at)) {
      mark(leaf, at);
      ++size_;
    }
    return leaf->states[at];
  }

  [[gnu::noinline]] void drop(Node* node) noexcept {
    if (node->level > 0) {
      for (unsigned at = 0; at < fanout; ++at) {
        if (has(node, at)) drop(inner(node)->children[at]);
      }
    }
    destroy(node);
  }
  void destroy(Node* node) noexcept {
    if (node->level == 0) {
      pools_->leaves.destroy(leaf(node));
    } else {
      pools_->inners.destroy(inner(node));
    }
  }

  template <class Merge>
  [[gnu::noinline]] const State& merged(Node* node, Merge& merge) {
    if (!node->has_merged) {
      node->merged = State{};
      for (unsigned rest = node->mask; rest != 0; rest &= rest - 1) {
        const auto at = static_cast<unsigned>(std::countr_zero(rest));
        merge(node->merged,
              node->level == 0 ? leaf(node)->states[at] : merged(inner(node)->children[at], merge));
      }
      node->has_merged = true;
    }
    return node->merged;
  }

  /// Calls `visit(at)` for the parts of a node that have something from `low` to `last`, oldest first.
  template <class Visit>
  static void each_part(const Node& node, std::uint64_t low, std::uint64_t last, Visit&& visit) {
    const std::uint64_t first = first_of(node);
    const unsigned bits = node.level * fan_bits;
    for (unsigned rest = node.mask; rest != 0; rest &= rest - 1) {
      const auto at = static_cast<unsigned>(std::countr_zero(rest));
      const std::uint64_t part_first = first + (std::uint64_t{at} << bits);
      if (part_first > last) return;
      if (part_first + ((std::uint64_t{1} << bits) - 1) >= low) visit(at);
    }
  }

  template <class Merge, class Visit>
  [[gnu::noinline]] void walk(Node* node, std::uint64_t low, std::uint64_t last, Merge& merge, Visit& visit) {
    if (low <= first_of(*node) && last_of(*node) <= last) {
      visit(merged(node, merge));
      return;
    }
    each_part(*node, low, last, [&](unsigned at) {
      if (node->level == 0) {
        visit(static_cast<const State&>(leaf(node)->states[at]));
      } else {
        walk(inner(node)->children[at], low, last, merge, visit);
      }
    });
  }

  // Both leave null where nothing is left.
  [[gnu::noinline]] void erase(Node*& link, std::uint64_t last) {
    Node* node = link;
    if (first_of(*node) > last) return;
    node->has_merged = false;
    each_part(*node, 0, last, [&](unsigned at) { forget(node, at, last); });
    tidy(link);
  }
  void forget(Node* node, unsigned at, std::uint64_t last) {
    if (node->level == 0) {
      forget(leaf(node), at);
    } else {
      erase(inner(node)->children[at], last);
      if (inner(node)->children[at] == nullptr) unmark(node, at);
    }
  }
  [[gnu::noinline]] void erase_path(Node*& link, PaneIndex pane) {
    Node* node = link;
    node->has_merged = false;
    const unsigned at = digit(pane, node->level);
    if (node->level == 0) {
      forget(leaf(node), at);
    } else {
      erase_path(inner(node)->children[at], pane);
      if (inner(node)->children[at] == nullptr) unmark(node, at);
    }
    tidy(link);
  }
  void forget(Leaf* leaf, unsigned at) {
    leaf->states[at] = State{};
    unmark(leaf, at);
    --size_;
  }
  /// A node of which nothing is left goes, and one from which nothing parts any more gives its place to what it has.
  void tidy(Node*& link) noexcept {
    Node* node = link;
    if (node->mask == 0) {
      link = nullptr;
    } else if (node->level > 0 && std::has_single_bit(node->mask)) {
      link = inner(node)->children[static_cast<unsigned>(std::countr_zero(node->mask))];
    } else {
      return;
    }
    destroy(node);
  }

  void each(Node* node, std::uint64_t low, std::uint64_t last,
            absl::FunctionRef<void(PaneIndex, State&)> visit) {
    each_part(*node, low, last, [&](unsigned at) {
      if (node->level == 0) {
        visit(pane_of(first_of(*node) + at), leaf(node)->states[at]);
      } else {
        each(inner(node)->children[at], low, last, visit);
      }
    });
  }

  Pools* pools_;
  Leaf* recent_ = nullptr;         // where `at` was last; no merge that contains it has been made since
  Inner* above_recent_ = nullptr;  // the node of the level above it, if there is one
  Node* root_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace weir::inline v0::detail

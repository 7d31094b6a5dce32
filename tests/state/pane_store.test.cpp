#include <weir/state/pane_store.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <random>
#include <utility>
#include <vector>

#include "catch.hpp"

namespace {

using weir::detail::PaneIndex;
using weir::detail::PaneStore;
using weir::detail::PaneTree;
using State = std::vector<std::int64_t>;  // in the order of merging

void merge(State& into, const State& from) { into.insert(into.end(), from.begin(), from.end()); }

PaneIndex pane_of(std::mt19937_64& random, int domain) {
  switch (domain) {
    case 0:
      return static_cast<PaneIndex>(random() % 12) - 6;
    case 1:
      return static_cast<PaneIndex>(random() % 400) - 200;
    case 2:
      return static_cast<PaneIndex>(random() % 9) * 1'000'003 - 4'000'000;
    default: {
      constexpr PaneIndex ends[] = {std::numeric_limits<PaneIndex>::min() + 1, -1, 0,
                                    std::numeric_limits<PaneIndex>::max() - 300};
      return ends[random() % 4] + static_cast<PaneIndex>(random() % 300);
    }
  }
}

State expected_in(const std::map<PaneIndex, State>& panes, PaneIndex low, PaneIndex last) {
  State all;
  for (const auto& [pane, state] : panes) {
    if (pane >= low && pane <= last) merge(all, state);
  }
  return all;
}

TEST_CASE("the panes of several slots behave like ordered maps under random use") {
  for (int domain = 0; domain < 4; ++domain) {
    std::mt19937_64 random(static_cast<std::uint64_t>(domain) + 11);
    for (int script = 0; script < 40; ++script) {
      constexpr weir::Slot slots = 3;
      PaneStore<State> store;
      store.grow(slots);
      std::vector<std::map<PaneIndex, State>> expected(slots);
      for (std::int64_t step = 0; step < 300; ++step) {
        const auto slot = static_cast<weir::Slot>(random() % slots);
        auto& panes = expected[slot];
        const PaneIndex pane = pane_of(random, domain);
        switch (random() % 12) {
          case 0:
            if (random() % 4 != 0) break;
            store.erase_through(slot, pane);
            panes.erase(panes.begin(), panes.upper_bound(pane));
            break;
          case 1:
            store.erase(slot, pane);
            panes.erase(pane);
            break;
          case 2: {
            const State* found = store.find(slot, pane);
            REQUIRE((found != nullptr) == (panes.count(pane) != 0));
            if (found != nullptr) REQUIRE(*found == panes[pane]);
            break;
          }
          case 3:
          case 4: {
            const PaneIndex other = pane_of(random, domain);
            const auto [low, last] = std::pair(std::min(pane, other), std::max(pane, other));
            State all;
            store.query(slot, low, last, merge, [&all](const State& state) { merge(all, state); });
            REQUIRE(all == expected_in(panes, low, last));
            break;
          }
          default: {
            bool is_new = false;
            State& state = store.at(slot, pane, is_new);
            REQUIRE(is_new == (panes.count(pane) == 0));
            state.push_back(step);
            panes[pane].push_back(step);
          }
        }
        REQUIRE(store.is_empty(slot) == panes.empty());
        REQUIRE(store.newest(slot) == (panes.empty() ? weir::detail::no_pane : panes.rbegin()->first));
        std::map<PaneIndex, State> seen;
        PaneIndex before = weir::detail::no_pane;
        bool is_ordered = true;
        store.for_each(slot, [&](PaneIndex at, const State& state) {
          is_ordered = is_ordered && at > before;
          before = at;
          seen.emplace(at, state);
        });
        REQUIRE(is_ordered);
        REQUIRE(seen == panes);
      }
    }
  }
}

/// Says in which groups it was merged: not even associative.
struct Grouped {
  std::uint64_t trace = 0;
  std::uint64_t records = 0;
  friend bool operator==(const Grouped&, const Grouped&) = default;
};
void group(Grouped& into, const Grouped& from) {
  into.trace = (into.trace * 0x9E3779B97F4A7C15ULL ^ from.trace) * 0xD6E8FEB86659FD93ULL + 1;
  into.records += from.records;
}

/// The window's panes in the groups that SlidingPanes promises.
const Grouped* grouped(const std::map<PaneIndex, Grouped>& panes, const weir::detail::SlidingPanes& window,
                       Grouped& whole) {
  bool has_older = false;
  bool has_newer = false;
  Grouped older;
  Grouped newer;
  for (auto at = panes.rbegin(); at != panes.rend(); ++at) {
    if (at->first < window.low || at->first >= window.middle) continue;
    Grouped longer = at->second;
    if (has_older) group(longer, older);
    older = longer;
    has_older = true;
  }
  for (const auto& [pane, state] : panes) {
    if (pane < window.middle || pane > window.last) continue;
    if (has_newer) {
      group(newer, state);
    } else {
      newer = state;
    }
    has_newer = true;
  }
  if (!has_older && !has_newer) return nullptr;
  whole = has_older ? older : newer;
  if (has_older && has_newer) group(whole, newer);
  return &whole;
}

TEST_CASE("a window that slides merges panes in the same groups wherever they lie") {
  using Store = PaneStore<Grouped>;
  static_assert(Store::can_slide);
  for (const std::int64_t panes_in_window : {4, 12, 31}) {
    std::mt19937_64 random(static_cast<std::uint64_t>(panes_in_window));
    constexpr weir::Slot slots = 1024 + 40;  // one block that becomes dense, and some slots of another
    Store store(panes_in_window);
    store.grow(slots);
    REQUIRE(store.slides());
    std::vector<std::map<PaneIndex, Grouped>> expected(slots);
    weir::detail::SlidingPanes window;
    std::uint64_t record = 0;
    std::uint64_t rows = 0;
    PaneIndex low = -60;
    const auto add = [&](weir::Slot slot, PaneIndex pane) {
      bool is_new = false;
      Grouped& state = store.at(slot, pane, is_new);
      REQUIRE(is_new == !expected[slot].contains(pane));
      for (Grouped* one : {&state, &expected[slot][pane]}) {
        one->trace = one->trace * 31 + record;
        ++one->records;
      }
      ++record;
    };
    for (int firing = 0; firing < 160; ++firing) {
      ++low;
      if (random() % 16 == 0) {
        low += static_cast<PaneIndex>(random() % 40);
        for (weir::Slot slot = 0; slot < slots; ++slot) {
          store.erase_through(slot, low - 1);
          expected[slot].erase(expected[slot].begin(), expected[slot].lower_bound(low));
        }
      }
      const PaneIndex last = low + panes_in_window - 1;
      const unsigned percent = firing / 40 % 2 == 0 ? 60 : 3;
      for (weir::Slot slot = 0; slot < slots; ++slot) {
        if (random() % 100 < percent) add(slot, last);
        if (random() % 50 == 0)
          add(slot, low + static_cast<PaneIndex>(random() % 64) % (2 * panes_in_window));
        if (slot == 1030 && random() % 4 == 0) add(slot, last + static_cast<PaneIndex>(random() % 80));
      }
      REQUIRE(store.move_to(low, last, low));
      window.move_to(low, last);
      for (weir::Slot slot = 0; slot < slots; ++slot) {
        auto& panes = expected[slot];
        const auto first = panes.lower_bound(low);
        if ((first == panes.end() || first->first > last) && random() % 2 == 0) {
          store.erase_through(slot, low);
        } else {
          Grouped whole;
          Grouped scratch;
          const Grouped* wanted = grouped(panes, window, whole);
          const Grouped* found = store.slide(slot, group, scratch);
          REQUIRE((found != nullptr) == (wanted != nullptr));
          if (found != nullptr) REQUIRE(*found == *wanted);
          if (found != nullptr) ++rows;
          store.end_slide(slot, low);
        }
        panes.erase(panes.begin(), panes.upper_bound(low));
      }
      for (auto slot = static_cast<weir::Slot>(firing % 7); slot < slots; slot += 7) {
        const auto& panes = expected[slot];
        REQUIRE(store.is_empty(slot) == panes.empty());
        REQUIRE(store.newest(slot) == (panes.empty() ? weir::detail::no_pane : panes.rbegin()->first));
        std::map<PaneIndex, Grouped> seen;
        store.for_each(slot, [&seen](PaneIndex pane, const Grouped& state) {
          seen.emplace_hint(seen.end(), pane, state);
        });
        REQUIRE(seen == panes);
        std::uint64_t records = 0;
        store.query(slot, low + 2, last - 1, group,
                    [&records](const Grouped& state) { records += state.records; });
        for (const auto& [pane, state] : panes) {
          if (pane >= low + 2 && pane <= last - 1) records -= state.records;
          REQUIRE(store.find(slot, pane) != nullptr);
        }
        REQUIRE(records == 0);
      }
    }
    REQUIRE(rows > 10'000);
  }
}

TEST_CASE("a tree of panes answers queries as a map does, over the whole range of panes") {
  std::mt19937_64 random(23);
  for (int script = 0; script < 60; ++script) {
    PaneTree<State>::Pools pools;
    PaneTree<State> tree(pools);
    std::map<PaneIndex, State> expected;
    const int domain = script % 4;
    for (std::int64_t step = 0; step < 300; ++step) {
      const PaneIndex pane = pane_of(random, domain);
      const PaneIndex other = pane_of(random, domain);
      switch (random() % 6) {
        case 0: {
          tree.erase_one(pane);
          expected.erase(pane);
          break;
        }
        case 1: {
          const auto [low, last] = std::pair(std::min(pane, other), std::max(pane, other));
          State all;
          tree.query(low, last, merge, [&all](const State& state) { merge(all, state); });
          REQUIRE(all == expected_in(expected, low, last));
          break;
        }
        case 2:
          if (random() % 8 == 0) {
            tree.erase_through(pane);
            expected.erase(expected.begin(), expected.upper_bound(pane));
          }
          break;
        default:
          tree.at(pane).push_back(step);
          expected[pane].push_back(step);
      }
      REQUIRE(tree.size() == expected.size());
      if (!expected.empty()) REQUIRE(tree.newest() == expected.rbegin()->first);
    }
  }
}

TEST_CASE("panes of a tree that lie far apart take a leaf each, and one node more at most") {
  using Tree = PaneTree<std::int64_t>;
  for (const int apart : {4, 8, 20, 44, 51}) {
    Tree::Pools pools;
    Tree tree(pools);
    std::mt19937_64 random(5);
    for (PaneIndex pane = 0; pane < 4096; ++pane)
      tree.at((pane << apart) + static_cast<PaneIndex>(random() % 16)) = pane;
    INFO("2^" << apart << " apart");
    CHECK(tree.size() == 4096);
    constexpr std::size_t spare = 2;  // pools grow by half
    CHECK(pools.leaves.size_bytes() <= spare * 4096 * sizeof(Tree::Leaf));
    CHECK(pools.inners.size_bytes() <= spare * 4096 * sizeof(Tree::Inner));
  }
}

TEST_CASE("memory of panes that are gone is used again") {
  PaneStore<State> store;
  store.grow(1);
  std::size_t bytes = 0;
  for (PaneIndex pane = 0; pane < 100'000; ++pane) {
    bool is_new = false;
    store.at(0, pane, is_new);
    store.erase_through(0, pane - 100);
    if (pane == 5'000) bytes = store.size_bytes();
  }
  CHECK(store.size_bytes() == bytes);
}

}  // namespace

#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>

#include <absl/functional/function_ref.h>

#include <weir/state/archive.hpp>
#include <weir/state/column.hpp>
#include <weir/state/older_panes.hpp>
#include <weir/state/pane_columns.hpp>

/// \file
/// The panes of every key: the newest in one aligned line, older ones behind it.

namespace weir::inline v0::detail {

/// Per slot a sparse, ordered set of panes, each with a `State`. `Index` may be wider than a PaneIndex if the owner makes
/// no queries; panes 2^64 apart then share a place once a key has more than 32.
///
/// The newest pane lies in the slot's own line. Older ones lie in a ring of 2, 4, ... 32 places, oldest first, and when they
/// are more than that in a tree:
///
///     lines_[slot]    pane, state         the one line that a record touches
///     places_[slot]   where the ring or tree is, the ring's head and size
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
  using Older = OlderPanes<State, Index>;

 public:
  /// Whether a window can slide over the panes: merges are copied around, and as many as panes are kept.
  static constexpr bool can_slide =
      slides_over && std::is_trivially_copyable_v<State> && sizeof(State) <= cache_line_bytes;

  struct Line {
    Index pane = none;
    State state{};
  };

  /// `panes_in_window` if one window is going to slide over all panes, else 0.
  explicit PaneStore(std::int64_t panes_in_window = 0) : columns_(panes_in_window) {}
  PaneStore(const PaneStore&) = delete;
  PaneStore& operator=(const PaneStore&) = delete;
  ~PaneStore() {
    for (std::size_t slot = 0; slot < places_.size(); ++slot)
      older_.release(places_[static_cast<Slot>(slot)]);
  }

  void grow(std::size_t slots) {
    lines_.grow(slots);
    places_.grow(slots);
    columns_.grow(this->slots());
  }
  [[nodiscard]] bool slides() const noexcept { return columns_.is_on(); }
  [[nodiscard]] std::size_t slots() const noexcept { return std::min(lines_.size(), places_.size()); }
  [[nodiscard]] Line& line(Slot slot) noexcept { return lines_[slot]; }
  [[nodiscard]] typename Column<Line>::View lines() const noexcept { return lines_.view(); }
  [[nodiscard]] bool is_empty(Slot slot) const noexcept {
    return lines_[slot].pane == none && !places_[slot].is_there() && columns_.present(slot) == 0;
  }
  /// The newest pane of the slot, or `none`.
  [[nodiscard]] Index newest(Slot slot) const noexcept {
    const Index pane = lines_[slot].pane;
    if (pane != none) return pane;
    if (places_[slot].is_there()) return Older::newest(places_[slot]);
    if constexpr (can_slide) {
      if (columns_.present(slot) == 0) return none;
      PaneIndex newest = columns_.window().last;
      while (!columns_.contains(slot, newest)) --newest;
      return newest;
    } else {
      return none;
    }
  }

  /// Fetches what a visit of the slot starts with.
  void prefetch(Slot slot) const noexcept {
    prefetch_for_write(&lines_[slot]);
    prefetch_for_write(&places_[slot]);
    columns_.prefetch(slot);
  }
  /// Fetches what a visit goes on with; some visits after `prefetch`.
  void prefetch_older(Slot slot) const noexcept {
    if (places_[slot].is_there()) Older::prefetch(places_[slot]);
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
      if (pane > newest_kept_ || !places_[slot].is_there() || Older::newest(places_[slot]) < pane) {
        is_new = true;
        line.pane = pane;
        return line.state;
      }
    } else if (line.pane < pane) {
      put_behind(line, places_[slot]);
      line.pane = pane;
      is_new = true;
      return line.state;
    }
    return older_at(places_[slot], pane, is_new);
  }

  State* find(Slot slot, Index pane) noexcept {
    Line& line = lines_[slot];
    if (line.pane == pane) return &line.state;
    if constexpr (can_slide) {
      if (columns_.takes(slot, pane))
        return columns_.contains(slot, pane) ? &columns_.state(slot, pane) : nullptr;
    }
    return places_[slot].is_there() ? Older::find(places_[slot], pane) : nullptr;
  }

  /// Calls `visit(state)` with states that together hold exactly the panes from `low` to `last`, oldest first.
  template <class Merge, class Visit>
  void query(Slot slot, Index low, Index last, Merge&& merge, Visit&& visit) {
    for_each_in_columns(slot, low, last, [&visit](Index, const State& state) { visit(state); });
    if (places_[slot].is_there()) Older::query(places_[slot], low, last, merge, visit);
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
    if (!places_[slot].is_there() && line.pane == columns_.window().last) [[likely]] {
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
    if (!places_[slot].is_there()) return;
    put_behind(line, places_[slot]);
    line.pane = none;
  }

  /// Removes the panes up to `last`.
  void erase_through(Slot slot, Index last) {
    if (Line& line = lines_[slot]; line.pane <= last && line.pane != none) reset(line);
    if constexpr (can_slide) columns_.erase_through(slot, last);
    if (places_[slot].is_there()) older_.erase_through(places_[slot], last);
  }

  /// Removes one pane. Not for a store with a window that slides.
  void erase(Slot slot, Index pane) {
    Line& line = lines_[slot];
    if (line.pane == pane) {
      reset(line);
      return;
    }
    if (places_[slot].is_there()) older_.erase(places_[slot], pane);
  }

  /// Calls `visit(pane, state)` for each pane of the slot, oldest first.
  void for_each(Slot slot, absl::FunctionRef<void(Index, State&)> visit) {
    for_each_in_columns(slot, columns_.window().low, columns_.window().last, visit);
    if (places_[slot].is_there()) Older::for_each(places_[slot], visit);
    if (Line& line = lines_[slot]; line.pane != none) visit(line.pane, line.state);
  }

  /// Writes the panes of a slot, or reads those of a slot that has none. Also where they lie, on which the grouping of merges
  /// depends. Panes that are read are from `least` to `most`.
  void archive(Archive& ar, Slot slot, Index least, Index most) requires(Archivable<State>) {
    std::size_t count = 0;
    if (!ar.is_loading()) for_each(slot, [&count](Index, const State&) { ++count; });
    ar.size(count, sizeof(Index) + least_bytes<State>());
    if (count == 0) return;
    bool has_line = lines_[slot].pane != none;
    bool has_tree = places_[slot].is_tree();
    ar(has_line, has_tree);
    if (!ar.is_loading()) {
      return for_each(slot, [&ar](Index pane, State& state) { ar(pane, state); });
    }
    OlderPlace& older = places_[slot];
    if (has_tree && count > (has_line ? 1U : 0U)) older_.plant_new(older);
    Index before = none;
    for (std::size_t i = 0; i < count && ar.is_good(); ++i) {
      Index pane = none;
      ar(pane);
      if (!ar.is_good()) return;
      if (pane == none || pane < least || pane > most || (before != none && pane <= before))
        return ar.fail("panes are not in their order, or of no time");
      before = pane;
      if constexpr (can_slide) {
        if (columns_.takes(slot, pane)) {
          bool is_new = false;
          ar(columns_.at(slot, pane, is_new));
          continue;
        }
      }
      if (i + 1 < count || !has_line) {
        bool is_new = false;
        ar(older_at(older, pane, is_new));
      } else {
        lines_[slot].pane = pane;
        ar(lines_[slot].state);
      }
    }
  }

  [[nodiscard]] std::size_t size_bytes() const noexcept {
    return lines_.size_bytes() + places_.size_bytes() + older_.size_bytes() + columns_.size_bytes();
  }

 private:
  using Columns = std::conditional_t<can_slide, PaneColumns<State>, NoColumns>;

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
      panes += static_cast<std::size_t>(std::popcount(columns_.present(slot))) + places_[slot].size +
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
                            older_at(places_[slot], pane, is_new) = state;
                          });
    }
    columns_.drop(first);
  }
  /// Moves the panes that the window has come to into the columns.
  template <class Merge>
  void close_in_columns(Slot slot, const Merge& merge) {
    const SlidingPanes& window = columns_.window();
    if (places_[slot].is_there()) {
      Older::for_each_in(places_[slot], window.low, window.last,
                         [&](Index pane, const State& state) { columns_.close(slot, pane, state, merge); });
      older_.erase_through(places_[slot], window.last);
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
    const bool has_line = line.pane != none && line.pane >= window.low && line.pane <= window.last;
    if (!places_[slot].is_there()) return has_line ? &line.state : nullptr;
    State suffix;
    const State* older = nullptr;
    const auto put_before = [&](Index, const State& state) {
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
    const auto put_after = [&](Index, const State& state) {
      if (newer == nullptr) {
        newer = &state;
        return;
      }
      if (newer != &prefix) prefix = *newer;
      newer = &prefix;
      merge(prefix, state);
    };
    if (has_line && line.pane < window.middle) put_before(line.pane, line.state);
    Older::for_each_back(places_[slot], window.low, window.middle, put_before);
    Older::for_each_in(places_[slot], window.middle, window.last, put_after);
    if (has_line && line.pane >= window.middle) put_after(line.pane, line.state);
    if (older == nullptr && newer == nullptr) return nullptr;
    whole = older != nullptr ? *older : *newer;
    if (older != nullptr && newer != nullptr) merge(whole, *newer);
    return &whole;
  }

  /// Moves a line's state to where older panes lie. The line keeps its pane.
  void put_behind(Line& line, OlderPlace& place) {
    newest_kept_ = std::max(newest_kept_, line.pane);
    older_.append(place, line.pane) = std::move(line.state);
    line.state = State{};
  }
  State& older_at(OlderPlace& place, Index pane, bool& is_new) {
    newest_kept_ = std::max(newest_kept_, pane);
    return older_.at(place, pane, is_new);
  }

  Index newest_kept_ = none;  // no line has put a newer pane behind itself, and the window has come to none
  Column<Line> lines_;
  Column<OlderPlace> places_;
  Older older_;
  Columns columns_;
  typename Columns::View view_;  // of the block that `slide` was in last
};

}  // namespace weir::inline v0::detail

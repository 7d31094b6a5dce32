#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <weir/state/pane_tree.hpp>

namespace weir::inline v0::detail {

/// A part of a window: the state of a pane, or of some records in its place.
template <class State>
struct PanePiece {
  PaneIndex pane;
  const State* state;
};

/// The merges of the two runs of a window's panes, and when they are true.
template <class State>
struct RememberedRuns {
  PaneIndex first = 0;  // of the window
  PaneIndex last = 0;
  std::uint64_t changes = 0;  // of the key, when open panes are in it
  bool is_valid = false;
  bool has_open = false;
  bool has_older = false;
  bool has_newer = false;
  State older{};
  State newer{};
};

/// Merges the panes of a window: in two runs, those before its middle from right to left, the others from left to right. The
/// grouping of a sum of doubles thus depends on where the window lies, and on nothing else.
template <class RowAgg>
class RollingFold {
 public:
  using State = typename RowAgg::State;
  using Piece = PanePiece<State>;

  explicit RollingFold(const RowAgg& aggregator) : aggregator_(&aggregator) {}

  /// Forgets what was made for the read before.
  void start() noexcept { made_size_ = 0; }
  /// A state that lives until the next read.
  [[nodiscard]] State& made(const State& from) {
    if (made_size_ == made_.size()) made_.push_back(std::make_unique<State>());
    State& state = *made_[made_size_++];
    state = from;
    return state;
  }

  /// The merge of pieces in order; null if there are none. It lives until the next call.
  [[nodiscard]] const State* merged(std::span<const Piece> pieces, PaneIndex middle) {
    const std::size_t split = split_of(pieces, middle);
    return both(older(pieces.first(split)), newer(nullptr, pieces.subspan(split)));
  }
  /// Remembers the two runs.
  void remember(RememberedRuns<State>& runs, std::span<const Piece> pieces, PaneIndex middle) {
    runs.is_valid = false;
    const std::size_t split = split_of(pieces, middle);
    const State* before = older(pieces.first(split));
    runs.has_older = before != nullptr;
    if (runs.has_older) runs.older = *before;
    const State* behind = newer(nullptr, pieces.subspan(split));
    runs.has_newer = behind != nullptr;
    if (runs.has_newer) runs.newer = *behind;
  }
  /// The same as `merged` with a piece before the remembered ones, if it has a state, and others behind them.
  [[nodiscard]] const State* merged(const RememberedRuns<State>& runs, const Piece& before,
                                    std::span<const Piece> behind) {
    const State* first = runs.has_older ? &runs.older : nullptr;
    if (before.state != nullptr && first != nullptr) {
      rooms_[0] = *before.state;
      aggregator_->merge(rooms_[0], *first);
      first = &rooms_[0];
    } else if (before.state != nullptr) {
      first = before.state;
    }
    return both(first, newer(runs.has_newer ? &runs.newer : nullptr, behind));
  }

 private:
  static std::size_t split_of(std::span<const Piece> pieces, PaneIndex middle) {
    const auto at = std::find_if(pieces.begin(), pieces.end(),
                                 [middle](const Piece& piece) { return piece.pane >= middle; });
    return static_cast<std::size_t>(at - pieces.begin());
  }
  const State* older(std::span<const Piece> run) {
    if (run.empty()) return nullptr;
    const State* all = run.back().state;
    std::size_t room = 0;
    for (std::size_t at = run.size() - 1; at > 0; --at, room ^= 1U) {
      rooms_[room] = *run[at - 1].state;
      aggregator_->merge(rooms_[room], *all);
      all = &rooms_[room];
    }
    return all;
  }
  const State* newer(const State* start, std::span<const Piece> run) {
    for (const Piece& piece : run) {
      if (start == nullptr) {
        start = piece.state;
        continue;
      }
      if (start != &newer_) newer_ = *start;
      start = &newer_;
      aggregator_->merge(newer_, *piece.state);
    }
    return start;
  }
  const State* both(const State* before, const State* behind) {
    if (before == nullptr) return behind;
    if (behind == nullptr) return before;
    both_ = *before;
    aggregator_->merge(both_, *behind);
    return &both_;
  }

  const RowAgg* aggregator_;
  std::array<State, 2> rooms_{};
  State newer_{};
  State both_{};
  std::vector<std::unique_ptr<State>> made_;
  std::size_t made_size_ = 0;
};

}  // namespace weir::inline v0::detail

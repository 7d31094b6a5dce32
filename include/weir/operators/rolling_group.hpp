#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <weir/state/older_panes.hpp>
#include <weir/state/record_log.hpp>
#include <weir/window/rolling.hpp>
#include <weir/window/window.hpp>

namespace weir::inline v0::detail {

/// What a read sees of a key, for windows that exclude the asking record or for those that include it.
struct RollingRead {
  const LogPlace* log = nullptr;
  std::uint32_t first = 0;      // of the records in the log that count
  std::uint32_t unsettled = 0;  // the first one that is not in the panes
  bool has_panes = true;        // the panes count
  EventTime as_of{};
  EventTime settled{};  // what is before it is in panes
  EventTime end{};      // what is not before it is not seen, unless it is settled
};

/// How many windows can still have a late record, and how many cannot.
struct RollingJudged {
  std::uint32_t hit = 0;
  std::uint32_t missed = 0;
};

/// Rolling windows over the same aggregates: what `rolling(...).compute(...)` stands for inside a features node.
///
/// A record is added once, to the open pane of the finest level. When a record of a later pane comes, the open one is closed:
/// it is kept behind the open one, and merged into the open pane of the next level, and so on. A pane's state is thus the same
/// bytes whoever computes it, however many records had come: of the panes of the level below, from left to right.
///
/// A window is the merge of its panes in two runs, split at a multiple of their number: those before it from right to left,
/// those behind it from left to right. So the grouping depends on where the window lies, and on nothing else.
template <class Record, class Row, class RowAgg, std::size_t count>
class RollingGroup {
 public:
  using State = typename RowAgg::State;
  using Logs = RecordLogs<Record>;
  static constexpr std::size_t windows = count;
  static constexpr std::size_t features = RowAgg::size;

  struct Open {
    PaneIndex pane = no_pane;
    State state{};
  };
  /// What a key has of this group.
  struct Panes {
    std::array<Open, count> open;          // per level
    std::array<OlderPlace, count> closed;  // per level
  };
  /// What a group is made from.
  struct Blueprint {
    RollingPlan plan;
    RowAgg aggregator;
  };

  explicit RollingGroup(Blueprint blueprint)
      : plan_(std::move(blueprint.plan)), aggregator_(std::move(blueprint.aggregator)) {}

  [[nodiscard]] const RollingPlan& plan() const noexcept { return plan_; }
  [[nodiscard]] const RowAgg& aggregator() const noexcept { return aggregator_; }

  /// Adds a record that is not before any that was added. Panes that no read at `settled` or later needs are forgotten.
  void add(Panes& panes, const Record& record, EventTime at, EventTime settled) {
    add_to_open(panes.open, record, at, [&](std::size_t level, Open& open) {
      const PaneIndex first = plan_.levels()[level].first_kept(settled);
      OlderPlace& closed = panes.closed[level];
      if (open.pane >= first) older_.append(closed, open.pane) = std::move(open.state);
      if (closed.is_there() && first > no_pane) older_.erase_through(closed, first - 1);
    });
  }
  /// Adds a record that is before some that were added.
  void add_late(Panes& panes, const Record& record, EventTime at, EventTime settled) {
    bool is_in_open = false;
    for (std::size_t level = 0; level < plan_.levels().size() && !is_in_open; ++level) {
      is_in_open = add_late_at(panes, level, record, at, settled);
    }
  }
  /// How many windows can still have a late record.
  [[nodiscard]] RollingJudged judge(EventTime at, EventTime settled) const {
    RollingJudged judged;
    for (std::size_t window = 0; window < count; ++window) {
      ++(at >= plan_.kept_from(window, settled) ? judged.hit : judged.missed);
    }
    return judged;
  }
  void clear(Panes& panes) noexcept {
    panes.open = {};
    for (OlderPlace& closed : panes.closed) older_.release(closed);
  }

  /// Computes every window's fields of a row, and what each covers. False if a window is not whole.
  bool read(const Panes& panes, Asking asking, const RollingRead& read, Row& row, std::uint64_t& overflowed,
            Window* covered) {
    bool is_whole = true;
    bool is_prepared = false;
    for (std::size_t window = 0; window < count; ++window) {
      if (plan_.windows()[window].asking != asking) continue;
      if (!is_prepared) prepare(panes, read);
      is_prepared = true;
      const RollingPlan::Reach reach = plan_.reach(window, read.as_of, read.settled);
      covered[window] = {reach.low, reach.high};
      is_whole = is_whole && reach.is_whole;
      const State* state = gather(panes, read, window, reach, covered[window]);
      std::uint64_t bits = 0;
      aggregator_.result(state != nullptr ? *state : empty_, row, bits, window);
      overflowed |= bits;
    }
    return is_whole;
  }

  [[nodiscard]] std::size_t size_bytes() const noexcept { return older_.size_bytes(); }

 private:
  using Older = OlderPanes<State, PaneIndex>;

  template <class OnClosed>
  void add_to_open(std::array<Open, count>& open, const Record& record, EventTime at, OnClosed&& on_closed) {
    if (plan_.levels().empty()) return;
    const PaneIndex pane = plan_.levels().front().pane(at);
    if (open[0].pane != pane) {
      close(open, 0, on_closed);
      open[0].pane = pane;
    }
    aggregator_.add(open[0].state, record, at);
  }
  /// Closes the open pane of a level: it becomes part of the level above.
  template <class OnClosed>
  void close(std::array<Open, count>& open, std::size_t level, OnClosed& on_closed) {
    Open& closing = open[level];
    if (closing.pane == no_pane) return;
    if (level + 1 < plan_.levels().size()) {
      Open& above = open[level + 1];
      const PaneIndex pane = plan_.levels()[level + 1].pane(plan_.levels()[level].start(closing.pane));
      if (above.pane == pane) {
        aggregator_.merge(above.state, closing.state);
      } else {
        close(open, level + 1, on_closed);
        above.pane = pane;
        above.state = closing.state;
      }
    }
    on_closed(level, closing);
    closing = Open{};
  }

  /// True if the record went into the level's open pane, which the levels above do not have yet.
  bool add_late_at(Panes& panes, std::size_t level, const Record& record, EventTime at, EventTime settled) {
    const RollingPlan::Level& shape = plan_.levels()[level];
    const PaneIndex pane = shape.pane(at);
    Open& open = panes.open[level];
    if (open.pane < pane || open.pane == no_pane) {
      auto keep = [&](std::size_t closed_level, Open& closed) {
        if (closed.pane >= plan_.levels()[closed_level].first_kept(settled))
          older_.append(panes.closed[closed_level], closed.pane) = std::move(closed.state);
      };
      close(panes.open, level, keep);
      open.pane = pane;
    }
    if (open.pane == pane) {
      aggregator_.add(open.state, record, at);
      return true;
    }
    if (pane >= shape.first_kept(settled)) {
      bool is_new = false;
      aggregator_.add(older_.at(panes.closed[level], pane, is_new), record, at);
    }
    return false;
  }
  /// Makes `ended_`: the panes that would be closed if all that is seen was settled and all were closed.
  void prepare(const Panes& panes, const RollingRead& read) {
    for (std::vector<Open>& ended : ended_) ended.clear();
    open_ = read.has_panes ? panes.open : std::array<Open, count>{};
    auto keep = [this](std::size_t level, Open& open) { ended_[level].push_back(std::move(open)); };
    for (std::uint32_t at = std::max(read.first, read.unsettled); at < read.log->size; ++at) {
      const typename Logs::Item& item = Logs::item(*read.log, at);
      if (item.at >= read.end) break;
      add_to_open(open_, item.record, item.at, keep);
    }
    for (std::size_t level = 0; level < plan_.levels().size(); ++level) close(open_, level, keep);
  }

  const State* gather(const Panes& panes, const RollingRead& read, std::size_t window,
                      const RollingPlan::Reach& reach, Window& covered) {
    const RollingWindow& asked = plan_.windows()[window];
    if (asked.kind == RollingKind::records) return add_last(read, asked.records, reach.high, covered);
    const std::size_t level = plan_.level_of(window);
    const RollingPlan::Level& shape = plan_.levels()[level];
    pieces_.clear();
    const bool is_exact = asked.cut == Cut::exact && asked.kind == RollingKind::time;
    if (is_exact) {
      const EventTime end = reach.first_pane <= reach.end_pane ? shape.start(reach.first_pane) : reach.high;
      add_records(read, reach.low, std::min(end, reach.high), saturating_sub(reach.first_pane, 1), before_);
    }
    // A pane that `high` cuts has only the records before it, unless it was settled with others.
    const bool is_past = reach.high < read.settled;
    const bool is_cut = asked.kind == RollingKind::time && (is_past || asked.cut == Cut::both);
    const PaneIndex last = is_cut ? saturating_sub(reach.end_pane, 1) : reach.end_pane;
    if (read.has_panes && panes.closed[level].is_there()) {
      Older::for_each_in(panes.closed[level], reach.first_pane, last,
                         [&](PaneIndex pane, const State& state) {
                           pieces_.push_back({pane, &state});
                         });
    }
    for (const Open& ended : ended_[level]) {
      if (ended.pane >= reach.first_pane && ended.pane <= last) pieces_.push_back({ended.pane, &ended.state});
    }
    if (is_exact && is_past && reach.first_pane <= reach.end_pane) {
      add_records(read, shape.start(reach.end_pane), reach.high, reach.end_pane, behind_);
    }
    return fold(shape.is_endless() ? 1 : asked.size.count() / shape.hop + 1, reach.first_pane);
  }
  /// The merge of the last records before `end`.
  const State* add_last(const RollingRead& read, std::uint32_t records, EventTime end, Window& covered) {
    const std::uint32_t last = Logs::lower_bound(*read.log, end, read.first);
    const std::uint32_t first = last - std::min(records, last - read.first);
    covered.start = first < last ? Logs::item(*read.log, first).at : end;
    before_ = State{};
    for (std::uint32_t at = first; at < last; ++at) {
      aggregator_.add(before_, Logs::item(*read.log, at).record, Logs::item(*read.log, at).at);
    }
    return &before_;
  }
  void add_records(const RollingRead& read, EventTime from, EventTime end, PaneIndex pane, State& state) {
    const std::uint32_t first = Logs::lower_bound(*read.log, from, read.first);
    state = State{};
    std::uint32_t at = first;
    for (; at < read.log->size && Logs::item(*read.log, at).at < end; ++at) {
      aggregator_.add(state, Logs::item(*read.log, at).record, Logs::item(*read.log, at).at);
    }
    if (at > first) pieces_.push_back({pane, &state});
  }
  /// The merge of the pieces; null if there are none.
  const State* fold(std::int64_t panes, PaneIndex first) {
    if (pieces_.empty()) return nullptr;
    if (pieces_.size() == 1) return pieces_.front().state;
    const PaneIndex middle = saturating_add(first, panes - floor_mod(first, panes));
    std::size_t split = 0;
    while (split < pieces_.size() && pieces_[split].pane < middle) ++split;
    const State* suffix = nullptr;
    for (std::size_t at = split; at > 0; --at) {
      if (suffix != nullptr) {
        State longer = *pieces_[at - 1].state;
        aggregator_.merge(longer, *suffix);
        merged_ = std::move(longer);
        suffix = &merged_;
      } else {
        suffix = pieces_[at - 1].state;
      }
    }
    if (split == pieces_.size()) return suffix;
    const State* prefix = pieces_[split].state;
    if (split + 1 < pieces_.size()) {
      prefix_ = *prefix;
      for (std::size_t at = split + 1; at < pieces_.size(); ++at)
        aggregator_.merge(prefix_, *pieces_[at].state);
      prefix = &prefix_;
    }
    if (suffix == nullptr) return prefix;
    if (suffix != &merged_) merged_ = *suffix;
    aggregator_.merge(merged_, *prefix);
    return &merged_;
  }

  struct Piece {
    PaneIndex pane;
    const State* state;
  };

  RollingPlan plan_;
  RowAgg aggregator_;
  Older older_;
  const State empty_{};
  // Of the read that is running; kept for their memory.
  std::array<Open, count> open_;
  std::array<std::vector<Open>, count> ended_;
  std::vector<Piece> pieces_;
  State before_{};
  State behind_{};
  State merged_{};
  State prefix_{};
};

}  // namespace weir::inline v0::detail

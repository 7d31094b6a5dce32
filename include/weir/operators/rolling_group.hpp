#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <weir/operators/rolling_fold.hpp>
#include <weir/state/older_panes.hpp>
#include <weir/state/record_log.hpp>
#include <weir/window/rolling.hpp>
#include <weir/window/window.hpp>

namespace weir::inline v0::detail {

/// What a read sees of a key, for windows that exclude the asking record or for those that include it.
template <class Record>
struct RollingRead {
  const typename RecordLogs<Record>::Log* log = nullptr;
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
  using Memory = std::array<RememberedRuns<State>, count>;  // per window
  /// What a key has of this group.
  struct Panes {
    EventTime open_end = no_time;          // of the finest open pane
    std::uint64_t changes = 0;             // how often something was added
    Memory* memory = nullptr;              // of its reads
    std::array<OlderPlace, count> closed;  // per level
    std::array<Open, count> open;          // per level
  };
  /// What a group is made from.
  struct Blueprint {
    RollingPlan plan;
    RowAgg aggregator;
  };

  explicit RollingGroup(Blueprint blueprint)
      : plan_(std::move(blueprint.plan)), aggregator_(std::move(blueprint.aggregator)), fold_(aggregator_) {}
  RollingGroup(const RollingGroup&) = delete;
  RollingGroup& operator=(const RollingGroup&) = delete;
  ~RollingGroup() = default;

  [[nodiscard]] const RollingPlan& plan() const noexcept { return plan_; }
  [[nodiscard]] const RowAgg& aggregator() const noexcept { return aggregator_; }

  /// Adds a record that is not before any that was added. Panes that no read at `settled` or later needs are forgotten.
  void add(Panes& panes, const Record& record, EventTime at, EventTime settled) {
    if (plan_.levels().empty()) return;
    ++panes.changes;
    if (at >= panes.open_end) open(panes, at, settled);
    aggregator_.add(panes.open[0].state, record, at);
  }
  /// Adds a record that is before some that were added.
  void add_late(Panes& panes, const Record& record, EventTime at, EventTime settled) {
    ++panes.changes;
    bool is_in_open = false;
    for (std::size_t level = 0; level < plan_.levels().size() && !is_in_open; ++level) {
      is_in_open = add_late_at(panes, level, record, at, settled);
    }
  }
  /// Asks for what a record in order touches: up to the finest open pane.
  static void prefetch_open(const Panes& panes) noexcept {
    prefetch_object(&panes, sizeof(Panes) - (count - 1) * sizeof(Open));
  }
  /// Once that is here: asks for what closing the pane touches, if the record does that.
  void prefetch_close(const Panes& panes, EventTime at) const noexcept {
    if (at < panes.open_end || panes.open_end == no_time) return;
    if constexpr (count > 1) prefetch_object(&panes.open[1], sizeof(Open));
    Older::prefetch_ends(panes.closed[0]);
  }
  /// Asks for what reads remember.
  static void prefetch_read(const Panes& panes) noexcept {
    if (panes.memory != nullptr) prefetch_object(panes.memory, sizeof(Memory));
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
    panes.open_end = no_time;
    for (OlderPlace& closed : panes.closed) older_.release(closed);
    if (panes.memory != nullptr) memories_.destroy(std::exchange(panes.memory, nullptr));
  }

  /// Computes every window's fields of a row, and what each covers. False if a window is not whole.
  bool read(Panes& panes, Asking asking, const RollingRead<Record>& read, Row& row, std::uint64_t& overflowed,
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
      aggregator_.result(state != nullptr ? *state : empty_, {reach.low, read.as_of}, row, bits, window);
      overflowed |= bits;
    }
    return is_whole;
  }

  /// Writes what a key has, or reads it into one that has nothing.
  void archive(Archive& ar, Panes& panes) requires(Archivable<State>) {
    for (std::size_t level = 0; level < plan_.levels().size() && ar.is_good(); ++level) {
      Open& open = panes.open[level];
      bool has_open = open.pane != no_pane;
      ar(has_open);
      if (has_open) ar(open.pane, open.state);
      archive_closed(ar, panes.closed[level], open.pane);
      if (level == 0 && ar.is_loading() && has_open) panes.open_end = plan_.levels()[0].end(open.pane);
    }
  }

  [[nodiscard]] std::size_t size_bytes() const noexcept {
    return older_.size_bytes() + memories_.size_bytes();
  }

 private:
  using Older = OlderPanes<State, PaneIndex>;
  using Piece = PanePiece<State>;
  static constexpr std::size_t least_remembered = 4;  // panes; fewer are merged anew

  void archive_closed(Archive& ar, OlderPlace& closed, PaneIndex open) requires(Archivable<State>) {
    std::size_t size = closed.is_there() ? Older::size(closed) : 0;
    ar.size(size, sizeof(PaneIndex) + least_bytes<State>());
    if (!ar.is_loading()) {
      return Older::for_each(closed, [&ar](PaneIndex pane, State& state) { ar(pane, state); });
    }
    PaneIndex before = no_pane;
    for (std::size_t i = 0; i < size && ar.is_good(); ++i) {
      PaneIndex pane = no_pane;
      ar(pane);
      if (pane <= before || pane >= open) ar.fail("panes are not in their order");
      if (!ar.is_good()) return;
      before = pane;
      ar(older_.append(closed, pane));
    }
  }
  /// Opens the finest pane that holds an instant behind the open one.
  [[gnu::noinline]] void open(Panes& panes, EventTime at, EventTime settled) {
    const RollingPlan::Level& finest = plan_.levels().front();
    const PaneIndex pane = finest.pane(at);
    if (panes.open[0].pane != pane) close(panes, 0, settled);
    panes.open[0].pane = pane;
    panes.open_end = finest.end(pane);
  }
  /// Closes the open pane of a level: it becomes part of the level above, and is kept while reads need it.
  void close(Panes& panes, std::size_t level, EventTime settled) {
    Open& closing = panes.open[level];
    if (closing.pane == no_pane) return;
    if (level + 1 < plan_.levels().size()) {
      Open& above = panes.open[level + 1];
      const PaneIndex pane = pane_above(level, closing.pane);
      if (above.pane == pane) {
        aggregator_.merge(above.state, closing.state);
      } else {
        close(panes, level + 1, settled);
        above.state = closing.state;
        above.pane = pane;
      }
    }
    forget_reads(panes, level);
    const PaneIndex first = plan_.levels()[level].first_kept(settled);
    OlderPlace& closed = panes.closed[level];
    if (closed.is_there() && first > no_pane) older_.erase_through(closed, first - 1);
    if (closing.pane >= first) older_.append(closed, closing.pane, std::move(closing.state));
    closing = Open{};
  }
  [[nodiscard]] PaneIndex pane_above(std::size_t level, PaneIndex pane) const {
    return plan_.levels()[level + 1].pane(plan_.levels()[level].start(pane));
  }
  /// What reads remember of a level's panes is not true any more.
  void forget_reads(Panes& panes, std::size_t level) noexcept {
    if (panes.memory == nullptr) return;
    for (std::size_t window = 0; window < count; ++window) {
      if (plan_.level_of(window) == level) (*panes.memory)[window].is_valid = false;
    }
  }

  /// True if the record went into the level's open pane, which the levels above do not have yet.
  bool add_late_at(Panes& panes, std::size_t level, const Record& record, EventTime at, EventTime settled) {
    const RollingPlan::Level& shape = plan_.levels()[level];
    const PaneIndex pane = shape.pane(at);
    Open& open = panes.open[level];
    if (open.pane < pane || open.pane == no_pane) {
      close(panes, level, settled);
      open.pane = pane;
      if (level == 0) panes.open_end = shape.end(pane);
    }
    if (open.pane == pane) {
      aggregator_.add(open.state, record, at);
      return true;
    }
    if (pane >= shape.first_kept(settled)) {
      bool is_new = false;
      forget_reads(panes, level);
      aggregator_.add(older_.at(panes.closed[level], pane, is_new), record, at);
    }
    return false;
  }
  /// Makes `ended_`: the panes that would be closed if all that is seen was settled and all were closed.
  void prepare(const Panes& panes, const RollingRead<Record>& read) {
    fold_.start();
    has_unsettled_ = false;
    if (plan_.levels().empty()) return;
    end_finest(panes, read);
    for (std::size_t level = 1; level < plan_.levels().size(); ++level) end_level(panes, read, level);
  }
  void end_finest(const Panes& panes, const RollingRead<Record>& read) {
    std::vector<Piece>& ended = ended_[0];
    ended.clear();
    if (read.has_panes && panes.open[0].pane != no_pane)
      ended.push_back({panes.open[0].pane, &panes.open[0].state});
    State* own = nullptr;  // a copy of the last one's
    for (std::uint32_t at = std::max(read.first, read.unsettled); at < read.log->size(); ++at) {
      const typename Logs::Item& item = Logs::item(*read.log, at);
      if (item.at >= read.end) break;
      has_unsettled_ = true;
      const PaneIndex pane = plan_.levels().front().pane(item.at);
      if (ended.empty() || ended.back().pane != pane) {
        own = &fold_.made(State{});
        ended.push_back({pane, own});
      } else if (own == nullptr) {
        own = &fold_.made(*ended.back().state);
        ended.back().state = own;
      }
      aggregator_.add(*own, item.record, item.at);
    }
  }
  void end_level(const Panes& panes, const RollingRead<Record>& read, std::size_t level) {
    std::vector<Piece>& ended = ended_[level];
    ended.clear();
    const Open& open = panes.open[level];
    if (read.has_panes && open.pane != no_pane) ended.push_back({open.pane, &open.state});
    State* own = nullptr;
    for (const Piece& below : ended_[level - 1]) {
      const PaneIndex pane = pane_above(level - 1, below.pane);
      if (ended.empty() || ended.back().pane != pane) {
        own = nullptr;
        ended.push_back({pane, below.state});
        continue;
      }
      if (own == nullptr) {
        own = &fold_.made(*ended.back().state);
        ended.back().state = own;
      }
      aggregator_.merge(*own, *below.state);
    }
  }

  const State* gather(Panes& panes, const RollingRead<Record>& read, std::size_t window,
                      const RollingPlan::Reach& reach, Window& covered) {
    const RollingWindow& asked = plan_.windows()[window];
    if (asked.kind == RollingKind::records) return add_last(read, asked.records, reach.high, covered);
    const std::size_t level = plan_.level_of(window);
    const RollingPlan::Level& shape = plan_.levels()[level];
    const bool is_exact = asked.cut == Cut::exact && asked.kind == RollingKind::time;
    const bool has_pane = reach.first_pane <= reach.end_pane;
    Piece before{};
    if (is_exact) {
      const EventTime end = has_pane ? shape.start(reach.first_pane) : reach.high;
      before = piece_of(read, reach.low, std::min(end, reach.high), saturating_sub(reach.first_pane, 1));
    }
    // A pane that `high` cuts has only the records before it, unless it was settled with others.
    const bool is_past = reach.high < read.settled;
    const bool is_cut = asked.kind == RollingKind::time && (is_past || asked.cut == Cut::both);
    const PaneIndex last = is_cut ? saturating_sub(reach.end_pane, 1) : reach.end_pane;
    const std::span<const Piece> ended = ended_between(level, reach.first_pane, last);

    const std::int64_t width = shape.is_endless() ? 1 : asked.size.count() / shape.hop + 1;
    const PaneIndex middle = saturating_add(reach.first_pane, width - floor_mod(reach.first_pane, width));
    const OlderPlace& closed = panes.closed[level];
    const bool has_closed = read.has_panes && closed.is_there();
    const bool has_older_open = !ended.empty() && ended.front().pane < middle;
    if (has_closed && !(is_exact && is_past) && !(has_older_open && has_unsettled_) &&
        Older::size(closed) >= least_remembered) {
      RememberedRuns<State>& runs = memory_of(panes)[window];
      const bool is_true = runs.is_valid && runs.first == reach.first_pane && runs.last == last &&
                           runs.has_open == has_older_open &&
                           (!has_older_open || runs.changes == panes.changes);
      if (!is_true) {
        pieces_.clear();
        collect(closed, reach.first_pane, last);
        if (has_older_open) pieces_.insert(pieces_.end(), ended.begin(), ended.end());
        fold_.remember(runs, pieces_, middle);
        runs.first = reach.first_pane;
        runs.last = last;
        runs.changes = panes.changes;
        runs.has_open = has_older_open;
        runs.is_valid = true;
      }
      return fold_.merged(runs, before, has_older_open ? std::span<const Piece>{} : ended);
    }

    pieces_.clear();
    if (before.state != nullptr) pieces_.push_back(before);
    if (has_closed) collect(closed, reach.first_pane, last);
    pieces_.insert(pieces_.end(), ended.begin(), ended.end());
    if (is_exact && is_past && has_pane) {
      const Piece behind = piece_of(read, shape.start(reach.end_pane), reach.high, reach.end_pane);
      if (behind.state != nullptr) pieces_.push_back(behind);
    }
    return fold_.merged(pieces_, middle);
  }
  void collect(const OlderPlace& closed, PaneIndex first, PaneIndex last) {
    Older::for_each_in(closed, first, last, [this](PaneIndex pane, const State& state) {
      pieces_.push_back({pane, &state});
    });
  }
  [[nodiscard]] std::span<const Piece> ended_between(std::size_t level, PaneIndex first,
                                                     PaneIndex last) const {
    std::span<const Piece> ended{ended_[level]};
    while (!ended.empty() && ended.front().pane < first) ended = ended.subspan(1);
    while (!ended.empty() && ended.back().pane > last) ended = ended.first(ended.size() - 1);
    return ended;
  }
  Memory& memory_of(Panes& panes) {
    if (panes.memory == nullptr) panes.memory = memories_.make();
    return *panes.memory;
  }
  /// The merge of the last records before `end`.
  const State* add_last(const RollingRead<Record>& read, std::uint32_t records, EventTime end,
                        Window& covered) {
    const std::uint32_t last = Logs::lower_bound(*read.log, end, read.first);
    const std::uint32_t first = last - std::min(records, last - read.first);
    covered.start = first < last ? Logs::item(*read.log, first).at : end;
    return first < last ? &added(read, first, last) : nullptr;
  }
  /// The records of an interval as a piece; without a state if there are none.
  Piece piece_of(const RollingRead<Record>& read, EventTime from, EventTime end, PaneIndex pane) {
    const std::uint32_t first = Logs::lower_bound(*read.log, from, read.first);
    const std::uint32_t last = Logs::lower_bound(*read.log, end, first);
    return {pane, first < last ? &added(read, first, last) : nullptr};
  }
  const State& added(const RollingRead<Record>& read, std::uint32_t first, std::uint32_t last) {
    State& state = fold_.made(empty_);
    for (std::uint32_t at = first; at < last; ++at)
      aggregator_.add(state, Logs::item(*read.log, at).record, Logs::item(*read.log, at).at);
    return state;
  }

  RollingPlan plan_;
  RowAgg aggregator_;
  Older older_;
  Pool<Memory> memories_;
  const State empty_{};
  // Of the read that is running; kept for their memory.
  RollingFold<RowAgg> fold_;
  std::array<std::vector<Piece>, count> ended_;
  std::vector<Piece> pieces_;
  bool has_unsettled_ = false;
};

}  // namespace weir::inline v0::detail

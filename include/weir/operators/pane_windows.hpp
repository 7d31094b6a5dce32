#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <weir/flow/node.hpp>
#include <weir/operators/row_emitter.hpp>
#include <weir/operators/window_specs.hpp>
#include <weir/state/pane_store.hpp>
#include <weir/window/pane_calendar.hpp>

namespace weir::inline v0::detail {

/// Windows of fixed shape that emit when they close, over shared panes.
///
/// Each record is added to one pane of its key, whatever the number and size of the windows. A closing window merges
/// the panes it covers, for the keys that have any.
///
/// Order:   rows by window end, then window kind as declared, then the order in which keys first touched the window
/// Late:    see `LatePolicy`; inside the grace a record fires its closed windows again at once
/// Keeps:   panes, until no window that is open can use them
template <class KeyType, class Record, class Row, class RowAgg>
class PaneWindowsNode final : public Node {
  using State = typename RowAgg::State;
  using Store = PaneStore<State>;

 public:
  PaneWindowsNode(std::string name, std::string kind, const std::vector<WindowPlan>& plans, RowAgg aggregator,
                  const KeyDictionary<KeyType>& dictionary)
      : Node(std::move(name), std::move(kind)), emitter_(std::move(aggregator), dictionary, plans.size()) {
    for (const WindowPlan& plan : plans) {
      layout_.include(plan.grid, windows_.empty());
      windows_.push_back(Windows(plan));
    }
    is_direct_ = windows_.size() == 1 && plans[0].grid.size() == plans[0].grid.step() &&
                 !plans[0].grid.is_cumulating() && plans[0].most_empty == 0;
    is_gapless_ = std::all_of(plans.begin(), plans.end(), [](const WindowPlan& plan) { return plan.grid.is_gapless(); });
  }

  [[nodiscard]] RowEmitter<KeyType, Record, Row, RowAgg>& emitter() noexcept { return emitter_; }
  void check(Problems& problems) const override {
    for (const Windows& one : windows_) check_plan(problems, name(), one.plan, windows_.size() > 1);
    check_panes(problems, name(), layout_.width, windows_.front().plan.grid);
  }

  void take(const Batch<Record>& batch) {
    stats().ingested += batch.size;
    if (store_.slots() < emitter_.dictionary().slot_bound()) store_.grow(emitter_.dictionary().slot_bound());
    if (batch.size > 1 && emitter_.dictionary().size() >= prefetched_from) {
      for (std::size_t i = 0; i < batch.size; ++i) prefetch_for_write(&store_.line(batch.slots[i]));
    }
    for (std::size_t i = 0; i < batch.size;) {
      i += apply_run(batch, i);
      if (i == batch.size) break;
      const EventTime at = batch.times[i];
      if (at >= watermark() && is_gapless_ && at != end_of_time) {
        find_pane(at);
      } else {
        judge(batch.slots[i], batch.records[i], at);
        ++i;
      }
    }
    emitter_.flush();
  }

  void advance(EventTime to) override {
    while (true) {
      Windows* next = nullptr;
      for (Windows& one : windows_) {
        prepare(one);
        if (one.has_due && one.due_end <= to && (next == nullptr || one.due_end < next->due_end)) next = &one;
      }
      if (next == nullptr) break;
      fire(*next, to);
    }
    for (Windows& one : windows_) pass(one, one.plan.grid.first_open(to, Duration::zero()));
    while (!retired_.empty() && retired_.begin()->first <= to) {
      for (const Slot slot : retired_.begin()->second) release(slot, to);
      retired_.erase(retired_.begin());
    }
    refired_.erase(refired_.begin(), refired_.upper_bound({to, ~std::size_t{0}, max_index, no_slot}));
    emitter_.flush();
  }

  [[nodiscard]] EventTime horizon() const override {
    EventTime least = end_of_time;
    for (const Windows& one : windows_) {
      const EventTime end = one.plan.grid.end(one.plan.grid.first_open(watermark(), Duration::zero()));
      if (end > watermark()) least = std::min(least, end);
    }
    return least;
  }
  [[nodiscard]] EventTime next_due() const override {
    EventTime least = end_of_time;
    for (const Windows& one : windows_) {
      if (const auto [has_due, index] = due_of(one); has_due) least = std::min(least, one.plan.grid.end(index));
    }
    return least;
  }
  [[nodiscard]] bool is_timed() const override { return true; }
  [[nodiscard]] bool holds(std::uint32_t slot) const override {
    return slot < store_.slots() && (store_.flags(slot) != 0 || !store_.is_empty(slot));
  }
  void refresh(OperatorStats& stats) const override {
    emitter_.refresh(stats);
    stats.state_bytes = store_.size_bytes();
  }
  [[nodiscard]] std::uint64_t live_windows() const override {
    std::uint64_t live = 0;
    for (Slot slot = 0; slot < store_.slots(); ++slot) {
      if (store_.is_empty(slot)) continue;
      for (const Windows& one : windows_) live += live_windows(slot, one);
    }
    return live;
  }

 private:
  static constexpr std::size_t prefetched_from = 16384;
  static constexpr WindowIndex max_index = std::numeric_limits<WindowIndex>::max();

  /// One kind of window and where it stands.
  struct Windows {
    explicit Windows(const WindowPlan& with) : plan(with), trigger(with.trigger) {}
    WindowPlan plan;
    Trigger trigger;
    WindowIndex next = std::numeric_limits<WindowIndex>::min();  // the lowest window that has not fired
    TouchLists pending;                                          // panes that no fired window covered
    std::vector<Slot> active;                                    // keys with panes that fired windows covered
    PaneIndex enrolled = std::numeric_limits<PaneIndex>::min();  // panes below are in `active`, not in `pending`
    std::map<Slot, std::uint32_t> empties;                      // empty rows since a key's last record
    bool has_due = false;
    WindowIndex due = 0;
    EventTime due_end = end_of_time;
  };

  /// Applies the longest run of on-time records that lie in the pane found last; gives its length.
  std::size_t apply_run(const Batch<Record>& batch, std::size_t from) {
    if (!is_gapless_) return 0;
    const EventTime start = std::max(pane_start_, watermark());
    const EventTime end = pane_end_;
    std::size_t to = from;
    while (to < batch.size && batch.times[to] >= start && batch.times[to] < end) ++to;
    const auto lines = store_.lines();
    const PaneIndex pane = pane_;
    std::uint64_t rejected = 0;
    for (std::size_t i = from; i < to; ++i) {
      if (!emitter_.accepts(batch.records[i])) {
        ++rejected;
        continue;
      }
      auto& line = lines[batch.slots[i]];
      State* state = &line.state;
      if (line.pane != pane) [[unlikely]] {
        state = &open_pane(batch.slots[i], pane);
      }
      emitter_.add(*state, batch.records[i], batch.times[i]);
    }
    stats().rejected += rejected;
    stats().applied += to - from - rejected;
    return to - from;
  }
  [[gnu::noinline]] State& open_pane(Slot slot, PaneIndex pane) {
    bool is_new = false;
    State& state = store_.at(slot, pane, is_new);
    if (is_new) touch(slot, pane);
    return state;
  }

  void apply(Slot slot, const Record& record, EventTime at) {
    if (at < pane_start_ || at >= pane_end_) [[unlikely]] {
      find_pane(at);
    }
    emitter_.add(open_pane(slot, pane_), record, at);
  }
  void find_pane(EventTime at) noexcept {
    pane_ = layout_.pane(at);
    pane_start_ = layout_.start(pane_);
    pane_end_ = layout_.start(pane_ + 1);
  }

  /// A key's first record in a pane: notes who has to look at it.
  void touch(Slot slot, PaneIndex pane) {
    if (is_direct_ && pane >= windows_[0].enrolled) [[likely]] {
      windows_[0].pending.add(pane, slot);
      return;
    }
    bool is_awaited = false;
    for (std::size_t i = 0; i < windows_.size(); ++i) {
      Windows& one = windows_[i];
      const EventTime start = layout_.start(pane);
      if (one.plan.grid.first(start) > one.plan.grid.last(start)) continue;
      if (pane >= one.enrolled) {
        one.pending.add(pane, slot);
        is_awaited = true;
      } else if (one.plan.grid.last(start) >= one.next && !is_direct_) {
        enrol(one, i, slot);
        is_awaited = true;
      }
    }
    if (!is_awaited) retired_[death_of(pane)].push_back(slot);
  }
  void enrol(Windows& one, std::size_t number, Slot slot) {
    const std::uint32_t flag = 1U << number;
    if ((store_.flags(slot) & flag) != 0) return;
    store_.flags(slot) |= flag;
    one.active.push_back(slot);
  }
  /// Every window below `next` has fired or can only fire late.
  void pass(Windows& one, WindowIndex next) {
    if (next <= one.next) return;
    one.next = next;
    one.enrolled = std::max(one.enrolled, layout_.panes(one.plan.grid, next - 1).second);
  }
  /// When the last window that can use a pane has closed for good.
  [[nodiscard]] EventTime death_of(PaneIndex pane) const {
    EventTime last = no_time;
    for (const Windows& one : windows_) {
      const WindowIndex index = one.plan.grid.last(layout_.start(pane));
      last = std::max(last, later(one.plan.grid.end(index), one.trigger.grace()));
    }
    return last;
  }
  /// Panes below this are of no use once the watermark is `to`.
  [[nodiscard]] PaneIndex dead_below(EventTime to) const {
    PaneIndex bound = std::numeric_limits<PaneIndex>::max();
    for (const Windows& one : windows_) {
      const WindowIndex used = std::min(one.next, one.plan.grid.first_open(to, one.trigger.grace()));
      bound = std::min(bound, layout_.panes(one.plan.grid, used).first);
    }
    return bound;
  }
  /// Forgets what no window can use any more; what can be used by a grace alone is looked at again when that ends.
  void release(Slot slot, EventTime to) {
    if (store_.is_empty(slot)) return;
    store_.erase_before(slot, dead_below(to));
    if (store_.is_empty(slot) || store_.flags(slot) != 0) return;
    const EventTime death = death_of(store_.newest(slot));
    if (death > to) retired_[death].push_back(slot);
  }

  void judge(Slot slot, const Record& record, EventTime at) {
    if (!emitter_.accepts(record)) return emitter_.count_rejected(stats());
    std::uint64_t hit = 0;
    std::uint64_t missed = 0;
    for (const Windows& one : windows_) {
      const WindowIndex first = one.plan.grid.first(at);
      const WindowIndex last = one.plan.grid.last(at);
      if (first > last) continue;
      const WindowIndex open = std::max(first, one.plan.grid.first_open(watermark(), one.trigger.grace()));
      const auto taken = static_cast<std::uint64_t>(open > last ? 0 : last - open + 1);
      hit += taken;
      missed += static_cast<std::uint64_t>(last - first + 1) - taken;
    }
    if (missed > 0 && windows_[0].plan.late == LatePolicy::drop_whole) hit = 0;
    count_judged(stats(), hit, missed);
    if (missed > 0) {
      emitter_.report_late(record, at, static_cast<std::uint32_t>(hit), static_cast<std::uint32_t>(missed), watermark());
    }
    if (hit == 0) return;
    if (at >= watermark()) {
      apply(slot, record, at);
    } else {
      apply_late(slot, record, at);
    }
  }

  /// Adds a record behind the watermark and fires the closed windows that still take it, by their ends.
  void apply_late(Slot slot, const Record& record, EventTime at) {
    std::vector<std::tuple<EventTime, std::size_t, WindowIndex, bool>> closed;
    for (std::size_t i = 0; i < windows_.size(); ++i) {
      const Windows& one = windows_[i];
      const WindowIndex last = one.plan.grid.last(at);
      WindowIndex index = std::max(one.plan.grid.first(at), one.plan.grid.first_open(watermark(), one.trigger.grace()));
      for (; index <= last && one.plan.grid.end(index) <= watermark(); ++index) {
        const auto [low, high] = layout_.panes(one.plan.grid, index);
        bool was_there = false;
        store_.query(slot, low, high, merger(), [&was_there](const State&) { was_there = true; });
        closed.emplace_back(one.plan.grid.end(index), i, index, was_there);
      }
    }
    apply(slot, record, at);
    std::sort(closed.begin(), closed.end());
    for (const auto& [end, number, index, was_there] : closed) {
      const Windows& one = windows_[number];
      const auto [at_index, is_first] =
          refired_.try_emplace({later(end, one.trigger.grace()), number, index, slot}, was_there ? 1U : 0U);
      if (!is_first) ++at_index->second;
      const Pane pane{.timing = Timing::late, .is_final = false, .is_retraction = false, .index = at_index->second};
      emit(one, number, slot, index, pane, at, watermark());
    }
  }

  auto merger() const {
    return [this](State& into, const State& from) { emitter_.aggregator().merge(into, from); };
  }
  /// Merges a window's panes into `merged_`; the state of a single pane is used where it lies.
  const State* gather(Slot slot, PaneIndex low, PaneIndex high) {
    const State* only = nullptr;
    bool is_merged = false;
    store_.query(slot, low, high, merger(), [&](const State& state) {
      if (only == nullptr) {
        only = &state;
        return;
      }
      if (!is_merged) {
        merged_ = *only;
        is_merged = true;
      }
      emitter_.aggregator().merge(merged_, state);
    });
    return is_merged ? &merged_ : only;
  }
  bool emit(const Windows& one, std::size_t number, Slot slot, WindowIndex index, Pane pane, EventTime as_of,
            EventTime to) {
    const auto [low, high] = layout_.panes(one.plan.grid, index);
    const State* state = gather(slot, low, high);
    if (state == nullptr) return false;
    const Window window = one.plan.grid.window(index);
    emitter_.emit(number, slot, *state, window, pane, as_of, to, row_time(window, as_of));
    return true;
  }

  /// The next window that has something to look at.
  [[nodiscard]] std::pair<bool, WindowIndex> due_of(const Windows& one) const {
    if (!one.active.empty()) return {true, one.next};
    if (one.pending.is_empty()) return {false, 0};
    return {true, std::max(one.next, one.plan.grid.first(layout_.start(one.pending.front())))};
  }
  void prepare(Windows& one) const {
    std::tie(one.has_due, one.due) = due_of(one);
    one.due_end = one.has_due ? one.plan.grid.end(one.due) : end_of_time;
  }

  void fire(Windows& one, EventTime to) {
    const WindowIndex index = one.due;
    const auto [low, high] = layout_.panes(one.plan.grid, index);
    pass(one, index == max_index ? max_index : index + 1);
    if (is_direct_) {
      fire_direct(one, index, low, to);
    } else {
      fire_shared(one, index, low, high, to);
    }
  }

  /// Tumbling windows alone on their panes: the touch list is the window.
  void fire_direct(Windows& one, WindowIndex index, PaneIndex pane, EventTime to) {
    std::vector<Slot> slots = one.pending.take_front();
    const Window window = one.plan.grid.window(index);
    const Pane on_time{.timing = Timing::on_time, .is_final = one.trigger.is_final_at_end()};
    const EventTime death = later(window.end, one.trigger.grace());
    const EventTime time = row_time(window, window.end);
    constexpr std::size_t ahead = 12;
    for (std::size_t i = 0; i < slots.size(); ++i) {
      if (i + ahead < slots.size()) {
        prefetch_for_write(&store_.line(slots[i + ahead]));
        emitter_.dictionary().prefetch_key(slots[i + ahead]);
      }
      const State* state = store_.find(slots[i], pane);
      if (state == nullptr) continue;
      emitter_.emit(0, slots[i], *state, window, on_time, window.end, to, time);
      if (death <= to) store_.erase(slots[i], pane);
    }
    if (death <= to) {
      one.pending.recycle(std::move(slots));
    } else {
      std::vector<Slot>& retired = retired_[death];
      if (retired.empty()) {
        retired = std::move(slots);
      } else {
        retired.insert(retired.end(), slots.begin(), slots.end());
      }
    }
  }

  void fire_shared(Windows& one, WindowIndex index, PaneIndex low, PaneIndex high, EventTime to) {
    const auto number = static_cast<std::size_t>(&one - windows_.data());
    while (!one.pending.is_empty() && one.pending.front() < high) {
      std::vector<Slot> slots = one.pending.take_front();
      for (const Slot slot : slots) enrol(one, number, slot);
      one.pending.recycle(std::move(slots));
    }
    const Window window = one.plan.grid.window(index);
    const Pane on_time{.timing = Timing::on_time, .is_final = one.trigger.is_final_at_end()};
    const EventTime time = row_time(window, window.end);
    const PaneIndex dead = dead_below(std::min(to, window.end));
    std::size_t kept = 0;
    constexpr std::size_t ahead = 6;
    for (std::size_t i = 0; i < one.active.size(); ++i) {
      const Slot slot = one.active[i];
      if (i + ahead < one.active.size()) {
        prefetch_for_write(&store_.line(one.active[i + ahead]));
        emitter_.dictionary().prefetch_key(one.active[i + ahead]);
      }
      const State* state = gather(slot, low, high);
      if (state == nullptr && !fills_empty(one, slot)) {
        store_.flags(slot) &= ~(1U << number);
        release(slot, std::min(to, window.end));
        continue;
      }
      if (state != nullptr && one.plan.most_empty > 0) one.empties[slot] = 0;
      emitter_.emit(number, slot, state != nullptr ? *state : empty_, window, on_time, window.end, to, time);
      store_.erase_before(slot, dead);
      one.active[kept++] = slot;
    }
    one.active.resize(kept);
  }
  /// Whether a key without records in this window gets an empty row.
  [[nodiscard]] static bool fills_empty(Windows& one, Slot slot) {
    if (one.plan.most_empty == 0) return false;
    const auto at = one.empties.find(slot);
    if (at == one.empties.end() || at->second >= one.plan.most_empty) {
      if (at != one.empties.end()) one.empties.erase(at);
      return false;
    }
    ++at->second;
    return true;
  }

  [[nodiscard]] std::uint64_t live_windows(Slot slot, const Windows& one) const {
    std::uint64_t live = 0;
    WindowIndex from = one.plan.grid.first_open(watermark(), one.trigger.grace());
    const_cast<Store&>(store_).for_each(slot, [&](PaneIndex pane, const State&) {
      const EventTime start = layout_.start(pane);
      const WindowIndex first = std::max(from, one.plan.grid.first(start));
      const WindowIndex last = one.plan.grid.last(start);
      if (last < first) return;
      live += static_cast<std::uint64_t>(last - first + 1);
      from = last + 1;
    });
    return live;
  }

  RowEmitter<KeyType, Record, Row, RowAgg> emitter_;
  std::vector<Windows> windows_;
  PaneLayout layout_;
  bool is_direct_ = false;
  bool is_gapless_ = true;
  Store store_;
  PaneIndex pane_ = 0;
  EventTime pane_start_ = end_of_time;
  EventTime pane_end_ = no_time;
  State merged_{};
  const State empty_{};
  std::map<EventTime, std::vector<Slot>> retired_;
  std::map<std::tuple<EventTime, std::size_t, WindowIndex, Slot>, std::uint32_t> refired_;
};

}  // namespace weir::inline v0::detail

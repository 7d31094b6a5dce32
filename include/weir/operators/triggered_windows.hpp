#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <weir/flow/node.hpp>
#include <weir/operators/row_emitter.hpp>
#include <weir/operators/window_specs.hpp>
#include <weir/state/pane_store.hpp>
#include <weir/window/due_lists.hpp>

namespace weir::inline v0::detail {

/// The firings of one key's window: state, progress, and the row to take back.
template <class State, class Row>
struct Firing {
  State state{};
  Progress progress{};
  EventTime newest = no_time;   // of the records in it
  std::uint64_t order = 0;      // of its first record among those of all windows
  std::unique_ptr<Row> last{};  // what was put out last, if rows are retracted
};

/// Puts out one pane of a window and leaves the window as its accumulation says. `firing` has the members state, progress,
/// newest and last of a `Firing`.
template <class Emitter, class AnyFiring>
void fire_pane(Emitter& emitter, const Trigger& trigger, Slot slot, AnyFiring&& firing, const Window& window, Timing timing,
               bool is_final, EventTime as_of, EventTime watermark) {
  const EventTime time = row_time(window, firing.newest);
  if (firing.last != nullptr) emitter.retract(0, *firing.last, watermark, time);
  const Pane pane{.timing = timing, .is_final = is_final, .is_retraction = false, .index = firing.progress.firings};
  const auto& row = emitter.emit(0, slot, firing.state, window, pane, as_of, watermark, time);
  if (trigger.accumulation() == Accumulation::retracting) {
    if (firing.last == nullptr) firing.last = std::make_unique<std::remove_cvref_t<decltype(row)>>();
    *firing.last = row;
  }
  if (trigger.accumulation() == Accumulation::discarding) firing.state = {};
  firing.progress.since = 0;
  ++firing.progress.firings;
}

/// Windows of fixed shape with early, repeated, discarding or retracting panes: each window has its own state.
///
/// Order:   rows by deadline: early panes, then windows by end, then keys as they first touched the window
/// Late:    see `LatePolicy`, `LateFiring` and `FinalPane`
/// Keeps:   a state per key and open window; a record is added to each of its windows
template <class KeyType, class Record, class Row, class RowAgg>
class TriggeredWindowsNode final : public Node {
  using WindowedRow = Windowed<KeyType, Row>;
  using Entry = Firing<typename RowAgg::State, WindowedRow>;

 public:
  TriggeredWindowsNode(std::string name, std::string kind, WindowPlan plan, RowAgg aggregator,
                       const KeyDictionary<KeyType>& dictionary)
      : Node(std::move(name), std::move(kind)),
        emitter_(std::move(aggregator), dictionary, 1),
        plan_(std::move(plan)),
        trigger_(plan_.trigger) {}

  [[nodiscard]] RowEmitter<KeyType, Record, Row, RowAgg>& emitter() noexcept { return emitter_; }
  void check(Problems& problems) const override {
    check_plan(problems, name(), plan_, false);
    if (plan_.has_positive_sizes()) check_copies(problems, name(), plan_);
  }

  void take(const Batch<Record>& batch) {
    stats().ingested += batch.size;
    if (store_.slots() < emitter_.dictionary().slot_bound()) store_.grow(emitter_.dictionary().slot_bound());
    for (std::size_t i = 0; i < batch.size; ++i) {
      if (emitter_.accepts(batch.records[i])) {
        apply(batch.slots[i], batch.records[i], batch.times[i]);
      } else {
        emitter_.count_rejected(stats());
      }
    }
    emitter_.flush();
  }

  void advance(EventTime to) override {
    WindowDue due{};
    while (due_.take(to, due, taken_)) {
      if (due.step == WindowStep::early) sort_by_touch(taken_, due.window);
      for (const Slot slot : taken_) {
        if (Entry* entry = store_.find(slot, due.window); entry != nullptr) act(due, slot, *entry, to);
        if (due.step == WindowStep::end && trigger_.grace() == Duration::zero()) clean_up(slot, due.window, to);
      }
      if (due.step == WindowStep::end && trigger_.grace() != Duration::zero()) {
        due_.add({cleanup_of(due.window), WindowStep::cleanup, due.window}, taken_);
      }
    }
    emitter_.flush();
  }

  [[nodiscard]] EventTime horizon() const override {
    if (trigger_.fires_on_records()) return later(watermark(), Duration{1});
    EventTime least = plan_.grid.end(plan_.grid.first_open(watermark(), Duration::zero()));
    if (least <= watermark()) least = end_of_time;
    least = std::min(least, trigger_.earliest_early(watermark()));
    return std::min(least, std::max(next_due(), later(watermark(), Duration{1})));
  }
  [[nodiscard]] EventTime next_due() const override { return due_.earliest(); }
  [[nodiscard]] bool is_timed() const override { return true; }
  [[nodiscard]] bool holds(std::uint32_t slot) const override { return slot < store_.slots() && !store_.is_empty(slot); }
  void refresh(OperatorStats& stats) const override {
    emitter_.refresh(stats);
    stats.state_bytes = store_.size_bytes();
  }
  [[nodiscard]] std::uint64_t live_windows() const override {
    std::uint64_t live = 0;
    auto& store = const_cast<PaneStore<Entry, WindowIndex>&>(store_);
    for (Slot slot = 0; slot < store.slots(); ++slot) store.for_each(slot, [&live](WindowIndex, const Entry&) { ++live; });
    return live;
  }

 private:
  /// Early panes of one instant come from keys that were put down for it at different times.
  void sort_by_touch(std::vector<Slot>& slots, WindowIndex index) {
    std::sort(slots.begin(), slots.end(), [this, index](Slot a, Slot b) {
      return store_.find(a, index)->order < store_.find(b, index)->order;
    });
  }
  [[nodiscard]] EventTime cleanup_of(WindowIndex index) const { return later(plan_.grid.end(index), trigger_.grace()); }
  void apply(Slot slot, const Record& record, EventTime at) {
    const WindowIndex first = plan_.grid.first(at);
    const WindowIndex last = plan_.grid.last(at);
    WindowIndex open = first;
    if (at < watermark() || watermark() == end_of_time) open = std::max(first, plan_.grid.first_open(watermark(), trigger_.grace()));
    const auto hit = static_cast<std::uint64_t>(open > last ? 0 : last - open + 1);
    const std::uint64_t missed = static_cast<std::uint64_t>(last < first ? 0 : last - first + 1) - hit;
    const bool is_dropped = missed > 0 && plan_.late == LatePolicy::drop_whole;
    count_judged(stats(), is_dropped ? 0 : hit, missed);
    if (missed > 0) {
      emitter_.report_late(record, at, is_dropped ? 0 : hit, missed, watermark());
    }
    if (is_dropped || hit == 0) return;
    for (WindowIndex index = open; index <= last; ++index) add(slot, index, record, at);
  }

  void add(Slot slot, WindowIndex index, const Record& record, EventTime at) {
    bool is_new = false;
    Entry& entry = store_.at(slot, index, is_new);
    const Window window = plan_.grid.window(index);
    const bool is_past_end = window.end <= watermark();
    if (is_new) {
      entry.order = ++touches_;
      due_.add(is_past_end ? WindowDue{cleanup_of(index), WindowStep::cleanup, index}
                           : WindowDue{window.end, WindowStep::end, index},
               slot);
      entry.progress.next_early = is_past_end ? no_time : trigger_.first_early(at, window.end);
      if (entry.progress.next_early != no_time) {
        due_.add({later(entry.progress.next_early, Duration{1}), WindowStep::early, index}, slot);
      }
    }
    emitter_.add(entry.state, record, at);
    ++entry.progress.since;
    entry.newest = std::max(entry.newest, at);
    if (trigger_.fires_on_record(entry.progress, is_past_end)) {
      fire_pane(emitter_, trigger_, slot, entry, window, is_past_end ? Timing::late : Timing::early, false, at, watermark());
    }
  }

  void act(const WindowDue& what, Slot slot, Entry& entry, EventTime to) {
    const Window window = plan_.grid.window(what.window);
    switch (what.step) {
      case WindowStep::early: {
        const EventTime early = entry.progress.next_early;
        if (trigger_.fires_early(entry.progress, window.end, this->target())) {
          fire_pane(emitter_, trigger_, slot, entry, window, Timing::early, false, early, to);
        }
        const EventTime next = trigger_.early_after(early, window.end, this->target(), stats().skipped_firings);
        entry.progress.next_early = next;
        if (next != no_time) due_.add({later(next, Duration{1}), WindowStep::early, what.window}, slot);
        break;
      }
      case WindowStep::end:
        if (trigger_.fires_at_end(entry.progress)) {
          entry.progress.fired_at_end = true;
          fire_pane(emitter_, trigger_, slot, entry, window, Timing::on_time, trigger_.is_final_at_end(), window.end, to);
        }
        break;
      case WindowStep::cleanup: clean_up(slot, what.window, to); break;
    }
  }
  void clean_up(Slot slot, WindowIndex index, EventTime to) {
    Entry* entry = store_.find(slot, index);
    if (entry == nullptr) return;
    if (trigger_.fires_finally(entry->progress)) {
      const Window window = plan_.grid.window(index);
      const Timing timing = trigger_.final_timing(window.end, watermark());
      fire_pane(emitter_, trigger_, slot, *entry, window, timing, true, to, to);
    } else {
      stats().unemitted += entry->progress.since;
    }
    store_.erase(slot, index);
  }

  RowEmitter<KeyType, Record, Row, RowAgg> emitter_;
  WindowPlan plan_;
  Trigger trigger_;
  PaneStore<Entry, WindowIndex> store_;
  DueLists due_;
  std::vector<Slot> taken_;
  std::uint64_t touches_ = 0;
};

}  // namespace weir::inline v0::detail

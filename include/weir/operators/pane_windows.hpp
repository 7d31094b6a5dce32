#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <weir/flow/node.hpp>
#include <weir/operators/row_emitter.hpp>
#include <weir/operators/window_specs.hpp>
#include <weir/state/pane_store.hpp>
#include <weir/window/pane_schedule.hpp>
#include <weir/window/schedule_archive.hpp>

namespace weir::inline v0::detail {

/// Windows of fixed shape that emit when they close, over shared panes.
///
/// Each record is added to one pane of its key, whatever the number and size of the windows. A closing window merges
/// the panes it covers, for the keys that have any.
///
/// Order:   rows by window end, then window kind as declared, then keys in the order of `PaneSchedule`
/// Late:    see `LatePolicy`; inside the grace a record fires its closed windows again at once
/// Keeps:   panes, until no window that is open can use them
template <class KeyType, class Record, class Row, class RowAgg, PaneUse use>
class PaneWindowsNode final : public Node {
  using State = typename RowAgg::State;
  using Store = PaneStore<State, PaneIndex, use != PaneUse::alone>;

 public:
  static constexpr bool values_own_memory = !std::is_trivially_copyable_v<State>;
  PaneWindowsNode(std::string name, std::span<const WindowPlan> plans, RowAgg aggregator,
                  const KeyDictionary<KeyType>& dictionary)
      : Node(std::move(name), plans.size() == 1 ? plans[0].node_kind() : "shared windows"),
        emitter_(std::move(aggregator), dictionary, plans.size()),
        schedule_(plans),
        store_(schedule_.panes_of_slide()) {}

  [[nodiscard]] RowEmitter<KeyType, Record, Row, RowAgg>& emitter() noexcept { return emitter_; }
  void check(Problems& problems) const override {
    for (std::size_t i = 0; i < schedule_.kinds(); ++i) {
      const WindowPlan& plan = schedule_.plan(i);
      check_plan(problems, name(), plan, schedule_.kinds() > 1);
      if (plan.has_positive_sizes()) check_panes(problems, name(), schedule_.layout().width, plan.grid);
    }
  }

  void describe(Description& out) const override {
    out.begin_list("windows");
    for (std::size_t i = 0; i < schedule_.kinds(); ++i) describe_plan(out, schedule_.plan(i));
    out.end();
    std::int64_t number = 0;
    emitter_.aggregator().describe(out, number);
  }

  void take(const Batch<Record>& batch) {
    stats().ingested += batch.size;
    if (store_.slots() < emitter_.dictionary().slot_bound()) {
      store_.grow(emitter_.dictionary().slot_bound());
      schedule_.grow(emitter_.dictionary().slot_bound());
    }
    const std::size_t prefetched = emitter_.dictionary().is_large() ? batch.size : 0;
    for (std::size_t i = 0; i < std::min(ahead, prefetched); ++i) prefetch_lines(store_.line(batch.slots[i]));
    for (std::size_t i = 0; i < batch.size;) {
      i += apply_run(batch, i, prefetched);
      if (i == batch.size) break;
      const EventTime at = batch.times[i];
      if (at >= watermark() && schedule_.is_gapless() && at != end_of_time) {
        find_pane(at);
      } else {
        judge(batch.slots[i], batch.records[i], at);
        ++i;
      }
    }
    emitter_.flush();
  }

  void take_one(const Record& record, EventTime at, Slot slot) {
    const bool is_plain = at >= pane_start_ && at < pane_end_ && at >= watermark() && slot < store_.slots() &&
                          store_.line(slot).pane == pane_ && emitter_.accepts(record);
    if (!is_plain) return take({&record, &at, &slot, 1});
    ++stats().ingested;
    emitter_.add(store_.line(slot).state, record, at);
    ++stats().applied;
  }

  void advance(EventTime to) override {
    WindowFiring firing;
    while (schedule_.next_firing(to, firing)) {
      if (schedule_.is_direct()) {
        fire_direct(firing, to);
      } else {
        fire_shared(firing, to);
      }
    }
    schedule_.settle(to);
    std::span<const Slot> retired;
    while (schedule_.take_retired(to, retired)) {
      for (const Slot slot : retired) release(slot, to);
    }
    emitter_.flush();
  }

  [[nodiscard]] EventTime horizon() const override { return schedule_.horizon(watermark()); }
  [[nodiscard]] EventTime next_due() const override { return schedule_.next_due(); }
  [[nodiscard]] bool is_timed() const override { return true; }
  [[nodiscard]] bool holds(std::uint32_t slot) const override {
    return slot < store_.slots() && (schedule_.awaits(slot) || !store_.is_empty(slot));
  }
  [[nodiscard]] KeptState kept() const override { return kept_as<State>(KeptState::Kind::by_key); }
  void archive(NodeArchive& out) override {
    emitter_.archive(out);
    KeptKeys& keys = out.keys(&emitter_.dictionary());
    if (out.is_loading()) {
      store_.grow(emitter_.dictionary().slot_bound());
      schedule_.grow(emitter_.dictionary().slot_bound());
      if (!out.is_joining()) schedule_.stand_at(watermark());
    }
    ScheduleArchive schedule(schedule_, keys, out.is_loading());
    out.each_group([&](Archive& archive, std::size_t group) {
      if constexpr (Archivable<State>) {
        visit_ahead(
            keys.of(group), [this](Slot slot) { store_.prefetch(slot); },
            [&](Slot slot) { store_.archive(archive, slot, schedule_.least_pane(), schedule_.most_pane()); });
      }
      schedule.archive(archive, group);
    });
    if (!out.is_loading()) return;
    schedule.join(watermark());
    if (!schedule_.has_grace()) return;
    for (const Slot slot : keys.all()) {
      store_.for_each(slot, [this, slot](PaneIndex pane, const State&) {
        if (schedule_.has_fired(pane, watermark())) schedule_.retire(schedule_.death_of(pane), slot);
      });
    }
  }
  void forget(std::span<const Slot> slots) override {
    for (const Slot slot : slots) {
      if (slot < store_.slots()) store_.erase_through(slot, std::numeric_limits<PaneIndex>::max());
    }
    schedule_.forget(slots);
  }
  void refresh(OperatorStats& stats) const override {
    emitter_.refresh(stats);
    stats.state_bytes = store_.size_bytes() + schedule_.size_bytes();
  }
  [[nodiscard]] std::uint64_t live_windows() const override {
    std::uint64_t live = 0;
    std::vector<WindowIndex> counted;
    for (Slot slot = 0; slot < store_.slots(); ++slot) {
      counted.clear();
      const_cast<Store&>(store_).for_each(slot, [&](PaneIndex pane, const State&) {
        live += schedule_.live_windows(pane, watermark(), counted);
      });
    }
    return live;
  }

 private:
  static constexpr std::size_t ahead = 32;  // records between asking for a line and using it

  /// Applies the longest run of on-time records that lie in the pane found last; gives its length. Asks for the lines of
  /// records below `prefetched` some records before they are needed.
  std::size_t apply_run(const Batch<Record>& batch, std::size_t from, std::size_t prefetched) {
    if (!schedule_.is_gapless()) return 0;
    const EventTime start = std::max(pane_start_, watermark());
    const std::uint64_t length = pane_end_ > start ? distance(start, pane_end_) : 0;
    const auto lines = store_.lines();
    const PaneIndex pane = pane_;
    const Record* records = batch.records;
    const EventTime* times = batch.times;
    const Slot* slots = batch.slots;
    std::uint64_t rejected = 0;
    std::size_t i = from;
    for (; i < batch.size && distance(start, times[i]) < length; ++i) {
      if (i + ahead < prefetched) prefetch_lines(lines[slots[i + ahead]]);
      if (!emitter_.accepts(records[i])) {
        ++rejected;
        continue;
      }
      auto& line = lines[slots[i]];
      State* state = &line.state;
      if (line.pane != pane) [[unlikely]] { state = &open_pane(slots[i], pane); }
      emitter_.add(*state, records[i], times[i]);
    }
    stats().rejected += rejected;
    stats().applied += i - from - rejected;
    return i - from;
  }
  /// From one instant to a later one, exactly; of an earlier one it is longer than to any pane's end.
  static std::uint64_t distance(EventTime from, EventTime to) noexcept {
    return static_cast<std::uint64_t>(ticks(to)) - static_cast<std::uint64_t>(ticks(from));
  }
  [[gnu::noinline]] State& open_pane(Slot slot, PaneIndex pane) {
    bool is_new = false;
    State& state = store_.at(slot, pane, is_new);
    if (is_new) schedule_.touch(slot, pane);
    return state;
  }
  void find_pane(EventTime at) noexcept {
    pane_ = schedule_.layout().pane(at);
    pane_start_ = schedule_.layout().start(pane_);
    pane_end_ =
        pane_ == std::numeric_limits<PaneIndex>::max() ? end_of_time : schedule_.layout().start(pane_ + 1);
  }

  /// A record that may miss windows, or lie in none.
  [[gnu::noinline]] void judge(Slot slot, const Record& record, EventTime at) {
    if (!emitter_.accepts(record)) return emitter_.count_rejected(stats());
    const auto [hit, missed] = schedule_.judge(at, watermark());
    count_judged(stats(), hit, missed);
    if (missed > 0) emitter_.report_late(record, at, hit, missed, watermark());
    if (hit == 0) return;
    const PaneIndex pane = schedule_.layout().pane(at);
    if (at >= watermark()) {
      emitter_.add(open_pane(slot, pane), record, at);
      return;
    }
    const std::span<Refiring> refirings = schedule_.find_refirings(at, watermark());
    for (Refiring& refiring : refirings) {
      refiring.was_there = gather(slot, refiring.low, refiring.last) != nullptr;
    }
    emitter_.add(open_pane(slot, pane), record, at);
    for (const Refiring& refiring : refirings) {
      const Window window = schedule_.plan(refiring.kind).grid.window(refiring.index);
      const Pane late{.timing = Timing::late, .index = schedule_.count_refiring(refiring, slot)};
      emitter_.emit(refiring.kind, slot, *gather(slot, refiring.low, refiring.last), window, late, at,
                    watermark(), earlier(window.end, Duration{1}));
    }
  }

  /// The merge of a key's panes, null if it has none; the state of a single pane is used where it lies.
  const State* gather(Slot slot, PaneIndex low, PaneIndex last) {
    if constexpr (use == PaneUse::alone) {
      return store_.find(slot, low);
    } else {
      return store_.gather(slot, low, last, merge(), merged_);
    }
  }
  /// The same for the window that is firing.
  const State* visit(const WindowFiring& firing, Slot slot, bool is_slide) {
    if constexpr (Store::can_slide) {
      if (is_slide) return store_.slide(slot, merge(), merged_);
    }
    store_.close_through(slot, firing.last);
    return gather(slot, firing.low, firing.last);
  }
  [[nodiscard]] auto merge() const {
    return [this](State& into, const State& from) { emitter_.aggregator().merge(into, from); };
  }

  void prefetch_row(std::span<const Slot> slots, std::size_t at) const {
    if (at >= slots.size()) return;
    prefetch_lines(const_cast<Store&>(store_).line(slots[at]));
    emitter_.dictionary().prefetch_key(slots[at]);
  }
  void fire_direct(const WindowFiring& firing, EventTime to) {
    const std::span<const Slot> slots = firing.slots;
    const bool is_last_use = schedule_.end_of_use(firing) <= to;
    for (std::size_t i = 0; i < slots.size(); ++i) {
      prefetch_row(slots, i + 12);
      const State* state = store_.find(slots[i], firing.low);
      if (state == nullptr) continue;
      emitter_.emit(0, slots[i], *state, firing.window, firing.pane, firing.window.end, to, firing.row_time);
      if (is_last_use) store_.erase(slots[i], firing.low);
    }
    schedule_.end_direct(firing, to);
  }
  /// Fetches in two steps, because a visit follows two pointers.
  void prefetch_visits(std::span<const Slot> slots, std::size_t at) const {
    // Slots in their order are fetched by the processor.
    if (const std::size_t far = at + 24; far < slots.size() && slots[far] - slots[far - 1] > 4) {
      store_.prefetch(slots[far]);
      emitter_.dictionary().prefetch_key(slots[far]);
    }
    if (const std::size_t near = at + 12; near < slots.size()) store_.prefetch_older(slots[near]);
  }
  void fire_shared(const WindowFiring& firing, EventTime to) {
    const EventTime reached = std::min(to, firing.window.end);
    const PaneIndex dead = schedule_.dead_through(reached);
    bool is_slide = false;
    if constexpr (Store::can_slide) {
      is_slide = schedule_.is_slide(firing) && store_.move_to(firing.low, firing.last, dead);
    }
    const std::span<Slot> slots = firing.slots;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < slots.size(); ++i) {
      prefetch_visits(slots, i);
      const Slot slot = slots[i];
      const State* state = visit(firing, slot, is_slide);
      if (state == nullptr && !schedule_.fills_empty(firing, slot)) {
        schedule_.dismiss(firing.kind, slot);
        release(slot, reached);
        continue;
      }
      if (state != nullptr) schedule_.note_content(firing.kind, slot);
      emitter_.emit(firing.kind, slot, state != nullptr ? *state : empty_, firing.window, firing.pane,
                    firing.window.end, to, firing.row_time);
      if (is_slide) {
        store_.end_slide(slot, dead);
      } else {
        store_.erase_through(slot, dead);
      }
      slots[kept++] = slot;
    }
    schedule_.end_shared(firing, kept);
  }
  /// Forgets what no window can use any more; what only a grace can use is looked at again when that ends.
  void release(Slot slot, EventTime to) {
    if (store_.is_empty(slot)) return;
    store_.erase_through(slot, schedule_.dead_through(to));
    if (store_.is_empty(slot) || schedule_.awaits(slot)) return;
    const EventTime death = schedule_.death_of(store_.newest(slot));
    if (death > to) schedule_.retire(death, slot);
  }

  RowEmitter<KeyType, Record, Row, RowAgg> emitter_;
  PaneSchedule schedule_;
  Store store_;
  PaneIndex pane_ = 0;
  EventTime pane_start_ = end_of_time;
  EventTime pane_end_ = no_time;
  State merged_{};
  const State empty_{};
};

}  // namespace weir::inline v0::detail

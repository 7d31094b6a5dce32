#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <weir/base/owner.hpp>
#include <weir/flow/node.hpp>
#include <weir/flow/node_archive.hpp>
#include <weir/operators/row_emitter.hpp>
#include <weir/operators/window_specs.hpp>
#include <weir/state/pool.hpp>

namespace weir::inline v0::detail {

/// Puts out one pane of a window and leaves the window as its accumulation says. `content` has the window's state and, as
/// `last`, a pointer to the row to take back; `number` is the window's.
template <class Emitter, class Content>
void fire_pane(Emitter& emitter, const Trigger& trigger, Slot slot, Content&& content, Progress& progress,
               EventTime newest, const Window& window, Timing timing, bool is_final, EventTime as_of,
               EventTime watermark, std::uint64_t number = 0) {
  const EventTime time = row_time(window, newest);
  if (content.last.is_there()) emitter.retract(0, *content.last, watermark, time);
  const Pane pane{.timing = timing, .is_final = is_final, .is_retraction = false, .index = progress.firings};
  const auto& row = emitter.emit(0, slot, content.state, window, pane, as_of, watermark, time, number);
  if (trigger.accumulation() == Accumulation::retracting) {
    if (!content.last.is_there()) content.last = Pooled(emitter.kept_rows());
    *content.last = row;
  }
  if (trigger.accumulation() == Accumulation::discarding) content.state = {};
  progress.since = 0;
  ++progress.firings;
}

/// How a row that is kept is written: without its number, which its window has.
template <class WindowedRow>
struct WrittenRow {
  decltype(WindowedRow::key) key{};
  Window window{};
  decltype(WindowedRow::value) value{};
  Pane pane{};
  EventTime as_of{};
  EventTime watermark{};
  std::uint64_t overflowed = 0;
};

/// What windows keep that put out rows: their States, and of a kind that retracts the rows to take back.
template <class State, class WindowedRow>
[[nodiscard]] KeptState kept_windows(const Trigger& trigger) {
  KeptState kept = kept_as<State, WrittenRow<WindowedRow>>(KeptState::Kind::by_key);
  const bool is_retracting = trigger.accumulation() == Accumulation::retracting;
  kept.is_archivable = Archivable<State> && (!is_retracting || Archivable<WindowedRow>);
  return kept;
}

/// The row that was put out last and is to be taken back, if there is one; `number` is its window's.
template <class WindowedRow>
void archive_last(Archive& archive, Pooled<WindowedRow>& last, Pool<WindowedRow>& pool,
                  std::uint64_t number = 0) {
  bool has_last = last.is_there();
  archive(has_last);
  if (!has_last || !archive.is_good()) return;
  if (!last.is_there()) last = Pooled(pool);
  if constexpr (Archivable<WindowedRow>) {
    archive(last->key, last->window, last->value, last->pane, last->as_of, last->watermark, last->overflowed);
  }
  last->number = number;
}

struct WindowDue;

/// One key's window: how far it has come, and what the node that knows the types keeps for it.
struct TriggeredWindow {
  Progress progress{};
  EventTime newest = no_time;  // of the records in it
  std::uint64_t order = 0;     // of its first record among those of all windows
  void* content = nullptr;     // null until the first record was added
};

/// What triggered windows do that does not depend on the types of records and rows: which windows a record is in, what is
/// due when, and when each is forgotten.
class TriggeredWindows : public Node {
 public:
  TriggeredWindows(std::string name, const WindowPlan& plan);
  TriggeredWindows(const TriggeredWindows&) = delete;
  TriggeredWindows& operator=(const TriggeredWindows&) = delete;
  ~TriggeredWindows() override;

  void check(Problems& problems) const override;
  void describe(Description& out) const override;
  void advance(EventTime to) override;
  [[nodiscard]] EventTime horizon() const override;
  [[nodiscard]] EventTime next_due() const override;
  [[nodiscard]] bool is_timed() const override { return true; }
  [[nodiscard]] bool holds(std::uint32_t slot) const override;
  [[nodiscard]] std::uint64_t live_windows() const override;
  void forget(std::span<const Slot> slots) override;

 protected:
  /// The windows that take a record: those from `open` to `last`, `hit` in number.
  struct Span {
    WindowIndex open;
    WindowIndex last;
    std::uint64_t hit;
    std::uint64_t missed;
  };
  [[nodiscard]] const Trigger& trigger() const noexcept { return plan_.trigger; }
  void grow(std::size_t slots);
  /// Judges and counts a record.
  [[nodiscard]] Span judge(EventTime at);
  /// A key's window for a record that is about to be added to it. Valid until the next call.
  [[nodiscard]] TriggeredWindow& enter(Slot slot, WindowIndex index, EventTime at);
  /// The record has been added.
  void added(Slot slot, WindowIndex index, TriggeredWindow& window, EventTime at);
  /// For the destructor of the node that knows the types.
  void forget_all() noexcept;
  [[nodiscard]] std::size_t size_bytes() const noexcept;

  /// The windows of the keys of a dictionary.
  void archive_windows(NodeArchive& out, const void* dictionary, std::size_t slots);
  /// The content of a window that has some.
  virtual void archive_content(Archive& archive, TriggeredWindow& window) = 0;
  virtual void put_out(Slot slot, TriggeredWindow& window, const Window& bounds, Timing timing, bool is_final,
                       EventTime as_of, EventTime watermark) = 0;
  /// Destroys the content, if there is any.
  virtual void forget(TriggeredWindow& window) noexcept = 0;
  virtual void flush() = 0;

 private:
  struct Armed;
  struct Kept;
  void archive_key(Archive& archive, Slot slot, std::vector<Armed>& armed);
  void find_due(Slot slot, WindowIndex index, const TriggeredWindow& window, std::vector<Armed>& armed) const;
  void sort_by_touch(StateVector<Slot>& slots, WindowIndex index);
  [[nodiscard]] EventTime cleanup_of(WindowIndex index) const;
  void act(const WindowDue& what, Slot slot, TriggeredWindow& window, EventTime to);
  void clean_up(Slot slot, WindowIndex index, EventTime to);

  WindowPlan plan_;
  Owner<Kept> kept_;
};

/// Windows of fixed shape with early, repeated, discarding or retracting panes: each window has its own state.
///
/// Order:   rows by deadline: early panes, then windows by end, then keys as they first touched the window
/// Late:    see `LatePolicy`, `LateFiring` and `FinalPane`
/// Keeps:   a state per key and open window; a record is added to each of its windows
template <class KeyType, class Record, class Row, class RowAgg>
class TriggeredWindowsNode final : public TriggeredWindows {
  struct Content {
    typename RowAgg::State state{};
    Pooled<Windowed<KeyType, Row>> last{};  // what was put out last, if rows are retracted
  };

 public:
  static constexpr bool values_own_memory = !std::is_trivially_copyable_v<typename RowAgg::State>;
  TriggeredWindowsNode(std::string name, const WindowPlan& plan, RowAgg aggregator,
                       const KeyDictionary<KeyType>& dictionary)
      : TriggeredWindows(std::move(name), plan), emitter_(std::move(aggregator), dictionary, 1) {}
  TriggeredWindowsNode(const TriggeredWindowsNode&) = delete;
  TriggeredWindowsNode& operator=(const TriggeredWindowsNode&) = delete;
  ~TriggeredWindowsNode() override { this->forget_all(); }

  [[nodiscard]] RowEmitter<KeyType, Record, Row, RowAgg>& emitter() noexcept { return emitter_; }

  void describe(Description& out) const override {
    TriggeredWindows::describe(out);
    std::int64_t number = 0;
    emitter_.aggregator().describe(out, number);
  }

  void take(const Batch<Record>& batch) {
    stats().ingested += batch.size;
    this->grow(emitter_.dictionary().slot_bound());
    for (std::size_t i = 0; i < batch.size; ++i) {
      if (emitter_.accepts(batch.records[i])) {
        apply(batch.slots[i], batch.records[i], batch.times[i]);
      } else {
        emitter_.count_rejected(stats());
      }
    }
    emitter_.flush();
  }
  [[nodiscard]] KeptState kept() const override {
    return kept_windows<typename RowAgg::State, Windowed<KeyType, Row>>(this->trigger());
  }
  void archive(NodeArchive& out) override {
    emitter_.archive(out);
    this->archive_windows(out, &emitter_.dictionary(), emitter_.dictionary().slot_bound());
  }
  void refresh(OperatorStats& stats) const override {
    emitter_.refresh(stats);
    stats.state_bytes = this->size_bytes() + contents_.size_bytes() + emitter_.size_bytes();
  }

 private:
  void apply(Slot slot, const Record& record, EventTime at) {
    const auto span = this->judge(at);
    if (span.missed > 0) emitter_.report_late(record, at, span.hit, span.missed, watermark());
    if (span.hit == 0) return;
    for (WindowIndex index = span.open; index <= span.last; ++index) {
      TriggeredWindow& window = this->enter(slot, index, at);
      if (window.content == nullptr) window.content = contents_.make();
      emitter_.add(content(window).state, record, at);
      this->added(slot, index, window, at);
    }
  }
  static Content& content(TriggeredWindow& window) noexcept { return *static_cast<Content*>(window.content); }
  void put_out(Slot slot, TriggeredWindow& window, const Window& bounds, Timing timing, bool is_final,
               EventTime as_of, EventTime watermark) override {
    fire_pane(emitter_, this->trigger(), slot, content(window), window.progress, window.newest, bounds,
              timing, is_final, as_of, watermark);
  }
  void forget(TriggeredWindow& window) noexcept override {
    if (window.content != nullptr) contents_.destroy(&content(window));
    window.content = nullptr;
  }
  void flush() override { emitter_.flush(); }
  void archive_content(Archive& archive, TriggeredWindow& window) override {
    if (window.content == nullptr) window.content = contents_.make();
    if constexpr (Archivable<typename RowAgg::State>) archive(content(window).state);
    archive_last(archive, content(window).last, emitter_.kept_rows());
  }

  RowEmitter<KeyType, Record, Row, RowAgg> emitter_;
  Pool<Content> contents_;
};

}  // namespace weir::inline v0::detail

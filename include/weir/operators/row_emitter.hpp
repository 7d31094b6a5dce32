#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <weir/aggregate/row.hpp>
#include <weir/flow/batch.hpp>
#include <weir/flow/node_archive.hpp>
#include <weir/flow/stats.hpp>
#include <weir/flow/stream.hpp>
#include <weir/state/pool.hpp>
#include <weir/window/window.hpp>

namespace weir::inline v0::detail {

/// Says what features have counted.
void report_counts(OperatorStats& stats, const FeatureCounts* counts, std::size_t size);

/// What all windowed aggregates share: turning states into rows, late notices, and the counters of features.
template <class KeyType, class Record, class Row, class RowAgg>
class RowEmitter {
 public:
  using State = typename RowAgg::State;
  using WindowedRow = Windowed<KeyType, Row>;

  RowEmitter(RowAgg aggregator, const KeyDictionary<KeyType>& dictionary, std::size_t outputs)
      : aggregator_(std::move(aggregator)),
        dictionary_(&dictionary),
        outputs_(outputs),
        rows_(new Outbox<WindowedRow>[outputs]) {}
  RowEmitter(const RowEmitter&) = delete;
  RowEmitter& operator=(const RowEmitter&) = delete;
  ~RowEmitter() { delete[] rows_; }

  [[nodiscard]] const RowAgg& aggregator() const noexcept { return aggregator_; }
  [[nodiscard]] Outbox<WindowedRow>& rows(std::size_t output = 0) noexcept { return rows_[output]; }
  [[nodiscard]] Outbox<Late<Record>>& late() noexcept { return late_; }
  [[nodiscard]] const KeyDictionary<KeyType>& dictionary() const noexcept { return *dictionary_; }

  [[nodiscard]] bool accepts(const Record& record) const { return aggregator_.accepts(record); }
  void add(State& state, const Record& record, EventTime at) {
    aggregator_.add(state, record, at, counts_.data());
  }
  void count_rejected(OperatorStats& stats) const { ++stats.rejected; }

  /// Puts one row out; `time` is its event time downstream, `number` that of its window.
  const WindowedRow& emit(std::size_t output, Slot slot, const State& state, const Window& window, Pane pane,
                          EventTime as_of, EventTime watermark, EventTime time, std::uint64_t number = 0) {
    Outbox<WindowedRow>& out = rows_[output];
    WindowedRow& row = out.next();
    row.key = dictionary_->key(slot);
    row.window = window;
    row.pane = pane;
    row.as_of = as_of;
    row.watermark = watermark;
    row.number = number;
    row.value = Row{};
    aggregator_.result(state, {window.start, as_of}, row.value, row.overflowed);
    if (row.overflowed != 0) [[unlikely]] { count_overflows(row.overflowed); }
    out.commit(time);
    return row;
  }
  /// Takes back a row that was put out before.
  void retract(std::size_t output, const WindowedRow& row, EventTime watermark, EventTime time) {
    WindowedRow& back = rows_[output].next();
    back = row;
    back.pane.is_retraction = true;
    back.pane.is_final = false;
    back.watermark = watermark;
    rows_[output].commit(time);
  }
  /// For copies of rows that may have to be taken back.
  [[nodiscard]] Pool<WindowedRow>& kept_rows() noexcept { return kept_rows_; }
  /// Of the rows that are kept.
  [[nodiscard]] std::size_t size_bytes() const noexcept { return kept_rows_.size_bytes(); }
  void report_late(const Record& record, EventTime time, std::uint64_t hit, std::uint64_t missed,
                   EventTime watermark) {
    if (!late_.is_connected()) return;
    late_.push(Late<Record>{.record = record,
                            .time = time,
                            .windows_hit = static_cast<std::uint32_t>(hit),
                            .windows_missed = static_cast<std::uint32_t>(missed),
                            .watermark = watermark},
               time);
  }
  void flush() {
    for (std::size_t i = 0; i < outputs_; ++i) rows_[i].flush();
    late_.flush();
  }

  /// What was counted.
  void archive(NodeArchive& out) {
    out.sum(late_.counter());
    for (std::size_t i = 0; i < outputs_; ++i) out.sum(rows_[i].counter());
    for (FeatureCounts& counts : counts_) out.sum(counts.missing, counts.nan, counts.overflowed);
  }

  void refresh(OperatorStats& stats) const {
    stats.emitted = late_.pushed();
    for (std::size_t i = 0; i < outputs_; ++i) stats.emitted += rows_[i].pushed();
    report_counts(stats, counts_.data(), counts_.size());
  }

 private:
  void count_overflows(std::uint64_t bits) {
    for (std::size_t i = 0; i < RowAgg::size; ++i) counts_[i].overflowed += bits >> i & 1U;
  }

  RowAgg aggregator_;
  const KeyDictionary<KeyType>* dictionary_;
  Pool<WindowedRow> kept_rows_;
  std::size_t outputs_;
  Outbox<WindowedRow>* rows_;  // one for each output
  Outbox<Late<Record>> late_;
  std::array<FeatureCounts, RowAgg::size> counts_{};
};

/// The event time that a window's rows carry downstream: the last instant that belongs to it.
[[nodiscard]] inline EventTime row_time(const Window& window, EventTime newest) noexcept {
  return window.end == end_of_time ? newest : earlier(window.end, Duration{1});
}

}  // namespace weir::inline v0::detail

#include <algorithm>

#include "oracle_windows.hpp"

/// \file
/// What a rising watermark makes of the live windows, and what a row holds.

namespace weir::inline v0::testing::oracle {

/// The W at which something happens to the window next.
Wide WindowSide::deadline(const Live& window) const {
  const Ticks end = saturated(window.span.end);
  if (window.end_passed) return closes_at(window.span);
  if (window.next_early && *window.next_early < Wide{end} - 1) return *window.next_early + 1;
  return end;
}

/// What comes at the deadline: 0 an early pane, 1 the end, 2 the close.
int WindowSide::rank(const Live& window) const {
  if (window.end_passed) return 2;
  return deadline(window) == saturated(window.span.end) ? 1 : 0;
}

/// The order in which two windows act within one step of the watermark.
bool WindowSide::is_before(const Live& a, const Live& b) const {
  if (deadline(a) != deadline(b)) return deadline(a) < deadline(b);
  if (is_session()) return a.age < b.age;
  if (rank(a) != rank(b)) return rank(a) < rank(b);
  if (a.span.end != b.span.end) return a.span.end < b.span.end;
  return a.age < b.age;
}

void WindowSide::publish(Ticks watermark) {
  const Ticks before = watermark_;
  watermark_ = watermark;
  if (config_.emit_empty && config_.emit.at_close) make_empty_windows(before);
  Ticks first_end = no_time;
  std::optional<Wide> ordered;
  for (;;) {
    std::size_t next = live_.size();
    for (std::size_t i = 0; i < live_.size(); ++i) {
      if (deadline(live_[i]) > watermark_) continue;
      if (next == live_.size() || is_before(live_[i], live_[next])) next = i;
    }
    if (next == live_.size()) break;
    const bool ends = rank(live_[next]) == 1;
    if (ends && keeps_list() && ordered != live_[next].span.end) {
      ordered = live_[next].span.end;
      order_keys(live_[next].span);
      continue;
    }
    if (ends && first_end != no_time && saturated(live_[next].span.end) > first_end)
      note(*reached_, Rare::fired_by_jump);
    if (ends && first_end == no_time) first_end = saturated(live_[next].span.end);
    act(next, before);
  }
  if (keeps_list()) pass(first_open(watermark_));
}

void WindowSide::act(std::size_t live_index, Ticks before) {
  Live& window = live_[live_index];
  if (!window.end_passed) {
    if (rank(window) == 0) return act_early(window);
    act_at_end(window);
    if (has_grace()) return;
  }
  act_at_close(window, before);
  live_.erase(live_.begin() + static_cast<std::ptrdiff_t>(live_index));
}

void WindowSide::act_early(Live& window) {
  if (watermark_ == end_of_time && saturated(window.span.end) == end_of_time) {
    window.next_early.reset();
    return note(*reached_, Rare::every_ends_with_time);
  }
  const Wide due = *window.next_early;
  window.next_early = due + config_.emit.every;
  if (count_contents(window) == 0) return note(*reached_, Rare::every_skipped_empty);
  note(*reached_, Rare::every_fired);
  if (deadline(window) <= watermark_ && !window.end_passed && deadline(window) < saturated(window.span.end)) {
    note(*reached_, Rare::every_passed_several);
  }
  fire(window, Timing::early, saturated(due), false);
}

void WindowSide::act_at_end(Live& window) {
  window.end_passed = true;
  window.next_early.reset();
  if (!config_.emit.at_close) return;
  const bool is_empty = count_contents(window) == 0;
  if (is_empty && !config_.emit.also_if_empty && !window.by_emit_empty) {
    return note(*reached_, Rare::discarded_then_silent);
  }
  if (is_empty) note(*reached_, window.by_emit_empty ? Rare::empty_window : Rare::empty_pane);
  if (config_.kind == Kind::lifetime) note(*reached_, Rare::lifetime_fired);
  const Ticks end = saturated(window.span.end);
  window.fired_at_close = !has_grace();
  fire(window, Timing::on_time, end, window.fired_at_close);
}

/// The window takes no more records. `before` is the W that this step came from.
void WindowSide::act_at_close(Live& window, Ticks before) {
  const std::size_t left = count_new(window);
  const FinalPane when = config_.emit.final_pane;
  const bool wanted = when == FinalPane::always || (when == FinalPane::if_new && left > 0);
  if (window.fired_at_close) return;
  if (!wanted) {
    if (left > 0) note(*reached_, Rare::leftover_dropped);
    out_->counters.unemitted += left;
    return;
  }
  const Ticks end = saturated(window.span.end);
  const bool together = !has_grace() || (!config_.emit.at_close && before < end);
  if (count_contents(window) == 0) note(*reached_, Rare::final_pane_empty);
  note(*reached_, together ? Rare::final_pane_on_time : Rare::final_pane_late);
  fire(window, together ? Timing::on_time : Timing::late, watermark_, true);
}

void WindowSide::fire(Live& window, Timing timing, Ticks as_of, bool is_final) {
  if (config_.panes == Accumulation::retracting && window.fired > 0) {
    note(*reached_, Rare::retraction);
    out_->rows.push_back(window.last_row);
    out_->rows.back().is_retraction = true;
    out_->rows.back().watermark = watermark_;
  }
  Row row{.key = window.key, .start = saturated(window.span.start), .end = saturated(window.span.end)};
  summarise(window, row);
  row.timing = timing;
  row.is_final = is_final;
  row.index = window.fired++;
  row.as_of = as_of;
  row.watermark = watermark_;
  row.number = window.number;
  out_->rows.push_back(row);
  window.last_row = row;
  if (is_session()) {
    for (std::size_t i = 0; i < taken_.size(); ++i) {
      if (holds(window, i)) taken_[i].emitted = true;
    }
  }
  window.emitted_before = taken_.size();
}

/// Count, sum and extremes of the contents; first and last by (time, arrival).
void WindowSide::summarise(const Live& window, Row& row) const {
  const bool only_new = config_.panes == Accumulation::discarding;
  Wide sum = 0;
  Ticks first_at = 0;
  Ticks last_at = 0;
  for (std::size_t i = 0; i < taken_.size(); ++i) {
    if (!holds(window, i) || (only_new && !is_new(window, i))) continue;
    add(row, sum, taken_[i].record, first_at, last_at);
  }
  if (row.sum_overflowed) note(*reached_, Rare::sum_overflowed);
}

/// `sum`, `first_at` and `last_at` belong to the row: what its fields cannot hold. Records come by arrival.
void WindowSide::add(Row& row, Wide& sum, const Record& record, Ticks& first_at, Ticks& last_at) {
  const bool is_only = row.count == 0;
  ++row.count;
  sum += record.value;
  row.sum = saturated(sum);
  row.sum_overflowed = Wide{row.sum} != sum;
  row.min = is_only ? record.value : std::min(row.min, record.value);
  row.max = is_only ? record.value : std::max(row.max, record.value);
  if (is_only || record.time < first_at) {
    first_at = record.time;
    row.first = record.value;
  }
  if (is_only || record.time >= last_at) {
    last_at = record.time;
    row.last = record.value;
  }
}

/// The windows that hold nothing when their end is passed now, but closely follow one that holds something.
void WindowSide::make_empty_windows(Ticks before) {
  const Wide most = *config_.emit_empty;
  const Wide every = config_.kind == Kind::tumbling ? config_.size : config_.every;
  for (std::size_t i = 0; i < taken_.size(); ++i) {
    const Taken& taken = taken_[i];
    if (taken.dropped) continue;
    assign(taken.record.time);
    for (const Span& span : spans_) {
      if (taken.watermark >= saturated(span.end)) continue;
      for (Wide k = 1; k <= most; ++k) {
        make_empty_window(taken.record.key, {span.start + k * every, span.end + k * every}, before);
      }
      const Span capped{span.start + (most + 1) * every, span.end + (most + 1) * every};
      if (before < saturated(capped.end) && capped.end <= watermark_)
        note(*reached_, Rare::empty_window_capped);
    }
  }
}

void WindowSide::make_empty_window(Ticks key, const Span& span, Ticks before) {
  if (span.start >= Wide{end_of_time}) return;
  if (saturated(span.end) <= before || saturated(span.end) > watermark_) return;
  for (const Live& window : live_) {
    if (window.key == key && window.span.end == span.end) return;
  }
  Live window{.key = key, .span = span, .age = listed};
  window.by_emit_empty = true;
  live_.push_back(window);
}

}  // namespace weir::inline v0::testing::oracle

#include <algorithm>
#include <numeric>

#include "oracle_windows.hpp"

/// \file
/// The order of keys in windows that share panes: the order of a list that the operator keeps (decision 0006).
///
/// A key that has a row in each window after the other keeps its place. One that has none leaves. New keys come
/// behind when the first window of theirs ends, by pane and then by first touch of it; a record that comes into a
/// pane behind the last ended window brings its key at once. Panes divide all bounds of the windows.

namespace weir::inline v0::testing::oracle {

/// Alone and without overlap, windows list their keys by first touch; `age` has that. So do windows with a state
/// each, which is what anything but one pane at the end needs.
bool WindowSide::keeps_list() const {
  const WindowConfig& w = config_;
  const bool is_grid = w.kind == Kind::tumbling || w.kind == Kind::sliding || w.kind == Kind::cumulating;
  const bool is_plain = w.emit.at_close && w.emit.after == 0 && w.emit.every == 0 &&
                        w.emit.late != LateFiring::hold && records_per_late_pane() == 1 &&
                        w.emit.final_pane == FinalPane::none && w.panes == Accumulation::accumulating;
  if (!is_grid || !is_plain) return false;
  const bool is_alone = w.kind != Kind::cumulating && (w.kind == Kind::tumbling || w.size == w.every);
  return w.emit_empty || w.shared_pane > 0 || !is_alone;
}

Wide WindowSide::pane_width() const {
  if (config_.shared_pane > 0) return config_.shared_pane;
  return config_.kind == Kind::tumbling ? config_.size : std::gcd(config_.size, config_.every);
}

Wide WindowSide::pane_of(Wide at) const { return floor_quotient(at - config_.offset, pane_width()); }

/// Numbers windows by their ends, without holes.
Wide WindowSide::index_of(const Span& span) const {
  const Wide step = config_.kind == Kind::tumbling ? config_.size : config_.every;
  return floor_quotient((config_.kind == Kind::cumulating ? span.end - step : span.start) - config_.offset,
                        step);
}

Wide WindowSide::last_pane(Wide index) const {
  const Wide step = config_.kind == Kind::tumbling ? config_.size : config_.every;
  const Wide end = config_.kind == Kind::cumulating ? (index + 1) * step : index * step + config_.size;
  return pane_of(end + config_.offset) - 1;
}

/// The lowest window whose end is above W.
Wide WindowSide::first_open(Ticks watermark) const {
  const Wide step = config_.kind == Kind::tumbling ? config_.size : config_.every;
  const Wide at = Wide{watermark} - config_.offset;
  if (config_.kind == Kind::cumulating) return floor_quotient(at, step);
  return floor_quotient(at - config_.size, step) + 1;
}

/// All windows below `next` have ended. If one of them had no row, everyone has left the list.
void WindowSide::pass(Wide next) {
  if (next_ && next <= *next_) return;
  if (!next_ || next > *next_) list_.clear();
  next_ = next;
}

void WindowSide::enlist(Ticks key) {
  if (std::find(list_.begin(), list_.end(), key) == list_.end()) list_.push_back(key);
}

void WindowSide::note_touch(const Record& record) {
  const Wide pane = pane_of(record.time);
  if (!next_ || pane > last_pane(*next_ - 1)) {
    const auto behind =
        std::upper_bound(touches_.begin(), touches_.end(), pane,
                         [](const auto& one, const Touch& touch) { return one < touch.pane; });
    touches_.insert(behind, {pane, record.key});
  } else if (index_of(spans_.back()) >= *next_) {
    enlist(record.key);
  }
}

/// The window's end has come: brings the list up to date and gives its live windows their place in it.
void WindowSide::order_keys(const Span& span) {
  const Wide index = index_of(span);
  pass(index);
  next_ = index + 1;
  std::erase_if(touches_, [&](const Touch& touch) {
    const bool is_covered = touch.pane <= last_pane(index);
    if (is_covered) enlist(touch.key);
    return is_covered;
  });
  std::erase_if(list_, [&](Ticks key) {
    return std::none_of(live_.begin(), live_.end(), [&](const Live& window) {
      return window.key == key && window.span.end == span.end && window.span.start == span.start;
    });
  });
  for (Live& window : live_) {
    if (window.span.end != span.end) continue;
    const auto place = std::find(list_.begin(), list_.end(), window.key) - list_.begin();
    window.age = listed + static_cast<std::uint64_t>(place);
  }
}

}  // namespace weir::inline v0::testing::oracle

#include "oracle_windows.hpp"

#include <algorithm>

namespace weir::inline v0::testing::oracle {

namespace {
constexpr std::uint64_t gone = 0;  // the age of a session that another one absorbed
}

void WindowSide::start(const WindowConfig& config, Outcome& outcome, Reached& reached) {
  config_ = config;
  out_ = &outcome;
  reached_ = &reached;
  watermark_ = no_time;
  next_age_ = 1;
  taken_.clear();
  live_.clear();
  numbers_.clear();
  list_.clear();
  touches_.clear();
  next_.reset();
}

bool WindowSide::has_grace() const {
  return config_.kind != Kind::lifetime && config_.emit.late != LateFiring::close && config_.grace > 0;
}

bool WindowSide::has_caps() const {
  return is_session() && (config_.longest || config_.most_records || config_.ends_at_marker);
}

Ticks WindowSide::closes_at(const Span& span) const {
  const Ticks end = saturated(span.end);
  return has_grace() ? saturated(Wide{end} + config_.grace) : end;
}

std::uint32_t WindowSide::records_per_late_pane() const {
  const Emission& emit = config_.emit;
  if (emit.late_after != 0) return emit.late_after;
  if (!emit.at_close && emit.every == 0 && emit.after != 0) return emit.after;
  return 1;
}

/// Was the record taken by this window? A grid window took it if it was open then.
bool WindowSide::holds(const Live& window, std::size_t index) const {
  const Taken& taken = taken_[index];
  if (taken.record.key != window.key || taken.dropped) return false;
  if (is_session()) return taken.session == window.age;
  return window.span.start <= taken.record.time && taken.record.time < window.span.end &&
         taken.watermark < closes_at(window.span);
}

bool WindowSide::is_new(const Live& window, std::size_t index) const {
  return is_session() ? !taken_[index].emitted : index >= window.emitted_before;
}

std::size_t WindowSide::count_new(const Live& window) const {
  std::size_t count = 0;
  for (std::size_t i = 0; i < taken_.size(); ++i) count += is_new(window, i) && holds(window, i) ? 1 : 0;
  return count;
}

std::size_t WindowSide::count_contents(const Live& window) const {
  if (config_.panes == Accumulation::discarding) return count_new(window);
  std::size_t count = 0;
  for (std::size_t i = 0; i < taken_.size(); ++i) count += holds(window, i) ? 1 : 0;
  return count;
}

void WindowSide::process(const Record& record) {
  taken_.push_back({.record = record, .watermark = watermark_});
  switch (config_.kind) {
    case Kind::session:
      return process_session(record);
    case Kind::count:
      return process_count(record);
    default:
      return process_grid(record);
  }
}

/// All windows that `time` belongs to, by end, whether they are open or not.
void WindowSide::assign(Ticks time) {
  spans_.clear();
  if (config_.kind == Kind::lifetime) {
    spans_.push_back({Wide{no_time}, Wide{end_of_time} + 1});
    return;
  }
  const Wide at = Wide{time} - config_.offset;
  const Wide size = config_.size;
  if (config_.kind == Kind::cumulating) {
    const Wide base = floor_quotient(at, size) * size;
    for (Wide end = base + config_.every; end <= base + size; end += config_.every) {
      if (at < end) spans_.push_back({base + config_.offset, end + config_.offset});
    }
    return;
  }
  const Wide every = config_.kind == Kind::tumbling ? size : Wide{config_.every};
  for (Wide start = (floor_quotient(at - size, every) + 1) * every; start <= at; start += every) {
    spans_.push_back({start + config_.offset, start + config_.offset + size});
  }
}

void WindowSide::process_grid(const Record& record) {
  assign(record.time);
  if (spans_.empty()) {
    ++out_->counters.unassigned;
    return note(*reached_, Rare::unassigned);
  }
  std::uint32_t hit = 0;
  std::uint32_t missed = 0;
  for (const Span& span : spans_) {
    ++(watermark_ < closes_at(span) ? hit : missed);
    const bool in_grace =
        saturated(span.end) <= watermark_ && watermark_ < saturated(span.end + config_.grace);
    if (in_grace && config_.emit.late == LateFiring::close) note(*reached_, Rare::closed_for_good);
  }
  if (hit > 0 && missed > 0 && config_.drop_whole) {
    note(*reached_, Rare::dropped_whole);
    taken_.back().dropped = true;
    hit = 0;
  }
  report(record, hit, missed);
  if (hit == 0) return;
  if (keeps_list()) note_touch(record);
  for (std::size_t i = 0; i < spans_.size(); ++i) {
    if (watermark_ < closes_at(spans_[i])) took_one(touch(record, spans_[i]), record);
  }
}

void WindowSide::report(const Record& record, std::uint32_t hit, std::uint32_t missed) {
  Counters& counters = out_->counters;
  counters.windows_missed += missed;
  if (missed == 0) {
    ++counters.applied;
    return;
  }
  ++(hit > 0 ? counters.partially_late : counters.late_whole);
  note(*reached_, hit > 0 ? Rare::partially_late : Rare::late_record);
  out_->late.push_back({record.key, record.time, record.value, hit, missed, watermark_});
}

/// The least multiple of `every` after an instant.
Wide WindowSide::next_multiple(Wide after) const {
  return (floor_quotient(after, config_.emit.every) + 1) * config_.emit.every;
}

/// The live window of the record's key with these bounds; opened if this is its first record.
WindowSide::Live& WindowSide::touch(const Record& record, const Span& span) {
  for (Live& window : live_) {
    if (window.key == record.key && window.span.start == span.start && window.span.end == span.end) {
      if (window.by_emit_empty) note(*reached_, Rare::empty_window_amended);
      return window;
    }
  }
  return open(record, span);
}

WindowSide::Live& WindowSide::open(const Record& record, const Span& span) {
  if (span.start < Wide{no_time}) note(*reached_, Rare::start_saturated);
  if (span.end > Wide{end_of_time}) note(*reached_, Rare::end_saturated);
  if (Wide{saturated(span.end)} + config_.grace > Wide{end_of_time}) note(*reached_, Rare::close_saturated);
  Live window{.key = record.key, .span = span, .last_time = record.time, .age = next_age_++, .taken = 1};
  window.end_passed = saturated(span.end) <= watermark_;
  if (config_.emit.every > 0 && !window.end_passed) {
    window.next_early = next_multiple(record.time);
    if (*window.next_early < watermark_) note(*reached_, Rare::every_due_at_once);
  }
  window.number = number_for(record.key);
  live_.push_back(window);
  return live_.back();
}

/// For a window of the key that is about to be opened.
std::uint64_t WindowSide::number_for(Ticks key) {
  if (!has_caps()) return 0;
  const bool is_only =
      std::none_of(live_.begin(), live_.end(), [key](const Live& l) { return l.key == key; });
  if (is_only) numbers_[key] = 0;
  return numbers_[key]++;
}

/// The record is in the window: fire if that makes it due.
void WindowSide::took_one(Live& window, const Record& record) {
  const std::size_t fresh = count_new(window);
  const Emission& emit = config_.emit;
  if (watermark_ < saturated(window.span.end)) {
    if (emit.after == 0 || fresh < emit.after) return;
    note(*reached_, Rare::after_fired);
    return fire(window, Timing::early, record.time, false);
  }
  if (emit.late == LateFiring::hold) return note(*reached_, Rare::late_record_held);
  if (fresh < records_per_late_pane()) return note(*reached_, Rare::late_record_waits);
  note(*reached_, window.fired == 0 ? Rare::first_pane_late : Rare::late_pane);
  fire(window, Timing::late, record.time, false);
}

/// By arrival: record n of the key completes a window when n is a multiple of `every`, or `size` plus one.
void WindowSide::process_count(const Record& record) {
  std::size_t arrived = 0;
  for (const Taken& taken : taken_) arrived += taken.record.key == record.key ? 1 : 0;
  const auto size = static_cast<std::size_t>(config_.size);
  const auto every = static_cast<std::size_t>(config_.every);
  const std::size_t place = (arrived - 1) % every;  // in the stretch from one window to the next
  const bool is_used = every <= size || (config_.partial ? place >= every - size : place < size);
  ++(is_used ? out_->counters.applied : out_->counters.unassigned);
  const bool is_full = arrived >= size;
  if (config_.partial ? arrived % every != 0 : !is_full || (arrived - size) % every != 0) return;
  note(*reached_, is_full ? Rare::count_full : Rare::count_partial);
  Row row{.key = record.key, .is_final = true, .watermark = watermark_};
  Wide sum = 0;
  Ticks first_at = 0;
  Ticks last_at = 0;
  std::size_t number = 0;
  for (const Taken& taken : taken_) {
    if (taken.record.key != record.key || ++number + size <= arrived) continue;
    add(row, sum, taken.record, first_at, last_at);
  }
  row.start = first_at;
  row.end = saturated(Wide{last_at} + 1);
  row.as_of = last_at;
  for (const Row& before : out_->rows) row.number += before.key == row.key ? 1 : 0;
  out_->rows.push_back(row);
}

bool WindowSide::touches(const Span& a, const Span& b) const {
  if (a.start < b.end && b.start < a.end) return true;
  if (a.start != b.end && b.start != a.end) return false;
  note(*reached_, config_.touching_separate ? Rare::session_touch_separate : Rare::session_touch_merged);
  return !config_.touching_separate;
}

/// The live sessions that the record joins, as far as their caps allow; the oldest is tried first.
void WindowSide::find_partners(const Record& record, const Span& own) {
  partners_.clear();
  for (std::size_t i = 0; i < live_.size(); ++i) {
    if (live_[i].key == record.key && touches(live_[i].span, own)) partners_.push_back(i);
  }
  std::sort(partners_.begin(), partners_.end(),
            [this](std::size_t a, std::size_t b) { return live_[a].age < live_[b].age; });
  Wide first = record.time;
  Wide last = record.time;
  std::uint64_t count = 1;
  const auto does_not_fit = [&](std::size_t i) {
    const Live& partner = live_[i];
    const Wide joint_first = std::min(first, partner.span.start);
    const Wide joint_last = std::max(last, partner.last_time);
    const bool is_long = config_.longest && joint_last - joint_first > *config_.longest;
    const bool is_full = config_.most_records && count + partner.taken > *config_.most_records;
    if (partner.ended_by_marker) note(*reached_, Rare::marker_refused);
    if (is_long) note(*reached_, Rare::longest_hit);
    if (is_full) note(*reached_, Rare::most_records_hit);
    if (partner.ended_by_marker || is_long || is_full) return true;
    first = joint_first;
    last = joint_last;
    count += partner.taken;
    return false;
  };
  std::erase_if(partners_, does_not_fit);
}

/// One session out of the record and its partners (at least one); the oldest goes on, the others are gone.
WindowSide::Live& WindowSide::merge_partners(const Record& record, const Span& own) {
  if (partners_.size() == 2) note(*reached_, Rare::session_bridged);
  if (partners_.size() > 2) note(*reached_, Rare::session_merged_three);
  Live survivor = live_[partners_.front()];
  if (own.end < survivor.span.end) note(*reached_, Rare::session_contained);
  survivor.span = {std::min(survivor.span.start, own.start), std::max(survivor.span.end, own.end)};
  survivor.last_time = std::max(survivor.last_time, Wide{record.time});
  ++survivor.taken;
  bool was_past_end = survivor.end_passed;
  for (std::size_t i = 1; i < partners_.size(); ++i) {
    Live& absorbed = live_[partners_[i]];
    if (config_.panes == Accumulation::retracting && absorbed.fired > 0) {
      note(*reached_, Rare::absorbed_retracted);
      out_->rows.push_back(absorbed.last_row);
      out_->rows.back().is_retraction = true;
      out_->rows.back().watermark = watermark_;
    }
    for (Taken& taken : taken_) {
      if (taken.session == absorbed.age) taken.session = survivor.age;
    }
    survivor.span = {std::min(survivor.span.start, absorbed.span.start),
                     std::max(survivor.span.end, absorbed.span.end)};
    survivor.last_time = std::max(survivor.last_time, absorbed.last_time);
    survivor.taken += absorbed.taken;
    was_past_end = was_past_end || absorbed.end_passed;
    if (absorbed.next_early && (!survivor.next_early || *absorbed.next_early < *survivor.next_early)) {
      note(*reached_, Rare::merge_kept_early_pane);
      survivor.next_early = absorbed.next_early;
    }
    absorbed.age = gone;
  }
  const bool lives_again = was_past_end && watermark_ < saturated(survivor.span.end);
  if (lives_again) note(*reached_, Rare::session_refires_on_time);
  if (lives_again && config_.emit.every > 0) {
    const Wide next = next_multiple(Wide{watermark_} - 1);
    survivor.next_early = survivor.next_early ? std::min(*survivor.next_early, next) : next;
  }
  survivor.end_passed = saturated(survivor.span.end) <= watermark_;
  if (survivor.end_passed) note(*reached_, Rare::session_refires_late);
  std::erase_if(live_, [](const Live& window) { return window.age == gone; });
  for (Live& window : live_) {
    if (window.age == survivor.age) return window = survivor;
  }
  return live_.front();
}

void WindowSide::process_session(const Record& record) {
  const Ticks gap = config_.gap_from_record ? record.gap : config_.gap;
  if (gap <= 0) {
    ++out_->counters.unusable;
    return note(*reached_, Rare::no_gap);
  }
  const Span own{Wide{record.time}, Wide{record.time} + gap};
  const bool own_is_late = watermark_ >= closes_at(own);
  find_partners(record, own);
  if (own_is_late && !partners_.empty() && config_.judged_before_merging)
    note(*reached_, Rare::judged_before_merging);
  if (own_is_late && (partners_.empty() || config_.judged_before_merging)) return report(record, 0, 1);
  report(record, 1, 0);
  const std::size_t merged = partners_.size();
  Live& session = merged == 0 ? open(record, own) : merge_partners(record, own);
  taken_.back().session = session.age;
  if (config_.ends_at_marker && record.marker) {
    session.ended_by_marker = true;
    note(*reached_, Rare::marker_ended);
  }
  if (merged > 1 && config_.emit.after > 1 && count_new(session) > config_.emit.after) {
    note(*reached_, Rare::merge_reached_after);
  }
  took_one(session, record);
}

}  // namespace weir::inline v0::testing::oracle

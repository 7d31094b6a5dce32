#pragma once

#include <algorithm>
#include <cstdint>

#include <weir/time/instant.hpp>
#include <weir/window/emission.hpp>
#include <weir/window/window.hpp>

/// \file
/// When a window fires: the rules of `Emission`, in one place for every kind of window.

namespace weir::inline v0::detail {

/// How far one key's window has come.
struct Progress {
  EventTime next_early = no_time;  ///< the multiple of `every` that is due next; `no_time`: none
  std::uint32_t since = 0;         ///< records since the last firing
  std::uint32_t firings = 0;
  bool fired_at_end = false;

  /// An early pane is due at this instant at the latest; at `no_time` none is.
  void hasten(EventTime at) noexcept {
    if (at != no_time && (next_early == no_time || at < next_early)) next_early = at;
  }
};

/// An `Emission` and its grace, made ready for use.
class Trigger {
 public:
  Trigger(Emission emission, Accumulation accumulation, Duration grace)
      : emission_(emission),
        accumulation_(accumulation),
        grace_(emission.late == LateFiring::close ? Duration::zero() : grace),
        late_after_(emission.records_per_late_pane()) {}

  /// One pane at the end and one per late record, accumulating: what panes shared between windows can do.
  [[nodiscard]] bool is_plain() const noexcept {
    return emission_.at_close && emission_.after == 0 && emission_.every == Duration::zero() &&
           emission_.late != LateFiring::hold && late_after_ == 1 &&
           emission_.final_pane == FinalPane::none && accumulation_ == Accumulation::accumulating;
  }
  [[nodiscard]] Duration grace() const noexcept { return grace_; }
  [[nodiscard]] const Emission& emission() const noexcept { return emission_; }
  [[nodiscard]] Accumulation accumulation() const noexcept { return accumulation_; }
  /// Rows that records cause carry the watermark at which they came, so it must always be exact.
  [[nodiscard]] bool fires_on_records() const noexcept { return emission_.after != 0; }

  /// Whether the record just added fires a pane.
  [[nodiscard]] bool fires_on_record(const Progress& progress, bool is_past_end) const noexcept {
    if (!is_past_end) return emission_.after != 0 && progress.since >= emission_.after;
    return emission_.late == LateFiring::each && progress.since >= late_after_;
  }
  /// The first early pane after a window's first record at `at`, if it is due before `end`.
  [[nodiscard]] EventTime first_early(EventTime at, EventTime end) const noexcept {
    if (emission_.every == Duration::zero()) return no_time;
    return if_before(multiple_after(at), end);
  }
  /// Whether a window can have come so far: early panes come at intervals if at all, and before `end`.
  [[nodiscard]] bool is_possible(const Progress& progress, EventTime end) const noexcept {
    if (progress.next_early == no_time) return true;
    return emission_.every > Duration::zero() && if_before(ticks(progress.next_early), end) != no_time;
  }
  /// No record at or after `watermark` can make an early pane due at a watermark below this.
  [[nodiscard]] EventTime earliest_early(EventTime watermark) const noexcept {
    if (emission_.every == Duration::zero()) return end_of_time;
    return event_time(saturating_add(multiple_after(watermark), 1));
  }
  /// The early pane after this one. An advance to `to` that passes very many of them fires the last ones only, and the
  /// last advance of all fires none of a window without end.
  [[nodiscard]] EventTime early_after(EventTime early, EventTime end, EventTime to,
                                      std::uint64_t& skipped) const noexcept {
    const std::int64_t every = emission_.every.count();
    const std::int64_t next = saturating_add(ticks(early), every);
    if (to == end_of_time && end == end_of_time) return no_time;
    const std::int64_t passed = saturating_sub(ticks(std::min(to, end)), 2);
    if (next > passed) return if_before(next, end);
    const auto due = static_cast<std::uint64_t>(saturating_sub(passed, next) / every);
    const std::uint64_t skip = due > most_early_per_advance ? due - most_early_per_advance : 0;
    skipped += skip;
    return if_before(next + static_cast<std::int64_t>(skip) * every, end);
  }
  [[nodiscard]] bool fires_early(const Progress& progress, EventTime end, EventTime to) const noexcept {
    if (to == end_of_time && end == end_of_time) return false;
    return progress.since > 0 || accumulation_ != Accumulation::discarding;
  }
  [[nodiscard]] bool fires_at_end(const Progress& progress) const noexcept {
    return emission_.at_close && (progress.since > 0 || accumulation_ != Accumulation::discarding ||
                                  emission_.at_close_even_if_empty);
  }
  /// Whether the end of the grace brings a last pane. The end itself was that pane if there is no grace.
  [[nodiscard]] bool fires_finally(const Progress& progress) const noexcept {
    if (progress.fired_at_end && grace_ == Duration::zero()) return false;
    return emission_.final_pane == FinalPane::always ||
           (emission_.final_pane == FinalPane::if_new && progress.since > 0);
  }
  /// The timing of the last pane: on time if the end and the end of the grace came in one step and nothing fired at the end.
  [[nodiscard]] Timing final_timing(EventTime end, EventTime watermark_before) const noexcept {
    if (grace_ == Duration::zero()) return Timing::on_time;
    return !emission_.at_close && watermark_before < end ? Timing::on_time : Timing::late;
  }
  /// A pane at the end is the last one if nothing can follow it.
  [[nodiscard]] bool is_final_at_end() const noexcept { return grace_ == Duration::zero(); }

 private:
  static constexpr std::uint64_t most_early_per_advance = 10'000;

  /// The least multiple of `every` after an instant.
  [[nodiscard]] std::int64_t multiple_after(EventTime at) const noexcept {
    const std::int64_t every = emission_.every.count();
    return saturating_add(ticks(at), every - floor_mod(ticks(at), every));
  }
  static EventTime if_before(std::int64_t early, EventTime end) noexcept {
    return early < saturating_sub(ticks(end), 1) ? event_time(early) : no_time;
  }

  Emission emission_;
  Accumulation accumulation_;
  Duration grace_;
  std::uint32_t late_after_;
};

}  // namespace weir::inline v0::detail

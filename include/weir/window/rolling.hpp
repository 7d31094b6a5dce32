#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <weir/time/instant.hpp>
#include <weir/window/window.hpp>

/// \file
/// Windows that end where they are read: how far back they reach, and how exactly they are cut.

namespace weir::inline v0 {

namespace detail {
enum class Cut : std::uint8_t { exact, tail, both };
}  // namespace detail

/// How exactly a rolling window is cut. A duration cuts its tail at multiples of itself; see also `exact` and `pre_cut`.
class Precision {
 public:
  /// The window read at t covers [floor(t - size, hop), t): never less than it says, up to one hop more.
  template <class Rep, class Period>
  constexpr Precision(std::chrono::duration<Rep, Period> hop)  // NOLINT(google-explicit-constructor)
      : Precision(detail::Cut::tail, hop) {}
  constexpr Precision(detail::Cut cut, Duration hop) : cut_(cut), hop_(hop) {}

  [[nodiscard]] constexpr detail::Cut cut() const noexcept { return cut_; }
  [[nodiscard]] constexpr Duration hop() const noexcept { return hop_; }

 private:
  detail::Cut cut_;
  Duration hop_;
};

/// The window read at t covers [t - size, t). Keeps a copy of each of its records.
inline constexpr Precision exact{detail::Cut::exact, Duration{1}};

/// The window read at t covers [floor(t, hop) - size, floor(t, hop)): it moves by whole hops, as a sliding window does.
[[nodiscard]] constexpr Precision pre_cut(Duration hop) { return {detail::Cut::both, hop}; }

/// Whether records at the very instant of the read are in the window, such as the one that asks.
enum class Asking : std::uint8_t {
  excluded,  ///< [t - size, t)
  included,  ///< (t - size, t]
};

/// The records of the last `size`. Size and precision have no default.
struct RollingSpec {
  Duration size{};
  Precision precision;
  Asking asking = Asking::excluded;
};

/// The last `records` records, however old they are. A read costs one add for each of them.
struct RollingRecordsSpec {
  std::uint32_t records = 0;
  Asking asking = Asking::excluded;
};

/// All records since the key was first seen, or since it was last silent for as long as it is retained.
struct RollingLifetimeSpec {
  Asking asking = Asking::excluded;
};

namespace detail {

enum class RollingKind : std::uint8_t { time, records, lifetime };

/// One rolling window as `features` was told.
struct RollingWindow {
  RollingKind kind = RollingKind::time;
  Duration size{};
  Cut cut = Cut::tail;
  Duration hop{};
  std::uint32_t records = 0;
  Asking asking = Asking::excluded;

  static RollingWindow of(const RollingSpec& spec) {
    return {
        .size = spec.size, .cut = spec.precision.cut(), .hop = spec.precision.hop(), .asking = spec.asking};
  }
  static RollingWindow of(const RollingRecordsSpec& spec) {
    return {.kind = RollingKind::records, .records = spec.records, .asking = spec.asking};
  }
  static RollingWindow of(const RollingLifetimeSpec& spec) {
    return {.kind = RollingKind::lifetime, .asking = spec.asking};
  }
};

/// The panes that rolling windows over the same aggregates share, in levels: each level's panes are as wide as one precision,
/// and a whole number of the panes of the level below.
class RollingPlan {
 public:
  struct Level {
    std::int64_t hop = 1;   // 0: one pane for all time
    std::int64_t span = 0;  // the longest window that is made of these panes

    [[nodiscard]] bool is_endless() const noexcept { return hop == 0; }
    [[nodiscard]] std::int64_t pane(EventTime at) const noexcept {
      return is_endless() ? 0 : floor_div(ticks(at), hop);
    }
    /// The pane that begins at or after `at`; of `no_time` the first one.
    [[nodiscard]] std::int64_t pane_from(EventTime at) const noexcept;
    [[nodiscard]] EventTime start(std::int64_t pane) const noexcept;
    [[nodiscard]] EventTime end(std::int64_t pane) const noexcept {
      return is_endless() ? end_of_time : start(saturating_add(pane, 1));
    }
    /// The first pane that a read at `settled` or later can need.
    [[nodiscard]] std::int64_t first_kept(EventTime settled) const noexcept {
      return is_endless() ? 0 : pane(earlier(settled, Duration{span}));
    }
  };
  /// What a window covers when it is read.
  struct Reach {
    EventTime low;   // of the first instant
    EventTime high;  // after the last one
    std::int64_t first_pane = 0;
    std::int64_t end_pane = 0;  // of `high`; the records from `low` to the start of `first_pane` come before
    bool is_whole = true;       // it is what the window promises
  };

  explicit RollingPlan(std::vector<RollingWindow> windows);

  /// The windows as they were asked for.
  [[nodiscard]] const std::vector<RollingWindow>& asked() const noexcept { return asked_; }
  /// The same with values that can be computed with, and the width of their panes as `hop`.
  [[nodiscard]] const std::vector<RollingWindow>& windows() const noexcept { return windows_; }
  [[nodiscard]] const std::vector<Level>& levels() const noexcept { return levels_; }
  [[nodiscard]] std::size_t level_of(std::size_t window) const noexcept { return level_of_[window]; }
  /// How long records are needed behind `settled`: the longest exact window.
  [[nodiscard]] Duration record_span() const noexcept { return record_span_; }
  /// How many records of a key are needed behind `settled`.
  [[nodiscard]] std::size_t record_count() const noexcept { return record_count_; }
  /// The longest window of so much time; zero if there is none.
  [[nodiscard]] Duration longest() const noexcept { return longest_; }
  [[nodiscard]] bool is_endless() const noexcept { return is_endless_; }

  /// Older records are not kept for a window, when all before `settled` lies in panes.
  [[nodiscard]] EventTime kept_from(std::size_t window, EventTime settled) const noexcept;
  /// What a window covers that is read at `as_of` when all before `settled` lies in panes.
  [[nodiscard]] Reach reach(std::size_t window, EventTime as_of, EventTime settled) const noexcept;

 private:
  std::vector<RollingWindow> asked_;
  std::vector<RollingWindow> windows_;
  std::vector<Level> levels_;          // from the finest on
  std::vector<std::size_t> level_of_;  // per window
  Duration record_span_{};
  std::size_t record_count_ = 0;
  Duration longest_{};
  bool is_endless_ = false;
};

/// How far the watermark may rise before records go into panes and keys are forgotten. No row depends on it, but memory does,
/// and how often operators are told the watermark: it looks for some thousand records in between.
class RollingPace {
 public:
  RollingPace() = default;
  /// At most the width of the narrowest panes, and not much of the time for which keys are kept.
  RollingPace(const std::vector<const RollingPlan*>& plans, Duration retain);

  [[nodiscard]] Duration duration() const noexcept { return pace_; }
  /// The watermark has risen, and so many records have come in all.
  void adapt(std::uint64_t records) noexcept;

 private:
  Duration most_{1};
  Duration pace_{1};
  std::uint64_t records_ = 0;  // until the last time
};

}  // namespace detail

}  // namespace weir::inline v0

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

/// \file
/// A second implementation of weir's windows that is meant to be obviously right: it keeps every record it
/// was given and recomputes each window from them whenever it emits. It includes nothing of weir, on purpose;
/// times are plain ticks.
///
/// Rules that `semantics.md` leaves open, decided here:
///  1. Source. A record, even one that is rejected, makes its channel active; then it is judged against the
///     source's W, applied, and moves W. Beyond the future guard it counts as `future`, beyond the jump guard
///     as `jumped`, late or not. The jump guard compares with the W of the record's own channel and lets the
///     first W pass. A finished pipeline refuses; a closed channel takes records like any other, but they do
///     not move W.
///  2. Channels. The output is the minimum over active, aligned channels, looked at whenever one of them
///     moves or leaves. A channel is aligned once its W has reached the output; turning idle or closing ends
///     that. If the last active channel leaves and its W was the output, the output becomes the maximum over
///     all. A `tick` makes channels idle one after the other. `advance` on an idle or closed channel is
///     ignored. A clock that goes back is ignored. A channel without a record counts as active at the first
///     tick; `set_active` counts as activity.
///  3. `drop_whole` reports as missed only the windows that were closed.
///  4. A window closes at end + grace, saturating, or at its end with `LateFiring::close`. Where it has no
///     grace at all the on-time pane is final and no final pane follows it; if no on-time pane came, the
///     final pane comes on time.
///  5. All counts (`after`, `late_after`, `if_new`, `unemitted`) are of records since the window's last pane
///     of any kind.
///  6. An early pane of `every` comes for each multiple that a step of W passes, skipped where the window
///     holds nothing. A step to the end of time passes none of a window that ends there. A session that
///     passes its end drops what is pending; if it grows beyond W again, the first multiple that W has not
///     passed is pending (or an earlier one of what it merges with).
///  7. Saturated windows are different windows even if their bounds are equal. Within one deadline: early
///     panes, ends, closes; each by end, by the end they would have had without saturation, by first touch.
///     Windows that emit once on close and share panes keep a list of keys instead (decision 0006).
///  8. `emit_empty`: window k of a key comes out empty when W reaches its end if k holds nothing then and one
///     of the `most` windows before it held records at its end. Needs `at_close`. A late record inside the
///     grace continues such a window. Windows that would start at the end of time or later are none.
///  9. A retraction repeats the row with its window, as_of, index and timing; its watermark is that of the
///     retraction.
/// 10. Sessions. A record tries the live sessions it touches, oldest first, and joins each that its caps
///     allow; a merge never exceeds a cap either. Touching is decided on unsaturated ends. Within one step of
///     W: by deadline, then by age. A record whose gap is not positive is rejected by the operator.
/// 11. Count windows: [oldest time, newest time + 1), on time, index 0, final, as_of the newest time. With
///     every > size the records between two windows are unassigned.
/// 12. Lifetime windows are [no_time, end_of_time).
/// 13. Numbers. Count windows of a key are numbered from 0 on. So are the sessions of a key, where something caps them, as they are
///     opened; they begin at 0 again when one is opened while no other lives. All other windows have the number 0.

namespace weir::inline v0::testing::oracle {

using Ticks = std::int64_t;
inline constexpr Ticks no_time = std::numeric_limits<Ticks>::min();
inline constexpr Ticks end_of_time = std::numeric_limits<Ticks>::max();

enum class Kind : std::uint8_t { tumbling, sliding, cumulating, session, count, lifetime };
enum class WatermarkRule : std::uint8_t { trailing, punctuated, host_driven };
enum class LateFiring : std::uint8_t { each, hold, close };
enum class FinalPane : std::uint8_t { none, if_new, always };
enum class Accumulation : std::uint8_t { accumulating, discarding, retracting };
enum class Timing : std::uint8_t { early, on_time, late };

struct Emission {
  bool at_close = true;
  bool also_if_empty = false;
  std::uint32_t after = 0;
  Ticks every = 0;
  LateFiring late = LateFiring::each;
  std::uint32_t late_after = 0;
  FinalPane final_pane = FinalPane::none;
};

struct WindowConfig {
  Kind kind = Kind::tumbling;
  Ticks size = 1;   ///< count windows: records
  Ticks every = 1;  ///< slide, step of cumulating windows, or records between two count windows
  Ticks offset = 0;
  Ticks grace = 0;
  bool drop_whole = false;
  Emission emit{};
  Accumulation panes = Accumulation::accumulating;
  std::optional<std::uint32_t> emit_empty{};
  Ticks shared_pane = 0;  ///< width of the panes shared with other windows; 0: alone
  bool partial = false;   ///< count windows

  Ticks gap = 1;
  bool gap_from_record = false;
  bool touching_separate = false;
  bool judged_before_merging = false;
  std::optional<Ticks> longest{};
  std::optional<std::uint64_t> most_records{};
  bool ends_at_marker = false;
};

struct SourceConfig {
  WatermarkRule rule = WatermarkRule::host_driven;
  Ticks bound = 0;
  std::uint32_t channels = 1;  ///< 1 to 3
  std::optional<Ticks> idle_after{};
  std::optional<Ticks> max_future_skew{};
  std::optional<Ticks> max_jump{};
  Ticks earliest = no_time + 1;
  Ticks latest = end_of_time;
};

struct Config {
  SourceConfig source{};
  WindowConfig windows{};
};

struct Record {
  Ticks key = 0;
  Ticks time = 0;
  Ticks value = 0;
  Ticks gap = 1;
  Ticks punctuation = no_time;  ///< the W it carries; `no_time`: none
  bool marker = false;

  friend bool operator==(const Record&, const Record&) = default;
};

enum class Action : std::uint8_t { push, advance, tick, set_idle, set_active, close, finish };

struct Step {
  Action action = Action::push;
  std::uint32_t channel = 0;
  Ticks at = 0;             ///< advance: W; tick: the host's clock
  std::uint32_t first = 0;  ///< push: records [first, first + count) of the script
  std::uint32_t count = 0;
};

/// What is built and what is done to it. `seed` makes it again, see script.hpp.
struct Script {
  std::uint64_t seed = 0;
  Config config{};
  std::vector<Record> records{};
  std::vector<Step> steps{};
};

struct Row {
  Ticks key = 0;
  Ticks start = 0;
  Ticks end = 0;
  Ticks count = 0;
  Ticks sum = 0;
  Ticks min = 0;
  Ticks max = 0;
  Ticks first = 0;
  Ticks last = 0;
  bool sum_overflowed = false;
  Timing timing = Timing::on_time;
  bool is_final = false;
  bool is_retraction = false;
  std::uint32_t index = 0;
  Ticks as_of = 0;
  Ticks watermark = no_time;
  std::uint64_t number = 0;  ///< of the window, where several of a key can have the same bounds

  friend bool operator==(const Row&, const Row&) = default;
};

struct LateNotice {
  Ticks key = 0;
  Ticks time = 0;
  Ticks value = 0;
  std::uint32_t hit = 0;
  std::uint32_t missed = 0;
  Ticks watermark = no_time;

  friend bool operator==(const LateNotice&, const LateNotice&) = default;
};

struct Counters {
  std::uint64_t ingested = 0;  ///< source: the sum of the next five
  std::uint64_t on_time = 0;
  std::uint64_t late = 0;
  std::uint64_t future = 0;
  std::uint64_t jumped = 0;
  std::uint64_t rejected = 0;
  std::uint64_t refused = 0;      ///< not ingested
  std::uint64_t regressions = 0;  ///< of `advance`
  std::uint64_t applied = 0;      ///< operator, from here on
  std::uint64_t partially_late = 0;
  std::uint64_t late_whole = 0;
  std::uint64_t unassigned = 0;
  std::uint64_t unusable = 0;  ///< rejected by the operator: a session gap that is not positive
  std::uint64_t windows_missed = 0;
  std::uint64_t unemitted = 0;

  friend bool operator==(const Counters&, const Counters&) = default;
};

/// Where the outputs stood after a step.
struct Mark {
  std::size_t rows = 0;
  std::size_t late = 0;
  Ticks watermark = no_time;

  friend bool operator==(const Mark&, const Mark&) = default;
};

struct Outcome {
  std::vector<Row> rows{};
  std::vector<LateNotice> late{};
  std::vector<Mark> marks{};  ///< one per step
  Counters counters{};

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

/// Rules that random scripts reach rarely. A run that does not reach each often enough proves little.
enum class Rare : std::uint8_t {
  late_pane,
  first_pane_late,
  partially_late,
  late_record,
  unassigned,
  dropped_whole,
  fired_by_jump,
  start_saturated,
  end_saturated,
  close_saturated,
  sum_overflowed,
  retraction,
  empty_pane,
  final_pane_late,
  final_pane_on_time,
  final_pane_empty,
  leftover_dropped,
  late_record_held,
  late_record_waits,
  closed_for_good,
  after_fired,
  every_fired,
  every_skipped_empty,
  every_passed_several,
  every_due_at_once,
  every_ends_with_time,
  discarded_then_silent,
  empty_window,
  empty_window_capped,
  empty_window_amended,
  session_bridged,
  session_merged_three,
  session_touch_merged,
  session_touch_separate,
  session_contained,
  session_refires_on_time,
  session_refires_late,
  absorbed_retracted,
  merge_reached_after,
  merge_kept_early_pane,
  longest_hit,
  most_records_hit,
  marker_ended,
  marker_refused,
  judged_before_merging,
  no_gap,
  count_full,
  count_partial,
  lifetime_fired,
  idle_by_tick,
  idle_flush,
  record_reactivates,
  record_of_closed,
  unaligned_ignored,
  realigned,
  channel_closed,
  future_held,
  jump_refused,
  regression_ignored,
  advance_while_idle,
  punctuation_moved,
  watermark_saturated,
  rejected,
  refused,
  firing_inside_batch,
  late_inside_batch,
  count_
};
inline constexpr std::size_t rare_rules = static_cast<std::size_t>(Rare::count_);

using Reached = std::array<std::uint64_t, rare_rules>;

[[nodiscard]] const char* name(Rare rule);

/// Recomputes what weir must emit for a script.
///
/// Needs:   a valid configuration: sizes, gaps, slides and steps positive, a cumulating size that is a
///          multiple of its step
/// Time:    records * records * windows per record, on purpose
/// Keeps:   its buffers between runs; every run starts from nothing
class Oracle {
 public:
  Oracle();
  ~Oracle();
  Oracle(const Oracle&) = delete;
  Oracle& operator=(const Oracle&) = delete;
  Oracle(Oracle&&) noexcept;
  Oracle& operator=(Oracle&&) noexcept;

  /// The result of the whole script; valid until the next run.
  [[nodiscard]] const Outcome& run(const Script& script);
  /// How often each rare rule was met, over all runs.
  [[nodiscard]] const Reached& reached() const;

 private:
  struct Machine;
  std::unique_ptr<Machine> machine_;
};

}  // namespace weir::inline v0::testing::oracle

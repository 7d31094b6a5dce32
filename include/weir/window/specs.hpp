#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include <weir/time/instant.hpp>
#include <weir/window/emission.hpp>

/// \file
/// The shapes of windows. A spec states everything; `build()` checks it and names the field that is wrong.

namespace weir::inline v0 {

/// Rows for windows that hold no record. Only for keys that were seen, and only so many in a row.
struct EmptyWindows {
  std::uint32_t most =
      0;  ///< empty windows emitted after a key's last non-empty one, then silence until its next record
};

/// Windows of `size`, one after the other: [offset + k * size, offset + (k + 1) * size).
struct TumblingSpec {
  Duration size{};
  Duration offset{};
  Grace grace;
  LatePolicy late = LatePolicy::apply_open;
  Emission emit = on_close();
  Accumulation panes = Accumulation::accumulating;
  std::optional<EmptyWindows> emit_empty = std::nullopt;
};

/// Windows of `size`, a new one `every` so often: [offset + k * every, offset + k * every + size).
/// `every` may be longer than `size`: records in the gaps are counted as unassigned.
struct SlidingSpec {
  Duration size{};
  Duration every{};
  Duration offset{};
  Grace grace;
  LatePolicy late = LatePolicy::apply_open;
  Emission emit = on_close();
  Accumulation panes = Accumulation::accumulating;
  std::optional<EmptyWindows> emit_empty = std::nullopt;
};

/// Growing windows inside a tumbling base of `size`: [base, base + step), [base, base + 2 * step), ... [base, base + size).
struct CumulatingSpec {
  Duration size{};
  Duration step{};
  Duration offset{};
  Grace grace;
  LatePolicy late = LatePolicy::apply_open;
  Emission emit = on_close();
  Accumulation panes = Accumulation::accumulating;
};

/// One window per key without end; it closes at `finish()`.
struct LifetimeSpec {
  Emission emit = on_close();
  Accumulation panes = Accumulation::accumulating;
};

/// What happens when two records of a key are exactly `gap` apart.
enum class Touching : std::uint8_t { merge, separate };

/// Which window decides whether a record is late for sessions.
enum class SessionLateness : std::uint8_t {
  after_merging,  ///< the session it would belong to (default): nothing that an open session can take is lost
  before_merging,  ///< its own [time, time + gap) alone, as in Beam
};

/// Records of a key that are at most `gap` apart: [first, last + gap).
struct SessionSpec {
  Duration gap{};
  std::optional<Duration> longest = std::nullopt;  ///< most event time between first and last record
  std::optional<std::uint64_t> most_records = std::nullopt;  ///< most records of one session
  Touching touching = Touching::merge;
  SessionLateness judged = SessionLateness::after_merging;
  Grace grace;
  Emission emit = on_close();
  Accumulation panes = Accumulation::accumulating;
};

/// Windows of `size` records of a key by arrival, a new one every `every` records (default: `size`).
struct CountSpec {
  std::uint32_t size = 0;
  std::uint32_t every = 0;  ///< 0: the same as size
  bool partial =
      false;  ///< emit at every `every`-th record over the last at most `size` records, also before it is full
};

}  // namespace weir::inline v0

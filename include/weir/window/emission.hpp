#pragma once

#include <cstdint>

#include <weir/time/instant.hpp>

/// \file
/// When windows emit, what a firing leaves behind, and what becomes of late records.

namespace weir::inline v0 {

/// How long after its end a window still takes records. Deliberately without a default: `.grace = 0s` is a decision.
class Grace {
 public:
  template <class Rep, class Period>
  constexpr Grace(std::chrono::duration<Rep, Period> value)
      : value_(value) {}  // NOLINT(google-explicit-constructor)
  [[nodiscard]] constexpr Duration value() const { return value_; }

 private:
  Duration value_;
};

/// What a firing does with the window's contents.
enum class Accumulation : std::uint8_t {
  accumulating,  ///< each pane holds everything since the window began
  discarding,    ///< each pane holds what came since the pane before
  retracting,  ///< as accumulating, and each pane but the first is preceded by a retraction of the one before
};
using enum Accumulation;

/// What becomes of a record for which some windows are open and some are closed.
enum class LatePolicy : std::uint8_t {
  apply_open,  ///< the open windows take it; it is reported once with hits and misses
  drop_whole,  ///< no window takes it; it is reported once with no hit
};
using enum LatePolicy;

/// What late records (inside the grace) do to a window that has fired.
enum class LateFiring : std::uint8_t {
  each,   ///< every n-th late record fires a late pane, see `Emission::records_per_late_pane`
  hold,   ///< late records are kept for the final pane
  close,  ///< the window closes at its end, whatever its grace: later records miss it
};

/// Whether something comes out when a window's grace ends.
enum class FinalPane : std::uint8_t {
  none,    ///< nothing; records since the last firing are counted as `unemitted`
  if_new,  ///< a pane if records came since the last firing
  always,  ///< always a pane, also an empty one
};

/// When a window emits. Made by `on_close`, `on_update`, `every`, `after`, `never` and combined by `emit_when`.
struct Emission {
  bool at_close = false;                ///< once when the watermark reaches the end
  bool at_close_even_if_empty = false;  ///< also if a discarding window holds nothing then
  std::uint32_t after = 0;              ///< every n-th record before the end; 0: not
  Duration every{};                     ///< at multiples of this event time before the end; zero: not
  LateFiring late = LateFiring::each;
  std::uint32_t late_after =
      0;  ///< with LateFiring::each: every n-th late record; 0: see `records_per_late_pane`
  FinalPane final_pane = FinalPane::none;

  /// Late records per late pane: as asked; else one, or n when the window emits at every n-th record only.
  [[nodiscard]] constexpr std::uint32_t records_per_late_pane() const {
    if (late_after != 0) return late_after;
    return !at_close && every == Duration::zero() && after != 0 ? after : 1;
  }

  /// Late records inside the grace are held back until the final pane, which comes if there were any.
  [[nodiscard]] constexpr Emission holding_late() const {
    Emission copy = *this;
    copy.late = LateFiring::hold;
    copy.final_pane = final_pane == FinalPane::none ? FinalPane::if_new : final_pane;
    return copy;
  }
  /// Late records fire only every n-th time; the rest comes in the final pane.
  [[nodiscard]] constexpr Emission late_every(std::uint32_t n) const {
    Emission copy = *this;
    copy.late_after = n;
    copy.final_pane = final_pane == FinalPane::none ? FinalPane::if_new : final_pane;
    return copy;
  }
  /// The window closes at its end for good, as if its grace were zero.
  [[nodiscard]] constexpr Emission closing_for_good() const {
    Emission copy = *this;
    copy.late = LateFiring::close;
    return copy;
  }
  /// A last pane comes when the grace ends, under the given condition.
  [[nodiscard]] constexpr Emission with_final_pane(FinalPane when) const {
    Emission copy = *this;
    copy.final_pane = when;
    return copy;
  }
  /// The pane at the end comes out also when a discarding window holds nothing new.
  [[nodiscard]] constexpr Emission also_if_empty() const {
    Emission copy = *this;
    copy.at_close_even_if_empty = true;
    return copy;
  }
};

/// One pane when the watermark reaches the end, and one per late record inside the grace.
[[nodiscard]] constexpr Emission on_close() { return {.at_close = true}; }

/// One pane per record, early or late; nothing extra at the end.
[[nodiscard]] constexpr Emission on_update() { return {.after = 1}; }

/// A pane whenever the watermark passes a multiple of `interval` after the window's first record, up to its end.
/// The instant m is passed when W > m: everything up to and including m is in. Late records fire at once.
[[nodiscard]] constexpr Emission every(Duration interval) { return {.every = interval}; }

/// A pane at every n-th record of the window since its last pane.
[[nodiscard]] constexpr Emission after(std::uint32_t records) { return {.after = records}; }

/// Nothing comes out (until a `with_final_pane`).
[[nodiscard]] constexpr Emission never() { return {.late = LateFiring::hold}; }

/// All of the given conditions: `emit_when(on_close(), every(1min))`. The first that is due fires.
template <class... More>
[[nodiscard]] constexpr Emission emit_when(Emission first, More... more) {
  const auto add = [&first](const Emission& other) {
    first.at_close |= other.at_close;
    first.at_close_even_if_empty |= other.at_close_even_if_empty;
    if (other.after != 0) first.after = other.after;
    if (other.every != Duration::zero()) first.every = other.every;
    if (other.late != LateFiring::each) first.late = other.late;
    if (other.late_after != 0) first.late_after = other.late_after;
    if (other.final_pane != FinalPane::none) first.final_pane = other.final_pane;
  };
  (add(more), ...);
  return first;
}

}  // namespace weir::inline v0

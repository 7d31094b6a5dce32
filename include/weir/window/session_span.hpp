#pragma once

#include <algorithm>

#include <weir/time/instant.hpp>
#include <weir/window/specs.hpp>

/// \file
/// What a session spans in event time, and which spans belong together: pure arithmetic.

namespace weir::inline v0::detail {

/// Where a session ends.
struct SessionEnd {
  EventTime at = no_time;
  bool is_endless = false;  ///< the end lies beyond the end of time

  [[nodiscard]] static SessionEnd after(EventTime last, Duration gap) noexcept {
    return {.at = later(last, gap), .is_endless = between(last, end_of_time) < gap};
  }
  void extend(const SessionEnd& other) noexcept {
    at = std::max(at, other.at);
    is_endless = is_endless || other.is_endless;
  }
};

/// A session, or one record as a session of its own.
struct SessionSpan {
  EventTime first = no_time;  ///< record
  EventTime last = no_time;   ///< record
  SessionEnd end{};

  /// Whether two spans are one session, given what becomes of those that meet in an instant.
  [[nodiscard]] bool touches(const SessionSpan& other, Touching touching) const noexcept {
    if (touching == Touching::merge) return first <= other.end.at && end.at >= other.first;
    return (first < other.end.at || other.end.is_endless) && (end.at > other.first || end.is_endless);
  }
  void include(const SessionSpan& other) noexcept {
    first = std::min(first, other.first);
    last = std::max(last, other.last);
    end.extend(other.end);
  }
};

}  // namespace weir::inline v0::detail

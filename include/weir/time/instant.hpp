#pragma once

#include <chrono>
#include <cstdint>
#include <limits>

/// \file
/// Instants and durations: event time, wall time and the saturating arithmetic between them.

namespace weir::inline v0 {

/// A signed 64-bit number of microseconds: the only resolution weir knows.
using Duration = std::chrono::duration<std::int64_t, std::micro>;

/// The clock of the events themselves. It has no `now()`: event time only ever comes from records.
struct EventClock {
  using rep = std::int64_t;
  using period = std::micro;
  using duration = Duration;
  using time_point = std::chrono::time_point<EventClock, Duration>;
  static constexpr bool is_steady = false;
};

/// The host's clock. It has no `now()` either: the host says what time it is with `Pipeline::tick`.
struct WallClock {
  using rep = std::int64_t;
  using period = std::micro;
  using duration = Duration;
  using time_point = std::chrono::time_point<WallClock, Duration>;
  static constexpr bool is_steady = false;
};

/// When something happened, in microseconds since 1970-01-01 UTC; earlier instants are negative and valid.
using EventTime = std::chrono::time_point<EventClock, Duration>;

/// What the host's clock shows, in microseconds since 1970-01-01 UTC. Does not mix with `EventTime`.
using WallTime = std::chrono::time_point<WallClock, Duration>;

/// Which time an operator goes by.
enum class Clock : std::uint8_t {
  event,  ///< the times of records and the watermark: the same in every replay
  wall    ///< the host's clock, as its last `tick` said: a replay is another day
};

/// Keep for ever. Spelled out, because it is never a default.
inline constexpr Duration for_ever = Duration::max();

/// "No timestamp": the int64 minimum. A record that carries it is rejected; a watermark that has it was never set.
inline constexpr EventTime no_time{Duration{std::numeric_limits<std::int64_t>::min()}};

/// The last instant. A watermark that reaches it has closed everything.
inline constexpr EventTime end_of_time{Duration{std::numeric_limits<std::int64_t>::max()}};

/// Microseconds since 1970 of an instant; the inverse of `event_time`.
[[nodiscard]] constexpr std::int64_t ticks(EventTime at) noexcept { return at.time_since_epoch().count(); }

/// The instant that many microseconds after 1970-01-01 UTC.
[[nodiscard]] constexpr EventTime event_time(std::int64_t microseconds) noexcept {
  return EventTime{Duration{microseconds}};
}

/// a + b, held at the ends of int64 instead of wrapping.
[[nodiscard]] constexpr std::int64_t saturating_add(std::int64_t a, std::int64_t b) noexcept {
  std::int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b < 0 ? std::numeric_limits<std::int64_t>::min() : std::numeric_limits<std::int64_t>::max();
}

/// a - b, held at the ends of int64 instead of wrapping.
[[nodiscard]] constexpr std::int64_t saturating_sub(std::int64_t a, std::int64_t b) noexcept {
  std::int64_t difference = 0;
  if (!__builtin_sub_overflow(a, b, &difference)) return difference;
  return b < 0 ? std::numeric_limits<std::int64_t>::max() : std::numeric_limits<std::int64_t>::min();
}

/// An instant moved by a duration, held at the ends of time.
[[nodiscard]] constexpr EventTime later(EventTime at, Duration by) noexcept {
  return event_time(saturating_add(ticks(at), by.count()));
}

/// An instant moved back by a duration, held at the ends of time.
[[nodiscard]] constexpr EventTime earlier(EventTime at, Duration by) noexcept {
  return event_time(saturating_sub(ticks(at), by.count()));
}

/// The distance from `from` to `to`, held at the longest duration instead of wrapping.
[[nodiscard]] constexpr Duration between(EventTime from, EventTime to) noexcept {
  return Duration{saturating_sub(ticks(to), ticks(from))};
}

/// Quotient rounded towards minus infinity, so that instants before 1970 fall into the right window.
[[nodiscard]] constexpr std::int64_t floor_div(std::int64_t value, std::int64_t divisor) noexcept {
  const std::int64_t quotient = value / divisor;
  return quotient - ((value % divisor != 0 && (value < 0) != (divisor < 0)) ? 1 : 0);
}

/// Remainder of `floor_div`: always in [0, divisor) for a positive divisor.
[[nodiscard]] constexpr std::int64_t floor_mod(std::int64_t value, std::int64_t divisor) noexcept {
  const std::int64_t remainder = value % divisor;
  return remainder + ((remainder != 0 && (remainder < 0) != (divisor < 0)) ? divisor : 0);
}

}  // namespace weir::inline v0

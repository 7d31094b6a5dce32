#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include <weir/operators/readable.hpp>
#include <weir/time/instant.hpp>
#include <weir/window/window.hpp>

/// \file
/// Lookup: a row that says what it is worth.

namespace weir::inline v0 {

/// What a looked-up row is worth.
enum class ReadStatus : std::uint8_t {
  fresh,        ///< whole, and younger than `max_age`
  stale,        ///< the stream's knowledge ends `max_age` or more before the instant of the read
  incomplete,   ///< a window reaches further back, or ends earlier, than what is kept
  missing,      ///< nothing is known of the key; the row is that of no records
  defaulted,    ///< the view's own default stands in
  quarantined,  ///< withheld by the view's gate; there is no row
  refused,      ///< the pipeline is poisoned, or was asked from inside one of its callbacks; there is no row
  closed,       ///< the pipeline of a `Reader` is gone; there is no row
};

/// What becomes of a stale row.
enum class StalePolicy : std::uint8_t {
  serve_stale,     ///< given as it is, marked `stale` (default)
  serve_previous,  ///< the row as it was when the stream's knowledge ended, marked `stale`
  serve_default,   ///< the view's fallback, marked `defaulted`
  reject_stale,    ///< an empty row, marked `stale`
};
using enum StalePolicy;

/// Options of one look-up. What is left out is the view's.
struct LookupSpec {
  AsOf as_of = latest_event;
  std::optional<Duration> max_age = std::nullopt;
  std::optional<StalePolicy> when_stale = std::nullopt;
};

/// A row of a view, and what it is worth.
template <class Row>
struct Lookup {
  Row value{};
  ReadStatus status = ReadStatus::refused;
  EventTime as_of = no_time;                 ///< the instant that the row describes
  EventTime event_time = no_time;            ///< of the key's newest record in it; `no_time` if there is none
  EventTime watermark = no_time;             ///< of the operator behind the view
  EventTime known_until = no_time;           ///< where the stream's knowledge ends: behind its newest record
  std::optional<WallTime> computed_at = {};  ///< the host's clock at its last tick
  Duration age{};                            ///< from `known_until` to the instant of the read; not negative
  std::uint64_t version = 0;                 ///< of the key: grows with each of its records
  std::uint64_t definition = 0;              ///< the fingerprint of how rows of the view are computed
  std::uint64_t overflowed = 0;              ///< bit i: feature i is held at its field's limit
  std::array<Window, most_row_windows> windows{};
  std::size_t window_count = 0;

  [[nodiscard]] bool is_fresh() const noexcept { return status == ReadStatus::fresh; }
  /// Whether there is a row at all.
  [[nodiscard]] bool has_value() const noexcept {
    return status != ReadStatus::refused && status != ReadStatus::quarantined && status != ReadStatus::closed;
  }
  /// What each window covers, in the order of declaration.
  [[nodiscard]] std::span<const Window> covered() const noexcept { return {windows.data(), window_count}; }
  /// Nothing that is on time can still change the row.
  [[nodiscard]] bool is_final() const noexcept {
    return watermark >= as_of &&
           std::all_of(covered().begin(), covered().end(),
                       [this](const Window& window) { return watermark >= window.end; });
  }
  const Row* operator->() const noexcept { return &value; }
  const Row& operator*() const noexcept { return value; }
};

}  // namespace weir::inline v0

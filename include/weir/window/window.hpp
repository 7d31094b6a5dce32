#pragma once

#include <cstdint>

#include <weir/time/instant.hpp>

/// \file
/// What comes out of windows: bounds, panes, rows and late notices.

namespace weir::inline v0 {

/// A half-open interval of event time: start <= t < end.
struct Window {
  EventTime start;
  EventTime end;

  friend constexpr bool operator==(const Window&, const Window&) = default;
};

/// When a pane came out, seen from its window's end.
enum class Timing : std::uint8_t {
  early,    ///< before the watermark reached the end
  on_time,  ///< because the watermark reached the end
  late,     ///< after the watermark had reached the end, inside the grace
};

/// Which emission of its window a row is.
struct Pane {
  Timing timing = Timing::on_time;
  bool is_final = false;       ///< no further pane of this window can come
  bool is_retraction = false;  ///< takes back the row that was emitted last (`retracting` only)
  std::uint32_t index =
      0;  ///< firings of this window before this one; a retraction has the index it takes back

  friend constexpr bool operator==(const Pane&, const Pane&) = default;
};

/// One row of one key's window.
template <class Key, class Value>
struct Windowed {
  Key key{};
  Window window{};
  Value value{};
  Pane pane{};
  EventTime as_of{};             ///< the instant the row describes: the end, or when an early pane was due
  EventTime watermark{};         ///< the operator's watermark when the row was emitted
  std::uint64_t overflowed = 0;  ///< bit i: feature i did not fit its field and is held at the field's limit
  /// Tells windows of a key apart that can have the same bounds: which of the key's windows of records it is, from 0; which of
  /// its sessions with a cap or an end marker since the key last had none. 0 for windows that their bounds tell apart.
  std::uint64_t number = 0;

  friend bool operator==(const Windowed&, const Windowed&) = default;
};

/// A record that came too late for at least one of its windows; reported once per operator.
template <class Record>
struct Late {
  Record record{};
  EventTime time{};
  std::uint32_t windows_hit = 0;     ///< windows that still took it
  std::uint32_t windows_missed = 0;  ///< windows that were closed
  EventTime watermark{};             ///< against which it was judged

  friend bool operator==(const Late&, const Late&) = default;
};

}  // namespace weir::inline v0

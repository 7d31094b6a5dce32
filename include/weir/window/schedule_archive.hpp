#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

#include <weir/state/archive.hpp>
#include <weir/state/kept_keys.hpp>
#include <weir/window/pane_schedule.hpp>

/// \file
/// What a schedule of panes has in a snapshot: which keys its firings are to visit, in their order.

namespace weir::inline v0::detail {

/// The lists of a schedule, cut into key groups. Where the windows stand follows from the watermark.
class ScheduleArchive {
 public:
  ScheduleArchive(PaneSchedule& schedule, const KeptKeys& keys, bool is_loading);

  /// Writes what a group has, or reads it.
  void archive(Archive& archive, std::size_t group);
  /// All groups have been read, of keys that are in no list: puts them into the lists.
  void join(EventTime watermark);

 private:
  struct Nothing {
    void archive(Archive&) {}
  };
  /// The empty rows that a key has got in a row.
  struct Empties {
    std::uint32_t kind = 0;
    std::uint32_t count = 0;
  };
  /// Late panes of a key's window.
  struct Refired {
    EventTime closed{};
    std::uint32_t kind = 0;
    WindowIndex index = 0;
    std::uint32_t count = 0;
  };
  using Place = std::pair<std::uint32_t, PaneIndex>;  // a kind of windows, a pane

  void split();
  void archive_pending(Archive& archive, std::size_t group);

  PaneSchedule& schedule_;
  const KeptKeys& keys_;
  std::vector<KeyedThings<Nothing, true>> active_;  // per kind
  std::map<Place, KeyedThings<Nothing, true>> pending_;
  KeyedThings<Empties> empties_;
  KeyedThings<Refired> refired_;
  KeyedThings<EventTime> amendable_;
};

}  // namespace weir::inline v0::detail

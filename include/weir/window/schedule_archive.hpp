#pragma once

#include <cstddef>

#include <weir/base/owner.hpp>
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
  ScheduleArchive(const ScheduleArchive&) = delete;
  ScheduleArchive& operator=(const ScheduleArchive&) = delete;
  ~ScheduleArchive();

  /// Writes what a group has, or reads it.
  void archive(Archive& archive, std::size_t group);
  /// All groups have been read, of keys that are in no list: puts them into the lists.
  void join(EventTime watermark);

 private:
  struct Lists;

  void split();
  void archive_pending(Archive& archive, std::size_t group);

  PaneSchedule& schedule_;
  const KeptKeys& keys_;
  Owner<Lists> lists_;
};

}  // namespace weir::inline v0::detail

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <weir/flow/node.hpp>
#include <weir/window/grid.hpp>
#include <weir/window/plan.hpp>
#include <weir/window/specs.hpp>

namespace weir::inline v0::detail {

/// Reports wrong sizes, graces and triggers. `is_shared`: several kinds of windows share panes.
void check_plan(Problems& problems, std::string_view name, const WindowPlan& plan, bool is_shared);
/// Reports windows that would need too many panes per key.
void check_panes(Problems& problems, std::string_view name, std::int64_t width, const Grid& grid);
/// Reports triggered windows of which one record is in too many.
void check_copies(Problems& problems, std::string_view name, const WindowPlan& plan);
void check_emission(Problems& problems, std::string_view name, const Emission& emission, Duration size);

/// Says where windows lie, when they emit, and what they do with late records, as an object.
void describe_plan(Description& out, const WindowPlan& plan);
/// The same of sessions; `gap_from` and `ends_at` are words for what depends on the record, empty if nothing does.
void describe_sessions(Description& out, const SessionSpec& spec, std::string_view gap_from,
                       std::string_view ends_at);

/// Counts a record by the windows that took and missed it.
inline void count_judged(OperatorStats& stats, std::uint64_t hit, std::uint64_t missed) {
  stats.windows_missed += missed;
  if (hit > 0) {
    ++(missed > 0 ? stats.partially_late : stats.applied);
  } else {
    ++(missed > 0 ? stats.late : stats.unassigned);
  }
}

}  // namespace weir::inline v0::detail

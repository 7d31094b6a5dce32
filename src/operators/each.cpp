#include <weir/operators/each.hpp>

#include "durations.hpp"

namespace weir::inline v0::detail {

void check_each(Problems& problems, const EachSpec& spec, bool has_state, bool can_compare) {
  if (spec.retain == for_ever) {
    if (spec.clock == Clock::wall) problems.add(spec.name, "clock is of retain, which is for_ever");
    return;
  }
  if (spec.retain <= Duration::zero())
    problems.add(spec.name, "retain (" + shown(spec.retain) + ") must be positive, or weir::for_ever");
  if (!has_state) problems.add(spec.name, "retain is for State, and the operator has none");
  if (spec.refresh == Refresh::on_change && !can_compare) {
    problems.add(spec.name,
                 "refresh is on_change, and State has no ==; give it one, or say Refresh::on_record");
  }
}

void describe_each(Description& out, const EachSpec& spec) {
  if (spec.retain == for_ever) return;
  out.duration("retain", spec.retain);
  out.text("refresh", spec.refresh == Refresh::on_change ? "on_change" : "on_record");
  if (spec.clock == Clock::wall) out.text("clock", "wall");
}

}  // namespace weir::inline v0::detail

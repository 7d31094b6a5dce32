#include <weir/window/plan.hpp>

namespace weir::inline v0::detail {

namespace {

WindowPlan plan_of(std::string_view kind, Duration size, Duration every, Grace grace, LatePolicy late,
                   const Emission& emit, Accumulation panes, std::uint32_t most_empty, Grid grid) {
  return {.kind = kind,
          .size = size,
          .every = every,
          .grace_asked = grace.value(),
          .late = late,
          .most_empty = most_empty,
          .grid = grid,
          .trigger = Trigger(emit, panes, grace.value())};
}

}  // namespace

WindowPlan WindowPlan::of(const TumblingSpec& spec) {
  return plan_of("tumbling", spec.size, spec.size, spec.grace, spec.late, spec.emit, spec.panes,
                 spec.emit_empty.has_value() ? spec.emit_empty->most : 0,
                 Grid::sliding(spec.size, spec.size, spec.offset));
}

WindowPlan WindowPlan::of(const SlidingSpec& spec) {
  return plan_of("sliding", spec.size, spec.every, spec.grace, spec.late, spec.emit, spec.panes,
                 spec.emit_empty.has_value() ? spec.emit_empty->most : 0,
                 Grid::sliding(spec.size, spec.every, spec.offset));
}

WindowPlan WindowPlan::of(const CumulatingSpec& spec) {
  return plan_of("cumulating", spec.size, spec.step, spec.grace, spec.late, spec.emit, spec.panes, 0,
                 Grid::cumulating(spec.size, spec.step, spec.offset));
}

WindowPlan WindowPlan::of(const LifetimeSpec& spec) {
  return plan_of("lifetime", Duration::max(), Duration::max(), Duration::zero(), LatePolicy::apply_open,
                 spec.emit, spec.panes, 0, Grid::endless());
}

std::string WindowPlan::node_kind() const { return std::string(kind) + " windows"; }

}  // namespace weir::inline v0::detail

#include <weir/operators/window_specs.hpp>

#include <string>

#include <weir/operators/count_windows.hpp>
#include <weir/operators/session_windows.hpp>

#include "durations.hpp"

namespace weir::inline v0::detail {

namespace {

constexpr std::int64_t most_panes = 131072;
constexpr std::int64_t most_copies = 1024;
constexpr std::int64_t most_early = 1'000'000;

}  // namespace

void check_emission(Problems& problems, std::string_view name, const Emission& emission, Duration size) {
  if (emission.every < Duration::zero()) {
    problems.add(
        name, "emit.every (" + shown(emission.every) + ") must be positive; leave it out for no early panes");
  }
  if (emission.every > Duration::zero() && size != Duration::max() &&
      size.count() / emission.every.count() > most_early) {
    problems.add(name, "emit.every (" + shown(emission.every) + ") gives more than " +
                           std::to_string(most_early) + " early panes in a window of " + shown(size) +
                           "; make it longer");
  }
}

void check_plan(Problems& problems, std::string_view name, const WindowPlan& plan, bool is_shared) {
  const char* every = plan.kind == "cumulating" ? "step" : "every";
  if (plan.size <= Duration::zero()) {
    problems.add(name,
                 "size (" + shown(plan.size) + ") must be positive; give the window's length, .size = 1h");
    return;
  }
  if (plan.every <= Duration::zero()) {
    problems.add(name, std::string(every) + " (" + shown(plan.every) +
                           ") must be positive; use tumbling() for windows without overlap");
    return;
  }
  if (plan.grace_asked < Duration::zero()) {
    problems.add(
        name, "grace (" + shown(plan.grace_asked) + ") must not be negative; 0s closes windows at their end");
  }
  if (plan.kind == "cumulating" && plan.size.count() % plan.every.count() != 0) {
    problems.add(name, "step (" + shown(plan.every) + ") must divide size (" + shown(plan.size) +
                           ") of cumulating windows");
  }
  check_emission(problems, name, plan.trigger.emission(), plan.size);
  if (plan.most_empty > 0 && !plan.trigger.is_plain()) {
    problems.add(name,
                 "emit_empty goes with emit = on_close() and accumulating panes only; leave one of them out");
  }
  if (!is_shared) return;
  if (!plan.trigger.is_plain()) {
    problems.add(name, "emit of " + plan.kind + "(" + shown(plan.size) +
                           ") must be on_close() inside windows(); give it an aggregate of its own");
  }
  if (plan.late != LatePolicy::apply_open) {
    problems.add(name, "late of " + plan.kind + "(" + shown(plan.size) +
                           ") must be apply_open inside windows(); give it an aggregate of its own");
  }
}

void check_panes(Problems& problems, std::string_view name, std::int64_t width, const Grid& grid) {
  const std::int64_t panes = grid.size() / width;
  if (panes <= most_panes) return;
  const std::int64_t cheap = round_step(grid.size(), (grid.size() + most_panes - 1) / most_panes);
  problems.add(name, "size (" + shown(grid.size()) + ") and every (" + shown(grid.step()) + ") need " +
                         std::to_string(panes) + " panes of " + shown(width) + " per key, the most is " +
                         std::to_string(most_panes) + "; try every = " + shown(cheap));
}

void check_copies(Problems& problems, std::string_view name, const WindowPlan& plan) {
  if (plan.grid.is_endless()) return;
  const std::int64_t copies = plan.grid.size() / plan.grid.step();
  if (copies <= most_copies) return;
  problems.add(
      name, "size (" + shown(plan.size) + ") over every (" + shown(plan.every) + ") puts a record into " +
                std::to_string(copies) + " windows, the most with early, discarding or retracting panes is " +
                std::to_string(most_copies) + "; try every = " +
                shown(round_step(plan.grid.size(), (plan.grid.size() + most_copies - 1) / most_copies)) +
                ", or emit = on_close()");
}

void check_sessions(Problems& problems, std::string_view name, const SessionSpec& spec,
                    bool has_gap_per_record) {
  if (spec.gap <= Duration::zero() && !has_gap_per_record) {
    problems.add(name, "gap (" + shown(spec.gap) +
                           ") must be positive; give the silence that ends a session, .gap = 30min");
  }
  if (spec.grace.value() < Duration::zero()) {
    problems.add(name, "grace (" + shown(spec.grace.value()) +
                           ") must not be negative; 0s closes sessions at their end");
  }
  if (spec.longest.has_value() && *spec.longest < Duration::zero()) {
    problems.add(name,
                 "longest (" + shown(*spec.longest) + ") must not be negative; leave it out for no limit");
  }
  if (spec.most_records.has_value() && *spec.most_records == 0) {
    problems.add(name, "most_records (0) must be positive; leave it out for no limit");
  }
  check_emission(problems, name, spec.emit, Duration::max());
}

void check_counts(Problems& problems, std::string_view name, const CountSpec& spec) {
  constexpr std::uint32_t most = 1U << 20;
  if (spec.size == 0 || spec.size > most) {
    problems.add(
        name, "size (" + std::to_string(spec.size) + " records) must be from 1 to " + std::to_string(most));
  }
}

}  // namespace weir::inline v0::detail

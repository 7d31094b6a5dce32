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
    problems.add(name, "step (" + shown(plan.every) + ") must divide size (" + shown(plan.size) + "); try " +
                           shown(round_step(plan.size.count(), plan.every.count())));
  }
  check_emission(problems, name, plan.trigger.emission(), plan.size);
  if (plan.most_empty > 0 && !plan.trigger.is_plain()) {
    problems.add(name,
                 "emit_empty goes with emit = on_close() and accumulating panes only; leave one of them out");
  }
  if (!is_shared) return;
  if (!plan.trigger.is_plain()) {
    problems.add(name, "emit of " + std::string(plan.kind) + "(" + shown(plan.size) +
                           ") must be on_close() inside windows(); give it an aggregate of its own");
  }
  if (plan.late != LatePolicy::apply_open) {
    problems.add(name, "late of " + std::string(plan.kind) + "(" + shown(plan.size) +
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

namespace {

std::string_view late_word(LatePolicy late) {
  return late == LatePolicy::apply_open ? "apply_open" : "drop_whole";
}

std::string_view panes_word(Accumulation panes) {
  return panes == Accumulation::accumulating ? "accumulating"
         : panes == Accumulation::discarding ? "discarding"
                                             : "retracting";
}

/// What is left out is as `Emission{}` has it.
void describe_emission(Description& out, const Emission& emit, Accumulation panes) {
  out.begin_object("emit", Description::Layout::line);
  if (emit.at_close) out.text("at_close", emit.at_close_even_if_empty ? "even_if_empty" : "if_any");
  if (emit.after != 0) out.number("after", emit.after);
  if (emit.every != Duration::zero()) out.duration("every", emit.every);
  if (emit.late != LateFiring::each) out.text("late", emit.late == LateFiring::hold ? "hold" : "close");
  if (emit.records_per_late_pane() != 1) out.number("late_after", emit.records_per_late_pane());
  if (emit.final_pane != FinalPane::none)
    out.text("final_pane", emit.final_pane == FinalPane::if_new ? "if_new" : "always");
  out.end();
  out.text("panes", panes_word(panes));
}

}  // namespace

void describe_plan(Description& out, const WindowPlan& plan) {
  out.begin_object({}, Description::Layout::line);
  out.text("kind", plan.kind);
  if (!plan.grid.is_endless()) {
    out.duration("size", plan.size);
    if (plan.every != plan.size) out.duration("every", plan.every);
    if (plan.grid.offset() != 0) out.duration("offset", Duration{plan.grid.offset()});
    out.duration("grace", plan.grace_asked);
    out.text("late", late_word(plan.late));
  }
  describe_emission(out, plan.trigger.emission(), plan.trigger.accumulation());
  if (plan.most_empty != 0) out.number("most_empty", plan.most_empty);
  out.end();
}

void describe_sessions(Description& out, const SessionSpec& spec, std::string_view gap_from,
                       std::string_view ends_at) {
  if (gap_from.empty()) {
    out.duration("gap", spec.gap);
  } else {
    out.text("gap_from", gap_from);
  }
  if (!ends_at.empty()) out.text("ends_at", ends_at);
  if (spec.longest) out.duration("longest", *spec.longest);
  if (spec.most_records) out.number("most_records", static_cast<std::int64_t>(*spec.most_records));
  out.text("touching", spec.touching == Touching::merge ? "merge" : "separate");
  out.text("judged", spec.judged == SessionLateness::after_merging ? "after_merging" : "before_merging");
  out.duration("grace", spec.grace.value());
  describe_emission(out, spec.emit, spec.panes);
}

void describe_counts(Description& out, const CountSpec& spec) {
  out.number("size", spec.size);
  out.number("every", spec.every == 0 ? spec.size : spec.every);
  out.flag("partial", spec.partial);
}

void check_counts(Problems& problems, std::string_view name, const CountSpec& spec) {
  constexpr std::uint32_t most = 1U << 20;
  if (spec.size == 0 || spec.size > most) {
    problems.add(
        name, "size (" + std::to_string(spec.size) + " records) must be from 1 to " + std::to_string(most));
  }
}

}  // namespace weir::inline v0::detail

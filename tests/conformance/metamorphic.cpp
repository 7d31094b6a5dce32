#include "metamorphic.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <set>

#include "emission.hpp"

namespace conformance {
namespace {

using Action = Step::Action;

constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
/// Times further out are left alone: arithmetic on them saturates, and a shifted saturation is not a
/// saturated shift.
constexpr std::int64_t far = std::int64_t{1} << 60;

bool is_keyed(const Case& base) { return base.op.type == "window" || base.op.type == "count_window"; }
bool is_dedup(const Case& base) { return base.op.type == "dedup"; }

bool has_rejects(const Case& base) {
  return std::any_of(base.steps.begin(), base.steps.end(), [](const Step& step) { return step.reject; });
}

/// Same script, one group per step, the base's own emissions: the start of every variant.
Variant copy_of(const Case& base, const Run& done, std::string rule) {
  Variant variant{.rule = std::move(rule),
                  .script = base,
                  .setup = {},
                  .group = {},
                  .expected = {},
                  .rebuilds = false,
                  .late_dropped = done.late_dropped,
                  .live_windows = {}};
  for (std::size_t i = 0; i < base.steps.size(); ++i) {
    variant.group.push_back(i);
    variant.expected.push_back(done.steps[i].emissions);
  }
  if (!done.steps.empty()) variant.live_windows = done.steps.back().live_windows;
  return variant;
}

/// Cuts between two watermarks: close to both ends, at thirds, and around every event in between.
std::set<std::int64_t> cuts_between(std::int64_t low, std::int64_t high, const Case& base) {
  std::set<std::int64_t> cuts;
  const auto add = [&](std::int64_t at) {
    if (low < at && at < high) cuts.insert(at);
  };
  const std::uint64_t width = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
  for (const std::uint64_t part : {width / 3, width / 2, width - width / 3, std::uint64_t{1}, width - 1}) {
    add(static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + part));
  }
  for (const Step& step : base.steps) {
    if (step.action != Action::event) continue;
    add(step.event.at);
    if (step.event.at != least) add(step.event.at - 1);
  }
  return cuts;
}

/// Item 2: a watermark step is replaced by several smaller ones.
void add_finer_watermarks(const Case& base, const Run& done, std::vector<Variant>& out) {
  const bool has_trigger = is_keyed(base) && base.op.trigger.type == "event_time" && !base.op.strategy;
  if (!has_trigger && !is_dedup(base)) return;
  Variant variant = copy_of(base, done, "finer watermarks");
  variant.script.steps.clear();
  variant.group.clear();
  std::int64_t watermark = least;
  for (std::size_t i = 0; i < base.steps.size(); ++i) {
    const Step& step = base.steps[i];
    if (step.action == Action::watermark && step.number > watermark) {
      for (const std::int64_t cut : cuts_between(watermark, step.number, base)) {
        Step part;
        part.action = Action::watermark;
        part.number = cut;
        variant.script.steps.push_back(part);
        variant.group.push_back(i);
      }
      watermark = step.number;
    }
    variant.script.steps.push_back(step);
    variant.group.push_back(i);
  }
  out.push_back(std::move(variant));
}

bool has_late_events(const Case& base) {
  std::int64_t watermark = least;
  for (const Step& step : base.steps) {
    if (step.action == Action::watermark) watermark = std::max(watermark, step.number);
    if (step.action == Action::event && step.event.at <= watermark) return true;
  }
  return false;
}

bool looks_at_order(const Case& base) {
  return std::any_of(base.op.aggregates.begin(), base.op.aggregates.end(),
                     [](const std::string& name) { return name == "first" || name == "last"; });
}

/// Calls `change(begin, end)` for every run of consecutive events, and puts the events of a run into one
/// group.
template <class Change>
void for_each_run_of_events(Variant& variant, Change change) {
  std::vector<Step>& steps = variant.script.steps;
  for (std::size_t begin = 0; begin < steps.size(); ++begin) {
    std::size_t end = begin;
    while (end < steps.size() && steps[end].action == Action::event) ++end;
    if (end == begin) continue;
    for (std::size_t i = begin + 1; i < end; ++i) {
      auto& together = variant.expected[begin];
      together.insert(together.end(), variant.expected[i].begin(), variant.expected[i].end());
      variant.expected[i].clear();
      variant.group[i] = begin;
    }
    change(steps.begin() + static_cast<std::ptrdiff_t>(begin),
           steps.begin() + static_cast<std::ptrdiff_t>(end));
    begin = end - 1;
  }
}

/// Item 3: the events between two watermarks in another order.
void add_reordered(const Case& base, const Run& done, std::vector<Variant>& out) {
  const bool applies = base.op.type == "window" && base.op.trigger.type == "event_time" &&
                       !base.op.strategy && !has_late_events(base) && !looks_at_order(base) &&
                       !has_rejects(base);
  if (!applies) return;
  Variant reversed = copy_of(base, done, "reversed events");
  for_each_run_of_events(reversed, [](auto begin, auto end) { std::reverse(begin, end); });
  out.push_back(std::move(reversed));
  Variant rotated = copy_of(base, done, "rotated events");
  for_each_run_of_events(rotated,
                         [](auto begin, auto end) { std::rotate(begin, begin + (end - begin) / 2, end); });
  out.push_back(std::move(rotated));
}

/// Not in the list of the README, but as cheap: runs of events pushed as one batch.
void add_batched(const Case& base, const Run& done, std::vector<Variant>& out) {
  if ((!is_keyed(base) && !is_dedup(base)) || has_rejects(base)) return;
  Variant variant = copy_of(base, done, "events in batches");
  for_each_run_of_events(variant, [](auto begin, auto end) {
    for (auto step = begin; step + 1 != end; ++step) step->event.with_next = true;
  });
  out.push_back(std::move(variant));
}

bool is_near(std::int64_t number) { return -far <= number && number <= far; }

/// The period of everything in the operator that is aligned to an origin; 0 if it cannot be shifted.
std::int64_t period_of(const Operator& op) {
  std::int64_t period = 1;
  const bool is_aligned =
      op.type == "window" && op.assigner.type != "session" && op.assigner.type != "global";
  const std::int64_t parts[] = {is_aligned ? op.assigner.size : 0, is_aligned ? op.assigner.slide : 0,
                                is_aligned ? op.assigner.step : 0, op.trigger.interval};
  for (const std::int64_t part : parts) {
    if (part <= 0) continue;
    const std::int64_t factor = part / std::gcd(period, part);
    if (factor > far / 8 / period) return 0;
    period *= factor;
  }
  return period;
}

bool can_shift(const Case& base) {
  const Operator& op = base.op;
  const std::int64_t delay = op.strategy ? op.strategy->delay : 0;
  if (!is_near(op.assigner.size) || !is_near(op.assigner.gap) || !is_near(delay) ||
      !is_near(op.allowed_lateness)) {
    return false;
  }
  return std::all_of(base.steps.begin(), base.steps.end(), [](const Step& step) {
    switch (step.action) {
      case Action::event:
        return is_near(step.event.at) && is_near(step.event.gap) && !step.reject;
      case Action::watermark:
      case Action::input_watermark:
        return is_near(step.number) || step.number >= most - 1;
      default:
        return true;
    }
  });
}

void shift_emission(Emission& emission, std::int64_t by) {
  if (emission.start) *emission.start += by;
  if (emission.end) *emission.end += by;
  if (emission.kind == Emission::Kind::late || emission.kind == Emission::Kind::record) emission.at += by;
  if (emission.kind == Emission::Kind::watermark && is_near(emission.at)) emission.at += by;
}

/// Item 4: every time moved by a multiple of all sizes and slides.
void add_shifted(const Case& base, const Run& done, std::vector<Variant>& out) {
  const std::int64_t period = period_of(base.op);
  if (period == 0 || !can_shift(base)) return;
  for (const std::int64_t by :
       {period, -3 * period, period * std::max<std::int64_t>(1, (far / 8) / period)}) {
    Variant variant = copy_of(base, done, "shifted by " + std::to_string(by));
    for (Step& step : variant.script.steps) {
      if (step.action == Action::event) step.event.at += by;
      const bool is_watermark = step.action == Action::watermark || step.action == Action::input_watermark;
      if (is_watermark && is_near(step.number)) step.number += by;
    }
    for (std::vector<Emission>& emissions : variant.expected) {
      for (Emission& emission : emissions) shift_emission(emission, by);
    }
    out.push_back(std::move(variant));
  }
}

std::string twin_of(const std::string& key) { return key + " twin"; }

/// Item 5: a second copy of all events under other keys.
void add_doubled(const Case& base, const Run& done, std::vector<Variant>& out) {
  // With a strategy an event moves the watermark before its copy is judged, so the copies may fare
  // differently.
  if ((!is_keyed(base) && !is_dedup(base)) || base.op.strategy || has_rejects(base)) return;
  Variant variant = copy_of(base, done, "every key twice");
  variant.script.steps.clear();
  variant.group.clear();
  for (std::size_t i = 0; i < base.steps.size(); ++i) {
    variant.script.steps.push_back(base.steps[i]);
    variant.group.push_back(i);
    if (base.steps[i].action != Action::event) continue;
    Step twin = base.steps[i];
    twin.event.key = twin_of(twin.event.key);
    variant.script.steps.push_back(std::move(twin));
    variant.group.push_back(i);
  }
  for (std::vector<Emission>& emissions : variant.expected) {
    const std::size_t size = emissions.size();
    for (std::size_t i = 0; i < size; ++i) {
      emissions.push_back(emissions[i]);
      emissions.back().key = twin_of(emissions[i].key);
    }
  }
  if (variant.late_dropped) *variant.late_dropped *= 2;
  if (variant.live_windows) *variant.live_windows *= 2;
  out.push_back(std::move(variant));
}

/// Item 6: the same case split over two operators by key.
void add_split(const Case& base, const Run& done, std::vector<Variant>& out) {
  if (!is_keyed(base)) return;
  Variant variant = copy_of(base, done, "two operators");
  variant.setup.in_two_operators = true;
  out.push_back(std::move(variant));
}

/// The same case, restored from a snapshot after each step.
void add_restored(const Case& base, const Run& done, std::vector<Variant>& out) {
  Variant variant = copy_of(base, done, "restored after each step");
  variant.rebuilds = true;
  variant.script.steps.clear();
  variant.group.clear();
  for (std::size_t i = 0; i < base.steps.size(); ++i) {
    variant.script.steps.push_back(base.steps[i]);
    variant.group.push_back(i);
    Step restore;
    restore.action = Action::snapshot_restore;
    variant.script.steps.push_back(restore);
    variant.group.push_back(i);
  }
  out.push_back(std::move(variant));
}

/// What is wrong with the variant; empty: nothing.
std::string wrong_with(const Variant& variant) {
  const Run done = run(variant.script, variant.setup);
  if (!done.error.empty()) return done.error;
  std::vector<std::vector<Emission>> actual(variant.expected.size());
  for (std::size_t i = 0; i < done.steps.size(); ++i) {
    if (!done.steps[i].error.empty()) return done.steps[i].error;
    std::vector<Emission>& group = actual[variant.group[i]];
    group.insert(group.end(), done.steps[i].emissions.begin(), done.steps[i].emissions.end());
  }
  for (std::size_t i = 0; i < actual.size(); ++i) {
    if (same_multiset(variant.expected[i], actual[i])) continue;
    return "step " + std::to_string(i + 1) + ": expected " + to_text(variant.expected[i]) + ", actual " +
           to_text(actual[i]);
  }
  if (done.late_dropped != variant.late_dropped) return "late_dropped differs";
  const bool has_live = !done.steps.empty() && done.steps.back().live_windows && variant.live_windows;
  return has_live && *done.steps.back().live_windows != *variant.live_windows ? "live_windows differ" : "";
}

}  // namespace

std::vector<Variant> variants_of(const Case& base, const Run& done) {
  std::vector<Variant> variants;
  add_finer_watermarks(base, done, variants);
  add_reordered(base, done, variants);
  add_batched(base, done, variants);
  add_shifted(base, done, variants);
  add_doubled(base, done, variants);
  add_split(base, done, variants);
  add_restored(base, done, variants);
  return variants;
}

Verdict judge_variants(const Case& base) {
  const Run done = run(base);
  Verdict verdict = judge(base, done);
  if (verdict.result == Result::fail) return verdict;
  const std::vector<Variant> variants = variants_of(base, done);
  for (const Variant& variant : variants) {
    const std::string wrong = wrong_with(variant);
    if (wrong.empty()) continue;
    return {.result = Result::fail, .why = variant.rule + ": " + wrong, .unchecked = verdict.unchecked};
  }
  verdict.why = std::to_string(variants.size()) + " variants";
  return verdict;
}

}  // namespace conformance

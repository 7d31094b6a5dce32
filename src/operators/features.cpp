#include <weir/operators/features_spec.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "durations.hpp"

namespace weir::inline v0::detail {

namespace {

constexpr std::int64_t most_rolling_panes = 4096;
constexpr std::uint32_t most_rolling_records = 65536;

void check_window(Problems& problems, std::string_view name, const RollingWindow& window) {
  if (window.kind == RollingKind::records) {
    if (window.records == 0 || window.records > most_rolling_records) {
      problems.add(name, "records (" + std::to_string(window.records) + ") must be from 1 to " +
                             std::to_string(most_rolling_records));
    }
    return;
  }
  if (window.kind == RollingKind::lifetime) return;
  if (window.size <= Duration::zero()) {
    problems.add(name,
                 "size (" + shown(window.size) + ") must be positive; give how far back the window reaches");
    return;
  }
  if (window.cut == Cut::exact) return;
  if (window.hop <= Duration::zero()) {
    problems.add(name, "precision (" + shown(window.hop) + ") must be positive; try " +
                           shown(round_step(window.size.count(), window.size.count() / 60)) + ", or exact");
    return;
  }
  if (window.hop > window.size) {
    problems.add(name, "precision (" + shown(window.hop) + ") must not be longer than size (" +
                           shown(window.size) + ")");
  }
  if (window.cut == Cut::both && window.size.count() % window.hop.count() != 0) {
    problems.add(name, "pre_cut (" + shown(window.hop) + ") must divide size (" + shown(window.size) +
                           "); try " + shown(round_step(window.size.count(), window.hop.count())));
  }
  const std::int64_t panes = window.size.count() / window.hop.count();
  if (panes > most_rolling_panes) {
    problems.add(name,
                 "size (" + shown(window.size) + ") with precision (" + shown(window.hop) + ") needs " +
                     std::to_string(panes) + " panes per key, the most is " +
                     std::to_string(most_rolling_panes) + "; try precision = " +
                     shown(round_step(window.size.count(),
                                      (window.size.count() + most_rolling_panes - 1) / most_rolling_panes)));
  }
}

/// Windows that share their aggregates share panes: each precision is made of the next finer one.
void check_levels(Problems& problems, std::string_view name, const std::vector<RollingWindow>& windows) {
  std::vector<std::int64_t> hops;
  for (const RollingWindow& window : windows) {
    if (window.kind == RollingKind::time && window.cut != Cut::exact && window.hop > Duration::zero())
      hops.push_back(window.hop.count());
  }
  std::sort(hops.begin(), hops.end());
  for (std::size_t i = 1; i < hops.size(); ++i) {
    if (hops[i] % hops[i - 1] == 0) continue;
    problems.add(name, "precision (" + shown(hops[i]) + ") must be a multiple of the next finer one (" +
                           shown(hops[i - 1]) + ") of the same rolling(); try " +
                           shown((hops[i] / hops[i - 1] + 1) * hops[i - 1]) + ", or a rolling() of its own");
  }
}

}  // namespace

void describe_windows(Description& out, const std::vector<RollingWindow>& windows) {
  out.begin_list("windows");
  for (const RollingWindow& window : windows) {
    out.begin_object({}, Description::Layout::line);
    if (window.kind == RollingKind::time) {
      out.duration("size", window.size);
      if (window.cut == Cut::exact) {
        out.text("precision", "exact");
      } else {
        out.duration(window.cut == Cut::tail ? "precision" : "pre_cut", window.hop);
      }
    } else if (window.kind == RollingKind::records) {
      out.number("records", window.records);
    } else {
      out.text("size", "lifetime");
    }
    out.text("asking", window.asking == Asking::excluded ? "excluded" : "included");
    out.end();
  }
  out.end();
}

void describe_complete_from(Description& out, EventTime from) {
  if (from == no_time) {
    out.none("complete_from");
  } else {
    out.number("complete_from", ticks(from));
  }
}

Duration retained(const FeaturesSpec& spec, const std::vector<const RollingPlan*>& plans) {
  if (spec.retain > Duration::zero()) return spec.retain;
  Duration longest{1};
  for (const RollingPlan* plan : plans) longest = std::max(longest, plan->longest());
  return longest;
}

void check_features(Problems& problems, const FeaturesSpec& spec,
                    const std::vector<const RollingPlan*>& plans) {
  bool has_size = true;
  Duration longest{};
  for (const RollingPlan* plan : plans) {
    for (const RollingWindow& window : plan->asked()) {
      check_window(problems, spec.name, window);
      has_size = has_size && window.kind == RollingKind::time;
      if (window.kind == RollingKind::time)
        longest = std::max(longest, Duration{saturating_add(window.size.count(), window.hop.count())});
    }
    check_levels(problems, spec.name, plan->asked());
  }
  if (spec.time_travel < Duration::zero()) {
    problems.add(spec.name, "time_travel (" + shown(spec.time_travel) + ") must not be negative");
  }
  if (spec.retain < Duration::zero()) {
    problems.add(spec.name, "retain (" + shown(spec.retain) +
                                ") must be positive; leave it out for as long as the longest window needs");
  } else if (spec.retain == Duration::zero()) {
    if (!has_size) {
      problems.add(
          spec.name,
          "retain is missing: windows of records and of a lifetime do not end by themselves; give how long a "
          "silent key is kept, .retain = 30 * 24h or .retain = weir::for_ever");
    }
  } else if (spec.retain < longest) {
    problems.add(spec.name, "retain (" + shown(spec.retain) +
                                ") must not be shorter than the longest window with its precision (" +
                                shown(longest) + ")");
  }
}

}  // namespace weir::inline v0::detail

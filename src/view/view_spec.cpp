#include <weir/view/view_spec.hpp>

#include <algorithm>
#include <bit>
#include <string>

#include <weir/flow/definition.hpp>

namespace weir::inline v0::detail {

void check_view(Problems& problems, std::string_view name, const ViewSpec& spec, bool has_fallback) {
  if (spec.max_age && *spec.max_age <= Duration::zero()) {
    problems.add(name, "max_age (" + std::to_string(spec.max_age->count()) +
                           "us) must be positive; leave it out when no row is ever too old");
  }
  if (spec.freshness_goal && *spec.freshness_goal <= Duration::zero()) {
    problems.add(name, "freshness_goal (" + std::to_string(spec.freshness_goal->count()) +
                           "us) must be positive; leave it out for none");
  }
  if (spec.when_stale == serve_default && !has_fallback) {
    problems.add(name, "when_stale (serve_default) needs a row to serve; give one with .fallback(Row{...})");
  }
}

void check_publish(Problems& problems, std::string_view name, const PublishSpec& spec) {
  if (spec.refresh <= Duration::zero()) {
    problems.add(name,
                 "refresh (" + std::to_string(spec.refresh.count()) +
                     "us) must be positive; leave it out to publish rows only when records change them");
  }
}

StalePolicy policy_of(const ViewSpec& spec, const LookupSpec& asked) noexcept {
  return asked.when_stale.value_or(spec.when_stale);
}

namespace {

std::string_view policy_word(StalePolicy policy) {
  switch (policy) {
    case StalePolicy::serve_stale:
      return "serve_stale";
    case StalePolicy::serve_previous:
      return "serve_previous";
    case StalePolicy::serve_default:
      return "serve_default";
    case StalePolicy::reject_stale:
      break;
  }
  return "reject_stale";
}

void describe_duration(Description& out, std::string_view name, const std::optional<Duration>& duration) {
  if (duration) {
    out.duration(name, *duration);
  } else {
    out.none(name);
  }
}

}  // namespace

std::string describe_view(const Wiring& wiring, const Node& view, const ViewSpec& spec, bool has_fallback,
                          bool has_gate, const PublishSpec* publishes) {
  const Node& rows = *wiring.nodes()[wiring.inputs(view).front()];
  Description out;
  out.begin_object();
  out.text("view", view.name());
  out.text("operator", rows.name());
  describe_duration(out, "max_age", spec.max_age);
  out.text("when_stale", policy_word(spec.when_stale));
  describe_duration(out, "freshness_goal", spec.freshness_goal);
  out.flag("fallback", has_fallback);
  out.flag("gate", has_gate);
  if (publishes != nullptr) out.duration("refresh", publishes->refresh);
  rows.describe_reach(out);
  const std::string definition = definition_at(wiring, rows, out.depth());
  out.text("fingerprint", fingerprint_text(fingerprint_of(definition)));
  out.json("definition", definition);
  out.end();
  return out.str() + "\n";
}

absl::Status publishes_nothing(std::string_view name) {
  return absl::InvalidArgumentError(
      std::string(name) + ": the view publishes nothing for readers on other threads; give it .publish()");
}

void count_read(ViewStats& stats, ReadStatus status, Duration age) noexcept {
  ++stats.reads;
  const auto ticks = static_cast<std::uint64_t>(std::max<std::int64_t>(0, age.count()));
  ++stats.ages[static_cast<std::size_t>(std::bit_width(ticks))];
  switch (status) {
    case ReadStatus::fresh:
      ++stats.fresh;
      break;
    case ReadStatus::stale:
      ++stats.stale;
      break;
    case ReadStatus::incomplete:
      ++stats.incomplete;
      break;
    case ReadStatus::missing:
      ++stats.missing;
      break;
    case ReadStatus::defaulted:
      ++stats.defaulted;
      break;
    case ReadStatus::quarantined:
      ++stats.quarantined;
      break;
    case ReadStatus::refused:
    case ReadStatus::closed:
      break;
  }
}

void add(ViewStats& sum, const ViewStats& more) noexcept {
  for (const auto counter :
       {&ViewStats::reads, &ViewStats::fresh, &ViewStats::stale, &ViewStats::incomplete, &ViewStats::missing,
        &ViewStats::defaulted, &ViewStats::quarantined, &ViewStats::breaches})
    sum.*counter += more.*counter;
  for (std::size_t i = 0; i < sum.ages.size(); ++i) sum.ages[i] += more.ages[i];
}

}  // namespace weir::inline v0::detail

#include <weir/view/view_spec.hpp>

#include <algorithm>
#include <bit>
#include <string>

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

}  // namespace weir::inline v0::detail

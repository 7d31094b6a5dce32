#include <weir/operators/latest.hpp>

#include <string>

#include "durations.hpp"

namespace weir::inline v0::detail {

void check_latest(Problems& problems, const LatestSpec& spec) {
  constexpr std::uint32_t most_versions = 65536;
  if (spec.retain == Duration::zero()) {
    problems.add(spec.name,
                 "retain is missing; give how long a silent key's rows are kept, .retain = 24h or .retain = "
                 "weir::for_ever");
  } else if (spec.retain < Duration::zero()) {
    problems.add(spec.name, "retain (" + shown(spec.retain) + ") must be positive");
  }
  if (spec.versions == 0 || spec.versions > most_versions) {
    problems.add(spec.name, "versions (" + std::to_string(spec.versions) + ") must be from 1 to " +
                                std::to_string(most_versions));
  }
  if (spec.most_keys == 0) problems.add(spec.name, "most_keys (0) must be positive");
}

}  // namespace weir::inline v0::detail

#include <weir/operators/dedup.hpp>

#include <string>

#include "durations.hpp"

namespace weir::inline v0::detail {

void check_dedup(Problems& problems, const DedupSpec& spec) {
  if (spec.within <= Duration::zero()) {
    problems.add(spec.name, "within (" + shown(spec.within) +
                                ") must be positive; give how long an id is known, .within = 24h");
  }
  if (spec.grace < Duration::zero() || spec.grace > spec.within) {
    problems.add(spec.name, "grace (" + shown(spec.grace) +
                                ") must be from 0 to within; a record that is later could not be judged");
  }
  if (spec.clock == Clock::wall && spec.grace != Duration::zero()) {
    problems.add(spec.name,
                 "grace (" + shown(spec.grace) + ") must be 0 with Clock::wall, which knows no late records");
  }
  if (spec.most_ids == 0) problems.add(spec.name, "most_ids (0) must be positive");
}

}  // namespace weir::inline v0::detail

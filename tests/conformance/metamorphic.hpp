#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runner.hpp"

/// \file
/// The checks of cases/README.md, section 7, items 2 to 6: other scripts whose results follow from those of
/// the case.

namespace conformance {

/// Another script, and what has to come out of it.
struct Variant {
  std::string rule;
  Case script;
  Setup setup;
  std::vector<std::size_t> group;  ///< of each step of the script: whose emissions are put together
  std::vector<std::vector<Emission>> expected;  ///< per group
  bool rebuilds = false;                        ///< steps build the pipeline again
  std::optional<std::uint64_t> late_dropped;
  std::optional<std::uint64_t> live_windows;  ///< after the last step
};

/// Every variant the case has the properties for, given what the case itself did.
[[nodiscard]] std::vector<Variant> variants_of(const Case& base, const Run& done);

/// Runs the case and all of its variants.
[[nodiscard]] Verdict judge_variants(const Case& base);

}  // namespace conformance

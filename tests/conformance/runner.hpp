#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "case.hpp"
#include "subject.hpp"

/// \file
/// Runs a case and judges it. Running and judging are apart, so that the metamorphic checks can judge
/// otherwise.

namespace conformance {

/// Everything a case did.
struct Run {
  std::vector<Outcome> steps;
  std::optional<std::uint64_t> late_dropped;
  std::string error;  ///< why it could not be run to the end

  friend bool operator==(const Run&, const Run&) = default;
};

enum class Result { pass, fail, skip };

struct Verdict {
  Result result = Result::pass;
  std::string why;
  std::uint64_t unchecked = 0;
};

/// Does the steps of the case; `done` keeps those before a step that throws.
void play(const Case& conformance_case, Subject& subject, Run& done);
[[nodiscard]] Run run(const Case& conformance_case, Setup setup = {});
[[nodiscard]] Verdict judge(const Case& conformance_case, const Run& done);

}  // namespace conformance

#pragma once

#include <cstdint>

#include "../runner.hpp"

/// \file
/// Plays a case again and again, each time with another allocation or callback that fails.

namespace conformance {

/// Passes if after every failure nothing has leaked, what came out before is right, and the pipeline either refuses every
/// later call and says why, or goes on as if nothing had failed. The same for every script that is derived from the case.
/// Where a script has more than `most` points of a kind, a stride through them is tried.
[[nodiscard]] Verdict judge_failures(const Case& base, std::uint64_t most);

}  // namespace conformance

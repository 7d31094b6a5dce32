#pragma once

#include <functional>

#include "runner.hpp"

/// \file
/// Judging a case in a process of its own: a crash or a hang fails that case and leaves the others their
/// turn.

namespace conformance {

/// Seconds after which a case counts as hung. The slowest takes milliseconds.
inline constexpr unsigned patience_seconds = 60;

/// What `judge_it` returns; or a failure that names the signal or exit code if it never returns.
[[nodiscard]] Verdict in_own_process(const std::function<Verdict()>& judge_it);

}  // namespace conformance

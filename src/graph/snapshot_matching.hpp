#pragma once

#include <vector>

#include <absl/status/status.h>

#include <weir/flow/node.hpp>
#include <weir/graph/snapshot.hpp>

#include "snapshot_format.hpp"

namespace weir::inline v0::detail {

/// Finds for each operator of a snapshot the one of the pipeline that takes its state; null if nobody does.
/// Errors: FailedPrecondition if their definitions or the types of their states differ, or one has no counterpart, unless `spec`
/// names it; InvalidArgument for names that are nowhere
[[nodiscard]] absl::Status match_operators(const Wiring& wiring, const SnapshotHeader& header,
                                           const RestoreSpec& spec, std::vector<Node*>& targets);

}  // namespace weir::inline v0::detail

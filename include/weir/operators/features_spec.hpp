#pragma once

#include <string>
#include <vector>

#include <weir/base/description.hpp>
#include <weir/flow/node.hpp>
#include <weir/time/instant.hpp>
#include <weir/window/rolling.hpp>

/// \file
/// Options of rolling features, and what they and their windows come to.

namespace weir::inline v0 {

/// Options of `features`.
struct FeaturesSpec {
  std::string name;
  /// A label of yours for what functions compute: projections, conditions, `derive` and aggregators of one's own. Nothing else
  /// tells when one of them changes. It is part of the definition.
  std::string definition = {};
  /// How far behind the watermark reads are as exact as at it. Records this young are kept as they are.
  Duration time_travel{};
  /// A key is forgotten when it had no record for so long. Zero: as long as its longest window needs; must be said when there
  /// are windows without a size.
  Duration retain{};
  /// The instant from which on every record of the stream is pushed. Windows that reach before it are not whole.
  EventTime complete_from = no_time;
};

namespace detail {

/// Checks the windows of a features node.
void check_features(Problems& problems, const FeaturesSpec& spec,
                    const std::vector<const RollingPlan*>& plans);
/// Says how windows over the same aggregates are cut, as a list.
void describe_windows(Description& out, const std::vector<RollingWindow>& windows);
void describe_complete_from(Description& out, EventTime from);
/// How long a key is kept without a record.
[[nodiscard]] Duration retained(const FeaturesSpec& spec, const std::vector<const RollingPlan*>& plans);

}  // namespace detail

}  // namespace weir::inline v0

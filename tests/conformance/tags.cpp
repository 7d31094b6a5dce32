#include "tags.hpp"

#include <algorithm>
#include <string_view>

namespace conformance {
namespace {

constexpr std::string_view declared[] = {
    "op:window",
    "op:count_window",
    "op:dedup",
    "op:ttl_state",
    "op:watermark_generator",
    "op:watermark_merge",
    "assigner:tumbling",
    "assigner:sliding",
    "assigner:cumulative",
    "assigner:session",
    "assigner:global",
    "offset",
    "sliding:gaps",
    "session:touching-merge",
    "session:touching-separate",
    "session:dynamic-gap",
    "count:sliding-partial",
    "count:sliding-full",
    "trigger:event_time",
    "trigger:count",
    "trigger:continuous_event_time",
    "trigger:after_watermark",
    "trigger:never",
    "discarding",
    "allowed-lateness",
    "late-side-output",
    "closing:always",
    "pane-index",
    "watermark-strategy:bounded_out_of_orderness",
    "watermark-strategy:ascending",
    "watermark-strategy:punctuated",
    "idle-timeout",
    "dedup:processing-time",
    "dedup:event-time",
    "dedup:refresh",
    "ttl:on_create_and_write",
    "ttl:on_read_and_write",
    "reject-invalid-timestamp",
    "agg:count",
    "agg:sum",
    "agg:min",
    "agg:max",
    "agg:mean",
    "agg:list",
    "agg:first",
    "agg:last",
    "semantics:flink",
    "semantics:beam",
    "semantics:flink-valve",
    "snapshot",
    "requires:watermark_in_snapshot",
};

}  // namespace

std::vector<std::string> missing_tags(const std::vector<std::string>& features) {
  std::vector<std::string> missing;
  for (const std::string& tag : features) {
    if (std::find(std::begin(declared), std::end(declared), tag) == std::end(declared))
      missing.push_back(tag);
  }
  return missing;
}

}  // namespace conformance

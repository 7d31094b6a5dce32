#include <weir/graph/handover.hpp>

#include <string>

namespace weir::inline v0::detail {

namespace {

std::string instant_text(EventTime at) { return std::to_string(ticks(at)) + "us"; }

}  // namespace

absl::Status check_handover(std::string_view source, const HandoverSpec& spec) {
  const EventTime cut = spec.cut.value_or(spec.history_until);
  if (spec.live_from > cut) {
    return absl::InvalidArgumentError(
        std::string(source) + ": live_from (" + instant_text(spec.live_from) + ") is after the cut (" +
        instant_text(cut) +
        "), so that records between them are in neither stream; read the history up to where the live "
        "stream has everything");
  }
  if (cut > spec.history_until) {
    return absl::InvalidArgumentError(
        std::string(source) + ": cut (" + instant_text(cut) + ") is after history_until (" +
        instant_text(spec.history_until) +
        "), so that records between them are in neither stream; cut where both have everything");
  }
  return absl::OkStatus();
}

}  // namespace weir::inline v0::detail

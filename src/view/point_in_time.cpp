#include <weir/view/point_in_time.hpp>

#include <string>

namespace weir::inline v0::detail {

namespace {

/// Per node: whether its records reach another one.
std::vector<char> upstream_of(const Wiring& wiring, const Node& node) {
  std::vector<char> is_upstream(wiring.nodes().size(), 0);
  is_upstream[Wiring::id(node)] = 1;
  for (std::size_t id = Wiring::id(node) + 1; id-- > 0;) {
    if (is_upstream[id] == 0) continue;
    for (const std::size_t input : wiring.inputs(*wiring.nodes()[id])) is_upstream[input] = 1;
  }
  return is_upstream;
}

absl::Status check_place(const Wiring& wiring, const ReplayPlace& place) {
  if (place.wiring != &wiring)
    return absl::InvalidArgumentError(
        "point_in_time: a history's source belongs to another graph; use this graph's own");
  const std::string& name = place.source->name();
  if (place.channel >= place.source->channels())
    return absl::InvalidArgumentError(name + ": channel (" + std::to_string(place.channel) +
                                      ") of a history does not exist; the source has " +
                                      std::to_string(place.source->channels()));
  if (place.is_host_driven)
    return absl::InvalidArgumentError(
        name +
        ": watermark (host_driven) is raised by nobody in a replay, so that no row would be due before its "
        "end; build the graph with trailing(...) or punctuated(...) for point_in_time, which changes no "
        "definition");
  return absl::OkStatus();
}

absl::Status no_history(const SourceBase& source, std::size_t channel) {
  const bool is_one_of_many = source.channels() > 1;
  const std::string index = std::to_string(channel);
  return absl::InvalidArgumentError(
      source.name() + ": " + (is_one_of_many ? "channel (" + index + ")" : "the source") +
      " feeds the view and has no history, so that its watermark would hold back all rows; give " +
      (is_one_of_many ? "history(source.channel(" + index + "), records)" : "history(source, records)") +
      ", an empty one if nothing came there");
}

}  // namespace

absl::Status check_replay(const PipelineCore& core, const Wiring& of_view, const Node& view,
                          std::span<const ReplayPlace> places) {
  const Wiring& wiring = core.wiring();
  if (&of_view != &wiring)
    return absl::InvalidArgumentError(
        "point_in_time: the view belongs to another graph; use this graph's own");
  for (const ReplayPlace& place : places) {
    if (absl::Status wrong = check_place(wiring, place); !wrong.ok()) return wrong;
  }
  const std::vector<char> feeds = upstream_of(wiring, view);
  for (const SourceBase* source : core.sources()) {
    if (feeds[Wiring::id(*source)] == 0) continue;
    for (std::size_t channel = 0; channel < source->channels(); ++channel) {
      const bool has_history = std::any_of(places.begin(), places.end(), [&](const ReplayPlace& place) {
        return place.source == source && place.channel == channel;
      });
      if (!has_history) return no_history(*source, channel);
    }
  }
  return absl::OkStatus();
}

absl::Status never_asked(std::size_t label) {
  return absl::InvalidArgumentError("point_in_time: known_at of label " + std::to_string(label) +
                                    " is not given, and knowledge (as_known) would show it all of the "
                                    "history; say when it was asked, on the "
                                    "same clock as known_at of the histories");
}

absl::Status stopped(const ReplayProgress& progress) {
  return absl::CancelledError("point_in_time: stopped by progress after " + std::to_string(progress.records) +
                              " records and " + std::to_string(progress.rows) + " rows");
}

absl::Status check_knowledge(Knowledge knowledge, bool says_when_known) {
  if (knowledge == Knowledge::all_on_time || says_when_known) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "point_in_time: knowledge (as_known) needs to be told when records became known; give it with "
      "history(source, records).known_at(&Record::arrived)");
}

void estimate(ReplayProgress& progress, WallTime start, WallTime now) {
  const auto elapsed = std::chrono::duration<double>(now - start);
  if (elapsed.count() <= 0) return;
  progress.records_per_second = static_cast<double>(progress.records) / elapsed.count();
  if (progress.rows == 0) return;
  const double share = static_cast<double>(progress.rows) / static_cast<double>(progress.labels);
  progress.remaining = elapsed * (1 / share - 1);
}

absl::Status no_past() {
  return absl::InvalidArgumentError(
      "point_in_time: rows of windows and sessions cannot be read as they were before later records came; "
      "ask with "
      ".knowledge = Knowledge::as_known, labels with .known_at and histories with .known_at(...)");
}

}  // namespace weir::inline v0::detail

#include <weir/view/point_in_time.hpp>

namespace weir::inline v0::detail {

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

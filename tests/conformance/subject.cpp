#include "subject.hpp"

#include <utility>

namespace conformance {

absl::Status Subject::take_snapshot(const Step& step) {
  if (step.action == Step::Action::go_back) return go_back(kept_[step.snapshot]);
  if (step.action == Step::Action::keep_snapshot) return save(kept_[step.snapshot]);
  Kept kept;
  if (absl::Status status = save(kept); !status.ok()) return status;
  return go_back(kept);
}

absl::Status Subject::save(Kept& kept) {
  kept.counters.clear();
  for (const std::uint64_t* counter : counters()) kept.counters.push_back(*counter);
  return ask([&] { return pipeline_->snapshot({}, kept.image); });
}

absl::Status Subject::go_back(const Kept& kept) {
  if (absl::Status status = pipeline_->status(); !status.ok())
    return status;  // there is no way back from that
  pipeline_.reset();
  if (const std::string error = ask([&] { return make_pipeline(); }); !error.empty())
    return absl::InternalError(error);
  if (absl::Status status = ask([&] { return pipeline_->restore(kept.image); }); !status.ok()) return status;
  for (std::size_t i = 0; i < kept.counters.size(); ++i) *counters()[i] = kept.counters[i];
  std::string again;
  if (absl::Status status = ask([&] { return pipeline_->snapshot({}, again); }); !status.ok()) return status;
  if (again == kept.image) return absl::OkStatus();
  return absl::InternalError("a snapshot of the restored pipeline differs from the one it was restored from");
}

}  // namespace conformance

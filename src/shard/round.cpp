#include <weir/shard/round.hpp>

#include <exception>
#include <string>

#include <weir/shard/route.hpp>

namespace weir::inline v0::detail {

LotBase::~LotBase() = default;
ShardTask::~ShardTask() = default;
RouteBase::~RouteBase() = default;

void Round::clear() {
  if (route != no_route) {
    for (const auto& lot : lots) {
      if (lot != nullptr) lot->clear();
    }
  }
  route = no_route;
  watermarks.clear();
  is_full = false;
  then = Then::nothing;
  tick.reset();
  task.reset();
}

absl::Status call_guarded(absl::FunctionRef<absl::Status()> call) {
#if defined(__cpp_exceptions)
  try {
    return call();
  } catch (const std::exception& thrown) {
    return absl::FailedPreconditionError(std::string("a callback or an allocation threw: ") + thrown.what());
  } catch (...) { return absl::FailedPreconditionError("a callback or an allocation threw"); }
#else
  return call();
#endif
}

}  // namespace weir::inline v0::detail

#include <weir/time/merge.hpp>

#include <algorithm>

namespace weir::inline v0 {

WatermarkMerge::WatermarkMerge(std::size_t inputs) : inputs_(inputs), active_(inputs) {}

bool WatermarkMerge::set_idle(std::size_t input) {
  return inputs_[input].status == Status::active && leave(input, Status::idle);
}

void WatermarkMerge::set_active(std::size_t input) {
  Input& one = inputs_[input];
  if (one.status != Status::idle) return;
  one.status = Status::active;
  one.is_aligned = one.watermark >= merged_;
  is_held_ = false;
  ++active_;
}

bool WatermarkMerge::close(std::size_t input) {
  Input& one = inputs_[input];
  if (one.status == Status::closed) return false;
  if (one.status == Status::idle) {
    one.status = Status::closed;
    return false;
  }
  return leave(input, Status::closed);
}

bool WatermarkMerge::is_catching_up() const noexcept {
  return std::any_of(inputs_.begin(), inputs_.end(),
                     [](const Input& one) { return one.status == Status::active && !one.is_aligned; });
}

EventTime WatermarkMerge::least_of_others(std::size_t input) const noexcept {
  EventTime least = end_of_time;
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    const Input& one = inputs_[i];
    if (i != input && one.status == Status::active && one.is_aligned) least = std::min(least, one.watermark);
  }
  return least;
}

bool WatermarkMerge::leave(std::size_t input, Status status) {
  Input& one = inputs_[input];
  one.status = status;
  --active_;
  if (active_ > 0) return recompute();
  if (one.watermark != merged_) return false;
  for (const Input& any : inputs_) merged_ = std::max(merged_, any.watermark);
  return merged_ > one.watermark;
}

bool WatermarkMerge::recompute() {
  EventTime least = end_of_time;
  bool is_any = false;
  for (const Input& one : inputs_) {
    if (one.status != Status::active || !one.is_aligned) continue;
    least = std::min(least, one.watermark);
    is_any = true;
  }
  is_held_ = is_any && least >= merged_;
  if (!is_any || least <= merged_) return false;
  merged_ = least;
  return true;
}

}  // namespace weir::inline v0

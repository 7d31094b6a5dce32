#include <weir/window/grid.hpp>

#include <algorithm>
#include <limits>
#include <numeric>

#include "wide.hpp"

namespace weir::inline v0::detail {

namespace {

using Wide = WindowIndex;

std::int64_t clamp(Wide value) {
  constexpr Wide least = std::numeric_limits<std::int64_t>::min();
  constexpr Wide most = std::numeric_limits<std::int64_t>::max();
  return static_cast<std::int64_t>(std::clamp(value, least, most));
}

}  // namespace

Grid::Grid(Kind kind, std::int64_t size, std::int64_t step, std::int64_t offset)
    : kind_(kind),
      size_(std::max<std::int64_t>(1, size)),
      step_(std::max<std::int64_t>(1, step)),
      offset_(offset) {
  offset_ = floor_mod(offset_, kind_ == Kind::cumulating ? size_ : step_);
}

Grid Grid::sliding(Duration size, Duration every, Duration offset) {
  return {Kind::sliding, size.count(), every.count(), offset.count()};
}

Grid Grid::cumulating(Duration size, Duration step, Duration offset) {
  return {Kind::cumulating, size.count(), step.count(), offset.count()};
}

Grid Grid::endless() { return {Kind::endless, 1, 1, 0}; }

WindowIndex Grid::first(EventTime at) const noexcept {
  switch (kind_) {
    case Kind::sliding:
      return floor_wide(Wide{ticks(at)} - offset_ - size_, step_) + 1;
    case Kind::cumulating:
      return floor_wide(Wide{ticks(at)} - offset_, step_);
    case Kind::endless:
      break;
  }
  return 0;
}

WindowIndex Grid::last(EventTime at) const noexcept {
  switch (kind_) {
    case Kind::sliding:
      return floor_wide(Wide{ticks(at)} - offset_, step_);
    case Kind::cumulating:
      return (floor_wide(Wide{ticks(at)} - offset_, size_) + 1) * (size_ / step_) - 1;
    case Kind::endless:
      break;
  }
  return 0;
}

EventTime Grid::start(WindowIndex index) const noexcept {
  if (index >= after_all_windows) return end_of_time;
  switch (kind_) {
    case Kind::sliding:
      return event_time(clamp(Wide{index} * step_ + offset_));
    case Kind::cumulating:
      return event_time(clamp(floor_wide(Wide{index}, size_ / step_) * size_ + offset_));
    case Kind::endless:
      break;
  }
  return no_time;
}

EventTime Grid::end(WindowIndex index) const noexcept {
  if (index >= after_all_windows) return end_of_time;
  switch (kind_) {
    case Kind::sliding:
      return event_time(clamp(Wide{index} * step_ + offset_ + size_));
    case Kind::cumulating:
      return event_time(clamp((Wide{index} + 1) * step_ + offset_));
    case Kind::endless:
      break;
  }
  return end_of_time;
}

WindowIndex Grid::first_open(EventTime watermark, Duration grace) const noexcept {
  if (watermark == end_of_time) return after_all_windows;
  const Wide closed = Wide{ticks(watermark)} - grace.count();
  switch (kind_) {
    case Kind::sliding:
      return floor_wide(closed - offset_ - size_, step_) + 1;
    case Kind::cumulating:
      return floor_wide(closed - offset_, step_);
    case Kind::endless:
      break;
  }
  return 0;
}

std::int64_t Grid::pane_width() const noexcept { return std::gcd(size_, step_); }

}  // namespace weir::inline v0::detail

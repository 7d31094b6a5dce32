#include <weir/window/rolling.hpp>

#include <algorithm>
#include <utility>

namespace weir::inline v0::detail {

namespace {

constexpr std::int64_t panes_of_exact = 64;

/// The width of the panes inside an exact window: about a 64th of it, and a whole number of them in the finest hop so far.
std::int64_t exact_hop(std::int64_t size, const std::vector<std::int64_t>& hops) {
  const std::int64_t wanted = std::max<std::int64_t>(1, size / panes_of_exact);
  std::int64_t fitting = 0;
  for (const std::int64_t hop : hops) {
    if (hop <= 2 * wanted) fitting = std::max(fitting, hop);
  }
  if (fitting != 0) return fitting;
  if (hops.empty()) return wanted;
  const std::int64_t finest = *std::min_element(hops.begin(), hops.end());
  const std::int64_t least = (finest + wanted - 1) / wanted;
  for (std::int64_t parts = least; parts < 4 * least; ++parts) {
    if (finest % parts == 0) return finest / parts;
  }
  return finest;
}

}  // namespace

std::int64_t RollingPlan::Level::pane_from(EventTime at) const noexcept {
  if (is_endless()) return 0;
  const std::int64_t in = pane(at);
  return at == no_time || floor_mod(ticks(at), hop) == 0 ? in : in + 1;
}

EventTime RollingPlan::Level::start(std::int64_t pane) const noexcept {
  if (is_endless()) return no_time;
  std::int64_t at = 0;
  if (!__builtin_mul_overflow(pane, hop, &at)) return event_time(at);
  return pane < 0 ? no_time : end_of_time;
}

RollingPlan::RollingPlan(std::vector<RollingWindow> windows) : asked_(windows), windows_(std::move(windows)) {
  std::vector<std::int64_t> hops;
  for (RollingWindow& window : windows_) {
    window.size = std::max(window.size, Duration{1});
    window.hop = std::max(window.hop, Duration{1});
    if (window.kind == RollingKind::time && window.cut != Cut::exact) hops.push_back(window.hop.count());
  }
  std::vector<RollingWindow*> exact_ones;
  for (RollingWindow& window : windows_) {
    if (window.kind == RollingKind::time && window.cut == Cut::exact) exact_ones.push_back(&window);
  }
  std::sort(exact_ones.begin(), exact_ones.end(),
            [](const RollingWindow* a, const RollingWindow* b) { return a->size > b->size; });
  for (RollingWindow* window : exact_ones) {
    window->hop = Duration{exact_hop(window->size.count(), hops)};
    hops.push_back(window->hop.count());
  }
  std::sort(hops.begin(), hops.end());
  hops.erase(std::unique(hops.begin(), hops.end()), hops.end());
  for (const std::int64_t hop : hops) levels_.push_back({.hop = hop});
  for (const RollingWindow& window : windows_) is_endless_ |= window.kind == RollingKind::lifetime;
  if (is_endless_) levels_.push_back({.hop = 0});

  for (const RollingWindow& window : windows_) {
    std::size_t level = levels_.size() - 1;
    if (window.kind == RollingKind::time) {
      level = static_cast<std::size_t>(std::lower_bound(hops.begin(), hops.end(), window.hop.count()) -
                                       hops.begin());
      const std::int64_t extra = window.cut == Cut::both ? window.hop.count() : 0;
      levels_[level].span = std::max(levels_[level].span, saturating_add(window.size.count(), extra));
      longest_ = std::max(longest_, Duration{saturating_add(window.size.count(), window.hop.count())});
      if (window.cut == Cut::exact) record_span_ = std::max(record_span_, window.size);
    } else if (window.kind == RollingKind::records) {
      record_count_ = std::max<std::size_t>(record_count_, window.records);
    }
    level_of_.push_back(level);
  }
}

EventTime RollingPlan::kept_from(std::size_t at, EventTime settled) const noexcept {
  const RollingWindow& window = windows_[at];
  if (window.kind != RollingKind::time) return no_time;
  const EventTime oldest = earlier(settled, window.size);
  if (window.cut == Cut::exact) return oldest;
  const Level& level = levels_[level_of_[at]];
  return level.start(level.pane(window.cut == Cut::both ? earlier(oldest, window.hop) : oldest));
}

RollingPlan::Reach RollingPlan::reach(std::size_t at, EventTime as_of, EventTime settled) const noexcept {
  const RollingWindow& window = windows_[at];
  const EventTime high = window.asking == Asking::included ? later(as_of, Duration{1}) : as_of;
  Reach reach{.low = no_time, .high = high};
  if (window.kind != RollingKind::time) {
    reach.is_whole = high >= settled;
    if (!reach.is_whole && window.kind == RollingKind::lifetime) {
      reach.low = high;
      reach.first_pane = 1;
    }
    return reach;
  }
  const Level& level = levels_[level_of_[at]];
  const bool is_exact = window.cut == Cut::exact;
  // What is before `settled` lies in panes, of which no part can be read.
  const bool is_cut = window.cut == Cut::both || (!is_exact && high < settled);
  if (is_cut) reach.high = level.start(level.pane(high));
  reach.low = earlier(window.cut == Cut::both ? reach.high : high, window.size);
  if (window.cut == Cut::tail) reach.low = level.start(level.pane(reach.low));
  reach.is_whole = is_exact || !is_cut || window.cut == Cut::both;

  if (const EventTime kept = kept_from(at, settled); reach.low < kept) {
    reach.low = std::min(kept, reach.high);
    reach.is_whole = false;
  }
  reach.first_pane = level.pane_from(reach.low);
  reach.end_pane = level.pane(reach.high);
  return reach;
}

RollingPace::RollingPace(const std::vector<const RollingPlan*>& plans, Duration retain) {
  std::int64_t least = INT64_MAX;
  for (const RollingPlan* plan : plans) {
    const bool has_panes = !plan->levels().empty() && !plan->levels().front().is_endless();
    least = std::min(least, has_panes ? plan->levels().front().hop : 1'000'000);
  }
  most_ = std::max(Duration{1}, std::min({Duration{least}, Duration{retain / 16}, Duration::max() / 2}));
  pace_ = most_;
}

void RollingPace::adapt(std::uint64_t records) noexcept {
  const std::uint64_t more = records - std::exchange(records_, records);
  if (more < 512) pace_ = std::min(most_, pace_ * 2);
  if (more > 2048) pace_ = std::max(Duration{1}, pace_ / 2);
}

}  // namespace weir::inline v0::detail

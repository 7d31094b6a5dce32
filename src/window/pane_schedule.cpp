#include <weir/window/pane_schedule.hpp>

#include <algorithm>
#include <utility>

namespace weir::inline v0::detail {

PaneSchedule::PaneSchedule(std::span<const WindowPlan> plans) {
  for (const WindowPlan& plan : plans) {
    layout_.include(plan.grid, kinds_.empty());
    kinds_.emplace_back(plan);
    is_gapless_ = is_gapless_ && plan.grid.is_gapless();
  }
  const WindowPlan& first = plans.front();
  is_direct_ = plans.size() == 1 && first.grid.size() == first.grid.step() && !first.grid.is_cumulating() &&
               first.most_empty == 0;
  is_plain_ = plans.size() == 1 && is_gapless_;
  find_slider();
}

bool PaneSchedule::is_slider(std::size_t kind) const {
  const Kind& slider = kinds_[kind];
  if (is_direct_ || (kinds_.size() > 1 && grid(slider).step() == grid(slider).size())) return false;
  return std::all_of(kinds_.begin(), kinds_.end(), [&slider](const Kind& one) {
    return one.plan.has_positive_sizes() && grace(one) == Duration::zero() &&
           grid(one).size() <= grid(slider).size();
  });
}

void PaneSchedule::find_slider() {
  slider_ = 0;
  while (slider_ < kinds_.size() && !is_slider(slider_)) ++slider_;
}

std::int64_t PaneSchedule::panes_of_slide() const {
  return slider_ < kinds_.size() ? grid(kinds_[slider_]).size() / layout_.width : 0;
}

PaneSchedule::~PaneSchedule() = default;

void PaneSchedule::touch_any(Slot slot, PaneIndex pane) {
  const EventTime start = layout_.start(pane);
  bool is_awaited = false;
  for (std::size_t i = 0; i < kinds_.size(); ++i) {
    Kind& kind = kinds_[i];
    const WindowIndex last = grid(kind).last(start);
    if (grid(kind).first(start) > last) continue;
    if (pane > kind.enrolled) {
      kind.pending.add(pane, slot);
      is_awaited = true;
    } else if (last >= kind.next && !is_direct_) {
      enrol(i, slot);
      is_awaited = true;
    }
  }
  if (!is_awaited) retire(death_of(pane), slot);
}

void PaneSchedule::enrol(std::size_t kind, Slot slot) {
  const std::uint64_t flag = std::uint64_t{1} << kind;
  if ((flags_[slot] & flag) != 0) return;
  kinds_[kind].active.push_back(slot);
  flags_[slot] |= flag;
}

void PaneSchedule::pass(Kind& kind, WindowIndex next) {
  if (next <= kind.next) return;
  kind.next = next;
  kind.enrolled =
      std::max(kind.enrolled, PaneLayout::last_through(layout_.panes(grid(kind), next - 1).second));
}

Judgement PaneSchedule::judge(EventTime at, EventTime watermark) const {
  Judgement judgement;
  for (const Kind& kind : kinds_) {
    const WindowIndex first = grid(kind).first(at);
    const WindowIndex last = grid(kind).last(at);
    if (first > last) continue;
    const WindowIndex open = std::max(first, grid(kind).first_open(watermark, grace(kind)));
    const auto taken = static_cast<std::uint64_t>(open > last ? 0 : last - open + 1);
    judgement.hit += taken;
    judgement.missed += static_cast<std::uint64_t>(last - first + 1) - taken;
  }
  if (judgement.missed > 0 && kinds_[0].plan.late == LatePolicy::drop_whole) judgement.hit = 0;
  return judgement;
}

void PaneSchedule::find_refirings(EventTime at, EventTime watermark, std::vector<Refiring>& found) const {
  found.clear();
  for (std::size_t i = 0; i < kinds_.size(); ++i) {
    const Kind& kind = kinds_[i];
    const WindowIndex last = grid(kind).last(at);
    WindowIndex index = std::max(grid(kind).first(at), grid(kind).first_open(watermark, grace(kind)));
    for (; index <= last && grid(kind).end(index) <= watermark; ++index) {
      const auto [low, high] = layout_.panes(grid(kind), index);
      found.push_back({.end = grid(kind).end(index),
                       .kind = i,
                       .index = index,
                       .low = PaneLayout::nearest(low),
                       .last = PaneLayout::nearest(high)});
    }
  }
  std::sort(found.begin(), found.end(), [](const Refiring& a, const Refiring& b) {
    return std::tie(a.end, a.kind, a.index) < std::tie(b.end, b.kind, b.index);
  });
}

std::uint32_t PaneSchedule::count_refiring(const Refiring& refiring, Slot slot) {
  const EventTime closed = later(refiring.end, grace(kinds_[refiring.kind]));
  bool is_first = false;
  std::uint32_t& index = refired_.at({closed, refiring.kind, refiring.index, slot}, is_first);
  index = is_first ? (refiring.was_there ? 1U : 0U) : index + 1;
  return index;
}

PaneSchedule::Due PaneSchedule::due_of(const Kind& kind) const {
  if (kind.active.empty() && kind.pending.is_empty()) return {};
  WindowIndex index = kind.next;
  if (kind.active.empty()) index = std::max(index, grid(kind).first(layout_.start(kind.pending.front())));
  return {.is_some = true, .index = index, .end = grid(kind).end(index)};
}

bool PaneSchedule::next_firing(EventTime to, WindowFiring& firing) {
  Due due;
  for (std::size_t i = 0; i < kinds_.size(); ++i) {
    const Due one = due_of(kinds_[i]);
    if (!one.is_some || one.end > to || (due.is_some && one.end >= due.end)) continue;
    due = one;
    firing.kind = i;
  }
  if (!due.is_some) return false;
  Kind& kind = kinds_[firing.kind];
  firing.index = due.index;
  firing.window = grid(kind).window(due.index);
  firing.pane = {.timing = Timing::on_time, .is_final = kind.plan.trigger.is_final_at_end()};
  firing.row_time = earlier(firing.window.end, Duration{1});
  const auto [low, high] = layout_.panes(grid(kind), due.index);
  firing.low = PaneLayout::nearest(low);
  firing.last = low > firing.low ? firing.low - 1 : PaneLayout::nearest(high);
  pass(kind, due.index + 1);
  if (is_direct_) {
    direct_ = kind.pending.take_front();
    firing.slots = &direct_;
    return true;
  }
  while (!kind.pending.is_empty() && kind.pending.front() <= firing.last) {
    StateVector<Slot> slots = kind.pending.take_front();
    constexpr std::size_t ahead = 16;
    for (std::size_t i = 0; i < slots.size(); ++i) {
      if (i + ahead < slots.size()) prefetch_for_write(&flags_[slots[i + ahead]]);
      enrol(firing.kind, slots[i]);
    }
    kind.pending.recycle(std::move(slots));
  }
  firing.slots = &kind.active;
  return true;
}

bool PaneSchedule::fills_empty(const WindowFiring& firing, Slot slot) {
  Kind& kind = kinds_[firing.kind];
  if (kind.plan.most_empty == 0) return false;
  const auto at = kind.empties.find(slot);
  if (at == kind.empties.end()) return false;
  if (at->second < kind.plan.most_empty && firing.window.start != end_of_time) {
    ++at->second;
    if (grace(kind) != Duration::zero()) {
      // A record that comes late to this window amends the empty row, so the key must not be forgotten before.
      refired_.at({end_of_use(firing), firing.kind, firing.index, slot}) = 0;
      amendable_.add(end_of_use(firing), slot);
      flags_[slot] += one_amendable;
    }
    return true;
  }
  kind.empties.erase(at);
  return false;
}

void PaneSchedule::end_direct(const WindowFiring& firing, EventTime to) {
  if (const EventTime end = end_of_use(firing); end > to) retired_.add(end, direct_);
  kinds_[0].pending.recycle(std::move(direct_));
}

void PaneSchedule::settle(EventTime to) {
  for (Kind& kind : kinds_) pass(kind, grid(kind).first_open(to, Duration::zero()));
  while (amendable_.take(to, amended_)) {
    for (const Slot slot : amended_) flags_[slot] -= one_amendable;
  }
  while (!refired_.is_empty() && std::get<EventTime>(refired_.first_key()) <= to) refired_.drop_first();
}

void PaneSchedule::stand_at(EventTime to) {
  for (Kind& kind : kinds_) {
    kind.next = before_all_windows;
    kind.enrolled = std::numeric_limits<PaneIndex>::min();
  }
  if (to != no_time) settle(to);
}

void PaneSchedule::forget(std::span<const Slot> slots) {
  std::vector<bool> are_gone(flags_.size());
  for (const Slot slot : slots) {
    if (slot >= flags_.size()) continue;
    are_gone[slot] = true;
    flags_[slot] = 0;
  }
  const auto is_gone = [&are_gone](Slot slot) { return are_gone[slot]; };
  for (Kind& kind : kinds_) {
    std::erase_if(kind.active, is_gone);
    kind.pending.forget(is_gone);
    for (const Slot slot : slots) kind.empties.erase(slot);
  }
  amendable_.forget(is_gone);
  retired_.forget(is_gone);
  refired_.drop_if([&is_gone](const auto& of, std::uint32_t) { return is_gone(std::get<Slot>(of)); });
}

bool PaneSchedule::has_grace() const {
  return std::any_of(kinds_.begin(), kinds_.end(),
                     [](const Kind& kind) { return grace(kind) != Duration::zero(); });
}

bool PaneSchedule::has_fired(PaneIndex pane, EventTime watermark) const {
  return std::all_of(kinds_.begin(), kinds_.end(), [&](const Kind& kind) {
    return grid(kind).end(grid(kind).last(layout_.start(pane))) <= watermark;
  });
}

EventTime PaneSchedule::death_of(PaneIndex pane) const {
  EventTime last = no_time;
  for (const Kind& kind : kinds_) {
    last = std::max(last, later(grid(kind).end(grid(kind).last(layout_.start(pane))), grace(kind)));
  }
  return last;
}

PaneIndex PaneSchedule::dead_through(EventTime to) const {
  PaneIndex last = std::numeric_limits<PaneIndex>::max();
  for (const Kind& kind : kinds_) {
    const WindowIndex used = std::min(kind.next, grid(kind).first_open(to, grace(kind)));
    last = std::min(last, PaneLayout::last_through(layout_.panes(grid(kind), used).first - 1));
  }
  return last;
}

EventTime PaneSchedule::horizon(EventTime watermark) const {
  EventTime least = end_of_time;
  for (const Kind& kind : kinds_) {
    const EventTime end = grid(kind).end(grid(kind).first_open(watermark, Duration::zero()));
    if (end > watermark) least = std::min(least, end);
  }
  return least;
}

EventTime PaneSchedule::next_due() const {
  EventTime least = end_of_time;
  for (const Kind& kind : kinds_) {
    if (const Due due = due_of(kind); due.is_some) least = std::min(least, due.end);
  }
  return least;
}

std::uint64_t PaneSchedule::live_windows(PaneIndex pane, EventTime watermark,
                                         std::vector<WindowIndex>& counted) const {
  const EventTime start = layout_.start(pane);
  std::uint64_t live = 0;
  counted.resize(kinds_.size(), before_all_windows);
  for (std::size_t i = 0; i < kinds_.size(); ++i) {
    const Kind& kind = kinds_[i];
    const WindowIndex open = grid(kind).first_open(watermark, grace(kind));
    const WindowIndex first = std::max({open, grid(kind).first(start), counted[i]});
    const WindowIndex last = grid(kind).last(start);
    if (last < first) continue;
    live += static_cast<std::uint64_t>(last - first + 1);
    counted[i] = last + 1;
  }
  return live;
}

std::size_t PaneSchedule::size_bytes() const noexcept {
  constexpr std::size_t links = 4 * sizeof(void*);
  std::size_t total = flags_.size_bytes() + amendable_.size_bytes() + retired_.size_bytes() +
                      refired_.size_bytes() + (amended_.capacity() + direct_.capacity()) * sizeof(Slot);
  for (const Kind& kind : kinds_) {
    total += kind.pending.size_bytes() + kind.active.capacity() * sizeof(Slot) +
             kind.empties.size() * (sizeof(*kind.empties.begin()) + links);
  }
  return total;
}

}  // namespace weir::inline v0::detail

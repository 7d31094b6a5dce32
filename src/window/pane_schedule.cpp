#include <weir/window/pane_schedule.hpp>

#include <algorithm>
#include <utility>

#include "pane_schedule_lists.hpp"

namespace weir::inline v0::detail {

PaneSchedule::PaneSchedule(std::span<const WindowPlan> plans) : lists_(new Lists) {
  for (const WindowPlan& plan : plans) {
    layout_.include(plan.grid, lists_->kinds.empty());
    lists_->kinds.emplace_back(plan);
    is_gapless_ = is_gapless_ && plan.grid.is_gapless();
    fills_empties_ = fills_empties_ || plan.most_empty > 0;
  }
  const WindowPlan& first = plans.front();
  is_direct_ = plans.size() == 1 && first.grid.size() == first.grid.step() && !first.grid.is_cumulating() &&
               first.most_empty == 0;
  is_plain_ = plans.size() == 1 && is_gapless_;
  find_slider();
}

bool PaneSchedule::is_slider(std::size_t kind) const {
  const Kind& slider = lists_->kinds[kind];
  if (is_direct_ || (lists_->kinds.size() > 1 && slider.grid().step() == slider.grid().size())) return false;
  return std::all_of(lists_->kinds.begin(), lists_->kinds.end(), [&slider](const Kind& one) {
    return one.plan.has_positive_sizes() && one.grace() == Duration::zero() &&
           one.grid().size() <= slider.grid().size();
  });
}

void PaneSchedule::find_slider() {
  slider_ = 0;
  while (slider_ < lists_->kinds.size() && !is_slider(slider_)) ++slider_;
}

std::int64_t PaneSchedule::panes_of_slide() const {
  return slider_ < lists_->kinds.size() ? lists_->kinds[slider_].grid().size() / layout_.width : 0;
}

PaneSchedule::~PaneSchedule() = default;

std::size_t PaneSchedule::kinds() const noexcept { return lists_->kinds.size(); }

const WindowPlan& PaneSchedule::plan(std::size_t kind) const noexcept { return lists_->kinds[kind].plan; }

EventTime PaneSchedule::end_of_use(const WindowFiring& firing) const noexcept {
  return later(firing.window.end, lists_->kinds[firing.kind].grace());
}

void PaneSchedule::touch(Slot slot, PaneIndex pane) {
  if (Kind& first = lists_->kinds[0]; is_plain_ && pane > first.enrolled) [[likely]] {
    first.pending.add(pane, slot);
  } else {
    touch_any(slot, pane);
  }
}

void PaneSchedule::end_empties(std::size_t kind, Slot slot) {
  if (Kind& one = lists_->kinds[kind]; one.plan.most_empty > 0) one.empties[slot] = 0;
}

bool PaneSchedule::take_retired(EventTime to, std::span<const Slot>& slots) {
  const bool is_some = lists_->retired.take(to, lists_->released);
  slots = lists_->released;
  return is_some;
}

void PaneSchedule::end_shared(const WindowFiring& firing, std::size_t kept) {
  lists_->kinds[firing.kind].active.resize(kept);
}

void PaneSchedule::retire(EventTime deadline, Slot slot) { lists_->retired.add(deadline, slot); }

void PaneSchedule::touch_any(Slot slot, PaneIndex pane) {
  const EventTime start = layout_.start(pane);
  bool is_awaited = false;
  for (std::size_t i = 0; i < lists_->kinds.size(); ++i) {
    Kind& kind = lists_->kinds[i];
    const WindowIndex last = kind.grid().last(start);
    if (kind.grid().first(start) > last) continue;
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
  lists_->kinds[kind].active.push_back(slot);
  flags_[slot] |= flag;
}

void PaneSchedule::pass(Kind& kind, WindowIndex next) {
  if (next <= kind.next) return;
  kind.next = next;
  kind.enrolled =
      std::max(kind.enrolled, PaneLayout::last_through(layout_.panes(kind.grid(), next - 1).second));
}

Judgement PaneSchedule::judge(EventTime at, EventTime watermark) const {
  Judgement judgement;
  for (const Kind& kind : lists_->kinds) {
    const WindowIndex first = kind.grid().first(at);
    const WindowIndex last = kind.grid().last(at);
    if (first > last) continue;
    const WindowIndex open = std::max(first, kind.grid().first_open(watermark, kind.grace()));
    const auto taken = static_cast<std::uint64_t>(open > last ? 0 : last - open + 1);
    judgement.hit += taken;
    judgement.missed += static_cast<std::uint64_t>(last - first + 1) - taken;
  }
  if (judgement.missed > 0 && lists_->kinds[0].plan.late == LatePolicy::drop_whole) judgement.hit = 0;
  return judgement;
}

std::span<Refiring> PaneSchedule::find_refirings(EventTime at, EventTime watermark) {
  std::vector<Refiring>& found = lists_->refirings;
  found.clear();
  for (std::size_t i = 0; i < lists_->kinds.size(); ++i) {
    const Kind& kind = lists_->kinds[i];
    const WindowIndex last = kind.grid().last(at);
    WindowIndex index = std::max(kind.grid().first(at), kind.grid().first_open(watermark, kind.grace()));
    for (; index <= last && kind.grid().end(index) <= watermark; ++index) {
      const auto [low, high] = layout_.panes(kind.grid(), index);
      found.push_back({.end = kind.grid().end(index),
                       .kind = i,
                       .index = index,
                       .low = PaneLayout::nearest(low),
                       .last = PaneLayout::nearest(high)});
    }
  }
  std::sort(found.begin(), found.end(), [](const Refiring& a, const Refiring& b) {
    return std::tie(a.end, a.kind, a.index) < std::tie(b.end, b.kind, b.index);
  });
  return found;
}

std::uint32_t PaneSchedule::count_refiring(const Refiring& refiring, Slot slot) {
  const EventTime closed = later(refiring.end, lists_->kinds[refiring.kind].grace());
  bool is_first = false;
  std::uint32_t& index = lists_->refired.at({closed, refiring.kind, refiring.index, slot}, is_first);
  index = is_first ? (refiring.was_there ? 1U : 0U) : index + 1;
  return index;
}

PaneSchedule::Kind::Due PaneSchedule::Kind::due(const PaneLayout& layout) const {
  if (active.empty() && pending.is_empty()) return {};
  WindowIndex index = next;
  if (active.empty()) index = std::max(index, grid().first(layout.start(pending.front())));
  return {.is_some = true, .index = index, .end = grid().end(index)};
}

bool PaneSchedule::next_firing(EventTime to, WindowFiring& firing) {
  Kind::Due due;
  for (std::size_t i = 0; i < lists_->kinds.size(); ++i) {
    const Kind::Due one = lists_->kinds[i].due(layout_);
    if (!one.is_some || one.end > to || (due.is_some && one.end >= due.end)) continue;
    due = one;
    firing.kind = i;
  }
  if (!due.is_some) return false;
  Kind& kind = lists_->kinds[firing.kind];
  firing.index = due.index;
  firing.window = kind.grid().window(due.index);
  firing.pane = {.timing = Timing::on_time, .is_final = kind.plan.trigger.is_final_at_end()};
  firing.row_time = earlier(firing.window.end, Duration{1});
  const auto [low, high] = layout_.panes(kind.grid(), due.index);
  firing.low = PaneLayout::nearest(low);
  firing.last = low > firing.low ? firing.low - 1 : PaneLayout::nearest(high);
  pass(kind, due.index + 1);
  if (is_direct_) {
    lists_->direct = kind.pending.take_front();
    firing.slots = lists_->direct;
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
  firing.slots = kind.active;
  return true;
}

bool PaneSchedule::fills_empty(const WindowFiring& firing, Slot slot) {
  Kind& kind = lists_->kinds[firing.kind];
  if (kind.plan.most_empty == 0) return false;
  const auto at = kind.empties.find(slot);
  if (at == kind.empties.end()) return false;
  if (at->second < kind.plan.most_empty && firing.window.start != end_of_time) {
    ++at->second;
    if (kind.grace() != Duration::zero()) {
      // A record that comes late to this window amends the empty row, so the key must not be forgotten before.
      lists_->refired.at({end_of_use(firing), firing.kind, firing.index, slot}) = 0;
      lists_->amendable.add(end_of_use(firing), slot);
      flags_[slot] += one_amendable;
    }
    return true;
  }
  kind.empties.erase(at);
  return false;
}

void PaneSchedule::end_direct(const WindowFiring& firing, EventTime to) {
  if (const EventTime end = end_of_use(firing); end > to) lists_->retired.add(end, lists_->direct);
  lists_->kinds[0].pending.recycle(std::move(lists_->direct));
}

void PaneSchedule::settle(EventTime to) {
  for (Kind& kind : lists_->kinds) pass(kind, kind.grid().first_open(to, Duration::zero()));
  while (lists_->amendable.take(to, lists_->amended)) {
    for (const Slot slot : lists_->amended) flags_[slot] -= one_amendable;
  }
  while (!lists_->refired.is_empty() && std::get<EventTime>(lists_->refired.first_key()) <= to)
    lists_->refired.drop_first();
}

void PaneSchedule::stand_at(EventTime to) {
  for (Kind& kind : lists_->kinds) {
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
  for (Kind& kind : lists_->kinds) {
    std::erase_if(kind.active, is_gone);
    kind.pending.forget(is_gone);
    for (const Slot slot : slots) kind.empties.erase(slot);
  }
  lists_->amendable.forget(is_gone);
  lists_->retired.forget(is_gone);
  lists_->refired.drop_if([&is_gone](const auto& of, std::uint32_t) { return is_gone(std::get<Slot>(of)); });
}

bool PaneSchedule::has_grace() const {
  return std::any_of(lists_->kinds.begin(), lists_->kinds.end(),
                     [](const Kind& kind) { return kind.grace() != Duration::zero(); });
}

bool PaneSchedule::has_fired(PaneIndex pane, EventTime watermark) const {
  return std::all_of(lists_->kinds.begin(), lists_->kinds.end(), [&](const Kind& kind) {
    return kind.grid().end(kind.grid().last(layout_.start(pane))) <= watermark;
  });
}

EventTime PaneSchedule::death_of(PaneIndex pane) const {
  EventTime last = no_time;
  for (const Kind& kind : lists_->kinds) {
    last = std::max(last, later(kind.grid().end(kind.grid().last(layout_.start(pane))), kind.grace()));
  }
  return last;
}

PaneIndex PaneSchedule::dead_through(EventTime to) const {
  PaneIndex last = std::numeric_limits<PaneIndex>::max();
  for (const Kind& kind : lists_->kinds) {
    const WindowIndex used = std::min(kind.next, kind.grid().first_open(to, kind.grace()));
    last = std::min(last, PaneLayout::last_through(layout_.panes(kind.grid(), used).first - 1));
  }
  return last;
}

EventTime PaneSchedule::horizon(EventTime watermark) const {
  EventTime least = end_of_time;
  for (const Kind& kind : lists_->kinds) {
    const EventTime end = kind.grid().end(kind.grid().first_open(watermark, Duration::zero()));
    if (end > watermark) least = std::min(least, end);
  }
  return least;
}

EventTime PaneSchedule::next_due() const {
  EventTime least = end_of_time;
  for (const Kind& kind : lists_->kinds) {
    if (const Kind::Due due = kind.due(layout_); due.is_some) least = std::min(least, due.end);
  }
  return least;
}

std::uint64_t PaneSchedule::live_windows(PaneIndex pane, EventTime watermark,
                                         std::vector<WindowIndex>& counted) const {
  const EventTime start = layout_.start(pane);
  std::uint64_t live = 0;
  counted.resize(lists_->kinds.size(), before_all_windows);
  for (std::size_t i = 0; i < lists_->kinds.size(); ++i) {
    const Kind& kind = lists_->kinds[i];
    const WindowIndex open = kind.grid().first_open(watermark, kind.grace());
    const WindowIndex first = std::max({open, kind.grid().first(start), counted[i]});
    const WindowIndex last = kind.grid().last(start);
    if (last < first) continue;
    live += static_cast<std::uint64_t>(last - first + 1);
    counted[i] = last + 1;
  }
  return live;
}

std::size_t PaneSchedule::size_bytes() const noexcept {
  constexpr std::size_t links = 4 * sizeof(void*);
  std::size_t total =
      flags_.size_bytes() + lists_->amendable.size_bytes() + lists_->retired.size_bytes() +
      lists_->refired.size_bytes() +
      (lists_->amended.capacity() + lists_->direct.capacity() + lists_->released.capacity()) * sizeof(Slot);
  for (const Kind& kind : lists_->kinds) {
    total += kind.pending.size_bytes() + kind.active.capacity() * sizeof(Slot) +
             kind.empties.size() * (sizeof(*kind.empties.begin()) + links);
  }
  return total;
}

}  // namespace weir::inline v0::detail

#include <weir/operators/triggered_windows.hpp>

#include <algorithm>

#include <weir/state/pane_store.hpp>
#include <weir/window/due_lists.hpp>

namespace weir::inline v0::detail {

struct TriggeredWindows::Kept {
  PaneStore<TriggeredWindow, WindowIndex> store;
  DueLists due;
  StateVector<Slot> taken;
  std::uint64_t touches = 0;
};

/// Something that is due for a key, which was read.
struct TriggeredWindows::Armed {
  WindowDue due;
  std::uint64_t order;
  Slot slot;
};

TriggeredWindows::TriggeredWindows(std::string name, const WindowPlan& plan)
    : Node(std::move(name), plan.node_kind()), plan_(plan), kept_(new Kept) {}

TriggeredWindows::~TriggeredWindows() = default;

void TriggeredWindows::grow(std::size_t slots) {
  if (kept_->store.slots() < slots) kept_->store.grow(slots);
}

std::size_t TriggeredWindows::size_bytes() const noexcept {
  return kept_->store.size_bytes() + kept_->due.size_bytes() + kept_->taken.capacity() * sizeof(Slot);
}

EventTime TriggeredWindows::next_due() const { return kept_->due.earliest(); }

void TriggeredWindows::describe(Description& out) const {
  out.begin_list("windows");
  describe_plan(out, plan_);
  out.end();
}

void TriggeredWindows::check(Problems& problems) const {
  check_plan(problems, name(), plan_, false);
  if (plan_.has_positive_sizes()) check_copies(problems, name(), plan_);
}

void TriggeredWindows::advance(EventTime to) {
  WindowDue due{};
  while (kept_->due.take(to, due, kept_->taken)) {
    if (due.step == WindowStep::early) sort_by_touch(kept_->taken, due.window);
    const bool has_grace = trigger().grace() != Duration::zero();
    for (const Slot slot : kept_->taken) {
      if (TriggeredWindow* window = kept_->store.find(slot, due.window); window != nullptr)
        act(due, slot, *window, to);
      if (due.step == WindowStep::end && !has_grace) clean_up(slot, due.window, to);
    }
    if (due.step == WindowStep::end && has_grace) {
      kept_->due.add({cleanup_of(due.window), WindowStep::cleanup, due.window}, kept_->taken);
    }
  }
  flush();
}

EventTime TriggeredWindows::horizon() const {
  if (trigger().fires_on_records()) return later(watermark(), Duration{1});
  EventTime least = plan_.grid.end(plan_.grid.first_open(watermark(), Duration::zero()));
  if (least <= watermark()) least = end_of_time;
  least = std::min(least, trigger().earliest_early(watermark()));
  return std::min(least, std::max(next_due(), later(watermark(), Duration{1})));
}

bool TriggeredWindows::holds(std::uint32_t slot) const {
  return slot < kept_->store.slots() && !kept_->store.is_empty(slot);
}

std::uint64_t TriggeredWindows::live_windows() const {
  std::uint64_t live = 0;
  auto& store = const_cast<Kept&>(*kept_).store;
  for (Slot slot = 0; slot < store.slots(); ++slot) {
    store.for_each(slot, [&live](WindowIndex, const TriggeredWindow&) { ++live; });
  }
  return live;
}

void TriggeredWindows::forget_all() noexcept {
  for (Slot slot = 0; slot < kept_->store.slots(); ++slot) {
    kept_->store.for_each(slot, [this](WindowIndex, TriggeredWindow& window) { forget(window); });
  }
}

void TriggeredWindows::forget(std::span<const Slot> slots) {
  std::vector<bool> is_gone(kept_->store.slots());
  std::vector<WindowIndex> indices;
  for (const Slot slot : slots) {
    if (slot >= kept_->store.slots()) continue;
    is_gone[slot] = true;
    indices.clear();
    kept_->store.for_each(slot, [&](WindowIndex index, TriggeredWindow& window) {
      forget(window);
      indices.push_back(index);
    });
    for (const WindowIndex index : indices) kept_->store.erase(slot, index);
  }
  kept_->due.forget([&is_gone](Slot slot) { return is_gone[slot]; });
}

void TriggeredWindows::archive_windows(NodeArchive& out, const void* dictionary, std::size_t slots) {
  out.most(kept_->touches);
  const KeptKeys& keys = out.keys(dictionary);
  if (out.is_loading()) grow(slots);
  std::vector<Armed> armed;
  out.each_group([&](Archive& archive, std::size_t group) {
    for (const Slot slot : keys.of(group)) archive_key(archive, slot, armed);
  });
  std::sort(armed.begin(), armed.end(), [](const Armed& a, const Armed& b) {
    return a.order != b.order ? a.order < b.order : a.slot < b.slot;
  });
  for (const Armed& one : armed) kept_->due.add(one.due, one.slot);
}

void TriggeredWindows::archive_key(Archive& archive, Slot slot, std::vector<Armed>& armed) {
  const bool is_loading = archive.is_loading();
  std::size_t count = 0;
  if (!is_loading && slot < kept_->store.slots())
    kept_->store.for_each(slot, [&count](WindowIndex, TriggeredWindow&) { ++count; });
  archive.size(count, sizeof(WindowIndex));
  const auto one = [&](WindowIndex index, TriggeredWindow& window) {
    archive(index, window.progress, window.newest, window.order);
    archive_content(archive, window);
  };
  if (!is_loading) {
    if (count > 0) kept_->store.for_each(slot, one);
    return;
  }
  for (std::size_t i = 0; i < count && archive.is_good(); ++i) {
    WindowIndex index = 0;
    TriggeredWindow read;
    archive(index, read.progress, read.newest, read.order);
    if (!archive.is_good()) return;
    const bool is_in_time =
        index >= plan_.grid.first(later(no_time, Duration{1})) && index <= plan_.grid.last(end_of_time);
    if (!is_in_time || cleanup_of(index) <= watermark() ||
        !trigger().is_possible(read.progress, plan_.grid.end(index)))
      return archive.fail("a window is of no time, or after its end");
    bool is_new = false;
    TriggeredWindow& window = kept_->store.at(slot, index, is_new);
    if (!is_new) return archive.fail("a window is there twice");
    window = read;
    archive_content(archive, window);
    find_due(slot, index, window, armed);
  }
}

void TriggeredWindows::find_due(Slot slot, WindowIndex index, const TriggeredWindow& window,
                                std::vector<Armed>& armed) const {
  const EventTime end = plan_.grid.end(index);
  const auto arm = [&](EventTime at, WindowStep step) {
    armed.push_back({{at, step, index}, window.order, slot});
  };
  if (end <= watermark()) return arm(cleanup_of(index), WindowStep::cleanup);
  arm(end, WindowStep::end);
  if (window.progress.next_early != no_time)
    arm(later(window.progress.next_early, Duration{1}), WindowStep::early);
}

TriggeredWindows::Span TriggeredWindows::judge(EventTime at) {
  const WindowIndex first = plan_.grid.first(at);
  Span span{.open = first, .last = plan_.grid.last(at), .hit = 0, .missed = 0};
  if (at < watermark() || watermark() == end_of_time) {
    span.open = std::max(first, plan_.grid.first_open(watermark(), trigger().grace()));
  }
  span.hit = static_cast<std::uint64_t>(span.open > span.last ? 0 : span.last - span.open + 1);
  span.missed = static_cast<std::uint64_t>(span.last < first ? 0 : span.last - first + 1) - span.hit;
  if (span.missed > 0 && plan_.late == LatePolicy::drop_whole) span.hit = 0;
  count_judged(stats(), span.hit, span.missed);
  return span;
}

TriggeredWindow& TriggeredWindows::enter(Slot slot, WindowIndex index, EventTime at) {
  bool is_new = false;
  TriggeredWindow& window = kept_->store.at(slot, index, is_new);
  if (!is_new) return window;
  window.order = ++kept_->touches;
  const EventTime end = plan_.grid.end(index);
  if (end <= watermark()) {
    kept_->due.add({cleanup_of(index), WindowStep::cleanup, index}, slot);
    return window;
  }
  kept_->due.add({end, WindowStep::end, index}, slot);
  window.progress.next_early = trigger().first_early(at, end);
  if (window.progress.next_early != no_time) {
    kept_->due.add({later(window.progress.next_early, Duration{1}), WindowStep::early, index}, slot);
  }
  return window;
}

void TriggeredWindows::added(Slot slot, WindowIndex index, TriggeredWindow& window, EventTime at) {
  ++window.progress.since;
  window.newest = std::max(window.newest, at);
  const Window bounds = plan_.grid.window(index);
  const bool is_past_end = bounds.end <= watermark();
  if (!trigger().fires_on_record(window.progress, is_past_end)) return;
  put_out(slot, window, bounds, is_past_end ? Timing::late : Timing::early, false, at, watermark());
}

/// Early panes of one instant come from keys that were put down for it at different times.
void TriggeredWindows::sort_by_touch(StateVector<Slot>& slots, WindowIndex index) {
  std::sort(slots.begin(), slots.end(), [this, index](Slot a, Slot b) {
    return kept_->store.find(a, index)->order < kept_->store.find(b, index)->order;
  });
}

EventTime TriggeredWindows::cleanup_of(WindowIndex index) const {
  return later(plan_.grid.end(index), trigger().grace());
}

void TriggeredWindows::act(const WindowDue& what, Slot slot, TriggeredWindow& window, EventTime to) {
  const Window bounds = plan_.grid.window(what.window);
  switch (what.step) {
    case WindowStep::early: {
      const EventTime early = window.progress.next_early;
      if (trigger().fires_early(window.progress, bounds.end, target())) {
        put_out(slot, window, bounds, Timing::early, false, early, to);
      }
      const EventTime next = trigger().early_after(early, bounds.end, target(), stats().skipped_firings);
      window.progress.next_early = next;
      if (next != no_time) kept_->due.add({later(next, Duration{1}), WindowStep::early, what.window}, slot);
      break;
    }
    case WindowStep::end:
      if (trigger().fires_at_end(window.progress)) {
        window.progress.fired_at_end = true;
        put_out(slot, window, bounds, Timing::on_time, trigger().is_final_at_end(), bounds.end, to);
      }
      break;
    case WindowStep::cleanup:
      clean_up(slot, what.window, to);
      break;
  }
}

void TriggeredWindows::clean_up(Slot slot, WindowIndex index, EventTime to) {
  TriggeredWindow* window = kept_->store.find(slot, index);
  if (window == nullptr) return;
  if (trigger().fires_finally(window->progress)) {
    const EventTime end = plan_.grid.end(index);
    const Timing timing = trigger().final_timing(end, watermark());
    put_out(slot, *window, plan_.grid.window(index), timing, true, to, to);
  } else {
    stats().unemitted += window->progress.since;
  }
  forget(*window);
  kept_->store.erase(slot, index);
}

}  // namespace weir::inline v0::detail

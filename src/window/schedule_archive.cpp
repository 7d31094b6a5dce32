#include <weir/window/schedule_archive.hpp>

#include <map>
#include <utility>
#include <vector>

#include "keyed_things.hpp"
#include "pane_schedule_lists.hpp"

namespace weir::inline v0::detail {

struct ScheduleArchive::Lists {
  struct Nothing {
    void archive(Archive&) {}
  };
  /// The empty rows that a key has got in a row.
  struct Empties {
    std::uint32_t kind = 0;
    std::uint32_t count = 0;
  };
  /// Late panes of a key's window.
  struct Refired {
    EventTime closed{};
    std::uint32_t kind = 0;
    WindowIndex index = 0;
    std::uint32_t count = 0;
  };
  using Place = std::pair<std::uint32_t, PaneIndex>;  // a kind of windows, a pane

  std::vector<KeyedThings<Nothing, true>> active;  // per kind
  std::map<Place, KeyedThings<Nothing, true>> pending;
  KeyedThings<Empties> empties;
  KeyedThings<Refired> refired;
  KeyedThings<EventTime> amendable;
};

ScheduleArchive::ScheduleArchive(PaneSchedule& schedule, const KeptKeys& keys, bool is_loading)
    : schedule_(schedule), keys_(keys), lists_(new Lists) {
  lists_->active.resize(schedule.kinds());
  if (!is_loading) split();
}

ScheduleArchive::~ScheduleArchive() = default;

void ScheduleArchive::split() {
  for (std::uint32_t i = 0; i < schedule_.lists_->kinds.size(); ++i) {
    PaneSchedule::Kind& kind = schedule_.lists_->kinds[i];
    for (const Slot slot : kind.active) lists_->active[i].add(keys_, slot, {});
    kind.pending.for_each([&](PaneIndex pane, const StateVector<Slot>& slots) {
      auto& list = lists_->pending[{i, pane}];
      for (const Slot slot : slots) list.add(keys_, slot, {});
    });
    for (const auto& [slot, count] : kind.empties) lists_->empties.add(keys_, slot, {i, count});
  }
  schedule_.lists_->refired.for_each_entry([&](const auto& of, std::uint32_t count) {
    const auto& [closed, kind, index, slot] = of;
    lists_->refired.add(keys_, slot, {closed, static_cast<std::uint32_t>(kind), index, count});
  });
  schedule_.lists_->amendable.for_each([&](EventTime deadline, const StateVector<Slot>& slots) {
    for (const Slot slot : slots) lists_->amendable.add(keys_, slot, deadline);
  });
}

void ScheduleArchive::archive(Archive& archive, std::size_t group) {
  for (auto& list : lists_->active) list.archive(archive, keys_, group, true);
  archive_pending(archive, group);
  lists_->empties.archive(archive, keys_, group);
  lists_->refired.archive(archive, keys_, group);
  lists_->amendable.archive(archive, keys_, group);
}

void ScheduleArchive::archive_pending(Archive& archive, std::size_t group) {
  std::size_t count = 0;
  for (const auto& [place, list] : lists_->pending) count += list.size_of(group) > 0 ? 1U : 0U;
  archive.size(count, sizeof(std::uint32_t) + sizeof(PaneIndex));
  if (!archive.is_loading()) {
    for (auto& [place, list] : lists_->pending) {
      if (list.size_of(group) == 0) continue;
      archive.write(place);
      list.archive(archive, keys_, group, true);
    }
    return;
  }
  for (std::size_t i = 0; i < count && archive.is_good(); ++i) {
    Lists::Place place{};
    archive(place);
    if (place.first >= lists_->active.size() ||
        place.second <= schedule_.lists_->kinds[place.first].enrolled ||
        place.second < schedule_.least_pane() || place.second > schedule_.most_pane())
      return archive.fail("a pane waits for a window that is not to come");
    lists_->pending[place].archive(archive, keys_, group, true);
  }
}

void ScheduleArchive::join(EventTime watermark) {
  std::vector<PaneSchedule::Kind>& kinds = schedule_.lists_->kinds;
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    for (const auto& entry : lists_->active[i].sorted()) schedule_.enrol(i, entry.slot);
  }
  for (auto& [place, list] : lists_->pending) {
    for (const auto& entry : list.sorted()) kinds[place.first].pending.add(place.second, entry.slot);
  }
  for (const auto& entry : lists_->empties.sorted()) {
    if (entry.thing.kind < kinds.size()) kinds[entry.thing.kind].empties[entry.slot] = entry.thing.count;
  }
  for (const auto& entry : lists_->refired.sorted()) {
    const Lists::Refired& refired = entry.thing;
    if (refired.closed > watermark)
      schedule_.lists_->refired.at({refired.closed, refired.kind, refired.index, entry.slot}) = refired.count;
  }
  for (const auto& entry : lists_->amendable.sorted()) {
    if (entry.thing <= watermark) continue;
    schedule_.lists_->amendable.add(entry.thing, entry.slot);
    schedule_.flags_[entry.slot] += PaneSchedule::one_amendable;
  }
}

}  // namespace weir::inline v0::detail

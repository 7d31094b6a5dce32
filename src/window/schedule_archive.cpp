#include <weir/window/schedule_archive.hpp>

namespace weir::inline v0::detail {

ScheduleArchive::ScheduleArchive(PaneSchedule& schedule, const KeptKeys& keys, bool is_loading)
    : schedule_(schedule), keys_(keys), active_(schedule.kinds_.size()) {
  if (!is_loading) split();
}

void ScheduleArchive::split() {
  for (std::uint32_t i = 0; i < schedule_.kinds_.size(); ++i) {
    PaneSchedule::Kind& kind = schedule_.kinds_[i];
    for (const Slot slot : kind.active) active_[i].add(keys_, slot, {});
    kind.pending.for_each([&](PaneIndex pane, const StateVector<Slot>& slots) {
      KeyedThings<Nothing, true>& list = pending_[{i, pane}];
      for (const Slot slot : slots) list.add(keys_, slot, {});
    });
    for (const auto& [slot, count] : kind.empties) empties_.add(keys_, slot, {i, count});
  }
  schedule_.refired_.for_each_entry([&](const auto& of, std::uint32_t count) {
    const auto& [closed, kind, index, slot] = of;
    refired_.add(keys_, slot, {closed, static_cast<std::uint32_t>(kind), index, count});
  });
  schedule_.amendable_.for_each([&](EventTime deadline, const StateVector<Slot>& slots) {
    for (const Slot slot : slots) amendable_.add(keys_, slot, deadline);
  });
}

void ScheduleArchive::archive(Archive& archive, std::size_t group) {
  for (KeyedThings<Nothing, true>& list : active_) list.archive(archive, keys_, group, true);
  archive_pending(archive, group);
  empties_.archive(archive, keys_, group);
  refired_.archive(archive, keys_, group);
  amendable_.archive(archive, keys_, group);
}

void ScheduleArchive::archive_pending(Archive& archive, std::size_t group) {
  std::size_t count = 0;
  for (const auto& [place, list] : pending_) count += list.size_of(group) > 0 ? 1U : 0U;
  archive.size(count, sizeof(std::uint32_t) + sizeof(PaneIndex));
  if (!archive.is_loading()) {
    for (auto& [place, list] : pending_) {
      if (list.size_of(group) == 0) continue;
      archive.write(place);
      list.archive(archive, keys_, group, true);
    }
    return;
  }
  for (std::size_t i = 0; i < count && archive.is_good(); ++i) {
    Place place{};
    archive(place);
    if (place.first >= active_.size() || place.second <= schedule_.kinds_[place.first].enrolled ||
        place.second < schedule_.least_pane() || place.second > schedule_.most_pane())
      return archive.fail("a pane waits for a window that is not to come");
    pending_[place].archive(archive, keys_, group, true);
  }
}

void ScheduleArchive::join(EventTime watermark) {
  std::vector<PaneSchedule::Kind>& kinds = schedule_.kinds_;
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    for (const auto& entry : active_[i].sorted()) schedule_.enrol(i, entry.slot);
  }
  for (auto& [place, list] : pending_) {
    for (const auto& entry : list.sorted()) kinds[place.first].pending.add(place.second, entry.slot);
  }
  for (const auto& entry : empties_.sorted()) {
    if (entry.thing.kind < kinds.size()) kinds[entry.thing.kind].empties[entry.slot] = entry.thing.count;
  }
  for (const auto& entry : refired_.sorted()) {
    const Refired& refired = entry.thing;
    if (refired.closed > watermark)
      schedule_.refired_.at({refired.closed, refired.kind, refired.index, entry.slot}) = refired.count;
  }
  for (const auto& entry : amendable_.sorted()) {
    if (entry.thing <= watermark) continue;
    schedule_.amendable_.add(entry.thing, entry.slot);
    schedule_.flags_[entry.slot] += PaneSchedule::one_amendable;
  }
}

}  // namespace weir::inline v0::detail

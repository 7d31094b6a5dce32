#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include <weir/state/archive.hpp>
#include <weir/state/column.hpp>
#include <weir/state/deadline_queue.hpp>
#include <weir/time/instant.hpp>

/// \file
/// SlotExpiry: which slots hold something that is over one day, and when.

namespace weir::inline v0::detail {

/// Until when what slots hold is kept: a duration behind the last touch, by the times of records or by the host's clock.
///
/// By the host's clock, what is touched before its first tick is kept from that tick on.
///
/// Time:    touch 1, an expiry as `DeadlineQueue`
/// Memory:  8 bytes per slot, and an entry of the queue
class SlotExpiry {
 public:
  SlotExpiry(Duration within, Clock clock);

  [[nodiscard]] bool is_wall() const noexcept { return clock_ == Clock::wall; }
  [[nodiscard]] bool holds(Slot slot) const noexcept {
    return slot < until_.size() && until_[slot].at != no_time;
  }
  [[nodiscard]] EventTime until(Slot slot) const noexcept {
    return slot < until_.size() ? until_[slot].at : no_time;
  }

  /// Keeps a slot from `at` on, or from now on, if it is not kept longer already.
  void touch(Slot slot, EventTime at, const std::optional<WallTime>& now);
  void drop(Slot slot) {
    if (slot < until_.size()) until_[slot].at = no_time;
  }

  /// The same for slots of which nothing may stay behind, such as an entry of the queue.
  void forget(std::span<const Slot> slots);

  /// Drops the slots that are kept until `to` or an earlier instant, and calls `over(slot)` for each, in no particular order;
  /// `hint(slot)` comes some slots before.
  template <class Over, class Hint>
  void advance(EventTime to, Over&& over, Hint&& hint) {
    queue_.drain(
        to, [this](Slot slot) { return until_[slot].at; },
        [&](EventTime, Slot slot) {
          until_[slot].at = no_time;
          over(slot);
        },
        [&](Slot slot, bool) {
          prefetch_for_write(&until_[slot]);
          hint(slot);
        });
  }
  /// The same by the host's clock.
  template <class Over, class Hint>
  void tick(WallTime now, Over&& over, Hint&& hint) {
    if (has_unstamped_) stamp(now);
    advance(reading(now), over, hint);
  }
  /// No slot is over before this.
  [[nodiscard]] EventTime earliest() const noexcept { return queue_.earliest(); }

  /// Writes until when a slot is kept, or reads it.
  void archive(Archive& archive, Slot slot);
  [[nodiscard]] std::size_t size_bytes() const noexcept { return until_.size_bytes() + queue_.size_bytes(); }

 private:
  struct Until {
    EventTime at = no_time;
  };
  static constexpr std::size_t least_entries = 1024;
  static constexpr EventTime unstamped = end_of_time;

  [[nodiscard]] static EventTime reading(WallTime now) noexcept {
    return event_time(now.time_since_epoch().count());
  }
  [[nodiscard]] EventTime behind(const std::optional<WallTime>& now) const {
    return now ? later(reading(*now), within_) : unstamped;
  }
  /// Lets go of the entries of slots that were dropped: for those that come when there are as many of them as of others.
  void arm_anew();
  void arm(Slot slot);
  /// The host's clock is known now.
  void stamp(WallTime now);

  Duration within_;
  Clock clock_;
  Column<Until> until_;
  DeadlineQueue<Slot> queue_;
  std::size_t most_entries_ = least_entries;
  bool has_unstamped_ = false;  // a slot was touched before the host's clock was known
};

}  // namespace weir::inline v0::detail

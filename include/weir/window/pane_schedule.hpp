#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <weir/base/owner.hpp>
#include <weir/state/column.hpp>
#include <weir/window/pane_layout.hpp>
#include <weir/window/plan.hpp>
#include <weir/window/window.hpp>

/// \file
/// When windows over shared panes fire, and which keys they have to look at. Knows slots and panes, but no state.

namespace weir::inline v0::detail {

/// One firing of one kind of window: the keys to visit, and what their rows have in common.
struct WindowFiring {
  std::size_t kind = 0;
  WindowIndex index = 0;
  PaneIndex low = 0;  // the window's panes, both included
  PaneIndex last = 0;
  Window window{};
  Pane pane{};
  EventTime row_time{};
  std::span<Slot> slots = {};  // until the firing ends; who visits them puts those that it keeps first
};

/// A window that has closed and that a late record fires again.
struct Refiring {
  EventTime end;
  std::size_t kind;
  WindowIndex index;
  PaneIndex low;
  PaneIndex last;
  bool was_there = false;  // the key had records in it before
};

/// Windows that took a record, and windows that were closed.
struct Judgement {
  std::uint64_t hit = 0;
  std::uint64_t missed = 0;
};

/// The schedule of several kinds of windows over one set of panes.
///
/// Order:   firings by window end, then kind as declared. Keys: alone on their panes, as they first touched the window; else
///          first those that the firing before visited, then the new ones by pane and first touch of it
/// Time:    touch 1; a firing costs the keys it visits, whatever lies between it and the one before
/// Memory:  4 bytes per key and pane that no window has covered yet, and per key that one has
class PaneSchedule {
 public:
  explicit PaneSchedule(std::span<const WindowPlan> plans);
  PaneSchedule(const PaneSchedule&) = delete;
  PaneSchedule& operator=(const PaneSchedule&) = delete;
  ~PaneSchedule();

  [[nodiscard]] const PaneLayout& layout() const noexcept { return layout_; }
  [[nodiscard]] std::size_t kinds() const noexcept;
  [[nodiscard]] const WindowPlan& plan(std::size_t kind) const noexcept;
  /// Tumbling windows alone on their panes: the touch list of a pane is its window.
  [[nodiscard]] bool is_direct() const noexcept { return is_direct_; }
  /// Every record belongs to some window of each kind.
  [[nodiscard]] bool is_gapless() const noexcept { return is_gapless_; }

  /// The panes of a window of the kind that slides over all panes: each window fires once, and no window of another kind
  /// is longer, so none needs a pane that those windows have left behind. 0 if there is no such kind.
  [[nodiscard]] std::int64_t panes_of_slide() const;
  /// Whether this is the firing of a window of that kind.
  [[nodiscard]] bool is_slide(const WindowFiring& firing) const noexcept { return firing.kind == slider_; }

  /// Makes every slot below `slots` valid.
  void grow(std::size_t slots) { flags_.grow(slots); }
  /// Some firing will visit the key.
  [[nodiscard]] bool awaits(Slot slot) const noexcept { return flags_[slot] != 0; }

  /// The key got its first record in a pane.
  void touch(Slot slot, PaneIndex pane);

  [[nodiscard]] Judgement judge(EventTime at, EventTime watermark) const;
  /// The closed windows that still take a record of this time, by end, then kind. Valid until the next call.
  [[nodiscard]] std::span<Refiring> find_refirings(EventTime at, EventTime watermark);
  /// Counts a late pane of a key's window and gives its index.
  [[nodiscard]] std::uint32_t count_refiring(const Refiring& refiring, Slot slot);

  /// The next firing that is due at `to`; false if there is none.
  bool next_firing(EventTime to, WindowFiring& firing);
  /// A visited key had records in the window.
  void note_content(std::size_t kind, Slot slot) {
    if (fills_empties_) [[unlikely]] { end_empties(kind, slot); }
  }
  /// A visited key had none: whether it gets an empty row.
  [[nodiscard]] bool fills_empty(const WindowFiring& firing, Slot slot);
  /// The key need not be visited again by this kind until it touches a pane.
  void dismiss(std::size_t kind, Slot slot) noexcept { flags_[slot] &= ~(std::uint64_t{1} << kind); }
  /// The keys of a firing have been visited: the first ones of them are not dismissed.
  void end_shared(const WindowFiring& firing, std::size_t kept);
  /// When the window of a firing closes for good.
  [[nodiscard]] EventTime end_of_use(const WindowFiring& firing) const noexcept;
  /// The keys of a direct firing have been visited; those whose pane is still of use are kept for `take_retired`.
  void end_direct(const WindowFiring& firing, EventTime to);

  /// The watermark is `to` and everything due has fired.
  void settle(EventTime to);
  /// Keys whose panes were kept for a grace that is over.
  bool take_retired(EventTime to, std::span<const Slot>& slots);
  void retire(EventTime deadline, Slot slot);
  /// The panes of the first and of the last instant.
  [[nodiscard]] PaneIndex least_pane() const { return layout_.pane(later(no_time, Duration{1})); }
  [[nodiscard]] PaneIndex most_pane() const { return layout_.pane(end_of_time); }
  /// Whether some window takes late records.
  [[nodiscard]] bool has_grace() const;
  /// Whether all windows that have the pane have ended.
  [[nodiscard]] bool has_fired(PaneIndex pane, EventTime watermark) const;
  /// When the last window that can use a pane has closed for good.
  [[nodiscard]] EventTime death_of(PaneIndex pane) const;
  /// Panes up to this are of no use once the watermark is `to`.
  [[nodiscard]] PaneIndex dead_through(EventTime to) const;

  [[nodiscard]] EventTime horizon(EventTime watermark) const;
  [[nodiscard]] EventTime next_due() const;
  /// Windows of one key that a pane keeps alive, of those not counted before; `counted` holds one number per kind.
  [[nodiscard]] std::uint64_t live_windows(PaneIndex pane, EventTime watermark,
                                           std::vector<WindowIndex>& counted) const;

  /// Stands where it would be if the watermark had come to `to` and no other had been before.
  void stand_at(EventTime to);
  /// Forgets keys that nothing is kept of any more, whatever is due for them.
  void forget(std::span<const Slot> slots);
  [[nodiscard]] std::size_t size_bytes() const noexcept;

 private:
  friend class ScheduleArchive;
  struct Kind;
  struct Lists;

  void end_empties(std::size_t kind, Slot slot);
  void touch_any(Slot slot, PaneIndex pane);
  void enrol(std::size_t kind, Slot slot);
  void pass(Kind& kind, WindowIndex next);
  void find_slider();
  [[nodiscard]] bool is_slider(std::size_t kind) const;

  PaneLayout layout_;
  std::size_t slider_ = 0;
  bool is_direct_ = false;
  bool is_plain_ = false;  // one kind of window, and every pane belongs to some
  bool is_gapless_ = true;
  bool fills_empties_ = false;  // some kind emits rows for windows without records
  // Per slot: a bit for each kind whose `active` it is in, and above them the number of its empty rows in a grace.
  Column<std::uint64_t> flags_;
  static constexpr std::uint64_t one_amendable = std::uint64_t{1} << 32;
  Owner<Lists> lists_;
};

}  // namespace weir::inline v0::detail

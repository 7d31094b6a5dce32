#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

#include <weir/operators/triggered_windows.hpp>
#include <weir/state/archive.hpp>
#include <weir/state/column.hpp>
#include <weir/state/session_store.hpp>
#include <weir/window/session_span.hpp>
#include <weir/window/trigger.hpp>

/// \file
/// What is kept of a session that has not ended, and how it is written into a snapshot.

namespace weir::inline v0::detail {

/// What every record needs: one cache line if the state has up to 40 bytes.
template <class State, bool has_fixed_gap>
struct LiveSession {
  struct NoEnd {};

  std::uint64_t id : 56 = 0;  // by creation
  std::uint64_t is_one_of_many : 1 = 0;
  std::uint64_t token : 7 = 0;  // of the entry of the deadline queue that counts
  EventTime first = no_time;
  EventTime last = no_time;
  [[no_unique_address]] std::conditional_t<has_fixed_gap, NoEnd, SessionEnd> end{};  // see end_with
  State state{};

  /// A fixed gap after the last record, else the latest of the records' ends.
  [[nodiscard]] SessionEnd end_with([[maybe_unused]] Duration fixed_gap) const noexcept {
    if constexpr (has_fixed_gap) {
      return SessionEnd::after(last, fixed_gap);
    } else {
      return end;
    }
  }
  /// Whether it is the key's only session, in the key's line, and a record falls inside it.
  [[nodiscard]] bool takes(EventTime at, [[maybe_unused]] Duration gap) const noexcept {
    if (id == 0 || is_one_of_many || at < first) return false;
    if constexpr (has_fixed_gap) {
      return at < later(last, gap);
    } else {
      return at < end.at;
    }
  }
};

/// What a session needs besides unless its spec is plain.
template <class WindowedRow>
struct SessionRest {
  using Row = WindowedRow;

  Progress progress{};
  EventTime armed = no_time;  // the deadline its entry stands for
  std::uint32_t records = 0;
  bool is_ended = false;  // by its marker
  bool is_past_end = false;
  std::uint64_t number = 0;        // see SessionNumbers
  Pooled<WindowedRow> last_row{};  // what was put out last, if rows are retracted
};

/// Tells sessions of a key apart that can have the same bounds, because a cap or a marker keeps them apart. Per slot: which number
/// is the next, as long as the key has sessions; then they begin at 0 again. That is enough, because all rows of a session end by
/// W - grace when it has closed, and what comes after the key's last one must end later. Merging uses no number twice.
class SessionNumbers {
 public:
  explicit SessionNumbers(bool has_numbers) : has_numbers_(has_numbers) {}

  [[nodiscard]] bool has_numbers() const noexcept { return has_numbers_; }
  /// Makes the layout of what is kept with numbers differ from that without.
  [[nodiscard]] std::uint64_t layout() const noexcept { return has_numbers_ ? 0x6E756D62 : 0; }
  void grow(std::size_t slots) {
    if (has_numbers_) next_.grow(slots);
  }
  /// For a session that begins.
  [[nodiscard]] std::uint64_t take(Slot slot, bool is_only) noexcept {
    if (!has_numbers_) return 0;
    if (is_only) next_[slot] = 0;
    return next_[slot]++;
  }
  /// The next number of a key that has sessions.
  [[nodiscard]] std::uint64_t& next(Slot slot) noexcept { return next_[slot]; }
  [[nodiscard]] std::size_t size_bytes() const noexcept { return next_.size_bytes(); }

 private:
  bool has_numbers_;
  Column<std::uint64_t> next_;  // left as it is when the last session ends
};

/// Writes the sessions of keys, or reads them.
template <class Session, class Rest>
class SessionArchive {
  using Place = SessionPlace;
  using State = decltype(Session::state);

 public:
  /// `trigger`: of the rests of the sessions; null if they have none.
  SessionArchive(SessionStore<Session, Rest>& store, SessionNumbers& numbers, const Trigger* trigger,
                 Pool<typename Rest::Row>& kept_rows, Duration fixed_gap)
      : store_(store), numbers_(numbers), trigger_(trigger), kept_rows_(kept_rows), fixed_gap_(fixed_gap) {}

  /// The sessions of a key, by their creation; those that are read have ids before `next_id`.
  void archive(Archive& ar, Slot slot, std::uint64_t next_id) {
    std::vector<Place> places;
    if (!ar.is_loading() && slot < store_.slots())
      store_.for_each(slot, [&places](Place place) { places.push_back(place); });
    sort(places);
    std::size_t count = places.size();
    ar.size(count, 2 * sizeof(EventTime) + sizeof(std::uint64_t) + least_bytes<State>());
    if (count > 0 && numbers_.has_numbers() && ar.is_good()) {
      std::uint64_t& next = numbers_.next(slot);
      ar(next);
      if (next >= next_id) return ar.fail("a key has had more sessions than there were");
    }
    std::uint64_t least_number = 0;
    std::uint64_t before = 0;
    for (std::size_t i = 0; i < count && ar.is_good(); ++i) {
      std::uint64_t id = ar.is_loading() ? 0 : store_[places[i]].id;
      EventTime first = ar.is_loading() ? no_time : store_[places[i]].first;
      ar(id, first);
      if (!ar.is_good()) return;
      if (!ar.is_loading()) {
        archive_one(ar, places[i], least_number);
        continue;
      }
      if (id <= before || id >= next_id) return ar.fail("sessions are not in the order of their creation");
      before = id;
      read_.push_back(store_.add(slot, first, id));
      archive_one(ar, read_.back(), least_number);
    }
  }
  /// All that were read, by their creation.
  [[nodiscard]] const std::vector<Place>& read() {
    sort(read_);
    return read_;
  }

 private:
  void sort(std::vector<Place>& places) const {
    std::sort(places.begin(), places.end(), [this](Place a, Place b) { return store_[a].id < store_[b].id; });
  }
  void archive_one(Archive& ar, Place place, std::uint64_t& least_number) {
    Session& session = store_[place];
    ar(session.last);
    if constexpr (Archivable<decltype(session.end)>) ar(session.end);
    if constexpr (Archivable<State>) ar(session.state);
    if (trigger_ != nullptr) {
      Rest& rest = store_.rest(place);
      ar(rest.progress, rest.records, rest.is_ended, rest.is_past_end);
      if (!trigger_->is_possible(rest.progress, end_of_time)) {
        rest.progress = {};
        return ar.fail("a session has an early pane that it cannot have");
      }
      if (numbers_.has_numbers()) archive_number(ar, place.slot, rest.number, least_number);
      archive_last(ar, rest.last_row, kept_rows_, rest.number);
    }
    if (session.last < session.first || session.end_with(fixed_gap_).at < session.last)
      ar.fail("a session ends before it begins");
  }

  /// Numbers are given by creation.
  void archive_number(Archive& ar, Slot slot, std::uint64_t& number, std::uint64_t& least) {
    ar(number);
    if (number < least || number >= numbers_.next(slot))
      ar.fail("a session has a number that it cannot have");
    least = number + 1;
  }

  SessionStore<Session, Rest>& store_;
  SessionNumbers& numbers_;
  const Trigger* trigger_;
  Pool<typename Rest::Row>& kept_rows_;
  Duration fixed_gap_;
  std::vector<Place> read_;
};

}  // namespace weir::inline v0::detail

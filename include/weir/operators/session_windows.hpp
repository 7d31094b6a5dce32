#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <weir/flow/node.hpp>
#include <weir/flow/node_archive.hpp>
#include <weir/operators/open_sessions.hpp>
#include <weir/operators/row_emitter.hpp>
#include <weir/operators/triggered_windows.hpp>
#include <weir/operators/window_specs.hpp>
#include <weir/state/deadline_queue.hpp>
#include <weir/state/session_store.hpp>
#include <weir/window/session_span.hpp>

namespace weir::inline v0::detail {

/// The gap of a session spec without a gap per record.
struct FixedGap {};
/// The end marker of a session spec without one.
struct NeverEnds {};

void check_sessions(Problems& problems, std::string_view name, const SessionSpec& spec,
                    bool has_gap_per_record);

/// Session windows.
///
/// Order:   rows by deadline, then by the session's creation
/// Late:    judged after merging unless asked otherwise; inside the grace a record fires its session again at once
/// Keeps:   a state per live session and one entry in the deadline queue, until W >= end + grace
///
/// A spec is plain if a session's only pane comes at its end and closes it, and if no cap keeps records out of it. Then a
/// deadline only ever moves to later, so the common record touches its session's line and nothing else: it falls inside
/// the key's only session, and the entry in the queue stays where it is until it comes up.
template <class KeyType, class Record, class Row, class RowAgg, class GapOf, class EndsAt>
class SessionWindowsNode final
    : public Node,
      public OpenSessions<SessionWindowsNode<KeyType, Record, Row, RowAgg, GapOf, EndsAt>, KeyType, Row> {
  static constexpr bool has_fixed_gap = std::is_same_v<GapOf, FixedGap>;
  using State = typename RowAgg::State;
  using WindowedRow = Windowed<KeyType, Row>;
  using Place = SessionPlace;

  struct NoEnd {};
  /// What every record needs: one cache line if the state has up to 40 bytes.
  struct Session {
    std::uint64_t id : 56 = 0;  // by creation
    std::uint64_t is_one_of_many : 1 = 0;
    std::uint64_t token : 7 = 0;  // of the entry of the deadline queue that counts
    EventTime first = no_time;
    EventTime last = no_time;
    [[no_unique_address]] std::conditional_t<has_fixed_gap, NoEnd, SessionEnd> end{};  // see end_of
    State state{};
  };
  /// What a session needs besides unless the spec is plain.
  struct Rest {
    Progress progress{};
    EventTime armed = no_time;  // the deadline its entry stands for
    std::uint32_t records = 0;
    bool is_ended = false;  // by its marker
    bool is_past_end = false;
    std::unique_ptr<WindowedRow> last_row{};  // what was put out last, if rows are retracted
  };
  /// One entry of the deadline queue. It is void once its session has another token or another id lies in its place.
  struct Entry {
    std::uint64_t id : 56;
    std::uint64_t token : 8;
    Place place;
    friend bool operator<(const Entry& a, const Entry& b) { return a.id < b.id; }
  };

 public:
  SessionWindowsNode(std::string name, SessionSpec spec, GapOf gap, EndsAt marker, RowAgg aggregator,
                     const KeyDictionary<KeyType>& dictionary)
      : Node(std::move(name), "sessions"),
        emitter_(std::move(aggregator), dictionary, 1),
        spec_(spec),
        gap_of_(std::move(gap)),
        ends_at_(std::move(marker)),
        trigger_(spec.emit, spec.panes, spec.grace.value()),
        has_caps_(spec.longest.has_value() || spec.most_records.has_value() ||
                  !std::is_same_v<EndsAt, NeverEnds>),
        is_plain_(trigger_.is_plain() && trigger_.grace() == Duration::zero() && !has_caps_ &&
                  spec.judged == SessionLateness::after_merging),
        store_(!is_plain_),
        queue_(granularity(spec)) {}

  [[nodiscard]] RowEmitter<KeyType, Record, Row, RowAgg>& emitter() noexcept { return emitter_; }
  void check(Problems& problems) const override { check_sessions(problems, name(), spec_, !has_fixed_gap); }

  void describe(Description& out) const override {
    std::string_view gap_from;
    std::string_view ends_at;
    if constexpr (!has_fixed_gap) gap_from = projection_name<Record>(gap_of_);
    if constexpr (!std::is_same_v<EndsAt, NeverEnds>) ends_at = projection_name<Record>(ends_at_);
    describe_sessions(out, spec_, gap_from, ends_at);
    std::int64_t number = 0;
    emitter_.aggregator().describe(out, number);
  }

  void take(const Batch<Record>& batch) {
    stats().ingested += batch.size;
    this->note(batch);
    if (store_.slots() < emitter_.dictionary().slot_bound()) store_.grow(emitter_.dictionary().slot_bound());
    const bool is_plain = is_plain_;
    const bool is_large = emitter_.dictionary().is_large();
    for (std::size_t i = 0; is_large && i < std::min(batch.size, prefetched_ahead); ++i) {
      store_.prefetch({batch.slots[i], 0});
    }
    const auto lines = store_.lines();
    for (std::size_t i = 0; i < batch.size; ++i) {
      if (is_large && i + prefetched_ahead < batch.size)
        store_.prefetch({batch.slots[i + prefetched_ahead], 0});
      const Slot slot = batch.slots[i];
      const Record& record = batch.records[i];
      const EventTime at = batch.times[i];
      const Duration gap = gap_of(record);
      if ((!has_fixed_gap && gap <= Duration::zero()) || !emitter_.accepts(record)) [[unlikely]] {
        emitter_.count_rejected(stats());
      } else if (is_plain && falls_inside(lines[slot], at, gap)) [[likely]] {
        add(lines[slot], record, at, gap);
      } else if (is_plain && store_.is_empty(slot)) {
        begin(slot, record, at, gap);
      } else {
        apply(slot, record, at, gap);
      }
    }
    emitter_.flush();
  }

  void advance(EventTime to) override {
    const bool is_large = emitter_.dictionary().is_large();
    queue_.advance(
        to, [this](const Entry& entry) { return deadline_of(entry); },
        [this, to](EventTime, const Entry& entry) { fire(entry.place, to); },
        [this, is_large](const Entry& entry, bool is_due) {
          if (!is_large) return;
          store_.prefetch(entry.place);
          if (is_due) emitter_.dictionary().prefetch_key(entry.place.slot);
        });
    emitter_.flush();
  }

  [[nodiscard]] EventTime horizon() const override {
    const EventTime next = later(watermark(), Duration{1});
    if (trigger_.fires_on_records() || !has_fixed_gap) return next;
    const EventTime least = std::min(later(watermark(), spec_.gap), std::max(next, queue_.earliest()));
    // A session that a record opens again is due at the first multiple that the watermark has not passed.
    return std::min(least, trigger_.earliest_early(earlier(watermark(), Duration{1})));
  }
  [[nodiscard]] EventTime next_due() const override { return queue_.earliest(); }
  [[nodiscard]] bool is_timed() const override { return true; }
  [[nodiscard]] bool holds(std::uint32_t slot) const override {
    return slot < store_.slots() && !store_.is_empty(slot);
  }
  [[nodiscard]] KeptState kept() const override {
    KeptState kept = kept_as<State, WindowedRow>(KeptState::Kind::by_key);
    const bool is_retracting = trigger_.accumulation() == Accumulation::retracting;
    kept.is_archivable = Archivable<State> && (!is_retracting || Archivable<WindowedRow>);
    return kept;
  }
  void archive(NodeArchive& out) override {
    emitter_.archive(out);
    out.most(next_id_, reach_);
    if (next_id_ == 0 || next_id_ > most_session_id / 2) {
      next_id_ = 1;
      return out.fail("the next session has an id that makes no sense");
    }
    this->archive_newest(out);
    KeptKeys& keys = out.keys(&emitter_.dictionary());
    if (out.is_loading()) store_.grow(emitter_.dictionary().slot_bound());
    std::vector<Place> read;
    out.each_group([&](Archive& archive, std::size_t group) {
      for (const Slot slot : keys.of(group)) archive_key(archive, slot, read);
    });
    if (out.is_loading()) enter(out, read);
  }
  void forget(std::span<const Slot> slots) override {
    std::vector<Place> places;
    for (const Slot slot : slots) {
      if (slot >= store_.slots() || store_.is_empty(slot)) continue;
      this->drop(emitter_.dictionary().key(slot));
      places.clear();
      store_.for_each(slot, [&places](Place place) { places.push_back(place); });
      for (const Place place : places) store_.erase(place);
    }
    wait_anew();
  }
  void refresh(OperatorStats& stats) const override {
    emitter_.refresh(stats);
    stats.state_bytes = store_.size_bytes() + queue_.size_bytes();
  }
  [[nodiscard]] std::uint64_t live_windows() const override {
    std::uint64_t live = 0;
    for (Slot slot = 0; slot < store_.slots(); ++slot) store_.for_each(slot, [&live](Place) { ++live; });
    return live;
  }

  [[nodiscard]] SessionStore<Session, Rest>& store() noexcept { return store_; }
  [[nodiscard]] Touching touching() const noexcept { return spec_.touching; }
  [[nodiscard]] SessionSpan span_of(const Session& session) const noexcept {
    return {.first = session.first, .last = session.last, .end = end_of(session)};
  }

 private:
  static constexpr std::size_t prefetched_ahead = 16;

  [[nodiscard]] static Duration granularity(const SessionSpec& spec) {
    return spec.gap > Duration::zero() ? Duration{spec.gap / 64} : std::chrono::milliseconds{100};
  }

  /// The sessions of a key, by their creation.
  void archive_key(Archive& archive, Slot slot, std::vector<Place>& read) {
    std::vector<Place> places;
    if (!archive.is_loading() && slot < store_.slots())
      store_.for_each(slot, [&places](Place place) { places.push_back(place); });
    std::sort(places.begin(), places.end(), [this](Place a, Place b) { return store_[a].id < store_[b].id; });
    std::size_t count = places.size();
    archive.size(count, 2 * sizeof(EventTime) + sizeof(std::uint64_t) + least_bytes<State>());
    std::uint64_t before = 0;
    for (std::size_t i = 0; i < count && archive.is_good(); ++i) {
      std::uint64_t id = archive.is_loading() ? 0 : store_[places[i]].id;
      EventTime first = archive.is_loading() ? no_time : store_[places[i]].first;
      archive(id, first);
      if (!archive.is_good()) return;
      if (archive.is_loading()) {
        if (id <= before || id >= next_id_ || id > most_session_id)
          return archive.fail("sessions are not in the order of their creation");
        before = id;
        places.push_back(store_.add(slot, first, id));
      }
      archive_session(archive, places[i]);
    }
    if (!archive.is_loading() || count == 0) return;
    read.insert(read.end(), places.begin(), places.end());
    this->touch(slot);
  }
  void archive_session(Archive& archive, Place place) {
    Session& session = store_[place];
    archive(session.last);
    if constexpr (!has_fixed_gap) archive(session.end);
    if constexpr (Archivable<State>) archive(session.state);
    if (!is_plain_) {
      Rest& rest = store_.rest(place);
      archive(rest.progress, rest.records, rest.is_ended, rest.is_past_end);
      if (!trigger_.is_possible(rest.progress, end_of_time)) {
        rest.progress = {};
        return archive.fail("a session has an early pane that it cannot have");
      }
      archive_last(archive, rest.last_row);
    }
    if (!archive.is_loading() || !archive.is_good()) return;
    if (session.last < session.first || end_of(session).at < session.last)
      return archive.fail("a session ends before it begins");
  }
  /// Lets no entry of the queue outlive its session: when a restore is undone, others get its id.
  void wait_anew() {
    queue_ = DeadlineQueue<Entry>(granularity(spec_));
    for (Slot slot = 0; slot < store_.slots(); ++slot) {
      store_.for_each(slot, [this](Place place) {
        if (is_plain_) return queue_.arm(end_of(store_[place]).at, entry_of(place));
        store_.rest(place).armed = no_time;
        rearm(place);
      });
    }
  }
  /// Puts sessions that were read among those that wait for their deadlines. Where they join others they get new ids.
  void enter(NodeArchive& out, std::vector<Place>& read) {
    std::sort(read.begin(), read.end(), [this](Place a, Place b) { return store_[a].id < store_[b].id; });
    const auto is_same = [this](Place a, Place b) { return store_[a].id == store_[b].id; };
    if (std::adjacent_find(read.begin(), read.end(), is_same) != read.end())
      return out.fail("two sessions have the same id");
    for (const Place place : read) {
      if (out.is_joining()) store_.move_id(place, next_id_++);
      if (is_plain_) {
        queue_.arm(end_of(store_[place]).at, entry_of(place));
      } else {
        rearm(place);
      }
    }
  }

  [[nodiscard]] Duration gap_of(const Record& record) const {
    if constexpr (has_fixed_gap) {
      return spec_.gap;
    } else {
      return project(gap_of_, record);
    }
  }
  /// A fixed gap after the last record, else the latest of the records' ends.
  [[nodiscard]] SessionEnd end_of(const Session& session) const noexcept {
    if constexpr (has_fixed_gap) {
      return SessionEnd::after(session.last, spec_.gap);
    } else {
      return session.end;
    }
  }
  [[nodiscard]] Window window_of(const Session& session) const noexcept {
    return {session.first, end_of(session).at};
  }
  [[nodiscard]] bool ends_at(const Record& record) const {
    if constexpr (std::is_same_v<EndsAt, NeverEnds>) {
      return false;
    } else {
      return project(ends_at_, record);
    }
  }

  /// Whether the line holds the key's only session and the record falls inside it.
  [[nodiscard]] bool falls_inside(const Session& line, EventTime at, Duration gap) const noexcept {
    if (line.id == 0 || line.is_one_of_many || at < line.first) return false;
    if constexpr (has_fixed_gap) {
      return at < later(line.last, gap);
    } else {
      return at < line.end.at;
    }
  }
  /// Adds a record that is not before its session's first.
  void add(Session& session, const Record& record, EventTime at, Duration gap) {
    ++stats().applied;
    session.last = std::max(session.last, at);
    if constexpr (!has_fixed_gap) session.end.extend(SessionEnd::after(at, gap));
    emitter_.add(session.state, record, at);
  }
  /// A plain session of a key that has none.
  void begin(Slot slot, const Record& record, EventTime at, Duration gap) {
    const EventTime end = later(at, gap);
    if (is_closed(end)) return report(record, at);
    const Place place = store_.add(slot, at, next_id_++);
    add(store_[place], record, at, gap);
    queue_.arm(end, entry_of(place));
  }

  /// The record's own session, before it joins any.
  struct Newcomer : SessionSpan {
    std::uint64_t records = 1;
    bool has_ended = false;  // one of the sessions it joins had fired at its end
  };
  [[nodiscard]] bool fits(Place place, const Newcomer& own) noexcept {
    if (!has_caps_) return true;
    const Session& session = store_[place];
    const Rest& rest = store_.rest(place);
    if (rest.is_ended) return false;
    if (spec_.most_records.has_value() && rest.records + own.records > *spec_.most_records) return false;
    return !spec_.longest.has_value() ||
           between(std::min(session.first, own.first), std::max(session.last, own.last)) <= *spec_.longest;
  }
  void include(Newcomer& own, Place place) noexcept {
    own.include(span_of(store_[place]));
    if (is_plain_) return;
    own.records += store_.rest(place).records;
    own.has_ended = own.has_ended || store_.rest(place).is_past_end;
  }

  [[gnu::noinline]] void apply(Slot slot, const Record& record, EventTime at, Duration gap) {
    Newcomer own{{.first = at, .last = at, .end = SessionEnd::after(at, gap)}};
    if (spec_.judged == SessionLateness::before_merging && is_closed(own.end.at)) return report(record, at);
    Place place{slot, 0};
    const bool is_joining = !store_.is_empty(slot) && join(place, own);
    if (!is_joining) {
      if (is_closed(own.end.at)) return report(record, at);
      place = open(slot, own, at);
    }
    ++stats().applied;
    Session& session = extend(place, own);
    emitter_.add(session.state, record, at);
    if (!is_plain_) {
      follow_up(place, record, at, own.has_ended);
    } else if (!is_joining) {
      queue_.arm(own.end.at, entry_of(place));
    }
  }
  /// What a record may bring about beside a later end.
  void follow_up(Place place, const Record& record, EventTime at, bool had_ended) {
    Rest& rest = store_.rest(place);
    ++rest.records;
    ++rest.progress.since;
    rest.is_ended = rest.is_ended || ends_at(record);
    rest.is_past_end = end_of(store_[place]).at <= watermark();
    if (rest.is_past_end) {
      rest.progress.next_early = no_time;
    } else if (had_ended) {
      const EventTime next = trigger_.first_early(earlier(watermark(), Duration{1}), end_of_time);
      EventTime& early = rest.progress.next_early;
      early = early == no_time ? next : std::min(early, next);
      rest.progress.fired_at_end = false;
    }
    if (trigger_.fires_on_record(rest.progress, rest.is_past_end)) {
      put_out(place, rest.is_past_end ? Timing::late : Timing::early, false, at, watermark());
    }
    rearm(place);
  }
  [[nodiscard]] bool is_closed(EventTime end) const noexcept {
    return later(end, trigger_.grace()) <= watermark();
  }
  void report(const Record& record, EventTime at) {
    count_judged(stats(), 0, 1);
    emitter_.report_late(record, at, 0, 1, watermark());
  }

  /// Merges the sessions that the newcomer brings together; `place` is then the survivor's. False if it joins none.
  [[nodiscard]] bool join(Place& place, Newcomer& own) {
    if (const Session* only = store_.only(place.slot); only != nullptr) {
      if (!own.touches(span_of(*only), spec_.touching) || !fits(place, own)) return false;
      include(own, place);
      return true;
    }
    touched_.clear();
    store_.visit_backwards(place.slot, own.end.at, [&](Place one) {
      const Session& session = store_[one];
      if (own.touches(span_of(session), spec_.touching)) touched_.push_back(one);
      return has_caps_ ? later(session.first, reach_) >= own.first : end_of(session).at >= own.first;
    });
    std::sort(touched_.begin(), touched_.end(),
              [this](Place a, Place b) { return store_[a].id < store_[b].id; });
    std::size_t joined = 0;
    for (const Place one : touched_) {
      if (!fits(one, own)) continue;
      include(own, one);
      touched_[joined++] = one;
    }
    if (joined == 0) return false;
    touched_.resize(joined);
    place = touched_.front();
    if (joined > 1) unite();
    return true;
  }
  /// Merges the touched sessions into the oldest, which is the first of them.
  void unite() {
    const Place oldest = touched_.front();
    for (std::size_t i = 1; !is_plain_ && i < touched_.size(); ++i) absorb(store_.rest(oldest), touched_[i]);
    std::sort(touched_.begin(), touched_.end(),
              [this](Place a, Place b) { return store_[a].first < store_[b].first; });
    State merged{};
    for (const Place one : touched_) emitter_.aggregator().merge(merged, store_[one].state);
    store_[oldest].state = std::move(merged);
    for (const Place one : touched_) {
      if (one != oldest) store_.erase(one);
    }
  }
  void absorb(Rest& kept, Place place) {
    const Session& absorbed = store_[place];
    const Rest& rest = store_.rest(place);
    if (rest.last_row != nullptr) {
      emitter_.retract(0, *rest.last_row, watermark(), row_time(window_of(absorbed), absorbed.last));
    }
    kept.progress.since += rest.progress.since;
    if (const EventTime early = rest.progress.next_early; early != no_time) {
      EventTime& kept_early = kept.progress.next_early;
      kept_early = kept_early == no_time ? early : std::min(kept_early, early);
    }
    kept.records += rest.records;
  }

  [[nodiscard]] Place open(Slot slot, const Newcomer& own, EventTime at) {
    const Place place = store_.add(slot, own.first, next_id_++);
    if (!is_plain_) store_.rest(place).progress.next_early = trigger_.first_early(at, end_of_time);
    return place;
  }
  /// Gives the session the newcomer's bounds.
  Session& extend(Place place, const Newcomer& own) {
    Session& session = store_[place];
    if (own.first != session.first) store_.move_first(place, own.first);
    session.last = std::max(session.last, own.last);
    if constexpr (!has_fixed_gap) session.end = own.end;
    reach_ = std::max(reach_, between(own.first, own.end.at));
    return session;
  }

  [[nodiscard]] Entry entry_of(Place place) noexcept {
    const Session& session = store_[place];
    return {.id = session.id, .token = session.token, .place = place};
  }
  [[nodiscard]] EventTime deadline(Place place) noexcept {
    const EventTime end = end_of(store_[place]).at;
    if (is_plain_) return end;
    const Rest& rest = store_.rest(place);
    if (rest.is_past_end) return later(end, trigger_.grace());
    const EventTime early = rest.progress.next_early;
    return early == no_time ? end : std::min(end, later(early, Duration{1}));
  }
  /// The queue needs an entry no later than the session's deadline; one that is too early is moved when it comes up.
  void rearm(Place place) {
    Rest& rest = store_.rest(place);
    const EventTime at = deadline(place);
    if (rest.armed != no_time && at >= rest.armed) return;
    rest.armed = at;
    ++store_[place].token;
    queue_.arm(at, entry_of(place));
  }
  [[nodiscard]] EventTime deadline_of(const Entry& entry) noexcept {
    const Session& session = store_[entry.place];
    if (session.id != entry.id || session.token != entry.token) return no_time;
    const EventTime at = deadline(entry.place);
    if (!is_plain_) store_.rest(entry.place).armed = at;
    return at;
  }

  /// The session's deadline has come.
  void fire(Place place, EventTime to) {
    if (is_plain_) {
      const Session& session = store_[place];
      const Window window = window_of(session);
      const EventTime time = row_time(window, session.last);
      emitter_.emit(0, place.slot, session.state, window, Pane{.is_final = true}, window.end, to, time);
      return end(place);
    }
    Rest& rest = store_.rest(place);
    if (rest.is_past_end) return close(place, to);
    const EventTime end = end_of(store_[place]).at;
    Progress& progress = rest.progress;
    if (progress.next_early != no_time && later(progress.next_early, Duration{1}) < end) {
      const EventTime early = progress.next_early;
      if (trigger_.fires_early(progress, end, this->target()))
        put_out(place, Timing::early, false, early, to);
      progress.next_early =
          trigger_.early_after(early, end_of_time, std::min(this->target(), end), stats().skipped_firings);
    } else {
      rest.is_past_end = true;
      progress.next_early = no_time;
      if (trigger_.fires_at_end(progress)) {
        progress.fired_at_end = true;
        put_out(place, Timing::on_time, trigger_.is_final_at_end(), end, to);
      }
      if (trigger_.grace() == Duration::zero()) return close(place, to);
    }
    rest.armed = no_time;
    rearm(place);
  }
  void close(Place place, EventTime to) {
    const Progress& progress = store_.rest(place).progress;
    if (trigger_.fires_finally(progress)) {
      put_out(place, trigger_.final_timing(end_of(store_[place]).at, watermark()), true, to, to);
    } else {
      stats().unemitted += progress.since;
    }
    end(place);
  }
  void end(Place place) {
    store_.erase(place);
    this->note_end(place.slot);
  }
  void put_out(Place place, Timing timing, bool is_final, EventTime as_of, EventTime watermark) {
    struct Content {
      State& state;
      std::unique_ptr<WindowedRow>& last;
    };
    Session& session = store_[place];
    Rest& rest = store_.rest(place);
    fire_pane(emitter_, trigger_, place.slot, Content{session.state, rest.last_row}, rest.progress,
              session.last, window_of(session), timing, is_final, as_of, watermark);
  }

  RowEmitter<KeyType, Record, Row, RowAgg> emitter_;
  SessionSpec spec_;
  GapOf gap_of_;
  EndsAt ends_at_;
  Trigger trigger_;
  const bool has_caps_;
  const bool is_plain_;
  SessionStore<Session, Rest> store_;
  DeadlineQueue<Entry> queue_;
  std::uint64_t next_id_ = 1;
  Duration reach_{};
  std::vector<Place> touched_;
};

}  // namespace weir::inline v0::detail

#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <weir/flow/node.hpp>
#include <weir/flow/node_archive.hpp>
#include <weir/operators/live_session.hpp>
#include <weir/operators/open_sessions.hpp>
#include <weir/operators/row_emitter.hpp>
#include <weir/operators/session_rules.hpp>
#include <weir/operators/triggered_windows.hpp>
#include <weir/operators/window_specs.hpp>
#include <weir/state/deadline_queue.hpp>
#include <weir/state/session_store.hpp>
#include <weir/window/session_span.hpp>

namespace weir::inline v0::detail {

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
  using Rules = SessionRules<Record, GapOf, EndsAt>;
  static constexpr bool has_fixed_gap = Rules::has_fixed_gap;
  using State = typename RowAgg::State;
  using WindowedRow = Windowed<KeyType, Row>;
  using Session = LiveSession<State, has_fixed_gap>;
  using Rest = SessionRest<WindowedRow>;
  using Entry = SessionDeadline;
  using Place = SessionPlace;

 public:
  static constexpr bool values_own_memory = !std::is_trivially_copyable_v<State>;
  SessionWindowsNode(std::string name, SessionSpec spec, GapOf gap, EndsAt marker, RowAgg aggregator,
                     const KeyDictionary<KeyType>& dictionary)
      : Node(std::move(name), "sessions"),
        emitter_(std::move(aggregator), dictionary, 1),
        rules_(spec, std::move(gap), std::move(marker)),
        is_plain_(rules_.is_plain()),
        store_(!is_plain_),
        numbers_(rules_.has_caps()),
        queue_(rules_.granularity()) {}

  [[nodiscard]] RowEmitter<KeyType, Record, Row, RowAgg>& emitter() noexcept { return emitter_; }
  void check(Problems& problems) const override { rules_.check(problems, name()); }

  void describe(Description& out) const override {
    rules_.describe(out);
    std::int64_t number = 0;
    emitter_.aggregator().describe(out, number);
  }

  void take(const Batch<Record>& batch) {
    stats().ingested += batch.size;
    this->note(batch);
    grow();
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
      const Duration gap = rules_.gap_of(record);
      if ((!has_fixed_gap && gap <= Duration::zero()) || !emitter_.accepts(record)) [[unlikely]] {
        emitter_.count_rejected(stats());
      } else if (is_plain && lines[slot].takes(at, gap)) [[likely]] {
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
    if (trigger().fires_on_records() || !has_fixed_gap) return next;
    const EventTime least =
        std::min(later(watermark(), rules_.spec().gap), std::max(next, queue_.earliest()));
    // A session that a record opens again is due at the first multiple that the watermark has not passed.
    return std::min(least, trigger().earliest_early(earlier(watermark(), Duration{1})));
  }
  [[nodiscard]] EventTime next_due() const override { return queue_.earliest(); }
  [[nodiscard]] bool is_timed() const override { return true; }
  [[nodiscard]] bool holds(std::uint32_t slot) const override {
    return slot < store_.slots() && !store_.is_empty(slot);
  }
  [[nodiscard]] KeptState kept() const override {
    KeptState kept = kept_windows<State, WindowedRow>(trigger());
    kept.layout += numbers_.layout();
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
    if (out.is_loading()) grow();
    SessionArchive<Session, Rest> sessions(store_, numbers_, is_plain_ ? nullptr : &trigger(),
                                           emitter_.kept_rows(), rules_.spec().gap);
    out.each_group([&](Archive& archive, std::size_t group) {
      for (const Slot slot : keys.of(group)) sessions.archive(archive, slot, next_id_);
    });
    if (out.is_loading()) enter(out, sessions.read());
  }
  void forget(std::span<const Slot> slots) override {
    for (const Slot slot : slots) {
      if (holds(slot)) this->end_all(slot);
    }
    wait_anew();
  }
  void refresh(OperatorStats& stats) const override {
    emitter_.refresh(stats);
    stats.state_bytes =
        store_.size_bytes() + numbers_.size_bytes() + queue_.size_bytes() + emitter_.size_bytes();
  }
  [[nodiscard]] std::uint64_t live_windows() const override {
    std::uint64_t live = 0;
    for (Slot slot = 0; slot < store_.slots(); ++slot) store_.for_each(slot, [&live](Place) { ++live; });
    return live;
  }

  [[nodiscard]] SessionStore<Session, Rest>& store() noexcept { return store_; }
  [[nodiscard]] Touching touching() const noexcept { return rules_.spec().touching; }
  [[nodiscard]] SessionSpan span_of(const Session& session) const noexcept {
    return {.first = session.first, .last = session.last, .end = end_of(session)};
  }

 private:
  static constexpr std::size_t prefetched_ahead = 16;

  void grow() {
    numbers_.grow(emitter_.dictionary().slot_bound());
    store_.grow(emitter_.dictionary().slot_bound());
  }
  [[nodiscard]] const Trigger& trigger() const noexcept { return rules_.trigger(); }
  /// Lets no entry of the queue outlive its session: when a restore is undone, others get its id.
  void wait_anew() {
    queue_.clear();
    for (Slot slot = 0; slot < store_.slots(); ++slot)
      store_.for_each(slot, [this](Place place) { wait(place); });
  }
  /// Puts sessions that were read among those that wait for their deadlines. Where they join others they get new ids.
  void enter(NodeArchive& out, const std::vector<Place>& read) {
    const auto is_same = [this](Place a, Place b) { return store_[a].id == store_[b].id; };
    if (std::adjacent_find(read.begin(), read.end(), is_same) != read.end())
      return out.fail("two sessions have the same id");
    for (const Place place : read) {
      if (out.is_joining()) store_.move_id(place, next_id_++);
      wait(place);
      this->touch(place.slot);
    }
  }
  /// A session of which no entry is in the queue waits for its deadline.
  void wait(Place place) {
    if (is_plain_) return queue_.arm(end_of(store_[place]).at, entry_of(place));
    store_.rest(place).armed = no_time;
    rearm(place);
  }

  [[nodiscard]] SessionEnd end_of(const Session& session) const noexcept {
    return session.end_with(rules_.spec().gap);
  }
  [[nodiscard]] Window window_of(const Session& session) const noexcept {
    return {session.first, end_of(session).at};
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
    if (!rules_.has_caps()) return true;
    const Session& session = store_[place];
    const Rest& rest = store_.rest(place);
    return !rest.is_ended && rules_.allows(rest.records + own.records, std::min(session.first, own.first),
                                           std::max(session.last, own.last));
  }
  void include(Newcomer& own, Place place) noexcept {
    own.include(span_of(store_[place]));
    if (is_plain_) return;
    own.records += store_.rest(place).records;
    own.has_ended = own.has_ended || store_.rest(place).is_past_end;
  }

  [[gnu::noinline]] void apply(Slot slot, const Record& record, EventTime at, Duration gap) {
    Newcomer own{{.first = at, .last = at, .end = SessionEnd::after(at, gap)}};
    if (rules_.spec().judged == SessionLateness::before_merging && is_closed(own.end.at))
      return report(record, at);
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
    rest.is_ended = rest.is_ended || rules_.ends_at(record);
    rest.is_past_end = end_of(store_[place]).at <= watermark();
    if (rest.is_past_end) {
      rest.progress.next_early = no_time;
    } else if (had_ended) {
      rest.progress.hasten(trigger().first_early(earlier(watermark(), Duration{1}), end_of_time));
      rest.progress.fired_at_end = false;
    }
    if (trigger().fires_on_record(rest.progress, rest.is_past_end)) {
      put_out(place, rest.is_past_end ? Timing::late : Timing::early, false, at, watermark());
    }
    rearm(place);
  }
  [[nodiscard]] bool is_closed(EventTime end) const noexcept { return rules_.is_closed(end, watermark()); }
  void report(const Record& record, EventTime at) {
    count_judged(stats(), 0, 1);
    emitter_.report_late(record, at, 0, 1, watermark());
  }

  /// Merges the sessions that the newcomer brings together; `place` is then the survivor's. False if it joins none.
  [[nodiscard]] bool join(Place& place, Newcomer& own) {
    if (const Session* only = store_.only(place.slot); only != nullptr) {
      if (!own.touches(span_of(*only), touching()) || !fits(place, own)) return false;
      include(own, place);
      return true;
    }
    touched_.clear();
    store_.visit_backwards(place.slot, own.end.at, [&](Place one) {
      const Session& session = store_[one];
      if (own.touches(span_of(session), touching())) touched_.push_back(one);
      return rules_.has_caps() ? later(session.first, reach_) >= own.first : end_of(session).at >= own.first;
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
    if (rest.last_row.is_there()) {
      emitter_.retract(0, *rest.last_row, watermark(), row_time(window_of(absorbed), absorbed.last));
    }
    kept.progress.since += rest.progress.since;
    kept.progress.hasten(rest.progress.next_early);
    kept.records += rest.records;
  }

  [[nodiscard]] Place open(Slot slot, const Newcomer& own, EventTime at) {
    const bool is_only = store_.is_empty(slot);
    const Place place = store_.add(slot, own.first, next_id_++);
    if (is_plain_) return place;
    Rest& rest = store_.rest(place);
    rest.number = numbers_.take(slot, is_only);
    rest.progress.next_early = trigger().first_early(at, end_of_time);
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
    if (rest.is_past_end) return later(end, trigger().grace());
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
      if (trigger().fires_early(progress, end, this->target()))
        put_out(place, Timing::early, false, early, to);
      progress.next_early =
          trigger().early_after(early, end_of_time, std::min(this->target(), end), stats().skipped_firings);
    } else {
      rest.is_past_end = true;
      progress.next_early = no_time;
      if (trigger().fires_at_end(progress)) {
        progress.fired_at_end = true;
        put_out(place, Timing::on_time, trigger().is_final_at_end(), end, to);
      }
      if (trigger().grace() == Duration::zero()) return close(place, to);
    }
    wait(place);
  }
  void close(Place place, EventTime to) {
    const Progress& progress = store_.rest(place).progress;
    if (trigger().fires_finally(progress)) {
      put_out(place, trigger().final_timing(end_of(store_[place]).at, watermark()), true, to, to);
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
      Pooled<WindowedRow>& last;
    };
    Session& session = store_[place];
    Rest& rest = store_.rest(place);
    fire_pane(emitter_, trigger(), place.slot, Content{session.state, rest.last_row}, rest.progress,
              session.last, window_of(session), timing, is_final, as_of, watermark, rest.number);
  }

  RowEmitter<KeyType, Record, Row, RowAgg> emitter_;
  Rules rules_;
  const bool is_plain_;
  SessionStore<Session, Rest> store_;
  SessionNumbers numbers_;
  DeadlineQueue<Entry> queue_;
  std::uint64_t next_id_ = 1;
  Duration reach_{};
  std::vector<Place> touched_;
};

}  // namespace weir::inline v0::detail

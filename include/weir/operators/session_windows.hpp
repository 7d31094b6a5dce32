#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <weir/flow/node.hpp>
#include <weir/operators/row_emitter.hpp>
#include <weir/operators/triggered_windows.hpp>
#include <weir/operators/window_specs.hpp>
#include <weir/state/deadline_queue.hpp>
#include <weir/state/session_store.hpp>
#include <weir/window/specs.hpp>

namespace weir::inline v0::detail {

/// The gap of a session spec without a gap per record.
struct FixedGap {};
/// The end marker of a session spec without one.
struct NeverEnds {};

void check_sessions(Problems& problems, std::string_view name, const SessionSpec& spec, bool has_gap_per_record);

/// Session windows.
///
/// Order:   rows by deadline, then by the session's creation
/// Late:    judged after merging unless asked otherwise; inside the grace a record fires its session again at once
/// Keeps:   a state per live session and one entry in the deadline queue, until W >= end + grace
template <class KeyType, class Record, class Row, class RowAgg, class GapOf, class EndsAt>
class SessionWindowsNode final : public Node {
  using WindowedRow = Windowed<KeyType, Row>;
  struct Session {
    EventTime first = no_time;
    EventTime last = no_time;
    EventTime end = no_time;
    std::uint64_t id = 0;
    std::uint32_t records = 0;
    std::uint32_t token = 0;  // the entry of the deadline queue that counts
    bool is_ended = false;    // by its marker
    bool is_past_end = false;
    bool is_endless = false;  // its end lies beyond the end of time
    EventTime armed = no_time;  // the deadline its entry stands for
    Firing<typename RowAgg::State, WindowedRow> firing{};

    [[nodiscard]] Window window() const noexcept { return {first, end}; }
  };
  /// One entry of the deadline queue.
  struct Entry {
    std::uint64_t id;
    EventTime first;
    Slot slot;
    std::uint32_t token;
    friend auto operator<=>(const Entry&, const Entry&) = default;
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
        queue_(Duration{spec.gap.count() / 64}) {
    has_caps_ = spec.longest.has_value() || spec.most_records.has_value() || !std::is_same_v<EndsAt, NeverEnds>;
  }

  [[nodiscard]] RowEmitter<KeyType, Record, Row, RowAgg>& emitter() noexcept { return emitter_; }
  void check(Problems& problems) const override {
    check_sessions(problems, name(), spec_, !std::is_same_v<GapOf, FixedGap>);
  }

  void take(const Batch<Record>& batch) {
    stats().ingested += batch.size;
    if (store_.slots() < emitter_.dictionary().slot_bound()) store_.grow(emitter_.dictionary().slot_bound());
    if (emitter_.dictionary().size() >= prefetched_from) {
      for (std::size_t i = 0; i < batch.size; ++i) store_.prefetch(batch.slots[i]);
    }
    for (std::size_t i = 0; i < batch.size; ++i) {
      const Record& record = batch.records[i];
      const Duration gap = gap_of(record);
      if (gap <= Duration::zero() || !emitter_.accepts(record)) {
        emitter_.count_rejected(stats());
      } else {
        apply(batch.slots[i], record, batch.times[i], gap);
      }
    }
    emitter_.flush();
  }

  void advance(EventTime to) override {
    queue_.advance(
        to, [this](const Entry& entry) { return deadline_of(entry); },
        [this, to](EventTime, const Entry& entry) { fire(entry, to); });
    emitter_.flush();
  }

  [[nodiscard]] EventTime horizon() const override {
    const EventTime next = later(watermark(), Duration{1});
    if (trigger_.fires_on_records() || !std::is_same_v<GapOf, FixedGap>) return next;
    const EventTime least = std::min(later(watermark(), spec_.gap), std::max(next, queue_.earliest()));
    // A session that a record opens again is due at the first multiple that the watermark has not passed.
    return std::min(least, trigger_.earliest_early(earlier(watermark(), Duration{1})));
  }
  [[nodiscard]] EventTime next_due() const override { return queue_.earliest(); }
  [[nodiscard]] bool is_timed() const override { return true; }
  [[nodiscard]] bool holds(std::uint32_t slot) const override { return slot < store_.slots() && !store_.is_empty(slot); }
  void refresh(OperatorStats& stats) const override {
    emitter_.refresh(stats);
    stats.state_bytes = store_.size_bytes();
  }
  [[nodiscard]] std::uint64_t live_windows() const override {
    std::uint64_t live = 0;
    auto& store = const_cast<SessionStore<Session>&>(store_);
    for (Slot slot = 0; slot < store.slots(); ++slot) store.for_each(slot, [&live](const Session&) { ++live; });
    return live;
  }

 private:
  static constexpr std::size_t prefetched_from = 16384;

  [[nodiscard]] Duration gap_of(const Record& record) const {
    if constexpr (std::is_same_v<GapOf, FixedGap>) {
      return spec_.gap;
    } else {
      return project(gap_of_, record);
    }
  }
  [[nodiscard]] bool ends_at(const Record& record) const {
    if constexpr (std::is_same_v<EndsAt, NeverEnds>) {
      return false;
    } else {
      return project(ends_at_, record);
    }
  }

  /// The record's own session, before it joins any.
  struct Newcomer {
    EventTime first;
    EventTime last;
    EventTime end;
    std::uint64_t records = 1;
    bool is_endless = false;
    bool has_ended = false;  // one of the sessions it joins had fired at its end
  };
  [[nodiscard]] bool touches(const Session& session, const Newcomer& own) const noexcept {
    if (spec_.touching == Touching::merge) return own.first <= session.end && own.end >= session.first;
    return (own.first < session.end || session.is_endless) && (own.end > session.first || own.is_endless);
  }
  [[nodiscard]] bool fits(const Session& session, const Newcomer& own) const noexcept {
    if (!has_caps_) return true;
    if (session.is_ended) return false;
    if (spec_.most_records.has_value() && session.records + own.records > *spec_.most_records) return false;
    return !spec_.longest.has_value() ||
           between(std::min(session.first, own.first), std::max(session.last, own.last)) <= *spec_.longest;
  }
  static void include(Newcomer& own, const Session& session) noexcept {
    own.first = std::min(own.first, session.first);
    own.last = std::max(own.last, session.last);
    own.end = std::max(own.end, session.end);
    own.records += session.records;
    own.is_endless = own.is_endless || session.is_endless;
    own.has_ended = own.has_ended || session.is_past_end;
  }

  void apply(Slot slot, const Record& record, EventTime at, Duration gap) {
    Newcomer own{.first = at, .last = at, .end = later(at, gap)};
    own.is_endless = between(at, end_of_time) < gap;
    if (spec_.judged == SessionLateness::before_merging && is_closed(own.end)) return report(record, at);
    Session* session = store_.only(slot);
    if (session != nullptr) {
      if (!touches(*session, own) || !fits(*session, own)) session = nullptr;
      if (session != nullptr) include(own, *session);
    } else if (!store_.is_empty(slot)) {
      session = join(slot, own);
    }
    if (session == nullptr) {
      if (is_closed(own.end)) return report(record, at);
      session = &open(slot, own, at);
    }
    ++stats().applied;
    extend(slot, session, own);
    emitter_.add(session->firing.state, record, at);
    ++session->firing.progress.since;
    session->firing.newest = std::max(session->firing.newest, at);
    session->is_ended = session->is_ended || ends_at(record);
    session->is_past_end = session->end <= watermark();
    if (session->is_past_end) {
      session->firing.progress.next_early = no_time;
    } else if (own.has_ended) {
      const EventTime next = trigger_.first_early(earlier(watermark(), Duration{1}), end_of_time);
      EventTime& early = session->firing.progress.next_early;
      early = early == no_time ? next : std::min(early, next);
      session->firing.progress.fired_at_end = false;
    }
    if (trigger_.fires_on_record(session->firing.progress, session->is_past_end)) {
      const Timing timing = session->is_past_end ? Timing::late : Timing::early;
      fire_pane(emitter_, trigger_, slot, session->firing, session->window(), timing, false, at, watermark());
    }
    rearm(slot, *session);
  }
  [[nodiscard]] bool is_closed(EventTime end) const noexcept { return later(end, trigger_.grace()) <= watermark(); }
  void report(const Record& record, EventTime at) {
    count_judged(stats(), 0, 1);
    emitter_.report_late(record, at, 0, 1, watermark());
  }

  /// Merges the sessions that the newcomer brings together, and gives the survivor; null if it joins none.
  Session* join(Slot slot, Newcomer& own) {
    touched_.clear();
    store_.visit_backwards(slot, own.end, [&](Session& session) {
      if (touches(session, own)) touched_.push_back(&session);
      return has_caps_ ? later(session.first, reach_) >= own.first : session.end >= own.first;
    });
    std::sort(touched_.begin(), touched_.end(), [](const Session* a, const Session* b) { return a->id < b->id; });
    std::size_t joined = 0;
    for (Session* session : touched_) {
      if (!fits(*session, own)) continue;
      include(own, *session);
      touched_[joined++] = session;
    }
    if (joined == 0) return nullptr;
    touched_.resize(joined);
    return joined == 1 ? touched_[0] : &unite(slot);
  }
  Session& unite(Slot slot) {
    Session& oldest = *touched_[0];
    Firing<typename RowAgg::State, WindowedRow>& kept = oldest.firing;
    for (std::size_t i = 1; i < touched_.size(); ++i) {
      const Session& absorbed = *touched_[i];
      if (absorbed.firing.last != nullptr) {
        emitter_.retract(0, *absorbed.firing.last, watermark(), row_time(absorbed.window(), absorbed.firing.newest));
      }
      Progress& progress = kept.progress;
      progress.since += absorbed.firing.progress.since;
      if (const EventTime early = absorbed.firing.progress.next_early; early != no_time) {
        progress.next_early = progress.next_early == no_time ? early : std::min(progress.next_early, early);
      }
      kept.newest = std::max(kept.newest, absorbed.firing.newest);
      oldest.records += absorbed.records;
    }
    std::sort(touched_.begin(), touched_.end(), [](const Session* a, const Session* b) { return a->first < b->first; });
    typename RowAgg::State merged{};
    for (const Session* session : touched_) emitter_.aggregator().merge(merged, session->firing.state);
    kept.state = std::move(merged);
    const std::uint64_t id = oldest.id;
    const EventTime first = oldest.first;
    for (const Session* session : touched_) {
      if (session->id != id) store_.erase(slot, *session);
    }
    return *store_.find(slot, first, id);
  }

  Session& open(Slot slot, const Newcomer& own, EventTime at) {
    Session session;
    session.first = own.first;
    session.id = next_id_++;
    session.firing.progress.next_early = trigger_.first_early(at, end_of_time);
    return store_.add(slot, std::move(session));
  }
  /// Gives the session the newcomer's bounds; one in a map moves when its first record does.
  void extend(Slot slot, Session*& session, const Newcomer& own) {
    if (own.first != session->first && store_.only(slot) != session) {
      Session moved = std::move(*session);
      store_.erase(slot, *session);
      moved.first = own.first;
      moved.armed = no_time;
      session = &store_.add(slot, std::move(moved));
    }
    session->first = own.first;
    session->last = std::max(session->last, own.last);
    session->end = own.end;
    session->is_endless = own.is_endless;
    ++session->records;
    reach_ = std::max(reach_, between(own.first, own.end));
  }

  [[nodiscard]] EventTime deadline(const Session& session) const noexcept {
    if (session.is_past_end) return later(session.end, trigger_.grace());
    const EventTime early = session.firing.progress.next_early;
    return early == no_time ? session.end : std::min(session.end, later(early, Duration{1}));
  }
  /// The queue needs an entry no later than the session's deadline; one that is too early is moved when it comes up.
  void rearm(Slot slot, Session& session) {
    const EventTime at = deadline(session);
    if (session.armed != no_time && at >= session.armed) return;
    session.armed = at;
    ++session.token;
    queue_.arm(at, Entry{.id = session.id, .first = session.first, .slot = slot, .token = session.token});
  }
  [[nodiscard]] Session* find(const Entry& entry) noexcept {
    Session* session = store_.find(entry.slot, entry.first, entry.id);
    return session != nullptr && session->token == entry.token ? session : nullptr;
  }
  [[nodiscard]] EventTime deadline_of(const Entry& entry) noexcept {
    Session* session = find(entry);
    if (session == nullptr) return no_time;
    session->armed = deadline(*session);
    return session->armed;
  }

  void fire(const Entry& entry, EventTime to) {
    Session& session = *find(entry);
    const Slot slot = entry.slot;
    if (session.is_past_end) return close(slot, session, to);
    Progress& progress = session.firing.progress;
    if (progress.next_early != no_time && later(progress.next_early, Duration{1}) < session.end) {
      const EventTime early = progress.next_early;
      if (trigger_.fires_early(progress, session.end, this->target())) {
        fire_pane(emitter_, trigger_, slot, session.firing, session.window(), Timing::early, false, early, to);
      }
      progress.next_early = trigger_.early_after(early, end_of_time, std::min(this->target(), session.end), stats().skipped_firings);
    } else {
      session.is_past_end = true;
      progress.next_early = no_time;
      if (trigger_.fires_at_end(progress)) {
        progress.fired_at_end = true;
        fire_pane(emitter_, trigger_, slot, session.firing, session.window(), Timing::on_time, trigger_.is_final_at_end(),
                  session.end, to);
      }
      if (trigger_.grace() == Duration::zero()) return close(slot, session, to);
    }
    session.armed = no_time;
    rearm(slot, session);
  }
  void close(Slot slot, Session& session, EventTime to) {
    if (trigger_.fires_finally(session.firing.progress)) {
      const Timing timing = trigger_.final_timing(session.end, watermark());
      fire_pane(emitter_, trigger_, slot, session.firing, session.window(), timing, true, to, to);
    } else {
      stats().unemitted += session.firing.progress.since;
    }
    store_.erase(slot, session);
  }

  RowEmitter<KeyType, Record, Row, RowAgg> emitter_;
  SessionSpec spec_;
  GapOf gap_of_;
  EndsAt ends_at_;
  Trigger trigger_;
  bool has_caps_ = false;
  SessionStore<Session> store_;
  DeadlineQueue<Entry> queue_;
  std::uint64_t next_id_ = 1;
  Duration reach_{};
  std::vector<Session*> touched_;
};

}  // namespace weir::inline v0::detail

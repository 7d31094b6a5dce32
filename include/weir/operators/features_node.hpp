#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include <weir/aggregate/feature.hpp>
#include <weir/flow/batch.hpp>
#include <weir/flow/node.hpp>
#include <weir/flow/node_archive.hpp>
#include <weir/flow/stream.hpp>
#include <weir/operators/features_spec.hpp>
#include <weir/operators/readable.hpp>
#include <weir/operators/rolling_groups.hpp>
#include <weir/operators/row_emitter.hpp>
#include <weir/operators/window_specs.hpp>
#include <weir/state/deadline_queue.hpp>
#include <weir/state/record_log.hpp>
#include <weir/window/rolling.hpp>

namespace weir::inline v0::detail {

/// Keeps rolling windows and computes rows of them when asked.
///
/// Order:   gives no rows by itself
/// Late:    applied wherever a window can still have them, also behind the watermark; reported once with hits and misses if
///          some window cannot
/// Keeps:   per key the panes of each precision, and the records that are younger than the watermark less `time_travel`, than
///          the longest exact window, or among the last that some window asks for; until nothing came for `retain`
template <class KeyType, class Record, class Row, class Derivations, class... Groups>
class FeaturesNode final : public Node, public Readable<KeyType, Row> {
  using Logs = RecordLogs<Record>;
  using AllGroups = RollingGroups<Record, Groups...>;
  static constexpr std::size_t window_count = AllGroups::windows;
  static constexpr std::size_t feature_count = AllGroups::features;
  static_assert(feature_count <= 64,
                "weir: a row takes at most 64 features; split it over two features<Row>() calls");
  static_assert(window_count <= most_row_windows,
                "weir: a row takes at most 16 windows; split it over two features<Row>() calls");
  using KeyState = RollingKey<Record, Groups...>;
  using Read = RollingRead<Record>;

 public:
  static constexpr bool values_own_memory = !(std::is_trivially_copyable_v<typename Groups::State> && ...);
  FeaturesNode(FeaturesSpec spec, Derivations derivations, const KeyDictionary<KeyType>& dictionary,
               typename Groups::Blueprint... blueprints)
      : Node(spec.name, "features"),
        spec_(std::move(spec)),
        derivations_(std::move(derivations)),
        dictionary_(&dictionary),
        groups_(std::move(blueprints)...),
        retain_(retained(spec_, groups_.plans())),
        expiries_(retain_ / 16) {
    for (const RollingPlan* plan : groups_.plans()) {
      record_span_ = std::max(record_span_, plan->record_span());
      record_count_ = std::max(record_count_, plan->record_count());
      for (const RollingWindow& window : plan->windows()) has_including_ |= window.asking == Asking::included;
    }
    pace_ = RollingPace(groups_.plans(), retain_);
    this->set_definition(spec_.definition);
  }
  FeaturesNode(const FeaturesNode&) = delete;
  FeaturesNode& operator=(const FeaturesNode&) = delete;
  ~FeaturesNode() override {
    for (Slot slot = 0; slot < keys_.size(); ++slot) forget(keys_[slot]);
  }

  [[nodiscard]] Outbox<Late<Record>>& late() noexcept { return late_; }
  void check(Problems& problems) const override { check_features(problems, spec_, groups_.plans()); }

  void describe(Description& out) const override {
    out.duration("retain", retain_);
    out.duration("time_travel", spec_.time_travel);
    std::int64_t number = 0;
    out.begin_list("rolling");
    groups_.describe(out, number);
    out.end();
    out.begin_list("derived");
    std::apply([&](const auto&... one) { (one.describe(out, number), ...); }, derivations_);
    out.end();
  }
  void describe_reach(Description& out) const override { describe_complete_from(out, spec_.complete_from); }

  void take(const Batch<Record>& batch) {
    stats().ingested += batch.size;
    grow();
    const EventTime settled = settled_at(watermark());
    for (std::size_t i = 0; i < batch.size; ++i) {
      prefetch(batch, i);
      apply(batch.slots[i], batch.records[i], batch.times[i], settled);
    }
    late_.flush();
  }

  void advance(EventTime to) override {
    pace_.adapt(stats().ingested);
    if (retain_ == for_ever) return;
    const EventTime settled = settled_at(to);
    expiries_.drain(
        settled,
        [this](Slot slot) {
          KeyState& key = keys_[slot];
          if (key.newest == no_time) key.is_armed = false;  // erased: the queue drops it
          return deadline(key);
        },
        [this, settled](EventTime, Slot slot) {
          keys_[slot].is_armed = false;
          if (begins_anew(keys_[slot].newest, settled)) let_go(slot);
        },
        [this](Slot slot, bool) { prefetch_lines(keys_[slot]); });
  }
  /// Rows do not depend on when records go into panes and keys are forgotten, but memory does. A late record is judged by the
  /// watermark itself, of which every source but its own may be ahead.
  [[nodiscard]] EventTime horizon() const override {
    return later(watermark(), this->is_joined() ? Duration{1} : pace_.duration());
  }
  [[nodiscard]] bool holds(std::uint32_t slot) const override {
    return slot < keys_.size() && keys_[slot].newest != no_time;
  }
  [[nodiscard]] KeptState kept() const override {
    KeptState kept = kept_as<Record, typename Groups::State...>(KeptState::Kind::by_key);
    kept.is_archivable = is_archivable;
    return kept;
  }
  void archive(NodeArchive& out) override {
    out.sum(late_.counter());
    for (FeatureCounts& counts : counts_) out.sum(counts.missing, counts.nan);  // overflows are of reads
    out.most(newest_, version_);
    KeptKeys& keys = out.keys(dictionary_);
    if (out.is_loading()) grow();
    out.each_group([&](Archive& archive, std::size_t group) {
      if constexpr (is_archivable) {
        for (const Slot slot : keys.of(group)) archive_key(archive, slot);
      }
    });
  }
  void forget(std::span<const Slot> slots) override {
    for (const Slot slot : slots) {
      if (holds(slot)) let_go(slot);
    }
    expire_anew();
  }
  void refresh(OperatorStats& stats) const override {
    stats.emitted = late_.pushed();
    stats.state_bytes =
        keys_.size_bytes() + logs_.size_bytes() + expiries_.size_bytes() + groups_.size_bytes();
    report_counts(stats, counts_.data(), feature_count);
  }
  [[nodiscard]] std::uint64_t live_windows() const override {
    std::uint64_t live = 0;
    for (Slot slot = 0; slot < keys_.size(); ++slot) live += holds(slot) ? 1U : 0U;
    return live;
  }

  [[nodiscard]] std::size_t windows() const override { return window_count; }
  [[nodiscard]] bool hold(EventTime from) override {
    held_ = from;
    return true;
  }
  [[nodiscard]] EventTime read_watermark() const override { return watermark(); }
  [[nodiscard]] EventTime known_until() const override { return std::max(last_watermark(), known_end()); }
  void know(EventTime until) override { newest_ = std::max(newest_, earlier(until, Duration{1})); }

  [[nodiscard]] Slot find(KeyView<KeyType> key) const override {
    const Slot slot = dictionary_->find(key);
    return slot != no_slot && holds(slot) ? slot : no_slot;
  }
  void find_all(std::span<const BatchKey<KeyType>> keys, Slot* slots) const override {
    dictionary_->find(
        keys.size(), [&keys](std::size_t i) -> const BatchKey<KeyType>& { return keys[i]; }, slots);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (slots[i] < keys_.size()) prefetch_for_read(&keys_[slots[i]]);
    }
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (!holds(slots[i])) slots[i] = no_slot;
    }
  }
  void prefetch(Slot slot) const override {
    if (slot != no_slot) prefetch_object(&keys_[slot], sizeof(KeyState));
  }
  void prefetch_more(Slot slot) const override {
    if (slot == no_slot) return;
    Logs::prefetch_ring(keys_[slot].log);
    AllGroups::prefetch_read(keys_[slot].panes);
  }
  [[nodiscard]] const StoredKey<KeyType>* key_of(Slot slot) const override {
    return holds(slot) ? &dictionary_->key(slot) : nullptr;
  }
  void read_slot(Slot slot, EventTime as_of, Reading<Row>& out) override {
    const OwnedMemory::Scope memory(this->value_memory());  // reads may keep what they have merged
    KeyState& state = slot != no_slot ? keys_[slot] : nobody_;
    const EventTime settled = settled_at(watermark());
    settle(state, settled);  // as its next record would
    if (state.unsettled > record_count_) trim(state, settled);
    logs_.sort(state.log);
    out.row = Row{};
    out.is_whole = true;
    out.overflowed = 0;
    out.event_time = no_time;
    out.known_until = known_until();
    bool sees_any = false;
    for (const Asking asking : {Asking::excluded, Asking::included}) {
      if (asking == Asking::included && !has_including_) continue;
      const Read read = read_of(state, as_of, asking, out.event_time, sees_any);
      out.is_whole &= groups_.read(state.panes, asking, read, out);
    }
    out.is_there = sees_any;
    out.version = sees_any ? state.version : 0;
    for (std::size_t i = 0; i < feature_count; ++i) counts_[i].overflowed += out.overflowed >> i & 1U;
    for (std::size_t i = 0; i < window_count; ++i) {
      if (out.covered[i].start < spec_.complete_from) out.is_whole = false;
    }
    std::apply([&](const auto&... derivation) { (derivation(out.row), ...); }, derivations_);
  }

  bool erase(KeyView<KeyType> key) override {
    const OwnedMemory::Scope memory(this->value_memory());
    const Slot slot = find(key);
    if (slot != no_slot) let_go(slot);
    return slot != no_slot;
  }

 private:
  static constexpr bool is_archivable = Archivable<Record> && std::is_default_constructible_v<Record> &&
                                        (Archivable<typename Groups::State> && ...);
  static constexpr std::size_t ahead = 16;  // records between asking for a key's state and using it
  static constexpr std::size_t near_bytes = std::size_t{256} << 10;  // below, prefetching wins nothing
  static constexpr std::size_t head_bytes = sizeof(KeyState) - sizeof(typename AllGroups::Panes);

  void grow() {
    keys_.grow(dictionary_->slot_bound());
    is_far_ = keys_.size() * sizeof(KeyState) > near_bytes;
  }
  /// Records before this are in panes. The end of the stream is behind its newest record, so that what is known then can be
  /// read for ever.
  [[nodiscard]] EventTime settled_at(EventTime watermark) const {
    return std::min(held_, earlier(watermark == end_of_time ? known_until() : watermark, spec_.time_travel));
  }
  [[nodiscard]] EventTime known_end() const {
    return newest_ == no_time ? no_time : later(newest_, Duration{1});
  }
  [[nodiscard]] EventTime deadline(const KeyState& key) const {
    return key.newest == no_time ? no_time : later(key.newest, retain_);
  }
  /// Asks for what a record touches: the head of its key's state with the finest open panes, then what follows from those.
  void prefetch(const Batch<Record>& batch, std::size_t at) {
    if (!is_far_) return;
    if (const std::size_t far = at + ahead; far < batch.size) {
      const KeyState& key = keys_[batch.slots[far]];
      prefetch_object(&key, head_bytes);
      AllGroups::prefetch_open(key.panes);
    }
    if (const std::size_t near = at + ahead / 2; near < batch.size) {
      const KeyState& key = keys_[batch.slots[near]];
      Logs::prefetch_ring(key.log);
      groups_.prefetch_close(key.panes, key.newest);
    }
  }

  void apply(Slot slot, const Record& record, EventTime at, EventTime settled) {
    if (!groups_.accepts(record)) {
      ++stats().rejected;
      return;
    }
    KeyState& key = keys_[slot];
    if (at < settled) return apply_late(slot, key, record, at, settled);
    groups_.tally(record, counts_.data());
    logs_.append(key.log, at, record);
    ++stats().applied;
    note(slot, key, at);
    settle(key, settled);
  }
  void note(Slot slot, KeyState& key, EventTime at) {
    this->touch(slot);
    newest_ = std::max(newest_, at);
    key.version = ++version_;
    key.newest = std::max(key.newest, at);
    if (!key.is_armed) arm(slot, key);
  }
  /// Lets the key be forgotten when its time has come.
  void arm(Slot slot, KeyState& key) {
    if (retain_ == for_ever) return;
    expiries_.arm(deadline(key), slot);
    key.is_armed = true;
  }
  /// Lets no entry of the queue outlive its key: another one could wait for it.
  void expire_anew() {
    expiries_.clear();
    for (Slot slot = 0; slot < keys_.size(); ++slot) {
      keys_[slot].is_armed = false;
      if (holds(slot)) arm(slot, keys_[slot]);
    }
  }
  /// A record that lies in panes, which reads at this watermark have as a whole.
  [[gnu::noinline]] void apply_late(Slot slot, KeyState& key, const Record& record, EventTime at,
                                    EventTime settled) {
    settle(key, settled);
    if (begins_anew(key.settled, settled)) start_anew(key);
    auto [hit, missed] = groups_.judge(at, settled);
    if (begins_anew(at, key.oldest)) missed += std::exchange(hit, 0);  // of a time that was forgotten
    count_judged(stats(), hit, missed);
    if (missed > 0 && late_.is_connected()) {
      late_.push(Late<Record>{.record = record,
                              .time = at,
                              .windows_hit = hit,
                              .windows_missed = missed,
                              .watermark = watermark()},
                 at);
    }
    if (hit == 0) return;
    groups_.tally(record, counts_.data());
    const bool is_newest = key.settled == no_time || at >= key.settled;
    if (is_newest && begins_anew(key.settled, at)) start_anew(key);
    logs_.insert(key.log, at, record);
    ++key.unsettled;
    if (is_newest) {
      add(key, record, at, settled);
    } else {
      add_late(key, record, at, settled);
    }
    note(slot, key, at);
    trim(key, settled);
  }
  /// Moves the records before `settled` into panes, in the order of their times.
  void settle(KeyState& key, EventTime settled) {
    const std::uint32_t before = key.unsettled;
    if (key.log.least_unsorted() < settled) [[unlikely]] { logs_.sort(key.log); }
    while (key.unsettled < key.log.size() && Logs::item(key.log, key.unsettled).at < settled) {
      const auto& item = Logs::item(key.log, key.unsettled);
      if (begins_anew(key.settled, item.at)) start_anew(key);
      add(key, item.record, item.at, settled);
      ++key.unsettled;
    }
    if (key.unsettled != before) trim(key, settled);
  }
  /// Whether nothing is left of a key at a record, because there was none for as long as it is retained.
  [[nodiscard]] bool begins_anew(EventTime last, EventTime at) const {
    return last != no_time && at != no_time && retain_ != for_ever && between(last, at) >= retain_;
  }
  void start_anew(KeyState& key) {
    groups_.clear(key.panes);
    for (; key.unsettled > 0; --key.unsettled) logs_.drop_first(key.log);
    key.oldest = no_time;
    key.settled = no_time;
  }
  void trim(KeyState& key, EventTime settled) {
    const EventTime kept = earlier(settled, record_span_);
    while (key.unsettled > record_count_ && Logs::item(key.log, 0).at < kept) {
      logs_.drop_first(key.log);
      --key.unsettled;
    }
    logs_.shrink(key.log);
  }
  void archive_key(Archive& archive, Slot slot) requires(is_archivable) {
    bool is_there = holds(slot);
    archive(is_there);
    if (!is_there || !archive.is_good()) return;
    KeyState& key = keys_[slot];
    key.archive(archive, logs_, groups_);
    if (!archive.is_loading() || !archive.is_good()) return;
    this->touch(slot);
    arm(slot, key);
  }
  void forget(KeyState& key) noexcept {
    if (key.newest == no_time) return;
    groups_.clear(key.panes);
    logs_.release(key.log);
    const bool is_armed = key.is_armed;
    key = KeyState{};
    key.is_armed = is_armed;
  }
  /// The same of a key of which something is kept; views hear of it.
  void let_go(Slot slot) {
    this->drop(dictionary_->key(slot));
    forget(keys_[slot]);
  }

  /// What a read sees of a key.
  Read read_of(const KeyState& key, EventTime as_of, Asking asking, EventTime& event_time,
               bool& sees_any) const {
    const EventTime settled = settled_at(watermark());
    const EventTime end = asking == Asking::included ? later(as_of, Duration{1}) : as_of;
    Read read{.log = &key.log,
              .unsettled = key.unsettled,
              .as_of = as_of,
              .settled = settled,
              .end = std::max(end, settled)};
    EventTime last = key.settled;
    const auto come_to = [&](EventTime next, std::uint32_t at) {
      if (!begins_anew(last, next)) return;
      read.first = at;
      read.has_panes = false;
      last = no_time;
    };
    std::uint32_t at = key.unsettled;
    for (; at < key.log.size() && Logs::item(key.log, at).at < read.end; ++at) {
      come_to(Logs::item(key.log, at).at, at);
      last = Logs::item(key.log, at).at;
    }
    come_to(std::max(settled, as_of), at);
    if (last != no_time) {
      sees_any = true;
      if (last < end) event_time = std::max(event_time, last);
    }
    return read;
  }
  void add(KeyState& key, const Record& record, EventTime at, EventTime settled) {
    groups_.add(key.panes, record, at, settled);
    if (key.oldest == no_time) key.oldest = at;
    key.settled = at;
  }
  void add_late(KeyState& key, const Record& record, EventTime at, EventTime settled) {
    groups_.add_late(key.panes, record, at, settled);
    key.oldest = std::min(key.oldest, at);
  }

  FeaturesSpec spec_;
  Derivations derivations_;
  const KeyDictionary<KeyType>* dictionary_;
  AllGroups groups_;
  Duration retain_;
  Duration record_span_{};
  std::size_t record_count_ = 0;
  bool has_including_ = false;
  bool is_far_ = false;  // states fill more than the near caches, so that prefetching pays
  RollingPace pace_;
  EventTime newest_ = no_time;
  std::uint64_t version_ = 0;
  EventTime held_ = end_of_time;  // nothing from here on is settled
  Column<KeyState> keys_;
  Logs logs_;
  DeadlineQueue<Slot> expiries_;
  Outbox<Late<Record>> late_;
  std::array<FeatureCounts, feature_count> counts_{};
  KeyState nobody_;
};

}  // namespace weir::inline v0::detail

#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

#include <weir/flow/batch.hpp>
#include <weir/flow/node.hpp>
#include <weir/flow/node_archive.hpp>
#include <weir/flow/stream.hpp>
#include <weir/operators/readable.hpp>
#include <weir/state/deadline_queue.hpp>
#include <weir/state/key_dictionary.hpp>
#include <weir/state/record_log.hpp>
#include <weir/window/window.hpp>

namespace weir::inline v0 {

/// Options of `latest`.
struct LatestSpec {
  std::string name;
  /// A label of yours for what functions before it compute; see `FeaturesSpec`.
  std::string definition = {};
  /// A key's rows are forgotten when the watermark is so far behind the end of its newest window.
  Duration retain{};
  /// Windows that are kept of a key when they have ended: what a read in the past can go back to.
  std::uint32_t versions = 1;
  /// Reads also see a window that has not ended, as it was emitted last; for windows that emit before their end, such as with
  /// `emit_when(on_update(), on_close())`.
  bool open = false;
  /// Keys at one time; rows of further keys are rejected and counted.
  std::size_t most_keys = std::size_t{1} << 24;
};

namespace detail {

void check_latest(Problems& problems, const LatestSpec& spec);

/// Keeps the newest rows of each key. See `latest`.
template <class KeyType, class Row>
class LatestNode final : public Node, public Readable<KeyType, Row> {
  using In = Windowed<KeyType, Row>;
  struct Version {
    EventTime start;
    EventTime known_until;  // behind the last instant that the row can know of
    Row row;
    std::uint64_t overflowed;
  };
  using Versions = RecordLogs<Version>;  // by the end of their windows
  struct Kept {
    typename Versions::Log versions;
    std::uint64_t count = 0;        // of the rows that came
    bool is_armed = false;          // the slot waits among the expiries
    EventTime waits_for = no_time;  // the end of a window
  };

 public:
  LatestNode(LatestSpec spec, HashSeed seed)
      : Node(spec.name, "latest"),
        spec_(std::move(spec)),
        dictionary_(seed, spec_.most_keys),
        expiries_(std::max(spec_.retain, Duration{0}) / 16),
        ends_(std::clamp(Duration{spec_.retain / 1024}, Duration{0}, Duration{1'000'000})) {
    this->set_definition(spec_.definition);
  }
  LatestNode(const LatestNode&) = delete;
  LatestNode& operator=(const LatestNode&) = delete;
  ~LatestNode() override {
    for (Slot slot = 0; slot < kept_.size(); ++slot) versions_.release(kept_[slot].versions);
  }

  void check(Problems& problems) const override { check_latest(problems, spec_); }

  void describe(Description& out) const override {
    out.duration("retain", spec_.retain);
    if (spec_.open) out.flag("open", true);
  }
  void describe_reach(Description& out) const override { out.number("versions", spec_.versions); }

  void take(const Batch<In>& batch) {
    if (dictionary_.size() == dictionary_.most_keys()) [[unlikely]] {
      dictionary_.reclaim(KeyDictionary<KeyType>::batch_limit, [this](Slot slot) { return holds(slot); });
    }
    stats().ingested += batch.size;
    for (std::size_t i = 0; i < batch.size; ++i) take_row(batch.records[i]);
    if (dictionary_.has_new_keys()) ask_for_rest();
  }
  void rest() override {
    dictionary_.sweep([this](Slot slot) { return holds(slot); });
  }
  void advance(EventTime to) override {
    ends_.advance(
        to, [this](Slot slot) { return kept_[slot].waits_for; },
        [this](EventTime end, Slot slot) {
          kept_[slot].waits_for = no_time;
          newest_ = std::max(newest_, end);
          this->touch(slot);
          wait_for_end(slot, end);
        });
    if (spec_.retain == for_ever) return;
    expiries_.drain(
        to == end_of_time ? known_until() : to,
        [this](Slot slot) {
          if (kept_[slot].versions.size() == 0) kept_[slot].is_armed = false;  // erased: the queue drops it
          return deadline(slot);
        },
        [this](EventTime, Slot slot) {
          kept_[slot].is_armed = false;
          if (holds(slot)) forget(slot);
        });
  }
  [[nodiscard]] EventTime horizon() const override {
    return std::min(ends_.earliest(), later(watermark(), std::max(Duration{1}, Duration{spec_.retain / 16})));
  }
  [[nodiscard]] bool holds(std::uint32_t slot) const override {
    return slot < kept_.size() && kept_[slot].versions.size() > 0;
  }
  [[nodiscard]] KeptState kept() const override {
    return kept_as<StoredKey<KeyType>, Version>(KeptState::Kind::own_keys);
  }
  void archive(NodeArchive& out) override {
    out.most(newest_);
    archive_keys(
        out, dictionary_, [this](Slot slot) { return holds(slot); },
        [this, &out](Archive& archive, std::size_t group) {
          kept_.grow(dictionary_.slot_bound());
          if constexpr (Archivable<Version>) {
            for (const Slot slot : out.keys(&dictionary_).of(group)) archive_key(archive, slot);
          }
        });
  }
  void forget(std::span<const Slot> slots) override {
    for (const Slot slot : slots) {
      if (holds(slot)) forget(slot);
      dictionary_.erase(slot);
    }
    wait_anew();
  }
  void refresh(OperatorStats& stats) const override {
    stats.keys = dictionary_.size();
    stats.state_bytes = dictionary_.size_bytes() + kept_.size_bytes() + versions_.size_bytes() +
                        expiries_.size_bytes() + ends_.size_bytes();
  }

  [[nodiscard]] std::size_t windows() const override { return 1; }
  [[nodiscard]] EventTime known_until() const override { return std::max(last_watermark(), newest_); }
  void know(EventTime until) override { newest_ = std::max(newest_, until); }
  [[nodiscard]] EventTime read_watermark() const override { return watermark(); }

  [[nodiscard]] Slot find(KeyView<KeyType> key) const override {
    const Slot slot = dictionary_.find(key);
    return slot != no_slot && holds(slot) ? slot : no_slot;
  }
  [[nodiscard]] const StoredKey<KeyType>* key_of(Slot slot) const override {
    return holds(slot) ? &dictionary_.key(slot) : nullptr;
  }
  /// The newest window that has ended, at or before `as_of`; with `open` the newest one that began before it.
  void read_slot(Slot slot, EventTime as_of, Reading<Row>& out) override {
    out = {.known_until = known_until(), .covered = out.covered};
    out.covered[0] = {as_of, as_of};
    if (slot == no_slot) return;
    const Kept& kept = kept_[slot];
    const std::uint32_t behind = seen(kept.versions, as_of);
    if (behind == 0) {
      out.is_there = true;
      out.is_whole = false;  // older than what is kept
      return;
    }
    const auto& version = Versions::item(kept.versions, behind - 1);
    if (spec_.retain != for_ever && between(version.at, as_of) >= spec_.retain) return;
    const EventTime known = known_until(version);
    out.row = version.record.row;
    out.is_there = true;
    out.is_whole = known <= as_of;  // else it has records that are not in the past
    out.event_time = earlier(known, Duration{1});
    out.known_until = known;
    out.overflowed = version.record.overflowed;
    out.version = kept.count;
    out.covered[0] = {version.record.start, known};
  }
  bool erase(KeyView<KeyType> key) override {
    const Slot slot = find(key);
    if (slot == no_slot) return false;
    forget(slot);
    return true;
  }

 private:
  using Log = typename Versions::Log;
  using Item = typename Versions::Item;

  void archive_key(Archive& archive, Slot slot) requires(Archivable<Version>) {
    Kept& kept = kept_[slot];
    archive(kept.count);
    versions_.archive(archive, kept.versions);
    if (!archive.is_loading() || !archive.is_good()) return;
    if (kept.versions.size() == 0) return archive.fail("a key has no row");
    this->touch(slot);
    wait_for_end(slot, watermark());
    if (spec_.retain == for_ever) return;
    expiries_.arm(deadline(slot), slot);
    kept.is_armed = true;
  }
  /// Behind the last instant that a row can know of. Of a window that has ended the last row says all.
  [[nodiscard]] EventTime known_until(const Item& version) const {
    return version.at <= watermark() ? version.at : version.record.known_until;
  }
  [[nodiscard]] bool is_open(const Item& version) const { return known_until(version) < version.at; }
  /// How many versions lie before what a read does not see.
  [[nodiscard]] std::uint32_t seen(const Log& versions, EventTime as_of) const {
    std::uint32_t behind = Versions::lower_bound(versions, later(as_of, Duration{1}));
    if (!spec_.open) {
      while (behind > 0 && is_open(Versions::item(versions, behind - 1))) --behind;
      return behind;
    }
    while (behind < versions.size() && Versions::item(versions, behind).record.start < as_of) ++behind;
    return behind;
  }
  void take_row(const In& row) {
    const Slot slot = dictionary_.intern(row.key);
    if (slot == no_slot) {
      ++stats().rejected;
      ++stats().over_key_limit;
      return;
    }
    ++stats().applied;
    kept_.grow(std::size_t{slot} + 1);
    Kept& kept = kept_[slot];
    ++kept.count;
    const bool is_early = row.pane.timing == Timing::early;
    const Version version{
        .start = row.window.start,
        .known_until = is_early ? std::min(row.window.end, later(row.as_of, Duration{1})) : row.window.end,
        .row = row.value,
        .overflowed = row.overflowed};
    newest_ = std::max(newest_, version.known_until);
    drop_outgrown(kept.versions, row.window);
    const bool was_there = replace(kept.versions, row, version);
    if (!was_there && !row.pane.is_retraction) add(kept.versions, row.window.end, version);
    if (was_there && kept.versions.size() == 0) {
      this->drop(dictionary_.key(slot));
    } else {
      this->touch(slot);
    }
    wait_for_end(slot, watermark());
    if (kept.is_armed || spec_.retain == for_ever || kept.versions.size() == 0) return;
    expiries_.arm(deadline(slot), slot);
    kept.is_armed = true;
  }
  /// Puts a row in the place of its window's last one, or takes that back. False if it is the window's first.
  bool replace(Log& versions, const In& row, const Version& version) {
    std::uint32_t at = Versions::lower_bound(versions, row.window.end);
    while (at < versions.size() && Versions::item(versions, at).at == row.window.end &&
           Versions::item(versions, at).record.start != row.window.start)
      ++at;
    if (at == versions.size() || Versions::item(versions, at).at != row.window.end) return false;
    if (row.pane.is_retraction) {
      versions_.erase(versions, at);
    } else {
      Versions::item(versions, at).record = version;
    }
    return true;
  }
  void add(Log& versions, EventTime end, const Version& version) {
    versions_.insert(versions, end, version);
    std::uint32_t ended = Versions::lower_bound(versions, later(std::max(newest_, watermark()), Duration{1}));
    for (; ended > spec_.versions; --ended) versions_.drop_first(versions);
  }
  /// A session's window grows: what was kept of it under an earlier end goes.
  void drop_outgrown(Log& versions, const Window& window) {
    for (std::uint32_t at = versions.size(); at > 0 && is_open(Versions::item(versions, at - 1)); --at) {
      const Item& version = Versions::item(versions, at - 1);
      if (version.record.start == window.start && version.at != window.end) versions_.erase(versions, at - 1);
    }
  }
  /// The first end of a window that is open, behind an instant; `no_time` if there is none.
  [[nodiscard]] EventTime next_end(Slot slot, EventTime behind) const {
    const Log& versions = kept_[slot].versions;
    for (std::uint32_t at = Versions::lower_bound(versions, later(behind, Duration{1})); at < versions.size();
         ++at) {
      if (is_open(Versions::item(versions, at))) return Versions::item(versions, at).at;
    }
    return no_time;
  }
  /// Rows of a window that is open become those of one that has ended without another record.
  void wait_for_end(Slot slot, EventTime behind) {
    const EventTime end = next_end(slot, behind);
    EventTime& waits_for = kept_[slot].waits_for;
    if (end == no_time || (waits_for != no_time && waits_for <= end)) return;
    ends_.arm(end, slot);
    waits_for = end;
  }
  /// Lets no entry of a queue outlive its key: another one could wait for it.
  void wait_anew() {
    expiries_.clear();
    ends_.clear();
    for (Slot slot = 0; slot < kept_.size(); ++slot) {
      Kept& kept = kept_[slot];
      if (kept.waits_for != no_time) ends_.arm(kept.waits_for, slot);
      kept.is_armed = spec_.retain != for_ever && holds(slot);
      if (kept.is_armed) expiries_.arm(deadline(slot), slot);
    }
  }
  [[nodiscard]] EventTime deadline(Slot slot) const {
    const Log& versions = kept_[slot].versions;
    return versions.size() == 0 ? no_time
                                : later(Versions::item(versions, versions.size() - 1).at, spec_.retain);
  }
  void forget(Slot slot) {
    this->drop(dictionary_.key(slot));
    versions_.release(kept_[slot].versions);
    kept_[slot].count = 0;
    kept_[slot].waits_for = no_time;
  }

  LatestSpec spec_;
  KeyDictionary<KeyType> dictionary_;
  EventTime newest_ = no_time;  // that a row can know of
  Column<Kept> kept_;
  Versions versions_;
  DeadlineQueue<Slot> expiries_;
  DeadlineQueue<Slot> ends_;  // of windows that are open
};

template <class RecordType>
struct WindowedOf;
template <class KeyT, class RowT>
struct WindowedOf<Windowed<KeyT, RowT>> {
  using KeyType = KeyT;
  using Row = RowT;
};
template <class Handle>
inline constexpr bool gives_windows = is_stream<Handle>&& requires {
  typename WindowedOf<typename Handle::Record>::Row;
};

}  // namespace detail

/// The newest rows of windows, to be read by key: put `view` behind it.
template <class KeyT, class RowT>
class LatestRows {
 public:
  using weir_handle = void;
  static constexpr std::size_t windows = 1;
  using KeyType = KeyT;
  using Row = RowT;

  LatestRows(Wiring& wiring, detail::LatestNode<KeyType, Row>& node) : wiring_(&wiring), node_(&node) {}

  [[nodiscard]] Wiring& wiring() const noexcept { return *wiring_; }
  [[nodiscard]] Node& node() const noexcept { return *node_; }
  [[nodiscard]] detail::Readable<KeyType, Row>& rows() const noexcept { return *node_; }

 private:
  Wiring* wiring_;
  detail::LatestNode<KeyType, Row>* node_;
};

/// Keeps the newest rows of a stream of windows. See `latest`.
struct Latest {
  template <class Handle>
  static constexpr bool accepts = detail::gives_windows<Handle>;

  LatestSpec spec;

  template <class Handle>
  auto attach(const Handle& handle) && {
    using Parts = detail::WindowedOf<typename Handle::Record>;
    using Added = detail::LatestNode<typename Parts::KeyType, typename Parts::Row>;
    auto& node = handle.template feed<Added>(std::move(spec), handle.wiring().hash_seed());
    return LatestRows<typename Parts::KeyType, typename Parts::Row>(handle.wiring(), node);
  }
};

/// Keeps the newest rows of each key's windows: `velocity | latest({.name = "newest", .retain = 24h}) | view("velocity")`.
///
/// Order:   a window's later rows take the place of its earlier ones, retractions take them back
/// Late:    a row of an older window goes where its end belongs, if so many versions are kept
/// Keeps:   per key its last `versions` windows by their ends, until the watermark is `retain` behind the newest
/// Errors:  rows of new keys above `most_keys` are rejected and counted
[[nodiscard]] inline Latest latest(LatestSpec spec) { return {std::move(spec)}; }

}  // namespace weir::inline v0

#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include <weir/base/assert.hpp>
#include <weir/base/hash.hpp>
#include <weir/operators/changed_keys.hpp>
#include <weir/operators/readable.hpp>
#include <weir/state/column.hpp>
#include <weir/state/key.hpp>
#include <weir/time/instant.hpp>
#include <weir/view/lookup.hpp>
#include <weir/view/published_map.hpp>
#include <weir/view/reader.hpp>
#include <weir/view/view_spec.hpp>
#include <weir/window/window.hpp>

/// \file
/// How a view gives its rows to readers on other threads.

namespace weir::inline v0::detail {

/// Slots in the order in which their rows were published last.
///
/// Time:    all calls 1
/// Memory:  16 bytes per slot
class PublicationOrder {
 public:
  /// Puts a slot behind all others.
  void put_last(Slot slot, EventTime at);
  /// Takes a slot out, if it is in.
  void take_out(Slot slot) noexcept;
  /// The slot that was put last the longest time ago; `no_slot` if there is none.
  [[nodiscard]] Slot first() const noexcept { return first_; }
  /// When the row of a slot that is in was published.
  [[nodiscard]] EventTime at(Slot slot) const noexcept { return places_[slot].at; }
  [[nodiscard]] std::size_t size_bytes() const noexcept { return places_.size_bytes(); }

 private:
  struct Place {
    Slot before = no_slot;
    Slot behind = no_slot;
    EventTime at = no_time;  // of a slot that is not in
  };
  Column<Place> places_;
  Slot first_ = no_slot;
  Slot last_ = no_slot;
};

/// A row of so many windows as it is published.
template <class Row, std::size_t windows>
struct PublishedRow {
  Row value;
  EventTime as_of;
  EventTime event_time;
  EventTime known_until;
  std::optional<WallTime> computed_at;
  std::uint64_t version;
  std::uint64_t overflowed;
  std::array<Window, windows> covered;
  ReadStatus status;  // fresh, incomplete or quarantined

  void copy_to(Lookup<Row>& out) const {
    out.value = value;
    out.status = status;
    out.as_of = as_of;
    out.event_time = event_time;
    out.known_until = known_until;
    out.computed_at = computed_at;
    out.version = version;
    out.overflowed = overflowed;
    std::copy_n(covered.begin(), windows, out.windows.begin());
    out.window_count = windows;
  }
};

/// The rows of a published map, for one reader.
template <class KeyType, class Row, std::size_t windows>
class MapSource final : public RowSource<KeyType, Row> {
  using Published = PublishedRow<Row, windows>;

 public:
  explicit MapSource(PublishedReader<KeyType, Published> reader) : reader_(std::move(reader)) {}

  void read(KeyView<KeyType> key, Lookup<Row>& out) const override {
    const ReadOutcome outcome =
        reader_.read_in_place(key, [&out](const Published& row) { row.copy_to(out); });
    if (outcome != ReadOutcome::found) out.status = status_of(outcome);
  }
  void read_all(std::span<const BatchKey<KeyType>> keys, Lookup<Row>* out) const override {
    const ReadOutcome outcome = reader_.read_all(keys, [out](std::size_t i, const Published* row) {
      if (row == nullptr) {
        out[i].status = ReadStatus::missing;
      } else {
        row->copy_to(out[i]);
      }
    });
    if (outcome != ReadOutcome::closed) return;
    for (std::size_t i = 0; i < keys.size(); ++i) out[i].status = ReadStatus::closed;
  }

 private:
  static ReadStatus status_of(ReadOutcome outcome) noexcept {
    return outcome == ReadOutcome::closed ? ReadStatus::closed : ReadStatus::missing;
  }
  PublishedReader<KeyType, Published> reader_;
};

/// The part of a publisher that the view's node knows.
class PublisherBase {
 public:
  explicit PublisherBase(const PublishSpec& spec) : spec_(spec) {}
  PublisherBase(const PublisherBase&) = delete;
  PublisherBase& operator=(const PublisherBase&) = delete;
  virtual ~PublisherBase() = default;

  /// Publishes what changed since the last call.
  virtual void publish(const std::optional<WallTime>& now) = 0;
  [[nodiscard]] virtual std::size_t size_bytes() const = 0;
  [[nodiscard]] const PublishSpec& spec() const noexcept { return spec_; }

 private:
  PublishSpec spec_;
};

/// The part that the view's handle knows.
template <class KeyType, class Row>
class ViewPublisher : public PublisherBase {
 public:
  using PublisherBase::PublisherBase;
  /// One more reader.
  [[nodiscard]] virtual Reader<KeyType, Row> reader() = 0;
};

/// Publishes the rows of the keys that changed, at the end of each call of the host, and rows that became old, the oldest first.
///
/// Time:    a read of the operator and a publication per key that changed, and as many and 64 more of rows that became old
/// Memory:  a published row per key that has one; with a `refresh` 16 bytes per slot
template <class KeyType, class Row, std::size_t windows>
class Publisher final : public ViewPublisher<KeyType, Row> {
  using Published = PublishedRow<Row, windows>;

 public:
  Publisher(const PublishSpec& spec, const ViewSpec& view, std::uint64_t definition,
            const std::optional<Row>& fallback, const RowGate<Row>& gate, Readable<KeyType, Row>& rows,
            const Wiring& wiring)
      : ViewPublisher<KeyType, Row>(spec), gate_(&gate), rows_(&rows), map_(wiring.hash_seed()) {
    WEIR_ASSERT(rows.windows() == windows, "the rows of an operator have as many windows as its handle says");
    share_->spec = view;
    share_->definition = definition;
    share_->fallback = fallback;
    share_->is_refused = wiring.is_refused();
    rows.attach(changed_);
  }

  void publish(const std::optional<WallTime>& now) override {
    const Known known{.until = rows_->known_until(), .watermark = rows_->read_watermark(), .now = now};
    for (const StoredKey<KeyType>& key : changed_.dropped()) {
      if (rows_->find(key) == no_slot) map_.erase(key);
    }
    for (const Slot slot : changed_.touched()) put(slot, known);
    if (refreshes()) refresh(known, changed_.touched().size() + most_refreshed);
    changed_.clear();
    share_->known.store(known);  // after the rows: who knows this finds them
  }
  [[nodiscard]] std::size_t size_bytes() const override {
    return map_.size_bytes() + changed_.size_bytes() + order_.size_bytes() + sizeof(ViewShare<Row>);
  }
  [[nodiscard]] Reader<KeyType, Row> reader() override {
    std::array<Window, windows> covered{};
    Reading<Row> reading;
    reading.covered = covered.data();
    const EventTime instant = rows_->known_until();
    rows_->read_slot(no_slot, instant, reading);
    Nobody<Row> nobody{.row = std::move(reading.row), .windows = windows};
    for (const Window& window : covered) nobody.ahead = std::max(nobody.ahead, between(instant, window.end));
    return Reader<KeyType, Row>(share_, std::make_unique<MapSource<KeyType, Row, windows>>(map_.reader()),
                                std::move(nobody));
  }

 private:
  static constexpr std::size_t most_refreshed = 64;  // in one call, beside as many as changed

  [[nodiscard]] bool refreshes() const noexcept { return this->spec().refresh != for_ever; }
  /// Publishes the row of a slot, or takes it away if there is none as of now.
  void put(Slot slot, const Known& known) {
    const StoredKey<KeyType>* key = rows_->key_of(slot);
    if (key == nullptr) return order_.take_out(slot);
    std::array<Window, windows> covered{};
    Reading<Row> reading;
    reading.covered = covered.data();
    rows_->read_slot(slot, known.until, reading);
    const ReadStatus status = judge(reading, *gate_);
    if (status == ReadStatus::missing) {
      map_.erase(*key);
      return order_.take_out(slot);
    }
    // False only for keys whose hashes are all alike: who chooses such keys finds no rows of them.
    static_cast<void>(map_.publish(*key, Published{.value = std::move(reading.row),
                                                   .as_of = known.until,
                                                   .event_time = reading.event_time,
                                                   .known_until = reading.known_until,
                                                   .computed_at = known.now,
                                                   .version = reading.version,
                                                   .overflowed = reading.overflowed,
                                                   .covered = covered,
                                                   .status = status}));
    if (refreshes()) order_.put_last(slot, known.until);
  }
  void refresh(const Known& known, std::size_t most) {
    const EventTime due = earlier(known.until, this->spec().refresh);
    for (; most > 0 && order_.first() != no_slot && order_.at(order_.first()) <= due; --most)
      put(order_.first(), known);
  }

  const RowGate<Row>* gate_;
  Readable<KeyType, Row>* rows_;
  std::shared_ptr<ViewShare<Row>> share_ = std::make_shared<ViewShare<Row>>();
  ChangedKeys<KeyType> changed_;
  PublicationOrder order_;
  PublishedMap<KeyType, Published> map_;
};

}  // namespace weir::inline v0::detail

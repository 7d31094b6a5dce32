#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include <weir/aggregate/feature.hpp>
#include <weir/flow/batch.hpp>
#include <weir/flow/node_archive.hpp>
#include <weir/flow/stream.hpp>
#include <weir/state/slot_expiry.hpp>
#include <weir/window/window.hpp>

namespace weir::inline v0 {

/// Options of `dedup`.
struct DedupSpec {
  std::string name;
  /// A label of yours for what functions before it compute; see `FeaturesSpec`.
  std::string definition = {};
  /// An id is known until the watermark has passed the time of its first record by this much; with `Clock::wall` until the
  /// host's clock is so far behind its arrival.
  Duration within{};
  /// Records that are so far behind the watermark are judged still; at most `within`. Not for `Clock::wall`, which knows no late
  /// records.
  Duration grace{};
  Clock clock = Clock::event;
  /// Whether duplicates are counted from, too: an id that comes again and again is never forgotten.
  bool refresh = false;
  /// Ids that are known at one time; records of further ids are rejected and counted.
  std::size_t most_ids = std::size_t{1} << 24;
};

namespace detail {

void check_dedup(Problems& problems, const DedupSpec& spec);

/// A number for what projections read of a record; all of it without projections, as far as it can be written.
template <class Record, class... Projection>
class PayloadHash {
 public:
  explicit PayloadHash(Projection... projections) : projections_(std::move(projections)...) {}

  [[nodiscard]] std::uint64_t operator()(const Record& record) {
    if constexpr (sizeof...(Projection) > 0) {
      bytes_.clear();
      std::apply([&](const auto&... one) { (bytes_.write(project(one, record)), ...); }, projections_);
    } else if constexpr (Archivable<Record>) {
      bytes_.clear();
      bytes_.write(record);
    } else {
      return 0;
    }
    return XXH3_64bits(bytes_.written().data(), bytes_.written().size());
  }

 private:
  std::tuple<Projection...> projections_;
  Archive bytes_;
};

/// Passes the first record of each id. See `dedup`.
template <class IdType, class Record, class Projection, class... Payload>
class DedupNode final : public Node {
 public:
  DedupNode(DedupSpec spec, Projection projection, HashSeed seed, Payload... payload)
      : Node(spec.name, "dedup"),
        spec_(std::move(spec)),
        projection_(std::move(projection)),
        payload_(std::move(payload)...),
        ids_(seed, spec_.most_ids),
        known_(spec_.within, spec_.clock) {
    this->set_definition(spec_.definition);
  }

  [[nodiscard]] Port<Record>& port() noexcept { return port_; }
  [[nodiscard]] Outbox<Record>& duplicates() noexcept { return duplicates_; }
  [[nodiscard]] Outbox<Late<Record>>& late() noexcept { return late_; }

  void check(Problems& problems) const override { check_dedup(problems, spec_); }
  void describe(Description& out) const override {
    describe_read(out, "id", projection_name<Record>(projection_), type_word<IdType>);
    out.duration("within", spec_.within);
    if (spec_.grace != Duration::zero()) out.duration("grace", spec_.grace);
    if (known_.is_wall()) out.text("clock", "wall");
    if (spec_.refresh) out.flag("refresh", true);
  }

  void take(const Batch<Record>& batch) {
    find_slots(batch);
    stats().ingested += batch.size;
    std::size_t passed = 0;  // records before it have been delivered, or not passed
    for (std::size_t i = 0; i < batch.size; ++i) {
      if (is_new(batch, i)) continue;
      deliver(batch, passed, i);
      passed = i + 1;
    }
    deliver(batch, passed, batch.size);
    duplicates_.flush();
    late_.flush();
    if (ids_.has_new_keys()) this->ask_for_rest();
  }
  void rest() override {
    if (this->owns_part()) check_newest_key(*this, ids_);
    ids_.sweep([this](Slot slot) { return holds(slot); });
  }
  void tick(WallTime now) override {
    if (known_.is_wall()) known_.tick(now, nothing, nothing);
  }
  void advance(EventTime to) override {
    if (!known_.is_wall() && to != end_of_time) known_.advance(earlier(to, Duration{1}), nothing, nothing);
  }
  [[nodiscard]] EventTime horizon() const override {
    if (known_.is_wall()) return end_of_time;
    if (this->is_joined()) return later(watermark(), Duration{1});
    const EventTime late_from = later(later(watermark(), spec_.grace), Duration{1});
    return std::max(later(watermark(), Duration{1}),
                    std::min(late_from, later(known_.earliest(), Duration{1})));
  }
  [[nodiscard]] bool holds(std::uint32_t slot) const override { return known_.holds(slot); }
  [[nodiscard]] KeptState kept() const override {
    return kept_as<StoredKey<IdType>, EventTime, std::uint64_t>(KeptState::Kind::own_keys);
  }
  void archive(NodeArchive& out) override {
    out.sum(passed_, duplicates_.counter(), late_.counter());
    archive_keys(
        out, ids_, [this](Slot slot) { return holds(slot); },
        [this, &out](Archive& archive, std::size_t group) {
          payloads_.grow(ids_.slot_bound());
          for (const Slot slot : out.keys(&ids_).of(group)) {
            known_.archive(archive, slot);
            archive(payloads_[slot]);
          }
        });
  }
  void forget(std::span<const Slot> slots) override {
    known_.forget(slots);
    for (const Slot slot : slots) ids_.erase(slot);
  }
  void refresh(OperatorStats& stats) const override {
    stats.emitted = passed_ + duplicates_.pushed() + late_.pushed();
    stats.keys = ids_.size();
    stats.state_bytes = ids_.size_bytes() + known_.size_bytes() + payloads_.size_bytes();
  }

 private:
  static constexpr auto nothing = [](Slot) {};

  [[nodiscard]] decltype(auto) id(const Record& record) const { return project(projection_, record); }
  void find_slots(const Batch<Record>& batch) {
    ids_.find(
        batch.size, [&](std::size_t i) -> decltype(auto) { return id(batch.records[i]); }, slots_.data());
  }
  /// The slot of a record's id, which gets one if it is new; `no_slot` if there is none left.
  [[nodiscard]] Slot slot_of(const Batch<Record>& batch, std::size_t i) {
    if (slots_[i] != no_slot) return slots_[i];
    const Slot slot = ids_.intern(id(batch.records[i]));  // it may have come in this batch
    if (slot != no_slot) [[likely]] { return slot; }
    ids_.reclaim(batch_limit, [this](Slot one) { return holds(one); });
    find_slots(batch);  // slots have gone from ids that are not known
    return ids_.intern(id(batch.records[i]));
  }
  bool is_new(const Batch<Record>& batch, std::size_t i) {
    const Record& record = batch.records[i];
    const EventTime at = batch.times[i];
    if (!known_.is_wall() && later(at, spec_.grace) < watermark()) [[unlikely]] {
      ++stats().late;
      if (late_.is_connected())
        late_.push(Late<Record>{.record = record, .time = at, .watermark = watermark()}, at);
      return false;
    }
    const Slot slot = slot_of(batch, i);
    if (slot == no_slot) [[unlikely]] {
      ++stats().rejected;
      ++stats().over_key_limit;
      return false;
    }
    payloads_.grow(std::size_t{slot} + 1);
    const std::uint64_t payload = payload_(record);
    const bool is_first = !known_.holds(slot);
    if (is_first || spec_.refresh) known_.touch(slot, at, this->now());
    if (is_first) {
      payloads_[slot] = payload;
      ++stats().applied;
      return true;
    }
    ++stats().duplicate;
    if (payloads_[slot] != payload) ++stats().conflicting;
    if (duplicates_.is_connected()) duplicates_.push(record, at);
    return false;
  }
  void deliver(const Batch<Record>& batch, std::size_t from, std::size_t to) {
    if (from == to) return;
    passed_ += to - from;
    port_.deliver(
        {.records = batch.records + from, .times = batch.times + from, .slots = nullptr, .size = to - from});
  }

  DedupSpec spec_;
  Projection projection_;
  PayloadHash<Record, Payload...> payload_;
  KeyDictionary<IdType> ids_;
  SlotExpiry known_;
  Column<std::uint64_t> payloads_;  // hashes of the first records'
  Port<Record> port_;
  std::uint64_t passed_ = 0;
  Outbox<Record> duplicates_;
  Outbox<Late<Record>> late_;
  std::array<Slot, batch_limit> slots_{};
};

}  // namespace detail

/// The first record of each id, and beside it what did not pass.
template <class RecordType>
class FirstRecords : public Stream<RecordType> {
 public:
  FirstRecords(Stream<RecordType> first, Stream<RecordType> duplicates, Stream<Late<RecordType>> late)
      : Stream<RecordType>(first), duplicates_(duplicates), late_(late) {}

  /// The records that were swallowed.
  [[nodiscard]] Stream<RecordType> duplicates() const { return duplicates_; }
  /// The records that came too late to be judged.
  [[nodiscard]] Stream<Late<RecordType>> late() const { return late_; }

 private:
  Stream<RecordType> duplicates_;
  Stream<Late<RecordType>> late_;
};

/// Passes the first record of each id. See `dedup`.
template <class Projection, class... Payload>
struct [[nodiscard]] Dedup {
  template <class Handle>
  static constexpr bool accepts = detail::is_stream<Handle> && !detail::is_keyed<Handle>;

  DedupSpec spec;
  Projection projection;
  std::tuple<Payload...> compared;

  /// What two records of an id are expected to have in common; without it all of them, if the record can be written.
  template <class... Projections>
  Dedup<Projection, Projections...> payload(Projections... projections) const {
    return {spec, projection, {std::move(projections)...}};
  }

  template <class RecordType>
  auto attach(const Stream<RecordType>& stream) && {
    constexpr bool reads = std::is_invocable_v<const Projection&, const RecordType&> &&
                           (std::is_invocable_v<const Payload&, const RecordType&> && ...);
    static_assert(reads, "weir: dedup() takes members of the record, or callables on const Record&");
    if constexpr (reads) {
      using IdType = std::remove_cvref_t<std::invoke_result_t<const Projection&, const RecordType&>>;
      static_assert(Key<IdType>,
                    "weir: an id is an integer, enum, string, or a tuple or WEIR_FIELDS struct of these that "
                    "owns its strings; no floats");
      if constexpr (Key<IdType>) {
        using Added = detail::DedupNode<StoredKey<IdType>, RecordType, Projection, Payload...>;
        return std::apply(
            [&](auto&... one) {
              Wiring& wiring = stream.wiring();
              auto& node = stream.template feed<Added>(std::move(spec), std::move(projection),
                                                       wiring.hash_seed(), std::move(one)...);
              return FirstRecords<RecordType>({wiring, node, node.port()},
                                              {wiring, node, node.duplicates().port(), 1},
                                              {wiring, node, node.late().port(), late_output});
            },
            compared);
      } else {
        return detail::never<FirstRecords<RecordType>>();
      }
    } else {
      return detail::never<FirstRecords<RecordType>>();
    }
  }
};

/// Passes the first record of each id: `payments | dedup({.name = "once", .within = 24h}, &Payment::id) | key_by(...)`.
///
/// `id` is a member of the record or a callable, as for `key_by`. A record whose id is known is a duplicate; it does not pass, is
/// counted, and if its payload is another than the first one's it is counted as conflicting, too. An id is forgotten when the
/// watermark W > time of its first record + `within`: from then on no duplicate with the same event time can come that
/// is not late.
///
/// Order:   arrival; the first to come passes
/// Late:    records with time + grace < W do not pass, are counted and given to `late()`
/// Keeps:   per id that is known its key and 24 bytes; a 64-bit hash of the payload, so that a conflict is missed once in 2^64
/// Errors:  records of new ids above `most_ids` are rejected and counted
template <class Projection>
Dedup<Projection> dedup(DedupSpec spec, Projection id) {
  return {std::move(spec), std::move(id), {}};
}

}  // namespace weir::inline v0

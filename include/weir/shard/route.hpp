#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <weir/aggregate/feature.hpp>
#include <weir/flow/batch.hpp>
#include <weir/flow/node.hpp>
#include <weir/flow/node_archive.hpp>
#include <weir/graph/graph.hpp>
#include <weir/graph/source.hpp>
#include <weir/shard/round.hpp>
#include <weir/state/kept_keys.hpp>
#include <weir/state/key.hpp>

/// \file
/// Routes: which shard a record goes to, and what its source decides of it before.

namespace weir::inline v0 {

/// By which key the records of a source are spread. Made by `route`.
template <class Handles, class Record, class Projection>
struct Route {
  Source<Record> Handles::*source;
  Projection key;
};

/// The records of a source go where their key belongs: `route(&Handles::payments, &Payment::user)`. The projection gives the key
/// by which everything behind the source is keyed: the one that `key_by` is given.
template <class Handles, class Record, class Projection>
[[nodiscard]] auto route(Source<Record> Handles::*source, Projection key) {
  constexpr bool reads = std::is_invocable_v<const Projection&, const Record&>;
  static_assert(reads, "weir: route() takes a member of the source's record, or a callable on const Record&");
  if constexpr (reads) {
    static_assert(Key<std::remove_cvref_t<std::invoke_result_t<const Projection&, const Record&>>>,
                  "weir: the key of a route is what a key_by takes: an integer, enum, string, or a tuple or "
                  "WEIR_FIELDS struct of these that owns its strings; no floats");
  }
  return Route<Handles, Record, Projection>{source, std::move(key)};
}

namespace detail {

/// Key groups, and which shard each of them belongs to: of n shards each has a range of them.
class ShardMap {
 public:
  ShardMap(const KeyGroups& groups, std::size_t shards)
      : groups_(groups),
        shards_(static_cast<std::uint32_t>(shards)),
        group_bits_(static_cast<unsigned>(std::countr_zero(groups.count))) {}

  [[nodiscard]] const KeyGroups& groups() const noexcept { return groups_; }
  [[nodiscard]] std::size_t shards() const noexcept { return shards_; }
  [[nodiscard]] std::size_t shard_of(std::uint32_t group) const noexcept {
    return static_cast<std::size_t>((std::uint64_t{group} * shards_) >> group_bits_);
  }
  template <class KeyType>
  [[nodiscard]] std::size_t shard_of_key(const KeyType& key, Archive& scratch) const {
    return shard_of(groups_.of(group_bytes(key, scratch)));
  }
  [[nodiscard]] KeyGroupRange groups_of(std::size_t shard) const noexcept {
    const auto first = [this](std::size_t of) {
      return static_cast<std::uint32_t>((std::uint64_t{of} * groups_.count + shards_ - 1) / shards_);
    };
    return {.begin = first(shard), .end = first(shard + 1)};
  }

 private:
  KeyGroups groups_;
  std::uint32_t shards_;
  unsigned group_bits_;  // there are two to the power of them
};

/// Stands behind a source of the front, gets no records, and writes down the watermarks that it is told.
class Tracker final : public Node {
 public:
  explicit Tracker(std::string name) : Node(std::move(name), "tracker") {}

  void advance(EventTime to) override {
    if (track_ != nullptr) track_->watermarks.push_back(to);
  }
  /// From now on into this track; null: nowhere.
  void write(Track* track) noexcept { track_ = track; }

 private:
  Track* track_ = nullptr;
};

/// A source of all shards: one in front of them that sees every record and decides of it as the source of a single pipeline
/// would, and one in each shard that follows it.
class RouteBase {
 public:
  RouteBase() = default;
  RouteBase(const RouteBase&) = delete;
  RouteBase& operator=(const RouteBase&) = delete;
  virtual ~RouteBase();

  [[nodiscard]] virtual std::unique_ptr<LotBase> make_lot() const = 0;
  /// The source of a shard takes its records of a round.
  virtual void follow(Wiring& shard, SourceBase& source, const LotBase& lot,
                      std::span<const EventTime> watermarks) const = 0;

  [[nodiscard]] std::size_t index() const noexcept { return index_; }
  void set_index(std::size_t index) noexcept { index_ = index; }
  [[nodiscard]] SourceBase& front() noexcept { return *front_; }
  [[nodiscard]] Tracker& tracker() noexcept { return *tracker_; }
  [[nodiscard]] Wiring& front_wiring() noexcept { return *front_wiring_; }
  /// The source that follows, by shard.
  [[nodiscard]] const std::vector<SourceBase*>& sources() const noexcept { return sources_; }

 protected:
  SourceBase* front_ = nullptr;
  Tracker* tracker_ = nullptr;
  Wiring* front_wiring_ = nullptr;
  std::vector<SourceBase*> sources_;

 private:
  std::size_t index_ = 0;
};

template <class Record>
class RouteOf : public RouteBase {
 public:
  /// `sources`: of the shards.
  RouteOf(Graph& front, std::span<const Source<Record>> sources, const ShardMap& map) : map_(map) {
    for (const Source<Record>& source : sources) sources_.push_back(source.channel(0).node);
    const SourceNode<Record>& like = *sources.front().channel(0).node;
    const Source<Record> source = front.source<Record>(like.name(), like.spec());
    source_ = source.channel(0).node;
    front_ = source_;
    front_wiring_ = &source.wiring();
    tracker_ = &front_wiring_->add<Tracker>({source_}, like.name() + " tracker");
  }

  /// Judges records in their order and adds them to a round, until it is full. How many it took.
  virtual std::size_t judge(Round& round, std::size_t channel, std::span<const Record> records,
                            Admitted& admitted) = 0;

  [[nodiscard]] std::unique_ptr<LotBase> make_lot() const final { return std::make_unique<Lot<Record>>(); }
  void follow(Wiring& shard, SourceBase& source, const LotBase& lot,
              std::span<const EventTime> watermarks) const final {
    static_cast<SourceNode<Record>&>(source).follow(shard,
                                                    static_cast<const Lot<Record>&>(lot).judged(watermarks));
  }

 protected:
  [[nodiscard]] Lot<Record>& lot(Round& round, std::size_t shard) const {
    return static_cast<Lot<Record>&>(*round.lots[this->index() * map_.shards() + shard]);
  }

  ShardMap map_;
  SourceNode<Record>* source_;
};

template <class Record, class Projection>
class RouteBy final : public RouteOf<Record> {
 public:
  RouteBy(Graph& front, std::span<const Source<Record>> sources, const ShardMap& map, Projection key)
      : RouteOf<Record>(front, sources, map), key_(std::move(key)) {}

  std::size_t judge(Round& round, std::size_t channel, std::span<const Record> records,
                    Admitted& admitted) override {
    SourceNode<Record>& source = *this->source_;
    EventTime told = source.reached();
    const auto tell = [&](EventTime reached) {
      if (reached <= told) return;
      told = reached;
      round.watermarks.push_back(reached);
    };
    auto look = [&](const Record& record, EventTime reached, Admit admit) {
      tell(reached);
      Lot<Record>& lot = this->lot(round, this->map_.shard_of_key(project(key_, record), scratch_));
      lot.add(record, {round.watermarks.size(), admit});
      round.is_full = lot.is_full();
      return !round.is_full;
    };
    const std::size_t taken =
        source.push(this->front_wiring(), channel, records.data(), records.size(), admitted, look);
    tell(source.reached());
    return taken;
  }

 private:
  Projection key_;
  Archive scratch_;
};

}  // namespace detail

}  // namespace weir::inline v0

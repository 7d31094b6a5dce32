#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <weir/aggregate/feature.hpp>
#include <weir/flow/node_archive.hpp>
#include <weir/flow/stage.hpp>
#include <weir/flow/stream.hpp>

namespace weir::inline v0 {

/// What becomes of a record of a new key when there are as many keys as there may be.
enum class WhenFull : std::uint8_t {
  reject,        ///< it is rejected and counted
  evict_coldest  ///< it takes the place of a key that has been silent longest, whose state is given up and counted
};

/// Options of `key_by`.
struct KeyBySpec {
  std::string name = {};                         ///< keys metrics and errors; empty: "key_by #n"
  std::size_t most_keys = std::size_t{1} << 24;  ///< keys at one time
  /// Bytes of state (`OperatorStats::state_bytes`) of the keys here and in all operators behind; 0: any. Once they are reached there may
  /// be no more keys than then.
  std::size_t most_bytes = 0;
  WhenFull when_full = WhenFull::reject;
};

namespace detail {

/// How many keys there may be: as many as were asked for, or as many as there were when their state took its most bytes.
///
/// State that is given up is used again before more memory is taken, so the number is only lowered when that has grown. Long keys and
/// what values own give their bytes back: they may take what state leaves of the budget, and a 64th in any case. What they lower the
/// number by lasts no longer than they.
class KeyBudget {
 public:
  /// What there is when keys are weighed.
  struct Weight {
    std::size_t keys;
    std::size_t slots;
    std::size_t kept;   // bytes of state, which stay
    std::size_t owned;  // bytes of long keys and of values, which go with them
  };

  explicit KeyBudget(const KeyBySpec& spec)
      : most_bytes_(spec.most_bytes),
        most_keys_(spec.most_keys),
        evicts_(spec.when_full == WhenFull::evict_coldest),
        by_kept_(spec.most_keys) {}

  void check(Problems& problems, std::string_view name) const;
  /// Whether state is to be weighed, now that there are so many keys, which own so much, and one more batch.
  [[nodiscard]] bool is_due(std::size_t keys, std::size_t owned) noexcept {
    const std::size_t changed = owned > owned_ ? owned - owned_ : owned_ - owned;
    return keys >= next_keys_ || changed > step() || ++batches_ % 256 == 0;
  }
  /// How many keys there may be.
  [[nodiscard]] std::size_t weigh(const Weight& now) noexcept;

 private:
  [[nodiscard]] std::size_t step() const noexcept { return most_bytes_ / 64; }

  std::size_t most_bytes_;
  std::size_t most_keys_;
  bool evicts_;
  std::size_t by_kept_;  // how many keys state leaves room for
  std::size_t next_keys_ = 1;
  bool is_over_ = false;   // too much is owned: some keys are going to be evicted, but maybe light ones
  std::size_t owned_ = 0;  // when they were weighed
  std::size_t batches_ = 0;
  std::size_t weighed_bytes_ = 0;
};

/// One key in so many is evicted at a time: whoever forgets keys looks at all deadlines.
constexpr std::size_t evicted_part = 16;

/// Leaves `count` of these slots: those with the lowest numbers.
void keep_coldest(std::vector<Slot>& slots, std::size_t count, const Column<std::uint64_t>& heard);

template <class KeyType, class Record, class Projection>
class KeyByNode final : public Node {
 public:
  KeyByNode(const KeyBySpec& spec, std::string name, Projection projection, HashSeed seed)
      : Node(std::move(name), "key_by"),
        projection_(std::move(projection)),
        keyspace_(seed, spec.most_keys),
        budget_(spec),
        has_budget_(spec.most_bytes != 0),
        evicts_(spec.when_full == WhenFull::evict_coldest) {}

  [[nodiscard]] Port<Record>& port() noexcept { return port_; }
  [[nodiscard]] Keyspace<KeyType>& keyspace() noexcept { return keyspace_; }

  void check(Problems& problems) const override { budget_.check(problems, name()); }

  void describe(Description& out) const override {
    describe_read(out, "key", projection_name<Record>(projection_), type_word<KeyType>);
  }

  void take(const Batch<Record>& batch) {
    if (has_budget_) [[unlikely]] { keep_to_budget(); }
    if (keyspace_.dictionary.size() >= keyspace_.dictionary.most_keys() && !evicts_) [[unlikely]] {
      keyspace_.dictionary.reclaim(batch_limit, held());
    }
    const bool has_all = intern(batch, 0);
    stats().ingested += batch.size;
    if (!has_all) [[unlikely]] { return deliver_some(batch); }
    deliver(batch, 0, batch.size);
  }

  void take_one(const Record& record, EventTime time, Slot) {
    if (has_budget_) [[unlikely]] { keep_to_budget(); }
    decltype(auto) key = project(projection_, record);
    const Slot slot = keyspace_.dictionary.find(key);
    if (slot == no_slot) [[unlikely]] { return take({&record, &time, nullptr, 1}); }
    if (evicts_) hear(slot);
    ++stats().ingested;
    ++stats().applied;
    port_.deliver_one(record, time, slot);
  }

  void rest() override {
    if (this->owns_part()) check_newest_key(*this, keyspace_.dictionary);
    keyspace_.dictionary.sweep(held());
  }
  [[nodiscard]] KeptState kept() const override {
    return kept_as<StoredKey<KeyType>>(KeptState::Kind::own_keys);
  }
  void archive(NodeArchive& out) override {
    bool has_heard = evicts_;
    out.common(has_heard);
    out.most(records_heard_);
    archive_keys(out, keyspace_.dictionary, held(),
                 [this, &out, has_heard](Archive& archive, std::size_t group) {
                   if (!has_heard) return;
                   heard_.grow(keyspace_.dictionary.slot_bound());
                   for (const Slot slot : out.keys(&keyspace_.dictionary).of(group)) archive(heard_[slot]);
                 });
  }
  void forget(std::span<const Slot> slots) override {
    for (const Slot slot : slots) keyspace_.dictionary.erase(slot);
  }
  void forget_unheld() override {
    auto& dictionary = keyspace_.dictionary;
    dictionary.reclaim(dictionary.slot_bound(), held());
  }
  void refresh(OperatorStats& stats) const override {
    stats.emitted = stats.applied;
    stats.keys = keyspace_.dictionary.size();
    stats.state_bytes = keyspace_.dictionary.size_bytes() + heard_.size_bytes();
  }

 private:
  [[nodiscard]] auto held() const {
    return [this](Slot slot) { return keyspace_.holders.hold(slot); };
  }
  /// Finds the slots of the records from one on, and gives slots to new keys. False if there were too few.
  bool intern(const Batch<Record>& batch, std::size_t from) {
    const bool has_all = keyspace_.dictionary.intern(
        batch.size - from,
        [&](std::size_t i) -> decltype(auto) { return project(projection_, batch.records[from + i]); },
        slots_.data() + from);
    if (keyspace_.dictionary.has_new_keys()) this->ask_for_rest();
    return has_all;
  }
  void deliver(const Batch<Record>& batch, std::size_t from, std::size_t to) {
    if (from == to) return;
    if (evicts_) {
      for (std::size_t i = from; i < to; ++i) hear(slots_[i]);
    }
    port_.deliver({.records = batch.records + from,
                   .times = batch.times + from,
                   .slots = slots_.data() + from,
                   .size = to - from});
    stats().applied += to - from;
  }
  /// Leaves out the records whose key got no slot, or makes room for them.
  [[gnu::noinline]] void deliver_some(const Batch<Record>& batch) {
    const Slot* slots = slots_.data();
    for (std::size_t done = 0; done < batch.size;) {
      const auto known =
          static_cast<std::size_t>(std::find(slots + done, slots + batch.size, no_slot) - slots);
      deliver(batch, done, known);
      done = known;
      if (done == batch.size) return;
      if (evicts_) {
        make_room();
        intern(batch, done);
        continue;
      }
      ++stats().rejected;
      ++stats().over_key_limit;
      ++done;
    }
  }

  /// Weighs the state of all keys if that is due, and gives up what is too much of it: keys go by their silence, so it may take
  /// several times until enough has gone with them.
  [[gnu::noinline]] void keep_to_budget() {
    auto& dictionary = keyspace_.dictionary;
    if (!budget_.is_due(dictionary.size(), owned_bytes())) return;
    for (;;) {
      dictionary.limit(budget_.weigh({.keys = dictionary.size(),
                                      .slots = dictionary.slot_bound(),
                                      .kept = kept_bytes(),
                                      .owned = owned_bytes()}));
      if (!evicts_ || dictionary.size() <= dictionary.most_keys()) return;
      make_room();
    }
  }
  /// What goes with the keys.
  [[nodiscard]] std::size_t owned_bytes() const {
    return keyspace_.dictionary.owned_bytes() + keyspace_.holders.value_bytes();
  }
  /// What stays.
  [[nodiscard]] std::size_t kept_bytes() const {
    const auto& dictionary = keyspace_.dictionary;
    return dictionary.size_bytes() - dictionary.owned_bytes() + heard_.size_bytes() +
           keyspace_.holders.state_bytes();
  }

  void hear(Slot slot) {
    heard_.grow(std::size_t{slot} + 1);
    heard_[slot] = ++records_heard_;
  }
  /// Lets go of the keys that nobody holds anything for; if that is not enough, of the coldest ones, a part of all at a time,
  /// so that the cost of finding them is shared.
  void make_room() {
    auto& dictionary = keyspace_.dictionary;
    forget_unheld();
    const std::size_t left =
        dictionary.most_keys() - std::max<std::size_t>(1, dictionary.most_keys() / evicted_part);
    if (dictionary.size() <= left) return;
    std::vector<Slot> coldest = dictionary.used_slots();
    heard_.grow(dictionary.slot_bound());
    const std::size_t count = dictionary.size() - left;
    keep_coldest(coldest, count, heard_);
    keyspace_.forget(coldest);
    stats().evicted += count;
  }

  Projection projection_;
  Keyspace<KeyType> keyspace_;
  Port<Record> port_;
  std::array<Slot, batch_limit> slots_{};
  KeyBudget budget_;
  const bool has_budget_;
  const bool evicts_;
  Column<std::uint64_t> heard_;  // which record of all was the last of a key
  std::uint64_t records_heard_ = 0;
};

}  // namespace detail

/// Gives records their key. See `key_by`.
template <class Projection>
struct KeyBy {
  template <class Handle>
  static constexpr bool accepts = detail::is_stream<Handle> && !detail::is_keyed<Handle>;

  Projection projection;
  KeyBySpec spec;

  template <class RecordType>
  auto attach(const Stream<RecordType>& stream) && {
    constexpr bool reads = std::is_invocable_v<const Projection&, const RecordType&>;
    static_assert(reads, "weir: key_by() takes a member of the record, or a callable on const Record&");
    if constexpr (reads) {
      using KeyType = std::remove_cvref_t<std::invoke_result_t<const Projection&, const RecordType&>>;
      static_assert(Key<KeyType>,
                    "weir: a key is an integer, enum, string, or a tuple or WEIR_FIELDS struct of these that "
                    "owns its strings; no floats");
      if constexpr (Key<KeyType>) {
        using Added = detail::KeyByNode<StoredKey<KeyType>, RecordType, Projection>;
        auto& node = stream.template feed<Added>(
            spec, spec.name.empty() ? stream.wiring().unique_name("key_by") : spec.name,
            std::move(projection), stream.wiring().hash_seed());
        return KeyedStream<StoredKey<KeyType>, RecordType>(
            Stream<RecordType>(stream.wiring(), node, node.port()), node.keyspace());
      } else {
        return detail::never<KeyedStream<int, RecordType>>();
      }
    } else {
      return detail::never<KeyedStream<int, RecordType>>();
    }
  }
};

/// Gives records their key: what the windows and keyed operators behind it are per.
///
/// `projection` is a member of the record or a callable; keys are integers, enums, instants, strings, and tuples, pairs or
/// WEIR_FIELDS structs of these. Strings are looked up by view and stored once.
///
/// Order:   kept
/// Late:    passed on like any record
/// Keeps:   each key and its slot, until no operator holds state for it
/// Errors:  records of new keys above `most_keys` or `most_bytes` are rejected and counted, or take the place of cold ones; see
///          `WhenFull`
template <class Projection>
[[nodiscard]] KeyBy<Projection> key_by(Projection projection, KeyBySpec spec = {}) {
  return {std::move(projection), std::move(spec)};
}

}  // namespace weir::inline v0

#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <weir/aggregate/feature.hpp>
#include <weir/flow/node_archive.hpp>
#include <weir/flow/stage.hpp>
#include <weir/flow/stream.hpp>

namespace weir::inline v0 {

/// Options of `key_by`.
struct KeyBySpec {
  std::string name = {};  ///< keys metrics and errors; empty: "key_by #n"
  std::size_t most_keys = std::size_t{1}
                          << 24;  ///< keys at one time; records of further keys are rejected and counted
};

namespace detail {

void check_most_keys(Problems& problems, std::string_view name, std::size_t most_keys);

template <class KeyType, class Record, class Projection>
class KeyByNode final : public Node {
 public:
  KeyByNode(std::string name, Projection projection, std::size_t most_keys, HashSeed seed)
      : Node(std::move(name), "key_by"), projection_(std::move(projection)), keyspace_(seed, most_keys) {}

  [[nodiscard]] Port<Record>& port() noexcept { return port_; }
  [[nodiscard]] Keyspace<KeyType>& keyspace() noexcept { return keyspace_; }

  void check(Problems& problems) const override {
    check_most_keys(problems, name(), keyspace_.dictionary.most_keys());
  }

  void describe(Description& out) const override {
    describe_read(out, "key", projection_name<Record>(projection_), type_word<KeyType>);
  }

  void take(const Batch<Record>& batch) {
    if (keyspace_.dictionary.size() == keyspace_.dictionary.most_keys()) [[unlikely]] {
      keyspace_.dictionary.reclaim(batch_limit, [this](Slot slot) { return keyspace_.holds(slot); });
    }
    const bool has_all = keyspace_.dictionary.intern(
        batch.size, [&](std::size_t i) -> decltype(auto) { return project(projection_, batch.records[i]); },
        slots_.data());
    stats().ingested += batch.size;
    if (keyspace_.dictionary.has_new_keys()) this->ask_for_rest();
    if (!has_all) [[unlikely]] { return deliver_some(batch); }
    port_.deliver(
        {.records = batch.records, .times = batch.times, .slots = slots_.data(), .size = batch.size});
    stats().applied += batch.size;
  }

  void take_one(const Record& record, EventTime time, Slot) {
    decltype(auto) key = project(projection_, record);
    const Slot slot = keyspace_.dictionary.find(key);
    if (slot == no_slot) [[unlikely]] { return take({&record, &time, nullptr, 1}); }
    ++stats().ingested;
    ++stats().applied;
    port_.deliver_one(record, time, slot);
  }

  void rest() override {
    keyspace_.dictionary.sweep([this](Slot slot) { return keyspace_.holds(slot); });
  }
  [[nodiscard]] KeptState kept() const override {
    return kept_as<StoredKey<KeyType>>(KeptState::Kind::own_keys);
  }
  void archive(NodeArchive& out) override {
    archive_keys(
        out, keyspace_.dictionary, [this](Slot slot) { return keyspace_.holds(slot); },
        [](Archive&, std::size_t) {});
  }
  void forget(std::span<const Slot> slots) override {
    for (const Slot slot : slots) keyspace_.dictionary.erase(slot);
  }
  void refresh(OperatorStats& stats) const override {
    stats.emitted = stats.applied;
    stats.keys = keyspace_.dictionary.size();
    stats.state_bytes = keyspace_.dictionary.size_bytes();
  }

 private:
  /// Leaves out the records whose key got no slot.
  [[gnu::noinline]] void deliver_some(const Batch<Record>& batch) {
    const Slot* slots = slots_.data();
    for (std::size_t done = 0; done < batch.size; ++done) {
      const auto run =
          static_cast<std::size_t>(std::find(slots + done, slots + batch.size, no_slot) - (slots + done));
      if (run > 0) {
        port_.deliver({.records = batch.records + done,
                       .times = batch.times + done,
                       .slots = slots + done,
                       .size = run});
        stats().applied += run;
        done += run;
      }
      if (done == batch.size) return;
      ++stats().rejected;
      ++stats().over_key_limit;
    }
  }

  Projection projection_;
  Keyspace<KeyType> keyspace_;
  Port<Record> port_;
  std::array<Slot, batch_limit> slots_{};
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
        auto& node =
            stream.template feed<Added>(spec.name.empty() ? stream.wiring().unique_name("key_by") : spec.name,
                                        std::move(projection), spec.most_keys, stream.wiring().hash_seed());
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
/// Errors:  records of new keys above `most_keys` are rejected and counted
template <class Projection>
[[nodiscard]] KeyBy<Projection> key_by(Projection projection, KeyBySpec spec = {}) {
  return {std::move(projection), std::move(spec)};
}

}  // namespace weir::inline v0

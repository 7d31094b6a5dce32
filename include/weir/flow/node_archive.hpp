#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <absl/functional/function_ref.h>

#include <weir/state/archive.hpp>
#include <weir/state/kept_keys.hpp>
#include <weir/state/key_dictionary.hpp>

/// \file
/// NodeArchive: how a node writes what it keeps into a snapshot, and reads it.

namespace weir::inline v0 {

/// What a node keeps between calls, as far as a snapshot has to know.
struct KeptState {
  enum class Kind : std::uint8_t {
    nothing,  ///< nothing but counters
    time,     ///< how far time has come, the same for every part of a state that is cut
    whole,    ///< something of the stream as a whole, which cannot be cut by key
    by_key,   ///< something per key
    own_keys  ///< the same, of keys of its own
  };
  Kind kind = Kind::nothing;
  std::uint64_t layout = 0;   ///< a number for how it is written: another number, another form
  bool is_archivable = true;  ///< false: some type in it has no `archive` and cannot do without
};

/// One node's part of a snapshot that is being written or read. A node archives first what it keeps as a whole, then what it
/// keeps per key, with the same calls in both directions.
class NodeArchive {
 public:
  NodeArchive(const NodeArchive&) = delete;
  NodeArchive& operator=(const NodeArchive&) = delete;
  virtual ~NodeArchive();

  [[nodiscard]] bool is_loading() const noexcept { return is_loading_; }
  /// What is read joins the state of a pipeline that has taken records.
  [[nodiscard]] bool is_joining() const noexcept { return is_joining_; }

  /// Values that are read even when joining.
  template <class... Value>
  void common(Value&... values) {
    (*whole_)(values...);
  }
  /// Values of the node as a whole. When joining, those of the pipeline stay.
  template <class... Value>
  void own(Value&... values) {
    const auto one = [this]<class Type>(Type& value) {
      if (!is_joining_) return (*whole_)(value);
      Type read = value;
      (*whole_)(read);
    };
    (one(values), ...);
  }
  /// Values that only rise. When joining, the greater one stays.
  template <class... Value>
  void most(Value&... values) {
    const auto one = [this]<class Type>(Type& value) {
      Type read = value;
      (*whole_)(read);
      if (is_loading_) value = is_joining_ ? std::max(value, read) : read;
    };
    (one(values), ...);
  }
  /// Counters. When joining, those that are read are added, if the host wants them.
  template <class... Value>
  void sum(Value&... values) {
    (add_up(values), ...);
  }
  /// What is read makes no sense, or does not fit.
  void fail(std::string_view reason) { whole_->fail(reason); }

  /// Calls `each(archive, group)` for each key group of the snapshot in which there are keys.
  virtual void each_group(absl::FunctionRef<void(Archive&, std::size_t)> each) = 0;
  /// The keys of a dictionary, which is named by its address.
  [[nodiscard]] virtual detail::KeptKeys& keys(const void* dictionary) = 0;
  [[nodiscard]] virtual const KeyGroups& groups() const noexcept = 0;
  /// Whether the host wants this key group.
  [[nodiscard]] virtual bool wants(std::size_t group) const noexcept = 0;

 protected:
  NodeArchive(bool is_loading, bool is_joining, bool takes_counters)
      : is_loading_(is_loading), is_joining_(is_joining), takes_counters_(takes_counters) {}
  void set_whole(Archive& whole) noexcept { whole_ = &whole; }

 private:
  void add_up(std::uint64_t& value);

  const bool is_loading_;
  const bool is_joining_;
  const bool takes_counters_;
  Archive* whole_ = nullptr;
};

namespace detail {

/// What a node says that keeps values of some types.
template <class... Kept>
[[nodiscard]] constexpr KeptState kept_as(KeptState::Kind kind) {
  std::uint64_t layout = 1;
  ((layout = layout * 0x9E3779B97F4A7C15 + layout_of<Kept>()), ...);
  return {.kind = kind, .layout = layout, .is_archivable = (Archivable<Kept> && ...)};
}

/// The bytes of a key that decide which group it is in. Valid as long as both arguments are left alone.
template <class KeyType>
[[nodiscard]] std::string_view group_bytes(const KeyType& key, Archive& scratch) {
  if constexpr (StringLike<KeyType>) {
    return key;
  } else if constexpr (is_packed<KeyType>()) {
    return {reinterpret_cast<const char*>(&key), sizeof(KeyType)};
  } else {
    scratch.clear();
    scratch.write(key);
    return scratch.written();
  }
}

/// Looks whether a key that is new belongs to the groups that come to a node which owns its keys. If records come by another key
/// than they are keyed by there, most of them are of other groups: it is enough to look at some.
template <class NodeType, class KeyType>
[[gnu::noinline]] void check_newest_key(NodeType& node, const KeyDictionary<KeyType>& dictionary) {
  const Slot slot = dictionary.has_new_keys() ? dictionary.newest() : no_slot;
  if (slot == no_slot) return;
  Archive scratch;
  node.check_owned(group_bytes(dictionary.key(slot), scratch));
}

/// Calls `visit(slot)` for slots that lie far apart; `fetch(slot)` comes some slots before.
template <class Fetch, class Visit>
void visit_ahead(std::span<const Slot> slots, Fetch&& fetch, Visit&& visit) {
  constexpr std::size_t ahead = 16;
  for (std::size_t i = 0; i < std::min(ahead, slots.size()); ++i) fetch(slots[i]);
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (i + ahead < slots.size()) fetch(slots[i + ahead]);
    visit(slots[i]);
  }
}

/// Reads some keys of a group, at most `batch_limit`, and gives them slots.
template <class KeyType>
void read_keys(NodeArchive& out, KeyDictionary<KeyType>& dictionary, absl::FunctionRef<bool(Slot)> is_held,
               Archive& archive, std::size_t group, std::size_t count, Archive& scratch) {
  KeptKeys& keys = out.keys(&dictionary);
  std::array<StoredKey<KeyType>, KeyDictionary<KeyType>::batch_limit> read{};
  for (std::size_t i = 0; i < count; ++i) {
    archive(read[i]);
    if (!archive.is_good()) return;
    if (out.groups().of(group_bytes(read[i], scratch)) != group)
      return archive.fail("a key is not in the group it belongs to");
    dictionary.prefetch(read[i]);
  }
  // Also behind a key that is wrong: those that are new have to be forgotten then.
  for (std::size_t i = 0; i < count; ++i) {
    const Slot slot = dictionary.intern(read[i]);
    if (slot == no_slot) {
      archive.fail("there are more keys than most_keys allows");
    } else if (keys.has(slot)) {
      archive.fail("a key is there twice");
    } else if (is_held(slot)) {
      archive.fail("a key is there that the pipeline has, too");
    } else {
      keys.append(slot, group);
    }
  }
}

/// Archives the keys of a dictionary for which something is held, and `then(archive, group)` what belongs to those of a group.
template <class KeyType>
void archive_keys(NodeArchive& out, KeyDictionary<KeyType>& dictionary, absl::FunctionRef<bool(Slot)> is_held,
                  absl::FunctionRef<void(Archive&, std::size_t)> then) {
  KeptKeys& keys = out.keys(&dictionary);
  Archive scratch;
  if (!out.is_loading()) {
    keys.begin(dictionary.slot_bound(), out.groups().count);
    for (Slot slot = 0; slot < dictionary.slot_bound(); ++slot) {
      if (!dictionary.is_used(slot) || !is_held(slot)) continue;
      const std::uint32_t group = out.groups().of(group_bytes(dictionary.key(slot), scratch));
      if (out.wants(group)) keys.add(slot, group);
    }
    keys.sort();
  }
  out.each_group([&](Archive& archive, std::size_t group) {
    std::size_t count = keys.of(group).size();
    archive.size(count, least_bytes<StoredKey<KeyType>>());
    if (!out.is_loading()) {
      visit_ahead(
          keys.of(group), [&](Slot slot) { dictionary.prefetch_key(slot); },
          [&](Slot slot) { archive.write(dictionary.key(slot)); });
    }
    constexpr std::size_t most = KeyDictionary<KeyType>::batch_limit;
    for (std::size_t done = 0; out.is_loading() && done < count && archive.is_good(); done += most)
      read_keys(out, dictionary, is_held, archive, group, std::min(most, count - done), scratch);
    if (archive.is_good()) then(archive, group);
  });
}

}  // namespace detail

}  // namespace weir::inline v0

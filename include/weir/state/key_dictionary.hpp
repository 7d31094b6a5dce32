#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

#include <weir/base/hash.hpp>
#include <weir/state/column.hpp>
#include <weir/state/key.hpp>
#include <weir/state/slot_index.hpp>

/// \file
/// Full key -> dense slot: one look-up per record, however many keyed operators follow.

namespace weir::inline v0 {

/// Numbers the keys that are in use. Slots of keys for which nobody holds state any more are given to new keys.
///
/// Time:    look-up 1 (in batches with prefetch when the index is large)
/// Memory:  the key, some 20 bytes of index, and nothing for keys that are gone
/// Errors:  a new key above `most_keys` gets `no_slot`
template <Key KeyType>
class KeyDictionary {
  using View = detail::KeyView<KeyType>;

 public:
  static constexpr std::size_t batch_limit = 256;

  KeyDictionary(HashSeed seed, std::size_t most_keys) : seed_(seed), most_keys_(most_keys) {}

  /// Keys that have a slot.
  [[nodiscard]] std::size_t size() const noexcept { return index_.size(); }
  /// Every slot in use is below this.
  [[nodiscard]] Slot slot_bound() const noexcept { return bound_; }
  [[nodiscard]] const StoredKey<KeyType>& key(Slot slot) const noexcept { return keys_[slot]; }
  void prefetch_key(Slot slot) const noexcept { detail::prefetch_for_read(&keys_[slot]); }
  [[nodiscard]] std::uint64_t hash(View key) const noexcept {
    return detail::hash_key<std::remove_cvref_t<View>>(key, seed_);
  }

  /// The slot of a known key, or `no_slot`.
  [[nodiscard]] Slot find(View key) const noexcept { return find(key, hash(key)); }

  /// The slot of each key; new keys get one. `key_of(i)` gives the i-th key; at most `batch_limit` keys. False if a key
  /// got `no_slot`.
  template <class KeyOf>
  bool intern(std::size_t count, KeyOf&& key_of, Slot* slots) {
    std::size_t done = index_.size() < staged_from ? find_known(0, count, key_of, slots)
                                                   : find_known_staged(0, count, key_of, slots);
    if (done == count) [[likely]] {
      return true;
    }
    bool has_all = true;
    while (done < count) {
      decltype(auto) raw = key_of(done);  // a key by value must outlive the view of it
      View key = raw;
      slots[done] = add(key, hash(key));
      has_all = has_all && slots[done] != no_slot;
      done = find_known(done + 1, count, key_of, slots);
    }
    return has_all;
  }

  /// Looks at up to `most` slots, in turn, and takes back those of keys for which `is_held(slot)` is false.
  template <class IsHeld>
  void reclaim(std::size_t most, IsHeld&& is_held) {
    for (std::size_t i = 0; i < most && i < bound_; ++i) {
      if (hand_ >= bound_) hand_ = 0;
      const Slot slot = hand_++;
      if (!in_use_[slot] || is_held(slot)) continue;
      if (free_.size() == free_.capacity()) free_.reserve(2 * free_.capacity() + 16);
      index_.erase(hash(keys_[slot]), slot);
      in_use_[slot] = false;
      keys_[slot] = StoredKey<KeyType>{};
      free_.push_back(slot);
    }
  }
  [[nodiscard]] bool has_new_keys() const noexcept { return new_keys_ != 0; }
  /// New keys since the last call: how much `reclaim` has to make up for.
  [[nodiscard]] std::size_t take_new_keys() noexcept {
    const std::size_t count = new_keys_;
    new_keys_ = 0;
    return count;
  }

  [[nodiscard]] std::size_t size_bytes() const noexcept {
    return index_.size_bytes() + keys_.size_bytes() + in_use_.capacity() / 8 + free_.capacity() * sizeof(Slot);
  }

 private:
  // Below this many keys the index sits in the first two caches, where staging costs more than it hides.
  static constexpr std::size_t staged_from = 16384;

  [[nodiscard]] Slot find(View key, std::uint64_t hash) const noexcept {
    return index_.view().find(hash, [&](Slot slot) { return detail::same_key<KeyType>(keys_[slot], key); });
  }
  /// Looks keys up until one is new; gives its place. Nothing changes meanwhile, so addresses stay in registers.
  template <class KeyOf>
  std::size_t find_known(std::size_t from, std::size_t count, KeyOf& key_of, Slot* slots) const {
    const SlotIndex::View index = index_.view();
    const auto keys = keys_.view();
    const HashSeed seed = seed_;
    for (std::size_t i = from; i < count; ++i) {
      decltype(auto) raw = key_of(i);
      View key = raw;
      const std::uint64_t hash = detail::hash_key<std::remove_cvref_t<View>>(key, seed);
      slots[i] = index.find(hash, [&](Slot slot) { return detail::same_key<KeyType>(keys[slot], key); });
      if (slots[i] == no_slot) return i;
    }
    return count;
  }
  /// The same in two passes, so that the misses of many look-ups overlap.
  template <class KeyOf>
  std::size_t find_known_staged(std::size_t from, std::size_t count, KeyOf& key_of, Slot* slots) const {
    const SlotIndex::View index = index_.view();
    const auto keys = keys_.view();
    const HashSeed seed = seed_;
    std::array<std::uint64_t, batch_limit> hashes;
    for (std::size_t i = from; i < count; ++i) {
      decltype(auto) raw = key_of(i);
      View key = raw;
      hashes[i] = detail::hash_key<std::remove_cvref_t<View>>(key, seed);
      index.prefetch(hashes[i]);
    }
    for (std::size_t i = from; i < count; ++i) {
      decltype(auto) raw = key_of(i);
      View key = raw;
      slots[i] = index.find(hashes[i], [&](Slot slot) { return detail::same_key<KeyType>(keys[slot], key); });
      if (slots[i] == no_slot) return i;
    }
    return count;
  }
  [[gnu::noinline]] Slot add(View key, std::uint64_t hash) {
    if (index_.size() >= most_keys_) return no_slot;
    while (index_.is_full(hash)) {
      if (!index_.can_split(hash)) return no_slot;
      index_.split(hash, [this](Slot slot) { return this->hash(keys_[slot]); });
    }
    const Slot slot = free_.empty() ? bound_ : free_.back();
    keys_.grow(std::size_t{slot} + 1);
    if (slot == bound_) in_use_.push_back(false);
    keys_[slot] = StoredKey<KeyType>(key);
    index_.insert(hash, slot);
    in_use_[slot] = true;
    if (slot == bound_) {
      ++bound_;
    } else {
      free_.pop_back();
    }
    ++new_keys_;
    return slot;
  }

  HashSeed seed_;
  std::size_t most_keys_;
  SlotIndex index_;
  Column<StoredKey<KeyType>> keys_;
  std::vector<bool> in_use_;
  std::vector<Slot> free_;
  Slot bound_ = 0;
  Slot hand_ = 0;
  std::size_t new_keys_ = 0;
};

}  // namespace weir::inline v0

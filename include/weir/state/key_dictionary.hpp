#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include <absl/functional/function_ref.h>

#include <weir/base/hash.hpp>
#include <weir/state/column.hpp>
#include <weir/state/key.hpp>
#include <weir/state/slot_index.hpp>
#include <weir/state/slot_numbers.hpp>

/// \file
/// Full key -> dense slot: one look-up per record, however many keyed operators follow.

namespace weir::inline v0 {

/// Numbers the keys that are in use. Slots of keys for which nobody holds state any more are given to new keys.
///
/// Time:    look-up 1 (in batches with prefetch when the index is large)
/// Memory:  the key and some 25 bytes of index, for at most three times the keys that were in use at one time
/// Errors:  a new key above `most_keys` gets `no_slot`
template <Key KeyType>
class KeyDictionary {
  using View = detail::KeyView<KeyType>;
  using Stored = StoredKey<KeyType>;
  // A key of at most 64 bits lies in the index itself; of others the index has some bits of the hash.
  static constexpr bool is_word = detail::is_word<KeyType>;
  using Mark = std::conditional_t<is_word, std::uint64_t, std::uint32_t>;
  using Index = SlotIndex<Mark>;

 public:
  static constexpr std::size_t batch_limit = 256;

  KeyDictionary(HashSeed seed, std::size_t most_keys) : seed_(seed), most_keys_(most_keys) {}

  /// Keys that have a slot.
  [[nodiscard]] std::size_t size() const noexcept { return index_.size(); }
  /// Keys that may have a slot at one time.
  [[nodiscard]] std::size_t most_keys() const noexcept { return most_keys_; }
  /// There may be so many from now on; those that are there stay.
  void limit(std::size_t most_keys) noexcept { most_keys_ = most_keys; }
  /// Every slot in use is below this.
  [[nodiscard]] Slot slot_bound() const noexcept { return slots_.bound(); }
  [[nodiscard]] bool is_used(Slot slot) const noexcept { return slots_.is_used(slot); }
  [[nodiscard]] std::vector<Slot> used_slots() const { return slots_.all(); }
  [[nodiscard]] const StoredKey<KeyType>& key(Slot slot) const noexcept { return keys_[slot]; }
  /// Asks for what a look-up of a key starts with.
  void prefetch(View key) const noexcept { index_.view().prefetch(hash(key)); }
  void prefetch_key(Slot slot) const noexcept { detail::prefetch_for_read(&keys_[slot]); }
  [[nodiscard]] std::uint64_t hash(View key) const noexcept {
    return detail::hash_key<std::remove_cvref_t<View>>(key, seed_);
  }

  /// The slot of a known key, or `no_slot`.
  [[nodiscard]] Slot find(View key) const noexcept { return looker().find(key); }

  /// The slot of each key; those of keys that are not known are `no_slot`. At most `batch_limit` keys.
  template <class KeyOf>
  void find(std::size_t count, KeyOf&& key_of, Slot* slots) const {
    is_large() ? find_ahead(count, key_of, slots) : find_all(count, key_of, slots);
  }
  /// The slot of a key, which gets one if it is new; `no_slot` if there is none left.
  [[nodiscard]] Slot intern(View key) {
    const Slot slot = find(key);
    return slot != no_slot ? slot : add(key, hash(key));
  }
  /// The slot of each key; new keys get one. `key_of(i)` gives the i-th key; at most `batch_limit` keys. False if a key
  /// got `no_slot`.
  template <class KeyOf>
  bool intern(std::size_t count, KeyOf&& key_of, Slot* slots) {
    const bool knows_all = is_large() ? find_ahead(count, key_of, slots) : find_all(count, key_of, slots);
    return knows_all || add_missing(count, key_of, slots);
  }

  /// Whether keys and what is kept per key fill more than the near caches, so that prefetching pays.
  [[nodiscard]] bool is_large() const noexcept { return index_.size() >= large_from; }

  /// Looks at up to `most` slots, in turn, and takes back those of keys for which `is_held(slot)` is false.
  void reclaim(std::size_t most, absl::FunctionRef<bool(Slot)> is_held) {
    for (std::size_t i = 0; i < most && i < slots_.bound(); ++i) {
      const Slot slot = slots_.next_in_turn();
      if (!slots_.is_used(slot) || is_held(slot)) continue;
      erase(slot);
    }
  }
  /// Takes a slot back, which is in use.
  void erase(Slot slot) {
    Stored nothing{};
    Stored& key = keys_[slot];
    index_.erase(hash(key), slot);
    owned_bytes_ -= detail::owned_bytes(key);
    std::destroy_at(&key);  // an assignment would leave a string its memory
    std::construct_at(&key, std::move(nothing));
    slots_.give_back(slot);
  }
  /// Keeps the dictionary in proportion to the keys that are held, at a constant cost per new key: once it has twice
  /// the keys that the last sweep left, it sweeps all slots again, a few for each key that was new since the last call.
  /// So keys that come and go, as most do between two windows, keep their slots.
  void sweep(absl::FunctionRef<bool(Slot)> is_held) {
    const std::size_t most = looks_per_new_key * std::exchange(new_keys_, 0);
    if (to_sweep_ == 0 && size() >= sweep_from_) to_sweep_ = slots_.bound();
    if (to_sweep_ == 0) return;
    const std::size_t looks = std::min(most, to_sweep_);
    reclaim(looks, is_held);
    to_sweep_ -= looks;
    if (to_sweep_ == 0) sweep_from_ = std::max(least_swept, 2 * size());
  }
  /// Lines of the index that a look-up of a key reads when it is not there.
  [[nodiscard]] std::size_t lines_read(View key) const noexcept {
    return index_.view().lines_read(hash(key));
  }
  [[nodiscard]] bool has_new_keys() const noexcept { return new_keys_ != 0; }
  /// The slot that a key got last; `no_slot` if it was taken back.
  [[nodiscard]] Slot newest() const noexcept {
    return newest_ != no_slot && slots_.is_used(newest_) ? newest_ : no_slot;
  }

  /// Bytes that long keys have taken beside their slots.
  [[nodiscard]] std::size_t owned_bytes() const noexcept { return owned_bytes_; }
  [[nodiscard]] std::size_t size_bytes() const noexcept {
    return index_.size_bytes() + keys_.size_bytes() + owned_bytes_ + slots_.size_bytes();
  }

 private:
  static constexpr std::size_t large_from = 16384;
  static constexpr std::size_t least_swept = 256;
  static constexpr std::size_t looks_per_new_key = 4;
  static constexpr std::size_t ahead = 32;  // records between asking for memory and using it

  [[nodiscard]] static Mark mark_of(View key, std::uint64_t hash) noexcept {
    if constexpr (is_word) {
      return detail::word_of(key);
    } else {
      return Index::hash_mark(hash);
    }
  }
  /// What a look-up reads. Nothing changes during a loop over one, so addresses stay in registers.
  struct Looker {
    typename Index::View index;
    typename Column<Stored>::View keys;
    HashSeed seed;

    [[nodiscard]] std::uint64_t hash(View key) const noexcept {
      return detail::hash_key<std::remove_cvref_t<View>>(key, seed);
    }
    [[nodiscard]] Slot find(View key) const noexcept { return find(key, hash(key)); }
    [[nodiscard]] Slot find(View key, std::uint64_t hash) const noexcept {
      return index.find(hash, mark_of(key, hash),
                        [&](Slot slot) { return is_word || detail::same_key<KeyType>(keys[slot], key); });
    }
    /// A slot whose mark fits, without a look at its key.
    [[nodiscard]] Slot guess(View key, std::uint64_t hash) const noexcept {
      return index.find(hash, mark_of(key, hash), [](Slot) { return true; });
    }
  };
  [[nodiscard]] Looker looker() const noexcept { return {index_.view(), keys_.view(), seed_}; }

  /// Looks keys up; false if one is new, which then has `no_slot`.
  template <class KeyOf>
  bool find_all(std::size_t count, KeyOf& key_of, Slot* slots) const {
    const Looker look = looker();
    bool knows_all = true;
    for (std::size_t i = 0; i < count; ++i) {
      decltype(auto) key = key_of(i);  // a key by value must outlive the view of it
      slots[i] = look.find(key);
      knows_all = knows_all && slots[i] != no_slot;
    }
    return knows_all;
  }
  /// The same for an index that lies far away: asks for lines, then keys, some records before they are needed.
  template <class KeyOf>
  bool find_ahead(std::size_t count, KeyOf& key_of, Slot* slots) const {
    const Looker look = looker();
    std::array<std::uint64_t, batch_limit> hashes;
    bool knows_all = true;
    const auto start = [&](std::size_t i) __attribute__((always_inline)) {
      decltype(auto) key = key_of(i);
      hashes[i] = look.hash(key);
      look.index.prefetch(hashes[i]);
    };
    const auto guess = [&](std::size_t i) __attribute__((always_inline)) {
      decltype(auto) key = key_of(i);
      slots[i] = look.guess(key, hashes[i]);
      if (!is_word && slots[i] != no_slot) detail::prefetch_for_read(&look.keys[slots[i]]);
    };
    const auto verify = [&](std::size_t i) __attribute__((always_inline)) {
      if constexpr (!is_word) {
        decltype(auto) key = key_of(i);
        if (slots[i] != no_slot && !detail::same_key<KeyType>(look.keys[slots[i]], key))
          slots[i] = look.find(key, hashes[i]);
      }
      knows_all = knows_all && slots[i] != no_slot;
    };
    constexpr std::size_t guessed = is_word ? 0 : ahead;
    for (std::size_t i = 0; i < std::min(guessed + ahead, count); ++i) start(i);
    for (std::size_t i = 0; i < std::min(guessed, count); ++i) guess(i);
    for (std::size_t i = 0; i < count; ++i) {
      if (i + guessed + ahead < count) start(i + guessed + ahead);
      if (i + guessed < count) guess(i + guessed);
      verify(i);
    }
    return knows_all;
  }
  /// Gives slots to the keys that have none, in order. False if there are none left.
  template <class KeyOf>
  [[gnu::noinline]] bool add_missing(std::size_t count, KeyOf& key_of, Slot* slots) {
    bool has_all = true;
    for (std::size_t i = 0; i < count; ++i) {
      if (slots[i] != no_slot) continue;
      decltype(auto) key = key_of(i);
      slots[i] = intern(key);
      has_all = has_all && slots[i] != no_slot;
    }
    return has_all;
  }
  [[gnu::noinline]] Slot add(View key, std::uint64_t hash) {
    if (index_.size() >= most_keys_) return no_slot;
    while (index_.is_full(hash)) {
      if (!index_.can_split(hash)) return no_slot;
      index_.split(hash, [this](Slot slot) { return this->hash(keys_[slot]); });
    }
    const Slot slot = slots_.prepare();
    keys_.grow(std::size_t{slot} + 1);
    keys_[slot] = Stored(key);
    index_.insert(hash, mark_of(key, hash), slot);
    owned_bytes_ += detail::owned_bytes(keys_[slot]);
    slots_.take();
    ++new_keys_;
    return newest_ = slot;
  }

  HashSeed seed_;
  std::size_t most_keys_;
  Index index_;
  Column<Stored> keys_;
  std::size_t owned_bytes_ = 0;  // of long strings in them
  detail::SlotNumbers slots_;
  std::size_t new_keys_ = 0;
  Slot newest_ = no_slot;
  std::size_t sweep_from_ = least_swept;
  std::size_t to_sweep_ = 0;  // slots that the running sweep has not looked at
};

}  // namespace weir::inline v0

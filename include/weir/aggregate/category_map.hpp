#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

#include <weir/aggregate/aggregator.hpp>
#include <weir/base/hash.hpp>
#include <weir/state/archive.hpp>
#include <weir/state/owned.hpp>

/// \file
/// **Internal.** A State for each category, up to a bound that does not depend on the order of records.

namespace weir::inline v0::detail {

template <class T>
concept Categorical = Integer<T> || std::is_enum_v<T> || std::same_as<T, Duration> ||
    std::same_as<T, EventTime> || std::same_as<T, std::string>;

/// Where a category stands among others: it decides which are kept, so it is the same on every machine.
template <Categorical Key>
[[nodiscard]] std::uint64_t category_hash(Argument<Key> key) {
  if constexpr (std::same_as<Key, std::string>) {
    return XXH3_64bits(key.data(), key.size());
  } else {
    std::uint64_t z = 0x9e3779b97f4a7c15U;  // SplitMix64: no two numbers have the same
    if constexpr (std::same_as<Key, Duration>)
      z += static_cast<std::uint64_t>(key.count());
    else if constexpr (std::same_as<Key, EventTime>)
      z += static_cast<std::uint64_t>(ticks(key));
    else
      z += static_cast<std::uint64_t>(key);
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
  }
}

/// A State for each category, up to `most`: those with the smallest hashes. Which these are depends on the set of categories alone, not
/// on the order of records or merges; and one that is not among them never comes to be, so a category that is kept was kept from its
/// first record on. All others share one State, the rest.
template <Categorical Key, class State>
class CategoryMap {
 public:
  struct Entry {
    std::uint64_t hash;
    Key key;
    State state;
  };

  [[nodiscard]] const OwnedVector<Entry>& entries() const { return entries_; }
  [[nodiscard]] bool has_rest() const { return has_rest_; }
  [[nodiscard]] const State& rest() const { return rest_; }

  /// The State that a record of this category goes to.
  template <class A>
  State& at(const A& aggregator, Argument<Key> key, std::size_t most) {
    const std::uint64_t hash = category_hash<Key>(key);
    std::size_t low = 0, high = entries_.size();
    while (low < high) {
      const std::size_t middle = low + (high - low) / 2;
      if (stands_before(entries_[middle], hash, key))
        low = middle + 1;
      else
        high = middle;
    }
    if (low < entries_.size() && entries_[low].hash == hash && entries_[low].key == key)
      return entries_[low].state;
    if (low >= most) {
      has_rest_ = true;
      return rest_;
    }
    if (entries_.size() >= most) {
      give_up(aggregator, entries_.back());
      entries_.pop_back();
    }
    const auto place = entries_.begin() + static_cast<std::ptrdiff_t>(low);
    return entries_.insert(place, Entry{hash, Key(key), State{}})->state;
  }

  template <class A>
  void merge(const A& aggregator, const CategoryMap& later, std::size_t most) {
    if (later.has_rest_) {
      has_rest_ = true;
      aggregator.merge(rest_, later.rest_);
    }
    if (later.entries_.empty()) return;
    OwnedVector<Entry> all;
    all.reserve(entries_.size() + later.entries_.size());
    auto mine = entries_.begin();
    for (const Entry& entry : later.entries_) {
      while (mine != entries_.end() && stands_before(*mine, entry.hash, entry.key))
        all.push_back(std::move(*mine++));
      if (mine != entries_.end() && mine->hash == entry.hash && mine->key == entry.key) {
        aggregator.merge(mine->state, entry.state);
        all.push_back(std::move(*mine++));
      } else {
        all.push_back(entry);
      }
    }
    while (mine != entries_.end()) all.push_back(std::move(*mine++));
    for (; all.size() > most; all.pop_back()) give_up(aggregator, all.back());
    entries_ = std::move(all);
  }

  void archive(Archive& ar) requires(Archivable<State>) {
    if (ar.is_loading()) *this = {};
    ar(has_rest_);
    if (has_rest_) ar(rest_);
    std::size_t count = entries_.size();
    ar.size(count, least_bytes<Key>() + least_bytes<State>());
    for (std::size_t i = 0; i < count && ar.is_good(); ++i) {
      if (ar.is_loading()) entries_.emplace_back(Entry{0, Key{}, State{}});
      Entry& entry = entries_[i];
      ar(entry.key, entry.state);
      if (!ar.is_loading()) continue;
      entry.hash = category_hash<Key>(entry.key);
      if (i > 0 && !stands_before(entries_[i - 1], entry.hash, entry.key))
        ar.fail("categories are not in their order");
    }
    if (!ar.is_good()) *this = {};
  }
  [[nodiscard]] static constexpr std::uint64_t archive_layout() {
    return layout_of<Key>() * 31 + layout_of<State>();
  }

 private:
  static bool stands_before(const Entry& entry, std::uint64_t hash, Argument<Key> key) {
    return entry.hash != hash ? entry.hash < hash : entry.key < key;
  }
  template <class A>
  void give_up(const A& aggregator, const Entry& entry) {
    has_rest_ = true;
    aggregator.merge(rest_, entry.state);
  }

  OwnedVector<Entry> entries_;  // by hash, then by key
  State rest_{};
  bool has_rest_ = false;
};

}  // namespace weir::inline v0::detail

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include <weir/base/hash.hpp>
#include <weir/state/key.hpp>
#include <weir/view/epochs.hpp>
#include <weir/view/published_index.hpp>
#include <weir/view/slabs.hpp>

/// \file
/// What the writer and the readers of a published map share.

namespace weir::inline v0::detail {

/// A row as it lies in memory. A key of at most 64 bits is hashed again when needed, so that it and 56 bytes
/// of value are one cache line.
template <class KeyType, class Value>
struct PublishedCell {
  StoredKey<KeyType> key;
  Value value;
  [[nodiscard]] std::uint64_t hash_under(const HashSeed& seed) const noexcept { return hash_key(key, seed); }
};
template <class KeyType, class Value>
requires(!is_word<KeyType>) struct PublishedCell<KeyType, Value> {
  StoredKey<KeyType> key;
  std::uint64_t hash;
  Value value;
  [[nodiscard]] std::uint64_t hash_under(const HashSeed&) const noexcept { return hash; }
};

/// What a map and its readers own together. Everything but `gate` and the index's reading side is the
/// writer's.
template <class KeyType, class Value>
class PublishedCore {
 public:
  using Cell = PublishedCell<KeyType, Value>;
  static constexpr std::size_t cell_alignment =
      sizeof(Cell) % cache_line_bytes == 0 ? std::max(alignof(Cell), cache_line_bytes) : alignof(Cell);

  explicit PublishedCore(const HashSeed& hash_seed) : seed(hash_seed), index(&hash_of, hash_seed) {}
  PublishedCore(const PublishedCore&) = delete;
  PublishedCore& operator=(const PublishedCore&) = delete;
  ~PublishedCore() { clear(); }

  static std::uint64_t hash_of(const void* cell, const HashSeed& seed) {
    return static_cast<const Cell*>(cell)->hash_under(seed);
  }
  template <class Given>
  [[nodiscard]] static Cell cell(KeyView<KeyType> key, std::uint64_t hash, Given&& value) {
    if constexpr (is_word<KeyType>) {
      return {StoredKey<KeyType>(key), Value(std::forward<Given>(value))};
    } else {
      return {StoredKey<KeyType>(key), hash, Value(std::forward<Given>(value))};
    }
  }
  /// The test of a candidate: the key in full.
  struct IsUnder {
    KeyView<KeyType> key;
    [[nodiscard]] bool operator()(const void* cell) const noexcept {
      return same_key<KeyType>(static_cast<const Cell*>(cell)->key, key);
    }
  };
  /// Ends every cell and gives back all memory. No reader may be inside.
  void clear() noexcept {
    const auto end = [](void* cell) { std::destroy_at(static_cast<Cell*>(cell)); };
    while (!retired.is_empty()) release_front();
    if constexpr (!std::is_trivially_destructible_v<Cell>) index.for_each(end);
    index.clear();
    slabs.clear();
    retired.trim();
  }
  /// Puts what no pointer leads to any more into the queue; room for it is reserved.
  void retire(void* memory, RetiredQueue::Kind kind, std::size_t bytes_outside) noexcept {
    retired.add(memory, kind, gate.epoch());
    waiting_bytes += bytes_outside;
  }
  /// Ends what has waited longest. No reader may see it.
  void release_front() noexcept {
    void* memory = retired.front().memory;
    const RetiredQueue::Kind kind = retired.front().kind();
    retired.pop();
    if (kind == RetiredQueue::Kind::cell) {
      std::destroy_at(static_cast<Cell*>(memory));
      slabs.give_back(memory);
    } else if (kind == RetiredQueue::Kind::segment) {
      waiting_bytes -= sizeof(PublishedSegment);
      index.free(static_cast<PublishedSegment*>(memory));
    } else {
      auto* directory = static_cast<PublishedDirectory*>(memory);
      waiting_bytes -= PublishedDirectory::bytes_of(directory->depth());
      index.free(directory);
    }
  }
  [[nodiscard]] std::size_t size_bytes() const noexcept {
    constexpr std::size_t owners_bytes = alignof(PublishedCore);  // the count in front of what is shared
    return sizeof(*this) + owners_bytes + gate.size_bytes() + index.size_bytes() + slabs.size_bytes() +
           retired.size_bytes() + waiting_bytes;
  }

  EpochGate gate;
  const HashSeed seed;
  PublishedIndex index;
  SlabPool slabs{sizeof(Cell), cell_alignment};
  RetiredQueue retired;
  std::size_t waiting_bytes = 0;  // of segments and directories in the queue
};

}  // namespace weir::inline v0::detail

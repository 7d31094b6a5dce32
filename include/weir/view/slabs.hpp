#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory_resource>

#include <weir/state/memory.hpp>

/// \file
/// Memory that comes back: equal pieces in slabs that are freed when empty, and the queue of what waits
/// for readers.

namespace weir::inline v0::detail {

/// Equal pieces of raw memory in slabs of 32 KiB (or 16 pieces). New pieces come from the fullest slabs, so
/// sparse ones run empty and are freed; one that does not can be drained: it hands out nothing more, and its
/// owner moves what is in it.
///
/// Time:    room, take, give_back: 1, and an allocation or a release of one slab
/// Memory:  a header and a bit per piece in each slab; at most one empty slab is kept
class SlabPool {
 public:
  explicit SlabPool(std::size_t piece_bytes, std::size_t alignment);
  SlabPool(const SlabPool&) = delete;
  SlabPool& operator=(const SlabPool&) = delete;
  ~SlabPool() { clear(); }

  /// Where the next piece can lie. It stays free until it is taken, before the next call of anything else.
  [[nodiscard]] void* room();
  void take(void* piece) noexcept;
  void give_back(void* piece) noexcept;
  /// Frees the slab that is kept empty.
  void trim() noexcept;
  /// Frees everything, pieces that are taken included.
  void clear() noexcept;

  [[nodiscard]] std::size_t pieces_per_slab() const noexcept { return pieces_; }
  [[nodiscard]] std::size_t taken() const noexcept { return taken_; }
  /// Pieces that `room` can still give without another slab.
  [[nodiscard]] std::size_t free() const noexcept { return free_; }
  [[nodiscard]] std::size_t size_bytes() const noexcept { return slabs_ * memory_bytes(); }

  /// Chooses the slab that holds least and begins to drain it. False if there is none, or its pieces have no
  /// room elsewhere.
  [[nodiscard]] bool begin_drain() noexcept;
  /// The next piece that is taken in the slab that was chosen; null at its end, which ends the drain.
  [[nodiscard]] void* next_drained() noexcept;
  [[nodiscard]] bool is_draining() const noexcept { return drained_ != nullptr; }
  /// Whether a piece lies in a slab that hands out nothing more.
  [[nodiscard]] bool is_drained(const void* piece) const noexcept {
    return closed_slabs_ != 0 && slab_of(piece)->is_closed;
  }

 private:
  static constexpr std::size_t buckets = 8;
  static constexpr std::size_t slack_bytes = 64;

  struct Slab {
    Slab* previous;
    Slab* next;
    std::uint32_t taken;
    std::uint32_t cursor;  // word of the bitmap where the search for a free piece begins
    bool is_closed;
  };

  // A slab lies at a multiple of its size, so that a piece finds it; and ends before the next multiple, so
  // that the allocator's own words fit between two slabs.
  [[nodiscard]] Slab* slab_of(const void* piece) const noexcept {
    const std::size_t offset = reinterpret_cast<std::uintptr_t>(piece) & (slab_bytes_ - 1);
    return reinterpret_cast<Slab*>(static_cast<std::byte*>(const_cast<void*>(piece)) - offset);
  }
  [[nodiscard]] static std::uint64_t* bits_of(Slab* slab) noexcept {
    return reinterpret_cast<std::uint64_t*>(slab + 1);
  }
  [[nodiscard]] std::size_t memory_bytes() const noexcept { return slab_bytes_ - slack_bytes; }
  [[nodiscard]] std::size_t words() const noexcept { return (pieces_ + 63) / 64; }
  [[nodiscard]] std::size_t index_of(Slab* slab, const void* piece) const noexcept;
  [[nodiscard]] void* piece_at(Slab* slab, std::size_t index) const noexcept;
  [[nodiscard]] std::size_t bucket_of(const Slab* slab) const noexcept {
    return slab->is_closed ? buckets : slab->taken * buckets / pieces_;
  }

  [[nodiscard]] Slab* make_slab();
  void free_slab(Slab* slab) noexcept;
  void link(Slab* slab) noexcept;
  void unlink(Slab* slab, std::size_t bucket) noexcept;
  void change(Slab* slab, bool is_taken) noexcept;

  std::pmr::memory_resource* memory_ = memory_in_scope();
  std::size_t piece_bytes_;
  std::size_t slab_bytes_;
  std::size_t first_ = 0;                   // offset of the first piece
  std::size_t pieces_ = 0;                  // per slab
  std::array<Slab*, buckets + 1> heads_{};  // by eighths that are taken; the last: full or closed
  std::size_t slabs_ = 0;
  std::size_t taken_ = 0;
  std::size_t free_ = 0;
  Slab* empty_ = nullptr;    // the one that is kept
  Slab* drained_ = nullptr;  // the one that is being drained
  std::size_t drain_at_ = 0;
  std::size_t closed_slabs_ = 0;
};

/// What was unlinked, oldest first, each with the epoch of that moment.
///
/// Time:    1; an allocation per 255 at most, none while the length stays about the same
/// Memory:  16 bytes each, in chunks
class RetiredQueue {
 public:
  enum class Kind : std::uint8_t { cell, segment, directory };
  struct Item {
    void* memory;
    std::uint64_t tag : 62;
    std::uint64_t kind_bits : 2;
    [[nodiscard]] Kind kind() const noexcept { return static_cast<Kind>(kind_bits); }
  };

  RetiredQueue() = default;
  RetiredQueue(const RetiredQueue&) = delete;
  RetiredQueue& operator=(const RetiredQueue&) = delete;
  ~RetiredQueue();

  /// Room for so many more, at most `per_chunk`.
  void reserve(std::size_t count);
  void add(void* memory, Kind kind, std::uint64_t tag) noexcept;
  [[nodiscard]] bool is_empty() const noexcept { return size_ == 0; }
  [[nodiscard]] const Item& front() const noexcept { return first_->items[first_at_]; }
  void pop() noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t size_bytes() const noexcept { return (chunks_ + spares_) * sizeof(Chunk); }
  /// Frees chunks that are not in use.
  void trim() noexcept;

 private:
  static constexpr std::size_t per_chunk = 255;
  static constexpr std::size_t most_spares = 8;  // beyond as many as are in use
  struct Chunk {
    Chunk* next = nullptr;
    std::array<Item, per_chunk> items;
  };
  void end(Chunk* chunk) const noexcept { EndIn<Chunk>{memory_}(chunk); }

  std::pmr::memory_resource* memory_ = memory_in_scope();
  Chunk* first_ = nullptr;
  Chunk* last_ = nullptr;
  Chunk* spare_ = nullptr;
  std::size_t first_at_ = 0;
  std::size_t last_at_ = per_chunk;  // where the next item of the last chunk goes
  std::size_t size_ = 0;
  std::size_t chunks_ = 0;
  std::size_t spares_ = 0;
};

}  // namespace weir::inline v0::detail

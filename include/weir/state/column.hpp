#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include <weir/state/memory.hpp>

/// \file
/// Memory for per-key state: blocks that ask for huge pages, and a column that grows without moving anything.

namespace weir::inline v0 {

/// The dense number of a key inside its dictionary.
using Slot = std::uint32_t;

inline constexpr Slot no_slot = 0xFFFFFFFF;

namespace detail {

// The empty asm keeps the functions: g++ takes one that only prefetches for one without effect, and drops its calls.
inline void prefetch_for_write(const void* address) noexcept {
  __builtin_prefetch(address, 1, 3);
  asm volatile("");
}
/// All lines of an object.
inline void prefetch_object(const void* object, std::size_t bytes) noexcept {
  for (std::size_t offset = 0; offset < bytes; offset += cache_line_bytes)
    prefetch_for_write(static_cast<const std::byte*>(object) + offset);
}
/// The first lines of an object that may have many, for which a request each would cost more than it saves.
template <class T>
void prefetch_lines(const T& object) noexcept {
  prefetch_object(&object, std::min(sizeof(T), 4 * cache_line_bytes));
}
inline void prefetch_for_read(const void* address) noexcept {
  __builtin_prefetch(address, 0, 3);
  asm volatile("");
}

/// Hands out equal pieces of large blocks; all are returned together.
class BlockList {
 public:
  BlockList();
  BlockList(const BlockList&) = delete;
  BlockList& operator=(const BlockList&) = delete;
  BlockList(BlockList&& other) noexcept;
  BlockList& operator=(BlockList&& other) noexcept;
  ~BlockList();

  /// A block aligned to a cache line, or to a huge page when it is as large.
  [[nodiscard]] void* add(std::size_t bytes);
  [[nodiscard]] std::size_t size_bytes() const noexcept;

 private:
  struct Block {
    void* memory;
    std::size_t bytes;
  };
  StateVector<Block> blocks_;
};

}  // namespace detail

namespace detail {

/// The chunks of a column: where they are, and memory for the next ones.
class ChunkList {
 public:
  ChunkList();
  ChunkList(const ChunkList&) = delete;
  ChunkList& operator=(const ChunkList&) = delete;
  ChunkList(ChunkList&& other) noexcept;
  ChunkList& operator=(ChunkList&& other) noexcept;
  ~ChunkList();

  static constexpr unsigned chunk_bits = 10;
  static constexpr std::size_t chunk_size = std::size_t{1} << chunk_bits;

  [[nodiscard]] std::byte* const* data() const noexcept { return chunks_.data(); }
  [[nodiscard]] std::size_t size() const noexcept { return chunks_.size(); }
  [[nodiscard]] std::size_t size_bytes() const noexcept { return blocks_.size_bytes(); }
  /// How many values there is memory for once there are so many. Large chunks come in smaller steps.
  [[nodiscard]] static std::size_t capacity_for(std::size_t values) noexcept;
  /// Memory for one more chunk of so many bytes, which `add` makes part of the list.
  [[nodiscard]] std::byte* next(std::size_t chunk_bytes);
  void add(std::size_t chunk_bytes) noexcept;

 private:
  StateVector<std::byte*> chunks_;
  BlockList blocks_;
  std::byte* next_ = nullptr;
  std::size_t spare_ = 0;
};

}  // namespace detail

/// One `Value` per slot, in chunks that never move.
///
/// Time:    access 1; growth by one chunk, no element is copied
/// Memory:  whole chunks; blocks from 2 MiB on ask for huge pages
/// Errors:  none; growth fails as `new` does and then leaves the column as it was
template <class Value>
class Column {
  static constexpr unsigned chunk_bits = detail::ChunkList::chunk_bits;
  static constexpr std::size_t chunk_size = detail::ChunkList::chunk_size;
  static constexpr std::size_t stride =
      // NOLINTNEXTLINE(bugprone-sizeof-expression): a column of pointers holds the pointers themselves
      sizeof(Value) <= detail::cache_line_bytes ? std::bit_ceil(sizeof(Value)) : sizeof(Value);
  struct alignas(stride <= detail::cache_line_bytes && stride >= alignof(Value) ? stride
                                                                                : alignof(Value)) Cell {
    Value value{};
  };

 public:
  Column() = default;
  Column(const Column&) = delete;
  Column& operator=(const Column&) = delete;
  Column(Column&&) noexcept = default;
  Column& operator=(Column&&) noexcept = default;
  ~Column() {
    if constexpr (!std::is_trivially_destructible_v<Value>) {
      for (std::size_t i = 0; i < chunks_.size(); ++i) std::destroy_n(view().chunk(i), chunk_size);
    }
  }

  /// The values as they lie now, for loops in which the column does not grow: keeps its address in a register.
  class View {
   public:
    [[nodiscard]] Value& operator[](Slot slot) const noexcept {
      return chunk(slot >> chunk_bits)[slot & (chunk_size - 1)].value;
    }

   private:
    friend class Column;
    explicit View(std::byte* const* chunks) : chunks_(chunks) {}
    [[nodiscard]] Cell* chunk(std::size_t i) const noexcept {
      return std::launder(reinterpret_cast<Cell*>(chunks_[i]));
    }
    std::byte* const* chunks_;
  };
  [[nodiscard]] View view() const noexcept { return View(chunks_.data()); }

  [[nodiscard]] Value& operator[](Slot slot) noexcept { return view()[slot]; }
  [[nodiscard]] const Value& operator[](Slot slot) const noexcept { return view()[slot]; }

  /// The first slot that has no value yet.
  [[nodiscard]] std::size_t size() const noexcept { return chunks_.size() * chunk_size; }
  [[nodiscard]] std::size_t size_bytes() const noexcept { return chunks_.size_bytes(); }

  /// Makes every slot below `count` valid.
  void grow(std::size_t count) {
    while (size() < count) {
      constexpr std::size_t chunk_bytes = chunk_size * sizeof(Cell);
      std::uninitialized_value_construct_n(reinterpret_cast<Cell*>(chunks_.next(chunk_bytes)), chunk_size);
      chunks_.add(chunk_bytes);
    }
  }

 private:
  detail::ChunkList chunks_;
};

}  // namespace weir::inline v0

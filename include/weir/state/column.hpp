#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

/// \file
/// Memory for per-key state: blocks that ask for huge pages, and a column that grows without moving anything.

namespace weir::inline v0 {

/// The dense number of a key inside its dictionary.
using Slot = std::uint32_t;

inline constexpr Slot no_slot = 0xFFFFFFFF;

namespace detail {

inline constexpr std::size_t cache_line_bytes = 64;
inline constexpr std::size_t huge_page_bytes = std::size_t{2} << 20;

/// Allocates `bytes`, aligned to a cache line, or to a huge page (and asking for one) when large. Fails as `new` does.
[[nodiscard]] void* allocate_block(std::size_t bytes);
void free_block(void* block, std::size_t bytes) noexcept;

inline void prefetch_for_write(const void* address) noexcept { __builtin_prefetch(address, 1, 3); }
inline void prefetch_for_read(const void* address) noexcept { __builtin_prefetch(address, 0, 3); }

/// Hands out equal pieces of large blocks; all are returned together.
class BlockList {
 public:
  BlockList() = default;
  BlockList(BlockList&& other) noexcept : blocks_(std::exchange(other.blocks_, {})) {}
  BlockList& operator=(BlockList&& other) noexcept {
    std::swap(blocks_, other.blocks_);
    return *this;
  }
  ~BlockList() {
    for (const Block& block : blocks_) free_block(block.memory, block.bytes);
  }

  [[nodiscard]] void* add(std::size_t bytes) {
    blocks_.reserve(blocks_.size() + 1);
    void* memory = allocate_block(bytes);
    blocks_.push_back({memory, bytes});
    return memory;
  }
  [[nodiscard]] std::size_t size_bytes() const noexcept {
    std::size_t total = 0;
    for (const Block& block : blocks_) total += block.bytes;
    return total;
  }

 private:
  struct Block {
    void* memory;
    std::size_t bytes;
  };
  std::vector<Block> blocks_;
};

}  // namespace detail

/// One `Value` per slot, in chunks that never move.
///
/// Time:    access 1; growth by one chunk, no element is copied
/// Memory:  whole chunks; blocks from 2 MiB on ask for huge pages
/// Errors:  none; growth fails as `new` does and then leaves the column as it was
template <class Value>
class Column {
  static constexpr unsigned chunk_bits = 10;
  static constexpr std::size_t chunk_size = std::size_t{1} << chunk_bits;
  static constexpr std::size_t stride =
      sizeof(Value) <= detail::cache_line_bytes ? std::bit_ceil(sizeof(Value)) : sizeof(Value);
  struct alignas(stride <= detail::cache_line_bytes && stride >= alignof(Value) ? stride : alignof(Value)) Cell {
    Value value{};
  };

 public:
  Column() = default;
  Column(Column&&) noexcept = default;
  Column& operator=(Column&&) noexcept = default;
  ~Column() {
    if constexpr (!std::is_trivially_destructible_v<Value>) {
      for (Cell* chunk : chunks_) std::destroy_n(chunk, chunk_size);
    }
  }

  [[nodiscard]] Value& operator[](Slot slot) noexcept {
    return chunks_[slot >> chunk_bits][slot & (chunk_size - 1)].value;
  }
  [[nodiscard]] const Value& operator[](Slot slot) const noexcept {
    return chunks_[slot >> chunk_bits][slot & (chunk_size - 1)].value;
  }
  /// The values as they lie now, for loops in which the column does not grow: keeps its address in a register.
  class View {
   public:
    [[nodiscard]] Value& operator[](Slot slot) const noexcept {
      return chunks_[slot >> chunk_bits][slot & (chunk_size - 1)].value;
    }

   private:
    friend class Column;
    explicit View(Cell* const* chunks) : chunks_(chunks) {}
    Cell* const* chunks_;
  };
  [[nodiscard]] View view() const noexcept { return View(chunks_.data()); }

  /// The first slot that has no value yet.
  [[nodiscard]] std::size_t size() const noexcept { return chunks_.size() * chunk_size; }
  [[nodiscard]] std::size_t size_bytes() const noexcept { return blocks_.size_bytes(); }

  /// Makes every slot below `count` valid.
  void grow(std::size_t count) {
    while (size() < count) add_chunk();
  }

 private:
  void add_chunk() {
    if (spare_ == 0) {
      const std::size_t chunks = std::bit_ceil(chunks_.size() + 1) / 2 + 1;
      const std::size_t most = std::max<std::size_t>(1, 2 * detail::huge_page_bytes / (chunk_size * sizeof(Cell)));
      const std::size_t wanted = std::min(chunks, most);
      next_ = static_cast<Cell*>(blocks_.add(wanted * chunk_size * sizeof(Cell)));
      spare_ = wanted;
    }
    chunks_.reserve(chunks_.size() + 1 > chunks_.capacity() ? 2 * chunks_.capacity() + 1 : chunks_.capacity());
    std::uninitialized_value_construct_n(next_, chunk_size);
    chunks_.push_back(next_);
    next_ += chunk_size;
    --spare_;
  }

  std::vector<Cell*> chunks_;
  detail::BlockList blocks_;
  Cell* next_ = nullptr;
  std::size_t spare_ = 0;
};

}  // namespace weir::inline v0

#include <weir/state/column.hpp>

#include <algorithm>
#include <bit>
#include <utility>

namespace weir::inline v0::detail {

namespace {

std::size_t alignment_of(std::size_t bytes) noexcept {
  return bytes >= huge_page_bytes ? huge_page_bytes : cache_line_bytes;
}

}  // namespace

BlockList::BlockList() = default;

BlockList::BlockList(BlockList&& other) noexcept = default;

BlockList& BlockList::operator=(BlockList&& other) noexcept {
  std::swap(blocks_, other.blocks_);
  return *this;
}

BlockList::~BlockList() {
  std::pmr::memory_resource* memory = blocks_.get_allocator().memory();
  for (const Block& block : blocks_) memory->deallocate(block.memory, block.bytes, alignment_of(block.bytes));
}

void* BlockList::add(std::size_t bytes) {
  if (blocks_.size() == blocks_.capacity()) blocks_.reserve(2 * blocks_.size() + 1);
  void* memory = blocks_.get_allocator().memory()->allocate(bytes, alignment_of(bytes));
  blocks_.push_back({memory, bytes});
  return memory;
}

std::size_t BlockList::size_bytes() const noexcept {
  std::size_t total = 0;
  for (const Block& block : blocks_) total += block.bytes;
  return total;
}

namespace {

/// How many chunks the next block has.
std::size_t chunks_behind(std::size_t chunks) noexcept { return std::bit_ceil(chunks + 1) / 2 + 1; }

}  // namespace

ChunkList::ChunkList() = default;
ChunkList::ChunkList(ChunkList&& other) noexcept = default;
ChunkList& ChunkList::operator=(ChunkList&& other) noexcept = default;
ChunkList::~ChunkList() = default;

std::size_t ChunkList::capacity_for(std::size_t values) noexcept {
  std::size_t chunks = 0;
  while (chunks * chunk_size < values) chunks += chunks_behind(chunks);
  return chunks * chunk_size;
}

std::byte* ChunkList::next(std::size_t chunk_bytes) {
  if (spare_ == 0) {
    const std::size_t chunks = chunks_behind(chunks_.size());
    const std::size_t most = std::max<std::size_t>(1, 2 * huge_page_bytes / chunk_bytes);
    const std::size_t wanted = std::min(chunks, most);
    next_ = static_cast<std::byte*>(blocks_.add(wanted * chunk_bytes));
    spare_ = wanted;
  }
  if (chunks_.size() == chunks_.capacity()) chunks_.reserve(2 * chunks_.capacity() + 1);
  return next_;
}

void ChunkList::add(std::size_t chunk_bytes) noexcept {
  chunks_.push_back(next_);
  next_ += chunk_bytes;
  --spare_;
}

}  // namespace weir::inline v0::detail

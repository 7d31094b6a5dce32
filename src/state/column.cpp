#include <weir/state/column.hpp>

#include <algorithm>
#include <bit>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace weir::inline v0::detail {

namespace {

std::align_val_t alignment_of(std::size_t bytes) noexcept {
  return std::align_val_t{bytes >= huge_page_bytes ? huge_page_bytes : cache_line_bytes};
}

}  // namespace

void* allocate_block(std::size_t bytes) {
  void* block = ::operator new(bytes, alignment_of(bytes));
#if defined(__linux__)
  // A hint only: without huge pages everything works, at about twice the time per record above a few GiB.
  if (bytes >= huge_page_bytes) static_cast<void>(madvise(block, bytes, MADV_HUGEPAGE));
#endif
  return block;
}

void free_block(void* block, std::size_t bytes) noexcept { ::operator delete(block, alignment_of(bytes)); }

BlockList::~BlockList() {
  for (const Block& block : blocks_) free_block(block.memory, block.bytes);
}

void* BlockList::add(std::size_t bytes) {
  if (blocks_.size() == blocks_.capacity()) blocks_.reserve(2 * blocks_.size() + 1);
  void* memory = allocate_block(bytes);
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

#include <weir/state/column.hpp>

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

}  // namespace weir::inline v0::detail

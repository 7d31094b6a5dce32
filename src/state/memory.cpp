#include <weir/state/memory.hpp>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace weir::inline v0::detail {

namespace {

class DefaultMemory final : public std::pmr::memory_resource {
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    if (alignment <= __STDCPP_DEFAULT_NEW_ALIGNMENT__) return ::operator new(bytes);
    void* block = ::operator new (bytes, std::align_val_t{alignment});
#if defined(__linux__)
    // A hint only: without huge pages everything works, at about twice the time per record above a few GiB.
    if (alignment >= huge_page_bytes) static_cast<void>(madvise(block, bytes, MADV_HUGEPAGE));
#endif
    return block;
  }
  void do_deallocate(void* block, std::size_t /*bytes*/, std::size_t alignment) override {
    if (alignment <= __STDCPP_DEFAULT_NEW_ALIGNMENT__) {
      ::operator delete(block);
    } else {
      ::operator delete (block, std::align_val_t{alignment});
    }
  }
  [[nodiscard]] bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
    return this == &other;
  }
};

thread_local std::pmr::memory_resource* in_scope = nullptr;

}  // namespace

std::pmr::memory_resource* default_memory() noexcept {
  // Never ended: a reader may give its rows back when the program ends.
  alignas(DefaultMemory) static std::byte room[sizeof(DefaultMemory)];
  static auto* memory = new (room) DefaultMemory;
  return memory;
}

std::pmr::memory_resource* memory_in_scope() noexcept {
  return in_scope != nullptr ? in_scope : default_memory();
}

MemoryScope::MemoryScope(std::pmr::memory_resource* memory) noexcept : before_(in_scope) {
  in_scope = memory;
}

MemoryScope::~MemoryScope() { in_scope = before_; }

}  // namespace weir::inline v0::detail

#include "heap.hpp"

#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

std::uint64_t allocated = 0;
std::uint64_t freed = 0;
bool is_armed = false;
bool is_persistent_now = false;
bool has_failed_now = false;
std::uint64_t until_failure = 0;

void check_failure() {
  if (!is_armed) return;
  if (until_failure > 0) {
    --until_failure;
    return;
  }
  if (has_failed_now && !is_persistent_now) return;
  has_failed_now = true;
  throw std::bad_alloc();
}

void* allocate(std::size_t bytes, std::size_t alignment) {
  check_failure();
  void* memory = nullptr;
  if (alignment <= alignof(std::max_align_t)) {
    memory = std::malloc(bytes == 0 ? 1 : bytes);
  } else if (posix_memalign(&memory, alignment, bytes) != 0) {
    memory = nullptr;
  }
  if (memory == nullptr) throw std::bad_alloc();
  ++allocated;
  return memory;
}

void release(void* memory) noexcept {
  if (memory == nullptr) return;
  ++freed;
  std::free(memory);
}

}  // namespace

namespace heap {

std::uint64_t allocations() { return allocated; }
std::int64_t live() { return static_cast<std::int64_t>(allocated - freed); }

Failing::Failing(std::uint64_t first, bool is_persistent) {
  is_armed = true;
  is_persistent_now = is_persistent;
  has_failed_now = false;
  until_failure = first;
}
Failing::~Failing() { is_armed = false; }
bool Failing::has_failed() { return has_failed_now; }
std::uint64_t Failing::left() { return until_failure; }

}  // namespace heap

void* operator new(std::size_t bytes) { return allocate(bytes, 1); }
void* operator new[](std::size_t bytes) { return allocate(bytes, 1); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return allocate(bytes, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t bytes, std::align_val_t alignment) {
  return allocate(bytes, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  try {
    return allocate(bytes, 1);
  } catch (const std::bad_alloc&) { return nullptr; }
}
void* operator new[](std::size_t bytes, const std::nothrow_t& tag) noexcept {
  return operator new(bytes, tag);
}
void operator delete(void* memory) noexcept { release(memory); }
void operator delete[](void* memory) noexcept { release(memory); }
void operator delete(void* memory, std::size_t) noexcept { release(memory); }
void operator delete[](void* memory, std::size_t) noexcept { release(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { release(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { release(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { release(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { release(memory); }

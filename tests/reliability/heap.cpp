#include "heap.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

namespace {

// Other threads of a test allocate, too.
std::atomic<std::uint64_t> allocated = 0;
std::atomic<std::uint64_t> freed = 0;
std::atomic<std::int64_t> bytes_held = 0;
std::atomic<std::int64_t> most_bytes_held = 0;

// Before each piece of memory lies how much was asked for, and where it begins for malloc.
struct Head {
  std::size_t bytes;
  void* block;
};
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
  const std::size_t before = std::max(alignment, alignof(std::max_align_t));
  void* block = nullptr;
  static_assert(sizeof(Head) <= alignof(std::max_align_t));
  if (posix_memalign(&block, before, before + bytes) != 0) throw std::bad_alloc();
  ++allocated;
  const std::int64_t held = bytes_held += static_cast<std::int64_t>(bytes);
  if (held > most_bytes_held) most_bytes_held = held;
  char* memory = static_cast<char*>(block) + before;
  const Head head{bytes, block};
  std::memcpy(memory - sizeof(Head), &head, sizeof(Head));
  return memory;
}

void release(void* memory) noexcept {
  if (memory == nullptr) return;
  ++freed;
  Head head{};
  std::memcpy(&head, static_cast<char*>(memory) - sizeof(Head), sizeof(Head));
  bytes_held -= static_cast<std::int64_t>(head.bytes);
  std::free(head.block);
}

}  // namespace

namespace heap {

std::uint64_t allocations() { return allocated; }
std::int64_t live_bytes() { return bytes_held; }
std::int64_t live() { return static_cast<std::int64_t>(allocated - freed); }

std::int64_t peak_bytes() { return most_bytes_held; }
void watch_peak() { most_bytes_held = bytes_held.load(); }

std::optional<std::int64_t> resident_bytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) return std::nullopt;
  long long all = 0, resident = 0;
  const int read = std::fscanf(file, "%lld %lld", &all, &resident);
  std::fclose(file);
  if (read != 2) return std::nullopt;
  return resident * sysconf(_SC_PAGESIZE);
}

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

#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <type_traits>
#include <utility>

/// \file
/// Zeroed memory with huge pages asked for: what the hand-written limits keep their state in.

namespace bench {

/// `n` zeroed objects in an anonymous mapping, aligned to 2 MiB plus a stagger.
///
/// The stagger (another 17 lines per buffer) keeps several buffers from falling into the same
/// cache set, which was measured at 142 against 16 ns for 36 columns.
template <class T>
class Buffer {
  static_assert(std::is_trivially_destructible_v<T>);

 public:
  Buffer() = default;
  explicit Buffer(std::size_t n) : size_(n) {
    static std::size_t made = 0;
    const std::size_t stagger = (++made % 31) * 17 * 64;
    bytes_ = (n * sizeof(T) + stagger + 2 * huge_page - 1) / huge_page * huge_page;
    base_ = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base_ == MAP_FAILED) {
      std::perror("mmap");
      std::abort();
    }
    ::madvise(base_, bytes_, MADV_HUGEPAGE);
    const auto raw = reinterpret_cast<std::uintptr_t>(base_);
    const auto aligned = (raw + huge_page - 1) / huge_page * huge_page;
    data_ = reinterpret_cast<T*>(aligned + stagger);
    for (std::size_t at = 0; at < n * sizeof(T); at += 4096) {
      reinterpret_cast<volatile char*>(data_)[at] = 0;  // first touch now, not inside a measurement
    }
  }
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Buffer() {
    if (base_ != nullptr) ::munmap(base_, bytes_);
  }

  T* data() { return data_; }
  const T* data() const { return data_; }
  std::size_t size() const { return size_; }
  T& operator[](std::size_t i) { return data_[i]; }
  const T& operator[](std::size_t i) const { return data_[i]; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  std::span<const T> span() const { return {data_, size_}; }

 private:
  static constexpr std::size_t huge_page = std::size_t{2} << 20;

  void swap(Buffer& other) noexcept {
    std::swap(base_, other.base_);
    std::swap(bytes_, other.bytes_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }

  void* base_ = nullptr;
  std::size_t bytes_ = 0;
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace bench

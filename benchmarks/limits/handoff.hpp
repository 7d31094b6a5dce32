#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>

/// \file
/// Batches between two threads: a ring of batches that are filled and read in place, and nobody who waits ever sleeps.

namespace bench::limit {

/// One writer, one reader; each looks at the other's counter only when it has come to what it knew of it.
template <class Record, std::size_t size = 256, std::size_t batches = 16>
class BatchRing {
 public:
  using Batch = std::array<Record, size>;

  /// The batch to be filled next, and `publish` when it is.
  [[nodiscard]] Batch& open() {
    while (written_ - read_then_ == batches) {
      read_then_ = read_.load(std::memory_order_acquire);
      if (written_ - read_then_ == batches) std::this_thread::yield();
    }
    return batches_[written_ % batches];
  }
  void publish() { published_.store(++written_, std::memory_order_release); }

  /// Calls `use(batch)` with so many batches.
  template <class Use>
  void read(std::uint64_t count, Use&& use) {
    std::uint64_t next = read_.load(std::memory_order_relaxed);
    for (const std::uint64_t end = next + count; next < end; ++next) {
      while (published_.load(std::memory_order_acquire) == next) std::this_thread::yield();
      use(batches_[next % batches]);
      read_.store(next + 1, std::memory_order_release);
    }
  }

 private:
  std::unique_ptr<Batch[]> batches_ = std::make_unique<Batch[]>(batches);
  alignas(64) std::atomic<std::uint64_t> published_ = 0;
  alignas(64) std::atomic<std::uint64_t> read_ = 0;
  alignas(64) std::uint64_t written_ = 0;
  std::uint64_t read_then_ = 0;
};

}  // namespace bench::limit

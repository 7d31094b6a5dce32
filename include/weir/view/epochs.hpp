#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

/// \file
/// Who is reading since when: what one writer must know before it uses memory again that readers may
/// still look at.

namespace weir::inline v0::detail {

/// Two cache lines: neighbours of one are fetched together.
inline constexpr std::size_t apart_bytes = 128;

/// The place where one reader announces that it reads.
struct alignas(apart_bytes) ReaderPlace {
  static constexpr std::uint64_t idle = 0;
  std::atomic<std::uint64_t> announced{idle};
  ReaderPlace* next = nullptr;  // fixed once the place is in the list
  std::atomic<bool> is_taken{true};
};

/// The epochs of one writer and any number of readers.
///
/// The writer unlinks a row, so that no pointer leads to it, and tags it with the epoch of that moment.
/// `advance` begins the next epoch and answers below which tag no reader can see a row any more. A reader is
/// inside a `Visit` while it follows pointers.
///
/// Why that is enough. Let U be the unlinking of a row with tag t, E the store of an epoch above t, D a load
/// of a reader's place after it; let A be the reader's announcement, B its second load of the epoch, P its
/// loads of pointers, L its leaving. Program order: U E D for the writer, A B P L for the reader. A, B, D, E
/// are seq_cst, so they have one order in which D either follows A or precedes it.
///   1. D precedes A. Then E precedes D precedes A precedes B, so B reads E or a later epoch and acquires U
///      with it: P cannot find the row.
///   2. D follows A and reads what A stored, the epoch e. If e <= t the row stays. If e > t, then e was
///      stored after U, and B, which reads e or a later epoch, acquires U: P cannot find the row.
///   3. D reads something that the reader stored later. Then it acquires L, and with it everything that the
///      visit read happens before the row is used again.
/// Without A, B, D, E in one order (the store of A still in a buffer while P reads) case 1 fails: D sees the
/// reader idle, and P sees the pointer that U took away.
///
/// Time:    entering and leaving a visit: two stores, two loads; advance: one load per reader ever at work at
///          once
/// Memory:  128 bytes per reader; given back when the gate ends
/// Source:  Fraser, Practical lock-freedom, 2004 (epochs); McKenney, RCU (readers that only announce)
class EpochGate {
 public:
  EpochGate() = default;
  EpochGate(const EpochGate&) = delete;
  EpochGate& operator=(const EpochGate&) = delete;
  ~EpochGate();

  /// One reader's stay, from construction to destruction.
  class Visit {
   public:
    Visit(const EpochGate& gate, ReaderPlace& place) noexcept : place_(place) {
      // A store that is seq_cst, not a fence behind a relaxed one: on x86-64 later loads pass an exchange by
      // speculation, and reads of several keys overlap; a fence makes each wait for the one before it.
      place.announced.store(gate.epoch_.load(std::memory_order_relaxed), std::memory_order_seq_cst);  // A
      seen_ = gate.epoch_.load(std::memory_order_seq_cst);                                            // B
    }
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;
    ~Visit() { place_.announced.store(ReaderPlace::idle, std::memory_order_release); }  // L

    [[nodiscard]] bool is_closed() const noexcept { return (seen_ & closed_bit) != 0; }
    /// Whether the reader's place still says so: another visit of the same reader would have ended this one.
    [[nodiscard]] bool is_announced() const noexcept {
      return place_.announced.load(std::memory_order_relaxed) != ReaderPlace::idle;
    }

   private:
    ReaderPlace& place_;
    std::uint64_t seen_ = 0;
  };

  /// A place for one more reader, and its return. From any thread, without a lock.
  [[nodiscard]] ReaderPlace* enrol();
  void dismiss(ReaderPlace* place) noexcept;
  [[nodiscard]] std::size_t size_bytes() const noexcept {
    return places_.load(std::memory_order_relaxed) * sizeof(ReaderPlace);
  }

  // The writer's side.

  /// The tag of what is unlinked now.
  [[nodiscard]] std::uint64_t epoch() const noexcept {
    return epoch_.load(std::memory_order_relaxed) & ~closed_bit;
  }
  /// Begins the next epoch. No reader can see what has a tag below the result.
  [[nodiscard]] std::uint64_t advance() noexcept;
  /// From now on visits that begin find the gate closed.
  void close() noexcept { epoch_.fetch_or(closed_bit, std::memory_order_seq_cst); }
  [[nodiscard]] bool is_closed() const noexcept {
    return (epoch_.load(std::memory_order_relaxed) & closed_bit) != 0;
  }

 private:
  static constexpr std::uint64_t closed_bit = std::uint64_t{1} << 63;

  alignas(apart_bytes) std::atomic<std::uint64_t> epoch_{1};
  alignas(apart_bytes) std::atomic<ReaderPlace*> first_{nullptr};  // places are added, never removed
  std::atomic<std::size_t> places_{0};
};

}  // namespace weir::inline v0::detail

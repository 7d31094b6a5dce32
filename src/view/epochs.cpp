#include <weir/view/epochs.hpp>

#include <algorithm>

namespace weir::inline v0::detail {

EpochGate::~EpochGate() {
  for (ReaderPlace* place = first_.load(std::memory_order_relaxed); place != nullptr;) {
    ReaderPlace* next = place->next;
    delete place;
    place = next;
  }
}

ReaderPlace* EpochGate::enrol() {
  for (ReaderPlace* place = first_.load(std::memory_order_acquire); place != nullptr; place = place->next)
    if (!place->is_taken.exchange(true, std::memory_order_acquire)) return place;
  auto* place = new ReaderPlace;
  places_.fetch_add(1, std::memory_order_relaxed);
  place->next = first_.load(std::memory_order_relaxed);
  // Before the first announcement in the order of the proof: a writer that misses the place precedes A.
  while (!first_.compare_exchange_weak(place->next, place, std::memory_order_seq_cst,
                                       std::memory_order_relaxed)) {}
  return place;
}

void EpochGate::dismiss(ReaderPlace* place) noexcept {
  place->is_taken.store(false, std::memory_order_release);
}

std::uint64_t EpochGate::advance() noexcept {
  const std::uint64_t next = epoch() + 1;
  epoch_.store(next | (epoch_.load(std::memory_order_relaxed) & closed_bit), std::memory_order_seq_cst);  // E
  std::uint64_t oldest = next;
  for (const ReaderPlace* place = first_.load(std::memory_order_seq_cst); place != nullptr;
       place = place->next) {
    const std::uint64_t announced = place->announced.load(std::memory_order_seq_cst);  // D
    if (announced != ReaderPlace::idle) oldest = std::min(oldest, announced & ~closed_bit);
  }
  return oldest;
}

}  // namespace weir::inline v0::detail

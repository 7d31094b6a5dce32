#include <weir/view/slabs.hpp>

#include <algorithm>
#include <bit>
#include <memory>
#include <utility>

#include <weir/base/assert.hpp>

namespace weir::inline v0::detail {

SlabPool::SlabPool(std::size_t piece_bytes, std::size_t alignment)
    : piece_bytes_((piece_bytes + alignment - 1) / alignment * alignment),
      slab_bytes_(std::max<std::size_t>(std::size_t{32} << 10, std::bit_ceil(16 * piece_bytes_))) {
  const std::size_t start = std::max<std::size_t>(alignment, 64);
  const std::size_t bits = memory_bytes() / piece_bytes_;
  const std::size_t header = sizeof(Slab) + (bits + 63) / 64 * sizeof(std::uint64_t);
  first_ = (header + start - 1) / start * start;
  pieces_ = (memory_bytes() - first_) / piece_bytes_;
}

std::size_t SlabPool::index_of(Slab* slab, const void* piece) const noexcept {
  const auto offset = static_cast<std::size_t>(static_cast<const std::byte*>(piece) -
                                               reinterpret_cast<const std::byte*>(slab));
  return (offset - first_) / piece_bytes_;
}

void* SlabPool::piece_at(Slab* slab, std::size_t index) const noexcept {
  return reinterpret_cast<std::byte*>(slab) + first_ + index * piece_bytes_;
}

void SlabPool::link(Slab* slab) noexcept {
  Slab*& head = heads_[bucket_of(slab)];
  slab->previous = nullptr;
  slab->next = head;
  if (head != nullptr) head->previous = slab;
  head = slab;
}

void SlabPool::unlink(Slab* slab, std::size_t bucket) noexcept {
  (slab->previous != nullptr ? slab->previous->next : heads_[bucket]) = slab->next;
  if (slab->next != nullptr) slab->next->previous = slab->previous;
}

SlabPool::Slab* SlabPool::make_slab() {
  void* memory = memory_->allocate(memory_bytes(), slab_bytes_);
  auto* slab = new (memory) Slab{};
  std::uninitialized_fill_n(bits_of(slab), words(), std::uint64_t{0});
  ++slabs_;
  free_ += pieces_;
  empty_ = slab;
  link(slab);
  return slab;
}

void SlabPool::free_slab(Slab* slab) noexcept {
  unlink(slab, bucket_of(slab));
  if (slab->is_closed) {
    --closed_slabs_;
    if (slab == drained_) drained_ = nullptr;
  } else {
    free_ -= pieces_;
  }
  if (slab == empty_) empty_ = nullptr;
  --slabs_;
  memory_->deallocate(slab, memory_bytes(), slab_bytes_);
}

void* SlabPool::room() {
  Slab* slab = nullptr;
  for (std::size_t bucket = buckets; bucket-- != 0 && slab == nullptr;) slab = heads_[bucket];
  if (slab == nullptr) slab = make_slab();
  const std::uint64_t* bits = bits_of(slab);
  for (std::size_t word = slab->cursor;; word = (word + 1) % words()) {
    if (bits[word] == ~std::uint64_t{0}) continue;
    const std::size_t index = word * 64 + static_cast<std::size_t>(std::countr_one(bits[word]));
    if (index >= pieces_) continue;
    slab->cursor = static_cast<std::uint32_t>(word);
    return piece_at(slab, index);
  }
}

void SlabPool::change(Slab* slab, bool is_taken) noexcept {
  const std::size_t before = bucket_of(slab);
  slab->taken = is_taken ? slab->taken + 1 : slab->taken - 1;
  taken_ = is_taken ? taken_ + 1 : taken_ - 1;
  if (slab->is_closed) return;
  free_ = is_taken ? free_ - 1 : free_ + 1;
  if (before == bucket_of(slab)) return;
  unlink(slab, before);
  link(slab);
}

void SlabPool::take(void* piece) noexcept {
  Slab* slab = slab_of(piece);
  const std::size_t index = index_of(slab, piece);
  bits_of(slab)[index / 64] |= std::uint64_t{1} << (index % 64);
  change(slab, true);
  if (slab == empty_) empty_ = nullptr;
}

void SlabPool::give_back(void* piece) noexcept {
  Slab* slab = slab_of(piece);
  const std::size_t index = index_of(slab, piece);
  bits_of(slab)[index / 64] &= ~(std::uint64_t{1} << (index % 64));
  change(slab, false);
  if (slab->taken != 0) return;
  if (slab->is_closed || empty_ != nullptr) {
    free_slab(slab);
  } else {
    empty_ = slab;
  }
}

void SlabPool::trim() noexcept {
  if (empty_ != nullptr) free_slab(empty_);
}

void SlabPool::clear() noexcept {
  for (Slab*& head : heads_) {
    while (head != nullptr) {
      Slab* slab = std::exchange(head, head->next);
      memory_->deallocate(slab, memory_bytes(), slab_bytes_);
    }
  }
  slabs_ = taken_ = free_ = closed_slabs_ = 0;
  empty_ = drained_ = nullptr;
}

bool SlabPool::begin_drain() noexcept {
  trim();
  Slab* slab = nullptr;
  for (std::size_t bucket = 0; bucket != buckets && slab == nullptr; ++bucket) slab = heads_[bucket];
  if (slab == nullptr || free_ < pieces_) return false;
  unlink(slab, bucket_of(slab));
  free_ -= pieces_ - slab->taken;
  slab->is_closed = true;
  link(slab);
  ++closed_slabs_;
  drained_ = slab;
  drain_at_ = 0;
  return true;
}

void* SlabPool::next_drained() noexcept {
  if (drained_ == nullptr) return nullptr;
  const std::uint64_t* bits = bits_of(drained_);
  while (drain_at_ < pieces_) {
    const std::uint64_t rest = bits[drain_at_ / 64] >> (drain_at_ % 64);
    if (rest == 0) {
      drain_at_ = (drain_at_ / 64 + 1) * 64;
      continue;
    }
    drain_at_ += static_cast<std::size_t>(std::countr_zero(rest));
    return piece_at(drained_, drain_at_++);
  }
  drained_ = nullptr;
  return nullptr;
}

RetiredQueue::~RetiredQueue() {
  while (!is_empty()) pop();
  if (first_ != nullptr) end(first_);
  trim();
}

void RetiredQueue::reserve(std::size_t count) {
  WEIR_ASSERT(count <= per_chunk, "a queue makes room for one chunk at a time");
  if (per_chunk - last_at_ >= count || spare_ != nullptr) return;
  spare_ = make_in<Chunk>(memory_).release();
  ++spares_;
}

void RetiredQueue::add(void* memory, Kind kind, std::uint64_t tag) noexcept {
  if (last_at_ == per_chunk) {
    Chunk* chunk = spare_;
    WEIR_ASSERT(chunk != nullptr, "reserve comes before add");
    spare_ = chunk->next;
    --spares_;
    ++chunks_;
    chunk->next = nullptr;
    (last_ == nullptr ? first_ : last_->next) = chunk;
    last_ = chunk;
    last_at_ = 0;
  }
  last_->items[last_at_++] = {.memory = memory,
                              .tag = tag & (~std::uint64_t{0} >> 2),
                              .kind_bits = static_cast<std::uint64_t>(kind) & 3};
  ++size_;
}

void RetiredQueue::pop() noexcept {
  --size_;
  if (++first_at_ != per_chunk) return;
  Chunk* chunk = first_;
  first_ = chunk->next;
  first_at_ = 0;
  --chunks_;
  if (first_ == nullptr) {
    last_ = nullptr;
    last_at_ = per_chunk;
  }
  if (spares_ >= chunks_ + most_spares) {
    end(chunk);
    return;
  }
  chunk->next = spare_;
  spare_ = chunk;
  ++spares_;
}

void RetiredQueue::trim() noexcept {
  while (spare_ != nullptr) {
    Chunk* chunk = spare_;
    spare_ = chunk->next;
    --spares_;
    end(chunk);
  }
}

}  // namespace weir::inline v0::detail

#include <weir/state/owned.hpp>

#include <algorithm>

#include <weir/state/memory.hpp>

namespace weir::inline v0::detail {

namespace {

thread_local OwnedMemory* owner_in_scope = nullptr;

/// Lies right before a piece.
struct Head {
  OwnedMemory* owner;
};
std::size_t head_bytes(std::size_t alignment) noexcept { return std::max(alignment, sizeof(Head)); }

}  // namespace

OwnedMemory::Scope::Scope(OwnedMemory* memory) noexcept : before_(owner_in_scope) { owner_in_scope = memory; }

OwnedMemory::Scope::~Scope() { owner_in_scope = before_; }

void* OwnedMemory::take(std::size_t bytes, std::size_t alignment) {
  OwnedMemory* const owner = owner_in_scope;
  const std::size_t head = head_bytes(alignment);
  std::pmr::memory_resource* const memory = owner != nullptr ? owner->memory_ : default_memory();
  void* const block = memory->allocate(head + bytes, head);
  if (owner != nullptr) owner->bytes_ += head + bytes;
  std::byte* const piece = static_cast<std::byte*>(block) + head;
  new (piece - sizeof(Head)) Head{owner};
  return piece;
}

void OwnedMemory::give_back(void* piece, std::size_t bytes, std::size_t alignment) noexcept {
  std::byte* const begin = static_cast<std::byte*>(piece);
  OwnedMemory* const owner = std::launder(reinterpret_cast<Head*>(begin - sizeof(Head)))->owner;
  const std::size_t head = head_bytes(alignment);
  (owner != nullptr ? owner->memory_ : default_memory())->deallocate(begin - head, head + bytes, head);
  if (owner == nullptr) return;
  owner->bytes_ -= head + bytes;
  if (owner->is_ended_ && owner->bytes_ == 0) delete owner;
}

void OwnedMemory::end() noexcept {
  is_ended_ = true;
  if (bytes_ == 0) delete this;
}

}  // namespace weir::inline v0::detail

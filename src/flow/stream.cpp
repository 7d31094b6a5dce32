#include <weir/flow/stream.hpp>

#include <algorithm>

namespace weir::inline v0 {

Holders::Holders() = default;
Holders::~Holders() = default;

void Holders::add(Node& node) { nodes_.push_back(&node); }

bool Holders::hold(Slot slot) const {
  return std::any_of(nodes_.begin(), nodes_.end(), [slot](const Node* node) { return node->holds(slot); });
}

std::size_t Holders::value_bytes() const noexcept {
  std::size_t total = 0;
  for (const Node* node : nodes_) total += node->value_bytes();
  return total;
}

std::size_t Holders::state_bytes() const {
  std::size_t total = 0;
  for (const Node* node : nodes_) {
    OperatorStats weighed;
    node->refresh(weighed);
    total += weighed.state_bytes;
  }
  return total;
}

void Holders::forget(std::span<const Slot> slots) {
  for (auto node = nodes_.rbegin(); node != nodes_.rend(); ++node) {
    const detail::OwnedMemory::Scope memory((*node)->value_memory());
    (*node)->forget(slots);
  }
}

}  // namespace weir::inline v0

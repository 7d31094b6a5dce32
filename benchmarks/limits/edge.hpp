#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "support/events.hpp"
#include "support/tally.hpp"

/// \file
/// An edge by hand: the producer writes its records into a buffer and hands it on through a function pointer.

namespace bench::limit {

/// A chain of stages; each maps a batch into its own buffer, the last one sums up.
template <class Map>
class Chain {
 public:
  Chain(std::size_t stages, Map map) : map_(map), stages_(stages) {
    for (std::size_t i = 0; i < stages; ++i) {
      stages_[i].owner = this;
      if (i + 1 < stages) {
        stages_[i].next = {&Chain::take, &stages_[i + 1]};
      } else {
        stages_[i].next = {&Chain::sum_up, this};
      }
    }
  }
  Chain(const Chain&) = delete;
  Chain& operator=(const Chain&) = delete;

  void push(std::span<const Event> batch) { take(&stages_.front(), batch); }
  double sum() const { return sum_; }

 private:
  struct Target {
    void (*deliver)(void* node, std::span<const Event> batch) = nullptr;
    void* node = nullptr;
  };
  struct Stage {
    Chain* owner = nullptr;
    Target next;
    std::array<Event, 256> buffer{};
  };

  static void take(void* node, std::span<const Event> batch) {
    Stage& stage = *static_cast<Stage*>(node);
    for (std::size_t i = 0; i < batch.size(); ++i) stage.buffer[i] = stage.owner->map_(batch[i]);
    stage.next.deliver(stage.next.node, {stage.buffer.data(), batch.size()});
  }
  static void sum_up(void* node, std::span<const Event> batch) {
    Chain& chain = *static_cast<Chain*>(node);
    for (const Event& event : batch) chain.sum_ += event.value;
  }

  Map map_;
  std::vector<Stage> stages_;
  double sum_ = 0;
};

}  // namespace bench::limit

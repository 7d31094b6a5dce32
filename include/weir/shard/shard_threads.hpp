#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <absl/status/status.h>

#include <weir/base/assert.hpp>
#include <weir/shard/round.hpp>
#include <weir/shard/shard_set.hpp>

/// \file
/// A thread and a queue for each shard.

namespace weir::inline v0 {

/// How full the queue of a shard is, and what went through it.
struct QueueStats {
  std::size_t capacity = 0;   ///< batches
  std::size_t depth = 0;      ///< batches that were handed over and are not done
  std::uint64_t batches = 0;  ///< handed over, also those in which the shard only hears of the time
  std::uint64_t records = 0;  ///< handed over
  std::uint64_t full = 0;     ///< how often it had no room for a batch
};

namespace detail {

/// The shards on threads of their own. Rounds lie in one ring in the order in which they were handed over; each shard has its own
/// place in it, and what lies between that and the end is its queue. One thread hands over.
class ShardThreads {
 public:
  ShardThreads(ShardSet& shards, std::size_t queue) : ShardThreads(queue, shards) {
    for (std::size_t shard = 0; shard < shards.size(); ++shard)
      threads_.emplace_back([this, shard] { work(shard); });
  }
  ShardThreads(const ShardThreads&) = delete;
  ShardThreads& operator=(const ShardThreads&) = delete;
  ~ShardThreads() { stop(); }

  /// The round that is being filled.
  [[nodiscard]] Round& open() noexcept { return rounds_[open_].round; }
  /// Whether there is room for it in every queue.
  [[nodiscard]] bool has_room() noexcept {
    if (end() - slowest_ < capacity_) return true;
    slowest_ = end() - deepest().depth;
    return end() - slowest_ < capacity_;
  }
  /// Gives it to all shards. False, and nothing happens, if some queue has no room, which is counted.
  bool hand_over() {
    if (!has_room()) {
      for (std::size_t shard = 0; shard < shards_->size(); ++shard)
        places_[shard].full += depth(shard) >= capacity_ ? 1 : 0;
      return false;
    }
    const Round& round = open();
    for (std::size_t shard = 0; shard < shards_->size(); ++shard) {
      ++places_[shard].batches;
      if (round.route != Round::no_route)
        places_[shard].records += round.lots[round.route * shards_->size() + shard]->size();
    }
    // The order of this store and the look for sleepers matters, which only the strictest keeps.
    end_.store(end() + 1, std::memory_order_seq_cst);
    end_.notify_all();
    open_ = after(open_);
    open().clear();  // all are done with what lay here
    return true;
  }
  /// Waits until there is room in every queue.
  void wait_for_room() {
    while (!is_over() && !has_room()) wait_for(deepest().shard, end() - capacity_ + 1);
  }
  /// Waits until all that was handed over is done.
  void wait_until_done() {
    for (std::size_t shard = 0; shard < shards_->size(); ++shard) wait_for(shard, end());
  }
  /// Does all that was handed over, and ends the threads.
  void stop() {
    if (threads_.empty()) return;
    wait_until_done();
    is_over_.store(true, std::memory_order_relaxed);
    end_.store(end() + 1, std::memory_order_seq_cst);
    end_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }
  [[nodiscard]] bool is_over() const noexcept { return threads_.empty(); }

  [[nodiscard]] QueueStats queue(std::size_t shard) const noexcept {
    const Place& place = places_[shard];
    return {.capacity = capacity_,
            .depth = is_over() ? 0 : depth(shard),
            .batches = place.batches,
            .records = place.records,
            .full = place.full};
  }
  /// Whether a shard can do nothing any more.
  [[nodiscard]] bool has_failed() const noexcept { return has_failed_.load(std::memory_order_acquire); }
  /// Of a shard, on its own thread.
  [[nodiscard]] const absl::Status& failure(std::size_t shard) const noexcept {
    return places_[shard].status;
  }
  /// Why; of several the first in their order.
  [[nodiscard]] absl::Status status() const {
    for (std::size_t shard = 0; has_failed() && shard < shards_->size(); ++shard) {
      if (!places_[shard].has_failed.load(std::memory_order_acquire)) continue;
      const absl::Status& status = places_[shard].status;
      return absl::Status(status.code(), shards_->name() + ": shard " + std::to_string(shard) + ": " +
                                             std::string(status.message()));
    }
    return absl::OkStatus();
  }

 private:
  /// Without threads, so that those are ended of which some could not be started.
  ShardThreads(std::size_t queue, ShardSet& shards)
      : shards_(&shards),
        capacity_(static_cast<std::uint32_t>(queue)),
        rounds_(queue + 1),
        places_(std::make_unique<Place[]>(shards.size())) {}

  static constexpr std::size_t line = 64;  // what a processor takes from another at a time

  struct alignas(line) Place {
    std::atomic<std::uint32_t> done = 0;  // how many rounds
    std::atomic<bool> has_failed = false;
    absl::Status status;  // once it has failed
    // Of the thread that hands over:
    alignas(line) std::uint64_t batches = 0;
    std::uint64_t records = 0;
    std::uint64_t full = 0;
  };
  struct alignas(line) Slot {
    Round round;
  };

  [[nodiscard]] std::uint32_t end() const noexcept { return end_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint32_t depth(std::size_t shard) const noexcept {
    return end() - places_[shard].done.load(std::memory_order_acquire);
  }
  [[nodiscard]] std::size_t after(std::size_t slot) const noexcept {
    return slot + 1 == rounds_.size() ? 0 : slot + 1;
  }
  struct Deepest {
    std::size_t shard = 0;
    std::uint32_t depth = 0;
  };
  /// The queue with most in it. Nothing of what all have done is touched any more by any of them.
  [[nodiscard]] Deepest deepest() const noexcept {
    Deepest deepest;
    for (std::size_t shard = 0; shard < shards_->size(); ++shard) {
      if (const std::uint32_t one = depth(shard); one > deepest.depth) deepest = {shard, one};
    }
    return deepest;
  }
  /// Waits until a shard has done so many rounds.
  void wait_for(std::size_t shard, std::uint32_t rounds) const {
    const std::atomic<std::uint32_t>& done = places_[shard].done;
    for (std::uint32_t now = done.load(std::memory_order_acquire);
         static_cast<std::int32_t>(now - rounds) < 0; now = done.load(std::memory_order_acquire))
      done.wait(now, std::memory_order_acquire);
  }
  void work(std::size_t shard) {
    Place& place = places_[shard];
    std::size_t slot = 0;
    for (std::uint32_t next = 0;; ++next, slot = after(slot)) {
      std::uint32_t end = end_.load(std::memory_order_acquire);
      for (; end == next; end = end_.load(std::memory_order_acquire))
        end_.wait(end, std::memory_order_acquire);
      if (is_over_.load(std::memory_order_relaxed)) return;
      const Round& round = rounds_[slot].round;
      if (place.status.ok()) {
        place.status = call_guarded([&] { return shards_->apply(round, shard); });
        if (!place.status.ok()) fail(place);
      }
      if (round.task != nullptr) {
        const absl::Status done = call_guarded([&] {
          round.task->run(*shards_, shard);
          return absl::OkStatus();
        });
        if (!done.ok() && place.status.ok()) {
          place.status = done;
          fail(place);
        }
      }
      place.done.store(next + 1, std::memory_order_seq_cst);
      place.done.notify_all();
    }
  }
  void fail(Place& place) noexcept {
    place.has_failed.store(true, std::memory_order_release);
    has_failed_.store(true, std::memory_order_release);
    shards_->refuse_reads();
  }

  ShardSet* shards_;
  std::uint32_t capacity_;
  std::vector<Slot> rounds_;  // as many as a queue has, and the one that is open
  std::size_t open_ = 0;
  std::unique_ptr<Place[]> places_;
  std::uint32_t slowest_ = 0;  // so many rounds all shards have done, as far as was looked
  std::atomic<bool> has_failed_ = false;
  alignas(line) std::atomic<std::uint32_t> end_ = 0;  // how many rounds were handed over
  std::atomic<bool> is_over_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace detail

}  // namespace weir::inline v0

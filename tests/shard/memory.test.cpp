#include <weir/shard/runner.hpp>

#include <atomic>
#include <cstdint>
#include <memory_resource>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include <weir/weir.hpp>

#include "catch.hpp"
#include "notes.hpp"

// What shards share of a host's memory, and what they do not share of its limits.

namespace {

using namespace std::chrono_literals;
using shard::Count;
using shard::Note;
using shard::Notes;

weir::Sharded<Notes> notes(std::size_t shards, const weir::GraphSpec& graph_spec,
                           const weir::KeyBySpec& keys = {}) {
  return weir::sharded(
             {.name = "notes", .shards = shards, .graph = graph_spec},
             [keys](weir::Graph& graph, std::size_t) {
               const auto source =
                   graph.source<Note>("notes", {.time = &Note::at, .watermark = weir::ascending()});
               auto counts =
                   source | weir::key_by(&Note::key, keys) |
                   weir::features<Count>(
                       "counts",
                       weir::rolling({.size = 1h, .precision = 1min}).compute(weir::count().as(&Count::n)));
               return Notes{.notes = source, .counts = counts | weir::view("view").publish()};
             },
             weir::route(&Notes::notes, &Note::key))
      .value();
}
std::vector<Note> some_notes(std::uint64_t count, std::uint64_t keys) {
  std::vector<Note> notes;
  for (std::uint64_t i = 0; i < count; ++i)
    notes.push_back({.key = i % keys, .at = weir::event_time(static_cast<std::int64_t>(i))});
  return notes;
}

/// Counts what it lends, and the threads that ask.
class CountingMemory final : public std::pmr::memory_resource {
 public:
  [[nodiscard]] std::int64_t live_bytes() const noexcept { return live_; }
  [[nodiscard]] std::size_t threads() const {
    const std::scoped_lock lock(mutex_);
    return threads_.size();
  }

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    live_ += static_cast<std::int64_t>(bytes);
    {
      const std::scoped_lock lock(mutex_);
      threads_.insert(std::this_thread::get_id());
    }
    return pool_.allocate(bytes, alignment);
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    live_ -= static_cast<std::int64_t>(bytes);
    pool_.deallocate(block, bytes, alignment);
  }
  [[nodiscard]] bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
    return this == &other;
  }

  std::pmr::synchronized_pool_resource pool_;
  std::atomic<std::int64_t> live_ = 0;
  mutable std::mutex mutex_;
  std::set<std::thread::id> threads_;
};

}  // namespace

TEST_CASE("shards on threads share a memory that is thread-safe, and give all of it back") {
  constexpr std::uint64_t keys = 5000;
  const std::vector<Note> batch = some_notes(4 * keys, keys);
  CountingMemory memory;
  {
    auto runner = weir::shard_runner(notes(3, {.memory = &memory}), {.queue = 4}).value();
    CHECK(runner.push_waiting(&Notes::notes, batch).taken == batch.size());
    CHECK(runner.stop().ok());
    weir::Sharded<Notes>& sharded = runner.sharded();
    CHECK(memory.threads() >= 3);
    CHECK(memory.live_bytes() >= static_cast<std::int64_t>(sharded.stats("counts").state_bytes));
    for (std::uint64_t key = 0; key < keys; key += 77) CHECK(sharded.lookup(&Notes::counts, key)->n == 4);
  }
  CHECK(memory.live_bytes() == 0);
}

TEST_CASE("the keys that there may be are counted in each shard by itself") {
  weir::Sharded<Notes> sharded = notes(4, {}, {.name = "by_key", .most_keys = 10});
  CHECK(sharded.push(&Notes::notes, some_notes(97, 97)).on_time == 97);
  CHECK(sharded.stats("by_key").keys == 40);
  CHECK(sharded.stats("by_key").over_key_limit == 57);
}

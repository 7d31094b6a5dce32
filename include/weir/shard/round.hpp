#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>

#include <weir/flow/batch.hpp>
#include <weir/graph/source.hpp>
#include <weir/time/instant.hpp>

/// \file
/// What a front tells the shards at a time: records that it has judged, and how far time has come.

namespace weir::inline v0::detail {

class ShardSet;

/// The records of one source that go to one shard, in their order; as many as a batch has.
class LotBase {
 public:
  LotBase() = default;
  LotBase(const LotBase&) = delete;
  LotBase& operator=(const LotBase&) = delete;
  virtual ~LotBase();

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool is_full() const noexcept { return size_ == batch_limit; }
  virtual void clear() = 0;

 protected:
  std::size_t size_ = 0;
  std::array<Verdict, batch_limit> verdicts_;
};

template <class Record>
class Lot final : public LotBase {
 public:
  Lot() : records_(std::allocator<Record>().allocate(batch_limit)) {}
  Lot(const Lot&) = delete;
  Lot& operator=(const Lot&) = delete;
  ~Lot() override {
    std::destroy_n(records_, size_);
    std::allocator<Record>().deallocate(records_, batch_limit);
  }

  /// It is not full.
  void add(const Record& record, Verdict verdict) {
    const std::size_t at = size_;
    std::construct_at(records_ + at, record);
    verdicts_[at] = verdict;
    size_ = at + 1;
  }
  void clear() override { std::destroy_n(records_, std::exchange(size_, 0)); }
  [[nodiscard]] Judged<Record> judged(std::span<const EventTime> watermarks) const {
    return {.records = records_, .verdicts = verdicts_.data(), .size = size_, .watermarks = watermarks};
  }

 private:
  Record* records_;  // of which the first have been made
};

/// Something to be done with each shard between two records.
class ShardTask {
 public:
  ShardTask() = default;
  ShardTask(const ShardTask&) = delete;
  ShardTask& operator=(const ShardTask&) = delete;
  virtual ~ShardTask();

  /// On the thread of the shard, if it has one.
  virtual void run(ShardSet& shards, std::size_t shard) = 0;
};

/// How far a source has come by something else than records.
struct Track {
  std::vector<EventTime> watermarks;  // that it came to, one after the other
  bool is_idle = false;
  std::uint64_t regressions = 0;
};

/// What all shards are told, in this order: records of one source, then how far time has come, then a task. The watermarks are
/// the same for all of them, each gets its records.
struct Round {
  static constexpr std::size_t no_route = ~std::size_t{0};

  std::size_t route = no_route;                // whose records there are
  bool is_idle = false;                        // that source, from the first of them on
  std::vector<EventTime> watermarks = {};      // that their source came to, one after the other
  std::vector<std::unique_ptr<LotBase>> lots;  // per route and shard; null: never had any
  bool is_full = false;                        // some shard has as many records as are handed over at a time

  enum class Then : std::uint8_t { nothing, time, finish };
  Then then = Then::nothing;
  std::vector<Track> tracks;          // per source of the shards, in their order
  std::optional<WallTime> tick = {};  // the host's clock
  std::shared_ptr<ShardTask> task = {};

  [[nodiscard]] bool is_empty() const noexcept {
    return route == no_route && then == Then::nothing && task == nullptr;
  }
  void clear();
};

/// Calls something and says what it threw.
[[nodiscard]] absl::Status call_guarded(absl::FunctionRef<absl::Status()> call);

}  // namespace weir::inline v0::detail

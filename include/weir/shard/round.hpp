#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>

#include <weir/graph/source.hpp>
#include <weir/time/instant.hpp>

/// \file
/// What a front tells the shards at a time: records that it has judged, and how far time has come.

namespace weir::inline v0::detail {

class ShardSet;

/// The records of one source that go to one shard, in their order.
class LotBase {
 public:
  LotBase() = default;
  LotBase(const LotBase&) = delete;
  LotBase& operator=(const LotBase&) = delete;
  virtual ~LotBase();

  [[nodiscard]] std::size_t size() const noexcept { return verdicts_.size(); }
  virtual void clear() = 0;

 protected:
  std::vector<Verdict> verdicts_;
};

template <class Record>
class Lot final : public LotBase {
 public:
  void add(const Record& record, Verdict verdict) {
    records_.push_back(record);
    verdicts_.push_back(verdict);
  }
  void clear() override {
    records_.clear();
    verdicts_.clear();
  }
  [[nodiscard]] Judged<Record> judged(std::span<const EventTime> watermarks) const {
    return {.records = records_.data(),
            .verdicts = verdicts_.data(),
            .size = verdicts_.size(),
            .watermarks = watermarks};
  }

 private:
  std::vector<Record> records_;
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

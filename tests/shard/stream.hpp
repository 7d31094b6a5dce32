#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <weir/shard/sharded.hpp>
#include <weir/weir.hpp>

// One definition with every operator that keeps something per key, as a single pipeline and in shards, and streams for it.

namespace stream {

struct Event {
  std::string key;
  std::int64_t value = 0;
  double amount = 0;
  weir::EventTime at{};
  std::optional<weir::EventTime> marker = {};  ///< no on-time record before it follows
};

struct Rolling {
  std::int64_t count_1m = 0, count_exact = 0, count_all = 0;
  double sum_1m = 0;
  std::optional<double> low;
  std::int64_t last_three = 0;
};
struct Session {
  std::int64_t events = 0;
  double amount = 0;
};

/// What may differ between definitions.
struct Plan {
  weir::WatermarkRule<Event> rule = weir::trailing(std::chrono::seconds{3});
  std::size_t channels = 3;
  std::optional<weir::Duration> idle_after = std::nullopt;
  std::optional<weir::Duration> max_future_skew = std::nullopt;
  std::optional<weir::Duration> max_jump = std::nullopt;
  bool has_others = true;  ///< a second source that is merged with the first
  bool publishes = false;
};

/// What came out, by stream and key.
using Lines = std::map<std::string, std::vector<std::string>>;

struct Handles {
  weir::Source<Event> events;
  weir::Source<Event> others;
  weir::View<std::string, Rolling> rolling;
  weir::View<std::string, Session> sessions;
  weir::View<std::string, Session> latest;
};

/// The definition. What it emits is written into `lines`, which outlives it.
[[nodiscard]] Handles define(weir::Graph& graph, const Plan& plan, Lines& lines);

constexpr std::uint32_t key_groups = 16;
[[nodiscard]] inline weir::GraphSpec graph_spec() { return {.key_groups = {.count = key_groups}}; }

/// One pipeline.
class One {
 public:
  explicit One(const Plan& plan);
  One(const One&) = delete;
  One& operator=(const One&) = delete;

  weir::Pipeline& pipeline() { return *pipeline_; }
  const Handles& handles() { return *handles_; }
  Lines& lines() { return lines_; }

 private:
  Lines lines_;
  std::optional<Handles> handles_;
  std::optional<weir::Pipeline> pipeline_;
};

/// The same in shards.
class Many {
 public:
  Many(const Plan& plan, std::size_t shards);
  Many(const Many&) = delete;
  Many& operator=(const Many&) = delete;

  weir::Sharded<Handles>& sharded() { return *sharded_; }
  /// Of all shards. A key that came out of two of them shows as lines that are too many.
  [[nodiscard]] Lines lines();

 private:
  std::vector<Lines> lines_;  // per shard
  std::optional<weir::Sharded<Handles>> sharded_;
};

/// One thing that happens.
struct Step {
  enum class Kind : std::uint8_t { records, advance, tick, idle, active, close, read };
  Kind kind = Kind::records;
  bool is_other = false;  ///< to the second source
  std::size_t channel = 0;
  std::vector<Event> records = {};
  bool is_last =
      false;  ///< of reads: at the end of the streams, where each shard forgets rows of windows by itself
  weir::EventTime at{};
  weir::WallTime now{};
};
[[nodiscard]] std::vector<Step> random_steps(std::uint64_t seed, std::size_t count, const Plan& plan,
                                             std::size_t keys = 12);

/// Does a step to a pipeline: records one by one; what views say of every key is written into `lines`.
void take(One& one, const Step& step, std::size_t keys = 12);
/// Does it to shards; `batch`: records at once. True if what they say of the step is what a single pipeline said.
void take(Many& many, const Step& step, Lines& reads, std::size_t batch, std::size_t keys = 12);

/// All counters that do not depend on how much memory is held.
[[nodiscard]] std::string text(const weir::OperatorStats& stats);
/// Those of all operators, line by line.
template <class Host>
[[nodiscard]] std::string counters(const Host& host) {
  std::string all;
  for (const std::string& name : host.names()) all += text(host.stats(name));
  return all;
}
template <class Row>
[[nodiscard]] std::string text(const weir::Lookup<Row>& hit);
[[nodiscard]] std::string first_difference(const Lines& wanted, const Lines& got);

}  // namespace stream

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <weir/weir.hpp>

// A pipeline with every operator that keeps something, and a stream for it.

namespace world {

struct Event {
  std::string key;
  std::int64_t value = 0;
  double amount = 0;
  weir::EventTime at{};
  weir::Duration gap{};
  bool marker = false;
};

/// What may differ between two pipelines.
struct Plan {
  std::uint64_t hash_seed = 1;
  weir::KeyGroups key_groups = {};
  bool has_whole = true;  ///< also an operator without a key, whose state cannot be cut
};

struct Rolling {
  std::int64_t count_1m = 0, count_1h = 0, count_exact = 0, count_all = 0;
  double sum_1m = 0, sum_1h = 0, sum_exact = 0;
  std::optional<double> low;
  std::int64_t last_three = 0;
  std::uint64_t values = 0;
};
struct Session {
  std::int64_t events = 0;
  double amount = 0;
};

/// What came out, by stream, each line with its key before it.
using Lines = std::map<std::string, std::vector<std::string>>;

/// What differs first; empty if nothing does.
[[nodiscard]] std::string first_difference(const Lines& wanted, const Lines& got);

class World {
 public:
  explicit World(const Plan& plan = {});
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  [[nodiscard]] weir::Pipeline& pipeline() { return *pipeline_; }
  void push(const Event& event, std::size_t channel);
  void push_other(const Event& event);
  void advance(weir::EventTime watermark);
  void tick(std::int64_t seconds);
  void finish();
  /// Reads all views, of all keys, and writes down what they say.
  void read(weir::EventTime as_of);
  [[nodiscard]] std::string snapshot();
  /// What came out since the last call.
  [[nodiscard]] Lines take() { return std::exchange(lines_, {}); }
  /// The counters of all operators, as text.
  [[nodiscard]] std::string counters();

 private:
  const bool is_whole_;
  Lines lines_;
  std::optional<weir::Pipeline> pipeline_;
  std::optional<weir::Source<Event>> events_;
  std::optional<weir::Source<Event>> others_;
  std::optional<weir::View<std::string, Rolling>> rolling_;
  std::optional<weir::View<std::string, Session>> sessions_;
  std::optional<weir::View<std::string, Session>> latest_;
};

/// One thing that happens to a world.
struct Step {
  enum class Kind : std::uint8_t { event, other, advance, tick, read } kind = Kind::event;
  Event event{};
  std::size_t channel = 0;
  weir::EventTime at{};
  std::int64_t seconds = 0;
};
[[nodiscard]] std::vector<Step> random_steps(std::uint64_t seed, std::size_t count, std::size_t keys = 12);
void take(World& world, const Step& step);

/// Takes all of it over; empty or what went wrong.
[[nodiscard]] std::string restore(World& world, const std::string& image, const weir::RestoreSpec& spec = {});

}  // namespace world

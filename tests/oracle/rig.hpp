#pragma once

#include <weir/weir.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <weir/testing/oracle.hpp>

// Plays a script of the oracle through weir's public API, and writes down in its words what comes out.

namespace rig {

namespace oracle = weir::testing::oracle;

struct Event {
  std::int64_t key = 0;
  std::int64_t value = 0;
  weir::EventTime at{};
  weir::Duration gap{};
  weir::EventTime punctuation = weir::no_time;
  bool marker = false;
};

struct Totals {
  std::int64_t count = 0;
  std::int64_t sum = 0;
  std::int64_t min = 0;
  std::int64_t max = 0;
  std::int64_t first = 0;
  std::int64_t last = 0;
};

/// A pipeline that was built for a script.
struct Built {
  weir::Pipeline pipeline;
  weir::Source<Event> events;
};

enum class Mode : std::uint8_t {
  one_by_one,
  in_batches,
  restored  // in batches, and after every step in a new pipeline that is restored from a snapshot
};

using Rows = std::vector<oracle::Row>;

/// Builds and plays scripts; keeps its buffers.
class Rig {
 public:
  /// What weir makes of the script. `error` says if it could not be built, or broke a law on the way.
  const oracle::Outcome& run(const oracle::Script& script, Mode mode);
  /// The rows of the script's windows and of others over the same panes. Both must be of fixed shape and emit
  /// on close.
  std::array<Rows, 2> run_shared(const oracle::Script& script, const oracle::WindowConfig& others);
  [[nodiscard]] const std::string& error() const { return error_; }

 private:
  template <class Attach>
  std::optional<Built> build(const oracle::Config& config, Attach attach);
  void clear();
  void play(Built& built, const oracle::Script& script, Mode mode);
  /// Goes on in a new pipeline, restored from a snapshot of the old one.
  template <class Attach>
  void restore(Built& built, const oracle::Config& config, Attach attach);
  void mark(const Built& built);
  void act(Built& built, const oracle::Script& script, const oracle::Step& step, Mode mode);
  void push(Built& built, const oracle::Script& script, const oracle::Step& step, Mode mode);
  void count(Built& built, const oracle::Script& script);

  oracle::Outcome out_{};
  weir::Admitted admitted_{};
  std::vector<Event> batch_{};
  std::string error_;
};

}  // namespace rig

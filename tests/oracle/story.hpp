#pragma once

#include <string>
#include <vector>

#include <weir/testing/oracle.hpp>

// Scripts written by hand, for tests of the oracle itself. They need nothing of weir.

namespace story {

namespace oracle = weir::testing::oracle;
using oracle::Action;
using oracle::Config;
using oracle::Kind;
using oracle::Outcome;
using oracle::Record;
using oracle::Row;
using oracle::Script;
using oracle::Ticks;
using oracle::Timing;

/// A script written by hand. `reach(w)` is the corpus's inclusive watermark.
class Story {
 public:
  explicit Story(Config config) { script_.config = config; }

  Story& push(Record record, std::uint32_t channel = 0) {
    const auto first = static_cast<std::uint32_t>(script_.records.size());
    script_.records.push_back(record);
    return step({.action = Action::push, .channel = channel, .first = first, .count = 1});
  }
  Story& push(Ticks time, Ticks value = 1, Ticks key = 0) {
    return push(Record{.key = key, .time = time, .value = value});
  }
  Story& reach(Ticks watermark, std::uint32_t channel = 0) {
    return step({.action = Action::advance, .channel = channel, .at = watermark + 1});
  }
  Story& tick(Ticks now) { return step({.action = Action::tick, .at = now}); }
  Story& act(Action action, std::uint32_t channel = 0) {
    return step({.action = action, .channel = channel});
  }
  Story& finish() { return act(Action::finish); }

  Outcome run() const { return oracle::Oracle().run(script_); }
  /// One word per row: "key [start,end) count/sum timing#index".
  std::vector<std::string> rows() const {
    std::vector<std::string> result;
    for (const Row& row : run().rows) {
      static const char* const timings[] = {"early", "on_time", "late"};
      result.push_back((row.is_retraction ? "-" : "") + std::to_string(row.key) + " [" +
                       std::to_string(row.start) + "," + std::to_string(row.end) + ") " +
                       std::to_string(row.count) + "/" + std::to_string(row.sum) + " " +
                       timings[static_cast<int>(row.timing)] + "#" + std::to_string(row.index) +
                       (row.is_final ? "!" : ""));
    }
    return result;
  }
  std::vector<Ticks> watermarks() const {
    std::vector<Ticks> result;
    for (const oracle::Mark& mark : run().marks) result.push_back(mark.watermark);
    return result;
  }

 private:
  Story& step(oracle::Step step) {
    script_.steps.push_back(step);
    return *this;
  }
  Script script_{};
};

using Lines = std::vector<std::string>;

inline Config tumbling(Ticks size, Ticks grace = 0) {
  Config config;
  config.windows.size = config.windows.every = size;
  config.windows.grace = grace;
  return config;
}

inline Config sliding(Ticks size, Ticks every, Ticks grace = 0) {
  Config config = tumbling(size, grace);
  config.windows.kind = Kind::sliding;
  config.windows.every = every;
  return config;
}

inline Config session(Ticks gap, Ticks grace = 0) {
  Config config;
  config.windows.kind = Kind::session;
  config.windows.gap = gap;
  config.windows.grace = grace;
  return config;
}

inline Config with_gaps_of_records() {
  Config config = session(1);
  config.windows.gap_from_record = true;
  return config;
}

inline Config count(Ticks size, Ticks every, bool partial) {
  Config config = sliding(size, every);
  config.windows.kind = Kind::count;
  config.windows.partial = partial;
  return config;
}

}  // namespace story

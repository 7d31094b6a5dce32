// Operators that act on time, for docs/guides/custom_operators.md.
#include <vector>

#include <weir/weir.hpp>

#include "expect.hpp"

using namespace std::chrono_literals;

struct Beat {
  int machine = 0;
  weir::EventTime at;
};

struct Silence {
  int machine = 0;
  std::int64_t minutes = 0;
};

struct Pulse {
  std::int64_t beats = 0;
};

// [region repeating]
/// Reports a silent machine once a minute, until it beats again or has been silent for `most`.
struct Silent {
  std::int64_t most;
  struct State {
    std::int64_t minutes = 0;
    friend bool operator==(const State&, const State&) = default;  // State{} again: the key can be forgotten
  };

  void process(State& state, const Beat& beat, weir::Timer& timer, weir::Out<Silence>&) const {
    state = {};
    timer.set(beat.at + 1min);
  }
  void on_timer(State& state, weir::Fired<int> fired, weir::Timer& timer, weir::Out<Silence>& out) const {
    out.emit({.machine = fired.key, .minutes = ++state.minutes});
    if (state.minutes < most) timer.set(fired.at + 1min);
    else                      state = {};
  }
};
// [end]

// [region on_watermark]
/// How many beats came between two rises of the watermark. Without a key: one State for the stream.
struct BeatsPerStep {
  struct State { std::int64_t beats = 0; };

  void process(State& state, const Beat&, weir::Out<Pulse>&) const { ++state.beats; }
  void on_watermark(State& state, weir::EventTime, weir::Out<Pulse>& out) const {
    out.emit({.beats = state.beats});
    state = {};
  }
};
// [end]

namespace {

constexpr weir::EventTime minute(int number) { return weir::EventTime{std::chrono::minutes{number}}; }

void silences() {
  weir::Graph graph{"machines"};
  auto beats = graph.source<Beat>("beats", {.time = &Beat::at, .watermark = weir::host_driven()});
  auto silent = beats | weir::key_by(&Beat::machine) | weir::each("silent", Silent{.most = 3});
  std::vector<std::int64_t> minutes;
  silent | weir::sink("minutes", [&minutes](const Silence& silence) { minutes.push_back(silence.minutes); });
  auto pipeline = std::move(graph).build();
  support::expect(pipeline.ok());
  pipeline->push(beats, {1, minute(0)});
  support::expect(pipeline->advance(beats, minute(1)).ok() && minutes.empty());  // W = minute 1: not yet passed
  support::expect(pipeline->advance(beats, minute(3)).ok() && minutes == std::vector<std::int64_t>{1, 2});
  support::expect(pipeline->advance(beats, minute(9)).ok() && minutes == std::vector<std::int64_t>{1, 2, 3});
}

void steps() {
  weir::Graph graph{"machines"};
  auto beats = graph.source<Beat>("beats", {.time = &Beat::at, .watermark = weir::ascending()});
  auto pulses = beats | weir::each("beats_per_step", BeatsPerStep{});
  std::vector<std::int64_t> seen;
  pulses | weir::sink("seen", [&seen](const Pulse& pulse) { seen.push_back(pulse.beats); });
  auto pipeline = std::move(graph).build();
  support::expect(pipeline.ok());
  for (const int at : {1, 1, 1, 2}) pipeline->push(beats, {1, minute(at)});
  support::expect(seen == std::vector<std::int64_t>{1, 3});
}

}  // namespace

int main() {
  silences();
  steps();
}

#pragma once

#include <chrono>
#include <cstdint>

#include <weir/weir.hpp>

/// \file
/// A small stream and what is kept of it, for tests of memory.

namespace totals {

using namespace std::chrono_literals;

struct Event {
  std::uint64_t key = 0;
  double value = 0;
  weir::EventTime at{};
};
struct Totals {
  std::int64_t n = 0;
  double sum = 0;
};

inline auto sums() {
  return weir::aggregate<Totals>("totals", weir::count().as(&Totals::n),
                                 weir::sum(&Event::value).as(&Totals::sum));
}
struct Counting {
  struct State {
    std::int64_t n = 0;
    friend bool operator==(const State&, const State&) = default;
  };
  void process(State& state, const Event& event, weir::Timer& timer, weir::Out<int>&) const {
    ++state.n;
    timer.set(weir::later(event.at, 20s));
  }
  void on_timer(State& state, const weir::Fired<std::uint64_t>&, weir::Out<int>&) const { state = {}; }
};

}  // namespace totals

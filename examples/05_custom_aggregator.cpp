// An aggregator of one's own: the spread of a price, hour by hour.
//
//   trades ─── by symbol ─── hours ─── spreads
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <weir/weir.hpp>

#include "expect.hpp"

using namespace std::chrono_literals;

/// Highest minus lowest value; 0 for an empty window.
struct Spread {
  struct State {
    double low = +HUGE_VAL, high = -HUGE_VAL;
  };
  void add(State& s, double x) const { s = {std::min(s.low, x), std::max(s.high, x)}; }
  void merge(State& s, const State& o) const { s = {std::min(s.low, o.low), std::max(s.high, o.high)}; }
  [[nodiscard]] double result(const State& s) const { return s.high < s.low ? 0.0 : s.high - s.low; }
};
static_assert(weir::Aggregator<Spread, double>);

struct Trade {
  std::string symbol;
  double price = 0;
  weir::EventTime at;
};

struct Hour {
  std::int64_t trades = 0;
  double spread = 0;
};

constexpr weir::EventTime minute(int number) { return weir::EventTime{std::chrono::minutes{number}}; }

int main() {
  weir::Graph graph{"exchange"};
  auto trades = graph.source<Trade>("trades", {.time = &Trade::at, .watermark = weir::ascending()});
  auto hours = trades | weir::key_by(&Trade::symbol)
                      | weir::tumbling({.size = 1h, .grace = 0s})
                      | weir::aggregate<Hour>("hours", weir::count().as(&Hour::trades),
                                              weir::with(Spread{}, &Trade::price).as(&Hour::spread));

  std::vector<double> spreads;
  hours | weir::sink("spreads", [&spreads](const weir::Windowed<std::string, Hour>& row) {
    spreads.push_back(row.value.spread);
  });

  auto pipeline = std::move(graph).build();
  support::expect(pipeline.ok());

  pipeline->push(trades, {"ABC", 101.5, minute(5)});
  pipeline->push(trades, {"ABC", 99.25, minute(20)});
  pipeline->push(trades, {"ABC", 100.0, minute(59)});
  pipeline->push(trades, {"ABC", 100.0, minute(61)});
  support::expect(pipeline->finish().ok());
  support::expect(spreads == std::vector<double>{2.25, 0});
}

// The smallest pipeline: how many cars pass in each lane, minute by minute.
//
//   cars ─── by lane ─── minutes ─── print
#include <cstdio>
#include <string>
#include <vector>

#include <weir/weir.hpp>

#include "expect.hpp"

using namespace std::chrono_literals;

struct Car {
  std::string lane;
  weir::EventTime at;
};

struct Minute {
  std::int64_t cars = 0;
};

constexpr weir::EventTime second(int number) { return weir::EventTime{std::chrono::seconds{number}}; }

int main() {
  weir::Graph graph{"road"};
  auto cars = graph.source<Car>("cars", {.time = &Car::at, .watermark = weir::ascending()});
  auto minutes = cars | weir::key_by(&Car::lane)
                      | weir::tumbling({.size = 1min, .grace = 0s})
                      | weir::aggregate<Minute>("cars_per_minute", weir::count().as(&Minute::cars));

  std::vector<std::int64_t> counts;
  minutes | weir::sink("print", [&counts](const weir::Windowed<std::string, Minute>& row) {
    const std::string bar(static_cast<std::size_t>(row.value.cars), '*');
    std::printf("%-5s  %s\n", row.key.c_str(), bar.c_str());
    counts.push_back(row.value.cars);
  });

  absl::StatusOr<weir::Pipeline> pipeline = std::move(graph).build();
  support::expect(pipeline.ok());

  for (const int at : {3, 17, 41, 58}) pipeline->push(cars, {"left", second(at)});
  pipeline->push(cars, {"right", second(59)});
  pipeline->push(cars, {"left", second(61)});  // the first minute is over: its two rows come out
  support::expect(counts == std::vector<std::int64_t>{4, 1});

  support::expect(pipeline->finish().ok());  // no more cars: what is still open comes out too
  support::expect(counts == std::vector<std::int64_t>{4, 1, 1});
}

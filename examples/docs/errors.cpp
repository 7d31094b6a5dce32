// What a wrong configuration is told, for docs/reference/graph/graph.md.
#include <cstdio>
#include <string>
#include <utility>

#include <weir/weir.hpp>

#include "expect.hpp"

using namespace std::chrono_literals;

struct Payment {
  std::uint64_t user = 0;
  weir::EventTime at;
};

struct Velocity {
  std::int64_t payments = 0;
};

int main() {
  weir::Graph graph{"fraud"};
  // [region mistakes]
  auto payments = graph.source<Payment>("payments", {.time = &Payment::at,
                                                     .watermark = weir::trailing(-30s)});
  auto velocity = payments | weir::key_by(&Payment::user)
                           | weir::sliding({.size = 1h, .every = 0s, .grace = 2min})
                           | weir::aggregate<Velocity>("velocity_1h", weir::count().as(&Velocity::payments));
  // [end]
  velocity | weir::sink("features", [](const weir::Windowed<std::uint64_t, Velocity>&) {});

  // [region build_error]
  absl::StatusOr<weir::Pipeline> pipeline = std::move(graph).build();  // checks everything once
  if (!pipeline.ok()) std::puts(pipeline.status().ToString().c_str());
  // [end]
  const std::string message(pipeline.status().message());
  support::expect(message.find("payments: watermark") != message.npos);
  support::expect(message.find("velocity_1h: every") != message.npos);
}

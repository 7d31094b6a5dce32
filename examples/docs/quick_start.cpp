// The quick start of the README, exactly as it stands there.
// [region quick_start]
#include <cstdio>
#include <weir/weir.hpp>
using namespace std::chrono_literals;

struct Payment { std::uint64_t user; double amount; weir::EventTime at; };
struct Velocity { std::int64_t payments = 0; double spend = 0; };

int main() {
  weir::Graph graph{"fraud"};
  auto payments = graph.source<Payment>("payments", {.time = &Payment::at, .watermark = weir::trailing(30s)});
  payments | weir::key_by(&Payment::user)
           | weir::tumbling({.size = 1h, .grace = 0s})
           | weir::aggregate<Velocity>("velocity_1h", weir::count().as(&Velocity::payments),
                                                      weir::sum(&Payment::amount).as(&Velocity::spend))
           | weir::sink("print", [](const auto& row) { std::printf("%.2f EUR\n", row.value.spend); });
  auto pipeline = std::move(graph).build();  // a StatusOr: it says what is wrong, and the remedy
  for (double euros : {19.90, 5.10}) pipeline->push(payments, {7, euros, weir::EventTime{10min}});
  return pipeline->finish().ok() ? 0 : 1;    // 25.00 EUR
}
// [end]

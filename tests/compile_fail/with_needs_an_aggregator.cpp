// expect: weir: with() needs an Aggregator of the projected value
#include <weir/weir.hpp>

using namespace std::chrono_literals;

struct Payment {
  long user = 0;
  double amount = 0;
  weir::EventTime at{};
};
struct Row {
  long n = 0;
  double total = 0;
};
struct Product {
  using State = double;
  void add(State& state, double value) const { state += value; }
#ifdef TWIN
  void merge(State& state, const State& other) const { state += other; }
#endif
  double result(const State& state) const { return state; }
};

void build() {
  weir::Graph graph{"misuse"};
  auto payments = graph.source<Payment>("payments", {.time = &Payment::at, .watermark = weir::ascending()});
#ifdef TWIN
  payments | weir::key_by(&Payment::user) | weir::tumbling({.size = 1h, .grace = 0s}) |
      weir::aggregate<Row>("rows", weir::with(Product{}, &Payment::amount).as(&Row::total));
#else
  payments | weir::key_by(&Payment::user) | weir::tumbling({.size = 1h, .grace = 0s}) |
      weir::aggregate<Row>("rows", weir::with(Product{}, &Payment::amount).as(&Row::total));
#endif
}

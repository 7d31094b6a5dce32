// expect: weir: each() got an operator whose process() takes another record type than the stream has
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
struct Op {
  using State = long;
#ifdef TWIN
  void process(State&, const Payment&, weir::Out<long>&) const {}
#else
  void process(State&, const Row&, weir::Out<long>&) const {}
#endif
};

void build() {
  weir::Graph graph{"misuse"};
  auto payments = graph.source<Payment>("payments", {.time = &Payment::at, .watermark = weir::ascending()});
#ifdef TWIN
  payments | weir::key_by(&Payment::user) | weir::each("op", Op{});
#else
  payments | weir::key_by(&Payment::user) | weir::each("op", Op{});
#endif
}

// expect: weir: .when_stale() takes void(Lookup<Row>&), .on_breach() void(const Lookup<Row>&)
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

void build() {
  weir::Graph graph{"misuse"};
  auto payments = graph.source<Payment>("payments", {.time = &Payment::at, .watermark = weir::ascending()});
#ifdef TWIN
  payments | weir::key_by(&Payment::user) |
      weir::features<Row>("rows",
                          weir::rolling({.size = 1h, .precision = 1min}).compute(weir::count().as(&Row::n))) |
      weir::view("view").when_stale([](weir::Lookup<Row>& row) { row.value.n = -1; });
#else
  payments | weir::key_by(&Payment::user) |
      weir::features<Row>("rows",
                          weir::rolling({.size = 1h, .precision = 1min}).compute(weir::count().as(&Row::n))) |
      weir::view("view").when_stale([](Row& row) { row.n = -1; });
#endif
}

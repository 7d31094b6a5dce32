// expect: weir: .gate() of a view takes a callable bool(const Row&)
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
      weir::view("view").gate([](const Row& row) { return row.n > 0; });
#else
  payments | weir::key_by(&Payment::user) |
      weir::features<Row>("rows",
                          weir::rolling({.size = 1h, .precision = 1min}).compute(weir::count().as(&Row::n))) |
      weir::view("view").gate([](const Payment& payment) { return payment.amount > 0; });
#endif
}

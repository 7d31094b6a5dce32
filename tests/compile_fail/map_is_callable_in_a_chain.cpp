// expect: weir: map() takes
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
  payments | (weir::filter([](const Payment&) { return true; }) |
              weir::map([](const Payment& payment) { return payment.user; }));
#else
  payments |
      (weir::filter([](const Payment&) { return true; }) | weir::map([](const Row& row) { return row.n; }));
#endif
}

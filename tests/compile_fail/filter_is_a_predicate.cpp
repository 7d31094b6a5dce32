// expect: weir: filter() takes a bool member of the record, or a callable bool(const Record&)
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
  payments | weir::filter([](const Payment&) { return true; });
#else
  payments | weir::filter([](const Row&) { return true; });
#endif
}

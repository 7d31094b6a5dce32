// expect: weir: merge() takes streams of one record type; map() the others to it first
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
  auto others = payments | weir::filter([](const Payment&) { return true; });
  static_cast<void>(weir::merge<Payment>("both", payments, others));
#else
  auto users = payments | weir::map(&Payment::user);
  static_cast<void>(weir::merge("both", payments, users));
#endif
}

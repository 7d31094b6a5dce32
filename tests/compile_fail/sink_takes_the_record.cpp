// expect: weir: sink() and tap() take a callable void(const Record&)
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
  payments | weir::sink("sink", [](const Payment&) {});
#else
  payments | weir::sink("sink", [](const Row&) {});
#endif
}

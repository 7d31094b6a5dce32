// expect: RollingSpec
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
  static_cast<void>(payments);
  static_cast<void>(weir::rolling({.size = 1h, .precision = weir::exact}));
#else
  static_cast<void>(payments);
  static_cast<void>(weir::rolling({.size = 1h}));
#endif
}

// expect: weir: a key is an integer, enum, string, or a tuple or WEIR_FIELDS struct of these that owns its strings; no floats
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
  payments | weir::key_by(&Payment::user);
#else
  payments | weir::key_by(&Payment::amount);
#endif
}

// expect: weir:
#include <weir/weir.hpp>

#include <string>
#include <string_view>
#include <utility>

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
  payments | weir::key_by([](const Payment& p) { return std::pair<std::string, long>{"a", p.user}; });
#else
  payments | weir::key_by([](const Payment& p) { return std::pair<std::string_view, long>{"a", p.user}; });
#endif
}

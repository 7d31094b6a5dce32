// expect: weir: the key of a route is what a key_by takes
#include <weir/shard/sharded.hpp>
#include <weir/weir.hpp>

struct Payment {
  long user = 0;
  double amount = 0;
  weir::EventTime at{};
};
struct Handles {
  weir::Source<Payment> payments;
};

void build() {
#ifdef TWIN
  auto spread = weir::route(&Handles::payments, &Payment::user);
#else
  auto spread = weir::route(&Handles::payments, &Payment::amount);
#endif
  static_cast<void>(spread);
}

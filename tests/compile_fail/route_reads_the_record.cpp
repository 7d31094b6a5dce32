// expect: weir: route() takes a member of the source's record, or a callable on const Record&
#include <weir/shard/sharded.hpp>
#include <weir/weir.hpp>

struct Payment {
  long user = 0;
  weir::EventTime at{};
};
struct Click {
  long user = 0;
};
struct Handles {
  weir::Source<Payment> payments;
};

void build() {
#ifdef TWIN
  auto spread = weir::route(&Handles::payments, &Payment::user);
#else
  auto spread = weir::route(&Handles::payments, &Click::user);
#endif
  static_cast<void>(spread);
}

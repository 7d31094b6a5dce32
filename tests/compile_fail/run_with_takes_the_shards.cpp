// expect: weir: run_with() takes a callable on absl::FunctionRef<void(std::size_t shard)>
#include <weir/shard/sharded.hpp>
#include <weir/weir.hpp>

struct Payment {
  long user = 0;
  weir::EventTime at{};
};
struct Handles {
  weir::Source<Payment> payments;
};

void use(weir::Sharded<Handles>& shards) {
#ifdef TWIN
  shards.run_with([](absl::FunctionRef<void(std::size_t)> apply) { apply(0); });
#else
  shards.run_with([](std::size_t) {});
#endif
}

// expect: weir: sharded() takes a callable on (weir::Graph&, std::size_t shard) that returns a struct of handles
#include <weir/shard/sharded.hpp>
#include <weir/weir.hpp>

struct Payment {
  long user = 0;
  weir::EventTime at{};
};
struct Handles {
  weir::Source<Payment> payments;
};

#ifdef TWIN
Handles define(weir::Graph& graph, std::size_t) {
#else
Handles define(weir::Graph& graph) {
#endif
  return {graph.source<Payment>("payments", {.time = &Payment::at, .watermark = weir::ascending()})};
}

void build() {
  auto shards = weir::sharded({.name = "fraud"}, define, weir::route(&Handles::payments, &Payment::user));
  static_cast<void>(shards);
}

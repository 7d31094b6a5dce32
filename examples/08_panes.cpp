// When rows come out: early every 15 minutes, at the end of the hour, again for late records. Each one takes
// the one before back, so that a running total downstream stays right.
//
//   orders ─── by shop ─── hours, retracting ─── running total
#include <vector>

#include <weir/weir.hpp>

#include "expect.hpp"

using namespace std::chrono_literals;

struct Order {
  int shop = 0;
  std::int64_t cents = 0;
  weir::EventTime at;
};

struct Turnover {
  std::int64_t cents = 0;
};

constexpr weir::EventTime minute(int number) { return weir::EventTime{std::chrono::minutes{number}}; }

int main() {
  weir::Graph graph{"turnover"};
  auto orders = graph.source<Order>("orders", {.time = &Order::at, .watermark = weir::ascending()});
  auto hours = orders | weir::key_by(&Order::shop)
                      | weir::tumbling({.size = 1h, .grace = 10min,
                                        .emit = weir::emit_when(weir::every(15min), weir::on_close()),
                                        .panes = weir::retracting})
                      | weir::aggregate<Turnover>("hours", weir::sum(&Order::cents).as(&Turnover::cents));

  std::int64_t total = 0;
  std::vector<weir::Pane> panes;
  hours | weir::sink("total", [&total, &panes](const weir::Windowed<int, Turnover>& row) {
    total += row.pane.is_retraction ? -row.value.cents : row.value.cents;
    panes.push_back(row.pane);
  });

  auto pipeline = std::move(graph).build();
  support::expect(pipeline.ok());

  pipeline->push(orders, {1, 100, minute(5)});
  support::expect(panes.empty());
  pipeline->push(orders, {1, 250, minute(20)});  // minute 15 has passed: an early pane with all there is
  support::expect(total == 350 && panes.back().timing == weir::Timing::early);

  pipeline->push(orders, {2, 10, minute(61)});  // the hour is over, for the silent shop 1 too
  support::expect(total == 350 && panes.back().timing == weir::Timing::on_time);

  pipeline->push(orders, {1, 50, minute(59)});  // inside the grace: the hour is amended
  support::expect(total == 400 && panes.back().timing == weir::Timing::late);
  support::expect(pipeline->finish().ok());
  support::expect(total == 410);
}

// When windows emit, and what a pane holds: for docs/reference/window/emission.md.
#include <utility>
#include <vector>

#include <weir/weir.hpp>

#include "expect.hpp"

using namespace std::chrono_literals;

struct Sale {
  int shop = 0;
  std::int64_t cents = 0;
  weir::EventTime at;
};

struct Turnover {
  std::int64_t cents = 0;
};

using Row = weir::Windowed<int, Turnover>;

namespace {

constexpr weir::EventTime minute(int number) { return weir::EventTime{std::chrono::minutes{number}}; }

/// The turnovers of an hour with sales of 1, 2 and 4 cents at minutes 5, 20 and 40, that a sale at minute 62
/// closes, and a late one of 16 cents at minute 50 amends; retractions count negative.
std::vector<std::int64_t> panes_of(weir::TumblingSpec spec) {
  weir::Graph graph{"panes"};
  auto sales = graph.source<Sale>("sales", {.time = &Sale::at, .watermark = weir::ascending()});
  auto hours = sales | weir::key_by(&Sale::shop) | weir::tumbling(spec)
                     | weir::aggregate<Turnover>("hours", weir::sum(&Sale::cents).as(&Turnover::cents));
  std::vector<std::int64_t> seen;
  hours | weir::sink("rows", [&seen](const Row& row) {
    const std::int64_t sign = row.pane.is_retraction ? -1 : 1;
    if (row.window.start == minute(0)) seen.push_back(sign * row.value.cents);
  });
  auto pipeline = std::move(graph).build();
  support::expect(pipeline.ok());
  pipeline->push(sales, {1, 1, minute(5)});
  pipeline->push(sales, {1, 2, minute(20)});
  pipeline->push(sales, {1, 4, minute(40)});
  pipeline->push(sales, {1, 8, minute(62)});
  pipeline->push(sales, {1, 16, minute(50)});
  pipeline->push(sales, {2, 1, minute(120)});
  return seen;
}

using Cents = std::vector<std::int64_t>;

}  // namespace

int main() {
  // [region on_close]
  Cents closed = panes_of({.size = 1h, .grace = 10min});  // at the end, and at each late record in the grace
  support::expect(closed == Cents{7, 23});
  // [end]

  // [region on_update]
  Cents updated = panes_of({.size = 1h, .grace = 10min, .emit = weir::on_update()});  // at every record
  support::expect(updated == Cents{1, 3, 7, 23});
  // [end]

  // [region every]
  Cents early = panes_of({.size = 1h, .grace = 10min,
                          .emit = weir::emit_when(weir::every(15min), weir::on_close())});
  support::expect(early == Cents{3, 7, 7, 7, 23});  // minutes 15, 30 and 45, the end, a late record
  // [end]

  // [region after]
  Cents pairs = panes_of({.size = 1h, .grace = 10min,
                          .emit = weir::emit_when(weir::after(2), weir::on_close())});
  support::expect(pairs == Cents{3, 7, 23});
  // [end]

  // [region discarding]
  Cents parts = panes_of({.size = 1h, .grace = 10min,
                          .emit = weir::emit_when(weir::after(2), weir::on_close()),
                          .panes = weir::discarding});  // each pane holds what is new: they add up
  support::expect(parts == Cents{3, 4, 16});
  // [end]

  // [region retracting]
  Cents signed_panes = panes_of({.size = 1h, .grace = 10min,
                                 .panes = weir::retracting});  // the row before is taken back
  support::expect(signed_panes == Cents{7, -7, 23});
  // [end]

  // [region hold_late]
  Cents held = panes_of({.size = 1h, .grace = 10min, .emit = weir::on_close().holding_late()});
  support::expect(held == Cents{7, 23});  // the second one when the grace ends, and it is final
  // [end]

  // [region close_for_good]
  Cents strict = panes_of({.size = 1h, .grace = 10min, .emit = weir::on_close().closing_for_good()});
  support::expect(strict == Cents{7});
  // [end]
}

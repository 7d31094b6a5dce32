// Visits to a shop: a pause of half an hour ends one, and so does an order.
//
//   clicks ─── by visitor ─── sessions ─── visits
#include <string>
#include <vector>

#include <weir/weir.hpp>

#include "expect.hpp"

using namespace std::chrono_literals;

struct Click {
  std::string visitor;
  bool is_order = false;
  weir::EventTime at;
};

struct Visit {
  std::int64_t pages = 0;
  weir::Duration length{};
  bool has_ordered = false;
};

constexpr weir::EventTime minute(int number) { return weir::EventTime{std::chrono::minutes{number}}; }

int main() {
  weir::Graph graph{"shop"};
  auto clicks = graph.source<Click>("clicks", {.time = &Click::at, .watermark = weir::trailing(1min)});
  auto visits = clicks | weir::key_by(&Click::visitor)
                       | weir::session({.gap = 30min, .longest = 4h, .grace = 1min})
                             .ends_at([](const Click& click) { return click.is_order; })
                       | weir::aggregate<Visit>("visits", weir::count().as(&Visit::pages),
                                                weir::elapsed().as(&Visit::length),
                                                weir::any(&Click::is_order).as(&Visit::has_ordered));

  std::vector<weir::Windowed<std::string, Visit>> rows;
  visits | weir::sink("rows", [&rows](const auto& row) { rows.push_back(row); });

  auto pipeline = std::move(graph).build();
  support::expect(pipeline.ok());

  pipeline->push(clicks, {"ann", false, minute(0)});
  pipeline->push(clicks, {"bob", false, minute(1)});
  pipeline->push(clicks, {"ann", false, minute(12)});
  pipeline->push(clicks, {"ann", true, minute(20)});   // an order ends the visit ...
  pipeline->push(clicks, {"ann", false, minute(21)});  // ... and the next click begins another
  support::expect(pipeline->finish().ok());

  support::expect(rows.size() == 3);
  support::expect(rows[0].key == "bob" && rows[0].value.pages == 1 && !rows[0].value.has_ordered);
  support::expect(rows[1].value.pages == 3 && rows[1].value.length == 20min && rows[1].value.has_ordered);
  support::expect(rows[1].window == weir::Window{minute(0), minute(50)});
  support::expect(rows[2].key == "ann" && rows[2].value.pages == 1);
}

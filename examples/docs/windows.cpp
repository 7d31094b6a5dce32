// Every kind of window, for docs/reference/window.
#include <utility>
#include <vector>

#include <weir/weir.hpp>

#include "expect.hpp"

using namespace std::chrono_literals;

struct Click {
  std::uint32_t user = 0;
  double price = 0;
  bool is_order = false;
  weir::EventTime at;
};

struct Row {
  std::int64_t clicks = 0;
  double price = 0;
};

namespace {

constexpr weir::EventTime minute(int number) { return weir::EventTime{std::chrono::minutes{number}}; }

/// How many rows come out of what `attach` puts behind a keyed stream of clicks at minutes 1, 2, 9 and 70.
template <class Attach>
int rows_of(Attach attach) {
  weir::Graph graph{"windows"};
  auto clicks = graph.source<Click>("clicks", {.time = &Click::at, .watermark = weir::ascending()});
  int rows = 0;
  attach(clicks | weir::key_by(&Click::user)) | weir::sink("rows", [&rows](const auto&) { ++rows; });
  auto pipeline = std::move(graph).build();
  support::expect(pipeline.ok());
  for (const int at : {1, 2, 9, 70}) pipeline->push(clicks, {1, 10, at == 2, minute(at)});
  support::expect(pipeline->finish().ok());
  return rows;
}

void shapes() {
  const auto count = [] { return weir::aggregate<Row>("rows_of_it", weir::count().as(&Row::clicks)); };

  support::expect(2 == rows_of([&](const auto& keyed) {
    // [region tumbling]
    auto hours = keyed | weir::tumbling({.size = 1h, .grace = 0s});
    // [end]
    return hours | count();
  }));
  support::expect(25 == rows_of([&](const auto& keyed) {
    // [region sliding]
    auto hours = keyed | weir::sliding({.size = 1h, .every = 5min, .grace = 2min});
    // [end]
    return hours | count();
  }));
  support::expect(8 == rows_of([&](const auto& keyed) {
    // [region cumulating]
    auto so_far = keyed | weir::cumulating({.size = 1h, .step = 15min, .grace = 0s});
    // [end]
    return so_far | count();
  }));
  support::expect(1 == rows_of([&](const auto& keyed) {
    // [region lifetime]
    auto ever = keyed | weir::lifetime();
    // [end]
    return ever | count();
  }));
  support::expect(2 == rows_of([&](const auto& keyed) {
    // [region session]
    auto visits = keyed | weir::session({.gap = 30min, .longest = 4h, .grace = 1min});
    // [end]
    return visits | count();
  }));
  support::expect(3 == rows_of([&](const auto& keyed) {
    // [region session_rules]
    auto visits = keyed | weir::session({.gap = 30min, .grace = 0s})
                              .gap_from([](const Click& click) { return click.price > 5 ? 45min : 15min; })
                              .ends_at([](const Click& click) { return click.is_order; });
    // [end]
    return visits | count();
  }));
  support::expect(2 == rows_of([&](const auto& keyed) {
    // [region count_windows]
    auto last_three = keyed | weir::count_windows({.size = 3, .every = 1});
    // [end]
    return last_three | count();
  }));
}

void shared() {
  weir::Graph graph{"windows"};
  auto clicks = graph.source<Click>("clicks", {.time = &Click::at, .watermark = weir::ascending()});
  auto keyed = clicks | weir::key_by(&Click::user);
  // [region shared]
  auto [hour, day] = keyed | weir::windows(weir::sliding({.size = 1h, .every = 5min, .grace = 0s}),
                                           weir::tumbling({.size = 24h, .grace = 0s}))
                           | weir::aggregate<Row>("activity", weir::count().as(&Row::clicks));
  // [end]
  int hours = 0, days = 0;
  hour | weir::sink("hours", [&hours](const weir::Windowed<std::uint32_t, Row>&) { ++hours; });
  day | weir::sink("days", [&days](const weir::Windowed<std::uint32_t, Row>&) { ++days; });
  auto pipeline = std::move(graph).build();
  support::expect(pipeline.ok());
  pipeline->push(clicks, {1, 10, false, minute(3)});
  support::expect(pipeline->finish().ok());
  support::expect(hours == 12 && days == 1);
}

}  // namespace

int main() {
  shapes();
  shared();
}

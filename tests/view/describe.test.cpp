#include <weir/view/view.hpp>

#include <weir/weir.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <weir/view/point_in_time.hpp>

#include "catch.hpp"

namespace {

using namespace std::chrono_literals;

struct Trade {
  std::int64_t user = 0;
  std::int64_t shop = 0;
  double price = 0;
  double fee = 0;
  std::int64_t units = 0;
  bool is_online = false;
  bool is_gift = false;
  weir::Duration pause{};
  weir::EventTime at{};
  weir::EventTime seen{};
};
WEIR_FIELDS(Trade, user, shop, price, fee, units, is_online, is_gift, pause, at, seen);

struct Totals {
  std::int64_t n = 0;
  std::int64_t m = 0;
  double sum = 0;
  float small = 0;
  std::vector<double> list;
  weir::Duration span{};
};
WEIR_FIELDS(Totals, n, m, sum, small, list, span);

struct Bare {
  std::int64_t n = 0;
  weir::Duration m{};
};

constexpr weir::RollingSpec hour{.size = 1h, .precision = 1min};

/// A feature of one's own.
struct Newest {
  struct State {
    double value = 0;
  };
  static constexpr std::string_view name = "the \"newest\"";
  void add(State& state, double value) const { state.value = value; }
  void merge(State& state, const State& other) const { state = other; }
  [[nodiscard]] double result(const State& state) const { return state.value; }
};
struct Nameless {
  using State = Newest::State;
  void add(State& state, double value) const { state.value += value; }
  void merge(State& state, const State& other) const { state.value += other.value; }
  [[nodiscard]] double result(const State& state) const { return state.value; }
};

/// The definition of a view that `make` puts behind the source of a graph.
template <class Make>
std::uint64_t made(Make make,
                   const weir::SourceSpec<Trade>& spec = {.time = &Trade::at,
                                                          .watermark = weir::trailing(0s)},
                   std::string source = "trades", weir::GraphSpec of = {}) {
  weir::Graph graph("graph", of);
  auto trades = graph.source<Trade>(std::move(source), spec);
  const auto view = make(trades);
  const std::uint64_t definition = view.definition();
  CHECK(view.describe().find("\"fingerprint\": \"" + weir::detail::fingerprint_text(definition) + "\"") !=
        std::string::npos);
  CHECK(definition != 0);
  return definition;
}

/// The same of a step behind a key_by.
template <class Step>
std::uint64_t of(Step step) {
  return made([&](auto& trades) { return trades | weir::key_by(&Trade::user) | step | weir::view("view"); });
}

template <class... Parts>
auto rows(Parts... parts) {
  return weir::features<Totals>("rows", parts...);
}
/// One feature over an hour.
template <class Feature>
std::uint64_t feature(Feature feature) {
  return of(rows(weir::rolling(hour).compute(feature)));
}
std::uint64_t window(const weir::RollingSpec& spec) {
  return of(weir::features<Totals>({.name = "rows", .retain = 24h},
                                   weir::rolling(spec).compute(weir::count().as(&Totals::n))));
}
/// The newest row of windows.
template <class Windows>
std::uint64_t newest(Windows windows, const weir::LatestSpec& spec = {.name = "newest", .retain = 24h},
                     const weir::AggregateSpec& aggregate = {.name = "totals"}) {
  return made([&](auto& trades) {
    return trades | weir::key_by(&Trade::user) | windows |
           weir::aggregate<Totals>(aggregate, weir::count().as(&Totals::n)) | weir::latest(spec) |
           weir::view("view");
  });
}
template <class Sessions>
std::uint64_t open_session(Sessions sessions, const weir::AggregateSpec& aggregate = {.name = "totals"}) {
  return made([&](auto& trades) {
    return trades | weir::key_by(&Trade::user) | std::move(sessions) |
           weir::aggregate<Totals>(aggregate, weir::count().as(&Totals::n)) | weir::view("view");
  });
}

void check_different(std::vector<std::uint64_t> all) {
  const std::size_t size = all.size();
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  CHECK(all.size() == size);
}

TEST_CASE("the description of a view of features") {
  weir::Graph graph{"graph"};
  auto trades = graph.source<Trade>("trades \"x\"", {.time = &Trade::at, .watermark = weir::trailing(0s)});
  auto view =
      trades | weir::filter(&Trade::is_online) | weir::map([](const Trade& trade) { return trade; }) |
      weir::key_by([](const Trade& trade) { return std::tuple(trade.user, std::to_string(trade.shop)); }) |
      weir::features<Totals>(
          {.name = "rows",
           .definition = "3",
           .time_travel = 5min,
           .retain = weir::for_ever,
           .complete_from = weir::event_time(-7)},
          weir::rolling(
              {{.size = 1h, .precision = weir::pre_cut(1min)}, {.size = 24h, .precision = weir::exact}})
              .compute(weir::count(&Trade::fee)
                           .where(&Trade::is_gift)
                           .where([](const Trade&) { return true; })
                           .as(&Totals::n, &Totals::m)),
          weir::rolling_records({.records = 20, .asking = weir::Asking::included})
              .compute(weir::with(Newest{}, &Trade::price).nan(weir::NanPolicy::reject).as(&Totals::sum),
                       weir::last_k<3>(&Trade::price).as(&Totals::list)),
          weir::rolling_lifetime().compute(weir::arg_max(&Trade::units, &Trade::fee).as(&Totals::small)),
          weir::derive(&Totals::m, [](const Totals& row) { return row.n; })) |
      weir::view("view", {.max_age = 90s, .when_stale = weir::serve_default, .freshness_goal = 1s})
          .fallback(Totals{})
          .gate([](const Totals&) { return true; })
          .publish({.refresh = 1min});
  const std::string expected = R"json({
  "view": "view",
  "operator": "rows",
  "max_age": "90s",
  "when_stale": "serve_default",
  "freshness_goal": "1s",
  "fallback": true,
  "gate": true,
  "refresh": "1min",
  "complete_from": -7,
  "fingerprint": ")json" + weir::detail::fingerprint_text(view.definition()) +
                               R"json(",
  "definition": {
    "format": 1,
    "steps": [
      {
        "kind": "source",
        "name": "trades \"x\"",
        "time": "at"
      },
      {
        "kind": "filter",
        "functions": ["is_online"]
      },
      {
        "kind": "map",
        "functions": ["(function)"]
      },
      {
        "kind": "key_by",
        "key": "(function)",
        "key_type": "(int64, string)"
      },
      {
        "kind": "features",
        "definition": "3",
        "retain": "for_ever",
        "time_travel": "5min",
        "rolling": [
          {
            "windows": [
              {"size": "1h", "pre_cut": "1min", "asking": "excluded"},
              {"size": "1d", "precision": "exact", "asking": "excluded"}
            ],
            "features": [
              {"field": "n", "type": "int64", "window": 0, "aggregate": "count", "value": "fee", "value_type": "double", "where": ["is_gift", "(function)"], "nan": "skip"},
              {"field": "m", "type": "int64", "window": 1, "aggregate": "count", "value": "fee", "value_type": "double", "where": ["is_gift", "(function)"], "nan": "skip"}
            ]
          },
          {
            "windows": [
              {"records": 20, "asking": "included"}
            ],
            "features": [
              {"field": "sum", "type": "double", "aggregate": "the \"newest\"", "value": "price", "value_type": "double", "nan": "reject"},
              {"field": "list", "type": "list double", "aggregate": "last_k", "most": 3, "value": "price", "value_type": "double", "nan": "skip"}
            ]
          },
          {
            "windows": [
              {"size": "lifetime", "asking": "excluded"}
            ],
            "features": [
              {"field": "small", "type": "float", "aggregate": "arg_max", "value": "fee", "value_type": "double", "by": "units", "by_type": "int64"}
            ]
          }
        ],
        "derived": [
          {"field": "m", "type": "int64"}
        ]
      }
    ]
  }
}
)json";
  CHECK(view.describe() == expected);

  const weir::Pipeline pipeline = std::move(graph).build().value();
  CHECK(pipeline.describe(view) == expected);
  weir::Graph another{"another"};
  static_cast<void>(another.source<Trade>("trades", {.time = &Trade::at, .watermark = weir::trailing(0s)}));
  const weir::Pipeline other = std::move(another).build().value();
  CHECK(other.describe(view).empty());
}

TEST_CASE("the description of the newest windows and of open sessions") {
  weir::Graph graph{"graph"};
  auto trades = graph.source<Trade>(
      "trades", {.time = [](const Trade& trade) { return trade.seen; }, .watermark = weir::trailing(0s)});
  auto velocity = trades | weir::key_by(&Trade::user) |
                  weir::windows(weir::tumbling({.size = 1h, .grace = 0s}),
                                weir::sliding({.size = 24h, .every = 1h, .offset = 5min, .grace = 10min})) |
                  weir::aggregate<Bare>({.name = "velocity", .definition = "v"}, weir::count().as(&Bare::n),
                                        weir::elapsed().as(&Bare::m));
  auto newest = velocity[1] |
                weir::latest({.name = "newest", .definition = "l", .retain = 24h, .versions = 4}) |
                weir::view("newest_velocity");
  CHECK(newest.describe().substr(newest.describe().find("  \"definition\"")) == R"json(  "definition": {
    "format": 1,
    "steps": [
      {
        "kind": "source",
        "name": "trades",
        "time": "(function)"
      },
      {
        "kind": "key_by",
        "key": "user",
        "key_type": "int64"
      },
      {
        "kind": "shared windows",
        "definition": "v",
        "windows": [
          {"kind": "tumbling", "size": "1h", "grace": "0s", "late": "apply_open", "emit": {"at_close": "if_any"}, "panes": "accumulating"},
          {"kind": "sliding", "size": "1d", "every": "1h", "offset": "5min", "grace": "10min", "late": "apply_open", "emit": {"at_close": "if_any"}, "panes": "accumulating"}
        ],
        "features": [
          {"field": 0, "type": "int64", "aggregate": "count"},
          {"field": 1, "type": "duration", "aggregate": "elapsed"}
        ]
      },
      {
        "kind": "latest",
        "inputs": [{"step": 2, "output": 1}],
        "definition": "l",
        "retain": "1d"
      }
    ]
  }
}
)json");
  CHECK(newest.describe().find("\"versions\": 4,\n  \"fingerprint\"") != std::string::npos);

  auto visit =
      weir::merge("both", trades,
                  velocity[0].late() | weir::map([](const weir::Late<Trade>& late) { return late.record; })) |
      weir::key_by(&Trade::user) |
      weir::session({.gap = 30min, .longest = 4h, .grace = 0s, .emit = weir::on_update()})
          .ends_at(&Trade::is_gift) |
      weir::aggregate<Bare>("visits", weir::count().as(&Bare::n)) | weir::view("visit");
  CHECK(visit.describe().substr(visit.describe().find("        \"kind\": \"shared windows\"")) ==
        R"json(        "kind": "shared windows",
        "definition": "v",
        "windows": [
          {"kind": "tumbling", "size": "1h", "grace": "0s", "late": "apply_open", "emit": {"at_close": "if_any"}, "panes": "accumulating"},
          {"kind": "sliding", "size": "1d", "every": "1h", "offset": "5min", "grace": "10min", "late": "apply_open", "emit": {"at_close": "if_any"}, "panes": "accumulating"}
        ],
        "features": [
          {"field": 0, "type": "int64", "aggregate": "count"},
          {"field": 1, "type": "duration", "aggregate": "elapsed"}
        ]
      },
      {
        "kind": "map",
        "inputs": [{"step": 2, "output": "late"}],
        "functions": ["(function)"]
      },
      {
        "kind": "merge",
        "inputs": [{"step": 0}, {"step": 3}]
      },
      {
        "kind": "key_by",
        "key": "user",
        "key_type": "int64"
      },
      {
        "kind": "sessions",
        "gap": "30min",
        "ends_at": "is_gift",
        "longest": "4h",
        "touching": "merge",
        "judged": "after_merging",
        "grace": "0s",
        "emit": {"after": 1},
        "panes": "accumulating",
        "features": [
          {"field": 0, "type": "int64", "aggregate": "count"}
        ]
      }
    ]
  }
}
)json");
}

TEST_CASE("every part of a feature is part of the definition") {
  const auto all = [] {
    return std::vector{
        feature(weir::count().as(&Totals::n)),
        feature(weir::count().as(&Totals::m)),
        feature(weir::count().as(&Totals::sum)),
        feature(weir::count(&Trade::price).as(&Totals::n)),
        feature(weir::count(&Trade::fee).as(&Totals::n)),
        feature(weir::count(&Trade::units).as(&Totals::n)),
        feature(weir::count(&Trade::price).nan(weir::NanPolicy::propagate).as(&Totals::n)),
        feature(weir::count(&Trade::price).nan(weir::NanPolicy::reject).as(&Totals::n)),
        feature(weir::count_where(&Trade::is_online).as(&Totals::n)),
        feature(weir::count_where(&Trade::is_gift).as(&Totals::n)),
        feature(weir::count_where(&Trade::is_gift).where(&Trade::is_online).as(&Totals::n)),
        feature(weir::count_where([](const Trade&) { return true; }).as(&Totals::n)),
        feature(weir::sum(&Trade::price).as(&Totals::sum)),
        feature(weir::sum([](const Trade& trade) { return trade.price; }).as(&Totals::sum)),
        feature(weir::sum([](const Trade& trade) { return trade.units; }).as(&Totals::sum)),
        feature(weir::mean(&Trade::price).as(&Totals::sum)),
        feature(weir::min(&Trade::price).as(&Totals::sum)),
        feature(weir::max(&Trade::price).as(&Totals::sum)),
        feature(weir::range(&Trade::price).as(&Totals::sum)),
        feature(weir::variance(&Trade::price).as(&Totals::sum)),
        feature(weir::stddev(&Trade::price).as(&Totals::sum)),
        feature(weir::population_variance(&Trade::price).as(&Totals::sum)),
        feature(weir::population_stddev(&Trade::price).as(&Totals::sum)),
        feature(weir::first(&Trade::price).as(&Totals::sum)),
        feature(weir::last(&Trade::price).as(&Totals::sum)),
        feature(weir::last(&Trade::price).as(&Totals::small)),
        feature(weir::first_k<2>(&Trade::price).as(&Totals::list)),
        feature(weir::last_k<2>(&Trade::price).as(&Totals::list)),
        feature(weir::last_k<3>(&Trade::price).as(&Totals::list)),
        feature(weir::arg_min(&Trade::price, &Trade::units).as(&Totals::n)),
        feature(weir::arg_max(&Trade::price, &Trade::units).as(&Totals::n)),
        feature(weir::arg_max(&Trade::fee, &Trade::units).as(&Totals::n)),
        feature(weir::arg_max(&Trade::price, &Trade::user).as(&Totals::n)),
        feature(weir::distinct(&Trade::shop).as(&Totals::n)),
        feature(weir::distinct(&Trade::shop, {.most = 7}).as(&Totals::n)),
        feature(weir::elapsed().as(&Totals::span)),
        feature(weir::with(Newest{}, &Trade::price).as(&Totals::sum)),
        feature(weir::with(Nameless{}, &Trade::price).as(&Totals::sum)),
        of(rows(weir::rolling(hour).compute(weir::count().as(&Totals::n), weir::count().as(&Totals::m)))),
        of(rows(weir::rolling(hour).compute(weir::count().as(&Totals::n)),
                weir::rolling(hour).compute(weir::count().as(&Totals::m)))),
        of(rows(weir::rolling(hour).compute(weir::count().as(&Totals::n)),
                weir::derive(&Totals::m, [](const Totals&) { return 1; }))),
        of(rows(weir::rolling(hour).compute(weir::count().as(&Totals::n)),
                weir::derive(&Totals::sum, [](const Totals&) { return 1; }))),
    };
  };
  check_different(all());
  CHECK(all() == all());
}

TEST_CASE("every part of a window is part of the definition") {
  const auto spec = [](weir::FeaturesSpec options) {
    return of(weir::features<Totals>(std::move(options),
                                     weir::rolling(hour).compute(weir::count().as(&Totals::n))));
  };
  const auto records = [](const weir::RollingRecordsSpec& window) {
    return of(weir::features<Totals>({.name = "rows", .retain = 24h},
                                     weir::rolling_records(window).compute(weir::count().as(&Totals::n))));
  };
  const auto pair = [](const weir::RollingSpec& one, const weir::RollingSpec& other) {
    return of(weir::features<Totals>(
        {.name = "rows", .retain = 24h},
        weir::rolling({one, other}).compute(weir::count().as(&Totals::n, &Totals::m))));
  };
  check_different({
      window(hour),
      window({.size = 2h, .precision = 1min}),
      window({.size = 1h, .precision = 5min}),
      window({.size = 1h, .precision = weir::pre_cut(1min)}),
      window({.size = 1h, .precision = weir::exact}),
      window({.size = 1h, .precision = 1min, .asking = weir::Asking::included}),
      records({.records = 3}),
      records({.records = 4}),
      records({.records = 4, .asking = weir::Asking::included}),
      of(weir::features<Totals>({.name = "rows", .retain = 24h},
                                weir::rolling_lifetime().compute(weir::count().as(&Totals::n)))),
      pair(hour, {.size = 2h, .precision = 1min}),
      pair({.size = 2h, .precision = 1min}, hour),
      spec({.name = "rows", .retain = 25h}),
      spec({.name = "rows", .time_travel = 1h, .retain = 24h}),
      spec({.name = "rows", .definition = "1", .retain = 24h}),
      spec({.name = "rows", .definition = "2", .retain = 24h}),
  });
  CHECK(spec({.name = "rows", .retain = 24h}) == window(hour));
  // As long as the longest window with its precision is what is retained without being said.
  CHECK(spec({.name = "rows"}) == spec({.name = "rows", .retain = 1h + 1min}));
}

TEST_CASE("every step between the source and the rows is part of the definition") {
  const auto counted = rows(weir::rolling(hour).compute(weir::count().as(&Totals::n)));
  const auto behind = [&](auto step) {
    return made([&](auto& trades) {
      return trades | step | weir::key_by(&Trade::user) | counted | weir::view("view");
    });
  };
  const auto keyed = [&](auto projection) {
    return made(
        [&](auto& trades) { return trades | weir::key_by(projection) | counted | weir::view("view"); });
  };
  const auto from = [&](const weir::SourceSpec<Trade>& spec, std::string name) {
    return made(
        [&](auto& trades) { return trades | weir::key_by(&Trade::user) | counted | weir::view("view"); },
        spec, std::move(name));
  };
  const auto merged = [&](bool is_twice) {
    return made([&](auto& trades) {
      auto both =
          is_twice ? weir::merge("both", trades, trades, trades) : weir::merge("both", trades, trades);
      return both | weir::key_by(&Trade::user) | counted | weir::view("view");
    });
  };
  const weir::SourceSpec<Trade> spec{.time = &Trade::at, .watermark = weir::trailing(0s)};
  check_different({
      from(spec, "trades"),
      from(spec, "orders"),
      from({.time = &Trade::seen, .watermark = weir::trailing(0s)}, "trades"),
      from({.time = [](const Trade& trade) { return trade.at; }, .watermark = weir::trailing(0s)}, "trades"),
      keyed(&Trade::shop),
      keyed([](const Trade& trade) { return trade.user; }),
      keyed([](const Trade& trade) { return std::to_string(trade.user); }),
      keyed([](const Trade& trade) { return static_cast<int>(trade.user); }),
      behind(weir::filter(&Trade::is_online)),
      behind(weir::filter(&Trade::is_gift)),
      behind(weir::filter([](const Trade&) { return true; })),
      behind(weir::filter(&Trade::is_online) | weir::filter(&Trade::is_gift)),
      behind(weir::map([](const Trade& trade) { return trade; })),
      behind(weir::flat_map<Trade>([](const Trade& trade, auto&& emit) { emit(trade); })),
      merged(false),
      merged(true),
  });
}

TEST_CASE("every part of windows that emit is part of the definition of their newest row") {
  const auto tumbling = [](weir::Emission emit, weir::Accumulation panes = weir::accumulating) {
    return newest(weir::tumbling({.size = 1h, .grace = 1min, .emit = emit, .panes = panes}));
  };
  const auto shared = [](std::size_t output) {
    return made([&](auto& trades) {
      auto both = trades | weir::key_by(&Trade::user) |
                  weir::windows(weir::tumbling({.size = 1h, .grace = 0s}),
                                weir::tumbling({.size = 2h, .grace = 0s})) |
                  weir::aggregate<Totals>("totals", weir::count().as(&Totals::n));
      return both[output] | weir::latest({.name = "newest", .retain = 24h}) | weir::view("view");
    });
  };
  const weir::TumblingSpec hourly{.size = 1h, .grace = 0s};
  check_different({
      newest(weir::tumbling(hourly)),
      newest(weir::tumbling({.size = 2h, .grace = 0s})),
      newest(weir::tumbling({.size = 1h, .offset = 1min, .grace = 0s})),
      newest(weir::tumbling({.size = 1h, .grace = 1min})),
      newest(weir::tumbling({.size = 1h, .grace = 0s, .late = weir::drop_whole})),
      newest(weir::tumbling({.size = 1h, .grace = 0s, .emit_empty = weir::EmptyWindows{.most = 2}})),
      newest(weir::sliding({.size = 1h, .every = 30min, .grace = 0s})),
      newest(weir::sliding({.size = 1h, .every = 1h, .grace = 0s})),
      newest(weir::cumulating({.size = 1h, .step = 30min, .grace = 0s})),
      newest(weir::lifetime()),
      newest(weir::count_windows({.size = 4})),
      newest(weir::count_windows({.size = 4, .every = 2})),
      newest(weir::count_windows({.size = 4, .partial = true})),
      newest(weir::session({.gap = 1h, .grace = 0s})),
      tumbling(weir::on_update()),
      tumbling(weir::every(1min)),
      tumbling(weir::every(2min)),
      tumbling(weir::after(2)),
      tumbling(weir::after(3)),
      tumbling(weir::emit_when(weir::on_close(), weir::every(1min))),
      tumbling(weir::on_close().holding_late()),
      tumbling(weir::on_close().late_every(2)),
      tumbling(weir::on_close().closing_for_good()),
      tumbling(weir::on_close().also_if_empty()),
      tumbling(weir::on_close().with_final_pane(weir::FinalPane::if_new)),
      tumbling(weir::on_close().with_final_pane(weir::FinalPane::always)),
      tumbling(weir::on_close(), weir::discarding),
      tumbling(weir::on_close(), weir::retracting),
      shared(0),
      shared(1),
      newest(weir::tumbling(hourly), {.name = "newest", .retain = 25h}),
      newest(weir::tumbling(hourly), {.name = "newest", .definition = "1", .retain = 24h}),
      newest(weir::tumbling(hourly), {.name = "newest", .retain = 24h, .open = true}),
      newest(weir::tumbling(hourly), {.name = "newest", .retain = 24h},
             {.name = "totals", .definition = "1"}),
  });
}

TEST_CASE("every part of sessions is part of the definition of the one that is open") {
  const weir::SessionSpec plain{.gap = 30min, .grace = 0s};
  check_different({
      open_session(weir::session(plain)),
      open_session(weir::session(plain), {.name = "totals", .definition = "1"}),
      open_session(weir::session({.gap = 31min, .grace = 0s})),
      open_session(weir::session({.gap = 30min, .longest = 4h, .grace = 0s})),
      open_session(weir::session({.gap = 30min, .most_records = 4, .grace = 0s})),
      open_session(weir::session({.gap = 30min, .touching = weir::Touching::separate, .grace = 0s})),
      open_session(
          weir::session({.gap = 30min, .judged = weir::SessionLateness::before_merging, .grace = 0s})),
      open_session(weir::session({.gap = 30min, .grace = 1s})),
      open_session(weir::session({.gap = 30min, .grace = 0s, .emit = weir::on_update()})),
      open_session(weir::session({.gap = 30min, .grace = 0s, .panes = weir::discarding})),
      open_session(weir::session(plain).gap_from(&Trade::pause)),
      open_session(weir::session(plain).gap_from([](const Trade& trade) { return trade.pause; })),
      open_session(weir::session(plain).ends_at(&Trade::is_gift)),
      open_session(weir::session(plain).ends_at(&Trade::is_online)),
  });
}

TEST_CASE("names, policies, limits and whatever hangs beside are no part of the definition") {
  const auto counted = [](std::string name, weir::EventTime complete_from = weir::no_time) {
    return weir::features<Totals>({.name = std::move(name), .complete_from = complete_from},
                                  weir::rolling(hour).compute(weir::count().as(&Totals::n)));
  };
  const std::uint64_t plain = of(counted("rows"));
  CHECK(of(counted("other")) == plain);
  CHECK(of(counted("rows", weir::event_time(0))) == plain);
  const auto viewed = [&](auto viewing) {
    return made([&](auto& trades) {
      return trades | weir::key_by(&Trade::user, {.name = "by user", .most_keys = 10}) | counted("rows") |
             viewing;
    });
  };
  CHECK(viewed(weir::view("another view")) == plain);
  CHECK(viewed(weir::view("view", {.max_age = 1s, .when_stale = weir::reject_stale, .freshness_goal = 1s})
                   .fallback(Totals{})
                   .publish()) == plain);
  CHECK(viewed(weir::view("view").when_stale([](weir::Lookup<Totals>&) {})) == plain);
  const auto make = [&](auto& trades) {
    auto keyed = trades | weir::key_by(&Trade::user);
    (trades | weir::filter(&Trade::is_gift)) | weir::sink("gifts", [](const Trade&) {});
    return keyed | counted("rows") | weir::view("view");
  };
  CHECK(made(make, {.time = &Trade::at, .watermark = weir::trailing(7s), .channels = 2, .max_jump = 1h},
             "trades", {.hash_seed = 77}) == plain);
  CHECK(newest(weir::tumbling({.size = 1h, .grace = 0s}),
               {.name = "x", .retain = 24h, .versions = 9, .most_keys = 5},
               {.name = "y"}) == newest(weir::tumbling({.size = 1h, .grace = 0s})));
}

TEST_CASE("a fingerprint is the same on every machine and with every compiler") {
  CHECK(weir::detail::fingerprint_text(feature(weir::count().as(&Totals::n))) == "af4bf8cff79a3f81");
  CHECK(weir::detail::fingerprint_text(weir::detail::fingerprint_of("weir")) == "09831dc741817118");
}

TEST_CASE("every row that is looked up carries the definition, and so does every row to train on") {
  weir::Graph graph{"graph"};
  auto trades = graph.source<Trade>("trades", {.time = &Trade::at, .watermark = weir::trailing(0s)});
  auto view = trades | weir::key_by(&Trade::user) |
              rows(weir::rolling(hour).compute(weir::count().as(&Totals::n))) |
              weir::view("view", {.max_age = 1min}).publish();
  const std::uint64_t definition = view.definition();
  const std::vector<Trade> history{{.user = 7, .at = weir::event_time(1)}};
  {
    weir::Pipeline pipeline = std::move(graph).build().value();
    pipeline.push(trades, history[0]);
    CHECK(pipeline.lookup(view, 7).definition == definition);
    CHECK(pipeline.lookup(view, 8).definition == definition);
    CHECK(pipeline.lookup(view, 7, {.as_of = weir::event_time(3'600'000'000)}).definition == definition);
    auto reader = pipeline.reader(view).value();
    CHECK(reader.lookup(7).definition == definition);
    CHECK(reader.lookup(8).definition == definition);
    const std::vector<std::int64_t> keys{7, 8};
    std::vector<weir::Lookup<Totals>> found(2);
    reader.lookup_all(keys, {}, found);
    CHECK((found[0].definition == definition && found[1].definition == definition));
    { const weir::Pipeline gone = std::move(pipeline); }
    CHECK(reader.lookup(7).definition == 0);
  }
  weir::Graph again{"again"};
  auto source = again.source<Trade>("trades", {.time = &Trade::at, .watermark = weir::trailing(1h)});
  auto trained = source | weir::key_by(&Trade::user) |
                 rows(weir::rolling(hour).compute(weir::count().as(&Totals::n))) | weir::view("trained");
  const std::vector<weir::Label<std::int64_t>> labels{{.key = 7, .as_of = weir::event_time(2)}};
  const auto made = weir::point_in_time(std::move(again), trained, labels, weir::history(source, history));
  REQUIRE(made.ok());
  CHECK(made->front().value.n == 1);
  CHECK(made->front().definition == definition);
}

}  // namespace

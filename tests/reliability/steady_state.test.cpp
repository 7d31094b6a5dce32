#include <weir/weir.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "catch.hpp"
#include "operators/desk.hpp"
#include "reliability/heap.hpp"

// No heap allocation per record once a pipeline is warm: none at all over a hundred thousand records, closings included.

namespace {

using desk::us;

struct Named {
  std::string name;
  std::int64_t value = 0;
  weir::EventTime at{};
};

constexpr std::int64_t warm_up = 200'000;
constexpr std::int64_t measured = 100'000;
constexpr std::size_t batch_size = 250;

/// Pushes batches of records from `at` on, one microsecond apart; `key_of(i)` names the key. Gives the allocations.
template <class Record, class Make>
std::uint64_t run(weir::Pipeline& pipeline, const weir::Source<Record>& source, std::vector<Record>& batch,
                  std::int64_t from, std::int64_t count, Make&& make) {
  const std::uint64_t before = heap::allocations();
  for (std::int64_t at = from; at < from + count; at += static_cast<std::int64_t>(batch_size)) {
    for (std::size_t i = 0; i < batch_size; ++i) make(batch[i], at + static_cast<std::int64_t>(i));
    static_cast<void>(pipeline.push(source, std::span<const Record>(batch)));
  }
  return heap::allocations() - before;
}

template <class Shape>
void check_integers(Shape shape, std::int64_t lateness = 0, std::uint64_t most = 0) {
  weir::Graph graph{"steady"};
  const auto source =
      graph.source<desk::Event>("events", {.time = &desk::Event::at, .watermark = weir::trailing(us(50))});
  std::uint64_t rows = 0;
  source | weir::key_by(&desk::Event::key) | std::move(shape) | desk::totals("windows") |
      weir::sink("rows", [&rows](const desk::Row&) { ++rows; });
  auto pipeline = std::move(graph).build().value();
  std::vector<desk::Event> batch(batch_size);
  const auto make = [lateness](desk::Event& event, std::int64_t at) {
    event = desk::event(at * 7919 % 1000, at - (at % 10 == 0 ? lateness : 0));
  };
  run(pipeline, source, batch, 0, warm_up, make);
  const std::uint64_t rows_before = rows;
  CHECK(run(pipeline, source, batch, warm_up, measured, make) <= most);
  CHECK(rows - rows_before > 1000);
  CHECK(pipeline.stats("windows").conserves());
}

TEST_CASE("tumbling windows allocate nothing when warm") {
  check_integers(weir::tumbling({.size = us(2500), .grace = us(0)}));
}

TEST_CASE("sliding windows allocate nothing when warm") {
  check_integers(weir::sliding({.size = us(10'000), .every = us(1000), .grace = us(0)}));
}

TEST_CASE("sessions allocate nothing when warm") {
  check_integers(weir::session({.gap = us(900), .grace = us(0)}));
}

TEST_CASE("count windows allocate nothing when warm") { check_integers(weir::count_windows({.size = 10})); }

TEST_CASE("windows with a grace allocate nothing when warm, without late records") {
  check_integers(weir::tumbling({.size = us(2500), .grace = us(5000)}));
}

TEST_CASE(
    "late records allocate nothing per record when warm: lists of changing length trade buffers a few times "
    "more") {
  check_integers(weir::tumbling({.size = us(2500), .grace = us(5000)}), 3000, measured / 10'000);
}

TEST_CASE("windows that emit on every update allocate nothing per record when warm") {
  check_integers(weir::tumbling({.size = us(2500), .grace = us(0), .emit = weir::on_update()}));
}

TEST_CASE("windows of the other kinds allocate nothing when warm") {
  check_integers(weir::cumulating({.size = us(5000), .step = us(1000), .grace = us(0)}));
  check_integers(weir::lifetime({.emit = weir::after(10)}));
  check_integers(weir::count_windows({.size = 10, .every = 5}));
}

TEST_CASE("windows that emit early allocate nothing per record when warm, whatever becomes of their panes") {
  const auto panes = GENERATE(weir::accumulating, weir::discarding, weir::retracting);
  check_integers(weir::tumbling({.size = us(5000),
                                 .grace = us(0),
                                 .emit = weir::emit_when(weir::on_close(), weir::every(us(1000))),
                                 .panes = panes}));
  check_integers(weir::tumbling({.size = us(5000), .grace = us(0), .emit = weir::after(3), .panes = panes}));
}

TEST_CASE("several windows over shared panes, and records one by one, allocate nothing when warm") {
  weir::Graph graph{"steady"};
  const auto source =
      graph.source<desk::Event>("events", {.time = &desk::Event::at, .watermark = weir::trailing(us(50))});
  std::uint64_t rows = 0;
  auto [sliding, tumbling] =
      source | weir::key_by(&desk::Event::key) |
      weir::windows(weir::sliding({.size = us(6000), .every = us(1000), .grace = us(0)}),
                    weir::tumbling({.size = us(2000), .grace = us(0)})) |
      desk::totals("windows");
  sliding | weir::sink("sliding out", [&rows](const desk::Row&) { ++rows; });
  tumbling | weir::sink("tumbling out", [&rows](const desk::Row&) { ++rows; });
  auto pipeline = std::move(graph).build().value();
  const auto push = [&](std::int64_t from, std::int64_t to) {
    for (std::int64_t at = from; at < to; ++at) pipeline.push(source, desk::event(at * 7919 % 1000, at));
  };
  push(0, warm_up);
  const std::uint64_t before = heap::allocations();
  push(warm_up, warm_up + measured);
  CHECK(heap::allocations() - before == 0);
  CHECK(rows > 1000);
}

TEST_CASE("streams that are merged, and records of which several are made, allocate nothing when warm") {
  weir::Graph graph{"steady"};
  const auto source =
      graph.source<desk::Event>("events", {.time = &desk::Event::at, .watermark = weir::trailing(us(50))});
  std::uint64_t rows = 0;
  const auto twice = source | weir::flat_map<desk::Event>([](const desk::Event& event, auto&& emit) {
                       emit(event);
                       emit(desk::event(event.key + 1000, weir::ticks(event.at)));
                     });
  const auto even = source | weir::filter([](const desk::Event& event) { return event.key % 2 == 0; });
  weir::merge("merged", twice, even) | weir::key_by(&desk::Event::key) |
      weir::tumbling({.size = us(2500), .grace = us(0)}) | desk::totals("windows") |
      weir::sink("rows", [&rows](const desk::Row&) { ++rows; });
  auto pipeline = std::move(graph).build().value();
  std::vector<desk::Event> batch(batch_size);
  const auto make = [](desk::Event& event, std::int64_t at) { event = desk::event(at * 7919 % 1000, at); };
  run(pipeline, source, batch, 0, warm_up, make);
  CHECK(run(pipeline, source, batch, warm_up, measured, make) == 0);
  CHECK(rows > 1000);
}

TEST_CASE("a custom operator with state and a timer allocates nothing when warm") {
  struct Pause {
    using State = std::int64_t;
    void process(State& seen, const desk::Event& event, weir::Timer& timer, weir::Out<desk::Event>&) const {
      ++seen;
      timer.set(weir::later(event.at, us(900)));
    }
    void on_timer(State& seen, const weir::Fired<std::int64_t>& fired, weir::Out<desk::Event>& out) const {
      out.emit(desk::event(fired.key, weir::ticks(fired.at), std::exchange(seen, 0)));
    }
  };
  weir::Graph graph{"steady"};
  const auto source =
      graph.source<desk::Event>("events", {.time = &desk::Event::at, .watermark = weir::trailing(us(50))});
  std::uint64_t pauses = 0;
  source | weir::key_by(&desk::Event::key) | weir::each("pause", Pause{}) |
      weir::sink("rows", [&pauses](const desk::Event&) { ++pauses; });
  auto pipeline = std::move(graph).build().value();
  std::vector<desk::Event> batch(batch_size);
  const auto make = [](desk::Event& event, std::int64_t at) { event = desk::event(at * 7919 % 1000, at); };
  run(pipeline, source, batch, 0, warm_up, make);
  CHECK(run(pipeline, source, batch, warm_up, measured, make) == 0);
  CHECK(pauses > 1000);
}

TEST_CASE("string keys allocate nothing when warm, whatever their length") {
  const bool is_long = GENERATE(false, true);
  CAPTURE(is_long);
  std::vector<std::string> names;
  for (int i = 0; i < 500; ++i)
    names.push_back((is_long ? "a name that does not fit into the string itself " : "user ") +
                    std::to_string(i));
  weir::Graph graph{"steady"};
  const auto source = graph.source<Named>("events", {.time = &Named::at, .watermark = weir::ascending()});
  std::uint64_t rows = 0;
  source | weir::key_by(&Named::name) | weir::tumbling({.size = us(2500), .grace = us(0)}) |
      weir::aggregate<desk::Totals>("windows", weir::count().as(&desk::Totals::n)) |
      weir::sink("rows", [&rows](const weir::Windowed<std::string, desk::Totals>&) { ++rows; });
  auto pipeline = std::move(graph).build().value();
  std::vector<Named> batch(batch_size);
  const auto make = [&names](Named& record, std::int64_t at) {
    record.name = names[static_cast<std::size_t>(at * 7919 % 500)];
    record.at = weir::event_time(at);
  };
  run(pipeline, source, batch, 0, warm_up, make);
  CHECK(run(pipeline, source, batch, warm_up, measured, make) == 0);
  CHECK(rows > 1000);
}

TEST_CASE("publishing rows and reading them allocates nothing when warm") {
  weir::Graph graph{"steady"};
  const auto source =
      graph.source<desk::Event>("events", {.time = &desk::Event::at, .watermark = weir::trailing(us(50))});
  const auto view = source | weir::key_by(&desk::Event::key) |
                    weir::features<desk::Totals>(
                        "rows", weir::rolling({.size = us(2000), .precision = us(100)})
                                    .compute(weir::count().as(&desk::Totals::n),
                                             weir::sum(&desk::Event::value).as(&desk::Totals::sum))) |
                    weir::view("view", {.max_age = us(1)}).publish({.refresh = us(500)});
  auto pipeline = std::move(graph).build().value();
  auto reader = pipeline.reader(view).value();
  std::vector<desk::Event> batch(batch_size);
  const auto make = [](desk::Event& event, std::int64_t at) { event = desk::event(at * 7919 % 1000, at); };
  run(pipeline, source, batch, 0, warm_up, make);
  CHECK(run(pipeline, source, batch, warm_up, measured, make) == 0);
  std::vector<std::int64_t> keys;
  for (std::int64_t key = 0; key < 1100; ++key) keys.push_back(key);
  std::vector<weir::Lookup<desk::Totals>> results(keys.size());
  const std::uint64_t before = heap::allocations();
  for (const std::int64_t key : keys) static_cast<void>(reader.lookup(key));
  reader.lookup_all(keys, {}, results);
  CHECK(heap::allocations() - before == 0);
  CHECK((reader.stats().reads == 2200 && reader.stats().missing == 200));
}

TEST_CASE("records pushed one by one, filtered and mapped, allocate nothing when warm") {
  weir::Graph graph{"steady"};
  const auto source =
      graph.source<desk::Event>("events", {.time = &desk::Event::at, .watermark = weir::ascending()});
  std::int64_t sum = 0;
  source |
      (weir::filter([](const desk::Event& event) { return event.value > 0; }) |
       weir::map([](const desk::Event& event) { return event.value * 2; })) |
      weir::sink("sum", [&sum](std::int64_t value) { sum += value; });
  auto pipeline = std::move(graph).build().value();
  for (std::int64_t at = 0; at < 1000; ++at) pipeline.push(source, desk::event(1, at));
  const std::uint64_t before = heap::allocations();
  for (std::int64_t at = 1000; at < 1000 + measured; ++at) pipeline.push(source, desk::event(1, at));
  CHECK(heap::allocations() - before == 0);
  CHECK(sum == 2 * (1000 + measured));
}

}  // namespace

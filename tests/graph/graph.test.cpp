#include <weir/graph/graph.hpp>

#include <weir/weir.hpp>

#include <memory>
#include <string>
#include <utility>

#include "catch.hpp"
#include "operators/desk.hpp"

namespace {

using desk::Event;
using desk::us;
using std::chrono::hours;
using std::chrono::minutes;

weir::Source<Event> events_of(weir::Graph& graph, const char* name = "events") {
  return graph.source<Event>(name, {.time = &Event::at, .watermark = weir::host_driven()});
}
std::string error_of(weir::Graph graph) {
  const auto built = std::move(graph).build();
  if (built.ok()) return "";
  CHECK(built.status().code() == absl::StatusCode::kInvalidArgument);
  return std::string(built.status().message());
}
/// What build() says of one windowed aggregate called "w".
template <class Shape>
std::string wrong(Shape shape) {
  weir::Graph graph{"g"};
  events_of(graph) | weir::key_by(&Event::key) | std::move(shape) | desk::totals("w");
  return error_of(std::move(graph));
}
std::string wrong_source(weir::SourceSpec<Event> spec) {
  weir::Graph graph{"g"};
  static_cast<void>(graph.source<Event>("events", std::move(spec)));
  return error_of(std::move(graph));
}

TEST_CASE("a wrong window names operator, field, value and remedy") {
  const weir::Duration none = us(0);
  CHECK(wrong(weir::tumbling({.size = us(0), .grace = none})) ==
        "w: size (0us) must be positive; give the window's length, .size = 1h");
  CHECK(wrong(weir::tumbling({.size = minutes{-3}, .grace = none})) ==
        "w: size (-3min) must be positive; give the window's length, .size = 1h");
  CHECK(wrong(weir::sliding({.size = hours{1}, .every = us(0), .grace = none})) ==
        "w: every (0us) must be positive; use tumbling() for windows without overlap");
  CHECK(wrong(weir::cumulating({.size = hours{1}, .step = us(-1), .grace = none}))
            .find("w: step (-1us) must be positive; ") == 0);
  CHECK(wrong(weir::cumulating({.size = hours{1}, .step = minutes{7}, .grace = none})) ==
        "w: step (7min) must divide size (1h); try 10min");
  CHECK(wrong(weir::tumbling({.size = hours{1}, .grace = us(-1)})) ==
        "w: grace (-1us) must not be negative; 0s closes windows at their end");
  CHECK(wrong(weir::tumbling({.size = hours{1}, .grace = none, .emit = weir::every(us(-5))})) ==
        "w: emit.every (-5us) must be positive; leave it out for no early panes");
  CHECK(wrong(weir::tumbling({.size = hours{24}, .grace = none, .emit = weir::every(us(1))})) ==
        "w: emit.every (1us) gives more than 1000000 early panes in a window of 1d; make it longer");
  CHECK(wrong(weir::sliding({.size = hours{1}, .every = us(1), .grace = none})) ==
        "w: size (1h) and every (1us) need 3600000000 panes of 1us per key, the most is 131072; try every = "
        "50ms");
  CHECK(wrong(weir::sliding({.size = hours{1}, .every = us(1), .grace = none, .emit = weir::on_update()}))
            .find("w: size (1h) over every (1us) puts a record into 3600000000 windows, the most with early, "
                  "discarding or retracting panes is 1024; ") == 0);
  CHECK(wrong(weir::tumbling({.size = hours{1},
                              .grace = none,
                              .emit = weir::on_update(),
                              .emit_empty = weir::EmptyWindows{.most = 1}})) ==
        "w: emit_empty goes with emit = on_close() and accumulating panes only; leave one of them out");
}

TEST_CASE("a wrong session or count window names operator, field, value and remedy") {
  const weir::Duration none = us(0);
  CHECK(wrong(weir::session({.gap = us(0), .grace = none})) ==
        "w: gap (0us) must be positive; give the silence that ends a session, .gap = 30min");
  CHECK(wrong(weir::session({.gap = us(1), .grace = us(-1)})) ==
        "w: grace (-1us) must not be negative; 0s closes sessions at their end");
  CHECK(wrong(weir::session({.gap = us(1), .longest = us(-1), .grace = none})) ==
        "w: longest (-1us) must not be negative; leave it out for no limit");
  CHECK(wrong(weir::session({.gap = us(1), .most_records = 0, .grace = none})) ==
        "w: most_records (0) must be positive; leave it out for no limit");
  CHECK(wrong(weir::count_windows({.size = 0})) == "w: size (0 records) must be from 1 to 1048576");
}

TEST_CASE("windows that share panes must close plainly") {
  const auto day = weir::tumbling({.size = hours{24}, .grace = us(0)});
  const auto shared = [&](auto other) {
    weir::Graph graph{"g"};
    (events_of(graph) | weir::key_by(&Event::key) | weir::windows(day, other) | desk::totals("w"));
    return error_of(std::move(graph));
  };
  CHECK(shared(weir::tumbling({.size = hours{1}, .grace = us(0), .emit = weir::on_update()})) ==
        "w: emit of tumbling(1h) must be on_close() inside windows(); give it an aggregate of its own");
  CHECK(shared(weir::sliding(
            {.size = hours{1}, .every = minutes{5}, .grace = us(0), .late = weir::drop_whole})) ==
        "w: late of sliding(1h) must be apply_open inside windows(); give it an aggregate of its own");
  CHECK(shared(weir::lifetime()) != "");
  CHECK(shared(weir::sliding({.size = hours{1}, .every = minutes{5}, .grace = minutes{1}})).empty());
}

TEST_CASE("a wrong source names field, value and remedy") {
  CHECK(wrong_source({.time = &Event::at, .watermark = weir::trailing(us(-1))}) ==
        "events: watermark (trailing -1us) must not be negative; use trailing(0s) for ordered streams");
  CHECK(wrong_source({.time = &Event::at, .watermark = weir::host_driven(), .idle_after = us(0)}) ==
        "events: idle_after (0us) must be positive; leave it out for channels that are never idle");
  CHECK(wrong_source({.time = &Event::at, .watermark = weir::host_driven(), .channels = 0}) ==
        "events: channels (0) must be from 1 to 65536");
  CHECK(wrong_source({.time = &Event::at, .watermark = weir::host_driven(), .channels = 65537}) ==
        "events: channels (65537) must be from 1 to 65536");
  CHECK(wrong_source({.time = &Event::at, .watermark = weir::host_driven(), .max_future_skew = us(-1)}) ==
        "events: max_future_skew (-1us) must not be negative; use std::nullopt to switch the guard off");
  CHECK(wrong_source({.time = &Event::at, .watermark = weir::host_driven(), .max_jump = us(0)}) ==
        "events: max_jump (0us) must be positive; leave it out to let any record move the watermark");
  CHECK(wrong_source({.time = &Event::at,
                      .watermark = weir::host_driven(),
                      .earliest = weir::event_time(2),
                      .latest = weir::event_time(1)}) == "events: earliest is after latest; swap them");
  CHECK(wrong_source(
            {.time = static_cast<weir::EventTime Event::*>(nullptr), .watermark = weir::host_driven()}) ==
        "events: time is not set; give a member or a function, .time = &Record::at");
}

TEST_CASE("names must be there and be different") {
  weir::Graph graph{"g"};
  const auto events = events_of(graph);
  events | weir::sink("out", [](const Event&) {});
  events | weir::tap("out", [](const Event&) {});
  events | weir::sink("", [](const Event&) {});
  CHECK(error_of(std::move(graph)) ==
        "out: name is used twice (sink and tap); give one of them another name\n"
        "sink: name is empty; give it one, it keys metrics and errors");
}

TEST_CASE("most_keys must fit the dictionary, and a graph needs a source") {
  const auto keys = [](std::size_t most) {
    weir::Graph graph{"g"};
    static_cast<void>(events_of(graph) | weir::key_by(&Event::key, {.most_keys = most}));
    return error_of(std::move(graph));
  };
  CHECK(keys(0) == "key_by #1: most_keys (0) must be from 1 to 4294967294");
  CHECK(keys(0xFFFFFFFF) == "key_by #1: most_keys (4294967295) must be from 1 to 4294967294");
  CHECK(keys(1).empty());
  CHECK(error_of(weir::Graph{"empty"}) ==
        "empty: the graph has no source; add one with graph.source<Record>(...)");
}

TEST_CASE("every problem is listed, and build() can be called once") {
  weir::Graph graph{"g"};
  events_of(graph) | weir::key_by(&Event::key) | weir::tumbling({.size = us(-1), .grace = us(0)}) |
      desk::totals("a");
  events_of(graph, "others") | weir::key_by(&Event::key) | weir::session({.gap = us(0), .grace = us(-1)}) |
      desk::totals("b");
  CHECK(error_of(std::move(graph))
            .find("a: size (-1us) must be positive; give the window's length, .size = 1h\nb: gap (0us)") ==
        0);
  weir::Graph good{"g"};
  static_cast<void>(events_of(good));
  CHECK(std::move(good).build().ok());
  // NOLINTNEXTLINE(bugprone-use-after-move): what happens then is the point
  CHECK(std::move(good).build().status().code() == absl::StatusCode::kFailedPrecondition);
  CHECK(good.text().empty());
}

weir::Graph pictured() {
  weir::Graph graph{"fraud \"v2\""};
  const auto payments = graph.source<Event>("payments", {.time = &Event::at, .watermark = weir::ascending()});
  const auto refunds = graph.source<Event>("refunds", {.time = &Event::at, .watermark = weir::ascending()});
  const auto both = weir::merge(
      "both", payments | weir::filter([](const Event& event) { return event.value > 0; }), refunds);
  const auto rows = both | weir::key_by(&Event::key) | weir::tumbling({.size = us(10), .grace = us(0)}) |
                    desk::totals("per \"hour\"");
  rows | weir::sink("rows", [](const desk::Row&) {});
  rows.late() | weir::sink("too late", [](const weir::Late<Event>&) {});
  return graph;
}

TEST_CASE("the picture for a terminal is a tree that names further inputs") {
  CHECK(pictured().text() ==
        "fraud \"v2\"\n"
        "payments: source\n"
        "└─ filter\n"
        "   └─ both: merge (with refunds)\n"
        "      └─ key_by\n"
        "         └─ per 'hour': tumbling windows\n"
        "            ├─ rows: sink\n"
        "            └─ too late: sink\n"
        "refunds: source\n");
}

TEST_CASE("the Mermaid picture is a flowchart from left to right") {
  CHECK(pictured().mermaid() ==
        "flowchart LR\n"
        "  n0([\"payments<br/>source\"])\n"
        "  n1([\"refunds<br/>source\"])\n"
        "  n2[\"filter\"]\n"
        "  n3[\"both<br/>merge\"]\n"
        "  n4[\"key_by\"]\n"
        "  n5[\"per #quot;hour#quot;<br/>tumbling windows\"]\n"
        "  n6[\"rows<br/>sink\"]\n"
        "  n7[\"too late<br/>sink\"]\n"
        "  n0 --> n2\n"
        "  n2 --> n3\n"
        "  n1 --> n3\n"
        "  n3 --> n4\n"
        "  n4 --> n5\n"
        "  n5 --> n6\n"
        "  n5 --> n7\n");
}

TEST_CASE("the Graphviz picture is the same graph") {
  CHECK(pictured().dot() ==
        "digraph \"fraud \\\"v2\\\"\" {\n"
        "  rankdir=LR;\n"
        "  node [shape=box];\n"
        "  n0 [label=\"payments\\nsource\", shape=oval];\n"
        "  n1 [label=\"refunds\\nsource\", shape=oval];\n"
        "  n2 [label=\"filter\"];\n"
        "  n3 [label=\"both\\nmerge\"];\n"
        "  n4 [label=\"key_by\"];\n"
        "  n5 [label=\"per \\\"hour\\\"\\ntumbling windows\"];\n"
        "  n6 [label=\"rows\\nsink\"];\n"
        "  n7 [label=\"too late\\nsink\"];\n"
        "  n0 -> n2;\n"
        "  n2 -> n3;\n"
        "  n1 -> n3;\n"
        "  n3 -> n4;\n"
        "  n4 -> n5;\n"
        "  n5 -> n6;\n"
        "  n5 -> n7;\n"
        "}\n");
}

TEST_CASE("a backslash in a name does not break the Graphviz picture, and a line break does not break any") {
  weir::Graph graph{"g\\"};
  static_cast<void>(
      graph.source<Event>("ends in a\n\\", {.time = &Event::at, .watermark = weir::ascending()}));
  CHECK(graph.dot().find("digraph \"g\\\\\" {") == 0);
  CHECK(graph.dot().find("ends in a\\\\\\nsource") != std::string::npos);
  CHECK(graph.text() == "g\\\nends in a\\: source\n");
}

TEST_CASE("the pipeline draws the same pictures as its graph") {
  weir::Graph graph = pictured();
  const std::string text = graph.text();
  const std::string mermaid = graph.mermaid();
  const auto pipeline = std::move(graph).build().value();
  CHECK(pipeline.text() == text);
  CHECK(pipeline.mermaid() == mermaid);
  CHECK(pipeline.dot().find("digraph") == 0);
}

TEST_CASE("a graph that is moved from has nothing left, and one that is moved to has lost what it had") {
  const auto shared = std::make_shared<int>(0);
  weir::Graph graph{"first"};
  events_of(graph) | weir::tap("seen", [shared](const Event&) {});
  CHECK(shared.use_count() == 2);
  weir::Graph other{"second"};
  const auto events = events_of(other);
  std::int64_t seen = 0;
  events | weir::sink("count", [&seen](const Event&) { ++seen; });
  graph = std::move(other);
  CHECK(shared.use_count() == 1);
  CHECK(other.text().empty());  // NOLINT(bugprone-use-after-move)
  CHECK(std::move(other).build().status().code() == absl::StatusCode::kFailedPrecondition);
  weir::Graph last(std::move(graph));
  auto pipeline = std::move(last).build().value();
  pipeline.push(events, desk::event(1, 1, 1));
  weir::Pipeline taken = std::move(pipeline);
  taken.push(events, desk::event(1, 2, 1));
  CHECK(seen == 2);
}

TEST_CASE("keys are found whatever the hash seed, and it never shows in the output") {
  std::string first;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    weir::Graph graph{"g", {.hash_seed = seed}};
    const auto events = events_of(graph);
    std::string out;
    events | weir::key_by(&Event::key) | weir::sliding({.size = us(30), .every = us(10), .grace = us(5)}) |
        desk::totals("w") |
        weir::sink("rows", [&out](const desk::Row& row) { out += desk::text(row) + "\n"; });
    auto pipeline = std::move(graph).build().value();
    for (std::int64_t i = 0; i < 300; ++i) {
      pipeline.push(events, desk::event(i * 7919 % 97, i - i % 3 * 10, i));
      if (i % 20 == 0) REQUIRE(pipeline.advance(events, weir::event_time(i - 12)).ok());
    }
    REQUIRE(pipeline.finish().ok());
    if (seed == 1) first = out;
    CHECK(out == first);
  }
  CHECK(first.size() > 1000);
}

}  // namespace

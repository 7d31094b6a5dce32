// What a result is told of when it is asked: every operator that computes rows says it in the same words.
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <weir/weir.hpp>

#include "catch.hpp"

namespace {

using std::chrono::microseconds;
using weir::event_time;
using weir::EventTime;

struct Hit {
  std::uint64_t user;
  EventTime at;
};
struct Row {
  std::int64_t begin = 0, as_of = 0, n = 0;
};
bool operator==(const Row& a, const Row& b) { return a.begin == b.begin && a.as_of == b.as_of && a.n == b.n; }

template <bool begin>
struct Asked {
  struct State {};
  static constexpr bool order_independent = true;
  template <class T>
  void add(State&, const T&) const {}
  void merge(State&, const State&) const {}
  std::int64_t result(const State&, const weir::Interval& asked) const {
    return weir::ticks(begin ? asked.begin : asked.as_of);
  }
};
static_assert(weir::Aggregator<Asked<true>, Hit>);

constexpr auto begin = weir::with(Asked<true>{}).as(&Row::begin);
constexpr auto as_of = weir::with(Asked<false>{}).as(&Row::as_of);
constexpr auto n = weir::count().as(&Row::n);
constexpr std::int64_t always = weir::ticks(weir::no_time);

/// The rows of one user's hits in these windows, until the stream ends.
template <class Windows>
std::vector<Row> rows_of(Windows windows, const std::vector<std::int64_t>& times) {
  weir::Graph graph{"asked"};
  auto hits = graph.source<Hit>("hits", {.time = &Hit::at, .watermark = weir::ascending()});
  std::vector<Row> rows;
  hits | weir::key_by(&Hit::user) | std::move(windows) | weir::aggregate<Row>("rows", begin, as_of, n) |
      weir::sink("out", [&rows](const auto& row) {
        CHECK(row.value.as_of == weir::ticks(row.as_of));
        rows.push_back(row.value);
      });
  auto pipeline = std::move(graph).build();
  REQUIRE(pipeline.ok());
  for (const std::int64_t at : times) pipeline->push(hits, {1, event_time(at)});
  REQUIRE(pipeline->finish().ok());
  return rows;
}

TEST_CASE("windows tell a result where they begin and when the row is of") {
  CHECK(rows_of(weir::tumbling({.size = microseconds(10), .grace = weir::Duration{0}}), {3, 12}) ==
        std::vector<Row>{{0, 10, 1}, {10, 20, 1}});
  CHECK(
      rows_of(weir::sliding({.size = microseconds(10), .every = microseconds(5), .grace = weir::Duration{0}}),
              {7}) == std::vector<Row>{{0, 10, 1}, {5, 15, 1}});
  CHECK(rows_of(weir::session({.gap = microseconds(5), .grace = weir::Duration{0}}), {3, 6, 20}) ==
        std::vector<Row>{{3, 11, 2}, {20, 25, 1}});
  CHECK(rows_of(weir::count_windows({.size = 2}), {3, 6}) == std::vector<Row>{{3, 6, 2}});
  const std::vector<Row> early =
      rows_of(weir::tumbling({.size = microseconds(10),
                              .grace = weir::Duration{0},
                              .emit = weir::emit_when(weir::every(microseconds(4)), weir::on_close())}),
              {1, 3, 9});
  REQUIRE(early.size() >= 2);
  CHECK(early.front() == Row{0, 4, 3});
  CHECK(early.back() == Row{0, 10, 3});
}

TEST_CASE("rolling windows tell a result where they begin, and the time of the read") {
  const auto read = [](auto rolling, std::int64_t at) {
    weir::Graph graph{"asked"};
    auto hits = graph.source<Hit>("hits", {.time = &Hit::at, .watermark = weir::ascending()});
    auto view =
        hits | weir::key_by(&Hit::user) |
        weir::features<Row>({.name = "rows", .retain = weir::for_ever}, rolling.compute(begin, as_of, n)) |
        weir::view("view");
    auto pipeline = std::move(graph).build();
    REQUIRE(pipeline.ok());
    for (const std::int64_t time : {3, 12, 14}) pipeline->push(hits, {1, event_time(time)});
    return pipeline->lookup(view, 1, {.as_of = event_time(at)}).value;
  };
  CHECK(read(weir::rolling({.size = microseconds(10), .precision = weir::exact}), 20) == Row{10, 20, 2});
  CHECK(read(weir::rolling({.size = microseconds(10), .precision = microseconds(5)}), 18) == Row{5, 18, 2});
  CHECK(read(weir::rolling({.size = microseconds(10), .precision = weir::pre_cut(microseconds(5))}), 18) ==
        Row{5, 18, 2});
  CHECK(read(weir::rolling_lifetime(), 18) == Row{always, 18, 3});
  CHECK(read(weir::rolling_records({.records = 2}), 18).as_of == 18);
}

TEST_CASE("an open session tells a result where it begins, and the time of the read") {
  weir::Graph graph{"asked"};
  auto hits = graph.source<Hit>("hits", {.time = &Hit::at, .watermark = weir::ascending()});
  auto view = hits | weir::key_by(&Hit::user) |
              weir::session({.gap = microseconds(5), .grace = weir::Duration{0}}) |
              weir::aggregate<Row>("rows", begin, as_of, n) | weir::view("view");
  auto pipeline = std::move(graph).build();
  REQUIRE(pipeline.ok());
  for (const std::int64_t time : {3, 6}) pipeline->push(hits, {1, event_time(time)});
  CHECK(pipeline->lookup(view, 1, {.as_of = event_time(8)}).value == Row{3, 8, 2});
}

struct Choosy {
  static constexpr std::string_view name = "choosy";
  int option = 0;
  [[nodiscard]] std::string problem() const {
    return option < 0 ? "option is " + std::to_string(option) + "; give 0 or more" : std::string();
  }
  template <class Value>
  static constexpr weir::Count make() {
    return {};
  }
};

TEST_CASE("options of a feature that make no sense are reported once, with the operator") {
  const auto message = [](auto part) {
    weir::Graph graph{"asked"};
    auto hits = graph.source<Hit>("hits", {.time = &Hit::at, .watermark = weir::ascending()});
    hits | weir::key_by(&Hit::user) | weir::tumbling({.size = microseconds(10), .grace = weir::Duration{0}}) |
        std::move(part) | weir::sink("out", [](const auto&) {});
    return std::string(std::move(graph).build().status().message());
  };
  const auto windowed = [](int option) {
    return weir::aggregate<Row>("rows",
                                weir::detail::feature(Choosy{option}, weir::detail::Presence{}).as(&Row::n));
  };
  CHECK(message(windowed(0)).empty());
  CHECK(message(windowed(-1)) == "rows: choosy: option is -1; give 0 or more");
}

}  // namespace

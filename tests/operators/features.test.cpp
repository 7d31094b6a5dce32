#include <weir/operators/features.hpp>

#include <weir/weir.hpp>

#include <cstdint>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "operators/board.hpp"

namespace {

using board::Board;
using board::Event;
using board::Lines;
using board::totals;
using board::Totals;
using board::us;
using weir::Asking;
using weir::event_time;
using weir::exact;
using weir::pre_cut;
using weir::ReadStatus;

constexpr auto by_host = weir::host_driven();

TEST_CASE("an exact window read at t has a record at t - size and none at t") {
  Board board(by_host, {.name = "features"}, totals({.size = us(10), .precision = exact}));
  board.push(1, 0, 1).push(1, 5, 2).push(1, 10, 4);
  CHECK(board.line(1, 0) == "0/0 missing [-10,0)");
  CHECK(board.line(1, 1) == "1/1 fresh [-9,1)");
  CHECK(board.line(1, 10) == "2/3 fresh [0,10)");
  CHECK(board.line(1, 11) == "2/6 fresh [1,11)");
  CHECK(board.line(1, 15) == "2/6 fresh [5,15)");
  CHECK(board.line(1, 16) == "1/4 fresh [6,16)");
}

TEST_CASE("a precision cuts the tail at multiples of itself, and never the head") {
  Board board(by_host, {.name = "features"}, totals({.size = us(10), .precision = us(4)}));
  board.push(1, 0, 1).push(1, 3, 2).push(1, 4, 4).push(1, 12, 8);
  CHECK(board.line(1, 4) == "2/3 fresh [-8,4)");
  CHECK(board.line(1, 12) == "3/7 fresh [0,12)");
  CHECK(board.line(1, 13) == "4/15 fresh [0,13)");
  CHECK(board.line(1, 14) == "2/12 fresh [4,14)");
  CHECK(board.line(1, 18) == "1/8 fresh [8,18)");
}

TEST_CASE("a pre-cut window moves by whole hops, at both ends") {
  Board board(by_host, {.name = "features"}, totals({.size = us(10), .precision = pre_cut(us(5))}));
  board.push(1, 0, 1).push(1, 4, 2).push(1, 5, 4).push(1, 14, 8);
  CHECK(board.line(1, 4) == "0/0 fresh [-10,0)");
  CHECK(board.line(1, 5) == "2/3 fresh [-5,5)");
  CHECK(board.line(1, 14) == "3/7 fresh [0,10)");
  CHECK(board.line(1, 15) == "2/12 fresh [5,15)");
}

TEST_CASE("windows lie where floor says before 1970 too") {
  const std::vector<Event> events = {desk::event(1, -16, 1), desk::event(1, -13, 2), desk::event(1, -6, 4)};
  Board whole(by_host, {.name = "features"}, totals({.size = us(10), .precision = exact}));
  Board cut(by_host, {.name = "features"}, totals({.size = us(10), .precision = us(4)}));
  Board hopping(by_host, {.name = "features"}, totals({.size = us(10), .precision = pre_cut(us(5))}));
  CHECK(whole.push(events).line(1, -3) == "2/6 fresh [-13,-3)");
  CHECK(cut.push(events).line(1, -3) == "3/7 fresh [-16,-3)");
  CHECK(hopping.push(events).line(1, -1) == "2/6 fresh [-15,-5)");
  CHECK(cut.line(1, -6) == "2/3 fresh [-16,-6)");
}

TEST_CASE("asking included moves both ends by one tick, so that the record that asks is in") {
  const auto one = [](const weir::Precision& precision, std::int64_t at) {
    Board board(by_host, {.name = "features"},
                totals({.size = us(10), .precision = precision, .asking = Asking::included}));
    return board.push(1, 0, 1).push(1, 3, 2).push(1, 4, 4).push(1, 13, 8).line(1, at);
  };
  CHECK(one(exact, 10) == "2/6 fresh [1,11)");
  CHECK(one(exact, 13) == "2/12 fresh [4,14)");
  CHECK(one(us(4), 12) == "3/7 fresh [0,13)");
  CHECK(one(us(4), 13) == "2/12 fresh [4,14)");
  CHECK(one(pre_cut(us(5)), 13) == "3/7 fresh [0,10)");
  CHECK(one(pre_cut(us(5)), 14) == "1/8 fresh [5,15)");
}

struct Four {
  std::int64_t short_n = 0, middle_n = 0, long_n = 0, asked_n = 0;
  std::int64_t short_sum = 0, middle_sum = 0, long_sum = 0, asked_sum = 0;
};

TEST_CASE("windows that share their aggregates each have a field, whatever their precisions") {
  Board<Four> board(
      by_host, {.name = "features"},
      weir::rolling({{.size = us(5), .precision = exact},
                     {.size = us(10), .precision = us(2)},
                     {.size = us(20), .precision = pre_cut(us(10))},
                     {.size = us(10), .precision = us(2), .asking = Asking::included}})
          .compute(weir::count().as(&Four::short_n, &Four::middle_n, &Four::long_n, &Four::asked_n),
                   weir::sum(&Event::value)
                       .as(&Four::short_sum, &Four::middle_sum, &Four::long_sum, &Four::asked_sum)));
  board.push(1, 1, 1).push(1, 9, 2).push(1, 12, 4).push(1, 15, 8).push(1, 16, 16);
  const auto read = board.read(1, 15);
  CHECK((read->short_n == 1 && read->short_sum == 4));    // [10, 15)
  CHECK((read->middle_n == 2 && read->middle_sum == 6));  // [4, 15)
  CHECK((read->long_n == 2 && read->long_sum == 3));      // [-10, 10)
  CHECK((read->asked_n == 3 && read->asked_sum == 14));   // [6, 16)
  REQUIRE(read.covered().size() == 4);
  CHECK(board::text(read.covered()[0]) == "[10,15)");
  CHECK(board::text(read.covered()[1]) == "[4,15)");
  CHECK(board::text(read.covered()[2]) == "[-10,10)");
  CHECK(board::text(read.covered()[3]) == "[6,16)");
}

TEST_CASE("a window of records has the last so many, however old, and a lifetime has all") {
  Board last(by_host, {.name = "features", .retain = weir::for_ever},
             totals(weir::rolling_records({.records = 2})));
  Board ever(by_host, {.name = "features", .retain = weir::for_ever}, totals(weir::rolling_lifetime()));
  Board asked(by_host, {.name = "features", .retain = weir::for_ever},
              totals(weir::rolling_records({.records = 2, .asking = Asking::included})));
  for (Board<>* board : {&last, &ever, &asked})
    board->push(1, 1, 1).push(1, 500, 2).push(1, 501, 4).push(1, 501, 8);
  CHECK(last.line(1, 1) == "0/0 missing [1,1)");
  CHECK(last.line(1, 2) == "1/1 fresh [1,2)");
  CHECK(last.line(1, 501) == "2/3 fresh [1,501)");
  CHECK(asked.line(1, 501) == "2/12 fresh [501,502)");
  CHECK(last.line(1, 1'000'000) == "2/12 fresh [501,1000000)");
  CHECK(ever.line(1, 501) == "2/3 fresh [-inf,501)");
  CHECK(ever.line(1, 1'000'000) == "4/15 fresh [-inf,1000000)");
  last.advance(900);
  ever.advance(900);
  CHECK(last.line(1, 900) == "2/12 fresh [501,900)");
  CHECK(ever.line(1, 900) == "4/15 fresh [-inf,900)");
}

TEST_CASE("a window of thousands of panes has what a loop finds") {
  Board board(weir::trailing(us(50)), {.name = "features"}, totals({.size = us(3000), .precision = us(1)}));
  std::mt19937_64 random(3);
  std::vector<std::int64_t> times;
  for (std::int64_t i = 0; i < 5000; ++i) {
    times.push_back(2 * i - static_cast<std::int64_t>(random() % 50));
    board.push(1, times.back());
    if (i % 250 != 249) continue;
    const std::int64_t at = 2 * i + 20;
    std::int64_t n = 0;
    for (const std::int64_t time : times) n += time >= at - 3000 && time < at ? 1 : 0;
    REQUIRE(board.read(1, at)->n == n);
  }
}

struct Derived {
  double mean = 0;
  double ratio = 0;
  double twice = 0;
};

TEST_CASE("derived fields see all windows and the derived fields before them, also when nothing is known") {
  Board<Derived> board(by_host, {.name = "features"},
                       weir::derive(&Derived::ratio, [](const Derived& row) { return row.mean / 4; }),
                       weir::rolling({.size = us(10), .precision = us(1)})
                           .compute(weir::mean(&Event::value).as(&Derived::mean)),
                       weir::derive(&Derived::twice, [](const Derived& row) { return 2 * row.ratio + 1; }));
  board.push(1, 1, 6).push(1, 2, 10);
  CHECK(board.read(1, 3)->ratio == 2);
  CHECK(board.read(1, 3)->twice == 5);
  CHECK(board.read(2, 3).status == ReadStatus::missing);
  CHECK(board.read(2, 3)->twice == 1);
}

struct Sample {
  std::int64_t key = 0;
  std::optional<double> value;
  weir::EventTime at{};
};
struct Levels {
  double mean = 0;
  double plain = 0;
  std::int8_t small = 0;
  std::int8_t asked = 0;
};

TEST_CASE("NaN, missing values and overflows are counted once per record and once per read") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  weir::Graph graph{"samples"};
  auto samples = graph.source<Sample>("samples", {.time = &Sample::at, .watermark = weir::ascending()});
  const auto bare = [](const Sample& sample) { return sample.value.value_or(0); };
  auto rows = samples | weir::key_by(&Sample::key) |
              weir::features<Levels>(
                  "levels",
                  weir::rolling({.size = us(10), .precision = us(1)})
                      .compute(weir::mean(&Sample::value).as(&Levels::mean),
                               weir::mean(bare).nan(weir::NanPolicy::reject).as(&Levels::plain)),
                  weir::rolling({{.size = us(300), .precision = us(1)},
                                 {.size = us(300), .precision = us(1), .asking = Asking::included}})
                      .compute(weir::count().as(&Levels::small, &Levels::asked)));
  auto view = rows | weir::view("view");
  auto pipeline = std::move(graph).build().value();
  pipeline.push(samples, {1, std::nullopt, event_time(1)});
  pipeline.push(samples, {1, nan, event_time(2)});  // rejected by the second feature
  pipeline.push(samples, {1, 3.0, event_time(3)});
  const auto read = pipeline.lookup(view, 1, {.as_of = event_time(4)});
  CHECK((read->mean == 3 && read->plain == 1.5 && read->small == 2 && read.overflowed == 0));
  const weir::OperatorStats& stats = pipeline.stats("levels");
  CHECK((stats.ingested == 3 && stats.applied == 2 && stats.rejected == 1 && stats.conserves()));
  REQUIRE(stats.features.size() == 3);
  CHECK((stats.features[0].missing == 1 && stats.features[0].nan == 0 && stats.features[1].missing == 0));
  for (std::int64_t i = 0; i < 200; ++i) pipeline.push(samples, {1, 3.0, event_time(5 + i)});
  const auto full = pipeline.lookup(view, 1, {.as_of = event_time(300)});
  CHECK((full->small == 127 && full->asked == 127 && full.overflowed == 4));
  CHECK(pipeline.stats("levels").features[2].overflowed == 1);
}

TEST_CASE(
    "late records are applied wherever they are still kept, and reported once if some window missed them") {
  Board<Four> board(by_host, {.name = "features"},
                    weir::rolling({{.size = us(5), .precision = exact},
                                   {.size = us(10), .precision = us(4)},
                                   {.size = us(20), .precision = pre_cut(us(20))}})
                        .compute(weir::count().as(&Four::short_n, &Four::middle_n, &Four::long_n)),
                    weir::rolling({.size = us(10), .precision = us(5), .asking = Asking::included})
                        .compute(weir::count().as(&Four::asked_n)));
  board.push(1, 100).advance(100);
  board.push(1, 95);  // the oldest that [95, 100) has
  CHECK(board.late().empty());
  CHECK(board.read(1, 100)->short_n == 1);
  board.push(1, 94);  // the others: [88, 100), [60, 100), [90, 100)
  CHECK(board.late() == Lines{"late 1@94 3/1 W 100"});
  CHECK(board.read(1, 100)->short_n == 1);
  CHECK(board.read(1, 100)->middle_n == 2);
  board.push(1, 88).push(1, 87);
  CHECK(board.late() == Lines{"late 1@88 2/2 W 100", "late 1@87 1/3 W 100"});
  CHECK(board.read(1, 100)->middle_n == 3);
  CHECK(board.read(1, 100)->asked_n == 3);
  board.push(1, 60).push(1, 59).push(2, 59);
  CHECK(board.late() == Lines{"late 1@60 1/3 W 100", "late 1@59 0/4 W 100", "late 2@59 0/4 W 100"});
  CHECK(board.read(1, 119)->long_n == 4);  // [80, 100) has 95, 94, 88, 87
  CHECK(board.read(1, 120)->long_n == 1);  // [100, 120)
  CHECK(board.read(2, 100).status == ReadStatus::missing);
  const weir::OperatorStats& stats = board.stats();
  CHECK((stats.ingested == 8 && stats.applied == 2 && stats.partially_late == 4 && stats.late == 2));
  CHECK((stats.windows_missed == 1 + 2 + 3 + 3 + 4 + 4 && stats.emitted == 6 && stats.conserves()));
}

TEST_CASE(
    "with time travel, what is behind the watermark by less than it is not late, and reads there are exact") {
  Board board(by_host, {.name = "features", .time_travel = us(20)},
              totals({.size = us(10), .precision = us(4)}));
  board.push(1, 70, 1).push(1, 81, 2).push(1, 85, 4).advance(100);
  board.push(1, 83, 8).push(1, 72, 16);
  CHECK(board.late().empty());
  CHECK(board.line(1, 80) == "2/17 fresh [68,80)");
  CHECK(board.line(1, 83) == "2/18 fresh [72,83)");
  CHECK(board.line(1, 84) == "3/26 fresh [72,84)");
  CHECK(board.line(1, 79) == "2/17 incomplete [68,76)");
}

TEST_CASE("before the settled horizon the head is cut at the precision too, and the row is incomplete") {
  Board board(by_host, {.name = "features"}, totals({.size = us(10), .precision = us(4)}));
  for (std::int64_t at = 0; at < 100; ++at) board.push(1, at, at);
  board.advance(100);
  CHECK(board.line(1, 100) == "12/1122 fresh [88,100)");
  CHECK(board.line(1, 99) == "8/732 incomplete [88,96)");
  CHECK(board.line(1, 96) == "8/732 incomplete [88,96)");  // [84, 88) is gone
  CHECK(board.line(1, 89) == "0/0 incomplete [88,88)");
  CHECK(board.line(1, 50) == "0/0 incomplete [48,48)");
}

TEST_CASE("before the settled horizon an exact window stays exact as far back as its records are kept") {
  Board board(by_host, {.name = "features"}, totals({.size = us(10), .precision = exact}));
  for (std::int64_t at = 0; at < 100; ++at) board.push(1, at, at);
  board.advance(100);
  CHECK(board.line(1, 100) == "10/945 fresh [90,100)");
  CHECK(board.line(1, 97) == "7/651 incomplete [90,97)");
  CHECK(board.line(1, 90) == "0/0 incomplete [90,90)");
  CHECK(board.line(1, 20) == "0/0 incomplete [20,20)");
}

TEST_CASE("before the settled horizon a pre-cut window is whole for one hop, and a lifetime is not known") {
  Board hopping(by_host, {.name = "features"}, totals({.size = us(20), .precision = pre_cut(us(10))}));
  Board ever(by_host, {.name = "features", .retain = weir::for_ever}, totals(weir::rolling_lifetime()));
  for (Board<>* board : {&hopping, &ever}) {
    for (std::int64_t at = 0; at < 100; ++at) board->push(1, at);
    board->advance(100);
  }
  CHECK(hopping.line(1, 100) == "20/20 fresh [80,100)");
  CHECK(hopping.line(1, 99) == "20/20 fresh [70,90)");
  CHECK(hopping.line(1, 89) == "10/10 incomplete [70,80)");
  CHECK(ever.line(1, 100) == "100/100 fresh [-inf,100)");
  CHECK(ever.line(1, 99) == "0/0 incomplete [99,99)");
}

TEST_CASE("windows that reach before the stream is complete are not whole") {
  Board board(by_host, {.name = "features", .complete_from = event_time(100)},
              totals({.size = us(10), .precision = us(4)}));
  board.push(1, 101).push(1, 107);
  CHECK(board.line(1, 109) == "2/2 incomplete [96,109)");
  CHECK(board.line(1, 110) == "2/2 fresh [100,110)");
}

template <class... Parts>
std::string wrong(weir::FeaturesSpec spec, Parts... parts) {
  weir::Graph graph{"g"};
  auto events = graph.source<Event>("events", {.time = &Event::at, .watermark = by_host});
  static_cast<void>(events | weir::key_by(&Event::key) |
                    weir::features<Totals>(std::move(spec), std::move(parts)...));
  const auto built = std::move(graph).build();
  if (built.ok()) return "";
  CHECK(built.status().code() == absl::StatusCode::kInvalidArgument);
  return std::string(built.status().message());
}
std::string wrong(weir::RollingSpec spec) { return wrong({.name = "f"}, totals(spec)); }

TEST_CASE("a wrong rolling window names operator, field, value and remedy") {
  using std::chrono::hours;
  using std::chrono::minutes;
  CHECK(wrong({.size = us(0), .precision = exact}) ==
        "f: size (0us) must be positive; give how far back the window reaches");
  CHECK(wrong({.size = hours{-1}, .precision = us(1)}) ==
        "f: size (-1h) must be positive; give how far back the window reaches");
  CHECK(wrong({.size = hours{1}, .precision = us(0)}) ==
        "f: precision (0us) must be positive; try 1min, or exact");
  CHECK(wrong({.size = minutes{5}, .precision = minutes{6}}) ==
        "f: precision (6min) must not be longer than size (5min)");
  CHECK(wrong({.size = hours{1}, .precision = pre_cut(minutes{7})}) ==
        "f: pre_cut (7min) must divide size (1h); try 10min");
  CHECK(wrong({.size = hours{24}, .precision = std::chrono::seconds{1}}) ==
        "f: size (1d) with precision (1s) needs 86400 panes per key, the most is 4096; try precision = 30s");
  CHECK(wrong({.size = hours{24}, .precision = std::chrono::seconds{30}}).empty());
  CHECK(wrong({.name = "f", .retain = hours{1}}, totals(weir::rolling_records({.records = 0}))) ==
        "f: records (0) must be from 1 to 65536");
  CHECK(wrong({.name = "f", .retain = hours{1}}, totals(weir::rolling_records({.records = 65537}))) ==
        "f: records (65537) must be from 1 to 65536");
  CHECK(wrong({.name = "f", .retain = hours{1}}, totals(weir::rolling_records({.records = 65536}))).empty());
}

TEST_CASE("precisions that share aggregates must be multiples of each other") {
  using std::chrono::hours;
  using std::chrono::minutes;
  weir::Graph graph{"g"};
  auto events = graph.source<Event>("events", {.time = &Event::at, .watermark = by_host});
  static_cast<void>(
      events | weir::key_by(&Event::key) |
      weir::features<Totals>("f", weir::rolling({{.size = hours{1}, .precision = minutes{2}},
                                                 {.size = hours{2}, .precision = minutes{5}},
                                                 {.size = minutes{3}, .precision = exact}})
                                      .compute(weir::count().as(&Totals::n, &Totals::sum, &Totals::sum))));
  CHECK(
      std::move(graph).build().status().message() ==
      "f: precision (5min) must be a multiple of the next finer one (2min) of the same rolling(); try 6min, "
      "or a rolling() of its own");
}

TEST_CASE("wrong options of features name operator, field, value and remedy") {
  using std::chrono::hours;
  const auto hour = totals({.size = hours{1}, .precision = std::chrono::minutes{1}});
  const auto ever = totals(weir::rolling_lifetime());
  CHECK(wrong({.name = "f", .time_travel = us(-1)}, hour) == "f: time_travel (-1us) must not be negative");
  CHECK(wrong({.name = "f", .retain = us(-1)}, hour) ==
        "f: retain (-1us) must be positive; leave it out for as long as the longest window needs");
  CHECK(wrong({.name = "f", .retain = hours{1}}, hour) ==
        "f: retain (1h) must not be shorter than the longest window with its precision (61min)");
  CHECK(wrong({.name = "f", .retain = std::chrono::minutes{61}}, hour).empty());
  CHECK(
      wrong({.name = "f"}, ever) ==
      "f: retain is missing: windows of records and of a lifetime do not end by themselves; give how long a "
      "silent key is kept, .retain = 30 * 24h or .retain = weir::for_ever");
  CHECK(wrong({.name = "f"}, hour, ever) == wrong({.name = "f"}, ever));
  CHECK(wrong({.name = "f", .retain = weir::for_ever}, ever).empty());
  CHECK(wrong({.name = "f", .retain = us(1)}, ever).empty());
}

}  // namespace

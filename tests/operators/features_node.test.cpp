#include <weir/operators/features_node.hpp>

#include <weir/weir.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <optional>
#include <random>
#include <string>
#include <string_view>
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
using weir::event_time;
using weir::exact;
using weir::ReadStatus;

constexpr auto by_host = weir::host_driven();

TEST_CASE("a key that was silent for as long as it is retained starts anew") {
  Board board(by_host, {.name = "features", .retain = us(50)}, totals(weir::rolling_lifetime()));
  board.push(1, 0, 1).push(1, 49, 2);
  CHECK(board.line(1, 98) == "2/3 fresh [-inf,98)");
  CHECK(board.line(1, 99) == "0/0 missing [-inf,99)");  // 50 behind the newest record
  board.push(1, 98, 4);
  CHECK(board.line(1, 99) == "3/7 fresh [-inf,99)");
  board.push(1, 148, 8);  // 50 behind 98: nothing is left
  CHECK(board.line(1, 148) == "0/0 missing [-inf,148)");
  CHECK(board.line(1, 149) == "1/8 fresh [-inf,149)");
  CHECK(board.line(1, 147) == "3/7 fresh [-inf,147)");
  board.advance(160);
  CHECK(board.line(1, 160) == "1/8 fresh [-inf,160)");
  board.push(1, 98, 16);  // of a time that was forgotten
  CHECK(board.late() == Lines{"late 1@98 0/1 W 160"});
  board.push(1, 99, 32);
  CHECK(board.late().empty());
  CHECK(board.line(1, 160) == "2/40 fresh [-inf,160)");
  board.finish();
  CHECK(board.stats().conserves());
}

TEST_CASE("without retain a key is kept as long as its longest window with its precision needs") {
  Board board(by_host, {.name = "features"}, totals({.size = us(10), .precision = us(4)}));
  board.push(1, 100);
  CHECK(board.line(1, 113) == "1/1 fresh [100,113)");
  CHECK(board.line(1, 114) == "0/0 missing [104,114)");
}

TEST_CASE("keys that are not retained any more give back their slots and their state, also if nobody reads") {
  Board board(weir::ascending(), {.name = "features", .retain = us(600)},
              totals({.size = us(50), .precision = exact}));
  for (std::int64_t i = 0; i < 200'000; ++i) board.push(i, i);
  CHECK(board.stats("keys").keys < 3000);
  CHECK(board.stats().state_bytes < 2'000'000);
  CHECK(board.pipeline().live_windows("features") <= 601);
  const std::uint64_t bytes = board.stats().state_bytes;
  for (std::int64_t i = 0; i < 200'000; ++i) board.push(i, 200'000 + i);
  CHECK(board.stats().state_bytes == bytes);
  board.advance(1'000'000);
  CHECK(board.pipeline().live_windows("features") == 0);
  CHECK(board.read(5, 1'000'000).status == ReadStatus::missing);
}

TEST_CASE("a key that was erased begins anew with its next record, and is forgotten in its time") {
  Board board(weir::ascending(), {.name = "features", .retain = us(100)}, totals(weir::rolling_lifetime()));
  board.push(1, 10, 1).push(2, 10, 2);
  CHECK(board.pipeline().erase(board.view(), 1));
  CHECK_FALSE(board.pipeline().erase(board.view(), 1));
  CHECK(board.read(1, 11).status == ReadStatus::missing);
  CHECK(board.line(2, 11) == "1/2 fresh [-inf,11)");
  board.push(2, 150);  // by now the deadline of what was erased has come
  CHECK(board.pipeline().live_windows("features") == 1);
  board.push(1, 160, 4);
  CHECK(board.line(1, 161) == "1/4 fresh [-inf,161)");
  board.push(2, 300);
  CHECK(board.pipeline().live_windows("features") == 1);
}

TEST_CASE("records are not kept for longer than windows and time travel need, also if nobody reads") {
  const auto bytes_after = [](weir::FeaturesSpec spec, auto part, std::int64_t count) {
    Board board(weir::trailing(us(1000)), std::move(spec), std::move(part));
    for (std::int64_t i = 0; i < count; ++i) board.push(i % 3, 100 * i);
    return board.stats().state_bytes;
  };
  const weir::RollingSpec rough{.size = us(60'000), .precision = us(1000)};
  const weir::RollingSpec fine{.size = us(60'000), .precision = exact};
  CHECK(bytes_after({.name = "features"}, totals(rough), 100'000) ==
        bytes_after({.name = "features"}, totals(rough), 10'000));
  CHECK(bytes_after({.name = "features"}, totals(fine), 100'000) ==
        bytes_after({.name = "features"}, totals(fine), 10'000));
  const auto last = totals(weir::rolling_records({.records = 5}));
  CHECK(bytes_after({.name = "features", .retain = weir::for_ever}, last, 100'000) ==
        bytes_after({.name = "features", .retain = weir::for_ever}, last, 40'000));
}

TEST_CASE("after finish() what is known at the end can be read for ever") {
  Board board(weir::trailing(us(100)), {.name = "features"}, totals({.size = us(10), .precision = us(4)}));
  board.push(1, 100, 1).push(1, 108, 2).finish();
  CHECK(board.line(1, 109) == "2/3 fresh [96,109)");
  CHECK(board.line(1, 112) == "2/3 fresh [100,112)");
  const auto latest = board.latest(1);
  CHECK((latest.as_of == event_time(109) && latest.known_until == event_time(109) && latest.is_final()));
  CHECK(latest.watermark == weir::end_of_time);
  CHECK(board.line(1, 118) == "1/2 fresh [108,118)");
  CHECK(board.line(1, 122) == "0/0 missing [112,122)");
  CHECK(board.line(1, 109) == "2/3 fresh [96,109)");
  CHECK(board.pipeline().push(board.source(), desk::event(1, 200)) == weir::Admit::refused);
  CHECK(board.line(1, 109) == "2/3 fresh [96,109)");
}

TEST_CASE("the rows are the same for every split into batches, and with reads in between") {
  std::mt19937_64 random(11);
  std::vector<Event> events;
  for (std::int64_t i = 0; i < 3000; ++i) {
    const auto back = static_cast<std::int64_t>(random() % (random() % 8 == 0 ? 90 : 12));
    events.push_back(desk::event(static_cast<std::int64_t>(random() % 5), 3 * i - back, i));
  }
  const auto digest = [&](std::size_t batch, bool reads) {
    Board board(weir::trailing(us(15)), {.name = "features", .time_travel = us(7), .retain = us(120)},
                totals({.size = us(40), .precision = us(8)}));
    for (std::size_t at = 0; at < events.size(); at += batch) {
      const std::size_t end = std::min(events.size(), at + batch);
      board.push({events.begin() + static_cast<std::ptrdiff_t>(at),
                  events.begin() + static_cast<std::ptrdiff_t>(end)});
      if (reads) static_cast<void>(board.latest(static_cast<std::int64_t>(at % 5)));
    }
    Lines lines = board.late();
    for (std::int64_t key = 0; key < 6; ++key) {
      const auto read = board.latest(key);
      lines.push_back(board::text(read) + " v" + std::to_string(read.version));
    }
    lines.push_back(std::to_string(board.stats().late) + " late");
    return lines;
  };
  const Lines wanted = digest(1, false);
  CHECK(wanted.size() > 50);
  CHECK(digest(1, true) == wanted);
  CHECK(digest(7, true) == wanted);
  CHECK(digest(events.size(), false) == wanted);
}

TEST_CASE("a version grows with each record of its key, whoever read in between") {
  const auto versions = [](bool reads) {
    Board board(weir::ascending(), {.name = "features", .retain = us(50)},
                totals({.size = us(10), .precision = us(1)}));
    std::vector<std::uint64_t> seen;
    board.push(1, 0).push(1, 1);
    seen.push_back(board.latest(1).version);
    board.push(2, 60);
    if (reads) CHECK(board.latest(1).version == 0);  // forgotten
    board.push(1, 100);
    seen.push_back(board.latest(1).version);
    return seen;
  };
  CHECK(versions(true) == versions(false));
  CHECK(versions(true)[0] < versions(true)[1]);
}

TEST_CASE("late records of merged sources are judged by the watermark, whoever read in between") {
  const auto judged = [](bool reads) {
    weir::Graph graph{"merged"};
    auto a = graph.source<Event>("a", {.time = &Event::at, .watermark = weir::ascending()});
    auto b = graph.source<Event>("b", {.time = &Event::at, .watermark = weir::ascending()});
    auto rows = weir::merge("both", a, b) | weir::key_by(&Event::key) |
                weir::features<Totals>({.name = "features", .retain = us(1000)},
                                       totals({.size = us(40), .precision = us(20)}));
    auto view = rows | weir::view("view");
    auto pipeline = std::move(graph).build().value();
    pipeline.push(b, desk::event(9, 10));
    pipeline.push(a, desk::event(9, 10));
    pipeline.push(a, desk::event(9, 100));
    pipeline.push(b, desk::event(9, 61));
    if (reads) static_cast<void>(pipeline.lookup(view, 1));
    pipeline.push(a, desk::event(1, 15));
    const weir::OperatorStats& stats = pipeline.stats("features");
    return std::to_string(stats.applied) + " applied, " + std::to_string(stats.late) + " late";
  };
  CHECK(judged(true) == "4 applied, 1 late");
  CHECK(judged(false) == "4 applied, 1 late");
}

struct Visit {
  std::string visitor;
  std::string page;
  weir::EventTime at{};
};
struct Pages {
  std::string first;
  std::string last;
  std::int64_t n = 0;
  std::int64_t n_last = 0;
};

TEST_CASE("keys and records may own strings") {
  weir::Graph graph{"visits"};
  auto visits = graph.source<Visit>("visits", {.time = &Visit::at, .watermark = weir::trailing(us(20))});
  auto rows = visits | weir::key_by(&Visit::visitor) |
              weir::features<Pages>(
                  {.name = "pages", .retain = us(1000)},
                  weir::rolling({.size = us(50), .precision = exact})
                      .compute(weir::first(&Visit::page).as(&Pages::first),
                               weir::last(&Visit::page).as(&Pages::last), weir::count().as(&Pages::n)),
                  weir::rolling_records({.records = 3}).compute(weir::count().as(&Pages::n_last)));
  auto view = rows | weir::view("view");
  auto pipeline = std::move(graph).build().value();
  const auto page = [](std::int64_t number) {
    return "a page whose name is too long for a small string #" + std::to_string(number);
  };
  for (std::int64_t i = 0; i < 400; ++i) {
    const std::int64_t at = i % 4 == 3 ? i - 15 : i;
    const std::string visitor = "a visitor whose name is long enough #" + std::to_string(i % 3);
    pipeline.push(visits, {visitor, page(at), event_time(at)});
  }
  const std::string visitor = "a visitor whose name is long enough #1";
  const auto read = pipeline.lookup(view, visitor, {.as_of = event_time(400)});
  CHECK(read.is_fresh());
  CHECK(read->first == page(352));
  CHECK(read->last == page(397));
  CHECK((read->n == 15 && read->n_last == 3));
  CHECK(pipeline.lookup(view, std::string_view("nobody")).status == ReadStatus::missing);
  CHECK(pipeline.finish().ok());
  CHECK(pipeline.lookup(view, visitor)->last == page(397));
}

TEST_CASE("a look-up from inside a projection is refused, also while the pipeline is being read") {
  weir::Graph graph{"own"};
  auto events = graph.source<Event>("events", {.time = &Event::at, .watermark = weir::ascending()});
  weir::Pipeline* running = nullptr;
  const weir::View<std::int64_t, Totals>* own = nullptr;
  int refused = 0;
  const auto value = [&](const Event& event) {
    if (running != nullptr && !running->lookup(*own, 1).has_value()) ++refused;
    return event.value;
  };
  auto rows =
      events | weir::key_by(&Event::key) |
      weir::features<Totals>(
          "features",
          weir::rolling({.size = us(10), .precision = us(1)}).compute(weir::sum(value).as(&Totals::sum)));
  auto view = rows | weir::view("view");
  auto pipeline = std::move(graph).build().value();
  own = &view;
  running = &pipeline;
  pipeline.push(events, desk::event(1, 1, 5));
  CHECK(pipeline.lookup(view, 1)->sum == 5);  // the read itself asks for the value of a young record
  CHECK(refused > 0);
}

struct Moments {
  double sum = 0;
  double mean = 0;
  double deviation = 0;
  double lifetime = 0;
  double last = 0;
  double hour = 0;
};

struct Amount {
  std::int64_t key = 0;
  double value = 0;
  weir::EventTime at{};
};

/// Doubles whose sums depend on the grouping, of a few keys.
class Ledger {
 public:
  explicit Ledger(weir::Duration bound, weir::Duration time_travel) {
    weir::Graph graph{"ledger"};
    source_.emplace(
        graph.source<Amount>("amounts", {.time = &Amount::at, .watermark = weir::trailing(bound)}));
    auto rows =
        *source_ | weir::key_by(&Amount::key) |
        weir::features<Moments>(
            {.name = "moments", .time_travel = time_travel, .retain = us(2000)},
            weir::rolling({{.size = us(100), .precision = us(7)}})
                .compute(weir::sum(&Amount::value).as(&Moments::sum),
                         weir::mean(&Amount::value).as(&Moments::mean),
                         weir::stddev(&Amount::value).as(&Moments::deviation)),
            weir::rolling_lifetime().compute(weir::sum(&Amount::value).as(&Moments::lifetime)),
            weir::rolling_records({.records = 6}).compute(weir::sum(&Amount::value).as(&Moments::last)),
            weir::rolling({{.size = us(333), .precision = exact}})
                .compute(weir::stddev(&Amount::value).as(&Moments::hour)));
    view_.emplace(rows | weir::view("view"));
    pipeline_.emplace(std::move(graph).build().value());
  }
  void push(const Amount& amount) { pipeline_->push(*source_, amount); }
  [[nodiscard]] weir::EventTime watermark() const { return pipeline_->watermark(*source_); }
  [[nodiscard]] std::string bytes(const Amount& asking) {
    const auto read = pipeline_->lookup(*view_, asking.key, {.as_of = asking.at});
    CHECK((read.status == ReadStatus::fresh || read.status == ReadStatus::missing));
    std::string bytes(sizeof(Moments), '\0');
    std::memcpy(bytes.data(), &read.value, sizeof(Moments));
    return bytes + std::to_string(weir::ticks(read.event_time));
  }

 private:
  std::optional<weir::Source<Amount>> source_;
  std::optional<weir::View<std::int64_t, Moments>> view_;
  std::optional<weir::Pipeline> pipeline_;
};

TEST_CASE("a row read later has the bytes it had when its record came, whatever the order of arrival") {
  constexpr std::int64_t bound = 60;
  std::mt19937_64 random(7);
  std::vector<Amount> amounts;
  std::int64_t now = -4000;
  for (std::int64_t i = 0; i < 4000; ++i) {
    now +=
        1 + static_cast<std::int64_t>(random() % (random() % 500 == 0 ? 2500 : 6));  // no two at one instant
    amounts.push_back(
        {.key = static_cast<std::int64_t>(random() % 3),
         .value = std::ldexp(static_cast<double>(random() % 1000), static_cast<int>(random() % 40)) / 7,
         .at = event_time(now)});
  }
  std::vector<std::string> wanted;
  Ledger in_order(us(0), us(0));
  for (const Amount& amount : amounts) {
    wanted.push_back(in_order.bytes(amount));
    in_order.push(amount);
  }
  std::vector<std::pair<std::int64_t, std::size_t>> arrivals;
  for (std::size_t i = 0; i < amounts.size(); ++i) {
    arrivals.emplace_back(weir::ticks(amounts[i].at) + static_cast<std::int64_t>(random() % bound), i);
  }
  std::sort(arrivals.begin(), arrivals.end());
  Ledger shuffled(us(bound), us(3000));
  std::size_t read = 0;
  std::size_t moved = 0;
  for (std::size_t i = 0; i < arrivals.size(); ++i) {
    moved += arrivals[i].second != i ? 1U : 0U;
    shuffled.push(amounts[arrivals[i].second]);
    for (; read < amounts.size() && amounts[read].at <= shuffled.watermark(); ++read)
      REQUIRE(shuffled.bytes(amounts[read]) == wanted[read]);
  }
  CHECK(moved > amounts.size() / 2);
  CHECK(read > amounts.size() - 100);
}

TEST_CASE("the end of the stream takes back nothing of what was known") {
  Board board(by_host, {.name = "features"}, totals({.size = us(60), .precision = us(1)}));
  board.push(1, 10).push(1, 50).advance(90);
  const std::string before = board.line(1, 55);
  CHECK(before == "1/1 incomplete [30,55)");
  board.finish();
  CHECK(board.line(1, 55) == before);
  CHECK(board.line(1, 90) == "1/1 fresh [30,90)");
}

TEST_CASE("very many records of one key are applied in any order within the bound") {
  Board board(weir::trailing(us(1'000'000)), {.name = "features"},
              totals({.size = us(100), .precision = us(1)}));
  std::mt19937_64 random(7);
  for (int i = 0; i < 100'000; ++i) board.push(1, static_cast<std::int64_t>(random() % 1'000'000));
  CHECK(board.stats().applied == 100'000);
  board.finish();
  CHECK(board.stats().conserves());
}

struct WideRow {
  double sum_short = 0, sum_long = 0, sum_exact = 0, sum_cut = 0;
  double deviation_short = 0, deviation_long = 0, deviation_exact = 0, deviation_cut = 0;
  friend bool operator==(const WideRow& a, const WideRow& b) {
    return std::memcmp(&a, &b, sizeof(WideRow)) == 0;
  }
};

struct Reading {
  double value;
  weir::EventTime at;
};

/// One key under windows of many panes.
class Wide {
 public:
  explicit Wide(weir::Duration lag)
      : source_(graph_.source<Reading>("readings", {.time = &Reading::at, .watermark = weir::trailing(lag)})),
        view_(source_ | weir::key_by([](const Reading&) { return 1; }) |
              weir::features<WideRow>(
                  {.name = "wide", .time_travel = us(20)},
                  weir::rolling({{.size = us(120), .precision = us(5)},
                                 {.size = us(2000), .precision = us(50)},
                                 {.size = us(700), .precision = exact},
                                 {.size = us(600), .precision = weir::pre_cut(us(50))}})
                      .compute(weir::sum(&Reading::value)
                                   .as(&WideRow::sum_short, &WideRow::sum_long, &WideRow::sum_exact,
                                       &WideRow::sum_cut),
                               weir::stddev(&Reading::value)
                                   .as(&WideRow::deviation_short, &WideRow::deviation_long,
                                       &WideRow::deviation_exact, &WideRow::deviation_cut))) |
              weir::view("wide rows")),
        pipeline_(*std::move(graph_).build()) {}

  void push(const Reading& reading) { static_cast<void>(pipeline_.push(source_, reading)); }
  WideRow read(std::int64_t at) { return *pipeline_.lookup(view_, 1, {.as_of = event_time(at)}); }

 private:
  weir::Graph graph_{"wide"};
  weir::Source<Reading> source_;
  weir::View<int, WideRow> view_;
  weir::Pipeline pipeline_;
};

TEST_CASE("a row has the same bits whatever was read before") {
  std::mt19937_64 random(3);
  for (const std::int64_t lag : {0, 7, 90}) {
    std::vector<Reading> pushed;
    Wide often(us(lag));
    std::vector<std::int64_t> instants;  // the same for some records, as what is remembered is
    std::int64_t now = 0;
    for (int i = 0; i < 1500; ++i) {
      now += random() % 40 == 0 ? static_cast<std::int64_t>(random() % 900)
                                : static_cast<std::int64_t>(random() % 6);
      const std::int64_t late = random() % 20 == 0 ? static_cast<std::int64_t>(random() % 1000) : 0;
      const std::int64_t disorder = lag == 0 ? 0 : static_cast<std::int64_t>(random()) % lag / 2;
      pushed.push_back(
          {std::exp(static_cast<double>(random() % 100) / 7), event_time(now - std::abs(disorder) - late)});
      often.push(pushed.back());
      if (i % 8 == 0) instants = {now - 19, now + 40, now + static_cast<std::int64_t>(random() % 300)};
      std::vector<WideRow> seen;
      for (const std::int64_t instant : instants) seen.push_back(often.read(instant));
      REQUIRE(often.read(instants.front()) == seen.front());
      if (i % 16 != 0 && i % 8 != 7) continue;
      Wide once(us(lag));
      for (const Reading& reading : pushed) once.push(reading);
      const std::size_t which = random() % instants.size();
      REQUIRE(once.read(instants[which]) == seen[which]);
    }
  }
}

}  // namespace

#include <weir/view/view.hpp>

#include <weir/weir.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "operators/board.hpp"

namespace {

using board::Event;
using board::Totals;
using board::us;
using weir::event_time;
using weir::LookupSpec;
using weir::ReadStatus;

using TotalsView = weir::View<std::int64_t, Totals>;
using Read = weir::Lookup<Totals>;

const weir::RollingSpec last_ten{.size = us(10), .precision = us(2)};

/// Rows of the last ten, kept for 1000, behind a view that `make` gives.
class Shelf {
 public:
  template <class Viewing>
  explicit Shelf(Viewing viewing, weir::RollingSpec window = last_ten) {
    weir::Graph graph{"shelf"};
    source_.emplace(graph.source<Event>("events", {.time = &Event::at, .watermark = weir::trailing(us(5))}));
    auto rows = *source_ | weir::key_by(&Event::key) |
                weir::features<Totals>({.name = "features", .retain = us(1000)}, board::totals(window));
    view_.emplace(rows | std::move(viewing));
    pipeline_.emplace(std::move(graph).build().value());
  }
  Shelf& push(std::int64_t key, std::int64_t at, std::int64_t value = 1) {
    pipeline_->push(*source_, desk::event(key, at, value));
    return *this;
  }
  [[nodiscard]] Read read(std::int64_t key, const LookupSpec& spec = {}) {
    return pipeline_->lookup(*view_, key, spec);
  }
  [[nodiscard]] std::string line(std::int64_t key, const LookupSpec& spec = {}) {
    const Read read = this->read(key, spec);
    return std::to_string(read->n) + "/" + std::to_string(read->sum) + " " + board::text(read.status) +
           " as of " + board::text(read.as_of);
  }
  [[nodiscard]] weir::Pipeline& pipeline() { return *pipeline_; }
  [[nodiscard]] const weir::Source<Event>& source() const { return *source_; }
  [[nodiscard]] const TotalsView& view() const { return *view_; }
  [[nodiscard]] const weir::ViewStats& stats() const { return view_->stats(); }

 private:
  std::optional<weir::Source<Event>> source_;
  std::optional<TotalsView> view_;
  std::optional<weir::Pipeline> pipeline_;
};

LookupSpec at(std::int64_t instant) { return {.as_of = event_time(instant)}; }

TEST_CASE("a look-up says what the row describes, and where knowledge ends") {
  Shelf shelf(weir::view("view"));
  shelf.push(1, 100, 3).push(2, 104);
  const Read read = shelf.read(1, at(106));
  CHECK(read.is_fresh());
  CHECK(read.has_value());
  CHECK((read->n == 1 && (*read).sum == 3));
  CHECK(read.as_of == event_time(106));
  CHECK(read.event_time == event_time(100));
  CHECK(read.watermark == event_time(99));
  CHECK(read.known_until == event_time(105));
  CHECK(read.age == us(1));
  CHECK_FALSE(read.computed_at.has_value());
  REQUIRE(read.covered().size() == 1);
  CHECK(board::text(read.covered()[0]) == "[96,106)");
}

TEST_CASE("the instant of a read is an event time, the latest event, the watermark, or the host's clock") {
  Shelf shelf(weir::view("view"));
  CHECK(shelf.line(1) == "0/0 missing as of -inf");
  shelf.push(1, 90, 1).push(1, 98, 2).push(1, 100, 4);
  CHECK(shelf.line(1) == "3/7 fresh as of 101");
  CHECK(shelf.line(1, {.as_of = weir::latest_event}) == "3/7 fresh as of 101");
  CHECK(shelf.line(1, {.as_of = weir::at_watermark}) == "1/1 fresh as of 95");
  CHECK(shelf.line(1, {.as_of = weir::host_now}) == "3/7 fresh as of 101");  // no tick yet
  CHECK(shelf.pipeline().tick(weir::WallTime{us(104)}).ok());
  CHECK(shelf.line(1, {.as_of = weir::host_now}) == "2/6 fresh as of 104");
  CHECK(shelf.read(1).computed_at == weir::WallTime{us(104)});
}

TEST_CASE("a look-up sees what was pushed before it, and none at or after its instant") {
  Shelf shelf(weir::view("view"));
  shelf.push(1, 100, 1);
  CHECK(shelf.line(1, at(100)) == "0/0 missing as of 100");
  CHECK(shelf.line(1, at(101)) == "1/1 fresh as of 101");
  shelf.push(1, 100, 2);
  CHECK(shelf.line(1, at(101)) == "2/3 fresh as of 101");
}

TEST_CASE("a row is final when the watermark has reached its instant and all that its windows cover") {
  Shelf excluded(weir::view("view"));
  Shelf included(weir::view("view"), {.size = us(10), .precision = us(2), .asking = weir::Asking::included});
  for (Shelf* shelf : {&excluded, &included}) shelf->push(1, 105);
  CHECK_FALSE(excluded.read(1, at(101)).is_final());
  CHECK(excluded.read(1, at(100)).is_final());
  CHECK_FALSE(included.read(1, at(100)).is_final());  // another one at 100 would be on time
  CHECK(included.read(1, at(99)).is_final());
}

TEST_CASE("age is how far knowledge lies behind the read, and not how long the key was silent") {
  Shelf shelf(weir::view("view", {.max_age = us(20)}));
  shelf.push(1, 100).push(2, 105);
  CHECK(shelf.read(1, at(105)).age == us(0));
  CHECK(shelf.read(1, at(106)).age == us(0));
  CHECK(shelf.read(1, at(108)).age == us(2));
  CHECK(shelf.read(2, at(125)).status == ReadStatus::fresh);
  CHECK(shelf.read(2, at(126)).status == ReadStatus::stale);  // age == max_age
  shelf.push(3, 125);
  CHECK(shelf.read(2, at(126)).status == ReadStatus::fresh);
  CHECK(shelf.pipeline().advance(shelf.source(), event_time(200)).ok());
  CHECK(shelf.read(2, at(219)).status == ReadStatus::fresh);
  CHECK(shelf.read(2).known_until == event_time(200));
}

TEST_CASE("a view without max_age has no stale rows, and each read may say its own") {
  Shelf shelf(weir::view("view"));
  shelf.push(1, 100);
  CHECK(shelf.read(1, at(900)).status == ReadStatus::fresh);
  CHECK(shelf.read(1, {.as_of = event_time(111), .max_age = us(10)}).status == ReadStatus::stale);
  CHECK(shelf.read(1, {.as_of = event_time(110), .max_age = us(10)}).status == ReadStatus::fresh);
  CHECK(shelf.read(1, {.as_of = event_time(101), .max_age = us(0)}).status == ReadStatus::stale);
  Shelf strict(weir::view("view", {.max_age = us(1)}));
  strict.push(1, 100);
  CHECK(strict.read(1, at(103)).status == ReadStatus::stale);
  CHECK(strict.read(1, {.as_of = event_time(103), .max_age = us(50)}).status == ReadStatus::fresh);
}

TEST_CASE("a stale row is served as it is, as it was, as the default, or not at all") {
  Shelf shelf(weir::view("view", {.max_age = us(8)}).fallback(Totals{.n = -1, .sum = -1}));
  shelf.push(1, 94, 1).push(1, 100, 2);
  const auto stale = [&](std::optional<weir::StalePolicy> policy) {
    return shelf.line(1, {.as_of = event_time(109), .when_stale = policy});
  };
  CHECK(shelf.line(1, at(108)) == "1/2 fresh as of 108");
  CHECK(stale(std::nullopt) == "1/2 stale as of 109");
  CHECK(stale(weir::serve_stale) == "1/2 stale as of 109");
  CHECK(stale(weir::serve_previous) == "2/3 stale as of 101");
  CHECK(stale(weir::serve_default) == "-1/-1 defaulted as of 109");
  CHECK(stale(weir::reject_stale) == "0/0 stale as of 109");
  CHECK(shelf.read(1, {.as_of = event_time(109), .when_stale = weir::serve_previous}).age == us(8));
}

TEST_CASE(
    "the view's own policy holds where the read says none, and a default that is not there is no default") {
  Shelf previous(weir::view("view", {.max_age = us(8), .when_stale = weir::serve_previous}));
  previous.push(1, 94, 1).push(1, 100, 2);
  CHECK(previous.line(1, at(109)) == "2/3 stale as of 101");
  CHECK(previous.line(1, {.as_of = event_time(109), .when_stale = weir::reject_stale}) ==
        "0/0 stale as of 109");
  CHECK(previous.line(1, {.as_of = event_time(109), .when_stale = weir::serve_default}) ==
        "1/2 stale as of 109");
}

TEST_CASE("a row of no records is missing, or the fallback, however old knowledge is") {
  Shelf bare(weir::view("view", {.max_age = us(8), .when_stale = weir::reject_stale}));
  bare.push(1, 100);
  CHECK(bare.line(2, at(101)) == "0/0 missing as of 101");
  CHECK(bare.line(2, at(500)) == "0/0 missing as of 500");
  CHECK(bare.line(1, at(1100)) == "0/0 stale as of 1100");  // not retained
  CHECK(bare.read(2).event_time == weir::no_time);
  CHECK(bare.read(2).version == 0);
  Shelf backed(weir::view("view").fallback(Totals{.n = 0, .sum = 7}));
  backed.push(1, 100);
  CHECK(backed.line(2, at(101)) == "0/7 defaulted as of 101");
  CHECK(backed.line(1, at(101)) == "1/1 fresh as of 101");
  CHECK(backed.line(1, at(120)) == "0/0 fresh as of 120");  // a row of nothing, of a key that is known
}

TEST_CASE("a row whose window is not whole is incomplete, unless it is stale") {
  Shelf shelf(weir::view("view", {.max_age = us(50)}));
  shelf.push(1, 80).push(1, 90, 2).push(1, 105);
  CHECK(shelf.line(1, at(95)) == "1/2 incomplete as of 95");
  CHECK(shelf.line(1, {.as_of = event_time(95), .max_age = us(0)}) == "1/2 stale as of 95");
}

TEST_CASE("the hook for stale rows sees each of them last, and may change it") {
  std::vector<std::string> seen;
  Shelf shelf(weir::view("view", {.max_age = us(8), .when_stale = weir::serve_default})
                  .fallback(Totals{.n = -1, .sum = -1})
                  .when_stale([&seen](Read& stale) {
                    seen.push_back(std::to_string(stale->n) + " " + board::text(stale.status));
                    stale.value.sum = 42;
                    stale.status = ReadStatus::stale;
                  }));
  shelf.push(1, 100, 2);
  CHECK(shelf.line(1, at(108)) == "1/2 fresh as of 108");
  CHECK(seen.empty());
  CHECK(shelf.line(1, at(109)) == "-1/42 stale as of 109");
  CHECK(shelf.line(1, {.as_of = event_time(109), .when_stale = weir::serve_stale}) == "1/42 stale as of 109");
  CHECK(shelf.line(2, at(109)) == "-1/-1 defaulted as of 109");
  CHECK(seen == std::vector<std::string>{"-1 defaulted", "1 stale"});
  CHECK((shelf.stats().stale == 2 && shelf.stats().defaulted == 1));
}

TEST_CASE("a row that does not pass the gate is withheld, however old it is") {
  Shelf shelf(weir::view("view", {.max_age = us(8), .freshness_goal = us(4)})
                  .gate([](const Totals& row) { return row.sum < 10; })
                  .fallback(Totals{.n = -1, .sum = -1}));
  shelf.push(1, 100, 2).push(2, 100, 20);
  CHECK(shelf.line(1, at(101)) == "1/2 fresh as of 101");
  CHECK(shelf.line(2, at(101)) == "0/0 quarantined as of 101");
  CHECK_FALSE(shelf.read(2, at(101)).has_value());
  CHECK(shelf.line(2, at(109)) == "0/0 quarantined as of 109");
  CHECK(shelf.line(3, at(101)) == "-1/-1 defaulted as of 101");
  const weir::ViewStats& stats = shelf.stats();
  CHECK((stats.quarantined == 3 && stats.reads == 5 && stats.breaches == 1));
}

TEST_CASE("a read of an age that reaches the freshness goal is a breach, and reported with what was given") {
  std::vector<std::string> breaches;
  Shelf shelf(weir::view("view", {.max_age = us(8), .freshness_goal = us(4)})
                  .when_stale([](Read& stale) { stale.value.sum = 42; })
                  .on_breach([&breaches](const Read& breach) {
                    breaches.push_back(std::to_string(breach->sum) + " " + board::text(breach.status) + " " +
                                       std::to_string(breach.age.count()));
                  }));
  shelf.push(1, 100, 2);
  static_cast<void>(shelf.read(1, at(104)));
  CHECK(breaches.empty());
  static_cast<void>(shelf.read(1, at(105)));
  static_cast<void>(shelf.read(1, at(109)));
  static_cast<void>(shelf.read(2, at(109)));
  CHECK(breaches == std::vector<std::string>{"2 fresh 4", "42 stale 8", "0 missing 8"});
  CHECK(shelf.stats().breaches == 3);
}

TEST_CASE("reads are counted by what they gave and by their age") {
  Shelf shelf(weir::view("view", {.max_age = us(1000)}).fallback(Totals{}));
  shelf.push(1, 99, 2).push(1, 150);
  for (const std::int64_t instant : {151, 152, 153, 154, 158, 159, 1150, 1151, 140, 4})
    static_cast<void>(shelf.read(1, at(instant)));
  static_cast<void>(shelf.read(2, at(151)));
  const weir::ViewStats& stats = shelf.stats();
  CHECK(stats.reads == 11);
  CHECK(stats.fresh == 6);
  CHECK(stats.stale == 1);  // key 1 once it would not be retained any more, as far as is known
  CHECK(stats.incomplete == 2);
  CHECK(stats.defaulted == 2);  // key 2, and key 1 where it is known to be forgotten
  CHECK(stats.missing == 0);
  CHECK(stats.reads ==
        stats.fresh + stats.stale + stats.incomplete + stats.missing + stats.defaulted + stats.quarantined);
  std::array<std::uint64_t, 64> ages{};
  ages[0] = 4;   // 151, 140, 4 and the other key
  ages[1] = 1;   // 1
  ages[2] = 2;   // 2 and 3
  ages[3] = 1;   // 7
  ages[4] = 1;   // 8
  ages[10] = 2;  // 999 and 1000
  CHECK(stats.ages == ages);
  static_cast<void>(shelf.read(1, {.as_of = weir::end_of_time}));
  CHECK(stats.ages[63] == 1);
}

TEST_CASE("many keys are read in their order, into what the host keeps") {
  Shelf shelf(weir::view("view"));
  shelf.push(1, 100, 1).push(2, 101, 2);
  const std::vector<std::int64_t> keys{2, 3, 1};
  std::vector<Read> results(3);
  shelf.pipeline().lookup_all(shelf.view(), keys, at(102), results);
  CHECK((results[0]->sum == 2 && results[1].status == ReadStatus::missing && results[2]->sum == 1));
  shelf.pipeline().lookup(shelf.view(), 3, at(102), results[0]);
  CHECK((results[0].status == ReadStatus::missing && results[0]->sum == 0 && results[0].version == 0));
}

TEST_CASE("a look-up with another pipeline's view is refused") {
  Shelf one(weir::view("view"));
  Shelf two(weir::view("view"));
  one.push(1, 100);
  Read read = one.read(1);
  CHECK(read.has_value());
  two.pipeline().lookup(one.view(), 1, {}, read);
  CHECK(read.status == ReadStatus::refused);
  CHECK_FALSE(read.has_value());
  CHECK((read->n == 0 && read.covered().empty()));
  CHECK((one.stats().reads == 1 && two.stats().reads == 0));
}

TEST_CASE("a look-up from inside a callback of the pipeline is refused, and changes nothing") {
  weir::Graph graph{"shelf"};
  auto events = graph.source<Event>("events", {.time = &Event::at, .watermark = weir::ascending()});
  weir::Pipeline* running = nullptr;
  const TotalsView* own = nullptr;
  std::vector<ReadStatus> statuses;
  events | weir::sink("asks", [&](const Event& event) {
    statuses.push_back(running->lookup(*own, event.key).status);
  });
  const TotalsView view = events | weir::key_by(&Event::key) |
                          weir::features<Totals>("features", board::totals(last_ten)) | weir::view("view");
  auto pipeline = std::move(graph).build().value();
  running = &pipeline;
  own = &view;
  pipeline.push(events, desk::event(1, 100));
  CHECK(statuses == std::vector<ReadStatus>{ReadStatus::refused});
  CHECK(pipeline.status().ok());
  CHECK(pipeline.lookup(view, 1).is_fresh());
}

TEST_CASE("the hooks of a view cannot call the pipeline that is being read") {
  Shelf* shelf_of_hook = nullptr;
  std::vector<std::string> answers;
  const auto ask = [&](const Read&) {
    weir::Pipeline& pipeline = shelf_of_hook->pipeline();
    answers.emplace_back(board::text(pipeline.lookup(shelf_of_hook->view(), 1).status));
    if (pipeline.push(shelf_of_hook->source(), desk::event(1, 200)) == weir::Admit::refused)
      answers.emplace_back("push refused");
    if (!pipeline.finish().ok()) answers.emplace_back("finish refused");
  };
  Shelf shelf(weir::view("view", {.max_age = us(1), .freshness_goal = us(1)}).when_stale(ask).on_breach(ask));
  shelf_of_hook = &shelf;
  shelf.push(1, 100);
  CHECK(shelf.read(1, at(110)).status == ReadStatus::stale);
  const std::vector<std::string> refused{"refused", "push refused", "finish refused"};
  CHECK(answers ==
        std::vector<std::string>{refused[0], refused[1], refused[2], refused[0], refused[1], refused[2]});
  CHECK(shelf.read(1).known_until == event_time(101));
}

TEST_CASE("a hook may destroy the pipeline that is being read") {
  std::optional<Shelf> shelf;
  std::optional<weir::Pipeline> pipeline;
  shelf.emplace(
      weir::view("view", {.freshness_goal = us(1)}).on_breach([&](const Read&) { pipeline.reset(); }));
  shelf->push(1, 100, 3);
  pipeline.emplace(std::move(shelf->pipeline()));
  const Read read = pipeline->lookup(shelf->view(), 1, at(105));
  CHECK_FALSE(pipeline.has_value());
  CHECK((read.is_fresh() && read->sum == 3));
}

struct Thrown {};

TEST_CASE("what a hook throws passes through the look-up and poisons the pipeline") {
  Shelf shelf(weir::view("view", {.max_age = us(1)}).when_stale([](Read&) { throw Thrown{}; }));
  shelf.push(1, 100);
  CHECK_THROWS_AS(shelf.read(1, at(110)), Thrown);
  CHECK_FALSE(shelf.pipeline().status().ok());
  CHECK(shelf.read(1, at(101)).status == ReadStatus::refused);
}

template <class Viewing>
std::string wrong(Viewing viewing) {
  weir::Graph graph{"g"};
  auto events = graph.source<Event>("events", {.time = &Event::at, .watermark = weir::ascending()});
  static_cast<void>(events | weir::key_by(&Event::key) |
                    weir::features<Totals>("features", board::totals(last_ten)) | std::move(viewing));
  const auto built = std::move(graph).build();
  return built.ok() ? "" : std::string(built.status().message());
}

TEST_CASE("wrong options of a view name view, field, value and remedy") {
  CHECK(wrong(weir::view("v", {.max_age = us(0)})) ==
        "v: max_age (0us) must be positive; leave it out when no row is ever too old");
  CHECK(wrong(weir::view("v", {.freshness_goal = us(-3)})) ==
        "v: freshness_goal (-3us) must be positive; leave it out for none");
  CHECK(wrong(weir::view("v", {.when_stale = weir::serve_default})) ==
        "v: when_stale (serve_default) needs a row to serve; give one with .fallback(Row{...})");
  CHECK(wrong(weir::view("v", {.when_stale = weir::serve_default}).fallback(Totals{})).empty());
  CHECK(wrong(weir::view("features")).find("name is used twice (features and view)") != std::string::npos);
}

TEST_CASE("several views may stand behind one operator, each with its own counters") {
  weir::Graph graph{"shelf"};
  auto events = graph.source<Event>("events", {.time = &Event::at, .watermark = weir::ascending()});
  const auto rows =
      events | weir::key_by(&Event::key) | weir::features<Totals>("features", board::totals(last_ten));
  const TotalsView strict = rows | weir::view("strict", {.max_age = us(1)});
  const TotalsView easy = rows | weir::view("easy");
  auto pipeline = std::move(graph).build().value();
  pipeline.push(events, desk::event(1, 100));
  CHECK(pipeline.lookup(strict, 1, at(105)).status == ReadStatus::stale);
  CHECK(pipeline.lookup(easy, 1, at(105)).status == ReadStatus::fresh);
  CHECK((strict.stats().reads == 1 && easy.stats().reads == 1 && easy.stats().stale == 0));
}

}  // namespace

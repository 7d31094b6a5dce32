#include <weir/view/reader.hpp>

#include <weir/weir.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
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
using TotalsReader = weir::Reader<std::int64_t, Totals>;

const weir::RollingSpec last_ten{.size = us(10), .precision = us(2)};

/// Rows of the last ten, kept for 100, behind a view that `make` gives, and a reader of it.
class Shelf {
 public:
  template <class Viewing>
  explicit Shelf(Viewing viewing) {
    weir::Graph graph{"shelf"};
    source_.emplace(graph.source<Event>("events", {.time = &Event::at, .watermark = weir::trailing(us(5))}));
    auto rows = *source_ | weir::key_by(&Event::key) |
                weir::features<Totals>({.name = "features", .retain = us(100)}, board::totals(last_ten));
    view_.emplace(rows | std::move(viewing));
    pipeline_.emplace(std::move(graph).build().value());
    reader_.emplace(pipeline_->reader(*view_).value());
  }
  Shelf& push(std::int64_t key, std::int64_t at, std::int64_t value = 1) {
    pipeline_->push(*source_, desk::event(key, at, value));
    return *this;
  }
  Shelf& push(const std::vector<Event>& events) {
    pipeline_->push(*source_, std::span<const Event>(events));
    return *this;
  }
  [[nodiscard]] std::string line(std::int64_t key, const LookupSpec& spec = {}) {
    const weir::Lookup<Totals> read = reader_->lookup(key, spec);
    return std::to_string(read->n) + "/" + std::to_string(read->sum) + " " + board::text(read.status) +
           " as of " + board::text(read.as_of) + " age " + std::to_string(read.age.count());
  }
  [[nodiscard]] TotalsReader& reader() { return *reader_; }
  [[nodiscard]] std::optional<weir::Pipeline>& pipeline() { return pipeline_; }
  [[nodiscard]] const weir::Source<Event>& source() const { return *source_; }
  [[nodiscard]] const weir::View<std::int64_t, Totals>& view() const { return *view_; }

 private:
  std::optional<weir::Source<Event>> source_;
  std::optional<weir::View<std::int64_t, Totals>> view_;
  std::optional<weir::Pipeline> pipeline_;
  std::optional<TotalsReader> reader_;
};

LookupSpec at(std::int64_t instant) { return {.as_of = event_time(instant)}; }

TEST_CASE("a reader finds the rows of the keys that a call of the host changed, as of its end") {
  Shelf shelf(weir::view("view").publish());
  CHECK(shelf.line(1) == "0/0 missing as of -inf age 0");
  shelf.push({desk::event(1, 100, 3), desk::event(2, 103), desk::event(1, 102, 4)});
  CHECK(shelf.line(1) == "2/7 fresh as of 104 age 0");
  CHECK(shelf.line(2) == "1/1 fresh as of 104 age 0");
  CHECK(shelf.line(3) == "0/0 missing as of 104 age 0");
  shelf.push(2, 120);
  CHECK(shelf.line(2) == "1/1 fresh as of 121 age 0");
  CHECK(shelf.line(1) == "2/7 fresh as of 104 age 17");  // nothing has changed it
  const weir::Lookup<Totals> read = shelf.reader().lookup(1);
  CHECK(read.has_value());
  CHECK(read.event_time == event_time(102));
  CHECK(read.known_until == event_time(104));
  CHECK(read.watermark == event_time(115));
  CHECK(read.version > 0);
  REQUIRE(read.covered().size() == 1);
  CHECK(board::text(read.covered()[0]) == "[94,104)");
  CHECK(read.is_final());
  CHECK_FALSE(shelf.reader().lookup(2).is_final());
}

TEST_CASE("the instant of a read says from where age is counted, and not what the row describes") {
  Shelf shelf(weir::view("view").publish());
  shelf.push(1, 100).push(2, 130);
  CHECK(shelf.line(1) == "1/1 fresh as of 101 age 30");
  CHECK(shelf.line(1, {.as_of = weir::latest_event}) == "1/1 fresh as of 101 age 30");
  CHECK(shelf.line(1, {.as_of = weir::at_watermark}) == "1/1 fresh as of 101 age 24");
  CHECK(shelf.line(1, {.as_of = weir::host_now}) == "1/1 fresh as of 101 age 30");  // no tick yet
  CHECK(shelf.line(1, at(200)) == "1/1 fresh as of 101 age 99");
  CHECK(shelf.line(1, at(50)) == "1/1 fresh as of 101 age 0");
  CHECK_FALSE(shelf.reader().lookup(1).computed_at.has_value());
  CHECK(shelf.pipeline()->tick(weir::WallTime{us(161)}).ok());
  CHECK(shelf.line(1, {.as_of = weir::host_now}) == "1/1 fresh as of 101 age 60");
  CHECK_FALSE(shelf.reader().lookup(1).computed_at.has_value());
  CHECK(shelf.reader().lookup(3).computed_at == weir::WallTime{us(161)});
  shelf.push(2, 131);
  CHECK(shelf.reader().lookup(2).computed_at == weir::WallTime{us(161)});
}

TEST_CASE("a row that is too old is served, replaced or withheld, and a missing one is the fallback") {
  Shelf shelf(weir::view("view", {.max_age = us(20)}).fallback(Totals{.n = -1, .sum = -1}).publish());
  shelf.push(1, 100, 2).push(2, 119);
  CHECK(shelf.line(1) == "1/2 fresh as of 101 age 19");
  shelf.push(2, 120);
  CHECK(shelf.line(1) == "1/2 stale as of 101 age 20");  // age == max_age
  const auto stale = [&](weir::StalePolicy policy) { return shelf.line(1, {.when_stale = policy}); };
  CHECK(stale(weir::serve_stale) == "1/2 stale as of 101 age 20");
  CHECK(stale(weir::serve_previous) == "1/2 stale as of 101 age 20");
  CHECK(stale(weir::serve_default) == "-1/-1 defaulted as of 101 age 20");
  CHECK(stale(weir::reject_stale) == "0/0 stale as of 101 age 20");
  CHECK(shelf.line(1, {.max_age = us(21)}) == "1/2 fresh as of 101 age 20");
  CHECK(shelf.line(2, {.max_age = us(0)}) == "2/2 stale as of 121 age 0");
  CHECK(shelf.line(3) == "-1/-1 defaulted as of 121 age 0");
  CHECK(shelf.line(3, at(300)) == "-1/-1 defaulted as of 121 age 179");
}

TEST_CASE("without a fallback serve_default serves what there is, and a missing row is that of no records") {
  Shelf shelf(weir::view("view", {.max_age = us(5)}).publish());
  shelf.push(1, 100, 2).push(2, 120);
  CHECK(shelf.line(1, {.when_stale = weir::serve_default}) == "1/2 stale as of 101 age 20");
  CHECK(shelf.line(3, at(500)) == "0/0 missing as of 121 age 379");
}

TEST_CASE("a reader counts its own reads, and calls no hook") {
  int calls = 0;
  Shelf shelf(weir::view("view", {.max_age = us(20), .freshness_goal = us(10)})
                  .when_stale([&calls](weir::Lookup<Totals>&) { ++calls; })
                  .on_breach([&calls](const weir::Lookup<Totals>&) { ++calls; })
                  .publish());
  shelf.push(1, 100).push(2, 130);
  for (const std::int64_t key : {1, 2, 3}) static_cast<void>(shelf.reader().lookup(key));
  static_cast<void>(shelf.reader().lookup(1, at(111)));
  const weir::ViewStats& stats = shelf.reader().stats();
  CHECK((stats.reads == 4 && stats.fresh == 2 && stats.stale == 1 && stats.missing == 1 &&
         stats.breaches == 2));
  CHECK((stats.ages[0] == 2 && stats.ages[4] == 1 && stats.ages[5] == 1));
  CHECK(shelf.view().stats().reads == 0);
  CHECK(calls == 0);
}

TEST_CASE("readers do not see rows that do not pass the gate") {
  Shelf shelf(
      weir::view("view", {.max_age = us(8)}).gate([](const Totals& row) { return row.sum < 10; }).publish());
  shelf.push(1, 100, 2).push(2, 100, 20);
  CHECK(shelf.line(1) == "1/2 fresh as of 101 age 0");
  CHECK(shelf.line(2) == "0/0 quarantined as of 101 age 0");
  shelf.push(1, 101, 8);
  CHECK(shelf.line(1) == "0/0 quarantined as of 102 age 0");
  CHECK(shelf.line(2, at(120)) == "0/0 quarantined as of 101 age 19");
  CHECK(shelf.reader().stats().quarantined == 3);
}

TEST_CASE("with a refresh a row is published again when knowledge is so far past it, the oldest first") {
  Shelf shelf(weir::view("view").publish({.refresh = us(8)}));
  shelf.push(1, 100, 2).push(2, 103);
  shelf.push(3, 107);
  CHECK(shelf.line(1) == "1/2 fresh as of 101 age 7");
  shelf.push(3, 108);
  CHECK(shelf.line(1) == "1/2 fresh as of 109 age 0");
  CHECK(shelf.line(2) == "1/1 fresh as of 104 age 5");
  shelf.push(3, 150);
  CHECK(shelf.line(1) == "0/0 fresh as of 151 age 0");
  shelf.push(3, 201);
  CHECK(shelf.line(1) == "0/0 missing as of 202 age 0");  // not retained any more
  CHECK(shelf.line(2) == "0/0 fresh as of 202 age 0");
}

TEST_CASE("a call refreshes as many rows as it changed and 64, and what is left tells its age") {
  Shelf shelf(weir::view("view").publish({.refresh = us(10)}));
  for (std::int64_t key = 0; key < 200; ++key) shelf.push(key, 100);
  const auto refreshed = [&] {
    std::int64_t count = 0;
    for (std::int64_t key = 0; key < 200; ++key)
      count += shelf.reader().lookup(key).as_of > event_time(101) ? 1 : 0;
    return count;
  };
  CHECK(refreshed() == 0);
  shelf.push(1000, 115);
  CHECK(refreshed() == 65);
  CHECK(shelf.line(64) == "0/0 fresh as of 116 age 0");
  CHECK(shelf.line(65) == "1/1 fresh as of 101 age 15");
  shelf.push({desk::event(1000, 115), desk::event(1001, 115)});
  CHECK(refreshed() == 131);
  CHECK(shelf.pipeline()->tick(weir::WallTime{us(0)}).ok());
  CHECK(refreshed() == 195);
  CHECK(shelf.pipeline()->tick(weir::WallTime{us(1)}).ok());
  CHECK(refreshed() == 200);
}

TEST_CASE("an erased key has no row from the end of that call on, and begins anew") {
  Shelf shelf(weir::view("view").publish());
  shelf.push(1, 100, 2).push(2, 101);
  CHECK(shelf.pipeline()->erase(shelf.view(), 1));
  CHECK(shelf.line(1) == "0/0 missing as of 102 age 0");
  CHECK(shelf.line(2) == "1/1 fresh as of 102 age 0");
  shelf.push(1, 103, 5);
  CHECK(shelf.line(1) == "1/5 fresh as of 104 age 0");
}

TEST_CASE("a forgotten key has no row from the end of that call on") {
  Shelf shelf(weir::view("view").publish());
  shelf.push(1, 100).push(2, 160);
  CHECK(shelf.line(1) == "1/1 fresh as of 101 age 60");
  CHECK(shelf.pipeline()->advance(shelf.source(), event_time(220)).ok());
  CHECK(shelf.line(1) == "0/0 missing as of 220 age 0");
  CHECK(shelf.line(2) == "1/1 fresh as of 161 age 59");
}

TEST_CASE("many keys are read at once as they are read one by one") {
  Shelf shelf(weir::view("view", {.max_age = us(50)}).publish());
  for (std::int64_t key = 0; key < 100; ++key) shelf.push(key * 2, 100 + key);
  std::vector<std::int64_t> keys;
  for (std::int64_t key = 0; key < 150; ++key) keys.push_back(key * 7 % 150);
  std::vector<weir::Lookup<Totals>> results(keys.size());
  shelf.reader().lookup_all(keys, {}, results);
  std::set<ReadStatus> seen;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const weir::Lookup<Totals> one = shelf.reader().lookup(keys[i]);
    CHECK((results[i].value == one.value && results[i].status == one.status &&
           results[i].as_of == one.as_of && results[i].age == one.age && results[i].version == one.version));
    seen.insert(one.status);
  }
  CHECK(seen == std::set{ReadStatus::fresh, ReadStatus::stale, ReadStatus::missing});
}

TEST_CASE("a reader outlives the pipeline, and then says that it is closed") {
  Shelf shelf(weir::view("view").fallback(Totals{.n = -1}).publish());
  shelf.push(1, 100, 2);
  CHECK(shelf.pipeline()->finish().ok());
  CHECK(shelf.line(1) == "1/2 fresh as of 101 age 0");
  std::optional<weir::Pipeline> moved(std::move(*shelf.pipeline()));
  CHECK(shelf.line(1) == "1/2 fresh as of 101 age 0");
  TotalsReader other = moved->reader(shelf.view()).value();
  moved.reset();
  CHECK(shelf.line(1) == "0/0 closed as of -inf age 0");
  CHECK_FALSE(shelf.reader().lookup(1).has_value());
  std::array<weir::Lookup<Totals>, 2> results;
  shelf.reader().lookup_all(std::array<std::int64_t, 2>{1, 2}, {}, results);
  CHECK((results[0].status == ReadStatus::closed && results[1].status == ReadStatus::closed));
  CHECK(shelf.reader().stats().reads == 2);
  TotalsReader nothing;
  CHECK(nothing.lookup(1).status == ReadStatus::closed);
  nothing = std::move(other);
  CHECK(nothing.lookup(1).status == ReadStatus::closed);
  CHECK(other.lookup(1).status == ReadStatus::closed);  // NOLINT(bugprone-use-after-move): it reads nothing
}

TEST_CASE("a reader needs a view of this pipeline that publishes, and a refresh is positive") {
  Shelf shelf(weir::view("view").publish());
  weir::Graph graph{"other"};
  const auto source = graph.source<Event>("events", {.time = &Event::at, .watermark = weir::ascending()});
  auto rows =
      source | weir::key_by(&Event::key) | weir::features<Totals>("features", board::totals(last_ten));
  const auto silent = rows | weir::view("silent");
  auto pipeline = std::move(graph).build().value();
  CHECK(pipeline.reader(silent).status() ==
        absl::InvalidArgumentError(
            "silent: the view publishes nothing for readers on other threads; give it .publish()"));
  CHECK(pipeline.reader(shelf.view()).status() ==
        absl::InvalidArgumentError("other: the handle belongs to another pipeline; use this graph's own"));
  CHECK(pipeline.status().ok());

  weir::Graph wrong{"wrong"};
  const auto events = wrong.source<Event>("events", {.time = &Event::at, .watermark = weir::ascending()});
  static_cast<void>(events | weir::key_by(&Event::key) |
                    weir::features<Totals>("features", board::totals(last_ten)) |
                    weir::view("view").publish({.refresh = us(0)}));
  CHECK(std::move(wrong).build().status() ==
        absl::InvalidArgumentError("view: refresh (0us) must be positive; leave it out to publish rows only "
                                   "when records change them"));
}

TEST_CASE("what a view publishes counts as its memory") {
  Shelf shelf(weir::view("view").publish({.refresh = us(50)}));
  const std::uint64_t before = shelf.pipeline()->stats("view").state_bytes;
  CHECK(before > 0);
  for (std::int64_t key = 0; key < 10'000; ++key) shelf.push(key, 100);
  CHECK(shelf.pipeline()->stats("view").state_bytes > before + 10'000 * sizeof(Totals));
}

TEST_CASE("views behind one operator publish each for itself") {
  weir::Graph graph{"two"};
  const auto source = graph.source<Event>("events", {.time = &Event::at, .watermark = weir::ascending()});
  auto rows =
      source | weir::key_by(&Event::key) | weir::features<Totals>("features", board::totals(last_ten));
  const auto lazy = rows | weir::view("lazy").publish();
  const auto silent = rows | weir::view("silent");
  const auto eager = rows | weir::view("eager", {.max_age = us(5)}).publish({.refresh = us(1)});
  auto pipeline = std::move(graph).build().value();
  auto lazy_reader = pipeline.reader(lazy).value();
  auto eager_reader = pipeline.reader(eager).value();
  CHECK_FALSE(pipeline.reader(silent).ok());
  pipeline.push(source, desk::event(1, 100));
  pipeline.push(source, desk::event(2, 109));
  CHECK(lazy_reader.lookup(1).as_of == event_time(101));
  CHECK(eager_reader.lookup(1).as_of == event_time(110));
  CHECK(lazy_reader.lookup(1, at(120)).status == ReadStatus::fresh);
  CHECK(eager_reader.lookup(1, at(120)).status == ReadStatus::stale);
  CHECK(pipeline.erase(lazy, 1));  // from the operator, and so from both
  CHECK(lazy_reader.lookup(1).status == ReadStatus::missing);
  CHECK(eager_reader.lookup(1).status == ReadStatus::missing);
}

TEST_CASE("what derive throws while a row is published poisons the pipeline, and readers say so") {
  weir::Graph graph{"thrower"};
  const auto source = graph.source<Event>("events", {.time = &Event::at, .watermark = weir::ascending()});
  const auto view = source | weir::key_by(&Event::key) |
                    weir::features<Totals>("features", board::totals(last_ten),
                                           weir::derive(&Totals::sum,
                                                        [](const Totals& row) {
                                                          if (row.sum > 10) throw std::string("too much");
                                                          return row.sum;
                                                        })) |
                    weir::view("view").publish();
  auto pipeline = std::move(graph).build().value();
  auto reader = pipeline.reader(view).value();
  pipeline.push(source, desk::event(1, 100, 5));
  CHECK(reader.lookup(1)->sum == 5);
  CHECK_THROWS_AS(pipeline.push(source, desk::event(1, 101, 6)), std::string);
  CHECK_FALSE(pipeline.status().ok());
  const std::array<std::int64_t, 2> keys = {1, 2};
  std::array<weir::Lookup<Totals>, 2> found;
  reader.lookup_all(keys, {}, found);
  for (const auto& hit : {reader.lookup(1), reader.lookup(2), found[0], found[1]}) {
    CHECK(hit.status == ReadStatus::refused);
    CHECK_FALSE(hit.has_value());
    CHECK(hit->sum == 0);
    CHECK(hit.window_count == 0);
  }
  CHECK(reader.stats().reads == 1);
  CHECK(pipeline.reader(view).status() == pipeline.status());
  { const weir::Pipeline gone = std::move(pipeline); }
  CHECK(reader.lookup(1).status == ReadStatus::closed);
}

TEST_CASE("a stream that stands still grows old by the host's clock, and by no other") {
  weir::Graph graph{"stalled"};
  const auto source = graph.source<Event>("events", {.time = &Event::at, .watermark = weir::ascending()});
  const auto view =
      source | weir::key_by(&Event::key) |
      weir::features<Totals>({.name = "features", .retain = us(2000)}, board::totals(last_ten)) |
      weir::view("view", {.max_age = us(60), .freshness_goal = us(20)}).publish();
  auto pipeline = std::move(graph).build().value();
  auto reader = pipeline.reader(view).value();
  const weir::LookupSpec now{.as_of = weir::host_now};
  for (const std::int64_t clock : {101, 110, 120, 169, 170, 1000}) {
    if (clock <= 110) pipeline.push(source, desk::event(1, clock - 1));
    REQUIRE(pipeline.tick(weir::WallTime{us(clock)}).ok());
    INFO(clock);
    for (const auto& hit : {pipeline.lookup(view, 1, now), reader.lookup(1, now)}) {
      CHECK(hit.age == us(std::max<std::int64_t>(clock - 110, 0)));
      CHECK(hit.status == (clock >= 170 ? ReadStatus::stale : ReadStatus::fresh));
    }
    for (const auto& hit : {pipeline.lookup(view, 1), reader.lookup(1)}) {
      CHECK(hit.age == us(0));
      CHECK(hit.status == ReadStatus::fresh);
    }
  }
  CHECK(view.stats().breaches == 3);
  CHECK(reader.stats().breaches == 3);
}

TEST_CASE("a reader is not made from inside a callback") {
  weir::Graph graph{"inside"};
  const auto source = graph.source<Event>("events", {.time = &Event::at, .watermark = weir::ascending()});
  const auto keyed = source | weir::key_by(&Event::key);
  const auto view =
      keyed | weir::features<Totals>("features", board::totals(last_ten)) | weir::view("view").publish();
  weir::Pipeline* running = nullptr;
  absl::Status status;
  source | weir::tap("tap", [&](const Event&) { status = running->reader(view).status(); });
  auto pipeline = std::move(graph).build().value();
  running = &pipeline;
  pipeline.push(source, desk::event(1, 100));
  CHECK(status ==
        absl::FailedPreconditionError(
            "inside: reader was called from inside a callback of this pipeline; call it afterwards"));
}

TEST_CASE("at the end readers keep what was known") {
  weir::Graph graph{"ends"};
  const auto source = graph.source<Event>("events", {.time = &Event::at, .watermark = weir::ascending()});
  const auto windows = source | weir::key_by(&Event::key) | weir::tumbling({.size = us(10), .grace = us(0)}) |
                       desk::totals("windows");
  const auto view =
      windows | weir::latest({.name = "latest", .retain = us(50)}) | weir::view("view").publish();
  auto pipeline = std::move(graph).build().value();
  auto reader = pipeline.reader(view).value();
  pipeline.push(source, desk::event(1, 103, 7));
  CHECK(reader.lookup(1).status == ReadStatus::missing);  // its window is open
  CHECK(pipeline.finish().ok());
  CHECK(reader.lookup(1)->sum == 7);
  CHECK(reader.lookup(1).as_of == event_time(110));
  CHECK(pipeline.lookup(view, 1)->sum == 7);
}

}  // namespace

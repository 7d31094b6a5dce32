#include <weir/operators/latest.hpp>

#include <weir/weir.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "catch.hpp"
#include "operators/board.hpp"

namespace {

using board::event;
using board::Event;
using board::Totals;
using board::us;

/// Tumbling windows of 10, their newest rows, and a view of them.
class Shelf {
 public:
  explicit Shelf(weir::LatestSpec spec, weir::TumblingSpec windows = {.size = us(10), .grace = us(0)}) {
    weir::Graph graph{"shelf"};
    source_.emplace(graph.source<Event>("events", {.time = &Event::at, .watermark = weir::host_driven()}));
    view_.emplace(*source_ | weir::key_by(&Event::key) | weir::tumbling(windows) | desk::totals("windows") |
                  weir::latest(std::move(spec)) | weir::view("view"));
    pipeline_.emplace(std::move(graph).build().value());
  }

  Shelf& push(std::int64_t key, std::int64_t at, std::int64_t value = 1) {
    pipeline_->push(*source_, event(key, at, value));
    return *this;
  }
  Shelf& advance(std::int64_t to) {
    static_cast<void>(pipeline_->advance(*source_, weir::event_time(to)));
    return *this;
  }
  [[nodiscard]] std::string read(std::int64_t key, std::int64_t as_of) {
    return board::text(pipeline_->lookup(*view_, key, {.as_of = weir::event_time(as_of)}));
  }
  [[nodiscard]] weir::Lookup<Totals> look(std::int64_t key, std::int64_t as_of) {
    return pipeline_->lookup(*view_, key, {.as_of = weir::event_time(as_of)});
  }
  [[nodiscard]] weir::Pipeline& pipeline() { return *pipeline_; }
  [[nodiscard]] const weir::View<std::int64_t, Totals>& view() const { return *view_; }

 private:
  std::optional<weir::Source<Event>> source_;
  std::optional<weir::View<std::int64_t, Totals>> view_;
  std::optional<weir::Pipeline> pipeline_;
};

TEST_CASE("the newest window that ended at or before the read is what is known") {
  Shelf shelf({.name = "latest", .retain = us(100), .versions = 3});
  shelf.push(1, 1, 5).push(1, 12, 7).push(1, 13, 1).push(2, 4, 2).advance(30);
  CHECK(shelf.read(1, 30) == "2/8 fresh [10,20)");
  CHECK(shelf.read(1, 20) == "2/8 fresh [10,20)");
  CHECK(shelf.read(1, 19) == "1/5 fresh [0,10)");
  CHECK(shelf.read(2, 30) == "1/2 fresh [0,10)");
  CHECK(shelf.read(3, 30) == "0/0 missing [30,30)");
}

TEST_CASE("a read before all versions that are kept is incomplete") {
  Shelf shelf({.name = "latest", .retain = us(100)});
  shelf.push(1, 1, 5).push(1, 12, 7).advance(30);
  CHECK(shelf.read(1, 19) == "0/0 incomplete [19,19)");
  CHECK(shelf.read(1, 30) == "1/7 fresh [10,20)");
}

TEST_CASE("a row's age is counted from the end of its window") {
  Shelf shelf({.name = "latest", .retain = us(100)});
  shelf.push(1, 1).advance(30);
  CHECK(shelf.look(1, 40).age == us(30));
  CHECK(shelf.look(1, 10).age == us(0));
  CHECK(shelf.look(1, 40).event_time == weir::event_time(9));
}

TEST_CASE("a later row of a window takes the place of the one before, a retraction takes it back") {
  Shelf refired({.name = "latest", .retain = us(100), .versions = 2}, {.size = us(10), .grace = us(50)});
  refired.push(1, 1, 5).push(1, 11, 3).advance(20).push(1, 2, 2);
  CHECK(refired.read(1, 20) == "1/3 fresh [10,20)");
  CHECK(refired.read(1, 15) == "2/7 fresh [0,10)");

  Shelf retracting({.name = "latest", .retain = us(100)},
                   {.size = us(10), .grace = us(50), .panes = weir::retracting});
  retracting.push(1, 1, 5).advance(10).push(1, 2, 2);
  CHECK(retracting.read(1, 10) == "2/7 fresh [0,10)");
}

TEST_CASE("a window that has not ended is read as it was emitted last, if that is asked for") {
  const weir::TumblingSpec updating{
      .size = us(10), .grace = us(0), .emit = weir::emit_when(weir::on_update(), weir::on_close())};
  Shelf open({.name = "latest", .retain = us(100), .versions = 2, .open = true}, updating);
  open.push(1, 1, 5);
  CHECK(open.read(1, 2) == "1/5 fresh [0,2)");
  CHECK(open.read(1, 9) == "1/5 fresh [0,2)");
  CHECK(open.look(1, 9).age == us(7));
  CHECK(open.read(1, 1) == "1/5 incomplete [0,2)");  // it has a record that is not in the past
  open.push(1, 6, 2).push(1, 12, 7);
  CHECK(open.read(1, 13) == "1/7 fresh [10,13)");
  CHECK(open.read(1, 10) == "2/7 fresh [0,7)");
  CHECK(open.read(1, 7) == "2/7 fresh [0,7)");
  open.push(1, 25, 1).advance(40);
  CHECK(open.read(1, 40) == "1/1 fresh [20,30)");
  CHECK(open.read(1, 24) == "1/1 incomplete [20,30)");
  CHECK(open.read(1, 20) == "1/7 fresh [10,20)");
  CHECK_FALSE(open.look(1, 24).is_fresh());

  // Without, an early row is read once its window has ended, and is in the way of nothing until then.
  Shelf ended({.name = "latest", .retain = us(100)},
              {.size = us(10), .grace = us(0), .emit = weir::on_update()});
  ended.push(1, 1, 5).push(1, 12, 7);
  CHECK(ended.read(1, 13) == "0/0 incomplete [13,13)");
  ended.advance(12);
  CHECK(ended.read(1, 13) == "1/5 fresh [0,10)");
  CHECK(ended.look(1, 13).age == us(3));
  ended.advance(20);
  CHECK(ended.read(1, 20) == "1/7 fresh [10,20)");
}

TEST_CASE("a session that grows keeps one version") {
  weir::Graph graph{"visits"};
  auto source = graph.source<Event>("events", {.time = &Event::at, .watermark = weir::host_driven()});
  auto view =
      source | weir::key_by(&Event::key) |
      weir::session(
          {.gap = us(100), .grace = us(0), .emit = weir::emit_when(weir::on_update(), weir::on_close())}) |
      desk::totals("visits") | weir::latest({.name = "latest", .retain = us(1'000'000), .open = true}) |
      weir::view("view");
  weir::Pipeline pipeline = std::move(graph).build().value();
  for (std::int64_t at = 0; at < 20'000; ++at) {
    pipeline.push(source, event(1, at, 1));
    REQUIRE(pipeline.lookup(view, 1, {.as_of = weir::event_time(at + 1)})->n == at + 1);
  }
  CHECK(pipeline.stats("latest").state_bytes < 1'000'000);
}

TEST_CASE("a key limit holds for the keys at one time") {
  Shelf shelf({.name = "latest", .retain = us(100), .most_keys = 100});
  for (std::int64_t key = 0; key < 5000; ++key) shelf.push(key, key * 10).advance(key * 10 + 10);
  CHECK(shelf.pipeline().stats("latest").applied == 5000);
  CHECK(shelf.pipeline().stats("latest").rejected == 0);
}

TEST_CASE("rows are forgotten when the watermark is so far behind their end, with their keys") {
  Shelf shelf({.name = "latest", .retain = us(16)});
  for (std::int64_t key = 0; key < 1000; ++key) shelf.push(key, key % 10);
  shelf.advance(10);
  CHECK(shelf.pipeline().stats("latest").keys == 1000);
  CHECK(shelf.read(5, 25) == "1/1 fresh [0,10)");
  CHECK(shelf.read(5, 26) == "0/0 missing [26,26)");
  for (std::int64_t at = 30; at < 3000; at += 10) {
    for (std::int64_t key = 0; key < 10; ++key) shelf.push(1000 + at + key, at);
    shelf.advance(at + 10);
  }
  CHECK(shelf.pipeline().stats("latest").keys <= 2000);
  CHECK(shelf.pipeline().stats("latest").conserves());
}

TEST_CASE("a key that is erased begins anew") {
  Shelf shelf({.name = "latest", .retain = us(100)});
  shelf.push(1, 1).advance(10);
  CHECK(shelf.pipeline().erase(shelf.view(), 1));
  CHECK_FALSE(shelf.pipeline().erase(shelf.view(), 1));
  CHECK(shelf.read(1, 10) == "0/0 missing [10,10)");
  shelf.push(1, 11).advance(20);
  CHECK(shelf.read(1, 20) == "1/1 fresh [10,20)");
}

TEST_CASE("wrong options of latest name operator, field, value and remedy") {
  const auto problem = [](weir::LatestSpec spec) {
    weir::Graph graph{"shelf"};
    auto source = graph.source<Event>("events", {.time = &Event::at, .watermark = weir::host_driven()});
    source | weir::key_by(&Event::key) | weir::tumbling({.size = us(10), .grace = us(0)}) |
        desk::totals("windows") | weir::latest(std::move(spec));
    return std::string(std::move(graph).build().status().message());
  };
  CHECK(problem({.name = "latest"}).find("latest: retain is missing") != std::string::npos);
  CHECK(problem({.name = "latest", .retain = us(-1)}).find("retain (-1us) must be positive") !=
        std::string::npos);
  CHECK(problem({.name = "latest", .retain = us(1), .versions = 0}).find("versions (0)") !=
        std::string::npos);
  CHECK(problem({.name = "latest", .retain = us(1), .most_keys = 0}).find("most_keys (0)") !=
        std::string::npos);
}

}  // namespace

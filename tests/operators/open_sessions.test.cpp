#include <weir/operators/open_sessions.hpp>

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

/// Sessions with a gap of 10 and a view of those that are open.
class Visit {
 public:
  template <class Sessions>
  explicit Visit(Sessions sessions) {
    weir::Graph graph{"visit"};
    source_.emplace(graph.source<Event>("events", {.time = &Event::at, .watermark = weir::trailing(us(20))}));
    view_.emplace(*source_ | weir::key_by(&Event::key) | std::move(sessions) | desk::totals("sessions") |
                  weir::view("view"));
    pipeline_.emplace(std::move(graph).build().value());
  }

  Visit& push(std::int64_t key, std::int64_t at, std::int64_t value = 1) {
    pipeline_->push(*source_, event(key, at, value));
    return *this;
  }
  [[nodiscard]] std::string read(std::int64_t key, std::int64_t as_of) {
    return board::text(pipeline_->lookup(*view_, key, {.as_of = weir::event_time(as_of)}));
  }
  [[nodiscard]] weir::Pipeline& pipeline() { return *pipeline_; }
  [[nodiscard]] const weir::View<std::int64_t, Totals>& view() const { return *view_; }

 private:
  std::optional<weir::Source<Event>> source_;
  std::optional<weir::View<std::int64_t, Totals>> view_;
  std::optional<weir::Pipeline> pipeline_;
};

TEST_CASE("the session so far can be read until a record would begin another one") {
  Visit visit(weir::session({.gap = us(10), .grace = us(0)}));
  visit.push(1, 5, 2).push(1, 9, 3).push(2, 7, 1);
  CHECK(visit.read(1, 10) == "2/5 fresh [5,10)");
  CHECK(visit.read(1, 19) == "2/5 fresh [5,10)");
  CHECK(visit.read(1, 20) == "0/0 missing [20,20)");
  CHECK(visit.read(2, 10) == "1/1 fresh [7,8)");
  CHECK(visit.read(3, 10) == "0/0 missing [10,10)");
}

TEST_CASE("where sessions that touch stay apart, a session ends a tick earlier") {
  Visit visit(weir::session({.gap = us(10), .touching = weir::Touching::separate, .grace = us(0)}));
  visit.push(1, 5);
  CHECK(visit.read(1, 14) == "1/1 fresh [5,6)");
  CHECK(visit.read(1, 15) == "0/0 missing [15,15)");
}

TEST_CASE("a session that holds records at or after the read is incomplete") {
  Visit visit(weir::session({.gap = us(10), .grace = us(0)}));
  visit.push(1, 5, 2).push(1, 9, 3);
  CHECK(visit.read(1, 9) == "2/5 incomplete [5,10)");
  CHECK(visit.read(1, 5) == "0/0 missing [5,5)");
}

TEST_CASE("of several open sessions of a key the newest that had begun is read") {
  Visit visit(weir::session({.gap = us(10), .grace = us(0)}));
  visit.push(1, 30, 1).push(1, 12, 2).push(1, 14, 2);
  CHECK(visit.read(1, 31) == "1/1 fresh [30,31)");
  CHECK(visit.read(1, 20) == "2/4 fresh [12,15)");
}

TEST_CASE("an erased key has no session") {
  Visit visit(weir::session({.gap = us(10), .grace = us(0)}));
  visit.push(1, 30).push(1, 12).push(2, 30);
  CHECK(visit.pipeline().erase(visit.view(), 1));
  CHECK_FALSE(visit.pipeline().erase(visit.view(), 1));
  CHECK(visit.pipeline().live_windows("sessions") == 1);
  visit.push(1, 31);
  CHECK(visit.read(1, 32) == "1/1 fresh [31,32)");
  CHECK(visit.pipeline().finish().ok());
  CHECK(visit.pipeline().stats("sessions").emitted == 2);
}

}  // namespace

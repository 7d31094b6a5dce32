#include <weir/window/session_span.hpp>

#include "catch.hpp"

namespace {

using weir::Duration;
using weir::end_of_time;
using weir::event_time;
using weir::Touching;
using weir::detail::SessionEnd;
using weir::detail::SessionSpan;

SessionSpan span(std::int64_t first, std::int64_t last, std::int64_t gap) {
  return {event_time(first), event_time(last), SessionEnd::after(event_time(last), Duration{gap})};
}

TEST_CASE("spans that meet in one instant are one session or two, as asked, and others do not depend on it") {
  for (std::int64_t shift = -30; shift <= 30; ++shift) {
    const SessionSpan fixed = span(0, 5, 10);  // [0, 15)
    const SessionSpan moved = span(shift, shift, 10);
    const bool overlaps = shift < 15 && shift + 10 > 0;
    const bool meets = shift == 15 || shift + 10 == 0;
    CHECK(fixed.touches(moved, Touching::separate) == overlaps);
    CHECK(moved.touches(fixed, Touching::separate) == overlaps);
    CHECK(fixed.touches(moved, Touching::merge) == (overlaps || meets));
    CHECK(moved.touches(fixed, Touching::merge) == (overlaps || meets));
  }
}

TEST_CASE("an end beyond the end of time is held there, and touches what comes there") {
  const std::int64_t most = weir::ticks(end_of_time);
  const SessionSpan endless = span(most - 3, most - 3, 10);
  CHECK(endless.end.at == end_of_time);
  CHECK(endless.end.is_endless);
  CHECK_FALSE(span(most - 10, most - 10, 10).end.is_endless);
  CHECK(endless.touches(span(most, most, 10), Touching::separate));
}

TEST_CASE("including a span widens to both and keeps the later end") {
  SessionSpan one = span(10, 20, 5);
  one.include(span(0, 12, 30));
  CHECK(one.first == event_time(0));
  CHECK(one.last == event_time(20));
  CHECK(one.end.at == event_time(42));
}

}  // namespace

#include <weir/window/trigger.hpp>

#include <vector>

#include "catch.hpp"

namespace {

using namespace std::chrono_literals;
using weir::Duration;
using weir::end_of_time;
using weir::event_time;
using weir::no_time;
using weir::detail::Progress;
using weir::detail::Trigger;

Trigger trigger(weir::Emission emission, weir::Accumulation panes = weir::accumulating, Duration grace = 0s) {
  return {emission, panes, grace};
}

TEST_CASE("only one accumulating pane at the end, and one per late record, can come from shared panes") {
  CHECK(trigger(weir::on_close()).is_plain());
  CHECK(trigger(weir::on_close(), weir::accumulating, 1h).is_plain());
  CHECK(trigger(weir::on_close().closing_for_good()).is_plain());
  CHECK_FALSE(trigger(weir::on_close(), weir::discarding).is_plain());
  CHECK_FALSE(trigger(weir::on_close(), weir::retracting).is_plain());
  CHECK_FALSE(trigger(weir::on_update()).is_plain());
  CHECK_FALSE(trigger(weir::every(1s)).is_plain());
  CHECK_FALSE(trigger(weir::emit_when(weir::on_close(), weir::after(3))).is_plain());
  CHECK_FALSE(trigger(weir::on_close().holding_late()).is_plain());
  CHECK_FALSE(trigger(weir::on_close().late_every(2)).is_plain());
}

TEST_CASE("a window that closes for good has no grace, whatever its spec says") {
  CHECK(trigger(weir::on_close(), weir::accumulating, 1h).grace() == 1h);
  CHECK(trigger(weir::on_close().closing_for_good(), weir::accumulating, 1h).grace() == 0s);
}

TEST_CASE("records fire every n-th time before the end, and late ones as the emission says") {
  const Trigger third = trigger(weir::after(3), weir::accumulating, 1h);
  CHECK_FALSE(third.fires_on_record(Progress{.since = 2}, false));
  CHECK(third.fires_on_record(Progress{.since = 3}, false));
  CHECK_FALSE(
      third.fires_on_record(Progress{.since = 2}, true));  // late ones too, as it emits by records only
  CHECK(third.fires_on_record(Progress{.since = 3}, true));
  const Trigger closing = trigger(weir::on_close(), weir::accumulating, 1h);
  CHECK_FALSE(closing.fires_on_record(Progress{.since = 9}, false));
  CHECK(closing.fires_on_record(Progress{.since = 1}, true));
  CHECK_FALSE(trigger(weir::on_close().holding_late(), weir::accumulating, 1h)
                  .fires_on_record(Progress{.since = 9}, true));
}

TEST_CASE("early panes come at the multiples after a record and before the end") {
  const Trigger ten = trigger(weir::every(Duration{10}));
  CHECK(ten.first_early(event_time(0), event_time(100)) == event_time(10));
  CHECK(ten.first_early(event_time(9), event_time(100)) == event_time(10));
  CHECK(ten.first_early(event_time(10), event_time(100)) == event_time(20));
  CHECK(ten.first_early(event_time(-1), event_time(100)) == event_time(0));
  // The instant m is passed at W = m + 1, so a pane at end - 1 would come with the end itself.
  CHECK(ten.first_early(event_time(80), event_time(92)) == event_time(90));
  CHECK(ten.first_early(event_time(80), event_time(91)) == no_time);
  CHECK(trigger(weir::on_close()).first_early(event_time(0), event_time(100)) == no_time);
  CHECK(ten.earliest_early(event_time(10)) == event_time(21));
  CHECK(trigger(weir::on_close()).earliest_early(event_time(10)) == end_of_time);
}

TEST_CASE("an advance over very many early panes fires the last ten thousand and counts the others") {
  const Trigger ten = trigger(weir::every(Duration{10}));
  std::uint64_t skipped = 0;
  CHECK(ten.early_after(event_time(10), event_time(1'000), event_time(15), skipped) == event_time(20));
  CHECK(skipped == 0);
  const std::int64_t far = 10 * 1'000'000;
  weir::EventTime at = event_time(10);
  std::uint64_t fired = 0;
  for (at = ten.early_after(at, end_of_time, event_time(far), skipped); ticks(at) < far; ++fired) {
    at = ten.early_after(at, end_of_time, event_time(far), skipped);
  }
  CHECK(fired <= 10'001);
  CHECK(fired >= 9'999);
  CHECK(skipped + fired >= 999'997);
  CHECK(skipped + fired <= 1'000'000);
}

TEST_CASE("the last advance of all fires no early pane of a window without end") {
  const Trigger ten = trigger(weir::every(Duration{10}));
  std::uint64_t skipped = 0;
  CHECK_FALSE(ten.fires_early(Progress{.since = 1}, end_of_time, end_of_time));
  CHECK(ten.early_after(event_time(10), end_of_time, end_of_time, skipped) == no_time);
}

TEST_CASE("a discarding window with nothing new keeps silent at its end unless asked") {
  CHECK_FALSE(trigger(weir::on_close(), weir::discarding).fires_at_end(Progress{.since = 0}));
  CHECK(trigger(weir::on_close(), weir::discarding).fires_at_end(Progress{.since = 1}));
  CHECK(trigger(weir::on_close().also_if_empty(), weir::discarding).fires_at_end(Progress{.since = 0}));
  CHECK(trigger(weir::on_close()).fires_at_end(Progress{.since = 0}));
  CHECK_FALSE(trigger(weir::on_update()).fires_at_end(Progress{.since = 1}));
}

TEST_CASE("a final pane comes when asked for, and not after a pane at the end without a grace") {
  const auto held = weir::on_close().holding_late();
  CHECK(trigger(held, weir::accumulating, 1s).fires_finally(Progress{.since = 1, .fired_at_end = true}));
  CHECK_FALSE(
      trigger(held, weir::accumulating, 1s).fires_finally(Progress{.since = 0, .fired_at_end = true}));
  CHECK_FALSE(trigger(held).fires_finally(Progress{.since = 1, .fired_at_end = true}));
  const auto always = weir::never().with_final_pane(weir::FinalPane::always);
  CHECK(trigger(always, weir::accumulating, 1s).fires_finally(Progress{}));
  CHECK(trigger(always, weir::accumulating, 1s).final_timing(event_time(10), event_time(9)) ==
        weir::Timing::on_time);
  CHECK(trigger(always, weir::accumulating, 1s).final_timing(event_time(10), event_time(10)) ==
        weir::Timing::late);
  CHECK(trigger(held, weir::accumulating, 1s).final_timing(event_time(10), event_time(9)) ==
        weir::Timing::late);
}

}  // namespace

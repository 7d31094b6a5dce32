#include <weir/aggregate/elapsed.hpp>

#include <weir/testing/laws.hpp>

#include "aggregate/samples.hpp"
#include "catch.hpp"

// What its types are: said here, because every program that includes the header would pay for it.
namespace weir::inline v0 {

static_assert(Aggregator<Elapsed, double>);

}  // namespace weir::inline v0

namespace {

using weir::Checked;
using weir::Duration;
using weir::Elapsed;
using weir::event_time;

Checked<Duration> elapsed(const std::vector<weir::EventTime>& times) {
  Elapsed::State state{};
  for (auto at : times) Elapsed{}.add(state, 0, at);
  return Elapsed{}.result(state);
}

TEST_CASE("elapsed is newest minus oldest, and zero of nothing or of one record") {
  CHECK(elapsed({}) == Checked<Duration>{});
  CHECK(elapsed({event_time(42)}) == Checked<Duration>{});
  CHECK(elapsed({weir::end_of_time}) == Checked<Duration>{});
  CHECK(elapsed({event_time(5), event_time(-7), event_time(1)}) == Checked<Duration>{Duration{12}, false});
}

TEST_CASE("a distance beyond Duration is held and says so") {
  CHECK(elapsed({event_time(-2), weir::end_of_time}) == Checked<Duration>{Duration::max(), true});
  CHECK(elapsed({event_time(0), weir::end_of_time}) == Checked<Duration>{Duration::max(), false});
}

TEST_CASE("elapsed obeys the laws, order independence among them") {
  samples::Random random{1};
  std::vector<weir::testing::Timed<int>> records;
  for (int i = 0; i < 30; ++i) records.push_back({i, event_time(random.between(-100, 100))});
  CHECK(weir::testing::check_laws(Elapsed{}, records));
}

}  // namespace

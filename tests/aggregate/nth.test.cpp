#include <weir/aggregate/nth.hpp>

#include <limits>
#include <string>
#include <vector>

#include <weir/testing/laws.hpp>

#include "aggregate/orders.hpp"
#include "catch.hpp"

// What its types are: said here, because every program that includes the header would pay for it.
namespace weir::inline v0 {

static_assert(Aggregator<Nth<int, 2>, int> && Aggregator<Lag<std::string, 3>, std::string_view>);
static_assert(Aggregator<Delta<double>, double>);

}  // namespace weir::inline v0

namespace {

using orders::check_snapshots;
using orders::result_of;
using weir::Checked;
using weir::Delta;
using weir::Duration;
using weir::event_time;
using weir::EventTime;
using weir::Lag;
using weir::Nth;
using weir::testing::check_laws;
using weir::testing::Timed;

/// In any order whatever.
std::vector<Timed<std::int64_t>> arrivals(std::uint64_t seed, std::size_t n) {
  samples::Random random{seed};
  std::vector<Timed<std::int64_t>> records;
  for (const std::int64_t x : samples::integers(seed, n, 100))
    records.push_back({x, event_time(random.between(-9, 9))});
  return records;
}
template <class T>
std::vector<Timed<T>> two(T before, T newest) {
  return {{newest, event_time(2)}, {before, event_time(1)}};
}

TEST_CASE("positions that do not exist are empty") {
  CHECK(Nth<int, 1>{}.result({}) == std::nullopt);
  CHECK(Lag<int, 0>{}.result({}) == std::nullopt);
  CHECK(Delta<int>{}.result({}) == std::nullopt);
  CHECK(result_of(Nth<int, 3>{}, two(1, 2)) == std::nullopt);
  CHECK(result_of(Lag<int, 2>{}, two(1, 2)) == std::nullopt);
  CHECK(result_of(Delta<int>{}, std::vector<Timed<int>>{{1, event_time(1)}}) == std::nullopt);
}

TEST_CASE("values stand at their places in the order of time, whatever the order of arrival") {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    const auto records = arrivals(seed, 4 + seed % 20);
    const auto values = orders::values_of(orders::sorted(records));
    const std::size_t n = values.size();
    CHECK(result_of(Nth<std::int64_t, 1>{}, records) == values.front());
    CHECK(result_of(Nth<std::int64_t, 3>{}, records) == values[2]);
    CHECK(result_of(Lag<std::int64_t, 0>{}, records) == values.back());
    CHECK(result_of(Lag<std::int64_t, 3>{}, records) == values[n - 4]);
    CHECK(result_of(Delta<std::int64_t>{}, records) ==
          Checked<std::int64_t>{values[n - 1] - values[n - 2], false});
  }
}

TEST_CASE("a difference that does not fit is held and flagged, equal infinities do not differ") {
  constexpr std::int64_t low = std::numeric_limits<std::int64_t>::min(),
                         high = std::numeric_limits<std::int64_t>::max();
  CHECK(result_of(Delta<std::int64_t>{}, two(low, high)) == Checked<std::int64_t>{high, true});
  CHECK(result_of(Delta<std::int64_t>{}, two(high, low)) == Checked<std::int64_t>{low, true});
  CHECK(result_of(Delta<std::uint64_t>{}, two(std::uint64_t{5}, std::uint64_t{3})) ==
        Checked<std::int64_t>{-2, false});
  CHECK(result_of(Delta<Duration>{}, two(Duration{5}, Duration{7})) == Checked<Duration>{Duration{2}, false});
  CHECK(result_of(Delta<EventTime>{}, two(event_time(low + 1), weir::end_of_time)) ==
        Checked<Duration>{Duration::max(), true});
  constexpr double infinity = std::numeric_limits<double>::infinity();
  CHECK(result_of(Delta<double>{}, two(infinity, infinity)) == 0.0);
  CHECK(result_of(Delta<double>{}, two(infinity, 1.0)) == -infinity);
  CHECK(result_of(Delta<double>{}, two(1e300, 1e300 + 1e285)) == (1e300 + 1e285) - 1e300);
  CHECK(result_of(Delta<float>{}, two(1.5F, 0.25F)) == -1.25);
}

TEST_CASE("places obey the laws") {
  const auto seed = GENERATE(1u, 2u, 3u);
  for (const std::size_t n : {0U, 2U, 20U}) {
    CHECK(check_laws(Nth<std::int64_t, 3>{}, arrivals(seed, n)));
    CHECK(check_laws(Lag<std::int64_t, 3>{}, arrivals(seed, n)));
    CHECK(check_laws(Delta<std::int64_t>{}, arrivals(seed, n)));
  }
  CHECK(check_laws(Lag<std::string, 1>{},
                   std::vector<std::string>{"a", "", "long enough not to fit in place", "b"}));
}

TEST_CASE("States of places come back from snapshots, and damaged ones do no harm") {
  check_snapshots(Nth<std::int64_t, 4>{}, arrivals(1, 20));
  check_snapshots(Lag<std::int64_t, 4>{}, arrivals(1, 20));
  check_snapshots(Delta<std::int64_t>{}, arrivals(1, 20));
  check_snapshots(
      Lag<std::string, 2>{},
      std::vector<Timed<std::string>>{{"a", event_time(3)}, {"b", event_time(2)}, {"c", event_time(4)}});
}

TEST_CASE("States of places are as large as their cards say") {
  STATIC_REQUIRE(sizeof(Delta<double>::State) == 48);
  STATIC_REQUIRE(sizeof(Nth<std::int64_t, 4>::State) == 4 * 16 + 16);
  STATIC_REQUIRE(sizeof(Lag<std::int64_t, 3>::State) == 4 * 16 + 16);
}

struct Trade {
  double price = 0;
  std::string_view venue;
};
struct Row {
  double second = 0, change = 0;
  std::optional<double> before, missing;
  std::string venue;
};

TEST_CASE("places are features of a row") {
  using namespace weir;
  const std::vector<Timed<Trade>> trades{
      {{10, "a"}, event_time(1)}, {{13, "c"}, event_time(3)}, {{12, "b"}, event_time(2)}};
  const Row row =
      orders::row_of<Row>(trades, Interval{}, nth<2>(&Trade::price).as(&Row::second),
                          delta(&Trade::price).as(&Row::change), lag<1>(&Trade::price).as(&Row::before),
                          lag<3>(&Trade::price).as(&Row::missing), nth<3>(&Trade::venue).as(&Row::venue));
  CHECK(row.second == 12);
  CHECK(row.change == 1);
  CHECK(row.before == 12);
  CHECK(row.missing == std::nullopt);
  CHECK(row.venue == "c");
}

}  // namespace

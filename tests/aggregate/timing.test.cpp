#include <weir/aggregate/timing.hpp>

#include <limits>
#include <vector>

#include <weir/testing/laws.hpp>

#include "aggregate/orders.hpp"
#include "catch.hpp"

// What its types are: said here, because every program that includes the header would pay for it.
namespace weir::inline v0 {

static_assert(Aggregator<TimeSinceLast, int> && Aggregator<InterArrivalMean, int>);
static_assert(Aggregator<InterArrivalStdDev<>, int> && Aggregator<Burstiness<>, int>);

}  // namespace weir::inline v0

namespace {

using orders::disordered;
using orders::result_of;
using weir::Burstiness;
using weir::Checked;
using weir::Duration;
using weir::event_time;
using weir::Interval;
using weir::testing::check_laws;
using weir::testing::Timed;
using Length = std::optional<Checked<Duration>>;

Length length(std::int64_t microseconds, bool is_flagged = false) {
  return Checked<Duration>{Duration{microseconds}, is_flagged};
}
std::vector<Timed<int>> arrivals(std::uint64_t seed, std::size_t n, std::int64_t longest = 3) {
  return disordered(seed, std::vector<int>(n), 8, longest);
}
std::vector<Timed<int>> at(std::initializer_list<std::int64_t> times) {
  std::vector<Timed<int>> records;
  for (const std::int64_t time : times) records.push_back({0, event_time(time)});
  return records;
}

/// The reference: gaps of the records in their order, in 128 bits.
struct Gaps {
  std::vector<samples::Wide> all;
  samples::Exact mean = 0, squares = 0;

  explicit Gaps(const std::vector<Timed<int>>& records) {
    const auto sorted = orders::sorted(records);
    for (std::size_t i = 1; i < sorted.size(); ++i)
      all.push_back(static_cast<samples::Wide>(weir::ticks(sorted[i].at)) - weir::ticks(sorted[i - 1].at));
    if (all.empty()) return;
    for (const auto gap : all) mean += static_cast<samples::Exact>(gap);
    mean /= static_cast<samples::Exact>(all.size());
    for (const auto gap : all)
      squares += (static_cast<samples::Exact>(gap) - mean) * (static_cast<samples::Exact>(gap) - mean);
  }
};

TEST_CASE("times since nothing and gaps of too few records are empty") {
  const Interval asked{weir::no_time, event_time(100)};
  CHECK(weir::TimeSinceLast{}.result({}, asked) == std::nullopt);
  CHECK(weir::TimeSinceFirst{}.result({}, asked) == std::nullopt);
  for (const auto& records : {at({}), at({5})}) {
    CHECK(result_of(weir::InterArrivalMean{}, records) == std::nullopt);
    CHECK(result_of(weir::InterArrivalMin<>{}, records) == std::nullopt);
    CHECK(result_of(weir::InterArrivalMax<>{}, records) == std::nullopt);
    CHECK(result_of(weir::InterArrivalStdDev<>{}, records) == std::nullopt);
    CHECK(result_of(Burstiness<>{}, records) == std::nullopt);
  }
  CHECK(result_of(weir::InterArrivalStdDev<>{}, at({5, 6})) == std::nullopt);
  CHECK(result_of(Burstiness<>{}, at({5, 6})) == std::nullopt);
  CHECK(result_of(Burstiness<>{}, at({5, 5, 5})) == std::nullopt);
  CHECK(result_of(weir::InterArrivalMin<>{}, at({5, 5})) == length(0));
  CHECK(result_of(weir::InterArrivalMax<>{}, at({5, 5})) == length(0));
}

TEST_CASE("times since are measured from when the row is asked for") {
  const auto records = at({30, 10, 20});
  const Interval asked{weir::no_time, event_time(100)};
  CHECK(result_of(weir::TimeSinceLast{}, records, asked) == length(70));
  CHECK(result_of(weir::TimeSinceFirst{}, records, asked) == length(90));
  CHECK(result_of(weir::TimeSinceLast{}, records, {weir::no_time, event_time(0)}) == length(-30));
  const auto first = at({std::numeric_limits<std::int64_t>::min() + 1});
  CHECK(result_of(weir::TimeSinceFirst{}, first, {weir::no_time, weir::end_of_time}) ==
        length(std::numeric_limits<std::int64_t>::max(), true));
  CHECK(result_of(weir::TimeSinceFirst{}, std::vector<Timed<int>>{{0, weir::end_of_time}},
                  {weir::no_time, weir::end_of_time}) == length(0));
}

TEST_CASE("gaps are those of the records in their order") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const std::int64_t longest = seed % 3 == 0 ? 1 : seed % 3 == 1 ? 50 : std::int64_t{1} << 50;
    CAPTURE(seed, longest);
    const auto records = arrivals(seed, 3 + seed % 60, longest);
    const Gaps gaps(records);
    const auto count = static_cast<samples::Exact>(gaps.all.size());
    CHECK(result_of(weir::InterArrivalMean{}, records) == length(static_cast<std::int64_t>(gaps.mean)));
    CHECK(result_of(weir::InterArrivalMin<>{}, records) ==
          length(static_cast<std::int64_t>(*std::min_element(gaps.all.begin(), gaps.all.end()))));
    CHECK(result_of(weir::InterArrivalMax<>{}, records) ==
          length(static_cast<std::int64_t>(*std::max_element(gaps.all.begin(), gaps.all.end()))));
    const auto deviation = result_of(weir::InterArrivalStdDev<>{}, records);
    REQUIRE(deviation.has_value());
    CHECK_FALSE(deviation->overflowed);
    const double sample = __builtin_sqrt(static_cast<double>(gaps.squares / (count - 1)));
    CHECK(samples::error_of(static_cast<double>(deviation->value.count()), sample) <=
          0.5 + 8 * samples::unit * sample);
    const auto mean = static_cast<double>(gaps.mean);
    const auto burst = result_of(Burstiness<>{}, records);
    REQUIRE(burst.has_value() == mean > 0);
    if (!burst) continue;
    const double root = __builtin_sqrt(static_cast<double>(gaps.squares / count));
    CHECK(burst->value == Approx((root - mean) / (root + mean)).margin(1e-14));
    CHECK_FALSE(burst->overflowed);
  }
}

TEST_CASE("burstiness is -1 of a clock, about 0 of independent arrivals and near 1 of bursts") {
  std::vector<Timed<int>> clock, poisson, bursts;
  samples::Random random{1};
  double time = 0;
  for (int i = 0; i < 10000; ++i) {
    clock.push_back({0, event_time(std::int64_t{i} * 1000)});
    time -= 1e6 * __builtin_log(1 - random.fraction());
    poisson.push_back({0, event_time(static_cast<std::int64_t>(time))});
    bursts.push_back({0, event_time(i % 1000 + std::int64_t{i / 1000} * 1000000000)});
  }
  CHECK(result_of(Burstiness<>{}, clock)->value == -1);
  CHECK(samples::size_of(result_of(Burstiness<>{}, poisson)->value) < 0.03);
  CHECK(result_of(Burstiness<>{}, bursts)->value > 0.9);
}

TEST_CASE("the spread of gaps does not suffer from large offsets, and holds all of time") {
  const std::int64_t start = 1'700'000'000'000'000, day = 86'400'000'000;
  CHECK(result_of(weir::InterArrivalStdDev<>{}, at({start, start + day, start + 2 * day, start + 3 * day})) ==
        length(0));
  CHECK(result_of(weir::InterArrivalStdDev<>{},
                  at({start, start + day - 1, start + 2 * day, start + 3 * day - 1})) == length(1));
  CHECK(result_of(weir::InterArrivalStdDev<>{},
                  at({start, start + day - 3, start + 2 * day, start + 3 * day - 3})) == length(3));
  const std::int64_t low = std::numeric_limits<std::int64_t>::min() + 1,
                     high = std::numeric_limits<std::int64_t>::max();
  CHECK(result_of(weir::InterArrivalStdDev<>{}, at({low, low, high})) == length(high, true));
  CHECK(result_of(weir::InterArrivalMean{}, at({low, high})) == length(high, true));
  CHECK(result_of(weir::InterArrivalMean{}, at({low, 0, high})) == length(high));
  CHECK(result_of(weir::InterArrivalMax<>{}, at({low, high})) == length(high, true));
  CHECK(result_of(weir::InterArrivalMin<>{}, at({low, high})) == length(high, true));
  CHECK(result_of(Burstiness<>{}, at({low, low, high}))->value == 0);
}

TEST_CASE("too much disorder flags what depends on the order, and nothing else") {
  const auto wrong = at({5, 4, 3, 2, 1});
  CHECK(result_of(weir::InterArrivalMin<2>{}, wrong)->overflowed);
  CHECK(result_of(weir::InterArrivalMax<2>{}, wrong)->overflowed);
  CHECK(result_of(weir::InterArrivalStdDev<2>{}, wrong)->overflowed);
  CHECK(result_of(Burstiness<2>{}, wrong)->overflowed);
  CHECK(result_of(weir::InterArrivalMean{}, wrong) == length(1));
  CHECK(result_of(weir::InterArrivalMin<4>{}, wrong) == length(1));
}

TEST_CASE("times and gaps obey the laws") {
  const auto seed = GENERATE(1u, 2u, 3u);
  for (const std::size_t n : {0U, 3U, 25U}) {
    CAPTURE(seed, n);
    const auto records = arrivals(seed, n, 20);
    CHECK(check_laws(weir::TimeSinceLast{}, records));
    CHECK(check_laws(weir::TimeSinceFirst{}, records));
    CHECK(check_laws(weir::InterArrivalMean{}, records));
    CHECK(check_laws(weir::InterArrivalMin<>{}, records));
    CHECK(check_laws(weir::InterArrivalMax<>{}, records));
    CHECK(check_laws(weir::InterArrivalStdDev<>{}, records));
    CHECK(check_laws(Burstiness<>{}, records));
    CHECK(check_laws(Burstiness<2>{}, disordered(seed, std::vector<int>(n), 2)));
  }
}

template <class A>
void check_snapshots(const A& aggregator) {
  for (const std::size_t n : {0U, 3U, 20U}) {
    const auto state = orders::added(aggregator, arrivals(1, n));
    const auto read = orders::read_again(state);
    REQUIRE(read.size() == 1);
    const Interval asked{weir::no_time, event_time(1000)};
    CHECK(weir::detail::result_of(aggregator, read[0], asked) ==
          weir::detail::result_of(aggregator, state, asked));
    orders::refused(aggregator, state, 1);
  }
}

TEST_CASE("States of times and gaps come back from snapshots, and damaged ones do no harm") {
  check_snapshots(weir::TimeSinceLast{});
  check_snapshots(weir::TimeSinceFirst{});
  check_snapshots(weir::InterArrivalMean{});
  check_snapshots(weir::InterArrivalMin<4>{});
  check_snapshots(weir::InterArrivalMax<4>{});
  check_snapshots(weir::InterArrivalStdDev<4>{});
  check_snapshots(Burstiness<4>{});
}

TEST_CASE("States of times and gaps are as large as their cards say") {
  STATIC_REQUIRE(sizeof(weir::TimeSinceLast::State) == 8);
  STATIC_REQUIRE(sizeof(weir::InterArrivalMean::State) == 24);
  STATIC_REQUIRE(sizeof(weir::InterArrivalMin<>::State) == 128);
  STATIC_REQUIRE(sizeof(weir::InterArrivalStdDev<>::State) == 136);
  STATIC_REQUIRE(sizeof(Burstiness<>::State) == 136);
}

struct Click {
  bool is_paid = false;
};
struct Row {
  std::optional<Duration> last, paid;
  Duration first{}, mean{}, least{}, most{}, deviation{};
  double burstiness = 0;
};

TEST_CASE("times and gaps are features of a row") {
  using namespace weir;
  const std::vector<Timed<Click>> clicks{
      {{true}, event_time(10)}, {{false}, event_time(40)}, {{false}, event_time(30)}};
  const Interval asked{no_time, event_time(100)};
  const Row row = orders::row_of<Row>(
      clicks, asked, time_since_last().as(&Row::last), time_since_last(&Click::is_paid).as(&Row::paid),
      time_since_first().as(&Row::first), inter_arrival_mean().as(&Row::mean),
      inter_arrival_min().as(&Row::least), inter_arrival_max<4>().as(&Row::most),
      inter_arrival_stddev().as(&Row::deviation), burstiness().as(&Row::burstiness));
  CHECK(row.last == Duration{60});
  CHECK(row.paid == Duration{90});
  CHECK(row.first == Duration{90});
  CHECK(row.mean == Duration{15});
  CHECK(row.least == Duration{10});
  CHECK(row.most == Duration{20});
  CHECK(row.deviation == Duration{7});
  CHECK(row.burstiness == Approx(-0.5));
  const auto none = orders::row_of<Row>(std::vector<Timed<Click>>{}, asked, time_since_last().as(&Row::last));
  CHECK(none.last == std::nullopt);
}

}  // namespace

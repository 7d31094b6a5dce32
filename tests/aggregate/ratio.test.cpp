#include <weir/aggregate/ratio.hpp>

#include <optional>

#include "aggregate/numbers.hpp"
#include "aggregate/samples.hpp"
#include "catch.hpp"

// What its types are: said here, because every program that includes the header would pay for it.
namespace weir::inline v0 {

static_assert(Aggregator<Ratio<Paired<double, int>>, Paired<double, int>> &&
              Invertible<Ratio<Paired<Duration, int>>>);
static_assert(Aggregator<ShareOf<Paired<double, bool>>, Paired<double, bool>> && Invertible<Share>);
static_assert(Aggregator<Rate, double> && Aggregator<SumRate<double>, double> && !Invertible<Rate>);
static_assert(sizeof(Ratio<Paired<int, double>>::State) == 32 &&
              sizeof(ShareOf<Paired<int, bool>>::State) == 32);
static_assert(sizeof(Share::State) == 16 && sizeof(Rate::State) == 16 && sizeof(SumRate<int>::State) == 24);

}  // namespace weir::inline v0

namespace {

using namespace std::chrono_literals;
using numbers::infinity;
using numbers::nan;
using numbers::Timed;
using samples::Exact;
using samples::result_of;
using samples::unit;
using weir::event_time;
using weir::Interval;
using weir::Rate;
using weir::Share;
using weir::SumRate;
using weir::testing::check_laws;
using Reals = weir::Paired<double, double>;
using Wholes = weir::Paired<std::int64_t, std::int64_t>;
using Marked = weir::Paired<double, bool>;
using Counted = weir::Paired<std::int64_t, bool>;
constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();

TEST_CASE("ratios and shares of nothing, and of sums that are 0, are empty") {
  CHECK(weir::Ratio<Reals>{}.result({}) == std::nullopt);
  CHECK(weir::ShareOf<Marked>{}.result({}) == std::nullopt);
  CHECK(Share{}.result({}) == std::nullopt);
  CHECK(result_of(weir::Ratio<Wholes>{}, std::vector<Wholes>{{3, 2}, {4, -2}}) == std::nullopt);
  CHECK(result_of(weir::ShareOf<Counted>{}, std::vector<Counted>{{3, true}, {-3, false}}) == std::nullopt);
}

TEST_CASE("a ratio is of sums, exact ones of integers and durations") {
  CHECK(result_of(weir::Ratio<Wholes>{}, std::vector<Wholes>{{1, 2}, {3, 2}}) == 1.0);
  CHECK(result_of(weir::Ratio<Wholes>{}, std::vector<Wholes>{{most, most}, {most, most}, {most, 0}}) == 1.5);
  using Busy = weir::Paired<weir::Duration, weir::Duration>;
  CHECK(result_of(weir::Ratio<Busy>{}, std::vector<Busy>{{1s, 1min}, {14s, 0s}}) == 0.25);
  using Mixed = weir::Paired<std::uint64_t, double>;
  CHECK(result_of(weir::Ratio<Mixed>{}, std::vector<Mixed>{{5, 0.5}, {5, 0.75}}) == 8.0);
  CHECK(result_of(weir::Ratio<Reals>{}, std::vector<Reals>{{1e308, 1}, {1e308, 1}}) == infinity);
  CHECK(weir::detail::is_nan(*result_of(weir::Ratio<Reals>{}, std::vector<Reals>{{infinity, infinity}})));
}

TEST_CASE("a ratio agrees with one in 128 bits within the stated bound") {
  auto seed = GENERATE(1u, 2u, 3u);
  CAPTURE(seed);
  const auto above = samples::spreads(seed, 400, 20), below = samples::fractions(seed + 7, 400);
  Exact x = 0, y = 0, size = 0;
  std::vector<Reals> pairs;
  for (std::size_t i = 0; i < above.size(); ++i) {
    pairs.push_back({above[i], below[i]});
    x += above[i];
    size += samples::size_of(above[i]);
    y += below[i];
  }
  const double cancelled =
      2 * 400.0 * 400.0 * unit * unit;  // what Sum loses to cancellation, per sum of sizes
  const double bound = static_cast<double>(
      (5 * unit + cancelled) * samples::size_of(static_cast<double>(x / y)) + cancelled * size / y);
  CHECK(samples::error_of(*result_of(weir::Ratio<Reals>{}, pairs), x / y) <= bound);
}

TEST_CASE("shares are of records, or of what they sum to") {
  CHECK(result_of(Share{}, std::vector<int>{1, 0, 0, 1, 0}) == 0.4);
  CHECK(result_of(Share{}, std::vector<int>{0}) == 0.0);
  CHECK(result_of(weir::ShareOf<Counted>{}, std::vector<Counted>{{30, true}, {70, false}}) == 0.3);
  CHECK(result_of(weir::ShareOf<Counted>{},
                  std::vector<Counted>{{most, true}, {most, false}, {most, true}, {most, true}}) == 0.75);
  CHECK(result_of(weir::ShareOf<Marked>{}, std::vector<Marked>{{0.5, false}, {1.5, true}}) == 0.75);
  CHECK(result_of(weir::ShareOf<Marked>{}, std::vector<Marked>{{0.1, true}, {0.7, true}, {0.2, true}}) ==
        1.0);
}

TEST_CASE("a rate is over the window, or since the oldest record if the window has no beginning") {
  const Rate rate{.per = 1min};
  const auto state = numbers::added(
      rate, std::vector<Timed<int>>{{0, event_time(50)}, {0, event_time(20)}, {0, event_time(30)}});
  CHECK(rate.result(state, {event_time(0), event_time(60'000'000)}) == 3.0);
  CHECK(rate.result(state, {event_time(-60'000'000), event_time(60'000'000)}) == 1.5);
  CHECK(rate.result(state, {weir::no_time, event_time(20 + 90'000'000)}) == 2.0);
  CHECK(rate.result({}, {event_time(0), event_time(1)}) == 0.0);
  CHECK(rate.result({}, {weir::no_time, event_time(1)}) == std::nullopt);
  CHECK(rate.result(state, {event_time(9), event_time(9)}) == std::nullopt);
  CHECK(rate.result(state, {weir::no_time, event_time(20)}) == std::nullopt);
  CHECK(*rate.result(state, {weir::no_time, weir::end_of_time}) > 0);
  const auto old =
      numbers::added(rate, std::vector<Timed<int>>{{0, event_time(weir::ticks(weir::no_time) + 1)}});
  CHECK(*rate.result(old, {weir::no_time, weir::end_of_time}) == Approx(60e6 / 18446744073709551614.0));
  CHECK(Rate{}.result(state, {event_time(0), event_time(60'000'000)}) == 0.05);
}

TEST_CASE("a rate of a value is its sum per time") {
  const SumRate<std::int64_t> rate{.per = 1s};
  const std::vector<Timed<std::int64_t>> records{
      {most, event_time(5)}, {most, event_time(0)}, {-4, event_time(9)}};
  const auto state = numbers::added(rate, records);
  CHECK(*rate.result(state, {weir::no_time, event_time(4'000'000)}) == Approx(0x1p62));
  CHECK(*rate.result(state, {event_time(0), event_time(1'000'000)}) == Approx(0x1p64));
  const SumRate<double> real{.per = 1h};
  CHECK(real.result(samples::added(real, std::vector{0.5, 0.25}),
                    {event_time(0), event_time(1'800'000'000)}) == 1.5);
  CHECK(weir::detail::is_nan(
      *real.result(samples::added(real, std::vector{infinity, -infinity}), {event_time(0), event_time(1)})));
}

TEST_CASE("ratios, shares and rates obey the laws, those of integers exactly") {
  auto seed = GENERATE(1u, 2u, 3u);
  CAPTURE(seed);
  samples::Random random{seed};
  std::vector<Timed<Wholes>> wholes;
  std::vector<Timed<Reals>> reals;
  std::vector<Timed<Counted>> counted;
  std::vector<Timed<Marked>> marked;
  std::vector<Timed<bool>> flags;
  std::vector<Timed<double>> values;
  for (int i = 0; i < 30; ++i) {
    const auto at = event_time(random.between(-20, 20) * 100'000);
    const bool flag = random.below(2) == 0;
    wholes.push_back({{random.between(-9, 9), random.between(1, 9)}, at});
    reals.push_back({{random.fraction(), random.fraction()}, at});
    counted.push_back({{random.between(-9, 9), flag}, at});
    marked.push_back({{random.fraction(), flag}, at});
    flags.push_back({flag, at});
    values.push_back({random.fraction(), at});
  }
  const weir::testing::LawOptions near{.relative = 1e-14};
  CHECK(check_laws(weir::Ratio<Wholes>{}, wholes));
  CHECK(check_laws(weir::Ratio<Reals>{}, reals, near));
  CHECK(check_laws(weir::ShareOf<Counted>{}, counted));
  CHECK(check_laws(weir::ShareOf<Marked>{}, marked, near));
  CHECK(check_laws(Share{}, flags));
  CHECK(check_laws(Rate{.per = 1min}, values));
  CHECK(check_laws(SumRate<bool>{.per = 1min}, flags));
  CHECK(check_laws(SumRate<double>{.per = 1min}, values, near));
}

TEST_CASE("states of ratios, shares and rates are kept in snapshots") {
  numbers::check_archive(weir::Ratio<Wholes>{},
                         samples::added(weir::Ratio<Wholes>{}, std::vector<Wholes>{{1, 2}, {3, 4}}),
                         Wholes{1, 2});
  numbers::check_archive(weir::ShareOf<Marked>{},
                         samples::added(weir::ShareOf<Marked>{}, std::vector<Marked>{{1, true}, {3, false}}),
                         Marked{1, true});
  numbers::check_archive(Share{}, samples::added(Share{}, std::vector{true, false}), true);
  numbers::check_archive(Rate{}, samples::added(Rate{}, std::vector{1, 2}), 1);
  numbers::check_archive(SumRate<double>{}, samples::added(SumRate<double>{}, std::vector{1.0, 2.0}), 1.0,
                         {event_time(0), weir::end_of_time});
}

struct Visit {
  std::optional<int> clicks;
  double seconds = 1;
  bool is_new = false;
};
struct Row {
  std::optional<double> ratio, share, share_of, rate, clicks_per_minute;
};

TEST_CASE("ratios, shares and rates are features: missing and NaN are left out and counted") {
  weir::FeatureCounts counts[5];
  const std::vector<Visit> visits{{2, 1, true}, {std::nullopt, 5, false}, {7, nan, true}, {4, 2, false}};
  const Row row =
      numbers::row_of<Row>(visits, counts, weir::ratio(&Visit::clicks, &Visit::seconds).as(&Row::ratio),
                           weir::share(&Visit::is_new).as(&Row::share),
                           weir::share_of(&Visit::clicks, &Visit::is_new).as(&Row::share_of),
                           weir::rate({.per = 1min}).as(&Row::rate),
                           weir::rate(&Visit::clicks, {.per = 1min}).as(&Row::clicks_per_minute));
  CHECK(row.ratio == 2.0);
  CHECK(row.share == 0.5);
  CHECK(*row.share_of == Approx(9.0 / 13));
  CHECK(row.rate == 60.0);
  CHECK(row.clicks_per_minute == 13 * 15.0);
  CHECK(counts[0] == weir::FeatureCounts{.missing = 1, .nan = 1, .overflowed = 0});
  CHECK(counts[2] == weir::FeatureCounts{.missing = 1, .nan = 0, .overflowed = 0});
  CHECK(counts[3] == weir::FeatureCounts{});
}

TEST_CASE("what a rate is per stands in the description, and a bad one is named") {
  const auto text = numbers::described<Row, Visit>(weir::rate({.per = 90s}).as(&Row::rate));
  CHECK(text.find("\"aggregate\": \"rate\", \"per\": \"90s\"") != std::string::npos);
  CHECK(weir::rate().family.problem().empty());
  CHECK(weir::rate({.per = 0s}).family.problem() == "per is 0us; give a duration above zero, such as 1s");
  CHECK_FALSE(weir::rate(&Visit::clicks, {.per = -1s}).family.problem().empty());
}

}  // namespace

#include <weir/aggregate/relation.hpp>

#include <algorithm>
#include <optional>

#include "aggregate/numbers.hpp"
#include "aggregate/samples.hpp"
#include "catch.hpp"

// What its types are: said here, because every program that includes the header would pay for it.
namespace weir::inline v0 {

static_assert(Aggregator<Covariance<Paired<double, int>>, Paired<double, int>>);
static_assert(Aggregator<Correlation<Paired<double, int>>, Paired<double, int>>);
static_assert(Aggregator<Slope<Paired<double, int>>, Paired<double, int>> && Aggregator<Trend<int>, int>);
static_assert(sizeof(Covariance<Paired<int, int>>::State) == 32 &&
              sizeof(Slope<Paired<int, int>>::State) == 40);
static_assert(sizeof(Correlation<Paired<int, int>>::State) == 48 && sizeof(Trend<int>::State) == 48);

}  // namespace weir::inline v0

namespace {

using numbers::infinity;
using numbers::nan;
using numbers::Timed;
using samples::Exact;
using samples::result_of;
using weir::event_time;
using weir::testing::check_laws;
using Pair = weir::Paired<double, double>;
using Covariance = weir::Covariance<Pair>;
using PopulationCovariance = weir::PopulationCovariance<Pair>;
using Correlation = weir::Correlation<Pair>;
using Slope = weir::Slope<Pair>;
using Trend = weir::Trend<double>;

Exact root(Exact x) {
  Exact guess = __builtin_sqrt(static_cast<double>(x));
  for (int i = 0; i < 3; ++i) guess = (guess + x / guess) / 2;
  return guess;
}

/// Two passes in 128 bits.
struct Joint {
  Exact n, mean_x = 0, mean_y = 0, xx = 0, yy = 0, xy = 0;

  explicit Joint(const std::vector<Pair>& pairs) : n(static_cast<Exact>(pairs.size())) {
    for (const Pair& p : pairs) {
      mean_x += p.x / n;
      mean_y += p.y / n;
    }
    for (const Pair& p : pairs) {
      xx += (p.x - mean_x) * (p.x - mean_x);
      yy += (p.y - mean_y) * (p.y - mean_y);
      xy += (p.x - mean_x) * (p.y - mean_y);
    }
  }
  [[nodiscard]] double condition() const {
    return static_cast<double>(root(1 + mean_x * mean_x * n / xx) + root(1 + mean_y * mean_y * n / yy));
  }
  [[nodiscard]] double bound(Exact scale) const {
    return static_cast<double>(n) * samples::unit * condition() * static_cast<double>(scale);
  }
};

/// y follows x more or less (noise), behind offsets.
std::vector<Pair> cloud(std::uint64_t seed, std::size_t n, double noise, double offset_x, double offset_y) {
  samples::Random random{seed};
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < n; ++i) {
    const double x = random.fraction();
    pairs.push_back({x + offset_x, offset_y - 3 * x + noise * random.fraction()});
  }
  return pairs;
}

template <class A>
typename A::State in_panes(const A& aggregator, const std::vector<Pair>& pairs, std::size_t size) {
  typename A::State merged{};
  for (std::size_t from = 0; from < pairs.size(); from += size) {
    typename A::State pane{};
    for (std::size_t i = from; i < std::min(pairs.size(), from + size); ++i) aggregator.add(pane, pairs[i]);
    aggregator.merge(merged, pane);
  }
  return merged;
}

TEST_CASE("relations of too little are empty") {
  CHECK(Covariance{}.result({}) == std::nullopt);
  CHECK(PopulationCovariance{}.result({}) == std::nullopt);
  CHECK(Correlation{}.result({}) == std::nullopt);
  CHECK(Slope{}.result({}) == std::nullopt);
  CHECK(Trend{}.result({}) == std::nullopt);
  const std::vector<Pair> one{{3, 4}};
  CHECK(result_of(Covariance{}, one) == std::nullopt);
  CHECK(result_of(PopulationCovariance{}, one) == 0.0);
  CHECK(result_of(Correlation{}, one) == std::nullopt);
  CHECK(result_of(Slope{}, one) == std::nullopt);
  CHECK(result_of(Trend{}, std::vector{1.0}) == std::nullopt);
  const std::vector<Pair> upright{{0.1, 4}, {0.1, 5}, {0.1, 9}};
  CHECK(result_of(Covariance{}, upright) == 0.0);
  CHECK(result_of(Correlation{}, upright) == std::nullopt);
  CHECK(result_of(Slope{}, upright) == std::nullopt);
  CHECK(result_of(Slope{}, std::vector<Pair>{{1, 7}, {2, 7}}) == 0.0);
  CHECK(result_of(Correlation{}, std::vector<Pair>{{1, 7}, {2, 7}}) == std::nullopt);
}

TEST_CASE("small relations come out as by hand") {
  const std::vector<Pair> pairs{{1, 2}, {2, 4}, {3, 9}};
  CHECK(result_of(Covariance{}, pairs) == 3.5);
  CHECK(*result_of(PopulationCovariance{}, pairs) == Approx(7.0 / 3));
  CHECK(result_of(Slope{}, pairs) == 3.5);
  CHECK(*result_of(Correlation{}, pairs) == Approx(7 / __builtin_sqrt(2.0 * 26)));
  using Whole = weir::Paired<int, std::uint8_t>;
  CHECK(result_of(weir::Covariance<Whole>{}, std::vector<Whole>{{1, 2}, {2, 4}, {3, 9}}) == 3.5);
}

TEST_CASE("relations agree with those in 128 bits within the stated bounds, added and merged") {
  auto seed = GENERATE(1u, 2u, 3u);
  auto noise = GENERATE(0.0, 0.5, 100.0);
  auto offset_x = GENERATE(0.0, 1e9);
  auto offset_y = GENERATE(-1e3, 1e12);
  auto n = GENERATE(std::size_t{20}, std::size_t{1000});
  CAPTURE(seed, noise, offset_x, offset_y, n);
  const auto pairs = cloud(seed, n, noise, offset_x, offset_y);
  const Joint exact(pairs);
  const Exact spread = root(exact.xx * exact.yy);
  for (const std::size_t size : {n, n / 10, std::size_t{1}}) {
    const auto covariance = in_panes(Covariance{}, pairs, size);
    const auto correlation = in_panes(Correlation{}, pairs, size);
    const auto slope = in_panes(Slope{}, pairs, size);
    CHECK(samples::error_of(*Covariance{}.result(covariance), exact.xy / (exact.n - 1)) <=
          4 * exact.bound(spread / (exact.n - 1)));
    CHECK(samples::error_of(*PopulationCovariance{}.result(covariance), exact.xy / exact.n) <=
          4 * exact.bound(spread / exact.n));
    CHECK(samples::error_of(*Correlation{}.result(correlation), exact.xy / spread) <= 8 * exact.bound(1));
    CHECK(samples::error_of(*Slope{}.result(slope), exact.xy / exact.xx) <=
          8 * exact.bound(root(exact.yy / exact.xx)));
    CHECK(samples::size_of(*Correlation{}.result(correlation)) <= 1);
  }
}

TEST_CASE("a line correlates perfectly, never more than that") {
  for (unsigned seed = 1; seed < 200; ++seed) {
    auto pairs = cloud(seed, 30, 0, 0, 0);
    for (Pair& p : pairs) p.y = p.x * 0.1;
    const double r = *result_of(Correlation{}, pairs);
    CHECK(r <= 1);
    CHECK(r >= 1 - 1e-14);
  }
}

TEST_CASE("relations say what they make of numbers at the ends of double") {
  const std::vector<Pair> infinite{{1, 2}, {infinity, 3}, {4, 7}};
  CHECK(weir::detail::is_nan(*result_of(Covariance{}, infinite)));
  CHECK(weir::detail::is_nan(*result_of(Correlation{}, infinite)));
  CHECK(weir::detail::is_nan(*result_of(Slope{}, infinite)));
  CHECK(result_of(Covariance{}, std::vector<Pair>{{-1e200, -1e200}, {1e200, 1e200}}) == infinity);
  CHECK(result_of(Covariance{}, std::vector<Pair>{{1e300, 1e300}}) == std::nullopt);
  CHECK(result_of(PopulationCovariance{}, std::vector<Pair>{{1e300, 1e300}, {1e300, 1e300}}) == 0.0);
  CHECK(*result_of(Correlation{}, std::vector<Pair>{{0, 0}, {1e150, -1e-140}}) == Approx(-1));
  CHECK(*result_of(Slope{}, std::vector<Pair>{{0, 0}, {1e150, -1e-140}}) == Approx(-1e-290));
  CHECK(*result_of(Correlation{}, std::vector<Pair>{{0, 0}, {1e-140, 1e-140}}) == Approx(1));
  CHECK(result_of(Correlation{}, std::vector<Pair>{{0, 0}, {1e-150, 1}}) == std::nullopt);
  CHECK(result_of(Slope{}, std::vector<Pair>{{0, 0}, {numbers::tiny, 1}}) == std::nullopt);
}

TEST_CASE("relations obey the laws within rounding") {
  auto seed = GENERATE(1u, 2u, 3u);
  CAPTURE(seed);
  const auto pairs = cloud(seed, 40, 1, 2, 3);
  const weir::testing::LawOptions near{.relative = 1e-12, .absolute = 1e-13};
  CHECK(check_laws(Covariance{}, pairs, near));
  CHECK(check_laws(PopulationCovariance{}, pairs, near));
  CHECK(check_laws(Correlation{}, pairs, near));
  CHECK(check_laws(Slope{}, pairs, near));
  CHECK(check_laws(Slope{}, std::vector<Pair>{{1, 2}, {nan, 2}, {3, 4}, {3, 8}}));
}

constexpr std::int64_t day = 86'400'000'000;

TEST_CASE("a trend is per second, wherever its times lie") {
  const std::int64_t now = 1'790'000'000'000'000;
  for (const std::int64_t origin :
       {now, -now, std::int64_t{0}, weir::ticks(weir::end_of_time) - 10, weir::ticks(weir::no_time) + 1}) {
    CAPTURE(origin);
    std::vector<Timed<double>> records;
    for (const std::int64_t i : {3, 0, 2, 5, 9})
      records.push_back({7.0 - 0.25 * static_cast<double>(i), event_time(origin + i)});
    CHECK(*Trend{}.result(numbers::added(Trend{}, records)) == Approx(-250'000));
  }
  const std::vector<Timed<double>> ends{{1, weir::end_of_time},
                                        {0, event_time(weir::ticks(weir::no_time) + 1)}};
  CHECK(*Trend{}.result(numbers::added(Trend{}, ends)) == Approx(1 / 18446744073709.551615));
  const std::vector<Timed<double>> instant{{1, event_time(now)}, {2, event_time(now)}, {3, event_time(now)}};
  CHECK(Trend{}.result(numbers::added(Trend{}, instant)) == std::nullopt);
}

/// Records near today, out of order, with ties.
std::vector<Timed<double>> arrivals(std::uint64_t seed, int n, std::int64_t length) {
  samples::Random random{seed};
  std::vector<Timed<double>> records;
  for (int i = 0; i < n; ++i) {
    const std::int64_t at = random.between(0, 50) * (length / 50);
    records.push_back({1e3 + 0.3 * static_cast<double>(at) / static_cast<double>(length) + random.fraction(),
                       event_time(1'790'000'000'000'000 + at)});
  }
  return records;
}

TEST_CASE("a trend agrees with one in 128 bits within the stated bound, added and merged") {
  auto seed = GENERATE(1u, 2u, 3u);
  auto length = GENERATE(std::int64_t{50}, std::int64_t{1'000'000}, 100 * 365 * day);
  auto n = GENERATE(20, 1000);
  CAPTURE(seed, length, n);
  auto records = arrivals(seed, n, length);
  std::vector<Pair> pairs;
  for (const auto& r : records)
    pairs.push_back({static_cast<double>(weir::ticks(r.at)), r.value});  // exact below 2^53
  const Joint exact(pairs);
  const Exact slope = exact.xy / exact.xx * 1'000'000;
  const double condition =
      __builtin_sqrt(n) + static_cast<double>(root(1 + exact.mean_y * exact.mean_y * exact.n / exact.yy));
  const double bound =
      8 * n * samples::unit * condition * 1e6 * static_cast<double>(root(exact.yy / exact.xx));
  CHECK(samples::error_of(*Trend{}.result(numbers::added(Trend{}, records)), slope) <= bound);

  std::stable_sort(records.begin(), records.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
  Trend::State merged;
  for (auto from = records.begin(); from != records.end(); from += 10)
    Trend{}.merge(merged, numbers::added(Trend{}, std::vector(from, from + 10)));
  CHECK(samples::error_of(*Trend{}.result(merged), slope) <= bound);
}

TEST_CASE("trends obey the laws within rounding") {
  auto seed = GENERATE(1u, 2u, 3u);
  CAPTURE(seed);
  CHECK(check_laws(Trend{}, arrivals(seed, 30, 1'000'000), {.relative = 1e-10, .absolute = 1e-10}));
}

TEST_CASE("states of relations are kept in snapshots") {
  const auto pairs = cloud(7, 20, 1, 2, 3);
  numbers::check_archive(Covariance{}, samples::added(Covariance{}, pairs), Pair{1, 2});
  numbers::check_archive(Correlation{}, samples::added(Correlation{}, pairs), Pair{1, 2});
  numbers::check_archive(Slope{}, samples::added(Slope{}, pairs), Pair{1, 2});
  numbers::check_archive(Trend{}, numbers::added(Trend{}, arrivals(1, 9, 1000)), 1.0);
}

struct Reading {
  std::optional<float> load;
  std::optional<int> heat;
  double price = 0;
};
struct Row {
  std::optional<double> covariance, population, correlation, slope, trend;
};

TEST_CASE("relations are features: a record counts if it has both values") {
  weir::FeatureCounts counts[5];
  const std::vector<Reading> readings{{1.0F, 10},        {2.0F, std::nullopt},
                                      {std::nullopt, 3}, {std::numeric_limits<float>::quiet_NaN(), 4},
                                      {3.0F, 30},        {5.0F, 20}};
  const Row row = numbers::row_of<Row>(
      readings, counts, weir::covariance(&Reading::load, &Reading::heat).as(&Row::covariance),
      weir::population_covariance(&Reading::load, &Reading::heat).as(&Row::population),
      weir::correlation(&Reading::load, &Reading::heat).as(&Row::correlation),
      weir::slope(&Reading::heat, &Reading::load).as(&Row::slope),
      weir::trend(&Reading::heat).as(&Row::trend));
  const std::vector<Pair> pairs{{1, 10}, {3, 30}, {5, 20}};
  CHECK(row.covariance == result_of(Covariance{}, pairs));
  CHECK(row.population == result_of(PopulationCovariance{}, pairs));
  CHECK(row.correlation == result_of(Correlation{}, pairs));
  CHECK(row.slope == 2.5);
  CHECK(row.trend.has_value());
  for (int i = 0; i < 4; ++i)
    CHECK(counts[i] == weir::FeatureCounts{.missing = 2, .nan = 1, .overflowed = 0});
  CHECK(counts[4] == weir::FeatureCounts{.missing = 1, .nan = 0, .overflowed = 0});
}

TEST_CASE("both values stand in the description") {
  const auto slope =
      numbers::described<Row, Reading>(weir::slope(&Reading::heat, &Reading::load).as(&Row::slope));
  CHECK(
      slope.find("\"x\": \"(member)\", \"x_type\": \"float\", \"y\": \"(member)\", \"y_type\": \"int32\"") !=
      std::string::npos);
}

}  // namespace

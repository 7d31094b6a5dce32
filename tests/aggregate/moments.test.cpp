#include <weir/aggregate/moments.hpp>

#include <algorithm>
#include <optional>

#include "aggregate/numbers.hpp"
#include "aggregate/samples.hpp"
#include "catch.hpp"

// What its types are: said here, because every program that includes the header would pay for it.
namespace weir::inline v0 {

static_assert(Aggregator<Skewness<double>, double> && Aggregator<PopulationSkewness<int>, int>);
static_assert(Aggregator<Kurtosis<double>, double> && Aggregator<PopulationKurtosis<int>, int>);
static_assert(Aggregator<Sem<double>, double> && Aggregator<ZScore<double>, double>);
static_assert(sizeof(Skewness<int>::State) == 32 && sizeof(Kurtosis<int>::State) == 40);
static_assert(sizeof(Sem<int>::State) == 24 && sizeof(ZScore<int>::State) == 40);

}  // namespace weir::inline v0

namespace {

using numbers::infinity;
using numbers::nan;
using numbers::Timed;
using samples::Exact;
using samples::result_of;
using weir::event_time;
using weir::Kurtosis;
using weir::PopulationKurtosis;
using weir::PopulationSkewness;
using weir::Sem;
using weir::Skewness;
using weir::ZScore;
using weir::testing::check_laws;

/// Central moments in 128 bits.
struct Central {
  Exact n = 0, mean = 0, second = 0, third = 0, fourth = 0, absolute_third = 0;

  explicit Central(const std::vector<double>& values) : n(static_cast<Exact>(values.size())) {
    for (double x : values) mean += x;
    mean /= n;
    for (double x : values) {
      const Exact d = x - mean;
      second += d * d / n;
      third += d * d * d / n;
      fourth += d * d * d * d / n;
      absolute_third += (d < 0 ? -d : d) * d * d / n;
    }
  }
  /// A root by Newton, from that of double.
  static Exact root(Exact x) {
    Exact guess = __builtin_sqrt(static_cast<double>(x));
    for (int i = 0; i < 3; ++i) guess = (guess + x / guess) / 2;
    return guess;
  }
  [[nodiscard]] Exact skewness() const { return third / (second * root(second)); }
  [[nodiscard]] Exact sample_skewness() const { return skewness() * root(n * (n - 1)) / (n - 2); }
  [[nodiscard]] Exact kurtosis() const { return fourth / (second * second) - 3; }
  [[nodiscard]] Exact sample_kurtosis() const {
    return (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * kurtosis() + 6);
  }
  [[nodiscard]] Exact sem() const { return root(second / (n - 1)); }
  [[nodiscard]] double condition() const {
    return __builtin_sqrt(static_cast<double>(1 + mean * mean / second));
  }
  [[nodiscard]] double skewness_bound() const {
    const auto m = static_cast<double>(absolute_third / (second * root(second)));
    return 8 * static_cast<double>(n) * samples::unit * condition() * (1 + m);
  }
  [[nodiscard]] double kurtosis_bound() const {
    return 16 * static_cast<double>(n) * samples::unit * condition() * static_cast<double>(3 + kurtosis());
  }
};

/// Uniform, lopsided, heavy-tailed, and two values.
std::vector<double> shaped(int shape, std::uint64_t seed, std::size_t n, double offset) {
  samples::Random random{seed};
  std::vector<double> values;
  for (std::size_t i = 0; i < n; ++i) {
    const double u = random.fraction();
    const double x = shape == 0   ? u
                     : shape == 1 ? u * u * u * u
                     : shape == 2 ? 1 / (u + 1e-3)
                     : u < 0.2    ? 1
                                  : 0;
    values.push_back(x + offset);
  }
  return values;
}

template <class A>
typename A::State in_panes(const A& aggregator, const std::vector<double>& values, std::size_t size) {
  typename A::State merged{};
  for (std::size_t from = 0; from < values.size(); from += size) {
    typename A::State pane{};
    for (std::size_t i = from; i < std::min(values.size(), from + size); ++i)
      weir::detail::add_to(aggregator, pane, values[i], event_time(static_cast<std::int64_t>(i)));
    aggregator.merge(merged, pane);
  }
  return merged;
}

TEST_CASE("moments of too few values are empty") {
  CHECK(Skewness<double>{}.result({}) == std::nullopt);
  CHECK(PopulationSkewness<double>{}.result({}) == std::nullopt);
  CHECK(Kurtosis<double>{}.result({}) == std::nullopt);
  CHECK(PopulationKurtosis<double>{}.result({}) == std::nullopt);
  CHECK(Sem<double>{}.result({}) == std::nullopt);
  CHECK(result_of(Skewness<int>{}, std::vector{1, 2}) == std::nullopt);
  CHECK(result_of(PopulationSkewness<int>{}, std::vector{1}) == std::nullopt);
  CHECK(result_of(PopulationSkewness<int>{}, std::vector{1, 2}) == 0.0);
  CHECK(result_of(Kurtosis<int>{}, std::vector{1, 2, 3}) == std::nullopt);
  CHECK(result_of(PopulationKurtosis<int>{}, std::vector{1, 2}) == -2.0);
  CHECK(result_of(Sem<int>{}, std::vector{1}) == std::nullopt);
  CHECK(result_of(Sem<int>{}, std::vector{1, 3}) == 1.0);
}

TEST_CASE("moments of equal values are empty, however large they are") {
  for (const double x : {0.1, 1e15, 1e200, numbers::tiny}) {
    CHECK(result_of(Skewness<double>{}, std::vector<double>(100, x)) == std::nullopt);
    CHECK(result_of(Kurtosis<double>{}, std::vector<double>(100, x)) == std::nullopt);
    CHECK(result_of(Sem<double>{}, std::vector<double>(100, x)) == 0.0);
  }
}

TEST_CASE("small samples come out as by hand") {
  // d = -2 -1 0 3: sums of powers 14, 18, 98
  const std::vector<int> values{8, 9, 10, 13};
  CHECK(*result_of(PopulationSkewness<int>{}, values) == Approx(2 * 18 / (14 * __builtin_sqrt(14.0))));
  CHECK(*result_of(Skewness<int>{}, values) ==
        Approx(2 * 18 / (14 * __builtin_sqrt(14.0)) * __builtin_sqrt(12.0) / 2));
  CHECK(*result_of(PopulationKurtosis<int>{}, values) == Approx(4.0 * 98 / 196 - 3));
  CHECK(*result_of(Kurtosis<int>{}, values) == Approx(3.0 / 2 * (5 * -1.0 + 6)));
}

TEST_CASE("moments agree with those in 128 bits within the stated bounds, added and merged") {
  auto seed = GENERATE(1u, 2u, 3u);
  auto shape = GENERATE(0, 1, 2, 3);
  auto offset = GENERATE(0.0, -1e3, 1e6, 1e9);
  auto n = GENERATE(std::size_t{20}, std::size_t{1000});
  CAPTURE(seed, shape, offset, n);
  const std::vector<double> values = shaped(shape, seed, n, offset);
  const Central exact(values);
  for (const std::size_t size : {n, n / 10, std::size_t{1}}) {
    const auto third = in_panes(Skewness<double>{}, values, size);
    const auto fourth = in_panes(Kurtosis<double>{}, values, size);
    const auto moments = in_panes(Sem<double>{}, values, size);
    CHECK(samples::error_of(*PopulationSkewness<double>{}.result(third), exact.skewness()) <=
          exact.skewness_bound());
    CHECK(samples::error_of(*Skewness<double>{}.result(third), exact.sample_skewness()) <=
          exact.skewness_bound() * 1.2);
    CHECK(samples::error_of(*PopulationKurtosis<double>{}.result(fourth), exact.kurtosis()) <=
          exact.kurtosis_bound());
    CHECK(samples::error_of(*Kurtosis<double>{}.result(fourth), exact.sample_kurtosis()) <=
          exact.kurtosis_bound() * 1.4);
    CHECK(samples::error_of(*Sem<double>{}.result(moments), exact.sem()) <=
          static_cast<double>(n) * samples::unit * exact.condition() * static_cast<double>(exact.sem()));
  }
}

TEST_CASE("moments say what they make of numbers at the ends of double") {
  CHECK(weir::detail::is_nan(*result_of(Skewness<double>{}, std::vector{1.0, infinity, 2.0, 3.0})));
  CHECK(weir::detail::is_nan(*result_of(Kurtosis<double>{}, std::vector{1.0, infinity, 2.0, 3.0})));
  CHECK(weir::detail::is_nan(*result_of(Sem<double>{}, std::vector{1.0, infinity, 2.0, 3.0})));
  CHECK(result_of(Sem<double>{}, std::vector{-1e200, 1e200}) == infinity);
  CHECK(*result_of(Skewness<double>{}, std::vector{-1e100, 0.0, 2e100}) ==
        Approx(*result_of(Skewness<double>{}, std::vector{-1.0, 0.0, 2.0})));
  CHECK(*result_of(Kurtosis<double>{}, std::vector{-1e76, 0.0, 2e76, 0.0}) ==
        Approx(*result_of(Kurtosis<double>{}, std::vector{-1.0, 0.0, 2.0, 0.0})));
  CHECK(*result_of(Kurtosis<double>{}, std::vector{-1e-72, 0.0, 2e-72, 0.0}) ==
        Approx(*result_of(Kurtosis<double>{}, std::vector{-1.0, 0.0, 2.0, 0.0})));
  CHECK(result_of(Kurtosis<double>{}, std::vector{-1e-80, 0.0, 2e-80, 0.0}) == std::nullopt);
  CHECK(result_of(Skewness<double>{}, std::vector{-numbers::tiny, 0.0, numbers::tiny}) == std::nullopt);
}

TEST_CASE("moments obey the laws within rounding") {
  auto seed = GENERATE(1u, 2u, 3u);
  CAPTURE(seed);
  const auto values = shaped(1, seed, 40, 5);
  const weir::testing::LawOptions near{.relative = 1e-12, .absolute = 1e-11};
  CHECK(check_laws(Skewness<double>{}, values, near));
  CHECK(check_laws(PopulationSkewness<double>{}, values, near));
  CHECK(check_laws(Kurtosis<double>{}, values, near));
  CHECK(check_laws(PopulationKurtosis<double>{}, values, near));
  CHECK(check_laws(Sem<double>{}, values, near));
  CHECK(check_laws(Kurtosis<std::int64_t>{}, samples::integers(seed, 30, 2), near));
  CHECK(check_laws(Kurtosis<double>{}, std::vector{1.0, nan, 2.0, 7.0, 5.0}));
}

/// Arrivals out of order, many of them at the same time.
std::vector<Timed<double>> arrivals(std::uint64_t seed, int n, double offset) {
  samples::Random random{seed};
  std::vector<Timed<double>> records;
  for (int i = 0; i < n; ++i)
    records.push_back({random.fraction() + offset, event_time(random.between(-5, 5))});
  return records;
}

TEST_CASE("the z-score is of the newest value against all others") {
  CHECK(ZScore<double>{}.result({}) == std::nullopt);
  CHECK(result_of(ZScore<int>{}, std::vector{1, 2}) == std::nullopt);
  CHECK(result_of(ZScore<int>{}, std::vector{1, 1, 2}) == std::nullopt);
  CHECK(result_of(ZScore<int>{}, std::vector{2, 4, 3}) == 0.0);
  CHECK(*result_of(ZScore<int>{}, std::vector{2, 4, 5}) == Approx(__builtin_sqrt(2.0)));
  CHECK(result_of(ZScore<double>{}, std::vector{2.0, 4.0, infinity}) == infinity);
  CHECK(weir::detail::is_nan(*result_of(ZScore<double>{}, std::vector{infinity, 4.0, 3.0})));
  CHECK(weir::detail::is_nan(*result_of(ZScore<double>{}, std::vector{3.0, 4.0, nan})));
}

TEST_CASE("the newest value is found by event time, and by arrival among equals") {
  auto seed = GENERATE(range(1u, 30u));
  auto n = GENERATE(3, 10, 200);
  auto offset = GENERATE(0.0, 1e6);
  CAPTURE(seed, n, offset);
  const auto records = arrivals(seed, n, offset);
  std::size_t newest = 0;
  for (std::size_t i = 1; i < records.size(); ++i)
    if (records[i].at >= records[newest].at) newest = i;
  std::vector<double> others;
  for (std::size_t i = 0; i < records.size(); ++i)
    if (i != newest) others.push_back(records[i].value);
  const Central exact(others);
  const Exact z = (static_cast<Exact>(records[newest].value) - exact.mean) /
                  Central::root(exact.second * exact.n / (exact.n - 1));
  const double bound = n * samples::unit * exact.condition() *
                       (samples::size_of(static_cast<double>(z)) + 2 * exact.condition());
  CHECK(samples::error_of(*ZScore<double>{}.result(numbers::added(ZScore<double>{}, records)), z) <= bound);
}

TEST_CASE("z-scores obey the laws within rounding") {
  auto seed = GENERATE(1u, 2u, 3u);
  CAPTURE(seed);
  CHECK(check_laws(ZScore<double>{}, arrivals(seed, 30, 3), {.relative = 1e-11, .absolute = 1e-12}));
}

TEST_CASE("states of moments are kept in snapshots") {
  const auto values = samples::fractions(7, 20);
  numbers::check_archive(Skewness<double>{}, samples::added(Skewness<double>{}, values), 1.0);
  numbers::check_archive(Kurtosis<double>{}, samples::added(Kurtosis<double>{}, values), 1.0);
  numbers::check_archive(Sem<double>{}, samples::added(Sem<double>{}, values), 1.0);
  numbers::check_archive(ZScore<double>{}, samples::added(ZScore<double>{}, values), 1.0);
}

struct Reading {
  std::optional<double> value;
};
struct Row {
  std::optional<double> skewness, kurtosis, sem, z, population_skewness, population_kurtosis;
};

TEST_CASE("moments are features: missing and NaN are left out and counted") {
  weir::FeatureCounts counts[6];
  const std::vector<Reading> readings{{1.0}, {std::nullopt}, {2.0}, {nan},
                                      {4.0}, {2.0},          {9.0}, {std::nullopt}};
  const Row row = numbers::row_of<Row>(
      readings, counts, weir::skewness(&Reading::value).as(&Row::skewness),
      weir::kurtosis(&Reading::value).as(&Row::kurtosis), weir::sem(&Reading::value).as(&Row::sem),
      weir::z_score(&Reading::value).as(&Row::z),
      weir::population_skewness(&Reading::value).as(&Row::population_skewness),
      weir::population_kurtosis(&Reading::value).as(&Row::population_kurtosis));
  const std::vector<double> values{1, 2, 4, 2, 9};
  CHECK(row.skewness == result_of(Skewness<double>{}, values));
  CHECK(row.kurtosis == result_of(Kurtosis<double>{}, values));
  CHECK(row.sem == result_of(Sem<double>{}, values));
  CHECK(row.population_skewness == result_of(PopulationSkewness<double>{}, values));
  CHECK(row.population_kurtosis == result_of(PopulationKurtosis<double>{}, values));
  CHECK(*row.z == Approx((9 - 2.25) / __builtin_sqrt(4.75 / 3)));
  for (const auto& count : counts)
    CHECK(count == weir::FeatureCounts{.missing = 2, .nan = 1, .overflowed = 0});
}

}  // namespace

#include <weir/aggregate/variance.hpp>

#include <limits>

#include <weir/testing/laws.hpp>

#include "aggregate/samples.hpp"
#include "catch.hpp"

// What its types are: said here, because every program that includes the header would pay for it.
namespace weir::inline v0 {

static_assert(Aggregator<Variance<double>, double> && !Invertible<Variance<double>>);

}  // namespace weir::inline v0

namespace {

using samples::Exact;
using samples::result_of;
using weir::PopulationStdDev;
using weir::PopulationVariance;
using weir::StdDev;
using weir::Variance;
using weir::testing::check_laws;

Exact sum_of_squares(const std::vector<double>& values) {
  Exact mean = 0, squares = 0;
  for (double x : values) mean += x;
  mean /= static_cast<Exact>(values.size());
  for (double x : values) squares += (x - mean) * (x - mean);
  return squares;
}

TEST_CASE("a sample's variance needs two values, a population's one") {
  CHECK(Variance<double>{}.result({}) == std::nullopt);
  CHECK(PopulationVariance<double>{}.result({}) == std::nullopt);
  CHECK(result_of(Variance<double>{}, std::vector{5.0}) == std::nullopt);
  CHECK(result_of(StdDev<double>{}, std::vector{5.0}) == std::nullopt);
  CHECK(result_of(PopulationVariance<double>{}, std::vector{5.0}) == 0.0);
  CHECK(result_of(Variance<int>{}, std::vector{2, 4}) == 2.0);
  CHECK(result_of(PopulationVariance<int>{}, std::vector{2, 4}) == 1.0);
  CHECK(result_of(PopulationStdDev<int>{}, std::vector{1, 5}) == 2.0);
}

TEST_CASE("the variance agrees with two exact passes, also behind offsets that ruin the textbook formula") {
  auto seed = GENERATE(1u, 2u, 3u);
  auto offset = GENERATE(0.0, 1e6, 1e9, 1e12);
  CAPTURE(seed, offset);
  std::vector<double> values = samples::fractions(seed, 1000);
  for (double& x : values) x += offset;
  const Exact exact = sum_of_squares(values) / 999;
  const double condition = 1 + offset / __builtin_sqrt(static_cast<double>(exact));
  const double bound = 1000 * samples::unit * condition * static_cast<double>(exact);
  CHECK(samples::error_of(*result_of(Variance<double>{}, values), exact) <= bound);

  Variance<double>::State merged;
  for (long pane = 0; pane < 1000; pane += 40)
    Variance<double>{}.merge(
        merged,
        samples::added(Variance<double>{}, std::vector(values.begin() + pane, values.begin() + pane + 40)));
  CHECK(samples::error_of(*Variance<double>{}.result(merged), exact) <= bound);
}

TEST_CASE("small spreads behind a large offset come out exactly") {
  CHECK(result_of(Variance<double>{}, std::vector{1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16}) == 30.0);
  CHECK(result_of(StdDev<double>{}, std::vector{1e15, 1e15 + 2}) ==
        Approx(1.4142135623730951).epsilon(1e-15));
}

TEST_CASE("the variance of equal values is 0 and never negative") {
  CHECK(result_of(Variance<double>{}, std::vector<double>(1000, 0.1)) == 0.0);
  for (unsigned seed = 1; seed < 50; ++seed) {
    std::vector<double> values = samples::fractions(seed, 20);
    for (double& x : values) x = 1e16 + 4 * x;
    CHECK(*result_of(Variance<double>{}, values) >= 0);
  }
}

TEST_CASE("infinite values give NaN, distances beyond the range of double infinity") {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  CHECK(weir::detail::is_nan(*result_of(Variance<double>{}, std::vector{1.0, infinity, 2.0})));
  CHECK(result_of(Variance<double>{}, std::vector{-1e200, 1e200}) == infinity);
  constexpr double tiny = std::numeric_limits<double>::denorm_min();
  CHECK(result_of(Variance<double>{}, std::vector{tiny, -tiny}) == 0.0);
}

TEST_CASE("variances obey the laws within rounding") {
  auto seed = GENERATE(1u, 2u, 3u);
  CAPTURE(seed);
  const auto values = samples::fractions(seed, 40);
  CHECK(check_laws(Variance<double>{}, values, {.relative = 1e-13}));
  CHECK(check_laws(PopulationVariance<double>{}, values, {.relative = 1e-13}));
  CHECK(check_laws(StdDev<double>{}, values, {.relative = 1e-13}));
  CHECK(check_laws(PopulationStdDev<double>{}, values, {.relative = 1e-13}));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(check_laws(Variance<double>{}, std::vector{1.0, nan, 2.0}));
}

}  // namespace

#include <weir/aggregate/mean.hpp>

#include <limits>

#include <weir/testing/laws.hpp>

#include "aggregate/samples.hpp"
#include "catch.hpp"

// What its types are: said here, because every program that includes the header would pay for it.
namespace weir::inline v0 {

static_assert(Aggregator<Mean<double>, double> && !Invertible<Mean<double>>);
static_assert(Aggregator<Mean<Duration>, Duration> && Invertible<Mean<Duration>>);

}  // namespace weir::inline v0

namespace {

using samples::result_of;
using weir::Mean;
using weir::testing::check_laws;

TEST_CASE("the mean of nothing is empty, of one value that value") {
  CHECK(Mean<double>{}.result({}) == std::nullopt);
  CHECK(Mean<int>{}.result({}) == std::nullopt);
  CHECK(Mean<weir::Duration>{}.result({}) == std::nullopt);
  CHECK(result_of(Mean<double>{}, std::vector{0.1}) == 0.1);
  CHECK(result_of(Mean<int>{}, std::vector{-7}) == -7.0);
}

TEST_CASE("the mean of integers is correct to rounding however large they are") {
  auto seed = GENERATE(1u, 2u, 3u);
  CAPTURE(seed);
  samples::Random random{seed};
  std::vector<std::int64_t> values;
  samples::Exact exact = 0;
  for (int i = 0; i < 1000; ++i) {
    values.push_back(std::numeric_limits<std::int64_t>::max() - random.between(0, 1000));
    exact += values.back();
  }
  exact /= 1000;
  CHECK(samples::error_of(*result_of(Mean<std::int64_t>{}, values), exact) <=
        3 * samples::unit * static_cast<double>(exact));
}

TEST_CASE("the mean of doubles keeps the accuracy of the sum at large offsets") {
  auto seed = GENERATE(1u, 2u, 3u);
  auto offset = GENERATE(0.0, 1e9, 1e15);
  CAPTURE(seed, offset);
  std::vector<double> values = samples::fractions(seed, 1000);
  samples::Exact exact = 0;
  for (double& x : values) exact += (x += offset);
  exact /= 1000;
  CHECK(samples::error_of(*result_of(Mean<double>{}, values), exact) <=
        3 * samples::unit * static_cast<double>(exact));
}

TEST_CASE("a mean near zero of large values is not lost to cancellation") {
  CHECK(result_of(Mean<double>{}, std::vector{1e17, 3.0, -1e17}) == 1.0);
}

TEST_CASE("the mean of durations is a duration, cut towards zero") {
  using weir::Duration;
  CHECK(result_of(Mean<Duration>{}, std::vector{Duration{1}, Duration{2}}) == Duration{1});
  CHECK(result_of(Mean<Duration>{}, std::vector{Duration{-1}, Duration{-2}}) == Duration{-1});
  const Duration longest = Duration::max();
  CHECK(result_of(Mean<Duration>{}, std::vector{longest, longest, longest}) == longest);
}

TEST_CASE("means obey the laws: those of integers also without order and with removal") {
  CHECK(check_laws(Mean<std::int64_t>{}, samples::integers(1, 40, std::int64_t{1} << 61)));
  CHECK(check_laws(Mean<weir::Duration>{},
                   std::vector{weir::Duration{5}, weir::Duration{-9}, weir::Duration{1}}));
  CHECK(check_laws(Mean<double>{}, samples::fractions(2, 40), {.ulps = 3}));
}

}  // namespace

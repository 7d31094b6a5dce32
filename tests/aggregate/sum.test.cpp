#include <weir/aggregate/sum.hpp>

#include <limits>

#include <weir/testing/laws.hpp>

#include "aggregate/samples.hpp"
#include "catch.hpp"

// What its types are: said here, because every program that includes the header would pay for it.
namespace weir::inline v0 {

static_assert(Aggregator<Sum<std::int32_t>, std::int32_t> && Invertible<Sum<std::int32_t>>);
static_assert(Aggregator<Sum<double>, double> && !Invertible<Sum<double>>);

}  // namespace weir::inline v0

namespace {

using samples::result_of;
using weir::Checked;
using weir::Sum;
using weir::testing::check_laws;
constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
constexpr double infinity = std::numeric_limits<double>::infinity();

TEST_CASE("a sum of nothing is 0") {
  CHECK(Sum<int>{}.result({}) == Checked<std::int64_t>{0, false});
  CHECK(Sum<double>{}.result({}) == 0.0);
  CHECK(Sum<weir::Duration>{}.result({}) == Checked<weir::Duration>{weir::Duration{0}, false});
}

TEST_CASE("an integer sum is exact or says that it does not fit, on random values of full width") {
  auto seed = GENERATE(1u, 2u, 3u, 4u);
  CAPTURE(seed);
  samples::Random random{seed};
  for (int round = 0; round < 500; ++round) {
    std::vector<std::int64_t> values;
    samples::Wide exact = 0;
    for (auto n = random.below(8); n > 0; --n) {
      values.push_back(static_cast<std::int64_t>(random.bits()) >> random.below(60));
      exact += values.back();
    }
    const auto sum = result_of(Sum<std::int64_t>{}, values);
    const auto held = exact > most ? most : exact < least ? least : static_cast<std::int64_t>(exact);
    CHECK(sum.value == held);
    CHECK(sum.overflowed == (exact != held));
  }
}

TEST_CASE("an integer sum that leaves int64 on the way comes back exactly") {
  CHECK(result_of(Sum<std::int64_t>{}, std::vector{most, most, most, least, least}) ==
        Checked<std::int64_t>{most - 2, false});
  CHECK(result_of(Sum<std::int64_t>{}, std::vector{most, std::int64_t{1}}) ==
        Checked<std::int64_t>{most, true});
  CHECK(result_of(Sum<std::int64_t>{}, std::vector{least, std::int64_t{-1}}) ==
        Checked<std::int64_t>{least, true});
}

TEST_CASE("unsigned values have an unsigned sum") {
  constexpr auto top = std::numeric_limits<std::uint64_t>::max();
  CHECK(result_of(Sum<std::uint64_t>{}, std::vector{top - 1, std::uint64_t{1}}) ==
        Checked<std::uint64_t>{top, false});
  CHECK(result_of(Sum<std::uint64_t>{}, std::vector{top, std::uint64_t{1}}) ==
        Checked<std::uint64_t>{top, true});
}

TEST_CASE("durations add up, and a sum beyond Duration is held") {
  using weir::Duration;
  CHECK(result_of(Sum<Duration>{}, std::vector{Duration{3}, Duration{-5}}) ==
        Checked<Duration>{Duration{-2}, false});
  CHECK(result_of(Sum<Duration>{}, std::vector{Duration{most}, Duration{1}}) ==
        Checked<Duration>{Duration{most}, true});
}

TEST_CASE("integer sums obey the laws, order independence and removal among them") {
  CHECK(check_laws(Sum<std::int64_t>{}, samples::integers(1, 40, most / 4)));
  CHECK(check_laws(Sum<std::int64_t>{}, std::vector{most, most, least, std::int64_t{7}, least, most}));
}

TEST_CASE("a float sum keeps its bound on random values of every size") {
  auto seed = GENERATE(1u, 2u, 3u, 4u, 5u);
  auto range = GENERATE(0, 20, 45);
  CAPTURE(seed, range);
  const auto values = samples::spreads(seed, 1000, range);
  samples::Exact exact = 0, sizes = 0;
  for (double x : values) {
    exact += x;
    sizes += samples::size_of(x);
  }
  const double n = static_cast<double>(values.size()), u = samples::unit;
  const double bound =
      2 * u * samples::size_of(static_cast<double>(exact)) + 2 * n * n * u * u * static_cast<double>(sizes);
  CHECK(samples::error_of(result_of(Sum<double>{}, values), exact) <= bound);

  Sum<double>::State merged;
  for (std::size_t pane = 0; pane < values.size(); pane += 50)
    Sum<double>{}.merge(
        merged, samples::added(Sum<double>{}, std::vector(values.begin() + static_cast<long>(pane),
                                                          values.begin() + static_cast<long>(pane) + 50)));
  CHECK(samples::error_of(Sum<double>{}.result(merged), exact) <= bound);
}

TEST_CASE("a float sum survives cancellation where the plain sum loses everything") {
  CHECK(result_of(Sum<double>{}, std::vector{1.0, 1e100, 1.0, -1e100}) == 2.0);
  CHECK(result_of(Sum<double>{}, std::vector{1e16, 1.0, -1e16}) == 1.0);
  std::vector<double> tenths(10, 0.1);
  CHECK(result_of(Sum<double>{}, tenths) == 1.0);
  CHECK(result_of(Sum<float>{}, std::vector<float>(1 << 25, 1.0F)) == 33554432.0);
}

TEST_CASE("a float sum is exact down to the smallest denormal") {
  constexpr double tiny = std::numeric_limits<double>::denorm_min();
  CHECK(result_of(Sum<double>{}, std::vector<double>(1000, tiny)) == 1000 * tiny);
  CHECK(result_of(Sum<double>{}, std::vector{1.0, tiny, -1.0}) == tiny);
}

TEST_CASE("infinities in a float sum behave as in IEEE 754") {
  constexpr double big = std::numeric_limits<double>::max();
  const auto sum = [](std::vector<double> values) { return result_of(Sum<double>{}, values); };
  CHECK(sum({1.0, infinity, 2.0}) == infinity);
  CHECK(sum({-infinity, 1.0, -infinity}) == -infinity);
  CHECK(weir::detail::is_nan(sum({infinity, 1.0, -infinity})));
  CHECK(weir::detail::is_nan(sum({1.0, std::numeric_limits<double>::quiet_NaN()})));
  CHECK(sum({big, big}) == infinity);
  CHECK(sum({big, -big, 1.0}) == 1.0);
  CHECK(sum({big, big / (1LL << 54)}) == big);
  CHECK(check_laws(Sum<double>{}, std::vector{1.0, infinity, -2.0, infinity, 4.0}));
  CHECK(check_laws(Sum<double>{}, std::vector{1.0, infinity, -2.0, -infinity, 4.0}));
}

TEST_CASE("float sums obey the laws, to the last bit where they are exact and within two ulps elsewhere") {
  auto seed = GENERATE(1u, 2u, 3u);
  CAPTURE(seed);
  std::vector<double> eighths;
  for (auto x : samples::integers(seed, 40, 1'000'000)) eighths.push_back(static_cast<double>(x) / 8);
  CHECK(check_laws(Sum<double>{}, eighths));
  CHECK(check_laws(Sum<double>{}, samples::fractions(seed, 40), {.ulps = 2}));
  CHECK(check_laws(Sum<double>{}, samples::spreads(seed, 60, 30), {.ulps = 2, .most_cuts = 500}));
}

TEST_CASE("sums are constant expressions") {
  constexpr auto total = [] {
    Sum<int>::State state{};
    Sum<int>{}.add(state, 40);
    Sum<int>{}.add(state, 2);
    return Sum<int>{}.result(state).value;
  }();
  STATIC_REQUIRE(total == 42);
}

}  // namespace

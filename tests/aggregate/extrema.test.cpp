#include <weir/aggregate/extrema.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include <weir/testing/laws.hpp>

#include "aggregate/numbers.hpp"
#include "aggregate/samples.hpp"
#include "catch.hpp"

// What its types are: said here, because every program that includes the header would pay for it.
namespace weir::inline v0 {

static_assert(Aggregator<AbsMin<double>, double> && Aggregator<AbsMax<int>, int>);
static_assert(sizeof(AbsMin<float>::State) == 8 && sizeof(AbsMax<std::int8_t>::State) == 16);
static_assert(Aggregator<Min<double>, double> && Aggregator<Max<std::string>, std::string_view>);
static_assert(Aggregator<Range<EventTime>, EventTime> && !Invertible<Min<int>>);

static_assert(sizeof(Min<double>::State) == 8 && sizeof(Max<std::int64_t>::State) == 16);
static_assert(sizeof(Range<float>::State) == 16 && sizeof(Range<EventTime>::State) == 32);

}  // namespace weir::inline v0

namespace {

using samples::result_of;
using weir::Max;
using weir::Min;
using weir::Range;
using weir::testing::check_laws;
constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

TEST_CASE("extremes of nothing are empty") {
  CHECK(Min<double>{}.result({}) == std::nullopt);
  CHECK(Max<double>{}.result({}) == std::nullopt);
  CHECK(Min<std::string>{}.result({}) == std::nullopt);
  CHECK(Range<int>{}.result({}) == std::nullopt);
}

TEST_CASE("extremes agree with std::minmax_element on random values") {
  auto seed = GENERATE(1u, 2u, 3u, 4u);
  CAPTURE(seed);
  const auto values = samples::spreads(seed, 300, 1000);
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  CHECK(result_of(Min<double>{}, values) == *low);
  CHECK(result_of(Max<double>{}, values) == *high);
  CHECK(result_of(Range<double>{}, values) == *high - *low);

  const auto whole = samples::integers(seed, 300, std::int64_t{1} << 61);
  const auto [least, most] = std::minmax_element(whole.begin(), whole.end());
  CHECK(result_of(Min<std::int64_t>{}, whole) == *least);
  CHECK(result_of(Max<std::int64_t>{}, whole) == *most);
  CHECK(result_of(Range<std::int64_t>{}, whole) == static_cast<std::uint64_t>(*most - *least));
}

TEST_CASE("the limits of a type are values like any other") {
  using Limits = std::numeric_limits<std::int64_t>;
  CHECK(result_of(Min<std::int64_t>{}, std::vector{Limits::max()}) == Limits::max());
  CHECK(result_of(Max<std::int64_t>{}, std::vector{Limits::min()}) == Limits::min());
  CHECK(result_of(Range<std::int64_t>{}, std::vector{Limits::max(), Limits::min()}) ==
        std::numeric_limits<std::uint64_t>::max());
  CHECK(result_of(Min<double>{}, std::vector{infinity}) == infinity);
  CHECK(result_of(Max<double>{}, std::vector{-infinity}) == -infinity);
  CHECK(result_of(Range<double>{}, std::vector{infinity, infinity}) == 0.0);
  CHECK(result_of(Range<double>{}, std::vector{-infinity, infinity}) == infinity);
  constexpr double tiny = std::numeric_limits<double>::denorm_min();
  CHECK(result_of(Min<double>{}, std::vector{0.0, tiny, -tiny}) == -tiny);
  CHECK(result_of(Max<float>{}, std::vector{1.5F, -2.0F}) == 1.5F);
}

TEST_CASE("the sign of a zero does not depend on the order of records") {
  for (const auto& zeros : {std::vector{0.0, -0.0}, std::vector{-0.0, 0.0}}) {
    CHECK(__builtin_signbit(*result_of(Min<double>{}, zeros)) != 0);
    CHECK(__builtin_signbit(*result_of(Max<double>{}, zeros)) == 0);
    CHECK(__builtin_signbit(*result_of(Range<double>{}, zeros)) == 0);
  }
}

TEST_CASE("a NaN that is let through wins over every number, from either side") {
  for (const auto& values : {std::vector{nan, 1.0, -infinity}, std::vector{1.0, infinity, -nan}}) {
    CHECK(weir::detail::is_nan(*result_of(Min<double>{}, values)));
    CHECK(weir::detail::is_nan(*result_of(Max<double>{}, values)));
    CHECK(weir::detail::is_nan(*result_of(Range<double>{}, values)));
  }
}

TEST_CASE("strings, enums, durations and instants have extremes") {
  enum class Level { low, high };
  CHECK(result_of(Max<std::string>{}, std::vector<std::string>{"b", "", "ab"}) == "b");
  CHECK(result_of(Min<std::string>{}, std::vector<std::string_view>{"b", "", "ab"}) == "");
  CHECK(result_of(Max<Level>{}, std::vector{Level::high, Level::low}) == Level::high);
  const auto instants = std::vector{weir::event_time(7), weir::event_time(-3)};
  CHECK(result_of(Min<weir::EventTime>{}, instants) == weir::event_time(-3));
  CHECK(result_of(Range<weir::EventTime>{}, instants) ==
        weir::Checked<weir::Duration>{weir::Duration{10}, false});
}

TEST_CASE("a range beyond Duration is held and says so") {
  const auto range =
      result_of(Range<weir::EventTime>{}, std::vector{weir::end_of_time, weir::event_time(-1)});
  CHECK(range == weir::Checked<weir::Duration>{weir::Duration::max(), true});
}

TEST_CASE("extremes obey the laws, order independence to the last bit among them") {
  const std::vector<double> awkward{0.0, -0.0, 3.0, nan, infinity, -infinity, -0.0, 5e-324, -5e-324, 0.0};
  const std::vector<double> zeros{0.0, -0.0, 0.0, -0.0};
  for (const auto& values : {awkward, zeros, samples::spreads(1, 30, 1000)}) {
    CHECK(check_laws(Min<double>{}, values));
    CHECK(check_laws(Max<double>{}, values));
    CHECK(check_laws(Range<double>{}, values));
  }
  CHECK(check_laws(Min<std::int64_t>{}, samples::integers(1, 30, 9)));
  CHECK(check_laws(Max<std::string>{}, std::vector<std::string>{"b", "", "ab", "b", "c"}));
  CHECK(check_laws(Range<std::int64_t>{}, samples::integers(2, 30, std::int64_t{1} << 61)));
}

TEST_CASE("the extreme of doubles costs eight bytes") {
  STATIC_REQUIRE(sizeof(Min<double>::State) == 8);
  STATIC_REQUIRE(sizeof(Range<float>::State) == 16);
}

using weir::AbsMax;
using weir::AbsMin;

TEST_CASE("sizes know no sign, and that of the least integer has a place") {
  CHECK(AbsMax<int>{}.result({}) == std::nullopt);
  CHECK(AbsMin<double>{}.result({}) == std::nullopt);
  CHECK(result_of(AbsMax<int>{}, std::vector{3, -7, 5}) == 7U);
  CHECK(result_of(AbsMin<int>{}, std::vector{3, -7, 5}) == 3U);
  constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
  CHECK(result_of(AbsMax<std::int64_t>{}, std::vector{least, std::int64_t{1}}) == std::uint64_t{1} << 63U);
  CHECK(result_of(AbsMin<std::int64_t>{}, std::vector{least}) == std::uint64_t{1} << 63U);
  CHECK(result_of(AbsMax<std::int8_t>{}, std::vector<std::int8_t>{-128, 127}) == 128U);
  CHECK(result_of(AbsMax<std::uint64_t>{}, std::vector{~std::uint64_t{0}}) == ~std::uint64_t{0});
  CHECK(result_of(AbsMax<bool>{}, std::vector<int>{0, 1}) == 1U);
  CHECK(result_of(AbsMax<double>{}, std::vector{-2.5, 2.0}) == 2.5);
  CHECK(result_of(AbsMax<double>{}, std::vector{-infinity, 2.0}) == infinity);
  CHECK(std::signbit(*result_of(AbsMin<double>{}, std::vector{-0.0, 2.0})) == false);
  CHECK(weir::detail::is_nan(*result_of(AbsMax<double>{}, std::vector{1.0, -nan})));
  CHECK(weir::detail::is_nan(*result_of(AbsMin<double>{}, std::vector{-nan, 1.0})));
}

TEST_CASE("sizes obey the laws, order independence to the last bit among them") {
  const std::vector<double> awkward{0.0, -0.0, 3.0, nan, infinity, -infinity, -0.0, 5e-324, -5e-324, 0.0};
  CHECK(check_laws(AbsMin<double>{}, awkward));
  CHECK(check_laws(AbsMax<double>{}, awkward));
  CHECK(check_laws(AbsMin<std::int64_t>{}, samples::integers(1, 30, 9)));
  CHECK(check_laws(AbsMax<std::int64_t>{}, samples::integers(1, 30, 9)));
  const std::vector<std::int64_t> values{-3, 2};
  numbers::check_archive(AbsMax<std::int64_t>{}, samples::added(AbsMax<std::int64_t>{}, values),
                         std::int64_t{-4});
  numbers::check_archive(AbsMin<double>{}, samples::added(AbsMin<double>{}, awkward), -4.0);
}

struct Swing {
  std::optional<double> volts;
  std::int16_t steps = 0;
};
struct Sizes {
  std::optional<double> least;
  std::int16_t most = 0;
};

TEST_CASE("a size that does not fit its field is held there and flagged") {
  weir::FeatureCounts counts[2];
  const std::vector<Swing> swings{{-3.5, -32768}, {std::nullopt, 5}, {nan, 5}};
  const Sizes row = numbers::row_of<Sizes>(swings, counts, weir::abs_min(&Swing::volts).as(&Sizes::least),
                                           weir::abs_max(&Swing::steps).as(&Sizes::most));
  CHECK(row.least == 3.5);
  CHECK(row.most == 32767);
  CHECK(counts[0] == weir::FeatureCounts{.missing = 1, .nan = 1, .overflowed = 0});
}

TEST_CASE("a range of which only one end was read is empty") {
  const weir::Range<int> range;
  weir::Range<int>::State state;
  range.add(state, 7);
  auto low = state, high = state;
  low.high = {};
  high.low = {};
  CHECK(range.result(low) == std::nullopt);
  CHECK(range.result(high) == std::nullopt);
  CHECK(range.result(state) == 0U);
}

}  // namespace

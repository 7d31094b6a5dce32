#include <weir/aggregate/histogram.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <weir/aggregate/aggregate.hpp>
#include <weir/testing/laws.hpp>

#include "aggregate/samples.hpp"
#include "catch.hpp"

// What its types are: said here, because every program that includes the header would pay for it.
namespace weir::inline v0 {

static_assert(Aggregator<Histogram<double, 8>, double> && Invertible<Histogram<int, 1>>);
static_assert(Aggregator<AdaptiveHistogram<double, 8>, double>);
static_assert(sizeof(AdaptiveHistogram<double, 8>::State) == 8 * 8 + 24);

}  // namespace weir::inline v0

namespace {

using samples::result_of;
using samples::written;
using weir::AdaptiveBuckets;
using weir::AdaptiveHistogram;
using weir::Histogram;
using weir::testing::check_laws;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

template <std::size_t n>
using Counts = std::array<std::uint64_t, n>;

TEST_CASE("histograms of nothing are zeros, or empty") {
  CHECK(Histogram<double, 3>{}.result({}) == Counts<3>{});
  CHECK(AdaptiveHistogram<double, 4>{}.result({}) == std::nullopt);
}

TEST_CASE("fixed buckets count what is in them, and the ends what is beyond") {
  const Histogram<double, 4> histogram{0, 8};
  const std::vector<double> values{0, 1.9, 2, 3, 7.99, 8, 100, -1, -infinity, infinity, nan, -0.0, 5e-324};
  CHECK(result_of(histogram, values) == Counts<4>{6, 2, 0, 4});
  CHECK(result_of(Histogram<int, 1>{0, 1}, std::vector{-5, 0, 9}) == Counts<1>{3});
  const double large = std::numeric_limits<double>::max();
  CHECK(result_of(Histogram<double, 2>{0, large}, std::vector{-large, large, 1.0}) == Counts<2>{2, 1});
  for (const double odd : {0.0, infinity, -infinity, nan, -large})
    for (const double to : {0.0, nan, large}) {
      const auto counts =
          result_of(Histogram<double, 3>{odd, to}, std::vector{-infinity, 0.0, 1.0, infinity});
      CHECK(counts[0] + counts[1] + counts[2] == 4);
    }
}

TEST_CASE("a fixed bucket's values are within its bounds, but for rounding") {
  const Histogram<double, 10> histogram{-1, 1};
  for (const double fraction : samples::fractions(1, 10'000)) {
    const double x = 2 * fraction - 1;
    Histogram<double, 10>::State state;
    histogram.add(state, x);
    std::size_t i = 0;
    while (state.counts[i] == 0) ++i;
    CHECK(x >= -1 + 0.2 * static_cast<double>(i) - 1e-15);
    CHECK(x <= -1 + 0.2 * static_cast<double>(i + 1) + 1e-15);
  }
}

/// Tries every width from the finest on.
template <std::size_t n>
AdaptiveBuckets<n> reference(const std::vector<double>& values) {
  int finest = -1074;
  for (const double x : values)
    if (x != 0) finest = std::max(finest, std::ilogb(x) - 52);
  for (int exponent = finest;; ++exponent) {
    const auto floor_of = [exponent](double x) {
      return static_cast<double>(std::floor(std::ldexp(static_cast<long double>(x), -exponent)));
    };
    double low = infinity, high = -infinity;
    for (const double x : values) {
      low = std::min(low, floor_of(x));
      high = std::max(high, floor_of(x));
    }
    if (high - low >= static_cast<double>(n)) continue;
    AdaptiveBuckets<n> buckets{std::ldexp(low, exponent), std::ldexp(1.0, exponent), {}, 0};
    for (const double x : values) ++buckets.counts[static_cast<std::size_t>(floor_of(x) - low)];
    return buckets;
  }
}

TEST_CASE("adaptive buckets are the finest that hold all values") {
  const int sizes = GENERATE(0, 1, 5, 60, 1000);
  const std::size_t n = GENERATE(1u, 2u, 3u, 10u, 200u);
  const int kind = GENERATE(range(0, 4));
  CAPTURE(sizes, n, kind);
  auto values = samples::spreads(n, n, sizes);
  if (kind == 1)
    for (double& x : values) x = std::abs(x);
  if (kind == 2)
    for (double& x : values) x = 1e6 + std::floor(x);
  if (kind == 3) values[n / 2] = 0;
  CHECK(result_of(AdaptiveHistogram<double, 8>{}, values) == reference<8>(values));
  CHECK(result_of(AdaptiveHistogram<double, 50>{}, values) == reference<50>(values));
}

TEST_CASE("adaptive buckets at the limits of numbers") {
  const double large = std::numeric_limits<double>::max();
  const auto ends = *result_of(AdaptiveHistogram<double, 4>{}, std::vector{-large, large, 5e-324, -5e-324});
  CHECK(ends == AdaptiveBuckets<4>{-infinity, 0x1p1023, {1, 1, 1, 1}, 0});  // from -2^1024 on
  const auto tiny = *result_of(AdaptiveHistogram<double, 4>{}, std::vector{0.0, 5e-324, -5e-324, 1e-323});
  CHECK(tiny == AdaptiveBuckets<4>{-5e-324, 5e-324, {1, 1, 1, 1}, 0});
  const auto far = *result_of(AdaptiveHistogram<double, 4>{}, std::vector{infinity, -infinity, nan});
  CHECK(far == AdaptiveBuckets<4>{0, 0, {}, 3});
  const auto same = *result_of(AdaptiveHistogram<double, 4>{}, std::vector{3.0, 3.0});
  CHECK(same == AdaptiveBuckets<4>{3, 0x1p-51, {2}, 0});
}

TEST_CASE("histograms obey the laws, order independence among them") {
  const int range = GENERATE(0, 6, 500);
  CHECK(check_laws(Histogram<double, 5>{-3, 3}, samples::spreads(1, 25, range)));
  CHECK(check_laws(AdaptiveHistogram<double, 8>{}, samples::spreads(2, 25, range)));
  CHECK(check_laws(AdaptiveHistogram<std::int64_t, 4>{}, samples::integers(3, 25, 20)));
  CHECK(check_laws(AdaptiveHistogram<double, 8>{}, std::vector<double>{1, infinity, 2, nan, 1e9, -4, 0}));
}

TEST_CASE("the state of an adaptive histogram depends on the values alone") {
  auto values = samples::spreads(1, 300, 200);
  const AdaptiveHistogram<double, 16> histogram;
  const std::string bytes = written(samples::added(histogram, values));
  for (int round = 0; round < 5; ++round) {
    if (round < 2) std::sort(values.begin(), values.end());
    if (round == 1) std::reverse(values.begin(), values.end());
    samples::Random random{static_cast<std::uint64_t>(round)};
    for (std::size_t i = 300; i > 1 && round >= 2; --i) std::swap(values[i - 1], values[random.below(i)]);
    CHECK(written(samples::added(histogram, values)) == bytes);
  }
}

TEST_CASE("histograms are read as they were written, and damaged bytes are refused") {
  const AdaptiveHistogram<double, 8> histogram;
  for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{50}}) {
    const auto state = samples::added(histogram, samples::spreads(n, n, 9));
    const std::string bytes = written(state);
    weir::Archive in(bytes);
    AdaptiveHistogram<double, 8>::State read;
    in(read);
    CHECK(in.is_good());
    CHECK(written(read) == bytes);
    samples::Random random{n};
    for (int round = 0; round < 1000; ++round) {
      std::string damaged =
          bytes.substr(0, random.below(2) == 0 ? bytes.size() : random.below(bytes.size() + 1));
      for (std::uint64_t k = random.below(4); k > 0 && !damaged.empty(); --k)
        damaged[random.below(damaged.size())] = static_cast<char>(random.bits());
      weir::Archive hostile(damaged);
      AdaptiveHistogram<double, 8>::State any;
      hostile(any);
      auto other = state;
      histogram.merge(other, any);
      histogram.merge(any, state);
      for (const double x : {0.0, 1e308, -1e308, -1e-308}) histogram.add(any, x);
      CHECK(histogram.result(any).has_value());
    }
  }
}

struct Request {
  std::optional<double> seconds;
  std::int32_t bytes = 0;
};
struct Row {
  std::array<std::int32_t, 4> seconds{};
  AdaptiveBuckets<4> bytes;
};

template <class... Features>
auto rows_of(Features... features) {
  return weir::RowAggregator<Row, Request, Features...>(features...);
}

TEST_CASE("features hold histograms") {
  const auto rows = rows_of(weir::histogram<4>(&Request::seconds, {.from = 0, .to = 4}).as(&Row::seconds),
                            weir::adaptive_histogram<4>(&Request::bytes).as(&Row::bytes));
  decltype(rows)::State state{};
  for (int i = 0; i < 8; ++i)
    rows.add(state, {i % 2 == 0 ? std::optional(i * 1.0) : std::nullopt, i}, weir::event_time(i));
  const Row row = rows.result(state, {weir::no_time, weir::event_time(101)});
  CHECK(row.seconds == std::array<std::int32_t, 4>{1, 0, 1, 2});
  CHECK(row.bytes == AdaptiveBuckets<4>{0, 2, {2, 2, 2, 2}, 0});
  CHECK(weir::detail::HistogramOf<4>{0, 4}.problem().empty());
  CHECK(weir::detail::HistogramOf<4>{3, 2}.problem() == "to is 2; give a number well above from, which is 3");
  CHECK_FALSE(weir::detail::HistogramOf<4>{0, 1e-310}.problem().empty());
  CHECK(weir::detail::HistogramOf<4>{0, 1e-300}.problem().empty());
  CHECK_FALSE(weir::detail::HistogramOf<4>{-1e308, 1e308}.problem().empty());
}

}  // namespace

#include <weir/aggregate/exact_quantile.hpp>

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

static_assert(Aggregator<ExactQuantile<double>, double> && Aggregator<Iqr<int>, int> &&
              Aggregator<Mad<bool>, bool>);

}  // namespace weir::inline v0

namespace {

using samples::Exact;
using samples::result_of;
using samples::written;
using weir::Checked;
using weir::ExactQuantile;
using weir::Iqr;
using weir::Mad;
using weir::testing::check_laws;

constexpr double infinity = std::numeric_limits<double>::infinity();

Exact reference(std::vector<Exact> values, double q) {
  std::sort(values.begin(), values.end());
  const double rank = q * static_cast<double>(values.size() - 1);
  const auto low = static_cast<std::size_t>(rank), high = std::min(low + 1, values.size() - 1);
  return values[low] + (static_cast<Exact>(rank) - static_cast<Exact>(low)) * (values[high] - values[low]);
}

TEST_CASE("exact quantiles of nothing are empty") {
  CHECK(ExactQuantile<double>{}.result({}) == std::nullopt);
  CHECK(Iqr<double>{}.result({}) == std::nullopt);
  CHECK(Mad<double>{}.result({}) == std::nullopt);
}

TEST_CASE("quantiles are interpolated between neighbours, by type 7") {
  const std::vector<int> four{4, 1, 3, 2};
  CHECK(result_of(ExactQuantile<int>{{}, 0.5}, four)->value == 2.5);
  CHECK(result_of(ExactQuantile<int>{{}, 0.25}, four)->value == 1.75);
  CHECK(result_of(ExactQuantile<int>{{}, 0}, four)->value == 1);
  CHECK(result_of(ExactQuantile<int>{{}, 1}, four)->value == 4);
  CHECK(result_of(ExactQuantile<int>{}, std::vector{7})->value == 7);
  CHECK(result_of(Iqr<int>{}, four)->value == 1.5);
  CHECK(result_of(Mad<int>{}, std::vector{1, 1, 2, 2, 4, 6, 9})->value == 1);
  CHECK(result_of(Mad<int>{}, std::vector{5})->value == 0);
  CHECK(result_of(ExactQuantile<bool>{}, std::vector<bool>{true, false})->value == 0.5);
}

TEST_CASE("quantiles, IQR and MAD agree with sorting in 128 bits") {
  const std::size_t n = GENERATE(1u, 2u, 3u, 10u, 101u, 1000u);
  const int range = GENERATE(1, 40);
  CAPTURE(n, range);
  const auto values = samples::spreads(n, n, range);
  const std::vector<Exact> wide(values.begin(), values.end());
  double scale = 0;
  for (const double x : values) scale = std::max(scale, std::abs(x));
  for (const double q : {0.0, 0.1, 0.25, 0.5, 0.77, 1.0}) {
    const Exact exact = reference(wide, q);
    CHECK(samples::error_of(result_of(ExactQuantile<double>{{}, q}, values)->value, exact) <=
          4 * samples::unit * scale);
  }
  CHECK(samples::error_of(result_of(Iqr<double>{}, values)->value,
                          reference(wide, 0.75) - reference(wide, 0.25)) <= 8 * samples::unit * scale);
  const Exact median = reference(wide, 0.5);
  std::vector<Exact> distances;
  for (const Exact x : wide) distances.push_back(x < median ? median - x : x - median);
  CHECK(samples::error_of(result_of(Mad<double>{}, values)->value, reference(distances, 0.5)) <=
        16 * samples::unit * scale);
}

TEST_CASE("more values than are kept: NaN, flagged, and no memory") {
  const ExactQuantile<int> two{{.most = 2}, 0.5};
  CHECK(result_of(two, std::vector{1, 2}) == Checked<double>{1.5, false});
  const auto full = samples::added(two, std::vector{1, 2, 3});
  CHECK(std::isnan(two.result(full)->value));
  CHECK(two.result(full)->overflowed);
  CHECK(full.values().empty());
  CHECK(result_of(Mad<int>{{.most = 0}}, std::vector{1})->overflowed);
  CHECK(check_laws(two, std::vector{1, 2, 2, 1}));
  CHECK(check_laws(ExactQuantile<int>{{.most = 4}, 0.5}, std::vector{1, 2, 2, 1}));
}

TEST_CASE("numbers at their limits") {
  const double large = std::numeric_limits<double>::max();
  CHECK(result_of(ExactQuantile<double>{}, std::vector{-large, large})->value == 0);
  CHECK(std::abs(result_of(ExactQuantile<double>{{}, 0.25}, std::vector{-large, large})->value / large +
                 0.5) <= 2 * samples::unit);
  CHECK(result_of(ExactQuantile<double>{}, std::vector{1.0, infinity})->value == infinity);
  CHECK(result_of(ExactQuantile<double>{{}, 0}, std::vector{-infinity, infinity})->value == -infinity);
  CHECK(std::isnan(result_of(ExactQuantile<double>{}, std::vector{-infinity, infinity})->value));
  CHECK(std::isnan(result_of(Mad<double>{}, std::vector{infinity, infinity, 1.0})->value));
  CHECK(result_of(Mad<double>{}, std::vector{1.0, 2.0, infinity})->value == 1);
  CHECK(result_of(ExactQuantile<double>{}, std::vector{5e-324, 5e-324})->value == 5e-324);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto propagated = result_of(Iqr<double>{}, std::vector{1.0, nan});
  CHECK(std::isnan(propagated->value));
  CHECK_FALSE(propagated->overflowed);
  CHECK(result_of(ExactQuantile<std::int64_t>{{}, 1}, std::vector<std::int64_t>{INT64_MAX})->value == 0x1p63);
  for (const double q : {-1.0, 2.0, std::nan("")})
    CHECK(result_of(ExactQuantile<int>{{}, q}, std::vector{1, 2})->value == (q > 1 ? 2 : 1));
}

TEST_CASE("exact quantiles obey the laws, order independence among them") {
  const std::uint32_t most = GENERATE(10u, 4096u);
  CHECK(check_laws(ExactQuantile<double>{{most}, 0.3}, samples::spreads(1, 20, 6)));
  CHECK(check_laws(Iqr<std::int64_t>{{most}}, samples::integers(2, 25, 5)));
  CHECK(check_laws(Mad<float>{{most}}, std::vector<float>{1, 2, 2, -4, 8, 8, 0, 3}));
}

TEST_CASE(
    "copies of kept values are independent, what was moved from is empty, a state may be merged with "
    "itself") {
  const ExactQuantile<int> median;
  auto state = samples::added(median, std::vector{1, 2, 3});
  auto copy = state;
  median.merge(copy, copy);
  median.add(copy, 100);
  CHECK(median.result(copy)->value == 2);
  CHECK(copy.values().size() == 7);
  const auto moved = std::move(state);
  CHECK(median.result(moved)->value == 2);
  CHECK(median.result(state) == std::nullopt);  // NOLINT(bugprone-use-after-move)
}

TEST_CASE("kept values are read as they were written, and damaged bytes are refused") {
  for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{20}, std::size_t{21}}) {
    const ExactQuantile<double> median{{.most = 20}, 0.5};
    auto values = samples::spreads(n, n, 3);
    if (n > 2) values[0] = 0.0, values[1] = -0.0;
    const auto state = samples::added(median, values);
    std::reverse(values.begin(), values.end());
    const std::string bytes = written(state);
    CHECK(written(samples::added(median, values)) == bytes);
    weir::Archive in(bytes);
    ExactQuantile<double>::State read;
    in(read);
    CHECK(in.is_good());
    CHECK(in.left() == 0);
    CHECK(written(read) == bytes);
    samples::Random random{n};
    for (int round = 0; round < 500; ++round) {
      std::string damaged = bytes.substr(0, random.below(bytes.size() + 1));
      for (std::uint64_t k = random.below(4); k > 0 && !damaged.empty(); --k)
        damaged[random.below(damaged.size())] = static_cast<char>(random.bits());
      weir::Archive hostile(damaged);
      ExactQuantile<double>::State any;
      hostile(any);
      median.merge(any, state);
      median.add(any, 1);
      CHECK(median.result(any).has_value());
    }
  }
}

struct Request {
  std::optional<double> seconds;
  std::int32_t bytes = 0;
};
struct Row {
  double p75 = 0, spread = 0;
  std::optional<double> half, deviation;
};

template <class... Features>
auto rows_of(Features... features) {
  return weir::RowAggregator<Row, Request, Features...>(features...);
}

TEST_CASE("features hold exact quantiles") {
  const auto rows = rows_of(weir::exact_quantile(&Request::seconds, 0.75).as(&Row::p75),
                            weir::iqr(&Request::bytes).as(&Row::spread),
                            weir::exact_median(&Request::bytes, {.most = 10}).as(&Row::half),
                            weir::mad(&Request::bytes).as(&Row::deviation));
  decltype(rows)::State state{};
  for (int i = 0; i <= 4; ++i)
    rows.add(state, {i % 2 == 0 ? std::optional(i * 1.0) : std::nullopt, 10 * i}, weir::event_time(i));
  const Row row = rows.result(state, {weir::no_time, weir::event_time(101)});
  CHECK(row.p75 == 3);
  CHECK(row.spread == 20);
  CHECK(row.half == 20.0);
  CHECK(row.deviation == 10.0);
  CHECK(weir::detail::ExactQuantileOf<false>{2, 1}.problem() == "q is 2; give a number from 0 to 1");
}

TEST_CASE("the sign of a zero does not depend on the order of values") {
  for (const double first : {0.0, -0.0}) {
    const auto found =
        samples::result_of(weir::ExactQuantile<double>{}, std::vector{first, 0.0 - first, -0.0});
    REQUIRE(found.has_value());
    CHECK(found->value == 0);
    CHECK_FALSE(std::signbit(found->value));
  }
}

}  // namespace

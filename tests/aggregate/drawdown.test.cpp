#include <weir/aggregate/drawdown.hpp>

#include <limits>
#include <vector>

#include <weir/testing/laws.hpp>

#include "aggregate/orders.hpp"
#include "catch.hpp"

// What its types are: said here, because every program that includes the header would pay for it.
namespace weir::inline v0 {

static_assert(Aggregator<Drawdown<double>, double> && Aggregator<RelativeDrawdown<int>, int>);

}  // namespace weir::inline v0

namespace {

using orders::disordered;
using orders::result_of;
using weir::Checked;
using weir::Drawdown;
using weir::Duration;
using weir::event_time;
using weir::RelativeDrawdown;
using weir::testing::check_laws;
using weir::testing::Timed;

constexpr double nan = std::numeric_limits<double>::quiet_NaN(),
                 infinity = std::numeric_limits<double>::infinity();

template <class T>
std::vector<Timed<T>> in_order(const std::vector<T>& values) {
  std::vector<Timed<T>> records;
  for (const T& x : values) records.push_back({x, event_time(static_cast<std::int64_t>(records.size()))});
  return records;
}
template <class T>
auto of(const std::vector<T>& values) {
  return result_of(Drawdown<T>{}, in_order(values));
}
std::optional<Checked<double>> relative(const std::vector<double>& values) {
  return result_of(RelativeDrawdown<double>{}, in_order(values));
}

TEST_CASE("falls of nothing are empty, of one value 0") {
  CHECK(Drawdown<double>{}.result({}) == std::nullopt);
  CHECK(Drawdown<int>{}.result({}) == std::nullopt);
  CHECK(RelativeDrawdown<double>{}.result({}) == std::nullopt);
  CHECK(of(std::vector{-3.0}) == Checked<double>{0, false});
  CHECK(relative({-3}) == Checked<double>{0, false});
}

TEST_CASE("the deepest fall is that of any value to any later one") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    const auto records = disordered(seed, samples::integers(seed, 1 + seed % 40, 1000), 8);
    const auto values = orders::values_of(orders::sorted(records));
    std::int64_t deepest = 0;
    double part = 0;
    for (std::size_t j = 0; j < values.size(); ++j) {
      for (std::size_t i = 0; i < j; ++i) {
        deepest = std::max(deepest, values[i] - values[j]);
        if (values[i] > 0)
          part = std::max(part, 1 - static_cast<double>(std::max<std::int64_t>(values[j], 0)) /
                                        static_cast<double>(values[i]));
      }
    }
    CHECK(result_of(Drawdown<std::int64_t>{}, records) ==
          Checked<std::uint64_t>{static_cast<std::uint64_t>(deepest), false});
    CHECK(result_of(RelativeDrawdown<std::int64_t>{}, records) == Checked<double>{part, false});
  }
}

TEST_CASE("falls at the limits of numbers") {
  CHECK(of(std::vector{std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()}) ==
        Checked<std::uint64_t>{std::numeric_limits<std::uint64_t>::max(), false});
  CHECK(of(std::vector{Duration::max(), Duration::min()}) == Checked<Duration>{Duration::max(), true});
  CHECK(of(std::vector{Duration{5}, Duration{2}, Duration{9}}) == Checked<Duration>{Duration{3}, false});
  CHECK(of(std::vector{infinity, infinity}) == Checked<double>{0, false});
  CHECK(of(std::vector{infinity, 1.0}) == Checked<double>{infinity, false});
  CHECK(of(std::vector{1.0, -infinity, -infinity}) == Checked<double>{infinity, false});
  CHECK(of(std::vector{1e308, -1e308}) == Checked<double>{infinity, false});
  CHECK(of(std::vector{5e-324, 0.0}) == Checked<double>{5e-324, false});
  CHECK(of(std::vector{1e16 + 2, 1e16}) == Checked<double>{2, false});
  CHECK(of(std::vector{1.5F, 0.25F}) == Checked<double>{1.25, false});
  CHECK(relative({infinity, infinity}) == Checked<double>{0, false});
  CHECK(relative({infinity, 1e300}) == Checked<double>{1, false});
  CHECK(relative({4, 1, 8, 7}) == Checked<double>{0.75, false});
  CHECK(relative({4, -1, 100, 98}) == Checked<double>{1, false});
  CHECK(relative({-4, -8}) == Checked<double>{0, false});
  CHECK(relative({0, 0, 5e-324}) == Checked<double>{0, false});
}

TEST_CASE("a NaN that is added makes the result NaN, wherever it stands") {
  for (const auto& values :
       {std::vector{nan}, std::vector{nan, 1.0}, std::vector{1.0, nan}, std::vector{2.0, nan, 1.0, 0.5}}) {
    REQUIRE(of(values).has_value());
    CHECK(of(values)->value != of(values)->value);
    REQUIRE(relative(values).has_value());
    CHECK(relative(values)->value != relative(values)->value);
    CHECK(check_laws(Drawdown<double>{}, values));
    CHECK(check_laws(Drawdown<double, 1>{}, values));
    CHECK(check_laws(RelativeDrawdown<double, 1>{}, values));
  }
}

TEST_CASE("falls obey the laws, to the last bit") {
  const auto seed = GENERATE(1u, 2u, 3u, 4u, 5u);
  for (const std::size_t n : {2U, 10U, 30U}) {
    CAPTURE(seed, n);
    CHECK(check_laws(Drawdown<double, 2>{}, disordered(seed, samples::spreads(seed, n, 5), 2)));
    CHECK(check_laws(Drawdown<double>{}, disordered(seed, samples::spreads(seed, n, 1000), 8)));
    CHECK(check_laws(Drawdown<std::int64_t, 2>{}, disordered(seed, samples::integers(seed, n, 50), 2)));
    CHECK(check_laws(RelativeDrawdown<double, 2>{}, disordered(seed, samples::fractions(seed, n), 2)));
    CHECK(check_laws(RelativeDrawdown<double, 2>{}, disordered(seed, samples::spreads(seed, n, 5), 2)));
    CHECK(check_laws(RelativeDrawdown<double, 1>{}, disordered(seed, samples::spreads(seed, n, 1000), 1)));
  }
}

template <class A, class T>
void check_snapshots(const A& aggregator, const std::vector<T>& values) {
  const auto state = orders::added(aggregator, disordered(1, values, 3));
  const auto read = orders::read_again(state);
  REQUIRE(read.size() == 1);
  CHECK(aggregator.result(read[0]) == aggregator.result(state));
  CHECK(orders::refused(aggregator, state, values[0]) > 100);
}

TEST_CASE("States of falls come back from snapshots, and damaged ones do no harm") {
  check_snapshots(Drawdown<double, 4>{}, samples::spreads(1, 20, 5));
  check_snapshots(Drawdown<std::int64_t, 4>{}, samples::integers(1, 20, 50));
  check_snapshots(RelativeDrawdown<double, 4>{}, samples::fractions(1, 20));
  STATIC_REQUIRE(sizeof(Drawdown<double>::State) == 184);
  STATIC_REQUIRE(sizeof(Drawdown<std::int64_t>::State) == 184);
  STATIC_REQUIRE(sizeof(RelativeDrawdown<double>::State) == 184);
}

struct Quote {
  double price = 0;
  std::int32_t stock = 0;
};
struct Row {
  double fall = -1;
  std::optional<double> part;
  std::int16_t stock = -1;
};

TEST_CASE("falls are features of a row") {
  using namespace weir;
  const std::vector<Timed<Quote>> quotes{
      {{10, 5}, event_time(1)}, {{5, 9}, event_time(3)}, {{20, 2}, event_time(2)}, {{nan, 3}, event_time(4)}};
  const Row row = orders::row_of<Row>(quotes, Interval{}, drawdown(&Quote::price).as(&Row::fall),
                                      relative_drawdown<2>(&Quote::price).as(&Row::part),
                                      drawdown(&Quote::stock).as(&Row::stock));
  CHECK(row.fall == 15);
  CHECK(row.part == 0.75);
  CHECK(row.stock == 6);
}

}  // namespace

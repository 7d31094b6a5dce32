#include <weir/aggregate/count.hpp>

#include <limits>
#include <optional>

#include <weir/aggregate/row.hpp>
#include <weir/testing/laws.hpp>

#include "aggregate/samples.hpp"
#include "catch.hpp"

// What its types are: said here, because every program that includes the header would pay for it.
namespace weir::inline v0 {

static_assert(Aggregator<Count, double> && Invertible<Count>);

}  // namespace weir::inline v0

namespace {

struct Reading {
  std::optional<double> value;
  bool is_valid = true;
};
struct Row {
  std::int64_t all = -1;
  std::int64_t with_value = -1;
  std::int64_t valid = -1;
};

TEST_CASE("count counts what was added, and nothing is 0") {
  CHECK(weir::Count{}.result({}) == 0);
  CHECK(samples::result_of(weir::Count{}, samples::fractions(1, 137)) == 137);
}

TEST_CASE("count obeys the laws, order independence and removal among them") {
  CHECK(weir::testing::check_laws(weir::Count{}, samples::fractions(1, 40)));
}

TEST_CASE(
    "count() takes every record, count(projection) those with a value, count_where those that qualify") {
  const auto row = weir::RowAggregator<Row, Reading, decltype(weir::count().as(&Row::all)),
                                       decltype(weir::count(&Reading::value).as(&Row::with_value)),
                                       decltype(weir::count_where(&Reading::is_valid).as(&Row::valid))>{
      weir::count().as(&Row::all), weir::count(&Reading::value).as(&Row::with_value),
      weir::count_where(&Reading::is_valid).as(&Row::valid)};
  decltype(row)::State state{};
  weir::FeatureCounts counts[3];
  row.add(state, {1.5, true}, {}, counts);
  row.add(state, {std::nullopt, true}, {}, counts);
  row.add(state, {std::numeric_limits<double>::quiet_NaN(), false}, {}, counts);

  const Row result = row.result(state, {});
  CHECK(result.all == 3);
  CHECK(result.with_value == 1);
  CHECK(result.valid == 2);
  CHECK(counts[0] == weir::FeatureCounts{});
  CHECK(counts[1] == weir::FeatureCounts{.missing = 1, .nan = 1, .overflowed = 0});
  CHECK(counts[2] == weir::FeatureCounts{});
}

}  // namespace

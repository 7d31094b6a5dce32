#include <weir/aggregate/vector.hpp>

#include <limits>
#include <vector>

#include <weir/testing/laws.hpp>

#include "aggregate/orders.hpp"
#include "catch.hpp"

// What its types are: said here, because every program that includes the header would pay for it.
namespace weir::inline v0 {

static_assert(Aggregator<VectorSum<float, 3>, std::array<float, 3>>);
static_assert(Aggregator<CosineToCentroid<double, 2>, Elements<const std::array<double, 2>&>>);

}  // namespace weir::inline v0

namespace {

using orders::result_of;
using weir::CosineToCentroid;
using weir::event_time;
using weir::VectorMax;
using weir::VectorMean;
using weir::VectorMin;
using weir::VectorSum;
using weir::testing::check_laws;
using weir::testing::Timed;
using Three = std::array<double, 3>;

constexpr double nan = std::numeric_limits<double>::quiet_NaN(),
                 infinity = std::numeric_limits<double>::infinity();

/// In any order whatever.
std::vector<Timed<Three>> arrivals(std::uint64_t seed, std::size_t n, double offset = 0) {
  samples::Random random{seed};
  std::vector<Timed<Three>> records;
  for (std::size_t i = 0; i < n; ++i)
    records.push_back({{offset + random.fraction(), offset - 0.5 + random.fraction(), random.spread(20)},
                       event_time(random.between(0, 30))});
  return records;
}

TEST_CASE("vectors of nothing are 0 or empty") {
  CHECK(VectorSum<double, 3>{}.result({}) == Three{});
  CHECK(VectorMean<double, 3>{}.result({}) == std::nullopt);
  CHECK(VectorMin<double, 3>{}.result({}) == std::nullopt);
  CHECK(VectorMax<float, 3>{}.result({}) == std::nullopt);
  CHECK(CosineToCentroid<double, 3>{}.result({}) == std::nullopt);
  CHECK(result_of(CosineToCentroid<double, 3>{}, std::vector<Timed<Three>>{{{1, 2, 3}, event_time(1)}}) ==
        std::nullopt);
}

TEST_CASE("each element has its own sum, mean, smallest and largest") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    CAPTURE(seed);
    const auto records = arrivals(seed, 1 + seed, 1e9);
    const auto n = static_cast<samples::Exact>(records.size());
    const Three sum = result_of(VectorSum<double, 3>{}, records),
                mean = *result_of(VectorMean<double, 3>{}, records);
    const Three low = *result_of(VectorMin<double, 3>{}, records),
                high = *result_of(VectorMax<double, 3>{}, records);
    for (std::size_t i = 0; i < 3; ++i) {
      samples::Exact exact = 0, sizes = 0;
      double least = infinity, most = -infinity;
      for (const auto& record : records) {
        exact += static_cast<samples::Exact>(record.value[i]);
        sizes += static_cast<samples::Exact>(samples::size_of(record.value[i]));
        least = std::min(least, record.value[i]);
        most = std::max(most, record.value[i]);
      }
      const double bound =
          2 * samples::unit * samples::size_of(static_cast<double>(exact)) +
          2 * static_cast<double>(n * n) * samples::unit * samples::unit * static_cast<double>(sizes);
      CHECK(samples::error_of(sum[i], exact) <= bound);
      CHECK(samples::error_of(mean[i], exact / n) <=
            bound / static_cast<double>(n) + samples::unit * samples::size_of(mean[i]));
      CHECK(low[i] == least);
      CHECK(high[i] == most);
    }
  }
}

TEST_CASE(
    "the cosine is that of the newest array and the mean of all others, whatever the order of arrival") {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    const auto records = arrivals(seed, 2 + seed % 20);
    auto values = orders::values_of(orders::sorted(records));
    const Three newest = values.back();
    values.pop_back();
    samples::Exact dot = 0, newest_squares = 0, mean_squares = 0, sizes = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      samples::Exact mean = 0, x = static_cast<samples::Exact>(newest[i]);
      for (const Three& value : values) {
        mean += static_cast<samples::Exact>(value[i]);
        sizes += static_cast<samples::Exact>(samples::size_of(value[i]));
      }
      dot += x * mean;
      newest_squares += x * x;
      mean_squares += mean * mean;
    }
    const auto lengths =
        static_cast<samples::Exact>(__builtin_sqrtl(static_cast<long double>(newest_squares))) *
        static_cast<samples::Exact>(__builtin_sqrtl(static_cast<long double>(mean_squares)));
    const auto found = result_of(CosineToCentroid<double, 3>{}, records);
    REQUIRE(found.has_value());
    const double cancelled = static_cast<double>(sizes) / __builtin_sqrt(static_cast<double>(mean_squares));
    CHECK(samples::error_of(*found, dot / lengths) <=
          11 * samples::unit + 1000 * samples::unit * samples::unit * cancelled);
  }
}

TEST_CASE("cosines at the limits of numbers") {
  using Two = std::array<double, 2>;
  const auto of = [](const std::vector<Two>& values) {
    std::vector<Timed<Two>> records;
    for (const Two& x : values) records.push_back({x, event_time(static_cast<std::int64_t>(records.size()))});
    return result_of(CosineToCentroid<double, 2>{}, records);
  };
  CHECK(of({{1, 0}, {3, 0}}) == 1.0);
  CHECK(of({{1, 0}, {0, 5}}) == 0.0);
  CHECK(of({{1, 0}, {-2, 0}}) == -1.0);
  CHECK(of({{1e300, 1e300}, {1e300, 1e300}}) == Approx(1.0));
  CHECK(of({{5e-324, 0}, {5e-324, 0}}) == 1.0);
  CHECK(of({{1e-300, 1e-300}, {1e300, 0}}) == Approx(0.7071067811865476));
  CHECK(of({{0, 0}, {1, 0}}) == std::nullopt);
  CHECK(of({{1, 0}, {0, 0}}) == std::nullopt);
  CHECK(of({{1, 0}, {-1, 0}, {1, 1}}) == std::nullopt);
  for (const double wrong : {infinity, -infinity, nan}) {
    CHECK(*of({{1, 0}, {wrong, 0}}) != *of({{1, 0}, {wrong, 0}}));
    CHECK(*of({{wrong, 0}, {1, 0}}) != *of({{wrong, 0}, {1, 0}}));
  }
}

TEST_CASE("vectors obey the laws, sums up to rounding") {
  const auto seed = GENERATE(1u, 2u, 3u);
  for (const std::size_t n : {0U, 2U, 25U}) {
    CAPTURE(seed, n);
    const auto records = arrivals(seed, n);
    CHECK(check_laws(VectorSum<double, 3>{}, records, {.relative = 1e-14, .absolute = 1e-9}));
    CHECK(check_laws(VectorMean<double, 3>{}, records, {.relative = 1e-14, .absolute = 1e-9}));
    CHECK(check_laws(VectorMin<double, 3>{}, records));
    CHECK(check_laws(VectorMax<double, 3>{}, records));
    CHECK(check_laws(CosineToCentroid<double, 3>{}, records, {.absolute = 1e-14}));
  }
  CHECK(check_laws(VectorMin<double, 2>{},
                   std::vector<std::array<double, 2>>{{0.0, nan}, {-0.0, 1}, {infinity, -1}}));
}

template <class A>
void check_snapshots(const A& aggregator) {
  const auto state = orders::added(aggregator, arrivals(1, 10));
  const auto read = orders::read_again(state);
  REQUIRE(read.size() == 1);
  CHECK(aggregator.result(read[0]) == aggregator.result(state));
  CHECK(orders::refused(aggregator, state, Three{1, 2, 3}) > 20);
}

TEST_CASE("vectors come back from snapshots, and damaged ones do no harm") {
  check_snapshots(VectorSum<double, 3>{});
  check_snapshots(VectorMean<double, 3>{});
  check_snapshots(VectorMin<double, 3>{});
  check_snapshots(VectorMax<double, 3>{});
  check_snapshots(CosineToCentroid<double, 3>{});
  STATIC_REQUIRE(sizeof(VectorSum<float, 8>::State) == 16 * 8);
  STATIC_REQUIRE(sizeof(VectorMean<float, 8>::State) == 16 * 8 + 8);
  STATIC_REQUIRE(sizeof(VectorMin<float, 8>::State) == 8 * 8);
  STATIC_REQUIRE(sizeof(CosineToCentroid<float, 8>::State) == 16 * 8 + 16 + 8 * 4);
}

struct Item {
  std::array<float, 2> taste{};
  std::optional<std::array<double, 2>> place;
};
struct Row {
  std::array<double, 2> sum{};
  std::array<float, 2> mean{}, least{};
  std::optional<std::array<float, 2>> most;
  std::vector<double> place;
  double cosine = 0;
};

TEST_CASE(
    "vectors are features of a row: missing ones are skipped, and those with NaN, and both are counted") {
  using namespace weir;
  const float not_a_number = std::numeric_limits<float>::quiet_NaN();
  const std::vector<Item> items{
      {{1, 2}, std::nullopt}, {{3, 0}, {{5, 7}}}, {{not_a_number, 9}, std::nullopt}};
  const auto aggregator =
      [](auto... features) { return RowAggregator<Row, Item, decltype(features)...>(features...); }(
          vector_sum(&Item::taste).as(&Row::sum), vector_mean(&Item::taste).as(&Row::mean),
          vector_min(&Item::taste).as(&Row::least),
          vector_max([](const Item& item) { return item.taste; }).as(&Row::most),
          vector_mean(&Item::place).as(&Row::place), cosine_to_centroid(&Item::taste).as(&Row::cosine));
  decltype(aggregator)::State state;
  std::vector<FeatureCounts> counts(6);
  std::int64_t at = 0;
  for (const Item& item : items) aggregator.add(state, item, event_time(++at), counts.data());
  const Row row = aggregator.result(state, Interval{});
  CHECK(row.sum == std::array<double, 2>{4, 2});
  CHECK(row.mean == std::array<float, 2>{2, 1});
  CHECK(row.least == std::array<float, 2>{1, 0});
  CHECK(row.most == std::array<float, 2>{3, 2});
  CHECK(row.place == std::vector<double>{5, 7});
  CHECK(row.cosine == Approx(0.4472135955));
  CHECK(counts[0].nan == 1);
  CHECK(counts[4].missing == 2);
  const std::string text = orders::described<Row, Item>(vector_mean(&Item::taste).as(&Row::mean));
  CHECK(text.find("vector_mean") != std::string::npos);
  CHECK(text.find("value") != std::string::npos);
}

}  // namespace

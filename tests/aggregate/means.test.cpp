#include <weir/aggregate/means.hpp>

#include <algorithm>
#include <optional>

#include "aggregate/numbers.hpp"
#include "aggregate/samples.hpp"
#include "catch.hpp"

// What its types are: said here, because every program that includes the header would pay for it.
namespace weir::inline v0 {

static_assert(Aggregator<WeightedMean<Paired<double, int>>, Paired<double, int>> &&
              Aggregator<Product<int>, int>);
static_assert(Aggregator<GeometricMean<double>, double> && Aggregator<HarmonicMean<double>, double>);
static_assert(Invertible<BayesianMean<int>> && !Invertible<BayesianMean<double>>);
static_assert(sizeof(WeightedMean<Paired<int, int>>::State) == 32 && sizeof(Product<int>::State) == 16);
static_assert(sizeof(GeometricMean<int>::State) == 24 && sizeof(HarmonicMean<int>::State) == 24);
static_assert(sizeof(BayesianMean<int>::State) == 24);

}  // namespace weir::inline v0

namespace {

using numbers::infinity;
using numbers::largest;
using numbers::nan;
using numbers::tiny;
using samples::Exact;
using samples::result_of;
using samples::unit;
using weir::BayesianMean;
using weir::GeometricMean;
using weir::HarmonicMean;
using weir::Product;
using weir::testing::check_laws;
using Pair = weir::Paired<double, double>;
using WeightedMean = weir::WeightedMean<Pair>;

template <class A, class T>
typename A::State in_panes(const A& aggregator, const std::vector<T>& values, std::size_t size) {
  typename A::State merged{};
  for (std::size_t from = 0; from < values.size(); from += size) {
    typename A::State pane{};
    for (std::size_t i = from; i < std::min(values.size(), from + size); ++i) aggregator.add(pane, values[i]);
    aggregator.merge(merged, pane);
  }
  return merged;
}

TEST_CASE("means of nothing are empty, but for a prior, a product of nothing is 1") {
  CHECK(WeightedMean{}.result({}) == std::nullopt);
  CHECK(GeometricMean<double>{}.result({}) == std::nullopt);
  CHECK(HarmonicMean<double>{}.result({}) == std::nullopt);
  CHECK(Product<double>{}.result({}) == 1.0);
  CHECK(BayesianMean<double>{{.prior = 3.5, .weight = 2}}.result({}) == 3.5);
  CHECK(BayesianMean<double>{{.prior = 3.5, .weight = 0}}.result({}) == std::nullopt);
}

TEST_CASE("a weighted mean is that of sums in 128 bits within the stated bound") {
  auto seed = GENERATE(1u, 2u, 3u);
  auto range = GENERATE(1, 30, 300);
  CAPTURE(seed, range);
  const auto values = samples::spreads(seed, 500, range);
  const auto weights = samples::fractions(seed + 10, 500);
  std::vector<Pair> pairs;
  Exact sum = 0, total = 0, size = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    pairs.push_back({values[i], weights[i]});
    const Exact product = static_cast<Exact>(values[i]) * weights[i];
    sum += product;
    size += product < 0 ? -product : product;
    total += weights[i];
  }
  const double bound = (6 * unit + 4 * 500.0 * 500.0 * unit * unit) * static_cast<double>(size / total);
  for (const std::size_t pane : {std::size_t{500}, std::size_t{37}, std::size_t{1}})
    CHECK(samples::error_of(*WeightedMean{}.result(in_panes(WeightedMean{}, pairs, pane)), sum / total) <=
          bound);
}

TEST_CASE("weights are taken as they are") {
  CHECK(result_of(WeightedMean{}, std::vector<Pair>{{1, 3}, {5, 1}}) == 2.0);
  CHECK(result_of(WeightedMean{}, std::vector<Pair>{{1, 0}, {5, 0}}) == std::nullopt);
  CHECK(result_of(WeightedMean{}, std::vector<Pair>{{1, 1}, {5, -1}}) == std::nullopt);
  CHECK(result_of(WeightedMean{}, std::vector<Pair>{{1, 2}, {5, -1}}) == -3.0);
  CHECK(result_of(WeightedMean{}, std::vector<Pair>{{infinity, 1}, {5, 1}}) == infinity);
  CHECK(weir::detail::is_nan(*result_of(WeightedMean{}, std::vector<Pair>{{2, infinity}, {5, 1}})));
  using Whole = weir::Paired<std::int64_t, std::uint8_t>;
  CHECK(result_of(weir::WeightedMean<Whole>{}, std::vector<Whole>{{-4, 255}, {4, 255}, {6, 1}}) ==
        Approx(6.0 / 511));
}

TEST_CASE("a product does not overflow on the way") {
  CHECK(result_of(Product<double>{}, std::vector{1e300, 1e300, 1e-300, 1e-300}) == Approx(1).epsilon(1e-15));
  CHECK(result_of(Product<double>{}, std::vector{1e-300, 1e-300, 1e300, -1e300}) ==
        Approx(-1).epsilon(1e-15));
  CHECK(result_of(Product<double>{}, std::vector{0x1p-1074, 0x1p1000, 0x1p80}) == 0x1p6);
  CHECK(result_of(Product<double>{}, std::vector{largest, largest, 1 / largest, 1 / largest}) ==
        Approx(1).epsilon(1e-14));
  std::vector<double> walk(10'000, largest);
  walk.resize(20'000, 1 / largest);
  CHECK(result_of(Product<double>{}, walk) == Approx(1).epsilon(1e-10));
}

TEST_CASE("a product that has no place in double is infinite, denormal or 0") {
  CHECK(result_of(Product<double>{}, std::vector{largest, 2.0}) == infinity);
  CHECK(result_of(Product<double>{}, std::vector{largest, -2.0}) == -infinity);
  CHECK(result_of(Product<double>{}, std::vector{largest}) == largest);
  CHECK(result_of(Product<double>{}, std::vector{-largest}) == -largest);
  CHECK(result_of(Product<double>{}, std::vector{tiny}) == tiny);
  CHECK(result_of(Product<double>{}, std::vector{tiny, 0.5}) == 0.0);
  CHECK(result_of(Product<double>{}, std::vector{tiny, 0.75}) == tiny);
  CHECK(result_of(Product<double>{}, std::vector{0x1.8p-1022, 0x1p-20}) == 0x1.8p-1042);
  CHECK(result_of(Product<double>{}, std::vector{tiny, tiny, tiny}) == 0.0);
  CHECK(result_of(Product<double>{}, std::vector{tiny, tiny, infinity}) == infinity);
  CHECK(result_of(Product<double>{}, std::vector{largest, largest, 0.0}) == 0.0);
  CHECK(weir::detail::is_nan(result_of(Product<double>{}, std::vector{0.0, 3.0, infinity})));
  CHECK(weir::detail::is_nan(result_of(Product<double>{}, std::vector{1.0, nan, 0.0})));
}

TEST_CASE("products of integers are exact as long as they have 53 bits") {
  CHECK(result_of(Product<int>{}, std::vector{2, -3, 4, 5}) == -120.0);
  CHECK(result_of(Product<std::uint8_t>{}, std::vector<std::uint8_t>{255, 255, 255}) == 16581375.0);
  std::vector<int> factors;
  double factorial = 1;
  for (int i = 1; i <= 18; ++i) {
    factors.push_back(i);
    factorial *= i;
    CHECK(result_of(Product<int>{}, factors) == factorial);
  }
}

TEST_CASE("products and means of products agree with those in 128 bits within the stated bounds") {
  auto seed = GENERATE(1u, 2u, 3u);
  auto range = GENERATE(1, 15);
  auto n = GENERATE(std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{50}, std::size_t{1000});
  CAPTURE(seed, range, n);
  auto values = samples::spreads(seed, n, range);
  for (double& x : values) x = samples::size_of(x);
  Exact product = 1, reciprocals = 0;
  for (std::size_t i = 0; i < n; ++i) {
    product *= values[i];
    reciprocals += 1 / static_cast<Exact>(values[i]);
  }
  const auto count = static_cast<double>(n);
  for (const std::size_t pane : {n, n / 7 + 1, std::size_t{1}}) {
    const double found = Product<double>{}.result(in_panes(Product<double>{}, values, pane));
    CHECK(samples::error_of(found, product) <= (count + 1) * unit * static_cast<double>(product));

    const double harmonic = *HarmonicMean<double>{}.result(in_panes(HarmonicMean<double>{}, values, pane));
    const Exact exact = static_cast<Exact>(n) / reciprocals;
    CHECK(samples::error_of(harmonic, exact) <=
          (4 * unit + 2 * count * count * unit * unit) * static_cast<double>(exact));

    // How far its n-th power is from the product.
    const double geometric = *GeometricMean<double>{}.result(in_panes(GeometricMean<double>{}, values, pane));
    Exact power = 1;
    for (std::size_t i = 0; i < n; ++i) power *= geometric;
    const Exact relative = (power / product - 1) / static_cast<Exact>(n);
    CHECK(samples::error_of(static_cast<double>(relative), 0) <= 8 * unit);
  }
}

TEST_CASE("a geometric mean is of factors, and knows no range") {
  CHECK(result_of(GeometricMean<int>{}, std::vector{2, 8}) == 4.0);
  CHECK(result_of(GeometricMean<double>{}, std::vector{1.1}) == 1.1);
  CHECK(result_of(GeometricMean<double>{}, std::vector{tiny}) == tiny);
  CHECK(*result_of(GeometricMean<double>{}, std::vector<double>(100'000, 1e-300)) ==
        Approx(1e-300).epsilon(1e-12));
  CHECK(*result_of(GeometricMean<double>{}, std::vector<double>(100'000, largest)) ==
        Approx(largest).epsilon(1e-12));
  CHECK(*result_of(GeometricMean<double>{}, std::vector{1e300, 1e-300}) == Approx(1).epsilon(1e-14));
  CHECK(result_of(GeometricMean<double>{}, std::vector{3.0, 0.0}) == 0.0);
  CHECK(result_of(GeometricMean<double>{}, std::vector{3.0, infinity}) == infinity);
  CHECK(weir::detail::is_nan(*result_of(GeometricMean<double>{}, std::vector{0.0, infinity})));
  CHECK(weir::detail::is_nan(*result_of(GeometricMean<int>{}, std::vector{-2, -8})));
}

TEST_CASE("a harmonic mean is of rates") {
  CHECK(*result_of(HarmonicMean<int>{}, std::vector{30, 60}) == Approx(40).epsilon(1e-15));
  CHECK(result_of(HarmonicMean<double>{}, std::vector{3.0, 0.0}) == 0.0);
  CHECK(result_of(HarmonicMean<double>{}, std::vector{3.0, -0.0, 0.0}) == 0.0);
  CHECK(result_of(HarmonicMean<double>{}, std::vector{3.0, infinity}) == 6.0);
  CHECK(result_of(HarmonicMean<double>{}, std::vector{infinity}) == infinity);
  CHECK(result_of(HarmonicMean<double>{}, std::vector{tiny}) == 0.0);
  CHECK(*result_of(HarmonicMean<double>{}, std::vector{largest, largest}) == Approx(largest));
  CHECK(weir::detail::is_nan(*result_of(HarmonicMean<int>{}, std::vector{2, -8})));
}

TEST_CASE("a prior counts as so many records") {
  const BayesianMean<int> ratings{{.prior = 3, .weight = 2}};
  CHECK(result_of(ratings, std::vector{5}) == Approx(11.0 / 3));
  CHECK(result_of(ratings, std::vector<int>(1'000'000, 5)) == Approx(5).epsilon(1e-5));
  CHECK(result_of(BayesianMean<int>{{.prior = 3, .weight = 0}}, std::vector{5, 6}) == 5.5);
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  CHECK(result_of(BayesianMean<std::int64_t>{{.prior = 0, .weight = 1}}, std::vector{most, most, most}) ==
        Approx(0.75 * 9223372036854775807.0));
  CHECK(result_of(BayesianMean<double>{{.prior = 1e300, .weight = 1}}, std::vector{-1e300}) == 0.0);
}

TEST_CASE("means obey the laws, of integers with a prior exactly") {
  auto seed = GENERATE(1u, 2u, 3u);
  CAPTURE(seed);
  const weir::testing::LawOptions near{.relative = 1e-13};
  const auto values = samples::fractions(seed, 40);
  std::vector<Pair> pairs;
  for (std::size_t i = 1; i < values.size(); ++i) pairs.push_back({values[i], values[i - 1]});
  CHECK(check_laws(WeightedMean{}, pairs, near));
  CHECK(check_laws(Product<double>{}, values, near));
  CHECK(check_laws(Product<double>{}, samples::spreads(seed, 30, 900), near));
  CHECK(check_laws(Product<double>{}, std::vector{1.0, 0.0, -2.0, infinity, 3.0}, near));
  CHECK(check_laws(GeometricMean<double>{}, values, near));
  CHECK(check_laws(GeometricMean<int>{}, std::vector{1, 3, 2, 0, 5}, near));
  CHECK(check_laws(HarmonicMean<double>{}, values, near));
  CHECK(check_laws(HarmonicMean<int>{}, std::vector{1, 3, -2, 0, 5}, near));
  const weir::BayesianSpec spec{.prior = 0.3, .weight = 7};
  CHECK(check_laws(BayesianMean<double>{spec}, values, near));
  CHECK(check_laws(BayesianMean<std::int64_t>{spec}, samples::integers(seed, 40, 1000)));
}

TEST_CASE("states of means are kept in snapshots") {
  const std::vector<double> values{0.5, 3, 7, 1e300, 1e300};
  numbers::check_archive(WeightedMean{}, samples::added(WeightedMean{}, std::vector<Pair>{{1, 2}, {3, 4}}),
                         Pair{1, 2});
  numbers::check_archive(Product<double>{}, samples::added(Product<double>{}, values), 1.0);
  numbers::check_archive(GeometricMean<double>{}, samples::added(GeometricMean<double>{}, values), 1.0);
  numbers::check_archive(HarmonicMean<double>{}, samples::added(HarmonicMean<double>{}, values), 1.0);
  numbers::check_archive(BayesianMean<int>{}, samples::added(BayesianMean<int>{}, std::vector{1, 2}), 1);
}

TEST_CASE("a geometric mean survives exponents that no product has") {
  GeometricMean<double>::State state{};
  state.product.exponent = std::numeric_limits<std::int64_t>::min();
  state.count = 1;
  CHECK(GeometricMean<double>{}.result(state) == 0.0);
  GeometricMean<double>{}.add(state, 1e-300);
  state.count = std::numeric_limits<std::uint64_t>::max();
  CHECK(*GeometricMean<double>{}.result(state) == Approx(0.7071067811865476));
  GeometricMean<double>{}.merge(state, state);
  CHECK(GeometricMean<double>{}.result(state).has_value());
}

struct Rating {
  std::optional<double> stars;
  std::int32_t votes = 0;
};
struct Row {
  std::optional<double> weighted, geometric, harmonic, bayesian;
  double product = -1;
};

TEST_CASE("means are features: missing and NaN are left out and counted") {
  weir::FeatureCounts counts[5];
  const std::vector<Rating> ratings{{4.0, 3}, {std::nullopt, 5}, {nan, 1}, {2.0, 1}};
  const Row row = numbers::row_of<Row>(
      ratings, counts, weir::weighted_mean(&Rating::stars, &Rating::votes).as(&Row::weighted),
      weir::geometric_mean(&Rating::stars).as(&Row::geometric),
      weir::harmonic_mean(&Rating::stars).as(&Row::harmonic),
      weir::bayesian_mean(&Rating::stars, {.prior = 1, .weight = 2}).as(&Row::bayesian),
      weir::product(&Rating::stars).as(&Row::product));
  CHECK(row.weighted == 3.5);
  CHECK(*row.geometric == Approx(__builtin_sqrt(8.0)));
  CHECK(*row.harmonic == Approx(8.0 / 3));
  CHECK(row.bayesian == 2.0);
  CHECK(row.product == 8.0);
  for (const auto& count : counts)
    CHECK(count == weir::FeatureCounts{.missing = 1, .nan = 1, .overflowed = 0});
}

TEST_CASE("a prior stands in the description, and a bad one is named") {
  const auto rated = [](weir::BayesianSpec spec) { return weir::bayesian_mean(&Rating::stars, spec); };
  const auto text = numbers::described<Row, Rating>(rated({.prior = 0.1, .weight = 2}).as(&Row::bayesian));
  CHECK(text.find("\"aggregate\": \"bayesian_mean\", \"prior\": \"0.1\", \"prior_weight\": \"2\"") !=
        std::string::npos);
  CHECK(rated({.prior = 3, .weight = 0}).family.problem().empty());
  CHECK(rated({.prior = 3, .weight = -1}).family.problem() ==
        "weight is -1; give a finite number that is not below 0");
  CHECK_FALSE(rated({.prior = 3, .weight = nan}).family.problem().empty());
  CHECK_FALSE(rated({.prior = 3, .weight = infinity}).family.problem().empty());
  CHECK(rated({.prior = infinity, .weight = 1}).family.problem() == "prior is inf; give a finite number");
}

}  // namespace

#include <weir/aggregate/ew.hpp>

#include <algorithm>
#include <optional>

#include "aggregate/numbers.hpp"
#include "aggregate/samples.hpp"
#include "catch.hpp"

// What its types are: said here, because every program that includes the header would pay for it.
namespace weir::inline v0 {

static_assert(Aggregator<EwMean<double>, double> && Aggregator<EwVariance<int>, int>);
static_assert(sizeof(EwMean<double>::State) == 184 && sizeof(EwVariance<double, 1>::State) == 72);

}  // namespace weir::inline v0

namespace {

using numbers::infinity;
using numbers::Timed;
using samples::Exact;
using samples::unit;
using weir::event_time;
using weir::EwMean;
using weir::EwVariance;
using weir::testing::check_laws;
using Maybe = std::optional<weir::Checked<double>>;

template <class Value = double>
EwMean<Value> mean_by(double alpha) {
  return {{{alpha}}};
}
template <class Value = double>
EwVariance<Value> variance_by(double alpha) {
  return {{{alpha}}};
}

struct Weighted {
  Exact mean = 0, variance = 0, largest = 0;

  Weighted(std::vector<Timed<double>> records, double alpha) {
    std::stable_sort(records.begin(), records.end(),
                     [](const auto& a, const auto& b) { return a.at < b.at; });
    Exact weight = 1, weights = 0;
    for (auto r = records.rbegin(); r != records.rend(); ++r, weight *= 1 - static_cast<Exact>(alpha)) {
      mean += weight * r->value;
      weights += weight;
      largest = std::max(static_cast<double>(largest), samples::size_of(r->value));
    }
    mean /= weights;
    weight = 1;
    for (auto r = records.rbegin(); r != records.rend(); ++r, weight *= 1 - static_cast<Exact>(alpha))
      variance += weight * (r->value - mean) * (r->value - mean) / weights;
  }
};

/// Records that are out of order by at most `most` places, with ties.
std::vector<Timed<double>> arrivals(std::uint64_t seed, std::size_t n, std::size_t most, double offset) {
  samples::Random random{seed};
  std::vector<Timed<double>> records;
  for (std::size_t i = 0; i < n; ++i)
    records.push_back({random.fraction() - 0.5 + offset, event_time(static_cast<std::int64_t>(i / 2))});
  for (std::size_t from = 0; most > 0 && from < n; from += most + 1)
    for (std::size_t i = std::min(n, from + most + 1) - 1; i > from; --i)
      std::swap(records[i], records[from + random.below(i - from + 1)]);
  return records;
}

template <class A>
typename A::State in_panes(const A& aggregator, const std::vector<Timed<double>>& records, std::size_t size) {
  typename A::State merged{};
  for (std::size_t from = 0; from < records.size(); from += size) {
    typename A::State pane{};
    for (std::size_t i = from; i < std::min(records.size(), from + size); ++i)
      aggregator.add(pane, records[i].value, records[i].at);
    aggregator.merge(merged, pane);
  }
  return merged;
}

TEST_CASE("exponentially weighted means and variances of little come out as by hand") {
  CHECK(mean_by(0.5).result({}) == std::nullopt);
  CHECK(variance_by(0.5).result({}) == std::nullopt);
  const auto mean_of = [](double alpha, const std::vector<double>& values) {
    return mean_by(alpha).result(samples::added(mean_by(alpha), values));
  };
  CHECK(mean_of(0.5, {7}) == weir::Checked<double>{7.0, false});
  CHECK(mean_of(0.5, {4, 1})->value == Approx((4 * 0.5 + 1) / 1.5));
  CHECK(mean_of(0.25, {4, 1, 3})->value == Approx((4 * 0.5625 + 0.75 + 3) / 2.3125));
  CHECK(mean_of(1, {4, 1, 3}) == weir::Checked<double>{3.0, false});
  CHECK(mean_of(1, {infinity, 3}) == weir::Checked<double>{3.0, false});
  CHECK(weir::detail::is_nan(mean_of(0.5, {infinity, 3})->value));
  const auto variance = variance_by<int>(0.5);
  CHECK(variance.result(samples::added(variance, std::vector{7})) == weir::Checked<double>{0.0, false});
  CHECK(variance.result(samples::added(variance, std::vector{0, 3}))->value == Approx(2));
}

TEST_CASE("they agree with sums in 128 bits within the stated bounds, in a little disorder and merged") {
  auto seed = GENERATE(1u, 2u, 3u);
  auto alpha = GENERATE(0.001, 0.1, 0.5, 0.99);
  auto n = GENERATE(std::size_t{5}, std::size_t{400});
  auto most = GENERATE(std::size_t{0}, std::size_t{8});
  auto offset = GENERATE(0.0, 1e4);
  CAPTURE(seed, alpha, n, most, offset);
  auto records = arrivals(seed, n, most, offset);
  const Weighted exact(records, alpha);
  const auto count = static_cast<double>(n);
  const auto k = __builtin_sqrt(static_cast<double>(1 + exact.largest * exact.largest / exact.variance));
  const auto check = [&](const EwMean<double>::State& averaged, const EwVariance<double>::State& spread) {
    const Maybe mean = mean_by(alpha).result(averaged), variance = variance_by(alpha).result(spread);
    CHECK_FALSE(mean.value().overflowed);
    CHECK(samples::error_of(mean->value, exact.mean) <=
          8 * count * unit * static_cast<double>(exact.largest));
    CHECK(samples::error_of(variance->value, exact.variance) <=
          16 * count * unit * k * static_cast<double>(exact.variance));
  };
  check(numbers::added(mean_by(alpha), records), numbers::added(variance_by(alpha), records));
  if (most > 0) return;
  for (const std::size_t size : {std::size_t{1}, std::size_t{7}, std::size_t{100}})
    check(in_panes(mean_by(alpha), records, size), in_panes(variance_by(alpha), records, size));
}

TEST_CASE("a record that comes after too many newer ones is flagged") {
  const EwMean<double, 2> mean{{{0.5}}};
  EwMean<double, 2>::State state;
  for (const std::int64_t at : {10, 20, 30, 40}) mean.add(state, 1, event_time(at));
  CHECK_FALSE(mean.result(state)->overflowed);
  mean.add(state, 1, event_time(15));
  CHECK(mean.result(state) == weir::Checked<double>{1.0, true});
}

TEST_CASE("exponential weights obey the laws within rounding") {
  auto seed = GENERATE(1u, 2u, 3u);
  auto alpha = GENERATE(0.05, 0.9, 1.0);
  CAPTURE(seed, alpha);
  const auto records = arrivals(seed, 30, 0, 2);
  CHECK(check_laws(mean_by(alpha), records, {.relative = 1e-13}));
  CHECK(check_laws(variance_by(alpha), records, {.relative = 1e-12, .absolute = 1e-14}));
}

TEST_CASE("states of exponential weights are kept in snapshots") {
  for (const std::size_t n : {0U, 3U, 8U, 20U}) {
    const auto records = arrivals(1, n, 3, 0);
    numbers::check_archive(mean_by(0.3), numbers::added(mean_by(0.3), records), 1.0);
    numbers::check_archive(variance_by(0.3), numbers::added(variance_by(0.3), records), 1.0);
  }
}

struct Reading {
  std::optional<float> load;
};
struct Row {
  std::optional<double> mean, variance;
};

TEST_CASE("exponential weights are features: missing and NaN are left out and counted") {
  weir::FeatureCounts counts[2];
  const std::vector<Reading> readings{
      {4.0F}, {std::nullopt}, {std::numeric_limits<float>::quiet_NaN()}, {1.0F}};
  const Row row = numbers::row_of<Row>(readings, counts, weir::ew_mean(&Reading::load, 0.5).as(&Row::mean),
                                       weir::ew_variance<2>(&Reading::load, 0.5).as(&Row::variance));
  CHECK(*row.mean == Approx(2));
  CHECK(*row.variance == Approx(2));
  for (const auto& count : counts)
    CHECK(count == weir::FeatureCounts{.missing = 1, .nan = 1, .overflowed = 0});
}

TEST_CASE("alpha stands in the description, and a bad one is named") {
  const auto text = numbers::described<Row, Reading>(weir::ew_mean<4>(&Reading::load, 0.1).as(&Row::mean));
  CHECK(text.find("\"aggregate\": \"ew_mean\", \"alpha\": \"0.1\", \"disorder\": 4") != std::string::npos);
  CHECK(weir::ew_mean(&Reading::load, 1).family.problem().empty());
  CHECK(weir::ew_mean(&Reading::load, 2).family.problem() == "alpha is 2; give a number above 0, at most 1");
  CHECK_FALSE(weir::ew_variance(&Reading::load, 0).family.problem().empty());
  CHECK_FALSE(weir::ew_variance(&Reading::load, numbers::nan).family.problem().empty());
}

}  // namespace

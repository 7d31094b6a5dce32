#include <weir/aggregate/decay.hpp>

#include <algorithm>
#include <optional>

#include "aggregate/numbers.hpp"
#include "aggregate/samples.hpp"
#include "catch.hpp"

// What its types are: said here, because every program that includes the header would pay for it.
namespace weir::inline v0 {

static_assert(Aggregator<DecayedCount, double> && Aggregator<DecayedSum<int>, int>);
static_assert(Aggregator<DecayedMean<double>, double> && Aggregator<DecayedVariance<float>, float>);
static_assert(sizeof(DecayedCount::State) == 16 && sizeof(DecayedVariance<int>::State) == 32);

}  // namespace weir::inline v0

namespace {

using namespace std::chrono_literals;
using numbers::infinity;
using numbers::Timed;
using samples::Exact;
using samples::unit;
using weir::DecayedCount;
using weir::DecayedMean;
using weir::DecayedSum;
using weir::DecayedVariance;
using weir::Duration;
using weir::event_time;
using weir::Interval;
using weir::testing::check_laws;

/// 2^-x for 0 <= x < 1, by the series of exp.
Exact half_to(Exact x) {
  const Exact y = -x * (static_cast<Exact>(0x1.62e42fefa39efp-1) + 0x1.abc9e3b39803fp-56);  // ln 2
  Exact term = 1, sum = 1;
  for (int i = 1; i < 40; ++i) {
    term *= y / i;
    sum += term;
  }
  return sum;
}

/// 2^-(age / half_life) in 128 bits.
Exact weight_of(std::int64_t at, std::int64_t now, Duration half_life) {
  const samples::Wide age = static_cast<samples::Wide>(now) - at;
  const samples::Wide whole = age / half_life.count();
  if (whole > 16'000) return 0;
  Exact weight = half_to(static_cast<Exact>(age % half_life.count()) / static_cast<Exact>(half_life.count()));
  for (samples::Wide i = 0; i < whole; ++i) weight /= 2;
  return weight;
}

struct Faded {
  Exact count = 0, sum = 0, sizes = 0, mean = 0, variance = 0, largest = 0;

  Faded(const std::vector<Timed<double>>& records, std::int64_t now, Duration half_life) {
    for (const auto& r : records) {
      const Exact weight = weight_of(weir::ticks(r.at), now, half_life);
      const Exact size = samples::size_of(r.value);
      count += weight;
      sum += weight * r.value;
      sizes += weight * size;
      largest = size > largest ? size : largest;
    }
    mean = sum / count;
    for (const auto& r : records) {
      const Exact distance = r.value - mean;
      variance += weight_of(weir::ticks(r.at), now, half_life) * distance * distance / count;
    }
  }
};

constexpr std::int64_t epoch = 1'790'000'000'000'000;

/// Records out of order, some at the same time.
std::vector<Timed<double>> arrivals(std::uint64_t seed, int n, std::int64_t length, double offset) {
  samples::Random random{seed};
  std::vector<Timed<double>> records;
  for (int i = 0; i < n; ++i)
    records.push_back({random.fraction() - 0.5 + offset, event_time(epoch + random.between(0, length))});
  return records;
}

template <class A>
typename A::State in_panes(const A& aggregator, std::vector<Timed<double>> records, std::size_t size) {
  std::stable_sort(records.begin(), records.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
  typename A::State merged{};
  for (std::size_t from = 0; from < records.size(); from += size) {
    typename A::State pane{};
    for (std::size_t i = std::min(records.size(), from + size); i-- > from;)
      weir::detail::add_to(aggregator, pane, records[i].value, records[i].at);
    aggregator.merge(merged, pane);
  }
  return merged;
}

TEST_CASE("what decays starts at nothing") {
  const Interval asked{weir::no_time, event_time(0)};
  CHECK(DecayedCount{1s}.result({}, asked) == 0.0);
  CHECK(DecayedSum<double>{1s}.result({}, asked) == 0.0);
  CHECK(DecayedMean<double>{1s}.result({}) == std::nullopt);
  CHECK(DecayedVariance<double>{1s}.result({}) == std::nullopt);
}

TEST_CASE("whole half lives are exact") {
  const DecayedCount count{1min};
  const std::vector<Timed<double>> records{
      {8, event_time(120'000'000)}, {4, event_time(0)}, {2, event_time(60'000'000)}};
  const auto counted = numbers::added(count, records);
  CHECK(count.result(counted, {weir::no_time, event_time(120'000'000)}) == 1.75);
  CHECK(count.result(counted, {weir::no_time, event_time(240'000'000)}) == 1.75 / 4);
  const DecayedSum<double> sum{1min};
  CHECK(sum.result(numbers::added(sum, records), {weir::no_time, event_time(180'000'000)}) == 5.0);
  const DecayedMean<double> mean{1min};
  CHECK(mean.result(numbers::added(mean, records)) == Approx(10 / 1.75));
  const DecayedVariance<double> variance{1min};
  CHECK(variance.result(numbers::added(variance, std::vector<Timed<double>>{{3, event_time(7)}})) == 0.0);
  CHECK(*variance.result(numbers::added(
            variance, std::vector<Timed<double>>{{0, event_time(0)}, {3, event_time(60'000'000)}})) ==
        Approx(2));
}

TEST_CASE("an instant before the newest record is taken for the instant of that record") {
  const DecayedCount count{1min};
  const auto state =
      numbers::added(count, std::vector<Timed<double>>{{1, event_time(0)}, {1, event_time(60'000'000)}});
  CHECK(count.result(state, {weir::no_time, event_time(60'000'000)}) == 1.5);
  CHECK(count.result(state, {weir::no_time, event_time(30'000'000)}) == 1.5);
  CHECK(count.result(state, {weir::no_time, event_time(-30'000'000)}) == 1.5);
}

TEST_CASE("decay agrees with sums in 128 bits within the stated bounds, added in any order and merged") {
  auto seed = GENERATE(1u, 2u, 3u);
  auto half_life =
      GENERATE(Duration{1}, Duration{997}, Duration{10'000'019}, Duration{1h}, Duration{24h * 365'000});
  auto offset = GENERATE(0.0, 1e4);
  auto n = GENERATE(3, 300);
  CAPTURE(seed, half_life.count(), offset, n);
  const auto records = arrivals(seed, n, 20'000'000, offset);
  std::int64_t newest = 0;
  for (const auto& r : records) newest = std::max(newest, weir::ticks(r.at));
  const Faded exact(records, newest, half_life);
  const std::int64_t now = newest + 3 * half_life.count() + half_life.count() / 3;
  const Faded later(records, now, half_life);
  const Interval asked{weir::no_time, event_time(now)};
  const DecayedCount count{half_life};
  const DecayedSum<double> sum{half_life};
  const DecayedMean<double> mean{half_life};
  const DecayedVariance<double> variance{half_life};
  const auto check = [&](const DecayedCount::State& counted, const DecayedSum<double>::State& summed,
                         const DecayedMean<double>::State& averaged) {
    CHECK(samples::error_of(count.result(counted, asked), later.count) <=
          (5 * n + 8) * unit * static_cast<double>(later.count));
    CHECK(samples::error_of(sum.result(summed, asked), later.sum) <=
          (5 * n + 8) * unit * static_cast<double>(later.sizes));
    CHECK(samples::error_of(*mean.result(averaged), exact.mean) <=
          8 * n * unit * static_cast<double>(exact.largest));
    const auto k = __builtin_sqrt(static_cast<double>(1 + exact.largest * exact.largest / exact.variance));
    if (n * unit * k < 1e-6)
      CHECK(samples::error_of(*variance.result(averaged), exact.variance) <=
            16 * n * unit * k * static_cast<double>(exact.variance));
  };
  check(numbers::added(count, records), numbers::added(sum, records), numbers::added(mean, records));
  for (const std::size_t size : {std::size_t{50}, std::size_t{1}})
    check(in_panes(count, records, size), in_panes(sum, records, size), in_panes(mean, records, size));
}

TEST_CASE("half lives of a microsecond over all of time, and eternal ones, give numbers that make sense") {
  const auto oldest = event_time(weir::ticks(weir::no_time) + 1);
  const std::vector<Timed<double>> ends{{5, weir::end_of_time}, {3, oldest}, {4, event_time(0)}};
  const Interval asked{weir::no_time, weir::end_of_time};
  const DecayedCount fast{1us}, eternal{weir::for_ever};
  CHECK(fast.result(numbers::added(fast, ends), asked) == 1.0);
  CHECK(eternal.result(numbers::added(eternal, ends), asked) == Approx(1.75));
  const DecayedMean<double> mean{1us};
  CHECK(mean.result(numbers::added(mean, ends)) == 5.0);
  const DecayedVariance<double> variance{1us};
  CHECK(variance.result(numbers::added(variance, ends)) == 0.0);
  const DecayedSum<double> sum{1us};
  const auto old = numbers::added(sum, std::vector<Timed<double>>{{3, oldest}});
  CHECK(sum.result(old, asked) == 0.0);
  CHECK(sum.result(old, {weir::no_time, later(oldest, 1000us)}) == 3 * 0x1p-1000);
  CHECK(sum.result(old, {weir::no_time, later(oldest, 2000us)}) == 0.0);
}

TEST_CASE("infinite values give infinity or NaN, and half lives that cannot be harm nothing") {
  const DecayedSum<double> sum{1s};
  CHECK(sum.result(
            numbers::added(sum, std::vector<Timed<double>>{{infinity, event_time(0)}, {1, event_time(1)}}),
            {weir::no_time, event_time(2)}) == infinity);
  const DecayedMean<double> mean{1s};
  CHECK(weir::detail::is_nan(*mean.result(numbers::added(
      mean, std::vector<Timed<double>>{{infinity, event_time(0)}, {-infinity, event_time(1)}}))));
  for (const Duration half_life : {Duration{0}, Duration{-5}, Duration::min()}) {
    const DecayedCount none{half_life};
    const auto state = numbers::added(
        none, std::vector<Timed<double>>{{1, event_time(0)}, {1, event_time(1)}, {1, event_time(0)}});
    CHECK(none.result(state, {weir::no_time, event_time(1)}) == 1.0);
    CHECK(none.result(state, {weir::no_time, event_time(2)}) == 0.0);
  }
}

TEST_CASE("decay obeys the laws within rounding, and order does not matter") {
  auto seed = GENERATE(1u, 2u, 3u);
  auto half_life = GENERATE(Duration{1ms}, Duration{300ms}, Duration{1h});
  CAPTURE(seed, half_life.count());
  auto records = arrivals(seed, 30, 5'000'000, 2);
  records.push_back(records.back());
  const weir::testing::LawOptions near{.relative = 1e-13, .absolute = 1e-13};
  const DecayedCount count{half_life};
  const DecayedSum<double> sum{half_life};
  const DecayedMean<double> mean{half_life};
  const DecayedVariance<double> variance{half_life};
  CHECK(check_laws(count, records, near));
  CHECK(check_laws(sum, records, near));
  CHECK(check_laws(mean, records, near));
  CHECK(check_laws(variance, records, near));

  const Interval asked{weir::no_time, event_time(epoch + 6'000'000)};
  const double forwards = sum.result(numbers::added(sum, records), asked);
  std::reverse(records.begin(), records.end());
  CHECK(sum.result(numbers::added(sum, records), asked) == Approx(forwards).epsilon(1e-13));
}

TEST_CASE("states of what decays are kept in snapshots") {
  const auto records = arrivals(1, 20, 5'000'000, 2);
  const Interval asked{weir::no_time, event_time(epoch + 6'000'000)};
  numbers::check_archive(DecayedCount{1s}, numbers::added(DecayedCount{1s}, records), 1.0, asked);
  numbers::check_archive(DecayedSum<double>{1s}, numbers::added(DecayedSum<double>{1s}, records), 1.0, asked);
  numbers::check_archive(DecayedVariance<double>{1s}, numbers::added(DecayedVariance<double>{1s}, records),
                         1.0, asked);
}

struct Click {
  std::optional<double> price;
};
struct Row {
  double clicks = -1, spent = -1;
  std::optional<double> mean, variance;
};

TEST_CASE("what decays is a feature: missing and NaN are left out and counted") {
  weir::FeatureCounts counts[4];
  const std::vector<Click> clicks{{4.0}, {std::nullopt}, {numbers::nan}, {1.0}};
  const Row row = numbers::row_of<Row>(clicks, counts, weir::decayed_count(1s).as(&Row::clicks),
                                       weir::decayed_sum(&Click::price, 1s).as(&Row::spent),
                                       weir::decayed_mean(&Click::price, 1s).as(&Row::mean),
                                       weir::decayed_variance(&Click::price, 1s).as(&Row::variance));
  CHECK(row.clicks == 0.9375);
  CHECK(row.spent == 0.75);
  CHECK(*row.mean == Approx(1.5 / 1.125));
  CHECK(*row.variance == Approx(9 * (1.0 / 9) * (8.0 / 9)));
  CHECK(counts[1] == weir::FeatureCounts{.missing = 1, .nan = 1, .overflowed = 0});
  CHECK(counts[3] == counts[1]);
}

TEST_CASE("a half life stands in the description, and a bad one is named") {
  const auto text = numbers::described<Row, Click>(weir::decayed_mean(&Click::price, 90min).as(&Row::mean));
  CHECK(text.find("\"aggregate\": \"decayed_mean\", \"half_life\": \"90min\"") != std::string::npos);
  CHECK(weir::decayed_count(1us).family.problem().empty());
  CHECK(weir::decayed_sum(&Click::price, -1s).family.problem() ==
        "half_life is -1s; give a duration above zero, such as 1h");
  CHECK_FALSE(weir::decayed_variance(&Click::price, 0s).family.problem().empty());
}

}  // namespace

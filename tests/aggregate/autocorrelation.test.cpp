#include <weir/aggregate/autocorrelation.hpp>

#include <limits>
#include <vector>

#include <weir/testing/laws.hpp>

#include "aggregate/orders.hpp"
#include "catch.hpp"

// What its types are: said here, because every program that includes the header would pay for it.
namespace weir::inline v0 {

static_assert(Aggregator<Autocorrelation<double, 1>, double>);

}  // namespace weir::inline v0

namespace {

using orders::disordered;
using orders::result_of;
using weir::Autocorrelation;
using weir::Checked;
using weir::event_time;
using weir::testing::check_laws;
using weir::testing::Timed;

template <class T>
std::vector<Timed<T>> in_order(const std::vector<T>& values) {
  std::vector<Timed<T>> records;
  for (const T& x : values) records.push_back({x, event_time(static_cast<std::int64_t>(records.size()))});
  return records;
}

/// The definition in 128 bits, and how far from it the result may be.
struct Reference {
  samples::Exact value = 0;
  double bound = 0;

  template <class T>
  Reference(const std::vector<T>& values, std::size_t lag) {
    samples::Exact mean = 0, squares = 0, products = 0;
    const auto n = static_cast<samples::Exact>(values.size());
    for (const T x : values) mean += static_cast<samples::Exact>(x) / n;
    const auto distance = [&](std::size_t i) { return static_cast<samples::Exact>(values[i]) - mean; };
    for (std::size_t i = 0; i < values.size(); ++i) squares += distance(i) * distance(i);
    for (std::size_t i = 0; i + lag < values.size(); ++i) products += distance(i) * distance(i + lag);
    value = products / squares;
    bound = 4 * static_cast<double>(n) * samples::unit *
            __builtin_sqrt(1 + static_cast<double>(mean * mean / (squares / n)));
  }
};

template <std::size_t lag, class T>
void check_reference(const std::vector<Timed<T>>& records) {
  const auto values = orders::values_of(orders::sorted(records));
  const Autocorrelation<T, lag> aggregator;
  const auto found = aggregator.result(orders::added(aggregator, records));
  REQUIRE(found.has_value() == values.size() > lag);
  if (!found) return;
  const Reference reference(values, lag);
  CHECK_FALSE(found->overflowed);
  CHECK(samples::error_of(found->value, reference.value) <= reference.bound);

  typename Autocorrelation<T, lag>::State merged{};  // in parts of 7, shorter than some lags
  const auto sorted = orders::sorted(records);
  for (std::size_t i = 0; i < sorted.size(); i += 7) {
    const auto end = sorted.begin() + static_cast<long>(std::min(i + 7, sorted.size()));
    aggregator.merge(merged,
                     orders::added(aggregator, std::vector(sorted.begin() + static_cast<long>(i), end)));
  }
  CHECK(samples::error_of(aggregator.result(merged)->value, reference.value) <= reference.bound);
}

TEST_CASE("autocorrelation of too few, or of equal values, is empty") {
  const auto of = [](const std::vector<double>& values) {
    return result_of(Autocorrelation<double, 2>{}, in_order(values));
  };
  CHECK(of({}) == std::nullopt);
  CHECK(of({1, 2}) == std::nullopt);
  CHECK(of({0.1, 0.1, 0.1, 0.1}) == std::nullopt);
  CHECK(of({1, 2, 3}).has_value());
}

TEST_CASE("autocorrelation is within its bound of the definition, at every lag and with large offsets") {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    for (const double offset : {0.0, 1.0, 1e6, -1e9}) {
      CAPTURE(seed, offset);
      auto values = samples::fractions(seed, 2 + 5 * seed);
      for (std::size_t i = 1; i < values.size(); ++i) values[i] = 0.7 * values[i - 1] + values[i];
      for (double& x : values) x += offset;
      const auto records = disordered(seed, values, 8);
      check_reference<1>(records);
      check_reference<2>(records);
      check_reference<20>(records);
    }
    check_reference<3>(disordered(seed, samples::integers(seed, 50, 1000), 8));
  }
}

TEST_CASE("alternating values go against each other, waves with themselves") {
  std::vector<double> alternating, wave;
  for (int i = 0; i < 1000; ++i) {
    alternating.push_back(i % 2 == 0 ? 1 : -1);
    wave.push_back(__builtin_sin(i * 3.14159265358979 / 10));
  }
  CHECK(result_of(Autocorrelation<double, 1>{}, in_order(alternating))->value == Approx(-0.999));
  CHECK(result_of(Autocorrelation<double, 2>{}, in_order(alternating))->value == Approx(0.998));
  CHECK(result_of(Autocorrelation<double, 20>{}, in_order(wave))->value == Approx(0.98));
  CHECK(result_of(Autocorrelation<double, 10>{}, in_order(wave))->value == Approx(-0.99));
}

TEST_CASE("infinities and NaN give NaN") {
  for (const double wrong :
       {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    const auto found = result_of(Autocorrelation<double, 1>{}, in_order(std::vector{1.0, wrong, 2.0, 3.0}));
    REQUIRE(found.has_value());
    CHECK(found->value != found->value);
  }
}

TEST_CASE("autocorrelation obeys the laws up to rounding") {
  const auto seed = GENERATE(1u, 2u, 3u);
  const weir::testing::LawOptions options{.absolute = 1e-13};
  for (const std::size_t n : {0U, 4U, 25U}) {
    CAPTURE(seed, n);
    const auto values = samples::fractions(seed, n);
    CHECK(check_laws(Autocorrelation<double, 1, 2>{}, disordered(seed, values, 2), options));
    CHECK(check_laws(Autocorrelation<double, 3, 1>{}, disordered(seed, values, 1), options));
    CHECK(check_laws(Autocorrelation<double, 5>{}, disordered(seed, values, 8), options));
  }
}

TEST_CASE("States of autocorrelation come back from snapshots, and damaged ones do no harm") {
  const Autocorrelation<double, 3, 4> aggregator;
  const auto state = orders::added(aggregator, disordered(1, samples::fractions(1, 20), 3));
  const auto read = orders::read_again(state);
  REQUIRE(read.size() == 1);
  CHECK(aggregator.result(read[0]) == aggregator.result(state));
  CHECK(orders::refused(aggregator, state, 1.0) > 100);
  STATIC_REQUIRE(sizeof(Autocorrelation<double, 1>::State) == 240);
  STATIC_REQUIRE(sizeof(Autocorrelation<double, 4>::State) == 288);
}

struct Sample {
  std::int32_t level = 0;
};
struct Row {
  std::optional<double> at_1, at_2;
};

TEST_CASE("autocorrelation is a feature of a row") {
  using namespace weir;
  const std::vector<Timed<Sample>> levels{
      {{1}, event_time(1)}, {{-1}, event_time(2)}, {{1}, event_time(3)}, {{-1}, event_time(4)}};
  const Row row = orders::row_of<Row>(levels, Interval{}, autocorrelation<1>(&Sample::level).as(&Row::at_1),
                                      autocorrelation<2, 32>(&Sample::level).as(&Row::at_2));
  REQUIRE(row.at_1.has_value());
  CHECK(*row.at_1 == Approx(-0.75));
  REQUIRE(row.at_2.has_value());
  CHECK(*row.at_2 == Approx(0.5));
}

}  // namespace

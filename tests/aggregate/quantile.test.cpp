#include <weir/aggregate/quantile.hpp>

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

static_assert(sizeof(detail::LogBuckets) == 72);
static_assert(Aggregator<Quantile<double>, double> && OrderIndependent<Quantile<double>>);
static_assert(Aggregator<Quantiles<int, 3>, int>);

}  // namespace weir::inline v0

namespace {

using samples::written;
using weir::Checked;
using weir::Quantile;
using weir::Quantiles;
using weir::detail::LogScale;
using weir::testing::check_laws;
using State = Quantile<double>::State;

constexpr double infinity = std::numeric_limits<double>::infinity();

Quantile<double> quantile_of(double q, double relative_error, std::uint32_t most = 2048) {
  return {q, LogScale{relative_error}, most};
}

double exact(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(q * static_cast<double>(values.size() - 1))];
}

TEST_CASE("the quantile of nothing is empty") {
  CHECK(Quantile<double>{}.result({}) == std::nullopt);
  CHECK(Quantiles<double, 2>{{0.1, 0.9}}.result({}) == std::nullopt);
  CHECK(State{}.bytes() == 0);
}

TEST_CASE("each bucket ends where the error would be larger than it may be") {
  const double error = GENERATE(0.0001, 0.001, 0.01, 0.05, 0.5);
  CAPTURE(error);
  const LogScale scale{error};
  const std::int32_t last = scale.top() - 1;
  const std::int32_t step = std::max(1, (last - LogScale::first) / 70'000);
  const double allowed = error * (1 + 1e-12);
  double worst = 0;
  for (std::int32_t i = LogScale::first + 1; i <= last; i += step) {
    // The lowest number of the bucket lies between the values of the bucket before and of this.
    auto below = std::bit_cast<std::uint64_t>(scale.value(i - 1));
    auto inside = std::bit_cast<std::uint64_t>(scale.value(i));
    if (scale.index(inside) != i) continue;  // the last one, held at the largest number
    if (scale.index(below) != i - 1) FAIL("the value of a bucket is not in it");
    while (inside - below > 1) {
      const std::uint64_t middle = below + (inside - below) / 2;
      (scale.index(middle) == i ? inside : below) = middle;
      if (scale.index(middle) != i && scale.index(middle) != i - 1) FAIL("the buckets are not in order");
    }
    const auto least = std::bit_cast<double>(inside), most = std::bit_cast<double>(below);
    worst = std::max({worst, std::abs(scale.value(i) / least - 1), std::abs(scale.value(i - 1) / most - 1)});
  }
  CHECK(worst <= allowed);
  CHECK(worst >= error * 0.99);  // and not much sooner
  for (const double x : {std::numeric_limits<double>::min(), std::numeric_limits<double>::max()}) {
    const double found = scale.value(scale.index(std::bit_cast<std::uint64_t>(x)));
    CHECK(std::abs(found / x - 1) <= allowed);
  }
  CHECK(scale.top() <= LogScale::last);
}

TEST_CASE("the result is within the relative error, whatever the values and their order") {
  const double error = GENERATE(0.001, 0.01, 0.2);
  const std::size_t n = GENERATE(1u, 2u, 31u, 32u, 33u, 1000u, 20'000u);
  const int kind = GENERATE(range(0, 6));
  CAPTURE(error, n, kind);
  std::vector<double> values = kind == 0   ? samples::fractions(1, n)
                               : kind == 1 ? samples::spreads(2, n, 20)
                               : kind == 2 ? samples::spreads(3, n, 3)
                                           : std::vector<double>(n, -7.5);
  samples::Random random{n};
  if (kind >= 4) {
    for (std::size_t i = 0; i < n; ++i)  // zooms in on 1 from both sides
      values[i] = 1 + (i % 2 == 0 ? 1 : -1) / static_cast<double>(i + 2);
    if (kind == 5) std::reverse(values.begin(), values.end());
  }
  for (std::size_t i = 0; i < n && kind == 2; i += 3) values[i] = 0;
  State state;
  for (const double x : values) quantile_of(0.5, error, 65536).add(state, x);
  for (const double q : {0.0, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto found = quantile_of(q, error, 65536).result(state);
    REQUIRE(found.has_value());
    const double expected = exact(values, q);
    CHECK_FALSE(found->overflowed);
    CHECK(std::abs(found->value - expected) <= error * std::abs(expected) * (1 + 1e-12));
  }
}

TEST_CASE("values of every size, of either sign, are within the error as long as there are buckets") {
  std::vector<double> values{0.0, -0.0, 5e-324, -5e-324, infinity, -infinity, 1e308, -1e308, 1e-307, -1e-307};
  for (int k = 0; k < 60; ++k) values.push_back(std::ldexp(k % 2 == 0 ? 1.0 : -1.0, k));
  const auto find = [&values](double q) {
    State state;
    for (const double x : values) quantile_of(q, 0.1, 65536).add(state, x);
    return quantile_of(q, 0.1, 65536).result(state);
  };
  std::sort(values.begin(), values.end());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Checked<double> found =
        *find((static_cast<double>(i) + 0.25) / static_cast<double>(values.size() - 1));
    const double x = values[i];
    CAPTURE(i, x, found.value);
    CHECK_FALSE(found.overflowed);
    if (std::abs(x) < 1e-308 || std::abs(x) == infinity)
      CHECK(found.value == (std::abs(x) < 1 ? 0 : x));
    else
      CHECK(std::abs(found.value / x - 1) <= 0.1 + 1e-12);
  }
}

TEST_CASE("what there are no buckets for is flagged, and too far from 0, the rest is not touched") {
  std::vector<double> values;
  for (int k = 0; k < 1000; ++k) values.push_back(std::pow(1.05, k));
  for (const double sign : {1.0, -1.0}) {
    State state;
    for (const double x : values) quantile_of(0, 0.01, 256).add(state, sign * x);
    int flagged = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double q = (static_cast<double>(i) + 0.25) / 999, x = values[sign > 0 ? i : 999 - i];
      const Checked<double> found = *quantile_of(q, 0.01, 256).result(state);
      flagged += found.overflowed ? 1 : 0;
      if (found.overflowed)
        CHECK(sign * found.value >= x * 0.99);
      else
        CHECK(std::abs(sign * found.value / x - 1) <= 0.01 + 1e-12);
    }
    // 256 buckets of 2 % are a factor of 1.05^104.
    CHECK(flagged > 880);
    CHECK(flagged < 910);
    CHECK(state.bytes() <= 2 * 256 * 8 + 64);
  }
}

TEST_CASE("the state depends on the values alone, in every order and every grouping, also beyond the limit") {
  const int range = GENERATE(2, 8, 40, 900);
  const std::size_t n = GENERATE(5u, 32u, 33u, 100u, 3000u);
  CAPTURE(range, n);
  const auto aggregator = quantile_of(0.5, 0.01, 300);
  std::vector<double> values = samples::spreads(n, n, range);
  for (std::size_t i = 0; i < n; i += 7) values[i] = 0;
  const std::string whole = written(samples::added(aggregator, values));
  samples::Random random{n};
  for (int round = 0; round < 20; ++round) {
    if (round == 0)
      std::sort(values.begin(), values.end());
    else if (round == 1)
      std::reverse(values.begin(), values.end());
    else
      for (std::size_t i = n; i > 1; --i) std::swap(values[i - 1], values[random.below(i)]);
    std::vector<State> parts(1 + random.below(round < 10 ? 4 : 100));
    for (const double x : values) {
      aggregator.add(parts[random.below(parts.size())], x);
      if (random.below(50) == 0 && parts.size() > 1) {  // a tree of any shape
        const std::size_t to = random.below(parts.size() - 1);
        aggregator.merge(parts[to], parts.back());
        parts.pop_back();
      }
    }
    while (parts.size() > 1) {
      const std::size_t to = random.below(parts.size() - 1);
      aggregator.merge(parts[to], parts.back());
      parts.pop_back();
    }
    REQUIRE(written(parts[0]) == whole);
    REQUIRE(parts[0].bytes() <= 2 * 300 * 8 + 32);
  }
}

TEST_CASE("quantiles obey the laws") {
  const int range = GENERATE(3, 500);
  CHECK(check_laws(quantile_of(0.3, 0.01, 100), samples::spreads(1, 20, range)));
  CHECK(check_laws(quantile_of(0.3, 0.01, 100), samples::spreads(2, 150, range), {.most_cuts = 300}));
  CHECK(check_laws(Quantile<std::int64_t>{}, samples::integers(3, 100, 10), {.most_cuts = 300}));
  CHECK(check_laws(Quantiles<double, 3>{{0.1, 0.5, 0.9}}, samples::spreads(4, 60, 5), {.most_cuts = 300}));
}

TEST_CASE("several quantiles come in the order in which they were asked for") {
  const Quantiles<int, 3> sketch{{0.9, 0.0, 0.5}};
  Quantiles<int, 3>::State state;
  for (int x = 1; x <= 101; ++x) sketch.add(state, x);
  const auto found = *sketch.result(state);
  CHECK_FALSE(found.overflowed);
  CHECK(std::abs(found.value[0] - 91) <= 0.91);
  CHECK(std::abs(found.value[1] - 1) <= 0.01);
  CHECK(std::abs(found.value[2] - 51) <= 0.51);
}

TEST_CASE("NaN, where it is asked for, makes the result NaN") {
  State state, other;
  const Quantile<double> sketch;
  sketch.add(state, 1);
  sketch.add(other, std::numeric_limits<double>::quiet_NaN());
  sketch.merge(state, other);
  CHECK(std::isnan(sketch.result(state)->value));
  CHECK(std::isnan(sketch.result(other)->value));
}

TEST_CASE(
    "copies of buckets are independent, what was moved from is empty, a state may be merged with itself") {
  for (const std::size_t n : {std::size_t{5}, std::size_t{500}}) {
    const auto values = samples::spreads(1, n, 4);
    const Quantile<double> sketch;
    State state = samples::added(sketch, values);
    const auto found = sketch.result(state);
    State copy = state;
    const State same = copy;
    sketch.merge(copy, same);
    sketch.merge(copy, copy);
    CHECK(sketch.result(state) == found);
    const State moved = std::move(state);
    CHECK(sketch.result(moved) == found);
    CHECK(sketch.result(state) == std::nullopt);  // NOLINT(bugprone-use-after-move)
    for (const double x : values) sketch.add(state, x);
    CHECK(written(state) == written(moved));
  }
}

TEST_CASE("options that make no sense are named, and harm nothing") {
  const auto problem = [](double q, weir::QuantileSpec spec) {
    return weir::detail::quantile_problem(&q, 1, spec);
  };
  CHECK(problem(0.5, {}).empty());
  CHECK(problem(-0.1, {}) == "q is -0.1; give a number from 0 to 1");
  CHECK(problem(0.5, {.relative_error = 2}) == "relative_error is 2; give a number from 0.0001 to 0.5");
  CHECK(problem(0.5, {.relative_error = std::nan("")}).substr(0, 17) == "relative_error is");
  CHECK(problem(0.5, {.most = 200'000}) == "most is 200000; give a number from 16 to 65536");
  CHECK(problem(0.5, {.most = 1}) == "most is 1; give a number from 16 to 65536");
  for (const double odd : {-1.0, 0.0, 7.0, infinity, std::nan("")}) {
    const auto sketch = quantile_of(odd, odd, 0);
    CHECK(sketch.result(samples::added(sketch, samples::spreads(1, 100, 1000))).has_value());
  }
}

TEST_CASE("buckets that were written are read, and damaged bytes are refused") {
  for (const std::size_t n :
       {std::size_t{0}, std::size_t{1}, std::size_t{32}, std::size_t{33}, std::size_t{900}}) {
    const auto sketch = quantile_of(0.7, 0.05, 64);
    const State state = samples::added(sketch, samples::spreads(n, n, 30));
    const std::string bytes = written(state);
    weir::Archive in(bytes);
    State read;
    in(read);
    CHECK(in.is_good());
    CHECK(in.left() == 0);
    CHECK(written(read) == bytes);
    State more = state;
    for (const double x : {0.0, 1e300, -1e300}) {
      sketch.add(read, x);
      sketch.add(more, x);
    }
    CHECK(written(read) == written(more));

    samples::Random random{n};
    for (int round = 0; round < 1000; ++round) {
      std::string damaged = bytes.substr(0, random.below(bytes.size() + 1));
      for (std::uint64_t k = random.below(4); k > 0 && !damaged.empty(); --k)
        damaged[random.below(damaged.size())] = static_cast<char>(random.bits());
      weir::Archive hostile(damaged);
      State any;
      hostile(any);
      State other = state;
      sketch.merge(other, any);
      sketch.merge(any, state);
      sketch.add(any, 1.5);
      CHECK(sketch.result(any).has_value());
      CHECK((other.empty() || sketch.result(other).has_value()));
    }
  }
}

struct Request {
  std::optional<double> seconds;
  std::int32_t bytes = 0;
};
struct Row {
  double p95 = 0, half = 0;
  std::array<float, 2> ends{};
};

template <class... Features>
auto rows_of(Features... features) {
  return weir::RowAggregator<Row, Request, Features...>(features...);
}

TEST_CASE("features hold quantiles in numbers and in arrays") {
  const auto rows = rows_of(weir::quantile(&Request::seconds, 0.95, {.relative_error = 0.02}).as(&Row::p95),
                            weir::median(&Request::bytes).as(&Row::half),
                            weir::quantiles<2>(&Request::bytes, {0, 1}).as(&Row::ends));
  decltype(rows)::State state{};
  for (int i = 0; i <= 100; ++i)
    rows.add(state, {i % 2 == 0 ? std::optional(i / 10.0) : std::nullopt, 100 + i}, weir::event_time(i));
  const Row row = rows.result(state, {weir::no_time, weir::event_time(101)});
  CHECK(std::abs(row.p95 - 9.4) <= 0.188);
  CHECK(std::abs(row.half - 150) <= 1.5);
  CHECK(std::abs(row.ends[0] - 100) <= 1);
  CHECK(std::abs(row.ends[1] - 200) <= 2);
}

}  // namespace

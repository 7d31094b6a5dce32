#include <weir/aggregate/rank_quantile.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <weir/aggregate/aggregate.hpp>
#include <weir/testing/laws.hpp>

#include "aggregate/samples.hpp"
#include "catch.hpp"
#include "effort.hpp"

// What its types are: said here, because every program that includes the header would pay for it.
namespace weir::inline v0 {

static_assert(sizeof(detail::RankSketch) == 72);
static_assert(Aggregator<RankQuantile<double>, double> && !OrderIndependent<RankQuantile<double>>);

}  // namespace weir::inline v0

namespace {

using samples::written;
using weir::RankQuantile;
using weir::testing::check_laws;
using Sketch = RankQuantile<double>;

TEST_CASE("the rank quantile of nothing is empty") {
  CHECK(Sketch{}.result({}) == std::nullopt);
  CHECK(Sketch::State{}.bytes() == 0);
}

TEST_CASE("up to k values the result is exact and obeys the laws") {
  const std::size_t n = GENERATE(1u, 2u, 9u, 60u, 200u);
  auto values = samples::spreads(n, n, 10);
  CHECK(check_laws(Sketch{.q = 0.3}, values, {.most_cuts = 200}));
  CHECK(check_laws(RankQuantile<std::int64_t>{.q = 0.7}, samples::integers(n, n, 20), {.most_cuts = 200}));
  for (const double q : {0.0, 0.1, 0.5, 0.99, 1.0}) {
    auto sorted = values;
    std::sort(sorted.begin(), sorted.end());
    CHECK(samples::result_of(Sketch{.q = q}, values) ==
          sorted[static_cast<std::size_t>(q * static_cast<double>(n - 1))]);
  }
}

enum class Order { random, ascending, descending, zooming, few };

/// The ranks 0 to n - 1 in an order; `few`: only 20 different ones.
std::vector<double> ranks(Order order, std::size_t n, samples::Random& random) {
  std::vector<double> values;
  for (std::size_t i = 0; i < n; ++i)
    values.push_back(static_cast<double>(order == Order::few ? i * 20 / n : i));
  if (order == Order::descending) std::reverse(values.begin(), values.end());
  if (order == Order::zooming)
    for (std::size_t i = 0; i < n; ++i) values[i] = static_cast<double>(i % 2 == 0 ? i / 2 : n - 1 - i / 2);
  if (order == Order::random || order == Order::few)
    for (std::size_t i = n; i > 1; --i) std::swap(values[i - 1], values[random.below(i)]);
  return values;
}

enum class Shape { one, chain, balanced, any };

Sketch::State merged(const Sketch& sketch, const std::vector<double>& values, Shape shape,
                     samples::Random& random) {
  std::vector<Sketch::State> parts(shape == Shape::one ? 1 : 40);
  for (std::size_t i = 0; i < values.size(); ++i)
    sketch.add(parts[i * parts.size() / values.size()], values[i]);
  while (parts.size() > 1) {
    const std::size_t n = parts.size();
    if (shape == Shape::balanced) {
      for (std::size_t i = 0; i + 1 < n; i += 2) sketch.merge(parts[i], parts[i + 1]);
      for (std::size_t i = 0; 2 * i < n; ++i)
        if (i > 0) parts[i] = parts[2 * i];
      parts.resize((n + 1) / 2);
    } else {
      const std::size_t to = shape == Shape::chain ? 0 : random.below(n - 1);
      sketch.merge(parts[to], parts[to + 1]);
      parts.erase(parts.begin() + static_cast<long>(to) + 1);
    }
  }
  return parts[0];
}

TEST_CASE(
    "the error of the rank over a thousand trials is within the label, in every order and merged in every "
    "shape") {
  const std::uint32_t k = GENERATE(20u, 200u);
  const auto order = GENERATE(Order::random, Order::ascending, Order::descending, Order::zooming, Order::few);
  const auto shape = GENERATE(Shape::one, Shape::chain, Shape::balanced, Shape::any);
  CAPTURE(k, static_cast<int>(order), static_cast<int>(shape));
  const std::size_t n = k == 20 ? 1000 : 5000;
  const int trials = effort() == "quick" ? 50 : 1000;
  samples::Random random{k};
  int outside = 0, asked = 0;
  double worst = 0;
  for (int trial = 0; trial < trials; ++trial) {
    // What is drawn depends on the values, so that other values are other trials.
    auto values = ranks(order, n, random);
    const double shift = static_cast<double>(trial) * 1e6;
    for (double& x : values) x += shift;
    const auto state = merged(Sketch{.k = k}, values, shape, random);
    CHECK(state.bytes() <= 16 * (3 * k + 8 * 8) + 256);
    for (const double q : {0.02, 0.25, 0.5, 0.9}) {
      const double found = *Sketch{.q = q, .k = k}.result(state) - shift,
                   rank = std::floor(q * static_cast<double>(n - 1));
      const double share = order == Order::few ? static_cast<double>(n) / 20 : 1;
      const double below = found * share, above = below + share - 1;  // ranks of equal values
      const double error = std::max({0.0, below - rank, rank - above}) / static_cast<double>(n);
      outside += error > 3.3 / k ? 1 : 0;
      worst = std::max(worst, error * k);
      ++asked;
    }
  }
  CAPTURE(outside, asked, worst);
  CHECK(outside <= asked / 100);
  CHECK(worst < 6);
}

TEST_CASE("sums of sizes stay what was added: the ends are ends, whatever was thrown away") {
  const std::size_t n = GENERATE(1000u, 100'000u);
  Sketch::State state;
  for (std::size_t i = 0; i < n; ++i) Sketch{}.add(state, static_cast<double>(i));
  CHECK(*Sketch{.q = 0}.result(state) <= 0.0165 * static_cast<double>(n));
  CHECK(*Sketch{.q = 1}.result(state) >= (1 - 0.0165) * static_cast<double>(n));
  Sketch::State all;
  for (int i = 0; i < 100; ++i) Sketch{}.merge(all, state);
  CHECK(all.bytes() <= 16 * (3 * 200 + 8 * 16) + 256);
  CHECK(std::abs(*Sketch{}.result(all) / static_cast<double>(n) - 0.5) <= 0.0165);
}

TEST_CASE("all equal values are that value, a run is the same each time") {
  Sketch::State state;
  for (int i = 0; i < 10'000; ++i) Sketch{}.add(state, -3.5);
  for (const double q : {0.0, 0.5, 1.0}) CHECK(Sketch{.q = q}.result(state) == -3.5);
  const auto values = samples::spreads(1, 20'000, 5);
  CHECK(written(samples::added(Sketch{}, values)) == written(samples::added(Sketch{}, values)));
}

TEST_CASE("numbers at the limits come back as they were, -0.0 is below 0.0") {
  using samples::result_of;
  const auto ends = []<class T>(T low, T high) {
    CHECK(result_of(RankQuantile<T>{.q = 0}, std::vector<T>{high, low, high}) == low);
    CHECK(result_of(RankQuantile<T>{.q = 1}, std::vector<T>{low, high, low}) == high);
  };
  ends(-std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity());
  ends(-5e-324, 5e-324);
  ends(-1.5F, 2.5F);
  ends(std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max());
  ends(std::uint64_t{0}, std::numeric_limits<std::uint64_t>::max());
  ends(std::int8_t{-128}, std::int8_t{127});
  ends(weir::Duration{-7}, weir::Duration{7});
  CHECK(std::signbit(*result_of(Sketch{.q = 0}, std::vector{0.0, -0.0})));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(std::isnan(*result_of(Sketch{}, std::vector{1.0, nan, 2.0})));
  CHECK(std::isnan(*result_of(Sketch{}, std::vector{nan})));
}

TEST_CASE(
    "copies of ranks are independent, what was moved from is empty, a state may be merged with itself") {
  for (const std::size_t n : {std::size_t{5}, std::size_t{5000}}) {
    Sketch::State state = samples::added(Sketch{}, samples::spreads(1, n, 4));
    const auto found = Sketch{}.result(state);
    Sketch::State copy = state;
    Sketch{}.merge(copy, copy);
    Sketch{}.add(copy, 7);
    CHECK(Sketch{}.result(state) == found);
    const Sketch::State moved = std::move(state);
    CHECK(Sketch{}.result(moved) == found);
    CHECK(Sketch{}.result(state) == std::nullopt);  // NOLINT(bugprone-use-after-move)
    for (const double x : samples::spreads(1, n, 4)) Sketch{}.add(state, x);
    CHECK(written(state) == written(moved));
  }
}

TEST_CASE("options of the rank quantile that make no sense are named, and harm nothing") {
  const auto problem = [](double q, std::uint32_t k) { return weir::detail::RankQuantileOf{q, k}.problem(); };
  CHECK(problem(0.5, 200).empty());
  CHECK(problem(1.5, 200) == "q is 1.5; give a number from 0 to 1");
  CHECK(problem(0.5, 7) == "k is 7; give a number from 8 to 65535");
  for (const std::uint32_t k : {0U, 1U, ~0U})
    for (const double q : {-1.0, 2.0, std::nan("")})
      CHECK(samples::result_of(Sketch{.q = q, .k = k}, samples::spreads(1, 5000, 3)).has_value());
}

TEST_CASE("what was written is read and goes on alike, and damaged bytes are refused") {
  for (const std::size_t n :
       {std::size_t{0}, std::size_t{1}, std::size_t{200}, std::size_t{201}, std::size_t{4000}}) {
    const Sketch sketch{.k = 50};
    Sketch::State state = samples::added(sketch, samples::spreads(n, n, 30));
    const std::string bytes = written(state);
    weir::Archive in(bytes);
    Sketch::State read;
    in(read);
    CHECK(in.is_good());
    CHECK(in.left() == 0);
    CHECK(written(read) == bytes);
    for (const double x : samples::spreads(7, 500, 3)) {
      sketch.add(read, x);
      sketch.add(state, x);
    }
    CHECK(written(read) == written(state));

    samples::Random random{n};
    for (int round = 0; round < 1000; ++round) {
      std::string damaged = bytes.substr(0, random.below(bytes.size() + 1));
      for (std::uint64_t i = random.below(4); i > 0 && !damaged.empty(); --i)
        damaged[random.below(damaged.size())] = static_cast<char>(random.bits());
      weir::Archive hostile(damaged);
      Sketch::State any;
      hostile(any);
      Sketch::State other = state;
      sketch.merge(other, any);
      sketch.merge(any, state);
      for (int i = 0; i < 100; ++i) sketch.add(any, i);
      CHECK(sketch.result(any).has_value());
      CHECK(sketch.result(other).has_value());
    }
  }
}

struct Request {
  std::optional<float> seconds;
  std::int32_t bytes = 0;
};
struct Row {
  float p90 = 0;
  std::int32_t half = 0;
};

template <class... Features>
auto rows_of(Features... features) {
  return weir::RowAggregator<Row, Request, Features...>(features...);
}

TEST_CASE("features hold rank quantiles in the type of the value") {
  const auto rows = rows_of(weir::rank_quantile(&Request::seconds, 0.9, {.k = 100}).as(&Row::p90),
                            weir::rank_quantile(&Request::bytes, 0.5).as(&Row::half));
  decltype(rows)::State state{};
  for (int i = 0; i <= 100; ++i)
    rows.add(state, {i % 2 == 0 ? std::optional(static_cast<float>(i)) : std::nullopt, 100 + i},
             weir::event_time(i));
  const Row row = rows.result(state, {weir::no_time, weir::event_time(101)});
  CHECK(row.p90 == 90);
  CHECK(row.half == 150);
}

}  // namespace

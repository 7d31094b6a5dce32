#include <weir/aggregate/count_min.hpp>

#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include <weir/aggregate/aggregate.hpp>
#include <weir/testing/laws.hpp>

#include "aggregate/samples.hpp"
#include "catch.hpp"
#include "effort.hpp"

// What its types are: said here, because every program that includes the header would pay for it.
namespace weir::inline v0 {

static_assert(Aggregator<FrequencyOfNewest<double>, double>);
static_assert(Aggregator<FrequencyOfNewest<std::string_view>, std::string>);
static_assert(sizeof(detail::CountMin) == 72);

}  // namespace weir::inline v0

namespace {

using samples::result_of;
using samples::written;
using weir::Checked;
using weir::event_time;
using weir::FrequencyOfNewest;
using weir::detail::CountMinShape;
using weir::testing::check_laws;
using weir::testing::Timed;
using Sketch = FrequencyOfNewest<std::int64_t>;

TEST_CASE("the newest value of nothing has no frequency") {
  CHECK(Sketch{}.result({}) == std::nullopt);
  CHECK(Sketch::State{}.bytes() == 0);
}

TEST_CASE(
    "few values are counted exactly, the newest is that of the latest time, then of the last to arrive") {
  CHECK(result_of(Sketch{}, std::vector<std::int64_t>{7, 8, 7, 7})->value == 3);
  Sketch::State state;
  Sketch{}.add(state, 1, event_time(5));
  Sketch{}.add(state, 2, event_time(9));
  Sketch{}.add(state, 1, event_time(3));
  CHECK(Sketch{}.result(state) == Checked<std::uint64_t>{1, false});
  Sketch{}.add(state, 1, event_time(9));
  CHECK(Sketch{}.result(state)->value == 3);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(result_of(FrequencyOfNewest<double>{}, std::vector{nan, -nan, nan})->value == 3);
  CHECK(result_of(FrequencyOfNewest<double>{}, std::vector{0.0, -0.0})->value == 2);
}

TEST_CASE("the shape is that of the bound") {
  CHECK(CountMinShape::of({.epsilon = 0.01, .delta = 0.01}) == CountMinShape{5, 9});
  CHECK(CountMinShape::of({.epsilon = 1, .delta = 0.5}) == CountMinShape{1, 2});
  CHECK(CountMinShape::of({.epsilon = 0.0001, .delta = 0.000001}) == CountMinShape{14, 15});
}

TEST_CASE("counts are never too low, and within the label at its confidence over a thousand trials") {
  const weir::CountMinSpec spec = GENERATE(weir::CountMinSpec{0.01, 0.01}, weir::CountMinSpec{0.05, 0.2});
  const double steepness = GENERATE(0.2, 0.9);
  CAPTURE(spec.epsilon, steepness);
  const Sketch sketch{CountMinShape::of(spec)};
  const std::uint64_t trials = effort() == "quick" ? 100 : 1000;
  std::uint64_t outside = 0;
  for (std::uint64_t seed = 1; seed <= trials; ++seed) {
    samples::Random random{seed};
    std::map<std::int64_t, std::uint64_t> counts;
    Sketch::State state;
    std::int64_t x = 0;
    for (int i = 0; i < 2000; ++i) {
      const double drawn = std::pow(1 - random.fraction(), -steepness) * 1000;
      x = static_cast<std::int64_t>(drawn) + static_cast<std::int64_t>(seed << 40U);
      ++counts[x];
      sketch.add(state, x, event_time(i));
    }
    const std::uint64_t found = sketch.result(state)->value;
    REQUIRE(found >= counts[x]);
    outside += static_cast<double>(found - counts[x]) > spec.epsilon * 2000 ? 1U : 0U;
    REQUIRE(state.bytes() <= std::size_t{4} * sketch.shape.rows << sketch.shape.bits);
  }
  CAPTURE(outside);
  CHECK(static_cast<double>(outside) <= spec.delta * static_cast<double>(trials));
}

TEST_CASE("frequencies of the newest obey the laws, with ties in time and without") {
  const std::int64_t most = GENERATE(5, 1000);
  std::vector<Timed<std::int64_t>> records;
  samples::Random random{1};
  for (const std::int64_t x : samples::integers(1, 120, most))
    records.push_back({x, event_time(random.between(-9, 9))});
  CHECK(check_laws(Sketch{CountMinShape{2, 3}}, records, {.most_cuts = 500}));
  CHECK(check_laws(Sketch{}, records, {.most_cuts = 500}));
}

TEST_CASE("merging in any shape is the same as adding everything to one state") {
  const Sketch sketch{CountMinShape{3, 4}};
  const auto values = samples::integers(3, 2000, 200);
  const std::string whole = written(samples::added(sketch, values));
  samples::Random random{1};
  for (int round = 0; round < 20; ++round) {
    std::vector<Sketch::State> parts(1 + random.below(60));
    for (std::size_t i = 0; i < values.size(); ++i)
      sketch.add(parts[i * parts.size() / values.size()], values[i],
                 event_time(static_cast<std::int64_t>(i) * 1'000'000));
    while (parts.size() > 1) {
      const std::size_t to = random.below(parts.size() - 1);
      sketch.merge(parts[to], parts[to + 1]);
      parts.erase(parts.begin() + static_cast<long>(to) + 1);
    }
    REQUIRE(written(parts[0]) == whole);
  }
}

TEST_CASE("counts are held at their limit and flagged") {
  Sketch::State state;
  Sketch{}.add(state, 5, event_time(1));
  for (int doubled = 0; doubled < 33; ++doubled) Sketch{}.merge(state, state);
  CHECK(Sketch{}.result(state) == Checked<std::uint64_t>{0xFFFFFFFF, true});
  for (std::int64_t x = 100; x < 200; ++x) Sketch{}.add(state, x, event_time(0));
  CHECK(Sketch{}.result(state) == Checked<std::uint64_t>{0xFFFFFFFF, true});
  Sketch{}.merge(state, state);
  Sketch{}.add(state, 5, event_time(2));
  CHECK(Sketch{}.result(state) == Checked<std::uint64_t>{0xFFFFFFFF, true});
}

TEST_CASE("count-min is read as it was written, and damaged bytes are refused") {
  for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{30}, std::size_t{500}}) {
    const Sketch sketch{CountMinShape{3, 4}};
    const auto state = samples::added(sketch, samples::integers(n, n, 1000));
    const std::string bytes = written(state);
    weir::Archive in(bytes);
    Sketch::State read;
    in(read);
    CHECK(in.is_good());
    CHECK(in.left() == 0);
    CHECK(written(read) == bytes);
    samples::Random random{n};
    for (int round = 0; round < 1000; ++round) {
      std::string damaged =
          bytes.substr(0, random.below(2) == 0 ? bytes.size() : random.below(bytes.size() + 1));
      for (std::uint64_t k = random.below(4); k > 0 && !damaged.empty(); --k)
        damaged[random.below(damaged.size())] = static_cast<char>(random.bits());
      weir::Archive hostile(damaged);
      Sketch::State any;
      hostile(any);
      auto other = state;
      sketch.merge(other, any);
      sketch.merge(any, state);
      for (int i = 0; i < 50; ++i) sketch.add(any, i, event_time(i));
      CHECK(sketch.result(any).has_value());
    }
  }
}

TEST_CASE("copies are independent, what was moved from is empty") {
  for (const std::size_t n : {std::size_t{5}, std::size_t{500}}) {
    const auto values = samples::integers(1, n, 1000);
    Sketch::State state = samples::added(Sketch{}, values);
    const std::string bytes = written(state);
    Sketch::State copy = state;
    Sketch{}.add(copy, 1, event_time(0));
    CHECK(written(state) == bytes);
    const Sketch::State moved = std::move(state);
    CHECK(written(moved) == bytes);
    CHECK(written(state) == written(Sketch::State{}));  // NOLINT(bugprone-use-after-move)
  }
}

struct Visit {
  std::optional<std::string> page;
};
struct Row {
  std::int32_t seen = 0;
};

template <class... Features>
auto rows_of(Features... features) {
  return weir::RowAggregator<Row, Visit, Features...>(features...);
}

TEST_CASE("features hold the frequency of the newest value") {
  const auto rows = rows_of(weir::frequency_of_newest(&Visit::page, {.epsilon = 0.1}).as(&Row::seen));
  decltype(rows)::State state{};
  std::int64_t at = 0;
  for (const Visit& visit : std::vector<Visit>{{"a"}, {"b"}, {"a"}, {std::nullopt}})
    rows.add(state, visit, event_time(at++));
  CHECK(rows.result(state, {weir::no_time, event_time(at)}).seen == 2);
  const auto problem = [](double epsilon, double delta) {
    return weir::detail::FrequencyOfNewestOf{epsilon, delta}.problem();
  };
  CHECK(problem(0.01, 0.01).empty());
  CHECK(problem(0, 0.01) == "epsilon is 0; give a number from 0.0001 to 1");
  CHECK(problem(0.01, 1) == "delta is 1; give a number from 0.000001 to 0.5");
  for (const double odd : {-1.0, 0.0, 7.0, std::nan("")}) {
    const Sketch sketch{CountMinShape::of({odd, odd})};
    CHECK(result_of(sketch, samples::integers(1, 100, 1000)).has_value());
  }
}

}  // namespace

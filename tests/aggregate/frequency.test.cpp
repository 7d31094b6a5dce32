#include <weir/aggregate/frequency.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include <weir/aggregate/aggregate.hpp>
#include <weir/testing/laws.hpp>

#include "aggregate/samples.hpp"
#include "catch.hpp"

// What its types are: said here, because every program that includes the header would pay for it.
namespace weir::inline v0 {

static_assert(Aggregator<TopN<std::string, 3>, std::string_view> && Aggregator<TopShare<double>, double>);
static_assert(Aggregator<Mode<std::string>, std::string_view>);

}  // namespace weir::inline v0

namespace {

using samples::result_of;
using samples::written;
using weir::Frequent;
using weir::TopN;
using weir::TopShare;
using weir::testing::check_laws;
using Sketch = TopN<std::int64_t, 5>;

/// Of which small ones are much more frequent.
std::vector<std::int64_t> skewed(std::uint64_t seed, std::size_t n, double steepness) {
  samples::Random random{seed};
  std::vector<std::int64_t> values;
  for (std::size_t i = 0; i < n; ++i)
    values.push_back(static_cast<std::int64_t>(std::pow(1 - random.fraction(), -steepness)));
  return values;
}

template <class T>
std::map<T, std::uint64_t> counted(const std::vector<T>& values) {
  std::map<T, std::uint64_t> counts;
  for (const T& x : values) ++counts[x];
  return counts;
}

TEST_CASE("nothing is frequent in nothing") {
  CHECK(Sketch{}.result({}).empty());
  CHECK(TopShare<int>{}.result({}) == std::nullopt);
  CHECK(Sketch::State{}.bytes() == 0);
}

TEST_CASE("with a counter for each value the counts are exact and the laws hold") {
  const auto values = samples::integers(1, 60, 6);
  auto counts = counted(values);
  const auto found = result_of(TopN<std::int64_t, 20>{}, values);
  REQUIRE(found.size() == counts.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    CHECK(found[i].count == counts[found[i].item]);
    CHECK(found[i].error == 0);
    if (i > 0)
      CHECK(std::pair(found[i].count, -found[i].item) < std::pair(found[i - 1].count, -found[i - 1].item));
  }
  CHECK(*result_of(TopShare<std::int64_t>{}, values) == static_cast<double>(found[0].count) / 60);
  CHECK(check_laws(Sketch{}, values, {.most_cuts = 300}));
  CHECK(check_laws(TopShare<std::int64_t>{.counters = 13}, values, {.most_cuts = 300}));
  CHECK(check_laws(TopN<std::string, 2>{}, std::vector<std::string>{"b", "a", "", "a", "b", "c"}));
}

TEST_CASE(
    "counts are within their errors, errors within the label, in every order and merged in every shape") {
  const std::uint32_t counters = GENERATE(1u, 10u, 64u);
  const double steepness = GENERATE(0.3, 0.8, 2.0);
  const std::size_t parts = GENERATE(1u, 2u, 30u);
  const int order = GENERATE(range(0, 3));
  CAPTURE(counters, steepness, parts, order);
  for (std::uint64_t seed = 1; seed <= 15; ++seed) {
    auto values = skewed(seed, 3000, steepness);
    if (order > 0) std::sort(values.begin(), values.end());
    if (order > 1) std::reverse(values.begin(), values.end());
    auto counts = counted(values);
    const TopN<std::int64_t, 64> sketch{.counters = counters};
    std::vector<Sketch::State> states(parts);
    for (std::size_t i = 0; i < values.size(); ++i) sketch.add(states[i * parts / values.size()], values[i]);
    samples::Random random{seed};
    while (states.size() > 1) {
      const std::size_t to = seed == 1 ? 0 : random.below(states.size() - 1);
      sketch.merge(states[to], states[to + 1]);
      states.erase(states.begin() + static_cast<long>(to) + 1);
    }
    const auto found = sketch.result(states[0]);
    const std::uint64_t bound = values.size() / (counters + 1);
    CHECK(states[0].total() == values.size());
    CHECK(states[0].bytes() <= counters * (2 * 24 + 16) + 4 * 32);
    std::map<std::int64_t, bool> is_found;
    for (const auto& row : found) {
      CHECK(row.error <= bound);
      CHECK(row.count >= counts[row.item]);
      CHECK(row.count - row.error <= counts[row.item]);
      is_found[row.item] = true;
    }
    std::uint64_t most = 0;
    for (const auto& [item, count] : counts) {
      most = std::max(most, count);
      if (count > bound) CHECK(is_found[item]);
    }
    const double share = *TopShare<std::int64_t>{.counters = counters}.result(states[0]);
    const double exact = static_cast<double>(most) / 3000;
    CHECK(share >= exact);
    CHECK(share <= exact + 1.0 / (counters + 1));
  }
}

TEST_CASE("values that are equal are one item, whatever they are") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto found = result_of(TopN<double, 3>{}, std::vector{nan, -0.0, -nan, 0.0, nan, 1.0});
  REQUIRE(found.size() == 3);
  CHECK(std::isnan(found[0].item));
  CHECK(found[0].count == 3);
  CHECK((found[1] == Frequent<double>{0, 2, 0} && !std::signbit(found[1].item)));
  enum class Level : signed char { low = -1, high = 1 };
  CHECK(result_of(TopN<Level, 1>{}, std::vector{Level::low, Level::high, Level::low})[0].item == Level::low);
  CHECK(result_of(TopN<weir::Duration, 1>{}, std::vector{weir::Duration{2}})[0].count == 1);
  const auto words =
      result_of(TopN<std::string, 2>{.counters = 2}, std::vector<std::string_view>{"a", "b", "b"});
  CHECK(words[0] == Frequent<std::string>{"b", 2, 0});
}

TEST_CASE(
    "copies of frequent items are independent, what was moved from is empty, a state may be merged with "
    "itself") {
  const Sketch sketch{.counters = 10};
  auto state = samples::added(sketch, skewed(1, 500, 0.8));
  const auto found = sketch.result(state);
  auto copy = state;
  sketch.merge(copy, copy);
  CHECK(copy.total() == 1000);
  CHECK(sketch.result(copy)[0].count == 2 * found[0].count);
  CHECK(sketch.result(state) == found);
  const auto moved = std::move(state);
  CHECK(sketch.result(moved) == found);
  CHECK(state.total() == 0);  // NOLINT(bugprone-use-after-move)
  for (const std::int64_t x : skewed(1, 500, 0.8)) sketch.add(state, x);
  CHECK(written(state) == written(moved));
}

TEST_CASE("counters are read as they were written, and damaged bytes are refused") {
  for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{8}, std::size_t{300}}) {
    const TopN<std::string, 3> sketch{.counters = 20};
    TopN<std::string, 3>::State state;
    for (const std::int64_t x : skewed(n, n, 0.9)) sketch.add(state, std::to_string(x));
    const std::string bytes = written(state);
    weir::Archive in(bytes);
    TopN<std::string, 3>::State read;
    in(read);
    CHECK(in.is_good());
    CHECK(in.left() == 0);
    CHECK(written(read) == bytes);
    for (const std::int64_t x : skewed(7, 200, 0.9)) {
      sketch.add(read, std::to_string(x));
      sketch.add(state, std::to_string(x));
    }
    CHECK(written(read) == written(state));
    samples::Random random{n};
    for (int round = 0; round < 1000; ++round) {
      std::string damaged =
          bytes.substr(0, random.below(2) == 0 ? bytes.size() : random.below(bytes.size() + 1));
      for (std::uint64_t k = random.below(4); k > 0 && !damaged.empty(); --k)
        damaged[random.below(damaged.size())] = static_cast<char>(random.bits());
      weir::Archive hostile(damaged);
      TopN<std::string, 3>::State any;
      hostile(any);
      auto other = state;
      sketch.merge(other, any);
      sketch.merge(any, state);
      for (int i = 0; i < 50; ++i) sketch.add(any, std::to_string(i));
      CHECK(sketch.result(any).size() <= 3);
    }
  }
}

TEST_CASE("values that were forged to collide are read as fast as others") {
  const std::size_t counters = 65536, slots = 2 * counters;
  std::vector<Frequent<std::int64_t>> forged;
  for (std::int64_t x = 0; forged.size() < counters; ++x)
    if (weir::hash_word(static_cast<std::uint64_t>(x), {}) % slots < slots / 64) forged.push_back({x, 1, 0});
  const std::string bytes = written(std::uint64_t{counters}) + written(std::uint64_t{0}) + written(forged);
  weir::Archive in(bytes);
  Sketch::State state;
  in(state);
  CHECK(in.is_good());
  CHECK(written(state) == bytes);
  const Sketch sketch{.counters = counters};
  for (const std::size_t i : {std::size_t{0}, counters / 2, counters - 1}) sketch.add(state, forged[i].item);
  CHECK(sketch.result(state)[2] == Frequent<std::int64_t>{forged.back().item, 2, 0});
  CHECK(sketch.result(state)[3] == Frequent<std::int64_t>{forged[1].item, 1, 0});
}

TEST_CASE("numbers of counters that make no sense are named, and harm nothing") {
  CHECK(weir::detail::TopNOf<3>{256}.problem().empty());
  CHECK(weir::detail::TopNOf<3>{2}.problem() == "counters is 2; give a number from 3 to 65536");
  CHECK(weir::detail::TopShareOf{0}.problem() == "counters is 0; give a number from 1 to 65536");
  for (const std::uint32_t counters : {0U, ~0U})
    CHECK(result_of(TopShare<std::int64_t>{.counters = counters}, skewed(1, 100, 1)).has_value());
}

struct Visit {
  std::optional<std::string> page;
  std::uint32_t user = 0;
};
struct Row {
  std::vector<Frequent<std::string>> pages;
  std::optional<double> share;
};

template <class... Features>
auto rows_of(Features... features) {
  return weir::RowAggregator<Row, Visit, Features...>(features...);
}

TEST_CASE("features hold the most frequent values") {
  const auto rows =
      rows_of(weir::top_n<2>(&Visit::page).as(&Row::pages), weir::top_share(&Visit::user).as(&Row::share));
  decltype(rows)::State state{};
  std::int64_t at = 0;
  for (const Visit& visit : std::vector<Visit>{{"a", 1}, {"b", 1}, {"b", 2}, {std::nullopt, 1}, {"c", 3}})
    rows.add(state, visit, weir::event_time(at++));
  const Row row = rows.result(state, {weir::no_time, weir::event_time(at)});
  CHECK(row.pages == std::vector<Frequent<std::string>>{{"b", 2, 0}, {"a", 1, 0}});
  CHECK(row.share == 0.6);
}

TEST_CASE("the mode is the most frequent value, of equally frequent ones the smallest") {
  CHECK(weir::Mode<int>{}.result({}) == std::nullopt);
  CHECK(result_of(weir::Mode<int>{}, std::vector{5, 3, 5, 3, 9}) == weir::Checked<int>{3, false});
  CHECK(result_of(weir::Mode<std::string>{}, std::vector<std::string>{"b", "a", "b"}) ==
        weir::Checked<std::string>{"b", false});
  CHECK(check_laws(weir::Mode<std::int64_t>{}, skewed(3, 40, 1.5)));
}

TEST_CASE("a mode that is not flagged is the mode, however few counters there are") {
  std::size_t flagged = 0, sure = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    const std::vector<std::int64_t> values = skewed(seed, 60, seed % 3 == 0 ? 0.5 : 2);
    const std::map<std::int64_t, std::uint64_t> counts = counted(values);
    const auto mode = result_of(weir::Mode<std::int64_t>{.counters = 4}, values);
    if (!mode || mode->overflowed) {
      ++flagged;
      continue;
    }
    ++sure;
    for (const auto& [value, count] : counts) CHECK(count <= counts.at(mode->value));
  }
  CHECK(flagged > 10);
  CHECK(sure > 10);
}

}  // namespace

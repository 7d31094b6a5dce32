#include <weir/aggregate/bloom.hpp>

#include <limits>
#include <set>
#include <string>
#include <vector>

#include <weir/testing/laws.hpp>

#include "aggregate/orders.hpp"
#include "catch.hpp"

// What its types are: said here, because every program that includes the header would pay for it.
namespace weir::inline v0 {

static_assert(Aggregator<SeenBefore<double>, double> &&
              Aggregator<SeenBefore<std::string>, std::string_view>);

}  // namespace weir::inline v0

namespace {

using orders::result_of;
using weir::BloomSpec;
using weir::event_time;
using weir::SeenBefore;
using weir::detail::bloom_size;
using weir::testing::check_laws;
using weir::testing::Timed;

/// Different times, in any order whatever.
std::vector<Timed<std::int64_t>> arrivals(std::uint64_t seed, std::size_t n, std::int64_t most) {
  std::vector<Timed<std::int64_t>> records;
  samples::Random random{seed};
  for (const std::int64_t x : samples::integers(seed, n, most))
    records.push_back({x, event_time(random.between(0, 20))});
  return records;
}

TEST_CASE("nothing was seen before, nor was the first") {
  CHECK_FALSE(SeenBefore<int>{}.result({}));
  CHECK_FALSE(result_of(SeenBefore<int>{}, std::vector<Timed<int>>{{1, event_time(1)}}));
  CHECK(result_of(SeenBefore<int>{}, std::vector<Timed<int>>{{1, event_time(1)}, {1, event_time(1)}}));
}

TEST_CASE("the newest value is looked for among all others, whatever the order of arrival") {
  std::size_t seen = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    const auto records = arrivals(seed, 20, 15);
    auto values = orders::values_of(orders::sorted(records));
    const std::int64_t newest = values.back();
    values.pop_back();
    const bool expected = std::find(values.begin(), values.end(), newest) != values.end();
    seen += expected ? 1U : 0U;
    CHECK(result_of(SeenBefore<std::int64_t>{bloom_size({.expected = 100, .false_positive = 1e-6})},
                    records) == expected);
  }
  CHECK(seen > 50);
  CHECK(seen < 150);
}

TEST_CASE("a new value is taken for a seen one about as often as was asked for, a seen one is never missed") {
  for (const auto& [expected, rate] : {std::pair{1000U, 0.01}, {1000U, 0.1}, {20'000U, 0.001}, {10U, 0.02}}) {
    CAPTURE(expected, rate);
    double found = 0, asked = 0;
    for (std::uint64_t seed = 1; asked < 200'000; ++seed) {
      const SeenBefore<std::uint64_t> aggregator{bloom_size({.expected = expected, .false_positive = rate})};
      SeenBefore<std::uint64_t>::State state;
      for (std::uint64_t i = 0; i <= expected; ++i) aggregator.add(state, seed << 32U | i, event_time(0));
      bool all = true;
      for (std::uint64_t i = 0; i < expected; ++i) {
        auto again = state;
        again.newest = weir::detail::value_hash<std::uint64_t>(seed << 32U | i);
        all = all && aggregator.result(again);
        if (i > 100) break;
      }
      CHECK(all);
      for (std::uint64_t i = 0; i < 20'000; ++i, ++asked) {
        state.newest = weir::detail::value_hash<std::uint64_t>(seed << 32U | 1U << 31U | i);
        found += aggregator.result(state) ? 1 : 0;
      }
    }
    CHECK(found / asked < 1.25 * rate);
    CHECK(found / asked > 0.2 * rate);
  }
}

TEST_CASE("filters are as large as their card says") {
  CHECK(bloom_size({}).words == 150);
  CHECK(bloom_size({}).hashes == 7);
  STATIC_REQUIRE(sizeof(SeenBefore<int>::State) == 40);
  SeenBefore<int>::State state;
  SeenBefore<int>{}.add(state, 1, event_time(1));
  CHECK(state.others.empty());
  SeenBefore<int>{}.add(state, 2, event_time(2));
  CHECK(state.others.size() == 150);
}

TEST_CASE("seen before obeys the laws") {
  const auto seed = GENERATE(1u, 2u, 3u);
  CHECK(check_laws(SeenBefore<std::int64_t>{}, arrivals(seed, 25, 20)));
  CHECK(check_laws(SeenBefore<std::int64_t>{bloom_size({.expected = 3, .false_positive = 0.5})},
                   arrivals(seed, 25, 20)));
  CHECK(check_laws(SeenBefore<std::string>{}, std::vector<std::string>{"a", "", "b", "a"}));
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(result_of(SeenBefore<double>{},
                  std::vector<Timed<double>>{{nan, event_time(1)}, {-nan, event_time(2)}}));
  CHECK(result_of(SeenBefore<double>{},
                  std::vector<Timed<double>>{{-0.0, event_time(1)}, {0.0, event_time(2)}}));
}

TEST_CASE("filters come back from snapshots, and damaged ones do no harm") {
  const SeenBefore<std::int64_t> aggregator{bloom_size({.expected = 50, .false_positive = 0.1})};
  const auto state = orders::added(aggregator, arrivals(1, 20, 20));
  const auto read = orders::read_again(state);
  REQUIRE(read.size() == 1);
  CHECK(read[0].others == state.others);
  CHECK(orders::refused(aggregator, state, std::int64_t{1}) > 20);
  CHECK(orders::read_again(SeenBefore<int>::State{}).size() == 1);
  auto wrong = state;
  wrong.others.resize(1);
  aggregator.merge(wrong, state);
  CHECK(aggregator.result(wrong));
}

struct Login {
  std::string_view device;
};
struct Row {
  bool is_known = false;
};

TEST_CASE("seen before is a feature of a row, what cannot be is named") {
  using namespace weir;
  const std::vector<Timed<Login>> logins{
      {{"a"}, event_time(1)}, {{"b"}, event_time(2)}, {{"a"}, event_time(3)}};
  CHECK(orders::row_of<Row>(logins, Interval{}, seen_before(&Login::device).as(&Row::is_known)).is_known);
  CHECK(seen_before(&Login::device).family.problem().empty());
  const auto problem = [](BloomSpec spec) { return seen_before(&Login::device, spec).family.problem(); };
  CHECK(problem({.expected = 0}).find("expected is 0") == 0);
  for (const double rate : {0.0, 1.0, 2.0, -1.0, std::numeric_limits<double>::quiet_NaN(),
                            std::numeric_limits<double>::infinity()}) {
    CHECK(problem({.false_positive = rate}).find("false_positive is ") == 0);
    CHECK(bloom_size({.false_positive = rate}).words == 1);
  }
  CHECK(problem({.expected = 4'000'000'000U}).find("expected is 4000000000") == 0);
  CHECK(problem({.expected = 100, .false_positive = 5e-324}).empty());
}

}  // namespace

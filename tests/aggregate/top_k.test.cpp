#include <weir/aggregate/top_k.hpp>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <weir/testing/laws.hpp>

#include "aggregate/orders.hpp"
#include "catch.hpp"

// What its types are: said here, because every program that includes the header would pay for it.
namespace weir::inline v0 {

static_assert(Aggregator<TopK<double, 3>, double> && Aggregator<BottomK<std::string, 2>, std::string_view>);
static_assert(Aggregator<TopKBy<double, std::string, 3>, Ranked<double, std::string_view>>);

}  // namespace weir::inline v0

namespace {

using orders::check_snapshots;
using orders::result_of;
using weir::BottomK;
using weir::BottomKBy;
using weir::event_time;
using weir::Ranked;
using weir::TopK;
using weir::TopKBy;
using weir::testing::check_laws;
using weir::testing::Timed;
using Pair = Ranked<std::int64_t, int>;

template <class T, std::size_t n>
std::vector<T> listed(const weir::Sequence<T, n>& sequence) {
  return {sequence.begin(), sequence.end()};
}
template <class T>
std::vector<T> begin_of(const std::vector<T>& values, std::size_t most) {
  return {values.begin(), values.begin() + static_cast<long>(std::min(most, values.size()))};
}

/// Few different ranks, in any order of time; `what` counts the arrivals.
std::vector<Timed<Pair>> arrivals(std::uint64_t seed, std::size_t n) {
  samples::Random random{seed};
  std::vector<Timed<Pair>> records;
  for (std::size_t i = 0; i < n; ++i)
    records.push_back({{random.between(-3, 3), static_cast<int>(i)}, event_time(random.between(-9, 9))});
  return records;
}

TEST_CASE("the largest and smallest of nothing are none") {
  CHECK(TopK<int, 3>{}.result({}).empty());
  CHECK(BottomK<int, 3>{}.result({}).empty());
  CHECK(TopKBy<int, int, 3>{}.result({}).empty());
  CHECK(BottomKBy<int, int, 3>{}.result({}).empty());
}

TEST_CASE("the largest and smallest are those at the ends of the sorted values") {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    auto values = samples::integers(seed, seed % 30, seed % 2 == 0 ? 3 : 1000);
    const auto top = listed(samples::result_of(TopK<std::int64_t, 5>{}, values));
    const auto bottom = listed(samples::result_of(BottomK<std::int64_t, 5>{}, values));
    const auto one = listed(samples::result_of(TopK<std::int64_t, 1>{}, values));
    std::sort(values.begin(), values.end());
    CHECK(bottom == begin_of(values, 5));
    std::sort(values.begin(), values.end(), std::greater<>{});
    CHECK(top == begin_of(values, 5));
    CHECK(one == begin_of(values, 1));
  }
}

TEST_CASE("what belongs to the largest and smallest stands by rank, then time, then arrival") {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    const auto records = arrivals(seed, seed % 30);
    auto sorted = orders::sorted(records);
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const auto& a, const auto& b) { return a.value.by < b.value.by; });
    std::vector<int> expected;
    for (const auto& record : sorted) expected.push_back(record.value.what);
    CHECK(listed(result_of(BottomKBy<std::int64_t, int, 5>{}, records)) == begin_of(expected, 5));
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const auto& a, const auto& b) { return b.value.by < a.value.by; });
    expected.clear();
    for (const auto& record : sorted) expected.push_back(record.value.what);
    CHECK(listed(result_of(TopKBy<std::int64_t, int, 5>{}, records)) == begin_of(expected, 5));
  }
}

TEST_CASE("zeros, infinities and NaN have one order, so that the order of records never shows") {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN(),
                   infinity = std::numeric_limits<double>::infinity();
  const std::vector<double> values{0.0, -0.0, nan, -nan, infinity, -infinity, 5e-324, -5e-324, 0.0, 1};
  CHECK(check_laws(TopK<double, 4>{}, values));
  CHECK(check_laws(BottomK<double, 6>{}, values));
  CHECK(check_laws(TopK<float, 3>{}, std::vector<float>{0.0F, -0.0F, 1.5F, -0.0F}));
  const auto top = samples::result_of(TopK<double, 8>{}, values);
  CHECK(top[0] != top[0]);
  CHECK(top[1] != top[1]);
  CHECK(top[2] == infinity);
  CHECK(top[4] == 5e-324);
  CHECK_FALSE(std::signbit(top[6]));
  CHECK(std::signbit(top[7]));
  const auto ranked =
      result_of(TopKBy<double, int, 3>{},
                std::vector<Timed<Ranked<double, int>>>{
                    {{nan, 1}, event_time(1)}, {{-infinity, 2}, event_time(2)}, {{1, 3}, event_time(3)}});
  CHECK(listed(ranked) == std::vector{3, 2, 1});
}

TEST_CASE("the largest and smallest obey the laws") {
  const auto seed = GENERATE(1u, 2u, 3u);
  for (const std::size_t n : {0U, 2U, 25U}) {
    CHECK(check_laws(TopK<std::int64_t, 3>{}, samples::integers(seed, n, 4)));
    CHECK(check_laws(BottomK<std::int64_t, 3>{}, samples::integers(seed, n, 4)));
    CHECK(check_laws(TopK<double, 3>{}, samples::spreads(seed, n, 1000)));
    CHECK(check_laws(TopKBy<std::int64_t, int, 3>{}, arrivals(seed, n)));
    CHECK(check_laws(BottomKBy<std::int64_t, int, 3>{}, arrivals(seed, n)));
  }
  CHECK(check_laws(TopK<std::string, 2>{},
                   std::vector<std::string>{"a", "", "long enough not to fit in place", "a"}));
}

TEST_CASE("the largest and smallest come back from snapshots, and damaged States do no harm") {
  check_snapshots(TopK<double, 4>{}, orders::disordered(1, samples::spreads(1, 20, 10), 3));
  check_snapshots(BottomK<std::string, 2>{},
                  orders::disordered(1, std::vector<std::string>{"c", "a", "b"}, 3));
  check_snapshots(TopKBy<std::int64_t, int, 4>{}, arrivals(1, 20));
  check_snapshots(BottomKBy<std::int64_t, int, 4>{}, arrivals(1, 20));
}

TEST_CASE("States of the largest and smallest are as large as their cards say") {
  STATIC_REQUIRE(sizeof(TopK<double, 4>::State) == 4 * 8 + 8);
  STATIC_REQUIRE(sizeof(TopKBy<double, std::int64_t, 4>::State) == 4 * 24 + 8);
}

struct Sale {
  std::optional<double> price;
  std::string_view item;
};
struct Row {
  std::vector<double> dearest;
  std::array<double, 2> cheapest{};
  std::vector<std::string> dear_items, cheap_items;
};

TEST_CASE("the largest and smallest are features of a row") {
  using namespace weir;
  const std::vector<Timed<Sale>> sales{{{10, "a"}, event_time(1)},
                                       {{std::nullopt, "none"}, event_time(3)},
                                       {{12, "b"}, event_time(2)},
                                       {{11, "c"}, event_time(5)}};
  const Row row = orders::row_of<Row>(sales, Interval{}, top_k<2>(&Sale::price).as(&Row::dearest),
                                      bottom_k<2>(&Sale::price).as(&Row::cheapest),
                                      top_k_by<2>(&Sale::price, &Sale::item).as(&Row::dear_items),
                                      bottom_k_by<5>(&Sale::price, &Sale::item).as(&Row::cheap_items));
  CHECK(row.dearest == std::vector<double>{12, 11});
  CHECK(row.cheapest == std::array<double, 2>{10, 11});
  CHECK(row.dear_items == std::vector<std::string>{"b", "c"});
  CHECK(row.cheap_items == std::vector<std::string>{"a", "c", "b"});
}

TEST_CASE("lists of the largest values may be merged with themselves") {
  CHECK(samples::merges_with_itself(weir::TopK<std::string, 12>{}));
  CHECK(samples::merges_with_itself(weir::BottomK<std::string, 12>{}));
}

}  // namespace

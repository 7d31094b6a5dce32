#include <weir/aggregate/approx_distinct.hpp>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <set>
#include <string>
#include <vector>

#include <weir/aggregate/aggregate.hpp>
#include <weir/testing/laws.hpp>

#include "aggregate/samples.hpp"
#include "catch.hpp"

// What its types are: said here, because every program that includes the header would pay for it.
namespace weir::inline v0 {

static_assert(sizeof(detail::HyperLogLog) == 32);
static_assert(Aggregator<ApproxDistinct<double>, double> && OrderIndependent<ApproxDistinct<double>>);
static_assert(Aggregator<ApproxDistinct<std::string_view>, std::string>);
static_assert(Aggregator<ApproxDistinct<std::pair<int, std::string>>, std::pair<int, std::string>>);

}  // namespace weir::inline v0

namespace {

using samples::written;
using weir::ApproxDistinct;
using weir::testing::check_laws;
using Sketch = ApproxDistinct<std::uint64_t>;

/// Distinct values, the same for the same seed.
std::uint64_t value(std::uint64_t seed, std::uint64_t i) { return seed << 40U | i; }

Sketch::State sketch_of(const Sketch& sketch, std::uint64_t seed, std::uint64_t from, std::uint64_t to) {
  Sketch::State state;
  for (std::uint64_t i = from; i < to; ++i) sketch.add(state, value(seed, i));
  return state;
}

TEST_CASE("approximately 0 values are in nothing") {
  CHECK(Sketch{}.result({}) == 0);
  CHECK(ApproxDistinct<std::string_view>{}.result({}) == 0);
  CHECK(Sketch::State{}.bytes() == 0);
}

TEST_CASE("few values are counted exactly, or nearly") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed)
    for (const std::uint64_t n : std::initializer_list<std::uint64_t>{1, 2, 7, 8, 63, 64, 384}) {
      const std::uint64_t found = Sketch{}.result(sketch_of(Sketch{}, seed, 0, n));
      CHECK(found + 2 >= n);
      CHECK(found <= n + 2);
    }
}

TEST_CASE("the error over a thousand seeds is the one on the label") {
  struct Case {
    std::uint32_t precision;
    std::uint64_t n;
  };
  const Case asked = GENERATE(Case{4, 20}, Case{4, 3000}, Case{6, 300}, Case{8, 30}, Case{8, 500},
                              Case{8, 10'000}, Case{10, 700}, Case{10, 2500}, Case{12, 400}, Case{12, 3000},
                              Case{12, 10'000}, Case{12, 40'000});
  CAPTURE(asked.precision, asked.n);
  const Sketch sketch{.precision = asked.precision};
  constexpr std::uint64_t trials = 1000;
  const double label = 1.04 / std::sqrt(std::ldexp(1.0, static_cast<int>(asked.precision)));
  double squares = 0, sum = 0;
  std::uint64_t outside = 0;
  for (std::uint64_t seed = 1; seed <= trials; ++seed) {
    const double found = static_cast<double>(sketch.result(sketch_of(sketch, seed, 0, asked.n))) /
                             static_cast<double>(asked.n) -
                         1;
    sum += found;
    squares += found * found;
    // Small sketches are not quite normal: their tail to the right is longer.
    outside += std::abs(found) > (asked.precision <= 6 ? 3.5 : 2.58) * label ? 1U : 0U;
  }
  const auto count = static_cast<double>(trials);
  const double measured = std::sqrt(squares / count);
  CAPTURE(measured, label, sum / count, outside);
  CHECK(measured <= label * (asked.precision == 4 ? 1.15 : 1.05));
  CHECK(std::abs(sum / count) <= 4 * label / std::sqrt(count) + label * label / 2);
  CHECK(static_cast<double>(outside) <= 0.01 * count + 3 * std::sqrt(0.01 * count));
}

TEST_CASE("the state depends on the set of values alone, in every order and every grouping") {
  const std::uint32_t precision = GENERATE(4u, 6u, 8u, 12u);
  const std::uint64_t n = GENERATE(1u, 5u, 7u, 8u, 40u, 383u, 384u, 385u, 386u, 2000u);
  CAPTURE(precision, n);
  const Sketch sketch{.precision = precision};
  const std::string whole = written(sketch_of(sketch, 1, 0, n));
  samples::Random random{n};
  for (int round = 0; round < 20; ++round) {
    std::vector<Sketch::State> parts(1 + random.below(6));
    std::vector<std::uint64_t> order;
    for (std::uint64_t i = 0; i < n; ++i) order.push_back(i);
    for (std::uint64_t i = n; i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
    for (const std::uint64_t i : order) {
      sketch.add(parts[random.below(parts.size())], value(1, i));
      if (random.below(4) == 0) sketch.add(parts[random.below(parts.size())], value(1, i));
    }
    while (parts.size() > 1) {
      const std::size_t to = random.below(parts.size() - 1);
      sketch.merge(parts[to], parts.back());
      parts.pop_back();
    }
    REQUIRE(written(parts[0]) == whole);
  }
}

TEST_CASE("approx_distinct obeys the laws") {
  const std::uint32_t precision = GENERATE(4u, 6u, 12u);
  CHECK(check_laws(ApproxDistinct<std::int64_t>{.precision = precision}, samples::integers(1, 30, 20)));
  CHECK(check_laws(ApproxDistinct<std::string>{.precision = precision},
                   std::vector<std::string>{"", "a", "b", "a", "a longer text than fits in place"}));
  CHECK(check_laws(ApproxDistinct<std::int64_t>{.precision = precision}, samples::integers(2, 400, 1 << 30),
                   {.most_cuts = 50, .shuffles = 5}));
}

TEST_CASE("values that are equal are counted as one, whatever they are") {
  using samples::result_of;
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(result_of(ApproxDistinct<double>{}, std::vector{0.0, -0.0, nan, -nan, 1.0}) == 3);
  CHECK(result_of(ApproxDistinct<std::string_view>{}, std::vector<std::string>{"a", "b", "a"}) == 2);
  using Pair = std::pair<int, std::string>;
  CHECK(result_of(ApproxDistinct<Pair>{}, std::vector<Pair>{{1, "a"}, {1, "b"}, {2, "a"}, {1, "a"}}) == 3);
  using Three = std::tuple<int, std::string_view, std::pair<bool, weir::Duration>>;
  CHECK(result_of(ApproxDistinct<Three>{}, std::vector<Three>{{1, "a", {true, weir::Duration{1}}},
                                                              {1, "a", {false, weir::Duration{1}}},
                                                              {1, "a", {true, weir::Duration{1}}},
                                                              {1, "a", {true, weir::Duration{2}}}}) == 3);
}

TEST_CASE("the memory is never above the label") {
  STATIC_REQUIRE(sizeof(Sketch::State) == 32);
  const std::uint32_t precision = GENERATE(4u, 8u, 12u, 14u);
  const Sketch sketch{.precision = precision};
  Sketch::State state;
  for (std::uint64_t i = 1; i <= 5000; ++i) {
    sketch.add(state, i);
    if (i <= 63) REQUIRE(state.bytes() <= 256);
    REQUIRE(state.bytes() <= std::size_t{1} << precision);
  }
}

TEST_CASE(
    "copies of a count are independent, what was moved from is empty, a state may be merged with itself") {
  for (const std::uint64_t n : std::initializer_list<std::uint64_t>{5, 5000}) {
    Sketch::State state = sketch_of(Sketch{}, 1, 0, n);
    const std::uint64_t found = Sketch{}.result(state);
    Sketch::State copy = state;
    Sketch{}.merge(copy, copy);
    CHECK(Sketch{}.result(copy) == found);
    copy = sketch_of(Sketch{}, 2, 0, 1);
    CHECK(Sketch{}.result(state) == found);
    const Sketch::State moved = std::move(state);
    CHECK(Sketch{}.result(moved) == found);
    CHECK(Sketch{}.result(state) == 0);  // NOLINT(bugprone-use-after-move)
    Sketch{}.add(state, 1);
    CHECK(Sketch{}.result(state) == 1);
  }
}

TEST_CASE("a precision that makes no sense is named, and harms nothing") {
  const auto problem = [](std::uint32_t precision) {
    return weir::detail::ApproxDistinctOf{precision}.problem();
  };
  CHECK(problem(4).empty());
  CHECK(problem(18).empty());
  CHECK(problem(3) == "precision is 3; give a number from 4 to 18");
  CHECK(problem(99) == "precision is 99; give a number from 4 to 18");
  for (const std::uint32_t precision : {0u, 99u}) {
    const Sketch sketch{.precision = precision};
    CHECK(sketch.result(sketch_of(sketch, 1, 0, 100'000)) > 10'000);
  }
}

TEST_CASE("states of two precisions merge into the coarser one") {
  const Sketch fine{.precision = 10}, coarse{.precision = 7};
  const auto expected = written(sketch_of(coarse, 1, 0, 5000));
  Sketch::State left = sketch_of(fine, 1, 0, 3000), right = sketch_of(coarse, 1, 2000, 5000);
  Sketch::State other = right;
  coarse.merge(other, left);
  fine.merge(left, right);
  CHECK(written(left) == expected);
  CHECK(written(other) == expected);
}

TEST_CASE("a count that was written is read, and damaged bytes are refused") {
  for (const std::uint64_t n : std::initializer_list<std::uint64_t>{0, 1, 7, 200, 384, 385, 5000}) {
    const Sketch::State state = sketch_of(Sketch{}, 3, 0, n);
    const std::string bytes = written(state);
    weir::Archive in(bytes);
    Sketch::State read;
    in(read);
    CHECK(in.is_good());
    CHECK(in.left() == 0);
    CHECK(written(read) == bytes);
    Sketch{}.add(read, 1);
    Sketch::State more = state;
    Sketch{}.add(more, 1);
    CHECK(written(read) == written(more));

    samples::Random random{n + 1};
    for (int round = 0; round < 300; ++round) {
      std::string damaged = bytes.substr(0, random.below(bytes.size() + 1));
      for (std::uint64_t k = random.below(4); k > 0 && !damaged.empty(); --k)
        damaged[random.below(damaged.size())] = static_cast<char>(random.bits());
      weir::Archive hostile(damaged);
      Sketch::State any;
      hostile(any);
      for (std::uint64_t i = 0; i < 500; ++i) Sketch{}.add(any, i);
      Sketch{}.merge(any, state);
      Sketch::State other = state;
      Sketch{}.merge(other, any);
      CHECK(Sketch{}.result(any) > 0);
    }
  }
  weir::Archive archive;
  std::uint8_t precision = 19;
  archive(precision);
  weir::Archive in(archive.written());
  Sketch::State state;
  in(state);
  CHECK(in.reason() == "the precision of a sketch is not from 4 to 18");
}

struct Visit {
  std::uint32_t user = 0;
  std::optional<std::string> page;
};
struct Row {
  std::int64_t users = 0;
  std::int16_t pages = 0;
  std::int64_t both = 0;
};

template <class... Features>
auto rows_of(Features... features) {
  return weir::RowAggregator<Row, Visit, Features...>(features...);
}

TEST_CASE("entries that were forged to collide are read as fast as others") {
  std::vector<std::uint32_t>
      entries;  // 26 bits of a place, of which the last choose the slot, and 6 of a rank
  for (std::uint32_t high = 0; high < 128; ++high)
    for (std::uint32_t low = 0; low < 2048; ++low) entries.push_back((high << 19U | low) << 6U | 1U);
  const std::string bytes = written(std::uint8_t{0}) + written(entries);
  weir::Archive in(bytes);
  weir::ApproxDistinct<std::int64_t>::State state;
  in(state);
  CHECK(in.is_good());
  CHECK(written(state) == bytes);
  const auto count = static_cast<double>(weir::ApproxDistinct<std::int64_t>{}.result(state));
  CHECK(count >= 262144);
  CHECK(count <= 1.01 * 262144);
}

TEST_CASE("features count users, pages and pairs of these") {
  const auto both = [](const Visit& visit) {
    return std::pair{visit.user, visit.page ? std::string_view{*visit.page} : std::string_view{}};
  };
  const auto users = weir::approx_distinct(&Visit::user).as(&Row::users);
  const auto pages = weir::approx_distinct(&Visit::page, {.precision = 8}).as(&Row::pages);
  const auto pairs = weir::approx_distinct(both).as(&Row::both);
  const auto rows = rows_of(users, pages, pairs);
  decltype(rows)::State state{};
  std::int64_t at = 0;
  for (const Visit& visit : std::vector<Visit>{{1, "a"}, {2, "a"}, {1, "b"}, {1, std::nullopt}, {1, "a"}})
    rows.add(state, visit, weir::event_time(at++));
  const Row row = rows.result(state, {weir::no_time, weir::event_time(at)});
  CHECK(row.users == 2);
  CHECK(row.pages == 2);
  CHECK(row.both == 4);
}

}  // namespace

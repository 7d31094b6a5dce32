#include <weir/aggregate/distinct_k.hpp>

#include <limits>
#include <string>
#include <vector>

#include <weir/testing/laws.hpp>

#include "aggregate/orders.hpp"
#include "catch.hpp"

// What its types are: said here, because every program that includes the header would pay for it.
namespace weir::inline v0 {

static_assert(Aggregator<FirstDistinctK<int, 2>, int> &&
              Aggregator<LastDistinctK<std::string, 2>, std::string_view>);

}  // namespace weir::inline v0

namespace {

using orders::check_snapshots;
using orders::result_of;
using weir::event_time;
using weir::FirstDistinctK;
using weir::LastDistinctK;
using weir::testing::check_laws;
using weir::testing::Timed;

/// In any order whatever, with many equal times and values.
std::vector<Timed<std::int64_t>> arrivals(std::uint64_t seed, std::size_t n, std::int64_t most = 5) {
  samples::Random random{seed};
  std::vector<Timed<std::int64_t>> records;
  for (const std::int64_t x : samples::integers(seed, n, most))
    records.push_back({x, event_time(random.between(-9, 9))});
  return records;
}
template <class T, std::size_t n>
std::vector<T> listed(const weir::Sequence<T, n>& sequence) {
  return {sequence.begin(), sequence.end()};
}

std::vector<std::int64_t> first_distinct(const std::vector<std::int64_t>& values, std::size_t most) {
  std::vector<std::int64_t> different;
  for (const std::int64_t x : values)
    if (std::find(different.begin(), different.end(), x) == different.end()) different.push_back(x);
  different.resize(std::min(different.size(), most));
  return different;
}

template <std::size_t most>
void check_reference() {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed, most);
    const auto records = arrivals(seed, seed % 40, 1 + static_cast<std::int64_t>(seed % 9));
    auto values = orders::values_of(orders::sorted(records));
    CHECK(listed(result_of(FirstDistinctK<std::int64_t, most>{}, records)) == first_distinct(values, most));
    std::reverse(values.begin(), values.end());
    auto last = first_distinct(values, most);
    std::reverse(last.begin(), last.end());
    CHECK(listed(result_of(LastDistinctK<std::int64_t, most>{}, records)) == last);
  }
}

TEST_CASE(
    "different values stand in the order of their first, or last, records, whatever the order of arrival") {
  check_reference<1>();
  check_reference<2>();
  check_reference<4>();
  check_reference<30>();
}

TEST_CASE("NaN is one value, and so are both zeros") {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<Timed<double>> records{{nan, event_time(1)},
                                           {0.0, event_time(2)},
                                           {-0.0, event_time(3)},
                                           {-nan, event_time(4)},
                                           {1, event_time(5)}};
  CHECK(result_of(FirstDistinctK<double, 8>{}, records).size() == 3);
  const auto last = result_of(LastDistinctK<double, 8>{}, records);
  REQUIRE(last.size() == 3);
  CHECK(last[0] == 0);
  CHECK(last[1] != last[1]);
  CHECK(last[2] == 1);
}

TEST_CASE("lists of different values obey the laws") {
  const auto seed = GENERATE(1u, 2u, 3u, 4u);
  for (const std::size_t n : {0U, 2U, 25U}) {
    CHECK(check_laws(FirstDistinctK<std::int64_t, 1>{}, arrivals(seed, n)));
    CHECK(check_laws(FirstDistinctK<std::int64_t, 3>{}, arrivals(seed, n)));
    CHECK(check_laws(LastDistinctK<std::int64_t, 1>{}, arrivals(seed, n)));
    CHECK(check_laws(LastDistinctK<std::int64_t, 3>{}, arrivals(seed, n)));
  }
  CHECK(check_laws(LastDistinctK<std::string, 2>{},
                   std::vector<std::string>{"a", "", "long enough not to fit in place", "a"}));
}

TEST_CASE("lists of different values come back from snapshots, and damaged ones do no harm") {
  check_snapshots(FirstDistinctK<std::int64_t, 4>{}, arrivals(1, 20));
  check_snapshots(LastDistinctK<std::int64_t, 4>{}, arrivals(1, 20));
  check_snapshots(
      LastDistinctK<std::string, 2>{},
      std::vector<Timed<std::string>>{{"a", event_time(3)}, {"b", event_time(2)}, {"c", event_time(4)}});
}

TEST_CASE("lists of different values are as large as their cards say") {
  STATIC_REQUIRE(sizeof(LastDistinctK<std::int64_t, 4>::State) == 4 * 16 + 8);
  STATIC_REQUIRE(sizeof(FirstDistinctK<bool, 2>::State) == 2 * 16 + 8);
}

struct View {
  std::string_view page;
};
struct Row {
  std::vector<std::string> last;
  std::array<std::string, 2> first;
};

TEST_CASE("lists of different values are features of a row") {
  using namespace weir;
  const std::vector<Timed<View>> views{
      {{"a"}, event_time(1)}, {{"b"}, event_time(2)}, {{"a"}, event_time(4)}, {{"c"}, event_time(3)}};
  const Row row = orders::row_of<Row>(views, Interval{}, last_distinct_k<5>(&View::page).as(&Row::last),
                                      first_distinct_k<2>(&View::page).as(&Row::first));
  CHECK(row.last == std::vector<std::string>{"b", "c", "a"});
  CHECK(row.first == std::array<std::string, 2>{"a", "b"});
}

TEST_CASE("lists of different values may be merged with themselves") {
  CHECK(samples::merges_with_itself(weir::FirstDistinctK<std::string, 12>{}));
  CHECK(samples::merges_with_itself(weir::LastDistinctK<std::string, 12>{}));
}

}  // namespace

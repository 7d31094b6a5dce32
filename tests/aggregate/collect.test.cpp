#include <weir/aggregate/collect.hpp>

#include <limits>
#include <set>
#include <string>
#include <vector>

#include <weir/testing/laws.hpp>

#include "aggregate/orders.hpp"
#include "catch.hpp"

// What its types are: said here, because every program that includes the header would pay for it.
namespace weir::inline v0 {

static_assert(Aggregator<CollectList<std::string>, std::string_view> &&
              Aggregator<CollectSet<double>, double>);

}  // namespace weir::inline v0

namespace {

using orders::result_of;
using weir::Checked;
using weir::CollectList;
using weir::CollectSet;
using weir::event_time;
using weir::testing::check_laws;
using weir::testing::Timed;
using Numbers = std::vector<std::int64_t>;

/// In any order whatever.
std::vector<Timed<std::int64_t>> arrivals(std::uint64_t seed, std::size_t n) {
  samples::Random random{seed};
  std::vector<Timed<std::int64_t>> records;
  for (const std::int64_t x : samples::integers(seed, n, 20))
    records.push_back({x, event_time(random.between(-9, 9))});
  return records;
}

TEST_CASE("a list has the newest values in their order, whatever the order of arrival") {
  CHECK(CollectList<int>{}.result({}).empty());
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    const auto records = arrivals(seed, seed % 40);
    const auto values = orders::values_of(orders::sorted(records));
    for (const std::uint32_t most : {0U, 1U, 5U, 100U}) {
      CAPTURE(seed, most);
      const std::size_t kept = std::min<std::size_t>(most, values.size());
      CHECK(result_of(CollectList<std::int64_t>{most}, records) ==
            Numbers(values.end() - static_cast<long>(kept), values.end()));
    }
  }
}

TEST_CASE("a set has the different values in their order, of too many the smallest, flagged") {
  CHECK(CollectSet<int>{}.result({}).value.empty());
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    const auto values = samples::integers(seed, seed % 60, 10);
    const std::set<std::int64_t> different(values.begin(), values.end());
    for (const std::uint32_t most : {0U, 1U, 5U, 100U}) {
      CAPTURE(seed, most);
      Numbers expected(different.begin(), different.end());
      const bool is_flagged = expected.size() > most;
      if (is_flagged) expected.resize(most);
      CHECK(samples::result_of(CollectSet<std::int64_t>{most}, values) ==
            Checked<Numbers>{expected, is_flagged});
    }
  }
}

TEST_CASE("a set has one zero and one NaN, behind all numbers") {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN(),
                   infinity = std::numeric_limits<double>::infinity();
  const std::vector<double> values{nan, -0.0, infinity, 0.0, -nan, -infinity, 5e-324};
  const auto found = samples::result_of(CollectSet<double>{}, values).value;
  REQUIRE(found.size() == 5);
  CHECK(found[0] == -infinity);
  CHECK((found[1] == 0 && !__builtin_signbit(found[1])));
  CHECK(found[2] == 5e-324);
  CHECK(found[3] == infinity);
  CHECK(found[4] != found[4]);
  CHECK(check_laws(CollectSet<double>{}, values));
  CHECK(check_laws(CollectSet<double>{2}, values));
}

TEST_CASE("lists and sets obey the laws") {
  const auto seed = GENERATE(1u, 2u, 3u);
  for (const std::uint32_t most : {0U, 3U, 100U}) {
    CHECK(check_laws(CollectList<std::int64_t>{most}, arrivals(seed, 25)));
    CHECK(check_laws(CollectSet<std::int64_t>{most}, arrivals(seed, 25)));
    CHECK(check_laws(CollectSet<std::string>{most},
                     std::vector<std::string>{"a", "", "long enough not to fit in place", "a", "b"}));
  }
}

TEST_CASE("lists and sets come back from snapshots, and damaged ones do no harm") {
  const std::vector<Timed<std::string>> texts{
      {"a", event_time(3)}, {"b", event_time(2)}, {"c", event_time(4)}};
  const auto state = orders::added(CollectList<std::int64_t>{}, arrivals(1, 20));
  REQUIRE(orders::read_again(state).size() == 1);
  CHECK(CollectList<std::int64_t>{}.result(orders::read_again(state)[0]) ==
        CollectList<std::int64_t>{}.result(state));
  CHECK(CollectList<std::int64_t>{3}.result(state).size() == 3);
  CHECK(orders::refused(CollectList<std::int64_t>{}, state, std::int64_t{1}) > 50);
  CHECK(orders::refused(CollectList<std::string>{}, orders::added(CollectList<std::string>{}, texts),
                        std::string{"x"}) > 50);
  const auto set = orders::added(CollectSet<std::int64_t>{}, arrivals(1, 20));
  REQUIRE(orders::read_again(set).size() == 1);
  CHECK(CollectSet<std::int64_t>{}.result(orders::read_again(set)[0]) ==
        CollectSet<std::int64_t>{}.result(set));
  CHECK(CollectSet<std::int64_t>{3}.result(set).value.size() == 3);
  CHECK(CollectSet<std::int64_t>{3}.result(set).overflowed);
  CHECK(orders::refused(CollectSet<std::int64_t>{}, set, std::int64_t{1}) > 50);
  STATIC_REQUIRE(sizeof(CollectList<int>::State) == 24);
  STATIC_REQUIRE(sizeof(CollectSet<int>::State) == 32);
}

struct View {
  std::string_view page;
  std::optional<double> seconds;
};
struct Row {
  std::vector<std::string> pages, different;
  std::vector<double> seconds;
};

TEST_CASE("lists and sets may be merged with themselves") {
  CHECK(samples::merges_with_itself(weir::CollectList<std::string>{}));
  CHECK(samples::merges_with_itself(weir::CollectList<std::string>{.most = 70}));
  CHECK(samples::merges_with_itself(weir::CollectSet<std::string>{}));
}

TEST_CASE("lists and sets are features of a row") {
  using namespace weir;
  const std::vector<Timed<View>> views{
      {{"b", 1}, event_time(1)}, {{"a", 2}, event_time(3)}, {{"b", std::nullopt}, event_time(2)}};
  const Row row = orders::row_of<Row>(views, Interval{}, collect_list(&View::page).as(&Row::pages),
                                      collect_set(&View::page).as(&Row::different),
                                      collect_list(&View::seconds, {.most = 5}).as(&Row::seconds));
  CHECK(row.pages == std::vector<std::string>{"b", "b", "a"});
  CHECK(row.different == std::vector<std::string>{"a", "b"});
  CHECK(row.seconds == std::vector<double>{1, 2});
  CHECK(collect_list(&View::page, {.most = 0}).family.problem().find("most is 0") == 0);
  CHECK(collect_set(&View::page).family.problem().empty());
  CHECK(orders::described<Row, View>(collect_set(&View::page, {.most = 7}).as(&Row::pages)).find("7") !=
        std::string::npos);
}

}  // namespace

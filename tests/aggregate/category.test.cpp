#include <weir/aggregate/category.hpp>

#include <map>
#include <set>
#include <string>
#include <vector>

#include <weir/aggregate/mean.hpp>
#include <weir/aggregate/position.hpp>
#include <weir/aggregate/streak.hpp>
#include <weir/aggregate/sum.hpp>
#include <weir/testing/laws.hpp>

#include "aggregate/orders.hpp"
#include "catch.hpp"

// What its types are: said here, because every program that includes the header would pay for it.
namespace weir::inline v0 {

static_assert(Aggregator<ByCategory<std::string, Count>, Categorised<std::string_view, int>>);
static_assert(Aggregator<TopCategories<int, Count, 3>, Categorised<int, int>>);
static_assert(Aggregator<Entropy<std::string>, std::string_view>);

}  // namespace weir::inline v0

namespace {

using orders::added;
using weir::ByCategory;
using weir::Categorised;
using weir::CategoryRow;
using weir::Checked;
using weir::Entropy;
using weir::event_time;
using weir::Interval;
using weir::Sum;
using weir::testing::check_laws;
using weir::testing::Timed;
using Item = Categorised<std::string, std::int64_t>;
using Sums = ByCategory<std::string, Sum<std::int64_t>>;
using Rows = std::vector<CategoryRow<std::string, std::int64_t>>;

std::vector<Timed<Item>> items(std::uint64_t seed, std::size_t n, std::uint64_t categories) {
  samples::Random random{seed};
  std::vector<Timed<Item>> records;
  for (std::size_t i = 0; i < n; ++i)
    records.push_back({{"category " + std::to_string(random.below(categories)), random.between(-50, 50)},
                       event_time(random.between(0, 20))});
  return records;
}

std::map<std::string, std::int64_t> sums(const std::vector<Timed<Item>>& records) {
  std::map<std::string, std::int64_t> all;
  for (const auto& record : records) all[record.value.key] += record.value.value;
  return all;
}

TEST_CASE("no records have no categories") {
  CHECK(Sums{}.result({}, {}).value.empty());
  CHECK_FALSE(Sums{}.result({}, {}).overflowed);
  CHECK(weir::TopCategories<int, weir::Count, 2>{}.result({}, {}).value.empty());
  CHECK(Entropy<int>{}.result({}) == std::nullopt);
}

TEST_CASE("each category has its own value, by category") {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    CAPTURE(seed);
    const auto records = items(seed, 50, seed);
    Rows expected;
    for (const auto& [category, sum] : sums(records)) expected.push_back({category, sum});
    CHECK(orders::result_of(Sums{}, records) == Checked<Rows>{expected, false});
  }
}

TEST_CASE(
    "of too many categories the same are kept whatever the order, exactly, and the others are the rest, and "
    "it "
    "is flagged") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    auto records = items(seed, 60, 20);
    const auto exact = sums(records);
    for (const std::uint32_t most : {0U, 1U, 5U, 19U, 20U, 21U}) {
      const Sums aggregator{{{}, most}};
      const auto found = orders::result_of(aggregator, records);
      CHECK(found.overflowed == (exact.size() > most));
      CHECK(found.value.size() == std::min<std::size_t>(exact.size(), most + std::size_t{1}));
      std::int64_t total = 0;
      for (const auto& row : found.value) {
        total += row.value;
        if (!row.is_rest) CHECK(exact.at(row.category) == row.value);
      }
      std::int64_t all = 0;
      for (const auto& [category, sum] : exact) all += sum;
      CHECK(total == all);
      CHECK(found.overflowed == (!found.value.empty() && found.value.back().is_rest));
      std::reverse(records.begin(), records.end());
      CHECK(orders::result_of(aggregator, records) == found);
    }
  }
}

TEST_CASE("categories obey the laws, within the bound and beyond") {
  const auto seed = GENERATE(1u, 2u, 3u);
  for (const std::uint32_t most : {0U, 3U, 100U}) {
    CAPTURE(seed, most);
    CHECK(check_laws(Sums{{{}, most}}, items(seed, 25, 8)));
    CHECK(check_laws(weir::TopCategories<std::string, Sum<std::int64_t>, 2>{{{}, most}}, items(seed, 25, 8)));
    CHECK(check_laws(Entropy<std::int64_t>{most}, samples::integers(seed, 30, 5), {.relative = 1e-13}));
    CHECK(check_laws(ByCategory<std::string, weir::First<std::int64_t>>{{{}, most}}, items(seed, 1, 8)));
  }
  CHECK(check_laws(ByCategory<std::string, weir::Last<std::int64_t>>{}, items(seed, 25, 8)));
  CHECK(check_laws(ByCategory<std::string, weir::Transitions<std::int64_t>>{}, items(seed, 25, 3)));
  CHECK(check_laws(Entropy<std::string>{4}, std::vector<std::string>{"a", "", "b", "a", "c", "d", "e", "a"},
                   {.relative = 1e-13}));
}

TEST_CASE("the largest categories are named in their order, ties by category") {
  const std::vector<Timed<Item>> records{{{"b", 5}, event_time(1)},
                                         {{"a", 5}, event_time(2)},
                                         {{"c", 7}, event_time(3)},
                                         {{"d", 1}, event_time(4)}};
  const auto top = [&](std::uint32_t most) {
    return orders::result_of(weir::TopCategories<std::string, Sum<std::int64_t>, 3>{{{}, most}}, records);
  };
  CHECK(top(64) == Checked<Rows>{{{"c", 7}, {"a", 5}, {"b", 5}}, false});
  CHECK(top(2).value.size() == 2);
  CHECK(top(2).overflowed);
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<Timed<Categorised<int, double>>> numbers{
      {{1, nan}, event_time(1)}, {{2, -5}, event_time(2)}, {{3, 4}, event_time(3)}};
  const auto means = orders::result_of(weir::TopCategories<int, weir::Mean<double>, 3>{}, numbers).value;
  REQUIRE(means.size() == 3);
  CHECK(means[0].category == 3);
  CHECK(means[1].category == 2);
  CHECK(means[2].category == 1);
}

TEST_CASE("a value that is held flags the whole") {
  constexpr std::int64_t high = std::numeric_limits<std::int64_t>::max();
  const std::vector<Timed<Item>> records{
      {{"a", high}, event_time(1)}, {{"a", high}, event_time(2)}, {{"b", 1}, event_time(3)}};
  CHECK(orders::result_of(Sums{}, records) == Checked<Rows>{{{"a", high}, {"b", 1}}, true});
}

TEST_CASE("entropy is that of Shannon") {
  const auto of = [](const std::vector<int>& values) {
    return samples::result_of(Entropy<int>{}, values)->value;
  };
  CHECK(of({1}) == 0);
  CHECK(of({1, 1, 1}) == 0);
  CHECK(of({1, 2}) == 1);
  CHECK(of({1, 2, 3, 4, 1, 2, 3, 4}) == 2);
  CHECK(of({1, 1, 2, 3}) == 1.5);
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto values = samples::integers(seed, 100, 10);
    std::map<std::int64_t, int> counts;
    for (const std::int64_t x : values) ++counts[x];
    samples::Exact bits = 0;
    for (const auto& [value, count] : counts)
      bits -= static_cast<samples::Exact>(count) / 100 *
              static_cast<samples::Exact>(__builtin_log2l(static_cast<long double>(count) / 100));
    const auto found = samples::result_of(Entropy<std::int64_t>{}, values);
    CHECK_FALSE(found->overflowed);
    CHECK(samples::error_of(found->value, bits) <= 4 * samples::unit * (21 + 7));
  }
  const auto more = samples::result_of(Entropy<int>{2}, std::vector{1, 2, 3, 4});
  CHECK(more->overflowed);
  CHECK(more->value == 1.5);
}

template <class A, class T>
void check_snapshots(const A& aggregator, const std::vector<Timed<T>>& records) {
  const auto state = added(aggregator, records);
  const auto read = orders::read_again(state);
  REQUIRE(read.size() == 1);
  CHECK(weir::detail::result_of(aggregator, read[0], Interval{}) ==
        weir::detail::result_of(aggregator, state, Interval{}));
  CHECK(orders::refused(aggregator, state, records[0].value) > 100);
}

TEST_CASE(
    "categories come back from snapshots with the same bytes whatever the order, and damaged ones do no "
    "harm") {
  auto records = items(1, 30, 10);
  for (const std::uint32_t most : {3U, 64U}) {
    check_snapshots(Sums{{{}, most}}, records);
    check_snapshots(ByCategory<std::string, weir::Transitions<std::int64_t, 2>>{{{}, most}}, records);
    const auto forward = orders::written(added(Sums{{{}, most}}, records));
    std::reverse(records.begin(), records.end());
    CHECK((orders::written(added(Sums{{{}, most}}, records)) == forward));
  }
  check_snapshots(Entropy<std::string>{},
                  std::vector<Timed<std::string>>{
                      {"a", event_time(1)}, {"b", event_time(2)}, {"a", event_time(3)}, {"", event_time(4)}});
  // A promise of many categories takes no memory for them.
  std::string bytes(9, '\0');
  bytes[8] = '\x7f';
  Sums::State state;
  weir::Archive in(bytes);
  in(state);
  CHECK_FALSE(in.is_good());
  CHECK(state.entries().empty());
}

TEST_CASE("States of categories are as large as their cards say") {
  STATIC_REQUIRE(sizeof(Sums::State) == 32 + sizeof(Sum<std::int64_t>::State));
  STATIC_REQUIRE(sizeof(Entropy<std::string>::State) == 40);
}

TEST_CASE("which categories are kept is the same on every machine") {
  std::set<int> kept;
  ByCategory<int, weir::Count> aggregator{{{}, 3}};
  decltype(aggregator)::State state;
  for (int i = 0; i < 10; ++i) aggregator.add(state, Categorised<int, int>{i, 0}, event_time(i));
  for (const auto& row : aggregator.result(state, {}).value)
    if (!row.is_rest) kept.insert(row.category);
  CHECK(kept == std::set<int>{3, 5, 7});
}

enum class Channel : std::uint8_t { web, shop };
struct Payment {
  std::string_view shop;
  std::optional<std::int64_t> cents;
  Channel channel = Channel::web;
  double weight = 1;
  bool is_card = true;
};
struct Row {
  Rows sums;
  std::vector<CategoryRow<std::string, std::uint64_t>> counts, top;
  std::vector<CategoryRow<Channel, std::optional<double>>> weights;
  double bits = -1;
};

TEST_CASE("categories are features of a row, with the conditions and policies of the feature inside") {
  using namespace weir;
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<Payment> payments{{"a", 10},
                                      {"b", 5},
                                      {"a", 7, Channel::shop, 3},
                                      {"c", std::nullopt},
                                      {"b", 4, Channel::web, nan},
                                      {"d", 1, Channel::web, 1, false}};
  const auto aggregator =
      [](auto... features) { return RowAggregator<Row, Payment, decltype(features)...>(features...); }(
          by_category(&Payment::shop, sum(&Payment::cents).where(&Payment::is_card)).as(&Row::sums),
          by_category(&Payment::shop, count()).as(&Row::counts),
          top_categories<1>(&Payment::shop, count(), {.most = 10}).as(&Row::top),
          by_category(&Payment::channel, mean(&Payment::weight)).as(&Row::weights),
          entropy(&Payment::channel).as(&Row::bits));
  decltype(aggregator)::State state;
  std::vector<FeatureCounts> counts(5);
  for (const Payment& payment : payments) aggregator.add(state, payment, event_time(1), counts.data());
  const Interval asked{};
  const Row row = aggregator.result(state, asked);
  CHECK(row.sums == Rows{{"a", 17}, {"b", 9}});
  CHECK(row.counts.size() == 4);
  CHECK(row.top == std::vector<CategoryRow<std::string, std::uint64_t>>{{"a", 2}});
  CHECK(row.weights ==
        std::vector<CategoryRow<Channel, std::optional<double>>>{{Channel::web, 1.0}, {Channel::shop, 3.0}});
  CHECK(row.bits == Approx(0.6500224));
  CHECK(counts[0].missing == 1);
  CHECK(counts[3].nan == 1);

  const std::string text = orders::described<Row, Payment>(
      by_category(&Payment::shop, sum(&Payment::cents), {.most = 7}).as(&Row::sums));
  CHECK(text.find("\"category\"") != std::string::npos);
  CHECK(by_category(&Payment::shop, count(), {.most = 0}).family.problem().find("most is 0") == 0);
  CHECK(by_category(&Payment::shop, count()).family.problem().empty());
  CHECK(entropy(&Payment::shop, {.most = 0}).family.problem().find("most is 0") == 0);
  Description out;
  out.begin_object();
  by_category(&Payment::shop, count()).family.describe(out);
  out.end();
  CHECK(out.str().find("count") != std::string::npos);
}

}  // namespace

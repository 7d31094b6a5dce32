#include <weir/aggregate/streak.hpp>

#include <limits>
#include <string>
#include <vector>

#include <weir/testing/laws.hpp>

#include "aggregate/orders.hpp"
#include "catch.hpp"

// What its types are: said here, because every program that includes the header would pay for it.
namespace weir::inline v0 {

static_assert(Aggregator<LongestStreak<>, bool> && Aggregator<CurrentStreak<>, bool>);
static_assert(Aggregator<Transitions<std::string>, std::string_view>);

}  // namespace weir::inline v0

namespace {

using Counted = weir::Checked<std::uint64_t>;
using orders::disordered;
using orders::result_of;
using weir::CurrentStreak;
using weir::event_time;
using weir::LongestStreak;
using weir::Transitions;
using weir::testing::check_laws;
using weir::testing::Timed;
template <std::size_t n>
using Held = weir::detail::Held<n>;

std::vector<bool> coins(std::uint64_t seed, int n) {
  samples::Random random{seed};
  std::vector<bool> values;
  for (int i = 0; i < n; ++i) values.push_back(random.below(3) != 0);
  return values;
}
template <std::size_t count>
std::vector<Held<count>> conditions(std::uint64_t seed, int n) {
  samples::Random random{seed};
  std::vector<Held<count>> values;
  for (int i = 0; i < n; ++i) {
    const std::uint64_t bits = random.bits() & random.bits() & ((1U << count) - 1);
    values.push_back({static_cast<std::uint8_t>(bits)});
  }
  return values;
}

TEST_CASE("streaks, changes and sequences of nothing are 0 and false") {
  CHECK(LongestStreak<>{}.result({}) == Counted{0, false});
  CHECK(CurrentStreak<>{}.result({}) == Counted{0, false});
  CHECK(Transitions<double>{}.result({}) == Counted{0, false});
  CHECK(weir::Followed<>{}.result({}) == Counted{0, false});
  CHECK(weir::HasSequence<2>{}.result({}) == weir::Checked<bool>{false, false});
}

TEST_CASE("streaks are those of the records in their order") {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    const auto records = disordered(seed, coins(seed, static_cast<int>(seed)), 8);
    std::uint64_t run = 0, longest = 0;
    for (const bool x : orders::values_of(orders::sorted(records))) {
      run = x ? run + 1 : 0;
      longest = std::max(longest, run);
    }
    CHECK(result_of(LongestStreak<>{}, records) == Counted{longest, false});
    CHECK(result_of(CurrentStreak<>{}, records) == Counted{run, false});
  }
}

TEST_CASE("changes are those of the records in their order, of numbers and of texts") {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    const auto records = disordered(seed, samples::integers(seed, 30, 1), 8);
    const auto values = orders::values_of(orders::sorted(records));
    std::uint64_t changes = 0;
    for (std::size_t i = 1; i < values.size(); ++i) changes += values[i] != values[i - 1] ? 1U : 0U;
    CHECK(result_of(Transitions<std::int64_t>{}, records) == Counted{changes, false});
    std::vector<Timed<std::string>> texts;
    std::vector<Timed<double>> numbers;
    for (const auto& record : records) {
      texts.push_back({"a text that does not fit in place " + std::to_string(record.value), record.at});
      numbers.push_back({record.value == 0 ? nan : static_cast<double>(record.value), record.at});
    }
    CHECK(result_of(Transitions<std::string>{}, texts) == Counted{changes, false});
    CHECK(result_of(Transitions<double>{}, numbers) == Counted{changes, false});
  }
  CHECK(result_of(Transitions<double>{},
                  std::vector<Timed<double>>{{0.0, event_time(1)}, {-0.0, event_time(2)}}) ==
        Counted{0, false});
}

TEST_CASE("pairs are counted between direct neighbours") {
  std::size_t found = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    const auto records = disordered(seed, conditions<2>(seed, 30), 8);
    const auto values = orders::values_of(orders::sorted(records));
    std::uint64_t pairs = 0;
    for (std::size_t i = 1; i < values.size(); ++i)
      pairs += (values[i - 1].bits & 1) != 0 && (values[i].bits & 2) != 0 ? 1U : 0U;
    found += pairs;
    CHECK(result_of(weir::Followed<>{}, records) == Counted{pairs, false});
  }
  CHECK(found > 0);
}

/// Tries every way to pick records for the conditions, not only the first that fits.
template <std::size_t count>
bool comes_in_order(const std::vector<Held<count>>& values, std::size_t from, std::size_t step) {
  if (step == count) return true;
  for (std::size_t i = from; i < values.size(); ++i)
    if ((unsigned{values[i].bits} >> step & 1U) != 0 && comes_in_order(values, i + 1, step + 1)) return true;
  return false;
}

template <std::size_t count>
void check_sequences() {
  std::size_t found = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed, count);
    const auto records = disordered(seed, conditions<count>(seed, static_cast<int>(2 + count * 2)), 8);
    const bool has = comes_in_order(orders::values_of(orders::sorted(records)), 0, 0);
    CHECK(result_of(weir::HasSequence<count>{}, records) == weir::Checked<bool>{has, false});
    found += has ? 1U : 0U;
    CHECK(check_laws(weir::HasSequence<count, 2>{}, disordered(seed, conditions<count>(seed, 10), 2)));
  }
  CHECK(found > 0);
  CHECK(found < 100);
}

TEST_CASE("a sequence is found if any records make it, each record being one step at most") {
  check_sequences<1>();
  check_sequences<2>();
  check_sequences<3>();
  check_sequences<8>();
  CHECK_FALSE(result_of(weir::HasSequence<2>{}, std::vector<Timed<Held<2>>>{{{3}, event_time(1)}}).value);
}

TEST_CASE("streaks, changes and sequences obey the laws") {
  const auto seed = GENERATE(1u, 2u, 3u);
  const auto n = GENERATE(5, 25);
  CAPTURE(seed, n);
  CHECK(check_laws(LongestStreak<2>{}, disordered(seed, coins(seed, n), 2)));
  CHECK(check_laws(LongestStreak<>{}, disordered(seed, coins(seed, n), 8)));
  CHECK(check_laws(CurrentStreak<2>{}, disordered(seed, coins(seed, n), 2)));
  CHECK(check_laws(Transitions<std::int64_t, 2>{}, disordered(seed, samples::integers(seed, 25, 2), 2)));
  CHECK(check_laws(weir::Followed<2>{}, disordered(seed, conditions<2>(seed, n), 2)));
}

template <class A, class T>
void check_snapshots(const A& aggregator, const std::vector<T>& values, const T& x) {
  for (const std::size_t n : {std::size_t{0}, std::size_t{3}, values.size()}) {
    const auto state = orders::added(
        aggregator, disordered(1, std::vector<T>(values.begin(), values.begin() + static_cast<long>(n)), 3));
    const auto read = orders::read_again(state);
    REQUIRE(read.size() == 1);
    CHECK(aggregator.result(read[0]) == aggregator.result(state));
    if (n > 3) CHECK(orders::refused(aggregator, state, x) > 100);
  }
}

TEST_CASE("States of streaks, changes and sequences come back from snapshots, and damaged ones do no harm") {
  check_snapshots(LongestStreak<4>{}, coins(1, 20), true);
  check_snapshots(CurrentStreak<4>{}, coins(1, 20), true);
  check_snapshots(Transitions<std::int64_t, 4>{}, samples::integers(1, 20, 2), std::int64_t{1});
  check_snapshots(Transitions<std::string, 2>{}, std::vector<std::string>{"a", "", "c", "c", "d"},
                  std::string{"x"});
  check_snapshots(weir::Followed<4>{}, conditions<2>(1, 20), Held<2>{3});
  check_snapshots(weir::HasSequence<8, 4>{}, conditions<8>(1, 20), Held<8>{255});
}

TEST_CASE("States are as large as their cards say") {
  STATIC_REQUIRE(sizeof(LongestStreak<>::State) == 128);
  STATIC_REQUIRE(sizeof(CurrentStreak<>::State) == 112);
  STATIC_REQUIRE(sizeof(Transitions<std::int64_t>::State) == 184);
  STATIC_REQUIRE(sizeof(weir::Followed<>::State) == 112);
  STATIC_REQUIRE(sizeof(weir::HasSequence<8>::State) == 104);
}

struct Order {
  bool is_paid = false;
  std::optional<bool> is_good;
  int status = 0;
};
struct Row {
  std::int64_t streak = -1, current = -1, changes = -1, pairs = -1;
  bool is_funnel = false, is_reverse = true;
};

TEST_CASE("streaks, changes and sequences are features of a row") {
  using namespace weir;
  const auto is = [](int status) { return [status](const Order& order) { return order.status == status; }; };
  const std::vector<Timed<Order>> sent{{{true, true, 1}, event_time(1)},
                                       {{true, std::nullopt, 2}, event_time(3)},
                                       {{false, true, 2}, event_time(2)},
                                       {{true, true, 3}, event_time(4)}};
  const Row row = orders::row_of<Row>(
      sent, Interval{}, longest_streak(&Order::is_good).as(&Row::streak),
      current_streak<2>(&Order::is_paid).as(&Row::current), transitions(&Order::status).as(&Row::changes),
      followed(is(2), is(2)).as(&Row::pairs), has_sequence(is(1), &Order::is_paid, is(3)).as(&Row::is_funnel),
      has_sequence(is(3), is(1)).as(&Row::is_reverse));
  CHECK(row.streak == 3);
  CHECK(row.current == 2);
  CHECK(row.changes == 2);
  CHECK(row.pairs == 1);
  CHECK(row.is_funnel);
  CHECK_FALSE(row.is_reverse);

  const std::string text =
      orders::described<Row, Order>(has_sequence(&Order::is_paid, is(2)).as(&Row::is_funnel));
  CHECK(text.find("has_sequence") != std::string::npos);
  CHECK(text.find("\"conditions\"") != std::string::npos);
}

TEST_CASE("states that put records in order may be merged with themselves") {
  CHECK(samples::merges_with_itself(weir::Transitions<std::string, 3>{}));
  CHECK(samples::merges_with_itself(weir::Transitions<std::string, 12>{}));
}

}  // namespace

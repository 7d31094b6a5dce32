#include <weir/aggregate/distinct.hpp>

#include <algorithm>
#include <limits>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <weir/testing/laws.hpp>

#include "aggregate/samples.hpp"
#include "catch.hpp"

// What its types are: said here, because every program that includes the header would pay for it.
namespace weir::inline v0 {

static_assert(Aggregator<Distinct<double>, double> && Aggregator<Distinct<std::string>, std::string_view>);

}  // namespace weir::inline v0

namespace {

using samples::result_of;
using weir::Checked;
using weir::Distinct;
using weir::testing::check_laws;
using Counted = Checked<std::uint64_t>;

std::vector<std::string> words(const std::vector<std::int64_t>& numbers) {
  std::vector<std::string> all;
  for (auto x : numbers)
    all.push_back(x == 0 ? "" : "a word longer than fits in place, number " + std::to_string(x));
  return all;
}

TEST_CASE("distinct of nothing is 0") {
  CHECK(Distinct<int>{}.result({}) == Counted{0, false});
  CHECK(Distinct<std::string>{}.result({}) == Counted{0, false});
}

TEST_CASE("distinct agrees with std::set, in every size from in place to large") {
  auto seed = GENERATE(1u, 2u, 3u);
  auto n = GENERATE(1u, 3u, 4u, 10u, 100u, 3000u);
  auto most = GENERATE(1, 3, 50, 100'000);
  CAPTURE(seed, n, most);
  const auto values = samples::integers(seed, n, most);
  const std::set<std::int64_t> exact(values.begin(), values.end());
  CHECK(result_of(Distinct<std::int64_t>{}, values) == Counted{exact.size(), false});
  CHECK(result_of(Distinct<std::string>{}, words(values)) == Counted{exact.size(), false});

  const auto middle = values.begin() + static_cast<long>(n / 2);
  auto merged = samples::added(Distinct<std::int64_t>{}, std::vector(values.begin(), middle));
  Distinct<std::int64_t>{}.merge(merged,
                                 samples::added(Distinct<std::int64_t>{}, std::vector(middle, values.end())));
  CHECK(Distinct<std::int64_t>{}.result(merged) == Counted{exact.size(), false});
}

TEST_CASE("one value more than the bound: the result is held at the bound and flagged, whatever the order") {
  const Distinct<int> distinct{.most = 5};
  CHECK(result_of(distinct, std::vector{1, 2, 3, 4, 0, 1, 2}) == Counted{5, false});
  CHECK(result_of(distinct, std::vector{1, 2, 3, 4, 5, 0}) == Counted{5, true});
  CHECK(result_of(distinct, std::vector{0, 1, 2, 3, 4, 5, 1}) == Counted{5, true});
  CHECK(result_of(Distinct<int>{.most = 0}, std::vector{0}) == Counted{0, true});
  CHECK(check_laws(distinct, std::vector{0, 1, 2, 3, 3, 4, 5, 0, 6}));
  CHECK(check_laws(Distinct<std::string>{.most = 2}, std::vector<std::string>{"", "a", "b", "a"}));
}

/// What a snapshot has of a set of these keys.
template <class Key>
std::string written(std::vector<Key> keys) {
  std::sort(keys.begin(), keys.end());
  weir::Archive archive;
  archive.write(false);
  archive(keys);
  return std::string(archive.written());
}
template <class State>
State read(const std::string& bytes) {
  State state;
  weir::Archive archive(bytes);
  archive(state);
  CHECK(archive.is_good());
  CHECK(archive.left() == 0);
  return state;
}

TEST_CASE("a set that was read is the one that was written, in every size") {
  for (std::size_t n = 0; n < 200; ++n) {
    CAPTURE(n);
    const auto values = samples::integers(static_cast<unsigned>(n), n, 1000);
    for (const bool has_zero : {false, true}) {
      std::set<std::uint64_t> numbers;
      for (const std::int64_t value : values) numbers.insert(static_cast<std::uint64_t>(value + 2000));
      if (has_zero) numbers.insert(0);
      std::set<std::string> texts;
      for (const std::uint64_t number : numbers) texts.insert(number == 0 ? "" : std::to_string(number));

      const std::string number_bytes = written(std::vector(numbers.begin(), numbers.end()));
      const std::string text_bytes = written(std::vector(texts.begin(), texts.end()));
      auto number_set = read<Distinct<std::int64_t>::State>(number_bytes);
      auto text_set = read<Distinct<std::string>::State>(text_bytes);
      weir::Archive again;
      again(number_set, text_set);
      CHECK((again.written() == number_bytes + text_bytes));
      for (const std::uint64_t number : numbers) {
        Distinct<std::int64_t>{}.add(number_set, static_cast<std::int64_t>(number));
        Distinct<std::string>{}.add(text_set, number == 0 ? "" : std::to_string(number));
      }
      CHECK(Distinct<std::int64_t>{}.result(number_set) == Counted{numbers.size(), false});
      CHECK(Distinct<std::string>{}.result(text_set) == Counted{texts.size(), false});
      Distinct<std::int64_t>{}.add(number_set, -1);
      CHECK(Distinct<std::int64_t>{}.result(number_set) == Counted{numbers.size() + 1, false});
    }
  }
}

TEST_CASE("a million keys that were forged to collide are read as fast as others, and held at the bound") {
  // Multiples of the golden ratio, which keys are hashed with, come next to whole numbers at sums of two neighbours of
  // Fibonacci's numbers.
  std::vector<std::uint64_t> keys;
  for (std::uint64_t a = 0; a < 1024; ++a) {
    for (std::uint64_t b = 0; b < 1024; ++b) keys.push_back((a * 2971215073U + b * 4807526976U) << 20U);
  }
  const std::string bytes = written(keys);
  const auto forged = read<Distinct<std::int64_t>::State>(bytes);
  CHECK(Distinct<std::int64_t>{.most = 1U << 20U}.result(forged) == Counted{1U << 20U, false});

  const Distinct<std::int64_t> distinct{.most = 4096};
  CHECK(distinct.result(forged) == Counted{4096, true});
  auto added = forged;
  distinct.add(added, static_cast<std::int64_t>(keys.back()));
  CHECK(added.size() == 0);
  CHECK(distinct.result(added) == Counted{4096, true});
  auto merged = forged;
  distinct.merge(merged, forged);
  CHECK(merged.size() == 0);
  CHECK(distinct.result(merged) == Counted{4096, true});
}

TEST_CASE("zeros are one value and so are NaNs: enums, durations and instants are values") {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(result_of(Distinct<double>{}, std::vector{0.0, -0.0, nan, -nan, 1.0}) == Counted{3, false});
  enum class Level : signed char { low = -1, high = 1 };
  CHECK(result_of(Distinct<Level>{}, std::vector{Level::low, Level::high, Level::low}) == Counted{2, false});
  CHECK(result_of(Distinct<weir::Duration>{}, std::vector{weir::Duration{0}, weir::Duration{1}}) ==
        Counted{2, false});
  CHECK(result_of(Distinct<bool>{}, std::vector<bool>{false, true, false}) == Counted{2, false});
  CHECK(result_of(Distinct<std::string>{}, std::vector<std::string_view>{"a", "b", "a"}) ==
        Counted{2, false});
}

TEST_CASE("distinct obeys the laws, order independence among them") {
  auto most = GENERATE(2, 10, 1000);
  CHECK(check_laws(Distinct<std::int64_t>{}, samples::integers(1, 30, most)));
  CHECK(check_laws(Distinct<std::string>{}, words(samples::integers(2, 20, most))));
}

TEST_CASE("copies of a State are independent, moved-from ones are empty") {
  const Distinct<int> distinct;
  auto state = samples::added(distinct, std::vector{0, 1, 2, 3, 4, 5});
  auto copy = state;
  distinct.add(copy, 6);
  CHECK(distinct.result(state) == Counted{6, false});
  CHECK(distinct.result(copy) == Counted{7, false});
  const auto& same = copy;
  copy = same;
  CHECK(distinct.result(copy) == Counted{7, false});
  distinct.merge(copy, copy);
  CHECK(distinct.result(copy) == Counted{7, false});

  const auto moved = std::move(state);
  CHECK(distinct.result(moved) == Counted{6, false});
  CHECK(distinct.result(state) == Counted{0, false});  // NOLINT(bugprone-use-after-move)
  copy = {};
  CHECK(distinct.result(copy) == Counted{0, false});
}

TEST_CASE("values that share their low bits do not slow the set down to a list") {
  Distinct<std::uint64_t>::State state{};
  const Distinct<std::uint64_t> distinct{.most = 100'000};
  for (std::uint64_t i = 0; i < 100'000; ++i) distinct.add(state, i << 40U);
  CHECK(distinct.result(state) == Counted{100'000, false});
}

TEST_CASE("the set is small: 40 bytes in place") {
  STATIC_REQUIRE(sizeof(Distinct<int>::State) == 40);
  constexpr auto two = [] {
    Distinct<int>::State state{};
    for (int x : {1, 2, 1, 3, 4, 5}) Distinct<int>{}.add(state, x);
    return Distinct<int>{}.result(state).value;
  }();
  STATIC_REQUIRE(two == 5);
}

TEST_CASE("pairs and tuples are values, and no two of them are taken for one") {
  using Pair = std::pair<std::string, std::string>;
  using Triple = std::tuple<int, std::string, double>;
  CHECK(
      samples::result_of(Distinct<Pair>{}, std::vector<Pair>{{"a", "bc"}, {"ab", "c"}, {"a", "bc"}, {"", ""}})
          .value == 3);
  samples::Random random{5};
  std::vector<Triple> triples;
  for (int i = 0; i < 3000; ++i) {
    triples.emplace_back(static_cast<int>(random.below(5)), std::string(random.below(300), 'x'),
                         random.below(2) == 0 ? 0.0 : -0.0);
  }
  std::set<std::pair<int, std::size_t>> expected;
  for (const auto& [number, text, zero] : triples) expected.emplace(number, text.size());
  CHECK(samples::result_of(Distinct<Triple>{}, triples).value == expected.size());
  CHECK(check_laws(Distinct<Pair>{}, std::vector<Pair>{{"a", "b"}, {"b", "a"}, {"a", "b"}, {"", "ab"}}));
}

}  // namespace

#include <weir/aggregate/position.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <weir/testing/laws.hpp>

#include "aggregate/samples.hpp"
#include "catch.hpp"

// What its types are: said here, because every program that includes the header would pay for it.
namespace weir::inline v0 {

static_assert(Aggregator<First<int>, int> && Aggregator<LastK<std::string, 3>, std::string_view>);

static_assert(sizeof(First<double>::State) == 16 && sizeof(LastK<double, 8>::State) == 8 * 16 + 16);

}  // namespace weir::inline v0

namespace {

using weir::event_time;
using weir::First;
using weir::FirstK;
using weir::Last;
using weir::LastK;
using weir::testing::check_laws;
using weir::testing::Timed;

/// Arrivals out of order, many of them at the same time; values tell them apart.
std::vector<Timed<int>> arrivals(std::uint64_t seed, int n) {
  samples::Random random{seed};
  std::vector<Timed<int>> records;
  for (int i = 0; i < n; ++i) records.push_back({i, event_time(random.between(-5, 5))});
  return records;
}

template <class A, class T>
auto result_of(const A& aggregator, const std::vector<Timed<T>>& records) {
  typename A::State state{};
  for (const auto& record : records) aggregator.add(state, record.value, record.at);
  return aggregator.result(state);
}

template <std::size_t n, class T>
std::vector<T> listed(const weir::Sequence<T, n>& sequence) {
  return {sequence.begin(), sequence.end()};
}

TEST_CASE("first and last of nothing are empty") {
  CHECK(First<int>{}.result({}) == std::nullopt);
  CHECK(Last<int>{}.result({}) == std::nullopt);
  CHECK(FirstK<int, 3>{}.result({}).empty());
  CHECK(LastK<int, 3>{}.result({}).empty());
}

TEST_CASE("first and last go by event time, and by arrival among equals") {
  auto seed = GENERATE(range(1u, 30u));
  auto n = GENERATE(1, 2, 5, 40);
  CAPTURE(seed, n);
  const auto records = arrivals(seed, n);
  auto sorted = records;
  std::sort(sorted.begin(), sorted.end(),
            [](const auto& a, const auto& b) { return a.at != b.at ? a.at < b.at : a.value < b.value; });
  std::vector<int> order;
  for (const auto& record : sorted) order.push_back(record.value);

  CHECK(result_of(First<int>{}, records) == order.front());
  CHECK(result_of(Last<int>{}, records) == order.back());
  const auto k = std::min<long>(4, n);
  CHECK(listed(result_of(FirstK<int, 4>{}, records)) == std::vector(order.begin(), order.begin() + k));
  CHECK(listed(result_of(LastK<int, 4>{}, records)) == std::vector(order.end() - k, order.end()));
  CHECK(listed(result_of(LastK<int, 1>{}, records)) == std::vector{order.back()});
  CHECK(listed(result_of(FirstK<int, 64>{}, records)) == order);
}

TEST_CASE("both ends of time are times like any other") {
  const std::vector<Timed<int>> ends{{1, weir::end_of_time}, {2, event_time(weir::ticks(weir::no_time) + 1)}};
  CHECK(result_of(First<int>{}, ends) == 2);
  CHECK(result_of(Last<int>{}, ends) == 1);
  CHECK(result_of(First<int>{}, std::vector<Timed<int>>{{1, weir::end_of_time}, {2, weir::end_of_time}}) ==
        1);
}

TEST_CASE("strings are kept, not viewed") {
  First<std::string>::State state{};
  {
    std::string gone = "a string that does not fit in place";
    First<std::string>{}.add(state, std::string_view{gone}, event_time(1));
    gone.assign(gone.size(), 'x');
  }
  CHECK(First<std::string>{}.result(state) == "a string that does not fit in place");
}

TEST_CASE("positions obey the laws, with ties in time and without") {
  auto seed = GENERATE(1u, 2u, 3u);
  CAPTURE(seed);
  const auto records = arrivals(seed, 25);
  CHECK(check_laws(First<int>{}, records));
  CHECK(check_laws(Last<int>{}, records));
  CHECK(check_laws(FirstK<int, 3>{}, records));
  CHECK(check_laws(LastK<int, 3>{}, records));
  CHECK(check_laws(LastK<std::string, 2>{}, std::vector<std::string>{"a", "b", "a", "c"}));
}

TEST_CASE("lists with more values than times, or fewer, are refused") {
  const auto written = [](const auto& value) {
    weir::Archive out;
    out.write(value);
    return std::string(out.written());
  };
  using State = LastK<std::string, 3>::State;
  for (std::size_t times = 0; times <= 3; ++times) {
    weir::Sequence<std::string, 3> values;
    values.insert(0, "b");
    values.insert(0, "a");
    weir::Sequence<weir::EventTime, 3> at;
    for (std::size_t i = 0; i < times; ++i) at.insert(i, event_time(static_cast<std::int64_t>(i)));
    const std::string bytes = written(values) + written(at);
    weir::Archive in(bytes);
    State state;
    in(state);
    CHECK(in.is_good() == (times == 2));
    CHECK(LastK<std::string, 3>{}.result(state).size() == (times == 2 ? 2 : 0));
    if (times == 2) CHECK(written(state) == bytes);
  }
}

TEST_CASE("lists of positions may be merged with themselves") {
  CHECK(samples::merges_with_itself(FirstK<std::string, 12>{}));
  CHECK(samples::merges_with_itself(LastK<std::string, 12>{}));
}

}  // namespace

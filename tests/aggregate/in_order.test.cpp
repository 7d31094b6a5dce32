#include <weir/aggregate/in_order.hpp>

#include <algorithm>
#include <string>
#include <vector>

#include <weir/testing/laws.hpp>

#include "aggregate/samples.hpp"
#include "catch.hpp"

namespace {

using weir::event_time;
using weir::EventTime;
using weir::testing::check_laws;
using weir::testing::Timed;

/// Every value and time that it was given, in the order in which that happened.
template <class Value>
struct Everything {
  struct State {
    std::vector<Value> values;
    std::vector<EventTime> times;
  };
  void add(State& state, weir::detail::Argument<Value> x, EventTime at) const {
    state.values.emplace_back(x);
    state.times.push_back(at);
  }
  void merge(State& state, const State& later) const {
    state.values.insert(state.values.end(), later.values.begin(), later.values.end());
    state.times.insert(state.times.end(), later.times.begin(), later.times.end());
  }
  std::vector<Value> result(const State& state) const { return state.values; }
};

template <std::size_t most, class Value = int>
using Ordered = weir::detail::InOrder<Everything<Value>, Value, most>;

/// Records of which none comes after more than `most` newer ones; values count them in their order.
std::vector<Timed<int>> disordered(std::uint64_t seed, int n, std::size_t most) {
  samples::Random random{seed};
  std::vector<Timed<int>> records, held;
  std::int64_t at = -20;
  for (int i = 0; i < n; ++i) records.push_back({i, event_time(at += random.between(0, 2))});
  std::vector<Timed<int>> arrived;
  for (const auto& record : records) {
    held.push_back(record);
    if (held.size() > most) {  // the oldest has to come now, or any of those that are held comes before it
      const bool is_forced = arrived.size() > 0 && random.below(3) == 0;
      const std::size_t pick = is_forced ? random.below(held.size()) : 0;
      arrived.push_back(held[pick]);
      held.erase(held.begin() + static_cast<long>(pick));
    }
  }
  while (!held.empty()) {
    const std::size_t pick = random.below(held.size());
    arrived.push_back(held[pick]);
    held.erase(held.begin() + static_cast<long>(pick));
  }
  return arrived;
}

/// For each record, how many that are newer came before it; equal times stand in the order of arrival.
std::size_t worst_delay(const std::vector<Timed<int>>& arrived) {
  std::size_t worst = 0;
  for (std::size_t i = 0; i < arrived.size(); ++i) {
    const auto newer = [&](const auto& record) { return record.at > arrived[i].at; };
    const auto end = arrived.begin() + static_cast<long>(i);
    worst = std::max(worst, static_cast<std::size_t>(std::count_if(arrived.begin(), end, newer)));
  }
  return worst;
}

std::vector<int> in_order(std::vector<Timed<int>> records) {
  std::stable_sort(records.begin(), records.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
  std::vector<int> values;
  for (const auto& record : records) values.push_back(record.value);
  return values;
}

template <class A, class T>
typename A::State added(const A& aggregator, const std::vector<Timed<T>>& records) {
  typename A::State state{};
  for (const auto& record : records) aggregator.add(state, record.value, record.at);
  return state;
}

template <std::size_t most>
void check_random_orders() {
  std::size_t flagged = 0, exact = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed, most);
    const auto records = disordered(seed, 40, 2 + seed % 5);
    const auto state = added(Ordered<most>{}, records);
    const auto result = Ordered<most>{}.result(state);
    CHECK(result.value.size() == records.size());
    const bool is_within = worst_delay(records) <= most;
    if (is_within) CHECK_FALSE(result.overflowed);
    if (!result.overflowed) CHECK(result.value == in_order(records));
    ++(result.overflowed ? flagged : exact);
    const auto times = Ordered<most>{}.whole(state).times;
    CHECK(std::is_sorted(times.begin(), times.end()));
  }
  CHECK(exact > 0);
  if (most <= 2) CHECK(flagged > 0);
}

TEST_CASE(
    "records stand in their order if none comes after more newer ones than are kept, else the result is "
    "flagged") {
  check_random_orders<1>();
  check_random_orders<2>();
  check_random_orders<5>();
  check_random_orders<8>();
  check_random_orders<64>();
}

TEST_CASE("a record after exactly as many newer ones as are kept is exact, after one more it is flagged") {
  const auto run = [](int newer) {
    std::vector<Timed<int>> records{{1, event_time(10)}};
    for (int i = 0; i < newer; ++i) records.push_back({2 + i, event_time(30 + i)});
    records.push_back({99, event_time(20)});
    return Ordered<4>{}.result(added(Ordered<4>{}, records));
  };
  CHECK(run(4) == weir::Checked<std::vector<int>>{{1, 99, 2, 3, 4, 5}, false});
  CHECK(run(5) == weir::Checked<std::vector<int>>{{1, 2, 99, 3, 4, 5, 6}, true});
}

TEST_CASE("what was misplaced stays flagged through merges, on either side") {
  std::vector<Timed<int>> wrong;
  for (int i = 5; i > 0; --i) wrong.push_back({i, event_time(i)});
  const Ordered<2> ordered;
  const auto flagged = added(ordered, wrong);
  CHECK(flagged.misplaced == 2);
  CHECK(ordered.result(flagged).overflowed);
  for (const int more : {0, 1, 2, 3, 10}) {
    CAPTURE(more);
    std::vector<Timed<int>> earlier, later;
    for (int i = 0; i < more; ++i) {
      earlier.push_back({-i, event_time(-100 + i)});
      later.push_back({100 + i, event_time(100 + i)});
    }
    auto left = added(ordered, earlier);
    ordered.merge(left, flagged);
    CHECK(ordered.result(left).overflowed);
    CHECK(left.misplaced == 2);
    auto right = flagged;
    ordered.merge(right, added(ordered, later));
    CHECK(ordered.result(right).overflowed);
    CHECK(right.misplaced == 2);
  }
}

TEST_CASE("order obeys the laws, in every size and with ties in time") {
  const auto seed = GENERATE(1u, 2u, 3u);
  for (const int n : {0, 1, 3, 12, 25}) {
    CAPTURE(seed, n);
    const auto records = disordered(seed, n, 3);
    CHECK(check_laws(Ordered<1>{}, records));
    CHECK(check_laws(Ordered<3>{}, records));
    CHECK(check_laws(Ordered<8>{}, records));
    CHECK(check_laws(Ordered<30>{}, records));
  }
  CHECK(check_laws(Ordered<2, std::string>{},
                   std::vector<std::string>{"a", "", "b", "a text that is long", "c"}));
}

TEST_CASE("equal times of two panes keep the order of the panes") {
  const Ordered<2> ordered;
  auto state =
      added(ordered, std::vector<Timed<int>>{{1, event_time(5)}, {2, event_time(5)}, {3, event_time(5)}});
  ordered.merge(state, added(ordered, std::vector<Timed<int>>{{4, event_time(5)}}));
  ordered.merge(state, added(ordered, std::vector<Timed<int>>{
                                          {5, event_time(5)}, {6, event_time(5)}, {7, event_time(5)}}));
  CHECK(ordered.result(state) == weir::Checked<std::vector<int>>{{1, 2, 3, 4, 5, 6, 7}, false});
}

TEST_CASE("a State that was read is the one that was written, wherever its ring begins") {
  for (int n = 0; n < 30; ++n) {
    CAPTURE(n);
    auto state = added(Ordered<4, int>{}, disordered(7, n, 3));
    weir::Archive out;
    out(state);
    const std::string bytes(out.written());
    Ordered<4>::State read;
    Ordered<4>{}.add(read, 77, event_time(77));
    weir::Archive in(bytes);
    in(read);
    CHECK(in.is_good());
    CHECK(in.left() == 0);
    weir::Archive again;
    again(read);
    CHECK((again.written() == bytes));
    Ordered<4>{}.add(state, -1, event_time(15));
    Ordered<4>{}.add(read, -1, event_time(15));
    CHECK(Ordered<4>{}.result(read) == Ordered<4>{}.result(state));
  }
}

TEST_CASE("bytes that make no sense as an order are refused, and any others do no harm") {
  const auto reads = [](const std::string& bytes) {
    Ordered<2>::State state;
    weir::Archive in(bytes);
    in(state);
    Ordered<2>{}.add(state, 1, event_time(1));
    CHECK(Ordered<2>{}.result(state).value.size() > 0);
    return in.is_good();
  };
  auto state = added(Ordered<2>{}, disordered(7, 6, 1));
  weir::Archive out;
  out(state);
  const std::string good(out.written());
  CHECK(reads(good));
  for (std::size_t i = 0; i < good.size(); ++i) CHECK_FALSE(reads(good.substr(0, i)));
  std::string many = good, swapped = good, early = good, none = good;
  many[0] = 3;
  CHECK_FALSE(reads(many));
  swapped.replace(2, 8, std::string("\xff\xff\xff\xff\xff\xff\xff\x7f", 8));  // newer than the second
  CHECK_FALSE(reads(swapped));
  early.replace(2 + 2 * 12, 8,
                std::string("\xff\xff\xff\xff\xff\xff\xff\x7f", 8));  // settled up to the end of time
  CHECK_FALSE(reads(early));
  none.replace(2, 8, std::string("\0\0\0\0\0\0\0\x80", 8));
  CHECK_FALSE(reads(none));
  samples::Random random{5};
  for (int round = 0; round < 2000; ++round) {
    std::string bytes = good;
    bytes[random.below(bytes.size())] = static_cast<char>(random.bits());
    bytes[random.below(bytes.size())] = static_cast<char>(random.bits());
    reads(bytes);
  }
}

TEST_CASE("keeping order costs 20 bytes and one time and value for each newest record") {
  struct Sum {
    struct State {
      std::uint64_t all = 0;
    };
    void add(State& state, bool x) const { state.all += x ? 1U : 0U; }
    void merge(State& state, const State& later) const { state.all += later.all; }
    std::uint64_t result(const State& state) const { return state.all; }
  };
  STATIC_REQUIRE(sizeof(weir::detail::InOrder<Sum, bool, 8>::State) == 8 + 16 + 8 * 9 + 8);
  STATIC_REQUIRE(std::is_trivially_copyable_v<weir::detail::InOrder<Sum, bool, 8>::State>);
}

}  // namespace

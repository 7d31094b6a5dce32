#include <weir/aggregate/row.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <weir/aggregate/aggregate.hpp>
#include <weir/testing/laws.hpp>

#include "aggregate/samples.hpp"
#include "catch.hpp"

namespace {

using weir::event_time;
using weir::FeatureCounts;
using weir::testing::Timed;

enum class Channel : std::uint8_t { web, shop };
struct Payment {
  std::uint64_t merchant = 0;
  std::int64_t cents = 0;
  bool is_card = false;
  std::optional<std::int32_t> items = std::nullopt;
  Channel channel = Channel::web;
  std::string payee{};
};
struct Row {
  std::int32_t payments = -1;
  std::int64_t cents = -1;
  std::optional<double> mean_items = -1;
  std::int8_t most_cents = -1;
  std::uint32_t merchants = 0;
  weir::Duration length{-1};
  bool by_card = false;
  Channel last_channel = Channel::shop;
  std::vector<std::string> payees{};
  std::array<std::int64_t, 2> first_cents{};
  std::string largest{};
  std::uint64_t overflowed = 0;

  friend bool operator==(const Row&, const Row&) = default;
};

template <class RowType, class In, class... Features>
auto rows(Features... features) {
  return weir::RowAggregator<RowType, In, Features...>(features...);
}

const auto everything = rows<Row, Payment>(
    weir::count().as(&Row::payments), weir::sum(&Payment::cents).where(&Payment::is_card).as(&Row::cents),
    weir::mean(&Payment::items).as(&Row::mean_items), weir::max(&Payment::cents).as(&Row::most_cents),
    weir::distinct(&Payment::merchant, {.most = 6}).as(&Row::merchants), weir::elapsed().as(&Row::length),
    weir::any(&Payment::is_card).as(&Row::by_card), weir::last(&Payment::channel).as(&Row::last_channel),
    weir::last_k<3>(&Payment::payee).as(&Row::payees),
    weir::first_k<2>(&Payment::cents).as(&Row::first_cents),
    weir::arg_max(&Payment::cents, &Payment::payee).as(&Row::largest));
using Everything = std::remove_const_t<decltype(everything)>;

std::vector<Timed<Payment>> payments(std::uint64_t seed, std::size_t n) {
  samples::Random random{seed};
  std::vector<Timed<Payment>> all;
  for (std::size_t i = 0; i < n; ++i) {
    Payment p{.merchant = random.below(8),
              .cents = random.between(-90, 140),
              .is_card = random.below(2) == 0,
              .channel = static_cast<Channel>(random.below(2)),
              .payee = std::to_string(i)};
    if (random.below(3) != 0) p.items = static_cast<std::int32_t>(random.below(5));
    all.push_back({p, event_time(random.between(0, 20))});
  }
  return all;
}

/// The same row from all records at once.
Row expected(std::vector<Timed<Payment>> all) {
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return a.at != b.at ? a.at < b.at
                        : std::stoi(a.value.payee) < std::stoi(b.value.payee);  // payees count arrivals
  });
  Row row{.payments = static_cast<std::int32_t>(all.size()),
          .cents = 0,
          .mean_items = std::nullopt,
          .length = weir::Duration{0}};
  std::set<std::uint64_t> merchants;
  double items = 0, with_items = 0;
  const Payment* largest = nullptr;
  for (const auto& [p, at] : all) {
    row.cents += p.is_card ? p.cents : 0;
    if (p.items) items += *p.items, with_items += 1;
    merchants.insert(p.merchant);
    row.by_card |= p.is_card;
    row.last_channel = p.channel;
    if (largest == nullptr || p.cents > largest->cents) largest = &p;
  }
  if (with_items > 0) row.mean_items = items / with_items;
  if (largest != nullptr) {
    row.most_cents = static_cast<std::int8_t>(std::min<std::int64_t>(largest->cents, 127));
    row.overflowed |= largest->cents > 127 ? 1U << 3U : 0U;
    row.largest = largest->payee;
    row.length = all.back().at - all.front().at;
  }
  row.merchants = static_cast<std::uint32_t>(std::min<std::size_t>(merchants.size(), 6));
  row.overflowed |= merchants.size() > 6 ? 1U << 4U : 0U;
  for (std::size_t i = all.size() < 3 ? 0 : all.size() - 3; i < all.size(); ++i)
    row.payees.push_back(all[i].value.payee);
  for (std::size_t i = 0; i < 2 && i < all.size(); ++i) row.first_cents[i] = all[i].value.cents;
  return row;
}

Row found(const Everything::State& state) {
  Row row;
  everything.result(state, {}, row, row.overflowed);
  return row;
}

TEST_CASE("a row of every kind of feature agrees with a computation from all records at once") {
  auto seed = GENERATE(range(1u, 20u));
  auto n = GENERATE(0u, 1u, 2u, 10u, 60u);
  CAPTURE(seed, n);
  const auto all = payments(seed, n);
  Everything::State state{};
  std::array<FeatureCounts, Everything::size> counts{};
  std::uint64_t missing = 0;
  for (const auto& [payment, at] : all) {
    everything.add(state, payment, at, counts.data());
    missing += payment.items ? 0 : 1;
  }
  CHECK(found(state) == expected(all));
  CHECK(counts[2] == FeatureCounts{.missing = missing, .nan = 0, .overflowed = 0});
}

TEST_CASE("panes of a row merge to the row of everything") {
  auto seed = GENERATE(range(1u, 20u));
  CAPTURE(seed);
  const auto all = payments(seed, 60);
  std::map<weir::EventTime, Everything::State> panes;
  for (const auto& [payment, at] : all) everything.add(panes[at], payment, at);
  Everything::State merged{};
  for (const auto& [at, pane] : panes) everything.merge(merged, pane);
  CHECK(found(merged) == expected(all));
}

TEST_CASE("a whole row is an aggregator and obeys the laws") {
  STATIC_REQUIRE(weir::Aggregator<Everything, Payment>);
  CHECK(weir::testing::check_laws(everything, payments(1, 25)));
}

TEST_CASE("each bit of overflowed belongs to the feature at its place") {
  struct Small {
    std::int8_t a = 0, b = 0, c = 0;
  };
  const auto small =
      rows<Small, Payment>(weir::sum(&Payment::cents).as(&Small::a), weir::count().as(&Small::b),
                           weir::min(&Payment::cents).as(&Small::c));
  decltype(small)::State state{};
  small.add(state, {.cents = -200}, event_time(0));
  Small row;
  std::uint64_t overflowed = 0xFF;
  small.result(state, {}, row, overflowed);
  CHECK(overflowed == 0b101);
  CHECK(row.a == -128);
  CHECK(row.b == 1);
  CHECK(row.c == -128);
  small.add(state, {.cents = 200}, event_time(0));
  small.result(state, {}, row, overflowed);
  CHECK(overflowed == 0b100);
}

TEST_CASE("fields of a base of the row can be named") {
  struct Base {
    std::int64_t n = 0;
  };
  struct Derived : Base {
    double total = 0;
  };
  const auto row =
      rows<Derived, Payment>(weir::count().as(&Derived::n), weir::sum(&Payment::cents).as(&Derived::total));
  decltype(row)::State state{};
  row.add(state, {.cents = 3}, event_time(0));
  CHECK(row.result(state, {}).n == 1);
  CHECK(row.result(state, {}).total == 3);
}

struct Plain {
  double amount = 0;
};
struct Totals {
  std::int64_t n = 0;
  double sum = 0;
  float most = 0;
};

TEST_CASE("the State of plain features is trivially copyable and has no padding of its own") {
  using Row3 =
      decltype(rows<Totals, Plain>(weir::count().as(&Totals::n), weir::sum(&Plain::amount).as(&Totals::sum),
                                   weir::max(&Plain::amount).as(&Totals::most)));
  STATIC_REQUIRE(std::is_trivially_copyable_v<Row3::State>);
  STATIC_REQUIRE(sizeof(Row3::State) == 8 + 16 + 8);
  STATIC_REQUIRE_FALSE(std::is_trivially_copyable_v<Everything::State>);
}

TEST_CASE("a row is invertible or order independent if all of its features are") {
  using Counts = decltype(rows<Totals, Payment>(weir::count().as(&Totals::n),
                                                weir::mean(&Payment::cents).as(&Totals::sum)));
  using Floats =
      decltype(rows<Totals, Plain>(weir::count().as(&Totals::n), weir::sum(&Plain::amount).as(&Totals::sum)));
  STATIC_REQUIRE(weir::Invertible<Counts>);
  STATIC_REQUIRE(weir::OrderIndependent<Counts>);
  STATIC_REQUIRE_FALSE(weir::Invertible<Floats>);
  STATIC_REQUIRE_FALSE(weir::OrderIndependent<Floats>);
}

TEST_CASE("rows are constant expressions") {
  constexpr double total = [] {
    constexpr auto count = weir::count().as(&Totals::n);
    constexpr auto sum = weir::sum(&Plain::amount).as(&Totals::sum);
    const weir::RowAggregator<Totals, Plain, std::remove_const_t<decltype(count)>,
                              std::remove_const_t<decltype(sum)>>
        row{count, sum};
    decltype(row)::State state{};
    row.add(state, {0.5}, event_time(0));
    row.add(state, {2}, event_time(1));
    return row.result(state, {}).sum;
  }();
  STATIC_REQUIRE(total == 2.5);
}

}  // namespace

#include <weir/aggregate/feature.hpp>

#include <limits>
#include <optional>
#include <string>

#include <weir/aggregate/aggregate.hpp>

#include "aggregate/samples.hpp"
#include "catch.hpp"

namespace {

using weir::event_time;
using weir::FeatureCounts;
using weir::NanPolicy;
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

struct Payment {
  double amount = 0;
  bool is_card = false;
  std::optional<double> fee = std::nullopt;
  int items = 0;
  [[nodiscard]] double net() const { return amount - fee.value_or(0); }
};
struct Row {
  double value = -1;
  std::optional<double> maybe = -1;
  bool flag = false;
};

/// The row of one feature over some records, with its counts.
struct Outcome {
  Row row{};
  FeatureCounts counts{};
};
template <class Feature>
Outcome outcome(Feature feature, const std::vector<Payment>& payments) {
  const weir::RowAggregator<Row, Payment, Feature> aggregator{feature};
  typename decltype(aggregator)::State state{};
  Outcome out;
  for (const Payment& payment : payments) aggregator.add(state, payment, event_time(0), &out.counts);
  out.row = aggregator.result(state, {});
  return out;
}

TEST_CASE("a projection is a member, a member function or a callable") {
  const std::vector<Payment> payments{{.amount = 10, .fee = 1}, {.amount = 20}};
  CHECK(outcome(weir::sum(&Payment::amount).as(&Row::value), payments).row.value == 30);
  CHECK(outcome(weir::sum(&Payment::net).as(&Row::value), payments).row.value == 29);
  CHECK(
      outcome(weir::sum([](const Payment& p) { return p.amount * 2; }).as(&Row::value), payments).row.value ==
      60);
  CHECK(outcome(weir::sum(&Payment::items).as(&Row::value), payments).row.value == 0);
}

TEST_CASE("a missing value is skipped and counted") {
  const auto out = outcome(weir::mean(&Payment::fee).as(&Row::maybe), {{.fee = 1}, {}, {.fee = 3}, {}});
  CHECK(out.row.maybe == 2.0);
  CHECK(out.counts == FeatureCounts{.missing = 2, .nan = 0, .overflowed = 0});
}

TEST_CASE("NaN is skipped and counted unless the feature says otherwise") {
  const std::vector<Payment> payments{
      {.amount = 1}, {.amount = nan}, {.amount = 3}, {.amount = 5, .fee = nan}};
  const auto skipped = outcome(weir::sum(&Payment::amount).as(&Row::value), payments);
  CHECK(skipped.row.value == 9);
  CHECK(skipped.counts == FeatureCounts{.missing = 0, .nan = 1, .overflowed = 0});
  CHECK(outcome(weir::sum(&Payment::fee).as(&Row::value), payments).counts.nan == 1);
  CHECK(outcome(weir::sum(&Payment::amount).nan(NanPolicy::skip).as(&Row::value), payments).row.value == 9);
}

TEST_CASE("NaN that is propagated makes the result NaN, and is not counted") {
  const std::vector<Payment> payments{{.amount = 1}, {.amount = nan}, {.amount = 3}};
  const auto check = [&](auto feature) {
    const auto out = outcome(feature.nan(NanPolicy::propagate).as(&Row::value), payments);
    CHECK(weir::detail::is_nan(out.row.value));
    CHECK(out.counts == FeatureCounts{});
  };
  check(weir::sum(&Payment::amount));
  check(weir::mean(&Payment::amount));
  check(weir::min(&Payment::amount));
  check(weir::max(&Payment::amount));
  check(weir::range(&Payment::amount));
  check(weir::variance(&Payment::amount));
  check(weir::stddev(&Payment::amount));
}

TEST_CASE("NaN that is rejected is refused by accepts, where the feature would have seen it") {
  const auto aggregator = [](auto feature) {
    return weir::RowAggregator<Row, Payment, decltype(feature)>{feature};
  };
  const auto amount = aggregator(weir::sum(&Payment::amount).nan(NanPolicy::reject).as(&Row::value));
  CHECK(amount.accepts({.amount = 1}));
  CHECK_FALSE(amount.accepts({.amount = nan}));
  const auto cards =
      aggregator(weir::sum(&Payment::amount).where(&Payment::is_card).nan(NanPolicy::reject).as(&Row::value));
  CHECK(cards.accepts({.amount = nan, .is_card = false}));
  CHECK_FALSE(cards.accepts({.amount = nan, .is_card = true}));
  const auto fee = aggregator(weir::sum(&Payment::fee).nan(NanPolicy::reject).as(&Row::value));
  CHECK(fee.accepts({.fee = std::nullopt}));
  CHECK_FALSE(fee.accepts({.fee = nan}));
}

TEST_CASE("without a rejecting feature accepts is a constant") {
  constexpr auto feature = weir::sum(&Payment::amount).as(&Row::value);
  constexpr weir::RowAggregator<Row, Payment, std::remove_const_t<decltype(feature)>> aggregator{feature};
  STATIC_REQUIRE(aggregator.accepts(Payment{.amount = nan}));
}

TEST_CASE("where restricts any aggregate, and what it leaves out is neither missing nor NaN") {
  const std::vector<Payment> payments{
      {.amount = 1, .is_card = true}, {.amount = 2}, {.amount = nan}, {.amount = 4, .is_card = true}, {}};
  const auto sum = outcome(weir::sum(&Payment::amount).where(&Payment::is_card).as(&Row::value), payments);
  CHECK(sum.row.value == 5);
  CHECK(sum.counts == FeatureCounts{});
  CHECK(outcome(weir::count().where(&Payment::is_card).as(&Row::value), payments).row.value == 2);
  CHECK(
      outcome(weir::mean(&Payment::fee).where(&Payment::is_card).as(&Row::value), payments).counts.missing ==
      2);
  CHECK(outcome(
            weir::max(&Payment::amount).where([](const Payment& p) { return p.amount < 3; }).as(&Row::value),
            payments)
            .row.value == 2);
}

TEST_CASE("several conditions must all hold, and the order of where, nan and as is free") {
  const std::vector<Payment> payments{{.amount = 1, .is_card = true},
                                      {.amount = 5, .is_card = true},
                                      {.amount = 9},
                                      {.amount = nan, .is_card = true}};
  const auto is_large = [](const Payment& p) { return !(p.amount < 3); };
  const auto a = weir::sum(&Payment::amount).where(&Payment::is_card).where(is_large).as(&Row::value);
  const auto b = weir::sum(&Payment::amount)
                     .as(&Row::value)
                     .nan(NanPolicy::skip)
                     .where(is_large)
                     .where(&Payment::is_card);
  CHECK(outcome(a, payments).row.value == 5);
  CHECK(outcome(b, payments).row.value == 5);
  CHECK(outcome(b, payments).counts.nan == 1);
}

TEST_CASE("an empty result leaves the row's default, or empties an optional") {
  CHECK(outcome(weir::mean(&Payment::amount).as(&Row::value), {}).row.value == -1);
  CHECK(outcome(weir::mean(&Payment::amount).as(&Row::maybe), {}).row.maybe == std::nullopt);
  CHECK(outcome(weir::sum(&Payment::amount).as(&Row::value), {}).row.value == 0);
  CHECK(outcome(weir::stddev(&Payment::amount).as(&Row::value), {{.amount = 2}}).row.value == -1);
}

TEST_CASE("any and all take conditions of the record") {
  CHECK(outcome(weir::any(&Payment::is_card).as(&Row::flag), {{}, {.is_card = true}}).row.flag);
  CHECK_FALSE(outcome(weir::all(&Payment::is_card).as(&Row::flag), {{}, {.is_card = true}}).row.flag);
  CHECK(outcome(weir::all([](const Payment& p) { return p.items == 0; }).as(&Row::flag), {{}, {}}).row.flag);
}

TEST_CASE("counts may be left out") {
  const auto feature = weir::mean(&Payment::fee).as(&Row::value);
  const weir::RowAggregator<Row, Payment, std::remove_const_t<decltype(feature)>> aggregator{feature};
  decltype(aggregator)::State state{};
  aggregator.add(state, {.fee = std::nullopt}, event_time(0));
  aggregator.add(state, {.fee = nan}, event_time(0));
  aggregator.add(state, {.fee = 4}, event_time(0));
  CHECK(aggregator.result(state, {}).value == 4);
}

/// A count of every so many records; a family with an option of its own.
struct EveryOf {
  static constexpr std::string_view name = "every";
  std::int64_t step;

  template <class Value>
  [[nodiscard]] constexpr weir::Count make() const {
    return {};
  }
  void describe(weir::Description& out) const { out.number("step", step); }
};

template <class Feature>
std::string described(Feature feature) {
  weir::Description out;
  std::int64_t number = 0;
  out.begin_object();
  weir::detail::describe_feature<Payment, Row>(out, feature, number);
  out.end();
  return out.str();
}

TEST_CASE("what a family says of its options stands in the description, and only then") {
  const auto every = [](std::int64_t step) {
    return weir::detail::feature(EveryOf{step}, weir::detail::Presence{}).as(&Row::value);
  };
  CHECK(described(every(3)).find("\"aggregate\": \"every\", \"step\": 3") != std::string::npos);
  CHECK(described(every(3)) != described(every(4)));
  CHECK(described(weir::count().as(&Row::value)).find("step") == std::string::npos);
}

}  // namespace

// The aggregates, for docs/reference/aggregate.
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <span>
#include <utility>
#include <vector>

#include <weir/weir.hpp>

#include "expect.hpp"

using namespace std::chrono_literals;

struct Payment {
  std::uint32_t user = 0;
  std::string shop;
  std::int64_t cents = 0;
  std::optional<double> tip;
  bool is_card = false;
  weir::EventTime at;
};

struct Row {
  std::int64_t payments = 0, cards = 0, shops = 0;
  std::int64_t cents = 0, card_cents = 0;
  double mean = 0;
  std::optional<double> mean_tip, spread;
  std::int64_t least = 0, most = 0, range = 0;
  bool any_card = false, all_cards = false;
  weir::Duration length{};
  std::string first_shop, last_shop, dearest_shop;
  std::vector<std::int64_t> first_two;
  std::array<std::int64_t, 2> last_two{};
  std::int8_t tiny = 0;
};

namespace {

constexpr weir::EventTime minute(int number) { return weir::EventTime{std::chrono::minutes{number}}; }

const std::vector<Payment> payments_of_one_hour = {
    {1, "bakery", 300, 0.5, true, minute(3)},
    {1, "books", 2500, std::nullopt, true, minute(10)},
    {1, "bakery", 500, 1.5, false, minute(40)},
};

/// The one row that an hour of payments gives with these features.
template <class Features>
weir::Windowed<std::uint32_t, Row> hour_of(Features features) {
  weir::Graph graph{"aggregates"};
  auto payments = graph.source<Payment>("payments", {.time = &Payment::at, .watermark = weir::ascending()});
  weir::Windowed<std::uint32_t, Row> hour;
  payments | weir::key_by(&Payment::user) | weir::tumbling({.size = 1h, .grace = 0s}) | features
           | weir::sink("hour", [&hour](const auto& row) { hour = row; });
  auto pipeline = std::move(graph).build();
  support::expect(pipeline.ok());
  pipeline->push(payments, std::span(payments_of_one_hour));
  support::expect(pipeline->finish().ok());
  return hour;
}

void numbers() {
  // [region count]
  auto counts = weir::aggregate<Row>("counts",
      weir::count()                         .as(&Row::payments),
      weir::count_where(&Payment::is_card)  .as(&Row::cards),
      weir::distinct(&Payment::shop)        .as(&Row::shops));
  // [end]
  const Row counted = hour_of(counts).value;
  support::expect(counted.payments == 3 && counted.cards == 2 && counted.shops == 2);

  // [region sum]
  auto sums = weir::aggregate<Row>("sums",
      weir::sum(&Payment::cents)                           .as(&Row::cents),
      weir::sum(&Payment::cents).where(&Payment::is_card)  .as(&Row::card_cents),
      weir::mean(&Payment::cents)                          .as(&Row::mean),
      weir::stddev(&Payment::cents)                        .as(&Row::spread));
  // [end]
  const Row summed = hour_of(sums).value;
  support::expect(summed.cents == 3300 && summed.card_cents == 2800 && summed.mean == 1100);
  support::expect(summed.spread.has_value() && std::abs(*summed.spread - 1216.55) < 0.01);

  // [region extremes]
  auto extremes = weir::aggregate<Row>("extremes",
      weir::min(&Payment::cents)                      .as(&Row::least),
      weir::max(&Payment::cents)                      .as(&Row::most),
      weir::range(&Payment::cents)                    .as(&Row::range),
      weir::arg_max(&Payment::cents, &Payment::shop)  .as(&Row::dearest_shop));
  // [end]
  const Row extreme = hour_of(extremes).value;
  support::expect(extreme.least == 300 && extreme.most == 2500 && extreme.range == 2200);
  support::expect(extreme.dearest_shop == "books");
}

void positions() {
  // [region positions]
  auto positions = weir::aggregate<Row>("positions",
      weir::first(&Payment::shop)       .as(&Row::first_shop),
      weir::last(&Payment::shop)        .as(&Row::last_shop),
      weir::first_k<2>(&Payment::cents) .as(&Row::first_two),  // a std::vector takes as many as there are
      weir::last_k<2>(&Payment::cents)  .as(&Row::last_two),   // a std::array is filled up with zeros
      weir::elapsed()                   .as(&Row::length));
  // [end]
  const Row row = hour_of(positions).value;
  support::expect(row.first_shop == "bakery" && row.last_shop == "bakery" && row.length == 37min);
  support::expect(row.first_two == std::vector<std::int64_t>{300, 2500});
  support::expect(row.last_two == std::array<std::int64_t, 2>{2500, 500});

  // [region logic]
  auto logic = weir::aggregate<Row>("logic",
      weir::any(&Payment::is_card) .as(&Row::any_card),
      weir::all(&Payment::is_card) .as(&Row::all_cards));
  // [end]
  const Row cards = hour_of(logic).value;
  support::expect(cards.any_card && !cards.all_cards);
}

void nothing_and_too_much() {
  // [region missing]
  auto tips = weir::aggregate<Row>("tips", weir::mean(&Payment::tip).as(&Row::mean_tip));  // no tip: skipped
  // [end]
  support::expect(hour_of(tips).value.mean_tip == 1.0);

  // [region nan]
  const auto tip = [](const Payment& p) { return p.tip.value_or(std::numeric_limits<double>::quiet_NaN()); };
  auto skipping = weir::aggregate<Row>("skipping",
      weir::mean(tip).as(&Row::mean));                                   // skips NaN and counts it
  auto propagating = weir::aggregate<Row>("propagating",
      weir::mean(tip).nan(weir::NanPolicy::propagate).as(&Row::mean));   // one NaN makes the mean NaN
  // [end]
  support::expect(hour_of(skipping).value.mean == 1.0 && std::isnan(hour_of(propagating).value.mean));

  // [region overflow]
  auto small = weir::aggregate<Row>("small", weir::sum(&Payment::cents).as(&Row::tiny));  // int8: 127 at most
  const weir::Windowed<std::uint32_t, Row> hour = hour_of(small);
  support::expect(hour.value.tiny == 127);      // held at the limit, never wrapped
  support::expect((hour.overflowed & 1) != 0);  // bit 0: the first feature
  // [end]
}

}  // namespace

int main() {
  numbers();
  positions();
  nothing_and_too_much();
}

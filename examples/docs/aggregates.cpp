// The aggregates, for docs/reference/aggregate.
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
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

using Rows = std::vector<weir::Windowed<std::uint32_t, Row>>;

namespace {

constexpr weir::EventTime minute(int number) { return weir::EventTime{std::chrono::minutes{number}}; }

const std::vector<Payment> payments_of_one_hour = {
    {1, "bakery", 300, 0.5, true, minute(3)},
    {1, "books", 2500, std::nullopt, true, minute(10)},
    {1, "bakery", 500, 1.5, false, minute(40)},
};

/// Runs one hour of payments through the features that `make` gives.
template <class Make>
Rows rows_of(Make make) {
  weir::Graph graph{"aggregates"};
  auto payments = graph.source<Payment>("payments", {.time = &Payment::at, .watermark = weir::ascending()});
  Rows rows;
  payments | weir::key_by(&Payment::user) | weir::tumbling({.size = 1h, .grace = 0s}) | make()
           | weir::sink("rows", [&rows](const auto& row) { rows.push_back(row); });
  auto pipeline = std::move(graph).build();
  support::expect(pipeline.ok());
  pipeline->push(payments, std::span(payments_of_one_hour));
  pipeline->finish();
  return rows;
}

void numbers() {
  const Row row = rows_of([] {
    // [region count]
    auto counts = weir::aggregate<Row>("counts",
        weir::count()                              .as(&Row::payments),
        weir::count_where(&Payment::is_card)       .as(&Row::cards),
        weir::distinct(&Payment::shop)             .as(&Row::shops));
    // [end]
    return counts;
  })[0].value;
  support::expect(row.payments == 3 && row.cards == 2 && row.shops == 2);

  const Row sums = rows_of([] {
    // [region sum]
    auto sums = weir::aggregate<Row>("sums",
        weir::sum(&Payment::cents)                           .as(&Row::cents),
        weir::sum(&Payment::cents).where(&Payment::is_card)  .as(&Row::card_cents),
        weir::mean(&Payment::cents)                          .as(&Row::mean),
        weir::stddev(&Payment::cents)                        .as(&Row::spread));
    // [end]
    return sums;
  })[0].value;
  support::expect(sums.cents == 3300 && sums.card_cents == 2800 && sums.mean == 1100);
  support::expect(sums.spread.has_value() && std::abs(*sums.spread - 1216.55) < 0.01);

  const Row extremes = rows_of([] {
    // [region extremes]
    auto extremes = weir::aggregate<Row>("extremes",
        weir::min(&Payment::cents)                          .as(&Row::least),
        weir::max(&Payment::cents)                          .as(&Row::most),
        weir::range(&Payment::cents)                        .as(&Row::range),
        weir::arg_max(&Payment::cents, &Payment::shop)      .as(&Row::dearest_shop));
    // [end]
    return extremes;
  })[0].value;
  support::expect(extremes.least == 300 && extremes.most == 2500 && extremes.range == 2200);
  support::expect(extremes.dearest_shop == "books");
}

void positions() {
  const Row row = rows_of([] {
    // [region positions]
    auto positions = weir::aggregate<Row>("positions",
        weir::first(&Payment::shop)       .as(&Row::first_shop),
        weir::last(&Payment::shop)        .as(&Row::last_shop),
        weir::first_k<2>(&Payment::cents) .as(&Row::first_two),   // a std::vector takes as many as there are
        weir::last_k<2>(&Payment::cents)  .as(&Row::last_two),    // a std::array is filled up with zeros
        weir::elapsed()                   .as(&Row::length));
    // [end]
    return positions;
  })[0].value;
  support::expect(row.first_shop == "bakery" && row.last_shop == "bakery" && row.length == 37min);
  support::expect(row.first_two == std::vector<std::int64_t>{300, 2500});
  support::expect(row.last_two == std::array<std::int64_t, 2>{2500, 500});

  const Row logic = rows_of([] {
    // [region logic]
    auto logic = weir::aggregate<Row>("logic",
        weir::any(&Payment::is_card) .as(&Row::any_card),
        weir::all(&Payment::is_card) .as(&Row::all_cards));
    // [end]
    return logic;
  })[0].value;
  support::expect(logic.any_card && !logic.all_cards);
}

void nothing_and_too_much() {
  const Row row = rows_of([] {
    // [region missing]
    auto tips = weir::aggregate<Row>("tips", weir::mean(&Payment::tip).as(&Row::mean_tip));  // skips empty tips
    // [end]
    return tips;
  })[0].value;
  support::expect(row.mean_tip == 1.0);

  const auto overflowed = rows_of([] {
    // [region overflow]
    auto small = weir::aggregate<Row>("small", weir::sum(&Payment::cents).as(&Row::tiny));  // int8: holds 127 at most
    // [end]
    return small;
  })[0];
  // [region overflowed]
  support::expect(overflowed.value.tiny == 127);    // held at the limit, never wrapped
  support::expect((overflowed.overflowed & 1) != 0);  // bit 0: the first feature
  // [end]

  const Row propagated = rows_of([] {
    const auto tip_or_nan = [](const Payment& p) { return p.tip.value_or(std::numeric_limits<double>::quiet_NaN()); };
    // [region nan]
    auto tips = weir::aggregate<Row>("tips",
        weir::mean(tip_or_nan)                                  .as(&Row::mean_tip),  // skips NaN and counts it
        weir::mean(tip_or_nan).nan(weir::NanPolicy::propagate)  .as(&Row::mean));     // one NaN makes the mean NaN
    // [end]
    return tips;
  })[0].value;
  support::expect(propagated.mean_tip == 1.0 && std::isnan(propagated.mean));
}

}  // namespace

int main() {
  numbers();
  positions();
  nothing_and_too_much();
}

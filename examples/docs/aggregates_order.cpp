// Aggregates of order, time, categories, lists and vectors, for docs/reference/aggregate.
#include <array>
#include <cmath>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <weir/aggregate/autocorrelation.hpp>
#include <weir/aggregate/bloom.hpp>
#include <weir/aggregate/category.hpp>
#include <weir/aggregate/collect.hpp>
#include <weir/aggregate/distinct_k.hpp>
#include <weir/aggregate/drawdown.hpp>
#include <weir/aggregate/nth.hpp>
#include <weir/aggregate/streak.hpp>
#include <weir/aggregate/timing.hpp>
#include <weir/aggregate/top_k.hpp>
#include <weir/aggregate/vector.hpp>
#include <weir/weir.hpp>

#include "expect.hpp"

using namespace std::chrono_literals;

struct Payment {
  std::uint32_t user = 0;
  std::string shop;
  std::int64_t cents = 0;
  bool is_card = false, is_failed = false;
  double balance = 0;
  std::array<float, 3> taste{};  // of what was bought, as a model sees it
  weir::EventTime at;
};

struct Row {
  std::int64_t longest_failing = 0, failing = 0, shop_changes = 0, retries = 0;
  bool is_testing = false;
  std::optional<weir::Duration> since_last, since_card;
  weir::Duration gap{}, longest_gap{}, gap_deviation{};
  std::optional<double> burstiness;
  std::string second_shop;
  std::optional<std::int64_t> cents_before, change;
  std::vector<std::string> shops, newest_shops, dearest_shops;
  std::vector<std::int64_t> largest;
  std::array<std::int64_t, 2> smallest{};
  double fall = 0, fallen_part = 0;
  std::optional<double> correlation;
  std::vector<weir::CategoryRow<std::string, std::int64_t>> cents_of_shops;
  std::vector<weir::CategoryRow<std::string, std::uint64_t>> busiest_shop;
  std::optional<double> shop_bits;
  std::vector<std::string> visits, visited;
  bool is_known_shop = false;
  std::array<double, 3> taste{};
  std::optional<double> usual;
};

namespace {

constexpr weir::EventTime minute(int number) { return weir::EventTime{std::chrono::minutes{number}}; }

const std::vector<Payment> payments_of_one_hour = {
    {1, "bakery", 300, true, false, 100, {1, 0, 0}, minute(0)},
    {1, "books", 100, true, true, 100, {0, 1, 0}, minute(10)},
    {1, "books", 100, false, true, 90, {0, 1, 0}, minute(12)},
    {1, "books", 2500, false, false, 40, {0, 1, 1}, minute(20)},
    {1, "bakery", 500, false, false, 60, {1, 0, 0}, minute(40)},
};

/// The one row that an hour of payments gives with these features.
template <class Features>
Row hour_of(Features features) {
  weir::Graph graph{"aggregates"};
  auto payments = graph.source<Payment>("payments", {.time = &Payment::at, .watermark = weir::ascending()});
  Row hour;
  payments | weir::key_by(&Payment::user) | weir::tumbling({.size = 1h, .grace = 0s}) | features
           | weir::sink("hour", [&hour](const auto& row) { hour = row.value; });
  auto pipeline = std::move(graph).build();
  support::expect(pipeline.ok());
  pipeline->push(payments, std::span(payments_of_one_hour));
  support::expect(pipeline->finish().ok());
  return hour;
}

void streaks() {
  // [region streak]
  const auto is_small = [](const Payment& payment) { return payment.cents <= 100; };
  const auto is_large = [](const Payment& payment) { return payment.cents >= 1000; };
  auto streaks = weir::aggregate<Row>("streaks",
      weir::longest_streak(&Payment::is_failed)                  .as(&Row::longest_failing),
      weir::current_streak(&Payment::is_failed)                  .as(&Row::failing),
      weir::transitions(&Payment::shop)                          .as(&Row::shop_changes),
      weir::followed(&Payment::is_failed, &Payment::is_failed)   .as(&Row::retries),
      weir::has_sequence(is_small, &Payment::is_failed, is_large).as(&Row::is_testing));  // a stolen card is tried out
  // [end]
  const Row row = hour_of(streaks);
  support::expect(row.longest_failing == 2 && row.failing == 0 && row.shop_changes == 2 && row.retries == 1);
  support::expect(row.is_testing);
}

void times() {
  // [region timing]
  auto times = weir::aggregate<Row>("times",
      weir::time_since_last()                   .as(&Row::since_last),  // until the end of the window
      weir::time_since_last(&Payment::is_card)  .as(&Row::since_card),
      weir::inter_arrival_mean()                .as(&Row::gap),
      weir::inter_arrival_max()                 .as(&Row::longest_gap),
      weir::inter_arrival_stddev()              .as(&Row::gap_deviation),
      weir::burstiness()                        .as(&Row::burstiness));
  // [end]
  const Row row = hour_of(times);
  support::expect(row.since_last == 20min && row.since_card == 50min && row.gap == 10min && row.longest_gap == 20min);
  support::expect(row.gap_deviation > 7min && row.gap_deviation < 8min && row.burstiness < 0);
}

void places() {
  // [region nth]
  auto places = weir::aggregate<Row>("places",
      weir::nth<2>(&Payment::shop)  .as(&Row::second_shop),
      weir::lag<1>(&Payment::cents) .as(&Row::cents_before),  // that of the last payment but one
      weir::delta(&Payment::cents)  .as(&Row::change));
  // [end]
  const Row place = hour_of(places);
  support::expect(place.second_shop == "books" && place.cents_before == 2500 && place.change == -2000);

  // [region distinct_k]
  auto different = weir::aggregate<Row>("different",
      weir::first_distinct_k<3>(&Payment::shop) .as(&Row::shops),
      weir::last_distinct_k<3>(&Payment::shop)  .as(&Row::newest_shops));
  // [end]
  const Row shops = hour_of(different);
  support::expect(shops.shops == std::vector<std::string>{"bakery", "books"});
  support::expect(shops.newest_shops == std::vector<std::string>{"books", "bakery"});

  // [region top_k]
  auto ends = weir::aggregate<Row>("ends",
      weir::top_k<3>(&Payment::cents)                      .as(&Row::largest),
      weir::bottom_k<2>(&Payment::cents)                   .as(&Row::smallest),
      weir::top_k_by<2>(&Payment::cents, &Payment::shop)   .as(&Row::dearest_shops));
  // [end]
  const Row end = hour_of(ends);
  support::expect(end.largest == std::vector<std::int64_t>{2500, 500, 300});
  support::expect(end.smallest == std::array<std::int64_t, 2>{100, 100});
  support::expect(end.dearest_shops == std::vector<std::string>{"books", "bakery"});
}

void series() {
  // [region drawdown]
  auto falls = weir::aggregate<Row>("falls",
      weir::drawdown(&Payment::balance)          .as(&Row::fall),
      weir::relative_drawdown(&Payment::balance) .as(&Row::fallen_part));  // 1: down to nothing
  // [end]
  const Row fallen = hour_of(falls);
  support::expect(fallen.fall == 60 && fallen.fallen_part == 0.6);

  // [region autocorrelation]
  auto memory = weir::aggregate<Row>("memory",
      weir::autocorrelation<1>(&Payment::balance).as(&Row::correlation));
  // [end]
  const std::optional<double> correlation = hour_of(memory).correlation;
  support::expect(correlation && std::abs(*correlation - 0.3389) < 0.0001);
}

void categories() {
  // [region category]
  auto shops = weir::aggregate<Row>("shops",
      weir::by_category(&Payment::shop, weir::sum(&Payment::cents), {.most = 32}) .as(&Row::cents_of_shops),
      weir::top_categories<1>(&Payment::shop, weir::count())                      .as(&Row::busiest_shop),
      weir::entropy(&Payment::shop)                                               .as(&Row::shop_bits));
  // [end]
  const Row row = hour_of(shops);
  support::expect(row.cents_of_shops.size() == 2 && row.cents_of_shops[0].category == "bakery");
  support::expect(row.cents_of_shops[0].value == 800 && row.cents_of_shops[1].value == 2700);
  support::expect(row.busiest_shop.size() == 1 && row.busiest_shop[0].category == "books");
  support::expect(row.shop_bits && std::abs(*row.shop_bits - 0.971) < 0.001);
}

void collections() {
  // [region collect]
  auto lists = weir::aggregate<Row>("lists",
      weir::collect_list(&Payment::shop, {.most = 4}) .as(&Row::visits),
      weir::collect_set(&Payment::shop)               .as(&Row::visited));
  // [end]
  const Row row = hour_of(lists);
  support::expect(row.visits == std::vector<std::string>{"books", "books", "books", "bakery"});
  support::expect(row.visited == std::vector<std::string>{"bakery", "books"});

  // [region bloom]
  auto memory = weir::aggregate<Row>("memory",
      weir::seen_before(&Payment::shop, {.expected = 100, .false_positive = 0.001}).as(&Row::is_known_shop));
  // [end]
  support::expect(hour_of(memory).is_known_shop);
}

void vectors() {
  // [region vector]
  auto tastes = weir::aggregate<Row>("tastes",
      weir::vector_mean(&Payment::taste)        .as(&Row::taste),
      weir::cosine_to_centroid(&Payment::taste) .as(&Row::usual));  // is the last payment like those before?
  // [end]
  const Row row = hour_of(tastes);
  support::expect(row.taste == std::array<double, 3>{0.4, 0.6, 0.2});
  support::expect(row.usual && std::abs(*row.usual - 0.3015) < 0.0001);
}

}  // namespace

int main() {
  streaks();
  times();
  places();
  series();
  categories();
  collections();
  vectors();
}

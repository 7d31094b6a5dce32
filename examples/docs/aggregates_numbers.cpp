// The aggregates of numbers: moments, relations, means, ratios, decay; for docs/reference/aggregate.
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <weir/aggregate/decay.hpp>
#include <weir/aggregate/encode.hpp>
#include <weir/aggregate/ew.hpp>
#include <weir/aggregate/means.hpp>
#include <weir/aggregate/moments.hpp>
#include <weir/aggregate/ratio.hpp>
#include <weir/aggregate/relation.hpp>
#include <weir/aggregate/travel.hpp>
#include <weir/aggregate/wide_sum.hpp>
#include <weir/weir.hpp>

#include "expect.hpp"

using namespace std::chrono_literals;

struct Ride {
  std::uint32_t taxi = 0;
  double fare = 0;  // euros
  double km = 0;
  bool is_card = false;
  weir::EventTime at;
  double latitude = 0, longitude = 0;  // where it began
};

namespace {

constexpr weir::EventTime minute(int number) { return weir::EventTime{std::chrono::minutes{number}}; }

const std::vector<Ride> rides_of_one_hour = {
    {1, 8.0, 2.0, true, minute(3), 52.50, 13.40},
    {1, 12.0, 4.0, false, minute(15), 52.51, 13.40},
    {1, 10.0, 3.0, true, minute(30), 52.53, 13.40},
    {1, 30.0, 13.0, true, minute(45), 52.50, 13.40},
};

/// The one row that an hour of rides gives with these features.
template <class Row, class Features>
Row hour_of(Features features) {
  weir::Graph graph{"rides"};
  auto rides = graph.source<Ride>("rides", {.time = &Ride::at, .watermark = weir::ascending()});
  Row hour;
  rides | weir::key_by(&Ride::taxi) | weir::tumbling({.size = 1h, .grace = 0s}) | features
        | weir::sink("hour", [&hour](const auto& row) { hour = row.value; });
  auto pipeline = std::move(graph).build();
  support::expect(pipeline.ok());
  pipeline->push(rides, std::span(rides_of_one_hour));
  support::expect(pipeline->finish().ok());
  return hour;
}

bool is_near(double found, double expected) { return std::abs(found - expected) <= 1e-6 * std::abs(expected); }

struct Shape {
  std::optional<double> skewness, kurtosis, error, last_ride;
};

void moments() {
  // [region moments]
  auto shape = weir::aggregate<Shape>("shape",
      weir::skewness(&Ride::fare)  .as(&Shape::skewness),
      weir::kurtosis(&Ride::fare)  .as(&Shape::kurtosis),
      weir::sem(&Ride::fare)       .as(&Shape::error),
      weir::z_score(&Ride::fare)   .as(&Shape::last_ride));  // 30 euros after 8, 12 and 10
  // [end]
  const Shape row = hour_of<Shape>(shape);
  support::expect(is_near(*row.last_ride, 10) && *row.skewness > 0 && *row.kurtosis > 0);
  support::expect(is_near(*row.error, std::sqrt(308.0 / 3 / 4)));
}

struct Tariff {
  std::optional<double> correlation, per_km, rise;
};

void relations() {
  // [region relation]
  auto tariff = weir::aggregate<Tariff>("tariff",
      weir::correlation(&Ride::km, &Ride::fare)  .as(&Tariff::correlation),
      weir::slope(&Ride::fare, &Ride::km)        .as(&Tariff::per_km),  // euros per kilometre
      weir::trend(&Ride::fare)                   .as(&Tariff::rise));   // euros per second
  // [end]
  const Tariff row = hour_of<Tariff>(tariff);
  support::expect(is_near(*row.per_km, 2) && is_near(*row.correlation, 1) && *row.rise > 0);
}

struct Averages {
  std::optional<double> per_km, pace, growth, fare;
};

void means() {
  // [region means]
  auto averages = weir::aggregate<Averages>("averages",
      weir::weighted_mean([](const Ride& r) { return r.fare / r.km; }, &Ride::km)  .as(&Averages::per_km),
      weir::harmonic_mean(&Ride::km)                                               .as(&Averages::pace),
      weir::geometric_mean(&Ride::fare)                                            .as(&Averages::growth),
      weir::bayesian_mean(&Ride::fare, {.prior = 10, .weight = 4})                 .as(&Averages::fare));
  // [end]
  const Averages row = hour_of<Averages>(averages);
  support::expect(is_near(*row.per_km, 60.0 / 22) && is_near(*row.fare, 12.5));
  support::expect(is_near(*row.pace, 4 / (1 / 2.0 + 1 / 4.0 + 1 / 3.0 + 1 / 13.0)));
  support::expect(is_near(*row.growth, std::pow(8.0 * 12 * 10 * 30, 0.25)));
}

struct Parts {
  std::optional<double> per_km, by_card, fares_by_card, rides_per_hour, km_per_hour;
};

void ratios() {
  // [region ratio]
  auto parts = weir::aggregate<Parts>("parts",
      weir::ratio(&Ride::fare, &Ride::km)          .as(&Parts::per_km),
      weir::share(&Ride::is_card)                  .as(&Parts::by_card),        // of the rides
      weir::share_of(&Ride::fare, &Ride::is_card)  .as(&Parts::fares_by_card),  // of the euros
      weir::rate({.per = 1h})                      .as(&Parts::rides_per_hour),
      weir::rate(&Ride::km, {.per = 1h})           .as(&Parts::km_per_hour));
  // [end]
  const Parts row = hour_of<Parts>(parts);
  support::expect(is_near(*row.per_km, 60.0 / 22) && row.by_card == 0.75 && row.fares_by_card == 0.8);
  support::expect(row.rides_per_hour == 4.0 && row.km_per_hour == 22.0);
}

struct Ledger {
  absl::int128 total = 0;
  std::uint64_t largest = 0;
};

void sums() {
  // [region wide_sum]
  const auto wei = [](const Ride& ride) { return static_cast<std::int64_t>(ride.fare) * 200'000'000'000'000'000; };
  auto ledger = weir::aggregate<Ledger>("ledger",
      weir::wide_sum(wei)  .as(&Ledger::total),     // 1.2e19: beyond int64
      weir::abs_max(wei)   .as(&Ledger::largest));
  // [end]
  const Ledger row = hour_of<Ledger>(ledger);
  support::expect(row.total == absl::int128(200'000'000'000'000'000) * 60 && row.largest == 6'000'000'000'000'000'000);
}

struct Recent {
  double rides = 0, euros = 0;
  std::optional<double> fare;
};

void decay() {
  // [region decay]
  auto recent = weir::aggregate<Recent>("recent",
      weir::decayed_count(15min)              .as(&Recent::rides),
      weir::decayed_sum(&Ride::fare, 15min)   .as(&Recent::euros),
      weir::decayed_mean(&Ride::fare, 15min)  .as(&Recent::fare));
  // [end]
  const Recent row = hour_of<Recent>(recent);
  const double oldest = std::exp2(-57 / 15.0);  // of the ride at minute 3, at the end of the hour
  support::expect(is_near(row.rides, oldest + 0.125 + 0.25 + 0.5));
  support::expect(is_near(row.euros, 8 * oldest + 12 * 0.125 + 10 * 0.25 + 30 * 0.5));
  support::expect(is_near(*row.fare, row.euros / row.rides));
}

void encode() {
  // [region encode]
  const std::uint32_t shop = weir::hash_bucket("bakery", 1000);              // 0 to 999, the same everywhere
  const std::uint32_t shop_and_day = weir::cross("bakery", 5, 1000);
  const std::array<double, 3> edges{5, 10, 20};
  const std::size_t fare = weir::bucketise(12.0, edges);                     // 2: at least 10, below 20
  const weir::Cyclic hour = weir::hour_of_day(minute(6 * 60));               // {1, 0}: a quarter of the day
  const double metres = weir::geo_distance({52.52, 13.405}, {48.857, 2.352});  // Berlin to Paris
  // [end]
  support::expect(shop < 1000 && shop_and_day < 1000 && fare == 2 && hour == weir::Cyclic{1, 0});
  support::expect(std::abs(metres - 877'500) < 500);
}

struct Moving {
  std::optional<double> mean, variance, top_speed;
  double metres = 0;
};

void orders() {
  // [region ew]
  auto moving = weir::aggregate<Moving>("moving",
      weir::ew_mean(&Ride::fare, 0.5)      .as(&Moving::mean),
      weir::ew_variance(&Ride::fare, 0.5)  .as(&Moving::variance));
  // [end]
  const Moving row = hour_of<Moving>(moving);
  support::expect(is_near(*row.mean, (30 + 10 * 0.5 + 12 * 0.25 + 8 * 0.125) / 1.875) && *row.variance > 0);

  // [region travel]
  auto way = weir::aggregate<Moving>("way",
      weir::travel_distance(&Ride::latitude, &Ride::longitude)  .as(&Moving::metres),
      weir::top_speed(&Ride::latitude, &Ride::longitude)        .as(&Moving::top_speed));  // metres per second
  // [end]
  const Moving went = hour_of<Moving>(way);
  const double degree = weir::earth_radius * 3.14159265358979324 / 180;
  support::expect(is_near(went.metres, 0.06 * degree) && is_near(*went.top_speed, 0.03 * degree / 900));
}

}  // namespace

int main() {
  moments();
  relations();
  means();
  ratios();
  sums();
  decay();
  encode();
  orders();
}

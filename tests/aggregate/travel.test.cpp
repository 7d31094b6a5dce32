#include <weir/aggregate/travel.hpp>

#include <algorithm>
#include <optional>

#include "aggregate/numbers.hpp"
#include "aggregate/samples.hpp"
#include "catch.hpp"

// What its types are: said here, because every program that includes the header would pay for it.
namespace weir::inline v0 {

static_assert(Aggregator<TravelDistance<Paired<double, float>>, Paired<double, float>>);
static_assert(Aggregator<TopSpeed<Paired<double, float>>, Paired<double, float>>);
static_assert(sizeof(TravelDistance<Paired<double, double>>::State) == 272);
static_assert(sizeof(TopSpeed<Paired<double, double>>::State) == 272);

}  // namespace weir::inline v0

namespace {

using numbers::infinity;
using numbers::nan;
using numbers::Timed;
using weir::event_time;
using weir::geo_distance;
using weir::testing::check_laws;
using Place = weir::Paired<double, double>;
using TravelDistance = weir::TravelDistance<Place>;
using TopSpeed = weir::TopSpeed<Place>;
using Maybe = std::optional<weir::Checked<double>>;

/// A walk whose records are out of order by at most 7 places, with ties.
std::vector<Timed<Place>> walk(std::uint64_t seed, std::size_t n) {
  samples::Random random{seed};
  std::vector<Timed<Place>> records;
  Place place{52.5, 13.4};
  for (std::size_t i = 0; i < n; ++i) {
    place.x += 1e-3 * (random.fraction() - 0.5);
    place.y += 1e-3 * (random.fraction() - 0.5);
    records.push_back({place, event_time(static_cast<std::int64_t>(i * 3 / 2) * 1'000'000)});
  }
  for (std::size_t from = 0; from < n; from += 8)
    for (std::size_t i = std::min(n, from + 8) - 1; i > from; --i)
      std::swap(records[i], records[from + random.below(i - from + 1)]);
  return records;
}

struct Path {
  long double metres = 0;
  double top = -1;

  explicit Path(std::vector<Timed<Place>> records) {
    std::stable_sort(records.begin(), records.end(),
                     [](const auto& a, const auto& b) { return a.at < b.at; });
    for (std::size_t i = 1; i < records.size(); ++i) {
      const auto& [from, to] = std::pair{records[i - 1], records[i]};
      const double leg = geo_distance({from.value.x, from.value.y}, {to.value.x, to.value.y});
      metres += leg;
      if (from.at < to.at) top = std::max(top, leg / (static_cast<double>((to.at - from.at).count()) * 1e-6));
    }
  }
};

TEST_CASE("who was not seen twice has not travelled") {
  CHECK(TravelDistance{}.result({}) == weir::Checked<double>{0, false});
  CHECK(TopSpeed{}.result({}) == std::nullopt);
  const std::vector<Timed<Place>> once{{{1, 2}, event_time(0)}};
  CHECK(TravelDistance{}.result(numbers::added(TravelDistance{}, once)) == weir::Checked<double>{0, false});
  CHECK(TopSpeed{}.result(numbers::added(TopSpeed{}, once)) == std::nullopt);
  const std::vector<Timed<Place>> resting{{{1, 2}, event_time(0)}, {{1, 2}, event_time(9)}};
  CHECK(TravelDistance{}.result(numbers::added(TravelDistance{}, resting)).value == 0.0);
  CHECK(TopSpeed{}.result(numbers::added(TopSpeed{}, resting)) == weir::Checked<double>{});
}

TEST_CASE("a way along the equator is as long as it is") {
  const double degree = weir::earth_radius * 3.14159265358979324 / 180;
  const std::vector<Timed<Place>> records{{{0, 1}, event_time(1'000'000)},
                                          {{0, 0}, event_time(0)},
                                          {{0, -2}, event_time(3'000'000)},
                                          {{0, -1}, event_time(3'000'000)}};
  CHECK(TravelDistance{}.result(numbers::added(TravelDistance{}, records)).value ==
        Approx(5 * degree).epsilon(1e-14));
  CHECK(TopSpeed{}.result(numbers::added(TopSpeed{}, records))->value == Approx(1.5 * degree).epsilon(1e-14));
}

TEST_CASE("ways agree with those of sorted records") {
  auto seed = GENERATE(range(1u, 10u));
  auto n = GENERATE(std::size_t{2}, std::size_t{8}, std::size_t{9}, std::size_t{300});
  CAPTURE(seed, n);
  const auto records = walk(seed, n);
  const Path path(records);
  const auto metres = TravelDistance{}.result(numbers::added(TravelDistance{}, records));
  const auto top = TopSpeed{}.result(numbers::added(TopSpeed{}, records));
  CHECK_FALSE(metres.overflowed);
  CHECK(samples::size_of(metres.value - static_cast<double>(path.metres)) <= 1e-15 * metres.value);
  CHECK(top == (path.top < 0 ? Maybe{} : Maybe{{path.top, false}}));
}

TEST_CASE("a place that comes after too many newer ones is flagged") {
  const weir::TravelDistance<Place, 2> travelled;
  weir::TravelDistance<Place, 2>::State state;
  for (const std::int64_t at : {10, 20, 30, 40}) travelled.add(state, {0, 0}, event_time(at));
  CHECK_FALSE(travelled.result(state).overflowed);
  travelled.add(state, {0, 0}, event_time(15));
  CHECK(travelled.result(state) == weir::Checked<double>{0, true});
}

TEST_CASE("all of time and places that are nowhere do no harm") {
  const std::vector<Timed<Place>> ends{{{0, 0}, event_time(weir::ticks(weir::no_time) + 1)},
                                       {{0, 180}, weir::end_of_time}};
  CHECK(TopSpeed{}.result(numbers::added(TopSpeed{}, ends))->value ==
        Approx(weir::earth_radius * 3.14159265358979324 / 18446744073709.551614));
  const std::vector<Timed<Place>> nowhere{{{0, 0}, event_time(0)},
                                          {{0, infinity}, event_time(1)},
                                          {{0, 0}, event_time(2)},
                                          {{0, 0}, event_time(3)}};
  CHECK(weir::detail::is_nan(TravelDistance{}.result(numbers::added(TravelDistance{}, nowhere)).value));
  CHECK(weir::detail::is_nan(TopSpeed{}.result(numbers::added(TopSpeed{}, nowhere))->value));
}

TEST_CASE("ways obey the laws, top speeds exactly") {
  auto seed = GENERATE(1u, 2u, 3u);
  CAPTURE(seed);
  const auto records = walk(seed, 25);
  CHECK(check_laws(TravelDistance{}, records, {.relative = 1e-14}));
  CHECK(check_laws(TopSpeed{}, records));
}

TEST_CASE("states of ways are kept in snapshots") {
  for (const std::size_t n : {0U, 3U, 8U, 20U}) {
    numbers::check_archive(TravelDistance{}, numbers::added(TravelDistance{}, walk(1, n)), Place{1, 2});
    numbers::check_archive(TopSpeed{}, numbers::added(TopSpeed{}, walk(1, n)), Place{1, 2});
  }
}

struct Fix {
  std::optional<double> latitude;
  float longitude = 0;
};
struct Row {
  double metres = -1;
  std::optional<double> top;
};

TEST_CASE("ways are features: a record counts if it has a place") {
  weir::FeatureCounts counts[2];
  const std::vector<Fix> fixes{{0.0, 0}, {std::nullopt, 50}, {nan, 50}, {0.0, 1}};
  const Row row = numbers::row_of<Row>(
      fixes, counts, weir::travel_distance(&Fix::latitude, &Fix::longitude).as(&Row::metres),
      weir::top_speed<1>(&Fix::latitude, &Fix::longitude).as(&Row::top));
  CHECK(row.metres == geo_distance({0, 0}, {0, 1}));
  CHECK(*row.top == Approx(row.metres / 3));
  for (const auto& count : counts)
    CHECK(count == weir::FeatureCounts{.missing = 1, .nan = 1, .overflowed = 0});
  const auto text =
      numbers::described<Row, Fix>(weir::top_speed<1>(&Fix::latitude, &Fix::longitude).as(&Row::top));
  CHECK(text.find("\"aggregate\": \"top_speed\", \"disorder\": 1, \"latitude\": \"(member)\"") !=
        std::string::npos);
}

}  // namespace

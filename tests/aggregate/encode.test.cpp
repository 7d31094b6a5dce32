#include <weir/aggregate/encode.hpp>

#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <weir/time/instant.hpp>

#include "aggregate/samples.hpp"
#include "catch.hpp"

namespace {

using namespace std::chrono_literals;
using weir::bucketise;
using weir::cross;
using weir::Cyclic;
using weir::event_time;
using weir::geo_distance;
using weir::GeoPoint;
using weir::hash_bucket;

enum class Colour : std::uint8_t { red, green };

TEST_CASE("hash buckets are those of XXH3 of the bytes, on every machine") {
  constexpr std::uint32_t prime = 4'294'967'291;
  CHECK(hash_bucket("", prime) == 0x2D06800538D394C2U % prime);  // the published hash of nothing
  CHECK(hash_bucket(std::string_view{"weir"}, 1000) == hash_bucket(std::string{"weir"}, 1000));
  const std::string bytes{5, 0, 0, 0, 0, 0, 0, 0};
  CHECK(hash_bucket(5, prime) == hash_bucket(bytes, prime));
  CHECK(hash_bucket(std::uint8_t{5}, prime) == hash_bucket(std::int64_t{5}, prime));
  CHECK(hash_bucket(-1, prime) == hash_bucket(std::int64_t{-1}, prime));
  CHECK(hash_bucket(Colour::green, prime) == hash_bucket(1, prime));
}

TEST_CASE("hash buckets stay below their number, and are filled evenly") {
  CHECK(hash_bucket(7, 0) == 0);
  CHECK(hash_bucket(7, 1) == 0);
  std::vector<int> found(10);
  for (int i = 0; i < 10'000; ++i) ++found.at(hash_bucket(i, 10));
  for (const int count : found) CHECK((850 < count && count < 1150));
}

TEST_CASE("a cross is of a pair, in its order") {
  constexpr std::uint32_t many = 1'000'000'007;
  CHECK(cross("a", 7, many) == cross(std::string{"a"}, std::uint64_t{7}, many));
  CHECK(cross("a", "b", many) != cross("b", "a", many));
  CHECK(cross("ab", "c", many) != cross("a", "bc", many));
  CHECK(cross(1, 2, 0) == 0);
  std::vector<int> found(10);
  for (int i = 0; i < 100; ++i)
    for (int k = 0; k < 100; ++k) ++found.at(cross(i, k, 10));
  for (const int count : found) CHECK((850 < count && count < 1150));
}

TEST_CASE("buckets are closed below and open above, and NaN has one for itself") {
  const std::array<double, 3> edges{0, 1.5, 10};
  CHECK(bucketise(-0.1, edges) == 0);
  CHECK(bucketise(0.0, edges) == 1);
  CHECK(bucketise(-0.0, edges) == 1);
  CHECK(bucketise(1.4, edges) == 1);
  CHECK(bucketise(1.5, edges) == 2);
  CHECK(bucketise(10.0, edges) == 3);
  CHECK(bucketise(std::numeric_limits<double>::infinity(), edges) == 3);
  CHECK(bucketise(-std::numeric_limits<double>::infinity(), edges) == 0);
  CHECK(bucketise(std::numeric_limits<double>::quiet_NaN(), edges) == 4);
  CHECK(bucketise(5.0, std::vector<double>{}) == 0);
  CHECK(bucketise(std::numeric_limits<double>::quiet_NaN(), std::vector<double>{}) == 1);
  const std::vector<std::int64_t> far{std::numeric_limits<std::int64_t>::max() - 1,
                                      std::numeric_limits<std::int64_t>::max()};
  CHECK(bucketise(far[0] - 1, far) == 0);
  CHECK(bucketise(far[0], far) == 1);
  CHECK(bucketise(far[1], far) == 2);
}

TEST_CASE("buckets agree with a count of the edges") {
  samples::Random random{3};
  for (int round = 0; round < 200; ++round) {
    std::vector<int> edges;
    int edge = -20;
    while ((edge += static_cast<int>(random.below(6))) < 20) edges.push_back(edge);
    for (int x = -25; x < 25; ++x) {
      std::size_t below = 0;
      for (const int e : edges) below += e <= x ? 1U : 0U;
      REQUIRE(bucketise(x, edges) == below);
    }
  }
}

constexpr double root_half = 0.70710678118654752;
constexpr weir::EventTime at(int year, unsigned month, unsigned day, weir::Duration time = 0s) {
  const std::chrono::sys_days date{std::chrono::year{year} / static_cast<int>(month) / static_cast<int>(day)};
  return weir::EventTime{date.time_since_epoch() + time};
}
void check_near(const Cyclic& found, double sin, double cos) {
  CHECK(std::abs(found.sin - sin) < 1e-15);
  CHECK(std::abs(found.cos - cos) < 1e-15);
}

TEST_CASE("a day turns around a circle, by the clock of the place") {
  CHECK(weir::hour_of_day(at(2024, 2, 29)) == Cyclic{0, 1});
  CHECK(weir::hour_of_day(at(2024, 2, 29, 6h)) == Cyclic{1, 0});
  CHECK(weir::hour_of_day(at(1969, 7, 20, 18h)) == Cyclic{-1, 0});
  CHECK(weir::hour_of_day(at(2024, 2, 29, 12h)) == Cyclic{0, -1});
  check_near(weir::hour_of_day(at(2024, 2, 29, 3h)), root_half, root_half);
  check_near(weir::hour_of_day(at(2024, 2, 29, 21h)), -root_half, root_half);
  CHECK(weir::hour_of_day(at(2024, 2, 29, 23h), 7h) == Cyclic{1, 0});
  CHECK(weir::hour_of_day(at(2024, 2, 29, 1h), -7h) == Cyclic{-1, 0});
}

TEST_CASE("a week begins on Monday") {
  CHECK(weir::day_of_week(at(2024, 1, 1)) == Cyclic{0, 1});
  CHECK(weir::day_of_week(at(1969, 12, 29)) == Cyclic{0, 1});
  check_near(weir::day_of_week(at(2024, 1, 4, 12h)), 0, -1);
  check_near(weir::day_of_week(at(2024, 1, 2, 18h)), 1, 0);
  CHECK(weir::day_of_week(at(2023, 12, 31, 22h), 2h) == Cyclic{0, 1});
}

TEST_CASE("a year has 365 days or 366") {
  for (const int year : {1, 1600, 1899, 1900, 1970, 1999, 2000, 2001, 2023, 2024, 2100, 2400, 9999}) {
    CAPTURE(year);
    CHECK(weir::day_of_year(at(year, 1, 1)) == Cyclic{0, 1});
    const bool leaps = std::chrono::year{year}.is_leap();
    check_near(weir::day_of_year(leaps ? at(year, 7, 2) : at(year, 7, 2, 12h)), 0, -1);
    CHECK(weir::day_of_year(at(year, 12, 31, 24h - 1us)).sin < 0);
    CHECK(weir::day_of_year(at(year, 12, 31, 22h), 2h) == Cyclic{0, 1});
  }
}

TEST_CASE("the ends of time have a place on the circle, too") {
  for (const weir::EventTime end :
       {weir::end_of_time, event_time(weir::ticks(weir::no_time) + 1), weir::no_time})
    for (const weir::Duration offset :
         {weir::Duration{0}, weir::Duration{14h}, weir::Duration{-14h}, weir::for_ever})
      for (const Cyclic& found :
           {weir::hour_of_day(end, offset), weir::day_of_week(end, offset), weir::day_of_year(end, offset)})
        CHECK(found.sin * found.sin + found.cos * found.cos == Approx(1).epsilon(1e-15));
}

constexpr double pi = 3.14159265358979324;

TEST_CASE("distances are along great circles, also when places are near or opposite") {
  const double quarter = weir::earth_radius * pi / 2;
  const auto is_near = [](double found, double expected) {
    return std::abs(found - expected) <= 1e-15 * expected + 1e-8;
  };
  CHECK(geo_distance({10, 20}, {10, 20}) == 0.0);
  CHECK(geo_distance({10, 20}, {10, 380}) == 0.0);
  CHECK(is_near(geo_distance({0, 0}, {0, 90}), quarter));
  CHECK(is_near(geo_distance({0, 0}, {90, 77}), quarter));
  CHECK(is_near(geo_distance({-90, 5}, {90, 77}), 2 * quarter));
  CHECK(is_near(geo_distance({0, -10}, {0, 170}), 2 * quarter));
  CHECK(is_near(geo_distance({37, -10}, {-37, 170}), 2 * quarter));
  CHECK(is_near(geo_distance({37, 179}, {37, -181}), 0));
  CHECK(is_near(geo_distance({0, 179.5}, {0, -179.5}), weir::earth_radius * pi / 180));
  // A millimetre, and a millimetre short of the other end.
  const double step = 1e-3 / weir::earth_radius * 180 / pi;
  CHECK(is_near(geo_distance({50, 8}, {50 + step, 8}), weir::earth_radius * ((50 + step) - 50) * pi / 180));
  CHECK(is_near(geo_distance({0, 0}, {0, 180 - step}), weir::earth_radius * (180 - step) * pi / 180));
  // Berlin to Paris, and Sydney to London, by published coordinates of their centres.
  CHECK(geo_distance({52.52, 13.405}, {48.8566, 2.3522}) == Approx(877.46e3).epsilon(1e-4));
  CHECK(geo_distance({-33.8688, 151.2093}, {51.5074, -0.1278}) == Approx(16993.9e3).epsilon(1e-4));
}

TEST_CASE("distances agree with those of long double vectors") {
  samples::Random random{5};
  const auto point = [&random] {
    return GeoPoint{random.fraction() * 180 - 90, random.fraction() * 720 - 360};
  };
  const auto vector = [](const GeoPoint& p) {
    const long double r = 3.14159265358979323846L / 180, lat = p.latitude * r, lon = p.longitude * r;
    return std::array<long double, 3>{std::cos(lat) * std::cos(lon), std::cos(lat) * std::sin(lon),
                                      std::sin(lat)};
  };
  for (int i = 0; i < 2000; ++i) {
    const GeoPoint a = point();
    GeoPoint b = point();
    if (i % 3 == 1) b = {a.latitude * (1 - 1e-6), a.longitude + 1e-5};
    if (i % 3 == 2) b = {-a.latitude * (1 - 1e-6), a.longitude + 180 - 1e-5};
    const auto u = vector(a), v = vector(b);
    const long double x = u[1] * v[2] - u[2] * v[1], y = u[2] * v[0] - u[0] * v[2],
                      z = u[0] * v[1] - u[1] * v[0];
    const long double dot = u[0] * v[0] + u[1] * v[1] + u[2] * v[2];
    const long double expected = weir::earth_radius * std::atan2(std::sqrt(x * x + y * y + z * z), dot);
    REQUIRE(std::abs(geo_distance(a, b) - static_cast<double>(expected)) <=
            1e-15 * static_cast<double>(expected) + 1e-8);
    REQUIRE(geo_distance(a, b) == geo_distance(b, a));
  }
}

TEST_CASE("places that are nowhere are at a distance that is not a number") {
  const double infinity = std::numeric_limits<double>::infinity();
  CHECK(std::isnan(geo_distance({infinity, 0}, {0, 0})));
  CHECK(std::isnan(geo_distance({0, 0}, {0, infinity})));
  CHECK(std::isnan(geo_distance({0, 0}, {0, std::numeric_limits<double>::quiet_NaN()})));
}

}  // namespace

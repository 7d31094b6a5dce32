#include <weir/aggregate/encode.hpp>

#include <cmath>

#include <weir/base/hash.hpp>

namespace weir::inline v0 {

namespace detail {

namespace {

constexpr std::int64_t day = 86'400'000'000;

void put(char* at, std::uint64_t number) noexcept {
  for (int i = 0; i < 8; ++i) at[i] = static_cast<char>(static_cast<unsigned char>(number >> (8 * i)));
}

/// So many turns around a circle. Reduced by quarters, so that these come out exactly.
Cyclic turned(double turns) noexcept {
  constexpr double full = 6.283185307179586476925;
  const double quarters = std::floor(4 * turns + 0.5);
  const double rest = full * (turns - quarters / 4);
  const double quarter = quarters - 4 * std::floor(quarters / 4);
  const double s = std::sin(rest), c = std::cos(rest);
  if (quarter == 1) return {c, -s};
  if (quarter == 2) return {-s, -c};
  if (quarter == 3) return {-c, s};
  return {s, c};
}

Cyclic part_of(std::int64_t position, std::int64_t length) noexcept {
  return turned(static_cast<double>(position) / static_cast<double>(length));
}

/// The first day of a year, both counted from 2000.
constexpr std::int64_t first_day(std::int64_t year) {
  return 365 * year + (year + 3) / 4 - (year + 99) / 100 + (year + 399) / 400;
}

}  // namespace

std::uint64_t encoded_hash(std::string_view text) noexcept { return XXH3_64bits(text.data(), text.size()); }

std::uint64_t encoded_hash(std::uint64_t number) noexcept {
  char bytes[8];
  put(bytes, number);
  return XXH3_64bits(bytes, sizeof bytes);
}

std::uint64_t crossed_hash(std::uint64_t a, std::uint64_t b) noexcept {
  char bytes[16];
  put(bytes, a);
  put(bytes + 8, b);
  return XXH3_64bits(bytes, sizeof bytes);
}

}  // namespace detail

Cyclic hour_of_day(EventTime at, Duration utc_offset) noexcept {
  return detail::part_of(floor_mod(ticks(later(at, utc_offset)), detail::day), detail::day);
}

Cyclic day_of_week(EventTime at, Duration utc_offset) noexcept {
  constexpr std::int64_t monday = 4 * detail::day;  // 1970-01-05
  const std::int64_t week = 7 * detail::day;
  const std::int64_t since_thursday = floor_mod(ticks(later(at, utc_offset)), week);
  return detail::part_of(floor_mod(since_thursday - monday, week), week);
}

Cyclic day_of_year(EventTime at, Duration utc_offset) noexcept {
  constexpr std::int64_t days_to_2000 = 10'957;
  constexpr std::int64_t four_centuries = 146'097;  // days after which the calendar repeats itself
  const std::int64_t local = ticks(later(at, utc_offset));
  const std::int64_t date = floor_mod(floor_div(local, detail::day) - days_to_2000, four_centuries);
  std::int64_t year = date * 400 / four_centuries;
  while (detail::first_day(year) > date) --year;
  while (detail::first_day(year + 1) <= date) ++year;
  const std::int64_t first = detail::first_day(year);
  return detail::part_of((date - first) * detail::day + floor_mod(local, detail::day),
                         (detail::first_day(year + 1) - first) * detail::day);
}

double geo_distance(const GeoPoint& a, const GeoPoint& b) noexcept {
  // Half of the difference of latitudes, of their sum, and of the difference of longitudes.
  const Cyclic difference = detail::turned((b.latitude - a.latitude) / 720);
  const Cyclic sum = detail::turned((b.latitude + a.latitude) / 720);
  const Cyclic longitude = detail::turned((b.longitude - a.longitude) / 720);
  const double near = std::hypot(longitude.cos * difference.sin, longitude.sin * sum.cos);
  const double far = std::hypot(longitude.cos * difference.cos, longitude.sin * sum.sin);
  return 2 * earth_radius * std::atan2(near, far);
}

}  // namespace weir::inline v0

#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

#include <weir/aggregate/aggregator.hpp>
#include <weir/time/instant.hpp>

/// \file
/// hash_bucket, cross, bucketise, hour_of_day, day_of_week, day_of_year, geo_distance: values as models like them.

namespace weir::inline v0 {

/// A position on a circle: where a day, a week or a year has come to, so that its end lies next to its beginning.
struct Cyclic {
  double sin = 0;
  double cos = 1;

  friend constexpr bool operator==(const Cyclic&, const Cyclic&) = default;
};

/// A place on earth.
struct GeoPoint {
  double latitude = 0;   ///< degrees north, -90 to 90
  double longitude = 0;  ///< degrees east, any number of turns

  friend constexpr bool operator==(const GeoPoint&, const GeoPoint&) = default;
};

/// Mean radius of the earth, in metres (IUGG).
inline constexpr double earth_radius = 6371008.8;

namespace detail {

[[nodiscard]] std::uint64_t encoded_hash(std::string_view text) noexcept;
[[nodiscard]] std::uint64_t encoded_hash(std::uint64_t number) noexcept;
[[nodiscard]] std::uint64_t crossed_hash(std::uint64_t a, std::uint64_t b) noexcept;

/// What names a category: a text, an integer or an enumerator.
template <class T>
concept Encodable = Integer<T> || std::is_enum_v<T> || std::is_convertible_v<const T&, std::string_view>;

template <Encodable T>
[[nodiscard]] std::uint64_t code_of(const T& value) noexcept {
  if constexpr (std::is_convertible_v<const T&, std::string_view>)
    return encoded_hash(std::string_view{value});
  else
    return encoded_hash(static_cast<std::uint64_t>(value));
}

[[nodiscard]] constexpr std::uint32_t bucket_of(std::uint64_t hash, std::uint32_t buckets) {
  return buckets == 0 ? 0 : static_cast<std::uint32_t>(hash % buckets);
}

}  // namespace detail

/// The bucket of a category, in [0, buckets): XXH3 (64 bits, seed 0) modulo `buckets`, the same on every machine. Texts
/// are hashed as their bytes; integers and enumerators as 8 bytes, little-endian, whatever their width.
///
/// Errors:  no buckets: 0
template <detail::Encodable T>
[[nodiscard]] std::uint32_t hash_bucket(const T& value, std::uint32_t buckets) noexcept {
  return detail::bucket_of(detail::code_of(value), buckets);
}

/// The bucket of a pair of categories, in [0, buckets); (a, b) is another pair than (b, a). Otherwise as `hash_bucket`.
template <detail::Encodable A, detail::Encodable B>
[[nodiscard]] std::uint32_t cross(const A& a, const B& b, std::uint32_t buckets) noexcept {
  return detail::bucket_of(detail::crossed_hash(detail::code_of(a), detail::code_of(b)), buckets);
}

/// How many of the edges lie at or below a number: bucket i holds edges[i - 1] <= x < edges[i], bucket 0 what is below all
/// edges, bucket `edges.size()` what is not. NaN has bucket `edges.size() + 1` for itself.
///
/// Needs:   edges in ascending order, none of them NaN
/// Time:    log2 of the edges
template <detail::Real T>
[[nodiscard]] constexpr std::size_t bucketise(T value,
                                              std::span<const std::type_identity_t<T>> edges) noexcept {
  if (detail::is_nan(value)) return edges.size() + 1;
  std::size_t from = 0, to = edges.size();
  while (from < to) {
    const std::size_t middle = from + (to - from) / 2;
    if (edges[middle] <= value)
      from = middle + 1;
    else
      to = middle;
  }
  return from;
}

/// How far a day has come, midnight being (0, 1) and noon (0, -1); to the microsecond, at so much from UTC.
[[nodiscard]] Cyclic hour_of_day(EventTime at, Duration utc_offset = Duration::zero()) noexcept;

/// How far a week has come, the beginning of Monday being (0, 1); otherwise as `hour_of_day`.
[[nodiscard]] Cyclic day_of_week(EventTime at, Duration utc_offset = Duration::zero()) noexcept;

/// How far a year has come, the beginning of January being (0, 1), of 365 days or 366; otherwise as `hour_of_day`.
[[nodiscard]] Cyclic day_of_year(EventTime at, Duration utc_offset = Duration::zero()) noexcept;

/// The distance of two places along a great circle, in metres, on a sphere with `earth_radius`.
///
/// Error:   relative 1e-15 and 1e-8 m, also of places that are near, or at opposite ends of the earth; the earth itself
///          differs from a sphere by up to 0.6 %
/// Errors:  what is not finite gives NaN
/// Source:  haversine: Sinnott, Sky and Telescope 1984; here with both halves as sums of positive terms
[[nodiscard]] double geo_distance(const GeoPoint& a, const GeoPoint& b) noexcept;

}  // namespace weir::inline v0

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <weir/aggregate/encode.hpp>
#include <weir/aggregate/feature.hpp>
#include <weir/aggregate/in_order.hpp>
#include <weir/aggregate/paired.hpp>
#include <weir/aggregate/sum.hpp>

/// \file
/// travel_distance, top_speed: of something that was seen at places.

namespace weir::inline v0 {

namespace detail {

template <RealPair Value>
[[nodiscard]] constexpr GeoPoint place_of(const Value& both) {
  return {static_cast<double>(both.x), static_cast<double>(both.y)};
}

/// The distances between consecutive places.
template <RealPair Value>
struct Legs {
  struct State {
    GeoPoint first{};
    GeoPoint last{};
    CompensatedSum metres{};
    bool any = false;
  };

  void add(State& state, const Value& both) const {
    const GeoPoint place = place_of(both);
    merge(state, {place, place, {}, true});
  }
  void merge(State& state, const State& later) const {
    if (!later.any) return;
    if (!state.any) {
      state = later;
      return;
    }
    state.metres.add(geo_distance(state.last, later.first));
    state.metres.merge(later.metres);
    state.last = later.last;
  }
  [[nodiscard]] constexpr double result(const State& state) const { return state.metres.value(); }
};

/// The largest speed between consecutive places.
template <RealPair Value>
struct Speeds {
  struct State {
    GeoPoint first{};
    GeoPoint last{};
    EventTime first_at = no_time;  // no_time: nothing yet
    EventTime last_at = no_time;
    double top = -1;  // below 0: none yet
  };

  void add(State& state, const Value& both, EventTime at) const {
    const GeoPoint place = place_of(both);
    merge(state, {place, place, at, at, -1});
  }
  void merge(State& state, const State& later) const {
    if (later.first_at == no_time) return;
    if (state.first_at == no_time) {
      state = later;
      return;
    }
    if (state.last_at < later.first_at) {
      const std::uint64_t microseconds = static_cast<std::uint64_t>(ticks(later.first_at)) -
                                         static_cast<std::uint64_t>(ticks(state.last_at));
      note(state, geo_distance(state.last, later.first) / (static_cast<double>(microseconds) * 1e-6));
    }
    note(state, later.top);
    state.last = later.last;
    state.last_at = later.last_at;
  }
  [[nodiscard]] constexpr std::optional<double> result(const State& state) const {
    return state.top < 0 ? std::nullopt : std::optional<double>{state.top};
  }

 private:
  /// NaN stays.
  static constexpr void note(State& state, double speed) {
    state.top = is_nan(state.top) || speed <= state.top ? state.top : speed;
  }
};

}  // namespace detail

/// Distance travelled: the sum of the distances between consecutive places.
///
/// Use:      travel_distance(latitude, longitude), travel_distance<disorder>(latitude, longitude); in degrees
/// Formula:  sum(geo_distance(p_i, p_(i + 1))), places by event time, then by arrival
/// Result:   Checked<double>, in metres; 0 of fewer than 2 places; flagged if a record came after more than `disorder`
///           newer ones
/// Missing:  a record is skipped and counted if one of both is missing, or is NaN by NanPolicy
/// Merge:    up to rounding; by event time; not invertible
/// Error:    relative 2e-15 and n 1e-8 m, n places; see `geo_distance`; what is not finite gives NaN
/// Memory:   76 + 24 disorder bytes for doubles, rounded up to 8: 272 by default, in place
/// Cost:     add 6 sines or cosines, 2 roots and 1 arctangent, and a move per newer record; merge and result disorder of
///           these
/// Source:   definition; Sinnott, Sky and Telescope 1984 (haversine)
template <detail::RealPair Value, std::size_t disorder = 8>
struct TravelDistance : detail::InOrder<detail::Legs<Value>, Value, disorder> {};

/// Top speed: the largest distance between consecutive places per time between them.
///
/// Use:      top_speed(latitude, longitude), top_speed<disorder>(latitude, longitude); in degrees
/// Formula:  max(geo_distance(p_i, p_(i + 1)) / (t_(i + 1) - t_i)), places by event time, then by arrival; places at the
///           same time have no speed between them
/// Result:   std::optional<Checked<double>>, in metres per second; empty if there are not 2 places at different times;
///           flagged if a record came after more than `disorder` newer ones
/// Missing:  a record is skipped and counted if one of both is missing, or is NaN by NanPolicy
/// Merge:    exact; by event time; not invertible
/// Error:    relative 2e-15, and 1e-8 m over the time; see `geo_distance`; what is not finite gives NaN
/// Memory:   76 + 24 disorder bytes for doubles, rounded up to 8: 272 by default, in place
/// Cost:     that of `TravelDistance`, and 1 division
/// Source:   that of `TravelDistance`
template <detail::RealPair Value, std::size_t disorder = 8>
struct TopSpeed : detail::InOrder<detail::Speeds<Value>, Value, disorder> {};

namespace detail {
template <std::size_t disorder>
struct TravelDistanceOf {
  static constexpr std::string_view name = "travel_distance";
  static void describe(Description& out) { out.number("disorder", disorder); }
  template <RealPair Value>
  static constexpr TravelDistance<Value, disorder> make() {
    return {};
  }
};
template <std::size_t disorder>
struct TopSpeedOf {
  static constexpr std::string_view name = "top_speed";
  static void describe(Description& out) { out.number("disorder", disorder); }
  template <RealPair Value>
  static constexpr TopSpeed<Value, disorder> make() {
    return {};
  }
};
struct PlaceWords {
  static constexpr std::string_view x = "latitude", y = "longitude";
};
}  // namespace detail

/// The distance travelled, in metres, of latitudes and longitudes in degrees; see `TravelDistance`.
template <std::size_t disorder = 8, class Latitude, class Longitude>
[[nodiscard]] constexpr auto travel_distance(Latitude latitude, Longitude longitude) {
  return detail::feature(detail::TravelDistanceOf<disorder>{},
                         detail::PairOf<Latitude, Longitude, detail::PlaceWords>{latitude, longitude});
}

/// The top speed, in metres per second, of latitudes and longitudes in degrees; see `TopSpeed`.
template <std::size_t disorder = 8, class Latitude, class Longitude>
[[nodiscard]] constexpr auto top_speed(Latitude latitude, Longitude longitude) {
  return detail::feature(detail::TopSpeedOf<disorder>{},
                         detail::PairOf<Latitude, Longitude, detail::PlaceWords>{latitude, longitude});
}

}  // namespace weir::inline v0

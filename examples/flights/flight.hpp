#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <weir/time/instant.hpp>

#include "csv.hpp"

enum class Airport : std::uint8_t { iah, hou };

/// One flight out of Houston. The record appears when the aircraft reaches its gate, hours after it `left`.
struct Flight {
  weir::EventTime left{};
  Airport origin = Airport::iah;
  std::int32_t distance = 0;         ///< miles
  std::int32_t departure_delay = 0;  ///< minutes; negative: early
  std::int32_t arrival_delay = 0;    ///< minutes; negative: early
};

/// in_time_s,out_time_s,off_time_s,on_time_s,sched_out_time_s,carrier,flight,tail,origin,dest,distance_mi,
/// dep_delay_min,arr_delay_min
inline bool read_flight(const support::Cells& cells, Flight& flight) {
  std::int64_t left = 0;
  if (!support::read_integer(cells[1], left) || (cells[8] != "IAH" && cells[8] != "HOU")) return false;
  flight.left = weir::EventTime{std::chrono::seconds{left}};
  flight.origin = cells[8] == "IAH" ? Airport::iah : Airport::hou;
  return support::read_integer(cells[10], flight.distance) &&
         support::read_integer(cells[11], flight.departure_delay) &&
         support::read_integer(cells[12], flight.arrival_delay);
}

inline absl::StatusOr<std::vector<Flight>> load_flights(const std::string& path) {
  return support::read_csv<Flight>(path, 13, read_flight);
}

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <weir/time/instant.hpp>

#include "csv.hpp"
#include "json_lines.hpp"

/// One request to a web server.
struct Hit {
  std::uint32_t client = 0;
  std::uint16_t status = 0;
  std::optional<std::int64_t> bytes;  ///< some servers do not say
  std::string path;
  weir::EventTime at{};
};

/// event_time_s,client_id,method,path,status,bytes
inline bool read_hit(const support::Cells& cells, Hit& hit) {
  std::int64_t seconds = 0, bytes = 0;
  if (!support::read_integer(cells[0], seconds) || !support::read_integer(cells[1], hit.client)) return false;
  if (!support::read_integer(cells[4], hit.status) || !support::read_integer(cells[5], bytes)) return false;
  hit.path = cells[3];
  hit.bytes = bytes;
  hit.at = weir::EventTime{std::chrono::seconds{seconds}};
  return true;
}

/// {"ts": ms, "client": 1, "method": "GET", "path": "/", "status": 200, "bytes": 5 or null, ...}
inline simdjson::error_code read_hit_object(simdjson::ondemand::object& object, Hit& hit) {
  std::int64_t ms = 0;
  std::uint64_t client = 0, status = 0;
  std::string_view path;
  if (const auto error = object["ts"].get_int64().get(ms)) return error;
  if (const auto error = object["client"].get_uint64().get(client)) return error;
  if (const auto error = object["path"].get_string().get(path)) return error;
  if (const auto error = object["status"].get_uint64().get(status)) return error;

  simdjson::ondemand::value bytes;
  if (const auto error = object["bytes"].get(bytes)) return error;
  std::int64_t size = 0;
  if (bytes.get_int64().get(size) == simdjson::SUCCESS) hit.bytes = size;

  if (client > UINT32_MAX || status > 999) return simdjson::NUMBER_OUT_OF_RANGE;
  hit.client = static_cast<std::uint32_t>(client);
  hit.status = static_cast<std::uint16_t>(status);
  hit.path = path;
  hit.at = weir::EventTime{std::chrono::milliseconds{ms}};
  return simdjson::SUCCESS;
}

inline absl::StatusOr<std::vector<Hit>> load_csv_hits(const std::string& path) {
  return support::read_csv<Hit>(path, 6, read_hit);
}

inline absl::StatusOr<std::vector<Hit>> load_json_hits(const std::string& path) {
  return support::read_json_lines<Hit>(path, read_hit_object);
}

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <simdjson.h>

#include <absl/status/statusor.h>

#include "gzip_lines.hpp"

namespace support {

/// All records of a gzip file of JSON objects, one a line. `parse` is
/// `simdjson::error_code(simdjson::ondemand::object&, Record&)`; the first error stops the reading.
template <class Record, class Parse>
[[nodiscard]] absl::StatusOr<std::vector<Record>> read_json_lines(const std::string& path, Parse parse) {
  GzipLines lines(path);
  std::string_view line;
  std::vector<Record> records;
  simdjson::ondemand::parser parser;
  for (std::size_t number = 1; lines.next(line); ++number) {
    const simdjson::padded_string text(line);
    simdjson::ondemand::document document;
    simdjson::ondemand::object object;
    Record record{};
    simdjson::error_code error = parser.iterate(text).get(document);
    if (error == simdjson::SUCCESS) error = document.get_object().get(object);
    if (error == simdjson::SUCCESS) error = parse(object, record);
    if (error != simdjson::SUCCESS) {
      return absl::InvalidArgumentError(path + ": line " + std::to_string(number) + ": " +
                                        simdjson::error_message(error));
    }
    records.push_back(std::move(record));
  }
  if (absl::Status status = lines.status(); !status.ok()) return status;
  return records;
}

}  // namespace support

#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "gzip_lines.hpp"

namespace support {

using Cells = std::vector<std::string_view>;

/// Cuts a CSV line at its commas. A cell in double quotes may hold commas; doubled quotes in it stay doubled.
inline void split_csv(std::string_view line, Cells& cells) {
  cells.clear();
  for (;;) {
    const bool is_quoted = !line.empty() && line.front() == '"';
    const std::size_t closing = is_quoted ? line.find("\",", 1) : std::string_view::npos;
    const std::size_t end = is_quoted ? (closing == line.npos ? line.npos : closing + 1) : line.find(',');
    const std::string_view cell = line.substr(0, end);
    cells.push_back(is_quoted && cell.size() > 1 ? cell.substr(1, cell.size() - 2) : cell);
    if (end == line.npos) return;
    line.remove_prefix(end + 1);
  }
}

/// Reads a whole cell as an integer; false, and `value` unchanged, if it is anything else.
template <class Integer>
[[nodiscard]] bool read_integer(std::string_view cell, Integer& value) {
  const char* end = cell.data() + cell.size();
  const auto [stop, error] = std::from_chars(cell.data(), end, value);
  return error == std::errc{} && stop == end;
}

/// Reads a decimal with at most three places exactly, in thousandths: "-2.55" is -2550.
[[nodiscard]] inline bool read_thousandths(std::string_view cell, std::int64_t& value) {
  const bool is_negative = !cell.empty() && cell.front() == '-';
  if (is_negative) cell.remove_prefix(1);
  const std::size_t point = cell.find('.');
  std::string digits(cell.substr(0, point));
  const std::string_view places = point == cell.npos ? std::string_view{} : cell.substr(point + 1);
  if (digits.empty() || digits.front() == '-' || places.size() > 3) return false;
  if (!read_integer(digits.append(places).append(3 - places.size(), '0'), value)) return false;
  if (is_negative) value = -value;
  return true;
}

/// All records of a gzip CSV file with a header row. `parse` is `bool(const Cells&, Record&)`; the first line
/// for which it is false stops the reading.
template <class Record, class Parse>
[[nodiscard]] absl::StatusOr<std::vector<Record>> read_csv(const std::string& path, std::size_t columns,
                                                           Parse parse) {
  GzipLines lines(path);
  std::string_view line;
  std::vector<Record> records;
  Cells cells;
  for (std::size_t number = 1; lines.next(line); ++number) {
    if (number == 1) continue;
    split_csv(line, cells);
    Record record{};
    if (cells.size() != columns || !parse(cells, record)) {
      return absl::InvalidArgumentError(path + ": line " + std::to_string(number) +
                                        " does not read: " + std::string(line));
    }
    records.push_back(record);
  }
  if (absl::Status status = lines.status(); !status.ok()) return status;
  return records;
}

}  // namespace support

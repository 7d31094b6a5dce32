#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <weir/time/instant.hpp>

namespace support {

/// A whole number with thousands separated: 541,909.
[[nodiscard]] inline std::string grouped(std::int64_t value) {
  std::string text = std::to_string(value);
  const std::size_t first = value < 0 ? 1 : 0;
  for (std::size_t at = text.size(); at > first + 3;) text.insert(at -= 3, 1, ',');
  return text;
}

/// A number with that many decimals.
[[nodiscard]] inline std::string fixed(double value, int decimals) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

/// A share of a whole in per cent.
[[nodiscard]] inline std::string percent(double part, double whole, int decimals = 1) {
  return fixed(whole == 0 ? 0 : 100 * part / whole, decimals) + " %";
}

/// An instant to the minute: 2011-11-14 15:27.
[[nodiscard]] inline std::string to_minute(weir::EventTime at) {
  const auto since = std::chrono::floor<std::chrono::minutes>(at.time_since_epoch());
  const auto days = std::chrono::floor<std::chrono::days>(since);
  const std::chrono::year_month_day date{std::chrono::sys_days{days}};
  const auto minute = (since - days).count();
  char text[64];
  std::snprintf(text, sizeof text, "%d-%02u-%02u %02d:%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), static_cast<int>(minute / 60),
                static_cast<int>(minute % 60));
  return text;
}

/// A duration in its largest fitting unit: 45 s, 30 min, 2 h, 7 d.
[[nodiscard]] inline std::string length(weir::Duration duration) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(duration).count();
  if (seconds != 0 && seconds % 86'400 == 0) return std::to_string(seconds / 86'400) + " d";
  if (seconds != 0 && seconds % 3'600 == 0) return std::to_string(seconds / 3'600) + " h";
  if (seconds != 0 && seconds % 60 == 0) return std::to_string(seconds / 60) + " min";
  return std::to_string(seconds) + " s";
}

/// Columns of text: the first one to the left, the others to the right.
class Table {
 public:
  using Row = std::vector<std::string>;

  Table(std::string title, Row header) : title_(std::move(title)) { add(std::move(header)); }

  void add(Row row) {
    widths_.resize(std::max(widths_.size(), row.size()));
    for (std::size_t at = 0; at < row.size(); ++at) widths_[at] = std::max(widths_[at], row[at].size());
    rows_.push_back(std::move(row));
  }

  void print() const {
    std::printf("\n%s\n", title_.c_str());
    for (std::size_t number = 0; number < rows_.size(); ++number) {
      print_row(rows_[number]);
      if (number == 0) print_rule();
    }
  }

 private:
  void print_row(const Row& row) const {
    for (std::size_t at = 0; at < row.size(); ++at) {
      const int width = static_cast<int>(widths_[at]);
      std::printf("  %*s", at == 0 ? -width : width, row[at].c_str());
    }
    std::printf("\n");
  }

  void print_rule() const {
    for (const std::size_t width : widths_) std::printf("  %s", std::string(width, '-').c_str());
    std::printf("\n");
  }

  std::string title_;
  std::vector<Row> rows_;
  std::vector<std::size_t> widths_;
};

}  // namespace support

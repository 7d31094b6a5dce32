#pragma once

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include <weir/time/instant.hpp>

namespace support {

/// A whole number with thousands separated: 541,909.
template <std::integral Integer>
[[nodiscard]] std::string grouped(Integer value) {
  std::string text = std::to_string(value);
  const std::size_t first = text.front() == '-' ? 1 : 0;
  for (std::size_t at = text.size(); at > first + 3;) text.insert(at -= 3, 1, ',');
  return text;
}

/// A number with that many decimals.
[[nodiscard]] inline std::string fixed(double value, int decimals) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

/// One count divided by another; 0 by nothing.
template <std::integral Part, std::integral Whole>
[[nodiscard]] std::string ratio(Part part, Whole whole, int decimals) {
  return fixed(whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole), decimals);
}

/// A share of a whole in per cent.
template <std::integral Part, std::integral Whole>
[[nodiscard]] std::string percent(Part part, Whole whole, int decimals) {
  return ratio(100 * part, whole, decimals) + " %";
}

/// An instant to the minute: 2011-11-14 15:27.
[[nodiscard]] inline std::string to_minute(weir::EventTime at) {
  const auto since = std::chrono::floor<std::chrono::minutes>(at.time_since_epoch());
  const auto days = std::chrono::floor<std::chrono::days>(since);
  const std::chrono::year_month_day date{std::chrono::sys_days{days}};
  const auto minute = (since - days).count();
  char text[64];
  std::snprintf(text, sizeof text, "%d-%02u-%02u %02d:%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(minute / 60), static_cast<int>(minute % 60));
  return text;
}

/// A duration in its largest unit and what is left in the next one: 45 s, 8 min 31 s, 2 h, 3 d 11 h.
[[nodiscard]] inline std::string length(weir::Duration duration) {
  constexpr std::pair<std::int64_t, const char*> units[] = {
      {86'400, " d"}, {3'600, " h"}, {60, " min"}, {1, " s"}};
  const std::int64_t seconds = std::chrono::floor<std::chrono::seconds>(duration).count();
  for (std::size_t at = 0; at < std::size(units); ++at) {
    const auto& [unit, name] = units[at];
    if (seconds < unit) continue;
    std::string text = std::to_string(seconds / unit) + name;
    const std::int64_t left = at + 1 < std::size(units) ? seconds % unit / units[at + 1].first : 0;
    return left == 0 ? text : text + " " + std::to_string(left) + units[at + 1].second;
  }
  return "0 s";
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

#pragma once

#include <string>
#include <vector>

#include "runner.hpp"

/// \file
/// One line per case, totals, and the same as JSON.

namespace conformance {

class Report {
 public:
  /// Prints the line of one case and counts it.
  void add(const std::string& id, const Verdict& verdict);

  void print_totals() const;
  /// False if the file cannot be written.
  [[nodiscard]] bool write_json(const std::string& path) const;

  [[nodiscard]] std::size_t size() const { return lines_.size(); }
  [[nodiscard]] bool has_failures() const { return failed_ != 0; }
  [[nodiscard]] bool has_only_failures() const { return failed_ == lines_.size(); }

 private:
  struct Line {
    std::string id;
    Result result;
    std::string why;
  };

  std::vector<Line> lines_;
  std::size_t passed_ = 0;
  std::size_t failed_ = 0;
  std::size_t skipped_ = 0;
  std::uint64_t unchecked_ = 0;
};

}  // namespace conformance

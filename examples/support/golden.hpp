#pragma once

#include <cstdint>
#include <cstdio>
#include <string>

#include <absl/status/status.h>

#include "table.hpp"

namespace support {

/// Says what went wrong; the exit code for it.
inline int fail(const absl::Status& status) {
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return 1;
}

/// Compares what a program computed with the values its data's README states.
class Golden {
 public:
  void check(const std::string& what, std::int64_t got, std::int64_t expected) {
    ++checked_;
    if (got == expected) return;
    ++wrong_;
    std::printf("\nWRONG  %s: got %s, the data's README says %s\n", what.c_str(), grouped(got).c_str(),
                grouped(expected).c_str());
  }

  /// The program's exit code: 0 if every value was as stated.
  [[nodiscard]] int exit_code() const {
    std::printf("\ngolden values: %d checked, %d wrong\n", checked_, wrong_);
    return wrong_ == 0 ? 0 : 1;
  }

 private:
  int checked_ = 0;
  int wrong_ = 0;
};

}  // namespace support

#pragma once

#include <concepts>
#include <cstdio>
#include <string>
#include <utility>

#include <absl/status/status.h>

#include "table.hpp"

namespace support {

/// Says what went wrong; the exit code for it.
inline int fail(const absl::Status& status) {
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return 1;
}

/// Compares what a program computed with what must come out: above all what the data's README states.
class Golden {
 public:
  template <std::integral Got, std::integral Expected>
  void check(const std::string& what, Got got, Expected expected) {
    ++checked_;
    if (std::cmp_equal(got, expected)) return;
    ++wrong_;
    std::printf("\nWRONG  %s: got %s, expected %s\n", what.c_str(), grouped(got).c_str(),
                grouped(expected).c_str());
  }

  /// The program's exit code: 0 if every value was as stated.
  [[nodiscard]] int exit_code() const {
    std::printf("\nchecked: %d values, %d wrong\n", checked_, wrong_);
    return wrong_ == 0 ? 0 : 1;
  }

 private:
  int checked_ = 0;
  int wrong_ = 0;
};

}  // namespace support

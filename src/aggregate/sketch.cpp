#include <weir/aggregate/sketch.hpp>

#include <cstdio>

namespace weir::inline v0::detail {

std::string option_problem(bool is_fine, std::string_view name, double value, std::string_view remedy) {
  if (is_fine) return {};
  char number[32];
  std::snprintf(number, sizeof number, "%.9g", value);
  return std::string(name) + " is " + number + "; give " + std::string(remedy);
}

}  // namespace weir::inline v0::detail

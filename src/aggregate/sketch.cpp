#include <weir/aggregate/sketch.hpp>

#include <cstdio>
#include <cstdlib>

namespace weir::inline v0::detail {

std::string number_text(double number) {
  char text[32];
  for (int digits = 9; digits <= 17; ++digits) {
    std::snprintf(text, sizeof text, "%.*g", digits, number);
    if (std::strtod(text, nullptr) == number) break;
  }
  return text;
}

std::string option_problem(bool is_fine, std::string_view name, double value, std::string_view remedy) {
  if (is_fine) return {};
  return std::string(name) + " is " + number_text(value) + "; give " + std::string(remedy);
}

std::string share_problem(std::string_view name, double value) {
  return option_problem(value >= 0 && value <= 1, name, value, "a number from 0 to 1");
}

}  // namespace weir::inline v0::detail

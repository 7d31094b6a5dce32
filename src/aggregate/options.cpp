#include <weir/aggregate/options.hpp>

#include <charconv>

namespace weir::inline v0::detail {

std::string number_text(double number) {
  // As people write them: 0.0001 and 200000, not 1e-04 and 2e+05.
  const double size = number < 0 ? -number : number;
  const bool is_plain = size == 0 || (size >= 1e-6 && size < 1e15);
  char text[48];
  const std::to_chars_result end = std::to_chars(
      text, text + sizeof text, number, is_plain ? std::chars_format::fixed : std::chars_format::general);
  return {text, end.ptr};
}

std::string problem_text(std::string_view option, std::string_view value, std::string_view remedy) {
  std::string text{option};
  text += " is ";
  text += value;
  text += "; ";
  text += remedy;
  return text;
}

std::string option_problem(bool is_fine, std::string_view name, double value, std::string_view remedy) {
  if (is_fine) return {};
  return problem_text(name, number_text(value), "give " + std::string(remedy));
}

std::string share_problem(std::string_view name, double value) {
  return option_problem(value >= 0 && value <= 1, name, value, "a number from 0 to 1");
}

}  // namespace weir::inline v0::detail

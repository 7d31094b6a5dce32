#include <weir/aggregate/options.hpp>

#include <charconv>
#include <cstdint>

namespace weir::inline v0::detail {

std::string number_text(double number) {
  char text[32];
  const bool is_whole =
      number > -1e15 && number < 1e15 && number == static_cast<double>(static_cast<std::int64_t>(number));
  const std::to_chars_result end =
      is_whole ? std::to_chars(text, text + sizeof text, number, std::chars_format::fixed)
               : std::to_chars(text, text + sizeof text, number);
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

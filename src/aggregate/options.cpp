#include <weir/aggregate/options.hpp>

#include <charconv>

namespace weir::inline v0::detail {

std::string number_text(double number) {
  char text[32];
  const std::to_chars_result end = std::to_chars(text, text + sizeof text, number);
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

}  // namespace weir::inline v0::detail

#pragma once

#include <string>
#include <string_view>

/// \file
/// How options of aggregates are said in descriptions and in messages.

namespace weir::inline v0::detail {

/// The shortest decimal that is read back as this number, of whole ones below 10^15 without an exponent; the same on every machine.
[[nodiscard]] std::string number_text(double number);

/// A sentence such as "alpha is 2; give a number above 0, at most 1".
[[nodiscard]] std::string problem_text(std::string_view option, std::string_view value,
                                       std::string_view remedy);
/// The same, or nothing if the option is fine.
[[nodiscard]] std::string option_problem(bool is_fine, std::string_view name, double value,
                                         std::string_view remedy);
/// The same of a share, from 0 to 1.
[[nodiscard]] std::string share_problem(std::string_view name, double value);

}  // namespace weir::inline v0::detail

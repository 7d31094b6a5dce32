#pragma once

#include <string>
#include <vector>

/// \file
/// The feature tags this runner declares. A case is skipped if and only if it has a tag that is not here;
/// what is left out, and why, stands in README.md.

namespace conformance {

/// The tags among `features` that are not declared.
[[nodiscard]] std::vector<std::string> missing_tags(const std::vector<std::string>& features);

}  // namespace conformance

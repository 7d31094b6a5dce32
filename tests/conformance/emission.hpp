#pragma once

#include <string>
#include <vector>

#include "case.hpp"

/// \file
/// Comparing what came out with what had to, as multisets.

namespace conformance {

/// Equal, with a relative tolerance of 1e-9 where a real number is involved.
[[nodiscard]] bool same(const Value& a, const Value& b);
[[nodiscard]] bool same(const Emission& a, const Emission& b);
[[nodiscard]] bool same_multiset(const std::vector<Emission>& a, const std::vector<Emission>& b);

/// As in the corpus: {"key": "k", "start": 0, ...}.
[[nodiscard]] std::string to_text(const Emission& emission);
[[nodiscard]] std::string to_text(const std::vector<Emission>& emissions);

}  // namespace conformance

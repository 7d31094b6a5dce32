#pragma once

#include <cstdlib>
#include <string_view>

/// How much a test may take, from WEIR_EFFORT: quick (sanitizers, coverage), normal or long.
inline std::string_view effort() {
  const char* asked = std::getenv("WEIR_EFFORT");
  return asked == nullptr ? "normal" : asked;
}

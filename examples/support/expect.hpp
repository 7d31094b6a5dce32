#pragma once

#include <cstdio>
#include <cstdlib>

namespace support {

/// Ends the program with a message unless `holds`: the asserts of the examples, active in every build.
inline void expect(bool holds, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  if (holds) return;
  std::fprintf(stderr, "%s:%d: expectation does not hold\n", file, line);
  std::exit(EXIT_FAILURE);
}

}  // namespace support

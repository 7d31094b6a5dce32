#include <weir/base/assert.hpp>

#include <cstdio>
#include <cstdlib>

namespace weir::inline v0::detail {

void assertion_failed(const char* condition, const char* message, const char* file, int line) noexcept {
  std::fprintf(stderr, "weir: %s (%s, %s:%d)\n", message, condition, file, line);
  std::abort();
}

}  // namespace weir::inline v0::detail

#pragma once

#include <cstdint>
#include <optional>

// The program's operator new and delete: counted, and failing where a test asks for it.

namespace heap {

/// Allocations of this program so far, and how many of them are not freed.
std::uint64_t allocations();
std::int64_t live();
/// How many bytes were asked for with those, and the most that it were at one time since the last `watch_peak`.
std::int64_t live_bytes();
std::int64_t peak_bytes();
void watch_peak();
/// Bytes of this program that lie in memory now, all of it; nothing where the system does not say.
std::optional<std::int64_t> resident_bytes();

/// While it lives, the `first`-th allocation from now (0 is the next) throws std::bad_alloc, and so do the ones after it
/// if `is_persistent`.
class Failing {
 public:
  explicit Failing(std::uint64_t first, bool is_persistent = false);
  Failing(const Failing&) = delete;
  Failing& operator=(const Failing&) = delete;
  ~Failing();
  /// Whether it came so far.
  [[nodiscard]] static bool has_failed();
  /// Allocations that still succeed before it.
  [[nodiscard]] static std::uint64_t left();
};

}  // namespace heap

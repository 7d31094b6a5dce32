#pragma once

#include <chrono>
#include <ctime>

namespace bench {

inline double wall_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Seconds this thread has run. What other processes take of the core does not count, so passes of
/// milliseconds stay comparable on a shared machine; too coarse (a system call) for single pushes.
inline double thread_seconds() {
  std::timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

}  // namespace bench

#pragma once

/// \file
/// WEIR_ASSERT: programmer errors, outlined and cold. Data never reaches it.

namespace weir::inline v0::detail {

[[noreturn, gnu::cold]] void assertion_failed(const char* condition, const char* message, const char* file,
                                              int line) noexcept;

}  // namespace weir::inline v0::detail

/// Checks a documented precondition of a call. Active in every build: the check is one predicted branch.
#define WEIR_ASSERT(condition, message) \
  (__builtin_expect(!!(condition), 1)   \
       ? static_cast<void>(0)           \
       : ::weir::detail::assertion_failed(#condition, message, __builtin_FILE(), __builtin_LINE()))

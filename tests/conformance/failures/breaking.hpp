#pragma once

#include <cstdint>
#include <functional>
#include <limits>

#include "../host.hpp"

/// \file
/// A host in whose calls something fails.

namespace conformance {

/// Thrown by the host's own code.
struct Thrown {};

/// What fails: one allocation, every allocation from one on until the call is over, or one callback.
enum class Fault { allocation, memory, callback };

inline constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();

/// Makes the `at`-th allocation or callback inside weir's calls fail. A call that failed and left the pipeline unpoisoned
/// claims to have had no effect, so it is made again.
class Breaking final : public Host {
 public:
  Breaking(Fault fault, std::uint64_t at)
      : is_persistent_(fault == Fault::memory),
        allocations_left_(fault == Fault::callback ? never : at),
        callback_(fault == Fault::callback ? at : never) {}

  void call(const weir::Pipeline* pipeline, const std::function<void()>& into_weir) override;
  void visit() override;

  /// Whether it came so far. A failed allocation may go unnoticed: a sort does without its buffer.
  [[nodiscard]] bool has_failed() const { return has_failed_; }
  [[nodiscard]] std::uint64_t callbacks() const { return callbacks_; }
  /// Of a host in which nothing was to fail.
  [[nodiscard]] std::uint64_t allocations() const { return never - allocations_left_; }

 private:
  void attempt(const std::function<void()>& into_weir);

  bool is_persistent_;
  bool has_failed_ = false;
  bool has_thrown_ = false;
  std::uint64_t allocations_left_;
  std::uint64_t callback_;
  std::uint64_t callbacks_ = 0;
};

}  // namespace conformance

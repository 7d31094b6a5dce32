#pragma once

#include <functional>

#include <weir/weir.hpp>

/// \file
/// Who calls weir while a case runs. A check that makes calls fail derives its own.

namespace conformance {

class Host {
 public:
  Host() = default;
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;
  virtual ~Host() = default;

  /// Makes one call into weir, on a pipeline or, while there is none yet, to build it. A call that failed without
  /// any effect may be made again.
  virtual void call(const weir::Pipeline* /*pipeline*/, const std::function<void()>& into_weir) {
    into_weir();
  }
  /// weir has called code of the host.
  virtual void visit() {}
};

/// Nothing fails.
inline Host undisturbed_host;

}  // namespace conformance

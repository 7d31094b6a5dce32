#pragma once

#include <optional>

#include <weir/time/instant.hpp>

/// \file
/// How a source derives its watermark. The watermark W is exclusive: every further on-time record has time >= W.

namespace weir::inline v0 {

/// Which rule moves the watermark.
enum class WatermarkKind : unsigned char { trailing, punctuated, host_driven };

/// Says that a spec is `trailing` or `host_driven`; see the factories below.
struct Trailing {
  Duration bound;
};
struct HostDriven {};
template <class Function>
struct Punctuated {
  Function watermark_of;
};

/// W = newest time seen - bound: the stream is at most `bound` out of order.
[[nodiscard]] constexpr Trailing trailing(Duration bound) { return {bound}; }

/// W = newest time seen: the stream is in order (ties allowed). The same as `trailing(0s)`.
[[nodiscard]] constexpr Trailing ascending() { return {Duration::zero()}; }

/// W moves only when the host calls `Pipeline::advance`.
[[nodiscard]] constexpr HostDriven host_driven() { return {}; }

/// Some records carry the watermark: `watermark_of(record)` gives the new W, or nothing. Must not capture.
template <class Function>
[[nodiscard]] constexpr Punctuated<Function> punctuated(Function watermark_of) {
  return {watermark_of};
}

/// The rule by which a source of `Record` moves its watermark; made by the factories above.
template <class Record>
struct WatermarkRule {
  using WatermarkOf = std::optional<EventTime> (*)(const Record&);

  constexpr WatermarkRule(Trailing rule) : kind(WatermarkKind::trailing), bound(rule.bound) {}
  constexpr WatermarkRule(HostDriven) : kind(WatermarkKind::host_driven) {}
  template <class Function>
  constexpr WatermarkRule(Punctuated<Function> rule)
      : kind(WatermarkKind::punctuated), watermark_of(rule.watermark_of) {}

  WatermarkKind kind;
  Duration bound{};
  WatermarkOf watermark_of = nullptr;
};

}  // namespace weir::inline v0

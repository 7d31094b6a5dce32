#pragma once

#include <string>

#include <weir/weir.hpp>

#include "case.hpp"

/// \file
/// The corpus's words in weir's: watermarks, triggers, strategies, shapes. The table stands in README.md.

namespace conformance {

/// An event as weir sees it.
struct Record {
  std::string key;
  std::int64_t value = 0;
  weir::EventTime at{};
  weir::Duration gap{};
  bool is_punctuation = false;
  bool is_in_second_half = false;  ///< of the keys, when they are split over two operators
};

[[nodiscard]] Record record_of(const Event& event);

/// The corpus says "no more events at or before w", weir "all further events at or after W": W is one tick
/// later.
[[nodiscard]] weir::EventTime watermark_of(std::int64_t inclusive);
/// And back. The end of time stands for the last two inclusive watermarks; `at_the_end` says which one is meant.
[[nodiscard]] std::int64_t inclusive(weir::EventTime watermark, std::int64_t at_the_end);

/// How the source moves its watermark; host driven without a strategy.
[[nodiscard]] weir::WatermarkRule<Record> rule_of(const std::optional<Strategy>& strategy);

/// The corpus turns a source idle when it was silent for longer than the timeout, weir when it was for so
/// long.
[[nodiscard]] std::optional<weir::Duration> idle_after_of(const std::optional<std::int64_t>& timeout);

/// When the windows of this case emit.
[[nodiscard]] weir::Emission emission_of(const Case& conformance_case);

[[nodiscard]] const char* text_of(weir::Timing timing);

/// What is wrong with the operator before weir sees it: words and numbers that have no counterpart. Empty:
/// nothing.
[[nodiscard]] std::string unmappable(const Operator& op);

}  // namespace conformance

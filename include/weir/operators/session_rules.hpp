#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

#include <weir/aggregate/feature.hpp>
#include <weir/base/description.hpp>
#include <weir/flow/node.hpp>
#include <weir/operators/window_specs.hpp>
#include <weir/window/session_span.hpp>
#include <weir/window/specs.hpp>
#include <weir/window/trigger.hpp>

/// \file
/// What a session spec says, made ready for use.

namespace weir::inline v0::detail {

/// The gap of a session spec without a gap per record.
struct FixedGap {};
/// The end marker of a session spec without one.
struct NeverEnds {};

void check_sessions(Problems& problems, std::string_view name, const SessionSpec& spec,
                    bool has_gap_per_record);

/// A session spec with what reads a record's gap and says whether it ends its session.
template <class Record, class GapOf, class EndsAt>
class SessionRules {
 public:
  static constexpr bool has_fixed_gap = std::is_same_v<GapOf, FixedGap>;
  static constexpr bool has_marker = !std::is_same_v<EndsAt, NeverEnds>;

  SessionRules(const SessionSpec& spec, GapOf gap, EndsAt marker)
      : spec_(spec),
        gap_of_(std::move(gap)),
        ends_at_(std::move(marker)),
        trigger_(spec.emit, spec.panes, spec.grace.value()) {}

  [[nodiscard]] const SessionSpec& spec() const noexcept { return spec_; }
  [[nodiscard]] const Trigger& trigger() const noexcept { return trigger_; }
  /// Whether something keeps records out of a session that they touch.
  [[nodiscard]] bool has_caps() const noexcept {
    return spec_.longest.has_value() || spec_.most_records.has_value() || has_marker;
  }
  /// A session's only pane comes at its end and closes it, and no cap keeps records out of it.
  [[nodiscard]] bool is_plain() const noexcept {
    return trigger_.is_plain() && trigger_.grace() == Duration::zero() && !has_caps() &&
           spec_.judged == SessionLateness::after_merging;
  }
  /// Deadlines this near to each other may share a bucket.
  [[nodiscard]] Duration granularity() const noexcept {
    return spec_.gap > Duration::zero() ? Duration{spec_.gap / 64} : std::chrono::milliseconds{100};
  }

  void check(Problems& problems, std::string_view name) const {
    check_sessions(problems, name, spec_, !has_fixed_gap);
  }
  void describe(Description& out) const {
    std::string_view gap_from;
    std::string_view ends_at;
    if constexpr (!has_fixed_gap) gap_from = projection_name<Record>(gap_of_);
    if constexpr (has_marker) ends_at = projection_name<Record>(ends_at_);
    describe_sessions(out, spec_, gap_from, ends_at);
  }

  [[nodiscard]] Duration gap_of(const Record& record) const {
    if constexpr (has_fixed_gap) {
      return spec_.gap;
    } else {
      return project(gap_of_, record);
    }
  }
  /// Whether a record is the last of its session.
  [[nodiscard]] bool ends_at(const Record& record) const {
    if constexpr (has_marker) {
      return project(ends_at_, record);
    } else {
      return false;
    }
  }
  /// Whether a session of that many records from `first` to `last` is one.
  [[nodiscard]] bool allows(std::uint64_t records, EventTime first, EventTime last) const noexcept {
    if (spec_.most_records.has_value() && records > *spec_.most_records) return false;
    return !spec_.longest.has_value() || between(first, last) <= *spec_.longest;
  }
  /// Whether a session that ends then takes nothing more.
  [[nodiscard]] bool is_closed(EventTime end, EventTime watermark) const noexcept {
    return later(end, trigger_.grace()) <= watermark;
  }

 private:
  SessionSpec spec_;
  GapOf gap_of_;
  EndsAt ends_at_;
  Trigger trigger_;
};

}  // namespace weir::inline v0::detail

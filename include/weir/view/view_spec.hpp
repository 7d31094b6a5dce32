#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <absl/status/status.h>

#include <weir/flow/node.hpp>
#include <weir/operators/readable.hpp>
#include <weir/time/instant.hpp>
#include <weir/view/lookup.hpp>

/// \file
/// What a view is told, and what it counts.

namespace weir::inline v0 {

/// Options of a view.
struct ViewSpec {
  /// Rows whose stream's knowledge ended so long before the instant of the read are stale; the default instant is that very end.
  /// Without: none is.
  std::optional<Duration> max_age = std::nullopt;
  StalePolicy when_stale = serve_stale;
  /// The age that reads ought to stay below: those that do not are counted and reported. Without: none is.
  std::optional<Duration> freshness_goal = std::nullopt;
};

/// How the rows of a view are published to readers on other threads.
struct PublishSpec {
  /// A row is published again when the stream's knowledge is so far past the instant it describes. For ever: only when records
  /// change it.
  Duration refresh = for_ever;
};

/// What a view or a reader was asked, and what it gave.
struct ViewStats {
  std::uint64_t reads = 0;  ///< the sum of the six below
  std::uint64_t fresh = 0;
  std::uint64_t stale = 0;
  std::uint64_t incomplete = 0;
  std::uint64_t missing = 0;
  std::uint64_t defaulted = 0;
  std::uint64_t quarantined = 0;
  std::uint64_t breaches = 0;  ///< reads of an age that reached the freshness goal
  /// Reads by age: bucket 0 of none, bucket i of [2^(i-1), 2^i) microseconds.
  std::array<std::uint64_t, 64> ages{};
};

namespace detail {

void check_view(Problems& problems, std::string_view name, const ViewSpec& spec, bool has_fallback);
void check_publish(Problems& problems, std::string_view name, const PublishSpec& spec);
/// What a view says of itself and of the node whose rows it gives: JSON.
[[nodiscard]] std::string describe_view(const Wiring& wiring, const Node& view, const ViewSpec& spec,
                                        bool has_fallback, bool has_gate, const PublishSpec* publishes);
/// What is wrong with a reader of a view without `.publish()`.
[[nodiscard]] absl::Status publishes_nothing(std::string_view name);
void count_read(ViewStats& stats, ReadStatus status, Duration age) noexcept;
void add(ViewStats& sum, const ViewStats& more) noexcept;

/// How far the operator behind a view had come.
struct Known {
  EventTime until = no_time;
  EventTime watermark = no_time;
  std::optional<WallTime> now = {};  // the host's clock at its last tick

  /// The instant that a read asks for.
  [[nodiscard]] EventTime instant(AsOf as_of) const noexcept {
    switch (as_of.kind()) {
      case AsOfKind::latest_event:
        return until;
      case AsOfKind::watermark:
        return watermark;
      case AsOfKind::host_now:
        return now ? event_time(now->time_since_epoch().count()) : until;
      case AsOfKind::instant:
        break;
    }
    return as_of.at();
  }
};

/// How far what is known lies behind an instant.
[[nodiscard]] inline Duration age_at(EventTime instant, EventTime known_until) noexcept {
  return known_until < instant && known_until != no_time ? between(known_until, instant) : Duration::zero();
}
[[nodiscard]] inline bool is_stale(const ViewSpec& spec, const LookupSpec& asked, Duration age) noexcept {
  const std::optional<Duration> max_age = asked.max_age ? asked.max_age : spec.max_age;
  return max_age && age >= *max_age;
}
/// What becomes of a stale row.
[[nodiscard]] StalePolicy policy_of(const ViewSpec& spec, const LookupSpec& asked) noexcept;

/// Decides whether a row may be served.
template <class Row>
class RowGate {
 public:
  RowGate() = default;
  RowGate(const RowGate&) = delete;
  RowGate& operator=(const RowGate&) = delete;
  virtual ~RowGate() = default;
  [[nodiscard]] virtual bool passes(const Row&) const { return true; }
};

/// What a row is worth before its age is looked at. One that does not pass is taken away.
template <class Row>
[[nodiscard]] ReadStatus judge(Reading<Row>& reading, const RowGate<Row>& gate) {
  if (!reading.is_there) return ReadStatus::missing;
  if (gate.passes(reading.row)) return reading.is_whole ? ReadStatus::fresh : ReadStatus::incomplete;
  reading.row = Row{};
  return ReadStatus::quarantined;
}

/// Whether there is a row of the key's own.
[[nodiscard]] inline bool is_of_key(ReadStatus status) noexcept {
  return status == ReadStatus::fresh || status == ReadStatus::incomplete;
}

/// The fallback in place of a row.
template <class Row>
void put_fallback(const Row& fallback, Lookup<Row>& out) {
  out.value = fallback;
  out.status = ReadStatus::defaulted;
}
/// What becomes of a stale row.
template <class Row>
void withhold(StalePolicy policy, const std::optional<Row>& fallback, Lookup<Row>& out) {
  out.status = ReadStatus::stale;
  if (policy == reject_stale) out.value = Row{};
  if (policy == serve_default && fallback) put_fallback(*fallback, out);
}

}  // namespace detail

}  // namespace weir::inline v0

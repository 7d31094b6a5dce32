#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <weir/time/instant.hpp>

/// \file
/// What each operator and source counts. Nothing is lost silently: the counters of a node always balance.

namespace weir::inline v0 {

/// What one feature of an aggregate left out or could not represent.
struct FeatureStats {
  std::uint64_t missing = 0;     ///< empty optionals, skipped
  std::uint64_t nan = 0;         ///< NaN values, skipped or rejected as the feature's policy says
  std::uint64_t overflowed = 0;  ///< results that did not fit their field and were held at its limit
};

/// The counters of one source or operator. All counts are of records unless said otherwise.
struct OperatorStats {
  std::string name;
  std::string kind;
  EventTime watermark = no_time;

  std::uint64_t ingested = 0;        ///< taken in; the sum of the six below, exactly and always
  std::uint64_t applied = 0;         ///< used in full (a source: passed on)
  std::uint64_t partially_late = 0;  ///< used by some of its windows, too late for others
  std::uint64_t late = 0;            ///< too late for all of its windows
  std::uint64_t duplicate = 0;       ///< swallowed by deduplication
  std::uint64_t rejected = 0;    ///< refused as invalid: no timestamp, out of range, NaN policy, key limit
  std::uint64_t unassigned = 0;  ///< belongs to no window (slide longer than size), or was filtered out

  std::uint64_t emitted = 0;         ///< records or rows passed on, over all outputs
  std::uint64_t windows_missed = 0;  ///< closed windows over all late and partially late records
  std::uint64_t conflicting = 0;     ///< of duplicate: with another payload than the first record of the id
  std::uint64_t unemitted = 0;       ///< records in windows that ended without emitting them
  std::uint64_t behind = 0;          ///< source: records behind its watermark when they came
  std::uint64_t future = 0;  ///< source: records beyond the future guard; kept, but they move no watermark
  std::uint64_t jumped = 0;  ///< source: records beyond the jump guard; kept, but they move no watermark
  std::uint64_t regressions = 0;       ///< source: watermarks of the host that went back
  std::uint64_t skipped_firings = 0;   ///< early panes left out because one advance passed too many of them
  std::uint64_t no_timestamp = 0;      ///< of rejected: no timestamp
  std::uint64_t out_of_range = 0;      ///< of rejected: outside [earliest, latest]
  std::uint64_t over_key_limit = 0;    ///< of rejected: a new key above the limit
  std::uint64_t evicted = 0;           ///< key_by: keys whose state was given up to make room for others
  std::uint64_t keys = 0;              ///< key_by: keys that have a slot now
  std::uint64_t state_bytes = 0;       ///< memory it holds now; of what values own, that by `OwnedAllocator`
  std::vector<FeatureStats> features;  ///< aggregates: one per feature, in order

  /// The conservation law.
  [[nodiscard]] bool conserves() const noexcept {
    return ingested == applied + partially_late + late + duplicate + rejected + unassigned;
  }
};

}  // namespace weir::inline v0

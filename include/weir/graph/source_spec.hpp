#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <type_traits>

#include <weir/base/description.hpp>
#include <weir/time/instant.hpp>
#include <weir/time/watermark.hpp>

/// \file
/// What a source is told, and what it says of each record.

namespace weir::inline v0 {

/// How to read a record's event time: a member, or a function that captures nothing.
template <class Record>
class TimeOf {
 public:
  using Function = EventTime (*)(const Record&);

  constexpr TimeOf(EventTime Record::*member) : member_(member) {}
  template <class Callable>
  requires std::is_convertible_v<Callable, Function>
  constexpr TimeOf(Callable callable) : function_(callable) {}

  [[nodiscard]] EventTime operator()(const Record& record) const {
    return function_ == nullptr ? record.*member_ : function_(record);
  }
  /// Calls `use(time_of)` with the one that is set, so that a loop decides once.
  template <class Use>
  decltype(auto) visit(Use&& use) const {
    if (function_ != nullptr) return use(function_);
    return use([member = member_](const Record& record) { return record.*member; });
  }
  [[nodiscard]] bool is_set() const noexcept { return function_ != nullptr || member_ != nullptr; }
  /// The name of the member, or a word for what has none.
  [[nodiscard]] std::string_view name() const {
    return member_ != nullptr ? detail::projection_name<Record>(member_) : "(function)";
  }

 private:
  EventTime Record::*member_ = nullptr;
  Function function_ = nullptr;
};

/// Everything a source needs to know. Only `time` and `watermark` have no default.
template <class Record>
struct SourceSpec {
  TimeOf<Record> time;
  WatermarkRule<Record> watermark;
  std::optional<Duration> idle_after =
      std::nullopt;          ///< a channel silent for so long, by the host's ticks, is idle
  std::size_t channels = 1;  ///< partitions with watermarks of their own
  std::optional<Duration> max_future_skew =
      std::chrono::minutes{5};                      ///< beyond the host's clock; acts after a tick
  std::optional<Duration> max_jump = std::nullopt;  ///< most that one record may move the watermark
  EventTime earliest = event_time(std::numeric_limits<std::int64_t>::min() + 1);
  EventTime latest = end_of_time;
  bool strict =
      false;  ///< a watermark of the host that goes back: counted and ignored, or (strict) also an error
};

/// What became of one record at its source.
enum class Admit : std::uint8_t {
  on_time,   ///< at or after the watermark
  late,      ///< behind the watermark; windows that are still open take it
  future,    ///< beyond the future or jump guard: kept, but it moves no watermark
  rejected,  ///< no timestamp, or outside [earliest, latest]; counted by the source
  refused,   ///< not taken in at all: the pipeline is finished, poisoned or inside a call
};

/// How many records of a batch went which way.
struct Admitted {
  std::uint64_t on_time = 0;
  std::uint64_t late = 0;
  std::uint64_t future = 0;
  std::uint64_t rejected = 0;
  std::uint64_t refused = 0;

  constexpr Admitted& operator+=(const Admitted& more) {
    on_time += more.on_time;
    late += more.late;
    future += more.future;
    rejected += more.rejected;
    refused += more.refused;
    return *this;
  }
  friend constexpr bool operator==(const Admitted&, const Admitted&) = default;
};

}  // namespace weir::inline v0

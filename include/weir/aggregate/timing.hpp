#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <weir/aggregate/feature.hpp>
#include <weir/aggregate/in_order.hpp>

/// \file
/// time_since_last, time_since_first; inter_arrival_mean, _stddev, _min, _max; burstiness

namespace weir::inline v0 {

namespace detail {

template <bool newest>
struct TimeSince {
  struct State {
    EventTime at = no_time;  // no_time: nothing yet
  };
  static constexpr bool order_independent = true;

  template <class T>
  constexpr void add(State& state, const T&, EventTime at) const {
    merge(state, {at});
  }
  constexpr void merge(State& state, const State& other) const {
    if (newest ? other.at > state.at : other.at != no_time && (state.at == no_time || other.at < state.at))
      state.at = other.at;
  }
  [[nodiscard]] constexpr std::optional<Checked<Duration>> result(const State& state,
                                                                  const Interval& asked) const {
    if (state.at == no_time) return std::nullopt;
    return held<Duration>(static_cast<Int128>(ticks(asked.as_of)) - ticks(state.at));
  }
};

/// From `from` to `to`, which is not earlier.
[[nodiscard]] constexpr std::uint64_t gap_between(EventTime from, EventTime to) {
  return static_cast<std::uint64_t>(ticks(to)) - static_cast<std::uint64_t>(ticks(from));
}

/// The value of features that only look at times.
struct Tick {
  void archive(Archive&) {}
  [[nodiscard]] static consteval std::uint64_t archive_layout() { return 0; }
};

/// Between the oldest and the newest record, and how many there are.
struct MeanGap {
  struct State {
    EventTime oldest = no_time;  // no_time: nothing yet
    EventTime newest = no_time;
    std::uint64_t records = 0;
  };

  template <class T>
  constexpr void add(State& state, const T&, EventTime at) const {
    merge(state, {at, at, 1});
  }
  constexpr void merge(State& state, const State& other) const {
    if (other.records == 0) return;
    if (state.records == 0 || other.oldest < state.oldest) state.oldest = other.oldest;
    if (other.newest > state.newest) state.newest = other.newest;
    state.records += other.records;
  }
  [[nodiscard]] constexpr std::optional<Checked<Duration>> result(const State& state) const {
    if (state.records < 2) return std::nullopt;
    return held<Duration>(static_cast<Int128>(gap_between(state.oldest, state.newest) / (state.records - 1)));
  }
};

/// The shortest or the longest of the gaps between records that come in their order.
template <bool shortest>
struct ExtremeGap {
  struct State {
    EventTime oldest = no_time;
    EventTime newest = no_time;
    std::uint64_t records = 0;
    std::uint64_t gap = shortest ? ~std::uint64_t{0} : 0;  // no gap is neutral
  };

  constexpr void add(State& state, const Tick&, EventTime at) const {
    merge(state, {.oldest = at, .newest = at, .records = 1});
  }
  constexpr void merge(State& state, const State& later) const {
    if (later.records == 0) return;
    take(state, later.gap);
    if (state.records == 0)
      state.oldest = later.oldest;
    else
      take(state, gap_between(state.newest, later.oldest));
    state.newest = later.newest;
    state.records += later.records;
  }
  [[nodiscard]] constexpr std::optional<Checked<Duration>> result(const State& state) const {
    if (state.records < 2) return std::nullopt;
    return held<Duration>(static_cast<Int128>(state.gap));
  }

 private:
  static constexpr void take(State& state, std::uint64_t gap) {
    if (shortest ? gap < state.gap : gap > state.gap) state.gap = gap;
  }
};

/// The sum of the squares of the gaps. It is exact: gaps add up to less than 2^64, and so their squares to less than 2^128.
struct GapSquares {
  struct State {
    EventTime oldest = no_time;
    EventTime newest = no_time;
    std::uint64_t records = 0;
    std::uint64_t squares_low = 0;
    std::uint64_t squares_high = 0;
  };
  __extension__ typedef unsigned __int128 Wide;

  constexpr void add(State& state, const Tick&, EventTime at) const {
    merge(state, {.oldest = at, .newest = at, .records = 1});
  }
  constexpr void merge(State& state, const State& later) const {
    if (later.records == 0) return;
    Wide squares = squares_of(state) + squares_of(later);
    if (state.records == 0) {
      state.oldest = later.oldest;
    } else {
      const Wide gap = gap_between(state.newest, later.oldest);
      squares += gap * gap;
    }
    state.newest = later.newest;
    state.records += later.records;
    state.squares_low = static_cast<std::uint64_t>(squares);
    state.squares_high = static_cast<std::uint64_t>(squares >> 64U);
  }
  [[nodiscard]] static constexpr Wide squares_of(const State& state) {
    return static_cast<Wide>(state.squares_high) << 64U | state.squares_low;
  }
};

/// The mean of the gaps in microseconds, and the sum of the squares of their distances from it. Needs: two records.
struct GapSpread {
  double gaps;
  double mean;
  double squares;
};
[[nodiscard]] GapSpread spread_of(const GapSquares::State& state);

struct GapStdDev : GapSquares {
  [[nodiscard]] std::optional<Checked<Duration>> result(const State& state) const;
};
struct GapBurstiness : GapSquares {
  [[nodiscard]] std::optional<double> result(const State& state) const;
};

/// Gaps between the times of records, whatever their values.
template <class Inner, std::size_t disorder>
struct GapsInOrder : InOrder<Inner, Tick, disorder> {
  template <class T>
  constexpr void add(typename InOrder<Inner, Tick, disorder>::State& state, const T&, EventTime at) const {
    InOrder<Inner, Tick, disorder>::add(state, Tick{}, at);
  }
};

}  // namespace detail

/// How long ago the newest record was when the row was asked for.
///
/// Use:      time_since_last(), time_since_last(condition)
/// Formula:  as_of - max(time), as_of being the end of the window or the time of the read
/// Result:   std::optional<Checked<Duration>>; empty of nothing; negative if the newest record is behind as_of
/// Missing:  there is no value to miss
/// Merge:    exact; order does not matter; not invertible
/// Error:    none; a distance beyond Duration is held there and flagged
/// Memory:   8 bytes
/// Cost:     add, merge and result 1 comparison
/// Source:   definition
struct TimeSinceLast : detail::TimeSince<true> {};

/// How long ago the oldest record was when the row was asked for.
///
/// Use:      time_since_first(), time_since_first(condition)
/// Formula:  as_of - min(time), as_of being the end of the window or the time of the read
/// Result:   std::optional<Checked<Duration>>; empty of nothing; negative if the oldest record is behind as_of
/// Missing:  there is no value to miss
/// Merge:    exact; order does not matter; not invertible
/// Error:    none; a distance beyond Duration is held there and flagged
/// Memory:   8 bytes
/// Cost:     add, merge and result 2 comparisons
/// Source:   definition
struct TimeSinceFirst : detail::TimeSince<false> {};

/// Mean of the times from one record to the next.
///
/// Use:      inter_arrival_mean()
/// Formula:  (max(time) - min(time)) / (records - 1)
/// Result:   std::optional<Checked<Duration>>, cut to whole microseconds; empty of fewer than 2 records
/// Missing:  there is no value to miss
/// Merge:    exact; order does not matter; not invertible
/// Error:    less than 1 microsecond; a mean beyond Duration is held there and flagged
/// Memory:   24 bytes
/// Cost:     add and merge 3 comparisons; result 1 division
/// Source:   definition
struct InterArrivalMean : detail::MeanGap {
  static constexpr bool order_independent = true;
};

/// Standard deviation of the times from one record to the next, as of a sample.
///
/// Use:      inter_arrival_stddev(), inter_arrival_stddev<disorder>()
/// Formula:  sqrt(sum(gap - mean gap)^2 / (gaps - 1)), gaps = records - 1, in the order of event time
/// Result:   std::optional<Checked<Duration>>, to the nearest microsecond; empty of fewer than 3 records; flagged if a record
///           came after more than `disorder` newer ones
/// Missing:  there is no value to miss
/// Merge:    exact (128-bit integers); by event time; not invertible
/// Error:    half a microsecond and 8u times the result, u = 2^-53; beyond Duration it is held there and flagged
/// Memory:   60 + 9 disorder bytes, rounded up to 8: 136 by default, in place
/// Cost:     add 1 multiplication, and a move per newer record; merge and result disorder multiplications
/// Source:   definition
template <std::size_t disorder = 8>
struct InterArrivalStdDev : detail::GapsInOrder<detail::GapStdDev, disorder> {};

/// Shortest time from one record to the next.
///
/// Use:      inter_arrival_min(), inter_arrival_min<disorder>()
/// Formula:  min(time[i] - time[i - 1]) in the order of event time
/// Result:   std::optional<Checked<Duration>>; empty of fewer than 2 records; flagged if a record came after more than
///           `disorder` newer ones
/// Missing:  there is no value to miss
/// Merge:    exact; by event time; not invertible
/// Error:    none unless flagged; a gap beyond Duration is held there and flagged
/// Memory:   52 + 9 disorder bytes, rounded up to 8: 128 by default, in place
/// Cost:     add 2 comparisons, and a move per newer record; merge and result disorder comparisons
/// Source:   definition
template <std::size_t disorder = 8>
struct InterArrivalMin : detail::GapsInOrder<detail::ExtremeGap<true>, disorder> {};

/// Longest time from one record to the next.
///
/// Use:      inter_arrival_max(), inter_arrival_max<disorder>()
/// Formula:  max(time[i] - time[i - 1]) in the order of event time
/// Result:   std::optional<Checked<Duration>>; empty of fewer than 2 records; flagged if a record came after more than
///           `disorder` newer ones
/// Missing:  there is no value to miss
/// Merge:    exact; by event time; not invertible
/// Error:    none unless flagged; a gap beyond Duration is held there and flagged
/// Memory:   52 + 9 disorder bytes, rounded up to 8: 128 by default, in place
/// Cost:     add 2 comparisons, and a move per newer record; merge and result disorder comparisons
/// Source:   definition
template <std::size_t disorder = 8>
struct InterArrivalMax : detail::GapsInOrder<detail::ExtremeGap<false>, disorder> {};

/// How uneven the times from one record to the next are: -1 of a clock, about 0 of independent arrivals, near 1 of bursts.
///
/// Use:      burstiness(), burstiness<disorder>()
/// Formula:  (s - m) / (s + m), m mean and s population standard deviation (divided by n) of the n gaps
/// Result:   std::optional<Checked<double>>, in [-1, 1), no unit; empty of fewer than 3 records or if all are of one time;
///           flagged if a record came after more than `disorder` newer ones
/// Missing:  there is no value to miss
/// Merge:    exact (128-bit integers); by event time; not invertible
/// Error:    16u, u = 2^-53
/// Memory:   60 + 9 disorder bytes, rounded up to 8: 136 by default, in place
/// Cost:     add 1 multiplication, and a move per newer record; merge and result disorder multiplications
/// Source:   Goh, Barabasi, Europhysics Letters 2008
template <std::size_t disorder = 8>
struct Burstiness : detail::GapsInOrder<detail::GapBurstiness, disorder> {};

namespace detail {

struct TimeSinceLastOf {
  static constexpr std::string_view name = "time_since_last";
  template <class Value>
  static constexpr TimeSinceLast make() {
    return {};
  }
};
struct TimeSinceFirstOf {
  static constexpr std::string_view name = "time_since_first";
  template <class Value>
  static constexpr TimeSinceFirst make() {
    return {};
  }
};
struct InterArrivalMeanOf {
  static constexpr std::string_view name = "inter_arrival_mean";
  template <class Value>
  static constexpr InterArrivalMean make() {
    return {};
  }
};
template <template <std::size_t> class Gaps>
inline constexpr std::string_view gaps_name{};
template <>
inline constexpr std::string_view gaps_name<InterArrivalStdDev> = "inter_arrival_stddev";
template <>
inline constexpr std::string_view gaps_name<InterArrivalMin> = "inter_arrival_min";
template <>
inline constexpr std::string_view gaps_name<InterArrivalMax> = "inter_arrival_max";
template <>
inline constexpr std::string_view gaps_name<Burstiness> = "burstiness";
template <template <std::size_t> class Gaps, std::size_t disorder>
struct GapsOf {
  static constexpr std::string_view name = gaps_name<Gaps>;
  static void describe(Description& out) { out.number("disorder", disorder); }
  template <class Value>
  static constexpr Gaps<disorder> make() {
    return {};
  }
};
}  // namespace detail

/// How long ago the newest record was; see `TimeSinceLast`.
[[nodiscard]] constexpr auto time_since_last() {
  return detail::feature(detail::TimeSinceLastOf{}, detail::Presence{});
}
/// How long ago a condition held for the last time; the same as `time_since_last().where(condition)`.
template <class Condition>
[[nodiscard]] constexpr auto time_since_last(Condition condition) {
  return time_since_last().where(condition);
}

/// How long ago the oldest record was; see `TimeSinceFirst`.
[[nodiscard]] constexpr auto time_since_first() {
  return detail::feature(detail::TimeSinceFirstOf{}, detail::Presence{});
}
/// How long ago a condition held for the first time; the same as `time_since_first().where(condition)`.
template <class Condition>
[[nodiscard]] constexpr auto time_since_first(Condition condition) {
  return time_since_first().where(condition);
}

/// The mean time from one record to the next; see `InterArrivalMean`.
[[nodiscard]] constexpr auto inter_arrival_mean() {
  return detail::feature(detail::InterArrivalMeanOf{}, detail::Presence{});
}

/// The standard deviation of the times from one record to the next; see `InterArrivalStdDev`.
template <std::size_t disorder = 8>
[[nodiscard]] constexpr auto inter_arrival_stddev() {
  return detail::feature(detail::GapsOf<InterArrivalStdDev, disorder>{}, detail::Presence{});
}

/// The shortest time from one record to the next; see `InterArrivalMin`.
template <std::size_t disorder = 8>
[[nodiscard]] constexpr auto inter_arrival_min() {
  return detail::feature(detail::GapsOf<InterArrivalMin, disorder>{}, detail::Presence{});
}

/// The longest time from one record to the next; see `InterArrivalMax`.
template <std::size_t disorder = 8>
[[nodiscard]] constexpr auto inter_arrival_max() {
  return detail::feature(detail::GapsOf<InterArrivalMax, disorder>{}, detail::Presence{});
}

/// How uneven the times from one record to the next are; see `Burstiness`.
template <std::size_t disorder = 8>
[[nodiscard]] constexpr auto burstiness() {
  return detail::feature(detail::GapsOf<Burstiness, disorder>{}, detail::Presence{});
}

}  // namespace weir::inline v0

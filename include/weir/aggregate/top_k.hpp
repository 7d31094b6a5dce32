#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <weir/aggregate/arg.hpp>
#include <weir/aggregate/extrema.hpp>
#include <weir/aggregate/feature.hpp>
#include <weir/aggregate/sequence.hpp>

/// \file
/// top_k, bottom_k; top_k_by, bottom_k_by

namespace weir::inline v0 {

namespace detail {

/// A number for where a float stands: -0.0 before +0.0, and NaN at the end that wins, as for `Min` and `Max`.
template <Float Value>
[[nodiscard]] constexpr std::int64_t standing(Value value, bool lowest) {
  if (is_nan(value))
    return lowest ? std::numeric_limits<std::int64_t>::min() : std::numeric_limits<std::int64_t>::max();
  return in_order(std::bit_cast<std::int64_t>(static_cast<double>(value)));
}

template <Ordered Value, std::size_t most, bool lowest>
struct Ends {
  using State = Sequence<Value, most>;
  static constexpr bool order_independent = true;

  constexpr void add(State& state, Argument<Value> x) const {
    if (state.size() == most && !wins(x, state[most - 1])) return;
    std::size_t place = state.size();
    while (place > 0 && wins(x, state[place - 1])) --place;
    if constexpr (Float<Value>)
      state.insert(place, is_nan(x) ? std::numeric_limits<Value>::quiet_NaN() : x);
    else
      state.insert(place, x);
  }
  constexpr void merge(State& state, const State& other) const {
    if (&other == &state) return merge(state, State(other));
    for (const Value& value : other) add(state, value);
  }
  [[nodiscard]] constexpr State result(const State& state) const { return state; }

 private:
  static constexpr bool wins(Argument<Value> a, Argument<Value> b) {
    if constexpr (Float<Value>)
      return lowest ? standing(a, lowest) < standing(b, lowest) : standing(a, lowest) > standing(b, lowest);
    else
      return lowest ? a < b : b < a;
  }
};

template <Ordered By, Kept What, std::size_t most, bool lowest>
struct RankedEnds {
  struct Entry {
    By by{};
    What what{};
    EventTime at{};
  };
  using State = Sequence<Entry, most>;

  template <class B, class W>
  constexpr void add(State& state, const Ranked<B, W>& x, EventTime at) const {
    const Argument<By> by = x.by;
    std::size_t place = state.size();
    while (place > 0 && wins(by, at, state[place - 1])) --place;
    if (place < most) state.insert(place, Entry{By(by), What(x.what), at});
  }
  constexpr void merge(State& state, const State& later) const {
    if (&later == &state) return merge(state, State(later));
    for (const Entry& entry : later)
      add(state, Ranked<const By&, const What&>{entry.by, entry.what}, entry.at);
  }
  [[nodiscard]] constexpr Sequence<What, most> result(const State& state) const {
    Sequence<What, most> all;
    for (const Entry& entry : state) all.insert(all.size(), entry.what);
    return all;
  }

 private:
  static constexpr bool wins(Argument<By> by, EventTime at, const Entry& entry) {
    const Argument<By> other = entry.by;
    if (ranks_before<Argument<By>>(by, other, lowest)) return true;
    return !ranks_before<Argument<By>>(other, by, lowest) && at < entry.at;
  }
};

}  // namespace detail

/// The `most` largest values, the largest first; equal ones as often as they come.
///
/// Use:      top_k<most>(x)
/// Formula:  x sorted downwards, the first `most`
/// Result:   Sequence of values, for a std::vector or std::array; empty of nothing
/// Missing:  skipped and counted; NaN by NanPolicy, a NaN that is added is above all
/// Merge:    exact; order does not matter; not invertible
/// Error:    none; -0.0 is below +0.0
/// Memory:   `most` values and 4 bytes, padded, in place
/// Cost:     add 1 comparison for a value that does not count, else at most `most` and as many moves; merge `most` adds; result a copy
/// Source:   definition
template <detail::Ordered Value, std::size_t most>
struct TopK : detail::Ends<Value, most, false> {};

/// The `most` smallest values, the smallest first; equal ones as often as they come.
///
/// Use:      bottom_k<most>(x)
/// Formula:  x sorted upwards, the first `most`
/// Result:   Sequence of values, for a std::vector or std::array; empty of nothing
/// Missing:  skipped and counted; NaN by NanPolicy, a NaN that is added is below all
/// Merge:    exact; order does not matter; not invertible
/// Error:    none; -0.0 is below +0.0
/// Memory:   `most` values and 4 bytes, padded, in place
/// Cost:     add 1 comparison for a value that does not count, else at most `most` and as many moves; merge `most` adds; result a copy
/// Source:   definition
template <detail::Ordered Value, std::size_t most>
struct BottomK : detail::Ends<Value, most, true> {};

/// `what` of the records with the `most` largest `by`, the largest first; of equals the oldest first, then the first to arrive.
///
/// Use:      top_k_by<most>(by, what)
/// Formula:  records sorted by (by downwards, event time, arrival), the first `most`
/// Result:   Sequence of `what`, for a std::vector or std::array; empty of nothing
/// Missing:  skipped and counted if `by` is; NaN of `by` by NanPolicy, a NaN that is added is behind all
/// Merge:    exact; by event time; not invertible
/// Error:    none
/// Memory:   `most` times and values of both kinds, padded, and 8 bytes, in place
/// Cost:     add 1 comparison for a record that does not count, else at most `most` and as many moves; merge `most` adds; result a copy
/// Source:   definition
template <detail::Ordered By, detail::Kept What, std::size_t most>
struct TopKBy : detail::RankedEnds<By, What, most, false> {};

/// `what` of the records with the `most` smallest `by`, the smallest first; of equals the oldest first, then the first to arrive.
///
/// Use:      bottom_k_by<most>(by, what)
/// Formula:  records sorted by (by upwards, event time, arrival), the first `most`
/// Result:   Sequence of `what`, for a std::vector or std::array; empty of nothing
/// Missing:  skipped and counted if `by` is; NaN of `by` by NanPolicy, a NaN that is added is behind all
/// Merge:    exact; by event time; not invertible
/// Error:    none
/// Memory:   `most` times and values of both kinds, padded, and 8 bytes, in place
/// Cost:     add 1 comparison for a record that does not count, else at most `most` and as many moves; merge `most` adds; result a copy
/// Source:   definition
template <detail::Ordered By, detail::Kept What, std::size_t most>
struct BottomKBy : detail::RankedEnds<By, What, most, true> {};

namespace detail {

template <std::size_t count, bool lowest>
struct TopKOf {
  static constexpr std::string_view name = lowest ? "bottom_k" : "top_k";
  static constexpr std::size_t most = count;
  template <class Value>
  requires Ordered<KeptAs<Value>>
  static constexpr std::conditional_t<lowest, BottomK<KeptAs<Value>, most>, TopK<KeptAs<Value>, most>>
  make() {
    return {};
  }
};
template <std::size_t count, bool lowest>
struct TopKByOf {
  static constexpr std::string_view name = lowest ? "bottom_k_by" : "top_k_by";
  static constexpr std::size_t most = count;
  template <class Value, class By = KeptAs<std::remove_cvref_t<decltype(Value::by)>>,
            class What = KeptAs<std::remove_cvref_t<decltype(Value::what)>>>
  requires Ordered<By> && Kept<What>
  static constexpr std::conditional_t<lowest, BottomKBy<By, What, most>, TopKBy<By, What, most>> make() {
    return {};
  }
};

}  // namespace detail

/// The `most` largest values, into a std::vector or std::array; see `TopK`.
template <std::size_t most, class Projection>
[[nodiscard]] constexpr auto top_k(Projection projection) {
  static_assert(most > 0, "weir: top_k<n>() and bottom_k<n>() keep at least one value");
  return detail::feature(detail::TopKOf<most, false>{}, projection);
}

/// The `most` smallest values, into a std::vector or std::array; see `BottomK`.
template <std::size_t most, class Projection>
[[nodiscard]] constexpr auto bottom_k(Projection projection) {
  static_assert(most > 0, "weir: top_k<n>() and bottom_k<n>() keep at least one value");
  return detail::feature(detail::TopKOf<most, true>{}, projection);
}

/// `what` of the records with the `most` largest `by`; see `TopKBy`.
template <std::size_t most, class By, class What>
[[nodiscard]] constexpr auto top_k_by(By by, What what) {
  static_assert(most > 0, "weir: top_k_by<n>() and bottom_k_by<n>() keep at least one value");
  return detail::feature(detail::TopKByOf<most, false>{}, detail::RankedBy<By, What>{by, what});
}

/// `what` of the records with the `most` smallest `by`; see `BottomKBy`.
template <std::size_t most, class By, class What>
[[nodiscard]] constexpr auto bottom_k_by(By by, What what) {
  static_assert(most > 0, "weir: top_k_by<n>() and bottom_k_by<n>() keep at least one value");
  return detail::feature(detail::TopKByOf<most, true>{}, detail::RankedBy<By, What>{by, what});
}

}  // namespace weir::inline v0

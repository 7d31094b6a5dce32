#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include <weir/aggregate/feature.hpp>
#include <weir/aggregate/in_order.hpp>

/// \file
/// longest_streak, current_streak, transitions, followed, has_sequence. Records stand in the order (event time, arrival).

namespace weir::inline v0 {

namespace detail {

/// Runs of true: at the beginning, at the end, and the longest of all.
struct LongestRun {
  struct State {
    std::uint64_t count = 0;
    std::uint64_t leading = 0;
    std::uint64_t trailing = 0;
    std::uint64_t longest = 0;
  };

  constexpr void add(State& state, bool x) const {
    const std::uint64_t run = x ? 1 : 0;
    merge(state, {1, run, run, run});
  }
  constexpr void merge(State& state, const State& later) const {
    const std::uint64_t across = state.trailing + later.leading;
    const std::uint64_t longer = state.longest > later.longest ? state.longest : later.longest;
    state.longest = longer > across ? longer : across;
    if (state.leading == state.count) state.leading += later.leading;
    state.trailing = later.trailing + (later.trailing == later.count ? state.trailing : 0);
    state.count += later.count;
  }
  [[nodiscard]] constexpr std::uint64_t result(const State& state) const { return state.longest; }
};

struct CurrentRun {
  struct State {
    std::uint64_t count = 0;
    std::uint64_t trailing = 0;
  };

  constexpr void add(State& state, bool x) const {
    ++state.count;
    state.trailing = x ? state.trailing + 1 : 0;
  }
  constexpr void merge(State& state, const State& later) const {
    state.trailing = later.trailing + (later.trailing == later.count ? state.trailing : 0);
    state.count += later.count;
  }
  [[nodiscard]] constexpr std::uint64_t result(const State& state) const { return state.trailing; }
};

template <class T>
concept Compared = requires(const T& a, const T& b) {
  { a == b } -> std::convertible_to<bool>;
};

/// Neighbours that differ. NaN is equal to NaN.
template <class Value>
struct Changes {
  struct State {
    Value first{};
    Value last{};
    std::uint64_t changes = 0;
    bool any = false;
  };

  constexpr void add(State& state, Argument<Value> x) const {
    if (!state.any) state.first = x;
    state.changes += state.any && differ(state.last, x) ? 1U : 0U;
    state.last = x;
    state.any = true;
  }
  constexpr void merge(State& state, const State& later) const {
    if (!later.any) return;
    add(state, later.first);
    state.changes += later.changes;
    state.last = later.last;
  }
  [[nodiscard]] constexpr std::uint64_t result(const State& state) const { return state.changes; }

 private:
  static constexpr bool differ(const Value& a, Argument<Value> b) {
    return !(a == b) && !(is_nan(a) && is_nan(b));
  }
};

/// Which of `count` conditions hold for a record: bit i for the i-th.
template <std::size_t count>
struct Held {
  std::uint8_t bits = 0;
};

/// Neighbours of which the first condition holds for the one before and the second for the one behind.
struct Pairs {
  struct State {
    std::uint64_t pairs = 0;
    Held<2> first{};
    Held<2> last{};
    bool any = false;
  };

  constexpr void add(State& state, const Held<2>& x) const { merge(state, {0, x, x, true}); }
  constexpr void merge(State& state, const State& later) const {
    if (!later.any) return;
    const bool is_pair = state.any && (state.last.bits & 1U) != 0 && (later.first.bits & 2U) != 0;
    state.pairs += later.pairs + (is_pair ? 1U : 0U);
    if (!state.any) state.first = later.first;
    state.last = later.last;
    state.any = true;
  }
  [[nodiscard]] constexpr std::uint64_t result(const State& state) const { return state.pairs; }
};

/// How many steps of a sequence the records make, for each number of steps made before: maps compose, so panes merge.
template <std::size_t count>
struct Stages {
  struct State {
    std::array<std::uint8_t, count> steps{};

    /// How many steps there are in all when `made` were made before.
    [[nodiscard]] constexpr std::size_t after(std::size_t made) const {
      return made < count ? made + steps[made] : made;
    }
    void archive(Archive& ar) {
      ar(steps);
      for (std::size_t i = 0; i < count; ++i) {
        if (after(i) <= count) continue;
        steps[i] = 0;
        ar.fail("a sequence has more steps than it may have");
      }
    }
    [[nodiscard]] static consteval std::uint64_t archive_layout() { return count; }
  };

  constexpr void add(State& state, const Held<count>& x) const {
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t made = state.after(i);
      if (made < count && (unsigned{x.bits} >> made & 1U) != 0) ++state.steps[i];
    }
  }
  constexpr void merge(State& state, const State& later) const {
    for (std::size_t i = 0; i < count; ++i)
      state.steps[i] = static_cast<std::uint8_t>(later.after(state.after(i)) - i);
  }
  [[nodiscard]] constexpr bool result(const State& state) const { return state.after(0) == count; }
};

}  // namespace detail

/// Most records in a row for which a condition holds.
///
/// Use:      longest_streak(condition), longest_streak<disorder>(condition)
/// Formula:  max (j - i + 1) over i <= j with condition true for all records i to j in the order (event time, arrival)
/// Result:   Checked<std::uint64_t>, records; 0 of nothing; flagged if a record came after more than `disorder` newer ones
/// Missing:  skipped and counted: a streak goes on across it
/// Merge:    exact; by event time; not invertible
/// Error:    none unless flagged
/// Memory:   56 + 9 disorder bytes, rounded up to 8: 128 by default, in place
/// Cost:     add 1 step of 4 comparisons, and a move per newer record; merge and result disorder steps
/// Source:   definition
template <std::size_t disorder = 8>
struct LongestStreak : detail::InOrder<detail::LongestRun, bool, disorder> {};

/// Records in a row, up to the newest, for which a condition holds.
///
/// Use:      current_streak(condition), current_streak<disorder>(condition)
/// Formula:  number of records behind the newest for which the condition is false
/// Result:   Checked<std::uint64_t>, records; 0 of nothing; flagged if a record came after more than `disorder` newer ones
/// Missing:  skipped and counted: a streak goes on across it
/// Merge:    exact; by event time; not invertible
/// Error:    none unless flagged
/// Memory:   40 + 9 disorder bytes, rounded up to 8: 112 by default, in place
/// Cost:     add 1 step, and a move per newer record; merge and result disorder steps
/// Source:   definition
template <std::size_t disorder = 8>
struct CurrentStreak : detail::InOrder<detail::CurrentRun, bool, disorder> {};

/// How often the value changes from one record to the next.
///
/// Use:      transitions(x), transitions<disorder>(x)
/// Formula:  number of i with x[i] != x[i - 1], in the order (event time, arrival)
/// Result:   Checked<std::uint64_t>, changes; 0 of nothing; flagged if a record came after more than `disorder` newer ones
/// Missing:  skipped and counted; NaN by NanPolicy, a NaN that is added is equal to NaN
/// Merge:    exact; by event time; not invertible
/// Error:    none unless flagged
/// Memory:   36 + 8 disorder bytes and disorder + 2 values, rounded up to 8, in place: 184 for a 64-bit value by default
/// Cost:     add 1 comparison, and a move per newer record; merge and result disorder comparisons
/// Source:   definition
template <detail::Kept Value, std::size_t disorder = 8>
requires detail::Compared<Value>
struct Transitions : detail::InOrder<detail::Changes<Value>, Value, disorder> {
};

/// How often a record for which one condition holds is directly followed by one for which another does.
///
/// Use:      followed(first, second), followed<disorder>(first, second)
/// Formula:  number of i with first(record i - 1) and second(record i), in the order (event time, arrival)
/// Result:   Checked<std::uint64_t>, pairs; 0 of nothing; flagged if a record came after more than `disorder` newer ones
/// Missing:  records that `.where` leaves out do not come between
/// Merge:    exact; by event time; not invertible
/// Error:    none unless flagged
/// Memory:   36 + 9 disorder bytes, rounded up to 8: 112 by default, in place
/// Cost:     add 1 step, and a move per newer record; merge and result disorder steps
/// Source:   definition
template <std::size_t disorder = 8>
struct Followed : detail::InOrder<detail::Pairs, detail::Held<2>, disorder> {};

/// Whether records for which conditions hold come in the order of the conditions, others may come between.
///
/// Use:      has_sequence(first, second, ...), has_sequence<disorder>(first, second, ...); 1 to 8 conditions
/// Formula:  there are i1 < i2 < ... with condition k true for record ik, in the order (event time, arrival)
/// Result:   Checked<bool>; false of nothing; flagged if a record came after more than `disorder` newer ones
/// Missing:  records that `.where` leaves out are not looked at
/// Merge:    exact, by composing maps of steps; by event time; not invertible
/// Error:    none unless flagged
/// Memory:   count + 20 + 9 disorder bytes, rounded up to 8, in place
/// Cost:     add `count` steps, and a move per newer record; merge and result count * disorder steps
/// Source:   definition
template <std::size_t count, std::size_t disorder = 8>
struct HasSequence : detail::InOrder<detail::Stages<count>, detail::Held<count>, disorder> {};

namespace detail {

template <std::size_t disorder>
struct LongestStreakOf {
  static constexpr std::string_view name = "longest_streak";
  static void describe(Description& out) { out.number("disorder", disorder); }
  template <std::same_as<bool> Value>
  static constexpr LongestStreak<disorder> make() {
    return {};
  }
};
template <std::size_t disorder>
struct CurrentStreakOf {
  static constexpr std::string_view name = "current_streak";
  static void describe(Description& out) { out.number("disorder", disorder); }
  template <std::same_as<bool> Value>
  static constexpr CurrentStreak<disorder> make() {
    return {};
  }
};
template <std::size_t disorder>
struct TransitionsOf {
  static constexpr std::string_view name = "transitions";
  static void describe(Description& out) { out.number("disorder", disorder); }
  template <class Value>
  requires Kept<KeptAs<Value>> && Compared<KeptAs<Value>>
  static constexpr Transitions<KeptAs<Value>, disorder> make() { return {}; }
};
template <std::size_t disorder>
struct FollowedOf {
  static constexpr std::string_view name = "followed";
  static void describe(Description& out) { out.number("disorder", disorder); }
  template <std::same_as<Held<2>> Value>
  static constexpr Followed<disorder> make() {
    return {};
  }
};
template <std::size_t count, std::size_t disorder>
struct HasSequenceOf {
  static constexpr std::string_view name = "has_sequence";
  static void describe(Description& out) { out.number("disorder", disorder); }
  template <std::same_as<Held<count>> Value>
  static constexpr HasSequence<count, disorder> make() {
    return {};
  }
};

/// One of several conditions, by its place.
template <std::size_t place, class Condition>
struct OneCondition {
  Condition condition;
};
template <class Places, class... Condition>
struct ConditionsIn;
/// Projects to which conditions hold.
template <std::size_t... place, class... Condition>
struct ConditionsIn<std::index_sequence<place...>, Condition...> : OneCondition<place, Condition>... {
  template <class In>
  requires(Judges<Condition, In>&&...) constexpr Held<sizeof...(place)> operator()(const In& in) const {
    unsigned bits = 0;
    ((bits |=
      project(static_cast<const OneCondition<place, Condition>&>(*this).condition, in) ? 1U << place : 0U),
     ...);
    return {static_cast<std::uint8_t>(bits)};
  }
};
template <class... Condition>
using Conditions = ConditionsIn<std::index_sequence_for<Condition...>, Condition...>;

template <class In, std::size_t... place, class... Condition>
void describe_value(Description& out,
                    const ConditionsIn<std::index_sequence<place...>, Condition...>& conditions) {
  out.begin_list("conditions");
  (describe_condition<In>(out, static_cast<const OneCondition<place, Condition>&>(conditions).condition),
   ...);
  out.end();
}

}  // namespace detail

/// The most records in a row for which a condition holds; see `LongestStreak`.
template <std::size_t disorder = 8, class Condition>
[[nodiscard]] constexpr auto longest_streak(Condition condition) {
  return detail::feature(detail::LongestStreakOf<disorder>{}, condition);
}

/// The number of records, up to the newest, for which a condition has held without a break; see `CurrentStreak`.
template <std::size_t disorder = 8, class Condition>
[[nodiscard]] constexpr auto current_streak(Condition condition) {
  return detail::feature(detail::CurrentStreakOf<disorder>{}, condition);
}

/// The number of changes of a value from one record to the next; see `Transitions`.
template <std::size_t disorder = 8, class Projection>
[[nodiscard]] constexpr auto transitions(Projection projection) {
  return detail::feature(detail::TransitionsOf<disorder>{}, projection);
}

/// The number of records for which `second` holds directly behind one for which `first` does; see `Followed`.
template <std::size_t disorder = 8, class First, class Second>
[[nodiscard]] constexpr auto followed(First first, Second second) {
  return detail::feature(detail::FollowedOf<disorder>{},
                         detail::Conditions<First, Second>{{first}, {second}});
}

/// Whether records for which the conditions hold come in this order; see `HasSequence`.
template <std::size_t disorder = 8, class... Condition>
[[nodiscard]] constexpr auto has_sequence(Condition... condition) {
  static_assert(sizeof...(Condition) >= 1 && sizeof...(Condition) <= 8,
                "weir: has_sequence() takes 1 to 8 conditions");
  return detail::feature(detail::HasSequenceOf<sizeof...(Condition), disorder>{},
                         detail::Conditions<Condition...>{{condition}...});
}

}  // namespace weir::inline v0

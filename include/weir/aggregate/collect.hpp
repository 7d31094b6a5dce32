#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <weir/aggregate/feature.hpp>
#include <weir/aggregate/top_k.hpp>
#include <weir/state/archive.hpp>
#include <weir/state/owned.hpp>

/// \file
/// collect_list, collect_set

namespace weir::inline v0 {

/// How many values are kept.
struct CollectSpec {
  std::uint32_t most = 100;
};

/// Values of the newest records, oldest first; as `LastK`, for longer lists, and for bounds that are known at run time only.
///
/// Use:      collect_list(x, {.most})
/// Formula:  x in the order (event time, arrival), the last `most`
/// Result:   std::vector of the values; empty of nothing
/// Missing:  skipped and counted; NaN by NanPolicy
/// Merge:    exact; by event time; not invertible
/// Error:    none
/// Memory:   24 bytes, then per value the value and 8 bytes, padded, up to twice that while they grow in number
/// Cost:     add amortised 1, `most` moves once there are so many; merge and result linear in values
/// Source:   definition
template <detail::Kept Value>
struct CollectList {
  struct Entry {
    EventTime at{};
    Value value{};
  };
  struct State {
    OwnedVector<Entry> entries;  // by time, then by arrival

    void archive(Archive& ar) requires(Archivable<Value>) {
      ar(entries);
      if (!ar.is_loading()) return;
      for (std::size_t i = 1; i < entries.size(); ++i)
        if (entries[i].at < entries[i - 1].at) ar.fail("a list is not in the order of time");
    }
    [[nodiscard]] static constexpr std::uint64_t archive_layout() { return detail::layout_of<Value>(); }
  };

  std::uint32_t most = CollectSpec{}.most;

  void add(State& state, detail::Argument<Value> x, EventTime at) const {
    std::size_t place = state.entries.size();
    while (place > 0 && at < state.entries[place - 1].at) --place;
    if (place == 0 && state.entries.size() >= most) return;
    state.entries.insert(state.entries.begin() + static_cast<std::ptrdiff_t>(place), Entry{at, Value(x)});
    trim(state);
  }
  void merge(State& state, const State& later) const {
    if (later.entries.empty()) return;
    if (&later == &state) return merge(state, State(later));
    if (!state.entries.empty() && later.entries.front().at < state.entries.back().at) {
      for (const Entry& entry : later.entries) add(state, entry.value, entry.at);
      return;
    }
    state.entries.insert(state.entries.end(), later.entries.begin(), later.entries.end());
    trim(state);
  }
  [[nodiscard]] std::vector<Value> result(const State& state) const {
    std::vector<Value> values;
    const std::size_t count = state.entries.size(), skipped = count > most ? count - most : 0;
    values.reserve(count - skipped);
    for (std::size_t i = skipped; i < count; ++i) values.push_back(state.entries[i].value);
    return values;
  }

 private:
  void trim(State& state) const {
    if (state.entries.size() <= most) return;
    state.entries.erase(state.entries.begin(),
                        state.entries.begin() + static_cast<std::ptrdiff_t>(state.entries.size() - most));
  }
};

namespace detail {

/// What tells values apart and orders them: one zero, and one NaN, behind all numbers.
template <Ordered Value>
[[nodiscard]] constexpr bool sorts_before(Argument<Value> a, Argument<Value> b) {
  if constexpr (Float<Value>)
    return standing(a, false) < standing(b, false);
  else
    return a < b;
}
template <Ordered Value>
[[nodiscard]] Value normal(Argument<Value> x) {
  if constexpr (Float<Value>)
    return is_nan(x) ? std::numeric_limits<Value>::quiet_NaN() : x == 0 ? Value{0} : x;
  else
    return Value(x);
}

}  // namespace detail

/// The different values, in their order; the smallest ones if there are too many.
///
/// Use:      collect_set(x, {.most})
/// Formula:  {x} sorted upwards, the first `most`
/// Result:   Checked<std::vector> of the values; empty of nothing; flagged if there are more than `most`
/// Missing:  skipped and counted; NaN by NanPolicy, NaN is one value behind all numbers; -0.0 is 0.0
/// Merge:    exact; order does not matter; not invertible
/// Error:    none unless flagged
/// Memory:   32 bytes, then per value the value, up to twice that while they grow in number
/// Cost:     add log2(values) comparisons, and moving half of the values for a new one; merge and result linear in values
/// Source:   definition
template <detail::Ordered Value>
requires(!std::same_as<Value, bool>) struct CollectSet {
  struct State {
    OwnedVector<Value> values;
    bool has_more = false;

    void archive(Archive& ar) requires(Archivable<Value>) {
      ar(values, has_more);
      if (!ar.is_loading()) return;
      for (std::size_t i = 1; i < values.size(); ++i)
        if (!detail::sorts_before<Value>(values[i - 1], values[i]))
          ar.fail("the values of a set are not in their order");
    }
    [[nodiscard]] static constexpr std::uint64_t archive_layout() { return detail::layout_of<Value>(); }
  };
  static constexpr bool order_independent = true;

  std::uint32_t most = CollectSpec{}.most;

  void add(State& state, detail::Argument<Value> value) const {
    const Value x = detail::normal<Value>(value);
    std::size_t low = 0, high = state.values.size();
    while (low < high) {
      const std::size_t middle = low + (high - low) / 2;
      if (detail::sorts_before<Value>(state.values[middle], x))
        low = middle + 1;
      else
        high = middle;
    }
    if (low < state.values.size() && !detail::sorts_before<Value>(x, state.values[low])) return;
    if (low < most)
      state.values.insert(state.values.begin() + static_cast<std::ptrdiff_t>(low), x);
    else
      state.has_more = true;
    trim(state);
  }
  void merge(State& state, const State& other) const {
    state.has_more |= other.has_more;
    if (other.values.empty()) return;
    OwnedVector<Value> all;
    all.reserve(state.values.size() + other.values.size());
    auto mine = state.values.begin();
    for (const Value& x : other.values) {
      while (mine != state.values.end() && detail::sorts_before<Value>(*mine, x))
        all.push_back(std::move(*mine++));
      if (mine != state.values.end() && !detail::sorts_before<Value>(x, *mine)) ++mine;
      all.push_back(x);
    }
    while (mine != state.values.end()) all.push_back(std::move(*mine++));
    state.values = std::move(all);
    trim(state);
  }
  [[nodiscard]] Checked<std::vector<Value>> result(const State& state) const {
    const std::size_t count = std::min<std::size_t>(state.values.size(), most);
    const auto end = state.values.begin() + static_cast<std::ptrdiff_t>(count);
    return {std::vector<Value>(state.values.begin(), end), state.has_more || count < state.values.size()};
  }

 private:
  void trim(State& state) const {
    if (state.values.size() <= most) return;
    state.values.erase(state.values.begin() + most, state.values.end());
    state.has_more = true;
  }
};

namespace detail {

[[nodiscard]] std::string problem_of(const CollectSpec& spec);

struct CollectListOf {
  static constexpr std::string_view name = "collect_list";
  std::uint32_t most;

  [[nodiscard]] std::string problem() const { return problem_of(CollectSpec{most}); }
  template <class Value>
  requires Kept<KeptAs<Value>>
  [[nodiscard]] constexpr CollectList<KeptAs<Value>> make() const { return {most}; }
};
struct CollectSetOf {
  static constexpr std::string_view name = "collect_set";
  std::uint32_t most;

  [[nodiscard]] std::string problem() const { return problem_of(CollectSpec{most}); }
  template <class Value>
  requires Ordered<KeptAs<Value>> &&(!std::same_as<Value, bool>)
      [[nodiscard]] constexpr CollectSet<KeptAs<Value>> make() const {
    return {most};
  }
};

}  // namespace detail

/// The values of the newest `spec.most` records, into a std::vector; see `CollectList`.
template <class Projection>
[[nodiscard]] constexpr auto collect_list(Projection projection, CollectSpec spec = {}) {
  return detail::feature(detail::CollectListOf{spec.most}, projection);
}

/// The different values, in their order, into a std::vector; see `CollectSet`.
template <class Projection>
[[nodiscard]] constexpr auto collect_set(Projection projection, CollectSpec spec = {}) {
  return detail::feature(detail::CollectSetOf{spec.most}, projection);
}

}  // namespace weir::inline v0

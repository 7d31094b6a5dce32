#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <weir/aggregate/feature.hpp>
#include <weir/aggregate/sequence.hpp>
#include <weir/aggregate/sketch.hpp>
#include <weir/base/hash.hpp>
#include <weir/state/archive.hpp>
#include <weir/state/owned.hpp>

/// \file
/// top_n, top_share, mode: the most frequent values

namespace weir::inline v0 {

/// How many values are counted at once.
struct FrequencySpec {
  std::uint32_t counters = 256;  ///< 1 to 65536: counts are off by at most 1 / (counters + 1) of all values
};

/// A frequent value: it occurred `count - error` to `count` times.
template <class Item>
struct Frequent {
  Item item{};
  std::uint64_t count = 0;
  std::uint64_t error = 0;

  friend bool operator==(const Frequent&, const Frequent&) = default;
};

namespace detail {

/// Counters of values. A value that finds none free takes one from each, and those at zero go. Counts are kept with all that was
/// ever taken (`floor_`) added, as SpaceSaving has them, to which this is equal.
template <class Item>
class FrequentItems {
 public:
  using View = std::conditional_t<std::same_as<Item, std::string>, std::string_view, Item>;
  using Entry = Frequent<Item>;

  static constexpr std::uint32_t most_counters = 65536;

  void add(View item, std::uint32_t counters) {
    ++total_.value;
    const std::size_t at = find(item);
    if (at < entries_.size()) {
      ++entries_[at].count;
      return;
    }
    if (entries_.size() >= usable(counters)) {
      ++floor_.value;
      return drop();
    }
    entries_.push_back({plain(item), floor_.value + 1, floor_.value});
    if (entries_.size() * 2 > slots_.size())
      index();
    else
      put(static_cast<std::uint32_t>(at));
  }

  void merge(const FrequentItems& other, std::uint32_t counters) {
    if (&other == this) {
      const FrequentItems copy = other;
      return merge(copy, counters);
    }
    const std::uint64_t mine = floor_.value, its = other.floor_.value;
    const std::size_t size = entries_.size();
    for (Entry& entry : entries_) {
      const std::size_t at = other.find(entry.item);
      const bool is_in_both = at < other.entries_.size();
      entry.count += is_in_both ? other.entries_[at].count : its;
      entry.error += is_in_both ? other.entries_[at].error : its;
    }
    OwnedVector<Entry> more;
    for (const Entry& entry : other.entries_)
      if (find(entry.item) == size) more.push_back({entry.item, entry.count + mine, entry.error + mine});
    entries_.insert(entries_.end(), more.begin(), more.end());
    total_.value += other.total_.value;
    floor_ = mine + its;
    if (entries_.size() > usable(counters)) {
      std::vector<std::uint64_t> counts;
      for (const Entry& entry : entries_) counts.push_back(entry.count);
      const auto first_lost = counts.begin() + static_cast<std::ptrdiff_t>(usable(counters));
      std::nth_element(counts.begin(), first_lost, counts.end(),
                       [](std::uint64_t a, std::uint64_t b) { return a > b; });
      floor_ = std::max(floor_.value, *first_lost);
      drop();
    }
    index();
  }

  [[nodiscard]] std::uint64_t total() const { return total_.value; }
  /// How often a value may have occurred that is not among the counters.
  [[nodiscard]] std::uint64_t floor() const { return floor_.value; }
  [[nodiscard]] std::uint64_t most_frequent() const {
    std::uint64_t most = floor_.value;
    for (const Entry& entry : entries_) most = std::max(most, entry.count);
    return most;
  }
  /// The largest counts first, of equal ones the smallest value.
  template <std::size_t n>
  [[nodiscard]] Sequence<Entry, n> top() const {
    Sequence<Entry, n> best;
    for (const Entry& entry : entries_) {
      std::size_t i = best.size();
      while (i > 0 && (best[i - 1].count < entry.count ||
                       (best[i - 1].count == entry.count && is_before(entry.item, best[i - 1].item))))
        --i;
      if (i < n) best.insert(i, entry);
    }
    return best;
  }
  /// Bytes that it owns, without those of strings.
  [[nodiscard]] std::size_t bytes() const {
    return entries_.capacity() * sizeof(Entry) + slots_.capacity() * sizeof(std::uint32_t);
  }

  /// The values in their order, so that equal counts are equal bytes.
  void archive(Archive& ar) {
    OwnedVector<Entry> sorted;
    if (!ar.is_loading()) {
      sorted = entries_;
      std::sort(sorted.begin(), sorted.end(),
                [](const Entry& a, const Entry& b) { return is_before(a.item, b.item); });
    }
    ar(total_.value, floor_.value, sorted);
    if (!ar.is_loading()) return;
    if (sorted.size() > most_counters) {
      *this = FrequentItems{};
      return ar.fail("a sketch has more counters than it may");
    }
    for (std::size_t i = 0; i < sorted.size(); ++i) {
      const Entry& entry = sorted[i];
      if (entry.error > floor_.value || entry.count <= floor_.value ||
          !is_same(plain(entry.item), entry.item) || (i > 0 && !is_before(sorted[i - 1].item, entry.item))) {
        *this = FrequentItems{};
        return ar.fail("the counters of a sketch are not in their order or make no sense");
      }
    }
    entries_ = std::move(sorted);
    index();
  }
  [[nodiscard]] static constexpr std::uint64_t archive_layout() { return layout_of<Item>(); }

 private:
  static constexpr std::size_t few = 8;           // that are found without an index
  static constexpr std::size_t few_enough = 512;  // that it does not matter if they were forged to collide

  static constexpr std::size_t usable(std::uint32_t counters) {
    return counters == 0 ? 1 : counters > most_counters ? most_counters : counters;
  }
  /// -0.0 is 0.0.
  [[nodiscard]] static Item plain(View item) {
    if constexpr (Float<Item>)
      return item == 0 ? Item{0} : item;
    else
      return Item(item);
  }
  [[nodiscard]] static bool is_same(View a, View b) {
    if constexpr (Float<Item>)
      return identity(a) == identity(b);
    else
      return a == b;
  }
  [[nodiscard]] static bool is_before(View a, View b) {
    if (is_nan(a) || is_nan(b)) return !is_nan(a);
    return a < b;
  }
  [[nodiscard]] static std::size_t hash(View item) {
    if constexpr (Scalar<Item>)
      return hash_word(identity(item), HashSeed{});
    else
      return hash_bytes(item, HashSeed{});
  }

  /// The number of the entry; that of the next one if there is none.
  [[nodiscard]] std::size_t find(View item) const {
    std::size_t at = 0;
    if (slots_.empty()) {
      while (at < entries_.size() && !is_same(entries_[at].item, item)) ++at;
      return at;
    }
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t i = hash(item) & mask; (at = slots_[i]) != 0; i = (i + 1) & mask)
      if (is_same(entries_[at - 1].item, item)) return at - 1;
    return entries_.size();
  }
  void put(std::uint32_t number) {
    if (slots_.empty()) return;
    const std::size_t mask = slots_.size() - 1;
    std::size_t i = hash(entries_[number].item) & mask;
    while (slots_[i] != 0) i = (i + 1) & mask;
    slots_[i] = number + 1;
  }
  void index() {
    std::size_t slots = 32;
    while (slots < entries_.size() * 2) slots *= 2;
    if (entries_.size() <= few) slots = 0;
    slots_ = OwnedVector<std::uint32_t>(slots);
    if (entries_.size() <= few_enough) {
      for (std::uint32_t i = 0; i < entries_.size(); ++i) put(i);
      return;
    }
    std::vector<std::uint32_t> places;
    places.reserve(entries_.size());
    for (const Entry& entry : entries_)
      places.push_back(static_cast<std::uint32_t>(hash(entry.item) & (slots - 1)));
    place_all(places, slots);
    for (std::uint32_t i = 0; i < places.size(); ++i) slots_[places[i]] = i + 1;
  }
  void drop() {
    const std::uint64_t floor = floor_.value;
    const auto end = std::remove_if(entries_.begin(), entries_.end(),
                                    [floor](const Entry& entry) { return entry.count <= floor; });
    if (end == entries_.end()) return;
    entries_.erase(end, entries_.end());
    index();
  }

  OwnedVector<Entry> entries_;
  OwnedVector<std::uint32_t>
      slots_;  // a power of two: numbers of entries, plus one; empty as long as there are few
  Emptied<std::uint64_t> floor_, total_;
};

/// Scalars, and strings.
template <class T>
concept Countable = Scalar<T> || std::same_as<T, std::string>;

[[nodiscard]] inline std::string counters_problem(std::uint32_t counters, std::size_t least) {
  return option_problem(counters >= least && counters <= 65536, "counters", counters,
                        "a number from " + std::to_string(least) + " to 65536");
}

}  // namespace detail

/// The n most frequent values, each with its count and how far that may be off.
///
/// Use:      top_n<n>(x, {.counters = 256})
/// Formula:  SpaceSaving, in the form of Misra and Gries; count - error <= exact <= count
/// Result:   Sequence<Frequent<T>, n> of item, count, error: the largest counts first, of equal ones the smallest value; empty of nothing
/// Missing:  skipped and counted; NaN by NanPolicy, all NaN being one value; -0.0 is 0.0
/// Merge:    exact up to `counters` different values, beyond approximate: the bound holds for merges of any shape, which values come
///           depends on the order within it; not invertible
/// Error:    error <= N / (counters + 1) of N values, always; what occurs more often than that is among the counters, so that the
///           first of n is missing only if it is rarer
/// Memory:   64 bytes, and up to 2 (16 + sizeof(item)) + 16 bytes for each counter in use (8-byte items: 64, at 256 16 KiB), and texts
/// Cost:     add 1 amortised; merge O(counters); result O(n counters)
/// Source:   Metwally, Agrawal, El Abbadi, ICDT 2005; Agarwal et al., Mergeable summaries, PODS 2012
template <detail::Countable Value, std::size_t n>
struct TopN {
  static_assert(n > 0, "weir: top_n<n>() gives at least one value");
  using State = detail::FrequentItems<Value>;

  std::uint32_t counters = FrequencySpec{}.counters;

  void add(State& state, detail::Argument<Value> x) const { state.add(x, counters); }
  void merge(State& state, const State& later) const { state.merge(later, counters); }
  [[nodiscard]] Sequence<Frequent<Value>, n> result(const State& state) const {
    return state.template top<n>();
  }
};

/// Which share of all values the most frequent one has.
///
/// Use:      top_share(x, {.counters = 256})
/// Formula:  max over values of count / N
/// Result:   std::optional<double> in (0, 1], no unit; empty of nothing
/// Missing:  skipped and counted; NaN by NanPolicy, all NaN being one value; -0.0 is 0.0
/// Merge:    exact up to `counters` different values, beyond approximate: the bound holds for merges of any shape; not invertible
/// Error:    never too low, and too high by at most 1 / (counters + 1); exact up to `counters` different values
/// Memory:   that of `TopN`
/// Cost:     that of `TopN`; result O(counters)
/// Source:   Metwally, Agrawal, El Abbadi, ICDT 2005; Agarwal et al., Mergeable summaries, PODS 2012
template <detail::Countable Value>
struct TopShare {
  using State = detail::FrequentItems<Value>;

  std::uint32_t counters = FrequencySpec{}.counters;

  void add(State& state, detail::Argument<Value> x) const { state.add(x, counters); }
  void merge(State& state, const State& later) const { state.merge(later, counters); }
  [[nodiscard]] std::optional<double> result(const State& state) const {
    if (state.total() == 0) return std::nullopt;
    return static_cast<double>(state.most_frequent()) / static_cast<double>(state.total());
  }
};

/// The most frequent value.
///
/// Use:      mode(x, {.counters = 256})
/// Formula:  the value that occurs most often, of equally frequent ones the smallest
/// Result:   std::optional<Checked<T>>; empty of nothing, and if more than `counters` values are about as frequent as each other; flagged
///           if another value may be as frequent
/// Missing:  skipped and counted; NaN by NanPolicy, all NaN being one value; -0.0 is 0.0
/// Merge:    exact up to `counters` different values, beyond approximate; not invertible
/// Error:    none unless flagged; then no value is more frequent by more than N / (counters + 1) of N values
/// Memory:   that of `TopN`
/// Cost:     that of `TopN`; result O(counters)
/// Source:   definition; that of `TopN`
template <detail::Countable Value>
struct Mode {
  using State = detail::FrequentItems<Value>;

  std::uint32_t counters = FrequencySpec{}.counters;

  void add(State& state, detail::Argument<Value> x) const { state.add(x, counters); }
  void merge(State& state, const State& later) const { state.merge(later, counters); }
  [[nodiscard]] std::optional<Checked<Value>> result(const State& state) const {
    const auto top = state.template top<2>();
    if (top.empty()) return std::nullopt;
    const std::uint64_t surely = top[0].count - top[0].error;
    const bool is_sure =
        state.floor() == 0 || (surely > state.floor() && (top.size() < 2 || surely > top[1].count));
    return Checked<Value>{top[0].item, !is_sure};
  }
};

namespace detail {
template <std::size_t n>
struct TopNOf {
  static constexpr std::string_view name = "top_n";
  std::uint32_t counters;

  template <class Value>
  requires Countable<KeptAs<Value>>
  [[nodiscard]] constexpr TopN<KeptAs<Value>, n> make() const { return {counters}; }
  void describe(Description& out) const {
    out.number("n", static_cast<std::int64_t>(n));
    out.number("counters", counters);
  }
  [[nodiscard]] std::string problem() const { return counters_problem(counters, n); }
};
struct TopShareOf {
  static constexpr std::string_view name = "top_share";
  std::uint32_t counters;

  template <class Value>
  requires Countable<KeptAs<Value>>
  [[nodiscard]] constexpr TopShare<KeptAs<Value>> make() const { return {counters}; }
  void describe(Description& out) const { out.number("counters", counters); }
  [[nodiscard]] std::string problem() const { return counters_problem(counters, 1); }
};
struct ModeOf {
  static constexpr std::string_view name = "mode";
  std::uint32_t counters;

  template <class Value>
  requires Countable<KeptAs<Value>>
  [[nodiscard]] constexpr Mode<KeptAs<Value>> make() const { return {counters}; }
  void describe(Description& out) const { out.number("counters", counters); }
  [[nodiscard]] std::string problem() const { return counters_problem(counters, 1); }
};
}  // namespace detail

/// The most frequent value; see `Mode`.
template <class Projection>
[[nodiscard]] constexpr auto mode(Projection projection, FrequencySpec spec = {}) {
  return detail::feature(detail::ModeOf{spec.counters}, projection);
}

/// The n most frequent values; see `TopN`.
template <std::size_t n, class Projection>
[[nodiscard]] constexpr auto top_n(Projection projection, FrequencySpec spec = {}) {
  return detail::feature(detail::TopNOf<n>{spec.counters}, projection);
}

/// Which share of all values the most frequent one has; see `TopShare`.
template <class Projection>
[[nodiscard]] constexpr auto top_share(Projection projection, FrequencySpec spec = {}) {
  return detail::feature(detail::TopShareOf{spec.counters}, projection);
}

}  // namespace weir::inline v0

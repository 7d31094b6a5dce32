#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <weir/aggregate/extrema.hpp>
#include <weir/aggregate/field.hpp>

/// \file
/// check_laws: proves, for given samples, that an aggregator may be cut into panes and merged.

namespace weir::inline v0::testing {

/// A sample with an event time; samples without are one second apart.
template <class T>
struct Timed {
  T value{};
  EventTime at{};
};

/// How strictly results are compared, and how many ways of cutting the samples are tried.
/// Floating-point results are the same if one of the three tolerances says so. By default they must be
/// identical: NaN is NaN, and -0.0 is not 0.0.
struct LawOptions {
  double relative = 0;           ///< |a - b| <= relative * max(|a|, |b|)
  double absolute = 0;           ///< |a - b| <= absolute
  std::uint64_t ulps = 0;        ///< as many doubles lie between a and b
  std::size_t most_cuts = 2000;  ///< ways to cut in three: all, or this many at random
  std::size_t shuffles = 20;     ///< orders tried of an aggregator that claims to be order_independent
  std::uint64_t seed = 1;
};

/// The first law that was broken, if one was.
class [[nodiscard]] LawReport {
 public:
  LawReport() = default;
  explicit LawReport(std::string broken) : broken_(std::move(broken)) {}

  [[nodiscard]] explicit operator bool() const { return broken_.empty(); }
  [[nodiscard]] std::string explain() const { return broken_.empty() ? "all laws hold" : broken_; }

 private:
  std::string broken_;
};

/// For test frameworks that print what they check.
template <class Stream>
auto operator<<(Stream& out, const LawReport& report) -> decltype(out << report.explain()) {
  return out << report.explain();
}

namespace detail {

namespace core = weir::detail;

template <class T>
bool same(const T& a, const T& b, const LawOptions& options) {
  if constexpr (std::floating_point<T>) {
    if (core::is_nan(a) || core::is_nan(b)) return core::is_nan(a) && core::is_nan(b);
    const auto x = static_cast<double>(a), y = static_cast<double>(b);
    const core::Int128 steps = static_cast<core::Int128>(core::in_order(std::bit_cast<std::int64_t>(x))) -
                               core::in_order(std::bit_cast<std::int64_t>(y));
    if ((steps < 0 ? -steps : steps) <= static_cast<core::Int128>(options.ulps)) return true;
    const double gap = x < y ? y - x : x - y, size_x = x < 0 ? -x : x, size_y = y < 0 ? -y : y;
    const double tolerated = options.relative * (size_x < size_y ? size_y : size_x);
    return gap - gap == 0 &&
           ((gap <= tolerated && tolerated > 0) || (gap <= options.absolute && options.absolute > 0));
  } else if constexpr (core::is_optional<T>) {
    return a.has_value() == b.has_value() && (!a || same(*a, *b, options));
  } else if constexpr (core::is_checked<T>) {
    return a.overflowed == b.overflowed && same(a.value, b.value, options);
  } else if constexpr (core::Listed<T>) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i)
      if (!same<typename T::value_type>(a[i], b[i], options)) return false;
    return true;
  } else {
    static_assert(std::equality_comparable<T>,
                  "weir: check_laws compares results; give the result an operator==");
    return a == b;
  }
}

template <class T>
std::string show(const T& value) {
  if constexpr (std::same_as<T, bool>)
    return value ? "true" : "false";
  else if constexpr (std::integral<T>)
    return std::to_string(value);
  else if constexpr (std::floating_point<T>) {
    char text[32];
    std::snprintf(text, sizeof text, "%.17g", static_cast<double>(value));
    return text;
  } else if constexpr (std::same_as<T, Duration>)
    return std::to_string(value.count()) + " us";
  else if constexpr (core::is_optional<T>)
    return value ? show(*value) : "empty";
  else if constexpr (core::is_checked<T>)
    return show(value.value) + (value.overflowed ? " (overflowed)" : "");
  else if constexpr (std::is_convertible_v<const T&, std::string>)
    return '"' + std::string{value} + '"';
  else if constexpr (core::Listed<T>) {
    std::string text = "[";
    for (std::size_t i = 0; i < value.size(); ++i)
      text += (i == 0 ? "" : ", ") + show<typename T::value_type>(value[i]);
    return text + "]";
  } else
    return "(a value)";
}

/// One run over one list of samples; stops at the first law that is broken.
template <class A, class T>
class Trial {
 public:
  using State = typename A::State;

  Trial(const A& aggregator, std::vector<Timed<T>> samples, LawOptions options)
      : aggregator_(aggregator), samples_(std::move(samples)), options_(options), random_(options.seed) {}

  LawReport run() {
    // Time order, and arrival among equals: the order in which panes are merged.
    for (std::size_t i = 1; i < samples_.size(); ++i)
      for (std::size_t k = i; k > 0 && samples_[k].at < samples_[k - 1].at; --k)
        std::swap(samples_[k], samples_[k - 1]);
    const std::size_t n = samples_.size();
    if ((n + 1) * (n + 2) / 2 <= options_.most_cuts) {
      for (std::size_t i = 0; i <= n && broken_.empty(); ++i)
        for (std::size_t k = i; k <= n && broken_.empty(); ++k) cut(i, k);
    } else {
      for (std::size_t tried = 0; tried < options_.most_cuts && broken_.empty(); ++tried) {
        const std::size_t i = below(n + 1), k = below(n + 1);
        cut(i < k ? i : k, i < k ? k : i);
      }
    }
    if constexpr (OrderIndependent<A>) shuffle();
    return LawReport{broken_};
  }

 private:
  [[nodiscard]] State sum(std::size_t from, std::size_t to) const { return added({}, from, to); }
  [[nodiscard]] State added(State state, std::size_t from, std::size_t to) const {
    for (std::size_t i = from; i < to; ++i)
      core::add_to(aggregator_, state, samples_[i].value, samples_[i].at);
    return state;
  }
  [[nodiscard]] State merged(State state, const State& other) const {
    aggregator_.merge(state, other);
    return state;
  }

  [[nodiscard]] auto result(const State& state) const {
    const EventTime end = samples_.empty() ? EventTime{} : later(samples_.back().at, Duration{1});
    return core::result_of(aggregator_, state, Interval{no_time, end});
  }

  void expect_same(const State& a, const State& b, const char* law) {
    const auto x = result(a), y = result(b);
    if (!broken_.empty() || same(x, y, options_)) return;
    broken_ = law + (": samples " + cuts_) + " give " + show(x) + " against " + show(y) + " (seed " +
              std::to_string(options_.seed) + ")";
  }

  void cut(std::size_t i, std::size_t k) {
    const std::size_t n = samples_.size();
    const auto range = [](std::size_t from, std::size_t to) {
      return "[" + std::to_string(from) + ", " + std::to_string(to) + ")";
    };
    cuts_ = range(0, i) + " " + range(i, k) + " " + range(k, n);
    const State whole = sum(0, n), a = sum(0, i), b = sum(i, k), c = sum(k, n), none{};

    expect_pure(a, c);
    expect_pure(b, c);
    expect_same(merged(none, b), b, "State{} is not neutral on the left of merge");
    expect_same(merged(b, none), b, "State{} is not neutral on the right of merge");
    expect_same(merged(merged(none, b), c), merged(b, c), "State{} is not neutral on the left of merge");
    expect_same(merged(merged(b, none), c), merged(b, c), "State{} is not neutral on the right of merge");
    expect_same(merged(a, sum(i, n)), whole, "merge differs from adding everything to one State");
    expect_same(added(merged(a, b), k, n), whole,
                "adding to a merged State differs from adding everything to one State");
    expect_same(merged(merged(a, b), c), merged(a, merged(b, c)), "merge is not associative");
    if constexpr (Invertible<A>) {
      State left = merged(a, b);
      aggregator_.remove(left, b);
      expect_same(merged(left, c), merged(a, c), "remove does not undo merge");
    }
    if constexpr (OrderIndependent<A>)
      expect_same(merged(c, merged(b, a)), whole,
                  "merge depends on the order of its sides, against order_independent");
  }

  void expect_pure(const State& state, const State& later) {
    // NOLINTNEXTLINE(performance-unnecessary-copy-initialization): result() may reach into it
    const State read = state;
    const auto once = result(read);
    if (broken_.empty() && !same(once, result(read), options_))
      broken_ = "result differs when asked twice: samples " + cuts_;
    expect_same(merged(read, later), merged(state, later), "result changes the State it reads");
  }

  void shuffle() {
    const State whole = sum(0, samples_.size());
    cuts_ = "in another order";
    for (std::size_t round = 0; round < options_.shuffles; ++round) {
      for (std::size_t i = samples_.size(); i > 1; --i) std::swap(samples_[i - 1], samples_[below(i)]);
      expect_same(sum(0, samples_.size()), whole,
                  "add depends on the order of records, against order_independent");
    }
  }

  std::size_t below(std::size_t n) {  // SplitMix64
    std::uint64_t z = random_ += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return static_cast<std::size_t>((z ^ (z >> 31U)) % n);
  }

  const A& aggregator_;
  std::vector<Timed<T>> samples_;
  LawOptions options_;
  std::uint64_t random_;
  std::string cuts_, broken_;
};

}  // namespace detail

/// Tries the laws of `Aggregator` on every way to cut the samples in three parts (see
/// `LawOptions::most_cuts`): State{} is neutral, merge is associative, merging equals adding, result is pure;
/// and what the aggregator claims beyond that, `Invertible` and `order_independent`.
///
/// Needs:   results that compare with ==, or of which the parts do (optional, Checked, lists)
/// Time:    cuts * samples
/// Errors:  the report says which law broke, on which samples, with which results
template <class A, class T>
LawReport check_laws(const A& aggregator, const std::vector<Timed<T>>& samples, LawOptions options = {}) {
  static_assert(Aggregator<A, T>,
                "weir: check_laws takes an Aggregator of the samples; see weir/aggregate/aggregator.hpp");
  return detail::Trial<A, T>{aggregator, samples, options}.run();
}

/// The same for samples that are one second apart.
template <class A, class T>
LawReport check_laws(const A& aggregator, const std::vector<T>& samples, LawOptions options = {}) {
  std::vector<Timed<T>> timed;
  for (std::size_t i = 0; i < samples.size(); ++i)
    timed.push_back({samples[i], event_time(static_cast<std::int64_t>(i) * 1'000'000)});
  return check_laws(aggregator, timed, options);
}

}  // namespace weir::inline v0::testing

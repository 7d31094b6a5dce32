#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <weir/aggregate/feature.hpp>
#include <weir/aggregate/sketch.hpp>
#include <weir/state/archive.hpp>

/// \file
/// histogram, adaptive_histogram

namespace weir::inline v0 {

/// The range that the buckets of `histogram` share.
struct HistogramSpec {
  double from = 0;  ///< where the first bucket begins; it counts what is below, too
  double to = 1;    ///< where the last bucket ends; it counts what is there and above, too
};

/// How many values there are in each of n buckets of equal width.
///
/// Use:      histogram<n>(x, {.from = 0, .to = 100})
/// Formula:  bucket i of n: from + i w <= x < from + (i + 1) w, w = (to - from) / n; the first and the last are open to their sides
/// Result:   std::array<std::uint64_t, n>, values; zeros of nothing
/// Missing:  skipped and counted; NaN by NanPolicy, propagated: in no bucket
/// Merge:    exact; order does not matter; invertible
/// Error:    values within a few roundings of a bound may be in the bucket next to it; infinities are in the buckets at the ends
/// Memory:   8 n bytes
/// Cost:     add 1; merge and result O(n)
/// Source:   definition
template <detail::Real Value, std::size_t n>
struct Histogram {
  static_assert(n > 0, "weir: histogram<n>() has at least one bucket");
  struct State {
    std::array<std::uint64_t, n> counts{};
  };
  static constexpr bool order_independent = true;

  double from = HistogramSpec{}.from;
  double to = HistogramSpec{}.to;
  double per_bucket = static_cast<double>(n) / (to - from);

  constexpr void add(State& state, Value x) const {
    if (detail::is_nan(x)) return;
    const double place = (static_cast<double>(x) - from) * per_bucket;
    const bool is_last = !(place < static_cast<double>(n));
    ++state.counts[is_last ? n - 1 : place > 0 ? static_cast<std::size_t>(place) : 0];
  }
  constexpr void merge(State& state, const State& other) const {
    for (std::size_t i = 0; i < n; ++i) state.counts[i] += other.counts[i];
  }
  constexpr void remove(State& state, const State& other) const {
    for (std::size_t i = 0; i < n; ++i) state.counts[i] -= other.counts[i];
  }
  [[nodiscard]] constexpr std::array<std::uint64_t, n> result(const State& state) const {
    return state.counts;
  }
};

/// The result of `adaptive_histogram`: bucket i counts from + i width <= x < from + (i + 1) width.
template <std::size_t n>
struct AdaptiveBuckets {
  double from = 0;   ///< a multiple of the width; the first bucket is never empty
  double width = 0;  ///< a power of two
  std::array<std::uint64_t, n> counts{};
  std::uint64_t left_out = 0;  ///< infinite values, and NaN where it is propagated

  friend constexpr bool operator==(const AdaptiveBuckets&, const AdaptiveBuckets&) = default;
};

namespace detail {

/// Counts of the multiples of a power of two that values lie above. The power is the smallest with which n buckets hold all values
/// and the numbers of the buckets have at most 53 bits: that depends on the values alone.
template <std::size_t n>
class DoublingBuckets {
 public:
  void add(double x) {
    if (!(x - x == 0)) {
      ++left_out_;
      return;
    }
    const int finest = finest_for(x);
    if (!is_used_) return start(finest, index(x, finest));
    if (finest > exponent_) coarsen(finest - exponent_);
    const std::int64_t place = index(x, exponent_);
    const int shift = fit(place, place);
    ++counts_[static_cast<std::size_t>((place >> shift) - first_)];
  }
  void merge(const DoublingBuckets& other) {
    left_out_ += other.left_out_;
    if (!other.is_used_) return;
    DoublingBuckets more = other;
    if (!is_used_) {
      more.left_out_ = left_out_;
      *this = more;
      return;
    }
    if (more.exponent_ > exponent_) coarsen(more.exponent_ - exponent_);
    if (more.exponent_ < exponent_) more.coarsen(exponent_ - more.exponent_);
    const int shift = fit(more.first_, more.last());
    if (shift > 0) more.coarsen(shift);
    for (std::size_t i = 0; i < n; ++i)
      if (more.counts_[i] != 0)
        counts_[static_cast<std::size_t>(more.first_ - first_) + i] += more.counts_[i];
  }
  [[nodiscard]] std::optional<AdaptiveBuckets<n>> result() const {
    if (!is_used_ && left_out_ == 0) return std::nullopt;
    if (!is_used_) return AdaptiveBuckets<n>{.left_out = left_out_};
    const double width = __builtin_ldexp(1, exponent_);
    return AdaptiveBuckets<n>{__builtin_ldexp(static_cast<double>(first_), exponent_), width, counts_,
                              left_out_};
  }

  void archive(Archive& ar) {
    ar(is_used_, exponent_, first_, counts_, left_out_);
    if (!ar.is_loading()) return;
    const bool is_fine =
        is_used_
            ? exponent_ >= -1074 && exponent_ <= 1023 && first_ >= -most && first_ <= most && counts_[0] != 0
            : exponent_ == 0 && first_ == 0 && counts_ == std::array<std::uint64_t, n>{};
    if (is_fine) return;
    *this = DoublingBuckets{};
    ar.fail("the buckets of a histogram make no sense");
  }
  [[nodiscard]] static consteval std::uint64_t archive_layout() { return n; }

 private:
  static constexpr std::int64_t most = std::int64_t{1} << 53U;

  [[nodiscard]] static int finest_for(double x) {
    const int finest = x == 0 ? -1074 : __builtin_ilogb(x) - 52;
    return finest < -1074 ? -1074 : finest;
  }
  /// The largest whole number of 2^exponent that is not above x.
  [[nodiscard]] static std::int64_t index(double x, int exponent) {
    const auto whole = static_cast<std::int64_t>(__builtin_ldexp(x, -exponent));
    return __builtin_ldexp(static_cast<double>(whole), exponent) > x ? whole - 1 : whole;
  }
  [[nodiscard]] std::int64_t last() const {
    std::size_t i = n - 1;
    while (i > 0 && counts_[i] == 0) --i;
    return first_ + static_cast<std::int64_t>(i);
  }
  void start(int exponent, std::int64_t first) {
    is_used_ = true;
    exponent_ = exponent;
    first_ = first;
    counts_[0] = 1;
  }
  void coarsen(int steps) {
    const int shift = steps > 63 ? 63 : steps;
    const std::int64_t first = first_ >> shift;
    std::array<std::uint64_t, n> counts{};
    for (std::size_t i = 0; i < n; ++i)
      if (counts_[i] != 0)
        counts[static_cast<std::size_t>(((first_ + static_cast<std::int64_t>(i)) >> shift) - first)] +=
            counts_[i];
    counts_ = counts;
    first_ = first;
    exponent_ += steps;
  }
  /// Widens the buckets until there are enough for [low, high], too. Returns how often they doubled.
  int fit(std::int64_t low, std::int64_t high) {
    const std::int64_t end = last();
    low = low < first_ ? low : first_;
    high = high > end ? high : end;
    int shift = 0;
    while ((high >> shift) - (low >> shift) >= static_cast<std::int64_t>(n)) ++shift;
    if (shift > 0) coarsen(shift);
    const auto down = static_cast<std::size_t>(first_ - (low >> shift));
    if (down > 0) {
      for (std::size_t i = n; i-- > 0;) counts_[i] = i >= down ? counts_[i - down] : 0;
      first_ = low >> shift;
    }
    return shift;
  }

  std::array<std::uint64_t, n> counts_{};
  std::int64_t first_ = 0;
  std::uint64_t left_out_ = 0;
  std::int32_t exponent_ = 0;
  bool is_used_ = false;
};

}  // namespace detail

/// How many values there are in each of n buckets, whose width is the power of two that is just enough.
///
/// Use:      adaptive_histogram<n>(x)
/// Formula:  bucket i: from + i width <= x < from + (i + 1) width; width the smallest power of two, from a multiple of it, with which
///           n buckets hold all values (of the largest value at least 2^-53)
/// Result:   std::optional<AdaptiveBuckets<n>> with from, width, counts and what was left out; empty of nothing
/// Missing:  skipped and counted; NaN by NanPolicy, propagated: counted as left out
/// Merge:    exact: buckets of one width are unions of those of half of it; order does not matter; not invertible
/// Error:    none: the bounds are exact; integers beyond 2^53 are rounded on entry; infinite values are counted as left out. `from` is
///           -inf if there are values below -2^1023
/// Memory:   8 n + 24 bytes
/// Cost:     add 1, O(n) where the range grows; merge and result O(n)
/// Source:   definition
template <detail::Real Value, std::size_t n>
struct AdaptiveHistogram {
  static_assert(n >= 4 && n <= 65536, "weir: adaptive_histogram<n>() has 4 to 65536 buckets");
  using State = detail::DoublingBuckets<n>;
  static constexpr bool order_independent = true;

  void add(State& state, Value x) const { state.add(static_cast<double>(x)); }
  void merge(State& state, const State& other) const { state.merge(other); }
  [[nodiscard]] std::optional<AdaptiveBuckets<n>> result(const State& state) const { return state.result(); }
};

namespace detail {
template <std::size_t n>
struct HistogramOf {
  static constexpr std::string_view name = "histogram";
  double from, to;

  template <Real Value>
  [[nodiscard]] constexpr Histogram<Value, n> make() const {
    return {from, to};
  }
  void describe(Description& out) const {
    out.number("buckets", static_cast<std::int64_t>(n));
    out.text("from", number_text(from));
    out.text("to", number_text(to));
  }
  [[nodiscard]] std::string problem() const {
    const double width = to - from;
    const double per_bucket = static_cast<double>(n) / width;
    return option_problem(width > 0 && width - width == 0 && per_bucket - per_bucket == 0, "to", to,
                          "a number well above from, which is " + number_text(from));
  }
};
template <std::size_t n>
struct AdaptiveHistogramOf {
  static constexpr std::string_view name = "adaptive_histogram";
  template <Real Value>
  static constexpr AdaptiveHistogram<Value, n> make() {
    return {};
  }
  static void describe(Description& out) { out.number("buckets", static_cast<std::int64_t>(n)); }
};
}  // namespace detail

/// How many values there are in each of n buckets; see `Histogram`.
template <std::size_t n, class Projection>
[[nodiscard]] constexpr auto histogram(Projection projection, HistogramSpec spec) {
  return detail::feature(detail::HistogramOf<n>{spec.from, spec.to}, projection);
}

/// How many values there are in each of n buckets that fit them; see `AdaptiveHistogram`.
template <std::size_t n, class Projection>
[[nodiscard]] constexpr auto adaptive_histogram(Projection projection) {
  return detail::feature(detail::AdaptiveHistogramOf<n>{}, projection);
}

}  // namespace weir::inline v0

#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <weir/aggregate/feature.hpp>
#include <weir/aggregate/sketch.hpp>
#include <weir/state/archive.hpp>
#include <weir/state/owned.hpp>

/// \file
/// quantile, quantiles, median: by a sketch with a bound on the relative error

namespace weir::inline v0 {

/// How fine the sketch of `quantile` is.
struct QuantileSpec {
  double relative_error = 0.01;  ///< 0.0001 to 0.5: |result - exact| <= relative_error |exact|
  std::uint32_t most =
      2048;  ///< 16 to 65536 buckets for each sign; beyond, those of the smallest sizes become one
};

namespace detail {

/// Numbers of buckets whose bounds grow by a factor. Between powers of two the logarithm is a cubic whose slope is nowhere
/// less than it must be, which costs 1 % more buckets than the logarithm itself.
class LogScale {
 public:
  explicit constexpr LogScale(double relative_error)
      : per_octave_(0.7 * (1 + 1e-9) / log_of_factor(relative_error)) {}

  /// Of positive normal numbers.
  [[nodiscard]] std::int32_t index(std::uint64_t bits) const {
    const auto s = std::bit_cast<double>((bits & 0xFFFFFFFFFFFFFU) | 0x3FF0000000000000U) - 1;
    const auto octave = static_cast<double>(static_cast<std::int32_t>(bits >> 52U) - 1);
    return first +
           static_cast<std::int32_t>((octave + s * (10.0 / 7 + s * (s * (6.0 / 35) - 0.6))) * per_octave_);
  }
  /// Of infinity: one behind all others.
  [[nodiscard]] std::int32_t top() const { return first + static_cast<std::int32_t>(2046 * per_octave_) + 1; }
  /// The number that is off by the same factor from both ends of a bucket.
  [[nodiscard]] double value(std::int32_t index) const;

  static constexpr std::int32_t first = 1 << 26, last = first + (1 << 23);

 private:
  /// log((1 + e) / (1 - e)), by its series. An error that makes no sense is reported by `problem`; here it is the nearest that does.
  static constexpr double log_of_factor(double error) {
    error = !(error > 0.0001) ? 0.0001 : error > 0.5 ? 0.5 : error;
    double sum = 0, power = error;
    for (int k = 1; k < 64; k += 2, power *= error * error) sum += power / k;
    return 2 * sum;
  }

  double per_octave_;
};

/// Counts of the buckets of one sign: a range without gaps, at most `most` long. What is below the range of the largest index is
/// counted in its lowest bucket, so that the counts depend on the values alone and not on their order.
struct BucketRange {
  OwnedVector<std::uint64_t> counts;
  Emptied<std::int32_t> first;  // index of the first count
  Emptied<bool> is_collapsed;   // the lowest count has lower values in it

  void add(std::int32_t index, std::uint64_t count, std::uint32_t most);
  void merge(const BucketRange& other, std::uint32_t most);
  void cover(std::int32_t low, std::int32_t high, std::uint32_t most);
  /// Without zeros at both ends.
  [[nodiscard]] BucketRange trimmed() const;
  void archive(Archive& ar);
  [[nodiscard]] static consteval std::uint64_t archive_layout() { return 1; }
};

/// DDSketch: counts of values by the logarithm of their size. Up to `few` values are kept as a list of their buckets.
class LogBuckets {
 public:
  static constexpr std::size_t few = 32;

  void add(double x, const LogScale& scale, std::uint32_t most) {
    const auto bits = std::bit_cast<std::uint64_t>(x);
    if ((bits >> 52U) - 1 < 2046) [[likely]] {
      // As long as values are few, `first` is 0 and no index is in range.
      const auto i = static_cast<std::uint32_t>(scale.index(bits) - positive_.first.value);
      if (i < positive_.counts.size()) [[likely]] {
        ++positive_.counts[i];
        return;
      }
    }
    add_rare(x, scale, most);
  }
  void merge(const LogBuckets& other, std::uint32_t most);
  /// The value of rank floor(q (n - 1)) of n; flagged if its bucket holds the values for which there were no buckets.
  [[nodiscard]] Checked<double> at(double q, const LogScale& scale) const;
  [[nodiscard]] bool empty() const { return size() == 0 && !has_nan_.value; }

  /// Bytes that it owns.
  [[nodiscard]] std::size_t bytes() const;

  void archive(Archive& ar);
  [[nodiscard]] static consteval std::uint64_t archive_layout() { return 1; }

 private:
  void add_rare(double x, const LogScale& scale, std::uint32_t most);
  void add_few(std::int64_t key, std::uint32_t most);
  void count(std::int64_t key, std::uint32_t most);
  void become_dense(std::uint32_t most);
  [[nodiscard]] std::uint64_t size() const;
  [[nodiscard]] OwnedVector<std::int64_t> keys() const;
  void load_keys(Archive& ar);

  BucketRange positive_;               // or the few: index, 0, or -index
  OwnedVector<BucketRange> negative_;  // none or one
  Emptied<std::uint64_t> zeros_;
  Emptied<bool> is_dense_, has_nan_;
};

}  // namespace detail

/// The value below which a share q of all values lies, within a relative error.
///
/// Use:      quantile(x, 0.95, {.relative_error = 0.01, .most = 2048}), median(x)
/// Formula:  the value of rank floor(q (n - 1)), counted from 0, in ascending order (no interpolation; q = 0.5: the lower median)
/// Result:   std::optional<Checked<double>>, unit of the value; empty of nothing
/// Missing:  skipped and counted; NaN by NanPolicy, propagated: NaN
/// Merge:    exact: bucket counts are added; order does not matter; not invertible
/// Error:    |result - exact| <= relative_error |exact|, always; sizes below 2^-1022 are 0, integers beyond 2^53 are rounded on entry.
///           Flagged if the bound is lost: values of one sign span more than `most` buckets (at 1 % a factor of 1e17) and the result
///           is among the smallest sizes; it is then too far from 0
/// Memory:   72 bytes, and 8 bytes a value up to 32 values; then 8 bytes for each bucket between the smallest and the largest size of
///           a sign, and up to a quarter more (at 1 %: 116 buckets a decade), at most 8 `most` bytes a sign, and 32 bytes for a
///           negative one
/// Cost:     add a polynomial and a count; merge and result O(buckets)
/// Source:   Masson, Rim, Lee, PVLDB 12, 2019 (DDSketch), with cubic interpolation between powers of two
template <detail::Real Value>
struct Quantile {
  using State = detail::LogBuckets;
  static constexpr bool order_independent = true;

  double q = 0.5;
  detail::LogScale scale{QuantileSpec{}.relative_error};
  std::uint32_t most = QuantileSpec{}.most;

  void add(State& state, Value x) const { state.add(static_cast<double>(x), scale, most); }
  void merge(State& state, const State& other) const { state.merge(other, most); }
  [[nodiscard]] std::optional<Checked<double>> result(const State& state) const {
    return state.empty() ? std::nullopt : std::optional{state.at(q, scale)};
  }
};

/// Several quantiles of one state, in the order in which they were asked for. Otherwise as `Quantile`.
///
/// Use:      quantiles<3>(x, {0.5, 0.95, 0.99}, {.relative_error = 0.01, .most = 2048})
/// Formula:  for each q the value of rank floor(q (n - 1)), counted from 0
/// Result:   std::optional<Checked<std::array<double, n>>>, unit of the value; empty of nothing
/// Missing:  skipped and counted; NaN by NanPolicy, propagated: NaN
/// Merge:    exact: bucket counts are added; order does not matter; not invertible
/// Error:    that of `Quantile` for each; flagged if one of them is
/// Memory:   that of `Quantile`, once
/// Cost:     add and merge those of `Quantile`; result n times
/// Source:   Masson, Rim, Lee, PVLDB 12, 2019 (DDSketch)
template <detail::Real Value, std::size_t n>
struct Quantiles {
  using State = detail::LogBuckets;
  static constexpr bool order_independent = true;

  std::array<double, n> q{};
  detail::LogScale scale{QuantileSpec{}.relative_error};
  std::uint32_t most = QuantileSpec{}.most;

  void add(State& state, Value x) const { state.add(static_cast<double>(x), scale, most); }
  void merge(State& state, const State& other) const { state.merge(other, most); }
  [[nodiscard]] std::optional<Checked<std::array<double, n>>> result(const State& state) const {
    if (state.empty()) return std::nullopt;
    Checked<std::array<double, n>> all{};
    for (std::size_t i = 0; i < n; ++i) {
      const Checked<double> one = state.at(q[i], scale);
      all.value[i] = one.value;
      all.overflowed |= one.overflowed;
    }
    return all;
  }
};

namespace detail {

/// What is wrong with the options of a sketch with relative error.
[[nodiscard]] std::string quantile_problem(const double* q, std::size_t count, const QuantileSpec& spec);

template <bool is_median>
struct QuantileOf {
  static constexpr std::string_view name = is_median ? "median" : "quantile";
  double q;
  double relative_error;
  std::uint32_t most;
  LogScale scale{relative_error};

  template <Real Value>
  [[nodiscard]] constexpr Quantile<Value> make() const {
    return {q, scale, most};
  }
  void describe(Description& out) const {
    if (!is_median) out.text("q", number_text(q));
    out.text("relative_error", number_text(relative_error));
  }
  [[nodiscard]] std::string problem() const { return quantile_problem(&q, 1, {relative_error, most}); }
};

template <std::size_t n>
struct QuantilesOf {
  static constexpr std::string_view name = "quantiles";
  std::array<double, n> q;
  double relative_error;
  std::uint32_t most;
  LogScale scale{relative_error};

  template <Real Value>
  [[nodiscard]] constexpr Quantiles<Value, n> make() const {
    return {q, scale, most};
  }
  void describe(Description& out) const {
    out.begin_list("q");
    for (const double one : q) out.text({}, number_text(one));
    out.end();
    out.text("relative_error", number_text(relative_error));
  }
  [[nodiscard]] std::string problem() const { return quantile_problem(q.data(), n, {relative_error, most}); }
};

}  // namespace detail

/// The value below which a share `q` of all values lies; see `Quantile`.
template <class Projection>
[[nodiscard]] constexpr auto quantile(Projection projection, double q, QuantileSpec spec = {}) {
  return detail::feature(detail::QuantileOf<false>{q, spec.relative_error, spec.most}, projection);
}

/// Several quantiles of a value; see `Quantiles`.
template <std::size_t n, class Projection>
[[nodiscard]] constexpr auto quantiles(Projection projection, std::array<double, n> q,
                                       QuantileSpec spec = {}) {
  static_assert(n > 0, "weir: quantiles<n>() gives at least one quantile");
  return detail::feature(detail::QuantilesOf<n>{q, spec.relative_error, spec.most}, projection);
}

/// The value in the middle; see `Quantile`.
template <class Projection>
[[nodiscard]] constexpr auto median(Projection projection, QuantileSpec spec = {}) {
  return detail::feature(detail::QuantileOf<true>{0.5, spec.relative_error, spec.most}, projection);
}

}  // namespace weir::inline v0

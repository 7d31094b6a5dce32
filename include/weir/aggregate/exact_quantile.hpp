#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <weir/aggregate/feature.hpp>
#include <weir/aggregate/sketch.hpp>
#include <weir/state/archive.hpp>
#include <weir/state/owned.hpp>

/// \file
/// exact_quantile, exact_median, iqr, mad: of all values, up to a bound

namespace weir::inline v0 {

/// How many values are kept.
struct ExactQuantileSpec {
  std::uint32_t most = 4096;  ///< one more and the result is NaN and flagged
};

namespace detail {

/// All values, until they are more than `most`: then none, and that there were.
template <Real Value>
class KeptValues {
 public:
  using Kept = std::conditional_t<std::same_as<Value, bool>, std::uint8_t, Value>;

  void add(Value x, std::uint32_t most) {
    if (is_nan(x))
      has_nan_ = true;
    else
      keep(static_cast<Kept>(x), most);
  }
  void merge(const KeptValues& other, std::uint32_t most) {
    has_nan_ = has_nan_.value || other.has_nan_.value;
    if (other.is_full(most)) return become_full();
    const std::size_t size = other.values_.size();
    for (std::size_t i = 0; i < size && !is_full_.value; ++i) keep(Kept{other.values_[i]}, most);
  }
  [[nodiscard]] bool is_full(std::uint32_t most) const { return is_full_.value || values_.size() > most; }
  [[nodiscard]] bool has_nan() const { return has_nan_.value; }
  [[nodiscard]] bool empty() const { return values_.empty() && !is_full_.value && !has_nan_.value; }
  [[nodiscard]] std::vector<double> values() const {
    std::vector<double> all;
    all.reserve(values_.size());
    for (const Kept x : values_) all.push_back(static_cast<double>(x));
    return all;
  }

  /// In their order, so that equal values are equal bytes.
  void archive(Archive& ar) {
    OwnedVector<Kept> sorted;
    if (!ar.is_loading()) {
      sorted = values_;
      // Zeros of both signs are equal, but not their bytes.
      std::sort(sorted.begin(), sorted.end(), [](Kept a, Kept b) {
        if constexpr (Float<Kept>)
          if (a == b) return __builtin_signbit(a) > __builtin_signbit(b);
        return a < b;
      });
    }
    ar(is_full_.value, has_nan_.value, sorted);
    if (!ar.is_loading()) return;
    *this = KeptValues{is_full_.value, has_nan_.value};
    if (is_full_.value && !sorted.empty()) return ar.fail("values that were too many were kept");
    for (std::size_t i = 0; i < sorted.size(); ++i)
      if (is_nan(sorted[i]) || (i > 0 && sorted[i] < sorted[i - 1]))
        return ar.fail("kept values are not in their order");
    values_ = std::move(sorted);
  }
  [[nodiscard]] static constexpr std::uint64_t archive_layout() { return layout_of<Kept>(); }

  KeptValues() = default;

 private:
  KeptValues(bool is_full, bool has_nan) : is_full_(is_full), has_nan_(has_nan) {}

  void keep(Kept x, std::uint32_t most) {
    if (is_full_.value) return;
    if (values_.size() >= most) return become_full();
    values_.push_back(x);
  }
  void become_full() {
    is_full_ = true;
    values_ = OwnedVector<Kept>{};
  }

  OwnedVector<Kept> values_;
  Emptied<bool> is_full_, has_nan_;
};

/// Between the values around rank q (n - 1), of at least one value. Moves the values.
[[nodiscard]] double interpolated_quantile(std::vector<double>& values, double q);
/// The distance between the quartiles.
[[nodiscard]] double interquartile_range(std::vector<double>& values);
/// The median of the distances from the median.
[[nodiscard]] double median_deviation(std::vector<double>& values);

/// What the aggregates of kept values have in common.
template <Real Value>
struct OfKeptValues {
  using State = KeptValues<Value>;
  static constexpr bool order_independent = true;

  std::uint32_t most = ExactQuantileSpec{}.most;

  void add(State& state, Value x) const { state.add(x, most); }
  void merge(State& state, const State& other) const { state.merge(other, most); }

 protected:
  template <class Function>
  [[nodiscard]] std::optional<Checked<double>> result_by(const State& state, Function function) const {
    if (state.empty()) return std::nullopt;
    const bool is_full = state.is_full(most);
    if (is_full || state.has_nan()) return Checked<double>{std::numeric_limits<double>::quiet_NaN(), is_full};
    std::vector<double> values = state.values();
    return Checked<double>{function(values) + 0.0,
                           false};  // -0.0 is 0.0: which of them it is depends on the order
  }
};

}  // namespace detail

/// The value below which a share q of all values lies, exactly, of a bounded number of values.
///
/// Use:      exact_quantile(x, 0.95, {.most = 4096}), exact_median(x)
/// Formula:  h = q (n - 1); x[floor h] + (h - floor h) (x[floor h + 1] - x[floor h]) of the values in ascending order (type 7)
/// Result:   std::optional<Checked<double>>, unit of the value; empty of nothing
/// Missing:  skipped and counted; NaN by NanPolicy, propagated: NaN
/// Merge:    exact; order does not matter; not invertible
/// Error:    rounding of the interpolation; integers beyond 2^53 are rounded; -0.0 is 0.0. More than `most` values: NaN, flagged.
///           Between -inf and inf: NaN
/// Memory:   32 bytes, and up to twice the value's bytes for each of at most `most` values; nothing once there are more
/// Cost:     add 1 amortised; merge the values of `other`; result O(n)
/// Source:   Hyndman, Fan, American Statistician 1996
template <detail::Real Value>
struct ExactQuantile : detail::OfKeptValues<Value> {
  double q = 0.5;

  [[nodiscard]] std::optional<Checked<double>> result(const typename ExactQuantile::State& state) const {
    return this->result_by(
        state, [this](std::vector<double>& values) { return detail::interpolated_quantile(values, q); });
  }
};

/// The distance between the first and the third quartile: how far the middle half of the values is spread.
///
/// Use:      iqr(x, {.most = 4096})
/// Formula:  quantile(0.75) - quantile(0.25), each interpolated as `ExactQuantile`
/// Result:   std::optional<Checked<double>>, unit of the value, never negative; empty of nothing
/// Missing:  skipped and counted; NaN by NanPolicy, propagated: NaN
/// Merge:    exact; order does not matter; not invertible
/// Error:    rounding; integers beyond 2^53 are rounded. More than `most` values: NaN, flagged. Infinite quartiles: infinite or NaN
/// Memory:   that of `ExactQuantile`
/// Cost:     that of `ExactQuantile`, result twice
/// Source:   definition
template <detail::Real Value>
struct Iqr : detail::OfKeptValues<Value> {
  [[nodiscard]] std::optional<Checked<double>> result(const typename Iqr::State& state) const {
    return this->result_by(state, detail::interquartile_range);
  }
};

/// The median absolute deviation: the median of the distances from the median. Half of the values may be anything.
///
/// Use:      mad(x, {.most = 4096})
/// Formula:  median(|x - median(x)|), medians interpolated as `ExactQuantile`; times 1.4826 it estimates a normal standard deviation
/// Result:   std::optional<Checked<double>>, unit of the value, never negative; empty of nothing
/// Missing:  skipped and counted; NaN by NanPolicy, propagated: NaN
/// Merge:    exact; order does not matter; not invertible
/// Error:    rounding; integers beyond 2^53 are rounded. More than `most` values: NaN, flagged. Infinite medians: NaN
/// Memory:   that of `ExactQuantile`
/// Cost:     that of `ExactQuantile`, result twice
/// Source:   Hampel, JASA 1974
template <detail::Real Value>
struct Mad : detail::OfKeptValues<Value> {
  [[nodiscard]] std::optional<Checked<double>> result(const typename Mad::State& state) const {
    return this->result_by(state, detail::median_deviation);
  }
};

namespace detail {
template <bool is_median>
struct ExactQuantileOf {
  static constexpr std::string_view name = is_median ? "exact_median" : "exact_quantile";
  double q;
  std::uint32_t most;

  template <Real Value>
  [[nodiscard]] constexpr ExactQuantile<Value> make() const {
    return {{most}, q};
  }
  void describe(Description& out) const {
    if (!is_median) out.text("q", number_text(q));
  }
  [[nodiscard]] std::string problem() const { return share_problem("q", q); }
};
struct IqrOf {
  static constexpr std::string_view name = "iqr";
  std::uint32_t most;
  template <Real Value>
  [[nodiscard]] constexpr Iqr<Value> make() const {
    return {{most}};
  }
};
struct MadOf {
  static constexpr std::string_view name = "mad";
  std::uint32_t most;
  template <Real Value>
  [[nodiscard]] constexpr Mad<Value> make() const {
    return {{most}};
  }
};
}  // namespace detail

/// The value below which a share `q` of all values lies; see `ExactQuantile`.
template <class Projection>
[[nodiscard]] constexpr auto exact_quantile(Projection projection, double q, ExactQuantileSpec spec = {}) {
  return detail::feature(detail::ExactQuantileOf<false>{q, spec.most}, projection);
}

/// The value in the middle, or between the two in the middle; see `ExactQuantile`.
template <class Projection>
[[nodiscard]] constexpr auto exact_median(Projection projection, ExactQuantileSpec spec = {}) {
  return detail::feature(detail::ExactQuantileOf<true>{0.5, spec.most}, projection);
}

/// The distance between the quartiles; see `Iqr`.
template <class Projection>
[[nodiscard]] constexpr auto iqr(Projection projection, ExactQuantileSpec spec = {}) {
  return detail::feature(detail::IqrOf{spec.most}, projection);
}

/// The median absolute deviation; see `Mad`.
template <class Projection>
[[nodiscard]] constexpr auto mad(Projection projection, ExactQuantileSpec spec = {}) {
  return detail::feature(detail::MadOf{spec.most}, projection);
}

}  // namespace weir::inline v0

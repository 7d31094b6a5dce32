#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <weir/aggregate/extrema.hpp>
#include <weir/aggregate/feature.hpp>
#include <weir/aggregate/sketch.hpp>
#include <weir/state/archive.hpp>
#include <weir/state/owned.hpp>

/// \file
/// rank_quantile: by a sketch with a bound on the error of the rank

namespace weir::inline v0 {

/// How fine the sketch of `rank_quantile` is.
struct RankQuantileSpec {
  std::uint32_t k =
      200;  ///< 8 to 65535: error of the rank 3.3 / k of all values with 99 % confidence, about 3 k values are kept
};

namespace detail {

/// KLL: levels of values, each standing for 2^level values. When there are too many, every other value of a sorted level goes up
/// to the next. Which of the two halves goes is drawn from the values themselves, so that a run can be repeated.
class RankSketch {
 public:
  static constexpr std::uint32_t least_k = 8, most_k = 65535;

  void add(std::uint64_t key, std::uint32_t k) {
    if (items_.size() >= limit_.value) [[unlikely]]
      make_room(k);
    items_.push_back(key);
  }
  void add_nan() { has_nan_ = true; }
  void merge(const RankSketch& other, std::uint32_t k);
  /// The key of rank floor(q (n - 1)), as near as is known; there is one.
  [[nodiscard]] std::uint64_t at(double q) const;
  [[nodiscard]] bool has_nan() const { return has_nan_.value; }
  [[nodiscard]] bool empty() const { return items_.empty(); }

  /// Bytes that it owns.
  [[nodiscard]] std::size_t bytes() const;

  void archive(Archive& ar);
  [[nodiscard]] static consteval std::uint64_t archive_layout() { return 1; }

 private:
  void make_room(std::uint32_t k);
  void compact(std::size_t level);
  [[nodiscard]] std::size_t size_of(std::size_t level) const {
    return level == 0 ? items_.size() - upper_.value : sizes_[level - 1];
  }

  OwnedVector<std::uint64_t> items_;  // level by level, the highest first; all sorted but level 0
  OwnedVector<std::uint32_t> sizes_;  // of the levels from 1
  Emptied<std::uint64_t> random_;
  Emptied<std::uint32_t> limit_;  // how many items there may be
  Emptied<std::uint32_t> upper_;  // items in the levels from 1
  Emptied<bool> has_nan_;
};

/// Numbers as integers in the same order.
template <class T>
[[nodiscard]] constexpr std::uint64_t order_key(T x) {
  constexpr std::uint64_t sign = std::uint64_t{1} << 63U;
  if constexpr (Float<T>)
    return static_cast<std::uint64_t>(in_order(std::bit_cast<std::int64_t>(static_cast<double>(x)))) ^ sign;
  else if constexpr (std::same_as<T, Duration>)
    return static_cast<std::uint64_t>(x.count()) ^ sign;
  else
    return std::is_signed_v<T> ? static_cast<std::uint64_t>(x) ^ sign : static_cast<std::uint64_t>(x);
}
template <class T>
[[nodiscard]] constexpr T of_order_key(std::uint64_t key) {
  const auto number = static_cast<std::int64_t>(key ^ (std::uint64_t{1} << 63U));
  if constexpr (Float<T>)
    return static_cast<T>(std::bit_cast<double>(in_order(number)));
  else if constexpr (std::same_as<T, Duration>)
    return Duration{number};
  else
    return std::is_signed_v<T> ? static_cast<T>(number) : static_cast<T>(key);
}

}  // namespace detail

/// A value whose rank is near to q of all, whatever the values are.
///
/// Use:      rank_quantile(x, 0.95, {.k = 200})
/// Formula:  KLL: one of the values, of about rank floor(q (n - 1)), counted from 0, in ascending order
/// Result:   std::optional of the value, unit of the value; empty of nothing
/// Missing:  skipped and counted; NaN by NanPolicy, propagated: NaN
/// Merge:    approximate: the bound holds for merges of any shape; which value comes depends on the order within it; not invertible
/// Error:    exact up to k values; beyond, the rank is off by at most 3.3 / k of all values (k = 200: 1.65 %) with 99 % confidence
///           for each q, measured 1.5 / k; the confidence is over values that were not chosen by who knows what is drawn. -0.0 is
///           below +0.0
/// Memory:   72 bytes, and up to 16 bytes for each of at most 3 k + 8 log2(n / k) values that are kept (k = 200: 11 KiB)
/// Cost:     add amortised O(log k): a sort of 8 values for each 8; merge O(k); result O(k log k)
/// Source:   Karnin, Lang, Liberty, FOCS 2016
template <detail::Number Value>
struct RankQuantile {
  using State = detail::RankSketch;

  double q = 0.5;
  std::uint32_t k = RankQuantileSpec{}.k;

  void add(State& state, Value x) const {
    if (detail::is_nan(x)) return state.add_nan();
    state.add(detail::order_key(x), k);
  }
  void merge(State& state, const State& later) const { state.merge(later, k); }
  [[nodiscard]] std::optional<Value> result(const State& state) const {
    if constexpr (detail::Float<Value>)
      if (state.has_nan()) return std::numeric_limits<Value>::quiet_NaN();
    if (state.empty()) return std::nullopt;
    return detail::of_order_key<Value>(state.at(q));
  }
};

namespace detail {
struct RankQuantileOf {
  static constexpr std::string_view name = "rank_quantile";
  double q;
  std::uint32_t k;

  template <Number Value>
  [[nodiscard]] constexpr RankQuantile<Value> make() const {
    return {q, k};
  }
  void describe(Description& out) const {
    out.text("q", number_text(q));
    out.number("k", k);
  }
  [[nodiscard]] std::string problem() const {
    std::string problem = share_problem("q", q);
    if (!problem.empty()) return problem;
    return option_problem(k >= RankSketch::least_k && k <= RankSketch::most_k, "k", k,
                          "a number from 8 to 65535");
  }
};
}  // namespace detail

/// A value whose rank is near to `q` of all; see `RankQuantile`.
template <class Projection>
[[nodiscard]] constexpr auto rank_quantile(Projection projection, double q, RankQuantileSpec spec = {}) {
  return detail::feature(detail::RankQuantileOf{q, spec.k}, projection);
}

}  // namespace weir::inline v0

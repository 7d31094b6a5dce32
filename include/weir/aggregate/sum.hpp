#pragma once

#include <cstdint>
#include <string_view>

#include <weir/aggregate/feature.hpp>

/// \file
/// sum

namespace weir::inline v0 {

namespace detail {

/// A 128-bit integer in two halves: aligned like its neighbours, so that States stay small.
struct WideInteger {
  std::uint64_t low = 0;
  std::int64_t high = 0;

  [[nodiscard]] constexpr Int128 value() const {
    return static_cast<Int128>(static_cast<Unsigned>(static_cast<std::uint64_t>(high)) << 64U | low);
  }
  // Unsigned: what was read from a snapshot may be anything, and wraps.
  constexpr void add(Int128 x) { set(static_cast<Unsigned>(value()) + static_cast<Unsigned>(x)); }
  constexpr void subtract(Int128 x) { set(static_cast<Unsigned>(value()) - static_cast<Unsigned>(x)); }

 private:
  __extension__ typedef unsigned __int128 Unsigned;

  constexpr void set(Unsigned x) {
    low = static_cast<std::uint64_t>(x);
    high = static_cast<std::int64_t>(x >> 64U);
  }
};

/// A sum and what rounding took from it so far.
struct CompensatedSum {
  double sum = 0;
  double error = 0;

  /// Knuth's TwoSum: the same bound as Neumaier's, without its branch.
  constexpr void add(double x) {
    const double total = sum + x;
    const double seen = total - sum;
    error += (sum - (total - seen)) + (x - seen);
    sum = total;
  }
  [[gnu::always_inline]] constexpr void merge(const CompensatedSum& other) {
    add(other.sum);
    error += other.error;
  }
  /// Infinities leave NaN in `error`; then the plain sum is right: infinite, or NaN for +inf and -inf.
  [[nodiscard]] constexpr double value() const {
    const double corrected = sum + error;
    return corrected - corrected == 0 ? corrected : sum;
  }
};

}  // namespace detail

/// Sum of integers or durations, kept in 128 bits.
///
/// Use:      sum(x)
/// Formula:  sum x
/// Result:   Checked of std::int64_t, std::uint64_t for unsigned values, or Duration, in units of the value; 0 of nothing
/// Missing:  skipped and counted
/// Merge:    exact; order does not matter; invertible
/// Error:    none; a sum beyond the result's type is held at its limit and flagged
/// Memory:   16 bytes
/// Cost:     add, merge: one 128-bit addition; result: two comparisons
/// Source:   definition
template <detail::Number Value>
struct Sum {
  using Total =
      std::conditional_t<std::same_as<Value, Duration>, Duration,
                         std::conditional_t<std::is_unsigned_v<Value>, std::uint64_t, std::int64_t>>;
  using State = detail::WideInteger;
  static constexpr bool order_independent = true;

  constexpr void add(State& state, Value x) const {
    if constexpr (std::same_as<Value, Duration>)
      state.add(x.count());
    else
      state.add(static_cast<detail::Int128>(x));
  }
  constexpr void merge(State& state, const State& other) const { state.add(other.value()); }
  constexpr void remove(State& state, const State& other) const { state.subtract(other.value()); }
  [[nodiscard]] constexpr Checked<Total> result(const State& state) const {
    return detail::held<Total>(state.value());
  }
};

/// Compensated sum of floating-point numbers. Needs value-safe floating point (no -ffast-math).
///
/// Use:      sum(x)
/// Formula:  sum x
/// Result:   double, in units of the value; 0 of nothing
/// Missing:  skipped and counted; NaN by NanPolicy
/// Merge:    up to rounding; not invertible
/// Error:    |result - exact| <= 2u |exact| + 2 n^2 u^2 sum |x|, u = 2^-53, n values, merged in any grouping; a partial sum
///           beyond the range of double is infinite and stays so; inf and -inf give NaN
/// Memory:   16 bytes
/// Cost:     add 7 floating-point operations, no branch; merge 8; result 3
/// Source:   Neumaier, ZAMM 1974; Ogita, Rump, Oishi, SIAM J. Sci. Comput. 2005 (Sum2)
template <detail::Float Value>
struct Sum<Value> {
  using State = detail::CompensatedSum;

  constexpr void add(State& state, double x) const { state.add(x); }
  constexpr void merge(State& state, const State& other) const { state.merge(other); }
  [[nodiscard]] constexpr double result(const State& state) const { return state.value(); }
};

namespace detail {
struct SumOf {
  static constexpr std::string_view name = "sum";
  template <Number Value>
  static constexpr Sum<Value> make() {
    return {};
  }
};
}  // namespace detail

/// The sum of a value; see `Sum`.
template <class Projection>
[[nodiscard]] constexpr auto sum(Projection projection) {
  return detail::feature(detail::SumOf{}, projection);
}

}  // namespace weir::inline v0

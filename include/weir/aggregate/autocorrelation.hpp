#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <weir/aggregate/feature.hpp>
#include <weir/aggregate/in_order.hpp>
#include <weir/aggregate/sequence.hpp>
#include <weir/aggregate/variance.hpp>

/// \file
/// autocorrelation. Records stand in the order (event time, arrival).

namespace weir::inline v0 {

namespace detail {

/// Running means of pairs and the sum of the products of their distances from them.
struct PairMoments {
  double count = 0;
  double mean_x = 0;
  double mean_y = 0;
  double products = 0;

  constexpr void add(double x, double y) {
    count += 1;
    const double distance = x - mean_x;
    mean_x += distance / count;
    mean_y += (y - mean_y) / count;
    products += distance * (y - mean_y);
  }
  constexpr void merge(const PairMoments& other) {
    if (other.count == 0) return;
    if (count == 0) {
      *this = other;
      return;
    }
    const double total = count + other.count, share = other.count / total;
    const double distance_x = other.mean_x - mean_x, distance_y = other.mean_y - mean_y;
    mean_x += distance_x * share;
    mean_y += distance_y * share;
    products += other.products + distance_x * distance_y * (count * share);
    count = total;
  }
};

/// Values paired with those that come `lag` behind. The values at both ends pair with those of neighbouring parts.
template <Real Value, std::size_t lag>
struct LaggedPairs {
  struct State {
    Moments all{};
    PairMoments pairs{};
    Sequence<double, lag> head{};
    Sequence<double, lag> tail{};
  };

  constexpr void add(State& state, Value value) const {
    const auto x = static_cast<double>(value);
    state.all.add(x);
    if (state.tail.size() == lag) state.pairs.add(state.tail[0], x);
    if (state.head.size() < lag) state.head.insert(state.head.size(), x);
    append(state.tail, x);
  }
  constexpr void merge(State& state, const State& later) const {
    state.all.merge(later.all);
    for (std::size_t i = 0; i < state.tail.size(); ++i) {
      const std::size_t partner = lag - state.tail.size() + i;
      if (partner < later.head.size()) state.pairs.add(state.tail[i], later.head[partner]);
    }
    state.pairs.merge(later.pairs);
    for (std::size_t i = 0; i < later.head.size() && state.head.size() < lag; ++i)
      state.head.insert(state.head.size(), later.head[i]);
    for (std::size_t i = 0; i < later.tail.size(); ++i) append(state.tail, later.tail[i]);
  }
  [[nodiscard]] constexpr std::optional<double> result(const State& state) const {
    if (state.pairs.count == 0 || state.all.squares == 0) return std::nullopt;
    const double distance_x = state.pairs.mean_x - state.all.mean,
                 distance_y = state.pairs.mean_y - state.all.mean;
    const double correlation =
        (state.pairs.products + state.pairs.count * distance_x * distance_y) / state.all.squares;
    return correlation > 1 ? 1 : correlation < -1 ? -1 : correlation;
  }

 private:
  static constexpr void append(Sequence<double, lag>& tail, double x) {
    if (tail.size() == lag) tail.erase_front();
    tail.insert(tail.size(), x);
  }
};

}  // namespace detail

/// How much a value goes with the one that came so many records before it.
///
/// Use:      autocorrelation<lag>(x), autocorrelation<lag, disorder>(x)
/// Formula:  sum(x[i] - m)(x[i + lag] - m) / sum(x[i] - m)^2, m the mean of all, in the order (event time, arrival)
/// Result:   std::optional<Checked<double>>, in [-1, 1], no unit; empty of `lag` values or fewer, or if all are equal; flagged if a record
///           came after more than `disorder` newer ones
/// Missing:  skipped and counted: the values around become neighbours; NaN by NanPolicy, a NaN that is added makes the result NaN
/// Merge:    up to rounding; by event time; not invertible
/// Error:    4 n u sqrt(1 + mean^2 / variance), u = 2^-53, n values; integers beyond 2^53 are rounded on entry; infinite values give
///           NaN, distances beyond 1e154 overflow
/// Memory:   92 + 16 (lag + disorder) bytes for 64-bit values, rounded up to 8: 240 by default with a lag of 1, in place
/// Cost:     add 2 divisions and lag moves, and a move per newer record; merge lag + disorder of these; result disorder
/// Source:   Box, Jenkins, Time Series Analysis, 1970 (estimator); Chan, Golub, LeVeque, American Statistician 1983 (merging)
template <detail::Real Value, std::size_t lag, std::size_t disorder = 8>
struct Autocorrelation : detail::InOrder<detail::LaggedPairs<Value, lag>, Value, disorder> {
  static_assert(lag > 0 && lag <= 1024, "weir: autocorrelation<lag>() takes a lag of 1 to 1024 records");
};

namespace detail {
template <std::size_t lag, std::size_t disorder>
struct AutocorrelationOf {
  static constexpr std::string_view name = "autocorrelation";
  static void describe(Description& out) {
    out.number("lag", lag);
    out.number("disorder", disorder);
  }
  template <Real Value>
  static constexpr Autocorrelation<Value, lag, disorder> make() {
    return {};
  }
};
}  // namespace detail

/// How much a value goes with the one `lag` records before it; see `Autocorrelation`.
template <std::size_t lag, std::size_t disorder = 8, class Projection>
[[nodiscard]] constexpr auto autocorrelation(Projection projection) {
  return detail::feature(detail::AutocorrelationOf<lag, disorder>{}, projection);
}

}  // namespace weir::inline v0

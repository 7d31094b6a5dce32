#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

#include <weir/aggregate/extrema.hpp>
#include <weir/aggregate/feature.hpp>
#include <weir/aggregate/sum.hpp>

/// \file
/// vector_sum, vector_mean, vector_min, vector_max, cosine_to_centroid: of std::array<float or double, size>, such as embeddings

namespace weir::inline v0 {

/// What these aggregates add: an array, which is NaN if one of its elements is.
template <class Array>
struct Elements {
  Array values;

  constexpr operator const std::remove_cvref_t<Array>&() const {
    return values;
  }  // NOLINT: an array is one as it is
  [[nodiscard]] constexpr bool is_nan() const {
    bool any = false;
    for (const auto& x : values) any = any || detail::is_nan(x);
    return any;
  }
};

/// Sum of each element.
///
/// Use:      vector_sum(x); x is a std::array<float or double, size>
/// Formula:  r[i] = sum(x[i])
/// Result:   std::array<double, size>, in the units of the value; 0 of nothing
/// Missing:  skipped and counted; an array with a NaN by NanPolicy, a NaN that is added makes its element NaN
/// Merge:    up to rounding; order does not matter beyond that; not invertible
/// Error:    that of `Sum` for each element
/// Memory:   16 size bytes, in place
/// Cost:     add 7 size operations; merge 8 size; result 2 size
/// Source:   Neumaier, ZAMM 1974; Ogita, Rump, Oishi, SIAM J. Sci. Comput. 2005 (Sum2)
template <detail::Float T, std::size_t size>
struct VectorSum {
  using State = std::array<detail::CompensatedSum, size>;

  constexpr void add(State& state, const std::array<T, size>& x) const {
    for (std::size_t i = 0; i < size; ++i) state[i].add(static_cast<double>(x[i]));
  }
  constexpr void merge(State& state, const State& other) const {
    for (std::size_t i = 0; i < size; ++i) state[i].merge(other[i]);
  }
  [[nodiscard]] constexpr std::array<double, size> result(const State& state) const {
    std::array<double, size> sums{};
    for (std::size_t i = 0; i < size; ++i) sums[i] = state[i].value();
    return sums;
  }
};

/// Mean of each element: the centroid.
///
/// Use:      vector_mean(x); x is a std::array<float or double, size>
/// Formula:  r[i] = sum(x[i]) / n
/// Result:   std::optional<std::array<double, size>>, in the units of the value; empty of nothing
/// Missing:  skipped and counted; an array with a NaN by NanPolicy, a NaN that is added makes its element NaN
/// Merge:    up to rounding; order does not matter beyond that; not invertible
/// Error:    that of `Mean` for each element
/// Memory:   16 size + 8 bytes, in place
/// Cost:     add 7 size operations; merge 8 size; result size divisions
/// Source:   definition; sums as `VectorSum`
template <detail::Float T, std::size_t size>
struct VectorMean {
  struct State {
    typename VectorSum<T, size>::State sums{};
    std::uint64_t count = 0;
  };

  constexpr void add(State& state, const std::array<T, size>& x) const {
    VectorSum<T, size>{}.add(state.sums, x);
    ++state.count;
  }
  constexpr void merge(State& state, const State& other) const {
    VectorSum<T, size>{}.merge(state.sums, other.sums);
    state.count += other.count;
  }
  [[nodiscard]] constexpr std::optional<std::array<double, size>> result(const State& state) const {
    if (state.count == 0) return std::nullopt;
    std::array<double, size> means = VectorSum<T, size>{}.result(state.sums);
    for (double& mean : means) mean /= static_cast<double>(state.count);
    return means;
  }
};

namespace detail {

template <Float T, std::size_t size, bool lowest>
struct VectorExtreme {
  using One = Extreme<T, lowest>;
  using State = std::array<typename One::State, size>;
  static constexpr bool order_independent = true;

  constexpr void add(State& state, const std::array<T, size>& x) const {
    for (std::size_t i = 0; i < size; ++i) One{}.add(state[i], static_cast<double>(x[i]));
  }
  constexpr void merge(State& state, const State& other) const {
    for (std::size_t i = 0; i < size; ++i) One{}.merge(state[i], other[i]);
  }
  [[nodiscard]] constexpr std::optional<std::array<T, size>> result(const State& state) const {
    std::array<T, size> all{};
    for (std::size_t i = 0; i < size; ++i) {
      const std::optional<T> one = One{}.result(state[i]);
      if (!one) return std::nullopt;
      all[i] = *one;
    }
    return all;
  }
};

}  // namespace detail

/// Smallest of each element.
///
/// Use:      vector_min(x); x is a std::array<float or double, size>
/// Formula:  r[i] = min(x[i])
/// Result:   std::optional of an array as x; empty of nothing
/// Missing:  skipped and counted; an array with a NaN by NanPolicy, a NaN that is added makes its element NaN
/// Merge:    exact; order does not matter; not invertible
/// Error:    none; -0.0 is below +0.0
/// Memory:   8 size bytes, in place
/// Cost:     add, merge and result size comparisons
/// Source:   definition
template <detail::Float T, std::size_t size>
struct VectorMin : detail::VectorExtreme<T, size, true> {};

/// Largest of each element.
///
/// Use:      vector_max(x); x is a std::array<float or double, size>
/// Formula:  r[i] = max(x[i])
/// Result:   std::optional of an array as x; empty of nothing
/// Missing:  skipped and counted; an array with a NaN by NanPolicy, a NaN that is added makes its element NaN
/// Merge:    exact; order does not matter; not invertible
/// Error:    none; -0.0 is below +0.0
/// Memory:   8 size bytes, in place
/// Cost:     add, merge and result size comparisons
/// Source:   definition
template <detail::Float T, std::size_t size>
struct VectorMax : detail::VectorExtreme<T, size, false> {};

namespace detail {
/// Cosine of the angle between two vectors; empty if one has no length. NaN if an element is not finite.
[[nodiscard]] std::optional<double> cosine(const double* a, const double* b, std::size_t size);
}  // namespace detail

/// How much the newest array points in the direction of the mean of the others in the window: 1 the same, 0 across, -1 against.
///
/// Use:      cosine_to_centroid(x); x is a std::array<float or double, size>
/// Formula:  (x . c) / (|x| |c|), x of the newest record, c the mean of x of all others
/// Result:   std::optional<double>, in [-1, 1], no unit; empty of fewer than 2 records, or if x or c is 0
/// Missing:  skipped and counted; an array with a NaN by NanPolicy, a NaN that is added makes the result NaN
/// Merge:    up to rounding; by event time, only which record is newest depends on it; not invertible
/// Error:    (size + 8) u, u = 2^-53, and that of `Sum` in parts of |c| n, which grows as the others cancel; infinite values give NaN
/// Memory:   16 size + 16 bytes and an array, in place
/// Cost:     add 7 size operations; merge 15 size; result 8 size
/// Source:   definition
template <detail::Float T, std::size_t size>
struct CosineToCentroid {
  struct State {
    typename VectorSum<T, size>::State others{};
    std::uint64_t count = 0;  // of the others
    EventTime at = no_time;   // of the newest record; no_time: there is none
    std::array<T, size> newest{};
  };

  constexpr void add(State& state, const std::array<T, size>& x, EventTime at) const {
    if (state.at != no_time) {
      VectorSum<T, size>{}.add(state.others, at < state.at ? x : state.newest);
      ++state.count;
    }
    if (at < state.at) return;
    state.newest = x;
    state.at = at;
  }
  constexpr void merge(State& state, const State& later) const {
    if (later.at == no_time) return;
    VectorSum<T, size>{}.merge(state.others, later.others);
    state.count += later.count;
    add(state, later.newest, later.at);
  }
  [[nodiscard]] std::optional<double> result(const State& state) const {
    if (state.count == 0) return std::nullopt;
    const std::array<double, size> sums = VectorSum<T, size>{}.result(state.others);
    std::array<double, size> newest{};
    for (std::size_t i = 0; i < size; ++i) newest[i] = static_cast<double>(state.newest[i]);
    return detail::cosine(newest.data(), sums.data(), size);
  }
};

namespace detail {

template <class T>
struct ArrayOf {
  static constexpr bool is_vector = false;
};
template <Float T, std::size_t count>
requires(count > 0) struct ArrayOf<std::array<T, count>> {
  static constexpr bool is_vector = true;
  static constexpr std::size_t size = count;
  using Element = T;
};
/// The array that Elements are of.
template <class Value>
using ArrayIn = ArrayOf<std::remove_cvref_t<decltype(Value::values)>>;

template <template <class, std::size_t> class Of>
inline constexpr std::string_view vector_name{};
template <>
inline constexpr std::string_view vector_name<VectorSum> = "vector_sum";
template <>
inline constexpr std::string_view vector_name<VectorMean> = "vector_mean";
template <>
inline constexpr std::string_view vector_name<VectorMin> = "vector_min";
template <>
inline constexpr std::string_view vector_name<VectorMax> = "vector_max";
template <>
inline constexpr std::string_view vector_name<CosineToCentroid> = "cosine_to_centroid";

template <template <class, std::size_t> class Of>
struct VectorOf {
  static constexpr std::string_view name = vector_name<Of>;
  template <class Value>
  requires(ArrayIn<Value>::is_vector) static constexpr Of<typename ArrayIn<Value>::Element,
                                                          ArrayIn<Value>::size> make() {
    return {};
  }
};

/// Projects to Elements.
template <class Projection>
struct ElementsBy {
  Projection projection;

  template <class In>
  requires std::is_invocable_v<const Projection&, const In&>
  constexpr auto operator()(const In& in) const {
    using Seen = std::invoke_result_t<const Projection&, const In&>;
    if constexpr (is_optional<std::remove_cvref_t<Seen>>) {
      using Result = Elements<typename std::remove_cvref_t<Seen>::value_type>;
      const auto& x = project(projection, in);
      return x ? std::optional<Result>{Result{*x}} : std::nullopt;
    } else {
      return Elements<Seen>{project(projection, in)};
    }
  }
};

template <class In, class Projection>
void describe_value(Description& out, const ElementsBy<Projection>& by) {
  describe_value<In>(out, by.projection);
}

}  // namespace detail

/// The sum of each element; see `VectorSum`.
template <class Projection>
[[nodiscard]] constexpr auto vector_sum(Projection projection) {
  return detail::feature(detail::VectorOf<VectorSum>{}, detail::ElementsBy<Projection>{projection});
}

/// The mean of each element; see `VectorMean`.
template <class Projection>
[[nodiscard]] constexpr auto vector_mean(Projection projection) {
  return detail::feature(detail::VectorOf<VectorMean>{}, detail::ElementsBy<Projection>{projection});
}

/// The smallest of each element; see `VectorMin`.
template <class Projection>
[[nodiscard]] constexpr auto vector_min(Projection projection) {
  return detail::feature(detail::VectorOf<VectorMin>{}, detail::ElementsBy<Projection>{projection});
}

/// The largest of each element; see `VectorMax`.
template <class Projection>
[[nodiscard]] constexpr auto vector_max(Projection projection) {
  return detail::feature(detail::VectorOf<VectorMax>{}, detail::ElementsBy<Projection>{projection});
}

/// How much the newest array points in the direction of the mean of the others; see `CosineToCentroid`.
template <class Projection>
[[nodiscard]] constexpr auto cosine_to_centroid(Projection projection) {
  return detail::feature(detail::VectorOf<CosineToCentroid>{}, detail::ElementsBy<Projection>{projection});
}

}  // namespace weir::inline v0

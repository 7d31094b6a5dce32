#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <weir/aggregate/feature.hpp>
#include <weir/aggregate/sketch.hpp>
#include <weir/state/archive.hpp>
#include <weir/state/owned.hpp>

/// \file
/// frequency_of_newest: by a count-min sketch

namespace weir::inline v0 {

/// How fine the sketch of `frequency_of_newest` is.
struct CountMinSpec {
  double epsilon = 0.01;  ///< 0.0001 to 1: the result is too high by at most epsilon of all values
  double delta = 0.01;    ///< 0.000001 to 0.5: with this probability it is higher
};

namespace detail {

/// Rows of 2^bits counters; a value counts in one place of each row.
struct CountMinShape {
  std::uint8_t rows = 0;
  std::uint8_t bits = 0;

  [[nodiscard]] static constexpr CountMinShape of(const CountMinSpec& spec) {
    constexpr double e = 2.71828182845904523536;
    CountMinShape shape{1, 2};
    while (shape.bits < most_bits && spec.epsilon * static_cast<double>(1U << shape.bits) < e) ++shape.bits;
    for (double missed = 1 / e; shape.rows < most_rows && missed > spec.delta; missed /= e) ++shape.rows;
    return shape;
  }
  static constexpr std::uint8_t most_rows = 14, most_bits = 15;

  friend constexpr bool operator==(const CountMinShape&, const CountMinShape&) = default;
};

/// Count-min, and the hash of the newest value. Up to `few` different values are counted one by one.
class CountMin {
 public:
  static constexpr std::size_t few = 32;

  CountMin();
  CountMin(const CountMin& other);
  CountMin& operator=(const CountMin& other);
  CountMin(CountMin&& other) noexcept;
  CountMin& operator=(CountMin&& other) noexcept;
  ~CountMin();

  void add(std::uint64_t hash, EventTime at, CountMinShape shape) {
    if (at >= at_) {
      at_ = at;
      newest_ = hash;
    }
    if (counters_.empty()) [[unlikely]]
      return add_few(hash, 1, shape);
    for (std::uint32_t row = 0; row < shape_.rows; ++row) {
      std::uint32_t& counter = counters_[place(hash, row)];
      counter += counter == held ? 0 : 1;
    }
  }
  void merge(const CountMin& later, CountMinShape shape);
  [[nodiscard]] bool empty() const { return counters_.empty() && few_.empty(); }
  /// How often the newest value occurred, or more.
  [[nodiscard]] Checked<std::uint64_t> newest() const;
  /// Bytes that it owns.
  [[nodiscard]] std::size_t bytes() const;

  void archive(Archive& ar);
  [[nodiscard]] static consteval std::uint64_t archive_layout() { return 1; }

 private:
  static constexpr std::uint32_t held = ~std::uint32_t{0};
  struct Few {
    std::uint64_t hash, count;
  };
  static constexpr std::array<std::uint64_t, CountMinShape::most_rows> factors = [] {
    std::array<std::uint64_t, CountMinShape::most_rows> odd{};
    std::uint64_t z = 1;
    for (std::uint64_t& factor : odd) {
      z = (z ^ (z >> 29U)) * 0xBF58476D1CE4E5B9 + 0x9E3779B97F4A7C15;
      factor = (z ^ (z >> 31U)) | 1U;
    }
    return odd;
  }();

  [[nodiscard]] std::size_t place(std::uint64_t hash, std::uint32_t row) const {
    return (std::size_t{row} << shape_.bits) +
           static_cast<std::size_t>((hash * factors[row]) >> (64U - shape_.bits));
  }
  void add_few(std::uint64_t hash, std::uint64_t count, CountMinShape shape);
  void count(std::uint64_t hash, std::uint64_t count);
  void swap(CountMin& other) noexcept;

  OwnedVector<Few> few_;  // in the order of their hashes
  OwnedVector<std::uint32_t> counters_;
  std::uint64_t newest_ = 0;
  EventTime at_ = no_time;
  CountMinShape shape_{};
};

}  // namespace detail

/// How often the newest value occurred: 1 if it is new to the window.
///
/// Use:      frequency_of_newest(x, {.epsilon = 0.01, .delta = 0.01})
/// Formula:  count-min: the smallest of ln(1 / delta) counters, each of e / epsilon in its row, that the value shares with others
/// Result:   std::optional<Checked<std::uint64_t>>, values; empty of nothing. Newest by event time, among equals the last to arrive
/// Missing:  skipped and counted; NaN by NanPolicy, all NaN being one value; -0.0 is 0.0
/// Merge:    exact: counters are added; newest by event time; not invertible
/// Error:    never too low; too high by at most epsilon N of N values with confidence 1 - delta; exact up to 32 different values (but
///           for equal hashes of 64 bits). 2^32 - 1 and more of one value are held there and flagged
/// Memory:   72 bytes, and up to 32 bytes a value up to 32 different ones (1 KiB), then 4 bytes for each of rows 2^bits counters,
///           2^bits >= e / epsilon (at 1 % and 1 %: 5 rows of 512, 10 KiB)
/// Cost:     add one hash and a counter a row; merge and result O(counters), O(rows)
/// Source:   Cormode, Muthukrishnan, Journal of Algorithms 2005
template <detail::Hashable Value>
struct FrequencyOfNewest {
  using State = detail::CountMin;

  detail::CountMinShape shape = detail::CountMinShape::of({});

  void add(State& state, const Value& x, EventTime at) const { state.add(detail::hash_of(x), at, shape); }
  void merge(State& state, const State& later) const { state.merge(later, shape); }
  [[nodiscard]] std::optional<Checked<std::uint64_t>> result(const State& state) const {
    return state.empty() ? std::nullopt : std::optional{state.newest()};
  }
};

namespace detail {
struct FrequencyOfNewestOf {
  static constexpr std::string_view name = "frequency_of_newest";
  double epsilon, delta;
  CountMinShape shape = CountMinShape::of({epsilon, delta});

  template <Hashable Value>
  [[nodiscard]] constexpr auto make() const {
    return FrequencyOfNewest<std::conditional_t<Text<Value>, std::string_view, Value>>{shape};
  }
  void describe(Description& out) const {
    out.text("epsilon", number_text(epsilon));
    out.text("delta", number_text(delta));
  }
  [[nodiscard]] std::string problem() const {
    std::string problem =
        option_problem(epsilon >= 0.0001 && epsilon <= 1, "epsilon", epsilon, "a number from 0.0001 to 1");
    if (!problem.empty()) return problem;
    return option_problem(delta >= 0.000001 && delta <= 0.5, "delta", delta, "a number from 0.000001 to 0.5");
  }
};
}  // namespace detail

/// How often the newest value occurred; see `FrequencyOfNewest`.
template <class Projection>
[[nodiscard]] constexpr auto frequency_of_newest(Projection projection, CountMinSpec spec = {}) {
  return detail::feature(detail::FrequencyOfNewestOf{spec.epsilon, spec.delta}, projection);
}

}  // namespace weir::inline v0

#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <weir/state/archive.hpp>
#include <weir/time/instant.hpp>

/// \file
/// Seeded samples and exact references for the tests of the aggregates.

namespace samples {

__extension__ typedef __int128 Wide;
__extension__ typedef __float128 Exact;

/// 2^-53: half the distance from 1 to the next double.
inline constexpr double unit = 0x1p-53;

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  std::uint64_t bits() { return engine_(); }
  std::uint64_t below(std::uint64_t limit) { return engine_() % limit; }
  std::int64_t between(std::int64_t least, std::int64_t most) {
    return least + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(most - least) + 1));
  }
  /// In [0, 1).
  double fraction() { return static_cast<double>(engine_() >> 11U) * 0x1p-53; }
  /// Of either sign, with exponents from 2^-range to 2^range.
  double spread(int range) {
    const double size = __builtin_ldexp(1 + fraction(), static_cast<int>(between(-range, range)));
    return below(2) == 0 ? size : -size;
  }

 private:
  std::mt19937_64 engine_;  // its numbers are fixed by the standard; those of the distributions are not
};

inline std::vector<double> fractions(std::uint64_t seed, std::size_t n) {
  Random random{seed};
  std::vector<double> values;
  for (std::size_t i = 0; i < n; ++i) values.push_back(random.fraction());
  return values;
}

inline std::vector<double> spreads(std::uint64_t seed, std::size_t n, int range) {
  Random random{seed};
  std::vector<double> values;
  for (std::size_t i = 0; i < n; ++i) values.push_back(random.spread(range));
  return values;
}

/// Small numbers, with many equal ones among them.
inline std::vector<std::int64_t> integers(std::uint64_t seed, std::size_t n, std::int64_t most) {
  Random random{seed};
  std::vector<std::int64_t> values;
  for (std::size_t i = 0; i < n; ++i) values.push_back(random.between(-most, most));
  return values;
}

/// One State of everything, in the given order, one second apart.
template <class A, class T>
typename A::State added(const A& aggregator, const std::vector<T>& values) {
  typename A::State state{};
  std::int64_t at = 0;
  for (const T& x : values) {
    if constexpr (requires { aggregator.add(state, x, weir::EventTime{}); })
      aggregator.add(state, x, weir::event_time(at++ * 1'000'000));
    else
      aggregator.add(state, x);
  }
  return state;
}

template <class A, class T>
auto result_of(const A& aggregator, const std::vector<T>& values) {
  return aggregator.result(added(aggregator, values));
}

/// What a snapshot would have of it.
template <class State>
std::string written(const State& state) {
  weir::Archive archive;
  archive.write(state);
  return std::string(archive.written());
}

/// Whether merging a State with itself is the same as merging it with a copy, of strings that own memory.
template <class A>
bool merges_with_itself(const A& aggregator) {
  std::vector<std::string> words;
  for (int i = 0; i < 9; ++i)
    words.push_back("a word too long to be kept in place " + std::to_string(i * 7 % 5));
  auto state = added(aggregator, words);
  auto merged = state;
  aggregator.merge(merged, state);
  aggregator.merge(state, state);
  return aggregator.result(state) == aggregator.result(merged);
}

inline double size_of(double x) { return x < 0 ? -x : x; }

/// |found - exact|, rounded to double.
inline double error_of(double found, Exact exact) {
  const Exact error = static_cast<Exact>(found) - exact;
  return static_cast<double>(error < 0 ? -error : error);
}

}  // namespace samples

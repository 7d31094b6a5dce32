#include <weir/aggregate/timing.hpp>

namespace weir::inline v0::detail {

GapSpread spread_of(const GapSquares::State& state) {
  using Wide = GapSquares::Wide;
  const std::uint64_t gaps = state.records - 1;
  const std::uint64_t sum = gap_between(state.oldest, state.newest);
  // With sum = quotient * gaps + rest, the squares of the distances from the whole number `quotient` are exact; those from the
  // mean are less by rest^2 / gaps.
  const Wide quotient = sum / gaps, rest = sum % gaps;
  const Wide from_quotient = GapSquares::squares_of(state) - quotient * (sum + rest);
  const auto n = static_cast<double>(gaps);
  double squares = 0;
  if (from_quotient >> 64U == 0)
    squares = static_cast<double>(from_quotient * gaps - rest * rest) / n;
  else
    squares = static_cast<double>(from_quotient) - static_cast<double>(rest) * static_cast<double>(rest) / n;
  return {n, static_cast<double>(sum) / n, squares > 0 ? squares : 0};
}

std::optional<Checked<Duration>> GapStdDev::result(const State& state) const {
  if (state.records < 3) return std::nullopt;
  const GapSpread spread = spread_of(state);
  const double root = __builtin_sqrt(spread.squares / (spread.gaps - 1));
  if (!(root < 0x1p63)) return Checked<Duration>{Duration::max(), true};
  return Checked<Duration>{Duration{static_cast<std::int64_t>(__builtin_round(root))}, false};
}

std::optional<double> GapBurstiness::result(const State& state) const {
  if (state.records < 3) return std::nullopt;
  const GapSpread spread = spread_of(state);
  const double root = __builtin_sqrt(spread.squares / spread.gaps);
  if (!(root + spread.mean > 0)) return std::nullopt;
  return (root - spread.mean) / (root + spread.mean);
}

}  // namespace weir::inline v0::detail

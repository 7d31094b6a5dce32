#include <weir/aggregate/exact_quantile.hpp>

namespace weir::inline v0::detail {

double interpolated_quantile(std::vector<double>& values, double q) {
  q = !(q > 0) ? 0 : std::min(q, 1.0);
  const double rank = q * static_cast<double>(values.size() - 1);
  const auto whole = static_cast<std::size_t>(rank);
  const double share = rank - static_cast<double>(whole);
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(whole);
  std::nth_element(values.begin(), at, values.end());
  const double low = *at;
  if (share == 0 || at + 1 == values.end()) return low;
  const double high = *std::min_element(at + 1, values.end());
  if (low == high) return low;
  const double distance = high - low;
  // Where the distance overflows, or one end is infinite, each end is weighed for itself.
  const double between = distance - distance == 0 ? low + share * distance : low * (1 - share) + high * share;
  return between > high ? high : between;
}

double interquartile_range(std::vector<double>& values) {
  const double low = interpolated_quantile(values, 0.25);
  return interpolated_quantile(values, 0.75) - low;
}

double median_deviation(std::vector<double>& values) {
  const double median = interpolated_quantile(values, 0.5);
  for (double& x : values) {
    x = __builtin_fabs(x - median);
    if (x != x) return x;
  }
  return interpolated_quantile(values, 0.5);
}

}  // namespace weir::inline v0::detail

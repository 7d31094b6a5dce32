#include <weir/view/compare.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

namespace weir::inline v0 {

namespace detail {

void note_delta(FeatureSkew& skew, double a, double b) {
  const double delta = std::abs(a - b);
  if (!std::isfinite(delta)) {
    skew.largest_delta = std::numeric_limits<double>::infinity();
    ++skew.relative_deltas.back();
    return;
  }
  skew.largest_delta = std::max(skew.largest_delta, delta);
  skew.sum_of_deltas += delta;
  const double relative = delta / std::max(std::abs(a), std::abs(b));
  std::size_t bucket = 0;
  for (double limit = 1e-15; bucket + 1 < FeatureSkew::buckets && relative > limit; limit *= 10) ++bucket;
  ++skew.relative_deltas[bucket];
}

}  // namespace detail

std::string SkewReport::text() const {
  std::string out = "matched " + std::to_string(matched) + ", mismatched " + std::to_string(mismatched) +
                    ", missing " + std::to_string(missing) + ", extra " + std::to_string(extra) +
                    (redefined == 0 ? "" : ", computed by another definition " + std::to_string(redefined)) +
                    "\n";
  std::size_t width = 7;
  for (const FeatureSkew& skew : features) width = std::max(width, skew.name.size());
  for (const FeatureSkew& skew : features) {
    char line[128];
    const double mean = skew.mismatched == 0 ? 0 : skew.sum_of_deltas / static_cast<double>(skew.mismatched);
    std::snprintf(line, sizeof line, "  %10llu of %llu differ, mean delta %.6g, largest %.6g\n",
                  static_cast<unsigned long long>(skew.mismatched),
                  static_cast<unsigned long long>(skew.compared), mean, skew.largest_delta);
    out += "  " + skew.name + std::string(width - skew.name.size(), ' ') + line;
  }
  return out;
}

}  // namespace weir::inline v0

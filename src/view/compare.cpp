#include <weir/view/compare.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

namespace weir::inline v0 {

namespace detail {

namespace {

/// How far apart two numbers are; infinite if one is not finite, unless both are the same.
double distance(double a, double b) {
  if (a == b || (std::isnan(a) && std::isnan(b))) return 0;
  const double delta = std::abs(a - b);
  return std::isnan(delta) ? std::numeric_limits<double>::infinity() : delta;
}

}  // namespace

void Furthest::see(double one, double other) noexcept {
  if (is_there && distance(one, other) <= distance(a, b)) return;
  a = one;
  b = other;
  is_there = true;
}

void note_delta(FeatureSkew& skew, const Furthest& furthest) {
  if (!furthest.is_there) return;
  const double delta = distance(furthest.a, furthest.b);
  if (!std::isfinite(delta)) {
    skew.largest_delta = std::numeric_limits<double>::infinity();
    ++skew.relative_deltas.back();
    return;
  }
  ++skew.finite_deltas;
  skew.largest_delta = std::max(skew.largest_delta, delta);
  skew.sum_of_deltas += delta;
  const double relative = delta == 0 ? 0 : delta / std::max(std::abs(furthest.a), std::abs(furthest.b));
  std::size_t bucket = 0;
  for (double limit = 1e-15; bucket + 1 < FeatureSkew::buckets && relative > limit; limit *= 10) ++bucket;
  ++skew.relative_deltas[bucket];
}

}  // namespace detail

namespace {

/// How many of a feature differ by how much, relative to the larger one; empty if there are no numbers to it.
std::string distribution(const FeatureSkew& skew) {
  std::string out;
  for (std::size_t bucket = 0; bucket < FeatureSkew::buckets; ++bucket) {
    if (skew.relative_deltas[bucket] == 0) continue;
    const int power = static_cast<int>(bucket) - 15;
    out += out.empty() ? "      relative deltas: " : ", ";
    out +=
        std::to_string(skew.relative_deltas[bucket]) + (power > 0    ? " above 1"
                                                        : power == 0 ? " up to 1"
                                                                     : " up to 1e" + std::to_string(power));
  }
  return out.empty() ? out : out + "\n";
}

}  // namespace

std::string SkewReport::text() const {
  std::string out = "matched " + std::to_string(matched) + ", mismatched " + std::to_string(mismatched) +
                    ", missing " + std::to_string(missing) + ", extra " + std::to_string(extra) +
                    (redefined == 0 ? "" : ", computed by another definition " + std::to_string(redefined)) +
                    (other_status == 0 ? "" : ", of another status " + std::to_string(other_status)) + "\n";
  std::size_t width = 7;
  for (const FeatureSkew& skew : features) width = std::max(width, skew.name.size());
  for (const FeatureSkew& skew : features) {
    char line[128];
    const double mean =
        skew.finite_deltas == 0 ? 0 : skew.sum_of_deltas / static_cast<double>(skew.finite_deltas);
    std::snprintf(line, sizeof line, "  %10llu of %llu differ, mean delta %.6g, largest %.6g\n",
                  static_cast<unsigned long long>(skew.mismatched),
                  static_cast<unsigned long long>(skew.compared), mean, skew.largest_delta);
    out += "  " + skew.name + std::string(width - skew.name.size(), ' ') + line + distribution(skew);
  }
  return out;
}

}  // namespace weir::inline v0

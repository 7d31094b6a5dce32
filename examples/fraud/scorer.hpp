#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

#include "features.hpp"

/// A logistic model of a few features: small enough to live beside the look-up.
class Scorer {
 public:
  static constexpr std::size_t size = 9;
  using Inputs = std::array<double, size>;

  /// Counts and sums by their logarithms, so that a large customer does not drown the others.
  [[nodiscard]] static Inputs inputs(const CustomerFeatures& row) {
    const auto squeezed = [](double x) { return std::copysign(std::log1p(std::abs(x)), x); };
    return {1,
            squeezed(static_cast<double>(row.lines_1h)),
            squeezed(static_cast<double>(row.lines_24h)),
            squeezed(static_cast<double>(row.lines_30d)),
            squeezed(static_cast<double>(row.refunds_24h)),
            squeezed(static_cast<double>(row.refunds_30d)),
            row.refund_share_30d,
            squeezed(static_cast<double>(row.invoices_of_last_20)),
            squeezed(static_cast<double>(row.lines_ever))};
  }
  [[nodiscard]] double score(const CustomerFeatures& row) const {
    const Inputs x = inputs(row);
    return 1 / (1 + std::exp(-std::inner_product(x.begin(), x.end(), weights_.begin(), 0.0)));
  }
  /// One step of stochastic gradient descent.
  void learn(const CustomerFeatures& row, bool outcome, double rate) {
    const Inputs x = inputs(row);
    const double error = (outcome ? 1 : 0) - score(row);
    for (std::size_t i = 0; i < size; ++i) weights_[i] += rate * error * x[i];
  }

 private:
  std::array<double, size> weights_{};
};

/// A score and what came of it.
struct Scored {
  double score = 0;
  bool outcome = false;
};

/// The chance that a positive scores higher than a negative; equal scores count half.
inline double area_under_curve(std::vector<Scored> scored) {
  std::sort(scored.begin(), scored.end(), [](const Scored& a, const Scored& b) { return a.score < b.score; });
  double wins = 0;
  double negatives = 0;
  double positives = 0;
  for (std::size_t at = 0; at < scored.size();) {
    double equal_positives = 0;
    double equal_negatives = 0;
    const double score = scored[at].score;
    for (; at < scored.size() && scored[at].score == score; ++at) ++(scored[at].outcome ? equal_positives : equal_negatives);
    wins += equal_positives * (negatives + equal_negatives / 2);
    negatives += equal_negatives;
    positives += equal_positives;
  }
  return wins / (positives * negatives);
}

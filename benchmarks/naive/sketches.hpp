#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

/// \file
/// A sketch as one writes it in an afternoon.

namespace bench::naive {

/// Quantiles by rank: full buffers are sorted, two sorted runs become every other value of both, one level up.
class SortedRuns {
 public:
  SortedRuns() { buffer_.reserve(size); }

  void add(double x) {
    buffer_.push_back(x);
    if (buffer_.size() == size) [[unlikely]]
      climb();
  }
  /// The share of values at or below x.
  [[nodiscard]] double rank_of(double x) const {
    double below = 0;
    double all = 0;
    const auto count = [&](const std::vector<double>& run, double weight) {
      all += weight * static_cast<double>(run.size());
      below += weight *
               static_cast<double>(std::count_if(run.begin(), run.end(), [x](double y) { return y <= x; }));
    };
    count(buffer_, 1);
    double weight = 1;
    for (const std::vector<double>& run : levels_) {
      count(run, weight);
      weight *= 2;
    }
    return below / all;
  }

 private:
  static constexpr std::size_t size = 256;

  void climb() {
    std::sort(buffer_.begin(), buffer_.end());
    carry_.swap(buffer_);
    buffer_.clear();
    for (std::size_t level = 0;; ++level) {
      if (level == levels_.size()) levels_.emplace_back();
      std::vector<double>& run = levels_[level];
      if (run.empty()) {
        run.swap(carry_);
        return;
      }
      both_.resize(2 * size);
      std::merge(run.begin(), run.end(), carry_.begin(), carry_.end(), both_.begin());
      run.clear();
      is_odd_ = !is_odd_;
      for (std::size_t i = 0; i < size; ++i) carry_[i] = both_[2 * i + (is_odd_ ? 1 : 0)];
    }
  }

  std::vector<double> buffer_;
  std::vector<double> carry_;
  std::vector<double> both_;
  std::vector<std::vector<double>> levels_;  ///< none or `size` values, each for 2^level
  bool is_odd_ = false;
};

}  // namespace bench::naive

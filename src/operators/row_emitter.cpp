#include <weir/operators/row_emitter.hpp>

namespace weir::inline v0::detail {

void report_counts(OperatorStats& stats, const FeatureCounts* counts, std::size_t size) {
  stats.features.resize(size);
  for (std::size_t i = 0; i < size; ++i) {
    stats.features[i] = {
        .missing = counts[i].missing, .nan = counts[i].nan, .overflowed = counts[i].overflowed};
  }
}

}  // namespace weir::inline v0::detail

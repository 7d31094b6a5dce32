#include <weir/graph/meter.hpp>

#include <bit>

namespace weir::inline v0 {

std::size_t LatencyHistogram::bucket(std::uint64_t value) noexcept {
  const auto width = static_cast<unsigned>(std::bit_width(value));
  if (width <= sub_bits + 1) return static_cast<std::size_t>(value);
  const unsigned shift = width - sub_bits - 1;
  return (static_cast<std::size_t>(shift) << sub_bits) + static_cast<std::size_t>(value >> shift);
}

std::uint64_t LatencyHistogram::upper_edge(std::size_t bucket) noexcept {
  if (bucket < (std::size_t{2} << sub_bits)) return bucket;
  const std::size_t shift = (bucket >> sub_bits) - 1;
  const std::uint64_t top = (bucket & ((std::size_t{1} << sub_bits) - 1)) + (std::size_t{1} << sub_bits);
  return ((top + 1) << shift) - 1;
}

std::uint64_t LatencyHistogram::quantile(double q) const noexcept {
  if (count_ == 0) return 0;
  const auto rank = static_cast<std::uint64_t>(q * static_cast<double>(count_ - 1));
  std::uint64_t seen = 0;
  for (std::size_t at = 0; at < buckets; ++at) {
    seen += counts_[at];
    if (seen > rank) return upper_edge(at) < longest_ ? upper_edge(at) : longest_;
  }
  return longest_;
}

}  // namespace weir::inline v0

#include <weir/aggregate/category.hpp>

namespace weir::inline v0::detail {

double entropy_of(const std::vector<std::uint64_t>& counts) {
  double all = 0;
  for (const std::uint64_t count : counts) all += static_cast<double>(count);
  double bits = 0;
  for (const std::uint64_t count : counts) {
    if (count == 0) continue;
    const double part = static_cast<double>(count);
    bits += part / all * __builtin_log2(all / part);
  }
  return bits;
}

std::string problem_of(const CategorySpec& spec) {
  return spec.most > 0 ? std::string{} : "most is 0; give the number of categories to keep, such as 64";
}

}  // namespace weir::inline v0::detail

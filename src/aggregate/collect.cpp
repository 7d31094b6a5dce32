#include <weir/aggregate/collect.hpp>

namespace weir::inline v0::detail {

std::string problem_of(const CollectSpec& spec) {
  return spec.most > 0 ? std::string{} : "most is 0; give the number of values to keep, such as 100";
}

}  // namespace weir::inline v0::detail

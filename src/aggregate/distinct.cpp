#include <weir/aggregate/distinct.hpp>

#include <algorithm>
#include <numeric>

namespace weir::inline v0::detail {

/// In the order of where they belong, each goes behind the one before it, or round to the front.
void place_all(std::vector<std::uint32_t>& places, std::size_t slots) {
  std::vector<std::uint32_t> next(slots);  // per slot: where in `order` the next key that belongs there goes
  for (const std::uint32_t place : places) ++next[place];
  std::exclusive_scan(next.begin(), next.end(), next.begin(), 0U);
  std::vector<std::uint32_t> order(places.size());
  for (std::uint32_t i = 0; i < order.size(); ++i) order[next[places[i]]++] = i;
  std::fill(next.begin(), next.end(), 0U);  // from here on: whether a slot is taken
  std::size_t end = 0, free = 0;
  for (const std::uint32_t i : order) {
    end = std::max<std::size_t>(end, places[i]);
    while (end == slots && next[free] != 0) ++free;
    places[i] = static_cast<std::uint32_t>(end < slots ? end++ : free);
    next[places[i]] = 1;
  }
}

}  // namespace weir::inline v0::detail

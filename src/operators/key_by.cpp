#include <weir/operators/key_by.hpp>

namespace weir::inline v0::detail {

void check_most_keys(Problems& problems, std::string_view name, std::size_t most_keys) {
  if (most_keys > 0 && most_keys < no_slot) return;
  problems.add(name, "most_keys (" + std::to_string(most_keys) + ") must be from 1 to 4294967294");
}

}  // namespace weir::inline v0::detail

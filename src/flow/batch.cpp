#include <weir/flow/batch.hpp>

namespace weir::inline v0::detail {

Targets::Targets() noexcept = default;
Targets::~Targets() = default;

void Targets::add(const Target& target) { targets_.push_back(target); }

}  // namespace weir::inline v0::detail

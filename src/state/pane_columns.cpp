#include <weir/state/pane_columns.hpp>

namespace weir::inline v0::detail {

void grow_blocks(StateVector<PaneBlock>& blocks, std::size_t count) { blocks.resize(count); }

}  // namespace weir::inline v0::detail

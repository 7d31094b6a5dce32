#include <weir/state/pool.hpp>

#include <algorithm>

namespace weir::inline v0::detail {

RawPool::RawPool(std::size_t piece_bytes, std::size_t alignment, std::size_t least_pieces)
    : piece_bytes_((std::max(piece_bytes, sizeof(void*)) + alignment - 1) / alignment * alignment),
      least_pieces_(least_pieces) {}

void RawPool::add_block() {
  const std::size_t pieces = std::clamp<std::size_t>(
      taken_ / 2, least_pieces_, std::max(least_pieces_, 2 * huge_page_bytes / piece_bytes_));
  next_ = static_cast<std::byte*>(blocks_.add(pieces * piece_bytes_));
  spare_ = pieces;
  taken_ += pieces;
}

}  // namespace weir::inline v0::detail

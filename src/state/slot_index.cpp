#include <weir/state/slot_index.hpp>

#include <algorithm>

namespace weir::inline v0 {

template <class Mark>
SlotIndex<Mark>::SlotIndex() : directory_(2), depths_(2, 0), counts_(2, 0) {
  directory_[0] = directory_[1] = new_segment();
}

template <class Mark>
SlotIndex<Mark>::~SlotIndex() = default;

template <class Mark>
typename SlotIndex<Mark>::Line* SlotIndex<Mark>::new_segment() {
  constexpr std::size_t segment_bytes = lines_per_segment * sizeof(Line);
  Line* segment = nullptr;
  if (!emptied_.empty()) {
    segment = emptied_.back();
    emptied_.pop_back();
  } else if (spare_ == 0) {
    const std::size_t most = 2 * detail::huge_page_bytes / segment_bytes;
    const std::size_t wanted = std::clamp<std::size_t>(directory_.size() / 2, 1, most);
    next_ = static_cast<Line*>(blocks_.add(wanted * segment_bytes));
    spare_ = wanted;
  }
  if (segment == nullptr) {
    segment = next_;
    next_ += lines_per_segment;
    --spare_;
  }
  for (std::size_t at = 0; at < lines_per_segment; ++at) {
    Line& line = *new (segment + at) Line{};
    line.slots.fill(no_slot);
  }
  return segment;
}

template <class Mark>
bool SlotIndex<Mark>::is_full(std::uint64_t hash) const noexcept {
  const std::size_t index = segment_index(hash);
  const std::size_t first = index >> (depth_ - depths_[index]) << (depth_ - depths_[index]);
  return counts_[first] >= most_per_segment;
}

template <class Mark>
void SlotIndex<Mark>::place(Line* segment, const Entry& entry) noexcept {
  for (std::size_t at = line_of(entry.hash);; at = (at + 1) % lines_per_segment) {
    Line& line = segment[at];
    for (std::size_t i = 0; i < pairs_per_line; ++i) {
      if (line.slots[i] == no_slot) {
        line.marks[i] = entry.mark;
        line.slots[i] = entry.slot;
        return;
      }
    }
    ++line.overflowed;
  }
}

template <class Mark>
void SlotIndex<Mark>::insert(std::uint64_t hash, Mark mark, Slot slot) noexcept {
  const std::size_t index = segment_index(hash);
  place(directory_[index], {.hash = hash, .mark = mark, .slot = slot});
  ++counts_[index >> (depth_ - depths_[index]) << (depth_ - depths_[index])];
  ++size_;
}

template <class Mark>
void SlotIndex<Mark>::erase(std::uint64_t hash, Slot slot) noexcept {
  const std::size_t index = segment_index(hash);
  Line* segment = directory_[index];
  for (std::size_t at = line_of(hash);; at = (at + 1) % lines_per_segment) {
    Line& line = segment[at];
    for (std::size_t i = 0; i < pairs_per_line; ++i) {
      if (line.slots[i] != slot) continue;
      line.marks[i] = 0;
      line.slots[i] = no_slot;
      --counts_[index >> (depth_ - depths_[index]) << (depth_ - depths_[index])];
      --size_;
      return;
    }
    --line.overflowed;
  }
}

template <class Mark>
void SlotIndex<Mark>::split(std::uint64_t hash, absl::FunctionRef<std::uint64_t(Slot)> hash_of) {
  moving_.clear();
  const Line* full = directory_[segment_index(hash)];
  for (std::size_t at = 0; at < lines_per_segment; ++at) {
    for (std::size_t i = 0; i < pairs_per_line; ++i) {
      if (const Slot slot = full[at].slots[i]; slot != no_slot)
        moving_.push_back({.hash = hash_of(slot), .mark = full[at].marks[i], .slot = slot});
    }
  }
  emptied_.reserve(emptied_.size() + 1);
  Line* low = new_segment();
  Line* high = new_segment();
  if (depths_[segment_index(hash)] == depth_) {
    detail::StateVector<Line*> directory(directory_.size() * 2, directory_.get_allocator());
    detail::StateVector<std::uint8_t> depths(directory.size(), directory_.get_allocator());
    detail::StateVector<std::uint32_t> counts(directory.size(), directory_.get_allocator());
    for (std::size_t i = 0; i < directory.size(); ++i) {
      directory[i] = directory_[i / 2];
      depths[i] = depths_[i / 2];
      if (i % 2 == 0) counts[i] = counts_[i / 2];
    }
    directory_.swap(directory);
    depths_.swap(depths);
    counts_.swap(counts);
    ++depth_;
  }
  const std::size_t index = segment_index(hash);
  const unsigned old_depth = depths_[index];
  const std::size_t span = std::size_t{1} << (depth_ - old_depth);
  const std::size_t first = index / span * span;
  const std::size_t middle = first + span / 2;
  emptied_.push_back(directory_[index]);
  std::uint32_t in_high = 0;
  for (const Entry& entry : moving_) {
    const bool is_high = segment_index(entry.hash) >= middle;
    in_high += is_high ? 1 : 0;
    place(is_high ? high : low, entry);
  }
  for (std::size_t i = first; i < first + span; ++i) {
    directory_[i] = i < middle ? low : high;
    depths_[i] = static_cast<std::uint8_t>(old_depth + 1);
  }
  counts_[first] = static_cast<std::uint32_t>(moving_.size()) - in_high;
  counts_[middle] = in_high;
}

template class SlotIndex<std::uint32_t>;
template class SlotIndex<std::uint64_t>;

}  // namespace weir::inline v0

#include <weir/view/published_index.hpp>

#include <algorithm>
#include <bit>
#include <memory>
#include <new>
#include <utility>

namespace weir::inline v0::detail {

PublishedDirectory* PublishedDirectory::make(unsigned depth, std::pmr::memory_resource* memory) {
  void* room = memory->allocate(bytes_of(depth), alignof(PublishedDirectory));
  auto* directory = new (room) PublishedDirectory(depth);
  std::uninitialized_value_construct_n(reinterpret_cast<Entry*>(directory + 1), std::size_t{1} << depth);
  return directory;
}

void PublishedDirectory::free(PublishedDirectory* directory, std::pmr::memory_resource* memory) noexcept {
  memory->deallocate(directory, bytes_of(directory->depth()), alignof(PublishedDirectory));
}

PublishedIndex::PublishedIndex(HashOf hash_of, const HashSeed& seed) : hash_of_(hash_of), seed_(seed) {
  auto segment = make_in<PublishedSegment>(memory_);
  PublishedDirectory* directory = PublishedDirectory::make(least_depth, memory_);
  segments_ = 1;
  point(*directory, segment.release());
  root_.store(directory, std::memory_order_release);
}

void PublishedIndex::clear() noexcept {
  PublishedDirectory* directory = root_.load(std::memory_order_relaxed);
  if (directory == nullptr) return;
  for_each_segment([this](PublishedSegment& segment) { free(&segment); });
  free(directory);
  root_.store(nullptr, std::memory_order_relaxed);
  size_ = segments_ = deepest_ = 0;
}

std::size_t PublishedIndex::size_bytes() const noexcept {
  const PublishedDirectory* all = root_.load(std::memory_order_relaxed);
  const std::size_t directory_bytes = all == nullptr ? 0 : PublishedDirectory::bytes_of(all->depth());
  return segments_ * sizeof(PublishedSegment) + directory_bytes;
}

PublishedSegment& PublishedIndex::segment_of(std::uint64_t hash) const noexcept {
  const PublishedDirectory& all = *root_.load(std::memory_order_relaxed);
  return *all[all.index_of(hash)].load(std::memory_order_relaxed);
}

bool PublishedIndex::is_full(std::uint64_t hash) const noexcept {
  const PublishedSegment& segment = segment_of(hash);
  // Keys whose hashes agree in more bits than that many keys need are left to fill their segment.
  const auto most_depth = static_cast<unsigned>(std::bit_width(size_));
  return segment.count >= split_at && segment.depth < most_depth;
}

bool PublishedIndex::has_room(std::uint64_t hash) const noexcept {
  return segment_of(hash).count < PublishedSegment::most;
}

void PublishedIndex::place(PublishedSegment& segment, std::uint64_t hash, void* cell) const noexcept {
  constexpr std::uint64_t one_more = std::uint64_t{1} << overflow_shift;
  for (std::size_t at = line_of(hash);; at = (at + 1) % PublishedSegment::lines_per_segment) {
    PublishedLine& line = segment.lines[at];
    const std::uint64_t tags = line.tags.load(std::memory_order_relaxed);
    const std::uint32_t empty = matches(tags, 0);
    if (empty != 0) {
      const auto byte = static_cast<std::size_t>(std::countr_zero(empty));
      line.cells[byte].store(cell, std::memory_order_release);
      line.tags.store(tags | tag_of(hash) << (8 * byte), std::memory_order_release);
      ++segment.count;
      return;
    }
    if (tags >> overflow_shift != 0xFF) line.tags.store(tags + one_more, std::memory_order_release);
  }
}

void PublishedIndex::insert(std::uint64_t hash, void* cell) noexcept {
  place(segment_of(hash), hash, cell);
  ++size_;
}

void PublishedIndex::erase(std::uint64_t hash, void* cell) noexcept {
  constexpr std::uint64_t one_more = std::uint64_t{1} << overflow_shift;
  PublishedSegment& segment = segment_of(hash);
  std::size_t at = line_of(hash);
  std::size_t place = 0;
  for (;; at = (at + 1) % PublishedSegment::lines_per_segment) {
    const PublishedLine& line = segment.lines[at];
    const std::uint64_t tags = line.tags.load(std::memory_order_relaxed);
    std::uint32_t hits = matches(tags, tag_of(hash));
    const auto is_it = [&line, cell](std::uint32_t hit) {
      return line.cells[static_cast<std::size_t>(std::countr_zero(hit))].load(std::memory_order_relaxed) ==
             cell;
    };
    while (hits != 0 && !is_it(hits)) hits &= hits - 1;
    if (hits == 0) continue;
    place = static_cast<std::size_t>(std::countr_zero(hits));
    break;
  }
  PublishedLine& line = segment.lines[at];
  const std::uint64_t tags = line.tags.load(std::memory_order_relaxed);
  line.tags.store(tags & ~(std::uint64_t{0xFF} << (8 * place)), std::memory_order_release);
  for (std::size_t passed = line_of(hash); passed != at;
       passed = (passed + 1) % PublishedSegment::lines_per_segment) {
    auto& counted = segment.lines[passed].tags;
    const std::uint64_t old = counted.load(std::memory_order_relaxed);
    if (old >> overflow_shift != 0xFF) counted.store(old - one_more, std::memory_order_release);
  }
  --segment.count;
  --size_;
}

template <class Choose>
void PublishedIndex::copy(const PublishedSegment& from, Choose&& choose) const {
  const auto each = [&from](std::size_t at, auto&& visit) {
    if (at >= PublishedSegment::lines_per_segment) return;
    const PublishedLine& line = from.lines[at];
    const std::uint64_t tags = line.tags.load(std::memory_order_relaxed);
    for (std::size_t i = 0; i < PublishedLine::places; ++i)
      if ((tags >> (8 * i) & 0xFF) != 0) visit(line.cells[i].load(std::memory_order_relaxed));
  };
  constexpr std::size_t ahead = 4;
  for (std::size_t at = 0; at < ahead; ++at) each(at, [](void* cell) { prefetch_for_read(cell); });
  for (std::size_t at = 0; at < PublishedSegment::lines_per_segment; ++at) {
    each(at + ahead, [](void* cell) { prefetch_for_read(cell); });
    each(at, [&](void* cell) {
      const std::uint64_t hash = hash_of_(cell, seed_);
      place(choose(hash), hash, cell);
    });
  }
}

void PublishedIndex::point(PublishedDirectory& directory, PublishedSegment* segment) const noexcept {
  const std::size_t first = directory.index_of(segment->prefix);
  const std::size_t span = std::size_t{1} << (directory.depth() - segment->depth);
  for (std::size_t i = first; i < first + span; ++i) directory[i].store(segment, std::memory_order_release);
}

PublishedDirectory* PublishedIndex::resized(unsigned depth) const {
  const PublishedDirectory& old = *root_.load(std::memory_order_relaxed);
  PublishedDirectory* directory = PublishedDirectory::make(depth, memory_);
  for (std::size_t i = 0; i < directory->size(); ++i) {
    const std::size_t from = depth > old.depth() ? i >> (depth - old.depth()) : i << (old.depth() - depth);
    (*directory)[i].store(old[from].load(std::memory_order_relaxed), std::memory_order_relaxed);
  }
  return directory;
}

PublishedIndex::Replaced PublishedIndex::split(std::uint64_t hash) {
  PublishedSegment& old = segment_of(hash);
  PublishedDirectory* directory = root_.load(std::memory_order_relaxed);
  auto low = make_in<PublishedSegment>(memory_);
  auto high = make_in<PublishedSegment>(memory_);
  const bool is_deeper = old.depth == directory->depth();
  Replaced replaced{.segments = {&old, nullptr}, .directory = is_deeper ? directory : nullptr};
  if (is_deeper) {
    directory = resized(old.depth + 1);
    deepest_ = 0;
  }
  const std::uint64_t bit = std::uint64_t{1} << (63 - old.depth);
  low->depth = high->depth = old.depth + 1;
  low->prefix = old.prefix;
  high->prefix = old.prefix | bit;
  copy(old, [&](std::uint64_t moved) -> PublishedSegment& { return (moved & bit) != 0 ? *high : *low; });
  if (low->depth == directory->depth()) deepest_ += 2;
  ++segments_;
  point(*directory, low.release());
  point(*directory, high.release());
  if (is_deeper) root_.store(directory, std::memory_order_release);
  return replaced;
}

PublishedSegment* PublishedIndex::neighbour_of(const PublishedSegment& segment) const noexcept {
  if (segment.depth == 0) return nullptr;
  PublishedSegment& other = segment_of(segment.prefix ^ std::uint64_t{1} << (64 - segment.depth));
  return other.depth == segment.depth ? &other : nullptr;
}

bool PublishedIndex::can_merge(std::uint64_t hash, std::size_t most) const noexcept {
  const PublishedSegment& segment = segment_of(hash);
  if (segment.count > most || segment.depth == 0) return false;
  const PublishedSegment* other = neighbour_of(segment);
  return other != nullptr && segment.count + other->count <= most;
}

PublishedIndex::Replaced PublishedIndex::merge(std::uint64_t hash) {
  PublishedSegment& one = segment_of(hash);
  PublishedSegment& other = *neighbour_of(one);
  PublishedDirectory* directory = root_.load(std::memory_order_relaxed);
  auto both = make_in<PublishedSegment>(memory_);
  const bool was_deepest = one.depth == directory->depth();
  const bool is_flatter = was_deepest && deepest_ == 2 && directory->depth() > least_depth;
  PublishedDirectory* flatter = is_flatter ? resized(directory->depth() - 1) : nullptr;
  both->depth = one.depth - 1;
  both->prefix = one.prefix & ~(std::uint64_t{1} << (64 - one.depth));
  const auto into_both = [&both](std::uint64_t) -> PublishedSegment& { return *both; };
  copy(one, into_both);
  copy(other, into_both);
  --segments_;
  if (was_deepest) deepest_ -= 2;
  Replaced replaced{.segments = {&one, &other}, .directory = is_flatter ? directory : nullptr};
  if (!is_flatter) {
    point(*directory, both.release());
    return replaced;
  }
  point(*flatter, both.release());
  root_.store(flatter, std::memory_order_release);
  deepest_ = 0;
  for_each_segment([&](PublishedSegment& segment) { deepest_ += segment.depth == flatter->depth() ? 1 : 0; });
  return replaced;
}

}  // namespace weir::inline v0::detail

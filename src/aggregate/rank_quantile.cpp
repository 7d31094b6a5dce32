#include <weir/aggregate/rank_quantile.hpp>

#include <algorithm>
#include <array>

namespace weir::inline v0::detail {

namespace {

constexpr std::size_t most_levels = 56;  // above level 0: 2^63 values are never reached
constexpr std::uint32_t least_capacity = 8,
                        least_buffer = 32;  // of level 0 more, so that it is rarely sorted

/// How many items each level may have: the highest k, and those below a third less each.
struct Capacities {
  std::array<std::uint32_t, most_levels + 1> of;
  std::uint32_t sum = 0;

  Capacities(std::uint32_t k, std::size_t upper_levels) {
    std::uint32_t size = std::clamp(k, RankSketch::least_k, RankSketch::most_k);
    for (std::size_t level = upper_levels + 1; level-- > 0;) {
      of[level] = size;
      sum += size;
      size = std::max((2 * size + 2) / 3, level == 1 ? least_buffer : least_capacity);
    }
  }
};

std::uint64_t mixed(std::uint64_t z) {  // SplitMix64
  z += 0x9E3779B97F4A7C15;
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EB;
  return z ^ (z >> 31U);
}

/// Merges two sorted ranges of random numbers without branches that cannot be foretold.
void merge_runs(const std::uint64_t* a, const std::uint64_t* a_end, const std::uint64_t* b,
                const std::uint64_t* b_end, std::uint64_t* to) {
  while (a < a_end && b < b_end) {
    const std::uint64_t x = *a, y = *b;
    const std::size_t is_second = y < x ? 1 : 0;
    *to++ = x ^ ((x ^ y) & (0 - is_second));
    a += 1 - is_second;
    b += is_second;
  }
  to = std::copy(a, a_end, to);
  std::copy(b, b_end, to);
}

/// Merges two sorted runs of the same length, from both ends at once, so that neither waits for the other.
void merge_equal(const std::uint64_t* a, std::size_t width, std::uint64_t* to) {
  const std::uint64_t *b = a + width, *a_last = b - 1, *b_last = a_last + width;
  std::uint64_t* to_last = to + 2 * width - 1;
  for (std::size_t i = 0; i < width; ++i) {
    const std::uint64_t x = *a, y = *b, u = *a_last, v = *b_last;
    const std::size_t is_second = y < x ? 1 : 0, is_first = u > v ? 1 : 0;
    *to++ = y < x ? y : x;
    *to_last-- = u > v ? u : v;
    a += 1 - is_second;
    b += is_second;
    a_last -= is_first;
    b_last -= 1 - is_first;
  }
}

void sort_buffer(std::uint64_t* items, std::size_t size) {
  std::array<std::uint64_t, 256> other;
  if (size > other.size()) return std::sort(items, items + size);
  for (std::size_t i = 0; i + 1 < size; i += 2) {
    const std::uint64_t a = items[i], b = items[i + 1];
    items[i] = b < a ? b : a;
    items[i + 1] = b < a ? a : b;
  }
  std::uint64_t *from = items, *to = other.data();
  for (std::size_t width = 2; width < size; width *= 2, std::swap(from, to)) {
    for (std::size_t i = 0; i < size; i += 2 * width) {
      if (i + 2 * width <= size) {
        merge_equal(from + i, width, to + i);
        continue;
      }
      const std::uint64_t* const middle = from + std::min(i + width, size);
      merge_runs(from + i, middle, middle, from + std::min(i + 2 * width, size), to + i);
    }
  }
  if (from != items) std::copy(from, from + size, items);
}

}  // namespace

/// Halves the lowest level that is full, until there is room for one more.
void RankSketch::make_room(std::uint32_t k) {
  Capacities capacities(k, sizes_.size());
  while (items_.size() >= capacities.sum) {
    std::size_t level = 0;
    while (level < sizes_.size() && size_of(level) < capacities.of[level]) ++level;
    if (level == sizes_.size()) {
      if (sizes_.size() >= most_levels) break;
      sizes_.push_back(0);
      capacities = Capacities(k, sizes_.size());
    }
    compact(level);
  }
  limit_ = capacities.sum;
}

void RankSketch::compact(std::size_t level) {
  std::size_t begin = 0;  // of the level
  for (std::size_t above = sizes_.size(); above > level; --above) begin += size_of(above);
  const std::size_t size = size_of(level), half = size / 2;
  if (half == 0) return;
  std::uint64_t* const low = items_.data() + begin;
  if (level == 0) sort_buffer(low, size);
  random_ = mixed(random_.value ^ low[0] ^ mixed(low[size - 1] + size));
  const std::size_t odd = size % 2, chosen = random_.value & 1U;
  const std::uint64_t stays = low[0];  // of an odd number, the lowest stays where it is

  // What goes up is put behind where it will end, from the back, and then merged from there, from the back again.
  for (std::size_t i = half; i-- > 0;) low[size - half + i] = low[odd + 2 * i + chosen];
  std::uint64_t* to = low + half;
  const std::uint64_t* from = low + size;
  const std::uint64_t* const first = low + (size - half);
  std::uint64_t* upper = low;
  std::uint64_t* const bottom = low - size_of(level + 1);
  while (from > first && upper > bottom) {
    const std::uint64_t x = upper[-1], y = from[-1];
    if (x > y) {
      *--to = x;
      --upper;
    } else {
      *--to = y;
      --from;
    }
  }
  while (from > first) *--to = *--from;
  if (odd != 0) low[half] = stays;
  const auto gap = items_.begin() + static_cast<std::ptrdiff_t>(begin + half + odd);
  items_.erase(gap, gap + static_cast<std::ptrdiff_t>(size - half - odd));
  sizes_[level] += static_cast<std::uint32_t>(half);
  if (level > 0) sizes_[level - 1] = static_cast<std::uint32_t>(odd);
  upper_ = level == 0 ? upper_.value + static_cast<std::uint32_t>(half)
                      : upper_.value - static_cast<std::uint32_t>(half);
}

void RankSketch::merge(const RankSketch& other, std::uint32_t k) {
  if (other.has_nan_.value) has_nan_ = true;
  if (other.items_.empty()) return;
  if (items_.empty()) {
    const bool has_nan = has_nan_.value;
    *this = other;
    has_nan_ = has_nan;
    return;
  }
  RankSketch sum;
  sum.items_.reserve(items_.size() + other.items_.size());
  sum.sizes_ = OwnedVector<std::uint32_t>(std::max(sizes_.size(), other.sizes_.size()));
  const std::uint64_t* a = items_.data();
  const std::uint64_t* b = other.items_.data();
  const std::uint64_t* const end_a = a + items_.size();
  const std::uint64_t* const end_b = b + other.items_.size();
  for (std::size_t level = sum.sizes_.size(); level > 0; --level) {
    const std::size_t m = level > sizes_.size() ? 0 : size_of(level);
    const std::size_t n = level > other.sizes_.size() ? 0 : other.size_of(level);
    sum.items_.resize(sum.items_.size() + m + n);
    merge_runs(a, a + m, b, b + n, sum.items_.data() + (sum.items_.size() - m - n));
    sum.sizes_[level - 1] = static_cast<std::uint32_t>(m + n);
    a += m;
    b += n;
  }
  sum.items_.insert(sum.items_.end(), a, end_a);
  sum.items_.insert(sum.items_.end(), b, end_b);
  sum.random_ = mixed(random_.value + mixed(other.random_.value));
  sum.has_nan_ = has_nan_.value;
  sum.upper_ = upper_.value + other.upper_.value;
  if (sum.items_.size() > Capacities(k, sum.sizes_.size()).sum) sum.make_room(k);
  *this = std::move(sum);
}

std::uint64_t RankSketch::at(double q) const {
  struct Weighted {
    std::uint64_t key, weight;
  };
  OwnedVector<Weighted> all;
  all.reserve(items_.size());
  std::uint64_t n = 0;
  auto item = items_.begin();
  for (std::size_t level = sizes_.size() + 1; level-- > 0;) {
    const std::uint64_t weight = std::uint64_t{1} << level;
    for (std::size_t i = size_of(level); i > 0; --i) all.push_back({*item++, weight});
    n += size_of(level) * weight;
  }
  std::sort(all.begin(), all.end(), [](const Weighted& a, const Weighted& b) { return a.key < b.key; });
  q = !(q > 0) ? 0 : std::min(q, 1.0);
  const double share = q * static_cast<double>(n - 1);
  if (!(share < 0x1p63)) return all.back().key;  // weights that were read may come to anything
  auto rank = static_cast<std::uint64_t>(share);
  for (const Weighted& one : all) {
    if (rank < one.weight) return one.key;
    rank -= one.weight;
  }
  return all.back().key;
}

std::size_t RankSketch::bytes() const {
  return items_.capacity() * sizeof(std::uint64_t) + sizes_.capacity() * sizeof(std::uint32_t);
}

/// Level 0 in its order, too, so that equal sketches are equal bytes.
void RankSketch::archive(Archive& ar) {
  OwnedVector<std::uint64_t> items;
  if (ar.is_loading()) {
    *this = RankSketch{};
  } else {
    items = items_;
    std::sort(items.begin() + upper_.value, items.end());
  }
  ar(has_nan_.value, random_.value, sizes_, items);
  if (!ar.is_loading()) return;
  const OwnedVector<std::uint32_t> sizes = std::move(sizes_);
  sizes_.clear();
  if (sizes.size() > most_levels) return ar.fail("a sketch has more levels than it may");
  std::uint64_t upper = 0, weight = 0;
  for (std::size_t level = sizes.size(); level > 0; --level) {
    const std::size_t size = sizes[level - 1];
    if (size > items.size() - upper || size > (std::uint64_t{1} << 62U) >> level)
      return ar.fail("a level of a sketch is longer than it may be");
    const auto begin = items.begin() + static_cast<std::ptrdiff_t>(upper);
    if (!std::is_sorted(begin, begin + static_cast<std::ptrdiff_t>(size)))
      return ar.fail("a level of a sketch is not in its order");
    upper += size;
    weight += size << level;
    if (weight > std::uint64_t{1} << 62U) return ar.fail("a sketch has more values than there are");
  }
  if (items.size() > std::uint64_t{1} << 31U || (upper == items.size() && items.empty() && !sizes.empty()))
    return ar.fail("a sketch has too many values, or levels without any");
  items_ = std::move(items);
  sizes_ = sizes;
  upper_ = static_cast<std::uint32_t>(upper);
}

}  // namespace weir::inline v0::detail

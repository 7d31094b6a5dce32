#include <weir/aggregate/count_min.hpp>

#include <algorithm>

namespace weir::inline v0::detail {

CountMin::CountMin() = default;
CountMin::CountMin(const CountMin& other) = default;
CountMin& CountMin::operator=(const CountMin& other) = default;
CountMin::CountMin(CountMin&& other) noexcept { swap(other); }
CountMin& CountMin::operator=(CountMin&& other) noexcept {
  CountMin moved = std::move(other);
  swap(moved);
  return *this;
}
CountMin::~CountMin() = default;

void CountMin::swap(CountMin& other) noexcept {
  few_.swap(other.few_);
  counters_.swap(other.counters_);
  std::swap(newest_, other.newest_);
  std::swap(at_, other.at_);
  std::swap(shape_, other.shape_);
}

std::size_t CountMin::bytes() const {
  return few_.capacity() * sizeof(Few) + counters_.capacity() * sizeof(std::uint32_t);
}

void CountMin::count(std::uint64_t hash, std::uint64_t more) {
  for (std::uint32_t row = 0; row < shape_.rows; ++row) {
    std::uint32_t& counter = counters_[place(hash, row)];
    counter = more >= held - counter ? held : counter + static_cast<std::uint32_t>(more);
  }
}

void CountMin::add_few(std::uint64_t hash, std::uint64_t more, CountMinShape shape) {
  if (!counters_.empty()) return count(hash, more);
  const auto at = std::lower_bound(few_.begin(), few_.end(), hash,
                                   [](const Few& one, std::uint64_t asked) { return one.hash < asked; });
  if (at != few_.end() && at->hash == hash) {
    at->count += more;
    return;
  }
  if (few_.size() < few) {
    few_.insert(at, {hash, more});
    return;
  }
  shape_ = shape;
  counters_ = OwnedVector<std::uint32_t>(std::size_t{shape.rows} << shape.bits);
  for (const Few& one : few_) count(one.hash, one.count);
  few_ = OwnedVector<Few>{};
  count(hash, more);
}

void CountMin::merge(const CountMin& later, CountMinShape shape) {
  if (later.empty()) return;
  if (later.at_ >= at_) {
    at_ = later.at_;
    newest_ = later.newest_;
  }
  if (later.counters_.empty()) {
    const OwnedVector<Few> more = later.few_;
    for (const Few& one : more) add_few(one.hash, one.count, shape);
    return;
  }
  if (counters_.empty()) {
    counters_ = later.counters_;
    shape_ = later.shape_;
    for (const Few& one : few_) count(one.hash, one.count);
    few_ = OwnedVector<Few>{};
    return;
  }
  if (shape_ != later.shape_) return;  // another definition's, which no snapshot lets in
  for (std::size_t i = 0; i < counters_.size(); ++i) {
    const std::uint32_t sum = counters_[i] + later.counters_[i];
    counters_[i] = sum < counters_[i] ? held : sum;
  }
}

Checked<std::uint64_t> CountMin::newest() const {
  std::uint64_t least = counters_.empty() ? 0 : held;
  for (const Few& one : few_)
    if (one.hash == newest_) least = one.count;
  if (!counters_.empty())
    for (std::uint32_t row = 0; row < shape_.rows; ++row)
      least = std::min<std::uint64_t>(least, counters_[place(newest_, row)]);
  return least >= held ? Checked<std::uint64_t>{held, true} : Checked<std::uint64_t>{least, false};
}

void CountMin::archive(Archive& ar) {
  if (ar.is_loading()) *this = CountMin{};
  ar(newest_, at_, shape_.rows, shape_.bits, few_, counters_);
  if (!ar.is_loading()) return;
  const auto is_wrong = [](const Few& a, const Few& b) { return a.hash >= b.hash; };
  const bool is_few = counters_.empty() && shape_ == CountMinShape{} && few_.size() <= few &&
                      std::adjacent_find(few_.begin(), few_.end(), is_wrong) == few_.end() &&
                      few_.empty() == (at_ == no_time);
  const bool is_full = few_.empty() && shape_.rows >= 1 && shape_.rows <= CountMinShape::most_rows &&
                       shape_.bits >= 1 && shape_.bits <= CountMinShape::most_bits &&
                       counters_.size() == std::size_t{shape_.rows} << shape_.bits;
  if (is_few || is_full) return;
  *this = CountMin{};
  ar.fail("the counters of a sketch make no sense");
}

}  // namespace weir::inline v0::detail

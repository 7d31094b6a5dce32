#include <weir/operators/key_by.hpp>

#include <algorithm>

namespace weir::inline v0::detail {

namespace {

// Operators take memory in pieces: a smaller budget would be spent before the second key.
constexpr std::size_t least_budget = std::size_t{1} << 20;

}  // namespace

void KeyBudget::check(Problems& problems, std::string_view name) const {
  if (most_keys_ == 0 || most_keys_ >= no_slot)
    problems.add(name, "most_keys (" + std::to_string(most_keys_) + ") must be from 1 to 4294967294");
  if (most_bytes_ != 0 && most_bytes_ < least_budget)
    problems.add(name, "most_bytes (" + std::to_string(most_bytes_) +
                           ") must be at least 1048576, or 0 for any number");
}

std::size_t KeyBudget::weigh(const Weight& now) noexcept {
  next_keys_ = now.keys + now.keys / 64 + 1;
  owned_ = now.owned;
  if (now.kept <= most_bytes_) {
    weighed_bytes_ = 0;
    // Columns grow all at once and by large steps: the next one must fit, too.
    const std::size_t capacity = ChunkList::capacity_for(std::max<std::size_t>(now.slots, 1));
    const double growth =
        static_cast<double>(ChunkList::capacity_for(capacity + 1)) / static_cast<double>(capacity);
    const bool fits = static_cast<double>(now.kept) * growth + static_cast<double>(now.owned) <=
                      static_cast<double>(most_bytes_);
    by_kept_ = fits ? most_keys_ : std::min(most_keys_, capacity);
  } else if (now.kept > weighed_bytes_) {
    weighed_bytes_ = now.kept;
    by_kept_ = std::min(by_kept_, evicts_ ? now.keys - now.keys / 64 : now.keys);
  }
  const std::size_t room = std::max(most_bytes_ - std::min(most_bytes_, now.kept), step());
  std::size_t allowed = by_kept_;
  if (now.owned > room) {
    const double part = static_cast<double>(room) / static_cast<double>(now.owned);
    const auto fitting = static_cast<std::size_t>(static_cast<double>(now.keys) * part);
    allowed = evicts_ ? std::min(allowed, fitting) : 0;
  }
  return std::max<std::size_t>(1, allowed);
}

void keep_coldest(std::vector<Slot>& slots, std::size_t count, const Column<std::uint64_t>& heard) {
  std::nth_element(slots.begin(), slots.begin() + static_cast<std::ptrdiff_t>(count - 1), slots.end(),
                   [&heard](Slot a, Slot b) { return heard[a] < heard[b]; });
  slots.resize(count);
}

}  // namespace weir::inline v0::detail

#include <weir/state/kept_keys.hpp>

#include <weir/base/hash.hpp>

namespace weir::inline v0 {

std::uint64_t murmur2(std::string_view key) {
  constexpr std::uint32_t multiplier = 0x5bd1e995;
  const auto byte = [key](std::size_t at) { return std::uint32_t{static_cast<unsigned char>(key[at])}; };
  std::uint32_t hash = 0x9747b28c ^ static_cast<std::uint32_t>(key.size());
  std::size_t at = 0;
  for (; key.size() - at >= 4; at += 4) {
    std::uint32_t word = byte(at) | byte(at + 1) << 8 | byte(at + 2) << 16 | byte(at + 3) << 24;
    word *= multiplier;
    word ^= word >> 24;
    hash = (hash * multiplier) ^ (word * multiplier);
  }
  if (at < key.size()) {
    for (std::size_t i = key.size(); i-- > at;) hash ^= byte(i) << (i - at) * 8;
    hash *= multiplier;
  }
  hash ^= hash >> 13;
  hash *= multiplier;
  return hash ^ hash >> 15;
}

std::uint32_t KeyGroups::of(std::string_view key) const {
  const std::uint64_t number = hash != nullptr ? hash(key) : XXH3_64bits(key.data(), key.size());
  return static_cast<std::uint32_t>(number & (count - 1));
}

namespace detail {

void KeptKeys::begin(std::size_t slots, std::size_t groups) {
  group_of_.assign(slots, 0);
  places_.assign(slots, 0);
  ends_.assign(groups, 0);
}

void KeptKeys::sort() {
  for (const std::uint16_t group : group_of_) {
    if (group != 0) ++ends_[group - 1U];
  }
  std::size_t total = 0;
  std::vector<std::size_t> next(ends_.size());
  for (std::size_t group = 0; group < ends_.size(); ++group) {
    next[group] = total;
    total += ends_[group];
    ends_[group] = total;
  }
  slots_.resize(total);
  for (Slot slot = 0; slot < group_of_.size(); ++slot) {
    if (!has(slot)) continue;
    const std::size_t group = this->group(slot);
    const std::size_t begin = group == 0 ? 0 : ends_[group - 1];
    places_[slot] = static_cast<std::uint32_t>(next[group] - begin);
    slots_[next[group]++] = slot;
  }
}

std::span<const Slot> KeptKeys::of(std::size_t group) const noexcept {
  if (group >= ends_.size()) return {};
  const std::size_t begin = group == 0 ? 0 : ends_[group - 1];
  return std::span(slots_).subspan(begin, ends_[group] - begin);
}

std::span<const Slot> KeptKeys::all() const noexcept { return slots_; }

void KeptKeys::append(Slot slot, std::size_t group) {
  if (ends_.size() <= group) ends_.resize(group + 1, slots_.size());
  if (group_of_.size() <= slot) group_of_.resize(slot + std::size_t{1});
  group_of_[slot] = static_cast<std::uint16_t>(group + 1);
  slots_.push_back(slot);
  ends_[group] = slots_.size();
}

}  // namespace detail

}  // namespace weir::inline v0

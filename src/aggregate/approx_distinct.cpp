#include <weir/aggregate/approx_distinct.hpp>

#include <algorithm>
#include <cstring>
#include <limits>

namespace weir::inline v0::detail {

namespace {

constexpr std::uint32_t place_bits = 26;  // of an entry; 6 for the rank
constexpr std::size_t least_slots = 8;
constexpr std::size_t most_loaded_entries = std::size_t{1} << 18U;

/// How many entries go into a table. Small ones may be full but for one slot: they are a few lines of memory.
constexpr std::size_t capacity(std::size_t slots) { return slots <= 64 ? slots - 1 : slots / 4 * 3; }

/// A precision that makes no sense is reported by `problem`; whoever goes on gets the nearest that does.
constexpr std::uint32_t usable_precision(std::uint32_t precision) {
  return std::clamp(precision, HyperLogLog::least_precision, HyperLogLog::most_precision);
}

/// Ertl's sigma: x + x^2 + 2 x^4 + 4 x^8 + ...; infinite for 1.
double sigma(double x) {
  if (x == 1) return std::numeric_limits<double>::infinity();
  double z = x, before = -1;
  for (double y = 1; z != before; y += y) {
    x *= x;
    before = z;
    z += x * y;
  }
  return z;
}

/// Ertl's tau: a third of 1 - x - (1 - sqrt x)^2 / 2 - (1 - sqrt sqrt x)^2 / 4 - ...
double tau(double x) {
  if (x == 0 || x == 1) return 0;
  double z = 1 - x, before = -1;
  for (double y = 0.5; z != before; y *= 0.5) {
    x = __builtin_sqrt(x);
    before = z;
    z -= (1 - x) * (1 - x) * y;
  }
  return z / 3;
}

/// Plain loops are not made into instructions on many bytes by every compiler, at every level.
typedef unsigned char Lanes __attribute__((vector_size(16)));
void raise_lanes(unsigned char* to, const unsigned char* from) {
  Lanes a, b;
  std::memcpy(&a, to, sizeof a);
  std::memcpy(&b, from, sizeof b);
  a = a < b ? b : a;
  std::memcpy(to, &a, sizeof a);
}
void raise_all(unsigned char* to, const unsigned char* from, std::size_t count) {
  constexpr std::size_t lanes = sizeof(Lanes);
  std::size_t i = 0;
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
    raise_lanes(to + i, from + i);
    raise_lanes(to + i + lanes, from + i + lanes);
    raise_lanes(to + i + 2 * lanes, from + i + 2 * lanes);
    raise_lanes(to + i + 3 * lanes, from + i + 3 * lanes);
  }
  for (; i < count; i += lanes) raise_lanes(to + i, from + i);
}

}  // namespace

std::size_t HyperLogLog::place_of(std::uint32_t entry) const {
  const std::size_t mask = words_.size() - 1;
  std::size_t i = (entry >> 6U) & mask;
  while (words_[i] != 0 && words_[i] >> 6U != entry >> 6U) i = (i + 1) & mask;
  return i;
}

void HyperLogLog::add_entry(std::uint64_t wide, std::uint32_t precision) {
  const auto entry = static_cast<std::uint32_t>(wide);
  if (precision_.value != 0) return raise_by(entry);
  const std::uint32_t p = usable_precision(precision);
  const std::size_t most_slots = (std::size_t{1} << p) / 8;
  if (words_.empty()) {
    if (most_slots < least_slots) {
      become_dense(p);
      return raise_by(entry);
    }
    words_ = OwnedVector<std::uint32_t>(least_slots);
  }
  std::size_t i = place_of(entry);
  if (words_[i] == 0) {
    if (entries_.value == capacity(words_.size())) {
      if (words_.size() >= most_slots) {
        become_dense(p);
        return raise_by(entry);
      }
      grow(words_.size() * 2);
      i = place_of(entry);
    }
    ++entries_.value;
  }
  words_[i] = std::max(words_[i], entry);
}

void HyperLogLog::grow(std::size_t slots) {
  OwnedVector<std::uint32_t> old(slots);
  old.swap(words_);
  for (const std::uint32_t entry : old)
    if (entry != 0) words_[place_of(entry)] = entry;
}

void HyperLogLog::become_dense(std::uint32_t precision) {
  OwnedVector<std::uint32_t> old((std::size_t{1} << precision) / sizeof(std::uint32_t));
  old.swap(words_);
  entries_ = 0;
  precision_ = static_cast<std::uint8_t>(precision);
  for (const std::uint32_t entry : old)
    if (entry != 0) raise_by(entry);
}

/// The bits of the place that no register is chosen by come before those whose zeros the rank counts.
void HyperLogLog::raise_by(std::uint32_t entry) {
  const std::uint32_t place = entry >> 6U, more = place_bits - precision_.value;
  const std::uint32_t low = place & ((1U << more) - 1);
  const std::uint32_t zeros = low == 0 ? more : static_cast<std::uint32_t>(__builtin_clz(low)) - (32 - more);
  raise(place >> more, low == 0 ? zeros + (entry & 63U) : zeros + 1);
}

/// Goes to fewer registers, as if there had never been more.
void HyperLogLog::fold(std::uint32_t precision) {
  HyperLogLog folded;
  folded.become_dense(precision);
  const std::uint32_t more = precision_.value - precision;
  for (std::uint32_t i = 0; i < 1U << precision_.value; ++i) {
    if (registers()[i] == 0) continue;
    const std::uint32_t low = i & ((1U << more) - 1);
    folded.raise(i >> more, low == 0 ? more + registers()[i]
                                     : static_cast<std::uint32_t>(__builtin_clz(low)) - (32 - more) + 1);
  }
  *this = std::move(folded);
}

void HyperLogLog::merge(const HyperLogLog& other, std::uint32_t precision) {
  if (other.words_.empty()) return;
  if (words_.empty()) {
    *this = other;
    return;
  }
  if (other.precision_.value == 0) {
    for (const std::uint32_t entry : other.words_)
      if (entry != 0) add_entry(entry, precision);
    return;
  }
  if (precision_.value == 0) {
    HyperLogLog dense = other;
    for (const std::uint32_t entry : words_)
      if (entry != 0) dense.raise_by(entry);
    *this = std::move(dense);
    return;
  }
  // Snapshots may hold another precision than the aggregator has.
  if (precision_.value > other.precision_.value) fold(other.precision_.value);
  if (precision_.value < other.precision_.value) {
    HyperLogLog folded = other;
    folded.fold(precision_.value);
    return merge(folded, precision);
  }
  raise_all(registers(), other.registers(), std::size_t{1} << precision_.value);
}

std::uint64_t HyperLogLog::estimate() const {
  if (precision_.value != 0) return dense_estimate();
  // -m log(1 - c / m), of which three terms leave less than 1e-4 out.
  const double count = entries_.value, share = count * (1.0 / (1U << place_bits));
  return static_cast<std::uint64_t>(__builtin_llround(count * (1 + share * (0.5 + share / 3))));
}

std::uint64_t HyperLogLog::dense_estimate() const {
  const std::size_t size = std::size_t{1} << precision_.value;
  std::uint32_t counts[4][64] = {};  // apart, so that equal neighbours do not wait for each other
  for (std::size_t i = 0; i < size; i += 4)
    for (std::size_t k = 0; k < 4; ++k) ++counts[k][registers()[i + k]];
  const auto count = [&counts](std::size_t value) {
    return static_cast<double>(counts[0][value] + counts[1][value] + counts[2][value] + counts[3][value]);
  };
  const auto m = static_cast<double>(size);
  const std::size_t most = 65U - precision_.value;
  double z = m * tau(1 - count(most) / m);
  for (std::size_t value = most - 1; value > 0; --value) z = 0.5 * (z + count(value));
  z += m * sigma(count(0) / m);
  // 1 / (2 log 2), and the bias that is left with few registers.
  const double estimate = 0.72134752044448170368 / (1 + 1.079 / m) * m * m / z;
  return estimate < 0x1p63 ? static_cast<std::uint64_t>(__builtin_llround(estimate))
                           : std::uint64_t{1} << 63U;
}

OwnedVector<std::uint32_t> HyperLogLog::sorted_entries() const {
  OwnedVector<std::uint32_t> entries;
  for (const std::uint32_t entry : words_)
    if (entry != 0) entries.push_back(entry);
  std::sort(entries.begin(), entries.end());
  return entries;
}

/// The entries in their order, or the registers, so that equal sets are equal bytes.
void HyperLogLog::archive(Archive& ar) {
  if (ar.is_loading()) *this = HyperLogLog{};
  ar(precision_.value);
  if (ar.is_loading())
    precision_.value == 0 ? load_entries(ar) : load_registers(ar);
  else if (precision_.value != 0)
    ar.raw(registers(), std::size_t{1} << precision_.value);
  else
    ar.write(sorted_entries());
}

void HyperLogLog::load_entries(Archive& ar) {
  OwnedVector<std::uint32_t> entries;
  ar(entries);
  if (entries.size() > most_loaded_entries) return ar.fail("a sketch has more entries than it may");
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::uint32_t rank = entries[i] & 63U;
    if (rank == 0 || rank > 65 - place_bits || (i > 0 && entries[i] >> 6U <= entries[i - 1] >> 6U))
      return ar.fail("the entries of a sketch are not in their order, or none");
  }
  if (entries.empty()) return;
  std::size_t slots = least_slots;
  while (entries.size() > capacity(slots)) slots *= 2;
  words_ = OwnedVector<std::uint32_t>(slots);
  std::vector<std::uint32_t> places;
  places.reserve(entries.size());
  for (const std::uint32_t entry : entries)
    places.push_back((entry >> 6U) & static_cast<std::uint32_t>(slots - 1));
  place_all(places, slots);
  for (std::size_t i = 0; i < entries.size(); ++i) words_[places[i]] = entries[i];
  entries_ = static_cast<std::uint32_t>(entries.size());
}

void HyperLogLog::load_registers(Archive& ar) {
  const std::uint32_t precision = precision_.value;
  precision_ = std::uint8_t{0};
  if (precision < least_precision || precision > most_precision)
    return ar.fail("the precision of a sketch is not from 4 to 18");
  if (ar.left() < std::size_t{1} << precision) return ar.fail("a sketch ends early");
  become_dense(precision);
  ar.raw(registers(), std::size_t{1} << precision);
  const unsigned char most = *std::max_element(registers(), registers() + (std::size_t{1} << precision));
  if (most <= 65 - precision) return;
  *this = HyperLogLog{};
  ar.fail("a register of a sketch is higher than it may be");
}

}  // namespace weir::inline v0::detail

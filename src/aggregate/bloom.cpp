#include <weir/aggregate/bloom.hpp>

namespace weir::inline v0::detail {

namespace {

constexpr double most_bits = 0x1p30;

double bits_of(const BloomSpec& spec) {
  const double log_2 = __builtin_log(2.0);
  return -static_cast<double>(spec.expected) * __builtin_log(spec.false_positive) / (log_2 * log_2);
}
bool is_sound(const BloomSpec& spec) {
  return spec.expected > 0 && spec.false_positive > 0 && spec.false_positive < 1 &&
         bits_of(spec) <= most_bits;
}

/// The place of the i-th bit of a value, of `bits`.
struct Places {
  std::uint64_t at;
  std::uint64_t step;
  std::uint64_t bits;

  Places(std::uint64_t hash, std::size_t words) : at(hash), step(hash), bits(std::uint64_t{words} * 64) {
    step = (step ^ (step >> 33U)) * 0xff51afd7ed558ccdU;
    step = (step ^ (step >> 33U)) * 0xc4ceb9fe1a85ec53U;
    step = (step ^ (step >> 33U)) | 1U;
  }
  std::uint64_t next() {
    __extension__ typedef unsigned __int128 Wide;
    const auto place = static_cast<std::uint64_t>(static_cast<Wide>(at) * bits >> 64U);
    at += step;
    return place;
  }
};

}  // namespace

BloomSize bloom_size(const BloomSpec& spec) {
  if (!is_sound(spec)) return {};
  const auto words = static_cast<std::uint32_t>(__builtin_ceil(bits_of(spec) / 64));
  const double hashes = __builtin_round(-__builtin_log(spec.false_positive) / __builtin_log(2.0));
  return {words > 0 ? words : 1, hashes < 1 ? 1 : static_cast<std::uint32_t>(hashes)};
}

std::string problem_of(const BloomSpec& spec) {
  if (spec.expected == 0)
    return "expected is 0; give the number of different values in a window, such as 1000";
  if (!(spec.false_positive > 0 && spec.false_positive < 1))
    return "false_positive is " + std::to_string(spec.false_positive) +
           "; give a number between 0 and 1, such as 0.01";
  if (!is_sound(spec))
    return "expected is " + std::to_string(spec.expected) +
           ", which takes more than 128 MiB per key; give fewer values or a larger false_positive";
  return {};
}

void bloom_insert(OwnedVector<std::uint64_t>& words, std::uint64_t hash, const BloomSize& size) {
  if (words.empty()) words.assign(size.words, 0);
  Places places(hash, words.size());
  for (std::uint32_t i = 0; i < size.hashes; ++i) {
    const std::uint64_t place = places.next();
    words[place / 64] |= std::uint64_t{1} << place % 64;
  }
}

bool bloom_has(const OwnedVector<std::uint64_t>& words, std::uint64_t hash, const BloomSize& size) {
  if (words.empty()) return false;
  Places places(hash, words.size());
  bool has = true;
  for (std::uint32_t i = 0; i < size.hashes; ++i) {
    const std::uint64_t place = places.next();
    has = has && (words[place / 64] >> place % 64 & 1U) != 0;
  }
  return has;
}

void bloom_merge(OwnedVector<std::uint64_t>& words, const OwnedVector<std::uint64_t>& other) {
  if (other.empty()) return;
  if (words.empty()) {
    words = other;
  } else if (words.size() != other.size()) {
    words.assign(words.size(), ~std::uint64_t{0});  // only of damaged States: nothing may be missed
  } else {
    for (std::size_t i = 0; i < words.size(); ++i) words[i] |= other[i];
  }
}

}  // namespace weir::inline v0::detail

#include <weir/aggregate/quantile.hpp>

#include <algorithm>
#include <limits>

namespace weir::inline v0::detail {

namespace {

constexpr std::uint32_t least_buckets = 16, most_buckets = 65536;
constexpr double infinity = std::numeric_limits<double>::infinity();

/// A limit that makes no sense is reported by `problem`; whoever goes on gets the nearest that does.
constexpr std::int32_t usable_limit(std::uint32_t most) {
  return static_cast<std::int32_t>(std::clamp(most, least_buckets, most_buckets));
}

/// Where the cubic between two powers of two has a value: Newton's method from the left, which never oversteps.
double inverse_of_cubic(double value) {
  double s = value * 0.7;
  for (int step = 0; step < 8; ++step) {
    const double slope = 10.0 / 7 + s * (s * (18.0 / 35) - 1.2);
    s += (value - s * (10.0 / 7 + s * (s * (6.0 / 35) - 0.6))) / slope;
  }
  return s;
}

}  // namespace

double LogScale::value(std::int32_t index) const {
  if (index >= top()) return infinity;
  const double low = (index - first) / per_octave_, high = (index - first + 1) / per_octave_;
  const auto low_octave = static_cast<int>(low), high_octave = static_cast<int>(high);
  const double a = 1 + inverse_of_cubic(low - low_octave);
  const double b = __builtin_ldexp(1 + inverse_of_cubic(high - high_octave), high_octave - low_octave);
  const double size = __builtin_ldexp(2 * a * b / (a + b), low_octave - 1022);
  return std::min(size, std::numeric_limits<double>::max());
}

BucketRange BucketRange::trimmed() const {
  BucketRange range;
  const auto is_used = [](std::uint64_t count) { return count != 0; };
  const auto begin = std::find_if(counts.begin(), counts.end(), is_used);
  if (begin == counts.end()) return range;
  const auto end = std::find_if(counts.rbegin(), counts.rend(), is_used).base();
  range.counts.assign(begin, end);
  range.first = first.value + static_cast<std::int32_t>(begin - counts.begin());
  range.is_collapsed = is_collapsed;
  return range;
}

/// Widens the range to [low, high] as far as `limit` allows, with room to grow on the side where it was too short.
void BucketRange::cover(std::int32_t low, std::int32_t high, std::uint32_t most) {
  const std::int32_t limit = usable_limit(most);
  const BucketRange old = trimmed();
  bool is_higher = false;
  if (!old.counts.empty()) {
    const std::int32_t last = old.first.value + static_cast<std::int32_t>(old.counts.size()) - 1;
    is_higher = high > last;
    low = std::min(low, old.first.value);
    high = std::max(high, last);
    const std::int32_t least = high - limit + 1;
    low = std::max(low, least);
    const std::int32_t room = (high - low + 1) / 4 + 4;
    if (is_higher)
      high = std::min(high + room, low + limit - 1);
    else
      low = std::max({low - room, least, LogScale::first});
  }
  low = std::max(low, high - limit + 1);
  counts = OwnedVector<std::uint64_t>(static_cast<std::size_t>(high - low + 1));
  first = low;
  for (std::size_t i = 0; i < old.counts.size(); ++i) {
    const std::int32_t index = old.first.value + static_cast<std::int32_t>(i);
    if (index < low && old.counts[i] != 0) is_collapsed = true;
    counts[static_cast<std::size_t>(std::max(index, low) - low)] += old.counts[i];
  }
}

void BucketRange::add(std::int32_t index, std::uint64_t count, std::uint32_t most) {
  const auto is_inside = [this](std::int32_t i) {
    return i >= first.value && i - first.value < static_cast<std::int32_t>(counts.size());
  };
  // A range that is as long as it may be and ends with the largest index does not move for smaller ones.
  const bool is_fixed = static_cast<std::int32_t>(counts.size()) >= usable_limit(most) && counts.back() != 0;
  if (!is_inside(index) && !(is_fixed && index < first.value)) cover(index, index, most);
  if (index < first.value) is_collapsed = true;
  counts[static_cast<std::size_t>(std::max(index, first.value) - first.value)] += count;
}

void BucketRange::merge(const BucketRange& other, std::uint32_t most) {
  const BucketRange more = other.trimmed();
  if (more.counts.empty()) return;
  const std::int32_t last = more.first.value + static_cast<std::int32_t>(more.counts.size()) - 1;
  if (counts.empty() || more.first.value < first.value ||
      last >= first.value + static_cast<std::int32_t>(counts.size()))
    cover(more.first.value, last, most);
  const auto skipped = static_cast<std::size_t>(std::max(0, first.value - more.first.value));
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < std::min(skipped, more.counts.size()); ++i) below += more.counts[i];
  if (below != 0) {
    counts[0] += below;
    is_collapsed = true;
  }
  if (more.is_collapsed.value) is_collapsed = true;
  if (skipped >= more.counts.size()) return;
  std::uint64_t* const to = counts.data() + (std::max(first.value, more.first.value) - first.value);
  for (std::size_t i = skipped; i < more.counts.size(); ++i) to[i - skipped] += more.counts[i];
}

void BucketRange::archive(Archive& ar) {
  BucketRange range;
  if (!ar.is_loading()) range = trimmed();
  ar(range.first.value, range.is_collapsed.value, range.counts);
  if (!ar.is_loading()) return;
  *this = BucketRange{};
  const std::size_t size = range.counts.size();
  if (size == 0) {
    if (range.first.value != 0 || range.is_collapsed.value)
      ar.fail("buckets without values say more than that");
    return;
  }
  if (size > most_buckets || range.counts.front() == 0 || range.counts.back() == 0)
    return ar.fail("buckets are more than they may be, or begin or end with empty ones");
  if (range.first.value < LogScale::first || range.first.value > LogScale::last)
    return ar.fail("buckets are out of range");
  *this = std::move(range);
}

void LogBuckets::add_rare(double x, const LogScale& scale, std::uint32_t most) {
  if (x != x) {
    has_nan_ = true;
    return;
  }
  const std::uint64_t bits = std::bit_cast<std::uint64_t>(x) & ~(std::uint64_t{1} << 63U);
  const std::uint64_t exponent = bits >> 52U;
  const std::int64_t size = exponent == 0 ? 0 : exponent == 2047 ? scale.top() : scale.index(bits);
  add_few(x < 0 ? -size : size, most);
}

void LogBuckets::add_few(std::int64_t key, std::uint32_t most) {
  if (is_dense_.value) return count(key, most);
  if (positive_.counts.size() >= few) {
    become_dense(most);
    return count(key, most);
  }
  positive_.counts.push_back(static_cast<std::uint64_t>(key));
}

void LogBuckets::count(std::int64_t key, std::uint32_t most) {
  if (key == 0) {
    ++zeros_.value;
    return;
  }
  if (key < 0 && negative_.empty()) negative_ = OwnedVector<BucketRange>(1);
  BucketRange& range = key < 0 ? negative_.front() : positive_;
  range.add(static_cast<std::int32_t>(key < 0 ? -key : key), 1, most);
}

void LogBuckets::become_dense(std::uint32_t most) {
  const OwnedVector<std::int64_t> few_keys = keys();
  positive_ = BucketRange{};
  is_dense_ = true;
  // The largest sizes first, so that no range is longer than it will be.
  if (!few_keys.empty() && few_keys.back() > 0) {
    const auto least = std::upper_bound(few_keys.begin(), few_keys.end(), 0);
    positive_.cover(static_cast<std::int32_t>(*least), static_cast<std::int32_t>(few_keys.back()), most);
  }
  for (const std::int64_t key : few_keys) count(key, most);
}

void LogBuckets::merge(const LogBuckets& other, std::uint32_t most) {
  if (other.has_nan_.value) has_nan_ = true;
  if (!other.is_dense_.value) {
    for (const std::int64_t key : other.keys()) add_few(key, most);
    return;
  }
  if (!is_dense_.value) {
    const OwnedVector<std::int64_t> few_keys = keys();
    const bool has_nan = has_nan_.value;
    *this = other;
    has_nan_ = has_nan;
    for (const std::int64_t key : few_keys) count(key, most);
    return;
  }
  zeros_ = zeros_.value + other.zeros_.value;
  positive_.merge(other.positive_, most);
  if (other.negative_.empty()) return;
  if (negative_.empty()) negative_ = OwnedVector<BucketRange>(1);
  negative_.front().merge(other.negative_.front(), most);
}

OwnedVector<std::int64_t> LogBuckets::keys() const {
  OwnedVector<std::int64_t> sorted;
  sorted.reserve(positive_.counts.size());
  for (const std::uint64_t key : positive_.counts) sorted.push_back(static_cast<std::int64_t>(key));
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

std::uint64_t LogBuckets::size() const {
  if (!is_dense_.value) return positive_.counts.size();
  std::uint64_t sum = zeros_.value;
  for (const std::uint64_t count : positive_.counts) sum += count;
  if (!negative_.empty())
    for (const std::uint64_t count : negative_.front().counts) sum += count;
  return sum;
}

Checked<double> LogBuckets::at(double q, const LogScale& scale) const {
  const std::uint64_t n = size();
  if (has_nan_.value || n == 0) return {std::numeric_limits<double>::quiet_NaN(), false};
  q = !(q > 0) ? 0 : std::min(q, 1.0);
  const double share = q * static_cast<double>(n - 1);
  std::uint64_t rank = share < 0x1p63 ? std::min(static_cast<std::uint64_t>(share), n - 1) : n - 1;
  if (!is_dense_.value) {
    std::array<std::int64_t, few> all{};
    const auto end = std::transform(positive_.counts.begin(), positive_.counts.end(), all.begin(),
                                    [](std::uint64_t one) { return static_cast<std::int64_t>(one); });
    const auto asked = all.begin() + static_cast<std::ptrdiff_t>(rank);
    std::nth_element(all.begin(), asked, end);
    const std::int64_t key = *asked;
    if (key == 0) return {0, false};
    const double size = scale.value(static_cast<std::int32_t>(key < 0 ? -key : key));
    return {key < 0 ? -size : size, false};
  }
  const auto found = [&scale](const BucketRange& range, std::size_t i) -> Checked<double> {
    std::size_t lowest = 0;
    while (range.counts[lowest] == 0) ++lowest;
    return {scale.value(range.first.value + static_cast<std::int32_t>(i)),
            range.is_collapsed.value && i == lowest};
  };
  if (!negative_.empty()) {
    const BucketRange& range = negative_.front();
    for (std::size_t i = range.counts.size(); i-- > 0;) {
      if (rank < range.counts[i]) {
        const Checked<double> size = found(range, i);
        return {-size.value, size.overflowed};
      }
      rank -= range.counts[i];
    }
  }
  if (rank < zeros_.value) return {0, false};
  rank -= zeros_.value;
  for (std::size_t i = 0; i < positive_.counts.size(); ++i) {
    if (rank < positive_.counts[i]) return found(positive_, i);
    rank -= positive_.counts[i];
  }
  return {0, true};  // counts that were read beyond 2^64 in all
}

std::size_t LogBuckets::bytes() const {
  std::size_t owned = positive_.counts.capacity() * sizeof(std::uint64_t);
  for (const BucketRange& range : negative_)
    owned += sizeof(BucketRange) + range.counts.capacity() * sizeof(std::uint64_t);
  return owned;
}

/// The few in their order and ranges without zeros at their ends, so that equal values are equal bytes.
void LogBuckets::archive(Archive& ar) {
  if (ar.is_loading()) *this = LogBuckets{};
  ar(is_dense_.value, has_nan_.value);
  if (!is_dense_.value) return ar.is_loading() ? load_keys(ar) : ar.write(keys());
  ar(zeros_.value, positive_);
  bool is_signed = !negative_.empty();
  ar(is_signed);
  if (!is_signed) return;
  if (ar.is_loading()) negative_ = OwnedVector<BucketRange>(1);
  ar(negative_.front());
  if (negative_.front().counts.empty()) {
    ar.fail("buckets of negative values have none");
    negative_.clear();
  }
}

void LogBuckets::load_keys(Archive& ar) {
  OwnedVector<std::int64_t> sorted;
  ar(sorted);
  if (sorted.size() > few || !std::is_sorted(sorted.begin(), sorted.end()))
    return ar.fail("the few values of a sketch are too many or not in their order");
  for (const std::int64_t key : sorted) {
    const std::uint64_t size =
        key < 0 ? 0 - static_cast<std::uint64_t>(key) : static_cast<std::uint64_t>(key);
    if (size != 0 && (size < LogScale::first || size > LogScale::last))
      return ar.fail("a value of a sketch is out of range");
  }
  for (const std::int64_t key : sorted) positive_.counts.push_back(static_cast<std::uint64_t>(key));
}

std::string quantile_problem(const double* q, std::size_t count, const QuantileSpec& spec) {
  for (std::size_t i = 0; i < count; ++i) {
    std::string problem = share_problem("q", q[i]);
    if (!problem.empty()) return problem;
  }
  const bool is_fine = spec.relative_error >= 0.0001 && spec.relative_error <= 0.5;
  std::string problem =
      option_problem(is_fine, "relative_error", spec.relative_error, "a number from 0.0001 to 0.5");
  if (!problem.empty()) return problem;
  return option_problem(spec.most >= least_buckets && spec.most <= most_buckets, "most", spec.most,
                        "a number from 16 to 65536");
}

}  // namespace weir::inline v0::detail

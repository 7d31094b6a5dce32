#include <weir/aggregate/wide_sum.hpp>

#include <limits>
#include <optional>

#include "aggregate/numbers.hpp"
#include "aggregate/samples.hpp"
#include "catch.hpp"

// What its types are: said here, because every program that includes the header would pay for it.
namespace weir::inline v0 {

static_assert(Aggregator<WideSum<std::int64_t>, std::int64_t> && Invertible<WideSum<std::int64_t>>);
static_assert(sizeof(WideSum<std::int64_t>::State) == 16);

}  // namespace weir::inline v0

namespace {

using samples::result_of;
using weir::WideSum;
using weir::testing::check_laws;
constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();

TEST_CASE("a wide sum is exact far beyond 64 bits, and nothing is 0") {
  CHECK((WideSum<int>{}.result({}) == 0));
  CHECK((result_of(WideSum<std::int64_t>{}, std::vector<std::int64_t>(1000, most)) ==
         absl::int128(most) * 1000));
  CHECK((result_of(WideSum<std::int64_t>{}, std::vector<std::int64_t>(1000, least)) ==
         absl::int128(least) * 1000));
  const std::uint64_t largest = std::numeric_limits<std::uint64_t>::max();
  CHECK((result_of(WideSum<std::uint64_t>{}, std::vector{largest, largest}) ==
         absl::MakeInt128(1, largest - 1)));
  CHECK((result_of(WideSum<std::int8_t>{}, std::vector<std::int8_t>{-128, 127, -2}) == -3));
  CHECK((result_of(WideSum<bool>{}, std::vector<int>{1, 0, 1}) == 2));
}

TEST_CASE("wide sums agree with those of __int128") {
  auto seed = GENERATE(1u, 2u, 3u);
  CAPTURE(seed);
  samples::Random random{seed};
  samples::Wide sum = 0;
  std::vector<std::int64_t> values;
  for (int i = 0; i < 1000; ++i) {
    values.push_back(static_cast<std::int64_t>(random.bits()));
    sum += values.back();
  }
  CHECK((result_of(WideSum<std::int64_t>{}, values) == absl::int128(sum)));
}

TEST_CASE("wide sums obey the laws, order independence and removal among them") {
  auto seed = GENERATE(1u, 2u, 3u);
  CAPTURE(seed);
  std::vector<std::int64_t> values = samples::integers(seed, 30, 1000);
  values.push_back(most);
  values.push_back(most);
  values.push_back(least);
  CHECK(check_laws(WideSum<std::int64_t>{}, values));
}

TEST_CASE("states of wide sums are kept in snapshots") {
  const WideSum<std::int64_t> sum;
  numbers::check_archive(sum, samples::added(sum, std::vector{most, most, least}), least);
  WideSum<std::int64_t>::State extreme{.low = 5, .high = least};
  sum.merge(extreme, extreme);  // what bytes from outside may ask for
  CHECK((sum.result(extreme) == 10));
}

struct Move {
  std::optional<std::int64_t> wei;
};
struct Row {
  absl::int128 total = -1;
  std::optional<absl::int128> maybe;
};

TEST_CASE("a wide sum goes into a field of its type") {
  weir::FeatureCounts counts[2];
  const std::vector<Move> moves{{most}, {std::nullopt}, {most}};
  const Row row = numbers::row_of<Row>(moves, counts, weir::wide_sum(&Move::wei).as(&Row::total),
                                       weir::wide_sum(&Move::wei).as(&Row::maybe));
  CHECK((row.total == absl::int128(most) * 2));
  CHECK((row.maybe == row.total));
  CHECK(counts[0] == weir::FeatureCounts{.missing = 1, .nan = 0, .overflowed = 0});
}

}  // namespace

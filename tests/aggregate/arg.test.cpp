#include <weir/aggregate/arg.hpp>

#include <limits>
#include <optional>
#include <string>

#include <weir/aggregate/row.hpp>
#include <weir/testing/laws.hpp>

#include "aggregate/samples.hpp"
#include "catch.hpp"

// What its types are: said here, because every program that includes the header would pay for it.
namespace weir::inline v0 {

static_assert(Aggregator<ArgMin<double, std::string>, Ranked<double, std::string_view>>);

}  // namespace weir::inline v0

namespace {

using weir::ArgMax;
using weir::ArgMin;
using weir::event_time;
using weir::testing::check_laws;
using weir::testing::Timed;
using Pair = weir::Ranked<std::int64_t, int>;
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

std::vector<Timed<Pair>> arrivals(std::uint64_t seed, int n) {
  samples::Random random{seed};
  std::vector<Timed<Pair>> records;
  for (int i = 0; i < n; ++i)
    records.push_back({{random.between(-3, 3), i}, event_time(random.between(0, 6))});
  return records;
}

TEST_CASE("arg_min and arg_max agree with a search: ties go to the oldest, then to the first that arrived") {
  auto seed = GENERATE(range(1u, 40u));
  auto n = GENERATE(1, 2, 30);
  CAPTURE(seed, n);
  const auto records = arrivals(seed, n);
  const Timed<Pair>*least = nullptr, *most = nullptr;
  ArgMin<std::int64_t, int>::State low{};
  ArgMax<std::int64_t, int>::State high{};
  for (const auto& r : records) {
    if (!least || r.value.by < least->value.by || (r.value.by == least->value.by && r.at < least->at))
      least = &r;
    if (!most || r.value.by > most->value.by || (r.value.by == most->value.by && r.at < most->at)) most = &r;
    ArgMin<std::int64_t, int>{}.add(low, r.value, r.at);
    ArgMax<std::int64_t, int>{}.add(high, r.value, r.at);
  }
  CHECK(ArgMin<std::int64_t, int>{}.result(low) == least->value.what);
  CHECK(ArgMax<std::int64_t, int>{}.result(high) == most->value.what);
}

TEST_CASE("arg_min and arg_max obey the laws") {
  auto seed = GENERATE(1u, 2u, 3u);
  CAPTURE(seed);
  CHECK(check_laws(ArgMin<std::int64_t, int>{}, arrivals(seed, 25)));
  CHECK(check_laws(ArgMax<std::int64_t, int>{}, arrivals(seed, 25)));
  using Real = weir::Ranked<double, int>;
  CHECK(
      check_laws(ArgMin<double, int>{}, std::vector<Real>{{nan, 1}, {0.0, 2}, {-0.0, 3}, {nan, 4}, {-1, 5}}));
}

struct Bid {
  std::optional<double> price;
  std::string bidder;
  std::optional<std::string_view> note;
};
struct Best {
  std::string lowest;
  std::optional<std::string> highest;
  std::optional<std::string> note;
};

TEST_CASE("as features they skip missing and NaN ranks, and keep strings of what only views them") {
  const auto row = [](auto... f) { return weir::RowAggregator<Best, Bid, decltype(f)...>(f...); }(
                       weir::arg_min(&Bid::price, &Bid::bidder).as(&Best::lowest),
                       weir::arg_max(&Bid::price, [](const Bid& bid) { return std::string_view{bid.bidder}; })
                           .as(&Best::highest),
                       weir::arg_max([](const Bid& bid) { return bid.price.value_or(nan); }, &Bid::note)
                           .nan(weir::NanPolicy::propagate)
                           .as(&Best::note));
  decltype(row)::State state{};
  weir::FeatureCounts counts[3];
  row.add(state, {std::nullopt, "nobody", {}}, event_time(0), counts);
  row.add(state, {nan, "nan", {}}, event_time(1), counts);
  CHECK(row.result(state, {}).highest == std::nullopt);
  {
    const std::string gone = "a note that does not fit in place";
    row.add(state, {3.0, "a bidder that does not fit in place", gone}, event_time(2), counts);
  }
  row.add(state, {2.0, "b", {}}, event_time(3), counts);

  const Best best = row.result(state, {});
  CHECK(best.lowest == "b");
  CHECK(best.highest == "a bidder that does not fit in place");
  CHECK(best.note == "a note that does not fit in place");
  CHECK(counts[0] == weir::FeatureCounts{.missing = 1, .nan = 1, .overflowed = 0});
  CHECK(counts[2] == weir::FeatureCounts{});
}

}  // namespace

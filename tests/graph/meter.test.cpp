#include <weir/graph/meter.hpp>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "catch.hpp"
#include "operators/desk.hpp"

namespace {

std::uint64_t now = 0;
std::uint64_t clock() { return now += 1000; }

TEST_CASE("a quantile is at most 1/16 above the true value, and never above the longest") {
  weir::LatencyHistogram histogram;
  std::vector<std::uint64_t> values;
  std::uint64_t x = 88172645463325252U;
  for (int i = 0; i < 3000; ++i) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    const std::uint64_t value = x >> (x % 64);
    values.push_back(value);
    histogram.add(value);
  }
  std::sort(values.begin(), values.end());
  CHECK(histogram.count() == 3000);
  CHECK(histogram.longest() == values.back());
  for (const double q : {0.0, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const std::uint64_t exact = values[static_cast<std::size_t>(q * 2999)];
    CAPTURE(q, exact);
    CHECK(histogram.quantile(q) >= exact);
    CHECK(histogram.quantile(q) - exact <= exact / 16);
  }
}

TEST_CASE("every value below 32 is exact, the ends of the range too, and nothing gives nothing") {
  CHECK(weir::LatencyHistogram{}.quantile(0.5) == 0);
  for (const std::uint64_t value :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{31}, std::uint64_t{32}, ~std::uint64_t{0}}) {
    weir::LatencyHistogram histogram;
    histogram.add(value);
    CHECK(histogram.quantile(1) == value);
    CHECK(histogram.longest() == value);
  }
}

TEST_CASE("a pipeline times its calls with the host's clock once it has one") {
  desk::Desk desk(weir::tumbling({.size = desk::us(10), .grace = desk::us(0)}));
  desk.push(1, 1);
  CHECK(desk.pipeline().meter().calls().count() == 0);
  desk.pipeline().meter().use(&clock);
  desk.push(1, 2).push(1, 3).advance(5);
  const weir::Meter& meter = desk.pipeline().meter();
  CHECK(meter.calls().count() == 3);
  CHECK(meter.records() == 2);
  CHECK(meter.calls().total() == 3000);
  desk.pipeline().meter().use(nullptr);
  desk.push(1, 4);
  CHECK(meter.calls().count() == 3);
}

}  // namespace

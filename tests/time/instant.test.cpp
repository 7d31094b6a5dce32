#include <weir/time/instant.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>

#include "catch.hpp"

namespace {

constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t edges[] = {least, least + 1, least + 2, -1'000'000, -2,       -1,  0,
                                  1,     2,         1'000'000, most - 2,   most - 1, most};
__extension__ using Wide = __int128;

std::int64_t held(Wide value) { return static_cast<std::int64_t>(std::clamp<Wide>(value, least, most)); }

TEST_CASE("floor_div and floor_mod agree with counting for all pairs in -50..50") {
  for (std::int64_t value = -50; value <= 50; ++value) {
    for (std::int64_t divisor = -50; divisor <= 50; ++divisor) {
      if (divisor == 0) continue;
      std::int64_t quotient = -2600;
      if (divisor > 0) {
        while ((quotient + 1) * divisor <= value) ++quotient;
      } else {
        while ((quotient + 1) * divisor >= value) ++quotient;
      }
      REQUIRE(weir::floor_div(value, divisor) == quotient);
      REQUIRE(weir::floor_mod(value, divisor) == value - quotient * divisor);
      if (divisor > 0)
        REQUIRE((weir::floor_mod(value, divisor) >= 0 && weir::floor_mod(value, divisor) < divisor));
    }
  }
}

TEST_CASE("floor_div is exact at the ends of int64") {
  CHECK(weir::floor_div(least, 1) == least);
  CHECK(weir::floor_div(least, most) == -2);
  CHECK(weir::floor_div(most, most) == 1);
  CHECK(weir::floor_mod(least, 10) == 2);
  CHECK(weir::floor_div(least, 10) == least / 10 - 1);
  CHECK(weir::floor_mod(most, 10) == 7);
}

TEST_CASE("sums and differences are held at the ends instead of wrapping") {
  for (const std::int64_t a : edges) {
    for (const std::int64_t b : edges) {
      CAPTURE(a, b);
      CHECK(weir::saturating_add(a, b) == held(Wide{a} + b));
      CHECK(weir::saturating_sub(a, b) == held(Wide{a} - b));
      CHECK(weir::later(weir::event_time(a), weir::Duration{b}) == weir::event_time(held(Wide{a} + b)));
      CHECK(weir::earlier(weir::event_time(a), weir::Duration{b}) == weir::event_time(held(Wide{a} - b)));
      CHECK(weir::between(weir::event_time(a), weir::event_time(b)).count() == held(Wide{b} - a));
    }
  }
}

TEST_CASE("ticks and event_time undo each other, and time starts at no_time") {
  for (const std::int64_t at : edges) CHECK(weir::ticks(weir::event_time(at)) == at);
  CHECK(weir::ticks(weir::no_time) == least);
  CHECK(weir::ticks(weir::end_of_time) == most);
  CHECK(weir::event_time(0) == weir::EventTime{});
}

}  // namespace

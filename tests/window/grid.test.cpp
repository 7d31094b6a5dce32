#include <weir/window/grid.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "catch.hpp"

namespace {

using weir::Duration;
using weir::event_time;
using weir::detail::Grid;
__extension__ using Wide = __int128;

constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();

std::int64_t held(Wide value) { return static_cast<std::int64_t>(std::clamp<Wide>(value, least, most)); }
Wide floor_of(Wide value, Wide divisor) { return value / divisor - (value % divisor < 0 ? 1 : 0); }

TEST_CASE("sliding windows of all sizes, slides and offsets up to 12 contain what counting says") {
  for (std::int64_t size = 1; size <= 12; ++size) {
    for (std::int64_t every = 1; every <= 12; ++every) {
      for (std::int64_t offset = -12; offset <= 12; ++offset) {
        const Grid grid = Grid::sliding(Duration{size}, Duration{every}, Duration{offset});
        CHECK(grid.is_gapless() == (every <= size));
        for (std::int64_t at = -30; at <= 30; ++at) {
          std::vector<std::int64_t> starts;
          for (std::int64_t k = -60; k <= 60; ++k) {
            const std::int64_t start = offset + k * every;
            if (start <= at && at < start + size) starts.push_back(start);
          }
          const auto first = grid.first(event_time(at));
          const auto last = grid.last(event_time(at));
          REQUIRE(last - first + 1 == static_cast<std::int64_t>(starts.size()));
          for (std::size_t i = 0; i < starts.size(); ++i) {
            REQUIRE(weir::ticks(grid.start(first + static_cast<std::int64_t>(i))) == starts[i]);
            REQUIRE(weir::ticks(grid.end(first + static_cast<std::int64_t>(i))) == starts[i] + size);
          }
        }
      }
    }
  }
}

TEST_CASE("cumulating windows grow step by step inside their base") {
  for (const std::int64_t step : {1, 2, 3}) {
    for (const std::int64_t steps : {1, 2, 4}) {
      for (std::int64_t offset = -7; offset <= 7; ++offset) {
        const std::int64_t size = step * steps;
        const Grid grid = Grid::cumulating(Duration{size}, Duration{step}, Duration{offset});
        for (std::int64_t at = -30; at <= 30; ++at) {
          const std::int64_t base = offset + weir::floor_div(at - offset, size) * size;
          const auto first = grid.first(event_time(at));
          const auto last = grid.last(event_time(at));
          REQUIRE(grid.end(last) == event_time(base + size));
          std::int64_t windows = 0;
          for (std::int64_t end = base + step; end <= base + size; end += step) {
            if (end <= at) continue;
            REQUIRE(grid.window(first + windows) == weir::Window{event_time(base), event_time(end)});
            ++windows;
          }
          REQUIRE(last - first + 1 == windows);
        }
      }
    }
  }
}

TEST_CASE("windows at the ends of int64 are those of wide arithmetic, with bounds held at the ends") {
  const std::int64_t sizes[] = {1, 2, 3, 10, 1000, most / 2, most - 1, most};
  const std::int64_t offsets[] = {least, least + 1, -7, 0, 3, most};
  const std::int64_t times[] = {least + 1, least + 2, least + 11, -11,      -1,  0,
                                1,         9,         most - 11,  most - 1, most};
  for (const std::int64_t size : sizes) {
    for (const std::int64_t every : sizes) {
      for (const std::int64_t offset : offsets) {
        const Grid grid = Grid::sliding(Duration{size}, Duration{every}, Duration{offset});
        const Wide base = Wide{offset} - floor_of(offset, every) * every;
        CHECK(grid.offset() == static_cast<std::int64_t>(base));
        for (const std::int64_t at : times) {
          CAPTURE(size, every, offset, at);
          const Wide last = floor_of(Wide{at} - base, every);
          const Wide first = floor_of(Wide{at} - base - size, every) + 1;
          CHECK((grid.last(event_time(at)) == last));
          CHECK((grid.first(event_time(at)) == first));
          for (const Wide index : {first, last}) {
            CHECK(weir::ticks(grid.start(index)) == held(index * every + base));
            CHECK(weir::ticks(grid.end(index)) == held(index * every + base + size));
          }
        }
      }
    }
  }
}

TEST_CASE("the first open window is the lowest one whose end and grace the watermark has not reached") {
  for (std::int64_t size = 1; size <= 6; ++size) {
    for (std::int64_t every = 1; every <= 6; ++every) {
      for (std::int64_t grace = 0; grace <= 7; grace += 3) {
        const Grid grid = Grid::sliding(Duration{size}, Duration{every}, Duration{1});
        for (std::int64_t watermark = -20; watermark <= 20; ++watermark) {
          const auto open = grid.first_open(event_time(watermark), Duration{grace});
          REQUIRE(weir::ticks(grid.end(open)) + grace > watermark);
          REQUIRE(weir::ticks(grid.end(open - 1)) + grace <= watermark);
        }
      }
    }
  }
  const Grid grid = Grid::sliding(Duration{10}, Duration{10}, Duration{0});
  CHECK((grid.first_open(weir::end_of_time, Duration{most}) == weir::detail::after_all_windows));
  CHECK((grid.first_open(event_time(most - 1), Duration{0}) <= grid.last(event_time(most))));
}

TEST_CASE("the endless grid has one window that holds everything") {
  const Grid grid = Grid::endless();
  for (const std::int64_t at : {least, std::int64_t{0}, most}) {
    CHECK(grid.first(event_time(at)) == 0);
    CHECK(grid.last(event_time(at)) == 0);
  }
  CHECK(grid.window(0) == weir::Window{weir::no_time, weir::end_of_time});
  CHECK(grid.first_open(event_time(most - 1), Duration{0}) == 0);
}

}  // namespace

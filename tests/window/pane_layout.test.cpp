#include <weir/window/pane_layout.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "catch.hpp"

namespace {

using weir::Duration;
using weir::event_time;
using weir::detail::Grid;
using weir::detail::PaneLayout;
__extension__ using Wide = __int128;

constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();

TEST_CASE("the panes of every window tile it exactly, for several grids at once") {
  std::mt19937_64 random(3);
  for (int script = 0; script < 500; ++script) {
    std::vector<Grid> grids;
    PaneLayout layout;
    const std::size_t count = 1 + random() % 3;
    for (std::size_t i = 0; i < count; ++i) {
      const auto size = static_cast<std::int64_t>(1 + random() % 12);
      const auto every = static_cast<std::int64_t>(1 + random() % 12);
      const auto offset = static_cast<std::int64_t>(random() % 30) - 15;
      grids.push_back(random() % 4 == 0
                          ? Grid::cumulating(Duration{size * every}, Duration{every}, Duration{offset})
                          : Grid::sliding(Duration{size}, Duration{every}, Duration{offset}));
      layout.include(grids.back(), i == 0);
    }
    REQUIRE(layout.width >= 1);
    for (std::int64_t at = -40; at <= 40; ++at) {
      const auto pane = layout.pane(event_time(at));
      REQUIRE(weir::ticks(layout.start(pane)) <= at);
      REQUIRE(weir::ticks(layout.start(pane + 1)) > at);
      for (const Grid& grid : grids) {
        for (auto index = grid.first(event_time(at)); index <= grid.last(event_time(at)); ++index) {
          const auto [low, high] = layout.panes(grid, index);
          REQUIRE(layout.start(PaneLayout::nearest(low)) == grid.start(index));
          REQUIRE(layout.start(PaneLayout::nearest(high + 1)) == grid.end(index));
          REQUIRE((low <= pane && pane <= high));
        }
      }
    }
  }
}

TEST_CASE("panes at the ends of int64 are those of wide arithmetic") {
  for (const std::int64_t size : {std::int64_t{1}, std::int64_t{7}, std::int64_t{1000}, most}) {
    for (const std::int64_t offset : {std::int64_t{0}, std::int64_t{3}, least, most}) {
      const Grid grid = Grid::sliding(Duration{size}, Duration{size}, Duration{offset});
      PaneLayout layout;
      layout.include(grid, true);
      for (const std::int64_t at :
           {least + 1, least + 2, std::int64_t{-1}, std::int64_t{0}, most - 1, most}) {
        CAPTURE(size, offset, at);
        const Wide distance = Wide{at} - layout.origin;
        const Wide expected = distance / layout.width - (distance % layout.width < 0 ? 1 : 0);
        const auto pane = layout.pane(event_time(at));
        CHECK(pane == static_cast<std::int64_t>(expected));
        const Wide start = expected * layout.width + layout.origin;
        CHECK(weir::ticks(layout.start(pane)) ==
              static_cast<std::int64_t>(std::clamp<Wide>(start, least, most)));
        const auto index = grid.last(event_time(at));
        const auto [low, high] = layout.panes(grid, index);
        CHECK((low <= pane && pane <= high));
      }
    }
  }
}

}  // namespace

#include "world.hpp"

#include <memory>

#include "catch.hpp"
#include "effort.hpp"

// A pipeline that is written and taken back goes on as if nothing had been.

TEST_CASE("a pipeline with every operator goes on after a restore as if nothing had been") {
  const std::uint64_t runs = effort() == "long" ? 2000 : effort() == "quick" ? 4 : 40;
  std::map<std::string, std::size_t> reached;
  for (std::uint64_t seed = 1; seed <= runs; ++seed) {
    const std::vector<world::Step> steps = world::random_steps(seed, 400);
    world::World undisturbed({.hash_seed = seed});
    auto present = std::make_unique<world::World>(world::Plan{.hash_seed = seed + 1});
    for (std::size_t i = 0; i < steps.size(); ++i) {
      world::take(undisturbed, steps[i]);
      world::take(*present, steps[i]);
      INFO("seed " << seed << ", step " << i);
      const world::Lines wanted = undisturbed.take();
      for (const auto& [stream, lines] : wanted) reached[stream] += lines.size();
      const std::string difference = world::first_difference(wanted, present->take());
      REQUIRE(difference == "");
      if (i % 7 != seed % 7) continue;
      const std::string image = present->snapshot();
      auto fresh = std::make_unique<world::World>(world::Plan{.hash_seed = seed * 1000 + i});
      REQUIRE(world::restore(*fresh, image) == "");
      REQUIRE(fresh->snapshot() == image);
      REQUIRE(fresh->counters() == present->counters());
      present = std::move(fresh);
    }
    undisturbed.finish();
    present->finish();
    REQUIRE(world::first_difference(undisturbed.take(), present->take()) == "");
    REQUIRE(undisturbed.counters() == present->counters());
    auto ended = std::make_unique<world::World>();
    REQUIRE(world::restore(*ended, present->snapshot()) == "");
    ended->finish();
    CHECK(ended->take().empty());
    CHECK(ended->counters() == present->counters());
  }
  for (const char* stream : {"tumbling", "tumbling late", "filled", "filled late", "sliding", "many_panes",
                             "cumulating", "early", "counted", "sessions", "sessions late", "capped",
                             "silence", "number", "rolling read", "session read", "latest read"}) {
    INFO(stream << ": " << reached[stream]);
    CHECK(reached[stream] >= runs * 3);
  }
}

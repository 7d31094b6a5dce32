#include "world.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"
#include "effort.hpp"
#include "reliability/heap.hpp"

// Sinks that fail and memory that runs out, at every point: no crash, no leak, nothing half done.

namespace {

constexpr std::string_view positions = "at 7";

/// Hands something over to a sink.
using Write = absl::FunctionRef<absl::Status(weir::SnapshotSink)>;

/// Lets the sink fail at each piece, and throw there. `wanted` is what comes when it does neither.
void check_sinks(const char* what, Write write, const std::string& wanted) {
  INFO(what);
  std::size_t pieces = 0;
  std::string whole;
  const auto keep = [&](std::string_view piece) {
    ++pieces;
    whole += piece;
    return absl::OkStatus();
  };
  REQUIRE(write(keep).ok());
  CHECK((whole == wanted));
  REQUIRE(pieces > 2);
  for (std::size_t fails_at = 0; fails_at < pieces; ++fails_at) {
    std::size_t seen = 0;
    const auto fail = [&](std::string_view) {
      return seen++ == fails_at ? absl::ResourceExhaustedError("the disk is full") : absl::OkStatus();
    };
    CHECK(write(fail) == absl::ResourceExhaustedError("the disk is full"));
    CHECK(seen == fails_at + 1);
    seen = 0;
    const auto throws = [&](std::string_view) {
      if (seen++ == fails_at) throw std::runtime_error("the host's own");
      return absl::OkStatus();
    };
    CHECK_THROWS_AS(write(throws), std::runtime_error);
    CHECK(seen == fails_at + 1);
  }
}

/// A pipeline with something in every operator and few key groups, so that its snapshot is small.
std::unique_ptr<world::World> small_world(std::size_t steps) {
  auto made = std::make_unique<world::World>(world::Plan{.key_groups = {.count = 2}, .has_whole = false});
  for (const world::Step& step : world::random_steps(4, steps, 3)) world::take(*made, step);
  static_cast<void>(made->take());
  return made;
}

struct Outcome {
  bool has_failed = false;  // an allocation did
  bool has_thrown = false;
  bool is_done = false;
};

/// Calls `act` with the `first`-th allocation failing.
template <class Act>
Outcome with_failure(std::uint64_t first, bool is_persistent, Act&& act) {
  Outcome outcome;
  const heap::Failing failing(first, is_persistent);
  try {
    outcome.is_done = act();
  } catch (const std::bad_alloc&) { outcome.has_thrown = true; }
  outcome.has_failed = heap::Failing::has_failed();
  return outcome;
}

/// Lets each allocation of `act` fail, once and for good, and calls `check` after each. All that `act` takes is given back by then.
template <class Act, class Check>
void fail_everywhere(Act&& act, Check&& check) {
  for (const bool is_persistent : {false, true}) {
    std::uint64_t points = 0;
    for (bool has_failed = true; has_failed; ++points) {
      const std::int64_t before = heap::live();
      const Outcome outcome = with_failure(points, is_persistent, act);
      const std::int64_t leaked = heap::live() - before;
      has_failed = outcome.has_failed;
      INFO("allocation " << points << ", for good: " << is_persistent);
      REQUIRE(leaked == 0);
      REQUIRE((outcome.is_done || outcome.has_thrown));
      if (!has_failed) REQUIRE(outcome.is_done);
      check();
    }
    CHECK(points > 3);
  }
}

/// The same for what changes a pipeline: `make` gives one, which is poisoned when `act` has thrown.
template <class Make, class Act>
void poison_everywhere(Make&& make, Act&& act, std::uint64_t stride) {
  static_cast<void>(act(*make()));  // what is made once for the whole program
  for (const bool is_persistent : {false, true}) {
    std::uint64_t points = 0;
    for (bool has_failed = true; has_failed; points += stride) {
      const std::int64_t before = heap::live();
      Outcome outcome;
      bool is_poisoned = false;
      bool is_refused = false;
      {
        const std::unique_ptr<world::World> world = make();
        outcome = with_failure(points, is_persistent, [&] { return act(*world); });
        is_poisoned = !world->pipeline().status().ok();
        std::string image;
        is_refused = !world->pipeline().snapshot({}, image).ok() && !world->pipeline().finish().ok();
        static_cast<void>(world->counters());
      }
      const std::int64_t leaked = heap::live() - before;
      has_failed = outcome.has_failed;
      INFO("allocation " << points << ", for good: " << is_persistent);
      REQUIRE(leaked == 0);
      REQUIRE((outcome.is_done != outcome.has_thrown));
      REQUIRE(is_poisoned == outcome.has_thrown);
      REQUIRE(is_refused == outcome.has_thrown);
      if (!has_failed) REQUIRE(outcome.is_done);
    }
    CHECK(points > 3);
  }
}

}  // namespace

TEST_CASE("a sink that fails at any piece ends a frozen snapshot, an increment and what is combined, too") {
  const std::vector<world::Step> steps = world::random_steps(4, 2000, 200);
  world::World world;
  for (const world::Step& step : steps) world::take(world, step);
  const std::string base = world.snapshot();
  const weir::SnapshotInfo info = weir::inspect(base).value();
  for (world::Step step : world::random_steps(5, 1500, 200)) {
    step.at += steps.back().at - weir::event_time(0);
    step.event.at += steps.back().at - weir::event_time(0);
    world::take(world, step);
  }
  const std::string whole = world.snapshot();
  std::string increment;
  REQUIRE(world.pipeline().snapshot({.positions = positions, .base = &info}, increment).ok());
  REQUIRE(increment.size() < whole.size());

  const weir::FrozenSnapshot frozen = world.pipeline().begin_snapshot({.positions = positions}).value();
  check_sinks(
      "a frozen snapshot", [&](weir::SnapshotSink sink) { return frozen.write(sink); }, whole);
  const weir::FrozenSnapshot frozen_increment =
      world.pipeline().begin_snapshot({.positions = positions, .base = &info}).value();
  check_sinks(
      "a frozen increment", [&](weir::SnapshotSink sink) { return frozen_increment.write(sink); }, increment);
  check_sinks(
      "an increment",
      [&](weir::SnapshotSink sink) {
        return world.pipeline().snapshot({.positions = positions, .base = &info}, sink);
      },
      increment);
  check_sinks(
      "combined",
      [&](weir::SnapshotSink sink) {
        const auto source_of = [](std::string_view& left) {
          return [&left](std::span<char> buffer) -> absl::StatusOr<std::size_t> {
            const std::size_t taken = left.copy(buffer.data(), buffer.size());
            left.remove_prefix(taken);
            return taken;
          };
        };
        std::string_view base_left = base;
        std::string_view increment_left = increment;
        return weir::combine(source_of(base_left), source_of(increment_left), sink);
      },
      whole);
  CHECK((world.snapshot() == whole));
  CHECK(world.pipeline().status().ok());
}

TEST_CASE("a snapshot for which there is no memory throws, leaks nothing, and the pipeline goes on") {
  const std::unique_ptr<world::World> world = small_world(40);
  const weir::SnapshotInfo base = weir::inspect(world->snapshot()).value();
  for (const world::Step& step : world::random_steps(4, 60, 3)) world::take(*world, step);
  const std::string whole = world->snapshot();
  std::uint64_t calls = 0;
  const auto check = [&] {
    REQUIRE(world->pipeline().status().ok());
    if (++calls % 16 == 0) REQUIRE((world->snapshot() == whole));
  };
  weir::Pipeline& pipeline = world->pipeline();
  const auto into_string = [&](const weir::SnapshotSpec& spec) {
    std::string image;
    return pipeline.snapshot(spec, image).ok();
  };
  fail_everywhere([&] { return into_string({.positions = positions}); }, check);
  fail_everywhere([&] { return into_string({.positions = positions, .base = &base}); }, check);
  fail_everywhere([&] { return pipeline.begin_snapshot({.positions = positions}).ok(); }, check);
  {
    const weir::FrozenSnapshot frozen =
        pipeline.begin_snapshot({.positions = positions, .base = &base}).value();
    fail_everywhere(
        [&] {
          std::string image;
          return frozen.write(image).ok();
        },
        check);
  }
  CHECK((world->snapshot() == whole));
}

TEST_CASE("looking into a snapshot and combining two without memory throws and leaks nothing") {
  const std::unique_ptr<world::World> world = small_world(40);
  const std::string base = world->snapshot();
  const weir::SnapshotInfo info = weir::inspect(base).value();
  for (const world::Step& step : world::random_steps(4, 60, 3)) world::take(*world, step);
  std::string increment;
  REQUIRE(world->pipeline().snapshot({.positions = positions, .base = &info}, increment).ok());
  const auto nothing = [] {};
  fail_everywhere([&] { return weir::inspect(base).ok(); }, nothing);
  fail_everywhere([&] { return weir::combine(base, increment).ok(); }, nothing);
}

TEST_CASE("a restore or a drop for which there is no memory throws, leaks nothing and poisons the pipeline") {
  const std::uint64_t stride = effort() == "long" ? 1 : effort() == "quick" ? 61 : 3;
  const std::string image = small_world(60)->snapshot();
  const auto empty = [] { return small_world(0); };
  poison_everywhere(
      empty, [&](world::World& world) { return world.pipeline().restore(image).ok(); }, stride);

  const auto full = [] { return small_world(60); };
  const std::vector<std::uint32_t> second{1};
  poison_everywhere(
      full, [&](world::World& world) { return world.pipeline().drop(second).ok(); }, stride);

  std::string part;
  REQUIRE(full()->pipeline().snapshot({.groups = second}, part).ok());
  const auto half = [&] {
    std::unique_ptr<world::World> world = full();
    REQUIRE(world->pipeline().drop(second).ok());
    return world;
  };
  poison_everywhere(
      half, [&](world::World& world) { return world.pipeline().restore(part, {.counters = false}).ok(); },
      stride);
}

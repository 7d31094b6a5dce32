#include "world.hpp"

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <thread>

#include "catch.hpp"
#include "effort.hpp"

// Snapshots that are taken in one moment and written in another, and such that have only what has changed.

namespace {

constexpr std::uint32_t groups = 16;

std::string incremental(world::World& world, const weir::SnapshotInfo& base) {
  std::string image;
  const absl::Status status = world.pipeline().snapshot({.positions = "at 7", .base = &base}, image);
  return status.ok() ? image : status.ToString();
}

}  // namespace

TEST_CASE("a snapshot and what has changed since are together the later snapshot, byte for byte") {
  const std::uint64_t runs = effort() == "long" ? 500 : effort() == "quick" ? 2 : 20;
  std::size_t left_out = 0;
  for (std::uint64_t seed = 1; seed <= runs; ++seed) {
    const std::vector<world::Step> steps = world::random_steps(seed, 200, 30);
    world::World world({.hash_seed = seed, .key_groups = {.count = groups}});
    std::string whole = world.snapshot();
    weir::SnapshotInfo base = weir::inspect(whole).value();
    std::mt19937_64 random(seed);
    for (std::size_t i = 0; i < steps.size(); ++i) {
      world::take(world, steps[i]);
      if (random() % 9 != 0) continue;
      INFO("seed " << seed << ", step " << i);
      const std::string increment = incremental(world, base);
      const auto info = weir::inspect(increment);
      REQUIRE(info.ok());
      CHECK(info->is_increment);
      const absl::StatusOr<std::string> combined = weir::combine(whole, increment);
      REQUIRE(combined.status() == absl::OkStatus());
      const std::string later = world.snapshot();
      REQUIRE(*combined == later);
      if (increment.size() < later.size()) ++left_out;
      // An increment says as much of the state as a whole snapshot does: it can be the base of the next one.
      base = random() % 2 == 0 ? *info : weir::inspect(later).value();
      whole = later;
    }
    world::World restored({.hash_seed = seed + 1, .key_groups = {.count = groups}});
    REQUIRE(world::restore(restored, whole) == "");
  }
  CHECK(left_out > runs);
}

TEST_CASE("nothing of a state that has not changed is in an increment") {
  world::World world({.key_groups = {.count = groups}});
  for (const world::Step& step : world::random_steps(3, 300, 30)) world::take(world, step);
  const std::string whole = world.snapshot();
  const auto base = weir::inspect(whole);
  REQUIRE(base.ok());
  const std::string increment = incremental(world, *base);
  CHECK(increment.size() < whole.size() / 2);
  CHECK(weir::combine(whole, increment).value() == whole);

  world::Step one{.kind = world::Step::Kind::event};
  one.event = {.key = "key1",
               .value = 1,
               .amount = 1,
               .at = weir::event_time(INT64_C(1) << 40),
               .gap = weir::Duration{9}};
  world::take(world, one);
  const auto later = weir::inspect(incremental(world, *base));
  REQUIRE(later.ok());
  std::size_t changed = 0;
  for (std::size_t i = 0; i < later->sections.size(); ++i) {
    const bool is_there = i < base->sections.size() && later->sections[i].hash == base->sections[i].hash;
    changed += is_there ? 0 : 1;
  }
  CHECK(changed < later->sections.size() / 2);
}

TEST_CASE("an increment without its base, or with another, is refused") {
  world::World world({.key_groups = {.count = groups}});
  const std::vector<world::Step> steps = world::random_steps(5, 300, 30);
  for (std::size_t i = 0; i < 150; ++i) world::take(world, steps[i]);
  const std::string whole = world.snapshot();
  const auto base = weir::inspect(whole);
  for (std::size_t i = 150; i < 160; ++i) world::take(world, steps[i]);
  const std::string increment = incremental(world, *base);
  for (std::size_t i = 160; i < 300; ++i) world::take(world, steps[i]);
  const std::string later = world.snapshot();

  world::World fresh({.key_groups = {.count = groups}});
  const std::string before = fresh.snapshot();
  CHECK(world::restore(fresh, increment)
            .find("the snapshot is an increment; make a whole one of it and its base with combine()") !=
        std::string::npos);
  CHECK(fresh.snapshot() == before);
  const auto message = [](const absl::StatusOr<std::string>& combined) {
    return std::string(combined.status().message());
  };
  CHECK(message(weir::combine(later, increment)) == "the increment was written with another base");
  CHECK(message(weir::combine(whole, later)) ==
        "the increment is none: it is a whole snapshot and needs no base");
  CHECK(message(weir::combine(increment, increment)) ==
        "the base is an increment, too; combine it with its own base first");
  const std::size_t step = effort() == "long" ? 1 : 61;
  for (std::size_t at = 0; at < increment.size(); at += step) {
    std::string damaged = increment;
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    REQUIRE(!weir::combine(whole, damaged).ok());
    REQUIRE(!weir::combine(whole, increment.substr(0, at)).ok());
  }
  for (std::size_t at = 0; at < whole.size(); at += 10 * step) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    REQUIRE(!weir::combine(damaged, increment).ok());
    REQUIRE(!weir::combine(whole.substr(0, at), increment).ok());
  }
  CHECK(weir::combine(whole, increment).ok());
}

TEST_CASE("a frozen state is written by another thread while the pipeline goes on") {
  const std::vector<world::Step> steps = world::random_steps(7, 400, 30);
  world::World world({.key_groups = {.count = groups}});
  for (std::size_t i = 0; i < 200; ++i) world::take(world, steps[i]);
  const std::string wanted = world.snapshot();
  const auto base = weir::inspect(wanted);
  absl::StatusOr<weir::FrozenSnapshot> frozen = world.pipeline().begin_snapshot({.positions = "at 7"});
  REQUIRE(frozen.ok());
  CHECK(frozen->size_bytes() >= wanted.size() / 2);
  std::string written;
  absl::Status status;
  std::thread writer([&written, &status, copy = *frozen] { status = copy.write(written); });
  for (std::size_t i = 200; i < steps.size(); ++i) world::take(world, steps[i]);
  writer.join();
  CHECK(status.ok());
  CHECK(written == wanted);
  CHECK(frozen->write([](std::string_view) { return absl::UnavailableError("full"); }).message() == "full");

  const auto increment = world.pipeline().begin_snapshot({.positions = "at 7", .base = &*base});
  std::string changes;
  REQUIRE(increment->write(changes).ok());
  CHECK(weir::combine(wanted, changes).value() == world.snapshot());

  world::World undisturbed({.hash_seed = 9, .key_groups = {.count = groups}});
  for (const world::Step& step : steps) world::take(undisturbed, step);
  CHECK(world::first_difference(undisturbed.take(), world.take()) == "");
  CHECK(!world.pipeline().begin_snapshot({.groups = {99}}).ok());
}

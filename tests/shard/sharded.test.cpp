#include <weir/shard/sharded.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "effort.hpp"
#include "stream.hpp"

// Shards together give what one pipeline gives.

namespace {

using namespace std::chrono_literals;
using stream::Event;
using stream::Handles;
using stream::Lines;
using stream::Many;
using stream::One;
using stream::Plan;
using stream::Step;

std::uint64_t runs() { return effort() == "long" ? 300 : effort() == "quick" ? 2 : 12; }

Plan plan_of(std::uint64_t seed) {
  Plan plan;
  plan.channels = 1 + seed % 3;
  plan.has_others = seed % 4 != 0;
  if (seed % 2 == 0) plan.idle_after = 5s;
  if (seed % 3 == 0) plan.max_future_skew = 10s;
  if (seed % 5 == 0) plan.max_jump = 40s;
  if (seed % 7 == 1) plan.rule = weir::ascending();
  if (seed % 7 == 2) plan.rule = weir::host_driven();
  if (seed % 7 == 3) plan.rule = weir::punctuated([](const Event& event) { return event.marker; });
  return plan;
}

Lines merged(Lines lines, const Lines& more) {
  for (const auto& [of, some] : more) lines[of].insert(lines[of].end(), some.begin(), some.end());
  return lines;
}

}  // namespace

TEST_CASE("any number of shards gives each key what one pipeline gives it, one by one and in batches") {
  for (std::uint64_t seed = 1; seed <= runs(); ++seed) {
    const Plan plan = plan_of(seed);
    const std::vector<Step> steps = stream::random_steps(seed, 500, plan);
    One one(plan);
    for (const Step& step : steps) stream::take(one, step);
    CHECK(one.pipeline().finish().ok());
    const Step last{.kind = Step::Kind::read,
                    .is_last = true,
                    .at = one.pipeline().lookup(one.handles().rolling, "key1").as_of - 1s};
    stream::take(one, last);
    const std::string counters = stream::counters(one.pipeline());
    for (const std::size_t shards : {1U, 2U, 3U, 7U}) {
      for (const std::size_t batch : {1U, 7U, 1000U}) {
        Many many(plan, shards);
        Lines reads;
        for (const Step& step : steps) stream::take(many, step, reads, batch);
        CHECK(many.sharded().finish().ok());
        CHECK(many.sharded().status().ok());
        stream::take(many, last, reads, batch);
        INFO("seed " << seed << ", " << shards << " shards, batches of " << batch);
        REQUIRE(stream::first_difference(one.lines(), merged(many.lines(), reads)) == "");
        CHECK(counters == stream::counters(many.sharded()));
      }
    }
  }
}

TEST_CASE("shards become fewer and more in mid-stream, and every key goes on") {
  for (std::uint64_t seed = 1; seed <= runs(); ++seed) {
    const Plan plan = plan_of(seed);
    const std::vector<Step> steps = stream::random_steps(seed, 500, plan);
    One one(plan);
    auto many = std::make_unique<Many>(plan, 1);
    Lines got;
    constexpr std::size_t counts[] = {2, 7, 3, 1};
    std::size_t next = 0;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      stream::take(one, steps[i]);
      stream::take(*many, steps[i], got, 10);
      if (i % 50 != seed % 50) continue;
      const auto images = many->sharded().snapshot("offset " + std::to_string(i));
      REQUIRE(images.ok());
      CHECK(weir::inspect(images->back())->positions == "offset " + std::to_string(i));
      got = merged(std::move(got), many->lines());
      many = std::make_unique<Many>(plan, counts[next++ % 4]);
      INFO("seed " << seed << ", step " << i);
      REQUIRE(many->sharded().restore(*images).ToString() == "OK");
      CHECK(many->sharded().watermark(&Handles::events) == one.pipeline().watermark(one.handles().events));
    }
    CHECK(one.pipeline().finish().ok());
    CHECK(many->sharded().finish().ok());
    got = merged(std::move(got), many->lines());
    INFO("seed " << seed);
    REQUIRE(stream::first_difference(one.lines(), got) == "");
    CHECK(stream::counters(one.pipeline()) == stream::counters(many->sharded()));
  }
}

TEST_CASE("a single pipeline goes on from the images of shards, and shards from that of a pipeline") {
  const Plan plan = plan_of(6);
  const std::vector<Step> steps = stream::random_steps(6, 300, plan);
  One one(plan);
  Many many(plan, 3);
  Lines reads;
  for (std::size_t i = 0; i < 150; ++i) {
    stream::take(one, steps[i]);
    stream::take(many, steps[i], reads, 5);
  }
  std::string image;
  REQUIRE(one.pipeline().snapshot({}, image).ok());
  const auto images = many.sharded().snapshot();
  REQUIRE(images.ok());
  Many from_one(plan, 3);
  One from_many(plan);
  REQUIRE(from_one.sharded().restore(std::vector<std::string>{image}).ok());
  for (const std::string& part : *images) REQUIRE(from_many.pipeline().restore(part).ok());
  one.lines().clear();
  reads.clear();
  for (std::size_t i = 150; i < 300; ++i) {
    stream::take(one, steps[i]);
    stream::take(from_many, steps[i]);
    stream::take(from_one, steps[i], reads, 5);
  }
  CHECK(one.pipeline().finish().ok());
  CHECK(from_many.pipeline().finish().ok());
  CHECK(from_one.sharded().finish().ok());
  CHECK(stream::first_difference(one.lines(), from_many.lines()) == "");
  CHECK(stream::first_difference(one.lines(), merged(from_one.lines(), reads)) == "");
  CHECK(stream::counters(one.pipeline()) == stream::counters(from_many.pipeline()));
  CHECK(stream::counters(one.pipeline()) == stream::counters(from_one.sharded()));
}

TEST_CASE("one tick that makes several channels idle is heard step by step") {
  const Plan plan{.rule = weir::ascending(), .idle_after = 1s, .has_others = false};
  One one(plan);
  Many many(plan, 2);
  Lines none;
  const auto at = [](std::int64_t second) { return weir::event_time(second * 1'000'000); };
  const std::vector<Step> steps{
      {.kind = Step::Kind::tick, .now = weir::WallTime{1s}},
      {.channel = 0, .records = {{.key = "b", .at = at(15)}, {.key = "a", .at = at(17)}}},
      {.channel = 1, .records = {{.key = "c", .at = at(24)}}},
      {.channel = 2, .records = {{.key = "d", .at = at(40)}}},
      {.kind = Step::Kind::tick, .now = weir::WallTime{2s}}};
  for (const Step& step : steps) {
    stream::take(one, step);
    stream::take(many, step, none, 1);
  }
  const auto end = [](const std::string& line) { return line.substr(line.size() - 10); };
  CHECK(end(one.lines()["filled b"].front()) == "W 24000000");
  CHECK(end(one.lines()["filled c"].front()) == "W 40000000");
  CHECK(stream::first_difference(one.lines(), many.lines()) == "");
}

TEST_CASE("records on a closed channel move no watermark in any shard, also within a batch") {
  const Plan plan{.rule = weir::ascending(), .channels = 1, .has_others = false};
  for (const std::size_t batch : {1U, 10U}) {
    One one(plan);
    Many many(plan, 2);
    Lines none;
    const auto at = [](std::int64_t second) { return weir::event_time(second * 1'000'000); };
    const std::vector<Step> steps{
        {.records = {{.key = "a", .at = at(5)}, {.key = "b", .at = at(6)}}},
        {.kind = Step::Kind::close},
        {.records = {{.key = "a", .at = at(50)}, {.key = "b", .at = at(7)}, {.key = "b", .at = at(51)}}}};
    for (const Step& step : steps) {
      stream::take(one, step);
      stream::take(many, step, none, batch);
    }
    CHECK(stream::first_difference(one.lines(), many.lines()) == "");
    CHECK(one.lines()["filled a"].empty());
    CHECK(stream::counters(one.pipeline()) == stream::counters(many.sharded()));
  }
}

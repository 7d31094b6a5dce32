#include "world.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

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
  for (const char* stream :
       {"tumbling",       "tumbling late", "filled",       "filled late",       "sliding",       "many_panes",
        "cumulating",     "early",         "counted",      "sessions",          "sessions late", "capped",
        "silence",        "number",        "retained",     "retained by clock", "first",         "undecided",
        "first by clock", "rolling read",  "session read", "latest read"}) {
    INFO(stream << ": " << reached[stream]);
    CHECK(reached[stream] >= runs * 3);
  }
}

namespace {

using namespace std::chrono_literals;

struct Counted {
  std::int64_t events = 0;
};

/// Features behind a published view, and who reads them.
struct Shelf {
  Shelf() {
    weir::Graph graph{"shelf"};
    source.emplace(
        graph.source<world::Event>("events", {.time = &world::Event::at, .watermark = weir::trailing(0s)}));
    view.emplace(*source | weir::key_by(&world::Event::key) |
                 weir::features<Counted>({.name = "features", .retain = 100s},
                                         weir::rolling({.size = 10s, .precision = weir::exact})
                                             .compute(weir::count().as(&Counted::events))) |
                 weir::view("view").publish());
    pipeline.emplace(std::move(graph).build().value());
    reader.emplace(pipeline->reader(*view).value());
  }
  Shelf(const Shelf&) = delete;
  Shelf& operator=(const Shelf&) = delete;
  void push(const std::string& key, std::int64_t second) {
    pipeline->push(*source, {.key = key, .at = weir::event_time(second * 1'000'000)});
  }
  [[nodiscard]] std::string read(const std::string& key) {
    const weir::Lookup<Counted> hit = reader->lookup(key);
    return std::to_string(hit->events) + " " +
           std::string(hit.status == weir::ReadStatus::missing ? "missing" : "there") + " " +
           std::to_string(weir::ticks(hit.event_time)) + " v" + std::to_string(hit.version);
  }

  std::optional<weir::Source<world::Event>> source;
  std::optional<weir::View<std::string, Counted>> view;
  std::optional<weir::Pipeline> pipeline;
  std::optional<weir::Reader<std::string, Counted>> reader;
};

/// Two timers of one key owner, set and cancelled out of order.
struct Alarm {
  struct State {
    std::int64_t set = 0;
  };
  void process(State& state, const world::Event& event, weir::Timer& timer, weir::Out<std::string>&) const {
    ++state.set;
    if (event.marker) return timer.cancel();
    timer.set(event.at + event.gap);
  }
  void on_timer(State& state, weir::Fired<std::string> fired, weir::Out<std::string>& out) const {
    out.emit(fired.key + std::to_string(state.set));
  }
};

struct Alarms {
  Alarms() {
    weir::Graph graph{"alarms"};
    source.emplace(
        graph.source<world::Event>("events", {.time = &world::Event::at, .watermark = weir::host_driven()}));
    *source | weir::key_by(&world::Event::key) | weir::each("alarm", Alarm{}) |
        weir::sink("out", [this](const std::string& line) { fired.push_back(line); });
    pipeline.emplace(std::move(graph).build().value());
  }
  Alarms(const Alarms&) = delete;
  Alarms& operator=(const Alarms&) = delete;
  void push(const std::string& key, bool is_cancelled = false) {
    pipeline->push(*source,
                   {.key = key, .at = weir::event_time(1), .gap = weir::Duration{9}, .marker = is_cancelled});
  }

  std::optional<weir::Source<world::Event>> source;
  std::optional<weir::Pipeline> pipeline;
  std::vector<std::string> fired;
};

}  // namespace

TEST_CASE(
    "readers see the rows of a restored pipeline, and of joined key groups, as soon as it is restored") {
  Shelf before;
  for (const char* key : {"a", "b", "c", "d"}) before.push(key, 1);
  before.push("a", 2);
  std::string image;
  REQUIRE(before.pipeline->snapshot({}, image).ok());

  Shelf after;
  CHECK(after.read("a") == "0 missing " + std::to_string(weir::ticks(weir::no_time)) + " v0");
  REQUIRE(after.pipeline->restore(image).ok());
  for (const char* key : {"a", "b", "c", "d"}) CHECK(after.read(key) == before.read(key));
  CHECK(after.read("a").find("2 there 2000000 v") == 0);
  for (Shelf* one : {&before, &after}) one->push("a", 3);
  CHECK(after.read("a") == before.read("a"));

  const std::vector<std::uint32_t> group{weir::KeyGroups{}.of("a")};
  std::string part;
  REQUIRE(after.pipeline->snapshot({.groups = group}, part).ok());
  REQUIRE(after.pipeline->drop(group).ok());
  CHECK(after.read("a").find("missing") != std::string::npos);
  CHECK(after.read("b") == before.read("b"));
  REQUIRE(after.pipeline->restore(part, {.counters = false}).ok());
  CHECK(after.read("a") == before.read("a"));
  CHECK(after.read("a").find("3 there") == 0);
}

TEST_CASE("timers of one instant ring in the order in which they were set, before and after a restore") {
  Alarms undisturbed;
  Alarms present;
  for (Alarms* one : {&undisturbed, &present}) {
    one->push("a");
    one->push("b");
    one->push("c");
    one->push("a", true);
    one->push("d");
    one->push("a");
    one->push("b", true);
  }
  std::string image;
  REQUIRE(present.pipeline->snapshot({}, image).ok());
  Alarms after;
  REQUIRE(after.pipeline->restore(image).ok());
  for (Alarms* one : {&undisturbed, &after}) {
    one->push("b");
    REQUIRE(one->pipeline->advance(*one->source, weir::event_time(11)).ok());
  }
  CHECK(undisturbed.fired.size() == 4);
  CHECK(after.fired == undisturbed.fired);
}

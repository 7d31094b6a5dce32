#include "world.hpp"

#include <algorithm>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <set>
#include <sstream>
#include <tuple>

#include "catch.hpp"
#include "effort.hpp"

// State is cut into key groups, moved between pipelines and put together again.

namespace {

constexpr std::uint32_t groups = 16;
const world::Plan divisible{.hash_seed = 3, .key_groups = {.count = groups}, .has_whole = false};

std::uint32_t group_of(const std::string& key) { return divisible.key_groups.of(key); }

/// Per stream and key, in their order: what does not depend on which pipeline a key is in.
world::Lines by_key(const world::Lines& lines) {
  world::Lines sorted;
  for (const auto& [stream, all] : lines) {
    for (const std::string& line : all) sorted[stream + " " + line.substr(0, line.find(':'))].push_back(line);
  }
  return sorted;
}

/// Counters of several pipelines, added.
std::vector<std::uint64_t> total(const std::vector<std::string>& texts) {
  std::vector<std::uint64_t> sum;
  for (const std::string& text : texts) {
    std::istringstream in(text);
    std::string word;
    std::size_t at = 0;
    while (in >> word) {
      if (word.find_first_not_of("0123456789") != std::string::npos) continue;
      if (sum.size() <= at) sum.resize(at + 1);
      sum[at++] += std::stoull(word);
    }
  }
  return sum;
}

/// Several pipelines of one definition, each with some of the key groups.
class Shards {
 public:
  explicit Shards(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) worlds_.push_back(std::make_unique<world::World>(divisible));
  }
  void take(const world::Step& step) {
    const bool is_event = step.kind == world::Step::Kind::event || step.kind == world::Step::Kind::other;
    for (std::size_t i = 0; i < worlds_.size(); ++i) {
      if (!is_event || group_of(step.event.key) % worlds_.size() == i) world::take(*worlds_[i], step);
    }
  }
  void finish() {
    for (auto& one : worlds_) one->finish();
  }
  world::Lines lines() {
    world::Lines all;
    for (auto& one : worlds_) {
      for (auto& [stream, lines] : one->take())
        all[stream].insert(all[stream].end(), lines.begin(), lines.end());
    }
    return all;
  }
  [[nodiscard]] std::vector<std::string> counters() {
    std::vector<std::string> all;
    for (auto& one : worlds_) all.push_back(one->counters());
    return all;
  }
  /// Spreads the state over another number of pipelines; empty or what went wrong.
  std::string rescale(std::size_t count) {
    std::vector<std::string> images;
    for (auto& one : worlds_) images.push_back(one->snapshot());
    Shards others(count);
    for (std::size_t i = 0; i < count; ++i) {
      weir::RestoreSpec spec;
      for (std::uint32_t group = 0; group < groups; ++group) {
        if (group % count == i) spec.groups.push_back(group);
      }
      for (std::size_t from = 0; from < images.size(); ++from) {
        spec.counters = from % count == i;
        std::string wrong = world::restore(*others.worlds_[i], images[from], spec);
        if (!wrong.empty()) return wrong;
      }
    }
    worlds_ = std::move(others.worlds_);
    return "";
  }
  [[nodiscard]] world::World& operator[](std::size_t i) { return *worlds_[i]; }

 private:
  std::vector<std::unique_ptr<world::World>> worlds_;
};

}  // namespace

TEST_CASE("one pipeline or many, cut and joined in mid-stream, give the same for each key") {
  const std::uint64_t runs = effort() == "long" ? 500 : effort() == "quick" ? 2 : 20;
  for (std::uint64_t seed = 1; seed <= runs; ++seed) {
    const std::vector<world::Step> steps = world::random_steps(seed, 400, 30);
    world::World undisturbed(divisible);
    Shards shards(1);
    constexpr std::size_t counts[] = {2, 7, 3, 1};
    std::size_t next = 0;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      world::take(undisturbed, steps[i]);
      shards.take(steps[i]);
      INFO("seed " << seed << ", step " << i);
      REQUIRE(world::first_difference(by_key(undisturbed.take()), by_key(shards.lines())) == "");
      if (i % 40 == seed % 40) REQUIRE(shards.rescale(counts[next++ % 4]) == "");
    }
    undisturbed.finish();
    shards.finish();
    REQUIRE(world::first_difference(by_key(undisturbed.take()), by_key(shards.lines())) == "");
    // Every pipeline has each watermark, so rows may be visited by several; records are counted once.
    CHECK(total({undisturbed.counters()}) == total(shards.counters()));
  }
}

TEST_CASE("key groups move from one running pipeline to another") {
  const std::vector<world::Step> steps = world::random_steps(5, 600, 30);
  Shards shards(2);
  world::World undisturbed(divisible);
  world::Lines wanted;
  for (std::size_t i = 0; i < 300; ++i) {
    world::take(undisturbed, steps[i]);
    shards.take(steps[i]);
  }
  CHECK(world::first_difference(by_key(undisturbed.take()), by_key(shards.lines())) == "");

  std::vector<std::uint32_t> moved;
  for (std::uint32_t group = 1; group < groups; group += 2) moved.push_back(group);
  std::string image;
  REQUIRE(shards[1].pipeline().snapshot({.groups = moved}, image).ok());
  REQUIRE(shards[1].pipeline().drop(moved).ok());
  REQUIRE(world::restore(shards[0], image) == "");
  for (std::size_t i = 300; i < steps.size(); ++i) {
    world::take(undisturbed, steps[i]);
    world::take(shards[0], steps[i]);
    world::take(shards[1],
                world::Step{.kind = world::Step::Kind::advance, .at = steps[i].at - std::chrono::seconds{2}});
  }
  CHECK(world::first_difference(by_key(undisturbed.take()), by_key(shards[0].take())) == "");
  CHECK(shards[1].take().empty());
}

TEST_CASE("keys that come back to where many have panes in columns go on as they were") {
  struct Counted {
    std::int64_t events = 0;
    double amount = 0;
  };
  struct Sliding {
    Sliding() {
      weir::Graph graph{"sliding", {.hash_seed = 5}};
      source.emplace(graph.source<world::Event>(
          "events", {.time = &world::Event::at, .watermark = weir::trailing(std::chrono::seconds{0})}));
      *source | weir::key_by(&world::Event::value) |
          weir::sliding({.size = std::chrono::seconds{8},
                         .every = std::chrono::seconds{1},
                         .grace = weir::Duration{0}}) |
          weir::aggregate<Counted>("sliding", weir::count().as(&Counted::events),
                                   weir::sum(&world::Event::amount).as(&Counted::amount)) |
          weir::sink("out", [this](const weir::Windowed<std::int64_t, Counted>& row) {
            rows[row.key].emplace_back(row.window.end, row.value.events, row.value.amount);
          });
      pipeline.emplace(std::move(graph).build().value());
    }
    Sliding(const Sliding&) = delete;
    Sliding& operator=(const Sliding&) = delete;
    void push(std::int64_t key, std::int64_t at) {
      world::Event event;
      event.value = key;
      event.amount = static_cast<double>(at) / 7;
      event.at = weir::event_time(at);
      pipeline->push(*source, event);
    }
    std::optional<weir::Source<world::Event>> source;
    std::optional<weir::Pipeline> pipeline;
    std::map<std::int64_t, std::vector<std::tuple<weir::EventTime, std::int64_t, double>>> rows;
  };
  Sliding undisturbed;
  Sliding moved;
  std::mt19937_64 random(3);
  std::vector<std::uint32_t> half;
  for (std::uint32_t group = 0; group < 128; group += 2) half.push_back(group);
  for (std::int64_t second = 0; second < 60; ++second) {
    for (std::int64_t key = 0; key < 3000; ++key) {
      const std::int64_t at = second * 1'000'000 + key * 300;
      // One in sixteen comes late: some of its windows are closed, others are not.
      const std::int64_t late = random() % 16 == 0 ? 3'000'000 : 0;
      undisturbed.push(key, at - late);
      moved.push(key, at - late);
    }
    if (second % 5 != 4) continue;
    std::string image;
    REQUIRE(moved.pipeline->snapshot({.groups = half}, image).ok());
    REQUIRE(moved.pipeline->drop(half).ok());
    REQUIRE(moved.pipeline->restore(image, {.counters = false}).ok());
    std::string again;
    REQUIRE(moved.pipeline->snapshot({.groups = half}, again).ok());
    Sliding other;
    REQUIRE(other.pipeline->restore(again).ok());
  }
  CHECK(undisturbed.pipeline->finish().ok());
  CHECK(moved.pipeline->finish().ok());
  CHECK(undisturbed.rows == moved.rows);
}

TEST_CASE("the host says which key group a key belongs to") {
  world::Plan plan{
      .key_groups = {.count = 4,
                     .hash =
                         [](std::string_view key) { return static_cast<std::uint64_t>(key.back() - '0'); }},
      .has_whole = false};
  world::World all(plan);
  const std::vector<world::Step> steps = world::random_steps(6, 200, 8);
  for (const world::Step& step : steps) world::take(all, step);
  std::string image;
  REQUIRE(all.pipeline().snapshot({.groups = {2}}, image).ok());
  world::World part(plan);
  REQUIRE(world::restore(part, image) == "");
  static_cast<void>(all.take());
  all.read(steps.back().at);
  part.read(steps.back().at);
  const auto keys = [](const world::Lines& lines) {
    std::set<std::string> found;
    for (const auto& [stream, read] : lines) {
      for (const std::string& line : read) found.insert(line.substr(0, line.find(':')));
    }
    return found;
  };
  CHECK(keys(part.take()) == std::set<std::string>{"key2", "key6"});
  CHECK(keys(all.take()).size() == 8);
  CHECK(part.pipeline().stats("tumbling").state_bytes > 0);

  world::World other({.key_groups = {.count = 4}, .has_whole = false});
  CHECK(world::restore(other, image).find("a key is not in the group it belongs to") != std::string::npos);
}

TEST_CASE("what cannot be joined is refused and changes nothing") {
  const std::vector<world::Step> steps = world::random_steps(9, 200, 30);
  world::World first(divisible);
  world::World second(divisible);
  for (const world::Step& step : steps) {
    world::take(first, step);
    world::take(second, step);
  }
  const std::string image = first.snapshot();

  SECTION("keys that both have") {
    const std::string before = second.snapshot();
    CHECK(world::restore(second, image).find("a key is there that the pipeline has, too") !=
          std::string::npos);
    CHECK(second.snapshot() == before);
  }
  SECTION("another watermark") {
    second.advance(steps.back().at + std::chrono::hours{1});
    const std::string before = second.snapshot();
    const std::string wrong = world::restore(second, image);
    CHECK(wrong.find("events: its watermark is ") != std::string::npos);
    CHECK(wrong.find("bring both to one watermark first") != std::string::npos);
    CHECK(second.snapshot() == before);
  }
  SECTION("another number of key groups") {
    world::World other({.key_groups = {.count = 32}, .has_whole = false});
    CHECK(world::restore(other, image).find("the snapshot has 16 key groups, and the pipeline 32") !=
          std::string::npos);
  }
  SECTION("groups that do not exist") {
    world::World other(divisible);
    CHECK(world::restore(other, image, {.groups = {16}})
              .find("groups (16) does not exist; there are 16 key groups") != std::string::npos);
    const std::vector<std::uint32_t> wrong{99};
    CHECK(!first.pipeline().drop(wrong).ok());
    std::string none;
    CHECK(!first.pipeline().snapshot({.groups = {16}}, none).ok());
    CHECK(none.empty());
  }
  SECTION("a state of the whole stream") {
    world::World whole({.hash_seed = 3, .key_groups = {.count = groups}});
    world::World other({.hash_seed = 4, .key_groups = {.count = groups}});
    for (const world::Step& step : steps) world::take(whole, step);
    const std::string fresh = other.snapshot();
    CHECK(world::restore(other, whole.snapshot(), {.groups = {1, 2}})
              .find("number: it keeps one state for the whole stream") != std::string::npos);
    CHECK(other.snapshot() == fresh);
    CHECK(world::restore(other, whole.snapshot()) == "");
  }
}

TEST_CASE("a graph with a number of key groups that is no power of two is refused") {
  weir::Graph graph{"wrong", {.key_groups = {.count = 100}}};
  const auto source =
      graph.source<world::Event>("events", {.time = &world::Event::at, .watermark = weir::host_driven()});
  source | weir::sink("out", [](const world::Event&) {});
  const auto built = std::move(graph).build();
  REQUIRE(!built.ok());
  CHECK(std::string(built.status().message()) ==
        "wrong: key_groups (100) must be a power of two from 1 to 32768");
}

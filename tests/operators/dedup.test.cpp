#include <weir/operators/dedup.hpp>

#include <weir/weir.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "effort.hpp"
#include "operators/desk.hpp"

namespace {

using desk::Event;
using desk::us;
using weir::event_time;

/// What came of records, in their order: P passed, D duplicate, L late, each with id, time and value.
using Fates = std::vector<std::string>;

std::string fate(char what, const Event& event) {
  return what + std::to_string(event.key) + "@" + desk::text(event.at) + "/" + std::to_string(event.value);
}

/// A pipeline with a dedup.
struct Desk {
  explicit Desk(const weir::DedupSpec& spec, weir::WatermarkRule<Event> rule = weir::host_driven()) {
    weir::Graph graph{"desk"};
    source.emplace(graph.source<Event>(
        "events", {.time = &Event::at, .watermark = std::move(rule), .max_future_skew = std::nullopt}));
    const auto once = *source | weir::dedup(spec, &Event::key).payload(&Event::value);
    once | weir::sink("passed", [this](const Event& event) { fates.push_back(fate('P', event)); });
    once.duplicates() |
        weir::sink("duplicates", [this](const Event& event) { fates.push_back(fate('D', event)); });
    once.late() | weir::sink("late", [this](const weir::Late<Event>& late) {
      CHECK(late.watermark > late.time);
      fates.push_back(fate('L', late.record));
    });
    absl::StatusOr<weir::Pipeline> built = std::move(graph).build();
    error = std::string(built.status().message());
    if (built.ok()) pipeline.emplace(*std::move(built));
  }
  Desk(const Desk&) = delete;
  Desk& operator=(const Desk&) = delete;

  void push(const Event& event) { static_cast<void>(pipeline->push(*source, event)); }
  void advance(std::int64_t to) { CHECK(pipeline->advance(*source, event_time(to)).ok()); }
  void tick(std::int64_t now) { CHECK(pipeline->tick(weir::WallTime{us(now)}).ok()); }
  [[nodiscard]] const weir::OperatorStats& stats() { return pipeline->stats("once"); }
  [[nodiscard]] Fates take() { return std::exchange(fates, {}); }

  Fates fates;
  std::string error;
  std::optional<weir::Source<Event>> source;
  std::optional<weir::Pipeline> pipeline;
};

/// The rules, by looking at everything that is known.
class Oracle {
 public:
  explicit Oracle(const weir::DedupSpec& spec) : spec_(spec) {}

  void advance(std::int64_t to) {
    watermark_ = std::max(watermark_, to);
    if (!is_wall()) std::erase_if(known_, [this](const auto& one) { return watermark_ > one.second.until; });
  }
  void tick(std::int64_t now) {
    if (!is_wall()) return;
    if (!now_) {
      for (auto& [id, known] : known_) known.until = now + spec_.within.count();
    }
    now_ = now;
    std::erase_if(known_, [now](const auto& one) { return now >= one.second.until; });
  }
  std::string push(const Event& event) {
    const std::int64_t at = weir::ticks(event.at);
    if (!is_wall() && at + spec_.grace.count() < watermark_) return fate('L', event);
    const std::int64_t from = is_wall() ? now_.value_or(0) : at;
    const std::int64_t until = from + spec_.within.count();
    const auto [known, is_first] = known_.try_emplace(event.key, Known{until, event.value});
    if (is_first) return fate('P', event);
    if (spec_.refresh) known->second.until = std::max(known->second.until, until);
    if (known->second.value != event.value) ++conflicting;
    return fate('D', event);
  }
  [[nodiscard]] std::size_t known() const { return known_.size(); }

  std::uint64_t conflicting = 0;

 private:
  struct Known {
    std::int64_t until;
    std::int64_t value;
  };
  [[nodiscard]] bool is_wall() const { return spec_.clock == weir::Clock::wall; }

  weir::DedupSpec spec_;
  std::map<std::int64_t, Known> known_;
  std::int64_t watermark_ = INT64_MIN;
  std::optional<std::int64_t> now_;
};

TEST_CASE("dedup does what its rules say, whatever comes and however often it is restored") {
  const std::uint64_t runs = effort() == "long" ? 200'000 : effort() == "quick" ? 200 : 4'000;
  std::map<char, std::size_t> reached;
  std::uint64_t conflicting = 0;
  for (std::uint64_t seed = 1; seed <= runs; ++seed) {
    std::mt19937_64 random(seed);
    const auto pick = [&random](std::int64_t low, std::int64_t high) {
      return low + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(high - low + 1));
    };
    weir::DedupSpec spec{.name = "once", .within = us(pick(1, 30))};
    spec.clock = pick(0, 2) == 0 ? weir::Clock::wall : weir::Clock::event;
    if (spec.clock == weir::Clock::event && pick(0, 1) == 0) spec.grace = us(pick(0, spec.within.count()));
    spec.refresh = pick(0, 2) == 0;
    std::optional<Desk> desk(spec);
    Oracle oracle(spec);
    std::int64_t now = pick(-50, 50);
    std::int64_t clock = pick(0, 50);
    for (int step = 0; step < 60; ++step) {
      const std::int64_t way = pick(0, 19);
      INFO("seed " << seed << ", step " << step);
      if (way < 13) {
        now += pick(0, 3);
        const Event event = desk::event(pick(0, 5), now - pick(0, 12), pick(0, 1));
        const std::string wanted = oracle.push(event);
        desk->push(event);
        REQUIRE(desk->take() == Fates{wanted});
        ++reached[wanted[0]];
      } else if (way < 16) {
        const std::int64_t to = now - pick(-2, 10);
        oracle.advance(to);
        desk->pipeline->advance(*desk->source, event_time(to)).IgnoreError();
      } else if (way < 19) {
        oracle.tick(clock += pick(0, 15));
        desk->tick(clock);
      } else {
        std::string image;
        REQUIRE(desk->pipeline->snapshot({}, image).ok());
        REQUIRE(weir::inspect(image)->operators[1].keys <= 6);
        desk.emplace(spec);
        REQUIRE(desk->pipeline->restore(image).ok());
        std::string again;
        REQUIRE(desk->pipeline->snapshot({}, again).ok());
        REQUIRE(again == image);
      }
    }
    CHECK(desk->stats().conserves());
    CHECK(desk->stats().conflicting == oracle.conflicting);
    conflicting += oracle.conflicting;
  }
  for (const char what : {'P', 'D', 'L'}) CHECK(reached[what] > runs);
  CHECK(conflicting > runs);
}

TEST_CASE("batches of any size pass what single records pass") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    std::mt19937_64 random(seed);
    std::vector<Event> events;
    std::int64_t now = 0;
    for (int i = 0; i < 400; ++i) {
      now += static_cast<std::int64_t>(random() % 3);
      events.push_back(desk::event(static_cast<std::int64_t>(random() % 60),
                                   now - static_cast<std::int64_t>(random() % 14),
                                   static_cast<std::int64_t>(random() % 2)));
    }
    const weir::DedupSpec spec{.name = "once", .within = us(20), .grace = us(3), .most_ids = 40};
    Desk single(spec, weir::trailing(us(8)));
    for (const Event& event : events) single.push(event);
    Desk batched(spec, weir::trailing(us(8)));
    for (std::size_t at = 0; at < events.size();) {
      const std::size_t size = std::min<std::size_t>(events.size() - at, random() % 60);
      batched.pipeline->push(*batched.source, std::span<const Event>(events).subspan(at, size));
      at += size;
    }
    INFO("seed " << seed);
    // The outputs are streams of their own, of which each keeps its order.
    for (const char what : {'P', 'D', 'L'}) {
      const auto of = [what](Fates fates) {
        std::erase_if(fates, [what](const std::string& fate) { return fate[0] != what; });
        return fates;
      };
      REQUIRE(of(single.fates) == of(batched.fates));
    }
    CHECK(single.stats().rejected == batched.stats().rejected);
    CHECK(single.stats().conserves());
    CHECK(batched.stats().conserves());
  }
}

TEST_CASE("ids above the limit are rejected and counted, and forgotten ones make room") {
  Desk desk({.name = "once", .within = us(10), .most_ids = 2});
  for (std::int64_t id = 1; id <= 3; ++id) desk.push(desk::event(id, id));
  CHECK(desk.take() == Fates{"P1@1/1", "P2@2/1"});
  CHECK(desk.stats().rejected == 1);
  CHECK(desk.stats().over_key_limit == 1);
  desk.advance(12);
  desk.push(desk::event(3, 12));
  desk.push(desk::event(2, 12));
  CHECK(desk.take() == Fates{"P3@12/1", "D2@12/1"});
  CHECK(desk.stats().conserves());
}

TEST_CASE("a source that moves its watermark itself lets ids be forgotten in time") {
  Desk desk({.name = "once", .within = us(100)}, weir::ascending());
  for (const std::int64_t at : {0, 100, 101}) desk.push(desk::event(1, at));
  desk.push(desk::event(2, 102));
  desk.push(desk::event(1, 102));
  CHECK(desk.fates == Fates{"P1@0/1", "D1@100/1", "D1@101/1", "P2@102/1", "P1@102/1"});
}

TEST_CASE("memory follows the ids that are known") {
  Desk desk({.name = "once", .within = us(1000)}, weir::ascending());
  const auto come = [&](std::int64_t from, std::int64_t to) {
    for (std::int64_t i = from; i < to; ++i) desk.push(desk::event(i, i));
    desk.fates.clear();
  };
  come(0, 20'000);
  const std::uint64_t before = desk.stats().state_bytes;
  come(20'000, 200'000);
  CHECK(desk.stats().state_bytes <= before);
  CHECK(desk.stats().keys < 5000);
}

TEST_CASE("a dedup that could not keep its word is refused") {
  CHECK(Desk({.name = "once"}).error.find("once: within (0us) must be positive") != std::string::npos);
  CHECK(Desk({.name = "once", .within = us(5), .grace = us(6)}).error.find("once: grace (6us) must be") !=
        std::string::npos);
  CHECK(Desk({.name = "once", .within = us(5), .grace = us(1), .clock = weir::Clock::wall})
            .error.find("grace (1us) must be 0 with Clock::wall") != std::string::npos);
  CHECK(Desk({.name = "once", .within = us(5), .most_ids = 0}).error.find("most_ids (0)") !=
        std::string::npos);
}

TEST_CASE("without a payload all of a record is compared") {
  weir::Graph graph{"whole"};
  const auto source = graph.source<Event>("events", {.time = &Event::at, .watermark = weir::host_driven()});
  source | weir::dedup({.name = "once", .within = us(10)}, &Event::key) |
      weir::sink("out", [](const Event&) {});
  absl::StatusOr<weir::Pipeline> pipeline = std::move(graph).build();
  REQUIRE(pipeline.ok());
  pipeline->push(source, desk::event(1, 1, 7));
  pipeline->push(source, desk::event(1, 1, 7));
  pipeline->push(source, desk::event(1, 2, 7));
  CHECK(pipeline->stats("once").duplicate == 2);
  CHECK(pipeline->stats("once").conflicting == 1);
}

}  // namespace

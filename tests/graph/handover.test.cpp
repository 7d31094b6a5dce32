#include <weir/graph/handover.hpp>

#include <weir/weir.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "effort.hpp"

namespace {

struct Event {
  std::int64_t key = 0;
  double value = 0;
  weir::EventTime at{};
};

struct Totals {
  std::int64_t n = 0;
  double sum = 0;
  double last = 0;

  friend bool operator==(const Totals&, const Totals&) = default;
};

constexpr std::int64_t keys = 3;

weir::EventTime at(std::int64_t ticks) { return weir::event_time(ticks); }
weir::Duration us(std::int64_t ticks) { return weir::Duration{ticks}; }

/// Features that are read, and windows that emit, behind one source.
struct Pipes {
  struct Row {
    std::int64_t start;
    std::int64_t key;
    Totals totals;
    friend bool operator==(const Row&, const Row&) = default;
  };

  explicit Pipes(std::int64_t bound, std::size_t channels = 1, bool strict = false) {
    weir::Graph graph{"graph"};
    source.emplace(graph.source<Event>("events", {.time = &Event::at,
                                                  .watermark = weir::trailing(us(bound)),
                                                  .channels = channels,
                                                  .strict = strict}));
    auto keyed = *source | weir::key_by(&Event::key);
    view.emplace(keyed |
                 weir::features<Totals>("totals", weir::rolling({.size = us(20), .precision = us(4)})
                                                      .compute(weir::count().as(&Totals::n),
                                                               weir::sum(&Event::value).as(&Totals::sum),
                                                               weir::last(&Event::value).as(&Totals::last))) |
                 weir::view("view"));
    keyed | weir::tumbling({.size = us(10), .grace = us(0)}) |
        weir::aggregate<Totals>("windows", weir::count().as(&Totals::n),
                                weir::sum(&Event::value).as(&Totals::sum)) |
        weir::sink("rows", [this](const auto& row) {
          rows.push_back({weir::ticks(row.window.start), row.key, row.value});
        });
    pipeline.emplace(std::move(graph).build().value());
  }
  Pipes(const Pipes&) = delete;
  Pipes& operator=(const Pipes&) = delete;

  [[nodiscard]] auto join(const weir::HandoverSpec& spec) { return weir::handover(*pipeline, *source, spec); }
  [[nodiscard]] Totals read(std::int64_t key, std::int64_t as_of) {
    return *pipeline->lookup(*view, key, {.as_of = at(as_of)});
  }
  /// What the windows gave in the end. The order of the keys of one window depends on who came first.
  [[nodiscard]] std::vector<Row> finished() {
    CHECK(pipeline->finish().ok());
    std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
      return std::pair(a.start, a.key) < std::pair(b.start, b.key);
    });
    return rows;
  }

  std::optional<weir::Source<Event>> source;
  std::optional<weir::View<std::int64_t, Totals>> view;
  std::optional<weir::Pipeline> pipeline;
  std::vector<Row> rows;
};

std::int64_t pick(std::mt19937_64& random, std::int64_t low, std::int64_t high) {
  return low + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(high - low + 1));
}

bool is_earlier(const Event& a, const Event& b) { return a.at < b.at; }

/// Records in an order in which each comes on time.
std::vector<Event> stream_of(std::mt19937_64& random, std::int64_t bound) {
  std::vector<std::pair<std::int64_t, Event>> sent(static_cast<std::size_t>(pick(random, 1, 60)));
  for (auto& [arrives, event] : sent) {
    const std::int64_t when = pick(random, -50, 50);
    event = {.key = pick(random, 1, keys),
             .value = static_cast<double>(pick(random, 1, 1000)) / 7,
             .at = at(when)};
    arrives = when + pick(random, 0, bound);
  }
  std::stable_sort(sent.begin(), sent.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Event> events;
  for (const auto& [arrives, event] : sent) events.push_back(event);
  return events;
}

TEST_CASE("history and live stream joined at a cut are one stream") {
  const int scripts = effort() == "quick" ? 300 : effort() == "long" ? 200'000 : 5'000;
  for (int script = 0; script < scripts; ++script) {
    INFO("seed " << script);
    std::mt19937_64 random(static_cast<std::uint64_t>(script));
    const std::int64_t bound = pick(random, 0, 12);
    const std::vector<Event> all = stream_of(random, bound);
    const std::int64_t until = pick(random, -60, 60);
    const std::int64_t from = until - pick(random, 0, 20);
    const std::int64_t cut = pick(random, from, until);

    // Both streams have what they promise, and some of the rest.
    std::vector<Event> history;
    std::vector<Event> live;
    for (const Event& event : all) {
      if (event.at < at(until) || pick(random, 0, 2) == 0) history.push_back(event);
      if (event.at >= at(from) || pick(random, 0, 2) == 0) live.push_back(event);
    }
    if (pick(random, 0, 1) == 0) std::stable_sort(history.begin(), history.end(), is_earlier);

    Pipes one(bound);
    Pipes joined(bound);
    auto handover = joined.join({.history_until = at(until), .live_from = at(from), .cut = at(cut)});
    REQUIRE(handover.ok());
    if (pick(random, 0, 1) == 0) {
      handover->history(std::span<const Event>(history));
    } else {
      for (const Event& event : history) handover->history(event);
    }
    REQUIRE(handover->go_live().ok());

    // As soon as one stream has brought what is before the cut both know the same, whatever comes then.
    auto left = static_cast<std::int64_t>(
        std::count_if(all.begin(), all.end(), [&](const Event& event) { return event.at < at(cut); }));
    auto next = live.begin();
    std::int64_t newest = cut;
    for (const Event& event : all) {
      one.pipeline->push(*one.source, event);
      if (event.at < at(cut)) {
        --left;
      } else {
        for (; next->at < at(cut); ++next) CHECK_FALSE(handover->live(*next));
        CHECK(handover->live(*next++));
        newest = std::max(newest, weir::ticks(event.at));
      }
      if (left > 0 || pick(random, 0, 3) != 0) continue;
      const std::int64_t as_of = newest + pick(random, 0, 30);
      for (std::int64_t key = 1; key <= keys; ++key) CHECK(one.read(key, as_of) == joined.read(key, as_of));
    }
    for (; next != live.end(); ++next) CHECK_FALSE(handover->live(*next));
    CHECK(one.finished() == joined.finished());

    const weir::HandoverStats& stats = handover->stats();
    CHECK(stats.history.on_time + stats.live.on_time == all.size());
    CHECK(stats.history.on_time + stats.history_skipped == history.size());
    CHECK(stats.live.on_time + stats.live_skipped == live.size());
    CHECK(stats.live_skipped ==
          static_cast<std::uint64_t>(
              std::count_if(live.begin(), live.end(), [&](const Event& e) { return e.at < at(cut); })));
    CHECK(joined.pipeline->stats("events").ingested == all.size());
  }
}

TEST_CASE(
    "a gap between history and live stream is refused, and so is a cut that one of them does not have") {
  Pipes pipes(0);
  const auto refused = [&](const weir::HandoverSpec& spec) {
    const auto handover = pipes.join(spec);
    CHECK(handover.status().code() == absl::StatusCode::kInvalidArgument);
    return std::string(handover.status().message());
  };
  CHECK(refused({.history_until = at(10), .live_from = at(11)})
            .find("live_from (11us) is after the cut (10us)") != std::string::npos);
  CHECK(
      refused({.history_until = at(10), .live_from = at(5), .cut = at(4)}).find("events: live_from (5us)") ==
      0);
  CHECK(refused({.history_until = at(10), .live_from = at(5), .cut = at(11)}).find("history_until (10us)") !=
        std::string::npos);
  CHECK(pipes.join({.history_until = at(10), .live_from = at(10)}).ok());
  CHECK(pipes.join({.history_until = at(10), .live_from = at(5)})->cut() == at(10));
  CHECK(pipes.join({.history_until = at(10), .live_from = at(5), .cut = at(5)})->cut() == at(5));
}

TEST_CASE("a record at the cut is the live stream's") {
  Pipes pipes(0);
  auto handover = pipes.join({.history_until = at(10), .live_from = at(10)}).value();
  CHECK(handover.history({1, 1, at(9)}));
  CHECK_FALSE(handover.history({1, 2, at(10)}));
  REQUIRE(handover.go_live().ok());
  CHECK_FALSE(handover.live({1, 1, at(9)}));
  CHECK(handover.live({1, 2, at(10)}));
  CHECK(pipes.read(1, 11) == Totals{2, 3, 2});
}

TEST_CASE("streams take turns") {
  Pipes pipes(5);
  auto handover = pipes.join({.history_until = at(10), .live_from = at(10)}).value();
  CHECK_FALSE(handover.live({1, 1, at(12)}));
  CHECK(handover.stats().live.refused == 1);
  CHECK_FALSE(handover.is_live());
  CHECK(handover.history({1, 1, at(3)}));
  REQUIRE(handover.go_live().ok());
  REQUIRE(handover.go_live().ok());
  CHECK(handover.is_live());
  CHECK_FALSE(handover.history({1, 1, at(4)}));
  const std::vector<Event> more{{1, 1, at(4)}, {1, 1, at(14)}, {1, 1, at(5)}};
  handover.history(std::span<const Event>(more));
  CHECK(handover.stats().history == weir::Admitted{.on_time = 1, .refused = 3});
  CHECK(handover.stats().history_skipped == 1);
  CHECK(handover.live({1, 1, at(12)}));
}

TEST_CASE("the cut is a watermark of every channel, also of a strict source") {
  Pipes pipes(1000, 2, true);
  auto handover = pipes.join({.history_until = at(10), .live_from = at(10)}).value();
  handover.history({1, 1, at(3)}, 0);
  handover.history({1, 2, at(2)}, 1);
  CHECK(pipes.rows.empty());
  REQUIRE(handover.go_live().ok());
  CHECK(pipes.pipeline->watermark(*pipes.source) == at(10));
  REQUIRE(pipes.rows.size() == 1);
  CHECK(pipes.rows[0].totals.n == 2);
  CHECK(handover.live({1, 1, at(10)}, 1));
  CHECK_FALSE(handover.live({1, 1, at(10)}, 2));
  CHECK(handover.stats().live == weir::Admitted{.on_time = 1, .refused = 1});
}

TEST_CASE("a source of another graph, and a finished pipeline, take nothing") {
  Pipes pipes(0);
  Pipes other(0);
  auto wrong =
      weir::handover(*pipes.pipeline, *other.source, {.history_until = at(1), .live_from = at(1)}).value();
  CHECK_FALSE(wrong.history({1, 1, at(0)}));
  CHECK(wrong.go_live().code() == absl::StatusCode::kInvalidArgument);
  CHECK_FALSE(wrong.is_live());
  auto handover = pipes.join({.history_until = at(1), .live_from = at(1)}).value();
  REQUIRE(pipes.pipeline->finish().ok());
  CHECK_FALSE(handover.history({1, 1, at(0)}));
  CHECK(handover.stats().history.refused == 1);
}

}  // namespace

// Rows that were served are made again from the history: every byte of them.
#include <weir/view/point_in_time.hpp>

#include <weir/weir.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include "catch.hpp"

namespace {

struct Event {
  std::int64_t key = 0;
  double value = 0;
  weir::EventTime at{};
  weir::EventTime known{};  // its place in the log, or the tick before it
};
using Events = std::vector<Event>;

struct Row {
  std::int64_t n_short = 0, n_long = 0;
  double sum_short = 0, sum_long = 0, sd_long = 0;
  double exact_mean = 0;
  double last_sum = 0;
};
WEIR_FIELDS(Row, n_short, n_long, sum_short, sum_long, sd_long, exact_mean, last_sum);

using Label = weir::Label<std::int64_t>;
using Read = weir::Lookup<Row>;

/// A question that was asked, and what was served.
struct Asked {
  Label label;
  Read row;
};

constexpr weir::Duration us(std::int64_t count) { return weir::Duration{count}; }
weir::EventTime at(std::int64_t ticks) { return weir::event_time(ticks); }

struct Pipes {
  weir::Graph graph;
  weir::Source<Event> events;
  weir::View<std::int64_t, Row> view;
};

template <class Viewing>
Pipes build(std::int64_t bound, Viewing viewing) {
  weir::Graph graph{"again"};
  auto events = graph.source<Event>("events", {.time = &Event::at, .watermark = weir::trailing(us(bound))});
  auto view =
      events | weir::key_by(&Event::key) |
      weir::features<Row>(
          {.name = "row", .retain = us(400)},
          weir::rolling({{.size = us(50), .precision = us(10)}, {.size = us(200), .precision = us(40)}})
              .compute(weir::count().as(&Row::n_short, &Row::n_long),
                       weir::sum(&Event::value).as(&Row::sum_short, &Row::sum_long)),
          weir::rolling({.size = us(200), .precision = us(40)})
              .compute(weir::stddev(&Event::value).as(&Row::sd_long)),
          weir::rolling({.size = us(70), .precision = weir::exact})
              .compute(weir::mean(&Event::value).as(&Row::exact_mean)),
          weir::rolling_records({.records = 5}).compute(weir::sum(&Event::value).as(&Row::last_sum))) |
      std::move(viewing);
  return {std::move(graph), events, view};
}

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::int64_t below(std::int64_t limit) {
    return static_cast<std::int64_t>(engine_() % static_cast<std::uint64_t>(limit));
  }
  Event event(std::int64_t when) {
    const std::int64_t key = below(below(4) == 0 ? 40 : 5);  // some often, some seldom
    return {.key = key, .value = static_cast<double>(below(1'000'003)) / 1000, .at = at(when)};
  }
  template <class Values>
  void shuffle(Values& values) {
    std::shuffle(values.begin(), values.end(), engine_);
  }

 private:
  std::mt19937_64 engine_;
};

template <class Fields, std::size_t... i>
bool same_bytes(const Fields& a, const Fields& b, std::index_sequence<i...>) {
  return ((std::memcmp(&std::get<i>(a), &std::get<i>(b), sizeof(std::get<i>(a))) == 0) && ...);
}
/// Field by field, so that what is between fields does not count.
bool same_bytes(const Row& a, const Row& b) {
  using Fields = decltype(weir_fields(a));
  return same_bytes(weir_fields(a), weir_fields(b), std::make_index_sequence<std::tuple_size_v<Fields>>{});
}

/// How many of the rows that were served come out otherwise when they are made again.
template <class Viewing>
std::size_t different(std::vector<Asked> asked, const Events& history, std::int64_t bound, Viewing viewing,
                      weir::Knowledge knowledge, Random& random) {
  random.shuffle(asked);
  std::vector<Label> labels;
  labels.reserve(asked.size());
  for (const Asked& one : asked) labels.push_back(one.label);
  Pipes pipes = build(bound, std::move(viewing));
  std::size_t rows = 0;
  std::size_t wrong = 0;
  const absl::Status done = weir::point_in_time(
      std::move(pipes.graph), pipes.view, labels, {.knowledge = knowledge},
      [&](std::size_t label, const Read& made) {
        const Read& served = asked[label].row;
        ++rows;
        const bool same = same_bytes(made.value, served.value) && made.status == served.status &&
                          made.as_of == served.as_of && made.event_time == served.event_time &&
                          made.definition == served.definition;
        wrong += same ? 0U : 1U;
      },
      weir::history(pipes.events, history).known_at(&Event::known));
  CHECK(done.ok());
  CHECK(rows == asked.size());
  return wrong;
}

std::size_t count_of(const std::vector<Asked>& asked, weir::ReadStatus status) {
  return static_cast<std::size_t>(std::count_if(
      asked.begin(), asked.end(), [status](const Asked& one) { return one.row.status == status; }));
}

TEST_CASE("rows looked up in an ordered stream are made again, whatever the order of the history") {
  for (const std::uint64_t seed : {1U, 2U, 3U, 4U}) {
    Random random(seed);
    Pipes pipes = build(0, weir::view("view"));
    weir::Pipeline pipeline = std::move(pipes.graph).build().value();
    Events history;
    std::vector<Asked> asked;
    std::int64_t last = 0;
    for (int i = 0; i < 3000; ++i) {
      const std::int64_t next = last + 1 + random.below(random.below(50) == 0 ? 500 : 6);
      for (std::int64_t more = random.below(3); more > 0; --more) {
        const Label label{.key = random.below(45), .as_of = at(last + 1 + random.below(next - last))};
        asked.push_back({label, pipeline.lookup(pipes.view, label.key, {.as_of = label.as_of})});
      }
      history.push_back(random.event(next));
      pipeline.push(pipes.events, history.back());
      last = next;
    }
    CHECK(count_of(asked, weir::ReadStatus::missing) > 10);
    const auto again = [&](std::int64_t bound) {
      return different(asked, history, bound, weir::view("view"), weir::Knowledge::all_on_time, random);
    };
    CHECK(again(0) == 0);
    constexpr std::int64_t bound = 60;
    for (Event& event : history) event.known = event.at + us(random.below(bound));
    std::stable_sort(history.begin(), history.end(),
                     [](const Event& a, const Event& b) { return a.known < b.known; });
    CHECK(again(bound) == 0);
  }
}

TEST_CASE("rows looked up in a disordered stream are made again as known, also stale and replaced ones") {
  for (const std::uint64_t seed : {11U, 12U, 13U, 14U}) {
    Random random(seed);
    constexpr std::int64_t bound = 40;
    const auto viewing = [] {
      return weir::view("view", {.max_age = us(30), .when_stale = weir::serve_previous});
    };
    Pipes pipes = build(bound, viewing());
    weir::Pipeline pipeline = std::move(pipes.graph).build().value();
    Events history;
    std::vector<Asked> asked;
    std::int64_t now = 1000;
    for (int i = 0; i < 3000; ++i) {
      for (std::int64_t more = random.below(3); more > 0; --more) {
        const Label label{.key = random.below(45),
                          .as_of = at(now - 60 + random.below(120)),
                          .known_at = at(static_cast<std::int64_t>(history.size()))};
        asked.push_back({label, pipeline.lookup(pipes.view, label.key, {.as_of = label.as_of})});
      }
      now += random.below(random.below(50) == 0 ? 500 : 6);
      Event event = random.event(now - random.below(random.below(10) == 0 ? 8 * bound : bound));
      event.known = at(static_cast<std::int64_t>(history.size()));
      history.push_back(event);
      pipeline.push(pipes.events, event);
    }
    for (const auto status : {weir::ReadStatus::fresh, weir::ReadStatus::stale, weir::ReadStatus::incomplete,
                              weir::ReadStatus::missing})
      CHECK(count_of(asked, status) > 10);
    CHECK(pipeline.stats("events").behind > 10);
    CHECK(different(asked, history, bound, viewing(), weir::Knowledge::as_known, random) == 0);
  }
}

TEST_CASE("rows of a reader are made again as known, as of their own instant, right after their tick") {
  for (const std::uint64_t seed : {21U, 22U, 23U, 24U}) {
    Random random(seed);
    constexpr std::int64_t bound = 40;
    const weir::Duration refresh = seed % 2 == 0 ? us(25) : weir::for_ever;
    Pipes pipes = build(bound, weir::view("view").publish({.refresh = refresh}));
    weir::Pipeline pipeline = std::move(pipes.graph).build().value();
    auto reader = pipeline.reader(pipes.view).value();
    Events history;
    std::vector<Asked> asked;
    const weir::LookupSpec plain;
    Read row;
    std::int64_t now = 1000;
    for (std::int64_t tick = 1; tick < 1500; ++tick) {
      CHECK(pipeline.tick(weir::WallTime{us(tick)}).ok());
      const std::size_t before = history.size();
      for (std::int64_t more = random.below(5); more > 0; --more) {
        now += random.below(random.below(100) == 0 ? 500 : 6);
        Event event = random.event(now - random.below(random.below(10) == 0 ? 8 * bound : bound));
        event.known = at(tick);
        history.push_back(event);
      }
      pipeline.push(pipes.events, std::span<const Event>(history).subspan(before));
      for (std::int64_t more = random.below(4); more > 0; --more) {
        const std::int64_t key = random.below(45);
        reader.lookup(key, plain, row);
        const std::int64_t ticked = row.computed_at->time_since_epoch().count();
        asked.push_back({{.key = key, .as_of = row.as_of, .known_at = at(ticked + 1)}, row});
      }
    }
    CHECK(count_of(asked, weir::ReadStatus::fresh) > 10);
    CHECK(count_of(asked, weir::ReadStatus::missing) > 10);
    CHECK(different(asked, history, bound, weir::view("view"), weir::Knowledge::as_known, random) == 0);
  }
}

}  // namespace

#include <weir/window/emission_token.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <weir/weir.hpp>

#include "catch.hpp"

namespace {

using namespace std::chrono_literals;
using weir::emission_token;
using weir::event_time;

struct Total {
  double sum = 0;
  friend bool operator==(const Total&, const Total&) = default;
};
template <class Key>
using Row = weir::Windowed<Key, Total>;

template <class Key>
Row<Key> row(Key key, std::int64_t start, std::int64_t end, std::uint32_t index = 0,
             bool is_retraction = false) {
  Row<Key> made;
  made.key = std::move(key);
  made.window = {event_time(start), event_time(end)};
  made.pane.index = index;
  made.pane.is_retraction = is_retraction;
  return made;
}

TEST_CASE("a token is the same bytes on every machine") {
  using namespace std::string_literals;
  const std::string token = emission_token("spend", row<std::string>("k7", 256, -1, 3, true));
  CHECK(token ==
        "\5\0\0\0\0\0\0\0spend"s             // the name, its length before it
        "\0\1\0\0\0\0\0\0"s                  // from 256 us
        "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"s  // to -1 us
        "\0\0\0\0\0\0\0\0"s                  // the only one with these bounds
        "\3\0\0\0"s
        "\1"s  // pane 3, taken back
        "\2\0\0\0\0\0\0\0k7"s);
  CHECK(emission_token("", row<std::uint8_t>(9, 0, 0)).size() == 38);

  Row<std::string> numbered = row<std::string>("k7", 256, -1, 3, true);
  numbered.number = 0x0102;
  std::string wanted = token;
  wanted[8 + 5 + 16] = 2;
  wanted[8 + 5 + 17] = 1;
  CHECK(emission_token("spend", numbered) == wanted);

  CHECK(emission_token("silent", "k7", event_time(256), 0x0102) ==
        "\6\0\0\0\0\0\0\0silent"s
        "\0\1\0\0\0\0\0\0"s  // at 256 us
        "\0\1\0\0\0\0\0\0"s
        "\2\1\0\0\0\0\0\0"s  // the revision
        "\0\0\0\0"s
        "\0"s
        "\2\0\0\0\0\0\0\0k7"s);
}

TEST_CASE("tokens are equal exactly if name, window, number, pane, retraction and key are") {
  std::set<std::string> tokens;
  std::size_t made = 0;
  // Names and keys that are the same bytes one after the other, also with numbers and lengths between them.
  const std::string nul(8, '\0');
  const std::vector<std::string> texts = {
      "", "a", "aa", "ab", "b", nul, nul + "a", "a" + nul, "a" + nul + "a", "\1" + nul};
  for (const std::string& name : texts) {
    for (const std::string& key : texts) {
      for (const std::int64_t start : {0, 1, 10}) {
        for (const std::int64_t end : {20, 256 * 20}) {
          for (const std::uint32_t index : {0U, 1U, 256U}) {
            for (const bool is_retraction : {false, true}) {
              Row<std::string> one = row(key, start, end, index, is_retraction);
              for (const std::uint64_t number : {0U, 1U, 256U}) {
                ++made;
                one.number = number;
                tokens.insert(emission_token(name, one));
              }
            }
          }
        }
      }
    }
  }
  CHECK(tokens.size() == made);
}

TEST_CASE("a token does not depend on what a row says besides") {
  const Row<std::string> plain = row<std::string>("k", 0, 10);
  Row<std::string> other = plain;
  other.value.sum = 5;
  other.pane.timing = weir::Timing::late;
  other.pane.is_final = true;
  other.as_of = event_time(7);
  other.watermark = event_time(8);
  other.overflowed = 1;
  CHECK(emission_token("spend", other) == emission_token("spend", plain));
}

TEST_CASE("a row that is not of a window has a token by name, key, instant and revision") {
  std::set<std::string> tokens;
  std::size_t made = 0;
  for (const std::string name : {"", "a", "aa"}) {
    for (const std::string key : {"", "a", "aa"}) {
      for (const std::int64_t at : {-1, 0, 1, 256}) {
        for (const std::uint64_t revision : {0U, 1U, 256U}) {
          ++made;
          tokens.insert(emission_token(name, key, event_time(at), revision));
          CHECK(emission_token(name, std::string_view(key), event_time(at), revision) ==
                emission_token(name, key, event_time(at), revision));
        }
      }
    }
  }
  CHECK(tokens.size() == made);
  CHECK(emission_token("", std::uint8_t{9}, event_time(0), 0).size() == 38);
}

enum class Colour : std::uint8_t { red, green };
struct Seat {
  std::uint16_t row = 0;
  std::string name;
};
WEIR_FIELDS(Seat, row, name);

TEST_CASE("every type of key gives a token, and its parts do not run into each other") {
  CHECK(emission_token("", row(Colour::red, 0, 1)) != emission_token("", row(Colour::green, 0, 1)));
  CHECK(emission_token("", row(true, 0, 1)) != emission_token("", row(false, 0, 1)));
  CHECK(emission_token("", row(event_time(1), 0, 1)) != emission_token("", row(event_time(2), 0, 1)));
  CHECK(emission_token("", row(weir::Duration{1}, 0, 1)) != emission_token("", row(weir::Duration{2}, 0, 1)));
  CHECK(emission_token("", row(Seat{1, "a"}, 0, 1)) != emission_token("", row(Seat{1, "b"}, 0, 1)));
  using Two = std::tuple<std::string, std::string>;
  CHECK(emission_token("", row(Two{"ab", "c"}, 0, 1)) != emission_token("", row(Two{"a", "bc"}, 0, 1)));
  using Both = std::pair<std::uint8_t, std::string>;
  CHECK(emission_token("", row(Both{1, "x"}, 0, 1)) == emission_token("", row(Both{1, "x"}, 0, 1)));
}

// ------------------------------------------------------------------------------------------------ of a pipeline

struct Payment {
  std::string user;
  double amount = 0;
  weir::EventTime at{};
};

/// What came out, each with the token it came out under.
using Emitted = std::vector<std::pair<std::string, Row<std::string>>>;

/// Windows of all kinds that give each row a name of its own, with panes of all kinds.
class Till {
 public:
  Till() {
    weir::Graph graph{"till"};
    payments_ = graph.source<Payment>("payments", {.time = &Payment::at, .watermark = weir::trailing(20s)});
    const auto users = *payments_ | weir::key_by(&Payment::user);
    const weir::Emission often = weir::emit_when(weir::on_close(), weir::every(7s), weir::after(3));
    keep(users | weir::tumbling({.size = 1min, .grace = 40s}), "plain");
    keep(users | weir::tumbling({.size = 1min, .grace = 1min, .emit = often, .panes = weir::retracting}),
         "tumbling");
    keep(users | weir::sliding({.size = 1min, .every = 20s, .grace = 30s, .emit = weir::on_update()}),
         "sliding");
    keep(users | weir::cumulating({.size = 1min, .step = 20s, .grace = 30s, .panes = weir::discarding}),
         "cumulating");
    keep(users | weir::lifetime({.emit = weir::after(2), .panes = weir::retracting}), "lifetime");
    keep(users | weir::session({.gap = 15s, .grace = 0s}), "visit");
    keep(users | weir::session({.gap = 15s, .grace = 40s, .emit = often, .panes = weir::retracting}),
         "visits");
    keep(users | weir::session({.gap = 10s,
                                .judged = weir::SessionLateness::before_merging,
                                .grace = 30s,
                                .emit = weir::on_update(),
                                .panes = weir::discarding}),
         "calls");
    pipeline_ = std::move(graph).build().value();
  }
  Till(const Till&) = delete;
  Till& operator=(const Till&) = delete;

  [[nodiscard]] weir::Pipeline& pipeline() { return *pipeline_; }
  void push(const Payment& payment) { pipeline_->push(*payments_, payment); }
  [[nodiscard]] const Emitted& emitted() const { return emitted_; }

 private:
  template <class Windows>
  void keep(const Windows& windows, const char* name) {
    windows | weir::aggregate<Total>(name, weir::sum(&Payment::amount).as(&Total::sum)) |
        weir::sink(std::string(name) + "_out", [this, name](const Row<std::string>& row) {
          emitted_.emplace_back(emission_token(name, row), row);
        });
  }

  Emitted emitted_;
  std::optional<weir::Source<Payment>> payments_;
  std::optional<weir::Pipeline> pipeline_;
};

/// Payments whose times go to and fro, some of them too late for everything; many at one instant.
std::vector<Payment> random_payments(std::uint32_t seed, std::size_t count) {
  std::mt19937 random(seed);
  std::vector<Payment> payments;
  for (std::size_t i = 0; i < count; ++i) {
    const std::int64_t now = static_cast<std::int64_t>(i) * 2;
    const std::int64_t back = random() % 8 == 0 ? random() % 200 : random() % 20;
    payments.push_back({.user = std::string(1, static_cast<char>('a' + random() % 4)),
                        .amount = 0.1 * static_cast<double>(random() % 100),
                        .at = weir::EventTime{std::chrono::seconds{now - back}}});
  }
  return payments;
}

TEST_CASE("no two rows of an operator have the same token") {
  const std::uint32_t seed = GENERATE(1U, 2U, 3U, 4U, 5U, 6U, 7U, 8U);
  CAPTURE(seed);
  Till till;
  for (const Payment& payment : random_payments(seed, 600)) till.push(payment);
  REQUIRE(till.pipeline().finish().ok());
  std::set<std::string> tokens;
  std::size_t revisions = 0;
  std::size_t retractions = 0;
  for (const auto& [token, row] : till.emitted()) {
    tokens.insert(token);
    revisions += row.pane.index > 0 ? 1 : 0;
    retractions += row.pane.is_retraction ? 1 : 0;
  }
  CHECK(tokens.size() == till.emitted().size());
  CHECK(revisions > 500);
  CHECK(retractions > 500);
}

TEST_CASE("rows that come again after a restore have the token they had, and are the same") {
  const std::uint32_t seed = GENERATE(11U, 12U, 13U, 14U);
  CAPTURE(seed);
  const std::vector<Payment> payments = random_payments(seed, 500);
  const std::size_t cut = 100 + seed * 7;
  Till before;
  std::string image;
  std::size_t stored = 0;
  for (std::size_t i = 0; i < payments.size(); ++i) {
    if (i == cut) {
      REQUIRE(before.pipeline().snapshot({}, image).ok());
      stored = before.emitted().size();
    }
    before.push(payments[i]);
  }
  REQUIRE(before.pipeline().finish().ok());

  Till after;
  REQUIRE(after.pipeline().restore(image).ok());
  for (std::size_t i = cut; i < payments.size(); ++i) after.push(payments[i]);
  REQUIRE(after.pipeline().finish().ok());
  const Emitted rest(before.emitted().begin() + static_cast<std::ptrdiff_t>(stored), before.emitted().end());
  CHECK(rest.size() > 500);
  CHECK(after.emitted() == rest);
}

TEST_CASE("windows of records, and sessions that a cap keeps apart, have tokens of their own") {
  weir::Graph graph{"till"};
  auto payments = graph.source<Payment>("payments", {.time = &Payment::at, .watermark = weir::host_driven()});
  auto users = payments | weir::key_by(&Payment::user);
  std::map<std::string, std::vector<std::uint64_t>> numbers;
  std::map<std::string, std::set<std::string>> tokens;
  const auto keep = [&](const auto& windows, const std::string& name) {
    windows | weir::aggregate<Total>(name, weir::sum(&Payment::amount).as(&Total::sum)) |
        weir::sink(name + "_out", [&numbers, &tokens, name](const Row<std::string>& row) {
          numbers[name].push_back(row.number);
          tokens[name].insert(emission_token(name, row));
        });
  };
  keep(users | weir::count_windows({.size = 2}), "pairs");
  keep(users | weir::count_windows({.size = 3, .every = 1}), "last three");
  keep(users | weir::count_windows({.size = 3, .every = 2, .partial = true}), "partial");
  keep(users | weir::count_windows({.size = 1, .every = 3}), "gaps");
  keep(users | weir::session({.gap = 10us, .most_records = 1, .grace = 0s}), "single");
  keep(users | weir::session({.gap = 10us, .longest = 0s, .grace = 0s}), "one instant");
  keep(users | weir::session({.gap = 10us, .grace = 0s}), "uncapped");
  weir::Pipeline pipeline = std::move(graph).build().value();
  const auto push = [&](const char* user, std::int64_t at = 5) {
    pipeline.push(payments, {.user = user, .amount = 1, .at = event_time(at)});
  };
  for (int i = 0; i < 4; ++i) push("a");
  push("b");
  for (int i = 0; i < 2; ++i) push("a");
  REQUIRE(pipeline.advance(payments, event_time(15)).ok());
  const auto numbered = [&](const char* name, const std::vector<std::uint64_t>& wanted) {
    INFO(name);
    CHECK(numbers[name] == wanted);
    CHECK(tokens[name].size() == wanted.size());
  };
  numbered("pairs", {0, 1, 2});
  numbered("last three", {0, 1, 2, 3});
  numbered("partial", {0, 1, 2});
  numbered("gaps", {0, 1, 0});
  numbered("single", {0, 1, 2, 3, 0, 4, 5});
  numbered("one instant", {0, 0});
  numbered("uncapped", {0, 0});

  // A key that has no sessions any more begins at 0 again: its next ones end later than those it had.
  for (int i = 0; i < 2; ++i) push("a", 6);
  REQUIRE(pipeline.finish().ok());
  numbered("pairs", {0, 1, 2, 3});
  numbered("single", {0, 1, 2, 3, 0, 4, 5, 0, 1});
  numbered("one instant", {0, 0, 0});
}

// ------------------------------------------------------------------------------- windows that have the same bounds

/// A record of a key: when, and whether it ends its session.
struct Event {
  std::string key;
  weir::EventTime at{};
  weir::Duration gap{};
  std::int64_t value = 0;
  bool is_last = false;
};

using Random = std::mt19937;
std::uint32_t below(Random& random, std::uint32_t limit) {
  return static_cast<std::uint32_t>(random() % limit);
}

/// One step of a script: a record, or time that goes on.
struct Step {
  Event event;
  weir::EventTime advance = weir::no_time;
};

struct Sum {
  std::int64_t sum = 0;
  std::int64_t n = 0;
  friend bool operator==(const Sum&, const Sum&) = default;
};
using SumRow = weir::Windowed<std::string, Sum>;

constexpr weir::KeyGroups groups{.count = 4};

/// Windows by record and sessions with caps, some of each, with random specs.
class Maze {
 public:
  explicit Maze(std::uint32_t seed) {
    Random random(seed);
    weir::Graph graph{"maze", {.key_groups = groups}};
    events_ = graph.source<Event>("events", {.time = &Event::at, .watermark = weir::host_driven()});
    const auto keyed = *events_ | weir::key_by(&Event::key);
    for (int i = 0; i < 3; ++i) {
      const weir::CountSpec spec{
          .size = 1 + below(random, 3), .every = below(random, 4), .partial = below(random, 2) == 0};
      keep(keyed | weir::count_windows(spec), "count " + std::to_string(i));
    }
    for (int i = 0; i < 6; ++i) {
      const std::string name = "session " + std::to_string(i);
      weir::SessionSpec spec = random_sessions(random);
      if (below(random, 3) == 0) {
        spec.gap = {};
        auto by_record = weir::session(spec).gap_from(&Event::gap);
        below(random, 2) == 0 ? keep(keyed | std::move(by_record), name)
                              : keep(keyed | std::move(by_record).ends_at(&Event::is_last), name);
      } else {
        below(random, 2) == 0 ? keep(keyed | weir::session(spec), name)
                              : keep(keyed | weir::session(spec).ends_at(&Event::is_last), name);
      }
    }
    pipeline_ = std::move(graph).build().value();
  }
  Maze(const Maze&) = delete;
  Maze& operator=(const Maze&) = delete;

  [[nodiscard]] weir::Pipeline& pipeline() { return *pipeline_; }
  void take(const Step& step) {
    if (step.advance == weir::no_time) {
      pipeline_->push(*events_, step.event);
    } else {
      REQUIRE(pipeline_->advance(*events_, step.advance).ok());
    }
  }
  /// What came out by operator and key, each row with its token, since it was asked last.
  [[nodiscard]] std::map<std::string, std::vector<std::pair<std::string, SumRow>>> rows() {
    return std::exchange(rows_, {});
  }

 private:
  static weir::SessionSpec random_sessions(Random& random) {
    const auto us = [&random](std::uint32_t limit) { return weir::Duration{below(random, limit)}; };
    weir::SessionSpec spec{.gap = us(4) + 1us, .grace = us(7)};
    // At least one cap, or there is nothing to tell apart.
    const std::uint32_t caps = 1 + below(random, 3);
    if ((caps & 1U) != 0) spec.most_records = 1 + below(random, 3);
    if ((caps & 2U) != 0) spec.longest = us(5);
    if (below(random, 2) == 0) spec.touching = weir::Touching::separate;
    if (below(random, 3) == 0) spec.judged = weir::SessionLateness::before_merging;
    switch (below(random, 5)) {
      case 0:
        spec.emit = weir::on_update();
        break;
      case 1:
        spec.emit = weir::emit_when(weir::on_close(), weir::every(2us));
        break;
      case 2:
        spec.emit = weir::after(1 + below(random, 2));
        break;
      default:
        break;
    }
    const weir::Accumulation panes[] = {weir::Accumulation::accumulating, weir::Accumulation::discarding,
                                        weir::Accumulation::retracting, weir::Accumulation::retracting};
    spec.panes = panes[below(random, 4)];
    return spec;
  }
  template <class Windows>
  void keep(const Windows& windows, const std::string& name) {
    windows | weir::aggregate<Sum>(name, weir::sum(&Event::value).as(&Sum::sum), weir::count().as(&Sum::n)) |
        weir::sink(name + " out", [this, name](const SumRow& row) {
          rows_[name + " of " + row.key].emplace_back(emission_token(name, row), row);
        });
  }

  std::map<std::string, std::vector<std::pair<std::string, SumRow>>> rows_;
  std::optional<weir::Source<Event>> events_;
  std::optional<weir::Pipeline> pipeline_;
};

/// Many records at few instants, in disorder, by three keys that are in two parts of the key groups.
std::vector<Step> random_steps(std::uint32_t seed) {
  Random random(seed + 1000);
  std::vector<Step> steps;
  std::int64_t now = 0;
  for (int i = 0; i < 150; ++i) {
    if (below(random, 5) == 0) {
      now += static_cast<std::int64_t>(below(random, 4));
      steps.push_back({.event = {}, .advance = event_time(now)});
      continue;
    }
    steps.push_back({.event = {.key = std::string(1, static_cast<char>('a' + below(random, 3))),
                               .at = event_time(now + 3 - static_cast<std::int64_t>(below(random, 8))),
                               .gap = weir::Duration{1 + below(random, 5)},
                               .value = i,
                               .is_last = below(random, 3) == 0}});
  }
  return steps;
}

using Rows = decltype(std::declval<Maze&>().rows());

void append(Rows& rows, Rows more) {
  for (auto& [name, some] : more) rows[name].insert(rows[name].end(), some.begin(), some.end());
}

/// What a pipeline gives behind the first `cut` steps, without interruption.
Rows whole(std::uint32_t seed, const std::vector<Step>& steps, std::size_t cut, std::string* image) {
  Maze maze(seed);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (i == cut) {
      static_cast<void>(maze.rows());
      if (image != nullptr) REQUIRE(maze.pipeline().snapshot({}, *image).ok());
    }
    maze.take(steps[i]);
  }
  REQUIRE(maze.pipeline().finish().ok());
  return maze.rows();
}

constexpr std::uint32_t mazes = 400;

TEST_CASE("random windows of records and capped sessions: no two emissions have the same token") {
  std::size_t shared = 0;  // that would be the same without the number
  std::size_t retractions = 0;
  for (std::uint32_t seed = 0; seed < mazes; ++seed) {
    CAPTURE(seed);
    std::set<std::string> tokens, without;
    std::size_t all = 0;
    for (const auto& [name, rows] : whole(seed, random_steps(seed), 0, nullptr)) {
      for (auto [token, row] : rows) {
        ++all;
        retractions += row.pane.is_retraction ? 1 : 0;
        tokens.insert(token);
        row.number = 0;
        without.insert(emission_token(name, row));
      }
    }
    REQUIRE(tokens.size() == all);
    shared += all - without.size();
  }
  CHECK(shared > 100 * mazes);
  CHECK(retractions > 20 * mazes);
}

TEST_CASE(
    "random windows of records and capped sessions: a replay gives the same rows under the same tokens") {
  for (std::uint32_t seed = 0; seed < mazes; ++seed) {
    CAPTURE(seed);
    const std::vector<Step> steps = random_steps(seed);
    const std::size_t cut = 1 + Random(seed)() % (steps.size() - 1);
    std::string image;
    const Rows wanted = whole(seed, steps, cut, &image);

    Maze after(seed);
    REQUIRE(after.pipeline().restore(image).ok());
    std::string again;
    REQUIRE(after.pipeline().snapshot({}, again).ok());
    CHECK((again == image));
    for (std::size_t i = cut; i < steps.size(); ++i) after.take(steps[i]);
    REQUIRE(after.pipeline().finish().ok());
    CHECK((after.rows() == wanted));
  }
}

TEST_CASE("random windows of records and capped sessions: tokens do not depend on which pipeline has a key") {
  const auto is_upper = [](const Step& step) { return groups.of(step.event.key) >= groups.count / 2; };
  const std::vector<std::uint32_t> upper = {2, 3};
  std::size_t moved = 0;
  for (std::uint32_t seed = 0; seed < mazes; ++seed) {
    CAPTURE(seed);
    const std::vector<Step> steps = random_steps(seed);
    Random random(seed);
    const std::size_t cut = below(random, 70);
    const std::size_t joint = cut + below(random, 70);
    const auto move = [&](Maze& from, Maze& to) {
      std::string image;
      REQUIRE(from.pipeline().snapshot({.groups = upper}, image).ok());
      REQUIRE(to.pipeline().restore(image, {.groups = upper, .counters = false}).ok());
      REQUIRE(from.pipeline().drop(upper).ok());
    };
    Maze one(seed);
    Maze other(seed);
    for (std::size_t i = 0; i < steps.size(); ++i) {
      if (i == cut) move(one, other);
      if (i == joint) move(other, one);
      const bool is_apart = cut <= i && i < joint;
      if (steps[i].advance != weir::no_time) {
        one.take(steps[i]);
        if (is_apart || i < cut) other.take(steps[i]);
        continue;
      }
      const bool is_others = is_apart && is_upper(steps[i]);
      moved += is_others ? 1 : 0;
      (is_others ? other : one).take(steps[i]);
    }
    REQUIRE(one.pipeline().finish().ok());
    Rows got = one.rows();
    // A key's rows come from one pipeline, then the other, then the one again: compared without that order.
    append(got, other.rows());
    Rows wanted = whole(seed, steps, 0, nullptr);
    for (Rows* rows : {&got, &wanted}) {
      for (auto& [name, some] : *rows)
        std::sort(some.begin(), some.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    }
    CHECK((got == wanted));
  }
  CHECK(moved > mazes);
}

// ------------------------------------------------------------------------------------------ of an operator of one's own

/// What an operator of one's own emits.
struct Alarm {
  std::string key;
  weir::EventTime at{};
  std::uint64_t revision = 0;
  std::int64_t sum = 0;
  friend bool operator==(const Alarm&, const Alarm&) = default;
};

/// Emits some rows for a record, and some later, many of them at one instant.
struct Alarms {
  struct State {
    std::uint64_t revision = 0;
    std::int64_t sum = 0;
    friend bool operator==(const State&, const State&) = default;
  };
  void process(State& state, const Event& event, weir::Timer& timer, weir::Out<Alarm>& out) const {
    state.sum += event.value;
    for (std::int64_t i = event.value % 3; i > 0; --i)
      out.emit({.key = event.key, .at = event.at, .revision = state.revision++, .sum = state.sum});
    timer.set(event.at + event.gap);
  }
  void on_timer(State& state, weir::Fired<std::string> fired, weir::Out<Alarm>& out) const {
    out.emit({.key = fired.key, .at = fired.at, .revision = state.revision++, .sum = state.sum});
    state.sum = 0;
  }
};

TEST_CASE("rows of an operator of one's own have tokens by a revision that is in its State") {
  using Emissions = std::vector<std::pair<std::string, Alarm>>;
  struct Bell {
    Emissions emitted;
    std::optional<weir::Source<Event>> events;
    std::optional<weir::Pipeline> pipeline;

    Bell() {
      weir::Graph graph{"bell"};
      events = graph.source<Event>("events", {.time = &Event::at, .watermark = weir::host_driven()});
      *events | weir::key_by(&Event::key) | weir::each("alarms", Alarms{}) |
          weir::sink("out", [this](const Alarm& alarm) {
            emitted.emplace_back(emission_token("alarms", alarm.key, alarm.at, alarm.revision), alarm);
          });
      pipeline = std::move(graph).build().value();
    }
    Bell(const Bell&) = delete;
    Bell& operator=(const Bell&) = delete;
    void take(const Step& step) {
      if (step.advance == weir::no_time) {
        pipeline->push(*events, step.event);
      } else {
        REQUIRE(pipeline->advance(*events, step.advance).ok());
      }
    }
  };
  for (std::uint32_t seed = 0; seed < 50; ++seed) {
    CAPTURE(seed);
    const std::vector<Step> steps = random_steps(seed);
    const std::size_t cut = 1 + Random(seed)() % (steps.size() - 1);
    Bell before;
    std::string image;
    std::size_t stored = 0;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      if (i == cut) {
        REQUIRE(before.pipeline->snapshot({}, image).ok());
        stored = before.emitted.size();
      }
      before.take(steps[i]);
    }
    REQUIRE(before.pipeline->finish().ok());
    std::set<std::string> tokens;
    std::set<std::pair<std::string, weir::EventTime>> instants;
    for (const auto& [token, alarm] : before.emitted) {
      tokens.insert(token);
      instants.emplace(alarm.key, alarm.at);
    }
    CHECK(tokens.size() == before.emitted.size());
    CHECK(instants.size() < before.emitted.size() * 3 / 4);

    Bell after;
    REQUIRE(after.pipeline->restore(image).ok());
    for (std::size_t i = cut; i < steps.size(); ++i) after.take(steps[i]);
    REQUIRE(after.pipeline->finish().ok());
    const auto behind = before.emitted.begin() + static_cast<std::ptrdiff_t>(stored);
    CHECK((after.emitted == Emissions(behind, before.emitted.end())));
  }
}

}  // namespace

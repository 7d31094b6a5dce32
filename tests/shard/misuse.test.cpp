#include <weir/shard/sharded.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "stream.hpp"

// What is wrong is said, and what goes wrong leaves nothing half done that can be used.

namespace {

using namespace std::chrono_literals;
using stream::Event;
using stream::Handles;
using stream::Lines;
using stream::Many;
using stream::One;
using stream::Plan;

struct Note {
  std::uint64_t key = 0;
  std::string word;
  weir::EventTime at{};
};
struct Count {
  std::int64_t n = 0;
};
struct Notes {
  weir::Source<Note> notes;
  weir::Source<Note> more;
};

weir::Source<Note> add_source(weir::Graph& graph, const std::string& name, bool is_strict = false) {
  return graph.source<Note>(
      name, {.time = &Note::at, .watermark = weir::ascending(), .channels = 2, .strict = is_strict});
}
Notes define(weir::Graph& graph, std::size_t) {
  Notes notes{.notes = add_source(graph, "notes", true), .more = add_source(graph, "more")};
  notes.notes | weir::key_by(&Note::key) | weir::tumbling({.size = 1h, .grace = 0s}) |
      weir::aggregate<Count>("count", weir::count().as(&Count::n));
  notes.more | weir::sink("out", [](const Note&) {});
  return notes;
}
template <class Define, class... Routes>
std::string wrong(std::size_t shards, Define definition, Routes... routes) {
  const auto built = weir::sharded({.name = "fraud", .shards = shards}, definition, std::move(routes)...);
  CHECK((built.ok() || built.status().code() == absl::StatusCode::kInvalidArgument));
  return std::string(built.status().message());
}
const auto to_notes = weir::route(&Notes::notes, &Note::key);
const auto to_more = weir::route(&Notes::more, &Note::key);

Note note(std::uint64_t key, std::int64_t at) { return {.key = key, .word = "", .at = weir::event_time(at)}; }

}  // namespace

TEST_CASE("wrong shards are refused with their field, value and remedy") {
  CHECK(wrong(0, define, to_notes, to_more) ==
        "fraud: shards (0) must be from 1 to the number of key groups (128); raise GraphSpec::key_groups for "
        "more");
  CHECK(wrong(129, define, to_notes, to_more).find("fraud: shards (129) must be from 1 to ") == 0);
  CHECK(wrong(128, define, to_notes, to_more) == "");
  CHECK(wrong(2, define, to_notes) ==
        "more: no route says which shard its records go to; give sharded() a weir::route(&Handles::source, "
        "key)");
  CHECK(wrong(2, define, to_notes, to_notes, to_more) ==
        "notes: two routes say where its records go; give one route for each source");
  const auto built = weir::sharded({.name = "fraud", .shards = 2, .graph = {.key_groups = {.count = 100}}},
                                   define, to_notes, to_more);
  CHECK(built.status().message() == "fraud: key_groups (100) must be a power of two from 1 to 32768");
}

TEST_CASE("definitions that cannot be spread are refused") {
  CHECK(wrong(
            3,
            [](weir::Graph& graph, std::size_t shard) {
              Notes notes = define(graph, shard);
              if (shard == 2) notes.more | weir::sink("another", [](const Note&) {});
              return notes;
            },
            to_notes, to_more) ==
        "another: shard 2 does not have the same as shard 0 here; the definition must attach the same "
        "operators in "
        "the same order for every shard");
  CHECK(wrong(
            2,
            [](weir::Graph& graph, std::size_t shard) {
              Notes notes{.notes = add_source(graph, "notes"), .more = add_source(graph, "more")};
              notes.notes | weir::key_by(&Note::key) |
                  weir::tumbling(
                      {.size = shard == 0 ? weir::Duration{1h} : weir::Duration{2h}, .grace = 0s}) |
                  weir::aggregate<Count>("count", weir::count().as(&Count::n));
              return notes;
            },
            to_notes, to_more)
            .find("count: shard 1 does not have the same as shard 0 here") == 0);
  std::optional<Notes> first;
  CHECK(wrong(
            2,
            [&](weir::Graph& graph, std::size_t shard) {
              const Notes notes = define(graph, shard);
              if (!first) first = notes;
              return *first;
            },
            to_notes, to_more) ==
        "fraud: a source that the definition gave for shard 1 belongs to another graph; return the handles "
        "of the "
        "graph it is given");
  struct Number {
    struct State {
      std::int64_t n = 0;
    };
    void process(State& state, const Note&, weir::Out<std::int64_t>& out) const { out.emit(++state.n); }
  };
  const auto whole = [](weir::Graph& graph, std::size_t shard) {
    Notes notes = define(graph, shard);
    notes.more | weir::each("number", Number{});
    return notes;
  };
  CHECK(wrong(4, whole, to_notes, to_more) ==
        "number: it keeps one state for the whole stream, and each of 4 shards would have one of its own; "
        "put it "
        "behind a key_by, or run one shard");
  CHECK(wrong(1, whole, to_notes, to_more) == "");
}

TEST_CASE("a definition keyed by something else than its route stops at the first keys, and says which") {
  auto sharded = weir::sharded(
      {.name = "fraud", .shards = 4},
      [](weir::Graph& graph, std::size_t) {
        Notes notes{.notes = add_source(graph, "notes"), .more = add_source(graph, "more")};
        notes.notes | weir::key_by(&Note::word, {.name = "by_word"}) |
            weir::tumbling({.size = 1h, .grace = 0s}) |
            weir::aggregate<Count>("count", weir::count().as(&Count::n));
        return notes;
      },
      to_notes, to_more);
  REQUIRE(sharded.ok());
  std::uint64_t taken = 0;
  for (std::int64_t i = 0; i < 100; ++i) {
    Note one = note(static_cast<std::uint64_t>(i), i);
    one.word = std::to_string(i);
    taken += sharded->push(&Notes::notes, one) == weir::Admit::refused ? 0 : 1;
  }
  CHECK(taken < 10);
  const std::string why(sharded->status().message());
  CHECK(why.find("by_word: it got a key of key group ") == 0);
  CHECK(why.find("come here; give route() the key by which everything behind its source is keyed, or run one "
                 "shard") != std::string::npos);
  CHECK(sharded->tick(weir::WallTime{1h}) == sharded->status());
  CHECK(!sharded->snapshot().ok());
}

TEST_CASE("every key group belongs to one shard, and they follow each other") {
  for (const std::size_t shards : {1U, 2U, 3U, 7U, 128U}) {
    const auto sharded = weir::sharded({.name = "fraud", .shards = shards}, define, to_notes, to_more);
    REQUIRE(sharded.ok());
    CHECK(sharded->shards() == shards);
    std::uint32_t next = 0;
    for (std::size_t shard = 0; shard < shards; ++shard) {
      CHECK(sharded->groups(shard).begin == next);
      next = sharded->groups(shard).end;
      for (std::uint32_t group = sharded->groups(shard).begin; group < next; ++group)
        CHECK(group * shards / 128 == shard);
    }
    CHECK(next == 128);
  }
}

TEST_CASE("channels that do not exist, and watermarks that go back, are refused as by a pipeline") {
  auto sharded = *weir::sharded({.name = "fraud", .shards = 2}, define, to_notes, to_more);
  CHECK(sharded.push(&Notes::notes, note(1, 5), 2) == weir::Admit::refused);
  CHECK(sharded.push(&Notes::notes, std::vector<Note>{note(1, 5), note(2, 6)}, 9).refused == 2);
  CHECK(sharded.advance(&Notes::notes, weir::event_time(1), 2).message() ==
        "notes: channel 2 does not exist; there are 2");
  CHECK(sharded.close(&Notes::notes, 7).code() == absl::StatusCode::kInvalidArgument);
  CHECK(sharded.advance(&Notes::notes, weir::event_time(10), 1).ok());
  CHECK(sharded.advance(&Notes::notes, weir::event_time(9), 1).message() ==
        "notes: the watermark of channel 1 must not go back to 9us; it is ignored");
  CHECK(sharded.stats("notes").regressions == 1);
  CHECK(sharded.stats("nobody").ingested == 0);
  CHECK(sharded.status().ok());
}

TEST_CASE("a push of no records wakes its channel, as in a pipeline") {
  auto sharded = *weir::sharded({.name = "fraud", .shards = 2}, define, to_notes, to_more);
  CHECK(sharded.set_idle(&Notes::more, 0).ok());
  CHECK(sharded.set_idle(&Notes::more, 1).ok());
  CHECK(sharded.is_idle(&Notes::more));
  CHECK(sharded.push(&Notes::more, std::vector<Note>{}, 1) == weir::Admitted{});
  CHECK(!sharded.is_idle(&Notes::more));
}

TEST_CASE("what a callback throws in one shard passes through and poisons all of them") {
  bool throws = false;
  auto sharded = *weir::sharded(
      {.name = "fraud", .shards = 3},
      [&throws](weir::Graph& graph, std::size_t) {
        Notes notes{.notes = add_source(graph, "notes"), .more = add_source(graph, "more")};
        notes.notes | weir::sink("out", [&throws](const Note&) {
          if (throws) throw std::runtime_error("boom");
        });
        return notes;
      },
      to_notes, to_more);
  CHECK(sharded.push(&Notes::notes, note(1, 5)) == weir::Admit::on_time);
  throws = true;
  CHECK_THROWS_AS(sharded.push(&Notes::notes, note(2, 6)), std::runtime_error);
  throws = false;
  CHECK(sharded.push(&Notes::notes, note(1, 7)) == weir::Admit::refused);
  CHECK(std::string(sharded.status().message()).find("fraud: the pipeline is poisoned") == 0);
  CHECK(sharded.finish() == sharded.status());
  CHECK(!sharded.snapshot().ok());
}

TEST_CASE("a key that cannot be read poisons all shards before any of them got the record") {
  auto sharded = *weir::sharded({.name = "fraud", .shards = 3}, define,
                                weir::route(&Notes::notes,
                                            [](const Note& one) {
                                              if (one.key == 7) throw std::runtime_error("boom");
                                              return one.key;
                                            }),
                                to_more);
  CHECK_THROWS_AS(sharded.push(&Notes::notes, note(7, 5)), std::runtime_error);
  CHECK(!sharded.status().ok());
  CHECK(sharded.stats("notes").ingested == 0);
}

TEST_CASE("calls from inside a callback are refused, whichever shard they are about") {
  weir::Sharded<Notes>* running = nullptr;
  std::vector<std::string> said;
  const auto definition = [&](weir::Graph& graph, std::size_t) {
    Notes notes{.notes = add_source(graph, "notes"), .more = add_source(graph, "more")};
    notes.notes | weir::sink("out", [&](const Note&) {
      if (running->push(&Notes::more, note(9, 1)) == weir::Admit::refused) said.push_back("push");
      if (!running->tick(weir::WallTime{1s}).ok()) said.push_back("tick");
      if (!running->snapshot().ok()) said.push_back("snapshot");
      if (!running->restore(std::vector<std::string>{}).ok()) said.push_back("restore");
    });
    return notes;
  };
  auto sharded = *weir::sharded({.name = "fraud", .shards = 2}, definition, to_notes, to_more);
  running = &sharded;
  CHECK(sharded.push(&Notes::notes, note(1, 5)) == weir::Admit::on_time);
  CHECK(said == std::vector<std::string>{"push", "tick", "snapshot", "restore"});
  CHECK(sharded.status().ok());
  CHECK(sharded.stats("more").ingested == 0);
}

TEST_CASE("look-ups, erasures and counters of a view are those of all shards") {
  const Plan plan{.channels = 1, .has_others = false, .publishes = true};
  Many many(plan, 3);
  auto& sharded = many.sharded();
  for (int i = 0; i < 30; ++i) {
    sharded.push(&Handles::events,
                 {.key = "key" + std::to_string(i % 6), .at = weir::event_time(i * 1'000'000)});
  }
  auto reader = sharded.reader(&Handles::rolling);
  REQUIRE(reader.ok());
  for (int i = 0; i < 6; ++i) {
    const std::string key = "key" + std::to_string(i);
    CHECK(sharded.lookup(&Handles::rolling, key)->count_all == 5);
    CHECK(reader->lookup(key)->count_all == 5);
    CHECK(sharded.shard_of(&Handles::rolling, key) < 3);
  }
  CHECK(sharded.stats(&Handles::rolling).reads == 6);
  CHECK(reader->stats().reads == 6);
  CHECK(sharded.erase(&Handles::rolling, "key3"));
  CHECK(!sharded.erase(&Handles::rolling, "key3"));
  CHECK(sharded.lookup(&Handles::rolling, "key3").status == weir::ReadStatus::missing);
  CHECK(sharded.reader(&Handles::sessions).status().code() == absl::StatusCode::kInvalidArgument);
  CHECK(sharded.names() == sharded.pipeline(1).names());
  CHECK(&sharded.handles(2).rolling.wiring() != &sharded.handles(1).rolling.wiring());
}

TEST_CASE("images that do not belong together are refused, and what has begun is not restored") {
  const Plan plan{.channels = 2};
  const std::vector<stream::Step> steps = stream::random_steps(3, 120, plan);
  Many many(plan, 3);
  Lines none;
  for (const stream::Step& step : steps) stream::take(many, step, none, 10);
  const std::vector<std::string> images = many.sharded().snapshot().value();
  const auto restored = [&](const std::vector<std::string>& from, const weir::RestoreSpec& spec = {}) {
    Many fresh(plan, 2);
    const absl::Status status = fresh.sharded().restore(from, spec);
    const bool can_go_on = fresh.sharded().status().ok();
    return std::string(status.message()) + (can_go_on ? "" : " (over)");
  };
  CHECK(restored(images) == "");
  CHECK(restored({images[0], images[2]}) ==
        "stream: no image has key group 6; give the images of all shards that were written at one instant");
  CHECK(restored({}).find("stream: no image has key group 0; ") == 0);
  CHECK(restored(images, {.groups = {1}}) ==
        "stream: groups must be empty, because each shard takes those that are its own");
  CHECK(restored({images[0], images[1].substr(0, images[1].size() - 1), images[2]}).find("image 1: ") == 0);
  CHECK(many.sharded().restore(images).message() ==
        "stream: restore() was called after the first record; restore right after it is built");

  SECTION("the same image twice") {
    const std::string why = restored({images[0], images[0], images[1], images[2]});
    CHECK(why.find("image 1: ") == 0);
    CHECK(why.find("(over)") == std::string::npos);
  }
  SECTION("of several instants") {
    for (const stream::Step& step : stream::random_steps(4, 200, plan)) stream::take(many, step, none, 10);
    std::string later;
    CHECK(many.sharded()
              .snapshot(2, {},
                        [&later](std::string_view piece) {
                          later.append(piece);
                          return absl::OkStatus();
                        })
              .ok());
    const std::string why = restored({images[0], images[1], later});
    CHECK(why.find("its watermark is ") != std::string::npos);
    CHECK(why.find("(over)") == std::string::npos);
    for (const std::size_t shards : {2U, 3U}) {
      Many tried(plan, shards), undisturbed(plan, shards);
      const std::vector<std::string> before = tried.sharded().snapshot().value();
      const std::vector<std::string> mixed{images[0], images[1], later};
      CHECK_FALSE(tried.sharded().restore(mixed).ok());
      CHECK((tried.sharded().snapshot().value() == before));
      CHECK_FALSE(tried.sharded().restore(mixed).ok());
      CHECK(stream::counters(tried.sharded()) == stream::counters(undisturbed.sharded()));
      // What was refused leaves no trace: neither in what it takes next, nor in what it does with records.
      if (shards == 2) {
        CHECK(tried.sharded().restore(images).ok());
        CHECK(undisturbed.sharded().restore(images).ok());
      }
      Lines got, wanted;
      for (const stream::Step& step : stream::random_steps(5, 200, plan)) {
        stream::take(tried, step, got, 10);
        stream::take(undisturbed, step, wanted, 10);
      }
      CHECK(tried.sharded().finish().ok());
      CHECK(undisturbed.sharded().finish().ok());
      CHECK(got == wanted);
      CHECK(stream::counters(tried.sharded()) == stream::counters(undisturbed.sharded()));
      // Keys have other slots, and so another order in the images; their sizes are the same.
      const std::vector<std::string> ended = tried.sharded().snapshot().value();
      const std::vector<std::string> expected = undisturbed.sharded().snapshot().value();
      for (std::size_t shard = 0; shard < shards; ++shard)
        CHECK(ended[shard].size() == expected[shard].size());
    }
  }
  SECTION("some at the end") {
    CHECK(many.sharded().finish().ok());
    const std::vector<std::string> ends = many.sharded().snapshot().value();
    CHECK(restored({images[0], images[1], ends[2]}) ==
          "stream: of 3 images 1 are finished and the others are not; take those of one instant");
    Many ended(plan, 2);
    CHECK(ended.sharded().restore(ends).ok());
    CHECK(ended.sharded().push(&Handles::events, Event{}) == weir::Admit::refused);
    CHECK(ended.sharded().watermark(&Handles::events) == weir::end_of_time);
    CHECK(stream::counters(ended.sharded()) == stream::counters(many.sharded()));
  }
  SECTION("of another shard") {
    std::string none_of_it;
    const auto sink = [](std::string_view) { return absl::OkStatus(); };
    CHECK(many.sharded().snapshot(0, {.groups = {15}}, sink).message() ==
          "stream: groups (15) is not of shard 0, which has those from 0 to 5");
    CHECK(many.sharded().snapshot(2, {.groups = {15}}, sink).ok());
  }
  SECTION("without counters") {
    Many fresh(plan, 2);
    CHECK(fresh.sharded().restore(images, {.counters = false}).ok());
    CHECK(fresh.sharded().stats("events").ingested == 0);
  }
}

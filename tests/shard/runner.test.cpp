#include <weir/shard/runner.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "effort.hpp"
#include "notes.hpp"
#include "stream.hpp"

// Shards on threads of their own. What callbacks note there is looked at after the threads have rested.

namespace {

using namespace std::chrono_literals;
using shard::Count;
using shard::Note;
using shard::Notes;
using stream::Event;
using stream::Handles;
using stream::Lines;
using stream::Many;
using stream::One;
using stream::Plan;
using stream::Step;

/// Does a step to a runner, again and again while a queue is full.
void take(weir::ShardRunner<Handles>& runner, const Step& step) {
  const auto source = step.is_other ? &Handles::others : &Handles::events;
  const auto again = [&runner](auto&& call) {
    while (absl::IsUnavailable(call())) runner.wait_for_room();
  };
  switch (step.kind) {
    case Step::Kind::records: {
      const std::span<const Event> records(step.records);
      std::size_t taken = 0;
      while (taken < records.size()) {
        const weir::Pushed pushed = runner.push(source, records.subspan(taken), step.channel);
        taken += pushed.taken;
        if (pushed.admitted.refused != 0) return;
      }
      return;
    }
    case Step::Kind::advance:
      return again([&] { return runner.advance(source, step.at, step.channel); });
    case Step::Kind::tick:
      return again([&] { return runner.tick(step.now); });
    case Step::Kind::idle:
      return again([&] { return runner.set_idle(source, step.channel); });
    case Step::Kind::active:
      return again([&] { return runner.set_active(source, step.channel); });
    case Step::Kind::close:
      return again([&] { return runner.close(source, step.channel); });
    case Step::Kind::read:
      return;
  }
}

/// A stream of notes, of which each is shown to `seen` on the thread of its shard.
template <class Seen>
weir::Sharded<Notes> notes(std::size_t shards, Seen seen) {
  return weir::sharded(
             {.name = "notes", .shards = shards},
             [seen](weir::Graph& graph, std::size_t shard) {
               const auto source =
                   graph.source<Note>("notes", {.time = &Note::at, .watermark = weir::ascending()});
               source | weir::sink("seen", [seen, shard](const Note& note) { seen(shard, note); });
               return Notes{
                   .notes = source,
                   .counts = source | weir::key_by(&Note::key) |
                             weir::features<Count>("counts", weir::rolling({.size = 1h, .precision = 1min})
                                                                 .compute(weir::count().as(&Count::n))) |
                             weir::view("view").publish()};
             },
             weir::route(&Notes::notes, &Note::key))
      .value();
}
std::vector<Note> some_notes(std::size_t count, std::int64_t from = 0) {
  std::vector<Note> notes;
  for (std::size_t i = 0; i < count; ++i)
    notes.push_back({.key = i % 97, .at = weir::event_time(from + static_cast<std::int64_t>(i))});
  return notes;
}

}  // namespace

TEST_CASE("shards on threads give each key what one pipeline gives it, however short the queues are") {
  const std::uint64_t runs = effort() == "long" ? 200 : effort() == "quick" ? 3 : 8;
  for (std::uint64_t seed = 1; seed <= runs; ++seed) {
    Plan plan{.channels = 1 + seed % 3};
    if (seed % 2 == 0) plan.idle_after = 5s;
    const std::vector<Step> steps = stream::random_steps(seed, 400, plan);
    One one(plan);
    for (const Step& step : steps) {
      if (step.kind != Step::Kind::read) stream::take(one, step);
    }
    CHECK(one.pipeline().finish().ok());
    Many many(plan, 1 + seed % 4);
    {
      auto runner = weir::shard_runner(std::move(many.sharded()), {.queue = 1 + seed % 2}).value();
      for (const Step& step : steps) take(runner, step);
      while (absl::IsUnavailable(runner.finish())) runner.wait_for_room();
      CHECK(runner.stop().ok());
      INFO("seed " << seed);
      REQUIRE(stream::first_difference(one.lines(), many.lines()) == "");
      CHECK(stream::counters(one.pipeline()) == stream::counters(runner.sharded()));
    }
  }
}

TEST_CASE("shards on threads that the host brings give each key what one pipeline gives it") {
  for (std::uint64_t seed = 1; seed <= (effort() == "quick" ? 2 : 5); ++seed) {
    Plan plan{.channels = 2, .idle_after = 5s};
    const std::vector<Step> steps = stream::random_steps(seed, 200, plan);
    One one(plan);
    for (const Step& step : steps) stream::take(one, step);
    CHECK(one.pipeline().finish().ok());
    Many many(plan, 3);
    many.sharded().run_with([](absl::FunctionRef<void(std::size_t)> apply) {
      std::vector<std::thread> threads;
      for (std::size_t shard = 0; shard < 3; ++shard) threads.emplace_back([apply, shard] { apply(shard); });
      for (std::thread& thread : threads) thread.join();
    });
    Lines got;
    for (const Step& step : steps) stream::take(many, step, got, 100);
    CHECK(many.sharded().finish().ok());
    for (auto& [of, lines] : many.lines()) got[of].insert(got[of].end(), lines.begin(), lines.end());
    INFO("seed " << seed);
    REQUIRE(stream::first_difference(one.lines(), got) == "");
    CHECK(stream::counters(one.pipeline()) == stream::counters(many.sharded()));
  }
}

TEST_CASE("a full queue is reported and counted, nothing is dropped, and what is refused has not happened") {
  std::atomic<bool> is_shut = true;
  std::atomic<std::uint64_t> seen = 0;
  auto runner = weir::shard_runner(notes(2,
                                         [&](std::size_t shard, const Note&) {
                                           if (shard == 1) is_shut.wait(true);
                                           ++seen;
                                         }),
                                   {.queue = 3})
                    .value();
  const std::vector<Note> batch = some_notes(5000);
  const weir::Pushed pushed = runner.push(&Notes::notes, batch);
  CHECK(pushed.is_full);
  CHECK(pushed.taken < batch.size());
  CHECK(pushed.taken == pushed.admitted.on_time);
  CHECK(pushed.taken > 3 * 256);
  CHECK(runner.queue(1).depth == 3);
  CHECK(runner.queue(1).capacity == 3);
  CHECK(runner.queue(1).full == 1);
  const weir::EventTime watermark = runner.watermark(&Notes::notes);
  CHECK(watermark == batch[pushed.taken - 1].at);

  const weir::Pushed again = runner.push(&Notes::notes, std::span(batch).subspan(pushed.taken));
  CHECK((again.is_full && again.taken == 0 && again.admitted == weir::Admitted{}));
  CHECK(runner.queue(1).full == 2);
  const absl::Status ticked = runner.tick(weir::WallTime{1h});
  CHECK(ticked.code() == absl::StatusCode::kUnavailable);
  CHECK(ticked.message() ==
        "notes: tick: the queue of a shard is full; try again, or wait_for_room() before");
  CHECK(runner.advance(&Notes::notes, weir::event_time(1'000'000)).code() == absl::StatusCode::kUnavailable);
  CHECK(runner.flush().code() == absl::StatusCode::kUnavailable);
  CHECK(runner.queue(1).full == 5);
  CHECK(runner.watermark(&Notes::notes) == watermark);

  is_shut = false;
  is_shut.notify_all();
  const weir::Pushed rest = runner.push_waiting(&Notes::notes, std::span(batch).subspan(pushed.taken));
  CHECK((!rest.is_full && pushed.taken + rest.taken == batch.size()));
  CHECK(runner.drain().ok());
  CHECK(seen == batch.size());
  CHECK(runner.sharded().stats("seen").ingested == batch.size());
  CHECK(runner.queue(0).depth == 0);
  CHECK(runner.queue(0).records + runner.queue(1).records == batch.size());
  CHECK(runner.queue(0).batches == runner.queue(1).batches);
  CHECK(runner.tick(weir::WallTime{1h}).ok());
}

TEST_CASE("records wait for their batch until it is full or handed over") {
  std::atomic<std::uint64_t> seen = 0;
  auto runner = weir::shard_runner(notes(1, [&](std::size_t, const Note&) { ++seen; })).value();
  const std::vector<Note> some = some_notes(300);
  CHECK(runner.push(&Notes::notes, some).taken == 300);
  CHECK(runner.queue(0).batches == 1);
  CHECK(runner.queue(0).records == 256);
  CHECK(runner.flush().ok());
  CHECK(runner.flush().ok());
  CHECK(runner.queue(0).batches == 2);
  CHECK(runner.push(&Notes::notes, {.key = 1, .at = weir::event_time(400)}).admitted.on_time == 1);
  CHECK(runner.push(&Notes::notes, {.key = 1, .at = weir::event_time(390)}).admitted.late == 1);
  CHECK(runner.queue(0).batches == 2);
  CHECK(runner.tick(weir::WallTime{1h}).ok());
  CHECK(runner.queue(0).batches == 3);
  CHECK(runner.drain().ok());
  CHECK(seen == 302);
}

TEST_CASE("what a callback throws on its shard's thread reaches the caller, and the others come to rest") {
  const std::vector<Note> batch = some_notes(20'000);
  auto runner = weir::shard_runner(notes(3,
                                         [](std::size_t, const Note& note) {
                                           if (note.at == weir::event_time(3000))
                                             throw std::runtime_error("boom");
                                         }),
                                   {.queue = 2})
                    .value();
  auto reader = runner.sharded().reader(&Notes::counts).value();
  const weir::Pushed pushed = runner.push_waiting(&Notes::notes, batch);
  CHECK(!pushed.is_full);
  const absl::Status drained = runner.drain();
  CHECK(drained.code() == absl::StatusCode::kFailedPrecondition);
  CHECK(std::string(drained.message()).find("notes: shard ") == 0);
  CHECK(std::string(drained.message()).find(": a callback or an allocation threw: boom") !=
        std::string::npos);
  CHECK(runner.status() == drained);
  for (std::uint64_t key = 0; key < 97; ++key) CHECK(reader.lookup(key).status == weir::ReadStatus::refused);
  CHECK(runner.push(&Notes::notes, batch).admitted.refused == batch.size());
  CHECK(runner.tick(weir::WallTime{1h}) == drained);
  CHECK(!runner
             .snapshot(
                 "", [](std::size_t, std::string_view) { return absl::OkStatus(); },
                 [](std::size_t, const absl::Status&) {})
             .ok());
  CHECK(!runner.sharded().finish().ok());
  CHECK(runner.sharded().push(&Notes::notes, batch).refused == batch.size());
  CHECK(runner.stop() == drained);
}

TEST_CASE("what a callback throws in one shard lets the readers of all say so") {
  weir::Sharded<Notes> sharded = notes(3, [](std::size_t, const Note& note) {
    if (note.at == weir::event_time(3000)) throw std::runtime_error("boom");
  });
  auto reader = sharded.reader(&Notes::counts).value();
  CHECK(sharded.push(&Notes::notes, some_notes(1000)).on_time == 1000);
  for (std::uint64_t key = 0; key < 97; ++key) CHECK(reader.lookup(key).status == weir::ReadStatus::fresh);
  CHECK_THROWS_AS(sharded.push(&Notes::notes, some_notes(9000, 1000)), std::runtime_error);
  for (std::uint64_t key = 0; key < 97; ++key) CHECK(reader.lookup(key).status == weir::ReadStatus::refused);
}

TEST_CASE("a key of another shard is reported by the runner, too") {
  auto sharded = weir::sharded(
      {.name = "stray", .shards = 4},
      [](weir::Graph& graph, std::size_t) {
        auto source = graph.source<Note>("notes", {.time = &Note::at, .watermark = weir::ascending()});
        auto view = source |
                    weir::key_by([](const Note& note) { return note.key / 2; }, {.name = "by_half"}) |
                    weir::features<Count>(
                        "counts",
                        weir::rolling({.size = 1h, .precision = 1min}).compute(weir::count().as(&Count::n))) |
                    weir::view("view");
        return Notes{.notes = source, .counts = view};
      },
      weir::route(&Notes::notes, &Note::key));
  auto runner = weir::shard_runner(*std::move(sharded)).value();
  static_cast<void>(runner.push_waiting(&Notes::notes, some_notes(2000)));
  CHECK(std::string(runner.drain().message()).find(": by_half: it got a key of key group ") !=
        std::string::npos);
}

TEST_CASE("snapshots are written on the shards' threads while records go on, and belong to one instant") {
  const Plan plan{.channels = 2, .idle_after = 5s};
  const std::vector<Step> steps = stream::random_steps(11, 400, plan);
  One one(plan);
  Many many(plan, 3);
  struct Image {
    std::string bytes;
    absl::Status status = absl::UnknownError("not there");
    std::thread::id thread;
  };
  std::vector<Image> images(3);
  Lines before;
  Many others(plan, 2);
  {
    auto runner = weir::shard_runner(std::move(many.sharded()), {.queue = 4}).value();
    for (std::size_t i = 0; i < steps.size(); ++i) {
      if (steps[i].kind == Step::Kind::read) continue;
      take(runner, steps[i]);
      if (i < 200) stream::take(one, steps[i]);
      if (i != 199) continue;
      const auto ask = [&] {
        return runner.snapshot(
            "after 200",
            [&](std::size_t shard, std::string_view piece) {
              images[shard].bytes.append(piece);
              images[shard].thread = std::this_thread::get_id();
              return absl::OkStatus();
            },
            [&](std::size_t shard, absl::Status status) { images[shard].status = std::move(status); });
      };
      while (absl::IsUnavailable(ask())) runner.wait_for_room();
    }
    CHECK(runner.stop().ok());
  }
  std::vector<std::string> bytes;
  for (const Image& image : images) {
    CHECK(image.status.ok());
    CHECK(image.thread != std::this_thread::get_id());
    CHECK(image.thread != images[image.thread == images[0].thread ? 1 : 0].thread);
    bytes.push_back(image.bytes);
    CHECK(weir::inspect(image.bytes)->positions == "after 200");
  }
  REQUIRE(others.sharded().restore(bytes).ok());
  one.lines().clear();
  Lines none;
  for (std::size_t i = 200; i < steps.size(); ++i) {
    if (steps[i].kind == Step::Kind::read) continue;
    stream::take(one, steps[i]);
    stream::take(others, steps[i], none, 9);
  }
  CHECK(one.pipeline().finish().ok());
  CHECK(others.sharded().finish().ok());
  CHECK(stream::first_difference(one.lines(), others.lines()) == "");
  CHECK(stream::counters(one.pipeline()) == stream::counters(others.sharded()));
}

TEST_CASE("other threads read the shards of a runner") {
  auto runner = weir::shard_runner(notes(3, [](std::size_t, const Note&) {}), {.queue = 2}).value();
  auto reader = runner.sharded().reader(&Notes::counts);
  REQUIRE(reader.ok());
  std::atomic<bool> is_over = false;
  std::uint64_t backwards = 0;
  std::uint64_t found = 0;
  std::thread other([&] {
    std::vector<std::int64_t> last(97, 0);
    for (std::uint64_t i = 0; !is_over || i < 97; ++i) {
      const auto hit = reader->lookup(i % 97);
      backwards += hit->n < last[i % 97] ? 1 : 0;
      found += hit.has_value() ? 1 : 0;
      last[i % 97] = hit->n;
    }
  });
  const std::int64_t rounds = effort() == "quick" ? 20 : 200;
  for (std::int64_t i = 0; i < rounds; ++i)
    CHECK(runner.push_waiting(&Notes::notes, some_notes(970, i * 970)).taken == 970);
  CHECK(runner.drain().ok());
  is_over = true;
  other.join();
  CHECK(backwards == 0);
  CHECK(found > 0);
  for (std::uint64_t key = 0; key < 97; ++key) CHECK(reader->lookup(key)->n == 10 * rounds);
  CHECK(reader->stats().reads >= found);
  CHECK(runner.sharded().lookup(&Notes::counts, 5)->n == 10 * rounds);
}

TEST_CASE("a stopped runner takes nothing, gives back what it ran, and can be run again") {
  std::atomic<std::uint64_t> seen = 0;
  auto runner = weir::shard_runner(notes(2, [&](std::size_t, const Note&) { ++seen; })).value();
  const std::vector<Note> some = some_notes(100);
  CHECK(runner.push(&Notes::notes, some).taken == 100);
  CHECK(runner.stop().ok());
  CHECK(runner.stop().ok());
  CHECK(seen == 100);
  CHECK(runner.push(&Notes::notes, some).admitted.refused == 100);
  CHECK(runner.tick(weir::WallTime{1h}).message() ==
        "notes: tick was called after stop(); call it before, or on sharded()");
  CHECK(runner.flush().ok());
  CHECK(runner.drain().ok());
  CHECK(runner.sharded().push(&Notes::notes, some_notes(10, 1000)).on_time == 10);
  auto next = weir::shard_runner(std::move(runner.sharded()), {.queue = 1}).value();
  CHECK(next.push(&Notes::notes, some_notes(10, 2000)).taken == 10);
  CHECK(next.finish().ok());
  CHECK(next.drain().ok());
  CHECK(seen == 120);
  CHECK(next.push(&Notes::notes, some_notes(10, 3000)).admitted.refused == 10);
  CHECK(next.finish().ok());
}

TEST_CASE("a runner that goes out of sight does what it was given") {
  std::atomic<std::uint64_t> seen = 0;
  {
    auto runner =
        weir::shard_runner(notes(2, [&](std::size_t, const Note&) { ++seen; }), {.queue = 1}).value();
    CHECK(runner.push_waiting(&Notes::notes, some_notes(1000)).taken == 1000);
  }
  CHECK(seen == 1000);
}

TEST_CASE("a queue of no length, or of too much, is refused") {
  const auto message = [](std::size_t queue) {
    return std::string(
        weir::shard_runner(notes(1, [](std::size_t, const Note&) {}), {.queue = queue}).status().message());
  };
  CHECK(message(0) == "notes: queue (0) must be from 1 to 65536 batches; 16 is a good start");
  CHECK(message(65537).find("notes: queue (65537) must be") == 0);
}

#include <weir/weir.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "catch.hpp"
#include "operators/desk.hpp"
#include "reliability/heap.hpp"
#include "reliability/plays.hpp"

// Code of the user that throws at every point, calls the pipeline back, or destroys it.

namespace {

using plays::Built;
using plays::Kind;
using plays::Output;
using plays::Place;
using plays::Visits;

constexpr std::size_t kinds = static_cast<std::size_t>(Kind::count_);
constexpr std::size_t places = static_cast<std::size_t>(Place::count_);

/// Plays with these visits; false if something was thrown. `done` is the number of steps that ended well.
bool play(Kind kind, Output& out, Visits& visits, std::optional<Built>& built, std::size_t& done) {
  built = plays::build(kind, out);
  plays::visits = &visits;
  bool has_thrown = false;
  done = 0;
  try {
    for (; built.has_value() && done < plays::steps; ++done) static_cast<void>(plays::step(*built, done));
  } catch (const plays::Thrown&) { has_thrown = true; }
  plays::visits = nullptr;
  return !has_thrown;
}

TEST_CASE(
    "a callback that throws at any call poisons the pipeline: what came out before stays right, nothing "
    "leaks") {
  std::uint64_t thrown = 0;
  std::array<std::uint64_t, places> reached{};
  auto whole = std::make_unique<Output>();
  auto out = std::make_unique<Output>();
  for (std::size_t kind = 0; kind < kinds; ++kind) {
    Visits all;
    *whole = Output{};
    {
      std::optional<Built> built;
      std::size_t done = 0;
      REQUIRE(play(static_cast<Kind>(kind), *whole, all, built, done));
      for (const std::string& name : built->pipeline.names()) CHECK(built->pipeline.stats(name).conserves());
    }
    for (std::size_t place = 1; place < places; ++place) {
      reached[place] += all.seen[place];
      const std::uint64_t calls = all.seen[place];
      for (std::uint64_t at = 0; at < calls; at += 1 + calls / 25) {
        Visits visits;
        visits.place = static_cast<Place>(place);
        visits.at = at;
        *out = Output{};
        bool has_thrown = false;
        bool has_status = false;
        bool refuses = false;
        bool is_prefix = false;
        const std::int64_t before = heap::live();
        {
          std::optional<Built> built;
          std::size_t done = 0;
          has_thrown = !play(static_cast<Kind>(kind), *out, visits, built, done);
          const std::size_t seen = out->size();
          has_status = !built->pipeline.status().ok();
          refuses = !plays::step(*built, 0) && !plays::step(*built, 7) &&
                    !plays::step(*built, plays::steps - 1) && out->size() == seen;
          is_prefix = whole->starts_with(*out);
        }
        const std::int64_t leaked = heap::live() - before;
        ++thrown;
        if (has_thrown && has_status && refuses && is_prefix && leaked == 0) continue;
        CAPTURE(kind, place, at);
        CHECK(has_thrown);
        CHECK(has_status);
        CHECK(refuses);
        CHECK(is_prefix);
        CHECK(leaked == 0);
      }
    }
  }
  CHECK(thrown > 1000);
  for (std::size_t place = 1; place < places; ++place) {
    CAPTURE(place);
    CHECK(reached[place] > 0);
  }
}

struct Caller {
  Built* built = nullptr;
  std::uint64_t calls = 0;
  bool was_refused = true;

  static void call_back(void* context) {
    auto& self = *static_cast<Caller*>(context);
    ++self.calls;
    weir::Pipeline& pipeline = self.built->pipeline;
    const plays::Item item = plays::item(0);
    self.was_refused =
        pipeline.push(self.built->first, item) == weir::Admit::refused &&
        pipeline.push(self.built->first, std::span<const plays::Item>(&item, 1)).refused == 1 &&
        !pipeline.advance(self.built->first, weir::event_time(1'000'000)).ok() &&
        !pipeline.tick(weir::WallTime{weir::Duration{1}}).ok() && !pipeline.finish().ok() &&
        !pipeline.set_idle(self.built->first.channel(0)).ok() &&
        !pipeline.set_active(self.built->first.channel(0)).ok() &&
        !pipeline.close(self.built->first.channel(0)).ok() && pipeline.status().ok() && self.was_refused;
    for (const std::string& name : pipeline.names()) static_cast<void>(pipeline.stats(name));
    static_cast<void>(pipeline.text());
  }
};

TEST_CASE("calls of the pipeline from inside any callback are refused and change nothing") {
  auto whole = std::make_unique<Output>();
  auto out = std::make_unique<Output>();
  for (std::size_t kind = 0; kind < kinds; ++kind) {
    Visits all;
    *whole = Output{};
    {
      std::optional<Built> built;
      std::size_t done = 0;
      REQUIRE(play(static_cast<Kind>(kind), *whole, all, built, done));
    }
    for (std::size_t place = 1; place < places; ++place) {
      for (const std::uint64_t at : {std::uint64_t{0}, all.seen[place] / 2}) {
        if (all.seen[place] == 0) continue;
        std::optional<Built> built;
        Caller caller;
        Visits visits;
        visits.place = static_cast<Place>(place);
        visits.at = at;
        visits.action = &Caller::call_back;
        visits.context = &caller;
        *out = Output{};
        built = plays::build(static_cast<Kind>(kind), *out);
        caller.built = &*built;
        plays::visits = &visits;
        for (std::size_t i = 0; i < plays::steps; ++i) static_cast<void>(plays::step(*built, i));
        plays::visits = nullptr;
        CAPTURE(kind, place, at);
        CHECK(caller.calls == 1);
        CHECK(caller.was_refused);
        CHECK((*out == *whole));
        CHECK(built->pipeline.status().ok());
      }
    }
  }
}

TEST_CASE("the pipeline may be destroyed inside any of its callbacks: the running call ends as usual") {
  auto out = std::make_unique<Output>();
  for (std::size_t kind = 0; kind < kinds; ++kind) {
    Visits all;
    {
      std::optional<Built> built;
      std::size_t done = 0;
      *out = Output{};
      REQUIRE(play(static_cast<Kind>(kind), *out, all, built, done));
    }
    for (std::size_t place = 1; place < places; ++place) {
      for (const std::uint64_t at : {std::uint64_t{0}, all.seen[place] / 3, all.seen[place] - 1}) {
        if (all.seen[place] == 0) continue;
        *out = Output{};
        const std::int64_t before = heap::live();
        bool is_gone = false;
        {
          std::optional<Built> built = plays::build(static_cast<Kind>(kind), *out);
          struct Context {
            std::optional<Built>* built;
            bool* is_gone;
          } context{&built, &is_gone};
          Visits visits;
          visits.place = static_cast<Place>(place);
          visits.at = at;
          visits.context = &context;
          visits.action = [](void* at_context) {
            auto& one = *static_cast<Context*>(at_context);
            one.built->reset();
            *one.is_gone = true;
          };
          plays::visits = &visits;
          for (std::size_t i = 0; i < plays::steps && !is_gone; ++i) {
            // The handles live in `built`, so the call works on copies.
            const weir::Source<plays::Item> first = built->first;
            static_cast<void>(first);
            static_cast<void>(plays::step(*built, i));
          }
          plays::visits = nullptr;
        }
        const std::int64_t leaked = heap::live() - before;
        CAPTURE(kind, place, at);
        CHECK(is_gone);
        CHECK(leaked == 0);
      }
    }
  }
}

TEST_CASE("destroying the pipeline inside a callback that then throws is safe as well") {
  const auto destroy_and_throw = [] {
    auto out = std::make_unique<Output>();
    bool has_thrown = false;
    std::optional<Built> built = plays::build(Kind::session, *out);
    Visits visits;
    visits.place = Place::rows;
    visits.context = &built;
    visits.action = [](void* context) {
      static_cast<std::optional<Built>*>(context)->reset();
      throw plays::Thrown{};
    };
    plays::visits = &visits;
    try {
      for (std::size_t i = 0; built.has_value() && i < plays::steps; ++i)
        static_cast<void>(plays::step(*built, i));
    } catch (const plays::Thrown&) { has_thrown = true; }
    plays::visits = nullptr;
    return has_thrown;
  };
  static_cast<void>(destroy_and_throw());  // what is made once in a program is made now
  const std::int64_t before = heap::live();
  CHECK(destroy_and_throw());
  CHECK(heap::live() == before);
}

TEST_CASE("a poisoned pipeline says why, and its reason names the graph and what to do") {
  weir::Graph graph{"fraud"};
  const auto events =
      graph.source<desk::Event>("events", {.time = &desk::Event::at, .watermark = weir::ascending()});
  events | weir::sink("throws", [](const desk::Event& event) {
    if (event.value == 13) throw plays::Thrown{};
  });
  auto pipeline = std::move(graph).build().value();
  CHECK(pipeline.status().ok());
  CHECK(pipeline.push(events, desk::event(1, 1)) == weir::Admit::on_time);
  CHECK_THROWS_AS(pipeline.push(events, desk::event(1, 2, 13)), plays::Thrown);
  const std::string reason(pipeline.status().message());
  CHECK(pipeline.status().code() == absl::StatusCode::kFailedPrecondition);
  CHECK(reason.find("fraud: the pipeline is poisoned") == 0);
  CHECK(reason.find("build a new pipeline") != std::string::npos);
  CHECK(pipeline.push(events, desk::event(1, 3)) == weir::Admit::refused);
  CHECK(pipeline.advance(events, weir::event_time(9)) == pipeline.status());
  CHECK(pipeline.finish() == pipeline.status());
  CHECK(pipeline.stats("throws").ingested == 2);
}

}  // namespace

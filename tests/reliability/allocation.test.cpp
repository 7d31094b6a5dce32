#include <weir/weir.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <string>

#include "catch.hpp"
#include "reliability/heap.hpp"
#include "reliability/plays.hpp"

// Allocation failure at every point, once and for good, over a play of every kind. A call of the host then has its whole
// effect, none, or leaves the pipeline poisoned; nothing leaks and nothing crashes.

namespace {

using plays::Built;
using plays::Kind;
using plays::Output;

struct Result {
  bool has_failed = false;
  bool is_built = false;
  bool has_thrown = false;
  bool refuses_later_calls = true;
  bool has_status = true;
  bool is_prefix = true;
  std::int64_t leaked = 0;
};

/// The outputs of the play when nothing fails.
const Output& expected(Kind kind) {
  static std::array<std::unique_ptr<Output>, static_cast<std::size_t>(Kind::count_)> kept;
  auto& one = kept[static_cast<std::size_t>(kind)];
  if (one != nullptr) return *one;
  one = std::make_unique<Output>();
  auto built = plays::build(kind, *one);
  REQUIRE(built.has_value());
  for (std::size_t i = 0; i < plays::steps; ++i) REQUIRE(plays::step(*built, i));
  REQUIRE(one->size() > 20);
  return *one;
}

/// Plays with the `first`-th allocation failing. Allocates nothing of its own.
Result play(Kind kind, std::uint64_t first, bool is_persistent, Output& out) {
  Result result;
  const std::int64_t before = heap::live();
  {
    std::optional<Built> built;
    {
      const heap::Failing failing(first, is_persistent);
      try {
        built = plays::build(kind, out);
        result.is_built = built.has_value();
        for (std::size_t i = 0; i < plays::steps; ++i) static_cast<void>(plays::step(*built, i));
      } catch (const std::bad_alloc&) { result.has_thrown = true; }
      result.has_failed = heap::Failing::has_failed();
    }
    if (built.has_value() && result.has_thrown) {
      const std::size_t seen = out.size();
      result.has_status = !built->pipeline.status().ok();
      result.refuses_later_calls =
          !plays::step(*built, 0) && !plays::step(*built, plays::steps - 1) && out.size() == seen;
      static_cast<void>(built->pipeline.stats("w"));
    }
    // A failure that nobody noticed (a sort without its buffer) has no effect at all.
    result.is_prefix = result.has_thrown ? expected(kind).starts_with(out) : expected(kind) == out;
  }
  result.leaked = heap::live() - before;
  return result;
}

void check_all(Kind kind, bool is_persistent) {
  static_cast<void>(expected(kind));
  auto out = std::make_unique<Output>();
  std::uint64_t points = 0;
  for (std::uint64_t first = 0;; ++first) {
    *out = Output{};
    const Result result = play(kind, first, is_persistent, *out);
    if (!result.has_failed) {
      CHECK(*out == expected(kind));
      CHECK(result.leaked == 0);
      break;
    }
    ++points;
    if (!result.is_built ||
        (result.has_status && result.refuses_later_calls && result.is_prefix && result.leaked == 0)) {
      if (result.leaked == 0) continue;
    }
    CAPTURE(static_cast<int>(kind), first);
    CHECK(result.has_status);
    CHECK(result.refuses_later_calls);
    CHECK(result.is_prefix);
    CHECK(result.leaked == 0);
    break;
  }
  CHECK(points > 20);
}

constexpr auto last = static_cast<std::size_t>(Kind::allocating_state);
constexpr auto end = static_cast<std::size_t>(Kind::count_);

TEST_CASE(
    "when one allocation fails, the pipeline is poisoned, says so, refuses every later call and leaks "
    "nothing") {
  for (std::size_t kind = 0; kind < last; ++kind) {
    DYNAMIC_SECTION("play " << kind) { check_all(static_cast<Kind>(kind), false); }
  }
}

TEST_CASE("when every allocation fails from some point on, the same holds") {
  for (std::size_t kind = 0; kind < last; ++kind) {
    DYNAMIC_SECTION("play " << kind) { check_all(static_cast<Kind>(kind), true); }
  }
}

TEST_CASE("a state whose default constructor allocates may fail like anything else") {
  for (std::size_t kind = last; kind < end; ++kind) {
    DYNAMIC_SECTION("play " << kind) { check_all(static_cast<Kind>(kind), false); }
  }
}

TEST_CASE("an error that there is no memory to report poisons like any other failure inside a call") {
  std::uint64_t points = 0;
  for (bool has_failed = true; has_failed; ++points) {
    weir::Graph graph{"strict"};
    const auto source = graph.source<plays::Item>(
        "items", {.time = &plays::Item::at, .watermark = weir::host_driven(), .strict = true});
    source | weir::sink("end", [](const plays::Item&) {});
    auto pipeline = std::move(graph).build().value();
    REQUIRE(pipeline.advance(source, weir::event_time(2)).ok());
    bool has_thrown = false;
    {
      const heap::Failing failing(points);
      try {
        static_cast<void>(pipeline.advance(source, weir::event_time(1)));
      } catch (const std::bad_alloc&) { has_thrown = true; }
      has_failed = heap::Failing::has_failed();
    }
    CAPTURE(points);
    CHECK(has_thrown == has_failed);
    CHECK(pipeline.status().ok() == !has_thrown);
  }
  CHECK(points > 1);
}

}  // namespace

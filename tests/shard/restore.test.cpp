#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include <weir/shard/sharded.hpp>
#include <weir/weir.hpp>

#include "catch.hpp"
#include "notes.hpp"

// What shards have taken of images that do not belong together is taken back: from readers, too, and from tables of keys.

namespace {

using namespace std::chrono_literals;

using shard::Count;
using shard::Note;
using shard::Notes;

/// Counts records. Reading what it wrote fails from a moment on.
struct Counting {
  struct State {
    std::uint64_t events = 0;
    void archive(weir::Archive& ar) {
      if (ar.is_loading() && reads_left-- == 0) throw std::runtime_error("no more");
      ar(events);
    }
    friend bool operator==(const State& one, const State& other) { return one.events == other.events; }
  };
  static inline std::int64_t reads_left = -1;

  void process(State& state, const Note&, weir::Out<int>&) const { ++state.events; }
};
constexpr std::uint64_t all_keys = 20;

Notes define(weir::Graph& graph, std::size_t) {
  const auto events = graph.source<Note>("events", {.time = &Note::at, .watermark = weir::trailing(3s)});
  const auto keyed = events | weir::key_by(&Note::key, {.name = "keys", .most_keys = all_keys});
  keyed | weir::each("counting", Counting{});
  return {events,
          keyed |
              weir::features<Count>(
                  {.name = "features", .retain = 60s},
                  weir::rolling({.size = 10s, .precision = 1s}).compute(weir::count().as(&Count::n))) |
              weir::view("view").publish()};
}
weir::Sharded<Notes> make(std::size_t shards) {
  return weir::sharded(
             {.name = "stream", .shards = shards, .graph = {.hash_seed = 1, .key_groups = {.count = 16}}},
             define, weir::route(&Notes::notes, &Note::key))
      .value();
}
/// Two images of one instant, and those of two shards that have come further.
struct Images {
  std::vector<std::string> sound, later;
};
Images images(std::uint64_t from) {
  weir::Sharded<Notes> written = make(2);
  for (std::uint64_t i = 0; i < 2 * all_keys; ++i)
    written.push(&Notes::notes,
                 Note{from + i % all_keys, weir::event_time(static_cast<std::int64_t>(i) * 100'000)});
  Images made;
  made.sound = written.snapshot().value();
  written.push(&Notes::notes, Note{from, weir::event_time(100'000'000)});
  made.later = written.snapshot().value();
  return made;
}
/// What readers on other threads would find of each key.
std::string read(weir::Sharded<Notes>& sharded) {
  auto reader = sharded.reader(&Notes::counts);
  if (!reader.ok()) return std::string(reader.status().message());
  std::string said;
  for (std::uint64_t key = 0; key < 2 * all_keys; ++key) {
    const auto hit = reader->lookup(key);
    said += std::to_string(static_cast<int>(hit.status)) + "/" + std::to_string(hit->n) + " ";
  }
  return said;
}

}  // namespace

TEST_CASE("readers find nothing of images that were refused") {
  const Images made = images(0);
  for (const std::size_t shards : {1U, 2U, 3U}) {
    weir::Sharded<Notes> undisturbed = make(shards), tried = make(shards);
    REQUIRE_FALSE(tried.restore({made.sound[0], made.later[1]}).ok());
    CHECK(read(tried) == read(undisturbed));
    CHECK(tried.push(&Notes::notes, Note{7, weir::event_time(1)}) == weir::Admit::on_time);
    undisturbed.push(&Notes::notes, Note{7, weir::event_time(1)});
    CHECK(read(tried) == read(undisturbed));
  }
}

TEST_CASE("keys of images that were refused take no place of others, also those of which nothing was kept") {
  const Images first = images(0), second = images(100);
  weir::Sharded<Notes> tried = make(1);
  const std::vector<std::string> operators{"counting", "features"};
  REQUIRE_FALSE(
      tried.restore({first.sound[0], first.later[1]}, {.drop = operators, .start_empty = operators}).ok());
  CHECK(tried.stats("keys").keys == 0);
  CHECK(tried.restore(second.sound).ToString() == "OK");
  CHECK(tried.stats("keys").keys == all_keys);
}

TEST_CASE("what is thrown while shards are restored ends all of them") {
  const Images made = images(0);
  weir::Sharded<Notes> undisturbed = make(2);
  std::int64_t reads = 0;
  for (bool is_over = false; !is_over; ++reads) {
    weir::Sharded<Notes> tried = make(2);
    Counting::reads_left = reads;
    try {
      static_cast<void>(tried.restore(made.sound));
      is_over = true;
    } catch (const std::runtime_error&) {
      CHECK_FALSE(tried.status().ok());
      CHECK(tried.push(&Notes::notes, Note{7, weir::event_time(1)}) == weir::Admit::refused);
      CHECK_FALSE(tried.restore(made.sound).ok());
      CHECK(read(tried).find("0/") == std::string::npos);
    }
    Counting::reads_left = -1;
  }
  CHECK(reads > 10);
}

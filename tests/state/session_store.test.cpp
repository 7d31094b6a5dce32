#include <weir/state/session_store.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <random>
#include <utility>
#include <vector>

#include "catch.hpp"

namespace {

struct Session {
  std::uint64_t id : 56 = 0;
  std::uint64_t is_one_of_many : 1 = 0;
  std::int64_t first = 0;
  std::vector<int> payload{};
};
struct Rest {
  int payload = 0;
};
using Store = weir::detail::SessionStore<Session, Rest>;
using weir::detail::SessionPlace;

TEST_CASE("the sessions of several slots behave like maps by first and id under random use") {
  std::mt19937_64 random(31);
  for (int script = 0; script < 200; ++script) {
    constexpr weir::Slot slots = 2;
    const bool has_rests = script % 2 == 0;
    Store store(has_rests);
    store.grow(slots);
    struct Expected {
      SessionPlace place;
      int payload;
    };
    std::vector<std::map<std::pair<std::int64_t, std::uint64_t>, Expected>> expected(slots);
    std::uint64_t next_id = 1;
    for (int step = 0; step < 120; ++step) {
      const auto slot = static_cast<weir::Slot>(random() % slots);
      auto& sessions = expected[slot];
      const auto first = static_cast<std::int64_t>(random() % 20) - 10;
      const auto choice = random() % 6;
      if (choice < 3 || sessions.empty()) {
        const SessionPlace place = store.add(slot, first, next_id);
        REQUIRE(place.slot == slot);
        store[place].payload = {step};
        if (has_rests) {
          REQUIRE(store.rest(place).payload == 0);
          store.rest(place).payload = step;
        }
        sessions.emplace(std::pair{first, next_id++}, Expected{place, step});
      } else {
        auto at = sessions.begin();
        std::advance(at, static_cast<std::ptrdiff_t>(random() % sessions.size()));
        const SessionPlace place = at->second.place;
        if (choice == 3) {
          store.move_first(place, first);
          sessions.emplace(std::pair{first, at->first.second}, at->second);
          if (at->first.first != first) sessions.erase(at);
        } else {
          store.erase(place);
          REQUIRE(store[place].id == 0);
          sessions.erase(at);
        }
      }
      REQUIRE(store.is_empty(slot) == sessions.empty());
      for (const auto& [rank, one] : sessions) {
        const Session& session = store[one.place];
        REQUIRE(session.first == rank.first);
        REQUIRE(session.id == rank.second);
        REQUIRE(session.payload == std::vector<int>{one.payload});
        if (has_rests) REQUIRE(store.rest(one.place).payload == one.payload);
      }
      std::size_t all = 0;
      store.for_each(slot, [&all](SessionPlace) { ++all; });
      REQUIRE(all == sessions.size());
      const auto last = static_cast<std::int64_t>(random() % 24) - 12;
      std::size_t visited = 0;
      std::int64_t before = last;
      store.visit_backwards(slot, last, [&](SessionPlace place) {
        visited += store[place].first <= last ? 1 : 1000;
        if (place.box != 0) REQUIRE(store[place].first <= std::exchange(before, store[place].first));
        return true;
      });
      std::size_t due = 0;
      for (const auto& one : sessions) due += one.first.first <= last ? 1U : 0U;
      REQUIRE(visited == due);
      if (const Session* only = store.only(slot); only != nullptr) {
        REQUIRE(sessions.size() == 1);
        REQUIRE(sessions.count({only->first, std::uint64_t{only->id}}) == 1);
      }
    }
  }
}

TEST_CASE("a key may have thousands of sessions, and their boxes are used again") {
  Store store(true);
  store.grow(1);
  std::size_t bytes = 0;
  for (int round = 0; round < 3; ++round) {
    std::vector<SessionPlace> places;
    for (std::int64_t i = 0; i < 3000; ++i)
      places.push_back(store.add(0, i * 7 % 3000, static_cast<std::uint64_t>(i + 1)));
    if (round == 0) bytes = store.size_bytes();
    CHECK(store.size_bytes() == bytes);
    for (const SessionPlace place : places) store.erase(place);
    CHECK(store.is_empty(0));
  }
}

}  // namespace

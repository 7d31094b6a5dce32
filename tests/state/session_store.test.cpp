#include <weir/state/session_store.hpp>

#include <cstdint>
#include <map>
#include <random>
#include <utility>
#include <vector>

#include "catch.hpp"

namespace {

struct Session {
  std::int64_t first = 0;
  std::uint64_t id = 0;
  std::vector<int> payload;
};

TEST_CASE("the sessions of several slots behave like maps by first and id under random use") {
  std::mt19937_64 random(31);
  for (int script = 0; script < 200; ++script) {
    constexpr weir::Slot slots = 2;
    weir::detail::SessionStore<Session> store;
    store.grow(slots);
    std::vector<std::map<std::pair<std::int64_t, std::uint64_t>, int>> expected(slots);
    std::uint64_t next_id = 1;
    for (int step = 0; step < 120; ++step) {
      const auto slot = static_cast<weir::Slot>(random() % slots);
      auto& sessions = expected[slot];
      if (random() % 3 != 0 || sessions.empty()) {
        const auto first = static_cast<std::int64_t>(random() % 20) - 10;
        const Session& added = store.add(slot, {.first = first, .id = next_id, .payload = {step}});
        REQUIRE(added.id == next_id);
        sessions.emplace(std::pair{first, next_id++}, step);
      } else {
        auto at = sessions.begin();
        std::advance(at, static_cast<std::ptrdiff_t>(random() % sessions.size()));
        const Session* found = store.find(slot, at->first.first, at->first.second);
        REQUIRE(found != nullptr);
        REQUIRE(found->payload == std::vector<int>{at->second});
        store.erase(slot, *found);
        sessions.erase(at);
      }
      REQUIRE(store.is_empty(slot) == sessions.empty());
      REQUIRE(store.find(slot, 0, next_id + 5) == nullptr);
      std::map<std::pair<std::int64_t, std::uint64_t>, int> seen;
      store.for_each(slot, [&seen](const Session& one) { seen.emplace(std::pair{one.first, one.id}, one.payload.at(0)); });
      REQUIRE(seen == sessions);
      const auto last = static_cast<std::int64_t>(random() % 24) - 12;
      std::size_t visited = 0;
      store.visit_backwards(slot, last, [&](const Session& one) {
        visited += one.first <= last ? 1 : 1000;
        return true;
      });
      std::size_t due = 0;
      for (const auto& one : sessions) due += one.first.first <= last ? 1U : 0U;
      REQUIRE(visited == due);
      if (Session* only = store.only(slot); only != nullptr) REQUIRE(sessions.count({only->first, only->id}) == 1);
    }
  }
}

}  // namespace

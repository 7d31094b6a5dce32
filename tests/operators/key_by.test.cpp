#include <weir/operators/key_by.hpp>

#include <weir/testing/harness.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "operators/desk.hpp"

namespace {

using weir::event_time;
using namespace std::chrono_literals;

enum class Colour : std::uint8_t { red, green, blue };

struct Address {
  std::string city;
  std::int32_t zip = 0;
};
WEIR_FIELDS(Address, city, zip);
bool operator==(const Address& a, const Address& b) { return a.city == b.city && a.zip == b.zip; }

struct Visit {
  weir::EventTime at{};
  std::string name;
  std::string_view view;
  Colour colour = Colour::red;
  bool is_member = false;
  std::int8_t small = 0;
  std::uint64_t large = 0;
  weir::EventTime since{};
  weir::Duration lasted{};
  std::pair<std::int32_t, std::string> pair;
  std::tuple<Colour, std::int64_t, std::string> tuple;
  Address address;
  std::array<char, 8> text{};
};

struct Row {
  std::int64_t n = 0;
};

std::vector<Visit> visits() {
  static const std::vector<std::string> names{"ann", "bob", "a name of more than fifteen characters", "",
                                              "ann b"};
  std::vector<Visit> made;
  for (std::size_t i = 0; i < 60; ++i) {
    const auto signed_i = static_cast<std::int64_t>(i);
    Visit visit;
    visit.at = event_time(signed_i);
    visit.name = names[i % names.size()];
    visit.view = names[(i * 7) % names.size()];
    visit.colour = static_cast<Colour>(i % 3);
    visit.is_member = i % 4 == 0;
    visit.small = static_cast<std::int8_t>(signed_i % 5 - 2);
    visit.large = ~std::uint64_t{0} - i % 6;
    visit.since = event_time(signed_i % 4 == 0 ? INT64_MIN : signed_i % 4);
    visit.lasted = weir::Duration{signed_i % 3};
    visit.pair = {static_cast<std::int32_t>(i % 2), names[i % 3]};
    visit.tuple = {static_cast<Colour>(i % 2), signed_i % 3, names[i % 4]};
    visit.address = {.city = names[i % 4], .zip = static_cast<std::int32_t>(i % 3)};
    made.push_back(visit);
  }
  return made;
}

/// Groups by weir and by std::map and compares.
template <class Projection, class Plain>
void check_groups(Projection projection, Plain plain) {
  weir::Graph graph{"keys"};
  const auto source = graph.source<Visit>("visits", {.time = &Visit::at, .watermark = weir::host_driven()});
  const auto rows = source | weir::key_by(projection) | weir::tumbling({.size = 1h, .grace = 0s}) |
                    weir::aggregate<Row>("rows", weir::count().as(&Row::n));
  weir::testing::Harness harness{std::move(graph)};
  harness.watch(rows);
  using Key = std::remove_cvref_t<decltype(plain(std::declval<const Visit&>()))>;
  std::vector<std::pair<Key, std::int64_t>> expected;  // by first touch
  for (const Visit& visit : visits()) {
    Visit gone = visit;  // a key must not point into a record that is no longer there
    harness.push(source, gone);
    const Key key = plain(visit);
    auto at =
        std::find_if(expected.begin(), expected.end(), [&](const auto& one) { return one.first == key; });
    if (at == expected.end()) at = expected.insert(expected.end(), {key, 0});
    ++at->second;
  }
  harness.finish();
  std::vector<std::pair<Key, std::int64_t>> actual;
  for (const auto& row : harness.seen(rows)) actual.emplace_back(Key(row.key), row.value.n);
  CHECK((actual == expected));
  CHECK(harness.stats("rows").conserves());
}

TEST_CASE("a key may be an integer, a boolean, an enum or an instant") {
  check_groups(&Visit::small, [](const Visit& v) { return v.small; });
  check_groups(&Visit::large, [](const Visit& v) { return v.large; });
  check_groups(&Visit::is_member, [](const Visit& v) { return v.is_member; });
  check_groups(&Visit::colour, [](const Visit& v) { return v.colour; });
  check_groups(&Visit::since, [](const Visit& v) { return v.since; });
  check_groups(&Visit::lasted, [](const Visit& v) { return v.lasted; });
}

TEST_CASE("a key may be a string, which the dictionary owns") {
  check_groups(&Visit::name, [](const Visit& v) { return v.name; });
  check_groups(&Visit::view, [](const Visit& v) { return std::string(v.view); });
  check_groups([](const Visit& v) -> std::string_view { return v.name; },
               [](const Visit& v) { return v.name; });
  check_groups([](const Visit& v) -> const std::string& { return v.name; },
               [](const Visit& v) { return v.name; });
}

TEST_CASE("a key may be a string that the projection returns by value") {
  check_groups([](const Visit& v) { return v.name; }, [](const Visit& v) { return v.name; });
  check_groups([](const Visit& v) { return v.name + "/" + std::string(v.view); },
               [](const Visit& v) { return v.name + "/" + std::string(v.view); });
}

TEST_CASE("a key may be a pair, a tuple or a struct with named fields") {
  check_groups(&Visit::pair, [](const Visit& v) { return v.pair; });
  check_groups(&Visit::tuple, [](const Visit& v) { return v.tuple; });
  check_groups(&Visit::address, [](const Visit& v) { return v.address; });
  check_groups(
      [](const Visit& v) {
        return std::pair{v.name, v.small};
      },
      [](const Visit& v) {
        return std::pair{v.name, v.small};
      });
}

TEST_CASE("keys that differ only in where one part ends are different keys") {
  weir::Graph graph{"parts"};
  const auto source = graph.source<Visit>("visits", {.time = &Visit::at, .watermark = weir::host_driven()});
  const auto rows = source | weir::key_by([](const Visit& v) {
                      return std::pair{v.name, v.address.city};
                    }) |
                    weir::lifetime() | weir::aggregate<Row>("rows", weir::count().as(&Row::n));
  weir::testing::Harness harness{std::move(graph)};
  harness.watch(rows);
  Visit visit;
  visit.name = "ab";
  visit.address.city = "c";
  harness.push(source, visit);
  visit.name = "a";
  visit.address.city = "bc";
  harness.push(source, visit);
  harness.finish();
  CHECK(harness.seen(rows).size() == 2);
}

TEST_CASE("records of new keys above most_keys are rejected, counted, and change nothing") {
  desk::Desk desk(weir::tumbling({.size = 10us, .grace = 0s}), weir::host_driven(), {.most_keys = 2});
  for (std::int64_t key = 1; key <= 5; ++key) desk.push(key, key);
  desk.push(1, 6);
  desk.advance(10);
  CHECK(desk.take() == desk::Lines{"1 [0,10) 2/2 on_time#0.", "2 [0,10) 1/1 on_time#0."});
  const weir::OperatorStats& keys = desk.stats("key_by #1");
  CHECK(keys.ingested == 6);
  CHECK(keys.applied == 3);
  CHECK(keys.rejected == 3);
  CHECK(keys.over_key_limit == 3);
  CHECK(keys.keys == 2);
  CHECK(keys.conserves());
}

TEST_CASE("most_keys counts keys in use: when windows have closed there is room for others") {
  desk::Desk desk(weir::tumbling({.size = 10us, .grace = 0s}), weir::host_driven(), {.most_keys = 4});
  for (std::int64_t round = 0; round < 20; ++round) {
    for (std::int64_t key = 0; key < 4; ++key) desk.push(round * 4 + key, round * 10 + key);
    desk.advance(round * 10 + 10);
  }
  CHECK(desk.take().size() == 80);
  CHECK(desk.stats("key_by #1").over_key_limit == 0);
}

TEST_CASE("the limit of one batch of new keys is the same as that of its records one by one") {
  weir::Graph graph{"limit"};
  const auto source =
      graph.source<desk::Event>("events", {.time = &desk::Event::at, .watermark = weir::host_driven()});
  std::set<std::int64_t> seen;
  source | weir::key_by(&desk::Event::key, {.most_keys = 100}) |
      weir::tap("seen", [&](const desk::Event& event) { seen.insert(event.key); }) |
      weir::tumbling({.size = 1s, .grace = 0s}) | desk::totals("rows");
  auto pipeline = std::move(graph).build().value();
  std::vector<desk::Event> batch;
  for (std::int64_t key = 0; key < 1000; ++key) batch.push_back(desk::event(key, 1));
  pipeline.push(source, std::span<const desk::Event>(batch));
  CHECK(seen.size() == 100);
  CHECK(*seen.rbegin() == 99);
  CHECK(pipeline.stats("key_by #1").over_key_limit == 900);
}

TEST_CASE("a budget that would be spent before the second key is refused, and none is not") {
  const auto problem = [](std::size_t most_bytes) {
    weir::Graph graph{"budget"};
    const auto source =
        graph.source<desk::Event>("events", {.time = &desk::Event::at, .watermark = weir::host_driven()});
    static_cast<void>(source | weir::key_by(&desk::Event::key, {.most_bytes = most_bytes}));
    return std::string(std::move(graph).build().status().message());
  };
  CHECK(problem(1000) == "key_by #1: most_bytes (1000) must be at least 1048576, or 0 for any number");
  CHECK(problem((1 << 20) - 1) ==
        "key_by #1: most_bytes (1048575) must be at least 1048576, or 0 for any number");
  CHECK(problem(1 << 20).empty());
  CHECK(problem(0).empty());
}

TEST_CASE("keys of closed windows are given back, so the dictionary stays below twice the keys in use") {
  desk::Desk desk(weir::tumbling({.size = 100us, .grace = 0s}));
  std::uint64_t most = 0;
  for (std::int64_t key = 0; key < 50'000; ++key) {
    desk.push(key, key);
    if (key % 100 == 0) desk.advance(key);
    most = std::max(most, desk.stats("key_by #1").keys);
  }
  CHECK(most <= 400);
}

TEST_CASE("one key_by serves several operators, and a key stays as long as one of them holds it") {
  weir::Graph graph{"shared"};
  const auto source =
      graph.source<desk::Event>("events", {.time = &desk::Event::at, .watermark = weir::ascending()});
  const auto keyed = source | weir::key_by(&desk::Event::key);
  const auto small = keyed | weir::tumbling({.size = 10us, .grace = 0s}) | desk::totals("small");
  const auto large = keyed | weir::tumbling({.size = 100'000us, .grace = 0s}) | desk::totals("large");
  weir::testing::Harness harness{std::move(graph)};
  harness.watch(small).watch(large);
  for (std::int64_t i = 0; i < 1000; ++i) harness.push(source, desk::event(i % 500, i * 10));
  harness.finish();
  CHECK(harness.seen(small).size() == 1000);
  REQUIRE(harness.seen(large).size() == 500);
  for (std::size_t i = 0; i < 500; ++i) {
    CHECK(harness.seen(large)[i].key == static_cast<std::int64_t>(i));
    CHECK(harness.seen(large)[i].value.n == 2);
  }
}

TEST_CASE("a new key takes the place of the coldest ones when there are as many as there may be") {
  struct Counted {
    std::int64_t n = 0;
  };
  weir::Graph graph{"evicting"};
  const auto source =
      graph.source<desk::Event>("events", {.time = &desk::Event::at, .watermark = weir::host_driven()});
  const auto keyed =
      source | weir::key_by(&desk::Event::key,
                            {.name = "keys", .most_keys = 3, .when_full = weir::WhenFull::evict_coldest});
  const auto rows = keyed | weir::tumbling({.size = desk::us(100), .grace = desk::us(0)}) |
                    weir::aggregate<Counted>("rows", weir::count().as(&Counted::n));
  std::vector<std::pair<std::int64_t, std::int64_t>> seen;
  rows | weir::sink("out", [&seen](const weir::Windowed<std::int64_t, Counted>& row) {
    seen.emplace_back(row.key, row.value.n);
  });
  auto pipeline = std::move(graph).build().value();
  const std::vector<desk::Event> events{desk::event(1, 1), desk::event(2, 2), desk::event(3, 3),
                                        desk::event(1, 4), desk::event(4, 5), desk::event(3, 6),
                                        desk::event(2, 7), desk::event(2, 8)};
  CHECK(pipeline.push(source, std::span<const desk::Event>(events)).rejected == 0);
  REQUIRE(pipeline.finish().ok());
  std::sort(seen.begin(), seen.end());
  // 4 came when 2 was coldest, and 2 again when 1 was.
  CHECK(seen == std::vector<std::pair<std::int64_t, std::int64_t>>{{2, 2}, {3, 2}, {4, 1}});
  CHECK(pipeline.stats("keys").evicted == 2);
  CHECK(pipeline.stats("keys").rejected == 0);
  CHECK(pipeline.stats("keys").applied == 8);
}

TEST_CASE("evictions are those of a list of the keys by their last records, in batches and after a restore") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    std::mt19937_64 random(seed);
    const std::size_t most = 1 + random() % 200;
    const std::uint64_t keys = 1 + random() % 400;
    struct Keeper {
      struct State {
        std::int64_t n = 0;
      };
      void process(State& state, const desk::Event& event, weir::Out<std::string>& out) const {
        out.emit(std::to_string(event.key) + " " + std::to_string(++state.n));
      }
    };
    struct Desk {
      explicit Desk(std::size_t most) {
        weir::Graph graph{"evicting"};
        source.emplace(graph.source<desk::Event>(
            "events", {.time = &desk::Event::at, .watermark = weir::host_driven()}));
        *source |
            weir::key_by(&desk::Event::key,
                         {.name = "keys", .most_keys = most, .when_full = weir::WhenFull::evict_coldest}) |
            weir::each("keeper", Keeper{}) |
            weir::sink("out", [this](const std::string& line) { lines.push_back(line); });
        pipeline.emplace(std::move(graph).build().value());
      }
      Desk(const Desk&) = delete;
      Desk& operator=(const Desk&) = delete;
      std::vector<std::string> lines;
      std::optional<weir::Source<desk::Event>> source;
      std::optional<weir::Pipeline> pipeline;
    };
    auto desk = std::make_unique<Desk>(most);
    std::vector<std::string> wanted;
    std::map<std::int64_t, std::pair<std::uint64_t, std::int64_t>>
        kept;  // per key its last record, and its count
    std::uint64_t evicted = 0;
    std::uint64_t number = 0;
    for (int call = 0; call < 20; ++call) {
      std::vector<desk::Event> batch;
      for (std::size_t i = random() % 100; i > 0; --i) {
        const auto key = static_cast<std::int64_t>(random() % keys);
        batch.push_back(desk::event(key, 1));
        if (kept.count(key) == 0 && kept.size() == most) {
          for (std::size_t gone = std::max<std::size_t>(1, most / weir::detail::evicted_part); gone > 0;
               --gone) {
            kept.erase(std::min_element(kept.begin(), kept.end(), [](const auto& a, const auto& b) {
              return a.second.first < b.second.first;
            }));
            ++evicted;
          }
        }
        kept[key].first = ++number;
        wanted.push_back(std::to_string(key) + " " + std::to_string(++kept[key].second));
      }
      desk->pipeline->push(*desk->source, std::span<const desk::Event>(batch));
      INFO("seed " << seed << ", call " << call);
      REQUIRE(desk->lines == wanted);
      REQUIRE(desk->pipeline->stats("keys").evicted == evicted);
      if (random() % 4 != 0) continue;
      std::string image;
      REQUIRE(desk->pipeline->snapshot({}, image).ok());
      auto restored = std::make_unique<Desk>(most);
      REQUIRE(restored->pipeline->restore(image).ok());
      restored->lines = std::move(desk->lines);
      desk = std::move(restored);
    }
  }
}

}  // namespace

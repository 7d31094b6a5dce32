#include <weir/window/emission_token.hpp>

#include <cstddef>
#include <cstdint>
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
        "\3\0\0\0"s
        "\1"s  // pane 3, taken back
        "\2\0\0\0\0\0\0\0k7"s);
  CHECK(emission_token("", row<std::uint8_t>(9, 0, 0)).size() == 30);
}

TEST_CASE("tokens are equal exactly if name, window, pane, retraction and key are") {
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
              ++made;
              tokens.insert(emission_token(name, row(key, start, end, index, is_retraction)));
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

TEST_CASE(
    "windows of records, and sessions that a cap keeps apart, can have the same bounds and then share a "
    "token") {
  weir::Graph graph{"till"};
  auto payments = graph.source<Payment>("payments", {.time = &Payment::at, .watermark = weir::ascending()});
  auto users = payments | weir::key_by(&Payment::user);
  std::vector<std::string> pairs, capped;
  const auto total = [](const char* name) {
    return weir::aggregate<Total>(name, weir::sum(&Payment::amount).as(&Total::sum));
  };
  users | weir::count_windows({.size = 2}) | total("pairs") |
      weir::sink("pairs_out",
                 [&](const Row<std::string>& row) { pairs.push_back(emission_token("pairs", row)); });
  users | weir::session({.gap = 10s, .most_records = 1, .grace = 0s}) | total("capped") |
      weir::sink("capped_out",
                 [&](const Row<std::string>& row) { capped.push_back(emission_token("capped", row)); });
  weir::Pipeline pipeline = std::move(graph).build().value();
  for (int i = 0; i < 4; ++i) pipeline.push(payments, {.user = "a", .amount = 1, .at = event_time(5)});
  REQUIRE(pipeline.finish().ok());
  REQUIRE(pairs.size() == 2);
  CHECK(pairs[0] == pairs[1]);
  REQUIRE(capped.size() == 4);
  CHECK(capped[0] == capped[3]);
}

}  // namespace

#include <weir/view/publisher.hpp>

#include <weir/weir.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "catch.hpp"
#include "effort.hpp"
#include "operators/board.hpp"

// Readers against look-ups, call by call, over random scripts: a published row is what a look-up gave at the end of the call.

namespace {

using board::Totals;
using board::us;
using weir::event_time;
using weir::ReadStatus;

template <class Key>
struct Note {
  Key key{};
  std::int64_t value = 0;
  weir::EventTime at{};
};

struct Wide {
  std::int64_t exact = 0, sum = 0, last_three = 0, included = 0;
  double mean = 0;
  friend bool operator==(const Wide&, const Wide&) = default;
};

std::int64_t key_of(std::int64_t number, const std::int64_t*) { return number; }
std::string key_of(std::int64_t number, const std::string*) {
  return (number % 2 == 0 ? "k" : "a key that does not fit into the string itself ") + std::to_string(number);
}

/// Calls of all kinds. After each, what `view` gives for each key must be what `reader` gives.
template <class Key, class Row>
class Script {
 public:
  Script(weir::Pipeline& pipeline, const weir::Source<Note<Key>>& source, const weir::View<Key, Row>& view,
         std::uint64_t seed)
      : pipeline_(pipeline),
        source_(source),
        view_(view),
        reader_(pipeline.reader(view).value()),
        random_(seed) {}

  /// With `are_current` every row is as of now after every call, with `are_noted` those of keys that a record named.
  void run(int calls, bool are_current, bool are_noted) {
    for (int call = 0; call < calls; ++call) {
      named_.clear();
      step();
      for (std::int64_t number = 0; number < keys; ++number)
        compare(number, are_current || (are_noted && named_.count(number) != 0));
    }
    REQUIRE(pipeline_.finish().ok());
    for (std::int64_t number = 0; number < keys; ++number) compare(number, false);
    CHECK(current_ > calls);
    CHECK(missing_ > calls);
    CHECK((older_ > 0 || are_current));
  }

 private:
  static constexpr std::int64_t keys = 20;

  std::int64_t draw(std::int64_t below) {
    return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(below));
  }
  static Key key(std::int64_t number) { return key_of(number, static_cast<const Key*>(nullptr)); }
  Note<Key> note() {
    now_ += draw(4) == 0 ? draw(12) : draw(2);
    const std::int64_t number = (now_ / 40 + draw(6)) % keys;  // keys come, stay a while and go
    named_.insert(number);
    return {.key = key(number), .value = draw(100), .at = event_time(now_ - draw(3) * draw(4))};
  }
  void step() {
    switch (draw(12)) {
      case 0:
        static_cast<void>(pipeline_.advance(source_, event_time(now_ + draw(10))));
        return;
      case 1:
        static_cast<void>(pipeline_.tick(weir::WallTime{us(now_)}));
        return;
      case 2: {
        const std::int64_t number = draw(keys);
        named_.insert(number);
        static_cast<void>(pipeline_.erase(view_, key(number)));
        return;
      }
      case 3:
      case 4:
      case 5: {
        std::vector<Note<Key>> batch;
        for (std::int64_t left = draw(30); left >= 0; --left) batch.push_back(note());
        pipeline_.push(source_, std::span<const Note<Key>>(batch));
        return;
      }
      default:
        pipeline_.push(source_, note());
    }
  }
  /// A reader has the row as of now, or the one that it had before, which is then older.
  void compare(std::int64_t number, bool is_current) {
    const weir::Lookup<Row> own = pipeline_.lookup(view_, key(number));
    const weir::Lookup<Row> read = reader_.lookup(key(number));
    weir::Lookup<Row>& before = before_[static_cast<std::size_t>(number)];
    CAPTURE(number, now_);
    REQUIRE(read.watermark == own.watermark);
    if (read.as_of != own.as_of) {
      REQUIRE_FALSE(is_current);
      REQUIRE(read.value == before.value);
      REQUIRE((read.as_of == before.as_of && read.version == before.version));
      ++older_;
      return;
    }
    REQUIRE(read.status == own.status);
    REQUIRE(read.value == own.value);
    REQUIRE(read.event_time == own.event_time);
    REQUIRE(read.known_until == own.known_until);
    REQUIRE(read.age == own.age);
    REQUIRE(read.version == own.version);
    REQUIRE(read.overflowed == own.overflowed);
    REQUIRE(read.is_final() == own.is_final());
    ++(read.status == ReadStatus::missing ? missing_ : current_);
    if (read.status != ReadStatus::missing)
      REQUIRE(std::equal(read.covered().begin(), read.covered().end(), own.covered().begin(),
                         own.covered().end()));
    before = read;
  }

  weir::Pipeline& pipeline_;
  const weir::Source<Note<Key>>& source_;
  const weir::View<Key, Row>& view_;
  weir::Reader<Key, Row> reader_;
  std::mt19937_64 random_;
  std::int64_t now_ = 1000;
  std::set<std::int64_t> named_;
  std::array<weir::Lookup<Row>, keys> before_;
  int current_ = 0;
  int older_ = 0;
  int missing_ = 0;
};

/// Follows scripts over what `make(keyed)` puts in front of the view.
template <class Key, class Make>
void follow(Make make, std::size_t most_keys, bool are_noted = true) {
  const bool is_refreshed = GENERATE(false, true);
  const auto seed = GENERATE(range(std::uint64_t{1}, std::uint64_t{9}));
  CAPTURE(is_refreshed, seed);
  weir::Graph graph{"script"};
  const auto source =
      graph.source<Note<Key>>("notes", {.time = &Note<Key>::at, .watermark = weir::trailing(us(6))});
  const auto keyed = source | weir::key_by(&Note<Key>::key, {.most_keys = most_keys});
  const auto view =
      make(keyed) | weir::view("view").publish({.refresh = is_refreshed ? us(1) : weir::for_ever});
  auto pipeline = std::move(graph).build().value();
  Script(pipeline, source, view, seed).run(effort() == "quick" ? 200 : 1000, is_refreshed, are_noted);
}

template <class Key>
auto wide_rows() {
  return [](const auto& keyed) {
    return keyed |
           weir::features<Wide>(
               {.name = "features", .time_travel = us(3), .retain = us(25)},
               weir::rolling({.size = us(12), .precision = weir::exact})
                   .compute(weir::count().as(&Wide::exact)),
               weir::rolling({.size = us(20), .precision = us(4)})
                   .compute(weir::sum(&Note<Key>::value).as(&Wide::sum)),
               weir::rolling_records({.records = 3}).compute(weir::count().as(&Wide::last_three)),
               weir::rolling({.size = us(8), .precision = us(2), .asking = weir::Asking::included})
                   .compute(weir::count().as(&Wide::included)),
               weir::derive(&Wide::mean, [](const Wide& row) {
                 return row.exact == 0 ? -1.0 : static_cast<double>(row.sum) / static_cast<double>(row.exact);
               }));
  };
}

TEST_CASE("readers of features have what a look-up gives") {
  follow<std::int64_t>(wide_rows<std::int64_t>(), 1000);
}

TEST_CASE("readers of features have what a look-up gives, under keys that are strings") {
  follow<std::string>(wide_rows<std::string>(), 1000);
}

TEST_CASE("readers of features have what a look-up gives while keys trade slots within a call") {
  // Keys that are in no slot are in no row either: the key limit refuses their records.
  follow<std::string>(wide_rows<std::string>(), 9);
}

TEST_CASE("readers of newest rows have what a look-up gives") {
  for (const bool open : {false, true}) {
    follow<std::string>(
        [open](const auto& keyed) {
          return keyed |
                 weir::tumbling(
                     {.size = us(5), .grace = us(8), .emit = weir::on_update(), .panes = weir::retracting}) |
                 weir::aggregate<Totals>("windows", weir::count().as(&Totals::n),
                                         weir::sum(&Note<std::string>::value).as(&Totals::sum)) |
                 weir::latest(
                     {.name = "latest", .retain = us(30), .versions = 2, .open = open, .most_keys = 12});
        },
        1000, false);
  }
}

TEST_CASE("readers of open sessions have what a look-up gives") {
  follow<std::int64_t>(
      [](const auto& keyed) {
        return keyed | weir::session({.gap = us(9), .grace = us(0)}) |
               weir::aggregate<Totals>("sessions", weir::count().as(&Totals::n),
                                       weir::sum(&Note<std::int64_t>::value).as(&Totals::sum));
      },
      12);
}

TEST_CASE("readers of open sessions with a grace and caps have what a look-up gives") {
  follow<std::string>(
      [](const auto& keyed) {
        return keyed | weir::session({.gap = us(9), .most_records = 7, .grace = us(4)}) |
               weir::aggregate<Totals>("sessions", weir::count().as(&Totals::n),
                                       weir::sum(&Note<std::string>::value).as(&Totals::sum));
      },
      1000);
}

}  // namespace

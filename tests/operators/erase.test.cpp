#include <algorithm>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <weir/weir.hpp>

#include "catch.hpp"

// A key that is erased is one that never was: to its own later rows, to the other keys, and to a snapshot.

namespace {

using namespace std::chrono_literals;
using weir::event_time;
using weir::ReadStatus;

struct Visit {
  std::string user;
  std::int64_t pages = 0;
  weir::EventTime at;
};
struct Total {
  std::int64_t visits = 0;
  std::int64_t pages = 0;
};

/// Emits how many visits there were since the last quiet minute.
struct Silence {
  struct State {
    std::int64_t visits = 0;
    friend bool operator==(const State&, const State&) = default;
  };
  void process(State& state, const Visit& visit, weir::Timer& timer, weir::Out<std::string>& out) const {
    out.emit(visit.user + " each " + std::to_string(++state.visits));
    timer.set(weir::later(visit.at, 60s));
  }
  void on_timer(State& state, const weir::Fired<std::string>& fired, weir::Out<std::string>& out) const {
    out.emit(std::string(fired.key) + " silent after " + std::to_string(state.visits));
    state = {};
  }
};

/// Every operator that keeps something per key behind one key_by, and what comes out, with the key first.
class Site {
 public:
  explicit Site(std::size_t most_keys = 1 << 20) {
    weir::Graph graph{"site", {.hash_seed = 1}};
    visits_ = graph.source<Visit>("visits", {.time = &Visit::at, .watermark = weir::trailing(20s)});
    users_ =
        *visits_ |
        weir::key_by(&Visit::user,
                     {.name = "users", .most_keys = most_keys, .when_full = weir::WhenFull::evict_coldest});
    windows(weir::tumbling({.size = 60s, .grace = 0s}), "tumbling");
    windows(weir::sliding({.size = 600s, .every = 10s, .grace = 30s}), "sliding");
    windows(weir::session({.gap = 30s, .grace = 0s}), "session");
    windows(weir::session({.gap = 40s, .most_records = 5, .grace = 20s, .emit = weir::on_update()}),
            "capped");
    windows(weir::count_windows({.size = 7, .every = 3}), "count");
    windows(weir::tumbling({.size = 120s,
                            .grace = 10s,
                            .emit = weir::emit_when(weir::on_close(), weir::every(15s)),
                            .panes = weir::retracting}),
            "early");
    *users_ | weir::each("silence", Silence{}) |
        weir::sink("silence out", [this](const std::string& line) { lines_.push_back(line); });
    *users_ | weir::each({.name = "kept", .retain = 100s}, Silence{}) |
        weir::sink("kept out", [this](const std::string& line) { lines_.push_back(line); });
    view_ = *users_ |
            weir::features<Total>(
                {.name = "features", .retain = 1h},
                weir::rolling({.size = 300s, .precision = 5s})
                    .compute(weir::count().as(&Total::visits), weir::sum(&Visit::pages).as(&Total::pages))) |
            weir::view("view").publish();
    pipeline_ = std::move(graph).build().value();
  }

  void push(const Visit& visit) { pipeline_->push(*visits_, visit); }
  bool erase(const std::string& user) { return pipeline_->erase(*users_, user); }
  std::int64_t visits(const std::string& user) {
    const auto hit = pipeline_->lookup(*view_, user);
    return hit.status == ReadStatus::missing ? -1 : hit->visits;
  }
  [[nodiscard]] weir::Pipeline& pipeline() { return *pipeline_; }
  [[nodiscard]] const weir::View<std::string, Total>& view() const { return *view_; }
  /// What has come out since the last call, of one key, or of all but it; in order.
  [[nodiscard]] std::vector<std::string> take(const std::string& user, bool is_of_it) {
    std::vector<std::string> taken;
    for (std::string& line : std::exchange(lines_, {})) {
      if (line.starts_with(user + " ") == is_of_it) taken.push_back(std::move(line));
    }
    return taken;
  }

 private:
  template <class Shape>
  void windows(Shape shape, const std::string& name) {
    *users_ | std::move(shape) |
        weir::aggregate<Total>(name, weir::count().as(&Total::visits),
                               weir::sum(&Visit::pages).as(&Total::pages)) |
        weir::sink(name + " out", [this, name](const weir::Windowed<std::string, Total>& row) {
          lines_.push_back(row.key + " " + name + " " + std::to_string(weir::ticks(row.window.start)) + " " +
                           std::to_string(weir::ticks(row.window.end)) + " " +
                           std::to_string(row.value.visits) + " " + std::to_string(row.value.pages) + " " +
                           std::to_string(row.number) + (row.pane.is_retraction ? " back" : ""));
        });
  }

  std::vector<std::string> lines_;
  std::optional<weir::Source<Visit>> visits_;
  std::optional<weir::KeyedStream<std::string, Visit>> users_;
  std::optional<weir::View<std::string, Total>> view_;
  std::optional<weir::Pipeline> pipeline_;
};

const std::string erased = "the name of somebody who wants to be forgotten";

std::vector<Visit> random_visits(std::uint64_t seed, std::size_t count) {
  std::mt19937_64 random(seed);
  std::vector<Visit> visits;
  std::int64_t now = 0;
  for (std::size_t i = 0; i < count; ++i) {
    now += static_cast<std::int64_t>(random() % 8'000'000);
    const std::uint64_t user = random() % 5;
    visits.push_back({.user = user == 0 ? erased : "user" + std::to_string(user),
                      .pages = static_cast<std::int64_t>(random() % 10),
                      .at = event_time(now - static_cast<std::int64_t>(random() % 15'000'000))});
  }
  return visits;
}

}  // namespace

TEST_CASE("a key that is erased begins anew, and no other key notices") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    INFO("seed " << seed);
    const std::vector<Visit> visits = random_visits(seed, 300);
    const std::size_t cut = 50 + seed * 5;
    Site site, undisturbed, without;
    for (std::size_t i = 0; i < cut; ++i) {
      site.push(visits[i]);
      undisturbed.push(visits[i]);
      // The same times, so that the watermark is the same.
      without.push(visits[i].user == erased ? Visit{"user9", 0, visits[i].at} : visits[i]);
    }
    REQUIRE(site.visits(erased) > 0);
    REQUIRE(site.erase(erased));
    CHECK_FALSE(site.erase(erased));
    CHECK(site.visits(erased) == -1);
    std::string image;
    REQUIRE(site.pipeline().snapshot({}, image).ok());
    CHECK(image.find(erased) == std::string::npos);

    for (Site* one : {&site, &without}) static_cast<void>(one->take("", true));
    static_cast<void>(undisturbed.take("", true));
    std::vector<std::string> own, own_wanted, others, others_wanted;
    const auto append = [](std::vector<std::string>& to, const std::vector<std::string>& from) {
      to.insert(to.end(), from.begin(), from.end());
    };
    for (std::size_t i = cut; i <= visits.size(); ++i) {
      for (Site* one : {&site, &undisturbed, &without}) {
        if (i < visits.size()) one->push(visits[i]);
        if (i == visits.size()) REQUIRE(one->pipeline().finish().ok());
      }
      if (i % 2 == 0) {
        append(own, site.take(erased, true));
        append(own_wanted, without.take(erased, true));
        static_cast<void>(undisturbed.take("", true));
      } else {
        append(others, site.take(erased, false));
        append(others_wanted, undisturbed.take(erased, false));
        static_cast<void>(without.take("", true));
      }
      if (i < visits.size()) REQUIRE(site.visits(erased) == without.visits(erased));
    }
    // Rows of one firing come in the order in which their keys were first heard of.
    for (auto* lines : {&own, &own_wanted, &others, &others_wanted}) std::sort(lines->begin(), lines->end());
    CHECK(own == own_wanted);
    CHECK(others == others_wanted);
    CHECK(own.size() > 20);
    CHECK(others.size() > 100);
  }
}

TEST_CASE("readers no longer see a key that is erased") {
  Site site;
  auto reader = site.pipeline().reader(site.view()).value();
  site.push({.user = "ann", .pages = 1, .at = event_time(0)});
  REQUIRE(reader.lookup("ann").status != ReadStatus::missing);
  REQUIRE(site.erase("ann"));
  CHECK(reader.lookup("ann").status == ReadStatus::missing);
}

TEST_CASE("a key is not erased in another pipeline, and one that is not known is not there") {
  Site site, other;
  site.push({.user = "ann", .pages = 1, .at = event_time(0)});
  CHECK_FALSE(site.erase("bob"));
  CHECK_FALSE(other.pipeline().erase(site.view(), "ann"));
  CHECK(site.visits("ann") == 1);
}

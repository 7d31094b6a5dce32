// weir inside an event loop: it owns no thread and no clock. The loop hands over what has arrived, says what
// time it is, and sleeps. Here the network and the clock are played from a script: it always ends the same.
//
//   logins ─── by user ─── last 10 min, every 1 min ─── alarm
#include <span>
#include <string>
#include <vector>

#include <weir/weir.hpp>

#include "expect.hpp"

using namespace std::chrono_literals;

struct Login {
  std::string user;
  bool has_failed = false;
  weir::EventTime at;
};

struct Failures {
  std::int64_t logins = 0;
};

constexpr weir::EventTime second(int number) { return weir::EventTime{std::chrono::seconds{number}}; }
constexpr weir::WallTime wall(int seconds) { return weir::WallTime{std::chrono::seconds{seconds}}; }

/// What a turn of the loop finds: the clock, and the messages that have come since the last turn.
struct Turn {
  weir::WallTime now;
  std::vector<Login> arrived;
};

int main() {
  weir::Graph graph{"guard"};
  auto logins = graph.source<Login>("logins", {.time = &Login::at, .watermark = weir::trailing(5s),
                                               .idle_after = 30s});
  auto failures = logins | weir::filter([](const Login& login) { return login.has_failed; })
                         | weir::key_by(&Login::user)
                         | weir::sliding({.size = 10min, .every = 1min, .grace = 0s})
                         | weir::aggregate<Failures>("failures", weir::count().as(&Failures::logins));

  std::vector<std::string> alarms;
  failures | weir::sink("alarm", [&alarms](const weir::Windowed<std::string, Failures>& row) {
    if (row.value.logins >= 3) alarms.push_back(row.key);
  });
  auto pipeline = std::move(graph).build();
  support::expect(pipeline.ok());

  const std::vector<Turn> turns = {
      {wall(20), {{"eve", true, second(11)}, {"ann", false, second(12)}, {"eve", true, second(19)}}},
      {wall(40), {{"eve", true, second(31)}}},
      {wall(90), {{"bob", false, second(88)}}}};
  for (const Turn& turn : turns) {
    pipeline->push(logins, std::span(turn.arrived));
    if (!pipeline->tick(turn.now).ok()) break;  // a callback has thrown: the pipeline runs no further
  }
  support::expect(alarms == std::vector<std::string>{"eve"});  // once the minute of her third try was over
}

// The programs of docs/guides/embedding.md.
#include <chrono>
#include <cstdio>
#include <memory_resource>
#include <string>
#include <utility>
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

// [region service]
/// What the service keeps: where to push, and the pipeline.
struct Guard {
  weir::Source<Login> logins;
  weir::Pipeline pipeline;
};

/// `raise` is called with each user who failed three times within ten minutes, on the thread that pushes.
template <class Raise>
absl::StatusOr<Guard> build_guard(Raise raise) {
  weir::Graph graph{"guard"};
  auto logins = graph.source<Login>("logins", {.time = &Login::at, .watermark = weir::trailing(5s),
                                               .idle_after = 30s});
  logins | weir::filter(&Login::has_failed)
         | weir::key_by(&Login::user)
         | weir::sliding({.size = 10min, .every = 1min, .grace = 0s})
         | weir::aggregate<Failures>("failures", weir::count().as(&Failures::logins))
         | weir::sink("alarm", [raise](const weir::Windowed<std::string, Failures>& row) {
             if (row.value.logins >= 3) raise(row.key);
           });
  absl::StatusOr<weir::Pipeline> pipeline = std::move(graph).build();
  if (!pipeline.ok()) return pipeline.status();
  return Guard{logins, *std::move(pipeline)};
}
// [end]

namespace {

struct Turn {
  weir::WallTime now;
  std::vector<Login> arrived;
};

const std::vector<Turn> turns = {
    {wall(20), {{"eve", true, second(11)}, {"ann", false, second(12)}, {"eve", true, second(19)}}},
    {wall(40), {{"eve", true, second(31)}}},
    {wall(90), {{"bob", false, second(88)}}},
};

// [region clock]
/// The meter's clock is the host's, like every clock: nanoseconds that never go back.
std::uint64_t nanoseconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}
// [end]

void loop() {
  std::vector<std::string> alarms;
  absl::StatusOr<Guard> guard = build_guard([&alarms](const std::string& user) { alarms.push_back(user); });
  support::expect(guard.ok());

  // [region meter]
  guard->pipeline.meter().use(nanoseconds);
  // [end]

  // [region loop]
  for (const Turn& turn : turns) {                                  // a turn of the host's event loop:
    guard->pipeline.push(guard->logins, std::span(turn.arrived));   // hand over what has come,
    absl::Status status = guard->pipeline.tick(turn.now);           // say what time it is,
    if (!status.ok()) break;                                        // and stop when a callback has thrown
  }
  // [end]
  support::expect(alarms == std::vector<std::string>{"eve"});

  // [region measured]
  const weir::Meter& meter = guard->pipeline.meter();
  std::printf("%llu records, p99 of a call %llu ns\n", static_cast<unsigned long long>(meter.records()),
              static_cast<unsigned long long>(meter.calls().quantile(0.99)));
  // [end]
  support::expect(meter.records() == 5);

  // [region all_stats]
  for (const std::string& name : guard->pipeline.names()) {
    const weir::OperatorStats& stats = guard->pipeline.stats(name);
    std::printf("%-12s %llu in, %llu out\n", name.c_str(), static_cast<unsigned long long>(stats.ingested),
                static_cast<unsigned long long>(stats.emitted));
  }
  // [end]
}

void reentrant() {
  weir::Graph graph{"again"};
  auto logins = graph.source<Login>("logins", {.time = &Login::at, .watermark = weir::ascending()});
  weir::Pipeline* running = nullptr;
  weir::Admit inner = weir::Admit::on_time;
  // [region reentrant]
  logins | weir::sink("again", [&](const Login& login) {
    inner = running->push(logins, login);  // a call from inside a call is refused, not carried out
  });
  // [end]
  auto pipeline = std::move(graph).build();
  support::expect(pipeline.ok());
  running = &*pipeline;
  const weir::Admit outer = pipeline->push(logins, {"ann", false, second(1)});
  support::expect(outer == weir::Admit::on_time && inner == weir::Admit::refused && pipeline->status().ok());
}

void host_memory() {
  // [region host_memory]
  std::pmr::unsynchronized_pool_resource memory;  // outlives the pipeline
  weir::Graph graph{"guard", {.memory = &memory}};
  // [end]
  auto logins = graph.source<Login>("logins", {.time = &Login::at, .watermark = weir::ascending()});
  logins | weir::key_by(&Login::user) | weir::tumbling({.size = 10min, .grace = 0s}) |
      weir::aggregate<Failures>("logins_10min", weir::count().as(&Failures::logins));
  auto pipeline = std::move(graph).build();
  support::expect(pipeline.ok());
  pipeline->push(logins, {"ann", false, second(1)});
  support::expect(pipeline->stats("logins_10min").applied == 1);
}

void forgotten() {
  weir::Graph graph{"guard"};
  auto logins = graph.source<Login>("logins", {.time = &Login::at, .watermark = weir::ascending()});
  auto users = logins | weir::key_by(&Login::user);
  users | weir::tumbling({.size = 10min, .grace = 0s}) |
      weir::aggregate<Failures>("logins_10min", weir::count().as(&Failures::logins));
  auto pipeline = std::move(graph).build();
  support::expect(pipeline.ok());
  pipeline->push(logins, {"ann", false, second(1)});
  // [region erase]
  bool was_known = pipeline->erase(users, "ann");  // `users`: what key_by gave
  // [end]
  support::expect(was_known && pipeline->live_windows("logins_10min") == 0);
}

}  // namespace

int main() {
  loop();
  reentrant();
  host_memory();
  forgotten();
}

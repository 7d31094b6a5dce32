#include "comparison.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <weir/testing/oracle.hpp>
#include <weir/testing/script.hpp>

#include "catch.hpp"
#include "effort.hpp"

// Random scripts through weir and through the oracle. WEIR_EFFORT says how many: quick 20,000, normal
// 1,000,000 (default), long 100,000,000; WEIR_SCRIPTS gives another number, WEIR_SEED the first seed,
// WEIR_THREADS the number of threads. Every script has pipelines of its own.

namespace {

namespace oracle = weir::testing::oracle;

constexpr double least_reached_per_script = 0.01;
constexpr std::chrono::seconds longest_script{60};  // a script that takes longer hangs

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr || *text == '\0' ? otherwise : std::strtoull(text, nullptr, 10);
}

std::uint64_t number_of_scripts() {
  const std::uint64_t usual = effort() == "long" ? 100'000'000 : effort() == "quick" ? 20'000 : 1'000'000;
  return setting("WEIR_SCRIPTS", usual);
}

/// The seeds of one thread: first, first + step, ... until one fails somewhere.
struct Seeds {
  std::uint64_t first;
  std::uint64_t end;
  std::uint64_t step;
};

class Worker {
 public:
  void run(Seeds seeds, std::atomic<bool>& has_failed) {
    oracle::Script script;
    for (std::uint64_t seed = seeds.first; seed < seeds.end && !has_failed; seed += seeds.step) {
      present_ = seed;
      oracle::random_script(seed, script);
      if (comparison_.agrees(script)) continue;
      has_failed = true;
      is_shrinking_ = true;
      failure_ = explain(script);
    }
    is_done_ = true;
  }
  [[nodiscard]] bool is_done() const { return is_done_; }
  [[nodiscard]] bool is_shrinking() const { return is_shrinking_; }
  [[nodiscard]] std::uint64_t present() const { return present_; }
  [[nodiscard]] const std::string& failure() const { return failure_; }
  [[nodiscard]] const oracle::Reached& reached() const { return comparison_.reached(); }

 private:
  static std::string explain(const oracle::Script& script) {
    rig::Comparison comparison;
    const auto fails = [&](const oracle::Script& candidate) { return !comparison.agrees(candidate); };
    const oracle::Script shrunk = oracle::shrink(script, fails);
    return oracle::to_text(shrunk) + comparison.differences(shrunk);
  }

  rig::Comparison comparison_;
  std::string failure_;
  std::atomic<std::uint64_t> present_{0};
  std::atomic<bool> is_shrinking_{false};
  std::atomic<bool> is_done_{false};
};

/// Ends the program with the seed if a worker stays in one script.
void watch(const std::vector<Worker>& workers) {
  using Clock = std::chrono::steady_clock;
  std::vector<std::pair<std::uint64_t, Clock::time_point>> seen(workers.size(), {0, Clock::now()});
  const auto is_done = [](const Worker& worker) { return worker.is_done(); };
  while (!std::all_of(workers.begin(), workers.end(), is_done)) {
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
    for (std::size_t i = 0; i < workers.size(); ++i) {
      const std::uint64_t seed = workers[i].present();
      if (seen[i].first != seed) seen[i] = {seed, Clock::now()};
      if (workers[i].is_done() || workers[i].is_shrinking()) continue;
      if (Clock::now() - seen[i].second < longest_script) continue;
      std::fprintf(stderr, "seed %llu does not end:\n%s", static_cast<unsigned long long>(seed),
                   oracle::to_text(oracle::random_script(seed)).c_str());
      std::abort();
    }
  }
}

std::vector<Worker> run_all(std::uint64_t scripts, std::uint64_t first, std::uint64_t threads) {
  std::vector<Worker> workers(threads);
  std::vector<std::thread> running;
  std::atomic<bool> has_failed{false};
  for (std::uint64_t i = 0; i < threads; ++i) {
    running.emplace_back([&, i] { workers[i].run({first + i, first + scripts, threads}, has_failed); });
  }
  watch(workers);
  for (std::thread& one : running) one.join();
  return workers;
}

/// Prints how often each rare rule was reached, and gives those that were not reached often enough.
std::string print_reached(const std::vector<Worker>& workers, std::uint64_t scripts) {
  std::string too_rare;
  for (std::size_t rule = 0; rule < oracle::rare_rules; ++rule) {
    std::uint64_t count = 0;
    for (const Worker& worker : workers) count += worker.reached()[rule];
    const char* name = oracle::name(static_cast<oracle::Rare>(rule));
    std::printf("  %12llu  %s\n", static_cast<unsigned long long>(count), name);
    const double least = least_reached_per_script * static_cast<double>(scripts);
    if (static_cast<double>(count) < least) too_rare += std::string(name) + "; ";
  }
  return too_rare;
}

/// Of fixed shape, and emitting on close: what can share panes.
bool can_share(const oracle::WindowConfig& w) {
  constexpr oracle::Ticks most = 1000;  // of a size that surely has few enough panes in common with any other
  const bool is_grid = w.kind == oracle::Kind::tumbling || w.kind == oracle::Kind::sliding ||
                       w.kind == oracle::Kind::cumulating;
  return is_grid && w.size <= most && w.every <= most;
}

void make_plain(oracle::WindowConfig& w) {
  w.emit = {.late = w.emit.late == oracle::LateFiring::close ? oracle::LateFiring::close
                                                             : oracle::LateFiring::each};
  w.panes = oracle::Accumulation::accumulating;
  w.drop_whole = false;
}

}  // namespace

TEST_CASE("random scripts give the same rows, notices and counters as the oracle") {
  const std::uint64_t scripts = number_of_scripts();
  const std::uint64_t first = setting("WEIR_SEED", 0);
  const std::uint64_t threads = std::max<std::uint64_t>(1, setting("WEIR_THREADS", 2));
  const auto start = std::chrono::steady_clock::now();
  const std::vector<Worker> workers = run_all(scripts, first, threads);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  for (const Worker& worker : workers) {
    if (!worker.failure().empty()) FAIL("weir and the oracle differ\n" + worker.failure());
  }
  std::printf(
      "%llu scripts from seed %llu, 2 runs each: %.1f s, %.0f scripts/s on %llu threads; rare rules "
      "reached:\n",
      static_cast<unsigned long long>(scripts), static_cast<unsigned long long>(first), seconds,
      static_cast<double>(scripts) / seconds, static_cast<unsigned long long>(threads));
  const std::string too_rare = print_reached(workers, scripts);
  std::fflush(stdout);
  INFO("not reached often enough (" << least_reached_per_script << " per script): " << too_rare);
  CHECK((scripts < 10'000 || too_rare.empty()));
}

TEST_CASE("windows that share panes give the rows that each gives alone") {
  const std::uint64_t first = setting("WEIR_SEED", 0);
  const std::uint64_t end = first + number_of_scripts() / 20;
  rig::Comparison comparison;
  oracle::WindowConfig others;  // of the last script that could share
  for (std::uint64_t seed = first; seed < end; ++seed) {
    oracle::Script script = oracle::random_script(seed);
    if (!can_share(script.config.windows)) continue;
    make_plain(script.config.windows);
    if (comparison.agrees_when_shared(script, others)) {
      others = script.config.windows;
      continue;
    }
    const auto fails = [&](const oracle::Script& candidate) {
      return !comparison.agrees_when_shared(candidate, others);
    };
    const oracle::Script shrunk = oracle::shrink(script, fails);
    oracle::Config shown;
    shown.windows = others;
    FAIL("sharing panes changes rows\n" + oracle::to_text(shrunk) + "others:\n" + oracle::to_text(shown) +
         comparison.differences_when_shared(shrunk, others));
  }
}

TEST_CASE("a pipeline that is restored from a snapshot after every step gives the same as the oracle") {
  constexpr std::array modes{rig::Mode::restored};
  const std::uint64_t first = setting("WEIR_SEED", 0);
  const std::uint64_t end = first + number_of_scripts() / 40;
  rig::Comparison comparison;
  oracle::Script script;
  for (std::uint64_t seed = first; seed < end; ++seed) {
    oracle::random_script(seed, script);
    if (comparison.agrees(script, modes)) continue;
    const auto fails = [&](const oracle::Script& candidate) { return !comparison.agrees(candidate, modes); };
    const oracle::Script shrunk = oracle::shrink(script, fails);
    FAIL("seed " << seed << ": snapshots change what comes out\n"
                 << oracle::to_text(shrunk) << comparison.differences(shrunk, modes));
  }
}

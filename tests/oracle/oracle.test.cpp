#include "comparison.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include <weir/testing/oracle.hpp>
#include <weir/testing/script.hpp>

#include "catch.hpp"

// Random scripts through weir and through the oracle. WEIR_SCRIPTS sets how many (default 1,000,000; 100,000,000 for a
// release), WEIR_SEED the first seed, WEIR_THREADS how many threads; every script has a pipeline of its own.

namespace {

namespace oracle = weir::testing::oracle;

constexpr double least_reached_per_script = 0.01;

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr || *text == '\0' ? otherwise : std::strtoull(text, nullptr, 10);
}

/// The seeds of one thread: first, first + step, ...
class Worker {
 public:
  void run(std::uint64_t first, std::uint64_t end, std::uint64_t step, std::atomic<bool>& has_failed) {
    oracle::Script script;
    for (std::uint64_t seed = first; seed < end && !has_failed.load(std::memory_order_relaxed); seed += step) {
      oracle::random_script(seed, script);
      if (comparison_.agrees(script)) continue;
      has_failed = true;
      failure_ = explain(script);
    }
  }
  [[nodiscard]] const std::string& failure() const { return failure_; }
  [[nodiscard]] const oracle::Reached& reached() const { return comparison_.reached(); }

 private:
  static std::string explain(const oracle::Script& script) {
    rig::Comparison comparison;
    const oracle::Script shrunk =
        oracle::shrink(script, [&](const oracle::Script& candidate) { return !comparison.agrees(candidate); });
    return oracle::to_text(shrunk) + comparison.differences(shrunk);
  }

  rig::Comparison comparison_;
  std::string failure_;
};

/// Prints how often each rare rule was reached; the rules that were not reached often enough.
std::string print_reached(const std::vector<Worker>& workers, std::uint64_t scripts) {
  std::string too_rare;
  for (std::size_t rule = 0; rule < oracle::rare_rules; ++rule) {
    std::uint64_t count = 0;
    for (const Worker& worker : workers) count += worker.reached()[rule];
    const char* name = oracle::name(static_cast<oracle::Rare>(rule));
    std::printf("  %12llu  %s\n", static_cast<unsigned long long>(count), name);
    if (static_cast<double>(count) < least_reached_per_script * static_cast<double>(scripts)) {
      too_rare += std::string(name) + "; ";
    }
  }
  return too_rare;
}

}  // namespace

TEST_CASE("random scripts give the same rows, notices and counters as the oracle") {
  const std::uint64_t scripts = setting("WEIR_SCRIPTS", 1'000'000);
  const std::uint64_t first = setting("WEIR_SEED", 0);
  const std::uint64_t threads = std::max<std::uint64_t>(1, setting("WEIR_THREADS", 2));
  std::vector<Worker> workers(threads);
  std::atomic<bool> has_failed{false};
  const auto start = std::chrono::steady_clock::now();
  {
    std::vector<std::thread> running;
    for (std::uint64_t i = 0; i < threads; ++i) {
      running.emplace_back([&, i] { workers[i].run(first + i, first + scripts, threads, has_failed); });
    }
    for (std::thread& one : running) one.join();
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  for (const Worker& worker : workers) {
    if (!worker.failure().empty()) FAIL("weir and the oracle differ\n" + worker.failure());
  }
  std::printf("%llu scripts from seed %llu, 2 runs each: %.1f s, %.0f scripts/s on %llu threads; rare rules reached:\n",
              static_cast<unsigned long long>(scripts), static_cast<unsigned long long>(first), seconds,
              static_cast<double>(scripts) / seconds, static_cast<unsigned long long>(threads));
  const std::string too_rare = print_reached(workers, scripts);
  std::fflush(stdout);
  INFO("not reached often enough (" << least_reached_per_script << " per script): " << too_rare);
  CHECK((scripts < 10'000 || too_rare.empty()));
}

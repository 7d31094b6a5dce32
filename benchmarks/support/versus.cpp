#include "support/versus.hpp"

#include <array>
#include <cstdlib>
#include <optional>
#include <sstream>
#include <string_view>

#include <benchmark/benchmark.h>

#include "support/canary.hpp"

namespace bench {
namespace {

/// How a run is cut; `run.sh` sets these.
struct Plan {
  bool is_quick = std::getenv("WEIR_BENCH_QUICK") != nullptr;
  bool is_full = std::getenv("WEIR_BENCH_FULL") != nullptr;
  std::string only = text("WEIR_BENCH_ONLY");  ///< ours, limit or naive: for a profiler
  double deadline = seconds("WEIR_BENCH_SECONDS") > 0 ? wall_seconds() + seconds("WEIR_BENCH_SECONDS")
                                                      : 1e300;

  std::size_t records(std::uint32_t keys) const {
    if (is_quick) return std::size_t{1} << 20;
    return std::size_t{1} << (keys > 1'000'000 ? 24 : 22);
  }
  int rounds() const { return 3; }
  /// A repetition stops after the round in which this is over.
  double slice() const { return is_quick ? 0.5 : 10.0; }

 private:
  static std::string text(const char* name) {
    const char* const value = std::getenv(name);
    return value == nullptr ? "" : value;
  }
  static double seconds(const char* name) { return std::atof(text(name).c_str()); }
};

const Plan& plan() {
  static const Plan instance;
  return instance;
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::string described(const Tally& tally) {
  std::ostringstream out;
  out << tally.rows << " rows, counts " << tally.records << ", values " << tally.values << ", fingerprint "
      << tally.fingerprint;
  return out.str();
}

/// A side of a match while it runs.
struct Side {
  const char* name;
  Contender* contender;
  std::vector<double> ns;  ///< per item, by round
};

/// Empty when all sides said the same and nothing was lost.
std::string disagreement(const Match& match, const std::vector<Side>& sides, int passes) {
  const Tally first = sides.front().contender->finish();
  const std::uint64_t expected = match.counted_per_pass * static_cast<std::uint64_t>(passes);
  if (expected != 0 && first.records != expected) {
    return std::string{sides.front().name} + " emitted " + described(first) + ", expected counts " +
           std::to_string(expected);
  }
  for (std::size_t i = 1; match.compares_rows && i < sides.size(); ++i) {
    const Tally tally = sides[i].contender->finish();
    if (!(tally == first)) {
      return std::string{sides[i].name} + " emitted " + described(tally) + ", but " + sides.front().name +
             " " + described(first);
    }
  }
  return "";
}

double paired_ratio(const std::vector<double>& above, const std::vector<double>& below) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < std::min(above.size(), below.size()); ++i) {
    ratios.push_back(above[i] / below[i]);
  }
  return median(std::move(ratios));
}

bool judges_naive(const Case& entry, const Setting& setting) {
  return entry.beats_naive_from != 0 && setting.keys >= entry.beats_naive_from;
}

void run(benchmark::State& state, const Case& entry, const Setting& setting) {
  static int sequence = 0;
  for (auto _ : state) {
    if (wall_seconds() > plan().deadline) {
      state.SkipWithError("out of time");
      return;
    }
    const double compute_before = canary_compute();
    const double random_before = canary_random_update();

    Match match = entry.set_up(setting);
    std::vector<Side> sides;
    for (Side side :
         {Side{"ours", &match.ours, {}}, Side{"limit", &match.limit, {}}, Side{"naive", &match.naive, {}}}) {
      bool is_wanted = plan().only.empty() || plan().only == side.name;
      // A quick run has no time for what it does not judge.
      if (plan().is_quick && side.contender == &match.naive) is_wanted &= judges_naive(entry, setting);
      if (*side.contender && is_wanted) sides.push_back(std::move(side));
    }
    if (sides.empty()) {
      state.SkipWithError("no such contender");
      return;
    }
    // The stream moves on once a round; for the other sides it is only rewritten, so that each of them finds
    // the events, and not its own state, in the caches.
    int passes = 0;
    const auto round = [&](bool is_measured) {
      for (std::size_t i = 0; i < sides.size(); ++i) {
        Side& side = sides[(i + static_cast<std::size_t>(passes)) % sides.size()];
        match.move_on(i == 0 ? 1 : 0);
        const double seconds = side.contender->pass();
        if (is_measured) side.ns.push_back(seconds / match.items * 1e9);
      }
      ++passes;
    };
    for (int i = 0; i < match.warm_up; ++i) round(false);
    const double start = wall_seconds();
    double measured = 0;
    for (int i = 0; i < plan().rounds(); ++i) {
      round(true);
      measured = wall_seconds() - start;
      if (measured > plan().slice()) break;
    }
    state.SetIterationTime(measured);

    if (const std::string wrong = disagreement(match, sides, passes); !wrong.empty()) {
      state.SkipWithError(("wrong result: " + wrong).c_str());
      return;
    }
    auto& counters = state.counters;
    for (const Side& side : sides) counters[std::string{side.name} + "_ns"] = median(side.ns);
    const auto side_of = [&](std::string_view name) -> const Side* {
      for (const Side& side : sides) {
        if (name == side.name) return &side;
      }
      return nullptr;
    };
    const Side* const ours = side_of("ours");
    const Side* const limit = side_of("limit");
    const Side* const naive = side_of("naive");
    if (ours && limit) counters["ratio"] = paired_ratio(ours->ns, limit->ns);
    if (ours && naive) counters["naive_ratio"] = paired_ratio(ours->ns, naive->ns);
    if (naive && limit) counters["naive_to_limit"] = paired_ratio(naive->ns, limit->ns);
    if (entry.required > 0) counters["required"] = entry.required;
    if (entry.required_ns > 0) counters["required_ns"] = entry.required_ns;
    if (judges_naive(entry, setting)) counters["required_naive"] = 1.0;
    counters["canary_compute_before"] = compute_before;
    counters["canary_compute_after"] = canary_compute();
    counters["canary_random_before"] = random_before;
    counters["canary_random_after"] = canary_random_update();
    counters["sequence"] = ++sequence;
  }
}

}  // namespace

bool add(Case entry) {
  static const bool has_context = [] {
#if defined(__clang__)
    benchmark::AddCustomContext("compiler", "clang++ " __clang_version__);
#else
    benchmark::AddCustomContext("compiler", "g++ " __VERSION__);
#endif
    return true;
  }();
  static_cast<void>(has_context);
  std::vector<std::uint32_t> keys = entry.keys;
  if (entry.also_1e7 && plan().is_full) keys.push_back(10'000'000);
  for (const std::uint32_t count : keys) {
    for (const Dist dist : entry.dists) {
      if (plan().is_quick && dist != entry.dists.front()) continue;
      if (count > 1'000'000 && dist != Dist::uniform) continue;
      const Setting setting{.keys = count, .dist = dist, .records = plan().records(count)};
      Case one = entry;
      if (count > 1'000'000) one.required = 0;  // reported only
      const std::string name = entry.suite + "/" + entry.name + "/keys:" + std::to_string(count) +
                               "/dist:" + name_of(dist) + "/api:" + entry.api + "/against:" + entry.against;
      benchmark::RegisterBenchmark(name.c_str(),
                                   [one, setting](benchmark::State& state) { run(state, one, setting); })
          ->Iterations(1)
          ->UseManualTime()
          ->Unit(benchmark::kMillisecond);
    }
  }
  return true;
}

}  // namespace bench

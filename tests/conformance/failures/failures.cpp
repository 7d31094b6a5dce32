#include "failures.hpp"

#include <algorithm>
#include <iterator>
#include <new>

#include "../../reliability/heap.hpp"
#include "../metamorphic.hpp"
#include "breaking.hpp"

namespace conformance {
namespace {

constexpr std::uint64_t least_allocations = 20;  // building a pipeline alone takes more

/// A script, and what it does when nothing fails.
struct Play {
  const Case& script;
  Setup setup;
  Run whole;
  std::uint64_t allocations = 0;
  std::uint64_t callbacks = 0;
};

bool came_through_a_sink(const Emission& emission) {
  return emission.kind == Emission::Kind::row || emission.kind == Emission::Kind::late;
}

/// Whether the step makes a call that a poisoned pipeline can refuse.
bool makes_a_call(const Step& step) {
  return step.action != Step::Action::snapshot_restore && step.action != Step::Action::tick;
}

std::uint64_t records_taken(const weir::Pipeline& pipeline) {
  std::uint64_t taken = 0;
  for (const std::string& name : pipeline.names()) taken += pipeline.stats(name).ingested;
  return taken;
}

std::string at_step(std::size_t index, const char* what) {
  return "step " + std::to_string(index + 1) + ": " + what;
}

/// What is wrong with the status of a pipeline in which a call threw; empty: nothing.
std::string wrong_with(const absl::Status& reason) {
  const bool is_clear = reason.code() == absl::StatusCode::kFailedPrecondition &&
                        reason.message().find("poisoned") != std::string_view::npos &&
                        reason.message().find("build a new pipeline") != std::string_view::npos;
  return is_clear ? "" : "after a call that threw the status is " + reason.ToString();
}

/// What is wrong with a pipeline in which a call threw in the step after those of `done`; empty: nothing.
std::string wrong_after(const Play& play, Subject& subject, const Breaking& host, const Run& done) {
  const weir::Pipeline& pipeline = *subject.pipeline();
  if (std::string wrong = wrong_with(pipeline.status()); !wrong.empty()) return wrong;
  const std::size_t broken = done.steps.size();
  if (broken == play.script.steps.size()) return "a question alone poisoned the pipeline";
  if (!std::equal(done.steps.begin(), done.steps.end(), play.whole.steps.begin())) {
    return at_step(broken, "what came out before is wrong");
  }
  const std::uint64_t callbacks = host.callbacks();
  const std::uint64_t taken = records_taken(pipeline);
  for (std::size_t i = broken; i < play.script.steps.size(); ++i) {
    const Outcome later = subject.apply(play.script.steps[i]);
    if (makes_a_call(play.script.steps[i]) && later.error.empty()) return at_step(i, "was not refused");
    // The broken step had no chance to hand over what came out of it, so the next one does.
    std::vector<Emission> rows;
    std::copy_if(later.emissions.begin(), later.emissions.end(), std::back_inserter(rows),
                 came_through_a_sink);
    const std::vector<Emission>& expected = play.whole.steps[broken].emissions;
    const bool is_prefix =
        rows.size() <= expected.size() && std::equal(rows.begin(), rows.end(), expected.begin());
    if (i == broken ? !is_prefix : !rows.empty()) return at_step(i, "what came out is wrong");
  }
  if (host.callbacks() != callbacks || records_taken(pipeline) != taken) {
    return "the poisoned pipeline took a call";
  }
  return pipeline.text().empty() ? "the poisoned pipeline has no picture" : "";
}

/// What is wrong when the script is played in this host; empty: nothing.
std::string wrong_with(const Play& play, Breaking& host) {
  Setup setup = play.setup;
  setup.host = &host;
  const Built built = build(play.script, setup);
  if (built.subject == nullptr) return "build() has failed for good: " + built.error;
  Run done;
  bool has_thrown = false;
  try {
    conformance::play(play.script, *built.subject, done);
  } catch (const std::bad_alloc&) { has_thrown = true; } catch (const Thrown&) {
    has_thrown = true;
  }
  if (!host.has_failed()) return "nothing has failed";
  if (has_thrown) return wrong_after(play, *built.subject, host, done);
  return done == play.whole ? "" : "a failure without a poisoned pipeline has changed what comes out";
}

const char* text_of(Fault fault) {
  switch (fault) {
    case Fault::allocation:
      return "allocation ";
    case Fault::memory:
      return "every allocation from ";
    case Fault::callback:
      break;
  }
  return "callback ";
}

/// The same with the fault at `most` points or all. Counts them in `tried`.
std::string wrong_with(const Play& play, Fault fault, std::uint64_t most, std::uint64_t& tried) {
  const std::uint64_t points = fault == Fault::callback ? play.callbacks : play.allocations;
  for (std::uint64_t at = 0; at < points; at += 1 + (points - 1) / most) {
    ++tried;
    const std::int64_t before = heap::live();
    std::string wrong;
    {
      Breaking host(fault, at);
      wrong = wrong_with(play, host);
    }
    if (wrong.empty() && heap::live() == before) continue;
    if (wrong.empty()) wrong = std::to_string(heap::live() - before) + " allocations leaked";
    return text_of(fault) + std::to_string(at) + ": " + wrong;
  }
  return {};
}

Play play_whole(const Case& script, Setup setup) {
  Breaking host(Fault::allocation, never);
  setup.host = &host;
  Play play{.script = script, .setup = setup, .whole = run(script, setup)};
  play.allocations = host.allocations();
  play.callbacks = host.callbacks();
  return play;
}

std::string wrong_with(const Play& play, std::uint64_t most, std::uint64_t& tried) {
  if (play.allocations < least_allocations) return "fewer allocations than building a pipeline takes";
  std::size_t rows = 0;
  for (const Outcome& step : play.whole.steps) {
    rows += static_cast<std::size_t>(
        std::count_if(step.emissions.begin(), step.emissions.end(), came_through_a_sink));
  }
  if (play.callbacks < rows) return "fewer callbacks than rows";
  for (const Fault fault : {Fault::allocation, Fault::memory, Fault::callback}) {
    if (std::string wrong = wrong_with(play, fault, most, tried); !wrong.empty()) return wrong;
  }
  return {};
}

}  // namespace

namespace {

constexpr std::uint64_t most_of_rebuilt = 50;  // of each kind in each script

}  // namespace

Verdict judge_failures(const Case& base, std::uint64_t most) {
  const Play whole = play_whole(base, {});
  Verdict verdict = judge(base, whole.whole);
  if (verdict.result == Result::fail) return verdict;
  std::uint64_t tried = 0;
  std::string wrong = wrong_with(whole, most, tried);
  for (const Variant& variant : variants_of(base, whole.whole)) {
    if (!wrong.empty()) break;
    // A pipeline is built and restored at each step of some: the points at which that can fail are many and alike.
    const std::uint64_t points = variant.rebuilds ? std::min(most, most_of_rebuilt) : most;
    wrong = wrong_with(play_whole(variant.script, variant.setup), points, tried);
    if (!wrong.empty()) wrong.insert(0, variant.rule + ": ");
  }
  if (!wrong.empty()) return {.result = Result::fail, .why = wrong, .unchecked = verdict.unchecked};
  verdict.why = std::to_string(tried) + " failures";
  return verdict;
}

}  // namespace conformance

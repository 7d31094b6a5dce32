#include "runner.hpp"

#include "emission.hpp"

namespace conformance {
namespace {

std::string count_text(const char* what, std::uint64_t expected, std::uint64_t actual) {
  return std::string(what) + ": expected " + std::to_string(expected) + ", actual " + std::to_string(actual);
}

/// What is wrong with one step; empty: nothing. Checks that cannot be made are added to `unchecked`.
std::string wrong_with(const Step& step, const Outcome& outcome, std::uint64_t& unchecked) {
  unchecked += step.unknown_checks;
  if (!outcome.error.empty()) return outcome.error;
  if (outcome.rejected != step.reject) {
    return std::string("the event: expected ") + (step.reject ? "rejected" : "taken") + ", actual " +
           (outcome.rejected ? "rejected" : "taken");
  }
  if (!same_multiset(step.emit, outcome.emissions)) {
    return "expected " + to_text(step.emit) + ", actual " + to_text(outcome.emissions);
  }
  if (!step.live_windows) return {};
  if (!outcome.live_windows) {
    ++unchecked;
    return {};
  }
  if (*step.live_windows == *outcome.live_windows) return {};
  return count_text("live_windows", *step.live_windows, *outcome.live_windows);
}

std::string wrong_at_the_end(const Final& final, const Run& done, std::uint64_t& unchecked) {
  unchecked += final.unknown_checks;
  if (final.late_dropped) {
    if (!done.late_dropped)
      ++unchecked;
    else if (*final.late_dropped != *done.late_dropped) {
      return count_text("late_dropped", *final.late_dropped, *done.late_dropped);
    }
  }
  if (final.live_windows) {
    const std::optional<std::uint64_t> live =
        done.steps.empty() ? std::optional<std::uint64_t>(0) : done.steps.back().live_windows;
    if (!live)
      ++unchecked;
    else if (*final.live_windows != *live)
      return count_text("live_windows", *final.live_windows, *live);
  }
  return {};
}

}  // namespace

Built build(const Case& conformance_case, Setup setup) {
  const std::string& type = conformance_case.op.type;
  if (type == "window" || type == "count_window") return build_windows(conformance_case, setup);
  if (type == "watermark_generator") return build_generator(conformance_case, setup);
  if (type == "watermark_merge") return build_merge(conformance_case, setup);
  if (type == "dedup") return build_dedup(conformance_case, setup);
  if (type == "ttl_state") return build_ttl_state(conformance_case, setup);
  return {nullptr, "operator \"" + type + "\" is not known"};
}

void play(const Case& conformance_case, Subject& subject, Run& done) {
  for (const Step& step : conformance_case.steps) done.steps.push_back(subject.apply(step));
  done.late_dropped = subject.late_dropped();
  done.error = subject.accounting_error();
}

Run run(const Case& conformance_case, Setup setup) {
  Run done;
  const Built built = build(conformance_case, setup);
  if (built.subject == nullptr) {
    done.error = built.error;
    return done;
  }
  play(conformance_case, *built.subject, done);
  return done;
}

Verdict judge(const Case& conformance_case, const Run& done) {
  Verdict verdict;
  for (std::size_t i = 0; i < done.steps.size(); ++i) {
    const std::string wrong = wrong_with(conformance_case.steps[i], done.steps[i], verdict.unchecked);
    if (wrong.empty()) continue;
    verdict.result = Result::fail;
    verdict.why = "step " + std::to_string(i + 1) + ": " + wrong;
    return verdict;
  }
  verdict.why =
      done.error.empty() ? wrong_at_the_end(conformance_case.final, done, verdict.unchecked) : done.error;
  if (!verdict.why.empty()) {
    verdict.result = Result::fail;
    verdict.why = (done.error.empty() ? "final: " : "") + verdict.why;
  }
  return verdict;
}

}  // namespace conformance

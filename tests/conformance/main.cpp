#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "corpus.hpp"
#include "isolate.hpp"
#include "metamorphic.hpp"
#include "report.hpp"
#include "runner.hpp"

/// \file
/// The conformance runner's command line.

namespace conformance {
namespace {

constexpr int exit_passed = 0;
constexpr int exit_failed = 1;
constexpr int exit_unusable = 2;

constexpr const char* usage =
    "usage: conformance [--json FILE] [--metamorphic] [--all-must-fail] "
    "[--one-process] DIR...\n"
    "  --json FILE          writes totals and one entry per case\n"
    "  --metamorphic        also runs each case's variants: finer watermarks, reordered, batched, shifted, "
    "doubled, split, "
    "with snapshots\n"
    "  --all-must-fail      passes only if every case fails; for cases that are wrong on purpose\n"
    "  --one-process        no process per case; for debuggers\n";

struct Options {
  std::optional<std::string> json;
  bool metamorphic = false;
  bool all_must_fail = false;
  bool one_process = false;
  Corpus corpus;
};

std::optional<Options> parse(int count, char** arguments) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string_view word = arguments[i];
    if (word == "--json") {
      if (++i == count) return std::nullopt;
      options.json = arguments[i];
    } else if (word == "--metamorphic") {
      options.metamorphic = true;
    } else if (word == "--all-must-fail") {
      options.all_must_fail = true;
    } else if (word == "--one-process") {
      options.one_process = true;
    } else if (word.starts_with("-")) {
      return std::nullopt;
    } else {
      options.corpus.places.emplace_back(word);
    }
  }
  return options.corpus.places.empty() ? std::nullopt : std::optional(std::move(options));
}

Verdict judge_case(const Case& read, const Options& options) {
  const auto judge_it = [&] { return options.metamorphic ? judge_variants(read) : judge(read, run(read)); };
  return options.one_process ? judge_it() : in_own_process(judge_it);
}

int run_all(const Options& options) {
  Report report;
  if (!judge_all(
          options.corpus, [&](const Case& read) { return judge_case(read, options); }, report)) {
    return exit_unusable;
  }
  if (options.json && !report.write_json(*options.json)) {
    std::fprintf(stderr, "conformance: cannot write %s\n", options.json->c_str());
    return exit_unusable;
  }
  if (options.all_must_fail) return report.has_only_failures() ? exit_passed : exit_failed;
  return report.has_failures() ? exit_failed : exit_passed;
}

}  // namespace
}  // namespace conformance

int main(int count, char** arguments) {
  const std::optional<conformance::Options> options = conformance::parse(count, arguments);
  if (options) return conformance::run_all(*options);
  std::fputs(conformance::usage, stderr);
  return conformance::exit_unusable;
}

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <optional>
#include <string_view>

#include "isolate.hpp"
#include "metamorphic.hpp"
#include "reader.hpp"
#include "report.hpp"
#include "runner.hpp"
#include "tags.hpp"

/// \file
/// The conformance runner's command line.

namespace conformance {
namespace {

namespace fs = std::filesystem;

constexpr int exit_passed = 0;
constexpr int exit_failed = 1;
constexpr int exit_unusable = 2;

constexpr const char* usage =
    "usage: conformance [--json FILE] [--without-snapshots] [--metamorphic] [--all-must-fail] "
    "[--one-process] DIR...\n"
    "  --json FILE          writes totals and one entry per case\n"
    "  --without-snapshots  also runs the cases that only snapshots keep out, with their snapshot steps left "
    "out\n"
    "  --metamorphic        also runs each case's variants: finer watermarks, reordered, batched, shifted, "
    "doubled, split\n"
    "  --all-must-fail      passes only if every case fails; for cases that are wrong on purpose\n"
    "  --one-process        no process per case; for debuggers\n";

struct Options {
  std::optional<std::string> json;
  bool without_snapshots = false;
  bool metamorphic = false;
  bool all_must_fail = false;
  bool one_process = false;
  std::vector<fs::path> places;
};

std::optional<Options> parse(int count, char** arguments) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string_view word = arguments[i];
    if (word == "--json") {
      if (++i == count) return std::nullopt;
      options.json = arguments[i];
    } else if (word == "--without-snapshots") {
      options.without_snapshots = true;
    } else if (word == "--metamorphic") {
      options.metamorphic = true;
    } else if (word == "--all-must-fail") {
      options.all_must_fail = true;
    } else if (word == "--one-process") {
      options.one_process = true;
    } else if (word.starts_with("-")) {
      return std::nullopt;
    } else {
      options.places.emplace_back(word);
    }
  }
  return options.places.empty() ? std::nullopt : std::optional(std::move(options));
}

struct Found {
  fs::path file;
  std::string fallback_id;  ///< the path below the directory it was found in, without .json
};

/// The JSON files below `place`, or the file itself, by name. False if there is no such place.
bool find_files(const fs::path& place, std::vector<Found>& out) {
  std::error_code error;
  if (fs::is_regular_file(place, error)) {
    out.push_back({place, place.stem().string()});
    return true;
  }
  std::vector<Found> found;
  for (fs::recursive_directory_iterator at(place, fs::directory_options::follow_directory_symlink, error),
       end;
       !error && at != end; at.increment(error)) {
    if (at->path().extension() != ".json" || !at->is_regular_file(error)) continue;
    found.push_back({at->path(), at->path().lexically_relative(place).replace_extension().generic_string()});
  }
  std::sort(found.begin(), found.end(),
            [](const Found& a, const Found& b) { return a.fallback_id < b.fallback_id; });
  out.insert(out.end(), found.begin(), found.end());
  return !error;
}

Verdict judge_case(const Case& read, const Options& options) {
  const auto judge_it = [&] { return options.metamorphic ? judge_variants(read) : judge(read, run(read)); };
  return options.one_process ? judge_it() : in_own_process(judge_it);
}

bool has_named_snapshots(const Case& read) {
  return std::any_of(read.steps.begin(), read.steps.end(),
                     [](const Step& step) { return step.action == Step::Action::named_snapshot; });
}

void run_file(const Found& found, const Options& options, Report& report) {
  CaseFile file(found.file);
  if (!file.error().empty())
    return report.add(found.fallback_id, {.result = Result::fail, .why = file.error()});
  if (!file.is_case()) return;
  Case read = file.head(found.fallback_id);
  const std::vector<std::string> missing = missing_tags(read.features);
  std::string why;
  for (const std::string& tag : missing) why += (why.empty() ? "missing tags: " : ", ") + tag;
  if (!missing.empty() && !(options.without_snapshots && only_snapshots_missing(missing))) {
    return report.add(read.id, {.result = Result::skip, .why = why});
  }
  file.read_body(read);
  if (!file.error().empty()) return report.add(read.id, {.result = Result::fail, .why = file.error()});
  if (missing.empty()) return report.add(read.id, judge_case(read, options));
  if (has_named_snapshots(read)) return report.add(read.id, {.result = Result::skip, .why = why});
  report.add_without_snapshots(read.id, why, judge_case(read, options));
}

int run_all(const Options& options) {
  std::vector<Found> files;
  for (const fs::path& place : options.places) {
    if (find_files(place, files)) continue;
    std::fprintf(stderr, "conformance: cannot read %s\n", place.string().c_str());
    return exit_unusable;
  }
  Report report;
  for (const Found& found : files) run_file(found, options, report);
  report.print_totals();
  if (options.json && !report.write_json(*options.json)) {
    std::fprintf(stderr, "conformance: cannot write %s\n", options.json->c_str());
    return exit_unusable;
  }
  if (report.size() == 0) {
    std::fprintf(stderr, "conformance: no cases found\n");
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

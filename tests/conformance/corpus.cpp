#include "corpus.hpp"

#include <algorithm>
#include <cstdio>

#include "reader.hpp"
#include "tags.hpp"

namespace conformance {
namespace {

namespace fs = std::filesystem;

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

void judge_file(const Found& found, const Judge& judge_it, Report& report) {
  CaseFile file(found.file);
  if (!file.error().empty())
    return report.add(found.fallback_id, {.result = Result::fail, .why = file.error()});
  if (!file.is_case()) return;
  Case read = file.head(found.fallback_id);
  const std::vector<std::string> missing = missing_tags(read.features);
  std::string why;
  for (const std::string& tag : missing) why += (why.empty() ? "missing tags: " : ", ") + tag;
  if (!missing.empty()) return report.add(read.id, {.result = Result::skip, .why = why});
  file.read_body(read);
  if (!file.error().empty()) return report.add(read.id, {.result = Result::fail, .why = file.error()});
  report.add(read.id, judge_it(read));
}

}  // namespace

bool judge_all(const Corpus& corpus, const Judge& judge_it, Report& report) {
  std::vector<Found> files;
  for (const fs::path& place : corpus.places) {
    if (find_files(place, files)) continue;
    std::fprintf(stderr, "conformance: cannot read %s\n", place.string().c_str());
    return false;
  }
  for (const Found& found : files) judge_file(found, judge_it, report);
  report.print_totals();
  if (report.size() == 0) std::fprintf(stderr, "conformance: no cases found\n");
  return report.size() != 0;
}

}  // namespace conformance

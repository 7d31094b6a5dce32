// Three web server logs: visits by several gaps, the most visited pages, what the servers answered.
#include <cstdio>
#include <span>
#include <string>
#include <vector>

#include "accounting.hpp"
#include "data.hpp"
#include "golden.hpp"
#include "replay.hpp"
#include "visits.hpp"

namespace {

using support::grouped;

/// What the data's README says of the visits with one gap.
struct ExpectedVisits {
  weir::Duration gap;
  std::int64_t count, largest, singletons;
};

struct Log {
  std::string name;
  std::string file;
  weir::Duration disorder;
  std::int64_t bytes, without_bytes, paths, answered_200;
  std::vector<ExpectedVisits> visits;
};

/// The clocks show seconds, and a pause of exactly the gap still joins: the watermark stays a second behind
/// the disorder that the README states (0 s and 59 s), so that a tie can come after it.
std::vector<Log> logs() {
  return {
      {"NASA, July 1995", "nasa_1995_07.csv.gz", 1s, 246'472'942, 0, 1'165, 9'012,
       {{60s, 2'647, 36, 1'024}, {300s, 1'387, 90, 245}, {1800s, 1'004, 118, 104}}},
      {"NASA, August 1995", "nasa_1995_08.csv.gz", 1s, 179'517'299, 0, 1'323, 9'046,
       {{60s, 2'212, 96, 758}, {300s, 1'267, 116, 252}, {1800s, 950, 143, 118}}},
      {"semicomplete, May 2015", "semicomplete_2015_05.jsonl.gz", 60s, 2'747'282'740, 669, 1'498, 9'126,
       {{60s, 3'052, 108, 1'607},
        {300s, 3'052, 108, 1'607},
        {1800s, 3'052, 108, 1'607},
        {7200s, 2'308, 482, 1'146}}},
  };
}

LogReport report_for(const Log& log) {
  LogReport report;
  for (const ExpectedVisits& expected : log.visits) report.by_gap.push_back({.gap = expected.gap});
  return report;
}

absl::StatusOr<std::vector<Hit>> load(const std::string& file) {
  return file.ends_with(".jsonl.gz") ? load_json_hits(file) : load_csv_hits(file);
}

void print_visits(const LogReport& report) {
  support::Table table("Visits, by the pause that ends one",
                       {"gap", "visits", "pages a visit", "of one page", "with an error", "most pages",
                        "longest"});
  for (const Visits& visits : report.by_gap) {
    table.add({support::length(visits.gap),
               grouped(visits.count),
               support::ratio(visits.pages, visits.count, 1),
               support::percent(visits.singletons, visits.count, 1),
               support::percent(visits.failing, visits.count, 1),
               grouped(visits.largest),
               support::length(visits.longest)});
  }
  table.print();
}

void print_traffic(const LogReport& report) {
  support::Table pages("Most visited", {"path", "hits", "bytes"});
  for (const PathRow& row : report.pages.top(5)) {
    pages.add({row.key.substr(0, 60), grouped(row.value.hits), grouped(row.value.bytes)});
  }
  pages.print();
}

void check(const Log& log, const LogReport& report, support::Golden& golden) {
  std::int64_t bytes = 0, answered_200 = 0;
  for (const StatusRow& row : report.statuses) {
    bytes += row.value.bytes;
    if (row.key == 200) answered_200 = row.value.hits;
  }
  golden.check(log.name + ", bytes", bytes, log.bytes);
  golden.check(log.name + ", paths", report.paths, log.paths);
  golden.check(log.name + ", answers 200", answered_200, log.answered_200);
  for (std::size_t at = 0; at < log.visits.size(); ++at) {
    const std::string visits = log.name + ", gap " + support::length(log.visits[at].gap);
    golden.check(visits + ", visits", report.by_gap[at].count, log.visits[at].count);
    golden.check(visits + ", largest", report.by_gap[at].largest, log.visits[at].largest);
    golden.check(visits + ", of one page", report.by_gap[at].singletons, log.visits[at].singletons);
  }
}

absl::Status replay(const Log& log, std::span<const Hit> hits, bool is_first, support::Golden& golden) {
  LogReport report = report_for(log), singly = report_for(log);
  auto batches = build_visits(log.disorder, report);
  auto single = build_visits(log.disorder, singly);
  if (!batches.ok()) return batches.status();
  if (!single.ok()) return single.status();
  if (is_first) std::printf("%s", batches->pipeline.text().c_str());

  std::printf("\n=== %s: %s requests\n", log.name.c_str(), grouped(hits.size()).c_str());
  const double seconds = support::replay_in_batches(batches->pipeline, batches->hits, hits);
  print_visits(report);
  print_traffic(report);
  support::print_accounting(batches->pipeline, golden, {"hits", "visits_60s", "visits_1800s"});
  const weir::LatencyHistogram pushes = support::replay_one_by_one(single->pipeline, single->hits, hits);
  support::print_speed(hits.size(), seconds, pushes);
  check(log, report, golden);
  check(log, singly, golden);
  const weir::FeatureStats& bytes = batches->pipeline.stats("statuses").features[1];
  golden.check(log.name + ", answers that do not say their bytes", bytes.missing, log.without_bytes);
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  support::Golden golden;
  bool is_first = true;
  for (const Log& log : logs()) {
    const auto hits = load(support::data_file(argc, argv, "web-logs/" + log.file));
    if (!hits.ok()) return support::fail(hits.status());
    const absl::Status status = replay(log, *hits, is_first, golden);
    if (!status.ok()) return support::fail(status);
    is_first = false;
  }
  return golden.exit_code();
}

#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <weir/weir.hpp>

#include "best.hpp"
#include "hit.hpp"

using namespace std::chrono_literals;

/// One visit of a client: requests with no pause longer than the gap.
struct Visit {
  std::int64_t pages = 0;
  std::int64_t bytes = 0;
  std::int64_t errors = 0;
  weir::Duration length{};
};

struct Traffic {
  std::int64_t hits = 0;
  std::int64_t bytes = 0;
};

using VisitRow = weir::Windowed<std::uint32_t, Visit>;
using PathRow = weir::Windowed<std::string, Traffic>;
using StatusRow = weir::Windowed<std::uint16_t, Traffic>;

/// All visits that one gap makes.
struct Visits {
  weir::Duration gap{};
  std::int64_t count = 0, pages = 0, largest = 0, singletons = 0, failing = 0;
  weir::Duration longest{};

  void add(const Visit& visit) {
    ++count;
    pages += visit.pages;
    largest = std::max(largest, visit.pages);
    singletons += visit.pages == 1 ? 1 : 0;
    failing += visit.errors > 0 ? 1 : 0;
    longest = std::max(longest, visit.length);
  }
};

struct LogReport {
  std::vector<Visits> by_gap;
  std::vector<StatusRow> statuses;
  support::Best<std::string, PathRow> pages;
  std::int64_t paths = 0;
};

struct LogPipeline {
  weir::Source<Hit> hits;
  weir::Pipeline pipeline;
};

/// hits ─┬─ by client ─┬─ sessions, first gap
///       │             └─ sessions, next gap ...
///       ├─ by path ───── the whole log
///       └─ by status ─── the whole log
inline absl::StatusOr<LogPipeline> build_visits(weir::Duration disorder, LogReport& report) {
  weir::Graph graph{"web log"};
  auto hits = graph.source<Hit>("hits", {.time = &Hit::at, .watermark = weir::trailing(disorder)});
  auto clients = hits | weir::key_by(&Hit::client);

  const auto is_error = [](const Hit& hit) { return hit.status >= 400; };
  for (Visits& visits : report.by_gap) {
    const std::string name = "visits_" + std::to_string(visits.gap / 1s) + "s";
    auto sessions = clients | weir::session({.gap = visits.gap, .grace = 0s})
        | weir::aggregate<Visit>(name, weir::count()               .as(&Visit::pages),
                                       weir::sum(&Hit::bytes)      .as(&Visit::bytes),
                                       weir::count_where(is_error) .as(&Visit::errors),
                                       weir::elapsed()             .as(&Visit::length));
    sessions | weir::sink(name + "_out", [&visits](const VisitRow& row) { visits.add(row.value); });
  }

  const auto traffic = [](const char* name) {
    return weir::aggregate<Traffic>(name, weir::count()          .as(&Traffic::hits),
                                          weir::sum(&Hit::bytes) .as(&Traffic::bytes));
  };
  auto paths = hits | weir::key_by(&Hit::path) | weir::lifetime() | traffic("paths");
  auto statuses = hits | weir::key_by(&Hit::status) | weir::lifetime() | traffic("statuses");
  paths | weir::sink("paths_out", [&report](const PathRow& row) {
    ++report.paths;
    report.pages.offer(row.key, row.value.hits, row);
  });
  statuses | weir::sink("statuses_out", [&report](const StatusRow& row) { report.statuses.push_back(row); });

  absl::StatusOr<weir::Pipeline> pipeline = std::move(graph).build();
  if (!pipeline.ok()) return pipeline.status();
  return LogPipeline{hits, *std::move(pipeline)};
}

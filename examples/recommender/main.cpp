// What to offer a visitor next: pages that are trending and that the visit has not come to, ranked with what the visit is like
// so far. Everything is read at the moment of the request, before the request is booked.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "../web_sessions/hit.hpp"
#include "accounting.hpp"
#include "data.hpp"
#include "golden.hpp"
#include "table.hpp"

#include <weir/weir.hpp>

namespace {

using namespace std::chrono_literals;
using support::fixed;
using support::grouped;

/// The visit so far.
struct Visit {
  std::int64_t pages = 0;
  weir::Duration length{};
  std::vector<std::string> last_pages;
};

/// How much a page is asked for.
struct Popularity {
  std::int64_t hits_10min = 0, hits_24h = 0;
  double trend = 0;  // against the same share of the day
};

/// The busiest pages of the last closed quarter of an hour.
struct Busiest {
  std::int64_t hits = 0;
};

struct Recommender {
  weir::Graph graph;
  weir::Source<Hit> hits;
  weir::View<std::uint32_t, Visit> visit;
  weir::View<std::string, Popularity> page;
  weir::View<std::string, Busiest> quarter;
};

bool is_page(const Hit& hit) {
  return hit.status == 200 && hit.path.find(".gif") == std::string::npos && hit.path.find(".xbm") == std::string::npos;
}

Recommender build_recommender() {
  weir::Graph graph{"recommender"};
  auto hits = graph.source<Hit>("hits", {.time = &Hit::at, .watermark = weir::trailing(0s)});
  auto visit = hits | weir::key_by(&Hit::client) | weir::session({.gap = 30min, .grace = 0s}) |
               weir::aggregate<Visit>("visits", weir::count().as(&Visit::pages), weir::elapsed().as(&Visit::length),
                                      weir::last_k<3>(&Hit::path).as(&Visit::last_pages)) |
               weir::view("visit_so_far");
  auto by_page = hits | weir::filter(is_page) | weir::key_by(&Hit::path);
  auto page = by_page |
              weir::features<Popularity>(
                  "popularity",
                  weir::rolling({{.size = 10min, .precision = 1min}, {.size = 24h, .precision = 1h}})
                      .compute(weir::count().as(&Popularity::hits_10min, &Popularity::hits_24h)),
                  weir::derive(&Popularity::trend,
                               [](const Popularity& p) {
                                 return 144.0 * static_cast<double>(p.hits_10min) /
                                        static_cast<double>(std::max<std::int64_t>(1, p.hits_24h));
                               })) |
              weir::view("page_popularity");
  auto quarter = by_page | weir::tumbling({.size = 15min, .grace = 0s}) |
                 weir::aggregate<Busiest>("quarter_hours", weir::count().as(&Busiest::hits)) |
                 weir::latest({.name = "newest_quarter", .retain = 24h}) | weir::view("last_quarter");
  return {std::move(graph), hits, visit, page, quarter};
}

struct Seen {
  std::int64_t requests = 0, new_visits = 0, offers = 0, taken = 0;
};

/// The pages with the most hits in ten minutes, among those that were asked for lately.
std::vector<std::string> trending(weir::Pipeline& pipeline, const Recommender& graph, const std::set<std::string>& lately,
                                  weir::EventTime now) {
  std::vector<std::pair<double, std::string>> ranked;
  for (const std::string& path : lately) {
    const auto page = pipeline.lookup(graph.page, path, {.as_of = now});
    ranked.emplace_back(-static_cast<double>(page->hits_10min) - 0.1 * std::min(page->trend, 10.0), path);
  }
  std::sort(ranked.begin(), ranked.end());
  std::vector<std::string> pages;
  pages.reserve(ranked.size());
  for (const auto& [score, path] : ranked) pages.push_back(path);
  return pages;
}

/// What is said of a page at the end.
struct Trend {
  std::string path;
  std::int64_t hits_10min = 0, hits_24h = 0, last_quarter = 0;
  friend bool operator==(const Trend&, const Trend&) = default;
};

/// What came out, against what another program made of the same requests, step by step and without windows.
void check(const Seen& seen, const std::vector<Trend>& trends, std::int64_t golden_visits, support::Golden& golden) {
  golden.check("requests", seen.requests, 9'999);
  golden.check("visits, by requests without a visit so far", seen.new_visits, golden_visits);
  golden.check("offers", seen.offers, 9'957);
  golden.check("offers that were what the visitor asked for next", seen.taken, 198);
  const std::vector<Trend> expected = {{"/shuttle/countdown/", 13, 394, 20},
                                       {"/shuttle/missions/sts-71/images/images.html", 11, 225, 9},
                                       {"/ksc.html", 8, 131, 6},
                                       {"/shuttle/countdown/countdown.html", 5, 55, 3},
                                       {"/history/history.html", 3, 43, 3}};
  golden.check("pages that are trending", trends.size(), expected.size());
  for (std::size_t at = 0; at < std::min(trends.size(), expected.size()); ++at)
    golden.check("the row of " + expected[at].path, trends[at] == expected[at] ? 1 : 0, 1);
}

int run(std::span<const Hit> hits, std::int64_t golden_visits) {
  support::Golden golden;
  Recommender graph = build_recommender();
  auto pipeline = std::move(graph.graph).build();
  if (!pipeline.ok()) return support::fail(pipeline.status());
  std::printf("%s", pipeline->text().c_str());

  Seen seen;
  std::set<std::string> lately;
  std::vector<std::string> offered;
  weir::EventTime ranked_at = weir::no_time;
  std::map<std::uint32_t, std::string> offers;  // per visitor: what was offered last
  for (const Hit& hit : hits) {
    // One microsecond on, requests of the same second that came before count as past.
    const auto visit = pipeline->lookup(graph.visit, hit.client, {.as_of = hit.at + weir::Duration{1}});
    ++seen.requests;
    seen.new_visits += visit.status == weir::ReadStatus::missing ? 1 : 0;
    if (const auto last = offers.find(hit.client); last != offers.end()) {
      seen.taken += last->second == hit.path ? 1 : 0;
      offers.erase(last);
    }
    if (ranked_at == weir::no_time || hit.at - ranked_at >= 1min) {
      offered = trending(*pipeline, graph, lately, hit.at);
      if (offered.size() > 20) lately = {offered.begin(), offered.begin() + 20};
      ranked_at = hit.at;
    }
    for (const std::string& path : offered) {
      if (path == hit.path || std::count(visit->last_pages.begin(), visit->last_pages.end(), path) > 0) continue;
      offers[hit.client] = path;
      ++seen.offers;
      break;
    }
    if (is_page(hit)) lately.insert(hit.path);
    pipeline->push(graph.hits, hit);
  }

  support::Table table("Trending at the end", {"page", "10 min", "24 h", "trend", "last quarter"});
  const weir::EventTime end = hits.back().at + 1s;
  std::vector<Trend> trends;
  const std::vector<std::string> top = trending(*pipeline, graph, lately, end);
  for (std::size_t at = 0; at < std::min<std::size_t>(5, top.size()); ++at) {
    const auto page = pipeline->lookup(graph.page, top[at], {.as_of = end});
    const auto quarter = pipeline->lookup(graph.quarter, top[at], {.as_of = end});
    table.add({top[at], grouped(page->hits_10min), grouped(page->hits_24h), fixed(page->trend, 1), grouped(quarter->hits)});
    trends.push_back({top[at], page->hits_10min, page->hits_24h, quarter->hits});
  }
  table.print();
  std::printf("\n%s requests, %s visits, %s offers of which %s were what the visitor asked for next\n",
              grouped(seen.requests).c_str(), grouped(seen.new_visits).c_str(), grouped(seen.offers).c_str(),
              grouped(seen.taken).c_str());
  check(seen, trends, golden_visits, golden);
  golden.check("visits that closed or are open",
               static_cast<std::int64_t>(pipeline->stats("visits").emitted + pipeline->live_windows("visits")), golden_visits);
  support::print_accounting(*pipeline, golden, {"hits", "visits", "popularity", "quarter_hours", "newest_quarter"});
  return golden.exit_code();
}

}  // namespace

int main(int argc, char** argv) {
  const auto hits = load_csv_hits(support::data_file(argc, argv, "web-logs/nasa_1995_07.csv.gz"));
  if (!hits.ok()) return support::fail(hits.status());
  return run(*hits, 1'004);
}

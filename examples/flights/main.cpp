// Flights are recorded when they land, but counted in the hour they left: heavy, natural disorder.
// What does each watermark bound lose, and what does waiting cost?
//
//   flights ─── by origin ─── hours (tumbling 1 h) ─── totals
#include <cstdio>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <weir/weir.hpp>

#include "accounting.hpp"
#include "data.hpp"
#include "golden.hpp"
#include "table.hpp"
#include "flight.hpp"

using namespace std::chrono_literals;

namespace {

using support::grouped;

struct Hour {
  std::int64_t flights = 0;
  std::int64_t miles = 0;
  std::int64_t departure_delay = 0;  // minutes
  std::int64_t arrival_delay = 0;    // minutes
};

using HourRow = weir::Windowed<Airport, Hour>;

/// How long to wait, and how long to amend.
struct Trial {
  weir::Duration bound;
  weir::Duration grace;
  std::size_t channels;  // 2: a watermark for each airport, the smaller one counts
};

/// All hours added up. An amended hour takes its former row back first, so nothing is counted twice.
struct Outcome {
  std::int64_t windows = 0, amended = 0;
  std::uint64_t lost = 0;
  Hour total;

  void add(const HourRow& row) {
    const std::int64_t sign = row.pane.is_retraction ? -1 : 1;
    if (row.pane.index == 0 && !row.pane.is_retraction) ++windows;
    if (row.pane.timing == weir::Timing::late && !row.pane.is_retraction) ++amended;
    total.flights += sign * row.value.flights;
    total.miles += sign * row.value.miles;
    total.departure_delay += sign * row.value.departure_delay;
    total.arrival_delay += sign * row.value.arrival_delay;
  }
};

/// `shown`: print the picture and the accounting, and check that the books balance.
absl::StatusOr<Outcome> replay(const Trial& trial, std::span<const Flight> records, support::Golden* shown) {
  Outcome outcome;
  weir::Graph graph{"flights"};
  auto flights = graph.source<Flight>("flights", {.time = &Flight::left,
                                                  .watermark = weir::trailing(trial.bound),
                                                  .channels = trial.channels});
  auto hours = flights | weir::key_by(&Flight::origin)
      | weir::tumbling({.size = 1h, .grace = trial.grace, .panes = weir::retracting})
      | weir::aggregate<Hour>("hours",
            weir::count()                       .as(&Hour::flights),
            weir::sum(&Flight::distance)        .as(&Hour::miles),
            weir::sum(&Flight::departure_delay) .as(&Hour::departure_delay),
            weir::sum(&Flight::arrival_delay)   .as(&Hour::arrival_delay));
  hours | weir::sink("totals", [&outcome](const HourRow& row) { outcome.add(row); });

  absl::StatusOr<weir::Pipeline> pipeline = std::move(graph).build();
  if (!pipeline.ok()) return pipeline.status();
  if (shown != nullptr) std::printf("%s", pipeline->text().c_str());
  for (const Flight& flight : records) {
    pipeline->push(flights.channel(trial.channels == 1 || flight.origin == Airport::iah ? 0 : 1), flight);
  }
  if (absl::Status status = pipeline->finish(); !status.ok()) return status;
  if (shown != nullptr) support::print_accounting(*pipeline, *shown, {"flights", "hours"});
  outcome.lost = pipeline->stats("hours").late;
  return outcome;
}

support::Table::Row describe(const Trial& trial, const Outcome& outcome, std::size_t records) {
  const Hour& total = outcome.total;
  return {support::length(trial.bound),
          support::length(trial.grace),
          trial.channels == 2 ? "each airport's" : "common",
          grouped(outcome.lost),
          support::percent(outcome.lost, records, 3),
          grouped(outcome.windows),
          grouped(outcome.amended),
          support::ratio(total.miles, total.flights, 1),
          support::ratio(total.departure_delay, total.flights, 2)};
}

/// The data's README: rows that miss their hour, by bound.
struct Expected {
  weir::Duration bound;
  std::uint64_t lost;
};
constexpr Expected expected[] = {{30min, 116'257}, {60min, 75'640}, {120min, 20'735}, {180min, 3'328},
                                 {240min, 569},    {300min, 504},   {480min, 2},      {510min, 0}};

int run(std::span<const Flight> flights) {
  support::Golden golden;
  support::Table table("What a bound loses: rows that miss their hour",
                       {"bound", "grace", "watermark", "lost", "share", "hours", "amended", "mean miles",
                        "mean delay, min"});
  const auto trial = [&](const Trial& one, support::Golden* shown = nullptr) {
    const auto outcome = replay(one, flights, shown);
    if (!outcome.ok()) std::exit(support::fail(outcome.status()));
    table.add(describe(one, *outcome, flights.size()));
    return *outcome;
  };
  for (const auto& [bound, lost] : expected) {
    const Outcome outcome = trial({bound, 0s, 1}, bound == 30min ? &golden : nullptr);
    golden.check("lost with a bound of " + support::length(bound), outcome.lost, lost);
    if (lost > 0) continue;
    golden.check("(origin, hour) windows", outcome.windows, 13'220);
    golden.check("miles", outcome.total.miles, 176'801'042);
    golden.check("minutes of departure delay", outcome.total.departure_delay, 2'107'770);
    golden.check("minutes of arrival delay", outcome.total.arrival_delay, 1'588'237);
  }
  for (const weir::Duration bound : {30min, 60min, 120min}) trial({bound, 0s, 2});
  const Outcome amended = trial({30min, 480min, 1});
  golden.check("lost with a bound of 30 min and a grace of 8 h", amended.lost, 0);
  golden.check("miles after all amendments", amended.total.miles, 176'801'042);
  table.print();
  std::puts("\nThe loss is no fair sample: long flights are recorded late, a short bound sees short ones.");
  return golden.exit_code();
}

}  // namespace

int main(int argc, char** argv) {
  const auto flights = load_flights(support::data_file(argc, argv, "flights-houston-2011/flights.csv.gz"));
  if (!flights.ok()) return support::fail(flights.status());
  std::printf("flights-houston-2011: %s flights\n\n", grouped(flights->size()).c_str());
  return run(*flights);
}

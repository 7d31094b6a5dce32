#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

#include <weir/weir.hpp>

#include "golden.hpp"
#include "payment.hpp"

using namespace std::chrono_literals;

/// The newest time of all records and how many records carry it: an aggregator of our own.
struct Newest {
  struct State {
    weir::EventTime at = weir::no_time;
    std::int64_t records = 0;
  };
  void add(State& state, weir::EventTime at) const { merge(state, {at, 1}); }
  void merge(State& state, const State& other) const {
    if (other.at > state.at) state = other;
    else if (other.at == state.at) state.records += other.records;
  }
  State result(const State& state) const { return state; }
};

/// Passes the first line of each invoice on: an operator of our own.
struct FirstLine {
  struct State {
    bool is_seen = false;
  };
  void process(State& invoice, const Payment& payment, weir::Out<Payment>& out) const {
    if (!std::exchange(invoice.is_seen, true)) out.emit(payment);
  }
};

struct Lines {
  std::int64_t lines = 0;
  std::int64_t milli_gbp = 0;
  Newest::State newest;
};

struct Invoices {
  std::int64_t invoices = 0;
};

using LinesRow = weir::Windowed<std::uint32_t, Lines>;
using KindRow = weir::Windowed<Kind, Lines>;
using InvoicesRow = weir::Windowed<std::uint32_t, Invoices>;

/// How many sessions there were.
struct SessionCount {
  std::int64_t sessions = 0, largest = 0, singletons = 0;

  void add(const InvoicesRow& row) {
    ++sessions;
    largest = std::max(largest, row.value.invoices);
    singletons += row.value.invoices == 1 ? 1 : 0;
  }
};

/// What the data's README states about the whole year.
struct Ledger {
  std::int64_t customer_days = 0;
  std::int64_t trailing_rows = 0, most_lines = 0, most_spend = 0;
  SessionCount day_sessions, week_sessions;
  std::int64_t lines[3] = {}, total = 0;

  /// The window [t + 1 min - 24 h, t + 1 min) is (t - 24 h, t] to the minute; those with a line at t count.
  void add_trailing(const LinesRow& row) {
    if (row.value.newest.at != row.window.end - 1min) return;
    trailing_rows += row.value.newest.records * row.value.lines;
    most_lines = std::max(most_lines, row.value.lines);
    most_spend = std::max(most_spend, row.value.milli_gbp);
  }
};

struct LedgerPipeline {
  weir::Source<Payment> payments;
  weir::Pipeline pipeline;
};

/// payments ─┬─ by kind ─── the whole year
///           └─ by customer ─┬─ UTC days
///                           ├─ 24 hours before every minute
///                           └─ first line of each invoice ─┬─ sessions, gap 1 day
///                                                          └─ sessions, gap 7 days
inline absl::StatusOr<LedgerPipeline> build_ledger(Ledger& ledger) {
  weir::Graph graph{"ledger"};
  // The till's clock shows minutes: a minute of patience lets an invoice join that comes exactly a gap later.
  auto payments = graph.source<Payment>("payments", {.time = &Payment::at,
                                                     .watermark = weir::trailing(1min)});
  auto customers = payments | weir::filter(is_known) | weir::key_by(&Payment::customer);
  auto invoices = payments | weir::filter(is_known) | weir::key_by(&Payment::invoice)
      | weir::each("first_line", FirstLine{}) | weir::key_by(&Payment::customer);

  const auto lines = [](const char* name) {
    return weir::aggregate<Lines>(name,
        weir::count()                      .as(&Lines::lines),
        weir::sum(&Payment::milli_gbp)     .as(&Lines::milli_gbp),
        weir::with(Newest{}, &Payment::at) .as(&Lines::newest));
  };
  const auto count = [](const char* name) {
    return weir::aggregate<Invoices>(name, weir::count().as(&Invoices::invoices));
  };

  auto kinds = payments | weir::key_by(&Payment::kind) | weir::lifetime() | lines("kinds");
  auto days = customers | weir::tumbling({.size = 24h, .grace = 0s}) | lines("customer_days");
  auto trailing = customers | weir::sliding({.size = 24h, .every = 1min, .grace = 0s}) | lines("trailing");
  auto daily = invoices | weir::session({.gap = 24h, .grace = 0s}) | count("sessions_1d");
  auto weekly = invoices | weir::session({.gap = 7 * 24h, .grace = 0s}) | count("sessions_7d");

  kinds | weir::sink("kinds_out", [&ledger](const KindRow& row) {
    ledger.lines[static_cast<int>(row.key)] = row.value.lines;
    ledger.total += row.value.milli_gbp;
  });
  days | weir::sink("days_out", [&ledger](const LinesRow&) { ++ledger.customer_days; });
  trailing | weir::sink("trailing_out", [&ledger](const LinesRow& row) { ledger.add_trailing(row); });
  daily | weir::sink("daily_out", [&ledger](const InvoicesRow& row) { ledger.day_sessions.add(row); });
  weekly | weir::sink("weekly_out", [&ledger](const InvoicesRow& row) { ledger.week_sessions.add(row); });

  absl::StatusOr<weir::Pipeline> pipeline = std::move(graph).build();
  if (!pipeline.ok()) return pipeline.status();
  return LedgerPipeline{payments, *std::move(pipeline)};
}

inline void check_ledger(const Ledger& ledger, support::Golden& golden) {
  golden.check("sales", ledger.lines[0], 532'618);
  golden.check("cancellations", ledger.lines[1], 9'288);
  golden.check("adjustments", ledger.lines[2], 3);
  golden.check("total in milli-GBP", ledger.total, 9'747'747'934);
  golden.check("(customer, UTC day) windows", ledger.customer_days, 19'296);
  golden.check("lines in the 24 h before each line, summed", ledger.trailing_rows, 21'177'334);
  golden.check("most lines of a customer in 24 h", ledger.most_lines, 543);
  golden.check("most net spend of a customer in 24 h", ledger.most_spend, 168'469'600);
  golden.check("sessions, gap 1 day", ledger.day_sessions.sessions, 18'970);
  golden.check("invoices of the largest, gap 1 day", ledger.day_sessions.largest, 34);
  golden.check("sessions of one invoice, gap 1 day", ledger.day_sessions.singletons, 16'543);
  golden.check("sessions, gap 7 days", ledger.week_sessions.sessions, 15'843);
  golden.check("invoices of the largest, gap 7 days", ledger.week_sessions.largest, 161);
  golden.check("sessions of one invoice, gap 7 days", ledger.week_sessions.singletons, 12'351);
}

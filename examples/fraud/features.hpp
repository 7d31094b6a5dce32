#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <weir/view/point_in_time.hpp>
#include <weir/weir.hpp>

#include "../retail/payment.hpp"

/// What is known of a customer when the till asks.
struct CustomerFeatures {
  std::int64_t lines_1h = 0, lines_24h = 0, lines_30d = 0;
  std::int64_t spend_1h = 0, spend_24h = 0, spend_30d = 0;  // milli-GBP
  std::int64_t refunds_1h = 0, refunds_24h = 0, refunds_30d = 0;
  double mean_30d = 0, sd_30d = 0;  // of a line, milli-GBP
  std::int64_t invoices_of_last_20 = 0;
  std::int64_t lines_ever = 0;
  double refund_share_30d = 0;
  double pace_1h = 0;  // lines in the last hour against an hour of the last 30 days
};
WEIR_FIELDS(CustomerFeatures, lines_1h, lines_24h, lines_30d, spend_1h, spend_24h, spend_30d, refunds_1h,
            refunds_24h, refunds_30d, mean_30d, sd_30d, invoices_of_last_20, lines_ever, refund_share_30d,
            pace_1h);

/// A graph and the handles of what a program does with it.
struct Fraud {
  weir::Graph graph;
  weir::Source<Payment> payments;
  weir::View<std::uint32_t, CustomerFeatures> customer;
};

inline double share(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

/// Whether the rows are read on other threads too.
enum class Readers : bool { none, on_other_threads };

/// The one definition: it serves the till, and makes the rows that the model learns from. What it says of itself stands in
/// customer_features.json. Whoever changes one of its functions gives it another label.
inline Fraud build_fraud(Readers readers = Readers::none) {
  using namespace std::chrono_literals;
  using Row = CustomerFeatures;
  weir::Graph graph{"fraud"};
  auto payments = graph.source<Payment>("payments", {.time = &Payment::at, .watermark = weir::trailing(0s)});
  auto customer =
      payments | weir::filter(is_known) | weir::key_by(&Payment::customer) |
      weir::features<Row>(
          {.name = "customer", .definition = "1", .retain = 400 * 24h},
          weir::rolling({{.size = 1h, .precision = 5min},
                         {.size = 24h, .precision = 1h},
                         {.size = 30 * 24h, .precision = 24h}})
              .compute(weir::count().as(&Row::lines_1h, &Row::lines_24h, &Row::lines_30d),
                       weir::sum(&Payment::milli_gbp).as(&Row::spend_1h, &Row::spend_24h, &Row::spend_30d),
                       weir::count_where(is_refund).as(&Row::refunds_1h, &Row::refunds_24h, &Row::refunds_30d)),
          weir::rolling({.size = 30 * 24h, .precision = 24h})
              .compute(weir::mean(&Payment::milli_gbp).as(&Row::mean_30d),
                       weir::stddev(&Payment::milli_gbp).as(&Row::sd_30d)),
          weir::rolling_records({.records = 20})
              .compute(weir::distinct(&Payment::invoice).as(&Row::invoices_of_last_20)),
          weir::rolling_lifetime().compute(weir::count().as(&Row::lines_ever)),
          weir::derive(&Row::refund_share_30d, [](const Row& row) { return share(row.refunds_30d, row.lines_30d); }),
          weir::derive(&Row::pace_1h, [](const Row& row) { return 720 * share(row.lines_1h, row.lines_30d); }));
  const weir::ViewSpec spec{.max_age = 7 * 24h, .when_stale = weir::serve_previous};
  auto view = readers == Readers::none
                  ? customer | weir::view("customer_features", spec)
                  : customer | weir::view("customer_features", spec).publish({.refresh = 24h});
  return {std::move(graph), payments, view};
}

/// The exact last 24 hours up to and including the instant of the read, as the data's README states them.
struct DayFeatures {
  std::int64_t lines = 0;
  std::int64_t spend = 0;
};

struct Day {
  weir::Graph graph;
  weir::Source<Payment> payments;
  weir::View<std::uint32_t, DayFeatures> customer;
};

inline Day build_day() {
  using namespace std::chrono_literals;
  weir::Graph graph{"last day"};
  auto payments = graph.source<Payment>("payments", {.time = &Payment::at, .watermark = weir::trailing(0s)});
  auto view = payments | weir::filter(is_known) | weir::key_by(&Payment::customer) |
              weir::features<DayFeatures>(
                  "day", weir::rolling({.size = 24h, .precision = weir::exact, .asking = weir::Asking::included})
                             .compute(weir::count().as(&DayFeatures::lines),
                                      weir::sum(&Payment::milli_gbp).as(&DayFeatures::spend))) |
              weir::view("last_day");
  return {std::move(graph), payments, view};
}

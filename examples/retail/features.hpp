#pragma once

#include <cstdint>
#include <utility>

#include <weir/weir.hpp>

#include "best.hpp"
#include "payment.hpp"

using namespace std::chrono_literals;

/// What a model reads about a customer's buying over the last hour or day. Money in thousandths of a pound.
struct Velocity {
  std::int64_t lines = 0;
  std::int64_t invoices = 0;
  std::int64_t spend = 0;
  std::int64_t dearest = 0;
};

/// How many lines, and what they come to in thousandths of a pound.
struct Money {
  std::int64_t lines = 0;
  std::int64_t milli_gbp = 0;
};

using VelocityRow = weir::Windowed<std::uint32_t, Velocity>;
using RefundRow = weir::Windowed<std::uint32_t, Money>;
using UnknownRow = weir::Windowed<Kind, Money>;

/// Where the features end up.
struct FeatureReport {
  support::Best<std::uint32_t, VelocityRow> hour, day;
  support::Best<std::uint32_t, RefundRow> refunds;
  std::vector<UnknownRow> unknown;
  std::int64_t rows = 0;
  std::uint64_t checksum = 0;  ///< the same for the same rows in the same order

  void count(std::int64_t value) {
    checksum = checksum * 31 + static_cast<std::uint64_t>(value);
    ++rows;
  }
};

struct FeaturePipeline {
  weir::Source<Payment> payments;
  weir::Pipeline pipeline;
};

/// payments ─┬─ known customer ─┬─ sales ───┬─ the last hour, every 5 min
///           │                  │           └─ the last 24 hours, every hour
///           │                  └─ refunds ─── days
///           └─ unknown customer ───────────── counted by kind
inline absl::StatusOr<FeaturePipeline> build_features(FeatureReport& report) {
  weir::Graph graph{"shop"};
  auto payments = graph.source<Payment>("payments", {.time = &Payment::at,
                                                     .watermark = weir::trailing(1min)});
  auto known = payments | weir::filter(is_known);
  auto sales = known | weir::filter(is_sale) | weir::key_by(&Payment::customer);
  auto refunds = known | weir::filter(is_refund) | weir::key_by(&Payment::customer);
  auto unknown = payments | weir::filter(is_unknown) | weir::key_by(&Payment::kind);

  const auto velocity = [](const char* name) {
    return weir::aggregate<Velocity>(name,
        weir::count()                     .as(&Velocity::lines),
        weir::distinct(&Payment::invoice) .as(&Velocity::invoices),
        weir::sum(&Payment::milli_gbp)    .as(&Velocity::spend),
        weir::max(&Payment::milli_gbp)    .as(&Velocity::dearest));
  };
  auto hour = sales | weir::sliding({.size = 1h, .every = 5min, .grace = 0s}) | velocity("velocity_1h");
  auto day = sales | weir::sliding({.size = 24h, .every = 1h, .grace = 0s}) | velocity("velocity_24h");

  const auto refunded = [](const Payment& payment) { return -payment.milli_gbp; };
  auto back = refunds | weir::tumbling({.size = 24h, .grace = 0s})
                      | weir::aggregate<Money>("refunds", weir::count()       .as(&Money::lines),
                                                          weir::sum(refunded) .as(&Money::milli_gbp));
  auto nameless = unknown | weir::lifetime()
                          | weir::aggregate<Money>("unknown_customer",
                                weir::count()                  .as(&Money::lines),
                                weir::sum(&Payment::milli_gbp) .as(&Money::milli_gbp));

  hour | weir::sink("hours", [&report](const VelocityRow& row) {
    report.count(row.value.spend);
    report.hour.offer(row.key, row.value.lines, row);
  });
  day | weir::sink("days", [&report](const VelocityRow& row) {
    report.count(row.value.spend);
    report.day.offer(row.key, row.value.spend, row);
  });
  back | weir::sink("refunds_out", [&report](const RefundRow& row) {
    report.count(row.value.milli_gbp);
    report.refunds.offer(row.key, row.value.milli_gbp, row);
  });
  nameless | weir::sink("unknown_out", [&report](const UnknownRow& row) { report.unknown.push_back(row); });

  absl::StatusOr<weir::Pipeline> pipeline = std::move(graph).build();
  if (!pipeline.ok()) return pipeline.status();
  return FeaturePipeline{payments, *std::move(pipeline)};
}

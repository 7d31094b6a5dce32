#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <weir/weir.hpp>

#include "../retail/payment.hpp"

using namespace std::chrono_literals;

/// What a customer bought in an hour or in a visit, in thousandths of a pound.
struct Spend {
  std::int64_t lines = 0;
  std::int64_t milli_gbp = 0;
  double deviation = 0;
};
using SpendRow = weir::Windowed<std::uint32_t, Spend>;

/// A row, and the operator that it is from.
struct Emitted {
  std::string_view by;
  SpendRow row;
};

struct Shop {
  weir::Source<Payment> payments;
  weir::Pipeline pipeline;
};

/// payments ── known customer ─┬─ hours: early every 15 min, at the end, again for each late line
///                             ├─ visits, pauses of up to 30 min: taken back if late lines change them
///                             └─ all there was of a customer, at the end of the stream
inline absl::StatusOr<Shop> build_shop(std::vector<Emitted>& out) {
  weir::Graph graph{"shop"};
  auto payments = graph.source<Payment>("payments", {.time = &Payment::at, .watermark = weir::trailing(30min)});
  auto customers = payments | weir::filter(is_known) | weir::key_by(&Payment::customer);

  const auto spend = [](const char* name) {
    return weir::aggregate<Spend>(name, weir::count()                    .as(&Spend::lines),
                                        weir::sum(&Payment::milli_gbp)   .as(&Spend::milli_gbp),
                                        weir::stddev(&Payment::milli_gbp).as(&Spend::deviation));
  };
  auto hours = customers | weir::tumbling({.size = 1h, .grace = 1h,
                                           .emit = weir::emit_when(weir::every(15min), weir::on_close())})
                         | spend("spend_1h");
  auto visits = customers | weir::session({.gap = 30min, .grace = 1h, .emit = weir::on_close().holding_late(),
                                          .panes = weir::retracting})
                          | spend("visits");
  auto ever = customers | weir::lifetime() | spend("ever");

  hours | weir::sink("hours_out", [&out](const SpendRow& row) { out.push_back({"spend_1h", row}); });
  visits | weir::sink("visits_out", [&out](const SpendRow& row) { out.push_back({"visits", row}); });
  ever | weir::sink("ever_out", [&out](const SpendRow& row) { out.push_back({"ever", row}); });

  absl::StatusOr<weir::Pipeline> pipeline = std::move(graph).build();
  if (!pipeline.ok()) return pipeline.status();
  return Shop{payments, *std::move(pipeline)};
}

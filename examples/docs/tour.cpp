// The programs of docs/tour.md.
#include <cstdio>
#include <span>
#include <vector>

#include "expect.hpp"

// [region record]
#include <weir/weir.hpp>
using namespace std::chrono_literals;

struct Payment {
  std::uint64_t user = 0;
  std::uint64_t merchant = 0;
  double amount = 0;  // EUR
  bool is_card = false;
  weir::EventTime at;
};
// [end]

// [region row]
struct Velocity {
  std::int64_t payments = 0;
  double spend = 0;
  double merchants = 0;
};
// [end]

namespace {

constexpr weir::EventTime minute(int number) { return weir::EventTime{std::chrono::minutes{number}}; }

int published = 0;
int audited = 0;

void publish(std::uint64_t, weir::Window, const Velocity&) { ++published; }
void audit(const Payment&, std::uint32_t windows_missed) { audited += windows_missed > 0 ? 1 : 0; }

void whole_pipeline() {
  // [region source]
  weir::Graph graph{"fraud"};
  auto payments = graph.source<Payment>("payments", {
      .time = &Payment::at,
      .watermark = weir::trailing(30s),  // newest time seen minus 30 s
      .idle_after = 1min,                // by the host's tick; unset: never idle
  });
  // [end]

  // [region window]
  auto velocity = payments
      | weir::key_by(&Payment::user)
      | weir::sliding({.size = 1h, .every = 5min, .grace = 2min})  // grace has no default
      | weir::aggregate<Velocity>("velocity_1h",
            weir::count()                      .as(&Velocity::payments),
            weir::sum(&Payment::amount)        .as(&Velocity::spend),
            weir::distinct(&Payment::merchant) .as(&Velocity::merchants));
  // [end]

  // [region outputs]
  velocity | weir::sink("features", [](const weir::Windowed<std::uint64_t, Velocity>& w) {
    publish(w.key, w.window, w.value);
  });
  velocity.late() | weir::sink("late_payments", [](const weir::Late<Payment>& l) {
    audit(l.record, l.windows_missed);
  });
  // [end]

  // [region build]
  std::string picture = graph.text();
  absl::StatusOr<weir::Pipeline> pipeline = std::move(graph).build();
  if (!pipeline.ok()) {
    std::fprintf(stderr, "%s\n", pipeline.status().ToString().c_str());
    return;
  }
  // [end]

  const Payment payment{.user = 7, .merchant = 1, .amount = 20, .is_card = true, .at = minute(1)};
  const std::vector<Payment> batch = {
      {7, 2, 10, true, minute(2)}, {8, 1, 5, false, minute(3)}, {7, 1, 1, true, minute(90)}};
  const weir::WallTime wall_now{2h};
  // [region push]
  weir::Admit admit = pipeline->push(payments, payment);             // on_time, late, future, rejected ...
  weir::Admitted many = pipeline->push(payments, std::span(batch));  // the same result, faster
  absl::Status ticked = pipeline->tick(wall_now);                    // idle inputs, future guard
  absl::Status finished = pipeline->finish();                        // closes everything, once
  // [end]
  support::expect(admit == weir::Admit::on_time && many.on_time == 3 && ticked.ok() && finished.ok());

  // [region stats]
  const weir::OperatorStats& stats = pipeline->stats("velocity_1h");
  std::printf("%s", picture.c_str());
  std::printf("%llu in, %llu rows out, %llu late\n", static_cast<unsigned long long>(stats.ingested),
              static_cast<unsigned long long>(stats.emitted), static_cast<unsigned long long>(stats.late));
  // [end]
  support::expect(stats.ingested == 4 && stats.conserves());
  support::expect(published == 36 && audited == 0);
}

void reads() {
  weir::Graph graph{"fraud"};
  auto payments = graph.source<Payment>("payments", {.time = &Payment::at, .watermark = weir::trailing(30s)});
  // [region view]
  auto card = payments
      | weir::key_by(&Payment::user)
      | weir::features<Velocity>("card", weir::rolling({.size = 1h, .precision = 1min}).compute(
            weir::count()                      .as(&Velocity::payments),
            weir::sum(&Payment::amount)        .as(&Velocity::spend),
            weir::distinct(&Payment::merchant) .as(&Velocity::merchants)))
      | weir::view("card_features", {.max_age = 15min});
  // [end]
  auto pipeline = std::move(graph).build();
  support::expect(pipeline.ok());
  pipeline->push(payments, {.user = 7, .merchant = 1, .amount = 20, .at = minute(1)});
  pipeline->push(payments, {.user = 7, .merchant = 2, .amount = 30, .at = minute(20)});
  const Payment payment{.user = 7, .merchant = 1, .amount = 100, .at = minute(30)};
  double score = 0;
  // [region lookup]
  weir::Lookup<Velocity> before = pipeline->lookup(card, payment.user, {.as_of = payment.at});
  if (before.is_fresh()) score = payment.amount / (1 + before->spend);
  pipeline->push(payments, payment);
  // [end]
  support::expect(before->payments == 2 && before->spend == 50 && score > 1.9);
}

}  // namespace

int main() {
  whole_pipeline();
  reads();
}

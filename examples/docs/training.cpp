// The programs of docs/guides/training_sets.md, and of the reference pages on training sets, newest rows and open sessions.
#include <cstdio>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

// [region includes]
#include <weir/graph/handover.hpp>
#include <weir/view/compare.hpp>
#include <weir/view/point_in_time.hpp>
#include <weir/weir.hpp>
// [end]

#include "expect.hpp"

using namespace std::chrono_literals;

struct Payment {
  std::uint64_t user = 0;
  double amount = 0;  // EUR
  weir::EventTime at;
  weir::EventTime arrived;
};
WEIR_FIELDS(Payment, user, amount, at, arrived);

// [region definition]
struct CardFeatures {
  std::int64_t payments_1h = 0;
  double spend_24h = 0;
};
WEIR_FIELDS(CardFeatures, payments_1h, spend_24h);

struct Fraud {
  weir::Graph graph;
  weir::Source<Payment> payments;
  weir::View<std::uint64_t, CardFeatures> card;
};

Fraud build_fraud() {
  weir::Graph graph{"fraud"};
  auto payments = graph.source<Payment>("payments", {.time = &Payment::at, .watermark = weir::trailing(30s)});
  auto card = payments | weir::key_by(&Payment::user)
      | weir::features<CardFeatures>("card",
          weir::rolling({.size = 1h, .precision = 1min}).compute(weir::count().as(&CardFeatures::payments_1h)),
          weir::rolling({.size = 24h, .precision = 15min})
              .compute(weir::sum(&Payment::amount).as(&CardFeatures::spend_24h)))
      | weir::view("card_features");
  return {std::move(graph), payments, card};
}
// [end]

namespace {

constexpr weir::EventTime minute(int number) { return weir::EventTime{std::chrono::minutes{number}}; }

std::vector<Payment> past() {
  std::vector<Payment> payments;
  payments.reserve(300);
  for (int i = 0; i < 300; ++i) {
    payments.push_back({.user = 7, .amount = 10, .at = minute(i), .arrived = minute(i + 2)});
  }
  return payments;
}

void train() {
  const std::vector<Payment> payments = past();
  Fraud fraud = build_fraud();
  // [region labels]
  const std::vector<weir::Label<std::uint64_t>> labels{
      {.key = 7, .as_of = minute(90)},
      {.key = 7, .as_of = minute(200)},
  };
  auto rows = weir::point_in_time(std::move(fraud.graph), fraud.card, labels, weir::history(fraud.payments, payments));
  if (!rows.ok()) return;
  for (const auto& row : *rows) {
    if (row.status != weir::ReadStatus::fresh) continue;  // missing, incomplete, quarantined, ...
    std::printf("%zu: %g\n", row.label, row.value.spend_24h);
  }
  // [end]
  support::expect((*rows)[0].value.payments_1h == 60);
  support::expect((*rows)[0].value.spend_24h == 900);
  support::expect((*rows)[1].value.spend_24h == 2000);

  Fraud online = build_fraud();
  weir::Pipeline pipeline = std::move(online.graph).build().value();
  const auto is_scored = [](const Payment& payment) {
    return payment.at == minute(90) || payment.at == minute(200);
  };
  // [region served]
  std::vector<weir::TrainingRow<std::uint64_t, CardFeatures>> served;  // or a type of your own with these fields
  for (const Payment& payment : payments) {
    if (is_scored(payment)) {
      const auto row = pipeline.lookup(online.card, payment.user, {.as_of = payment.at});
      served.push_back({.key = payment.user, .as_of = row.as_of, .status = row.status, .definition = row.definition,
                        .value = *row});
    }
    pipeline.push(online.payments, payment);
  }
  // [end]
  // [region compare]
  const weir::SkewReport skew = weir::compare(*rows, served);
  if (!skew.is_clean()) std::printf("%s", skew.text().c_str());
  // [end]
  support::expect(skew.is_clean());
  support::expect(skew.matched == 2);

  // [region describe]
  std::printf("%s", pipeline.describe(online.card).c_str());  // JSON: what each feature is, and how windows are cut
  const bool is_the_same = (*rows)[0].definition == pipeline.lookup(online.card, 7).definition;
  // [end]
  support::expect(is_the_same && skew.redefined == 0);
}

void train_from_a_stream() {
  const std::vector<Payment> payments = past();
  std::size_t next = 0;
  const auto next_payment = [&]() -> std::optional<Payment> {
    if (next == payments.size()) return std::nullopt;
    return payments[next++];
  };
  std::vector<double> spend;
  Fraud fraud = build_fraud();
  // [region stream]
  const std::vector<weir::Label<std::uint64_t>> labels{
      {.key = 7, .as_of = minute(90), .known_at = minute(91)},  // asked at minute 91
      {.key = 7, .as_of = minute(91), .known_at = minute(93)},
  };
  const auto progress = [](const weir::ReplayProgress& so_far) {
    std::printf("%llu of %llu rows\n", static_cast<unsigned long long>(so_far.rows),
                static_cast<unsigned long long>(so_far.labels));
    return true;  // go on
  };
  const absl::Status done = weir::point_in_time(
      std::move(fraud.graph), fraud.card, labels,
      {.knowledge = weir::Knowledge::as_known, .progress = progress, .progress_every = 100},
      [&](std::size_t /*label*/, const weir::Lookup<CardFeatures>& row) { spend.push_back(row->spend_24h); },
      weir::history(fraud.payments, next_payment).known_at(&Payment::arrived));
  // [end]
  support::expect(done.ok());
  support::expect(spend.size() == 2);
  support::expect(spend[0] == 890);  // what arrived before minute 91: payments up to minute 88
  support::expect(spend[1] == 910);
}

void hand_over() {
  const std::vector<Payment> payments = past();
  const std::span<const Payment> exported = std::span(payments).first(200);
  const std::span<const Payment> subscribed = std::span(payments).subspan(180);
  Fraud fraud = build_fraud();
  weir::Pipeline pipeline = std::move(fraud.graph).build().value();
  // [region handover]
  absl::StatusOr<weir::Handover<Payment>> handover =
      weir::handover(pipeline, fraud.payments, {.history_until = minute(200), .live_from = minute(180)});
  if (!handover.ok()) return;   // a gap, in words
  handover->history(exported);  // those before minute 200
  if (!handover->go_live().ok()) return;
  for (const Payment& payment : subscribed) handover->live(payment);  // those from minute 200 on
  // [end]
  support::expect(handover->stats().live_skipped == 20);
  support::expect(pipeline.lookup(fraud.card, 7)->spend_24h == 3000);
}

struct Velocity {
  std::int64_t payments = 0;
};

void newest_rows() {
  weir::Graph graph{"velocity"};
  auto payments = graph.source<Payment>("payments", {.time = &Payment::at, .watermark = weir::trailing(0s)});
  // [region latest]
  auto newest = payments | weir::key_by(&Payment::user)
      | weir::tumbling({.size = 1h, .grace = 0s})
      | weir::aggregate<Velocity>("velocity_1h", weir::count().as(&Velocity::payments))
      | weir::latest({.name = "newest_velocity", .retain = 24h, .versions = 4})
      | weir::view("velocity");
  // [end]
  // [region open_window]
  auto so_far = payments | weir::key_by(&Payment::user)
      | weir::tumbling({.size = 1h, .grace = 0s, .emit = weir::emit_when(weir::on_update(), weir::on_close())})
      | weir::aggregate<Velocity>("hour", weir::count().as(&Velocity::payments))
      | weir::latest({.name = "newest_hour", .retain = 24h, .open = true})
      | weir::view("hour_so_far");
  // [end]
  // [region session]
  auto visit = payments | weir::key_by(&Payment::user)
      | weir::session({.gap = 30min, .grace = 0s})
      | weir::aggregate<Velocity>("visits", weir::count().as(&Velocity::payments))
      | weir::view("visit_so_far");
  // [end]
  weir::Pipeline pipeline = std::move(graph).build().value();
  for (const Payment& payment : past()) pipeline.push(payments, payment);
  support::expect(pipeline.lookup(newest, 7, {.as_of = minute(299)})->payments == 60);
  support::expect(pipeline.lookup(so_far, 7, {.as_of = minute(299) + 1us})->payments == 60);
  support::expect(pipeline.lookup(visit, 7, {.as_of = minute(300)})->payments == 300);
  // [region erase]
  pipeline.erase(newest, 7);
  pipeline.erase(visit, 7);
  // [end]
  support::expect(pipeline.lookup(newest, 7).status == weir::ReadStatus::missing);
  support::expect(pipeline.lookup(visit, 7).status == weir::ReadStatus::missing);
}

}  // namespace

int main() {
  train();
  train_from_a_stream();
  hand_over();
  newest_rows();
  return 0;
}

// A pipeline on the bench, for docs/guides/testing.md.
#include <span>
#include <utility>
#include <vector>

#include <weir/testing/harness.hpp>

#include "expect.hpp"

using namespace std::chrono_literals;

struct Payment {
  std::uint64_t user = 0;
  double amount = 0;
  weir::EventTime at;
};

struct Spend {
  std::int64_t payments = 0;
  double spend = 0;
};

using Row = weir::Windowed<std::uint64_t, Spend>;

constexpr weir::EventTime minute(int number) { return weir::EventTime{std::chrono::minutes{number}}; }

// [region subject]
/// What the service runs, with the handles that its tests need. The host drives the watermark.
struct Fraud {
  weir::Graph graph{"fraud"};
  weir::Source<Payment> payments =
      graph.source<Payment>("payments", {.time = &Payment::at, .watermark = weir::host_driven()});
  weir::Aggregated<std::uint64_t, Spend, Payment> hours =
      payments | weir::key_by(&Payment::user) | weir::tumbling({.size = 1h, .grace = 10min})
               | weir::aggregate<Spend>("spend_1h", weir::count().as(&Spend::payments),
                                                    weir::sum(&Payment::amount).as(&Spend::spend));
};
// [end]

namespace {

void an_amended_hour() {
  // [region harness]
  Fraud fraud;
  weir::testing::Harness run{std::move(fraud.graph)};
  run.watch(fraud.hours);                                             // before the first push

  run.push(fraud.payments, {.user = 7, .amount = 10, .at = minute(3)});
  run.watermark(fraud.payments, minute(60));                          // the hour closes
  run.push(fraud.payments, {.user = 7, .amount = 5, .at = minute(59)});  // late, inside the grace
  support::expect(run.last(fraud.hours, 7)->spend == 15);
  // [end]

  // [region seen]
  const std::vector<Row>& rows = run.seen(fraud.hours);
  support::expect(rows.size() == 2);
  support::expect(rows[0].pane.timing == weir::Timing::on_time && rows[1].pane.timing == weir::Timing::late);
  support::expect(run.stats("spend_1h").conserves());
  // [end]
}

// [region batches]
/// The rows of a whole run, with the payments pushed `size` at a time.
std::vector<Row> rows_in_batches(std::span<const Payment> payments, std::size_t size) {
  Fraud fraud;
  weir::testing::Harness run{std::move(fraud.graph)};
  run.watch(fraud.hours);
  for (; !payments.empty(); payments = payments.subspan(std::min(size, payments.size()))) {
    run.push(fraud.payments, payments.first(std::min(size, payments.size())));
  }
  run.finish();
  return run.seen(fraud.hours);
}
// [end]

bool operator==(const Spend& a, const Spend& b) { return a.payments == b.payments && a.spend == b.spend; }

void any_batches() {
  std::vector<Payment> payments;
  payments.reserve(100);
  for (int i = 0; i < 100; ++i) payments.push_back({static_cast<std::uint64_t>(i % 7), 1.0 * i, minute(i)});
  const std::vector<Row> expected = rows_in_batches(payments, 1);
  for (const std::size_t size : {2U, 3U, 64U, 100U}) {
    const std::vector<Row> rows = rows_in_batches(payments, size);
    support::expect(rows.size() == expected.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      support::expect(rows[i].key == expected[i].key && rows[i].window == expected[i].window);
      support::expect(rows[i].value == expected[i].value && rows[i].pane == expected[i].pane);
    }
  }
}

}  // namespace

int main() {
  an_amended_hour();
  any_batches();
}

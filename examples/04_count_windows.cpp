// Windows that count records instead of time: the mean of a card's last three payments, at every payment.
//
//   payments ─── by card ─── last 3, every 1 ─── means
#include <span>
#include <vector>

#include <weir/weir.hpp>

#include "expect.hpp"

using namespace std::chrono_literals;

struct Payment {
  int card = 0;
  double amount = 0;
  weir::EventTime at;
};

struct Recent {
  double mean = 0;
};

constexpr weir::EventTime second(int number) { return weir::EventTime{std::chrono::seconds{number}}; }

int main() {
  weir::Graph graph{"cards"};
  auto payments = graph.source<Payment>("payments", {.time = &Payment::at, .watermark = weir::ascending()});
  auto recent = payments | weir::key_by(&Payment::card)
                         | weir::count_windows({.size = 3, .every = 1})
                         | weir::aggregate<Recent>("recent", weir::mean(&Payment::amount).as(&Recent::mean));

  std::vector<double> means;
  recent | weir::sink("means", [&means](const auto& row) { means.push_back(row.value.mean); });

  auto pipeline = std::move(graph).build();
  support::expect(pipeline.ok());

  // Only the order of arrival counts: the third payment has an earlier time and is still the third.
  const std::vector<Payment> batch = {
      {7, 10, second(1)}, {7, 20, second(5)}, {7, 60, second(3)}, {7, 10, second(9)}};
  pipeline->push(payments, std::span(batch));
  support::expect(means == std::vector<double>{30, 30});
}

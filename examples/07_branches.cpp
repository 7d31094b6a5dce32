// Branches: a fused fragment, an operator with two outputs, a handle used twice, two streams merged again.
//
//   payments ─── cleanse ─── by_channel ─┬─ card ─────┬──────────────── count
//                                        └─ transfer ─┴─ merge large ── alarms
#include <cmath>
#include <vector>

#include <weir/weir.hpp>

#include "expect.hpp"

using namespace std::chrono_literals;

struct Payment {
  int user = 0;
  double amount = 0;
  bool is_card = false;
  weir::EventTime at;
};

/// Cards to the first output, transfers to the second.
struct ByChannel {
  void process(const Payment& payment, weir::Out<Payment>& card, weir::Out<Payment>& transfer) const {
    (payment.is_card ? card : transfer).emit(payment);
  }
};

bool is_valid(const Payment& payment) { return payment.amount > 0; }
bool is_large(const Payment& payment) { return payment.amount >= 1000; }

Payment round_to_cents(Payment payment) {
  payment.amount = std::round(payment.amount * 100) / 100;
  return payment;
}

constexpr weir::EventTime second(int number) { return weir::EventTime{std::chrono::seconds{number}}; }

int main() {
  weir::Graph graph{"payments"};
  auto payments = graph.source<Payment>("payments", {.time = &Payment::at, .watermark = weir::ascending()});

  auto cleanse = weir::filter(is_valid) | weir::map(round_to_cents);  // one stage, usable again
  auto [card, transfer] = payments | cleanse | weir::each("by_channel", ByChannel{});
  auto large = weir::merge("large", card | weir::filter(is_large), transfer | weir::filter(is_large));

  int cards = 0;
  std::vector<double> alarms;
  card | weir::sink("cards", [&cards](const Payment&) { ++cards; });
  large | weir::sink("alarms", [&alarms](const Payment& payment) { alarms.push_back(payment.amount); });

  auto pipeline = std::move(graph).build();
  support::expect(pipeline.ok());

  pipeline->push(payments, {1, 20.004, true, second(1)});
  pipeline->push(payments, {2, 1500, false, second(2)});
  pipeline->push(payments, {3, -5, true, second(3)});  // not valid
  pipeline->push(payments, {1, 2000, true, second(4)});
  support::expect(cards == 2);
  support::expect(alarms == std::vector<double>{1500, 2000});
}

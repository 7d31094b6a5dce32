// The programs of docs/guides/custom_operators.md.
#include <vector>

#include <weir/weir.hpp>

#include "expect.hpp"

using namespace std::chrono_literals;
using UserId = std::uint64_t;

struct CartEvent {
  UserId user = 0;
  bool is_order = false;
  weir::EventTime at;
};

struct Abandoned {
  UserId user = 0;
  std::int64_t items = 0;
};

// [region cart]
/// Reports a cart when nothing follows its last item for `patience`.
struct AbandonedCart {
  weir::Duration patience;
  struct State { std::int64_t items = 0; };

  void process(State& cart, const CartEvent& e, weir::Timer& timer, weir::Out<Abandoned>&) const {
    if (e.is_order) { cart = {}; timer.cancel(); }
    else            { ++cart.items; timer.set(e.at + patience); }
  }
  void on_timer(State& cart, weir::Fired<UserId> fired, weir::Out<Abandoned>& out) const {
    out.emit({.user = fired.key, .items = cart.items});
    cart = {};
  }
};
// [end]

struct Payment {
  UserId user = 0;
  double amount = 0;
  bool is_card = false;
  weir::EventTime at;
};

// [region by_channel]
/// Cards to the first output, transfers to the second.
struct ByChannel {
  void process(const Payment& payment, weir::Out<Payment>& card, weir::Out<Payment>& transfer) const {
    (payment.is_card ? card : transfer).emit(payment);
  }
};
// [end]

// [region first_only]
/// Passes only the first record of each key on.
struct FirstOnly {
  struct State { bool is_seen = false; };
  void process(State& key, const Payment& payment, weir::Out<Payment>& out) const {
    if (!std::exchange(key.is_seen, true)) out.emit(payment);
  }
};
// [end]

namespace {

constexpr weir::EventTime minute(int number) { return weir::EventTime{std::chrono::minutes{number}}; }

void abandoned_carts() {
  weir::Graph graph{"shop"};
  auto carts = graph.source<CartEvent>("carts", {.time = &CartEvent::at, .watermark = weir::ascending()});
  // [region cart_use]
  auto abandoned = carts | weir::key_by(&CartEvent::user)
                         | weir::each("abandoned_cart", AbandonedCart{.patience = 1h});
  // [end]
  std::vector<Abandoned> reports;
  abandoned | weir::sink("reports", [&reports](const Abandoned& report) { reports.push_back(report); });
  auto pipeline = std::move(graph).build();
  support::expect(pipeline.ok());
  pipeline->push(carts, {1, false, minute(0)});
  pipeline->push(carts, {2, false, minute(61)});
  support::expect(reports.size() == 1 && reports[0].items == 1);
}

void two_outputs() {
  weir::Graph graph{"payments"};
  auto payments = graph.source<Payment>("payments", {.time = &Payment::at, .watermark = weir::ascending()});
  // [region by_channel_use]
  auto [card, transfer] = payments | weir::each("by_channel", ByChannel{});
  // [end]
  auto firsts = transfer | weir::key_by(&Payment::user) | weir::each("first_only", FirstOnly{});
  // [region first_of_the_day]
  auto daily = transfer | weir::key_by(&Payment::user)
                        | weir::each({.name = "first_of_the_day", .retain = 24h}, FirstOnly{});
  // [end]
  int cards = 0, users = 0, days = 0;
  card | weir::sink("cards", [&cards](const Payment&) { ++cards; });
  firsts | weir::sink("firsts", [&users](const Payment&) { ++users; });
  daily | weir::sink("daily", [&days](const Payment&) { ++days; });
  auto pipeline = std::move(graph).build();
  support::expect(pipeline.ok());
  pipeline->push(payments, {1, 10, true, minute(0)});
  pipeline->push(payments, {1, 20, false, minute(1)});
  pipeline->push(payments, {1, 30, false, minute(2)});
  pipeline->push(payments, {2, 40, true, minute(24 * 60 + 2)});  // only now it is known that a day has passed
  pipeline->push(payments, {1, 50, false, minute(24 * 60 + 2)});
  support::expect(cards == 2 && users == 1 && days == 2);
}

}  // namespace

int main() {
  abandoned_carts();
  two_outputs();
}

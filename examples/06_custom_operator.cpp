// An operator of one's own, with state and a timer: carts that nobody paid for.
//
//   carts ─── by user ─── abandoned_cart ─── reports
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

constexpr weir::EventTime minute(int number) { return weir::EventTime{std::chrono::minutes{number}}; }

int main() {
  weir::Graph graph{"shop"};
  auto carts = graph.source<CartEvent>("carts", {.time = &CartEvent::at, .watermark = weir::ascending()});
  auto abandoned = carts | weir::key_by(&CartEvent::user)
                         | weir::each("abandoned_cart", AbandonedCart{.patience = 1h});

  std::vector<Abandoned> reports;
  abandoned | weir::sink("reports", [&reports](const Abandoned& report) { reports.push_back(report); });

  auto pipeline = std::move(graph).build();
  support::expect(pipeline.ok());

  pipeline->push(carts, {1, false, minute(0)});
  pipeline->push(carts, {2, false, minute(5)});
  pipeline->push(carts, {1, false, minute(10)});  // the timer of user 1 moves to minute 70
  pipeline->push(carts, {2, true, minute(15)});   // user 2 orders
  pipeline->push(carts, {3, false, minute(90)});  // somebody else's click moves the time past minute 70
  support::expect(reports.size() == 1 && reports[0].user == 1 && reports[0].items == 2);
}

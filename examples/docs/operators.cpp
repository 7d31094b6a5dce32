// The verbs, for docs/reference/operators.
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <weir/weir.hpp>

#include "expect.hpp"

using namespace std::chrono_literals;

struct Payment {
  std::uint32_t user = 0;
  std::string country;
  double amount = 0;
  weir::EventTime at;
};

struct Order {
  std::uint64_t id = 0;
  double amount = 0;
  weir::EventTime at;
};

// [region key_struct]
struct Account {
  std::string country;
  std::uint32_t user = 0;
};
WEIR_FIELDS(Account, country, user);
// [end]

struct Row {
  std::int64_t payments = 0;
};

namespace {

constexpr weir::EventTime minute(int number) { return weir::EventTime{std::chrono::minutes{number}}; }

bool is_valid(const Payment& payment) { return payment.amount > 0; }
Payment in_cents(Payment payment) {
  payment.amount *= 100;
  return payment;
}

void stages() {
  weir::Graph graph{"stages"};
  auto payments = graph.source<Payment>("payments", {.time = &Payment::at, .watermark = weir::ascending()});

  // [region filter_map]
  auto valid = payments | weir::filter(is_valid);
  auto cents = valid | weir::map(in_cents);
  // [end]

  // [region fuse]
  auto cleanse = weir::filter(is_valid) | weir::map(in_cents);  // one node; may be used again and again
  auto clean = payments | cleanse;
  // [end]

  // [region flat_map]
  auto halves = clean | weir::flat_map<Payment>([](const Payment& payment, auto&& emit) {
    Payment half = payment;
    half.amount /= 2;
    emit(half);
    emit(half);
  });
  // [end]

  double seen = 0;
  // [region tap]
  auto watched = halves | weir::tap("seen", [&seen](const Payment& payment) { seen += payment.amount; });
  // [end]

  // [region merge]
  auto both = weir::merge("both", cents, watched);
  // [end]

  int count = 0;
  // [region sink]
  both | weir::sink("count", [&count](const Payment&) { ++count; });
  // [end]

  auto pipeline = std::move(graph).build();
  support::expect(pipeline.ok());
  pipeline->push(payments, {1, "FR", 2, minute(0)});
  pipeline->push(payments, {1, "FR", -2, minute(1)});
  support::expect(seen == 200 && count == 3);
}

void keys() {
  weir::Graph graph{"keys"};
  auto payments = graph.source<Payment>("payments", {.time = &Payment::at, .watermark = weir::ascending()});
  // [region key_by]
  auto by_user = payments | weir::key_by(&Payment::user);
  auto by_country = payments | weir::key_by(&Payment::country);
  auto by_both = payments | weir::key_by([](const Payment& p) { return std::tuple(p.country, p.user); });
  auto by_account = payments | weir::key_by([](const Payment& p) { return Account{p.country, p.user}; });
  // [end]
  // [region key_limit]
  auto limited = payments | weir::key_by(&Payment::user, {.most_keys = 1 << 20});
  auto budgeted = payments | weir::key_by(&Payment::user,
      {.most_bytes = 256 << 20, .when_full = weir::WhenFull::evict_coldest});  // 256 MiB of state, here and behind
  // [end]
  int rows = 0;
  const auto count = [&rows](const auto& keyed, const std::string& name) {
    keyed | weir::tumbling({.size = 1h, .grace = 0s})
          | weir::aggregate<Row>(name, weir::count().as(&Row::payments))
          | weir::sink(name + "_out", [&rows](const auto&) { ++rows; });
  };
  count(by_user, "by_user");
  count(by_country, "by_country");
  count(by_both, "by_both");
  count(by_account, "by_account");
  count(limited, "limited");
  count(budgeted, "budgeted");
  auto pipeline = std::move(graph).build();
  support::expect(pipeline.ok());
  pipeline->push(payments, {1, "FR", 2, minute(0)});
  pipeline->push(payments, {2, "FR", 2, minute(1)});
  support::expect(pipeline->finish().ok());
  support::expect(rows == 2 + 1 + 2 + 2 + 2 + 2);
}

void repeats() {
  weir::Graph graph{"repeats"};
  auto orders = graph.source<Order>("orders", {.time = &Order::at, .watermark = weir::trailing(5s)});
  // [region dedup]
  auto once = orders | weir::dedup({.name = "once", .within = 24h, .grace = 5min}, &Order::id).payload(&Order::amount);
  // [end]
  int passed = 0;
  once | weir::sink("passed", [&passed](const Order&) { ++passed; });
  auto pipeline = std::move(graph).build();
  support::expect(pipeline.ok());
  pipeline->push(orders, {1, 10, minute(0)});
  pipeline->push(orders, {1, 10, minute(0)});
  pipeline->push(orders, {1, 99, minute(1)});
  pipeline->push(orders, {2, 10, minute(1)});
  const weir::OperatorStats& stats = pipeline->stats("once");
  support::expect(passed == 2 && stats.duplicate == 2 && stats.conflicting == 1);
}

void picture() {
  weir::Graph graph{"shop"};
  auto payments = graph.source<Payment>("payments", {.time = &Payment::at, .watermark = weir::ascending()});
  payments | weir::filter(is_valid) | weir::sink("out", [](const Payment&) {});
  // [region picture]
  std::string text = graph.text();        // for a terminal
  std::string mermaid = graph.mermaid();  // for a Markdown page
  std::string dot = graph.dot();          // for Graphviz
  // [end]
  support::expect(text.find("payments") != text.npos && mermaid.find("payments") != mermaid.npos);
  support::expect(dot.starts_with("digraph"));
}

}  // namespace

int main() {
  stages();
  keys();
  repeats();
  picture();
}

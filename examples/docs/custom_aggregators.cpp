// The programs of docs/guides/custom_aggregators.md.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>
#include <vector>

#include <weir/testing/laws.hpp>
#include <weir/weir.hpp>

#include "expect.hpp"

using namespace std::chrono_literals;

// [region spread]
/// Highest minus lowest value; 0 for an empty window.
struct Spread {
  struct State { double low = +HUGE_VAL, high = -HUGE_VAL; };
  void add(State& s, double x) const { s = {std::min(s.low, x), std::max(s.high, x)}; }
  void merge(State& s, const State& o) const { s = {std::min(s.low, o.low), std::max(s.high, o.high)}; }
  [[nodiscard]] double result(const State& s) const { return s.high < s.low ? 0.0 : s.high - s.low; }
};
static_assert(weir::Aggregator<Spread, double>);
// [end]

// [region invertible]
/// Exclusive or of all values. Adding twice takes back: that makes it Invertible.
struct Parity {
  using State = std::uint64_t;
  void add(State& s, std::uint64_t x) const { s ^= x; }
  void merge(State& s, const State& o) const { s ^= o; }
  void remove(State& s, const State& o) const { s ^= o; }
  [[nodiscard]] std::uint64_t result(const State& s) const { return s; }
};
static_assert(weir::Invertible<Parity>);
// [end]

// [region timed]
/// Seconds of the longest pause between two values: an aggregator that is told the time of each.
struct LongestPause {
  struct State { weir::EventTime first = weir::end_of_time, last = weir::no_time; weir::Duration pause{}; };
  template <class Value>
  void add(State& s, const Value&, weir::EventTime at) const { merge(s, {at, at, {}}); }
  void merge(State& s, const State& o) const {
    const bool has_both = s.last != weir::no_time && o.last != weir::no_time;
    const weir::Duration between = has_both ? weir::between(s.last, o.first) : weir::Duration{};
    s = {std::min(s.first, o.first), std::max(s.last, o.last), std::max({s.pause, o.pause, between})};
  }
  [[nodiscard]] double result(const State& s) const { return static_cast<double>(s.pause.count()) / 1e6; }
};
// [end]

// [region asked]
/// Seconds in which nothing came at the end of the window: since its last value, or since it began.
struct Silence {
  struct State { weir::EventTime last = weir::no_time; };
  template <class Value>
  void add(State& s, const Value&, weir::EventTime at) const { s.last = std::max(s.last, at); }
  void merge(State& s, const State& o) const { s.last = std::max(s.last, o.last); }
  [[nodiscard]] std::optional<double> result(const State& s, const weir::Interval& asked) const {
    const weir::EventTime since = std::max(s.last, asked.begin);
    if (since == weir::no_time) return std::nullopt;  // no value, and a window without a beginning
    return static_cast<double>(weir::between(since, asked.as_of).count()) / 1e6;
  }
};
static_assert(weir::Aggregator<Silence, double>);
// [end]

// [region owned]
/// The different articles of a basket, in the order in which they were first put in.
struct Basket {
  struct State { weir::OwnedVector<std::uint64_t> articles; };
  void add(State& s, std::uint64_t article) const {
    if (std::find(s.articles.begin(), s.articles.end(), article) == s.articles.end()) s.articles.push_back(article);
  }
  void merge(State& s, const State& o) const {
    for (const std::uint64_t article : o.articles) add(s, article);
  }
  [[nodiscard]] std::vector<std::uint64_t> result(const State& s) const {
    return {s.articles.begin(), s.articles.end()};
  }
};
static_assert(weir::Aggregator<Basket, std::uint64_t>);
// [end]

struct Payment {
  std::uint64_t user = 0;
  double amount = 0;
  weir::EventTime at;
};

struct Row {
  double spread = 0;
  double pause = 0;
  double silence = 0;
};

namespace {

constexpr weir::EventTime minute(int number) { return weir::EventTime{std::chrono::minutes{number}}; }

void use() {
  weir::Graph graph{"spread"};
  auto payments = graph.source<Payment>("payments", {.time = &Payment::at, .watermark = weir::ascending()});
  // [region use]
  auto rows = payments | weir::key_by(&Payment::user) | weir::tumbling({.size = 1h, .grace = 0s})
      | weir::aggregate<Row>("spread_1h", weir::with(Spread{}, &Payment::amount).as(&Row::spread),
                                          weir::with(LongestPause{}, &Payment::amount).as(&Row::pause),
                                          weir::with(Silence{}, &Payment::amount).as(&Row::silence));
  // [end]
  std::vector<Row> seen;
  rows | weir::sink("rows", [&seen](const auto& row) { seen.push_back(row.value); });
  auto pipeline = std::move(graph).build();
  support::expect(pipeline.ok());
  pipeline->push(payments, {1, 5, minute(0)});
  pipeline->push(payments, {1, 9, minute(20)});
  pipeline->push(payments, {1, 2, minute(25)});
  support::expect(pipeline->finish().ok());
  support::expect(seen.size() == 1 && seen[0].spread == 7 && seen[0].pause == 1200 &&
                  seen[0].silence == 2100);
}

void laws() {
  // [region laws]
  const std::vector<double> samples = {5, 9, 2, 2, -1, 0, 1e9, -0.0};
  const weir::testing::LawReport report = weir::testing::check_laws(Spread{}, samples);
  if (!report) std::puts(report.explain().c_str());  // which samples, cut where, break which law
  // [end]
  support::expect(static_cast<bool>(report));

  // [region more_laws]
  const std::vector<std::uint64_t> numbers = {1, 2, 3, 3, 2, 99};
  const weir::testing::LawReport parity = weir::testing::check_laws(Parity{}, numbers);  // and remove
  // [end]
  support::expect(static_cast<bool>(parity));
  support::expect(static_cast<bool>(weir::testing::check_laws(Basket{}, numbers)));
  support::expect(static_cast<bool>(weir::testing::check_laws(Silence{}, samples)));
}

}  // namespace

int main() {
  use();
  laws();
}

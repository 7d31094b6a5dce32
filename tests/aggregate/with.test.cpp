#include <weir/aggregate/with.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

#include <weir/aggregate/row.hpp>
#include <weir/testing/laws.hpp>

#include "aggregate/samples.hpp"
#include "catch.hpp"

namespace {

/// Highest minus lowest value; 0 for an empty window.
struct Spread {
  struct State {
    double low = +INFINITY, high = -INFINITY;
  };
  void add(State& s, double x) const { s = {std::min(s.low, x), std::max(s.high, x)}; }
  void merge(State& s, const State& o) const { s = {std::min(s.low, o.low), std::max(s.high, o.high)}; }
  double result(const State& s) const { return s.high < s.low ? 0.0 : s.high - s.low; }
};
static_assert(weir::Aggregator<Spread, double>);

struct Payment {
  double amount = 0;
  std::string_view payee{};
};

/// Takes whole records, and the time; has a parameter.
struct AmountSince {
  weir::EventTime start;
  using State = double;
  void add(State& s, const Payment& p, weir::EventTime at) const { s += at < start ? 0 : p.amount; }
  void merge(State& s, const State& o) const { s += o; }
  double result(const State& s) const { return s; }
};
struct TotalLength {
  using State = std::size_t;
  void add(State& s, std::string_view text) const { s += text.size(); }
  void merge(State& s, const State& o) const { s += o; }
  std::uint64_t result(const State& s) const { return s; }
};
struct Row {
  double spread = -1;
  double recent = -1;
  std::uint8_t letters = 0;
};

TEST_CASE("the aggregator of the guide obeys the laws") {
  CHECK(weir::testing::check_laws(Spread{}, samples::fractions(1, 30)));
}

TEST_CASE("an aggregator of one's own works like the built-in ones") {
  const auto row = [](auto... f) { return weir::RowAggregator<Row, Payment, decltype(f)...>(f...); }(
                       weir::with(Spread{}, &Payment::amount).as(&Row::spread),
                       weir::with(AmountSince{weir::event_time(5)}).as(&Row::recent),
                       weir::with(TotalLength{}, &Payment::payee)
                           .where([](const Payment& p) { return p.amount > 0; })
                           .as(&Row::letters));
  decltype(row)::State state{}, later{};
  weir::FeatureCounts counts[3];
  CHECK(row.result(state, {}).spread == 0);
  row.add(state, {3, "ab"}, weir::event_time(1), counts);
  row.add(state, {std::numeric_limits<double>::quiet_NaN(), "abc"}, weir::event_time(2), counts);
  row.add(later, {7, "abcde"}, weir::event_time(6), counts);
  row.merge(state, later);
  const Row result = row.result(state, {});
  CHECK(result.spread == 4);
  CHECK(result.recent == 7);
  CHECK(result.letters == 7);
  CHECK(counts[0].nan == 1);
  CHECK(counts[1].nan == 0);
}

}  // namespace

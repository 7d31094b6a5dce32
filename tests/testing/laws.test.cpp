#include <weir/testing/laws.hpp>

#include <algorithm>
#include <limits>
#include <sstream>
#include <string>

#include <weir/aggregate/aggregate.hpp>

#include "catch.hpp"

namespace {

using weir::testing::check_laws;
using weir::testing::LawReport;
const std::vector<int> numbers{3, 1, 4, 1, 5};
const std::vector<weir::testing::Timed<int>> ties{{3, {}}, {1, {}}, {4, {}}};

/// Sums correctly; the tests below break one law each.
struct Good {
  using State = long;
  void add(State& s, int x) const { s += x; }
  void merge(State& s, const State& o) const { s += o; }
  long result(const State& s) const { return s; }
};
struct StartsAtOne : Good {
  struct State {
    long sum = 1;
  };
  void add(State& s, int x) const { s.sum += x; }
  void merge(State& s, const State& o) const { s.sum += o.sum; }
  long result(const State& s) const { return s.sum; }
};
struct ForgetsTheLeft : Good {
  void merge(State& s, const State& o) const { s = o; }
};
struct ForgetsTheRight : Good {
  void merge(State&, const State&) const {}
};
struct MeanOfMeans {
  struct State {
    double mean = 0;
    long n = 0;
  };
  void add(State& s, int x) const { s.mean += (x - s.mean) / static_cast<double>(++s.n); }
  void merge(State& s, const State& o) const {
    if (o.n == 0) return;
    s.mean = s.n == 0 ? o.mean : (s.mean + o.mean) / 2;
    s.n += o.n;
  }
  double result(const State& s) const { return s.mean; }
};
/// Merging is associative and neutral, but is not what adding is.
struct AddsTwice : Good {
  void merge(State& s, const State& o) const { s = std::max(s, o); }
};
struct ReadingHasASideEffect {
  struct State {
    mutable long sum = 0;
  };
  void add(State& s, int x) const { s.sum += x; }
  void merge(State& s, const State& o) const { s.sum += o.sum; }
  long result(const State& s) const { return s.sum++; }
};
/// Every read of a State changes what it is worth after a merge, though not the next read of it.
struct SealsWhenRead {
  struct State {
    long sum = 0;
    mutable bool is_sealed = false;
  };
  void add(State& s, int x) const { s.sum += x; }
  void merge(State& s, const State& o) const { s.sum += s.is_sealed ? 0 : o.sum; }
  long result(const State& s) const {
    s.is_sealed = s.sum != 0;
    return s.sum;
  }
};
struct LastClaimsNoOrder : weir::Last<int> {
  static constexpr bool order_independent = true;
};
struct RemovesTooLittle : Good {
  void remove(State& s, const State& o) const { s -= o / 2; }
};
struct FloatSum {
  using State = double;
  void add(State& s, double x) const { s += x; }
  void merge(State& s, const State& o) const { s += o; }
  double result(const State& s) const { return s; }
};

bool explains(const LawReport& report, const std::string& text) {
  INFO(report.explain());
  const bool found = !report && report.explain().find(text) != std::string::npos;
  CHECK(found);
  return found;
}

TEST_CASE("an aggregator that keeps the laws passes, on no samples too") {
  CHECK(check_laws(Good{}, numbers));
  CHECK(check_laws(Good{}, std::vector<int>{}));
  CHECK(check_laws(Good{}, numbers).explain() == "all laws hold");
}

TEST_CASE("each broken law is named") {
  explains(check_laws(StartsAtOne{}, numbers), "State{} is not neutral");
  explains(check_laws(ForgetsTheLeft{}, numbers), "State{} is not neutral on the right");
  explains(check_laws(ForgetsTheRight{}, numbers), "merge differs from adding everything");
  explains(check_laws(AddsTwice{}, numbers), "merge differs from adding everything");
  explains(check_laws(ReadingHasASideEffect{}, numbers), "result differs when asked twice");
  explains(check_laws(SealsWhenRead{}, numbers), "result changes the State it reads");
  explains(check_laws(LastClaimsNoOrder{}, ties), "against order_independent");
  explains(check_laws(RemovesTooLittle{}, numbers), "remove does not undo merge");
  CHECK_FALSE(check_laws(MeanOfMeans{}, numbers));
}

TEST_CASE("a report shows the samples and both results") {
  const auto report = check_laws(AddsTwice{}, numbers);
  CHECK(report.explain() ==
        "merge differs from adding everything to one State: samples [0, 1) [1, 1) [1, 5) give 11 against 14 "
        "(seed 1)");
  std::ostringstream out;
  out << report;
  CHECK(out.str() == report.explain());
}

TEST_CASE("floating-point results are compared to the bit unless a tolerance is given") {
  const std::vector<double> thirds{0.1, 0.2, 0.3, 1.0 / 3, 1e3};
  CHECK_FALSE(check_laws(FloatSum{}, thirds));
  CHECK(check_laws(FloatSum{}, thirds, {.relative = 1e-15}));
  CHECK(check_laws(FloatSum{}, thirds, {.absolute = 1e-12}));
  CHECK(check_laws(FloatSum{}, thirds, {.ulps = 4}));
  CHECK_FALSE(check_laws(FloatSum{}, std::vector{1.0, 1e300, -1e300}, {.relative = 1e-3, .ulps = 1000}));
}

TEST_CASE("the sign of zero and a NaN matter: NaN is the same as NaN") {
  using weir::testing::detail::same;
  constexpr double nan = std::numeric_limits<double>::quiet_NaN(),
                   infinity = std::numeric_limits<double>::infinity();
  CHECK(same(nan, -nan, {}));
  CHECK_FALSE(same(nan, 1.0, {.relative = 1, .absolute = 1}));
  CHECK_FALSE(same(0.0, -0.0, {}));
  CHECK(same(0.0, -0.0, {.ulps = 1}));
  CHECK_FALSE(same(infinity, std::numeric_limits<double>::max(), {.relative = 1, .absolute = infinity}));
  CHECK(same(std::optional{1.0}, std::optional{1.0 + 1e-16}, {}));
  CHECK_FALSE(same(std::optional<double>{}, std::optional{0.0}, {}));
}

TEST_CASE("many samples are cut at random places, from a seed") {
  std::vector<int> many(500, 1);
  CHECK(check_laws(Good{}, many, {.most_cuts = 50}));
  CHECK_FALSE(check_laws(AddsTwice{}, many, {.most_cuts = 50, .seed = 7}));
}

}  // namespace

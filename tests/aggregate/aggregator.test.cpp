#include <weir/aggregate/aggregator.hpp>

#include <limits>

#include "catch.hpp"

namespace {

using weir::Aggregator;
using weir::Invertible;

struct Minimal {
  using State = int;
  void add(State&, int) const {}
  void merge(State&, const State&) const {}
  int result(const State&) const { return 0; }
};
struct Timed : Minimal {
  void add(State&, int, weir::EventTime) const {}
};
struct Removing : Minimal {
  void remove(State&, const State&) const {}
};
struct NoState {
  void add(int&, int) const {}
};
struct NoMerge {
  using State = int;
  void add(State&, int) const {}
  int result(const State&) const { return 0; }
};
struct NoResult : Minimal {
  void result(const State&) const {}
};
struct NotConst {
  using State = int;
  void add(State&, int) {}
  void merge(State&, const State&) const {}
  int result(const State&) const { return 0; }
};
struct ReadsByChanging : Minimal {
  int result(State&) const { return 0; }
};

TEST_CASE("an aggregator has State, add (with or without time), merge and result, all const") {
  STATIC_REQUIRE(Aggregator<Minimal, int>);
  STATIC_REQUIRE(Aggregator<Timed, int>);
  STATIC_REQUIRE_FALSE(Aggregator<Minimal, const char*>);
  STATIC_REQUIRE_FALSE(Aggregator<NoState, int>);
  STATIC_REQUIRE_FALSE(Aggregator<NoMerge, int>);
  STATIC_REQUIRE_FALSE(Aggregator<NoResult, int>);
  STATIC_REQUIRE_FALSE(Aggregator<NotConst, int>);
  STATIC_REQUIRE_FALSE(Aggregator<ReadsByChanging, int>);
  STATIC_REQUIRE(Invertible<Removing>);
  STATIC_REQUIRE_FALSE(Invertible<Minimal>);
}

TEST_CASE("values are held at the nearer limit") {
  using weir::detail::held;
  using weir::detail::Int128;
  constexpr Int128 huge = static_cast<Int128>(1) << 100U;
  CHECK(held<std::int64_t>(huge) ==
        weir::Checked<std::int64_t>{std::numeric_limits<std::int64_t>::max(), true});
  CHECK(held<std::int64_t>(-huge) ==
        weir::Checked<std::int64_t>{std::numeric_limits<std::int64_t>::min(), true});
  CHECK(held<std::uint8_t>(-1) == weir::Checked<std::uint8_t>{0, true});
  CHECK(held<std::uint8_t>(255) == weir::Checked<std::uint8_t>{255, false});
  CHECK(held<weir::Duration>(-huge) == weir::Checked<weir::Duration>{weir::Duration::min(), true});
}

}  // namespace

#include <weir/aggregate/logic.hpp>

#include <algorithm>
#include <vector>

#include <weir/testing/laws.hpp>

#include "aggregate/samples.hpp"
#include "catch.hpp"

// What its types are: said here, because every program that includes the header would pay for it.
namespace weir::inline v0 {

static_assert(Aggregator<Any, bool> && Aggregator<All, bool>);

}  // namespace weir::inline v0

namespace {

using weir::All;
using weir::Any;

TEST_CASE("any of nothing is false, all of nothing is true") {
  CHECK_FALSE(Any{}.result({}));
  CHECK(All{}.result({}));
}

TEST_CASE("any and all agree with the standard algorithms on every list of four") {
  for (int bits = 0; bits < 16; ++bits) {
    std::vector<bool> values;
    for (int i = 0; i < 4; ++i) values.push_back((bits >> i & 1) != 0);
    Any::State any{};
    All::State all{};
    for (bool x : values) {
      Any{}.add(any, x);
      All{}.add(all, x);
    }
    CHECK(Any{}.result(any) == std::any_of(values.begin(), values.end(), [](bool x) { return x; }));
    CHECK(All{}.result(all) == std::all_of(values.begin(), values.end(), [](bool x) { return x; }));
    CHECK(weir::testing::check_laws(Any{}, values));
    CHECK(weir::testing::check_laws(All{}, values));
  }
}

}  // namespace

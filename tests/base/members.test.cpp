#include <weir/base/members.hpp>

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "catch.hpp"

namespace {

using weir::detail::count_members;
using weir::detail::is_plain_struct;
using weir::detail::Members;
using weir::detail::Types;
using weir::detail::with_members;

struct Two {
  double low = 1;
  double high = 2;
};
struct Four {
  std::string text;
  std::optional<double> number;
  std::vector<int> list;
  std::array<int, 3> three;
};
struct Nested {
  Two two;
  Four four;
  std::map<std::string, int> map;
};
struct Sixteen {
  int a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p;
};

struct Derived : Two {
  int more;
};
struct Empty {};
struct WithArray {
  int a[3];
  int b;
};
class Hidden {
 public:
  int shown = 0;
  [[nodiscard]] int hidden() const { return hidden_; }

 private:
  int hidden_ = 0;
};
union Either {
  int a;
  float b;
};
struct Seventeen {
  int a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q;
};
struct Demanding {
  explicit Demanding(int) {}
};
struct WithDemanding {
  Demanding demanding = Demanding(1);
  int number;
};

static_assert(is_plain_struct<Two>() && count_members<Two>() == 2);
static_assert(is_plain_struct<Four>() && count_members<Four>() == 4);
static_assert(is_plain_struct<Nested>() && count_members<Nested>() == 3);
static_assert(is_plain_struct<Sixteen>() && count_members<Sixteen>() == 16);
static_assert(std::is_same_v<Members<Two>, Types<double, double>>);
static_assert(!is_plain_struct<Derived>() && !is_plain_struct<Empty>() && !is_plain_struct<WithArray>());
static_assert(!is_plain_struct<Hidden>() && !is_plain_struct<Either>() && !is_plain_struct<Seventeen>());
static_assert(!is_plain_struct<WithDemanding>() && !is_plain_struct<int>() &&
              !is_plain_struct<std::string>());

}  // namespace

TEST_CASE("the members of a plain struct can be read and written without their names") {
  Two two;
  with_members(two, [](double& /*low*/, double& high) { high = 7; });
  CHECK(two.low == 1);
  CHECK(two.high == 7);
  Sixteen many{};
  with_members(many, [](auto&... member) { ((member = sizeof...(member)), ...); });
  CHECK(many.a == 16);
  CHECK(many.p == 16);
}

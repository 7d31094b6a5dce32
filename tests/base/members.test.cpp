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

using weir::detail::is_plain_struct;
using weir::detail::Members;
using weir::detail::tie_members;

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

static_assert(is_plain_struct<Two>() && std::tuple_size_v<Members<Two>> == 2);
static_assert(is_plain_struct<Four>() && std::tuple_size_v<Members<Four>> == 4);
static_assert(is_plain_struct<Nested>() && std::tuple_size_v<Members<Nested>> == 3);
static_assert(is_plain_struct<Sixteen>() && std::tuple_size_v<Members<Sixteen>> == 16);
static_assert(std::is_same_v<Members<Two>, std::tuple<double&, double&>>);
static_assert(!is_plain_struct<Derived>() && !is_plain_struct<Empty>() && !is_plain_struct<WithArray>());
static_assert(!is_plain_struct<Hidden>() && !is_plain_struct<Either>() && !is_plain_struct<Seventeen>());
static_assert(!is_plain_struct<WithDemanding>() && !is_plain_struct<int>() &&
              !is_plain_struct<std::string>());

}  // namespace

TEST_CASE("the members of a plain struct can be read and written without their names") {
  Two two;
  std::get<1>(tie_members(two)) = 7;
  CHECK(two.low == 1);
  CHECK(two.high == 7);
  Sixteen many{};
  std::get<15>(tie_members(many)) = 16;
  CHECK(many.p == 16);
}

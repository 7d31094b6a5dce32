#include <weir/base/fields.hpp>

#include <string>
#include <tuple>
#include <utility>

#include "catch.hpp"

namespace shop {

struct Payment {
  int user;
  double amount;
  std::string city;
};
WEIR_FIELDS(Payment, user, amount, city);

struct Wide {
  int a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z, aa, ab, ac, ad, ae, af,
      ag, ah, ai, aj, ak, al, am, an, ao, ap, aq, ar, at, au, av, aw, ax, ay, az, ba, bb, bc, bd, be, bf, bg,
      bh, bi, bj, bk, bl, bm, bn, bo, bp, bq, br, bs, bt, bu, bv, bw, bx, by, bz, ca, cb, cc;
};
WEIR_FIELDS(Wide, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z, aa, ab, ac,
            ad, ae, af, ag, ah, ai, aj, ak, al, am, an, ao, ap, aq, ar, at, au, av, aw, ax, ay, az, ba, bb,
            bc, bd, be, bf, bg, bh, bi, bj, bk, bl, bm, bn, bo, bp, bq, br, bs, bt, bu, bv, bw, bx, by, bz,
            ca, cb, cc);

struct Bare {
  int value;
};

}  // namespace shop

namespace {

TEST_CASE("fields come in the order in which they were named, by reference and with their names") {
  static_assert(weir::HasFields<shop::Payment>);
  static_assert(!weir::HasFields<shop::Bare>);
  const shop::Payment payment{7, 19.9, "Ghent"};
  const auto fields = weir_fields(payment);
  CHECK(std::get<0>(fields) == 7);
  CHECK(std::get<1>(fields) == 19.9);
  CHECK(&std::get<2>(fields) == &payment.city);
  constexpr auto names = weir_field_names(static_cast<const shop::Payment*>(nullptr));
  static_assert(names.size() == 3);
  CHECK(names[0] == "user");
  CHECK(names[2] == "city");
}

TEST_CASE("a struct can have 80 fields") {
  using Fields = decltype(weir_fields(std::declval<const shop::Wide&>()));
  static_assert(std::tuple_size_v<Fields> == 80);
  constexpr auto names = weir_field_names(static_cast<const shop::Wide*>(nullptr));
  CHECK(names.back() == "cc");
}

}  // namespace

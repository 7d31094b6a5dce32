#include <weir/base/owner.hpp>

#include <type_traits>
#include <utility>

#include "catch.hpp"

namespace {

struct Counted {
  explicit Counted(int& alive) : count(alive) { ++count; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --count; }
  int& count;
  int value = 0;
};
using Owner = weir::detail::Owner<Counted>;

static_assert(!std::is_copy_constructible_v<Owner> && std::is_nothrow_move_assignable_v<Owner>);
static_assert(std::is_same_v<decltype(*std::declval<const Owner&>()), const Counted&>);

TEST_CASE("an object ends with its owner, or when another takes its place, and goes with a move") {
  int first = 0;
  int second = 0;
  {
    Owner one(new Counted(first));
    Owner other(new Counted(second));
    one->value = 7;
    CHECK((*one).value == 7);
    other = std::move(one);
    CHECK(first == 1);
    CHECK(second == 0);
    CHECK_FALSE(one);  // NOLINT(bugprone-use-after-move): what is left is null
    CHECK(other->value == 7);
    Owner& same = other;
    other = std::move(same);
    CHECK(first == 1);
    const Owner last(std::move(other));
    CHECK(last);
    CHECK(last->value == 7);
  }
  CHECK(first == 0);
  CHECK_FALSE(Owner());
}

}  // namespace

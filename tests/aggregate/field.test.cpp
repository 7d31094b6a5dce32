#include <weir/aggregate/field.hpp>

#include <array>
#include <limits>
#include <string>
#include <vector>

#include <weir/aggregate/sequence.hpp>

#include "aggregate/samples.hpp"
#include "catch.hpp"

namespace {

using weir::Checked;
using weir::detail::fits;
using weir::detail::store;

template <class Field, class Result>
Checked<Field> stored(const Result& result, Field field = {}) {
  const bool overflowed = store(result, field);
  return {field, overflowed};
}

TEST_CASE("an integer beyond its field is held at the field's limit and flagged") {
  CHECK(stored<std::int8_t>(127) == Checked<std::int8_t>{127, false});
  CHECK(stored<std::int8_t>(128) == Checked<std::int8_t>{127, true});
  CHECK(stored<std::int8_t>(-1000) == Checked<std::int8_t>{-128, true});
  CHECK(stored<std::uint32_t>(-1) == Checked<std::uint32_t>{0, true});
  CHECK(stored<std::int64_t>(std::numeric_limits<std::uint64_t>::max()) ==
        Checked<std::int64_t>{std::numeric_limits<std::int64_t>::max(), true});
  CHECK(stored<double>(std::int64_t{3}) == Checked<double>{3.0, false});
  CHECK(stored<int>(true) == Checked<int>{1, false});
}

TEST_CASE("every integer conversion holds exactly when the value is out of range") {
  samples::Random random{1};
  for (int i = 0; i < 10'000; ++i) {
    const auto value = static_cast<std::int64_t>(random.bits()) >> random.below(64);
    const auto narrow = stored<std::int32_t>(value);
    const bool fitting = value >= std::numeric_limits<std::int32_t>::min() &&
                         value <= std::numeric_limits<std::int32_t>::max();
    CHECK(narrow.overflowed == !fitting);
    if (fitting) CHECK(narrow.value == value);
    CHECK(stored<std::uint64_t>(value).overflowed == (value < 0));
  }
}

TEST_CASE("a double beyond a float field is held: infinity and NaN are themselves") {
  constexpr float most = std::numeric_limits<float>::max();
  CHECK(stored<float>(1e300) == Checked<float>{most, true});
  CHECK(stored<float>(-1e300) == Checked<float>{-most, true});
  CHECK(stored<float>(std::numeric_limits<double>::infinity()).overflowed == false);
  CHECK(weir::detail::is_nan(stored<float>(std::numeric_limits<double>::quiet_NaN()).value));
}

TEST_CASE("an empty result empties an optional field and leaves any other alone") {
  using Empty = std::optional<double>;
  CHECK(stored<double>(Empty{}, 7.0).value == 7.0);
  CHECK(stored<std::optional<double>>(Empty{}, 7.0).value == std::nullopt);
  CHECK(stored<std::optional<double>>(Empty{2.5}).value == 2.5);
  CHECK(stored<double>(Empty{2.5}).value == 2.5);
  CHECK(stored<std::optional<int>>(std::optional<std::optional<int>>{std::optional<int>{}}, 7).value ==
        std::nullopt);
}

TEST_CASE("what is checked stays flagged, through optionals too") {
  CHECK(stored<std::int64_t>(Checked<std::int64_t>{5, true}) == Checked<std::int64_t>{5, true});
  CHECK(stored<std::optional<std::int8_t>>(std::optional{Checked<int>{300, false}}) ==
        Checked<std::optional<std::int8_t>>{127, true});
}

TEST_CASE("lists go into vectors and arrays, element by element") {
  weir::Sequence<int, 3> list;
  list.insert(0, 7);
  list.insert(1, 300);
  CHECK(stored<std::vector<std::int64_t>>(list, {1, 2, 3}).value == std::vector<std::int64_t>{7, 300});
  CHECK(stored<std::vector<std::int8_t>>(list) == Checked<std::vector<std::int8_t>>{{7, 127}, true});
  CHECK(stored<std::array<int, 4>>(list, {1, 1, 1, 1}).value == std::array{7, 300, 0, 0});
  CHECK(stored<std::array<int, 1>>(list) == Checked<std::array<int, 1>>{{7}, true});
  CHECK(stored<std::string>(std::string{"text"}).value == "text");
}

TEST_CASE("only what loses nothing unseen fits a field") {
  enum class Level { low };
  STATIC_REQUIRE(fits<std::optional<double>, float>());
  STATIC_REQUIRE(fits<Level, Level>());
  STATIC_REQUIRE(fits<std::optional<weir::Duration>, weir::Duration>());
  STATIC_REQUIRE(fits<std::string_view, std::string>());
  STATIC_REQUIRE_FALSE(fits<double, int>());
  STATIC_REQUIRE_FALSE(fits<std::optional<double>, std::int64_t>());
  STATIC_REQUIRE_FALSE(fits<int, bool>());
  STATIC_REQUIRE_FALSE(fits<double, bool>());
  STATIC_REQUIRE_FALSE(fits<Level, int>());
  STATIC_REQUIRE_FALSE(fits<weir::Duration, double>());
  STATIC_REQUIRE_FALSE(fits<weir::EventTime, weir::WallTime>());
  STATIC_REQUIRE_FALSE(fits<weir::Sequence<int, 3>, int>());
  STATIC_REQUIRE_FALSE(fits<weir::Sequence<double, 3>, std::vector<int>>());
}

}  // namespace

#include <weir/state/archive.hpp>

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include <weir/time/instant.hpp>

#include "catch.hpp"

namespace {

enum class Colour : std::uint16_t { red = 1, green = 0x0203 };

struct Plain {
  std::int32_t a = 0;
  double b = 0;
  friend bool operator==(const Plain&, const Plain&) = default;
};
struct Packed {
  std::uint64_t a = 0;
  double b = 0;
};
struct Named {
  std::string text;
  bool flag = false;
  friend bool operator==(const Named&, const Named&) = default;
};
WEIR_FIELDS(Named, text, flag);

/// Keeps what it is made of to itself.
class Own {
 public:
  Own() = default;
  explicit Own(std::int64_t number) : number_(number) {}
  void archive(weir::Archive& ar) { ar(number_); }
  friend bool operator==(const Own&, const Own&) = default;

 private:
  std::int64_t number_ = 0;
};

struct Everything {
  std::int8_t small = 0;
  std::uint64_t large = 0;
  Colour colour = Colour::red;
  weir::EventTime at{};
  std::optional<std::string> maybe;
  std::vector<Plain> list;
  std::array<std::optional<std::int32_t>, 2> two;
  std::tuple<std::int16_t, std::string> both;
  std::pair<float, bool> pair;
  Named named;
  Own own;
  friend bool operator==(const Everything&, const Everything&) = default;
};

struct Pointer {
  int* at = nullptr;
};

static_assert(weir::Archivable<Everything> && weir::Archivable<Own> && weir::Archivable<Named>);
static_assert(!weir::Archivable<Pointer> && !weir::Archivable<std::vector<Pointer>> &&
              !weir::Archivable<std::string_view>);
static_assert(!weir::Archivable<std::optional<Pointer>> && !weir::Archivable<long double> &&
              !weir::Archivable<std::vector<bool>>);
static_assert(weir::detail::is_packed<Packed>() && !weir::detail::is_packed<Plain>() &&
              !weir::detail::is_packed<Named>());
static_assert(weir::detail::layout_of<Plain>() != weir::detail::layout_of<Packed>());
static_assert(weir::detail::layout_of<std::int64_t>() != weir::detail::layout_of<double>());

Everything sample() {
  return {.small = -3,
          .large = std::numeric_limits<std::uint64_t>::max(),
          .colour = Colour::green,
          .at = weir::event_time(-7),
          .maybe = "text",
          .list = {{1, 0.5}, {-2, -0.0}},
          .two = {std::nullopt, 9},
          .both = {4, std::string(300, 'x')},
          .pair = {1.5F, true},
          .named = {"name", true},
          .own = Own(77)};
}

template <class Value>
std::string bytes_of(const Value& value) {
  weir::Archive out;
  out.write(value);
  return std::string(out.written());
}

/// A State as it was, as it is, and as it will be.
struct First {
  static constexpr std::uint32_t version = 1;
  std::int64_t count = 0;
};
struct Second {
  static constexpr std::uint32_t version = 2;
  using Previous = First;
  std::int64_t count = 0;
  double sum = 0;
  Second() = default;
  explicit Second(const First& first) : count(first.count), sum(-1) {}
  void archive(weir::Archive& ar) { ar(count, sum); }
};
struct Third {
  static constexpr std::uint32_t version = 3;
  using Previous = Second;
  double sum = 0;
  std::int32_t count = 0;
  Third() = default;
  explicit Third(const Second& second) : sum(second.sum), count(static_cast<std::int32_t>(second.count)) {}
  void archive(weir::Archive& ar) { ar(sum, count); }
};
static_assert(weir::detail::layout_of<First>() == weir::detail::layout_of<Second>());
static_assert(weir::detail::layout_of<Second>() == weir::detail::layout_of<Third>());

/// Types that say themselves how they are written, all in other ways.
template <class Number>
struct Sum {
  Number sum = 0;
  void archive(weir::Archive& ar) { ar(sum); }
};
struct SumAndFlag {
  std::int64_t sum = 0;
  bool flag = false;
  void archive(weir::Archive& ar) { ar(sum, flag); }
};
template <class Number>
struct Raw {
  Number number = 0;
  void archive(weir::Archive& ar) { ar.raw(&number, sizeof number); }
};
template <class Number>
struct Listed {
  std::vector<Number> list;
  void archive(weir::Archive& ar) { ar(list); }
};
template <class Number>
struct Counted {
  std::vector<Number> list;
  void archive(weir::Archive& ar) {
    std::size_t count = list.size();
    ar.size(count, sizeof(Number));
    if (ar.is_loading()) list.resize(count);
    for (Number& number : list) ar(number);
  }
};
/// Knows only what it was made with.
template <class Number>
struct Given {
  explicit Given(Number with) : number(with) {}
  Number number;
  void archive(weir::Archive& ar) { ar(number); }
};
/// Contains itself.
template <class Number>
struct Tree {
  Number number = 0;
  std::vector<Tree> below;
  void archive(weir::Archive& ar) { ar(number, below); }
};
template <class Type>
struct Around {
  std::optional<Type> inner;
};

}  // namespace

TEST_CASE("the layout of a type that says itself how it is written is that of what it writes") {
  using weir::detail::layout_of;
  CHECK(layout_of<Sum<std::int64_t>>() == layout_of<Own>());
  CHECK(layout_of<Sum<std::int64_t>>() != layout_of<Sum<double>>());
  CHECK(layout_of<Sum<std::int64_t>>() != layout_of<Sum<std::int32_t>>());
  CHECK(layout_of<Sum<std::int64_t>>() != layout_of<Listed<std::int64_t>>());
  CHECK(layout_of<Sum<std::int64_t>>() != layout_of<SumAndFlag>());
  CHECK(layout_of<Raw<std::int64_t>>() != layout_of<Raw<std::int32_t>>());
  CHECK(layout_of<Listed<std::int64_t>>() != layout_of<Listed<double>>());
  CHECK(layout_of<Counted<std::int64_t>>() != layout_of<Counted<std::int32_t>>());
  CHECK(layout_of<Tree<std::int64_t>>() != layout_of<Tree<double>>());
  CHECK(layout_of<Tree<double>>() == layout_of<Tree<double>>());
  CHECK(layout_of<Around<Sum<std::int64_t>>>() != layout_of<Around<Sum<double>>>());
  CHECK(layout_of<Listed<Sum<std::int64_t>>>() != layout_of<Listed<Sum<double>>>());
  // What is not looked at: elements that a new value does not have, and types that have no new value.
  CHECK(layout_of<Counted<std::int64_t>>() == layout_of<Counted<double>>());
  CHECK(layout_of<Given<std::int64_t>>() == layout_of<Given<double>>());
}

TEST_CASE("an archive gives back what was written, byte for byte") {
  const Everything written = sample();
  const std::string bytes = bytes_of(written);
  weir::Archive in(bytes);
  Everything read;
  in(read);
  CHECK(in.is_good());
  CHECK(in.left() == 0);
  CHECK(read == written);
  CHECK(bytes_of(read) == bytes);
}

TEST_CASE("numbers are little-endian and as wide as their type, lengths have 8 bytes") {
  CHECK(bytes_of(std::uint32_t{0x01020304}) == std::string("\4\3\2\1", 4));
  CHECK(bytes_of(Colour::green) == std::string("\3\2", 2));
  CHECK(bytes_of(std::string("ab")) == std::string("\2\0\0\0\0\0\0\0ab", 10));
  CHECK(bytes_of(std::optional<std::int8_t>{5}) == std::string("\1\5", 2));
  CHECK(bytes_of(std::optional<std::int8_t>{}) == std::string("\0", 1));
  CHECK(bytes_of(Plain{1, 0}).size() == 12);  // no padding
  CHECK(bytes_of(weir::Duration{-1}) == std::string(8, '\xff'));
}

TEST_CASE("bytes that end too early, or promise more than there is, fail at their place and give zeros") {
  const std::string bytes = bytes_of(sample());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    weir::Archive in(std::string_view(bytes).substr(0, size));
    Everything read;
    in(read);
    REQUIRE(!in.is_good());
    REQUIRE(in.offset() <= size);
  }
  std::string huge(8, '\xff');
  weir::Archive in(huge);
  std::vector<Plain> list;
  in(list);
  CHECK(in.reason() == "a length is greater than what follows");
  CHECK(list.empty());
  std::int32_t after = 7;
  in(after);
  CHECK(after == 0);

  weir::Archive flag("\2");
  bool value = false;
  flag(value);
  CHECK(flag.reason() == "a truth value is neither 0 nor 1");
}

TEST_CASE("a State that was changed reads what it was before") {
  const std::string second = bytes_of([] {
    Second state;
    state.count = 5;
    state.sum = 2.5;
    return state;
  }());
  weir::Archive in(second);
  Third third;
  in(third);
  REQUIRE(in.is_good());
  CHECK(third.count == 5);
  CHECK(third.sum == 2.5);

  const std::string first = bytes_of(First{.count = 9});
  weir::Archive older(first);
  older(third);
  REQUIRE(older.is_good());
  CHECK(third.count == 9);
  CHECK(third.sum == -1);

  std::string later = bytes_of(std::uint32_t{4}) + second;
  weir::Archive newer(later);
  newer(third);
  CHECK(newer.reason() == "a State is of a version that this program does not know");
}

#include <weir/base/description.hpp>

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "catch.hpp"

namespace shelf {

struct Book {
  std::string title;
  double price = 0;
  std::int32_t pages = 0;
  bool is_lent = false;
};
WEIR_FIELDS(Book, title, price, is_lent);

struct Atlas : Book {
  int maps = 0;
};

struct Fixed {
  explicit Fixed(int number) : value(number) {}
  int value;
};
WEIR_FIELDS(Fixed, value);

struct Bare {
  int value = 0;
};

enum class Kind : std::uint8_t { one };

}  // namespace shelf

namespace {

using Layout = weir::Description::Layout;
using shelf::Book;

TEST_CASE("a description is indented JSON in the order of its calls") {
  weir::Description out;
  out.begin_object();
  out.text("name", "x");
  out.number("size", -3);
  out.flag("is_there", false);
  out.none("nothing");
  out.begin_list("list");
  out.begin_object({}, Layout::line);
  out.text("a", "1");
  out.begin_list("deep");
  out.number({}, 1);
  out.number({}, 2);
  out.end();
  out.end();
  out.begin_list();
  out.end();
  out.end();
  out.end();
  CHECK(out.str() ==
        "{\n"
        "  \"name\": \"x\",\n"
        "  \"size\": -3,\n"
        "  \"is_there\": false,\n"
        "  \"nothing\": null,\n"
        "  \"list\": [\n"
        "    {\"a\": \"1\", \"deep\": [1, 2]},\n"
        "    []\n"
        "  ]\n"
        "}");
}

TEST_CASE("a description that was written with the depth of its place can be put into another") {
  weir::Description inner(1);
  inner.begin_object();
  inner.number("a", 1);
  inner.end();
  weir::Description outer;
  outer.begin_object();
  CHECK(outer.depth() == 1);
  outer.json("inner", inner.str());
  outer.end();
  CHECK(outer.str() == "{\n  \"inner\": {\n    \"a\": 1\n  }\n}");
}

TEST_CASE("quotes, backslashes and control characters are escaped, other bytes are not") {
  weir::Description out;
  out.text({},
           "\"\\\n\t\x01 gr\xC3\xB6\xC3\x9F"
           "er");
  CHECK(out.str() ==
        "\"\\\"\\\\\\u000a\\u0009\\u0001 gr\xC3\xB6\xC3\x9F"
        "er\"");
}

TEST_CASE("durations are whole numbers of their largest unit") {
  const auto said = [](std::int64_t microseconds) {
    weir::Description out;
    out.duration({}, std::chrono::duration<std::int64_t, std::micro>{microseconds});
    return out.str();
  };
  CHECK(said(0) == "\"0s\"");
  CHECK(said(1) == "\"1us\"");
  CHECK(said(-90'000'000) == "\"-90s\"");
  CHECK(said(5'400'000'000) == "\"90min\"");
  CHECK(said(30 * 86'400'000'000) == "\"30d\"");
  CHECK(said(std::numeric_limits<std::int64_t>::max()) == "\"for_ever\"");
}

TEST_CASE("members are told by their names, and everything else by a word") {
  using weir::detail::projection_name;
  CHECK(projection_name<Book>(&Book::price) == "price");
  CHECK(projection_name<Book>(&Book::is_lent) == "is_lent");
  CHECK(projection_name<Book>(&Book::pages) == "(member)");       // not named
  CHECK(projection_name<shelf::Atlas>(&Book::title) == "title");  // of the base that is named
  CHECK(projection_name<shelf::Atlas>(&shelf::Atlas::maps) == "(member)");
  CHECK(projection_name<shelf::Fixed>(&shelf::Fixed::value) == "(member)");  // none can be made
  CHECK(projection_name<shelf::Bare>(&shelf::Bare::value) == "(member)");
  CHECK(projection_name<Book>([](const Book& book) { return book.pages; }) == "(function)");
}

template <class T>
std::string word() {
  return weir::detail::type_text(weir::detail::type_word<T>);
}

TEST_CASE("a type has one word wherever it is compiled") {
  CHECK(word<bool>() == "bool");
  CHECK(word<char>() == "char");
  CHECK(word<signed char>() == "int8");
  CHECK(word<long>() == "int64");
  CHECK(word<long long>() == "int64");
  CHECK(word<std::uint16_t>() == "uint16");
  CHECK(word<float>() == "float");
  CHECK(word<double>() == "double");
  CHECK(word<shelf::Kind>() == "enum uint8");
  CHECK(word<std::chrono::microseconds>() == "duration");
  CHECK(word<std::chrono::system_clock::time_point>() == "instant");
  CHECK(word<std::string>() == "string");
  CHECK(word<std::string_view>() == "string");
  CHECK(word<const char*>() == "string");
  CHECK(word<std::optional<int>>() == "optional int32");
  CHECK(word<std::tuple<int, std::pair<bool, std::string>>>() == "(int32, (bool, string))");
  CHECK(word<std::vector<double>>() == "list double");
  CHECK(word<std::array<int, 3>>() == "list int32");
  CHECK(word<Book>() == "(string, double, bool)");
  CHECK(word<shelf::Bare>() == "record");
}

}  // namespace

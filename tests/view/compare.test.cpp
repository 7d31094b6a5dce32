#include <weir/view/compare.hpp>

#include <weir/view/point_in_time.hpp>

#include <array>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "catch.hpp"

namespace {

struct Row {
  std::int64_t count = 0;
  double sum = 0;
  std::string word;
};
WEIR_FIELDS(Row, count, sum, word);

using Entry = weir::TrainingRow<std::string, Row>;

Entry entry(const std::string& key, std::int64_t at, Row row) {
  return {.key = key, .as_of = weir::event_time(at), .value = std::move(row)};
}

TEST_CASE("rows are matched by key and instant, whatever their order") {
  const std::vector<Entry> trained{entry("a", 1, {1, 2.0, "x"}), entry("b", 1, {2, 3.0, "y"}),
                                   entry("a", 2, {3, 4.0, "z"})};
  const std::vector<Entry> served{trained[2], trained[0], trained[1]};
  const weir::SkewReport report = weir::compare(trained, served);
  CHECK(report.is_clean());
  CHECK(report.matched == 3);
  CHECK(report.features.size() == 3);
  CHECK(report.features[1].name == "sum");
  CHECK(report.features[1].compared == 3);
}

TEST_CASE("rows of the same key and instant are matched in their order") {
  const std::vector<Entry> trained{entry("a", 1, {1, 0, ""}), entry("a", 1, {2, 0, ""})};
  CHECK(weir::compare(trained, trained).is_clean());
  const std::vector<Entry> served{trained[1], trained[0]};
  CHECK(weir::compare(trained, served).mismatched == 2);

  const std::vector<Entry> alike(100'000, trained.front());
  CHECK(weir::compare(alike, alike).matched == alike.size());
}

TEST_CASE("what only one side has is missing or extra") {
  const std::vector<Entry> trained{entry("a", 1, {}), entry("b", 1, {}), entry("c", 3, {})};
  const std::vector<Entry> served{entry("a", 1, {}), entry("a", 2, {}), entry("a", 1, {})};
  const weir::SkewReport report = weir::compare(trained, served);
  CHECK(report.matched == 1);
  CHECK(report.missing == 2);
  CHECK(report.extra == 2);
  CHECK_FALSE(report.is_clean());
  const std::vector<Entry> none;
  CHECK(weir::compare(none, served).missing == 3);
  CHECK(weir::compare(trained, none).extra == 3);
}

TEST_CASE("a feature that differs is counted with its deltas") {
  const std::vector<Entry> trained{entry("a", 1, {1, 100.0, "x"}), entry("b", 1, {5, 1.0, "x"})};
  const std::vector<Entry> served{entry("a", 1, {1, 101.0, "y"}), entry("b", 1, {2, 1.0, "x"})};
  const weir::SkewReport report = weir::compare(trained, served);
  CHECK(report.mismatched == 2);
  CHECK(report.features[0].mismatched == 1);
  CHECK(report.features[0].largest_delta == 3);
  CHECK(report.features[1].mismatched == 1);
  CHECK(report.features[1].sum_of_deltas == 1);
  CHECK(report.features[1].relative_deltas[13] == 1);  // 1/101 is above 10^-3 and up to 10^-2
  CHECK(report.features[2].mismatched == 1);
  CHECK(report.features[2].largest_delta == 0);
  CHECK(report.text().find("matched 2, mismatched 2, missing 0, extra 0") == 0);
  CHECK(report.text().find("sum") != std::string::npos);
}

TEST_CASE("NaN equals NaN, and what is not finite differs by infinity") {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<Entry> trained{entry("a", 1, {0, nan, ""}), entry("b", 1, {0, INFINITY, ""})};
  CHECK(weir::compare(trained, trained).is_clean());
  const std::vector<Entry> served{entry("a", 1, {0, 1.0, ""}), entry("b", 1, {0, 1.0, ""})};
  const weir::SkewReport report = weir::compare(trained, served);
  CHECK(report.features[1].mismatched == 2);
  CHECK(std::isinf(report.features[1].largest_delta));
  CHECK(report.features[1].relative_deltas.back() == 2);
}

TEST_CASE("rows of different definitions are counted, also when they are the same, unless one is not known") {
  const std::vector<Entry> trained{entry("a", 1, {}), entry("b", 1, {}), entry("c", 1, {})};
  std::vector<Entry> served = trained;
  std::vector<Entry> again = trained;
  for (Entry& row : again) row.definition = 7;
  served[1].definition = 7;
  served[2].definition = 8;
  const weir::SkewReport report = weir::compare(again, served);
  CHECK(report.matched == 3);
  CHECK(report.mismatched == 0);
  CHECK(report.redefined == 1);
  CHECK_FALSE(report.is_clean());
  CHECK(report.text().find("computed by another definition 1") != std::string::npos);
  CHECK(weir::compare(again, again).is_clean());
  CHECK(weir::compare(again, trained).is_clean());
}

TEST_CASE("rows that do not tell their definition can be compared") {
  struct Logged {
    std::string key;
    weir::EventTime as_of;
    Row value;
  };
  const std::vector<Entry> trained{entry("a", 1, {})};
  const std::vector<Logged> served{{"a", weir::event_time(1), {}}};
  CHECK(weir::compare(trained, served).is_clean());
}

TEST_CASE("numbers are the same bit for bit, but one NaN is as good as another") {
  const auto report_of = [](double a, double b) {
    const std::vector<Entry> trained{entry("a", 1, {0, a, ""})};
    const std::vector<Entry> served{entry("a", 1, {0, b, ""})};
    return weir::compare(trained, served);
  };
  const weir::SkewReport zeros = report_of(0.0, -0.0);
  CHECK(zeros.mismatched == 1);
  CHECK(zeros.features[1].largest_delta == 0);
  CHECK(zeros.features[1].finite_deltas == 1);
  CHECK(zeros.features[1].relative_deltas[0] == 1);
  CHECK(report_of(-0.0, -0.0).is_clean());
  CHECK(report_of(0.1 + 0.2, 0.3).mismatched == 1);
  const double payload = std::bit_cast<double>(0xfff8'0000'0000'0123U);
  CHECK(std::isnan(payload));
  CHECK(report_of(payload, std::numeric_limits<double>::quiet_NaN()).is_clean());
}

struct Inner {
  double value = 0;
};
WEIR_FIELDS(Inner, value);

/// A row of all kinds of fields.
struct Rich {
  std::optional<double> maybe{};
  weir::Duration since{};
  std::vector<double> list{};
  std::array<float, 2> pair{};
  std::optional<std::string> word{};
  Inner inner{};
};
WEIR_FIELDS(Rich, maybe, since, list, pair, word, inner);
using RichEntry = weir::TrainingRow<int, Rich>;

weir::SkewReport skew_of(const Rich& a, const Rich& b) {
  const std::vector<RichEntry> trained{{.key = 1, .value = a}};
  const std::vector<RichEntry> served{{.key = 1, .value = b}};
  return weir::compare(trained, served);
}

TEST_CASE("fields that may be empty, spans of time and lists have deltas too") {
  using std::chrono_literals::operator""us;
  const Rich trained{
      .maybe = 2.0, .since = 10us, .list = {1, 2, 3}, .pair = {1, 2}, .word = "x", .inner = {1}};
  const Rich served{
      .maybe = 3.0, .since = 14us, .list = {1, 9, 4}, .pair = {1, 2.5F}, .word = "y", .inner = {2}};
  const weir::SkewReport report = skew_of(trained, served);
  for (const weir::FeatureSkew& skew : report.features) CHECK(skew.mismatched == 1);
  CHECK(report.features[0].largest_delta == 1);
  CHECK(report.features[1].largest_delta == 4);
  CHECK(report.features[2].largest_delta == 7);  // of the elements that are furthest apart
  CHECK(report.features[3].largest_delta == 0.5);
  CHECK(report.features[4].finite_deltas == 0);
  CHECK(report.features[5].finite_deltas == 0);
  CHECK(skew_of(trained, trained).is_clean());
}

TEST_CASE("what only one side has is different without a delta, and NaN within is the same as NaN") {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  const Rich empty{};
  const Rich zero{.maybe = 0.0, .list = {0}, .word = ""};
  const weir::SkewReport report = skew_of(empty, zero);
  for (const std::size_t field : {0U, 2U, 4U}) {
    CHECK(report.features[field].mismatched == 1);
    CHECK(report.features[field].finite_deltas == 0);
    CHECK(report.features[field].largest_delta == 0);
  }
  const Rich no_numbers{.maybe = nan, .list = {nan, 1}, .inner = {nan}};
  CHECK(skew_of(no_numbers, no_numbers).is_clean());
  const Rich numbers{.maybe = 1.0, .list = {1, 1}, .inner = {nan}};
  const weir::SkewReport infinite = skew_of(no_numbers, numbers);
  CHECK(std::isinf(infinite.features[0].largest_delta));
  CHECK(std::isinf(infinite.features[2].largest_delta));
  CHECK(infinite.features[5].mismatched == 0);
  CHECK(skew_of({.list = {0.0}}, {.list = {-0.0}}).mismatched == 1);
}

TEST_CASE("rows of another status are counted, also when their values are the same") {
  std::vector<Entry> trained{entry("a", 1, {}), entry("b", 1, {}), entry("c", 1, {})};
  for (Entry& row : trained) row.status = weir::ReadStatus::fresh;
  std::vector<Entry> served = trained;
  served[1].status = weir::ReadStatus::incomplete;
  const weir::SkewReport report = weir::compare(trained, served);
  CHECK(report.mismatched == 0);
  CHECK(report.other_status == 1);
  CHECK_FALSE(report.is_clean());
  CHECK(report.text().find(", of another status 1\n") != std::string::npos);
  CHECK(weir::compare(trained, trained).text().find("status") == std::string::npos);
}

TEST_CASE("the text has the mean of finite deltas, and how relative deltas are distributed") {
  std::vector<Entry> trained;
  std::vector<Entry> served;
  for (std::int64_t i = 0; i < 5; ++i) trained.push_back(entry("a", i, {1, 1.0, "x"}));
  served = trained;
  served[0].value.sum = std::nextafter(1.0, 2.0);
  served[1].value.sum = 1.0 + 5e-7;
  served[2].value.sum = -3.0;
  served[3].value.sum = INFINITY;
  served[4].value.word = std::string(1, 'y');
  CHECK(weir::compare(trained, served).text() ==
        "matched 5, mismatched 5, missing 0, extra 0\n"
        "  count             0 of 5 differ, mean delta 0, largest 0\n"
        "  sum               4 of 5 differ, mean delta 1.33333, largest inf\n"
        "      relative deltas: 1 up to 1e-15, 1 up to 1e-6, 2 above 1\n"
        "  word              1 of 5 differ, mean delta 0, largest 0\n");
}

}  // namespace

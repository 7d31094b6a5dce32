#include <weir/view/compare.hpp>

#include <weir/view/point_in_time.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
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

}  // namespace

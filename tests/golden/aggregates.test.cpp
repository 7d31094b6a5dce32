// The aggregates on the four data sets, against values that were computed without weir: see aggregates.py.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <weir/weir.hpp>

#include "catch.hpp"
#include "csv.hpp"

namespace {

using support::Cells;
using support::read_integer;
using weir::EventTime;

struct Record {
  std::string group;
  EventTime at;
  std::int64_t x = 0, y = 0, weight = 0;
  std::string category;
};

struct Row {
  std::int64_t count = 0, sum = 0, least = 0, most = 0, range = 0, abs_most = 0, distinct = 0;
  std::optional<double> mean, variance, stddev, population_variance, sem, skewness, kurtosis,
      population_skewness, population_kurtosis, covariance, correlation, slope, trend, z_score, weighted_mean,
      bayesian_mean, geometric_mean, harmonic_mean, ratio, share, decayed_mean, autocorrelation, median, p90,
      iqr, mad, entropy, top_share;
  double decayed_count = 0, decayed_sum = 0;
  std::optional<std::int64_t> first, last, second, lag, delta, drawdown;
  std::vector<std::int64_t> top, bottom;
  std::vector<std::string> first_categories, last_categories;
  std::string mode;
  std::int64_t longest_streak = 0, current_streak = 0, transitions = 0;
  weir::Duration elapsed{};
  std::optional<weir::Duration> gap_mean, gap_most, gap_least, gap_stddev;
};

/// What a cell of the table can be compared with.
struct Value {
  std::variant<std::optional<double>, std::optional<std::int64_t>, std::string> is;

  Value(std::optional<double> number) : is(number) {}
  Value(double number) : is(std::optional(number)) {}
  Value(std::optional<std::int64_t> whole) : is(whole) {}
  Value(std::int64_t whole) : is(std::optional(whole)) {}
  Value(std::string text) : is(std::move(text)) {}
};

template <class T>
std::string joined(const std::vector<T>& list) {
  std::string text;
  for (const T& one : list) {
    if (!text.empty()) text += ',';
    if constexpr (std::same_as<T, std::string>)
      text += one;
    else
      text += std::to_string(one);
  }
  return text;
}
std::optional<std::int64_t> ticks(const std::optional<weir::Duration>& duration) {
  return duration ? std::optional(std::int64_t{duration->count()}) : std::nullopt;
}
std::optional<double> seconds(const std::optional<weir::Duration>& duration) {
  return duration ? std::optional(static_cast<double>(duration->count()) / 1e6) : std::nullopt;
}

std::map<std::string, Value> values_of(const Row& row) {
  return {{"count", row.count},
          {"sum", row.sum},
          {"mean", row.mean},
          {"min", row.least},
          {"max", row.most},
          {"range", row.range},
          {"abs_max", row.abs_most},
          {"variance", row.variance},
          {"stddev", row.stddev},
          {"population_variance", row.population_variance},
          {"sem", row.sem},
          {"population_skewness", row.population_skewness},
          {"population_kurtosis", row.population_kurtosis},
          {"skewness", row.skewness},
          {"kurtosis", row.kurtosis},
          {"covariance", row.covariance},
          {"correlation", row.correlation},
          {"slope", row.slope},
          {"trend", row.trend},
          {"z_score", row.z_score},
          {"weighted_mean", row.weighted_mean},
          {"bayesian_mean", row.bayesian_mean},
          {"geometric_mean", row.geometric_mean},
          {"harmonic_mean", row.harmonic_mean},
          {"ratio", row.ratio},
          {"share", row.share},
          {"decayed_count", row.decayed_count},
          {"decayed_sum", row.decayed_sum},
          {"decayed_mean", row.decayed_mean},
          {"distinct", row.distinct},
          {"first", row.first},
          {"last", row.last},
          {"second", row.second},
          {"lag_1", row.lag},
          {"delta", row.delta},
          {"top_3", joined(row.top)},
          {"bottom_3", joined(row.bottom)},
          {"first_distinct_3", joined(row.first_categories)},
          {"last_distinct_3", joined(row.last_categories)},
          {"longest_streak", row.longest_streak},
          {"current_streak", row.current_streak},
          {"transitions", row.transitions},
          {"elapsed", std::int64_t{row.elapsed.count()}},
          {"inter_arrival_mean", seconds(row.gap_mean)},
          {"inter_arrival_max", ticks(row.gap_most)},
          {"inter_arrival_min", ticks(row.gap_least)},
          {"inter_arrival_stddev", seconds(row.gap_stddev)},
          {"drawdown", row.drawdown},
          {"autocorrelation_1", row.autocorrelation},
          {"median", row.median},
          {"p90", row.p90},
          {"iqr", row.iqr},
          {"mad", row.mad},
          {"entropy", row.entropy},
          {"top_share", row.top_share},
          {"mode", row.mode}};
}

auto features() {
  constexpr weir::Duration day = std::chrono::hours{24};
  const auto is_above = [](const Record& record) { return record.x > 0; };
  const auto real = [](const Record& record) { return static_cast<double>(record.x); };
  return weir::features<Row>(
      {.name = "aggregates", .retain = weir::for_ever},
      weir::rolling_lifetime().compute(
          weir::count().as(&Row::count), weir::sum(&Record::x).as(&Row::sum),
          weir::mean(&Record::x).as(&Row::mean), weir::min(&Record::x).as(&Row::least),
          weir::max(&Record::x).as(&Row::most), weir::range(&Record::x).as(&Row::range),
          weir::abs_max(&Record::x).as(&Row::abs_most), weir::variance(&Record::x).as(&Row::variance),
          weir::stddev(&Record::x).as(&Row::stddev),
          weir::population_variance(&Record::x).as(&Row::population_variance),
          weir::sem(&Record::x).as(&Row::sem), weir::skewness(&Record::x).as(&Row::skewness),
          weir::kurtosis(&Record::x).as(&Row::kurtosis),
          weir::population_skewness(&Record::x).as(&Row::population_skewness),
          weir::population_kurtosis(&Record::x).as(&Row::population_kurtosis),
          weir::covariance(&Record::x, &Record::y).as(&Row::covariance),
          weir::correlation(&Record::x, &Record::y).as(&Row::correlation),
          weir::slope(&Record::y, &Record::x).as(&Row::slope), weir::trend(&Record::x).as(&Row::trend),
          weir::z_score(&Record::x).as(&Row::z_score),
          weir::weighted_mean(&Record::x, &Record::weight).as(&Row::weighted_mean),
          weir::bayesian_mean(&Record::x, {.prior = 10, .weight = 5}).as(&Row::bayesian_mean),
          weir::geometric_mean(real).where(is_above).as(&Row::geometric_mean),
          weir::harmonic_mean(real).where(is_above).as(&Row::harmonic_mean),
          weir::ratio(&Record::x, &Record::y).as(&Row::ratio), weir::share(is_above).as(&Row::share),
          weir::decayed_count(day).as(&Row::decayed_count),
          weir::decayed_sum(&Record::x, day).as(&Row::decayed_sum),
          weir::decayed_mean(&Record::x, day).as(&Row::decayed_mean)),
      weir::rolling_lifetime().compute(
          weir::distinct(&Record::category, {.most = 10'000}).as(&Row::distinct),
          weir::first(&Record::x).as(&Row::first), weir::last(&Record::x).as(&Row::last),
          weir::nth<2>(&Record::x).as(&Row::second), weir::lag<1>(&Record::x).as(&Row::lag),
          weir::delta(&Record::x).as(&Row::delta), weir::top_k<3>(&Record::x).as(&Row::top),
          weir::bottom_k<3>(&Record::x).as(&Row::bottom),
          weir::first_distinct_k<3>(&Record::category).as(&Row::first_categories),
          weir::last_distinct_k<3>(&Record::category).as(&Row::last_categories),
          weir::longest_streak(is_above).as(&Row::longest_streak),
          weir::current_streak(is_above).as(&Row::current_streak),
          weir::transitions(&Record::category).as(&Row::transitions), weir::elapsed().as(&Row::elapsed),
          weir::inter_arrival_mean().as(&Row::gap_mean), weir::inter_arrival_max().as(&Row::gap_most),
          weir::inter_arrival_min().as(&Row::gap_least), weir::inter_arrival_stddev().as(&Row::gap_stddev),
          weir::drawdown(&Record::x).as(&Row::drawdown),
          weir::autocorrelation<1>(&Record::x).as(&Row::autocorrelation),
          weir::exact_median(&Record::x, {.most = 1'000'000}).as(&Row::median),
          weir::exact_quantile(&Record::x, 0.9, {.most = 1'000'000}).as(&Row::p90),
          weir::iqr(&Record::x, {.most = 1'000'000}).as(&Row::iqr),
          weir::mad(&Record::x, {.most = 1'000'000}).as(&Row::mad),
          weir::entropy(&Record::category, {.most = 10'000}).as(&Row::entropy),
          weir::mode(&Record::category, {.counters = 10'000}).as(&Row::mode),
          weir::top_share(&Record::category, {.counters = 10'000}).as(&Row::top_share)));
}

/// Of one data set: group, aggregate, value.
using Expected = std::map<std::string, std::map<std::string, std::string>>;
Expected expected_of(const std::string& data) {
  Expected expected;
  std::ifstream file("tests/golden/aggregates.tsv");
  for (std::string line; std::getline(file, line);) {
    std::vector<std::string> cells(1);
    for (const char c : line) {
      if (c == '\t')
        cells.emplace_back();
      else
        cells.back() += c;
    }
    REQUIRE(cells.size() == 4);
    if (cells[0] == data) expected[cells[1]][cells[2]] = cells[3];
  }
  REQUIRE(!expected.empty());
  return expected;
}

/// How far a result may be from the true value, relative to it. The bounds on the cards are below that for these data.
constexpr double tolerated = 1e-9;

std::string difference(const Value& found, const std::string& expected, const Row& row,
                       const std::string& name) {
  if (const auto* text = std::get_if<std::string>(&found.is)) return *text == expected ? "" : *text;
  if (const auto* whole = std::get_if<std::optional<std::int64_t>>(&found.is)) {
    const std::string shown = *whole ? std::to_string(**whole) : "-";
    return shown == expected ? "" : shown;
  }
  const std::optional<double> number = std::get<std::optional<double>>(found.is);
  if (!number) return expected == "-" ? "" : "-";
  const double wanted = std::strtod(expected.c_str(), nullptr);
  double slack = tolerated * std::abs(wanted);
  // Durations are whole microseconds; a trend or a covariance near 0 is the difference of large numbers.
  if (name.rfind("inter_arrival", 0) == 0) slack += 1e-6;
  if (name == "trend")
    slack += tolerated * row.stddev.value_or(0) / (static_cast<double>(row.elapsed.count()) / 1e6);
  if (name == "correlation" || name == "autocorrelation_1") slack += tolerated;
  if (expected != "-" && std::abs(*number - wanted) <= slack) return "";
  return std::to_string(*number);
}

/// Records in the order of their time, as aggregates.py has them.
void check(const std::string& data, std::vector<Record> records) {
  std::stable_sort(records.begin(), records.end(),
                   [](const Record& a, const Record& b) { return a.at < b.at; });
  weir::Graph graph{data};
  auto source = graph.source<Record>("records", {.time = &Record::at, .watermark = weir::ascending()});
  auto view = source | weir::key_by(&Record::group) | features() | weir::view("view");
  auto pipeline = std::move(graph).build().value();
  std::map<std::string, const Record*> newest;
  for (const Record& record : records) newest[record.group] = &record;
  const Expected expected = expected_of(data);
  CHECK(expected.size() == newest.size());

  std::size_t compared = 0;
  for (const Record& record : records) {
    pipeline.push(source, record);
    if (newest[record.group] != &record) continue;
    const std::string& group = record.group;
    const auto read = pipeline.lookup(view, group, {.as_of = record.at + weir::Duration{1}});
    REQUIRE(read.status == weir::ReadStatus::fresh);
    const std::map<std::string, Value> found = values_of(read.value);
    for (const auto& [name, value] : expected.at(group)) {
      const auto at = found.find(name);
      if (at == found.end()) FAIL("no aggregate is " << name);
      const std::string other = difference(at->second, value, read.value, name);
      if (!other.empty())
        FAIL_CHECK(data << " " << group << ": " << name << " is " << value << ", and not " << other);
      ++compared;
    }
  }
  CHECK(compared > 40 * expected.size());
}

template <class Parse>
std::vector<Record> read(const std::string& name, std::size_t columns, Parse parse) {
  return support::read_csv<Record>("examples/data/" + name, columns, parse).value();
}
bool read_seconds(std::string_view cell, EventTime& at) {
  std::int64_t seconds = 0;
  const bool is_read = read_integer(cell, seconds);
  at = EventTime{std::chrono::seconds{seconds}};
  return is_read;
}

TEST_CASE("aggregates of flights, by carrier") {
  check("flights", read("flights-houston-2011/flights.csv.gz", 13, [](const Cells& cells, Record& record) {
          record.group = cells[5];
          record.category = cells[9];
          return read_seconds(cells[1], record.at) && read_integer(cells[11], record.x) &&
                 read_integer(cells[12], record.y) && read_integer(cells[10], record.weight);
        }));
}

TEST_CASE("aggregates of payments, by country") {
  check("retail", read("online-retail/online_retail.csv.gz", 8, [](const Cells& cells, Record& record) {
          std::int64_t price = 0;
          record.group = cells[7];
          record.category = cells[3];
          if (!read_seconds(cells[0], record.at) || !read_integer(cells[4], record.y) ||
              !support::read_thousandths(cells[5], price))
            return false;
          record.x = record.y * price;
          record.weight = record.y < 0 ? -record.y : record.y;
          return true;
        }));
}

TEST_CASE("aggregates of requests to language models, by service") {
  std::vector<Record> records;
  for (const std::string name : {"code", "conversation"}) {
    for (Record& record :
         read("llm-inference/" + name + ".csv.gz", 3, [&name](const Cells&cells, Record&record) {
           std::int64_t at = 0;
           record.group = name;
           if (!read_integer(cells[0], at) || !read_integer(cells[1], record.y) ||
               !read_integer(cells[2], record.x))
             return false;
           record.at = weir::event_time(at);
           record.weight = 1 + record.y % 7;
           record.category = std::to_string(record.y / 512);
           return true;
         }))
      records.push_back(std::move(record));
  }
  check("inference", std::move(records));
}

TEST_CASE("aggregates of requests to a web server, by status") {
  check("web", read("web-logs/nasa_1995_07.csv.gz", 6, [](const Cells& cells, Record& record) {
          record.group = cells[4];
          record.category = cells[3];
          record.weight = 1;
          return read_seconds(cells[0], record.at) && read_integer(cells[5], record.x) &&
                 read_integer(cells[1], record.y);
        }));
}

}  // namespace

// The sketches among the aggregates, for docs/reference/aggregate.
#include <array>
#include <cmath>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <weir/aggregate/approx_distinct.hpp>
#include <weir/aggregate/count_min.hpp>
#include <weir/aggregate/exact_quantile.hpp>
#include <weir/aggregate/frequency.hpp>
#include <weir/aggregate/histogram.hpp>
#include <weir/aggregate/quantile.hpp>
#include <weir/aggregate/rank_quantile.hpp>
#include <weir/weir.hpp>

#include "expect.hpp"

using namespace std::chrono_literals;

struct Request {
  std::uint32_t service = 0;
  std::uint64_t user = 0;
  std::string page;
  double seconds = 0;
  weir::EventTime at;
};

struct Row {
  std::int64_t users = 0, users_of_pages = 0;
  double p99 = 0, spread = 0, deviation = 0;
  std::optional<double> half;
  std::array<double, 3> quartiles{};
  std::array<std::int64_t, 5> by_second{};
  weir::AdaptiveBuckets<8> adaptive;
  std::vector<weir::Frequent<std::string>> pages;
  std::string page;
  double share = 0;
  std::int64_t seen = 0;
};

namespace {

/// A day of requests: users 0 to 999, pages "0" to "9", and 0.001 s to 10 s, evenly spread.
std::vector<Request> day() {
  std::vector<Request> requests;
  for (std::uint64_t i = 0; i < 10'000; ++i)
    requests.push_back({1, i % 1000, std::to_string(i % 10), static_cast<double>(i * 7919 % 10'000 + 1) / 1000,
                        weir::EventTime{std::chrono::seconds{static_cast<std::int64_t>(i) * 8}}});
  return requests;
}

/// The one row that the day gives with these features.
template <class Features>
Row row_of(Features features) {
  weir::Graph graph{"sketches"};
  auto requests = graph.source<Request>("requests", {.time = &Request::at, .watermark = weir::ascending()});
  Row row;
  requests | weir::key_by(&Request::service) | weir::tumbling({.size = 24h, .grace = 0s}) | features
           | weir::sink("day", [&row](const auto& of_day) { row = of_day.value; });
  auto pipeline = std::move(graph).build();
  support::expect(pipeline.ok());
  const std::vector<Request> all = day();
  pipeline->push(requests, std::span(all));
  support::expect(pipeline->finish().ok());
  return row;
}

bool is_near(double found, double exact, double relative) {
  return std::abs(found - exact) <= relative * std::abs(exact);
}

void distinct() {
  // [region distinct]
  auto page_and_user = [](const Request& request) {
    return std::pair<std::string_view, std::uint64_t>{request.page, request.user};
  };
  auto distinct = weir::aggregate<Row>("distinct",
      weir::approx_distinct(&Request::user)                      .as(&Row::users),           // 4 KiB, 1.6 %
      weir::approx_distinct(page_and_user, {.precision = 14})    .as(&Row::users_of_pages)); // 16 KiB, 0.8 %
  // [end]
  const Row row = row_of(distinct);
  support::expect(is_near(static_cast<double>(row.users), 1000, 0.05));
  support::expect(is_near(static_cast<double>(row.users_of_pages), 1000, 0.03));
}

void quantiles() {
  // [region quantile]
  auto quantiles = weir::aggregate<Row>("quantiles",
      weir::quantile(&Request::seconds, 0.99)                  .as(&Row::p99),   // within 1 %
      weir::median(&Request::seconds, {.relative_error = 0.1}) .as(&Row::half),  // within 10 %, a tenth of the memory
      weir::quantiles<3>(&Request::seconds, {0.25, 0.5, 0.75}) .as(&Row::quartiles));
  // [end]
  const Row row = row_of(quantiles);
  support::expect(is_near(row.p99, 9.9, 0.0101) && is_near(*row.half, 5, 0.101));
  support::expect(is_near(row.quartiles[0], 2.5, 0.0101) && is_near(row.quartiles[2], 7.5, 0.0101));
}

void ranks() {
  // [region rank]
  auto ranks = weir::aggregate<Row>("ranks",
      weir::rank_quantile(&Request::seconds, 0.99, {.k = 400}).as(&Row::p99));  // of rank 98.2 % to 99.8 %
  // [end]
  const Row row = row_of(ranks);
  support::expect(row.p99 >= 9.82 && row.p99 <= 9.98);
}

void exact() {
  // [region exact]
  auto exact = weir::aggregate<Row>("exact",
      weir::exact_quantile(&Request::seconds, 0.99, {.most = 10'000}).as(&Row::p99),
      weir::iqr(&Request::seconds, {.most = 10'000})                 .as(&Row::spread),
      weir::mad(&Request::seconds, {.most = 10'000})                 .as(&Row::deviation));
  // [end]
  const Row row = row_of(exact);
  support::expect(is_near(row.p99, 9.90001, 1e-12) && is_near(row.spread, 4.9995, 1e-12));
  support::expect(is_near(row.deviation, 2.5, 1e-12));
}

void histograms() {
  // [region histogram]
  auto histograms = weir::aggregate<Row>("histograms",
      weir::histogram<5>(&Request::seconds, {.from = 0, .to = 5}) .as(&Row::by_second),   // the last: 4 s and more
      weir::adaptive_histogram<8>(&Request::seconds)              .as(&Row::adaptive));   // width 2 s: 1 s would not do
  // [end]
  const Row row = row_of(histograms);
  support::expect(row.by_second == std::array<std::int64_t, 5>{999, 1000, 1000, 1000, 6001});
  support::expect(row.adaptive.from == 0 && row.adaptive.width == 2);
  support::expect(row.adaptive.counts == std::array<std::uint64_t, 8>{1999, 2000, 2000, 2000, 2000, 1, 0, 0});
}

void frequencies() {
  // [region frequency]
  auto frequencies = weir::aggregate<Row>("frequencies",
      weir::top_n<3>(&Request::page)                     .as(&Row::pages),  // each with its count and how far that may be off
      weir::mode(&Request::page)                         .as(&Row::page),   // the first of these
      weir::top_share(&Request::user, {.counters = 100}) .as(&Row::share)); // too high by at most 1 / 101
  // [end]
  const Row row = row_of(frequencies);
  support::expect(row.pages.size() == 3 && row.pages[0] == weir::Frequent<std::string>{"0", 1000, 0});
  support::expect(row.page == "0");  // of ten that are equally frequent the smallest
  support::expect(row.share >= 0.001 && row.share <= 0.001 + 1.0 / 101);
}

void newest() {
  // [region newest]
  auto newest = weir::aggregate<Row>("newest",
      weir::frequency_of_newest(&Request::page, {.epsilon = 0.001}) .as(&Row::seen));
  // [end]
  support::expect(row_of(newest).seen == 1000);
}

}  // namespace

int main() {
  newest();
  frequencies();
  histograms();
  exact();
  ranks();
  quantiles();
  distinct();
}

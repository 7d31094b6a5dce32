#pragma once

#include <array>
#include <chrono>
#include <cstdint>

#include <weir/weir.hpp>

#include "support/events.hpp"

/// \file
/// The row that the features cases read: twelve aggregates over the last 5 min, 1 h and 24 h.

namespace bench {

struct FeatureRow {
  std::int64_t count_5m, count_1h, count_24h;
  double sum_5m, sum_1h, sum_24h;
  double mean_5m, mean_1h, mean_24h;
  double variance_5m, variance_1h, variance_24h;
  double min_5m, min_1h, min_24h;
  double max_5m, max_1h, max_24h;
  double range_5m, range_1h, range_24h;
  double first_5m, first_1h, first_24h;
  double last_5m, last_1h, last_24h;
  std::int64_t large_5m, large_1h, large_24h;
  double large_sum_5m, large_sum_1h, large_sum_24h;
  weir::Duration elapsed_5m, elapsed_1h, elapsed_24h;
};

/// How exactly its windows are cut.
inline constexpr std::array<weir::Duration, 3> feature_hops{std::chrono::seconds{15}, std::chrono::minutes{5},
                                                            std::chrono::hours{1}};

inline auto features_of(const weir::Source<Event>& events) {
  using namespace std::chrono_literals;
  using Row = FeatureRow;
  const auto large = [](const Event& event) { return event.value > 50; };
  return events | weir::key_by(&Event::key) |
         weir::features<FeatureRow>(
             "features",
             weir::rolling({{.size = 5min, .precision = 15s},
                            {.size = 1h, .precision = 5min},
                            {.size = 24h, .precision = 1h}})
                 .compute(weir::count().as(&Row::count_5m, &Row::count_1h, &Row::count_24h),
                          weir::sum(&Event::value).as(&Row::sum_5m, &Row::sum_1h, &Row::sum_24h),
                          weir::mean(&Event::value).as(&Row::mean_5m, &Row::mean_1h, &Row::mean_24h),
                          weir::variance(&Event::value)
                              .as(&Row::variance_5m, &Row::variance_1h, &Row::variance_24h),
                          weir::min(&Event::value).as(&Row::min_5m, &Row::min_1h, &Row::min_24h),
                          weir::max(&Event::value).as(&Row::max_5m, &Row::max_1h, &Row::max_24h),
                          weir::range(&Event::value).as(&Row::range_5m, &Row::range_1h, &Row::range_24h),
                          weir::first(&Event::value).as(&Row::first_5m, &Row::first_1h, &Row::first_24h),
                          weir::last(&Event::value).as(&Row::last_5m, &Row::last_1h, &Row::last_24h),
                          weir::count_where(large).as(&Row::large_5m, &Row::large_1h, &Row::large_24h),
                          weir::sum(&Event::value)
                              .where(large)
                              .as(&Row::large_sum_5m, &Row::large_sum_1h, &Row::large_sum_24h),
                          weir::elapsed().as(&Row::elapsed_5m, &Row::elapsed_1h, &Row::elapsed_24h)));
}

}  // namespace bench

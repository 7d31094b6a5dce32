#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <type_traits>

#include <weir/aggregate/ew.hpp>
#include <weir/weir.hpp>

#include "support/events.hpp"

/// \file
/// The aggregates that are measured one by one, each with a row of one field.

namespace bench {

template <class T>
struct One {
  using Field = T;
  T value{};
};

/// A feature of `Event`s that ends in the field of its row.
template <class RowOf, class F>
struct Entry {
  using Row = RowOf;
  using Aggregator = weir::RowAggregator<Row, Event, F>;
  const char* name;
  F feature;
};

/// Calls `visit` with an Entry of each aggregate.
template <class Visit>
void for_each_aggregate(const Visit& visit) {
  using namespace std::chrono_literals;
  const auto measure = [&visit]<class Field>(const char* name, Field, auto feature) {
    const auto whole = feature.as(&One<Field>::value);
    visit(Entry<One<Field>, std::remove_const_t<decltype(whole)>>{name, whole});
  };
  const auto x = &Event::value;
  const auto y = &Event::merchant;
  const auto cents = [](const Event& event) { return static_cast<std::int64_t>(event.value); };
  const auto is_large = [](const Event& event) { return event.value > 50; };
  constexpr double number = 0;
  constexpr std::uint64_t count = 0;

  measure("count", count, weir::count());
  measure("any", false, weir::any(is_large));
  measure("sum, whole numbers", std::int64_t{}, weir::sum(cents));
  measure("sum, floating point", number, weir::sum(x));
  measure("mean", number, weir::mean(x));
  measure("min", number, weir::min(x));
  measure("max", number, weir::max(x));
  measure("variance", number, weir::variance(x));
  measure("skewness", number, weir::skewness(x));
  measure("kurtosis", number, weir::kurtosis(x));
  measure("z_score", number, weir::z_score(x));
  measure("covariance", number, weir::covariance(x, y));
  measure("correlation", number, weir::correlation(x, y));
  measure("trend", number, weir::trend(x));
  measure("weighted_mean", number, weir::weighted_mean(x, y));
  measure("geometric_mean", number, weir::geometric_mean(x));
  measure("ratio", number, weir::ratio(x, y));
  measure("share", number, weir::share(is_large));
  measure("decayed_sum", number, weir::decayed_sum(x, 10s));
  measure("ew_mean", number, weir::ew_mean(x, 0.1));
  measure("first", number, weir::first(x));
  measure("last", number, weir::last(x));
  measure("last_k<8>", std::array<double, 8>{}, weir::last_k<8>(x));
  measure("lag<1>", number, weir::lag<1>(x));
  measure("top_k<8>", std::array<double, 8>{}, weir::top_k<8>(x));
  measure("arg_max", count, weir::arg_max(x, y));
  measure("longest_streak", count, weir::longest_streak(is_large));
  measure("inter_arrival_stddev", weir::Duration{}, weir::inter_arrival_stddev());
  measure("drawdown", number, weir::drawdown(x));
  measure("autocorrelation<1>", number, weir::autocorrelation<1>(x));
  measure("distinct", count, weir::distinct(cents));
}

}  // namespace bench

#pragma once

#include <string>
#include <vector>

#include <weir/aggregate/aggregator.hpp>
#include <weir/aggregate/row.hpp>
#include <weir/state/archive.hpp>
#include <weir/testing/laws.hpp>

#include "aggregate/samples.hpp"
#include "catch.hpp"

/// \file
/// What the tests of the aggregates of numbers have in common.

namespace numbers {

using samples::written;
using weir::testing::Timed;

inline constexpr double nan = std::numeric_limits<double>::quiet_NaN();
inline constexpr double infinity = std::numeric_limits<double>::infinity();
inline constexpr double largest = std::numeric_limits<double>::max();
inline constexpr double tiny = std::numeric_limits<double>::denorm_min();
inline constexpr weir::Interval always{weir::no_time, weir::event_time(0)};

/// A state comes back as it was; bytes that are cut off are refused; any others may be read, and used.
template <class A, class T>
void check_archive(const A& aggregator, const typename A::State& state, const T& x,
                   const weir::Interval& asked = always) {
  static_assert(weir::Archivable<typename A::State>);
  const std::string bytes = written(state);
  {
    typename A::State read{};
    weir::Archive archive(bytes);
    archive(read);
    CHECK(archive.is_good());
    CHECK(archive.left() == 0);
    CHECK((written(read) == bytes));
  }
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    typename A::State read{};
    weir::Archive archive(std::string_view(bytes).substr(0, size));
    archive(read);
    CHECK_FALSE(archive.is_good());
  }
  samples::Random random{bytes.size()};
  for (int i = 0; i < 300; ++i) {
    std::string hostile = bytes;
    for (char& byte : hostile)
      if (random.below(i < 150 ? 2 : 20) == 0) byte = static_cast<char>(random.bits());
    typename A::State read{};
    weir::Archive archive(hostile);
    archive(read);
    if (!archive.is_good()) continue;
    typename A::State other = state;
    aggregator.merge(other, read);
    aggregator.merge(read, state);
    weir::detail::add_to(aggregator, read, x, weir::event_time(3));
    static_cast<void>(weir::detail::result_of(aggregator, read, asked));
    static_cast<void>(weir::detail::result_of(aggregator, other, asked));
  }
}

/// One State of everything in the order of arrival.
template <class A, class T>
typename A::State added(const A& aggregator, const std::vector<Timed<T>>& records) {
  typename A::State state{};
  for (const auto& record : records) weir::detail::add_to(aggregator, state, record.value, record.at);
  return state;
}

/// The row that some features compute of records which are a second apart, and what was left out.
template <class Row, class In, class... Features>
Row row_of(const std::vector<In>& records, weir::FeatureCounts* counts, const Features&... features) {
  const weir::RowAggregator<Row, In, Features...> aggregator(features...);
  typename weir::RowAggregator<Row, In, Features...>::State state{};
  std::int64_t at = 0;
  for (const In& record : records) aggregator.add(state, record, weir::event_time(at++ * 1'000'000), counts);
  return aggregator.result(state, {weir::no_time, weir::event_time(at * 1'000'000)});
}

/// What a feature says of itself.
template <class Row, class In, class Feature>
std::string described(const Feature& feature) {
  weir::Description out;
  std::int64_t number = 0;
  out.begin_object();
  weir::detail::describe_feature<In, Row>(out, feature, number);
  out.end();
  return out.str();
}

}  // namespace numbers

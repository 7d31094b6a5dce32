#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <weir/aggregate/row.hpp>
#include <weir/testing/laws.hpp>

#include "aggregate/samples.hpp"
#include "catch.hpp"

/// \file
/// Records out of order, and what there is to try of every State that is written to snapshots.

namespace orders {

using samples::written;
using weir::testing::Timed;

/// These values at times that grow, or stay, and arrive with none of them after more than `most` newer ones.
template <class T>
std::vector<Timed<T>> disordered(std::uint64_t seed, const std::vector<T>& values, std::size_t most,
                                 std::int64_t longest_gap = 3) {
  samples::Random random{seed};
  std::vector<Timed<T>> arrived, held;
  std::vector<std::size_t> passed;  // for each that is held, how many newer ones have come
  std::int64_t at = -20;
  const auto release = [&](std::size_t i) {
    for (std::size_t k = 0; k < i; ++k) ++passed[k];
    arrived.push_back(held[i]);
    held.erase(held.begin() + static_cast<long>(i));
    passed.erase(passed.begin() + static_cast<long>(i));
  };
  const auto pick = [&] {
    std::size_t i = random.below(held.size());
    for (std::size_t k = 0; k < i; ++k)
      if (passed[k] == most) i = k;
    return i;
  };
  for (const T& value : values) {
    held.push_back({value, weir::event_time(at += random.between(0, longest_gap))});
    passed.push_back(0);
    while (held.size() > 1 && random.below(2) == 0) release(pick());
  }
  while (!held.empty()) release(pick());
  return arrived;
}

template <class T>
std::vector<Timed<T>> sorted(std::vector<Timed<T>> records) {
  std::stable_sort(records.begin(), records.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
  return records;
}
template <class T>
std::vector<T> values_of(const std::vector<Timed<T>>& records) {
  std::vector<T> values;
  for (const auto& record : records) values.push_back(record.value);
  return values;
}

template <class A, class T>
typename A::State added(const A& aggregator, const std::vector<Timed<T>>& records) {
  typename A::State state{};
  for (const auto& record : records) weir::detail::add_to(aggregator, state, record.value, record.at);
  return state;
}
template <class A, class T>
auto result_of(const A& aggregator, const std::vector<Timed<T>>& records, weir::Interval asked = {}) {
  return weir::detail::result_of(aggregator, added(aggregator, records), asked);
}

/// The row of records, through the features of a pipeline.
template <class Row, class In, class... Features>
Row row_of(const std::vector<Timed<In>>& records, weir::Interval asked, Features... features) {
  const weir::RowAggregator<Row, In, Features...> aggregator(features...);
  return aggregator.result(added(aggregator, records), asked);
}

/// What a row says of its features.
template <class Row, class In, class... Features>
std::string described(Features... features) {
  weir::Description out;
  std::int64_t number = 0;
  out.begin_object();
  weir::RowAggregator<Row, In, Features...>(features...).describe(out, number);
  out.end();
  return out.str();
}

/// What is read of what was written; empty if that does not give the same bytes again.
template <class State>
std::vector<State> read_again(const State& state) {
  const std::string bytes = written(state);
  std::vector<State> read(1);
  weir::Archive in(bytes);
  in(read[0]);
  if (!in.is_good() || in.left() != 0 || written(read[0]) != bytes) read.clear();
  return read;
}

/// Reads damaged bytes of a State, cut off and changed, and uses what came of it. The number of those that were refused.
template <class A, class T>
std::size_t refused(const A& aggregator, const typename A::State& state, const T& x,
                    std::size_t rounds = 1000) {
  const std::string good = written(state);
  samples::Random random{good.size()};
  std::size_t refused = 0;
  const auto use = [&](const std::string& bytes) {
    typename A::State read{};
    weir::Archive in(bytes);
    in(read);
    refused += in.is_good() ? 0U : 1U;
    const weir::Interval asked{weir::no_time, weir::event_time(100)};
    weir::detail::add_to(aggregator, read, x, weir::event_time(50));
    aggregator.merge(read, state);
    auto other = state;
    aggregator.merge(other, read);
    static_cast<void>(weir::detail::result_of(aggregator, read, asked));
    static_cast<void>(weir::detail::result_of(aggregator, other, asked));
  };
  for (std::size_t i = 0; i < good.size(); i += 1 + good.size() / 500) use(good.substr(0, i));
  for (std::size_t round = 0; round < rounds && !good.empty(); ++round) {
    std::string bytes = good;
    bytes[random.below(bytes.size())] = static_cast<char>(random.bits());
    if (round % 2 == 0) bytes[random.below(bytes.size())] = static_cast<char>(random.bits());
    use(bytes);
  }
  return refused;
}

/// A State of these records is read again with what it gives, and damaged bytes of it are refused or do no harm.
template <class A, class T>
void check_snapshots(const A& aggregator, const std::vector<Timed<T>>& records) {
  const auto state = added(aggregator, records);
  const auto read = read_again(state);
  REQUIRE(read.size() == 1);
  CHECK(aggregator.result(read[0]) == aggregator.result(state));
  CHECK(refused(aggregator, state, records[0].value) > 50);
}

}  // namespace orders

#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>

#include <weir/weir.hpp>

#include "golden.hpp"
#include "table.hpp"

namespace support {

/// The clock is the host's: weir has none.
inline std::uint64_t nanoseconds_now() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

/// Ends all streams; a pipeline that cannot is the end of the program.
inline void finish(weir::Pipeline& pipeline) {
  if (const absl::Status status = pipeline.finish(); !status.ok()) std::exit(fail(status));
}

/// Pushes all records in batches of 256 and finishes; returns the seconds it took.
template <class Record>
double replay_in_batches(weir::Pipeline& pipeline, const weir::Source<Record>& source,
                         std::span<const Record> records) {
  constexpr std::size_t batch = 256;
  const std::uint64_t begin = nanoseconds_now();
  for (std::size_t at = 0; at < records.size(); at += batch) {
    pipeline.push(source, records.subspan(at, std::min(batch, records.size() - at)));
  }
  finish(pipeline);
  return static_cast<double>(nanoseconds_now() - begin) / 1e9;
}

/// Pushes one record at a time and finishes; returns how long the pushes took, with the rows they made fire.
template <class Record>
weir::LatencyHistogram replay_one_by_one(weir::Pipeline& pipeline, const weir::Source<Record>& source,
                                         std::span<const Record> records) {
  pipeline.meter().use(nanoseconds_now);
  for (const Record& record : records) pipeline.push(source, record);
  const weir::LatencyHistogram pushes = pipeline.meter().calls();
  finish(pipeline);
  return pushes;
}

/// One line of throughput, one of latency.
inline void print_speed(std::size_t records, double seconds, const weir::LatencyHistogram& pushes) {
  const auto us = [](std::uint64_t nanoseconds) { return fixed(static_cast<double>(nanoseconds) / 1e3, 2); };
  std::printf("\nthroughput  %s records/s in batches of 256, one core\n",
              grouped(static_cast<std::int64_t>(static_cast<double>(records) / seconds)).c_str());
  std::printf("latency     of one push, us: p50 %s, p99 %s, p99.9 %s, p99.99 %s, longest %s\n",
              us(pushes.quantile(0.5)).c_str(), us(pushes.quantile(0.99)).c_str(),
              us(pushes.quantile(0.999)).c_str(), us(pushes.quantile(0.9999)).c_str(),
              us(pushes.longest()).c_str());
}

}  // namespace support

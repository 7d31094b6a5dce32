#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <weir/weir.hpp>

#include "latency/histogram.hpp"
#include "support/events.hpp"
#include "support/features.hpp"
#include "support/tally.hpp"

/// How long single calls take: every push and every advance of a pipeline with a million keys goes into a
/// histogram. What a call costs on average is the business of the benchmarks; here it is the tail that
/// counts.

namespace {

using namespace std::chrono_literals;
using bench::Event;
using bench::Histogram;

constexpr weir::Duration tick = 1ms;
constexpr weir::Duration window_size = (1 << 16) * tick;  // 2^20 records
constexpr std::size_t advance_every = 1024;               // records: 64 ticks

struct Options {
  std::uint32_t keys = 1'000'000;
  std::size_t records = std::size_t{1} << 22;
  std::string json;
};

struct Measured {
  std::string call;
  Histogram histogram;
};

class Timer {
 public:
  [[nodiscard]] std::uint64_t nanoseconds() const {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start_).count());
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

void check(const absl::Status& status) {
  if (status.ok()) return;
  std::cerr << status << '\n';
  std::exit(1);
}

/// One pipeline, warmed by one pass and measured over the next, in calls of `batch` records.
std::vector<Measured> measure(const Options& options, std::size_t batch) {
  bench::Stream<Event> stream =
      bench::event_stream({.records = options.records,
                           .keys = options.keys,
                           .span = static_cast<std::int64_t>(options.records / 16) * tick});
  bench::Tally tally;
  weir::Graph graph{"latency"};
  const weir::Source<Event> events =
      graph.source<Event>("events", {.time = &Event::at, .watermark = weir::host_driven()});
  events | weir::key_by(&Event::key) | weir::tumbling({.size = window_size, .grace = 0s}) |
      weir::aggregate<bench::CountSum>("totals", weir::count().as(&bench::CountSum::count),
                                       weir::sum(&Event::value).as(&bench::CountSum::sum)) |
      weir::sink("tally", bench::TallySink{tally});
  absl::StatusOr<weir::Pipeline> pipeline = std::move(graph).build();
  check(pipeline.status());

  Histogram push;
  Histogram advance;
  Histogram firing;
  for (const bool is_measured : {false, true}) {
    stream.move_on(1);
    const std::span<const Event> records = stream.records();
    for (std::size_t i = 0; i < records.size(); i += batch) {
      const std::span<const Event> some = records.subspan(i, std::min(batch, records.size() - i));
      const Timer pushing;
      if (batch == 1) {
        pipeline->push(events, some.front());
      } else {
        pipeline->push(events, some);
      }
      if (is_measured) push.add(pushing.nanoseconds());
      if ((i + some.size()) % advance_every != 0) continue;
      const std::uint64_t rows_before = tally.rows;
      const Timer advancing;
      check(pipeline->advance(events, some.back().at));
      const std::uint64_t took = advancing.nanoseconds();
      if (is_measured) (tally.rows == rows_before ? advance : firing).add(took);
    }
  }
  check(pipeline->finish());
  if (tally.records != 2 * options.records) {
    std::cerr << "latency: " << tally.records << " records came out, " << 2 * options.records << " went in\n";
    std::exit(1);
  }
  const std::string suffix = batch == 1 ? "" : ", after pushes of " + std::to_string(batch);
  return {{"push of " + std::to_string(batch), push},
          {"advance that closes nothing" + suffix, advance},
          {"advance that closes a window" + suffix, firing}};
}

/// Twelve aggregates over three windows, where each record is pushed after its key's row was looked up: the
/// order of a service that scores.
std::vector<Measured> measure_features(const Options& options, double& bytes_per_key) {
  bench::Stream<Event> stream =
      bench::event_stream({.records = options.records,
                           .keys = options.keys,
                           .span = static_cast<std::int64_t>(options.records) * 60us});
  weir::Graph graph{"latency"};
  const weir::Source<Event> events =
      graph.source<Event>("events", {.time = &Event::at, .watermark = weir::trailing(1s)});
  const auto view = bench::features_of(events) | weir::view("row");
  absl::StatusOr<weir::Pipeline> pipeline = std::move(graph).build();
  check(pipeline.status());

  Histogram push;
  Histogram lookup;
  weir::Lookup<bench::FeatureRow> row;
  std::int64_t counted = 0;
  for (const bool is_measured : {false, true}) {
    stream.move_on(1);
    for (const Event& event : stream.records()) {
      const Timer looking;
      pipeline->lookup(view, event.key, {.as_of = event.at}, row);
      if (is_measured) lookup.add(looking.nanoseconds());
      counted += row->count_24h;
      const Timer pushing;
      pipeline->push(events, event);
      if (is_measured) push.add(pushing.nanoseconds());
    }
  }
  if (counted == 0) {
    std::cerr << "latency: no row had a record\n";
    std::exit(1);
  }
  bytes_per_key = static_cast<double>(pipeline->stats("features").state_bytes) / options.keys;
  return {{"look-up of 36 features", lookup}, {"push behind it", push}};
}

/// What the clock itself adds to each entry.
Measured clock_cost() {
  Histogram histogram;
  for (int i = 0; i < 1'000'000; ++i) {
    const Timer nothing;
    histogram.add(nothing.nanoseconds());
  }
  return {"(the clock itself)", histogram};
}

Options parsed(std::span<char*> arguments) {
  Options options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view name = arguments[i];
    const bool has_value = i + 1 < arguments.size();
    if (name == "--keys" && has_value) {
      options.keys = static_cast<std::uint32_t>(std::strtoul(arguments[++i], nullptr, 10));
    } else if (name == "--records" && has_value) {
      options.records = std::strtoul(arguments[++i], nullptr, 10);
    } else if (name == "--json" && has_value) {
      options.json = arguments[++i];
    } else {
      std::cerr << "weir_latency [--keys N] [--records N] [--json FILE]\n";
      std::exit(2);
    }
  }
  if (options.keys == 0 || options.records < advance_every) {
    std::cerr << "weir_latency: at least one key and " << advance_every << " records\n";
    std::exit(2);
  }
  options.records -= options.records % advance_every;
  return options;
}

void print(const std::vector<Measured>& all) {
  std::printf("%-48s %9s %9s %9s %9s %9s %11s\n", "call (ns)", "calls", "p50", "p99", "p99.9", "p99.99",
              "max");
  for (const Measured& one : all) {
    const Histogram& h = one.histogram;
    const auto at = [&](double q) { return static_cast<unsigned long long>(h.quantile(q)); };
    std::printf("%-48s %9llu %9llu %9llu %9llu %9llu %11llu\n", one.call.c_str(),
                static_cast<unsigned long long>(h.count()), at(0.5), at(0.99), at(0.999), at(0.9999),
                static_cast<unsigned long long>(h.longest()));
  }
}

void write_json(const Options& options, const std::vector<Measured>& all, double bytes_per_key) {
  std::ofstream out{options.json};
  out << "{\"suite\": \"latency\", \"keys\": " << options.keys << ", \"records\": " << options.records
      << ", \"bytes_per_key\": " << bytes_per_key << ", \"results\": [";
  const char* separator = "\n";
  for (const Measured& one : all) {
    const Histogram& h = one.histogram;
    out << separator << "  {\"call\": \"" << one.call << "\", \"count\": " << h.count()
        << ", \"p50\": " << h.quantile(0.5) << ", \"p99\": " << h.quantile(0.99)
        << ", \"p99_9\": " << h.quantile(0.999) << ", \"p99_99\": " << h.quantile(0.9999)
        << ", \"max\": " << h.longest() << "}";
    separator = ",\n";
  }
  out << "\n]}\n";
  if (!out) {
    std::cerr << "weir_latency: cannot write " << options.json << '\n';
    std::exit(1);
  }
}

}  // namespace

int main(int count, char** arguments) {
  const Options options = parsed({arguments + 1, static_cast<std::size_t>(count > 0 ? count - 1 : 0)});
  std::vector<Measured> all{clock_cost()};
  for (const std::size_t batch : {std::size_t{1}, std::size_t{256}}) {
    for (Measured& one : measure(options, batch)) all.push_back(std::move(one));
  }
  double bytes_per_key = 0;
  for (Measured& one : measure_features(options, bytes_per_key)) all.push_back(std::move(one));
  print(all);
  std::printf("state of 36 features: %.0f bytes a key\n", bytes_per_key);
  if (!options.json.empty()) write_json(options, all, bytes_per_key);
}

#include <weir/weir.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <optional>
#include <span>
#include <vector>

#include <unistd.h>

#include "catch.hpp"
#include "effort.hpp"

// Keys that come and go: what a pipeline says that it holds, against what the process has.

namespace {

using weir::event_time;

struct Payment {
  std::uint64_t card = 0;
  double amount = 0;
  weir::EventTime at{};
};
struct Row {
  std::int64_t payments = 0;
  double spend = 0;
  double largest = 0;
};

// What a sanitizer keeps beside every allocation is in the resident memory, too.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool is_sanitized = true;
#elif defined(__has_feature)
constexpr bool is_sanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool is_sanitized = false;
#endif

/// Bytes of the process that lie in memory.
double resident() {
  std::ifstream status("/proc/self/statm");
  double pages = 0;
  status >> pages >> pages;
  return pages * static_cast<double>(sysconf(_SC_PAGESIZE));
}

TEST_CASE("what is kept of keys that come and go is what is accounted, and is used again") {
  using namespace std::chrono_literals;
  const std::uint64_t keys = effort() == "quick" ? 20'000 : 1'000'000;
  const double before = resident();
  weir::Graph graph{"churn"};
  const auto payments =
      graph.source<Payment>("payments", {.time = &Payment::at, .watermark = weir::ascending()});
  const auto view = payments | weir::key_by(&Payment::card, {.name = "cards"}) |
                    weir::features<Row>({.name = "features", .retain = 2h},
                                        weir::rolling({.size = 1h, .precision = 5min})
                                            .compute(weir::count().as(&Row::payments),
                                                     weir::sum(&Payment::amount).as(&Row::spend),
                                                     weir::max(&Payment::amount).as(&Row::largest))) |
                    weir::view("view").publish();
  std::optional<weir::Pipeline> pipeline(std::move(graph).build().value());
  const auto accounted = [&pipeline] {
    double total = 0;
    for (const char* name : {"cards", "features", "view"})
      total += static_cast<double>(pipeline->stats(name).state_bytes);
    return total;
  };

  // Each cycle is three hours, so that the keys of one are forgotten in the next; half of them come again.
  std::vector<Payment> batch;
  double warm = 0;
  double published = 0;
  for (std::uint64_t cycle = 0; cycle < 6; ++cycle) {
    for (std::uint64_t round = 0; round < 4; ++round) {
      for (std::uint64_t i = 0; i < keys; ++i) {
        const std::uint64_t card = (cycle * keys / 2 + i) * 0x9E3779B97F4A7C15ULL;
        const auto minute = static_cast<std::int64_t>(cycle * 180 + round * 10 + i * 10 / keys);
        batch.push_back({card, 1.0 + static_cast<double>(i % 90), event_time(minute * 60'000'000)});
        if (batch.size() < 256 && i + 1 < keys) continue;
        pipeline->push(payments, std::span<const Payment>(batch));
        batch.clear();
      }
    }
    const double kept = accounted();
    if (!is_sanitized) CHECK(resident() - before < 1.1 * kept + 4e6);
    CHECK(pipeline->live_windows("features") <= keys + keys / 100);
    if (cycle == 3) warm = kept;
    if (cycle > 3) CHECK(kept < 1.05 * warm);
    published = static_cast<double>(pipeline->stats("view").state_bytes);
    CHECK(pipeline->lookup(view, cycle * keys / 2 * 0x9E3779B97F4A7C15ULL)->payments == 4);
  }

  // When they are gone for good, published rows give their memory back.
  for (std::int64_t hour = 24; hour < 40; ++hour)
    pipeline->push(payments, Payment{1, 1.0, event_time(hour * 3'600'000'000)});
  CHECK(pipeline->live_windows("features") == 1);
  CHECK(static_cast<double>(pipeline->stats("view").state_bytes) < published / 4);
}

}  // namespace

// A host as small as can be, built by every way of consuming weir; also without exceptions and RTTI.
#include <weir/weir.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <utility>

struct Click {
  std::uint64_t user;
  weir::EventTime at;
};

struct Clicks {
  std::int64_t count = 0;
};

int main() {
  using namespace std::chrono_literals;

  weir::Graph graph{"consumer"};
  auto clicks = graph.source<Click>("clicks", {.time = &Click::at, .watermark = weir::trailing(0s)});
  int rows = 0;
  std::int64_t counted = 0;
  clicks | weir::key_by(&Click::user) | weir::tumbling({.size = 1min, .grace = 0s}) |
      weir::aggregate<Clicks>("per_minute", weir::count().as(&Clicks::count)) |
      weir::sink("rows", [&](const weir::Windowed<std::uint64_t, Clicks>& row) {
        ++rows;
        counted += row.value.count;
      });

  absl::StatusOr<weir::Pipeline> pipeline = std::move(graph).build();
  if (!pipeline.ok()) {
    std::printf("%s\n", pipeline.status().ToString().c_str());
    return 1;
  }
  for (std::uint64_t i = 0; i < 8; ++i) {
    const auto at = weir::event_time(0) + i * 15s;  // two minutes, two users by turns
    pipeline->push(clicks, Click{.user = i % 2, .at = at});
  }
  const absl::Status finished = pipeline->finish();

  std::printf("weir %d: %d rows, %lld clicks\n", WEIR_VERSION, rows, static_cast<long long>(counted));
  return finished.ok() && rows == 4 && counted == 8 ? 0 : 1;
}

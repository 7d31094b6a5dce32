// Prints what a snapshot holds, without the pipeline that wrote it: weir_example_snapshot_reader FILE...
// Without a file it writes one of its own, reads that and checks what it says.
#include <cinttypes>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include <weir/weir.hpp>

#include "expect.hpp"
#include "table.hpp"

using namespace std::chrono_literals;

namespace {

struct Payment {
  std::uint64_t user = 0;
  double amount = 0;
  weir::EventTime at;
};
struct Spend {
  double sum = 0;
};

std::string demonstration() {
  weir::Graph graph{"payments"};
  const auto payments = graph.source<Payment>("payments", {.time = &Payment::at, .watermark = weir::trailing(0s)});
  payments | weir::key_by(&Payment::user, {.name = "by user"}) | weir::tumbling({.size = 1h, .grace = 0s}) |
      weir::aggregate<Spend>("spend_1h", weir::sum(&Payment::amount).as(&Spend::sum)) |
      weir::sink("out", [](const weir::Windowed<std::uint64_t, Spend>&) {});
  weir::Pipeline pipeline = std::move(graph).build().value();
  for (std::int64_t i = 0; i < 1000; ++i) {
    pipeline.push(payments, {.user = static_cast<std::uint64_t>(i % 300), .amount = 1, .at = weir::event_time(i * 1'000'000)});
  }
  std::string image;
  support::expect(pipeline.snapshot({.positions = "partition 0: 1000"}, image).ok());
  return image;
}

std::string hexadecimal(std::uint64_t number) {
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016" PRIx64, number);
  return digits;
}

std::string kept(weir::KeptState::Kind kind) {
  switch (kind) {
    case weir::KeptState::Kind::nothing:
      return "counters";
    case weir::KeptState::Kind::time:
      return "time";
    case weir::KeptState::Kind::whole:
      return "whole";
    case weir::KeptState::Kind::own_keys:
      return "own keys";
    case weir::KeptState::Kind::by_key:
      break;
  }
  return "by key";
}

/// A watermark as seconds, or a word for what is none.
std::string instant(weir::EventTime at) {
  if (at == weir::no_time) return "-";
  if (at == weir::end_of_time) return "the end";
  char text[32];
  std::snprintf(text, sizeof text, "%.6f s", static_cast<double>(weir::ticks(at)) / 1e6);
  return text;
}

bool print(const std::string& image) {
  const absl::StatusOr<weir::SnapshotInfo> info = weir::inspect(image);
  if (!info.ok()) {
    std::fprintf(stderr, "%s\n", info.status().ToString().c_str());
    return false;
  }
  std::printf("pipeline %s, format %u, %zu bytes, definition %s%s\n", info->pipeline.c_str(), info->format, image.size(),
              hexadecimal(info->definition).c_str(), info->is_finished ? ", finished" : "");
  std::printf("%zu of %u key groups, %zu bytes of positions\n\n", info->groups.size(), info->key_groups, info->positions.size());
  support::Table table("Operators", {"name", "kind", "keeps", "keys", "bytes", "watermark", "definition"});
  for (const weir::SnapshotInfo::Operator& one : info->operators) {
    table.add({one.name, one.kind, kept(one.kept), std::to_string(one.keys), std::to_string(one.bytes),
               instant(one.watermark), hexadecimal(one.definition)});
  }
  table.print();
  return true;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) {
    const std::string image = demonstration();
    support::expect(weir::inspect(image)->operators[1].keys == 300);
    return print(image) ? 0 : 1;
  }
  for (int i = 1; i < count; ++i) {
    std::ifstream in(arguments[i], std::ios::binary);
    if (!in) {
      std::fprintf(stderr, "cannot read %s\n", arguments[i]);
      return 1;
    }
    if (!print({std::istreambuf_iterator<char>(in), {}})) return 1;
  }
}

// Prints what a snapshot holds, without the pipeline that wrote it: weir_example_snapshot_reader FILE...
// Without a file it writes a snapshot and an increment of its own, reads them and checks what they say.
#include <cinttypes>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

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

struct Demonstration {
  std::string snapshot;
  std::string increment;  ///< what a few more payments have changed
};

Demonstration demonstration() {
  weir::Graph graph{"payments", {.key_groups = {.count = 8}}};
  const auto payments = graph.source<Payment>("payments", {.time = &Payment::at, .watermark = weir::trailing(0s)});
  payments | weir::key_by(&Payment::user, {.name = "by user"}) | weir::tumbling({.size = 1h, .grace = 0s}) |
      weir::aggregate<Spend>("spend_1h", weir::sum(&Payment::amount).as(&Spend::sum)) |
      weir::sink("out", [](const weir::Windowed<std::uint64_t, Spend>&) {});
  weir::Pipeline pipeline = std::move(graph).build().value();
  const auto push = [&](std::int64_t i) {
    pipeline.push(payments, {.user = static_cast<std::uint64_t>(i % 300), .amount = 1, .at = weir::event_time(i * 1'000'000)});
  };
  for (std::int64_t i = 0; i < 1000; ++i) push(i);
  Demonstration made;
  support::expect(pipeline.snapshot({.positions = "partition 0: 1000"}, made.snapshot).ok());
  for (std::int64_t i = 1000; i < 1002; ++i) push(i);
  const weir::SnapshotInfo base = weir::inspect(made.snapshot).value();
  support::expect(pipeline.snapshot({.positions = "partition 0: 1002", .base = &base}, made.increment).ok());
  return made;
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

/// Numbers that ascend, as ranges: 0-3, 5.
std::string ranges(const std::vector<std::uint32_t>& numbers) {
  std::string text;
  for (std::size_t first = 0; first < numbers.size();) {
    std::size_t last = first;
    while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1) ++last;
    text += (first == 0 ? "" : ", ") + std::to_string(numbers[first]);
    if (last > first) text += "-" + std::to_string(numbers[last]);
    first = last + 1;
  }
  return text;
}

/// What the key groups have of the state. The rest is what operators keep as a whole.
void print_groups(const weir::SnapshotInfo& info) {
  struct Group {
    std::uint64_t sections = 0;
    std::uint64_t bytes = 0;
  };
  std::map<std::uint32_t, Group> groups;
  for (const weir::SnapshotInfo::Section& section : info.sections) {
    if (section.group >= info.key_groups) continue;
    ++groups[section.group].sections;
    groups[section.group].bytes += section.bytes;
  }
  support::Table table("Key groups", {"group", "sections", "bytes"});
  for (const auto& [number, group] : groups)
    table.add({std::to_string(number), std::to_string(group.sections), std::to_string(group.bytes)});
  table.print();
}

bool print(const std::string& image) {
  const absl::StatusOr<weir::SnapshotInfo> info = weir::inspect(image);
  if (!info.ok()) {
    std::fprintf(stderr, "%s\n", info.status().ToString().c_str());
    return false;
  }
  std::printf("pipeline %s, format %u, %zu bytes, definition %s%s\n", info->pipeline.c_str(), info->format, image.size(),
              hexadecimal(info->definition).c_str(), info->is_finished ? ", finished" : "");
  if (info->is_increment) std::printf("an increment: sections that are as in its base are counted here, and are not in it\n");
  std::printf("%zu of %u key groups: %s; %zu bytes of positions\n", info->groups.size(), info->key_groups,
              ranges(info->groups).c_str(), info->positions.size());
  support::Table table("Operators", {"name", "kind", "keeps", "keys", "bytes", "watermark", "definition"});
  for (const weir::SnapshotInfo::Operator& one : info->operators) {
    table.add({one.name, one.kind, kept(one.kept), std::to_string(one.keys), std::to_string(one.bytes),
               instant(one.watermark), hexadecimal(one.definition)});
  }
  table.print();
  print_groups(*info);
  std::printf("\n");
  return true;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) {
    const Demonstration made = demonstration();
    support::expect(weir::inspect(made.snapshot)->operators[1].keys == 300);
    support::expect(weir::inspect(made.increment)->is_increment && made.increment.size() < made.snapshot.size());
    support::expect(ranges({0, 1, 2, 5, 7, 8}) == "0-2, 5, 7-8");
    return print(made.snapshot) && print(made.increment) ? 0 : 1;
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

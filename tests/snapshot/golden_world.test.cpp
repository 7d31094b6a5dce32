#include "world.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"

// A snapshot of a pipeline with every operator, and an increment on it, that were written once: both are read for ever, and what comes
// behind them is what came then. WEIR_WRITE_GOLDEN=1 writes the files. Operators that the world has got since begin without state.

namespace {

constexpr std::size_t base_after = 90;
constexpr std::size_t increment_after = 95;
const std::string folder = "tests/snapshot/golden/";  // tests run at the root of the tree

std::vector<world::Step> all_steps() { return world::random_steps(21, 400, 6); }
constexpr weir::KeyGroups groups{.count = 8};

std::string read_file(const std::string& name) {
  std::ifstream in(folder + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void write_file(const std::string& name, const std::string& bytes) {
  std::ofstream(folder + name, std::ios::binary) << bytes;
}

/// Takes the steps from `first` up to `last`.
void play(world::World& world, std::size_t first, std::size_t last) {
  const std::vector<world::Step> steps = all_steps();
  for (std::size_t i = first; i < last; ++i) world::take(world, steps[i]);
}

/// How many lines each stream gives behind the increment, and a hash of them (FNV-1a).
std::map<std::string, std::string> ending(world::World& world) {
  static_cast<void>(world.take());
  play(world, increment_after, all_steps().size());
  world.finish();
  std::map<std::string, std::string> out;
  for (const auto& [stream, lines] : world.take()) {
    std::uint64_t hash = 0xCBF29CE484222325;
    for (const std::string& line : lines) {
      for (const char c : line + "\n") hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3;
    }
    out[stream] = std::to_string(lines.size()) + " " + std::to_string(hash);
  }
  return out;
}

std::string text_of(const std::map<std::string, std::string>& ending) {
  std::string text;
  for (const auto& [stream, says] : ending) text += stream + ": " + says + "\n";
  return text;
}

/// Whether each stream that was recorded gives what it gave.
void check_ending(world::World& world, std::string_view recorded) {
  const std::map<std::string, std::string> now = ending(world);
  std::size_t streams = 0;
  for (; !recorded.empty(); ++streams) {
    const std::string line(recorded.substr(0, recorded.find('\n')));
    recorded.remove_prefix(line.size() + 1);
    const std::string stream = line.substr(0, line.find(": "));
    const auto found = now.find(stream);
    INFO(stream);
    REQUIRE(found != now.end());
    CHECK(stream + ": " + found->second == line);
  }
  CHECK(streams > 20);
}

/// The operators of a pipeline that a snapshot does not have.
weir::RestoreSpec without_new(world::World& world, const weir::SnapshotInfo& info) {
  weir::RestoreSpec spec;
  for (const std::string& name : world.pipeline().names()) {
    const auto has_name = [&name](const weir::SnapshotInfo::Operator& one) { return one.name == name; };
    if (std::none_of(info.operators.begin(), info.operators.end(), has_name))
      spec.start_empty.push_back(name);
  }
  return spec;
}

}  // namespace

TEST_CASE("a snapshot of every operator and an increment on it are read, and go on as they did then") {
  world::World written({.key_groups = groups});
  play(written, 0, base_after);
  const std::string base_now = written.snapshot();
  const weir::SnapshotInfo base_info_now = weir::inspect(base_now).value();
  play(written, base_after, increment_after);
  std::string increment_now;
  REQUIRE(written.pipeline().snapshot({.positions = "at 9", .base = &base_info_now}, increment_now).ok());
  if (std::getenv("WEIR_WRITE_GOLDEN") != nullptr) {
    write_file("format_1_world.snapshot", base_now);
    write_file("format_1_world.increment", increment_now);
    write_file("format_1_world.endings", text_of(ending(written)));
  }

  const std::string base = read_file("format_1_world.snapshot");
  const std::string increment = read_file("format_1_world.increment");
  const std::string recorded = read_file("format_1_world.endings");
  const absl::StatusOr<weir::SnapshotInfo> info = weir::inspect(base);
  REQUIRE(info.ok());
  CHECK(info->positions == "at 7");
  const absl::StatusOr<weir::SnapshotInfo> increment_info = weir::inspect(increment);
  REQUIRE(increment_info.ok());
  CHECK(increment_info->is_increment);
  CHECK(increment_info->positions == "at 9");
  if (info->operators.size() == base_info_now.operators.size()) {
    CHECK((base == base_now));
    CHECK((increment == increment_now));
  }

  world::World from_base({.hash_seed = 2, .key_groups = groups});
  REQUIRE(world::restore(from_base, base, without_new(from_base, *info)) == "");
  play(from_base, base_after, increment_after);
  check_ending(from_base, recorded);

  const absl::StatusOr<std::string> whole = weir::combine(base, increment);
  REQUIRE(whole.ok());
  CHECK(increment.size() < whole->size());
  world::World from_both({.hash_seed = 3, .key_groups = groups});
  REQUIRE(world::restore(from_both, *whole, without_new(from_both, *info)) == "");
  check_ending(from_both, recorded);
}

#include <cstdio>
#include <fstream>
#include <memory>
#include <string>

#include "input.hpp"

// Writes seeds for the fuzz target into a folder: snapshots of pipelines that have come so far.

namespace {

void put(const std::string& folder, const std::string& name, const fuzz::Input& input) {
  const std::string bytes = fuzz::write(input);
  std::ofstream(folder + "/" + name, std::ios::binary) << bytes;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    std::fprintf(stderr, "weir_fuzz_seeds FOLDER\n");
    return 2;
  }
  const std::string folder = arguments[1];
  using fuzz::Way;
  for (const std::size_t steps : {0U, 4U, 12U, 40U, 90U}) {
    const std::string name = std::to_string(steps);
    const auto whole = fuzz::play(Way::whole, 4 + steps, steps, 3);
    put(folder, "whole_" + name, {.way = Way::whole, .image = whole->snapshot()});
    const auto half = fuzz::play(Way::joined, 4, steps, 4);
    put(folder, "half_" + name, {.way = Way::joined, .image = fuzz::snapshot_of_half(*half, 0)});
  }
  const auto ended = fuzz::play(Way::whole, 5, 40, 3);
  ended->finish();
  put(folder, "ended", {.way = Way::whole, .image = ended->snapshot()});
  const auto grown = fuzz::play(Way::whole, 6, 12, 3);
  const std::string base = grown->snapshot();
  const absl::StatusOr<weir::SnapshotInfo> info = weir::inspect(base);
  for (const world::Step& step : world::random_steps(7, 6, 3)) world::take(*grown, step);
  std::string increment;
  if (!grown->pipeline().snapshot({.positions = "at 8", .base = &*info}, increment).ok()) return 1;
  put(folder, "increment", {.way = Way::combined, .image = base, .increment = increment});
  return 0;
}

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sanitizer/allocator_interface.h>

#include <snapshot/world.hpp>

#include "input.hpp"

// Bytes from anywhere for `restore`, `inspect` and `combine`, of a pipeline with every operator. What is refused leaves no trace;
// what is taken can be used to the end of the streams, and written and taken again as it is.

extern "C" int LLVMFuzzerInitialize(int* count, char*** arguments);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

void demand(bool is_so, std::string_view what) {
  if (is_so) return;
  std::fprintf(stderr, "weir: %.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}
/// Whether two have put out the same rows. Those of different keys may come in another order where images say nothing of it, such
/// as that two windows were the first to be touched.
void demand_same(world::World& one, world::World& other, std::string_view what) {
  world::Lines wanted = one.take();
  world::Lines got = other.take();
  for (world::Lines* lines : {&wanted, &got}) {
    for (auto& [stream, rows] : *lines) std::sort(rows.begin(), rows.end());
  }
  const std::string difference = world::first_difference(wanted, got);
  demand(difference.empty(), std::string(what) + ": " + difference);
}

std::int64_t live_bytes = 0;
std::int64_t peak_bytes = 0;

/// Counts what is allocated, from now on.
void watch_heap() {
  const auto on_malloc = [](const volatile void*, std::size_t bytes) {
    live_bytes += static_cast<std::int64_t>(bytes);
    peak_bytes = std::max(peak_bytes, live_bytes);
  };
  const auto on_free = [](const volatile void* memory) {
    live_bytes -= static_cast<std::int64_t>(__sanitizer_get_allocated_size(memory));
  };
  demand(__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free) != 0, "the heap cannot be watched");
}

/// What a restore may allocate: the first chunks of all operators' columns, and what bytes can stand for at most.
std::int64_t allowance(std::size_t image_bytes) {
  constexpr std::int64_t at_first = std::int64_t{8} << 20;
  constexpr std::int64_t per_byte = 64;
  return at_first + per_byte * static_cast<std::int64_t>(image_bytes);
}

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

/// A pipeline to which images are given one after the other.
class Subject {
 public:
  explicit Subject(fuzz::Way way) : way_(way) {
    const std::unique_ptr<world::World> whole = fuzz::play(way, 4, 60, 4);
    sound_ = way == fuzz::Way::joined ? fuzz::snapshot_of_half(*whole, 0) : whole->snapshot();
    if (way == fuzz::Way::joined) other_half_ = fuzz::snapshot_of_half(*whole, 1);
    renew();
  }

  void give(const std::string& image) {
    const double begun = cpu_seconds();
    const std::int64_t before = peak_bytes = live_bytes;
    const bool is_taken = restore(*world_, image);
    demand(peak_bytes - before <= allowance(image.size()), "a restore took more memory than it may");
    if (is_taken) {
      demand(weir::inspect(image).ok(), "inspect refuses what restore takes");
      check_taken();
      renew();
    } else {
      check_refused();
    }
    demand(cpu_seconds() - begun < 5, "an image takes too long");
  }

 private:
  [[nodiscard]] bool restore(world::World& world, const std::string& image) const {
    return world::restore(world, image, {.counters = way_ != fuzz::Way::joined}).empty();
  }
  void renew() {
    world_ = fuzz::make_world(way_);
    if (!other_half_.empty()) demand(restore(*world_, other_half_), "the other half is refused");
    before_ = world_->snapshot();
  }
  void check_refused() {
    ++refused_;
    if (refused_ % 32 == 0) demand(world_->snapshot() == before_, "a refusal left a trace");
    if (refused_ % 512 != 0) return;
    const std::unique_ptr<world::World> after = std::exchange(world_, nullptr);
    renew();
    for (world::World* one : {after.get(), world_.get()}) {
      if (refused_ % 1024 == 0) demand(restore(*one, sound_), "a sound snapshot is refused");
      use(*one);
    }
    demand_same(*world_, *after, "a refusal left a trace that shows later");
    renew();
  }
  void check_taken() {
    const std::string image = world_->snapshot();
    static_cast<void>(
        world_->take());  // no pipeline writes an image while something is due, but bytes may say that it was
    demand(weir::inspect(image).ok(), "what was taken cannot be written");
    const std::unique_ptr<world::World> twin = fuzz::make_world(way_);
    demand(world::restore(*twin, image).empty(), "what was taken and written is refused");
    demand(twin->snapshot() == image, "what was taken and written is taken as something else");
    use(*world_);
    use(*twin);
    demand_same(*world_, *twin, "what was taken and written goes on differently");
    demand(weir::inspect(world_->snapshot()).ok(), "what was taken and used cannot be written");
  }
  void use(world::World& world) {
    for (const world::Step& step : steps_) world::take(world, step);
    demand(!world.counters().empty(), "what was taken has no counters");
    world.finish();
    demand(world.pipeline().status().ok(), "what was taken cannot be used");
  }

  const fuzz::Way way_;
  const std::vector<world::Step> steps_ = world::random_steps(8, 24, 4);
  std::string sound_;
  std::string other_half_;
  std::unique_ptr<world::World> world_;
  std::string before_;
  std::uint64_t refused_ = 0;
};

}  // namespace

int LLVMFuzzerInitialize(int*, char***) {
  watch_heap();
  return 0;
}

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Subject fresh(fuzz::Way::whole);
  static Subject half(fuzz::Way::joined);
  const fuzz::Input input = fuzz::parse({reinterpret_cast<const char*>(data), size});
  weir::inspect(input.image).IgnoreError();
  if (input.way == fuzz::Way::whole) {
    fresh.give(input.image);
  } else if (input.way == fuzz::Way::joined) {
    half.give(input.image);
  } else {
    weir::inspect(input.increment).IgnoreError();
    const absl::StatusOr<std::string> combined = weir::combine(input.image, input.increment);
    if (!combined.ok()) return 0;
    demand(weir::inspect(*combined).ok(), "inspect refuses what combine makes");
    fresh.give(*combined);
  }
  return 0;
}

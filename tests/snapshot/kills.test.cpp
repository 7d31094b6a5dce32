#include "world.hpp"

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "catch.hpp"
#include "effort.hpp"

namespace {

/// A host that has a log of all steps, and keeps the newest snapshot that was written whole, with the place in the log that it stands for.
/// It is killed again and again: what is left then is the log and the snapshot.
class Host {
 public:
  Host(const std::vector<world::Step>& log, std::uint64_t seed) : log_(log), random_(seed) { start(); }

  /// Takes steps until the log is at its end; what each gives must be what it gave without kills.
  void run(const std::vector<world::Lines>& wanted, double kills_per_step) {
    while (next_ < log_.size()) {
      if (chance(kills_per_step)) {
        kill();
        continue;
      }
      world::take(*world_, log_[next_]);
      const std::string differs = world::first_difference(wanted[next_], world_->take());
      if (!differs.empty()) FAIL("step " << next_ << ", after " << kills_ << " kills: " << differs);
      ++next_;
      if (chance(0.1)) save();
    }
  }
  [[nodiscard]] std::uint64_t kills() const { return kills_; }
  [[nodiscard]] std::uint64_t torn() const { return torn_; }
  [[nodiscard]] world::World& world() { return *world_; }

 private:
  [[nodiscard]] bool chance(double share) { return static_cast<double>(random_() >> 11U) * 0x1p-53 < share; }

  /// Writes a snapshot; now and then the host is killed while it does, and the bytes are lost.
  void save() {
    const bool is_torn = chance(0.1);
    std::size_t left = is_torn ? random_() % 4096 : ~std::size_t{0};
    std::string image;
    const absl::Status status =
        world_->pipeline().snapshot({.positions = std::to_string(next_)}, [&](std::string_view piece) {
          if (piece.size() > left) return absl::UnavailableError("killed");
          left -= piece.size();
          image += piece;
          return absl::OkStatus();
        });
    if (status.ok()) {
      image_ = std::move(image);
    } else {
      REQUIRE(is_torn);
      ++torn_;
      kill();
    }
  }
  void kill() {
    ++kills_;
    world_.reset();
    start();
  }
  void start() {
    world_ = std::make_unique<world::World>();
    next_ = 0;
    if (image_.empty()) return;
    REQUIRE(world::restore(*world_, image_) == "");
    const absl::StatusOr<weir::SnapshotInfo> info = weir::inspect(image_);
    REQUIRE(info.ok());
    next_ = std::stoul(info->positions);
  }

  const std::vector<world::Step>& log_;
  std::mt19937_64 random_;
  std::unique_ptr<world::World> world_;
  std::string image_;
  std::size_t next_ = 0;
  std::uint64_t kills_ = 0;
  std::uint64_t torn_ = 0;
};

TEST_CASE(
    "a host that is killed at any time goes on from its newest snapshot and its log as if nothing had been") {
  const std::uint64_t most_kills = effort() == "long" ? 100'000 : effort() == "quick" ? 60 : 10'000;
  std::uint64_t kills = 0, torn = 0;
  for (std::uint64_t seed = 1; kills < most_kills; ++seed) {
    const std::vector<world::Step> log = world::random_steps(seed, 300);
    world::World undisturbed;
    std::vector<world::Lines> wanted;
    for (const world::Step& step : log) {
      world::take(undisturbed, step);
      wanted.push_back(undisturbed.take());
    }
    Host host(log, seed);
    host.run(wanted, 0.05);
    undisturbed.finish();
    host.world().finish();
    const std::string differs = world::first_difference(undisturbed.take(), host.world().take());
    INFO("seed " << seed << " at the end");
    REQUIRE(differs == "");
    REQUIRE(host.world().counters() == undisturbed.counters());
    kills += host.kills();
    torn += host.torn();
  }
  CHECK(torn > 0);
}

}  // namespace

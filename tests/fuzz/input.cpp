#include "input.hpp"

#include <algorithm>
#include <cstring>

namespace fuzz {

Input parse(std::string_view bytes) {
  if (bytes.empty()) return {};
  Input input{.way = static_cast<Way>(static_cast<unsigned char>(bytes[0]) % 3)};
  bytes.remove_prefix(1);
  std::uint32_t size = static_cast<std::uint32_t>(bytes.size());
  if (input.way == Way::combined && bytes.size() >= sizeof size) {
    std::memcpy(&size, bytes.data(), sizeof size);
    bytes.remove_prefix(sizeof size);
  }
  input.image = bytes.substr(0, size);
  input.increment = bytes.substr(input.image.size());
  return input;
}

std::string write(const Input& input) {
  std::string bytes(1, static_cast<char>(input.way));
  if (input.way == Way::combined) {
    const auto size = static_cast<std::uint32_t>(input.image.size());
    bytes.append(reinterpret_cast<const char*>(&size), sizeof size);
  }
  return bytes + input.image + input.increment;
}

std::unique_ptr<world::World> make_world(Way way) {
  return std::make_unique<world::World>(
      world::Plan{.hash_seed = 1, .key_groups = {.count = 2}, .has_whole = way != Way::joined});
}

std::unique_ptr<world::World> play(Way way, std::uint64_t seed, std::size_t steps, std::size_t keys) {
  std::unique_ptr<world::World> world = make_world(way);
  for (const world::Step& step : world::random_steps(seed, steps, keys)) world::take(*world, step);
  static_cast<void>(world->take());
  return world;
}

std::string snapshot_of_half(world::World& world, std::uint32_t half) {
  std::string image;
  const std::vector<std::uint32_t> groups{half};
  world.pipeline().snapshot({.positions = "at 7", .groups = groups}, image).IgnoreError();
  return image;
}

}  // namespace fuzz

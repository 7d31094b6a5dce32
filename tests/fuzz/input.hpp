#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <snapshot/world.hpp>

// What an input of the fuzz target stands for.

namespace fuzz {

/// What becomes of the bytes: the first one of an input, modulo 3.
enum class Way : std::uint8_t {
  whole,    ///< restored into a pipeline that has taken nothing
  joined,   ///< restored into one that has the other half of the keys
  combined  ///< base and increment: combined, and the outcome restored
};

/// Behind the way stands the image; of `combined` the length of the base as u32, the base, the increment.
struct Input {
  Way way = Way::whole;
  std::string image;
  std::string increment = {};
};
[[nodiscard]] Input parse(std::string_view bytes);
[[nodiscard]] std::string write(const Input& input);

/// A pipeline of which no record has come to.
[[nodiscard]] std::unique_ptr<world::World> make_world(Way way);
/// What a pipeline of these steps writes: all of its keys, or those of one half.
[[nodiscard]] std::unique_ptr<world::World> play(Way way, std::uint64_t seed, std::size_t steps,
                                                 std::size_t keys);
[[nodiscard]] std::string snapshot_of_half(world::World& world, std::uint32_t half);

}  // namespace fuzz

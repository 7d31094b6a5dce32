#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <string_view>

#include <snapshot/frame.hpp>

#include "input.hpp"

// Changes that get past the checksums: most of them inside of one section, whose length and checksums are then right again.

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most,
                                               unsigned seed);
extern "C" std::size_t LLVMFuzzerCustomCrossOver(const std::uint8_t* one, std::size_t one_size,
                                                 const std::uint8_t* other, std::size_t other_size,
                                                 std::uint8_t* out, std::size_t most, unsigned seed);

namespace {

using Random = std::minstd_rand;

/// libFuzzer's own changes.
void mutate(std::string& bytes, std::size_t most_more) {
  const std::size_t size = bytes.size();
  bytes.resize(std::max<std::size_t>(1, size + most_more));
  bytes.resize(LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(bytes.data()), size, bytes.size()));
}

/// Puts a number somewhere that a length, an instant or a count may not bear.
void put_number(std::string& bytes, Random& random) {
  constexpr std::array<std::uint64_t, 12> numbers{0,
                                                  1,
                                                  2,
                                                  255,
                                                  std::uint64_t{1} << 20,
                                                  std::uint64_t{1} << 31,
                                                  (std::uint64_t{1} << 32) - 1,
                                                  std::uint64_t{1} << 56,
                                                  (std::uint64_t{1} << 63) - 1,
                                                  std::uint64_t{1} << 63,
                                                  (std::uint64_t{1} << 63) + 1,
                                                  ~std::uint64_t{0}};
  const std::uint64_t number = numbers[random() % numbers.size()];
  const std::size_t width = std::size_t{1} << random() % 4;
  if (bytes.size() < width) return;
  std::memcpy(bytes.data() + random() % (bytes.size() - width + 1), &number, width);
}

/// Adds a small amount to a number somewhere.
void step_number(std::string& bytes, Random& random) {
  std::uint64_t number = 0;
  if (bytes.size() < sizeof number) return;
  char* at = bytes.data() + random() % (bytes.size() - sizeof number + 1);
  std::memcpy(&number, at, sizeof number);
  number += random() % 33 - 16;
  std::memcpy(at, &number, sizeof number);
}

/// Writes a piece of the content a second time.
void repeat_piece(std::string& bytes, Random& random) {
  if (bytes.empty()) return;
  const std::string piece = bytes.substr(random() % bytes.size(), 1 + random() % 64);
  bytes.insert(random() % (bytes.size() + 1), piece);
}

/// Sections come, go, and change their places.
void shuffle(frame::Parts& parts, Random& random) {
  auto& sections = parts.sections;
  const std::size_t at = random() % sections.size();
  const std::size_t other = random() % sections.size();
  switch (random() % 5) {
    case 0:
      sections.erase(sections.begin() + static_cast<std::ptrdiff_t>(at));
      break;
    case 1: {
      frame::Section copy = sections[at];
      copy.group ^= 1;
      sections.insert(sections.begin() + static_cast<std::ptrdiff_t>(at + 1), std::move(copy));
      break;
    }
    case 2:
      sections[at].content = sections[other].content;
      break;
    case 3:
      std::swap(sections[at], sections[other]);
      break;
    default:
      (random() % 2 == 0 ? sections[at].group : sections[at].node) += random() % 2 == 0 ? 1U : ~0U;
  }
}

void change(std::string& image, std::size_t most_more, Random& random) {
  const unsigned way = random() % 16;
  frame::Parts parts = frame::take_apart(image);
  if (way == 0 || parts.sections.empty()) {
    mutate(image, most_more);
    if (random() % 8 != 0) frame::repair(image);
    return;
  }
  if (way == 1) {
    shuffle(parts, random);
  } else if (way == 2) {
    mutate(parts.header, most_more);
  } else {
    std::string& content = parts.sections[random() % parts.sections.size()].content;
    for (unsigned left = 1 + random() % 3; left > 0; --left) {
      switch (random() % 6) {
        case 0:
          put_number(content, random);
          break;
        case 1:
          step_number(content, random);
          break;
        case 2:
          repeat_piece(content, random);
          break;
        default:
          mutate(content, most_more);
      }
    }
  }
  image = frame::put_together(parts);
}

std::size_t hand_over(const fuzz::Input& input, std::uint8_t* out, std::size_t most) {
  const std::string bytes = fuzz::write(input);
  return bytes.copy(reinterpret_cast<char*>(out), most);
}
std::string_view view(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace

std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  Random random(seed);
  fuzz::Input input = fuzz::parse(view(data, size));
  const std::size_t most_more = std::min<std::size_t>(most > size ? most - size : 0, 256);
  if (random() % 64 == 0) input.way = static_cast<fuzz::Way>(random() % 3);
  change(input.way == fuzz::Way::combined && random() % 2 == 0 ? input.increment : input.image, most_more,
         random);
  return hand_over(input, data, most);
}

std::size_t LLVMFuzzerCustomCrossOver(const std::uint8_t* one, std::size_t one_size,
                                      const std::uint8_t* other, std::size_t other_size, std::uint8_t* out,
                                      std::size_t most, unsigned seed) {
  Random random(seed);
  fuzz::Input input = fuzz::parse(view(one, one_size));
  frame::Parts parts = frame::take_apart(input.image);
  const frame::Parts others = frame::take_apart(fuzz::parse(view(other, other_size)).image);
  for (frame::Section& section : parts.sections) {
    if (random() % 16 != 0) continue;
    for (const frame::Section& candidate : others.sections) {
      if (candidate.node == section.node && candidate.group == section.group) section = candidate;
    }
  }
  if (!parts.sections.empty()) input.image = frame::put_together(parts);
  return hand_over(input, out, most);
}

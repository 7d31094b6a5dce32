#include "frame.hpp"

#include <cstring>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace frame {

namespace {

constexpr std::size_t magic_bytes = 20;  // and the format, and the length of the header's content
constexpr std::size_t head_bytes = 16;   // of a section
constexpr std::size_t base_bytes = 24;   // the content of a section that is as in the base
constexpr std::uint64_t as_in_base = ~std::uint64_t{0};
constexpr std::uint32_t end_of_sections = 0xFFFFFFFF;

template <class Number>
Number read(std::string_view image, std::size_t at) {
  Number number = 0;
  std::memcpy(&number, image.data() + at, sizeof number);
  return number;
}
template <class Number>
void append(std::string& image, Number number) {
  image.append(reinterpret_cast<const char*>(&number), sizeof number);
}
std::uint64_t checksum(std::string_view bytes, std::uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace

void repair(std::string& image) {
  const auto sum_of = [&image](std::size_t at, std::size_t size, std::uint64_t seed) {
    return checksum(std::string_view(image).substr(at, size), seed);
  };
  const auto put = [&image](std::size_t at, std::uint64_t sum) {
    std::memcpy(image.data() + at, &sum, sizeof sum);
  };
  if (image.size() < magic_bytes + 8) return;
  const auto header = read<std::uint64_t>(image, 12);
  if (header > image.size() - magic_bytes - 8) return;
  std::uint64_t chain = sum_of(magic_bytes, header, sum_of(0, magic_bytes, 0));
  std::size_t at = magic_bytes + header;
  put(at, chain);
  at += 8;
  while (image.size() - at >= head_bytes + 8) {
    if (read<std::uint32_t>(image, at) == end_of_sections)
      return put(at + head_bytes, sum_of(at, head_bytes, chain));
    auto size = read<std::uint64_t>(image, at + 8);
    if (size == as_in_base) size = base_bytes;
    if (size > image.size() - at - head_bytes - 8) return;
    chain = sum_of(at + head_bytes, size, sum_of(at, head_bytes, chain));
    put(at + head_bytes + size, chain);
    at += head_bytes + size + 8;
  }
}

Parts take_apart(std::string_view image) {
  Parts parts;
  if (image.size() < magic_bytes + 8) return parts;
  const auto header = read<std::uint64_t>(image, 12);
  if (header > image.size() - magic_bytes - 8) return parts;
  parts.header = image.substr(magic_bytes, header);
  image.remove_prefix(magic_bytes + header + 8);
  while (image.size() >= head_bytes + 8) {
    Section section{.node = read<std::uint32_t>(image, 0), .group = read<std::uint32_t>(image, 4)};
    if (section.node == end_of_sections) break;
    auto size = read<std::uint64_t>(image, 8);
    section.is_as_in_base = size == as_in_base;
    if (section.is_as_in_base) size = base_bytes;
    if (size > image.size() - head_bytes - 8) break;
    section.content = image.substr(head_bytes, size);
    parts.sections.push_back(std::move(section));
    image.remove_prefix(head_bytes + size + 8);
  }
  return parts;
}

std::string put_together(const Parts& parts) {
  std::string image = "WEIRSNAP";
  append(image, std::uint32_t{1});
  append(image, std::uint64_t{parts.header.size()});
  image += parts.header;
  append(image, std::uint64_t{0});  // checksums come last
  for (const Section& section : parts.sections) {
    append(image, section.node);
    append(image, section.group);
    append(image, section.is_as_in_base ? as_in_base : std::uint64_t{section.content.size()});
    image += section.content;
    append(image, std::uint64_t{0});
  }
  append(image, end_of_sections);
  append(image, std::uint32_t{0xFFFFFFFF});
  append(image, std::uint64_t{parts.sections.size()});
  append(image, std::uint64_t{0});
  repair(image);
  return image;
}

}  // namespace frame

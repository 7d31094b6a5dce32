#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// The frame of a snapshot as who wants to be believed would forge it: written from docs/snapshot_format.md, not with the library.

namespace frame {

struct Section {
  std::uint32_t node = 0;
  std::uint32_t group = 0;
  bool is_as_in_base = false;
  std::string content = {};
};

/// A snapshot in its parts: what stands in its header, and its sections.
struct Parts {
  std::string header;
  std::vector<Section> sections;
};

/// Makes the checksums right again, as far as the lengths say where they are.
void repair(std::string& image);
/// The parts of an image, up to the first length that makes no sense.
[[nodiscard]] Parts take_apart(std::string_view image);
/// An image with right lengths and checksums.
[[nodiscard]] std::string put_together(const Parts& parts);

}  // namespace frame

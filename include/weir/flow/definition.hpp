#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <weir/flow/node.hpp>

namespace weir::inline v0::detail {

/// What is computed at a node, as JSON: the steps from the sources to it, each with what it says of itself. `depth`: how far the
/// lines are indented.
[[nodiscard]] std::string definition_at(const Wiring& wiring, const Node& node, std::size_t depth = 1);

/// 64 bits that stand for a definition: XXH3 of its text. Never 0.
[[nodiscard]] std::uint64_t fingerprint_of(std::string_view definition) noexcept;
/// A fingerprint as it is written: 16 hexadecimal digits.
[[nodiscard]] std::string fingerprint_text(std::uint64_t fingerprint);

}  // namespace weir::inline v0::detail

#pragma once

#include <string>

#include <weir/flow/node.hpp>

/// \file
/// The graph as a picture.

namespace weir::inline v0::detail {

/// A Mermaid flowchart, left to right.
[[nodiscard]] std::string mermaid(const Wiring& wiring);
/// A Graphviz digraph.
[[nodiscard]] std::string dot(const Wiring& wiring);
/// A tree of names for a terminal; a node with several inputs stands below its first one and names the others.
[[nodiscard]] std::string text(const Wiring& wiring);

}  // namespace weir::inline v0::detail

#include <weir/graph/picture.hpp>

#include <vector>

namespace weir::inline v0::detail {

namespace {

std::string id_text(std::size_t id) {
  std::string text = "n";
  text += std::to_string(id);
  return text;
}

std::string quoted(const std::string& text, const char* quote) {
  std::string out;
  for (const char c : text) {
    if (c == '"') {
      out += quote;
    } else if (c == '\\' && quote[0] == '\\') {
      out += "\\\\";
    } else if (static_cast<unsigned char>(c) >= 0x20) {
      out += c;
    }
  }
  return out;
}

std::string label(const Node& node, const char* quote, const char* line_break) {
  const OperatorStats& stats = node.stats();
  if (stats.name.rfind(stats.kind + " #", 0) == 0) return quoted(stats.kind, quote);
  return quoted(stats.name, quote) + line_break + quoted(stats.kind, quote);
}

void branch(const Wiring& wiring, std::size_t id, const std::string& indent, bool is_last, std::string& out) {
  const Node& node = *wiring.nodes()[id];
  const bool is_root = wiring.inputs(node).empty();
  out += indent + (is_root ? "" : is_last ? "└─ " : "├─ ") + label(node, "'", ": ");
  const std::vector<std::size_t>& inputs = wiring.inputs(node);
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    out +=
        (i == 1 ? " (with " : ", ") + wiring.nodes()[inputs[i]]->name() + (i + 1 == inputs.size() ? ")" : "");
  }
  out += "\n";
  std::vector<std::size_t> children;
  for (std::size_t other = id + 1; other < wiring.nodes().size(); ++other) {
    const std::vector<std::size_t>& of_other = wiring.inputs(*wiring.nodes()[other]);
    if (!of_other.empty() && of_other.front() == id) children.push_back(other);
  }
  const std::string deeper = indent + (is_root ? "" : is_last ? "   " : "│  ");
  for (std::size_t i = 0; i < children.size(); ++i) {
    branch(wiring, children[i], deeper, i + 1 == children.size(), out);
  }
}

}  // namespace

std::string mermaid(const Wiring& wiring) {
  std::string out = "flowchart LR\n";
  for (const auto& node : wiring.nodes()) {
    const std::string id = id_text(Wiring::id(*node));
    const bool is_source = wiring.inputs(*node).empty();
    out += "  " + id + (is_source ? "([\"" : "[\"") + label(*node, "#quot;", "<br/>") +
           (is_source ? "\"])\n" : "\"]\n");
  }
  for (const auto& node : wiring.nodes()) {
    for (const std::size_t input : wiring.inputs(*node)) {
      out += "  ";
      out += id_text(input) + " --> " + id_text(Wiring::id(*node)) + "\n";
    }
  }
  return out;
}

std::string dot(const Wiring& wiring) {
  std::string out =
      "digraph \"" + quoted(wiring.name(), "\\\"") + "\" {\n  rankdir=LR;\n  node [shape=box];\n";
  for (const auto& node : wiring.nodes()) {
    out += "  ";
    out += id_text(Wiring::id(*node)) + " [label=\"" + label(*node, "\\\"", "\\n") + "\"" +
           (wiring.inputs(*node).empty() ? ", shape=oval" : "") + "];\n";
  }
  for (const auto& node : wiring.nodes()) {
    for (const std::size_t input : wiring.inputs(*node)) {
      out += "  ";
      out += id_text(input) + " -> " + id_text(Wiring::id(*node)) + ";\n";
    }
  }
  return out + "}\n";
}

std::string text(const Wiring& wiring) {
  std::string out = wiring.name() + "\n";
  for (const auto& node : wiring.nodes()) {
    if (wiring.inputs(*node).empty()) branch(wiring, Wiring::id(*node), "", true, out);
  }
  return out;
}

}  // namespace weir::inline v0::detail

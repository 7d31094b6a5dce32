#include <weir/flow/definition.hpp>

#include <algorithm>
#include <cstdio>
#include <vector>

#include <weir/base/hash.hpp>
#include <weir/flow/stream.hpp>

namespace weir::inline v0::detail {

namespace {

// Grows when weir computes or writes the same definition in another way.
constexpr std::int64_t definition_format = 1;

/// The nodes that lead to a node, and itself, in the order in which they were attached.
std::vector<std::size_t> steps_to(const Wiring& wiring, const Node& node) {
  std::vector<char> leads(wiring.nodes().size());
  leads[Wiring::id(node)] = 1;
  std::vector<std::size_t> steps;
  for (std::size_t id = leads.size(); id-- > 0;) {
    if (leads[id] == 0) continue;
    steps.push_back(id);
    for (const std::size_t input : wiring.inputs(*wiring.nodes()[id])) leads[input] = 1;
  }
  std::reverse(steps.begin(), steps.end());
  return steps;
}

/// Where a step's records come from, unless it is the only output of the step before.
void describe_inputs(const Wiring& wiring, const std::vector<std::size_t>& steps, std::size_t step,
                     Description& out) {
  const Node& node = *wiring.nodes()[steps[step]];
  const std::vector<std::size_t>& inputs = wiring.inputs(node);
  std::vector<std::uint32_t> outputs = wiring.outputs(node);
  outputs.resize(inputs.size());
  if (inputs.empty()) return;
  if (inputs.size() == 1 && inputs[0] == steps[step - 1] && outputs[0] == 0) return;
  out.begin_list("inputs", Description::Layout::line);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    out.begin_object();
    out.number("step", std::lower_bound(steps.begin(), steps.end(), inputs[i]) - steps.begin());
    if (outputs[i] == late_output) {
      out.text("output", "late");
    } else if (outputs[i] != 0) {
      out.number("output", outputs[i]);
    }
    out.end();
  }
  out.end();
}

}  // namespace

std::string definition_at(const Wiring& wiring, const Node& node, std::size_t depth) {
  Description out(depth);
  out.begin_object();
  out.number("format", definition_format);
  out.begin_list("steps");
  const std::vector<std::size_t> steps = steps_to(wiring, node);
  for (std::size_t step = 0; step < steps.size(); ++step) {
    const Node& described = *wiring.nodes()[steps[step]];
    out.begin_object();
    out.text("kind", described.stats().kind);
    describe_inputs(wiring, steps, step, out);
    if (!described.definition().empty()) out.text("definition", described.definition());
    described.describe(out);
    out.end();
  }
  out.end();
  out.end();
  return out.str();
}

std::uint64_t fingerprint_of(std::string_view definition) noexcept {
  const std::uint64_t hash = XXH3_64bits(definition.data(), definition.size());
  return hash == 0 ? 1 : hash;
}

std::string fingerprint_text(std::uint64_t fingerprint) {
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(fingerprint));
  return digits;
}

}  // namespace weir::inline v0::detail

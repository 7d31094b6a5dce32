#include <weir/graph/graph.hpp>

#include <weir/graph/picture.hpp>

namespace weir::inline v0 {

Graph::Graph(std::string name, GraphSpec spec) : wiring_(new Wiring(std::move(name))) {
  static const int anchor = 0;
  const auto here = reinterpret_cast<std::uintptr_t>(&*wiring_);
  const auto there = reinterpret_cast<std::uintptr_t>(&anchor);
  if (spec.memory != nullptr) wiring_->set_memory(spec.memory);
  wiring_->set_key_groups(spec.key_groups);
  wiring_->set_hash_seed(spec.hash_seed != 0 ? spec.hash_seed : here * 31 + there);
}

Graph::Graph(Graph&& other) noexcept = default;
Graph& Graph::operator=(Graph&& other) noexcept = default;
Graph::~Graph() = default;

Wiring& Graph::wiring() noexcept { return *wiring_; }

void Graph::add_source(detail::SourceBase& source) { sources_.push_back(&source); }

absl::StatusOr<Pipeline> Graph::build() && {
  if (!wiring_)
    return absl::FailedPreconditionError("build() was called before on this graph; make a new one");
  Problems problems;
  if (const std::uint32_t groups = wiring_->key_groups().count;
      groups < 1 || groups > 32768 || (groups & (groups - 1)) != 0) {
    problems.add(wiring_->name(),
                 "key_groups (" + std::to_string(groups) + ") must be a power of two from 1 to 32768");
  }
  wiring_->seal(problems);
  if (!problems.messages().empty()) {
    std::string all;
    for (const std::string& message : problems.messages()) all += (all.empty() ? "" : "\n") + message;
    return absl::InvalidArgumentError(all);
  }
  return Pipeline(new detail::PipelineCore(std::move(wiring_), std::move(sources_)));
}

std::string Graph::mermaid() const { return !wiring_ ? "" : detail::mermaid(*wiring_); }
std::string Graph::dot() const { return !wiring_ ? "" : detail::dot(*wiring_); }
std::string Graph::text() const { return !wiring_ ? "" : detail::text(*wiring_); }

}  // namespace weir::inline v0

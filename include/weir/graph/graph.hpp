#pragma once

#include <memory_resource>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <absl/status/statusor.h>

#include <weir/flow/node.hpp>
#include <weir/graph/pipeline.hpp>
#include <weir/graph/source.hpp>

/// \file
/// Graph: where a pipeline is put together, once.

namespace weir::inline v0 {

/// Options of a whole graph.
struct GraphSpec {
  /// The secret of the key tables. It never changes a result. Default: from addresses, which differ from run to run
  /// where the system randomises them; give your own when keys come from strangers and it does not.
  std::uint64_t hash_seed = 0;
  /// How state is cut into parts that can be moved: part of what a snapshot has to agree with.
  KeyGroups key_groups = {};
  /// Where the memory for state comes from: all that `OperatorStats::state_bytes` counts, in blocks of up to 4 MiB aligned to
  /// up to 2 MiB, and in lists that grow. Not: long strings, of keys and of values, batches on their way, snapshots. It is
  /// called on the thread that uses the pipeline, at the end on that of the last reader; has to outlive them. Null: `new`.
  /// Shards of `sharded` share it: where they run on threads it must be thread-safe, as `std::pmr::synchronized_pool_resource`.
  std::pmr::memory_resource* memory = nullptr;
};

/// Sources and what hangs behind them. Handles stay valid in the `Pipeline` that `build` makes.
class Graph {
 public:
  explicit Graph(std::string name, GraphSpec spec = {});
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;
  Graph(Graph&& other) noexcept;
  Graph& operator=(Graph&& other) noexcept;
  ~Graph();

  /// Adds a source of records of one type.
  template <class Record>
  [[nodiscard]] Source<Record> source(std::string name, std::type_identity_t<SourceSpec<Record>> spec) {
    auto& node = wiring().add<detail::SourceNode<Record>>({}, std::move(name), std::move(spec));
    add_source(node);
    return Source<Record>(wiring(), node);
  }

  /// Checks everything once. Errors: InvalidArgument that lists every problem: operator, field, value, remedy.
  [[nodiscard]] absl::StatusOr<Pipeline> build() &&;

  /// The graph as a picture: Mermaid flowchart, Graphviz DOT, plain text.
  [[nodiscard]] std::string mermaid() const;
  [[nodiscard]] std::string dot() const;
  [[nodiscard]] std::string text() const;

 private:
  [[nodiscard]] Wiring& wiring() noexcept;
  void add_source(detail::SourceBase& source);

  detail::Owner<Wiring> wiring_;
  std::vector<detail::SourceBase*> sources_;
};

}  // namespace weir::inline v0

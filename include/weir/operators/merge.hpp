#pragma once

#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include <weir/flow/stream.hpp>

namespace weir::inline v0 {

namespace detail {

template <class Record>
class MergeNode final : public Node {
 public:
  explicit MergeNode(std::string name) : Node(std::move(name), "merge") {}

  [[nodiscard]] Port<Record>& port() noexcept { return port_; }
  void take(const Batch<Record>& batch) {
    stats().ingested += batch.size;
    port_.deliver({.records = batch.records, .times = batch.times, .slots = nullptr, .size = batch.size});
    stats().applied += batch.size;
  }
  void refresh(OperatorStats& stats) const override { stats.emitted = stats.applied; }

 private:
  Port<Record> port_;
};

template <class Record, class... More>
Stream<Record> attach_merge(std::string name, const Stream<Record>& first, const More&... more) {
  Wiring& wiring = first.wiring();
  WEIR_ASSERT(((&more.wiring() == &wiring) && ...), "merge() joins streams of one graph");
  auto& node = wiring.add<MergeNode<Record>>({&first.node(), &more.node()...}, std::move(name));
  first.connect(node);
  (more.connect(node), ...);
  return Stream<Record>(wiring, node, node.port());
}

}  // namespace detail

/// Several streams of one record type as one. Its watermark is the minimum over the inputs that are not idle.
///
/// Order:   arrival; records that come at once, in the order in which the inputs are given
/// Late:    passed on like any record
/// Keeps:   nothing
template <class Record, class... More>
[[nodiscard]] Stream<Record> merge(std::string name, const Stream<Record>& first, const More&... more) {
  constexpr bool fits = (std::is_convertible_v<const More&, const Stream<Record>&> && ...);
  static_assert(fits, "weir: merge() takes streams of one record type; map() the others to it first");
  if constexpr (fits) {
    return detail::attach_merge(std::move(name), first, static_cast<const Stream<Record>&>(more)...);
  } else {
    return first;
  }
}

}  // namespace weir::inline v0

#pragma once

#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include <weir/flow/batch.hpp>
#include <weir/flow/node.hpp>
#include <weir/flow/stream.hpp>

/// \file
/// Stateless stages and their static fusion: `filter(f) | map(g)` is one node, fully inlined.

namespace weir::inline v0 {

/// A stateless step: `stage(record, next)` calls `next(result)` once per result, and `Output<In>` names the result.
/// `takes<In>` says whether it fits a record, `require<In>()` complains if it does not. `gives_one`: there is one result for
/// each record. `describe<In>(out)`, if there is one, adds a word for what it calls.
template <class StageType>
concept Stage = requires {
  typename StageType::weir_stage;
};

namespace detail {

template <class Record, class StageType>
auto attach_stage(const Stream<Record>& stream, StageType stage);
template <class KeyType, class Record, class StageType>
auto attach_stage(const KeyedStream<KeyType, Record>& keyed, StageType stage);

template <class In, class StageType>
void describe_stage(Description& out, const StageType& stage) {
  if constexpr (requires { stage.template describe<In>(out); }) {
    stage.template describe<In>(out);
  } else {
    out.text({}, "(function)");
  }
}

}  // namespace detail

/// Two stages as one. The meaning is that of two nodes, only the cost differs.
template <Stage First, Stage Second>
struct Chain {
  using weir_stage = void;
  static constexpr bool gives_one = First::gives_one && Second::gives_one;
  template <class In>
  using Output = typename Second::template Output<typename First::template Output<In>>;

  template <class In>
  static constexpr bool takes =
      First::template takes<In>&& Second::template takes<typename First::template Output<In>>;
  template <class In>
  static constexpr void require() {
    First::template require<In>();
    if constexpr (First::template takes<In>) Second::template require<typename First::template Output<In>>();
  }
  template <class Handle>
  static constexpr bool accepts = detail::is_stream<Handle>;

  First first;
  Second second;

  template <class In, class Next>
  void operator()(const In& record, Next&& next) const {
    first(record, [this, &next](const auto& between) { second(between, next); });
  }
  template <class Handle>
  auto attach(const Handle& handle) && {
    return detail::attach_stage(handle, std::move(*this));
  }
  [[nodiscard]] std::string kind() const { return first.kind() + " | " + second.kind(); }
  template <class In>
  void describe(Description& out) const {
    detail::describe_stage<In>(out, first);
    detail::describe_stage<typename First::template Output<In>>(out, second);
  }
};

template <Stage First, Stage Second>
[[nodiscard]] Chain<First, Second> operator|(First first, Second second) {
  return {std::move(first), std::move(second)};
}

namespace detail {

/// Runs a fused stage over batches. Order: kept. Late records: passed on. Keeps: nothing.
template <class In, class StageType>
class StageNode final : public Node {
 public:
  using Output = typename StageType::template Output<In>;

  StageNode(std::string name, StageType stage)
      : Node(std::move(name), stage.kind()), stage_(std::move(stage)) {}

  [[nodiscard]] Port<Output>& port() noexcept { return out_.port(); }

  void take(const Batch<In>& batch) {
    stats().ingested += batch.size;
    if constexpr (StageType::gives_one) {
      stats().applied += batch.size;
      return out_.pass(batch, stage_);
    }
    std::size_t used = 0;
    for (std::size_t i = 0; i < batch.size; ++i) {
      const Slot slot = batch.slots != nullptr ? batch.slots[i] : no_slot;
      bool is_used = false;
      stage_(batch.records[i], [&](auto&& result) {
        is_used = true;
        out_.push(std::forward<decltype(result)>(result), batch.times[i], slot);
      });
      used += is_used ? 1 : 0;
    }
    stats().applied += used;
    stats().unassigned += batch.size - used;
    out_.flush();
  }
  void take_one(const In& record, EventTime time, Slot slot) {
    bool is_used = false;
    ++stats().ingested;
    stage_(record, [&](auto&& result) {
      is_used = true;
      out_.pass(std::forward<decltype(result)>(result), time, slot);
    });
    ++(is_used ? stats().applied : stats().unassigned);
  }
  void refresh(OperatorStats& stats) const override { stats.emitted = out_.pushed(); }
  void describe(Description& out) const override {
    out.begin_list("functions", Description::Layout::line);
    describe_stage<In>(out, stage_);
    out.end();
  }

 private:
  StageType stage_;
  Outbox<Output> out_;
};

template <class Record, class StageType>
auto attach_stage(const Stream<Record>& stream, StageType stage) {
  StageType::template require<Record>();
  if constexpr (StageType::template takes<Record>) {
    using Added = StageNode<Record, StageType>;
    auto& node = stream.template feed<Added>(stream.wiring().unique_name(stage.kind()), std::move(stage));
    return Stream<typename Added::Output>(stream.wiring(), node, node.port());
  } else {
    return stream;
  }
}

template <class KeyType, class Record, class StageType>
auto attach_stage(const KeyedStream<KeyType, Record>& keyed, StageType stage) {
  auto stream = attach_stage(keyed.stream(), std::move(stage));
  return KeyedStream<KeyType, typename decltype(stream)::Record>(stream, keyed.keyspace());
}

}  // namespace detail

}  // namespace weir::inline v0

#pragma once

#include <concepts>
#include <string>
#include <type_traits>
#include <utility>

#include <weir/flow/operator.hpp>
#include <weir/flow/stream.hpp>
#include <weir/operators/each_node.hpp>

namespace weir::inline v0 {

/// Attaches a custom operator. See `each`.
template <Operator Op>
struct Each {
  using Traits = OperatorTraits<Op>;
  template <class Handle>
  static constexpr bool accepts = detail::is_stream<Handle>;

  EachSpec spec;
  Op op;

  template <class RecordType>
  auto attach(const Stream<RecordType>& stream) && {
    static_assert(!Traits::has_timer,
                  "weir: an operator with a timer needs a key_by before each(); timers are per key");
    if constexpr (Traits::has_timer || !fits<RecordType>()) {
      return stream;
    } else {
      auto& node = stream.template feed<detail::EachNode<Op>>(spec, std::move(op));
      return outputs(stream.wiring(), node, std::type_identity<typename Traits::Records>{});
    }
  }
  template <class KeyType, class RecordType>
  auto attach(const KeyedStream<KeyType, RecordType>& keyed) && {
    static_assert(
        !requires { &Op::on_watermark; },
        "weir: on_watermark() is for operators without a key; behind a key_by use the key's timer");
    if constexpr (fits<RecordType>()) {
      using Added = detail::KeyedEachNode<KeyType, Op>;
      auto& node = keyed.template feed<Added>(spec, std::move(op), keyed.keyspace().dictionary);
      return outputs(keyed.wiring(), node, std::type_identity<typename Traits::Records>{});
    } else {
      return keyed.stream();
    }
  }

 private:
  /// Whether process() is as it should be and takes the stream's records; complains if not.
  template <class RecordType>
  static constexpr bool fits() {
    using detail::ProcessFault;
    static_assert(
        Traits::fault != ProcessFault::shape,
        "weir: process() must be void and const; keep what it remembers in State, where weir can expire it");
    static_assert(Traits::fault != ProcessFault::order,
                  "weir: process() takes [State&,] const In&, [weir::Timer&,] and then weir::Out<T>& only, "
                  "in this order");
    static_assert(Traits::fault != ProcessFault::input, "weir: process() takes its record as const In&");
    if constexpr (Traits::fault == ProcessFault::none) {
      constexpr bool is_same = std::is_same_v<typename Traits::In, RecordType>;
      static_assert(
          is_same,
          "weir: each() got an operator whose process() takes another record type than the stream has");
      return is_same;
    } else {
      return false;
    }
  }
  template <class NodeType, class... Records>
  static auto outputs(Wiring& wiring, NodeType& node, std::type_identity<std::tuple<Records...>>) {
    return streams<NodeType, Records...>(wiring, node, std::index_sequence_for<Records...>{});
  }
  template <class NodeType, class... Records, std::size_t... index>
  static auto streams(Wiring& wiring, NodeType& node, std::index_sequence<index...>) {
    if constexpr (sizeof...(Records) == 1) {
      return Stream<Records...>(wiring, node, node.template port<0>());
    } else if constexpr (sizeof...(Records) > 1) {
      return std::tuple{Stream<Records>(wiring, node, node.template port<index>(), index)...};
    }
  }
};

/// Runs a custom operator: one `Stream` per `Out<T>&` that its `process` takes, in that order.
///
/// Order:   what one output gets keeps the order of `emit`; timers fire by instant, then as they were set
/// Late:    passed to `process` like any record
/// Keeps:   behind a key_by: `State` per key, one timer per key; else one `State`. A key whose `State` compares equal to
///          `State{}` and that has no timer is forgotten; others are kept as long as `EachSpec::retain` says
template <Operator Op>
[[nodiscard]] Each<Op> each(EachSpec spec, Op op) {
  return {std::move(spec), std::move(op)};
}
template <Operator Op>
[[nodiscard]] Each<Op> each(std::string name, Op op) {
  EachSpec spec;
  spec.name = std::move(name);
  return {std::move(spec), std::move(op)};
}

}  // namespace weir::inline v0

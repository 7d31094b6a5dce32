#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <weir/flow/stream.hpp>

namespace weir::inline v0 {

namespace detail {

template <class Record, class Function>
class SinkNode final : public Node {
 public:
  SinkNode(std::string name, std::string_view kind, Function function)
      : Node(std::move(name), kind), function_(std::move(function)) {}

  void take(const Batch<Record>& batch) {
    stats().ingested += batch.size;
    for (std::size_t i = 0; i < batch.size; ++i) function_(batch.records[i]);
    stats().applied += batch.size;
  }

 private:
  Function function_;
};

}  // namespace detail

/// Hands records to the host. See `sink` and `tap`.
template <class Function, bool is_end>
struct Sink {
  template <class Handle>
  static constexpr bool accepts = detail::is_stream<Handle>;

  std::string name;
  Function function;

  template <class Handle>
  auto attach(const Handle& handle) && {
    using Record = typename Handle::Record;
    constexpr bool fits = std::is_invocable_v<Function&, const Record&>;
    static_assert(fits,
                  "weir: sink() and tap() take a callable void(const Record&) for the stream's record type");
    if constexpr (fits) {
      using Added = detail::SinkNode<Record, Function>;
      stream_of(handle).template feed<Added>(std::move(name), is_end ? "sink" : "tap", std::move(function));
    }
    if constexpr (!is_end) return handle;
  }

 private:
  template <class Handle>
  static decltype(auto) stream_of(const Handle& handle) {
    if constexpr (requires { handle.stream(); }) {
      return handle.stream();
    } else {
      return handle;
    }
  }
};

/// The end of a stream: calls `function(record)` for each record, on the thread that pushed.
///
/// Order:   as the stream's
/// Late:    a stream of late notices is a stream like any other
/// Errors:  what `function` throws passes through the host's call and poisons the pipeline
template <class Function>
[[nodiscard]] Sink<Function, true> sink(std::string name, Function function) {
  return {std::move(name), std::move(function)};
}

/// Looks at the records of a stream as they pass; gives the same stream back.
template <class Function>
[[nodiscard]] Sink<Function, false> tap(std::string name, Function function) {
  return {std::move(name), std::move(function)};
}

}  // namespace weir::inline v0

#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <weir/aggregate/row.hpp>
#include <weir/flow/stream.hpp>
#include <weir/operators/count_windows.hpp>
#include <weir/operators/pane_windows.hpp>
#include <weir/operators/session_windows.hpp>
#include <weir/operators/triggered_windows.hpp>
#include <weir/operators/windows.hpp>

namespace weir::inline v0 {

/// A stream of rows, with the records that came too late for them.
template <class KeyType, class Row, class RecordType>
class Aggregated : public Stream<Windowed<KeyType, Row>> {
 public:
  using Base = Stream<Windowed<KeyType, Row>>;

  Aggregated(Base rows, Stream<Late<RecordType>> late) : Base(rows), late_(late) {}
  /// Records for which at least one window was closed; each once, with windows hit and missed.
  [[nodiscard]] Stream<Late<RecordType>> late() const { return late_; }

 private:
  Stream<Late<RecordType>> late_;
};

/// Rows of sessions. The session so far of a key is readable: put `view` behind it.
template <class KeyT, class RowT, class RecordType>
class SessionRows : public Aggregated<KeyT, RowT, RecordType> {
 public:
  static constexpr std::size_t windows = 1;
  using KeyType = KeyT;
  using Row = RowT;
  using Base = Aggregated<KeyType, Row, RecordType>;

  SessionRows(Base rows, detail::Readable<KeyType, Row>& open) : Base(rows), open_(&open) {}
  [[nodiscard]] detail::Readable<KeyType, Row>& rows() const noexcept { return *open_; }

 private:
  detail::Readable<KeyType, Row>* open_;
};

/// Options of `aggregate`.
struct AggregateSpec {
  std::string name;
  /// A label of yours for what functions compute; see `FeaturesSpec`.
  std::string definition = {};
};

/// Turns windows into rows. See `aggregate`.
template <class Row, class... Features>
struct Aggregate {
  template <class Handle>
  static constexpr bool accepts = detail::is_windowed<Handle>;

  AggregateSpec spec;
  std::tuple<Features...> features;

  template <class KeyType, class RecordType, class Shape>
  auto attach(const WindowedStream<KeyType, RecordType, Shape>& windowed) && {
    using RowAgg = RowAggregator<Row, RecordType, Features...>;
    constexpr bool fits = !RowAgg::is_sound || RowAgg::template has_fields<1>;
    static_assert(fits, "weir: .as() names several fields; aggregate<Row>() takes one for each feature");
    if constexpr (RowAgg::is_sound && fits) {
      RowAgg aggregator =
          std::apply([](auto&... feature) { return RowAgg(std::move(feature)...); }, features);
      return place(windowed.keyed(), windowed.shape(), std::move(aggregator));
    } else {
      if constexpr (!RowAgg::is_sound)
        static_cast<void>(sizeof(typename RowAgg::State));  // says what is wrong, once
      return detail::never<Aggregated<KeyType, Row, RecordType>>();
    }
  }

 private:
  template <class KeyType, class RecordType, class RowAgg, detail::PaneUse use>
  auto place(const KeyedStream<KeyType, RecordType>& keyed, const detail::FixedShape<use>& shape,
             RowAgg aggregator) {
    using Result = Aggregated<KeyType, Row, RecordType>;
    const auto& dictionary = keyed.keyspace().dictionary;
    if (shape.plan.trigger.is_plain() && !shape.plan.grid.is_endless()) {
      using Added = detail::PaneWindowsNode<KeyType, RecordType, Row, RowAgg, use>;
      return handle<Result>(keyed, keyed.template feed<Added>(std::move(spec.name), std::span(&shape.plan, 1),
                                                              std::move(aggregator), dictionary));
    }
    using Added = detail::TriggeredWindowsNode<KeyType, RecordType, Row, RowAgg>;
    return handle<Result>(keyed, keyed.template feed<Added>(std::move(spec.name), shape.plan,
                                                            std::move(aggregator), dictionary));
  }
  template <class KeyType, class RecordType, class RowAgg, std::size_t count>
  auto place(const KeyedStream<KeyType, RecordType>& keyed, const detail::SharedShape<count>& shape,
             RowAgg aggregator) {
    using Added = detail::PaneWindowsNode<KeyType, RecordType, Row, RowAgg, detail::PaneUse::shared>;
    auto& node =
        keyed.template feed<Added>(std::move(spec.name), std::span<const detail::WindowPlan>(shape.plans),
                                   std::move(aggregator), keyed.keyspace().dictionary);
    return handles<Aggregated<KeyType, Row, RecordType>>(keyed, node, std::make_index_sequence<count>{});
  }
  template <class KeyType, class RecordType, class RowAgg, class GapOf, class EndsAt>
  auto place(const KeyedStream<KeyType, RecordType>& keyed, const detail::SessionShape<GapOf, EndsAt>& shape,
             RowAgg aggregator) {
    using Added = detail::SessionWindowsNode<KeyType, RecordType, Row, RowAgg, GapOf, EndsAt>;
    auto& node = keyed.template feed<Added>(std::move(spec.name), shape.spec, shape.gap_of, shape.ends_at,
                                            std::move(aggregator), keyed.keyspace().dictionary);
    return SessionRows<KeyType, Row, RecordType>(handle<Aggregated<KeyType, Row, RecordType>>(keyed, node),
                                                 node);
  }
  template <class KeyType, class RecordType, class RowAgg>
  auto place(const KeyedStream<KeyType, RecordType>& keyed, const detail::CountShape& shape,
             RowAgg aggregator) {
    using Added = detail::CountWindowsNode<KeyType, RecordType, Row, RowAgg>;
    return handle<Aggregated<KeyType, Row, RecordType>>(
        keyed, keyed.template feed<Added>(std::move(spec.name), shape.spec, std::move(aggregator),
                                          keyed.keyspace().dictionary));
  }

  template <class Result, class Keyed, class NodeType>
  Result handle(const Keyed& keyed, NodeType& node, std::size_t output = 0) const {
    Wiring& wiring = keyed.wiring();
    node.set_definition(spec.definition);
    auto& emitter = node.emitter();
    return Result({wiring, node, emitter.rows(output).port(), static_cast<std::uint32_t>(output)},
                  {wiring, node, emitter.late().port(), late_output});
  }
  template <class Result, class Keyed, class NodeType, std::size_t... output>
  auto handles(const Keyed& keyed, NodeType& node, std::index_sequence<output...>) const {
    return std::array{handle<Result>(keyed, node, output)...};
  }
};

/// Turns each key's windows into rows of type `Row`: `aggregate<Velocity>("velocity_1h", count().as(&Velocity::payments), ...)`.
///
/// The result is a stream of `Windowed<Key, Row>`; its `late()` is the stream of records that missed a window. Behind
/// `windows(a, b, ...)` it is one such stream per window.
///
/// Order:   rows by window end. Keys of one window: tumbling, as they first touched it; overlapping windows, first those of
///          the window before, then the new ones; sessions, by creation. The same in any batch split
/// Late:    counted, reported once on `late()`, see the window's spec
/// Keeps:   see the window
/// Errors:  a result that does not fit its field is held at the field's limit and marked in `Windowed::overflowed`
template <class Row, class Name, class... Features>
requires std::is_convertible_v<Name, std::string>
[[nodiscard]] Aggregate<Row, Features...> aggregate(Name&& name, Features... features) {
  return {AggregateSpec{.name = std::forward<Name>(name)}, std::tuple<Features...>(std::move(features)...)};
}
/// The same with options: `aggregate<Row>({.name = "velocity_1h", .definition = "2"}, ...)`.
template <class Row, class... Features>
[[nodiscard]] Aggregate<Row, Features...> aggregate(AggregateSpec spec, Features... features) {
  return {std::move(spec), std::tuple<Features...>(std::move(features)...)};
}

}  // namespace weir::inline v0

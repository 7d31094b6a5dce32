#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <weir/aggregate/row.hpp>
#include <weir/flow/stream.hpp>
#include <weir/operators/features_node.hpp>
#include <weir/operators/readable.hpp>
#include <weir/window/rolling.hpp>

/// \file
/// Rolling features: many windows and aggregates of one key in one row, computed when it is read.

namespace weir::inline v0 {

/// Rows of so many windows that are read by key, see `view`, and the records that came too late for some of these.
template <class KeyT, class RowT, class RecordType, std::size_t window_count = 1>
class FeatureRows {
 public:
  using weir_handle = void;
  static constexpr std::size_t windows = window_count;
  using KeyType = KeyT;
  using Row = RowT;

  FeatureRows(Wiring& wiring, Node& node, detail::Readable<KeyType, Row>& rows, Stream<Late<RecordType>> late)
      : wiring_(&wiring), node_(&node), rows_(&rows), late_(late) {}

  [[nodiscard]] Wiring& wiring() const noexcept { return *wiring_; }
  [[nodiscard]] Node& node() const noexcept { return *node_; }
  [[nodiscard]] detail::Readable<KeyType, Row>& rows() const noexcept { return *rows_; }
  /// Records that some window cannot have any more; each once, with windows hit and missed.
  [[nodiscard]] Stream<Late<RecordType>> late() const { return late_; }

 private:
  Wiring* wiring_;
  Node* node_;
  detail::Readable<KeyType, Row>* rows_;
  Stream<Late<RecordType>> late_;
};

namespace detail {

/// Aggregates over rolling windows: one part of `features`.
template <std::size_t count, class... Features>
struct RollingPart {
  static constexpr std::size_t windows = count;
  std::array<RollingWindow, count> asked;
  std::tuple<Features...> features;
};

/// A field computed from the others: one part of `features`.
template <class RowType, class Field, class Function>
struct Derivation {
  Field RowType::*field;
  Function function;
  void operator()(RowType& row) const { row.*field = function(std::as_const(row)); }
  void describe(Description& out, std::int64_t& number) const {
    begin_feature(out, number, {.field = member_name<RowType>(field), .type = &type_word<Field>});
    out.end();
  }
};

/// Stands for a function that does not fit, so that the message stands alone.
template <class Field>
struct NoFunction {
  template <class Row>
  Field operator()(const Row&) const;
};

template <class Part>
inline constexpr bool is_rolling_part = false;
template <std::size_t count, class... Features>
inline constexpr bool is_rolling_part<RollingPart<count, Features...>> = true;
template <class Part>
inline constexpr bool is_derivation = false;
template <class Row, class Field, class Function>
inline constexpr bool is_derivation<Derivation<Row, Field, Function>> = true;

/// The group that a part becomes for a type of record and of row.
template <class Record, class Row, class Part>
struct GroupOf;
template <class Record, class Row, std::size_t count, class... Features>
struct GroupOf<Record, Row, RollingPart<count, Features...>> {
  using RowAgg = RowAggregator<Row, Record, Features...>;
  using Group = RollingGroup<Record, Row, RowAgg, count>;

  static constexpr bool fits() {
    if constexpr (!RowAgg::is_sound) {
      static_cast<void>(sizeof(typename RowAgg::State));  // says what is wrong, once
      return false;
    } else {
      constexpr bool has_fields = RowAgg::template has_fields<count>;
      static_assert(has_fields,
                    "weir: under rolling() over several windows .as() names one field for each window");
      return has_fields;
    }
  }
  static typename Group::Blueprint make(const RollingPart<count, Features...>& part) {
    return {RollingPlan({part.asked.begin(), part.asked.end()}),
            std::apply([](const auto&... feature) { return RowAgg(feature...); }, part.features)};
  }
};

template <class Part>
[[nodiscard]] auto groups_of(Part part) {
  if constexpr (is_rolling_part<Part>) {
    return std::tuple<Part>(std::move(part));
  } else {
    return std::tuple<>();
  }
}
template <class Part>
[[nodiscard]] auto derivations_of(Part part) {
  if constexpr (is_derivation<Part>) {
    return std::tuple<Part>(std::move(part));
  } else {
    return std::tuple<>();
  }
}

}  // namespace detail

/// Windows that end where they are read; put `.compute(...)` behind them.
template <std::size_t count>
struct [[nodiscard]] Rolling {
  std::array<detail::RollingWindow, count> windows;

  /// The aggregates of the windows, each with a field per window: `sum(&Payment::amount).as(&Row::spend)`.
  template <class... Features>
  [[nodiscard]] detail::RollingPart<count, Features...> compute(Features... features) const {
    return {windows, std::tuple<Features...>(std::move(features)...)};
  }
};

/// The records of the last while; see `RollingSpec`.
inline Rolling<1> rolling(const RollingSpec& spec) { return {{detail::RollingWindow::of(spec)}}; }
/// Several windows over the same aggregates, which then share one state: `rolling({{.size = 1h, ...}, {.size = 24h, ...}})`.
/// The precisions must be multiples of each other.
template <std::size_t count>
Rolling<count> rolling(const RollingSpec (&specs)[count]) {
  Rolling<count> windows;
  for (std::size_t i = 0; i < count; ++i) windows.windows[i] = detail::RollingWindow::of(specs[i]);
  return windows;
}
/// The last so many records; see `RollingRecordsSpec`.
inline Rolling<1> rolling_records(const RollingRecordsSpec& spec) {
  return {{detail::RollingWindow::of(spec)}};
}
/// All records of a key; see `RollingLifetimeSpec`.
inline Rolling<1> rolling_lifetime(const RollingLifetimeSpec& spec = {}) {
  return {{detail::RollingWindow::of(spec)}};
}

/// A field computed from the row's other fields, after all windows: a ratio, a z-score, a rate, a share.
template <class Row, class Field, class Function>
[[nodiscard]] auto derive(Field Row::*field, Function function) {
  constexpr bool fits = std::is_invocable_r_v<Field, const Function&, const Row&>;
  static_assert(fits, "weir: derive() takes a field and a callable on const Row& that gives a value for it");
  if constexpr (fits) {
    return detail::Derivation<Row, Field, Function>{field, std::move(function)};
  } else {
    return detail::Derivation<Row, Field, detail::NoFunction<Field>>{field, {}};
  }
}

/// Keeps rolling features. See `features`.
template <class Row, class... Parts>
struct Features {
  template <class Handle>
  static constexpr bool accepts = detail::is_keyed<Handle>;

  FeaturesSpec spec;
  std::tuple<Parts...> parts;

  template <class KeyType, class RecordType>
  auto attach(const KeyedStream<KeyType, RecordType>& keyed) && {
    constexpr bool are_parts = ((detail::is_rolling_part<Parts> || detail::is_derivation<Parts>)&&...);
    constexpr bool has_windows = (detail::is_rolling_part<Parts> || ...);
    static_assert(are_parts && has_windows,
                  "weir: features<Row>() takes rolling(...).compute(...), at least one, and derive(...)");
    if constexpr (are_parts && has_windows) {
      auto groups = std::apply(
          [](auto&... part) { return std::tuple_cat(detail::groups_of(std::move(part))...); }, parts);
      auto derivations =
          std::apply([](auto&... part) { return std::tuple_cat(detail::derivations_of(part)...); }, parts);
      return place(keyed, std::move(derivations), groups);
    } else {
      return detail::never<FeatureRows<KeyType, Row, RecordType>>();
    }
  }

 private:
  template <class KeyType, class RecordType, class Derivations, class... Rollings>
  auto place(const KeyedStream<KeyType, RecordType>& keyed, Derivations derivations,
             std::tuple<Rollings...>& rollings) {
    using Result = FeatureRows<KeyType, Row, RecordType, (Rollings::windows + ...)>;
    if constexpr ((detail::GroupOf<RecordType, Row, Rollings>::fits() && ...)) {
      using Added = detail::FeaturesNode<KeyType, RecordType, Row, Derivations,
                                         typename detail::GroupOf<RecordType, Row, Rollings>::Group...>;
      Added& node = std::apply(
          [&](auto&... rolling) -> Added& {
            return keyed.template feed<Added>(
                std::move(spec), std::move(derivations), keyed.keyspace().dictionary,
                detail::GroupOf<RecordType, Row, std::remove_reference_t<decltype(rolling)>>::make(
                    rolling)...);
          },
          rollings);
      return Result(keyed.wiring(), node, node, {keyed.wiring(), node, node.late().port(), late_output});
    } else {
      return detail::never<Result>();
    }
  }
};

/// Keeps what is needed to compute a `Row` per key at any instant: `features<CardFeatures>("card", rolling({.size = 1h,
/// .precision = 1min}).compute(count().as(&CardFeatures::payments_1h), ...), derive(&CardFeatures::ratio, ...))`.
///
/// Nothing comes out by itself; put `| view(...)` behind it and look rows up.
///
/// Order:   of no meaning: what is read depends on the records and on the instant of the read only
/// Late:    records are applied wherever a window can still have them, whatever the watermark; one that some window cannot
///          have any more is counted, and reported once on `late()`
/// Keeps:   per key the panes of its windows, and the records of exact windows, of windows of records, and those
///          younger than the watermark less `time_travel`; until the key was silent for `retain`
/// Time:    a record: one add per rolling(...), and one merge per pane that ends; those out of order are sorted once per
///          read or settlement; a late one moves the later ones that are kept. A read: an add for each
///          record that is younger than the watermark less `time_travel`, per window a merge for each open pane; the first time
///          since a pane ended also one for each pane that holds something
template <class Row, class Name, class... Parts>
requires std::is_convertible_v<Name, std::string>
[[nodiscard]] Features<Row, Parts...> features(Name&& name, Parts... parts) {
  return {FeaturesSpec{.name = std::forward<Name>(name)}, std::tuple<Parts...>(std::move(parts)...)};
}
/// The same with options: `features<Row>({.name = "card", .time_travel = 5min}, ...)`.
template <class Row, class... Parts>
[[nodiscard]] Features<Row, Parts...> features(FeaturesSpec spec, Parts... parts) {
  return {std::move(spec), std::tuple<Parts...>(std::move(parts)...)};
}

}  // namespace weir::inline v0

#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include <weir/aggregate/count.hpp>
#include <weir/aggregate/feature.hpp>
#include <weir/aggregate/field.hpp>
#include <weir/state/archive.hpp>

/// \file
/// All features of a row as one aggregator.

namespace weir::inline v0 {

namespace detail {

/// The first thing that keeps a feature from being computed.
enum class Fault : unsigned char {
  none,
  feature,
  target,
  row,
  projection,
  predicate,
  protocol,
  value,
  field
};

/// How many fields `.as()` names.
template <class F>
inline constexpr std::size_t fields_of = 0;
template <class Family, class Projection, class Predicate, NanRule rule, class Row, class Field,
          std::size_t fields>
inline constexpr std::size_t
    fields_of<Feature<Family, Projection, Predicate, rule, Target<Row, Field, fields>>> = fields;

template <class Family, class Value>
concept Makes = requires(const Family& family) {
  family.template make<Value>();
};

template <class Row, class In, class T>
consteval Fault fault_of(std::type_identity<T>) {
  return Fault::feature;
}

template <class Row, class In, class Family, class Projection, class Predicate, NanRule rule, class Target>
consteval Fault fault_of(std::type_identity<Feature<Family, Projection, Predicate, rule, Target>>) {
  if constexpr (std::same_as<Target, NoTarget>)
    return Fault::target;
  else if constexpr (!std::is_base_of_v<typename Target::Row, Row>)
    return Fault::row;
  else if constexpr (!std::is_invocable_v<const Projection&, const In&>)
    return Fault::projection;
  else if constexpr (!Judges<Predicate, In>)
    return Fault::predicate;
  else if constexpr (!Makes<Family, Projected<Projection, In>>)
    return is_custom<Family> ? Fault::protocol : Fault::value;
  else {
    using A = std::remove_cvref_t<
        decltype(std::declval<const Family&>().template make<Projected<Projection, In>>())>;
    using Result =
        decltype(result_of(std::declval<const A&>(), std::declval<const typename A::State&>(), Interval{}));
    return fits<std::remove_cvref_t<Result>, typename Target::Field>() ? Fault::none : Fault::field;
  }
}

/// What a feature comes to for a given record and row: its aggregator, or one message why there is none.
template <class F, class In, Fault fault>
struct Planned {
  static_assert(fault != Fault::feature,
                "weir: aggregate<Row>() takes features, such as weir::count().as(&Row::n)");
  static_assert(fault != Fault::target, "weir: a feature has no field; end it with .as(&Row::field)");
  static_assert(fault != Fault::row,
                "weir: .as() names a field of another type; use a member of aggregate<Row>'s Row");
  static_assert(
      fault != Fault::projection,
      "weir: a projection cannot read the record; use a member of it or a callable on const Record&");
  static_assert(
      fault != Fault::predicate,
      "weir: .where() cannot judge the record; use a bool member of it or a callable bool(const Record&)");
  static_assert(
      fault != Fault::protocol,
      "weir: with() needs an Aggregator of the projected value: State, add, merge and result, all const");
  static_assert(
      fault != Fault::value,
      "weir: an aggregate cannot take the projected value; project to a number, or to what its header names");
  static_assert(
      fault != Fault::field,
      "weir: a result does not go into the field of .as(); fractions need a double, lists a std::vector");
  using Aggregator = Count;
};

template <class F, class In>
struct Planned<F, In, Fault::none> {
  using Value = Projected<decltype(F::projection), In>;
  static constexpr decltype(auto) aggregator(const F& feature) {
    return feature.family.template make<Value>();
  }
  using Aggregator = std::remove_cvref_t<decltype(aggregator(std::declval<const F&>()))>;
};

/// A flat tuple: bases instead of recursion, found by index in one overload resolution.
template <std::size_t index, class T>
struct Part {
  T value{};
};
template <class Indices, class... T>
struct Parts;
template <std::size_t... index, class... T>
struct Parts<std::index_sequence<index...>, T...> : Part<index, T>... {};

template <std::size_t index, class T>
[[nodiscard]] constexpr T& part(Part<index, T>& in) {
  return in.value;
}
template <std::size_t index, class T>
[[nodiscard]] constexpr const T& part(const Part<index, T>& in) {
  return in.value;
}

}  // namespace detail

/// Computes a Row from records `In`, one feature per field.
///
/// Needs:   features that end in `.as(&Row::field)`; checked when State is first used, one message per fault
/// Time:    the sum of its features
/// Memory:  the States of its features, side by side; trivially copyable if they all are
/// Errors:  a result that does not fit is held at its limit, see `result`
template <class Row, class In, class... Features>
class RowAggregator {
  template <class F>
  static constexpr detail::Fault fault = detail::fault_of<Row, In>(std::type_identity<F>{});
  template <class F>
  using Plan = detail::Planned<F, In, fault<F>>;
  template <class F>
  using Aggregator = typename Plan<F>::Aggregator;
  using Indices = std::index_sequence_for<Features...>;

 public:
  static constexpr std::size_t size = sizeof...(Features);
  /// Every feature fits the record and the row. Bodies are empty otherwise, so that the fault's message stands alone.
  static constexpr bool is_sound = ((fault<Features> == detail::Fault::none) && ...);
  static_assert(size > 0,
                "weir: aggregate<Row>() needs at least one feature, such as weir::count().as(&Row::n)");
  static_assert(size <= 64,
                "weir: a row takes at most 64 features; split it over two aggregate<Row>() calls");

  /// Every feature has a field for each of so many windows.
  template <std::size_t windows>
  static constexpr bool has_fields = ((detail::fields_of<Features> == windows) && ...);

  static constexpr bool order_independent = (OrderIndependent<Aggregator<Features>> && ...);
  static constexpr bool is_invertible = (Invertible<Aggregator<Features>> && ...);

  struct State : detail::Parts<Indices, typename Aggregator<Features>::State...> {
    static constexpr bool is_archivable = (Archivable<typename Aggregator<Features>::State> && ...);

    void archive(Archive& ar) requires(is_archivable) { archive(ar, Indices{}); }
    [[nodiscard]] static constexpr std::uint64_t archive_layout() {
      std::uint64_t hash = 0;
      ((hash = hash * 31 + detail::layout_of<typename Aggregator<Features>::State>()), ...);
      return hash;
    }

   private:
    template <std::size_t... i>
    void archive(Archive& ar, std::index_sequence<i...>) {
      ar(detail::part<i>(*this)...);
    }
  };

  explicit constexpr RowAggregator(Features... features) : features_{{std::move(features)}...} {}

  /// False iff a feature with `NanPolicy::reject` sees NaN in the record.
  [[nodiscard]] constexpr bool accepts(const In& in) const { return accepts(in, Indices{}); }

  /// Adds a record; one that is not accepted is skipped where it has NaN.
  /// `counts` points to `size` counters, or is null.
  constexpr void add(State& state, const In& in, EventTime at, FeatureCounts* counts = nullptr) const {
    add(state, in, at, counts, Indices{});
  }

  /// Counts what `add` would leave out of a record; `counts` points to `size` counters.
  constexpr void tally(const In& in, FeatureCounts* counts) const { tally(in, counts, Indices{}); }

  /// Merges what came later into what came earlier.
  constexpr void merge(State& state, const State& later) const { merge(state, later, Indices{}); }

  /// Takes back what was merged, exactly; only if every feature can.
  constexpr void remove(State& state, const State& merged) const requires(is_invertible) {
    remove(state, merged, Indices{});
  }

  /// Writes every feature's field of a fresh row. Bit i of `overflowed_bits`: feature i is held at a limit.
  /// `window` says which of the fields that `.as()` names.
  constexpr void result(const State& state, const Interval& asked, Row& row, std::uint64_t& overflowed_bits,
                        std::size_t window = 0) const {
    overflowed_bits = result(state, asked, row, window, Indices{});
  }

  /// The row alone, which makes this an Aggregator itself.
  [[nodiscard]] constexpr Row result(const State& state, const Interval& asked) const {
    Row row{};
    static_cast<void>(result(state, asked, row, 0, Indices{}));
    return row;
  }

  /// Says what each feature computes, as a list. `number` counts the fields of the row.
  void describe(Description& out, std::int64_t& number) const { describe(out, number, Indices{}); }

 private:
  template <std::size_t index>
  [[nodiscard]] constexpr decltype(auto) aggregator() const {
    const auto& feature = detail::part<index>(features_);
    return Plan<std::remove_cvref_t<decltype(feature)>>::aggregator(feature);
  }

  template <std::size_t... i>
  [[nodiscard]] constexpr bool accepts(const In& in, std::index_sequence<i...>) const {
    if constexpr (is_sound)
      return (detail::part<i>(features_).accepts(in) && ...);
    else
      return true;
  }

  template <std::size_t... i>
  constexpr void add(State& state, const In& in, EventTime at, FeatureCounts* counts,
                     std::index_sequence<i...>) const {
    if constexpr (is_sound)
      (detail::part<i>(features_).template add<i>(aggregator<i>(), detail::part<i>(state), in, at, counts),
       ...);
  }

  template <std::size_t... i>
  constexpr void tally(const In& in, FeatureCounts* counts, std::index_sequence<i...>) const {
    if constexpr (is_sound) (detail::part<i>(features_).tally(in, counts[i]), ...);
  }

  template <std::size_t... i>
  constexpr void merge(State& state, const State& later, std::index_sequence<i...>) const {
    if constexpr (is_sound) (aggregator<i>().merge(detail::part<i>(state), detail::part<i>(later)), ...);
  }

  template <std::size_t... i>
  constexpr void remove(State& state, const State& merged, std::index_sequence<i...>) const {
    if constexpr (is_sound) (aggregator<i>().remove(detail::part<i>(state), detail::part<i>(merged)), ...);
  }

  template <std::size_t... i>
  constexpr std::uint64_t result(const State& state, [[maybe_unused]] const Interval& asked, Row& row,
                                 [[maybe_unused]] std::size_t window, std::index_sequence<i...>) const {
    if constexpr (is_sound)
      return (... |
              (std::uint64_t{detail::store(detail::result_of(aggregator<i>(), detail::part<i>(state), asked),
                                           row.*(detail::part<i>(features_).target.at[window]))}
               << i));
    else
      return 0;
  }

  template <std::size_t... i>
  void describe(Description& out, std::int64_t& number, std::index_sequence<i...>) const {
    out.begin_list("features");
    if constexpr (is_sound) (detail::describe_feature<In, Row>(out, detail::part<i>(features_), number), ...);
    out.end();
  }

  detail::Parts<Indices, Features...> features_;
};

}  // namespace weir::inline v0

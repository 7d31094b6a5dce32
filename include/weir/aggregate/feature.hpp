#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <weir/aggregate/aggregator.hpp>
#include <weir/base/description.hpp>

/// \file
/// One feature of a row: which aggregate, of which value, of which records, into which field.

namespace weir::inline v0 {

namespace detail {
enum class NanRule : unsigned char { skip, propagate, reject };
}  // namespace detail

/// What a feature does with NaN. Part of the feature's type, so that nothing is decided per record.
struct NanPolicy {
  template <detail::NanRule rule>
  using Constant = std::integral_constant<detail::NanRule, rule>;

  /// Ignored and counted (default).
  static constexpr Constant<detail::NanRule::skip> skip{};
  /// Added like any value: results become NaN.
  static constexpr Constant<detail::NanRule::propagate> propagate{};
  /// The whole record is rejected at the operator.
  static constexpr Constant<detail::NanRule::reject> reject{};
};

/// What one feature left out, and how often its result did not fit its field.
struct FeatureCounts {
  std::uint64_t missing = 0;     ///< records whose projection gave an empty optional
  std::uint64_t nan = 0;         ///< records skipped for NaN
  std::uint64_t overflowed = 0;  ///< rows in which the result was held at a limit

  friend constexpr bool operator==(const FeatureCounts&, const FeatureCounts&) = default;
};

namespace detail {

/// Reads a value from a record: by member pointer or by call.
template <class Projection, class In>
[[nodiscard]] constexpr decltype(auto) project(const Projection& projection, const In& in) {
  if constexpr (std::is_member_object_pointer_v<Projection>)
    return (in.*projection);
  else if constexpr (std::is_member_function_pointer_v<Projection>)
    return (in.*projection)();
  else
    return projection(in);
}

template <class Predicate, class In>
concept Judges = std::is_invocable_r_v<bool, const Predicate&, const In&>;

struct Nothing {};

/// The projection of aggregates that look at no value.
struct Presence {
  template <class In>
  constexpr Nothing operator()(const In&) const {
    return {};
  }
};

/// The projection to the record itself.
struct Whole {
  template <class In>
  constexpr const In& operator()(const In& in) const {
    return in;
  }
};

/// The predicate of a feature without `where`.
struct Always {
  template <class In>
  constexpr bool operator()(const In&) const {
    return true;
  }
};

template <class First, class Second>
struct Both {
  First first;
  Second second;
  template <class In>
  requires Judges<First, In> && Judges<Second, In>
  constexpr bool operator()(const In& in) const { return project(first, in) && project(second, in); }
};

struct NoTarget {};

template <class RowType, class T, std::size_t fields>
struct Target {
  using Row = RowType;
  using Field = T;
  static constexpr std::size_t count = fields;
  std::array<T Row::*, fields> at;
};

template <class T>
struct ValueOf : std::type_identity<T> {};
template <class T>
struct ValueOf<std::optional<T>> : std::type_identity<T> {};

/// The type of the values that a projection gives: no reference, no optional.
template <class Projection, class In>
using Projected =
    typename ValueOf<std::remove_cvref_t<std::invoke_result_t<const Projection&, const In&>>>::type;

template <class T>
struct Keeper : std::conditional<std::is_convertible_v<const T&, std::string_view>, std::string, T> {};
template <class T>
struct Keeper<std::optional<T>> : std::type_identity<std::optional<typename Keeper<T>::type>> {};

/// What aggregates keep of a T: the same, or a string of what only views one.
template <class T>
using KeptAs = typename Keeper<T>::type;

}  // namespace detail

namespace detail {

/// What there is to say of one field of a row, besides what is read and judged.
struct FeatureWords {
  std::string_view field;  // its name, if it has one
  const TypeWord* type;
  std::int64_t window = -1;         // which of the windows of its aggregates it is of; -1: there is only one
  std::string_view aggregate = {};  // none: it is derived
  std::int64_t most = -1;           // values that the aggregate keeps; -1: it does not say
};
/// Begins the object of the next field of a row. `number` counts them, and stands for a name where there is none.
void begin_feature(Description& out, std::int64_t& number, const FeatureWords& words);
[[nodiscard]] std::string_view nan_word(NanRule rule);

template <class In, class Projection>
void describe_value(Description& out, const Projection& projection) {
  describe_read(out, "value", projection_name<In>(projection), type_word<Projected<Projection, In>>);
}
template <class In>
void describe_value(Description&, const Presence&) {}
template <class In>
void describe_value(Description& out, const Whole&) {
  out.text("value", "(record)");
}

/// Adds a word for each condition.
template <class In, class Predicate>
void describe_condition(Description& out, const Predicate& predicate) {
  out.text({}, projection_name<In>(predicate));
}
template <class In, class First, class Second>
void describe_condition(Description& out, const Both<First, Second>& both) {
  describe_condition<In>(out, both.first);
  describe_condition<In>(out, both.second);
}

/// Says what a feature computes, once for each of its fields. `number` counts the fields of the row.
template <class In, class Row, class Feature>
void describe_feature(Description& out, const Feature& feature, std::int64_t& number) {
  using Predicate = decltype(feature.predicate);
  using Target = decltype(feature.target);
  for (std::size_t i = 0; i < Target::count; ++i) {
    FeatureWords words{.field = member_name<Row>(feature.target.at[i]),
                       .type = &type_word<typename Target::Field>,
                       .aggregate = feature.family.name};
    if constexpr (Target::count > 1) words.window = static_cast<std::int64_t>(i);
    if constexpr (requires { feature.family.most; })
      words.most = static_cast<std::int64_t>(feature.family.most);
    begin_feature(out, number, words);
    if constexpr (requires { feature.family.describe(out); }) feature.family.describe(out);
    if constexpr (requires { feature.family.problem(); }) {
      if (i == 0) out.problem(feature.family.name, feature.family.problem());
    }
    describe_value<In>(out, feature.projection);
    if constexpr (!std::same_as<Predicate, Always>) {
      out.begin_list("where");
      describe_condition<In>(out, feature.predicate);
      out.end();
    }
    if constexpr (MayBeNan<Projected<decltype(feature.projection), In>>)
      out.text("nan", nan_word(Feature::nan_rule));
    out.end();
  }
}

}  // namespace detail

/// A feature under construction; see the factories `count`, `sum`, `mean`, ... and `with`.
///
/// A Family knows the aggregator for each type of value: `family.template make<Value>()`. What its options are it
/// says with `family.describe(out)`, if it has any that change what is meant.
/// Projections and predicates are member pointers or callables. A projection may return a `std::optional`:
/// missing values are skipped and counted. What the predicate excludes is neither missing nor NaN.
template <class Family, class Projection, class Predicate, detail::NanRule rule, class Target>
struct [[nodiscard]] Feature {
  static constexpr detail::NanRule nan_rule = rule;

  Family family;
  Projection projection;
  Predicate predicate;
  Target target;

  /// Only the records for which `condition` holds; several conditions must all hold.
  template <class Condition>
  constexpr auto where(Condition condition) const {
    if constexpr (std::same_as<Predicate, detail::Always>)
      return Feature<Family, Projection, Condition, rule, Target>{family, projection, condition, target};
    else
      return Feature<Family, Projection, detail::Both<Predicate, Condition>, rule, Target>{
          family, projection, {predicate, condition}, target};
  }

  /// What becomes of NaN: `NanPolicy::skip` (default), `NanPolicy::propagate` or `NanPolicy::reject`.
  template <detail::NanRule other>
  constexpr auto nan(NanPolicy::Constant<other>) const {
    return Feature<Family, Projection, Predicate, other, Target>{family, projection, predicate, target};
  }

  /// The field of the row that takes the result; under `rolling` over several windows one field for each, in their order.
  template <class Row, class Field, std::same_as<Field Row::*>... More>
  constexpr auto as(Field Row::*field, More... more) const {
    static_assert(std::is_object_v<Field>, "weir: .as() takes a data member of the row, not a function");
    return Feature<Family, Projection, Predicate, rule, detail::Target<Row, Field, 1 + sizeof...(More)>>{
        family, projection, predicate, {{field, more...}}};
  }

  /// False iff this feature rejects NaN and the record has one.
  template <class In>
  [[nodiscard]] constexpr bool accepts(const In& in) const {
    if constexpr (rule == detail::NanRule::reject && detail::MayBeNan<detail::Projected<Projection, In>>) {
      if (!detail::project(predicate, in)) return true;
      const auto& x = detail::project(projection, in);
      if constexpr (detail::is_optional<std::remove_cvref_t<decltype(x)>>)
        return !x || !detail::is_nan(*x);
      else
        return !detail::is_nan(x);
    } else {
      return true;
    }
  }

  /// Counts what `add` would leave out of a record.
  template <class In>
  constexpr void tally(const In& in, FeatureCounts& counts) const {
    using Seen = std::remove_cvref_t<std::invoke_result_t<const Projection&, const In&>>;
    constexpr bool may_be_nan =
        rule != detail::NanRule::propagate && detail::MayBeNan<detail::Projected<Projection, In>>;
    if constexpr (detail::is_optional<Seen> || may_be_nan) {
      if (!detail::project(predicate, in)) return;
      const auto& x = detail::project(projection, in);
      if constexpr (detail::is_optional<Seen>) {
        if (!x) {
          ++counts.missing;
        } else if constexpr (may_be_nan) {
          counts.nan += detail::is_nan(*x) ? 1U : 0U;
        }
      } else {
        counts.nan += detail::is_nan(x) ? 1U : 0U;
      }
    }
  }

  /// Adds what the feature sees of a record. `counts` are those of the whole row, or null.
  template <std::size_t index, class In, class Aggregator>
  constexpr void add(const Aggregator& aggregator, typename Aggregator::State& state, const In& in,
                     EventTime at, FeatureCounts* counts) const {
    if (!detail::project(predicate, in)) return;
    const auto& x = detail::project(projection, in);
    if constexpr (detail::is_optional<std::remove_cvref_t<decltype(x)>>) {
      if (x) return add_value<index>(aggregator, state, *x, at, counts);
      if (counts != nullptr) ++counts[index].missing;
    } else {
      add_value<index>(aggregator, state, x, at, counts);
    }
  }

 private:
  template <std::size_t index, class Aggregator, class Value>
  static constexpr void add_value(const Aggregator& aggregator, typename Aggregator::State& state,
                                  const Value& x, EventTime at, FeatureCounts* counts) {
    if constexpr (rule != detail::NanRule::propagate && detail::MayBeNan<Value>) {
      if (detail::is_nan(x)) [[unlikely]] {
        if (counts != nullptr) ++counts[index].nan;
        return;
      }
    }
    detail::add_to(aggregator, state, x, at);
  }
};

namespace detail {

/// Whether a family is an aggregator of the user's own, see `with`.
template <class Family>
inline constexpr bool is_custom = false;

/// The start of every feature: no condition, NaN skipped, no target yet.
template <class Family, class Projection>
constexpr auto feature(Family family, Projection projection) {
  return Feature<Family, Projection, Always, NanRule::skip, NoTarget>{family, projection, {}, {}};
}

}  // namespace detail

}  // namespace weir::inline v0

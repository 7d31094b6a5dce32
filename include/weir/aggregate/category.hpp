#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <weir/aggregate/arg.hpp>
#include <weir/aggregate/category_map.hpp>
#include <weir/aggregate/count.hpp>
#include <weir/aggregate/feature.hpp>

/// \file
/// by_category, top_categories, entropy

namespace weir::inline v0 {

/// How many categories are told apart.
struct CategorySpec {
  std::uint32_t most = 64;  ///< what is beyond goes into one rest, and results are flagged
};

/// One category and what an aggregate is of it.
template <class Key, class Value>
struct CategoryRow {
  Key category{};
  Value value{};
  bool is_rest = false;  ///< of all categories that are not kept; `category` says nothing then

  friend bool operator==(const CategoryRow&, const CategoryRow&) = default;
};

/// What `by_category` adds: a value, and the category that it belongs to.
template <class Key, class Value>
struct Categorised {
  Key key;
  Value value;

  [[nodiscard]] constexpr bool is_nan() const requires(detail::MayBeNan<std::remove_cvref_t<Value>>) {
    return detail::is_nan(value);
  }
};

namespace detail {

/// A result without the wrapping that says that it did not fit.
template <class T>
struct Unchecked : std::type_identity<T> {};
template <class T>
struct Unchecked<Checked<T>> : Unchecked<T> {};
template <class T>
struct Unchecked<std::optional<T>> : std::type_identity<std::optional<typename Unchecked<T>::type>> {};

template <class T>
[[nodiscard]] typename Unchecked<T>::type unchecked(T result, bool& is_flagged) {
  if constexpr (is_checked<T>) {
    is_flagged |= result.overflowed;
    return unchecked(std::move(result.value), is_flagged);
  } else if constexpr (is_optional<T>) {
    if (!result) return std::nullopt;
    return unchecked(std::move(*result), is_flagged);
  } else {
    return result;
  }
}

/// An aggregate of each category.
template <Categorical Key, class Inner>
struct Categories {
  using State = CategoryMap<Key, typename Inner::State>;
  using InnerResult = std::remove_cvref_t<decltype(result_of(
      std::declval<const Inner&>(), std::declval<const typename Inner::State&>(), Interval{}))>;
  using Value = typename Unchecked<InnerResult>::type;
  using Row = CategoryRow<Key, Value>;
  static constexpr bool order_independent = OrderIndependent<Inner>;

  [[no_unique_address]] Inner inner{};
  std::uint32_t most = CategorySpec{}.most;

  template <class K, class V>
  void add(State& state, const Categorised<K, V>& x, EventTime at) const {
    add_to(inner, state.at(inner, x.key, most), x.value, at);
  }
  void merge(State& state, const State& later) const { state.merge(inner, later, most); }

 protected:
  /// The rows of all categories that are kept, by category.
  [[nodiscard]] Checked<std::vector<Row>> kept(const State& state, const Interval& asked) const {
    Checked<std::vector<Row>> rows{{}, state.has_rest()};
    rows.value.reserve(state.entries().size() + 1);
    for (const auto& entry : state.entries())
      rows.value.push_back(
          {entry.key, unchecked<InnerResult>(result_of(inner, entry.state, asked), rows.overflowed)});
    std::sort(rows.value.begin(), rows.value.end(),
              [](const Row& a, const Row& b) { return a.category < b.category; });
    return rows;
  }
};

}  // namespace detail

/// An aggregate of each category, for the categories of a key.
///
/// Use:      by_category(category, feature, {.most}); the feature is one such as sum(&Payment::cents), conditions and NaN policy are
///           its own
/// Formula:  {c, aggregate(records of category c)} for all categories c
/// Result:   Checked<std::vector<CategoryRow<Category, Value>>>, by category; none of nothing. Value is the result of the aggregate, a
///           std::optional if it may be empty. Of more than `most` categories those with the smallest hashes are kept, exactly; the
///           others are together in a last row with `is_rest`, and the result is flagged. It is flagged, too, if one of the values is
/// Missing:  skipped and counted, where the category or the value is; NaN by NanPolicy
/// Merge:    as the aggregate, category by category; order does not matter if it does not for the aggregate. The row of the rest is
///           put together without regard to order; not invertible
/// Error:    that of the aggregate. Whoever can choose categories can choose which are kept; never what is said of them
/// Memory:   32 bytes and a State, then per category 8 bytes, the category and a State, up to twice that while they grow in number
/// Cost:     add log2(categories) comparisons of hashes, and moving half of the categories for a new one; merge linear in categories;
///           result sorts them
/// Source:   definition; Cohen, Journal of Computer and System Sciences 1997 (which to keep: bottom-k)
template <detail::Categorical Key, class Inner>
struct ByCategory : detail::Categories<Key, Inner> {
  using typename detail::Categories<Key, Inner>::State;
  using typename detail::Categories<Key, Inner>::Row;

  [[nodiscard]] Checked<std::vector<Row>> result(const State& state, const Interval& asked) const {
    Checked<std::vector<Row>> rows = this->kept(state, asked);
    if (state.has_rest())
      rows.value.push_back({Key{},
                            detail::unchecked<typename ByCategory::InnerResult>(
                                detail::result_of(this->inner, state.rest(), asked), rows.overflowed),
                            true});
    return rows;
  }
};

/// The categories of which an aggregate is largest.
///
/// Use:      top_categories<n>(category, feature, {.most}); the feature is one such as count()
/// Formula:  the rows of by_category sorted by (value downwards, category), the first n; without those that are empty
/// Result:   Checked<std::vector<CategoryRow<Category, Value>>>, the largest first; none of nothing; flagged if there were more than `most`
///           categories: the largest may then be among those that are not kept
/// Missing:  skipped and counted, where the category or the value is; NaN by NanPolicy, a value that is NaN stands behind all
/// Merge:    as the aggregate, category by category; order does not matter if it does not for the aggregate; not invertible
/// Error:    that of the aggregate; which categories are named is exact unless flagged
/// Memory:   as `ByCategory`
/// Cost:     as `ByCategory`
/// Source:   definition
template <detail::Categorical Key, class Inner, std::size_t n>
struct TopCategories : detail::Categories<Key, Inner> {
  using typename detail::Categories<Key, Inner>::State;
  using Value =
      typename detail::Unchecked<typename detail::ValueOf<typename TopCategories::Value>::type>::type;
  using Row = CategoryRow<Key, Value>;

  [[nodiscard]] Checked<std::vector<Row>> result(const State& state, const Interval& asked) const {
    auto kept = this->kept(state, asked);
    Checked<std::vector<Row>> rows{{}, kept.overflowed};
    for (auto& row : kept.value) {
      if constexpr (detail::is_optional<decltype(row.value)>) {
        if (row.value) rows.value.push_back({std::move(row.category), *std::move(row.value)});
      } else {
        rows.value.push_back({std::move(row.category), std::move(row.value)});
      }
    }
    std::sort(rows.value.begin(), rows.value.end(), [](const Row& a, const Row& b) {
      if (detail::ranks_before(a.value, b.value, false)) return true;
      return !detail::ranks_before(b.value, a.value, false) && a.category < b.category;
    });
    if (rows.value.size() > n) rows.value.erase(rows.value.begin() + n, rows.value.end());
    return rows;
  }
};

namespace detail {
/// Of the counts of categories, in bits.
[[nodiscard]] double entropy_of(const std::vector<std::uint64_t>& counts);
}  // namespace detail

/// How unevenly values are spread over categories, as the bits that naming the category of a record takes.
///
/// Use:      entropy(x, {.most})
/// Formula:  sum(p log2(1 / p)), p the share of each category in the records (Shannon)
/// Result:   std::optional<Checked<double>>, bits; empty of nothing; flagged if there were more than `most` categories: the others then
///           count as one, and the entropy is no less than that
/// Missing:  skipped and counted
/// Merge:    exact; order does not matter; not invertible
/// Error:    4u (categories + log2 of the records), u = 2^-53
/// Memory:   40 bytes, then per category 16 bytes and the category, up to twice that while they grow in number
/// Cost:     add log2(categories) comparisons of hashes, and moving half of the categories for a new one; merge linear in categories;
///           result 1 logarithm per category
/// Source:   Shannon, Bell System Technical Journal 1948
template <detail::Categorical Value>
struct Entropy {
  using State = detail::CategoryMap<Value, std::uint64_t>;
  static constexpr bool order_independent = true;

  std::uint32_t most = CategorySpec{}.most;

  void add(State& state, detail::Argument<Value> x) const { ++state.at(Count{}, x, most); }
  void merge(State& state, const State& other) const { state.merge(Count{}, other, most); }
  [[nodiscard]] std::optional<Checked<double>> result(const State& state) const {
    std::vector<std::uint64_t> counts;
    for (const auto& entry : state.entries()) counts.push_back(entry.state);
    if (state.has_rest()) counts.push_back(state.rest());
    if (counts.empty()) return std::nullopt;
    return Checked<double>{detail::entropy_of(counts), state.has_rest()};
  }
};

namespace detail {

[[nodiscard]] std::string problem_of(const CategorySpec& spec);

template <class Family, class Value>
concept MakesInner = requires(const Family& family) {
  family.template make<Value>();
};
template <class Family, class Value>
using InnerOf = std::remove_cvref_t<decltype(std::declval<const Family&>().template make<Value>())>;

/// Says what is computed of each category.
template <class Family>
void describe_inner(Description& out, const Family& family) {
  out.begin_object("of");
  out.text("aggregate", Family::name);
  if constexpr (requires { family.most; }) out.number("most", static_cast<std::int64_t>(family.most));
  if constexpr (requires { family.describe(out); }) family.describe(out);
  out.end();
}

template <class InnerFamily>
struct ByCategoryOf {
  static constexpr std::string_view name = "by_category";
  InnerFamily inner;
  std::uint32_t most;

  void describe(Description& out) const { describe_inner(out, inner); }
  [[nodiscard]] std::string problem() const {
    if constexpr (requires { inner.problem(); }) {
      if (std::string text = inner.problem(); !text.empty()) return text;
    }
    return problem_of(CategorySpec{most});
  }
  template <class Value, class Key = KeptAs<std::remove_cvref_t<decltype(Value::key)>>,
            class V = std::remove_cvref_t<decltype(Value::value)>>
  requires Categorical<Key> && MakesInner<InnerFamily, V>
  [[nodiscard]] constexpr ByCategory<Key, InnerOf<InnerFamily, V>> make() const {
    return {{inner.template make<V>(), most}};
  }
};
template <class InnerFamily, std::size_t n>
struct TopCategoriesOf {
  static constexpr std::string_view name = "top_categories";
  InnerFamily inner;
  std::uint32_t most;

  void describe(Description& out) const {
    out.number("n", static_cast<std::int64_t>(n));
    describe_inner(out, inner);
  }
  [[nodiscard]] std::string problem() const { return ByCategoryOf<InnerFamily>{inner, most}.problem(); }
  template <class Value, class Key = KeptAs<std::remove_cvref_t<decltype(Value::key)>>,
            class V = std::remove_cvref_t<decltype(Value::value)>>
  requires Categorical<Key> && MakesInner<InnerFamily, V> &&
      HasLess<typename TopCategories<Key, InnerOf<InnerFamily, V>, n>::Value>
  [[nodiscard]] constexpr TopCategories<Key, InnerOf<InnerFamily, V>, n> make() const {
    return {{inner.template make<V>(), most}};
  }
};
struct EntropyOf {
  static constexpr std::string_view name = "entropy";
  std::uint32_t most;

  [[nodiscard]] std::string problem() const { return problem_of(CategorySpec{most}); }
  template <class Value>
  requires Categorical<KeptAs<Value>>
  [[nodiscard]] constexpr Entropy<KeptAs<Value>> make() const { return {most}; }
};

/// Projects to Categorised; missing if the category or the value is.
template <class Key, class Projection>
struct CategoryBy {
  Key key;
  Projection projection;

  template <class In>
  requires std::is_invocable_v<const Key&, const In&> && std::is_invocable_v<const Projection&, const In&>
  constexpr auto operator()(const In& in) const {
    using K = std::invoke_result_t<const Key&, const In&>;
    using V = std::invoke_result_t<const Projection&, const In&>;
    constexpr bool may_miss_key = is_optional<std::remove_cvref_t<K>>,
                   may_miss_value = is_optional<std::remove_cvref_t<V>>;
    if constexpr (!may_miss_key && !may_miss_value) {
      return Categorised<K, V>{project(key, in), project(projection, in)};
    } else {
      using Result = Categorised<Projected<Key, In>, Projected<Projection, In>>;
      const auto& k = project(key, in);
      const auto& v = project(projection, in);
      if constexpr (may_miss_key && may_miss_value)
        return k && v ? std::optional<Result>{Result{*k, *v}} : std::nullopt;
      else if constexpr (may_miss_key)
        return k ? std::optional<Result>{Result{*k, v}} : std::nullopt;
      else
        return v ? std::optional<Result>{Result{k, *v}} : std::nullopt;
    }
  }
};

template <class In, class Key, class Projection>
void describe_value(Description& out, const CategoryBy<Key, Projection>& by) {
  describe_read(out, "category", projection_name<In>(by.key), type_word<Projected<Key, In>>);
  describe_value<In>(out, by.projection);
}

}  // namespace detail

/// A feature without `.as()`, computed for each category; see `ByCategory`.
template <class Key, class Family, class Projection, class Predicate, detail::NanRule rule>
[[nodiscard]] constexpr auto by_category(
    Key category, const Feature<Family, Projection, Predicate, rule, detail::NoTarget>& feature,
    CategorySpec spec = {}) {
  using By = detail::CategoryBy<Key, Projection>;
  return Feature<detail::ByCategoryOf<Family>, By, Predicate, rule, detail::NoTarget>{
      {feature.family, spec.most}, {category, feature.projection}, feature.predicate, {}};
}

/// The n categories for which a feature without `.as()` is largest; see `TopCategories`.
template <std::size_t n, class Key, class Family, class Projection, class Predicate, detail::NanRule rule>
[[nodiscard]] constexpr auto top_categories(
    Key category, const Feature<Family, Projection, Predicate, rule, detail::NoTarget>& feature,
    CategorySpec spec = {}) {
  static_assert(n > 0, "weir: top_categories<n>() names at least one category");
  using By = detail::CategoryBy<Key, Projection>;
  return Feature<detail::TopCategoriesOf<Family, n>, By, Predicate, rule, detail::NoTarget>{
      {feature.family, spec.most}, {category, feature.projection}, feature.predicate, {}};
}

/// How unevenly a value is spread over its categories, in bits; see `Entropy`.
template <class Projection>
[[nodiscard]] constexpr auto entropy(Projection projection, CategorySpec spec = {}) {
  return detail::feature(detail::EntropyOf{spec.most}, projection);
}

}  // namespace weir::inline v0

#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <weir/base/fields.hpp>
#include <weir/state/key.hpp>
#include <weir/time/instant.hpp>

/// \file
/// Skew: how rows that were served differ from rows that were trained on.

namespace weir::inline v0 {

/// How one feature differs between two sets of rows.
struct FeatureSkew {
  /// Relative deltas, |a - b| / max(|a|, |b|), by their power of ten: bucket 0 up to 1e-15, bucket i up to 10^(i - 15),
  /// the last up to 2.
  static constexpr std::size_t buckets = 17;

  std::string name;
  std::uint64_t compared = 0;
  std::uint64_t mismatched = 0;
  std::uint64_t finite_deltas = 0;  ///< mismatched ones that are a finite number apart
  double largest_delta = 0;         ///< of numbers: |a - b|; infinite if one is not finite
  double sum_of_deltas = 0;         ///< of the finite ones
  std::array<std::uint64_t, buckets> relative_deltas{};  ///< of mismatched numbers; infinite ones in the last
};

/// What `compare` found. Rows are matched by key and instant; of several with the same, in order.
struct SkewReport {
  std::uint64_t matched = 0;     ///< rows that both have
  std::uint64_t mismatched = 0;  ///< of these: rows of which some feature differs
  std::uint64_t missing = 0;     ///< rows that were served but not trained on
  std::uint64_t extra = 0;       ///< rows that were trained on but not served
  std::uint64_t redefined = 0;   ///< of the matched ones: rows that were computed by another definition
  std::uint64_t other_status =
      0;  ///< of the matched ones: rows of another status, such as fresh and incomplete
  std::vector<FeatureSkew> features;

  /// Nothing is missing, extra or different.
  [[nodiscard]] bool is_clean() const noexcept {
    return mismatched == 0 && missing == 0 && extra == 0 && redefined == 0 && other_status == 0;
  }
  /// A table for people.
  [[nodiscard]] std::string text() const;
};

namespace detail {

/// The two numbers of a field that are furthest apart.
struct Furthest {
  double a = 0;
  double b = 0;
  bool is_there = false;

  void see(double one, double other) noexcept;
};
void note_delta(FeatureSkew& skew, const Furthest& furthest);

template <class Field>
concept MaybeField = requires(const Field& field) {
  { field.has_value() } -> std::same_as<bool>;
  *field;
};
/// A span of time.
template <class Field>
concept DurationField = requires(const Field& field) {
  typename Field::period;
  field.count();
};
/// Values one after the other: no text, and nothing without an order.
template <class Field>
concept ListField = !std::is_convertible_v<const Field&, std::string_view> && requires(const Field& field) {
  requires !requires { typename Field::hasher; };
  field.size();
  std::begin(field);
  std::end(field);
};

/// Bit for bit, but one NaN is as good as another.
template <class Field>
[[nodiscard]] bool same_field(const Field& a, const Field& b) {
  if constexpr (std::is_floating_point_v<Field>) {
    return std::isnan(a) ? std::isnan(b) : a == b && std::signbit(a) == std::signbit(b);
  } else if constexpr (MaybeField<Field>) {
    return a.has_value() == b.has_value() && (!a.has_value() || same_field(*a, *b));
  } else if constexpr (HasFields<Field>) {
    return std::apply(
        [&b](const auto&... of_a) {
          return std::apply([&](const auto&... of_b) { return (same_field(of_a, of_b) && ...); },
                            weir_fields(b));
        },
        weir_fields(a));
  } else if constexpr (ListField<Field>) {
    return std::equal(std::begin(a), std::end(a), std::begin(b), std::end(b),
                      [](const auto& x, const auto& y) { return same_field(x, y); });
  } else {
    return a == b;
  }
}

/// Looks for the numbers of a field that both rows have.
template <class Field>
void find_furthest(const Field& a, const Field& b, Furthest& out) {
  if constexpr (std::is_arithmetic_v<Field>) {
    out.see(static_cast<double>(a), static_cast<double>(b));
  } else if constexpr (DurationField<Field>) {
    out.see(static_cast<double>(a.count()), static_cast<double>(b.count()));
  } else if constexpr (MaybeField<Field>) {
    if (a.has_value() && b.has_value()) find_furthest(*a, *b, out);
  } else if constexpr (ListField<Field> && !HasFields<Field>) {
    if (a.size() != b.size()) return;
    for (auto x = std::begin(a), y = std::begin(b); x != std::end(a); ++x, ++y) find_furthest(*x, *y, out);
  }
}

/// Compares one field of two rows; false if it differs.
template <class Field>
bool compare_field(const Field& trained, const Field& served, FeatureSkew& skew) {
  ++skew.compared;
  if (same_field(trained, served)) return true;
  ++skew.mismatched;
  Furthest furthest;
  find_furthest(trained, served, furthest);
  note_delta(skew, furthest);
  return false;
}

template <class Row, std::size_t... i>
bool compare_rows(const Row& trained, const Row& served, std::vector<FeatureSkew>& skews,
                  std::index_sequence<i...>) {
  const auto a = weir_fields(trained);
  const auto b = weir_fields(served);
  return (int{compare_field(std::get<i>(a), std::get<i>(b), skews[i])} & ... & 1) != 0;
}

/// Whether both rows tell the definition they were computed by, and these differ.
template <class Entry, class Other>
[[nodiscard]] bool are_redefined([[maybe_unused]] const Entry& trained,
                                 [[maybe_unused]] const Other& served) {
  if constexpr (requires { trained.definition == served.definition; }) {
    return trained.definition != 0 && served.definition != 0 && trained.definition != served.definition;
  } else {
    return false;
  }
}

/// Whether both rows tell their status, and these differ.
template <class Entry, class Other>
[[nodiscard]] bool differ_in_status([[maybe_unused]] const Entry& trained,
                                    [[maybe_unused]] const Other& served) {
  if constexpr (requires { trained.status == served.status; }) {
    return trained.status != served.status;
  } else {
    return false;
  }
}

/// A row by its key and instant, in an order in which rows with the same are neighbours.
template <class Entry>
struct PlacedRow {
  using Key = decltype(Entry::key);

  EventTime as_of;
  std::uint64_t hash;
  std::size_t place;  // among all rows
  const Entry* row;   // null once it is matched

  PlacedRow(const Entry& entry, std::size_t at)
      : as_of(entry.as_of), hash(hash_key(entry.key, HashSeed{})), place(at), row(&entry) {}

  template <class Other>
  [[nodiscard]] bool is_at(const Other& other) const {
    return row != nullptr && same_key<Key>(row->key, other.key);
  }
  template <class Other>
  [[nodiscard]] bool is_before(const Other& other) const {
    return as_of != other.as_of ? as_of < other.as_of : hash < other.hash;
  }
};

template <class Entry, class Rows>
[[nodiscard]] std::vector<PlacedRow<Entry>> placed(const Rows& rows) {
  static_assert(
      std::is_lvalue_reference_v<decltype(*std::begin(rows))>,
      "weir: compare() keeps the addresses of rows; give it a container of them, not a view that makes them");
  std::vector<PlacedRow<Entry>> all;
  all.reserve(static_cast<std::size_t>(std::distance(std::begin(rows), std::end(rows))));
  for (const auto& row : rows) all.emplace_back(row, all.size());
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return a.is_before(b) || (!b.is_before(a) && a.place < b.place);
  });
  return all;
}

}  // namespace detail

/// Compares what was trained on with what was served: two ranges of rows with `key`, `as_of` and `value`, such as
/// `TrainingRow`. If both have a `definition` too, rows of different ones are counted; 0 is one that is not known. So are rows of
/// different `status`, if both have that. Values are the same if they are bit for bit, but for NaNs. The row type names its fields
/// with WEIR_FIELDS.
///
/// Time:    O(rows log rows)
/// Memory:  three words per row
template <class Trained, class Served>
[[nodiscard]] SkewReport compare(const Trained& trained, const Served& served) {
  using Entry = std::remove_cvref_t<decltype(*std::begin(trained))>;
  using Row = decltype(Entry::value);
  static_assert(HasFields<Row>,
                "weir: compare() needs names of the row's fields; put WEIR_FIELDS(Row, ...) beside it");
  constexpr auto names = weir_field_names(static_cast<const Row*>(nullptr));
  SkewReport report;
  for (const std::string_view name : names) report.features.push_back({.name = std::string(name)});
  auto all_trained = detail::placed<Entry>(trained);
  using Other = std::remove_cvref_t<decltype(*std::begin(served))>;
  auto first = all_trained.begin();
  for (const auto& asked : detail::placed<Other>(served)) {
    while (first != all_trained.end() && (first->row == nullptr || first->is_before(asked))) ++first;
    auto found = first;
    while (found != all_trained.end() && !asked.is_before(*found) && !found->is_at(*asked.row)) ++found;
    if (found == all_trained.end() || asked.is_before(*found)) {
      ++report.missing;
      continue;
    }
    ++report.matched;
    const bool same = detail::compare_rows(found->row->value, asked.row->value, report.features,
                                           std::make_index_sequence<names.size()>{});
    report.mismatched += same ? 0U : 1U;
    report.redefined += detail::are_redefined(*found->row, *asked.row) ? 1U : 0U;
    report.other_status += detail::differ_in_status(*found->row, *asked.row) ? 1U : 0U;
    found->row = nullptr;
  }
  report.extra = all_trained.size() - report.matched;
  return report;
}

}  // namespace weir::inline v0

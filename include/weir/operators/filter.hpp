#pragma once

#include <string>
#include <type_traits>
#include <utility>

#include <weir/aggregate/feature.hpp>
#include <weir/flow/stage.hpp>

namespace weir::inline v0 {

/// Passes on the records for which the predicate holds. See `filter`.
template <class Predicate>
struct Filter {
  using weir_stage = void;
  static constexpr bool gives_one = false;
  template <class In>
  using Output = In;

  template <class In>
  static constexpr bool takes = std::is_invocable_r_v<bool, const Predicate&, const In&>;
  template <class In>
  static constexpr void require() {
    static_assert(takes<In>,
                  "weir: filter() takes a bool member of the record, or a callable bool(const Record&)");
  }
  template <class Handle>
  static constexpr bool accepts = detail::is_stream<Handle>;

  Predicate predicate;

  template <class In, class Next>
  void operator()(const In& record, Next&& next) const {
    if (detail::project(predicate, record)) next(record);
  }
  template <class Handle>
  auto attach(const Handle& handle) && {
    return detail::attach_stage(handle, std::move(*this));
  }
  [[nodiscard]] std::string kind() const { return "filter"; }
  template <class In>
  void describe(Description& out) const {
    out.text({}, detail::projection_name<In>(predicate));
  }
};

/// Passes on the records for which `predicate` holds; the others are counted as `unassigned`.
///
/// Order:   kept
/// Late:    passed on like any record
/// Keeps:   nothing
template <class Predicate>
[[nodiscard]] Filter<Predicate> filter(Predicate predicate) {
  return {std::move(predicate)};
}

}  // namespace weir::inline v0

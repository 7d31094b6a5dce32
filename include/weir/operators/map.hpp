#pragma once

#include <string>
#include <type_traits>
#include <utility>

#include <weir/aggregate/feature.hpp>
#include <weir/flow/stage.hpp>

namespace weir::inline v0 {

/// Turns each record into another. See `map`.
template <class Function>
struct Map {
  using weir_stage = void;
  template <class In>
  using Output = std::remove_cvref_t<std::invoke_result_t<const Function&, const In&>>;

  Function function;

  template <class In, class Next>
  void operator()(const In& record, Next&& next) const {
    next(detail::project(function, record));
  }
  template <class Handle>
  auto attach(const Handle& handle) && {
    static_assert(std::is_invocable_v<const Function&, const typename Handle::Record&>,
                  "weir: map() takes a member of the record, or a callable on const Record& that returns the new record");
    if constexpr (std::is_invocable_v<const Function&, const typename Handle::Record&>) {
      return detail::attach_stage(handle, std::move(*this));
    } else {
      return handle;
    }
  }
  [[nodiscard]] std::string kind() const { return "map"; }
};

/// Turns each record into `function(record)`, which keeps the record's event time and key.
///
/// Order:   kept
/// Late:    passed on like any record
/// Keeps:   nothing
template <class Function>
[[nodiscard]] Map<Function> map(Function function) {
  return {std::move(function)};
}

}  // namespace weir::inline v0

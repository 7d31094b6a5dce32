#pragma once

#include <string>
#include <type_traits>
#include <utility>

#include <weir/aggregate/feature.hpp>
#include <weir/flow/stage.hpp>

namespace weir::inline v0 {

namespace detail {

template <class Function, class In>
struct MapOutput {
  using type = In;
};
template <class Function, class In>
requires std::is_invocable_v<const Function&, const In&>
struct MapOutput<Function, In> {
  using type = std::remove_cvref_t<std::invoke_result_t<const Function&, const In&>>;
};

}  // namespace detail

/// Turns each record into another. See `map`.
template <class Function>
struct Map {
  using weir_stage = void;
  static constexpr bool gives_one = true;
  template <class In>
  static constexpr bool takes = std::is_invocable_v<const Function&, const In&>;
  template <class In>
  static constexpr void require() {
    static_assert(takes<In>,
                  "weir: map() takes a member of the record, or a callable on const Record& that returns the "
                  "new record");
  }
  template <class In>
  using Output = typename detail::MapOutput<Function, In>::type;
  template <class Handle>
  static constexpr bool accepts = detail::is_stream<Handle>;

  Function function;

  template <class In, class Next>
  void operator()(const In& record, Next&& next) const {
    next(detail::project(function, record));
  }
  template <class Handle>
  auto attach(const Handle& handle) && {
    return detail::attach_stage(handle, std::move(*this));
  }
  [[nodiscard]] std::string kind() const { return "map"; }
  template <class In>
  void describe(Description& out) const {
    out.text({}, detail::projection_name<In>(function));
  }
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

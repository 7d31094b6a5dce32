#pragma once

#include <string>
#include <type_traits>
#include <utility>

#include <weir/flow/stage.hpp>

namespace weir::inline v0 {

/// Turns each record into any number of records of type `Result`. See `flat_map`.
template <class Result, class Function>
struct FlatMap {
  using weir_stage = void;
  static constexpr bool gives_one = false;
  template <class In>
  using Output = Result;
  template <class In>
  static constexpr bool takes = true;
  template <class In>
  static constexpr void require() {}
  template <class Handle>
  static constexpr bool accepts = detail::is_stream<Handle>;

  Function function;

  template <class In, class Next>
  void operator()(const In& record, Next&& next) const {
    function(record, next);
  }
  template <class Handle>
  auto attach(const Handle& handle) && {
    return detail::attach_stage(handle, std::move(*this));
  }
  [[nodiscard]] std::string kind() const { return "flat_map"; }
  template <class In>
  void describe(Description& out) const {
    out.text({}, detail::projection_name<In>(function));
  }
};

/// Turns each record into any number of `Result`s: `flat_map<Item>([](const Cart& cart, auto&& emit) { ... emit(item); })`.
/// They keep the record's event time and key.
///
/// Order:   records in order, and what one record gives in the order of `emit`
/// Late:    passed on like any record; a record that gives nothing is counted as `unassigned`
/// Keeps:   nothing
template <class Result, class Function>
[[nodiscard]] FlatMap<Result, Function> flat_map(Function function) {
  return {std::move(function)};
}

}  // namespace weir::inline v0

#pragma once

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

#include <weir/flow/out.hpp>
#include <weir/flow/timer.hpp>
#include <weir/time/instant.hpp>

/// \file
/// The contract of a custom operator: one member function whose parameters are its ports.

namespace weir::inline v0 {

namespace detail {

template <class Type>
struct OutOf {
  using type = void;
};
template <class Record>
struct OutOf<Out<Record>&> {
  using type = Record;
};
template <class Type>
inline constexpr bool is_out = !std::is_void_v<typename OutOf<Type>::type>;

struct NoState {};

template <class Op>
struct StateOf {
  using type = NoState;
};
template <class Op>
requires requires { typename Op::State; }
struct StateOf<Op> {
  using type = typename Op::State;
};

/// The first thing that is wrong with a process().
enum class ProcessFault : unsigned char { none, shape, order, input };

/// A process() taken apart: In, whether there is a timer, and the records of the outputs.
template <class InType, bool timer, class... Outs>
struct Ports {
  using In = std::remove_cvref_t<InType>;
  static constexpr bool has_timer = timer;
  static constexpr ProcessFault fault =
      !(is_out<Outs> && ...) ? ProcessFault::order
      : !(std::is_lvalue_reference_v<InType> && std::is_const_v<std::remove_reference_t<InType>>)
          ? ProcessFault::input
          : ProcessFault::none;
  using Records = std::tuple<std::conditional_t<is_out<Outs>, typename OutOf<Outs>::type, NoState>...>;
};

template <class In, class... Rest>
struct AfterState {
  using type = Ports<In, false, Rest...>;
};
template <class In, class... Rest>
struct AfterState<In, Timer&, Rest...> {
  using type = Ports<In, true, Rest...>;
};

template <class Op, class... Args>
struct Parse : AfterState<Args...> {
  static constexpr bool has_state = false;
};
template <class Op, class... Args>
requires requires { typename Op::State; }
struct Parse<Op, typename Op::State&, Args...> : AfterState<Args...> {
  static constexpr bool has_state = true;
};

struct NoPorts {
  using In = void;
  using Records = std::tuple<>;
  static constexpr bool has_timer = false;
  static constexpr ProcessFault fault = ProcessFault::shape;
};
template <class Op, class Member>
struct ProcessOf {
  using type = NoPorts;
  static constexpr bool has_state = false;
};
template <class Op, class First, class... Args>
struct ProcessOf<Op, void (Op::*)(First, Args...) const> : Parse<Op, First, Args...> {};
template <class Op, class First, class... Args>
struct ProcessOf<Op, void (Op::*)(First, Args...) const noexcept> : Parse<Op, First, Args...> {};

}  // namespace detail

/// A type with exactly one member function `process`, neither overloaded nor a template. See docs/guides/custom_operators.md.
template <class Op>
concept Operator = requires {
  &Op::process;
};

/// What `process` of an operator takes and gives.
template <Operator Op>
struct OperatorTraits {
  using Process = detail::ProcessOf<Op, decltype(&Op::process)>;
  using Ports = typename Process::type;
  using In = typename Ports::In;
  using State = typename detail::StateOf<Op>::type;
  using Records = typename Ports::Records;
  static constexpr bool has_state = Process::has_state;
  static constexpr detail::ProcessFault fault = Ports::fault;
  static constexpr bool has_timer = Ports::has_timer || requires { &Op::on_timer; };
};

}  // namespace weir::inline v0

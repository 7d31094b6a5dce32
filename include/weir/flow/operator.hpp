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
struct out_of;
template <class Record>
struct out_of<Out<Record>&> {
  using type = Record;
};

template <class Type>
inline constexpr bool is_out = false;
template <class Record>
inline constexpr bool is_out<Out<Record>&> = true;

struct NoState {};

template <class Op>
struct state_of {
  using type = NoState;
};
template <class Op>
  requires requires { typename Op::State; }
struct state_of<Op> {
  using type = typename Op::State;
};

/// A process() taken apart: In, whether there is a timer, and the records of the outputs.
template <class InType, bool timer, class... Outs>
struct Ports {
  static_assert((is_out<Outs> && ...),
                "weir: process() takes [State&,] const In&, [weir::Timer&,] and then weir::Out<T>& only, in this order");
  using In = InType;
  static constexpr bool has_timer = timer;
  using Records = std::tuple<typename out_of<Outs>::type...>;
};

template <class First, class... Rest>
struct after_state {
  static_assert(std::is_lvalue_reference_v<First> && std::is_const_v<std::remove_reference_t<First>>,
                "weir: process() takes its record as const In&");
  using In = std::remove_cvref_t<First>;
  using type = Ports<In, false, Rest...>;
};
template <class First, class... Rest>
struct after_state<First, Timer&, Rest...> {
  using In = std::remove_cvref_t<First>;
  using type = Ports<In, true, Rest...>;
};

template <class Op, class... Args>
struct parse : after_state<Args...> {
  static constexpr bool has_state = false;
};
template <class Op, class... Args>
  requires requires { typename Op::State; }
struct parse<Op, typename Op::State&, Args...> : after_state<Args...> {
  static constexpr bool has_state = true;
};

template <class Op, class Member>
struct process_of {
  static_assert(sizeof(Op) == 0,
                "weir: process() must be void and const; keep what it remembers in State, where weir can expire it");
};
template <class Op, class... Args>
struct process_of<Op, void (Op::*)(Args...) const> : parse<Op, Args...> {};
template <class Op, class... Args>
struct process_of<Op, void (Op::*)(Args...) const noexcept> : parse<Op, Args...> {};

}  // namespace detail

/// A type with exactly one member function `process`, neither overloaded nor a template. See docs/guides/custom_operators.md.
template <class Op>
concept Operator = requires { &Op::process; };

/// What `process` of an operator takes and gives.
template <Operator Op>
struct OperatorTraits {
  using Process = detail::process_of<Op, decltype(&Op::process)>;
  using Ports = typename Process::type;
  using In = typename Ports::In;
  using State = typename detail::state_of<Op>::type;
  using Records = typename Ports::Records;
  static constexpr bool has_state = Process::has_state;
  static constexpr bool has_timer = Ports::has_timer || requires { &Op::on_timer; };
};

}  // namespace weir::inline v0

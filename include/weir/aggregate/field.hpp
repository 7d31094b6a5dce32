#pragma once

#include <cstddef>
#include <utility>

#include <weir/aggregate/aggregator.hpp>
#include <weir/state/owned.hpp>

/// \file
/// How a result gets into a field of the user's row: checked, never wrapped, never silently truncated.

namespace weir::inline v0::detail {

/// A list of results with a length of its own.
template <class T>
concept Listed = requires(const T& list, std::size_t i) {
  typename T::value_type;
  { list.size() } -> std::convertible_to<std::size_t>;
  list[i];
};

/// std::vector and the like.
template <class T>
concept GrowingList = Listed<T> && requires(T& list, std::size_t n) {
  list.resize(n);
  { list[n] } -> std::same_as<typename T::value_type&>;
};

/// std::array and the like.
template <class T>
concept FixedList = Listed<T> && requires(T& list, const typename T::value_type& value) {
  list.fill(value);
};

template <class T>
concept Arithmetic = std::is_arithmetic_v<T>;

/// Numbers go where nothing is lost unseen: no fraction into an integer, no number into a bool.
template <class Result, class Field>
concept FitsNumber = Arithmetic<Result> && Arithmetic<Field> &&
    (std::same_as<Field, bool> ? std::same_as<Result, bool>
                               : !(std::floating_point<Result> && std::integral<Field>));

/// Containers with weir's allocator are for States: rows go to other threads.
template <class T>
concept ForStates = requires {
  requires std::same_as<typename T::allocator_type, OwnedAllocator<typename T::value_type>>;
};

/// Whether `store` can put a Result into a Field.
template <class Result, class Field>
[[nodiscard]] consteval bool fits() {
  if constexpr (ForStates<Field>)
    return false;  // NOLINT(bugprone-branch-clone): as what no branch knows
  else if constexpr (is_optional<Result>)
    return fits<typename Result::value_type, Field>();
  else if constexpr (is_checked<Result>)
    return fits<decltype(Result::value), Field>();
  else if constexpr (is_optional<Field>)
    return fits<Result, typename Field::value_type>();
  else if constexpr (Arithmetic<Result> && Arithmetic<Field>)
    return FitsNumber<Result, Field>;
  else if constexpr (std::is_assignable_v<Field&, Result>)
    return true;
  else if constexpr (Listed<Result> && (GrowingList<Field> || FixedList<Field>))
    return fits<typename Result::value_type, typename Field::value_type>();
  else
    return false;
}

template <Arithmetic Result, Arithmetic Field>
constexpr bool store_number(Result result, Field& field) {
  if constexpr (std::integral<Result> && std::integral<Field>) {
    const Checked<Field> checked = held<Field>(static_cast<Int128>(result));
    field = checked.value;
    return checked.overflowed;
  } else if constexpr (std::floating_point<Result> && sizeof(Field) < sizeof(Result)) {
    using Limits = std::numeric_limits<Field>;
    const bool is_finite =
        std::numeric_limits<Result>::lowest() <= result && result <= std::numeric_limits<Result>::max();
    const bool is_over = is_finite && (result > static_cast<Result>(Limits::max()) ||
                                       result < static_cast<Result>(Limits::lowest()));
    field = is_over ? (result < 0 ? Limits::lowest() : Limits::max()) : static_cast<Field>(result);
    return is_over;
  } else {
    field = static_cast<Field>(result);
    return false;
  }
}

/// Puts a result into a field. True if it did not fit: the field is then held at its limit.
/// An empty result empties an optional field and leaves any other as it is.
template <class Result, class Field>
constexpr bool store(Result&& result, Field& field) {
  using Plain = std::remove_cvref_t<Result>;
  if constexpr (is_optional<Plain>) {
    if (result) return store(*std::forward<Result>(result), field);
    if constexpr (is_optional<Field>) field.reset();
    return false;
  } else if constexpr (is_checked<Plain>) {
    const bool overflowed = result.overflowed;
    return store(std::forward<Result>(result).value, field) || overflowed;
  } else if constexpr (is_optional<Field>) {
    return store(std::forward<Result>(result), field.emplace());
  } else if constexpr (Arithmetic<Plain> && Arithmetic<Field>) {
    return store_number(result, field);
  } else if constexpr (std::is_assignable_v<Field&, Result>) {
    field = std::forward<Result>(result);
    return false;
  } else {
    const std::size_t count = result.size();
    if constexpr (GrowingList<Field>)
      field.resize(count);
    else
      field.fill({});
    bool overflowed = count > field.size();
    for (std::size_t i = 0; i < count && i < field.size(); ++i) overflowed |= store(result[i], field[i]);
    return overflowed;
  }
}

}  // namespace weir::inline v0::detail

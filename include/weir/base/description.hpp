#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <weir/base/fields.hpp>

/// \file
/// Description: what nodes say of themselves, as JSON; and the words for types and members.

namespace weir::inline v0 {

/// Text in JSON that is written from its beginning to its end. The same calls give the same bytes on every machine.
///
/// In an object each value has a name; in a list names are left out.
class Description {
 public:
  /// How a list or an object is laid out. Inside of one on a line everything is on that line.
  enum class Layout : std::uint8_t { lines, line };

  /// `depth`: how far lines are indented, in steps, where the text is to stand in another.
  explicit Description(std::size_t depth = 0) : depth_(depth) {}

  void text(std::string_view name, std::string_view value);
  void number(std::string_view name, std::int64_t value);
  void flag(std::string_view name, bool value);
  /// A duration in the largest unit of which it is a whole number, such as "90min"; "for_ever" for the longest.
  void duration(std::string_view name, std::chrono::duration<std::int64_t, std::micro> value);
  void none(std::string_view name);
  /// JSON that was written with this depth.
  void json(std::string_view name, std::string_view value);

  /// Something that is described has options that make no sense; `why` is empty if they do. It stands beside the text.
  void problem(std::string_view whose, std::string_view why);

  void begin_object(std::string_view name = {}, Layout layout = Layout::lines);
  void begin_list(std::string_view name = {}, Layout layout = Layout::lines);
  void end();

  /// How deep the next value stands.
  [[nodiscard]] std::size_t depth() const noexcept { return depth_ + open_.size(); }
  /// What was written; every object and list has ended.
  [[nodiscard]] const std::string& str() const noexcept { return out_; }
  [[nodiscard]] const std::vector<std::string>& problems() const noexcept { return problems_; }

 private:
  void begin(std::string_view name, char opens, char closes, Layout layout);
  void start(std::string_view name);
  void break_line();

  std::string out_;
  std::vector<std::string> problems_;
  std::string open_;  // how what has begun ends
  std::size_t depth_;
  std::size_t line_ = 0;  // how much was open when a line began; 0: none did
  bool is_first_ = true;
};

namespace detail {

/// So many microseconds in the largest unit of which they are a whole number.
[[nodiscard]] std::string shown(std::int64_t microseconds);

/// Where a field lies.
struct FieldPlace {
  const volatile void* at;
  std::size_t size;
};

/// The name of the field that lies at a place; empty if there is none.
[[nodiscard]] std::string_view field_at(const FieldPlace* places, const std::string_view* names,
                                        std::size_t count, const FieldPlace& asked) noexcept;

template <class Type>
[[nodiscard]] std::string_view field_of(const Type& value, const FieldPlace& asked) {
  static constexpr auto names = weir_field_names(static_cast<const Type*>(nullptr));
  return std::apply(
      [&asked](const auto&... field) {
        const FieldPlace places[] = {{std::addressof(field), sizeof field}...};
        return field_at(places, names.data(), names.size(), asked);
      },
      weir_fields(value));
}

/// The name of a member, by WEIR_FIELDS of the type that has it or of one that is derived from that; empty if it has none.
template <class Type, class Member>
[[nodiscard]] std::string_view member_name(Member member) {
  if constexpr (HasFields<Type> && std::is_default_constructible_v<Type>) {
    const Type value{};
    return field_of(value, {std::addressof(value.*member), sizeof(value.*member)});
  } else {
    return {};
  }
}

/// What reads a value from a record, or judges it: a member by its name, and words for what has none.
template <class In, class Projection>
[[nodiscard]] std::string_view projection_name([[maybe_unused]] const Projection& projection) {
  if constexpr (std::is_member_object_pointer_v<Projection>) {
    const std::string_view name = member_name<In>(projection);
    return name.empty() ? "(member)" : name;
  } else {
    return "(function)";
  }
}

template <class T>
inline constexpr bool is_duration = false;
template <class Rep, class Period>
inline constexpr bool is_duration<std::chrono::duration<Rep, Period>> = true;
template <class T>
inline constexpr bool is_instant = false;
template <class Clock, class Length>
inline constexpr bool is_instant<std::chrono::time_point<Clock, Length>> = true;

template <class T>
struct PartsOf : std::false_type {};
template <class... Part>
struct PartsOf<std::tuple<Part...>> : std::true_type {};
template <class First, class Second>
struct PartsOf<std::pair<First, Second>> : std::true_type {};
template <class T>
struct OptionalOf : std::false_type {};
template <class T>
struct OptionalOf<std::optional<T>> : std::true_type {};

/// A type of values as far as a description tells it: the same wherever it is compiled.
struct TypeWord {
  enum class Kind : std::uint8_t { record, boolean, character, number, floating, duration, instant, string };
  enum class Around : std::uint8_t { nothing, enumeration, optional, list, parts };

  Kind kind = Kind::record;
  Around around = Around::nothing;
  bool is_signed = false;
  std::uint8_t bytes = 0;
  const TypeWord* const* parts = nullptr;  // of what is around it
  std::size_t count = 0;
};

template <class T>
[[nodiscard]] consteval TypeWord make_type_word();
template <class T>
inline constexpr TypeWord type_word = make_type_word<T>();
template <class... T>
inline constexpr const TypeWord* type_words[] = {&type_word<std::remove_cvref_t<T>>...};

template <class... T>
[[nodiscard]] consteval TypeWord word_around(TypeWord::Around around) {
  return {.around = around, .parts = type_words<T...>, .count = sizeof...(T)};
}
template <class... Part>
[[nodiscard]] consteval TypeWord word_of_parts(std::type_identity<std::tuple<Part...>>) {
  return word_around<Part...>(TypeWord::Around::parts);
}
template <class First, class Second>
[[nodiscard]] consteval TypeWord word_of_parts(std::type_identity<std::pair<First, Second>>) {
  return word_around<First, Second>(TypeWord::Around::parts);
}

template <class T>
[[nodiscard]] consteval TypeWord make_type_word() {
  using Kind = TypeWord::Kind;
  using Around = TypeWord::Around;
  constexpr auto bytes = static_cast<std::uint8_t>(sizeof(T));
  if constexpr (std::is_same_v<T, bool>) {
    return {.kind = Kind::boolean};
  } else if constexpr (std::is_same_v<T, char>) {
    return {.kind = Kind::character};
  } else if constexpr (std::is_floating_point_v<T>) {
    return {.kind = Kind::floating, .bytes = bytes};
  } else if constexpr (std::is_arithmetic_v<T>) {
    return {.kind = Kind::number, .is_signed = std::is_signed_v<T>, .bytes = bytes};
  } else if constexpr (std::is_enum_v<T>) {
    return word_around<std::underlying_type_t<T>>(Around::enumeration);
  } else if constexpr (is_duration<T>) {
    return {.kind = Kind::duration};
  } else if constexpr (is_instant<T>) {
    return {.kind = Kind::instant};
  } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    return {.kind = Kind::string};
  } else if constexpr (OptionalOf<T>::value) {
    return word_around<typename T::value_type>(Around::optional);
  } else if constexpr (PartsOf<T>::value) {
    return word_of_parts(std::type_identity<T>{});
  } else if constexpr (HasFields<T>) {
    return word_of_parts(std::type_identity<decltype(weir_fields(std::declval<const T&>()))>{});
  } else if constexpr (requires(const T& list) {
                         typename T::value_type;
                         list.size();
                       }) {
    return word_around<typename T::value_type>(Around::list);
  } else {
    return {};
  }
}

/// The word for a type of values: "int64", "double", "string", "optional double", "(uint64, string)", or "record".
[[nodiscard]] std::string type_text(const TypeWord& type);
/// What is read from a record, and of which type it is: `name` and `name`_type.
void describe_read(Description& out, std::string_view name, std::string_view read, const TypeWord& type);

}  // namespace detail

}  // namespace weir::inline v0

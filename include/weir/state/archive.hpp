#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <weir/base/description.hpp>
#include <weir/base/fields.hpp>
#include <weir/base/members.hpp>

/// \file
/// Archive: values as bytes and back, field by field, the same on every machine.

namespace weir::inline v0 {

class Archive;

/// A type that says itself how it is written and read: `void archive(weir::Archive& ar) { ar(low, high); }`.
template <class Type>
concept HasArchive = requires(Type& value, Archive& archive) {
  value.archive(archive);
};

namespace detail {

template <class Type>
consteval bool is_archivable();
template <class Type>
void archive_value(Archive& archive, Type& value);
template <class Type>
constexpr std::uint64_t layout_of();
template <class Type>
std::uint64_t own_layout();

constexpr std::uint64_t mix_layout(std::uint64_t hash, std::uint64_t with) noexcept {
  hash = (hash ^ with) * 0x9E3779B97F4A7C15;
  return hash ^ (hash >> 29);
}

}  // namespace detail

/// A type that an archive can write and read: numbers, enums, durations, instants, strings; optionals, pairs, tuples, arrays and
/// vectors of these; types with an `archive` member; structs with WEIR_FIELDS, and plain structs of at most 16 members.
template <class Type>
concept Archivable = detail::is_archivable<Type>();

/// Writes values into bytes, or reads them from bytes: one function of a type does both.
///
/// Numbers are little-endian and as wide as their type, truth values one byte, 0 or 1; what has a length comes behind it, in
/// 8 bytes. Bytes that are read are not trusted: what they promise is compared with what is there before memory is taken.
///
/// Time:    a number 1; plain structs without padding are copied as a whole
/// Errors:  reading never fails by itself: the first thing that is wrong is kept, and all that is read after it is zero
class Archive {
 public:
  /// Writes.
  Archive() = default;
  /// Reads these bytes, which outlive the archive.
  explicit Archive(std::string_view bytes) noexcept;
  Archive(const Archive&) = delete;
  Archive& operator=(const Archive&) = delete;
  Archive(Archive&&) = delete;
  Archive& operator=(Archive&&) = delete;
  ~Archive() = default;

  [[nodiscard]] bool is_loading() const noexcept { return is_loading_; }

  /// Writes the values, or reads them.
  template <class... Value>
  void operator()(Value&... values) {
    static_assert((Archivable<Value> && ...),
                  "weir: a value cannot be written: give its type a member void archive(weir::Archive&)");
    if constexpr ((Archivable<Value> && ...)) {
      if (has_only_layout_) [[unlikely]] { return (note(detail::layout_of<Value>()), ...); }
      (detail::archive_value(*this, values), ...);
    }
  }
  /// Writes a value that is not to be changed.
  template <class Value>
  void write(const Value& value) {
    (*this)(const_cast<Value&>(value));
  }
  /// The number of elements that follow, each of at least `least_bytes` bytes.
  void size(std::size_t& count, std::size_t least_bytes);
  /// Bytes as they are.
  void raw(void* at, std::size_t bytes) {
    if (static_cast<std::size_t>(end_ - at_) < bytes) [[unlikely]] {
      if (!make_room(at, bytes)) return;
    }
    if (is_loading_) {
      std::memcpy(at, at_, bytes);
    } else {
      std::memcpy(at_, at, bytes);
    }
    at_ += bytes;
  }

  /// What is read makes no sense. The first reason stays.
  void fail(std::string_view reason);
  [[nodiscard]] bool is_good() const noexcept { return reason_.empty(); }
  [[nodiscard]] const std::string& reason() const noexcept { return reason_; }
  /// How far it has come; when it failed, where that was.
  [[nodiscard]] std::size_t offset() const noexcept {
    return is_good() ? static_cast<std::size_t>(at_ - begin_) : failed_at_;
  }
  /// How many bytes are left to be read.
  [[nodiscard]] std::size_t left() const noexcept { return static_cast<std::size_t>(end_ - at_); }

  /// What was written.
  [[nodiscard]] std::string_view written() const noexcept {
    return {begin_, static_cast<std::size_t>(at_ - begin_)};
  }
  /// Forgets what was written and keeps the memory.
  void clear() noexcept { at_ = begin_; }

 private:
  template <class Type>
  friend std::uint64_t detail::own_layout();

  /// Writes nothing: mixes the types of what passes through into `layout`.
  explicit Archive(std::uint64_t& layout) noexcept;
  void note(std::uint64_t layout) noexcept;
  /// For writing. When there is nothing left to be read it fails, and the value becomes zero.
  [[gnu::noinline]] bool make_room(void* at, std::size_t bytes);

  char* begin_ = nullptr;
  char* at_ = nullptr;
  char* end_ = nullptr;
  bool is_loading_ = false;
  bool has_only_layout_ = false;  // `begin_` is where it is, and there is never room
  std::size_t failed_at_ = 0;
  std::string reason_;
  std::unique_ptr<char[]> memory_;
};

namespace detail {

template <class T>
inline constexpr bool is_std_array = false;
template <class T, std::size_t count>
inline constexpr bool is_std_array<std::array<T, count>> = true;
template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;
__extension__ typedef __int128 WideSigned;
__extension__ typedef unsigned __int128 WideUnsigned;

/// A number whose bytes are the same everywhere but for their order.
template <class T>
inline constexpr bool is_number = (std::is_arithmetic_v<T> && !std::is_same_v<T, bool> &&
                                   !std::is_same_v<T, long double>) ||
                                  std::is_enum_v<T> || std::is_same_v<T, WideSigned> ||
                                  std::is_same_v<T, WideUnsigned> || is_duration<T> || is_instant<T>;

/// A type that was changed: `version` says how often, and `Previous` how it was before.
template <class T>
concept Versioned = requires {
  { T::version } -> std::convertible_to<std::uint32_t>;
};

/// The kinds of types, in the order in which they are looked for.
enum class ArchiveKind : unsigned char {
  none,
  own,
  number,
  boolean,
  string,
  optional,
  array,
  list,
  parts,
  fields,
  members
};

template <class T>
consteval ArchiveKind archive_kind() {
  if constexpr (std::is_const_v<T> || std::is_reference_v<T>)
    return ArchiveKind::none;  // NOLINT(bugprone-branch-clone): as what no branch knows
  else if constexpr (HasArchive<T>)
    return ArchiveKind::own;
  else if constexpr (std::is_same_v<T, bool>)
    return ArchiveKind::boolean;
  else if constexpr (is_number<T>)
    return ArchiveKind::number;
  else if constexpr (std::is_same_v<T, std::string>)
    return ArchiveKind::string;
  else if constexpr (OptionalOf<T>::value)
    return ArchiveKind::optional;
  else if constexpr (is_std_array<T> || std::is_bounded_array_v<T>)
    return ArchiveKind::array;
  else if constexpr (is_vector<T>)
    return ArchiveKind::list;
  else if constexpr (PartsOf<T>::value)
    return ArchiveKind::parts;
  else if constexpr (HasFields<T>)
    return ArchiveKind::fields;
  else if constexpr (is_plain_struct<T>())
    return ArchiveKind::members;
  else
    return ArchiveKind::none;
}

template <class Tuple, class Use>
constexpr auto with_parts(Use use) {
  return []<class... Part>(std::type_identity<std::tuple<Part...>>, Use call) {
    return call(std::type_identity<std::remove_reference_t<Part>>{}...);
  }(std::type_identity<Tuple>{}, use);
}
template <class T>
struct PartTypes;
template <class... Part>
struct PartTypes<std::tuple<Part...>> : std::type_identity<std::tuple<Part...>> {};
template <class First, class Second>
struct PartTypes<std::pair<First, Second>> : std::type_identity<std::tuple<First, Second>> {};
/// WEIR_FIELDS refers to fields of a const value.
template <class T>
struct FieldTypes;
template <class... Field>
struct FieldTypes<std::tuple<Field...>>
    : std::type_identity<std::tuple<std::remove_const_t<std::remove_reference_t<Field>>...>> {};

/// The types of what a value is made of, as a tuple.
template <class T>
consteval auto part_types() {
  constexpr ArchiveKind kind = archive_kind<T>();
  if constexpr (kind == ArchiveKind::parts)
    return std::type_identity<typename PartTypes<T>::type>{};
  else if constexpr (kind == ArchiveKind::fields)
    return std::type_identity<typename FieldTypes<decltype(weir_fields(std::declval<const T&>()))>::type>{};
  else if constexpr (kind == ArchiveKind::members)
    return std::type_identity<Members<T>>{};
  else
    return std::type_identity<std::tuple<>>{};
}
template <class T>
using PartsOfValue = typename decltype(part_types<T>())::type;

template <class T>
struct ElementOf : std::type_identity<typename T::value_type> {};
template <class T, std::size_t count>
struct ElementOf<T[count]> : std::type_identity<T> {};
template <class T>
inline constexpr std::size_t array_size = 0;
template <class T, std::size_t count>
inline constexpr std::size_t array_size<T[count]> = count;
template <class T, std::size_t count>
inline constexpr std::size_t array_size<std::array<T, count>> = count;

template <class Type>
consteval bool is_archivable() {
  constexpr ArchiveKind kind = archive_kind<Type>();
  if constexpr (kind == ArchiveKind::none)
    return false;
  else if constexpr (kind == ArchiveKind::list)
    return is_archivable<typename Type::value_type>() && !std::is_same_v<typename Type::value_type, bool> &&
           std::is_default_constructible_v<typename Type::value_type>;
  else if constexpr (kind == ArchiveKind::optional)
    return is_archivable<typename Type::value_type>() &&
           std::is_default_constructible_v<typename Type::value_type>;
  else if constexpr (kind == ArchiveKind::array)
    return is_archivable<typename ElementOf<Type>::type>();
  else
    return with_parts<PartsOfValue<Type>>(
        []<class... Part>(std::type_identity<Part>...) { return (is_archivable<Part>() && ...); });
}

/// The fewest bytes that a value takes.
template <class Type>
consteval std::size_t least_bytes() {
  constexpr ArchiveKind kind = archive_kind<Type>();
  if constexpr (Versioned<Type>)
    return sizeof(std::uint32_t);
  else if constexpr (kind == ArchiveKind::number)
    return sizeof(Type);
  else if constexpr (kind == ArchiveKind::string || kind == ArchiveKind::list)
    return sizeof(std::uint64_t);
  else if constexpr (kind == ArchiveKind::array)
    return array_size<Type> * least_bytes<typename ElementOf<Type>::type>();
  else if constexpr (kind == ArchiveKind::parts || kind == ArchiveKind::fields ||
                     kind == ArchiveKind::members)
    return with_parts<PartsOfValue<Type>>([]<class... Part>(std::type_identity<Part>...) {
      return (std::size_t{0} + ... + least_bytes<Part>());
    });
  else
    return kind == ArchiveKind::own ? 0 : 1;
}

/// Whether the bytes of a value are those of its numbers, one after the other, on this machine.
template <class Type>
consteval bool is_packed() {
  constexpr ArchiveKind kind = archive_kind<Type>();
  if constexpr (std::endian::native != std::endian::little || Versioned<Type> ||
                !std::is_trivially_copyable_v<Type>)
    return false;  // NOLINT(bugprone-branch-clone): as what no branch knows
  else if constexpr (kind == ArchiveKind::number)
    return true;
  else if constexpr (kind == ArchiveKind::array)
    return is_packed<typename ElementOf<Type>::type>();
  else if constexpr (kind == ArchiveKind::members)
    return with_parts<PartsOfValue<Type>>([]<class... Part>(std::type_identity<Part>...) {
      return (is_packed<Part>() && ...) && (std::size_t{0} + ... + sizeof(Part)) == sizeof(Type);
    });
  else
    return false;
}

/// The layout of a type that says itself how it is written: that of what its `archive` writes of a new value. A type that contains
/// itself is looked at once.
template <class Type>
std::uint64_t own_layout() {
  std::uint64_t layout = static_cast<std::uint64_t>(ArchiveKind::own) + 1;
  if constexpr (std::is_default_constructible_v<Type>) {
    static thread_local bool is_open = false;
    if (is_open) return layout;
    const struct Open {
      Open() { is_open = true; }
      Open(const Open&) = delete;
      Open& operator=(const Open&) = delete;
      ~Open() { is_open = false; }
    } open;
    Archive archive(layout);
    Type value = Type();
    value.archive(archive);
  }
  return layout;
}

/// A number for how a type is written: types that are written alike have the same. A constant, unless it takes `own_layout`.
template <class Type>
constexpr std::uint64_t layout_of() {
  constexpr ArchiveKind kind = archive_kind<Type>();
  constexpr std::uint64_t start = mix_layout(0, static_cast<std::uint64_t>(kind) + 1);
  if constexpr (Versioned<Type>) {
    // It says itself which version it is, and each may be written in another way.
    return mix_layout(mix_layout(0, static_cast<std::uint64_t>(ArchiveKind::own) + 1), 0x76657273);
  } else if constexpr (kind == ArchiveKind::number) {
    return mix_layout(mix_layout(start, sizeof(Type)), std::is_floating_point_v<Type> ? 1 : 0);
  } else if constexpr (kind == ArchiveKind::own) {
    if constexpr (requires { Type::archive_layout(); })
      return mix_layout(start, Type::archive_layout());
    else
      return own_layout<Type>();
  } else if constexpr (kind == ArchiveKind::list || kind == ArchiveKind::optional) {
    return mix_layout(start, layout_of<typename Type::value_type>());
  } else if constexpr (kind == ArchiveKind::array) {
    return mix_layout(mix_layout(start, array_size<Type>), layout_of<typename ElementOf<Type>::type>());
  } else {
    return with_parts<PartsOfValue<Type>>([]<class... Part>(std::type_identity<Part>...) {
      std::uint64_t hash = start;
      ((hash = mix_layout(hash, layout_of<Part>())), ...);
      return hash;
    });
  }
}

void archive_bytes(Archive& archive, std::string& value);
void archive_flag(Archive& archive, bool& value);

template <class Number>
void archive_number(Archive& archive, Number& value) {
  if constexpr (std::endian::native == std::endian::little) {
    archive.raw(&value, sizeof(Number));
  } else {
    std::array<char, sizeof(Number)> bytes;
    std::memcpy(bytes.data(), &value, sizeof(Number));
    if (!archive.is_loading()) std::reverse(bytes.begin(), bytes.end());
    archive.raw(bytes.data(), sizeof(Number));
    if (archive.is_loading()) std::reverse(bytes.begin(), bytes.end());
    std::memcpy(&value, bytes.data(), sizeof(Number));
  }
}

template <class T>
void archive_list(Archive& archive, std::vector<T>& list) {
  std::size_t count = list.size();
  archive.size(count, least_bytes<T>());
  if (archive.is_loading()) {
    list.clear();
    if constexpr (is_packed<T>()) list.resize(count);
  }
  if constexpr (is_packed<T>()) {
    if (count > 0) archive.raw(list.data(), count * sizeof(T));
  } else {
    for (std::size_t i = 0; i < count && archive.is_good(); ++i) {
      if (archive.is_loading()) list.emplace_back();
      archive_value(archive, list[i]);
    }
  }
}

/// What a value is made of, without the version before it.
template <class Type>
void archive_content(Archive& archive, Type& value) {
  constexpr ArchiveKind kind = archive_kind<Type>();
  if constexpr (kind == ArchiveKind::own) {
    value.archive(archive);
  } else if constexpr (kind == ArchiveKind::boolean) {
    archive_flag(archive, value);
  } else if constexpr (kind == ArchiveKind::number) {
    archive_number(archive, value);
  } else if constexpr (is_packed<Type>()) {
    archive.raw(&value, sizeof(Type));
  } else if constexpr (kind == ArchiveKind::string) {
    archive_bytes(archive, value);
  } else if constexpr (kind == ArchiveKind::optional) {
    bool has_value = value.has_value();
    archive_flag(archive, has_value);
    if (archive.is_loading()) {
      value.reset();
      if (has_value) value.emplace();
    }
    if (value.has_value()) archive_value(archive, *value);
  } else if constexpr (kind == ArchiveKind::array) {
    for (auto& element : value) archive_value(archive, element);
  } else if constexpr (kind == ArchiveKind::list) {
    archive_list(archive, value);
  } else if constexpr (kind == ArchiveKind::parts) {
    std::apply([&archive](auto&... part) { (archive_value(archive, part), ...); }, value);
  } else if constexpr (kind == ArchiveKind::fields) {
    std::apply(
        [&archive](const auto&... field) {
          (archive_value(archive, const_cast<std::remove_cvref_t<decltype(field)>&>(field)), ...);
        },
        weir_fields(value));
  } else {
    std::apply([&archive](auto&... member) { (archive_value(archive, member), ...); }, tie_members(value));
  }
}

/// Reads a value of an earlier version.
template <class Type>
void load_version(Archive& archive, Type& value, std::uint32_t version) {
  if (version == Type::version) return archive_content(archive, value);
  if constexpr (requires { typename Type::Previous; }) {
    using Previous = typename Type::Previous;
    static_assert(std::is_constructible_v<Type, const Previous&>,
                  "weir: a versioned State needs a constructor from its Previous");
    Previous previous{};
    static_assert(Versioned<Previous>, "weir: a State's Previous has a version, too; the first one is 1");
    static_assert(Previous::version < Type::version, "weir: a State's Previous has a smaller version");
    load_version(archive, previous, version);
    value = Type(previous);
  } else {
    archive.fail("a State is of a version that this program does not know");
  }
}

template <class Type>
void archive_value(Archive& archive, Type& value) {
  if constexpr (Versioned<Type>) {
    std::uint32_t version = Type::version;
    archive_number(archive, version);
    if (archive.is_loading()) return load_version(archive, value, version);
  }
  archive_content(archive, value);
}

}  // namespace detail

}  // namespace weir::inline v0

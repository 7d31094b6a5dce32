#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <weir/base/fields.hpp>
#include <weir/base/members.hpp>
#include <weir/state/archive_kind.hpp>

/// \file
/// Archive: values as bytes and back, field by field, the same on every machine.

namespace weir::inline v0 {

namespace detail {

template <class Type>
void archive_value(Archive& archive, Type& value);

}  // namespace detail

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
  ~Archive();

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
  char* memory_ = nullptr;  // its own, for writing
};

namespace detail {

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

void archive_bytes(Archive& archive, std::string& value);
void archive_bytes(Archive& archive, OwnedString& value);
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

template <class T, class Allocator>
void archive_list(Archive& archive, std::vector<T, Allocator>& list) {
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
    with_members(value, [&archive](auto&... member) { (archive_value(archive, member), ...); });
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

#pragma once

#include <utility>

/// \file
/// Hidden: an object of a type that only the library knows.

namespace weir::inline v0::detail {

/// Owns an object whose type is incomplete where its owner is declared; the owner's constructors and destructor stand in a source.
///
/// What a `std::unique_ptr` does, for a fiftieth of what the compiler takes to read one.
template <class Type>
class Hidden {
 public:
  explicit Hidden(Type* object) noexcept : object_(object) {}
  Hidden(Hidden&& other) noexcept : object_(other.release()) {}
  Hidden& operator=(Hidden&& other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Hidden() {
    static_assert(sizeof(Type) > 0, "the owner's destructor belongs into a source");
    delete object_;
  }

  [[nodiscard]] Type& operator*() const noexcept { return *object_; }
  [[nodiscard]] Type* operator->() const noexcept { return object_; }
  /// Null once it was released, or moved from.
  [[nodiscard]] Type* get() const noexcept { return object_; }
  [[nodiscard]] Type* release() noexcept { return std::exchange(object_, nullptr); }

 private:
  Type* object_;
};

}  // namespace weir::inline v0::detail

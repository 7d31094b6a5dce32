#pragma once

#include <utility>

/// \file
/// Owner: a pointer to an object that has one owner.

namespace weir::inline v0::detail {

/// Owns an object, or none. Who may not change the owner may not change the object either.
///
/// Where the owner is declared the type may be incomplete; then constructors and destructor of what has it stand in a source. A
/// `std::unique_ptr` does the same, but a program takes ten times as long to read one; see docs/decisions/0020-what-headers-show.md.
template <class Type>
class Owner {
 public:
  Owner() = default;
  explicit Owner(Type* object) noexcept : object_(object) {}
  Owner(const Owner&) = delete;
  Owner& operator=(const Owner&) = delete;
  Owner(Owner&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Owner& operator=(Owner&& other) noexcept {
    Owner taken(std::move(other));
    std::swap(object_, taken.object_);
    return *this;
  }
  ~Owner() {
    static_assert(
        requires { sizeof(Type); }, "the owner's destructor belongs into a source");
    delete object_;
  }

  [[nodiscard]] explicit operator bool() const noexcept { return object_ != nullptr; }
  [[nodiscard]] Type& operator*() noexcept { return *object_; }
  [[nodiscard]] const Type& operator*() const noexcept { return *object_; }
  [[nodiscard]] Type* operator->() noexcept { return object_; }
  [[nodiscard]] const Type* operator->() const noexcept { return object_; }

 private:
  Type* object_ = nullptr;
};

}  // namespace weir::inline v0::detail

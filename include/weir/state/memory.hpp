#pragma once

#include <cstddef>
#include <memory>
#include <memory_resource>
#include <new>
#include <type_traits>
#include <vector>

/// \file
/// Where the memory for state comes from: the host's resource, or `new`.

namespace weir::inline v0::detail {

inline constexpr std::size_t cache_line_bytes = 64;
inline constexpr std::size_t huge_page_bytes = std::size_t{2} << 20;

/// `new` and `delete`. What is aligned to a huge page asks for one.
[[nodiscard]] std::pmr::memory_resource* default_memory() noexcept;

/// The resource of the graph whose nodes this thread makes just now, or whose state it reads; else `default_memory()`.
[[nodiscard]] std::pmr::memory_resource* memory_in_scope() noexcept;

/// What is made while this lives has the resource for as long as it lives itself, and so has all that it makes later.
class MemoryScope {
 public:
  explicit MemoryScope(std::pmr::memory_resource* memory) noexcept;
  MemoryScope(const MemoryScope&) = delete;
  MemoryScope& operator=(const MemoryScope&) = delete;
  ~MemoryScope();

 private:
  std::pmr::memory_resource* before_;
};

/// Takes from the resource that was in scope when it was made. Goes with what it has allocated when a container is moved or
/// swapped.
template <class Value>
class StateAllocator {
 public:
  using value_type = Value;
  using propagate_on_container_move_assignment = std::true_type;
  using propagate_on_container_swap = std::true_type;

  StateAllocator() noexcept : memory_(memory_in_scope()) {}
  template <class Other>
  StateAllocator(const StateAllocator<Other>& other) noexcept : memory_(other.memory()) {}

  [[nodiscard]] Value* allocate(std::size_t count) {
    return static_cast<Value*>(memory_->allocate(count * value_bytes, alignof(Value)));
  }
  void deallocate(Value* values, std::size_t count) noexcept {
    memory_->deallocate(values, count * value_bytes, alignof(Value));
  }
  [[nodiscard]] std::pmr::memory_resource* memory() const noexcept { return memory_; }

  template <class Other>
  friend bool operator==(const StateAllocator& one, const StateAllocator<Other>& other) noexcept {
    return one.memory() == other.memory();
  }

 private:
  // NOLINTNEXTLINE(bugprone-sizeof-expression): a list of pointers holds the pointers themselves
  static constexpr std::size_t value_bytes = sizeof(Value);
  std::pmr::memory_resource* memory_;
};

/// Ends an object that `make_in` made, or one whose memory is of the resource.
template <class Object>
struct EndIn {
  std::pmr::memory_resource* memory;
  void operator()(Object* object) const noexcept {
    std::destroy_at(object);
    memory->deallocate(object, sizeof(Object), alignof(Object));
  }
};
template <class Object>
[[nodiscard]] std::unique_ptr<Object, EndIn<Object>> make_in(std::pmr::memory_resource* memory) {
  void* room = memory->allocate(sizeof(Object), alignof(Object));
  return {new (room) Object{}, EndIn<Object>{memory}};
}

template <class Value>
using StateVector = std::vector<Value, StateAllocator<Value>>;

}  // namespace weir::inline v0::detail

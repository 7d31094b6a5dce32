#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <new>
#include <string>
#include <type_traits>
#include <vector>

/// \file
/// Memory that values own beside their place in the state, counted for the operator that keeps them.

namespace weir::inline v0 {

namespace detail {

/// Counts what the values of one operator own, and takes it from the memory of the graph.
class OwnedMemory {
 public:
  explicit OwnedMemory(std::pmr::memory_resource* memory) noexcept : memory_(memory) {}
  OwnedMemory(const OwnedMemory&) = delete;
  OwnedMemory& operator=(const OwnedMemory&) = delete;
  /// The operator is gone; this goes with the last piece.
  void end() noexcept;

  [[nodiscard]] std::size_t size_bytes() const noexcept { return bytes_; }

  /// What values allocate on this thread while this lives is the operator's; nobody's if it is null.
  class Scope {
   public:
    explicit Scope(OwnedMemory* memory) noexcept;
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    ~Scope();

   private:
    OwnedMemory* before_;
  };

  /// Bytes of whoever is in scope. `give_back` finds the one they came from, wherever it is called.
  [[nodiscard]] static void* take(std::size_t bytes, std::size_t alignment);
  static void give_back(void* piece, std::size_t bytes, std::size_t alignment) noexcept;

 private:
  ~OwnedMemory() = default;

  std::pmr::memory_resource* memory_;
  std::size_t bytes_ = 0;
  bool is_ended_ = false;
};

/// A node of a type that says so keeps values that may own memory.
template <class NodeType>
inline constexpr bool values_own_memory = requires {
  requires NodeType::values_own_memory;
};

/// The scope of a node's values; of other nodes nothing.
template <class NodeType>
struct ValueScope {
  explicit ValueScope(const NodeType& /*node*/) noexcept {}
};
template <class NodeType>
requires values_own_memory<NodeType>
struct ValueScope<NodeType> : OwnedMemory::Scope {
  explicit ValueScope(const NodeType& node) noexcept : Scope(node.value_memory()) {}
};

}  // namespace detail

/// For containers in a State: what they hold is counted in `OperatorStats::state_bytes`, weighs in `KeyBySpec::most_bytes`, and comes
/// from `GraphSpec::memory`. Without a pipeline it is `new` and `delete`.
///
/// Shape:   no members: a container is as large with it as without
/// Memory:  8 bytes more for each piece, or its alignment if that is more
/// Errors:  as the memory that it takes from. One thread at a time: a pipeline's
template <class Value>
class OwnedAllocator {
 public:
  using value_type = Value;

  constexpr OwnedAllocator() noexcept = default;
  template <class Other>
  constexpr OwnedAllocator(const OwnedAllocator<Other>& /*other*/) noexcept {}

  [[nodiscard]] constexpr Value* allocate(std::size_t count) {
    // Of what no memory has so much the standard's allocator says so.
    if (std::is_constant_evaluated() || count > most) return std::allocator<Value>{}.allocate(count);
    return static_cast<Value*>(detail::OwnedMemory::take(count * value_bytes, alignof(Value)));
  }
  constexpr void deallocate(Value* values, std::size_t count) noexcept {
    if (std::is_constant_evaluated()) return std::allocator<Value>{}.deallocate(values, count);
    detail::OwnedMemory::give_back(values, count * value_bytes, alignof(Value));
  }

  template <class Other>
  friend constexpr bool operator==(const OwnedAllocator& /*one*/,
                                   const OwnedAllocator<Other>& /*other*/) noexcept {
    return true;
  }

 private:
  // NOLINTNEXTLINE(bugprone-sizeof-expression): a list of pointers holds the pointers themselves
  static constexpr std::size_t value_bytes = sizeof(Value);
  static constexpr std::size_t most = PTRDIFF_MAX / value_bytes;
};

/// A list in a State, such as a custom aggregator's. See `OwnedAllocator`.
template <class Value>
using OwnedVector = std::vector<Value, OwnedAllocator<Value>>;
/// A text in a State.
using OwnedString = std::basic_string<char, std::char_traits<char>, OwnedAllocator<char>>;

}  // namespace weir::inline v0

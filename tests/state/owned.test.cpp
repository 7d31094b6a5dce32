#include <weir/state/owned.hpp>

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <new>
#include <optional>
#include <utility>

#include "catch.hpp"

// What values own is counted for the operator in whose scope it was allocated, and goes back to where it came from.

namespace {

using weir::OwnedAllocator;
using weir::OwnedString;
using weir::OwnedVector;
using weir::detail::OwnedMemory;

/// Counts what is taken, and can refuse.
class Counted final : public std::pmr::memory_resource {
 public:
  [[nodiscard]] std::size_t live() const { return live_; }
  void refuse() { refuses_ = true; }

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    if (refuses_) throw std::bad_alloc();
    live_ += bytes;
    return std::pmr::new_delete_resource()->allocate(bytes, alignment);
  }
  void do_deallocate(void* piece, std::size_t bytes, std::size_t alignment) override {
    live_ -= bytes;
    std::pmr::new_delete_resource()->deallocate(piece, bytes, alignment);
  }
  [[nodiscard]] bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
    return this == &other;
  }

  std::size_t live_ = 0;
  bool refuses_ = false;
};

struct End {
  void operator()(OwnedMemory* memory) const noexcept { memory->end(); }
};
using Owner = std::unique_ptr<OwnedMemory, End>;

static_assert(sizeof(OwnedVector<int>) == sizeof(std::vector<int>));
static_assert(sizeof(OwnedString) == sizeof(std::string));

TEST_CASE("pieces are counted for who is in scope, and leave it wherever they end") {
  Counted memory;
  const Owner one(new OwnedMemory(&memory)), other(new OwnedMemory(&memory));
  OwnedVector<std::uint64_t> list, nobodys;
  nobodys.resize(10);
  {
    const OwnedMemory::Scope scope(one.get());
    list.resize(100);
    {
      const OwnedMemory::Scope inner(other.get());
      OwnedVector<std::uint64_t> more(50);
      CHECK(other->size_bytes() == 50 * 8 + 8);
      more = std::move(list);
      CHECK(other->size_bytes() == 0);
      list = more;
      CHECK(other->size_bytes() == 100 * 8 + 8);
      const OwnedMemory::Scope none(nullptr);
      nobodys.resize(20);
    }
    CHECK(one->size_bytes() == 0);
  }
  CHECK(other->size_bytes() == 100 * 8 + 8);
  CHECK(memory.live() == other->size_bytes());
  list = {};
  list.shrink_to_fit();
  CHECK(other->size_bytes() == 0);
  CHECK(memory.live() == 0);
}

struct alignas(64) Line {
  std::byte bytes[64];
};

TEST_CASE("pieces are aligned as their values are") {
  Counted memory;
  const Owner owner(new OwnedMemory(&memory));
  const OwnedMemory::Scope scope(owner.get());
  OwnedVector<Line> lines;
  OwnedVector<char> bytes;
  OwnedVector<long double> wide;
  for (std::size_t i = 1; i < 100; ++i) {
    lines.resize(i);
    bytes.resize(i);
    wide.resize(i);
    CHECK(reinterpret_cast<std::uintptr_t>(lines.data()) % 64 == 0);
    CHECK(reinterpret_cast<std::uintptr_t>(wide.data()) % alignof(long double) == 0);
    CHECK(memory.live() == owner->size_bytes());
  }
}

TEST_CASE("what outlives its operator is still given back to the operator's memory") {
  Counted memory;
  Owner owner(new OwnedMemory(&memory));
  std::optional<OwnedString> text;
  {
    const OwnedMemory::Scope scope(owner.get());
    text.emplace(1000, 'x');
  }
  owner.reset();
  CHECK(memory.live() > 1000);
  CHECK(text->size() == 1000);
  text->append(5000, 'y');  // nobody is in scope: from `new`
  CHECK(memory.live() == 0);
}

TEST_CASE("memory that is refused, or that nobody has, is refused as new does, and nothing is counted") {
  Counted memory;
  const Owner owner(new OwnedMemory(&memory));
  const OwnedMemory::Scope scope(owner.get());
  OwnedAllocator<std::uint64_t> allocator;
  CHECK_THROWS_AS(allocator.allocate(~std::size_t{0}), std::bad_alloc);
  CHECK_THROWS_AS(allocator.allocate(~std::size_t{0} / 8), std::bad_alloc);
  memory.refuse();
  CHECK_THROWS_AS(allocator.allocate(1), std::bad_alloc);
  CHECK(owner->size_bytes() == 0);
  CHECK(memory.live() == 0);
}

constexpr bool works_in_constants() {
  OwnedAllocator<int> allocator;
  int* const numbers = allocator.allocate(3);
  for (int i = 0; i < 3; ++i) std::construct_at(numbers + i, i);
  const bool is_right = numbers[2] == 2;
  allocator.deallocate(numbers, 3);
  return is_right;
}
static_assert(works_in_constants());

}  // namespace

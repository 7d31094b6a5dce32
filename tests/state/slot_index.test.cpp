#include <weir/state/slot_index.hpp>

#include <cstdint>
#include <random>
#include <unordered_map>
#include <vector>

#include "catch.hpp"

namespace {

/// An index over hashes that the test chooses, and what it should hold. Marks of 64 bits are the keys themselves.
template <class Mark>
class Checked {
 public:
  void insert(std::uint64_t hash) {
    while (index_.is_full(hash)) {
      if (!index_.can_split(hash)) return;
      index_.split(hash, [this](weir::Slot slot) { return hashes_[slot]; });
    }
    const auto slot = static_cast<weir::Slot>(hashes_.size());
    hashes_.push_back(hash);
    index_.insert(hash, mark(slot), slot);
    slots_.emplace(slot, hash);
  }
  void erase(weir::Slot slot) {
    const auto at = slots_.find(slot);
    if (at == slots_.end()) return;
    index_.erase(at->second, slot);
    slots_.erase(at);
  }
  void check(weir::Slot slot) const {
    const auto at = slots_.find(slot);
    const bool is_there = at != slots_.end();
    const weir::Slot found = index_.view().find(hashes_[slot], mark(slot), [slot](weir::Slot candidate) {
      if (sizeof(Mark) == 8) REQUIRE(candidate == slot);
      return candidate == slot;
    });
    REQUIRE(found == (is_there ? slot : weir::no_slot));
  }
  void check_all() const {
    REQUIRE(index_.size() == slots_.size());
    for (weir::Slot slot = 0; slot < hashes_.size(); ++slot) check(slot);
  }
  [[nodiscard]] std::size_t made() const { return hashes_.size(); }

 private:
  [[nodiscard]] Mark mark(weir::Slot slot) const {
    if constexpr (sizeof(Mark) == 8) {
      return slot;
    } else {
      return weir::SlotIndex<Mark>::hash_mark(hashes_[slot]);
    }
  }

  weir::SlotIndex<Mark> index_;
  std::vector<std::uint64_t> hashes_;
  std::unordered_map<weir::Slot, std::uint64_t> slots_;
};

template <class Mark>
void random_operations(std::uint64_t mask, std::uint64_t spread, std::size_t count) {
  std::mt19937_64 random(mask ^ spread ^ 3);
  Checked<Mark> index;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t hash = (random() & mask) * spread;
    if (random() % 3 != 0 || index.made() == 0) {
      index.insert(hash);
    } else {
      index.erase(static_cast<weir::Slot>(random() % index.made()));
    }
    if (i % 4096 == 0) index.check_all();
  }
  index.check_all();
}

TEMPLATE_TEST_CASE("the index holds what was inserted and not erased", "", std::uint32_t, std::uint64_t) {
  random_operations<TestType>(~std::uint64_t{0}, 1, 60'000);
}

TEMPLATE_TEST_CASE("hashes with few different bits, low or high, cost time but lose nothing", "",
                   std::uint32_t, std::uint64_t) {
  random_operations<TestType>(0xFF, 1, 2'000);                         // all lines, one tag, one segment
  random_operations<TestType>(0xFFFF, std::uint64_t{1} << 7, 30'000);  // one line, many tags
  random_operations<TestType>(0xFFF, std::uint64_t{1} << 52, 20'000);  // only the directory tells them apart
  random_operations<TestType>(0, 1, 2'000);                            // all the same
}

TEMPLATE_TEST_CASE(
    "as many equal hashes as a segment holds are kept: more are refused instead of splitting for ever", "",
    std::uint32_t, std::uint64_t) {
  weir::SlotIndex<TestType> index;
  std::size_t kept = 0;
  const std::uint64_t hash = 0x123456789ABCDEF0;
  while (!index.is_full(hash) || index.can_split(hash)) {
    if (index.is_full(hash)) {
      index.split(hash, [&](weir::Slot) { return hash; });
      REQUIRE(index.size() == kept);
      if (index.size_bytes() > (std::size_t{600} << 20)) break;
      continue;
    }
    index.insert(hash, TestType{7}, static_cast<weir::Slot>(kept++));
  }
  CHECK(kept >= 400);
  CHECK(kept < 2'000);
  for (weir::Slot slot = 0; slot < kept; ++slot) {
    CHECK(index.view().find(hash, TestType{7}, [slot](weir::Slot candidate) { return candidate == slot; }) ==
          slot);
  }
}

TEST_CASE("is_same is asked only where 32 bits of the hash agree") {
  using Index = weir::SlotIndex<std::uint32_t>;
  Index index;
  std::mt19937_64 random(5);
  for (weir::Slot slot = 0; slot < 500; ++slot) {
    const std::uint64_t hash = random();
    index.insert(hash, Index::hash_mark(hash), slot);
  }
  std::size_t asked = 0;
  for (int i = 0; i < 10'000; ++i) {
    const std::uint64_t hash = random();
    static_cast<void>(index.view().find(hash, Index::hash_mark(hash), [&asked](weir::Slot) {
      ++asked;
      return false;
    }));
  }
  CHECK(asked <= 2);
}

}  // namespace

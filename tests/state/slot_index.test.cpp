#include <weir/state/slot_index.hpp>

#include <cstdint>
#include <random>
#include <unordered_map>
#include <vector>

#include "catch.hpp"

namespace {

/// An index over hashes that the test chooses, and what it should hold.
class Checked {
 public:
  void insert(std::uint64_t hash) {
    while (index_.is_full(hash)) {
      if (!index_.can_split(hash)) return;
      index_.split(hash, [this](weir::Slot slot) { return hashes_[slot]; });
    }
    const auto slot = static_cast<weir::Slot>(hashes_.size());
    hashes_.push_back(hash);
    index_.insert(hash, slot);
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
    const weir::Slot found = index_.view().find(hashes_[slot], [slot](weir::Slot candidate) { return candidate == slot; });
    REQUIRE(found == (is_there ? slot : weir::no_slot));
  }
  void check_all() const {
    REQUIRE(index_.size() == slots_.size());
    for (weir::Slot slot = 0; slot < hashes_.size(); ++slot) check(slot);
  }
  [[nodiscard]] std::size_t made() const { return hashes_.size(); }
  [[nodiscard]] const weir::SlotIndex& index() const { return index_; }

 private:
  weir::SlotIndex index_;
  std::vector<std::uint64_t> hashes_;
  std::unordered_map<weir::Slot, std::uint64_t> slots_;
};

void random_operations(std::uint64_t mask, std::uint64_t spread, std::size_t count) {
  std::mt19937_64 random(mask ^ spread ^ 3);
  Checked index;
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

TEST_CASE("the index holds what was inserted and not erased") { random_operations(~std::uint64_t{0}, 1, 60'000); }

TEST_CASE("hashes with few different bits, low or high, cost time but lose nothing") {
  random_operations(0xFF, 1, 2'000);                            // all lines, one tag, one segment
  random_operations(0xFFFF, std::uint64_t{1} << 7, 30'000);     // one line, many tags
  random_operations(0xFFF, std::uint64_t{1} << 52, 20'000);     // only the directory tells them apart
  random_operations(0, 1, 2'000);                               // all the same
}

TEST_CASE("as many equal hashes as a segment holds are kept; more are refused instead of splitting for ever") {
  weir::SlotIndex index;
  std::size_t kept = 0;
  const std::uint64_t hash = 0x123456789ABCDEF0;
  while (!index.is_full(hash) || index.can_split(hash)) {
    if (index.is_full(hash)) {
      index.split(hash, [hash](weir::Slot) { return hash; });
      REQUIRE(index.size() == kept);
      if (index.size_bytes() > (std::size_t{600} << 20)) break;
      continue;
    }
    index.insert(hash, static_cast<weir::Slot>(kept++));
  }
  CHECK(kept >= 500);
  CHECK(kept < 2'000);
  for (weir::Slot slot = 0; slot < kept; ++slot) {
    CHECK(index.view().find(hash, [slot](weir::Slot candidate) { return candidate == slot; }) == slot);
  }
}

TEST_CASE("is_same is asked only where 32 bits of the hash agree") {
  weir::SlotIndex index;
  std::mt19937_64 random(5);
  for (weir::Slot slot = 0; slot < 500; ++slot) index.insert(random(), slot);
  std::size_t asked = 0;
  for (int i = 0; i < 10'000; ++i) {
    static_cast<void>(index.view().find(random(), [&asked](weir::Slot) {
      ++asked;
      return false;
    }));
  }
  CHECK(asked <= 2);
}

}  // namespace

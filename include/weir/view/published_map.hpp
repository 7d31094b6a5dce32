#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include <weir/base/assert.hpp>
#include <weir/base/hash.hpp>
#include <weir/state/column.hpp>
#include <weir/state/key.hpp>
#include <weir/view/published_core.hpp>

/// \file
/// PublishedMap: rows that one thread publishes and any number of threads read.

namespace weir::inline v0::detail {

/// What a read of a published map found.
enum class ReadOutcome : std::uint8_t {
  found,
  missing,  ///< there is no row under this key
  closed,   ///< the writer has closed the map, or is gone
};

/// Reads rows of a published map. Made by any thread, used by one at a time; it may outlive the map.
///
/// Time:    read: constant, whatever the writer and other readers do; no loop that waits, no lock, no
///          allocation but what copying the value takes. 64 lines of the index at most, 1 expected
/// Memory:  128 bytes
template <class KeyType, class Value>
class PublishedReader {
  using Core = PublishedCore<KeyType, Value>;
  using Cell = typename Core::Cell;

 public:
  /// How the keys of a batch are given.
  using BatchKey = detail::BatchKey<KeyType>;

  /// A reader of nothing: every read says `closed`.
  PublishedReader() = default;
  explicit PublishedReader(std::shared_ptr<Core> core)
      : core_(std::move(core)), place_(core_->gate.enrol()) {}
  PublishedReader(const PublishedReader&) = delete;
  PublishedReader& operator=(const PublishedReader&) = delete;
  PublishedReader(PublishedReader&& other) noexcept
      : core_(std::move(other.core_)), place_(std::exchange(other.place_, nullptr)) {}
  PublishedReader& operator=(PublishedReader&& other) noexcept {
    core_.swap(other.core_);
    std::swap(place_, other.place_);
    return *this;
  }
  ~PublishedReader() {
    if (place_ != nullptr) core_->gate.dismiss(place_);
  }

  /// Calls `visit(row)` with the row of a key, if it has one: all of one publication, the newest one or, if that
  /// came during the read, the one before. The row is good until the callback returns; the reader must not be
  /// used in it.
  template <class Visitor>
  [[nodiscard]] ReadOutcome read_in_place(KeyView<KeyType> key, Visitor&& visit) const {
    if (place_ == nullptr) return ReadOutcome::closed;
    const std::uint64_t hash = hash_key(key, core_->seed);
    const EpochGate::Visit stay(core_->gate, *place_);
    if (stay.is_closed()) return ReadOutcome::closed;
    const PublishedSegment& segment = *core_->index.directory().segment_of(hash);
    const void* cell = PublishedIndex::find(segment, hash, typename Core::IsUnder{key}).cell;
    if (cell == nullptr) return ReadOutcome::missing;
    visit(static_cast<const Cell*>(cell)->value);
    WEIR_ASSERT(stay.is_announced(), "a reader is not used inside its own callback");
    return ReadOutcome::found;
  }
  /// Copies the row of a key into `value`, which stays as it is unless the row is found.
  [[nodiscard]] ReadOutcome read(KeyView<KeyType> key, Value& value) const {
    return read_in_place(key, [&value](const Value& row) { value = row; });
  }

  /// Calls `visit(i, row)` for each key in turn, with a null pointer if it has no row. Each row was the
  /// newest of its key at some moment of the call. The pointer is good until the callback returns; the reader
  /// must not be used in it. `found` if all were, `missing` if one was not, `closed` without any call. Until
  /// it returns, the writer uses nothing again that it replaces meanwhile.
  template <class Visitor>
  [[nodiscard]] ReadOutcome read_all(std::span<const BatchKey> keys, Visitor&& visit) const {
    if (place_ == nullptr) return ReadOutcome::closed;
    const EpochGate::Visit stay(core_->gate, *place_);
    if (stay.is_closed()) return ReadOutcome::closed;
    bool is_complete = true;
    for (std::size_t first = 0; first < keys.size(); first += group) {
      const std::size_t count = std::min(group, keys.size() - first);
      is_complete = read_group(stay, keys.subspan(first, count), first, visit) && is_complete;
    }
    return is_complete ? ReadOutcome::found : ReadOutcome::missing;
  }

 private:
  static constexpr std::size_t group = 32;

  /// Asks for all lines, then for all cells, then looks: the misses of a group overlap.
  template <class Visitor>
  [[nodiscard]] bool read_group(const EpochGate::Visit& stay, std::span<const BatchKey> keys,
                                std::size_t first, Visitor& visit) const {
    const PublishedDirectory& directory = core_->index.directory();
    std::array<std::uint64_t, group> hashes;
    std::array<const PublishedSegment*, group> segments;
    std::array<const void*, group> guesses;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      hashes[i] = hash_key(keys[i], core_->seed);
      segments[i] = directory.segment_of(hashes[i]);
      prefetch_for_read(&segments[i]->lines[PublishedIndex::line_of(hashes[i])]);
    }
    for (std::size_t i = 0; i < keys.size(); ++i) {
      guesses[i] = PublishedIndex::guess(*segments[i], hashes[i]);
      const auto* bytes = static_cast<const std::byte*>(guesses[i]);
      prefetch_for_read(bytes);  // of null: does nothing
      if (bytes != nullptr && sizeof(Cell) > cache_line_bytes) prefetch_for_read(bytes + cache_line_bytes);
    }
    bool is_complete = true;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const typename Core::IsUnder is_same{keys[i]};
      const void* cell = guesses[i];
      if (cell == nullptr || !is_same(cell)) [[unlikely]]
        cell = PublishedIndex::find(*segments[i], hashes[i], is_same).cell;
      is_complete = is_complete && cell != nullptr;
      visit(first + i, cell == nullptr ? nullptr : &static_cast<const Cell*>(cell)->value);
      WEIR_ASSERT(stay.is_announced(), "a reader is not used inside its own callback");
    }
    return is_complete;
  }

  std::shared_ptr<Core> core_;
  ReaderPlace* place_ = nullptr;
};

/// A map that one thread writes and any number of threads read, each row whole.
///
/// A row never changes once it is published: a new one takes its place through one pointer, and the old one
/// is used again when every reader that could see it has left (`EpochGate`). A reader that stops inside a
/// read therefore holds back memory, never the writer.
///
/// Needs:   Value copied and assigned by copy, on readers' threads and the writer's; ended on either
/// Time:    publish, erase: 1 expected; no call but `collect` and `close` has a pause that grows with the
///          map, except for copying the directory, 8 bytes per 200 keys, when the map doubles. The writer
///          never waits
/// Memory:  a cell per row (key and value; 8 bytes more for keys that are not 64 bits), 12 to 25 bytes of
///          index, some 3 % of rows that wait to be used again. It comes back: unless a reader stops, about a
///          quarter is free at most, and after `collect` a sixteenth, and one slab
/// Errors:  publishing after `close` is a programmer error (WEIR_ASSERT). What an allocation or the copy of a
///          value throws passes through, and leaves the rows as they were
/// Source:  see `EpochGate` and `PublishedIndex`
template <class KeyType, class Value>
class PublishedMap {
  using Core = PublishedCore<KeyType, Value>;
  using Cell = typename Core::Cell;
  static_assert(Key<KeyType>, "weir: the key of a published map is what key_by takes");
  static_assert(std::is_copy_constructible_v<Value> && std::is_copy_assignable_v<Value>,
                "weir: the value of a published map is copied to its readers; give it a copy constructor and "
                "assignment");

 public:
  using Reader = PublishedReader<KeyType, Value>;

  explicit PublishedMap(const HashSeed& seed = {}) : core_(std::make_shared<Core>(seed)) {}
  PublishedMap(const PublishedMap&) = delete;
  PublishedMap& operator=(const PublishedMap&) = delete;
  ~PublishedMap() { close(); }

  /// One more reader. From any thread, while the map lives.
  [[nodiscard]] Reader reader() const { return Reader(core_); }

  /// Puts the row of a key in place of the one before. False, and nothing changed, only when 448 keys have
  /// the same hash in all bits that tell keys apart at this size; who does not know the seed cannot choose
  /// such keys.
  template <class Given>
  [[nodiscard]] bool publish(KeyView<KeyType> key, Given&& value) {
    tend();
    const std::uint64_t hash = hash_key(key, core_->seed);
    const PublishedIndex::Found old = core_->index.find(hash, typename Core::IsUnder{key});
    if (old.cell == nullptr && !make_place(hash)) return false;
    core_->retired.reserve(1);
    Cell* cell = make_cell(key, hash, std::forward<Given>(value));
    if (old.cell == nullptr) {
      core_->index.insert(hash, cell);
    } else {
      old.place->store(cell, std::memory_order_release);
      retire(old.cell);
    }
    return true;
  }

  /// Takes the row of a key away. Whether there was one.
  bool erase(KeyView<KeyType> key) {
    tend();
    const std::uint64_t hash = hash_key(key, core_->seed);
    if (core_->index.can_merge(hash, PublishedIndex::merge_loose)) merge(hash);
    const PublishedIndex::Found old = core_->index.find(hash, typename Core::IsUnder{key});
    if (old.cell == nullptr) return false;
    core_->retired.reserve(1);
    core_->index.erase(hash, old.cell);
    retire(old.cell);
    has_erased_ = true;
    return true;
  }

  /// Every read from now on says `closed`. Memory is given back at once if no reader is inside one, else with
  /// the last reader, or by `collect`. Closing twice is closing once.
  void close() noexcept {
    core_->gate.close();
    if (is_unseen()) core_->clear();
  }

  [[nodiscard]] std::size_t size() const noexcept { return core_->index.size(); }
  /// Everything that is allocated: rows, index, what waits for readers, their places. What values hold
  /// themselves is theirs.
  [[nodiscard]] std::size_t size_bytes() const noexcept { return core_->size_bytes(); }

  /// Gives back what no reader can see, and moves rows together so that there is more of it. Takes time in
  /// proportion to what is moved, and to the size of the index if anything was erased; never waits.
  void collect() {
    if (core_->gate.is_closed()) return close();
    SlabPool& slabs = core_->slabs;
    release_all();
    if (has_erased_) merge_all();
    while (core_->retired.is_empty() && slabs.free() > slabs.taken() / 16 + slabs.pieces_per_slab() &&
           (slabs.is_draining() || slabs.begin_drain())) {
      while (slabs.is_draining()) move_drained();
      release_all();
    }
    slabs.trim();
    core_->retired.trim();
  }

 private:
  static constexpr std::size_t moves_per_call = 2;     // of rows out of a sparse slab
  static constexpr std::size_t releases_per_call = 4;  // more than a call retires
  static constexpr std::size_t merges_at_once = 64;    // before their segments are released

  /// How many calls share one look at the readers' places; about as many rows wait to be used again, or
  /// twice.
  [[nodiscard]] std::size_t calls_per_epoch() const noexcept {
    return std::clamp<std::size_t>(core_->index.size() / 64, 32, 1024);
  }

  /// A bounded part of what `collect` does, before each change: what throws here leaves the rows as they
  /// were.
  void tend() {
    WEIR_ASSERT(!core_->gate.is_closed(), "a closed map is not written to");
    if (++calls_ >= calls_per_epoch()) advance();
    for (std::size_t i = 0; i < releases_per_call && is_front_unseen() && !is_front_wanted(); ++i)
      core_->release_front();
    SlabPool& slabs = core_->slabs;
    const bool is_sparse = slabs.free() > slabs.taken() / 4 + 2 * slabs.pieces_per_slab();
    if (!slabs.is_draining() && (!is_sparse || !slabs.begin_drain())) return;
    for (std::size_t i = 0; i < moves_per_call; ++i) move_drained();
  }
  void advance() noexcept {
    calls_ = 0;
    unseen_below_ = core_->gate.advance();
  }
  /// Whether no reader is inside a read that began before this call.
  [[nodiscard]] bool is_unseen() noexcept {
    advance();
    return unseen_below_ == core_->gate.epoch();
  }
  [[nodiscard]] bool is_front_unseen() const noexcept {
    return !core_->retired.is_empty() && core_->retired.front().tag < unseen_below_;
  }
  /// Whether the oldest of what was retired is a cell to be used again as it is.
  [[nodiscard]] bool is_front_wanted() const noexcept {
    const RetiredQueue& retired = core_->retired;
    return std::is_nothrow_move_constructible_v<Cell> && retired.front().kind() == RetiredQueue::Kind::cell &&
           retired.size() <= 4 * calls_per_epoch() && !core_->slabs.is_drained(retired.front().memory);
  }
  void release_all() noexcept {
    advance();
    while (is_front_unseen()) core_->release_front();
  }

  /// Room in the index for one more key under this hash.
  [[nodiscard]] bool make_place(std::uint64_t hash) {
    while (core_->index.is_full(hash)) {
      core_->retired.reserve(most_replaced);
      retire(core_->index.split(hash));
    }
    return core_->index.has_room(hash);
  }
  void merge(std::uint64_t hash) {
    core_->retired.reserve(most_replaced);
    retire(core_->index.merge(hash));
  }
  void merge_all() {
    std::size_t merged = 0;
    std::uint64_t hash = 0;
    do {
      for (; core_->index.can_merge(hash, PublishedIndex::merge_tight); ++merged) {
        if (merged % merges_at_once == 0) release_all();
        merge(hash);
      }
      hash = core_->index.next_segment(hash);
    } while (hash != 0);
    has_erased_ = false;
    release_all();
  }

  /// A row that no pointer leads to yet: in a cell that has waited long enough, or in a new one.
  template <class Given>
  [[nodiscard]] Cell* make_cell(KeyView<KeyType> key, std::uint64_t hash, Given&& value) {
    if constexpr (std::is_nothrow_move_constructible_v<Cell>) {
      if (is_front_unseen() && is_front_wanted()) {
        Cell fresh = Core::cell(key, hash, std::forward<Given>(value));
        auto* cell = static_cast<Cell*>(core_->retired.front().memory);
        core_->retired.pop();
        std::destroy_at(cell);
        return new (cell) Cell(std::move(fresh));
      }
    }
    auto* cell = new (core_->slabs.room()) Cell(Core::cell(key, hash, std::forward<Given>(value)));
    core_->slabs.take(cell);
    return cell;
  }
  /// Copies the next row of the slab that is drained to a fuller one, if it is still the row of its key.
  void move_drained() {
    core_->retired.reserve(1);
    void* from = core_->slabs.next_drained();
    if (from == nullptr) return;
    const Cell& row = *static_cast<Cell*>(from);
    const PublishedIndex::Found found =
        core_->index.find(row.hash_under(core_->seed), [from](const void* cell) { return cell == from; });
    if (found.cell == nullptr) return;
    auto* cell = new (core_->slabs.room()) Cell(row);
    core_->slabs.take(cell);
    found.place->store(cell, std::memory_order_release);
    retire(from);
  }

  static constexpr std::size_t most_replaced = 3;  // pieces of the index by one split or merge
  void retire(void* cell) noexcept { core_->retire(cell, RetiredQueue::Kind::cell, 0); }
  void retire(const PublishedIndex::Replaced& replaced) noexcept {
    for (PublishedSegment* segment : replaced.segments)
      if (segment != nullptr) core_->retire(segment, RetiredQueue::Kind::segment, sizeof(PublishedSegment));
    if (replaced.directory == nullptr) return;
    core_->retire(replaced.directory, RetiredQueue::Kind::directory,
                  PublishedDirectory::bytes_of(replaced.directory->depth()));
  }

  std::shared_ptr<Core> core_;
  std::uint64_t unseen_below_ = 0;  // no reader can see what has a tag below
  std::size_t calls_ = 0;           // since the epoch began
  bool has_erased_ = false;         // since segments were last merged
};

}  // namespace weir::inline v0::detail

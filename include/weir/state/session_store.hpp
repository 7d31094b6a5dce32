#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <new>
#include <utility>

#include <weir/state/column.hpp>
#include <weir/state/pool.hpp>

/// \file
/// The live sessions of every key: one in the key's line, the others in an ordered map.

namespace weir::inline v0::detail {

/// Gives nodes of a map from a pool of equal pieces.
template <class Value>
class PoolAllocator {
 public:
  using value_type = Value;
  explicit PoolAllocator(RawPool& pool) noexcept : pool_(&pool) {}
  template <class Other>
  PoolAllocator(const PoolAllocator<Other>& other) noexcept : pool_(other.pool_) {}

  [[nodiscard]] Value* allocate(std::size_t count) {
    return static_cast<Value*>(fits(count) ? pool_->take() : ::operator new(count * sizeof(Value)));
  }
  void deallocate(Value* piece, std::size_t count) noexcept {
    if (fits(count)) {
      pool_->give_back(piece);
    } else {
      ::operator delete(piece);
    }
  }
  friend bool operator==(const PoolAllocator& a, const PoolAllocator& b) noexcept { return a.pool_ == b.pool_; }

 private:
  template <class>
  friend class PoolAllocator;
  [[nodiscard]] bool fits(std::size_t count) const noexcept {
    return count == 1 && sizeof(Value) <= pool_->piece_bytes() && alignof(Value) <= alignof(std::max_align_t);
  }
  RawPool* pool_;
};

/// Per slot any number of sessions, ordered by (first, id). `Session` has members `first` and `id`; an id of 0 is none.
///
/// Time:    a key's only session 1; else O(log sessions of the key)
/// Memory:  a line per slot, and a map node per further session
template <class Session>
class SessionStore {
  using Place = std::pair<decltype(Session::first), std::uint64_t>;
  using Allocator = PoolAllocator<std::pair<const Place, Session>>;
  using Map = std::map<Place, Session, std::less<Place>, Allocator>;

 public:
  SessionStore() = default;
  SessionStore(const SessionStore&) = delete;
  SessionStore& operator=(const SessionStore&) = delete;
  ~SessionStore() {
    for (std::size_t slot = 0; slot < slots(); ++slot) drop_map(lines_[static_cast<Slot>(slot)]);
  }

  void grow(std::size_t slots) { lines_.grow(slots); }
  [[nodiscard]] std::size_t slots() const noexcept { return lines_.size(); }
  [[nodiscard]] bool is_empty(Slot slot) const noexcept {
    return lines_[slot].session.id == 0 && lines_[slot].others == nullptr;
  }
  void prefetch(Slot slot) const noexcept { prefetch_for_write(&lines_[slot]); }
  /// The key's session if it has exactly one, else null.
  [[nodiscard]] Session* only(Slot slot) noexcept {
    Line& line = lines_[slot];
    return line.others == nullptr && line.session.id != 0 ? &line.session : nullptr;
  }
  /// Adds a session. Sessions found before may move.
  Session& add(Slot slot, Session session) {
    Line& line = lines_[slot];
    if (line.session.id == 0) {
      line.session = std::move(session);
      return line.session;
    }
    if (line.others == nullptr) line.others = new (maps_.take()) Map(Allocator(nodes_));
    const Place place{session.first, session.id};
    return line.others->emplace(place, std::move(session)).first->second;
  }
  [[nodiscard]] Session* find(Slot slot, decltype(Session::first) first, std::uint64_t id) noexcept {
    Line& line = lines_[slot];
    if (line.session.id == id) return &line.session;
    if (line.others == nullptr) return nullptr;
    const auto at = line.others->find({first, id});
    return at == line.others->end() ? nullptr : &at->second;
  }
  void erase(Slot slot, const Session& session) {
    Line& line = lines_[slot];
    if (&line.session == &session) {
      line.session = Session{};
      return;
    }
    line.others->erase({session.first, session.id});
    if (line.others->empty()) drop_map(line);
  }
  /// Calls `visit(session)` for the key's sessions with first <= `last`, from the newest to the oldest by `first`, until
  /// it returns false. The session in the line comes at no particular place; for it the answer is ignored.
  template <class Visit>
  void visit_backwards(Slot slot, decltype(Session::first) last, Visit&& visit) {
    Line& line = lines_[slot];
    if (line.session.id != 0 && line.session.first <= last) static_cast<void>(visit(line.session));
    if (line.others == nullptr) return;
    for (auto at = line.others->upper_bound({last, ~std::uint64_t{0}}); at != line.others->begin();) {
      --at;
      if (!visit(at->second)) return;
    }
  }
  template <class Visit>
  void for_each(Slot slot, Visit&& visit) {
    Line& line = lines_[slot];
    if (line.session.id != 0) visit(line.session);
    if (line.others == nullptr) return;
    for (auto& [place, session] : *line.others) visit(session);
  }
  [[nodiscard]] std::size_t size_bytes() const noexcept {
    return lines_.size_bytes() + nodes_.size_bytes() + maps_.size_bytes();
  }

 private:
  struct Line {
    Session session{};
    Map* others = nullptr;
  };
  void drop_map(Line& line) noexcept {
    Map* others = std::exchange(line.others, nullptr);
    if (others == nullptr) return;
    std::destroy_at(others);
    maps_.give_back(others);
  }

  // A node of std::map is its value and, in every known library, at most four words and padding beside it.
  RawPool nodes_{sizeof(std::pair<const Place, Session>) + 6 * sizeof(void*), alignof(std::max_align_t)};
  RawPool maps_{sizeof(Map), alignof(Map)};
  Column<Line> lines_;
};

}  // namespace weir::inline v0::detail

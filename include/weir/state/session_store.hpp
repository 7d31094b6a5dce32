#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <new>
#include <utility>

#include <weir/state/column.hpp>
#include <weir/state/pool.hpp>

/// \file
/// The live sessions of every key: one in the key's line, the others in boxes.

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
  friend bool operator==(const PoolAllocator& a, const PoolAllocator& b) noexcept {
    return a.pool_ == b.pool_;
  }

 private:
  template <class>
  friend class PoolAllocator;
  [[nodiscard]] bool fits(std::size_t count) const noexcept {
    return count == 1 && sizeof(Value) <= pool_->piece_bytes() && alignof(Value) <= alignof(std::max_align_t);
  }
  RawPool* pool_;
};

/// Names a live session for as long as it lives: the slot of its key, and the box it lies in.
struct SessionPlace {
  Slot slot;
  std::uint32_t box;  ///< 0: none, it lies in the key's line

  friend constexpr bool operator==(SessionPlace, SessionPlace) = default;
};

/// Ids of sessions have 56 bits, so that flags fit beside them: at ten million sessions a second they last 200 years.
inline constexpr std::uint64_t most_session_id = (std::uint64_t{1} << 56) - 1;

/// An entry of a queue of deadlines. It is void once its session has another token or another id lies in its place.
struct SessionDeadline {
  std::uint64_t id : 56;
  std::uint64_t token : 8;
  SessionPlace place;
  friend bool operator<(const SessionDeadline& a, const SessionDeadline& b) { return a.id < b.id; }
};

/// Per slot any number of sessions, ordered by (first, id).
///
///     lines_     per slot: one of the key's sessions
///     boxes_     the others of all keys; they are put into boxes while the line is taken
///     orders_    per slot: which boxes belong to the key, by (first, id)
///     rests_     what is not needed for every record, beside lines_ and boxes_; only if the owner asks for it
///
/// `Session` has `id` (0: none), `first` and `is_one_of_many`: the key has boxes. All three are set here only, so that a
/// key without boxes is served from its line alone. A session never moves.
///
/// Time:    by place 1; a key's only session 1; else O(log sessions of the key)
/// Memory:  a line per slot, and a box and a map node per further session
template <class Session, class Rest>
class SessionStore {
  using Time = decltype(Session::first);
  using Rank = std::pair<Time, std::uint64_t>;
  using Allocator = PoolAllocator<std::pair<const Rank, std::uint32_t>>;
  using Order = std::map<Rank, std::uint32_t, std::less<Rank>, Allocator>;

 public:
  explicit SessionStore(bool has_rests) : has_rests_(has_rests) {}
  SessionStore(const SessionStore&) = delete;
  SessionStore& operator=(const SessionStore&) = delete;
  ~SessionStore() {
    for (std::size_t slot = 0; slot < orders_.size(); ++slot) drop_order(static_cast<Slot>(slot));
  }

  void grow(std::size_t slots) {
    lines_.grow(slots);
    if (has_rests_) rests_.grow(slots);
  }
  [[nodiscard]] std::size_t slots() const noexcept { return lines_.size(); }
  [[nodiscard]] bool is_empty(Slot slot) const noexcept {
    return lines_[slot].id == 0 && !lines_[slot].is_one_of_many;
  }
  void prefetch(SessionPlace place) const noexcept {
    const Session* session = place.box == 0 ? &lines_[place.slot] : &boxes_[place.box];
    prefetch_for_write(session);
    if constexpr (sizeof(Session) > cache_line_bytes) {
      prefetch_for_write(reinterpret_cast<const char*>(session) + cache_line_bytes);
    }
    if (has_rests_) prefetch_for_write(place.box == 0 ? &rests_[place.slot] : &box_rests_[place.box]);
  }

  [[nodiscard]] Session& operator[](SessionPlace place) noexcept {
    return place.box == 0 ? lines_[place.slot] : boxes_[place.box];
  }
  [[nodiscard]] Rest& rest(SessionPlace place) noexcept {
    return place.box == 0 ? rests_[place.slot] : box_rests_[place.box];
  }
  /// The lines, for loops in which they do not grow.
  [[nodiscard]] typename Column<Session>::View lines() const noexcept { return lines_.view(); }
  /// The key's session if it has exactly one and that lies in the line, else null.
  [[nodiscard]] Session* only(Slot slot) noexcept {
    Session& line = lines_[slot];
    return line.id != 0 && !line.is_one_of_many ? &line : nullptr;
  }

  SessionPlace add(Slot slot, Time first, std::uint64_t id) {
    const SessionPlace place{slot, lines_[slot].id == 0 ? 0 : take_box(slot, first, id)};
    Session& session = (*this)[place];
    session.id = id & most_session_id;
    session.first = first;
    return place;
  }
  /// Gives a session another first instant, or another id.
  void move_first(SessionPlace place, Time first) { move(place, {first, rank_of((*this)[place]).second}); }
  void move_id(SessionPlace place, std::uint64_t id) { move(place, {(*this)[place].first, id}); }
  void erase(SessionPlace place) {
    Session& session = (*this)[place];
    const Rank rank = rank_of(session);
    const bool is_one_of_many = session.is_one_of_many;
    session = Session{};
    if (has_rests_) rest(place) = Rest{};
    if (place.box == 0) {
      session.is_one_of_many = is_one_of_many;
      return;
    }
    free_.push_back(place.box);
    Order& order = *orders_[place.slot];
    order.erase(rank);
    if (order.empty()) drop_order(place.slot);
  }
  /// Calls `visit(place)` for the key's sessions with first <= `last`, from the newest to the oldest by `first`, until
  /// it returns false. The session in the line comes at no particular place; for it the answer is ignored.
  template <class Visit>
  void visit_backwards(Slot slot, Time last, Visit&& visit) {
    const Session& line = lines_[slot];
    if (line.id != 0 && line.first <= last) static_cast<void>(visit(SessionPlace{slot, 0}));
    if (!line.is_one_of_many) return;
    const Order& order = *orders_[slot];
    for (auto at = order.upper_bound({last, ~std::uint64_t{0}}); at != order.begin();) {
      --at;
      if (!visit(SessionPlace{slot, at->second})) return;
    }
  }
  template <class Visit>
  void for_each(Slot slot, Visit&& visit) const {
    const Session& line = lines_[slot];
    if (line.id != 0) visit(SessionPlace{slot, 0});
    if (!line.is_one_of_many) return;
    for (const auto& [rank, box] : *orders_[slot]) visit(SessionPlace{slot, box});
  }
  [[nodiscard]] std::size_t size_bytes() const noexcept {
    return lines_.size_bytes() + rests_.size_bytes() + boxes_.size_bytes() + box_rests_.size_bytes() +
           orders_.size_bytes() + nodes_.size_bytes() + maps_.size_bytes() +
           free_.capacity() * sizeof(std::uint32_t);
  }

 private:
  [[nodiscard]] static Rank rank_of(const Session& session) noexcept {
    return {session.first, std::uint64_t{session.id}};
  }

  void move(SessionPlace place, const Rank& to) {
    Session& session = (*this)[place];
    if (place.box != 0) {
      Order& order = *orders_[place.slot];
      auto node = order.extract(rank_of(session));
      node.key() = to;
      order.insert(std::move(node));
    }
    session.first = to.first;
    session.id = to.second & most_session_id;
  }
  [[gnu::noinline]] std::uint32_t take_box(Slot slot, Time first, std::uint64_t id) {
    if (free_.empty()) make_boxes();
    orders_.grow(slots());
    if (orders_[slot] == nullptr) orders_[slot] = new (maps_.take()) Order(Allocator(nodes_));
    const std::uint32_t box = free_.back();
    orders_[slot]->emplace(Rank{first, id}, box);
    free_.pop_back();
    lines_[slot].is_one_of_many = true;
    return box;
  }
  /// A chunk of boxes, the lowest one to be taken first. Box 0 stays unused.
  void make_boxes() {
    const std::size_t from = std::max<std::size_t>(1, boxes_.size());
    boxes_.grow(from + 1);
    if (has_rests_) box_rests_.grow(from + 1);
    free_.reserve(boxes_.size());
    for (std::size_t box = boxes_.size(); box > from; --box)
      free_.push_back(static_cast<std::uint32_t>(box - 1));
  }
  void drop_order(Slot slot) noexcept {
    Order* order = std::exchange(orders_[slot], nullptr);
    if (order == nullptr) return;
    std::destroy_at(order);
    maps_.give_back(order);
    lines_[slot].is_one_of_many = false;
  }

  bool has_rests_;
  // A node of std::map is its value and, in every known library, at most four words and padding beside it.
  RawPool nodes_{sizeof(std::pair<const Rank, std::uint32_t>) + 6 * sizeof(void*), alignof(std::max_align_t)};
  RawPool maps_{sizeof(Order), alignof(Order)};
  Column<Session> lines_;
  Column<Rest> rests_;
  Column<Session> boxes_;
  Column<Rest> box_rests_;
  Column<Order*> orders_;
  StateVector<std::uint32_t> free_;  // boxes; room for all of them, so that giving one back cannot fail
};

}  // namespace weir::inline v0::detail

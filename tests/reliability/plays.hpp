#pragma once

#include <weir/weir.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

// Small scripts over every kind of window and operator. Each call of the host is one step, so that a test can break a
// step and look at what is left. What comes out goes into buffers that exist before, so the play itself never allocates.

namespace plays {

/// Where a play calls code of the user; a test may throw or call back from each.
enum class Place : std::uint8_t {
  none,
  time,
  predicate,
  map,
  flat_map,
  key,
  add,
  merge,
  result,
  gap,
  marker,
  rows,
  late,
  process,
  timer,
  punctuation,
  count_
};

struct Thrown {};

/// Called from everywhere in user code. Throws at the `at`-th visit of `place`.
struct Visits {
  std::array<std::uint64_t, static_cast<std::size_t>(Place::count_)> seen{};
  Place place = Place::none;
  std::uint64_t at = 0;
  void (*action)(void*) = nullptr;
  void* context = nullptr;

  void visit(Place where) {
    const std::uint64_t now = seen[static_cast<std::size_t>(where)]++;
    if (where != place || now != at) return;
    if (action == nullptr) throw Thrown{};
    action(context);
  }
};
inline Visits* visits = nullptr;
inline void visit(Place place) {
  if (visits != nullptr) visits->visit(place);
}

struct Item {
  std::int64_t key = 0;
  std::int64_t value = 0;
  weir::EventTime at{};
  weir::EventTime mark = weir::no_time;
};

/// What came out, in memory that was there before.
class Output {
 public:
  void row(std::int64_t number) {
    if (size_ < numbers_.size()) numbers_[size_] = number;
    ++size_;
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool starts_with(const Output& other) const {
    if (other.size_ > size_) return false;
    for (std::size_t i = 0; i < other.size_ && i < numbers_.size(); ++i) {
      if (numbers_[i] != other.numbers_[i]) return false;
    }
    return true;
  }
  friend bool operator==(const Output& a, const Output& b) { return a.size_ == b.size_ && a.starts_with(b); }

 private:
  std::array<std::int64_t, 4096> numbers_{};
  std::size_t size_ = 0;
};

/// The kinds of plays there are.
enum class Kind : std::uint8_t {
  tumbling,
  tumbling_grace,
  sliding,
  many_panes,
  shared,
  cumulating,
  empties,
  on_update,
  retracting,
  every,
  discarding,
  lifetime,
  session,
  session_caps,
  session_retracting,
  count_windows,
  custom,
  merged,
  stages,
  punctuated,
  published,  // rows that readers on other threads could read
  allocating_state,
  allocating_session,  // states whose default constructor allocates
  count_
};

struct Built {
  weir::Pipeline pipeline;
  weir::Source<Item> first;
  weir::Source<Item> second;
};

/// The pipeline of a play; nothing if it cannot be built. `out` must outlive it.
std::optional<Built> build(Kind kind, Output& out);

inline constexpr std::size_t steps = 24;

/// The records of all plays: mostly forward, some late, a jump.
inline Item item(std::size_t i) {
  const auto n = static_cast<std::int64_t>(i);
  const std::int64_t at = n * 2 - (n % 5 == 3 ? 9 : 0) + (i > 40 ? 30 : 0);
  return {.key = (n * n) % 5,
          .value = n % 11 + 1,
          .at = weir::event_time(at),
          .mark = n % 6 == 5 ? weir::event_time(at - 5) : weir::no_time};
}

/// One call of the host. False if it was refused.
inline bool step(Built& built, std::size_t number) {
  constexpr std::size_t batch = 6;
  if (number + 1 == steps) return built.pipeline.finish().ok();
  if (number % 8 == 7)
    return built.pipeline.advance(built.first, weir::event_time(static_cast<std::int64_t>(number) * 5)).ok();
  if (number % 8 == 5) {
    return built.pipeline.push(number % 16 == 5 ? built.second : built.first, item(number * batch)) !=
           weir::Admit::refused;
  }
  std::array<Item, batch> items;
  for (std::size_t i = 0; i < batch; ++i) items[i] = item(number * batch / 2 + i);
  return built.pipeline.push(number % 3 == 1 ? built.second : built.first, std::span<const Item>(items))
             .refused == 0;
}

}  // namespace plays

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

#include <weir/aggregate/aggregator.hpp>
#include <weir/state/archive.hpp>

/// \file
/// **Internal.** What aggregates of consecutive records are made of: records that come a little out of order are put in order.

namespace weir::inline v0::detail {

/// At most `most` records in the order (event time, arrival), in place: a ring, so that taking the oldest moves nothing.
template <Kept Value, std::size_t most>
class Newest {
 public:
  [[nodiscard]] constexpr std::size_t size() const { return size_; }
  [[nodiscard]] constexpr bool is_full() const { return size_ == most; }
  [[nodiscard]] constexpr const Value& value(std::size_t i) const { return values_[slot(i)]; }
  [[nodiscard]] constexpr EventTime time(std::size_t i) const { return times_[slot(i)]; }

  /// Where a record that arrives now belongs: behind all that are not newer.
  [[nodiscard]] constexpr std::size_t place_of(EventTime at) const {
    std::size_t place = size_;
    while (place > 0 && at < time(place - 1)) --place;
    return place;
  }
  /// Needs: not full.
  constexpr void insert(std::size_t place, Argument<Value> x, EventTime at) {
    for (std::size_t i = size_++; i > place; --i) {
      values_[slot(i)] = std::move(values_[slot(i - 1)]);
      times_[slot(i)] = times_[slot(i - 1)];
    }
    values_[slot(place)] = x;
    times_[slot(place)] = at;
  }
  /// Needs: not empty.
  constexpr void drop_oldest() {
    head_ = static_cast<std::uint16_t>(slot(1));
    --size_;
  }

  void archive(Archive& ar) requires(Archivable<Value>) {
    if (ar.is_loading()) *this = {};
    std::uint16_t size = size_;
    ar(size);
    if (size > most) return ar.fail("there are more newest records than may be");
    for (std::uint16_t i = 0; i < size && ar.is_good(); ++i) {
      ar(times_[slot(i)], values_[slot(i)]);
      if (i > 0 && time(i) < time(i - 1U)) ar.fail("the newest records are not in their order");
      if (time(i) == no_time) ar.fail("a record has no time");
    }
    size_ = ar.is_good() ? size : std::uint16_t{0};
  }
  [[nodiscard]] static constexpr std::uint64_t archive_layout() { return layout_of<Value>() + most; }

 private:
  [[nodiscard]] constexpr std::size_t slot(std::size_t i) const {
    return head_ + i < most ? head_ + i : head_ + i - most;
  }

  std::array<EventTime, most> times_{};
  std::array<Value, most> values_{};
  std::uint16_t head_ = 0;
  std::uint16_t size_ = 0;
};

/// A result of which it shows if it may be wrong; an empty one stays empty.
template <class Result>
[[nodiscard]] constexpr auto flagged(Result result, bool is_flagged) {
  if constexpr (is_optional<Result>)
    return result ? std::optional{flagged(std::move(*result), is_flagged)} : std::nullopt;
  else if constexpr (is_checked<Result>)
    return Result{std::move(result.value), result.overflowed || is_flagged};
  else
    return Checked<Result>{std::move(result), is_flagged};
}

/// An aggregate whose result depends on the order of records, for records that come out of order.
///
/// Inner is an aggregator that is only ever given records in the order (event time, arrival), and merged with what comes behind.
/// The newest `most` records are kept apart; what is older is settled: added to the State of Inner for good. The result is that of
/// all records in their order as long as none comes after more than `most` newer ones of its key in its pane. One that does is added behind the
/// settled ones, is counted as misplaced, and flags every result that it is part of.
/// Merging is associative, and the same as adding all, as far as it is for Inner.
template <class Inner, Kept Value, std::size_t most = 8>
struct InOrder {
  static_assert(most > 0 && most <= 1024, "weir: records are put in order among 1 to 1024 newest ones");

  struct State {
    typename Inner::State settled{};
    EventTime edge =
        no_time;  // time of the last that was settled; no_time: none was, and else `newest` is full
    std::uint64_t misplaced = 0;
    Newest<Value, most> newest{};

    void archive(Archive& ar) requires(Archivable<typename Inner::State>&& Archivable<Value>) {
      if (ar.is_loading()) *this = {};
      ar(newest, edge);
      if (edge == no_time) return;
      ar(misplaced, settled);
      if (!newest.is_full() || newest.time(0) < edge) ar.fail("records are settled before their time");
    }
    [[nodiscard]] static constexpr std::uint64_t archive_layout() {
      return layout_of<typename Inner::State>() * 31 + layout_of<Newest<Value, most>>();
    }
  };

  [[no_unique_address]] Inner inner{};

  constexpr void add(State& state, Argument<Value> x, EventTime at) const {
    if (!state.newest.is_full()) return state.newest.insert(state.newest.place_of(at), x, at);
    const std::size_t place = state.newest.place_of(at);
    if (place == 0) {
      state.misplaced += at < state.edge ? 1U : 0U;
      state.edge = at < state.edge ? state.edge : at;
      return add_to(inner, state.settled, x, state.edge);
    }
    state.edge = state.newest.time(0);
    add_to(inner, state.settled, state.newest.value(0), state.edge);
    state.newest.drop_oldest();
    state.newest.insert(place - 1, x, at);
  }

  constexpr void merge(State& state, const State& later) const {
    if (&later == &state) return merge(state, State(later));
    if (later.edge == no_time) {
      for (std::size_t i = 0; i < later.newest.size(); ++i)
        add(state, later.newest.value(i), later.newest.time(i));
      return;
    }
    settle(state.settled, state.newest);
    inner.merge(state.settled, later.settled);
    state.edge = later.edge;
    state.misplaced += later.misplaced;
    state.newest = later.newest;
  }

  /// What Inner has of all records.
  [[nodiscard]] constexpr typename Inner::State whole(const State& state) const {
    typename Inner::State all = state.settled;
    settle(all, state.newest);
    return all;
  }
  [[nodiscard]] constexpr auto result(const State& state) const requires ResultsUntimed<Inner> {
    return flagged(inner.result(whole(state)), state.misplaced > 0);
  }
  [[nodiscard]] constexpr auto result(const State& state,
                                      const Interval& asked) const requires ResultsTimed<Inner> {
    return flagged(inner.result(whole(state), asked), state.misplaced > 0);
  }

 private:
  constexpr void settle(typename Inner::State& settled, const Newest<Value, most>& newest) const {
    for (std::size_t i = 0; i < newest.size(); ++i) add_to(inner, settled, newest.value(i), newest.time(i));
  }
};

}  // namespace weir::inline v0::detail

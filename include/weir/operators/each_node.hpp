#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include <weir/flow/node_archive.hpp>
#include <weir/flow/operator.hpp>
#include <weir/flow/stream.hpp>
#include <weir/state/deadline_queue.hpp>
#include <weir/state/slot_expiry.hpp>

namespace weir::inline v0 {

/// What keeps the State of a key from being forgotten.
enum class Refresh : std::uint8_t {
  on_change,  ///< a record, or a timer, that leaves another State behind it; State needs ==
  on_record   ///< every record of the key, also one that only reads
};

/// Options of `each`.
struct EachSpec {
  std::string name;
  /// A label of yours for what the operator computes; see `FeaturesSpec`.
  std::string definition = {};
  /// The State and the timer of a key are forgotten so long after it was refreshed: when the watermark is there, or with
  /// `Clock::wall` the host's clock.
  Duration retain = for_ever;
  Refresh refresh = Refresh::on_record;
  Clock clock = Clock::event;
};

namespace detail {

void check_each(Problems& problems, const EachSpec& spec, bool has_state, bool can_compare);
void describe_each(Description& out, const EachSpec& spec);

template <class Records>
struct Outboxes;
template <class... Record>
struct Outboxes<std::tuple<Record...>> {
  using type = std::tuple<Outbox<Record>...>;
};

/// What every custom operator's node does: its outputs, and calling it with the parameters it asks for.
template <class Op>
class EachBase : public Node {
 protected:
  using Traits = OperatorTraits<Op>;
  using State = typename Traits::State;

 public:
  static constexpr bool values_own_memory = !std::is_trivially_copyable_v<State>;
  EachBase(const EachSpec& spec, Op op) : Node(spec.name, "each"), op_(std::move(op)) {
    set_definition(spec.definition);
  }

  template <std::size_t index>
  [[nodiscard]] auto& port() noexcept {
    return std::get<index>(boxes_).port();
  }
  void refresh(OperatorStats& stats) const override {
    stats.emitted = 0;
    std::apply([&stats](const auto&... box) { ((stats.emitted += box.pushed()), ...); }, boxes_);
  }

  /// What was counted.
  void archive_counters(NodeArchive& out) {
    std::apply([&out](auto&... box) { (out.sum(box.counter()), ...); }, boxes_);
  }

 protected:
  static constexpr std::size_t outputs = std::tuple_size_v<typename Traits::Records>;
  /// Makes a layout differ by outputs, each of which has a counter. One adds nothing.
  static constexpr std::uint64_t layout_of_outputs = (outputs - 1) * 0x9E3779B97F4A7C15;
  static constexpr bool has_on_timer = requires { &Op::on_timer; };
  static constexpr bool has_on_watermark = requires { &Op::on_watermark; };

  void process(State& state, const typename Traits::In& in, EventTime at, Slot slot, Timer& timer) {
    with_outs(at, slot, [&](auto&... outs) {
      const auto call = [&](auto&... given) {
        if constexpr (Traits::Ports::has_timer) {
          op_.process(given..., in, timer, outs...);
        } else {
          op_.process(given..., in, outs...);
        }
      };
      if constexpr (Traits::has_state) {
        call(state);
      } else {
        call();
      }
    });
  }
  template <class KeyType>
  void on_timer(State& state, const KeyType& key, EventTime at, Slot slot, Timer& timer) {
    with_outs(at, slot, [&](auto&... outs) {
      const Fired<KeyType> fired{key, at};
      if constexpr (requires { op_.on_timer(state, fired, timer, outs...); }) {
        op_.on_timer(state, fired, timer, outs...);
      } else if constexpr (requires { op_.on_timer(state, fired, outs...); }) {
        op_.on_timer(state, fired, outs...);
      } else if constexpr (requires { op_.on_timer(fired, outs...); }) {
        op_.on_timer(fired, outs...);
      } else {
        static_assert(sizeof...(outs) == 0 && sizeof...(outs) == 1,
                      "weir: on_timer() must be callable with ([State&,] weir::Fired<Key>, [weir::Timer&,] "
                      "weir::Out<T>&...) "
                      "const, with the outputs of process() and the stream's key type");
      }
    });
  }
  void on_watermark(State& state, EventTime to) {
    with_outs(to, no_slot, [&](auto&... outs) {
      if constexpr (Traits::has_state) {
        op_.on_watermark(state, to, outs...);
      } else {
        op_.on_watermark(to, outs...);
      }
    });
  }
  void flush() {
    std::apply([](auto&... box) { (box.flush(), ...); }, boxes_);
  }

 private:
  template <class Call>
  void with_outs(EventTime at, Slot slot, Call&& call) {
    std::apply(
        [&](auto&... box) {
          std::tuple outs{Out(box)...};
          std::apply(
              [&](auto&... out) {
                (out.stand_at(at, slot), ...);
                call(out...);
              },
              outs);
        },
        boxes_);
  }

  Op op_;
  typename Outboxes<typename Traits::Records>::type boxes_;
};

/// A custom operator on a stream without key: one state for the whole stream, no timer.
template <class Op>
class EachNode final : public EachBase<Op> {
  using Base = EachBase<Op>;
  using In = typename Base::Traits::In;

 public:
  EachNode(const EachSpec& spec, Op op) : Base(spec, std::move(op)), retain_(spec.retain) {}

  void check(Problems& problems) const override {
    if (retain_ != for_ever)
      problems.add(this->name(), "retain is for keys, and the stream has none; put a key_by before it");
  }

  void take(const Batch<In>& batch) {
    this->stats().ingested += batch.size;
    Timer none{no_time};
    for (std::size_t i = 0; i < batch.size; ++i) {
      Base::process(state_, batch.records[i], batch.times[i], no_slot, none);
    }
    this->stats().applied += batch.size;
    Base::flush();
  }
  void advance(EventTime to) override {
    if constexpr (Base::has_on_watermark) {
      Base::on_watermark(state_, to);
      Base::flush();
    }
  }
  [[nodiscard]] KeptState kept() const override {
    if constexpr (Base::Traits::has_state) {
      KeptState kept = kept_as<typename Base::State>(KeptState::Kind::whole);
      kept.layout += Base::layout_of_outputs;
      return kept;
    } else {
      return {.layout = Base::outputs};
    }
  }
  void archive(NodeArchive& out) override {
    Base::archive_counters(out);
    if constexpr (Base::Traits::has_state && Archivable<typename Base::State>) out.own(state_);
  }
  [[nodiscard]] EventTime horizon() const override {
    return Base::has_on_watermark ? later(this->watermark(), Duration{1}) : end_of_time;
  }

 private:
  const Duration retain_;
  [[no_unique_address]] typename Base::State state_{};
};

/// A custom operator per key.
template <class KeyType, class Op>
class KeyedEachNode final : public EachBase<Op> {
  using Base = EachBase<Op>;
  using In = typename Base::Traits::In;
  using State = typename Base::State;
  struct Cell {
    [[no_unique_address]] State state{};
    EventTime timer = no_time;
    EventTime armed = no_time;
    std::uint64_t sequence = 0;
    bool is_used = false;
    std::uint32_t fired = 0;        // times in the publication that is running
    std::uint64_t publication = 0;  // which one that was
  };
  using Entry = SlotTimer;

 public:
  KeyedEachNode(const EachSpec& spec, Op op, const KeyDictionary<KeyType>& dictionary)
      : Base(spec, std::move(op)),
        dictionary_(&dictionary),
        spec_(spec),
        retained_(spec.retain, spec.clock) {}

  void check(Problems& problems) const override {
    check_each(problems, spec_, Base::Traits::has_state, std::equality_comparable<State>);
  }
  void describe(Description& out) const override { describe_each(out, spec_); }

  void take(const Batch<In>& batch) {
    this->stats().ingested += batch.size;
    cells_.grow(dictionary_->slot_bound());
    for (std::size_t i = 0; i < batch.size; ++i) {
      const Slot slot = batch.slots[i];
      Cell& cell = cells_[slot];
      if (retains()) begin_again_if_over(slot, cell);
      cell.is_used = true;
      Timer timer{cell.timer};
      const auto process = [&] { Base::process(cell.state, batch.records[i], batch.times[i], slot, timer); };
      retains() ? refresh_by(slot, cell, batch.times[i], process) : process();
      set_timer(slot, cell, timer);
      if (retains() && !holds(slot)) retained_.drop(slot);
      if (queue_.size() >= most_entries_) [[unlikely]] { arm_anew(); }
    }
    this->stats().applied += batch.size;
    Base::flush();
  }

  void tick(WallTime now) override {
    if (retains() && retained_.is_wall()) retained_.tick(now, end_cell(), hint_cell());
  }
  void advance(EventTime to) override {
    if constexpr (Base::Traits::has_timer) {
      queue_.advance(
          to, [this](const Entry& entry) { return deadline_of(entry); },
          [this](EventTime deadline, const Entry& entry) { fire(deadline, entry); });
      Base::flush();
    }
    if (retains() && !retained_.is_wall() && to != end_of_time) {
      retained_.advance(to, end_cell(), hint_cell());
    }
  }
  [[nodiscard]] EventTime horizon() const override {
    const bool is_retained = retains() && !retained_.is_wall();
    if (Base::Traits::has_timer || (is_retained && this->is_joined()))
      return later(this->watermark(), Duration{1});
    if (!is_retained) return end_of_time;
    // What comes from now on is not over before `retain` behind the watermark.
    return std::max(later(this->watermark(), Duration{1}),
                    std::min(retained_.earliest(), later(this->watermark(), spec_.retain)));
  }
  [[nodiscard]] EventTime next_due() const override { return queue_.earliest(); }
  [[nodiscard]] bool is_timed() const override { return Base::Traits::has_timer; }
  [[nodiscard]] bool holds(std::uint32_t slot) const override {
    if (slot >= cells_.size() || !cells_[slot].is_used) return false;
    if (cells_[slot].timer != no_time) return true;
    if constexpr (!Base::Traits::has_state) {
      return false;
    } else if constexpr (std::equality_comparable<State>) {
      return !(cells_[slot].state == State{});
    } else {
      return true;
    }
  }
  [[nodiscard]] KeptState kept() const override {
    if constexpr (Base::Traits::has_state) {
      KeptState kept = kept_as<State>(KeptState::Kind::by_key);
      kept.layout += Base::layout_of_outputs + (Base::Traits::has_timer ? 0 : 0x74696D65);
      return kept;
    } else {
      return {.kind = Base::Traits::has_timer ? KeptState::Kind::by_key : KeptState::Kind::nothing,
              .layout = Base::outputs};
    }
  }
  void archive(NodeArchive& out) override {
    Base::archive_counters(out);
    out.most(sequence_);
    KeptKeys& keys = out.keys(dictionary_);
    if (out.is_loading()) cells_.grow(dictionary_->slot_bound());
    out.each_group([&](Archive& archive, std::size_t group) {
      for (const Slot slot : keys.of(group)) archive_cell(archive, slot);
    });
  }
  void forget(std::span<const Slot> slots) override {
    for (const Slot slot : slots) {
      if (slot < cells_.size()) cells_[slot] = Cell{};
    }
    if (retains()) retained_.forget(slots);
    if constexpr (Base::Traits::has_timer) arm_anew();
  }
  void refresh(OperatorStats& stats) const override {
    Base::refresh(stats);
    stats.state_bytes = cells_.size_bytes() + queue_.size_bytes() + retained_.size_bytes();
  }

 private:
  [[nodiscard]] bool retains() const noexcept { return spec_.retain != for_ever; }
  [[nodiscard]] auto end_cell() noexcept {
    return [cells = cells_.view()](Slot slot) { cells[slot] = Cell{}; };
  }
  [[nodiscard]] auto hint_cell() const noexcept {
    return [cells = cells_.view()](Slot slot) { prefetch_lines(cells[slot]); };
  }
  /// A late record may have left something behind that was over at once.
  void begin_again_if_over(Slot slot, Cell& cell) {
    if (retained_.is_wall() || !retained_.holds(slot) || retained_.until(slot) > this->watermark()) return;
    retained_.drop(slot);
    cell = Cell{};
  }
  /// Lets `act` work on a cell and keeps it from `at` on, if that is what the spec says.
  template <class Act>
  void refresh_by(Slot slot, Cell& cell, EventTime at, Act&& act) {
    bool is_refreshed = true;
    if constexpr (std::equality_comparable<State>) {
      if (spec_.refresh == Refresh::on_change) {
        const State before = cell.state;
        act();
        is_refreshed = !(before == cell.state) || !retained_.holds(slot);
      } else {
        act();
      }
    } else {
      act();
    }
    if (is_refreshed) retained_.touch(slot, at, this->now());
  }
  void archive_cell(Archive& archive, Slot slot) {
    bool is_used = holds(slot);
    archive(is_used);
    if (!is_used || !archive.is_good()) return;
    Cell& cell = cells_[slot];
    cell.is_used = true;
    if constexpr (Base::Traits::has_state && Archivable<State>) archive(cell.state);
    if (retains()) retained_.archive(archive, slot);
    if constexpr (Base::Traits::has_timer) {
      archive(cell.timer, cell.armed, cell.sequence);
      if (!archive.is_loading() || !archive.is_good()) return;
      const bool is_due_later = cell.timer == no_time || later(cell.timer, Duration{1}) >= cell.armed;
      if (!is_due_later || (cell.timer != no_time && cell.armed == no_time))
        return archive.fail("a timer is due before it is looked at");
      if (cell.armed != no_time) queue_.arm(cell.armed, Entry{.sequence = cell.sequence, .slot = slot});
    }
  }
  void set_timer(Slot slot, Cell& cell, const Timer& timer) {
    if constexpr (Base::Traits::has_timer) {
      cell.timer = timer.at();
      if (cell.timer == no_time) {
        cell.armed = no_time;
        return;
      }
      const EventTime due = later(cell.timer, Duration{1});
      if (cell.armed != no_time && due >= cell.armed) return;
      cell.armed = due;
      cell.sequence = ++sequence_;
      queue_.arm(due, Entry{.sequence = cell.sequence, .slot = slot});
    }
  }
  /// Timers that were cancelled, set to another instant or forgotten have left entries behind, as many as there are others.
  void arm_anew() {
    queue_.clear();
    for (Slot slot = 0; slot < cells_.size(); ++slot) {
      const Cell& cell = cells_[slot];
      if (cell.armed != no_time) queue_.arm(cell.armed, Entry{.sequence = cell.sequence, .slot = slot});
    }
    most_entries_ = 2 * queue_.size() + least_entries;
  }
  [[nodiscard]] EventTime deadline_of(const Entry& entry) noexcept {
    Cell& cell = cells_[entry.slot];
    if (cell.sequence != entry.sequence) return no_time;
    cell.armed = cell.timer == no_time ? no_time : later(cell.timer, Duration{1});
    return cell.armed;
  }
  void fire(EventTime deadline, const Entry& entry) {
    Cell& cell = cells_[entry.slot];
    if (retains() && !retained_.is_wall() && retained_.until(entry.slot) <= deadline) {
      cell.timer = cell.armed = no_time;  // the key is forgotten before its timer fires
      return;
    }
    cell.fired = cell.publication == this->publication() ? cell.fired + 1 : 1;
    cell.publication = this->publication();
    const EventTime at = std::exchange(cell.timer, no_time);
    cell.armed = no_time;
    Timer timer{no_time};
    if constexpr (Base::has_on_timer) {
      const auto ring = [&] {
        Base::on_timer(cell.state, dictionary_->key(entry.slot), at, entry.slot, timer);
      };
      retains() && spec_.refresh == Refresh::on_change ? refresh_by(entry.slot, cell, at, ring) : ring();
    }
    // A timer that sets itself again and again must not keep a jump of the watermark, or finish(), from ending.
    const EventTime to = this->target();
    if (timer.is_set() && timer.at() < to && (to == end_of_time || cell.fired >= most_firings)) {
      ++this->stats().skipped_firings;
      timer.cancel();
    }
    set_timer(entry.slot, cell, timer);
    if (retains() && !holds(entry.slot)) retained_.drop(entry.slot);
  }
  static constexpr std::uint32_t most_firings = 10'000;

  const KeyDictionary<KeyType>* dictionary_;
  const EachSpec spec_;
  SlotExpiry retained_;
  Column<Cell> cells_;
  DeadlineQueue<Entry> queue_{std::chrono::milliseconds{100}};
  std::uint64_t sequence_ = 0;
  static constexpr std::size_t least_entries = 1024;
  std::size_t most_entries_ = least_entries;
};

}  // namespace detail

}  // namespace weir::inline v0

#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>

#include <weir/flow/node.hpp>
#include <weir/operators/row_emitter.hpp>
#include <weir/state/pane_store.hpp>
#include <weir/window/specs.hpp>

namespace weir::inline v0::detail {

void check_counts(Problems& problems, std::string_view name, const CountSpec& spec);
void describe_counts(Description& out, const CountSpec& spec);

/// Windows of so many records of a key, by arrival.
///
/// Order:   rows as their last record arrived
/// Late:    nothing is late; event time only gives the row its bounds [oldest, newest]
/// Keeps:   the key's record count and the panes of its last `size` records, for as long as the pipeline runs
template <class KeyType, class Record, class Row, class RowAgg>
class CountWindowsNode final : public Node {
  struct Entry {
    typename RowAgg::State state{};
    EventTime oldest = end_of_time;
    EventTime newest = no_time;
  };

 public:
  static constexpr bool values_own_memory = !std::is_trivially_copyable_v<typename RowAgg::State>;
  CountWindowsNode(std::string name, CountSpec spec, RowAgg aggregator,
                   const KeyDictionary<KeyType>& dictionary)
      : Node(std::move(name), "count windows"), emitter_(std::move(aggregator), dictionary, 1), spec_(spec) {
    size_ = std::max<std::int64_t>(1, spec.size);
    every_ = spec.every == 0 ? size_ : spec.every;
    pane_ = std::gcd(size_, every_);
  }

  [[nodiscard]] RowEmitter<KeyType, Record, Row, RowAgg>& emitter() noexcept { return emitter_; }
  void check(Problems& problems) const override { check_counts(problems, name(), spec_); }

  void describe(Description& out) const override {
    describe_counts(out, spec_);
    std::int64_t number = 0;
    emitter_.aggregator().describe(out, number);
  }

  void take(const Batch<Record>& batch) {
    stats().ingested += batch.size;
    grow();
    for (std::size_t i = 0; i < batch.size; ++i) {
      if (emitter_.accepts(batch.records[i])) {
        apply(batch.slots[i], batch.records[i], batch.times[i]);
      } else {
        emitter_.count_rejected(stats());
      }
    }
    emitter_.flush();
  }

  // Rows carry the watermark at which their last record came, so it must always be exact.
  [[nodiscard]] EventTime horizon() const override { return later(watermark(), Duration{1}); }
  [[nodiscard]] bool holds(std::uint32_t slot) const override {
    return slot < panes_.slots() && counts_[slot] != 0;
  }
  [[nodiscard]] KeptState kept() const override { return kept_as<Entry>(KeptState::Kind::by_key); }
  void archive(NodeArchive& out) override {
    emitter_.archive(out);
    KeptKeys& keys = out.keys(&emitter_.dictionary());
    if (out.is_loading()) grow();
    out.each_group([&](Archive& archive, std::size_t group) {
      for (const Slot slot : keys.of(group)) {
        std::int64_t count = slot < panes_.slots() ? counts_[slot] : 0;
        archive(count);
        if (count == 0 || !archive.is_good()) continue;
        if (count < 0 || count > most_records) return archive.fail("a number of records makes no sense");
        counts_[slot] = count;
        if constexpr (Archivable<Entry>) panes_.archive(archive, slot, 0, count / pane_);
      }
    });
  }
  void forget(std::span<const Slot> slots) override {
    for (const Slot slot : slots) {
      if (slot >= panes_.slots()) continue;
      panes_.erase_through(slot, std::numeric_limits<PaneIndex>::max());
      counts_[slot] = 0;
    }
  }
  void refresh(OperatorStats& stats) const override {
    emitter_.refresh(stats);
    stats.state_bytes = panes_.size_bytes() + counts_.size_bytes();
  }
  [[nodiscard]] std::uint64_t live_windows() const override {
    std::uint64_t live = 0;
    for (Slot slot = 0; slot < panes_.slots(); ++slot) live += panes_.is_empty(slot) ? 0U : 1U;
    return live;
  }

 private:
  static constexpr std::int64_t most_records = std::int64_t{1} << 62;

  void grow() {
    if (panes_.slots() >= emitter_.dictionary().slot_bound()) return;
    panes_.grow(emitter_.dictionary().slot_bound());
    counts_.grow(emitter_.dictionary().slot_bound());
  }
  void apply(Slot slot, const Record& record, EventTime at) {
    const std::int64_t place = counts_[slot]++;
    const std::int64_t in_step = place % every_;
    const bool is_used = every_ <= size_ || (spec_.partial ? in_step >= every_ - size_ : in_step < size_);
    ++(is_used ? stats().applied : stats().unassigned);
    if (is_used) {
      bool is_new = false;
      Entry& entry = panes_.at(slot, place / pane_, is_new);
      emitter_.add(entry.state, record, at);
      entry.oldest = std::min(entry.oldest, at);
      entry.newest = std::max(entry.newest, at);
    }
    const std::int64_t count = place + 1;
    const bool is_due = spec_.partial ? count % every_ == 0 : count >= size_ && (count - size_) % every_ == 0;
    if (is_due) fire(slot, count);
  }

  /// The key's window that the last of so many records has completed.
  void fire(Slot slot, std::int64_t count) {
    const PaneIndex end = count / pane_;
    const std::int64_t number = (spec_.partial ? count - every_ : count - size_) / every_;
    const auto merge = [this](Entry& into, const Entry& from) {
      emitter_.aggregator().merge(into.state, from.state);
      into.oldest = std::min(into.oldest, from.oldest);
      into.newest = std::max(into.newest, from.newest);
    };
    Entry merged;
    panes_.query(slot, end - size_ / pane_, end - 1, merge,
                 [&](const Entry& entry) { merge(merged, entry); });
    const Window window{merged.oldest, later(merged.newest, Duration{1})};
    emitter_.emit(0, slot, merged.state, window, {.timing = Timing::on_time, .is_final = true}, merged.newest,
                  watermark(), merged.newest, static_cast<std::uint64_t>(number));
    panes_.erase_through(slot, end - (size_ - every_) / pane_ - 1);
  }

  RowEmitter<KeyType, Record, Row, RowAgg> emitter_;
  CountSpec spec_;
  std::int64_t size_;
  std::int64_t every_;
  std::int64_t pane_;
  PaneStore<Entry> panes_;
  Column<std::int64_t> counts_;
};

}  // namespace weir::inline v0::detail

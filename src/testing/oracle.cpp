#include <algorithm>
#include <utility>

#include <weir/testing/oracle.hpp>

#include "oracle_windows.hpp"

namespace weir::inline v0::testing::oracle {

/// The source half, and the steps.
struct Oracle::Machine {
  struct Channel {
    Ticks watermark = no_time;
    std::optional<Ticks> active_at{};  // the host's clock at the last sign of life
    bool is_active = true;
    bool is_aligned = true;
    bool is_closed = false;
  };

  void start(const Config& config);
  void apply(const Script& script, const Step& step);
  void push(std::uint32_t channel, const Record& record);
  Ticks proposed_watermark(const Record& record);
  [[nodiscard]] bool jumps(const Channel& channel, Ticks proposed) const;
  void raise(Channel& channel, Ticks watermark);
  void activate(Channel& channel);
  void deactivate(Channel& channel);
  void settle();
  void tick(Ticks now);
  void publish();

  SourceConfig source{};
  WindowSide windows{};
  Outcome outcome{};
  Reached reached{};
  std::vector<Channel> channels{};
  Ticks merged = no_time;     // what the channels say
  Ticks watermark = no_time;  // what the operator was told
  std::optional<Ticks> clock{};
  bool finished = false;
};

void Oracle::Machine::start(const Config& config) {
  source = config.source;
  outcome.rows.clear();
  outcome.late.clear();
  outcome.marks.clear();
  outcome.counters = {};
  windows.start(config.windows, outcome, reached);
  channels.assign(source.channels, Channel{});
  merged = no_time;
  watermark = no_time;
  clock.reset();
  finished = false;
}

void Oracle::Machine::apply(const Script& script, const Step& step) {
  if (step.action == Action::push) {
    for (std::uint32_t i = 0; i < step.count; ++i) {
      const std::size_t rows = outcome.rows.size();
      const std::size_t late = outcome.late.size();
      push(step.channel, script.records[step.first + i]);
      const bool is_inside = i + 1 < step.count;
      if (is_inside && rows < outcome.rows.size()) note(reached, Rare::firing_inside_batch);
      if (is_inside && late < outcome.late.size()) note(reached, Rare::late_inside_batch);
    }
    return;
  }
  if (finished) return;
  Channel& channel = channels[step.channel];
  switch (step.action) {
    case Action::push:
      break;
    case Action::advance:
      if (step.at < channel.watermark) note(reached, Rare::regression_ignored);
      outcome.counters.regressions += step.at < channel.watermark ? 1 : 0;
      if (!channel.is_active && step.at > channel.watermark) note(reached, Rare::advance_while_idle);
      if (channel.is_active) raise(channel, step.at);
      break;
    case Action::tick:
      tick(step.at);
      break;
    case Action::set_idle:
      deactivate(channel);
      break;
    case Action::set_active:
      activate(channel);
      break;
    case Action::close:
      if (!channel.is_closed) note(reached, Rare::channel_closed);
      deactivate(channel);
      channel.is_closed = true;
      break;
    case Action::finish:
      finished = true;
      merged = end_of_time;
      break;
  }
  publish();
}

void Oracle::Machine::push(std::uint32_t index, const Record& record) {
  Counters& counters = outcome.counters;
  Channel& channel = channels[index];
  if (finished) {
    ++counters.refused;
    return note(reached, Rare::refused);
  }
  ++counters.ingested;
  if (channel.is_closed) note(reached, Rare::record_of_closed);
  if (!channel.is_active && !channel.is_closed) note(reached, Rare::record_reactivates);
  activate(channel);
  if (record.time == no_time || record.time < source.earliest || record.time > source.latest) {
    ++counters.rejected;
    return note(reached, Rare::rejected);
  }
  const Ticks proposed = proposed_watermark(record);
  const bool is_future =
      source.max_future_skew && clock && record.time > saturated(Wide{*clock} + *source.max_future_skew);
  const bool is_jump = !is_future && jumps(channel, proposed);
  if (is_future) {
    ++counters.future;
    if (proposed > channel.watermark) note(reached, Rare::future_held);
  } else if (is_jump) {
    ++counters.jumped;
    note(reached, Rare::jump_refused);
  } else {
    ++(record.time < watermark ? counters.late : counters.on_time);
  }
  windows.process(record);
  if (is_future || is_jump || channel.is_closed || proposed <= channel.watermark) return;
  if (source.rule == WatermarkRule::punctuated) note(reached, Rare::punctuation_moved);
  raise(channel, proposed);
  publish();
}

/// The W that the record asks for; `no_time` if none.
Ticks Oracle::Machine::proposed_watermark(const Record& record) {
  if (source.rule == WatermarkRule::host_driven) return no_time;
  if (source.rule == WatermarkRule::punctuated) return record.punctuation;
  const Ticks proposed = saturated(Wide{record.time} - source.bound);
  if (proposed == no_time) note(reached, Rare::watermark_saturated);
  return proposed;
}

bool Oracle::Machine::jumps(const Channel& channel, Ticks proposed) const {
  if (!source.max_jump || channel.watermark == no_time) return false;
  return Wide{proposed} - channel.watermark > *source.max_jump;
}

void Oracle::Machine::raise(Channel& channel, Ticks to) {
  channel.watermark = std::max(channel.watermark, to);
  settle();
}

void Oracle::Machine::activate(Channel& channel) {
  channel.active_at = clock;
  if (channel.is_active || channel.is_closed) return;
  channel.is_active = true;
  channel.is_aligned = channel.watermark >= merged;
}

void Oracle::Machine::deactivate(Channel& channel) {
  if (!channel.is_active) return;
  channel.is_active = false;
  channel.is_aligned = false;
  const bool is_last =
      std::none_of(channels.begin(), channels.end(), [](const Channel& c) { return c.is_active; });
  if (is_last && channel.watermark == merged) {
    for (const Channel& other : channels) {
      if (other.watermark > merged) note(reached, Rare::idle_flush);
      merged = std::max(merged, other.watermark);
    }
  }
  settle();
}

/// Minimum over the active and aligned channels.
void Oracle::Machine::settle() {
  bool is_any = false;
  Ticks minimum = end_of_time;
  for (Channel& channel : channels) {
    if (!channel.is_active) continue;
    if (!channel.is_aligned && channel.watermark >= merged) {
      if (channel.watermark > no_time) note(reached, Rare::realigned);
      channel.is_aligned = true;
    }
    if (!channel.is_aligned) note(reached, Rare::unaligned_ignored);
    if (!channel.is_aligned) continue;
    is_any = true;
    minimum = std::min(minimum, channel.watermark);
  }
  if (is_any) merged = std::max(merged, minimum);
}

void Oracle::Machine::tick(Ticks now) {
  clock = clock ? std::max(*clock, now) : now;
  for (Channel& channel : channels) {
    if (!channel.active_at) channel.active_at = clock;
    if (!source.idle_after || !channel.is_active) continue;
    if (Wide{*clock} - *channel.active_at < *source.idle_after) continue;
    note(reached, Rare::idle_by_tick);
    deactivate(channel);
    publish();
  }
}

void Oracle::Machine::publish() {
  if (merged <= watermark) return;
  watermark = merged;
  windows.publish(watermark);
}

Oracle::Oracle() : machine_(std::make_unique<Machine>()) {}
Oracle::~Oracle() = default;
Oracle::Oracle(Oracle&&) noexcept = default;
Oracle& Oracle::operator=(Oracle&&) noexcept = default;

const Outcome& Oracle::run(const Script& script) {
  Machine& machine = *machine_;
  machine.start(script.config);
  for (const Step& step : script.steps) {
    machine.apply(script, step);
    machine.outcome.marks.push_back(
        {machine.outcome.rows.size(), machine.outcome.late.size(), machine.watermark});
  }
  return machine.outcome;
}

const Reached& Oracle::reached() const { return machine_->reached; }

const char* name(Rare rule) {
  static constexpr std::array<const char*, rare_rules> names = {"late pane",
                                                                "first pane is late",
                                                                "partially late",
                                                                "late record",
                                                                "unassigned",
                                                                "dropped whole",
                                                                "several ends in one step",
                                                                "start saturated",
                                                                "end saturated",
                                                                "close saturated",
                                                                "sum overflowed",
                                                                "retraction",
                                                                "empty pane at end",
                                                                "final pane, late",
                                                                "final pane, on time",
                                                                "final pane, empty",
                                                                "leftover dropped",
                                                                "late record held",
                                                                "late record waits for n",
                                                                "closed for good",
                                                                "after(n) fired",
                                                                "every(d) fired",
                                                                "every(d) skipped, empty",
                                                                "every(d) passed several",
                                                                "every(d) due at once",
                                                                "every(d) ends with time",
                                                                "discarded, then silent",
                                                                "empty window",
                                                                "empty window capped",
                                                                "empty window amended",
                                                                "session bridged",
                                                                "session merged three",
                                                                "session touch, merged",
                                                                "session touch, separate",
                                                                "session contains short gap",
                                                                "session re-fires on time",
                                                                "session re-fires late",
                                                                "absorbed session retracted",
                                                                "merge reached after(n)",
                                                                "merge kept earlier early pane",
                                                                "longest hit",
                                                                "most_records hit",
                                                                "marker ended session",
                                                                "marker refused record",
                                                                "judged before merging",
                                                                "record without a gap",
                                                                "count window full",
                                                                "count window partial",
                                                                "lifetime fired",
                                                                "idle by tick",
                                                                "idle flush",
                                                                "record reactivates",
                                                                "record of closed channel",
                                                                "unaligned ignored",
                                                                "realigned",
                                                                "channel closed",
                                                                "future record held",
                                                                "jump refused",
                                                                "regression ignored",
                                                                "advance while idle",
                                                                "punctuation moved W",
                                                                "watermark saturated",
                                                                "rejected",
                                                                "refused",
                                                                "firing inside a batch",
                                                                "late inside a batch"};
  return names[static_cast<std::size_t>(rule)];
}

}  // namespace weir::inline v0::testing::oracle

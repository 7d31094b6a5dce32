#include "rig.hpp"

#include <weir/aggregate/position.hpp>

#include <span>
#include <utility>

namespace rig {

namespace {

using oracle::Config;
using oracle::Kind;
using oracle::Ticks;
using oracle::WindowConfig;

weir::Duration duration(Ticks ticks) { return weir::Duration{ticks}; }

std::optional<weir::Duration> duration(const std::optional<Ticks>& ticks) {
  return ticks ? std::optional{duration(*ticks)} : std::nullopt;
}

weir::Emission emission_of(const oracle::Emission& emit) {
  return {.at_close = emit.at_close,
          .at_close_even_if_empty = emit.also_if_empty,
          .after = emit.after,
          .every = duration(emit.every),
          .late = static_cast<weir::LateFiring>(emit.late),
          .late_after = emit.late_after,
          .final_pane = static_cast<weir::FinalPane>(emit.final_pane)};
}

/// Calls `use(windows)` with windows of fixed shape.
template <class Use>
auto with_fixed(const WindowConfig& w, Use&& use) {
  const weir::Duration size = duration(w.size);
  const weir::Duration every = duration(w.every);
  const weir::Duration offset = duration(w.offset);
  const weir::Grace grace = duration(w.grace);
  const weir::LatePolicy late = w.drop_whole ? weir::LatePolicy::drop_whole : weir::LatePolicy::apply_open;
  const weir::Emission emit = emission_of(w.emit);
  const auto panes = static_cast<weir::Accumulation>(w.panes);
  std::optional<weir::EmptyWindows> empty;
  if (w.emit_empty) empty = weir::EmptyWindows{.most = *w.emit_empty};
  switch (w.kind) {
    case Kind::tumbling:
      return use(weir::tumbling({size, offset, grace, late, emit, panes, empty}));
    case Kind::sliding:
      return use(weir::sliding({size, every, offset, grace, late, emit, panes, empty}));
    case Kind::cumulating:
      return use(weir::cumulating({size, every, offset, grace, late, emit, panes}));
    default:
      return use(weir::lifetime({.emit = emit, .panes = panes}));
  }
}

auto counted(const WindowConfig& w) {
  const auto every = static_cast<std::uint32_t>(w.every == w.size ? 0 : w.every);
  return weir::count_windows(
      {.size = static_cast<std::uint32_t>(w.size), .every = every, .partial = w.partial});
}

auto session(const WindowConfig& w) {
  return weir::session({.gap = duration(w.gap),
                        .longest = duration(w.longest),
                        .most_records = w.most_records,
                        .touching = w.touching_separate ? weir::Touching::separate : weir::Touching::merge,
                        .judged = w.judged_before_merging ? weir::SessionLateness::before_merging
                                                          : weir::SessionLateness::after_merging,
                        .grace = duration(w.grace),
                        .emit = emission_of(w.emit),
                        .panes = static_cast<weir::Accumulation>(w.panes)});
}

weir::Duration gap_of(const Event& event) { return event.gap; }
bool is_marker(const Event& event) { return event.marker; }

/// The aggregate whose rows are compared.
auto totals() {
  return weir::aggregate<Totals>(
      "windows", weir::count().as(&Totals::count), weir::sum(&Event::value).as(&Totals::sum),
      weir::min(&Event::value).as(&Totals::min), weir::max(&Event::value).as(&Totals::max),
      weir::first(&Event::value).as(&Totals::first), weir::last(&Event::value).as(&Totals::last));
}

oracle::Row row_of(const weir::Windowed<std::int64_t, Totals>& row) {
  return {.key = row.key,
          .start = weir::ticks(row.window.start),
          .end = weir::ticks(row.window.end),
          .count = row.value.count,
          .sum = row.value.sum,
          .min = row.value.min,
          .max = row.value.max,
          .first = row.value.first,
          .last = row.value.last,
          .sum_overflowed = row.overflowed != 0,
          .timing = static_cast<oracle::Timing>(row.pane.timing),
          .is_final = row.pane.is_final,
          .is_retraction = row.pane.is_retraction,
          .index = row.pane.index,
          .as_of = weir::ticks(row.as_of),
          .watermark = weir::ticks(row.watermark),
          .number = row.number};
}

oracle::LateNotice notice_of(const weir::Late<Event>& late) {
  return {.key = late.record.key,
          .time = weir::ticks(late.time),
          .value = late.record.value,
          .hit = late.windows_hit,
          .missed = late.windows_missed,
          .watermark = weir::ticks(late.watermark)};
}

/// Puts the aggregate and its two sinks behind a keyed stream.
template <class Keyed, class Shape>
void attach(const Keyed& keyed, Shape shape, oracle::Outcome& out) {
  auto rows = keyed | std::move(shape) | totals();
  rows | weir::sink("rows", [&out](const auto& row) { out.rows.push_back(row_of(row)); });
  rows.late() | weir::sink("late", [&out](const auto& late) { out.late.push_back(notice_of(late)); });
}

template <class Keyed>
void attach_windows(const Keyed& keyed, const WindowConfig& w, oracle::Outcome& out) {
  if (w.kind == Kind::count) return attach(keyed, counted(w), out);
  if (w.kind != Kind::session) {
    return with_fixed(w, [&](auto windows) { attach(keyed, std::move(windows), out); });
  }
  if (w.gap_from_record) {
    return w.ends_at_marker ? attach(keyed, session(w).gap_from(gap_of).ends_at(is_marker), out)
                            : attach(keyed, session(w).gap_from(gap_of), out);
  }
  return w.ends_at_marker ? attach(keyed, session(w).ends_at(is_marker), out)
                          : attach(keyed, session(w), out);
}

weir::WatermarkRule<Event> rule_of(const oracle::SourceConfig& source) {
  switch (source.rule) {
    case oracle::WatermarkRule::trailing:
      return weir::trailing(duration(source.bound));
    case oracle::WatermarkRule::host_driven:
      return weir::host_driven();
    case oracle::WatermarkRule::punctuated:
      break;
  }
  return weir::punctuated([](const Event& event) -> std::optional<weir::EventTime> {
    return event.punctuation == weir::no_time ? std::nullopt : std::optional{event.punctuation};
  });
}

Event event_of(const oracle::Record& record) {
  return {.key = record.key,
          .value = record.value,
          .at = weir::event_time(record.time),
          .gap = duration(record.gap),
          .punctuation = weir::event_time(record.punctuation),
          .marker = record.marker};
}

}  // namespace

/// `attach(keyed)` puts the windows behind the source.
template <class Attach>
std::optional<Built> Rig::build(const Config& config, Attach attach) {
  weir::Graph graph{"oracle"};
  const oracle::SourceConfig& source = config.source;
  weir::Source<Event> events =
      graph.source<Event>("events", {.time = &Event::at,
                                     .watermark = rule_of(source),
                                     .idle_after = duration(source.idle_after),
                                     .channels = source.channels,
                                     .max_future_skew = duration(source.max_future_skew),
                                     .max_jump = duration(source.max_jump),
                                     .earliest = weir::event_time(source.earliest),
                                     .latest = weir::event_time(source.latest)});
  attach(events | weir::key_by(&Event::key));
  auto built = std::move(graph).build();
  if (!built.ok()) {
    error_ = std::string(built.status().message());
    return std::nullopt;
  }
  return Built{*std::move(built), events};
}

void Rig::clear() {
  out_.rows.clear();
  out_.late.clear();
  out_.marks.clear();
  out_.counters = {};
  admitted_ = {};
  error_.clear();
}

const oracle::Outcome& Rig::run(const oracle::Script& script, Mode mode) {
  clear();
  const auto attach = [&](const auto& keyed) { attach_windows(keyed, script.config.windows, out_); };
  std::optional<Built> built = build(script.config, attach);
  if (!built) return out_;
  if (mode == Mode::restored) {
    for (const oracle::Step& step : script.steps) {
      act(*built, script, step, mode);
      if (error_.empty()) restore(*built, script.config, attach);
      if (!error_.empty()) return out_;
      mark(*built);
    }
  } else {
    play(*built, script, mode);
  }
  count(*built, script);
  return out_;
}

std::array<Rows, 2> Rig::run_shared(const oracle::Script& script, const WindowConfig& others) {
  clear();
  std::array<Rows, 2> rows;
  std::optional<Built> built = build(script.config, [&](const auto& keyed) {
    const auto attach = [&](const auto& windows) {
      auto both = keyed | windows | totals();
      both[0] | weir::sink("rows", [&rows](const auto& row) { rows[0].push_back(row_of(row)); });
      both[1] | weir::sink("other rows", [&rows](const auto& row) { rows[1].push_back(row_of(row)); });
    };
    with_fixed(script.config.windows, [&](auto first) {
      with_fixed(others, [&](auto second) { attach(weir::windows(first, second)); });
    });
  });
  if (built) play(*built, script, Mode::in_batches);
  return rows;
}

void Rig::play(Built& built, const oracle::Script& script, Mode mode) {
  for (const oracle::Step& step : script.steps) {
    act(built, script, step, mode);
    mark(built);
  }
}

void Rig::mark(const Built& built) {
  out_.marks.push_back(
      {out_.rows.size(), out_.late.size(), weir::ticks(built.pipeline.watermark(built.events))});
}

template <class Attach>
void Rig::restore(Built& built, const Config& config, Attach attach) {
  std::string image;
  std::string again;
  absl::Status status = built.pipeline.snapshot({}, image);
  std::optional<Built> fresh = build(config, attach);
  if (!fresh) return;
  if (status.ok()) status = fresh->pipeline.restore(image);
  if (status.ok()) status = fresh->pipeline.snapshot({}, again);
  if (!status.ok()) {
    error_ = status.ToString();
  } else if (again != image) {
    error_ = "a snapshot of the restored pipeline differs from the one it was restored from";
  }
  built = *std::move(fresh);
}

void Rig::act(Built& built, const oracle::Script& script, const oracle::Step& step, Mode mode) {
  weir::Pipeline& pipeline = built.pipeline;
  const weir::Channel<Event> channel = built.events.channel(step.channel);
  absl::Status status;
  switch (step.action) {
    case oracle::Action::push:
      return push(built, script, step, mode);
    case oracle::Action::advance:
      status = pipeline.advance(channel, weir::event_time(step.at));
      break;
    case oracle::Action::tick:
      status = pipeline.tick(weir::WallTime{duration(step.at)});
      break;
    case oracle::Action::set_idle:
      status = pipeline.set_idle(channel);
      break;
    case oracle::Action::set_active:
      status = pipeline.set_active(channel);
      break;
    case oracle::Action::close:
      status = pipeline.close(channel);
      break;
    case oracle::Action::finish:
      status = pipeline.finish();
      break;
  }
  if (!status.ok()) error_ = status.ToString();
}

void Rig::push(Built& built, const oracle::Script& script, const oracle::Step& step, Mode mode) {
  const weir::Channel<Event> channel = built.events.channel(step.channel);
  batch_.clear();
  for (std::uint32_t i = 0; i < step.count; ++i) batch_.push_back(event_of(script.records[step.first + i]));
  if (mode != Mode::one_by_one) {
    const weir::Admitted admitted = built.pipeline.push(channel, std::span<const Event>(batch_));
    admitted_.on_time += admitted.on_time;
    admitted_.late += admitted.late;
    admitted_.future += admitted.future;
    admitted_.rejected += admitted.rejected;
    admitted_.refused += admitted.refused;
    return;
  }
  for (const Event& event : batch_) {
    switch (built.pipeline.push(channel, event)) {
      case weir::Admit::on_time:
        ++admitted_.on_time;
        break;
      case weir::Admit::late:
        ++admitted_.late;
        break;
      case weir::Admit::future:
        ++admitted_.future;
        break;
      case weir::Admit::rejected:
        ++admitted_.rejected;
        break;
      case weir::Admit::refused:
        ++admitted_.refused;
        break;
    }
  }
}

/// Fills in the counters, and checks that they agree with each other and that nothing is left after the end.
void Rig::count(Built& built, const oracle::Script& script) {
  const weir::OperatorStats source = built.pipeline.stats("events");
  const weir::OperatorStats windows = built.pipeline.stats("windows");
  out_.counters = {.ingested = source.ingested,
                   .on_time = admitted_.on_time,
                   .late = admitted_.late,
                   .future = source.future,
                   .jumped = source.jumped,
                   .rejected = source.rejected,
                   .refused = admitted_.refused,
                   .regressions = source.regressions,
                   .applied = windows.applied,
                   .partially_late = windows.partially_late,
                   .late_whole = windows.late,
                   .unassigned = windows.unassigned,
                   .unusable = windows.rejected,
                   .windows_missed = windows.windows_missed,
                   .unemitted = windows.unemitted};
  if (!source.conserves() || !windows.conserves()) error_ = "the counters of a node do not balance";
  if (admitted_.rejected != source.rejected) error_ = "Admit::rejected and the source's counter differ";
  if (admitted_.late != source.behind) error_ = "Admit::late and the source's counter differ";
  if (admitted_.future != source.future + source.jumped)
    error_ = "Admit::future and the source's counters differ";
  if (windows.emitted != out_.rows.size() + out_.late.size()) error_ = "emitted differs from what came out";
  const bool is_finished = !script.steps.empty() && script.steps.back().action == oracle::Action::finish;
  const bool may_hold = script.config.windows.kind == Kind::count;
  if (is_finished && !may_hold && built.pipeline.live_windows("windows") != 0)
    error_ = "windows are live after finish()";
}

}  // namespace rig

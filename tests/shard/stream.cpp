#include "stream.hpp"

#include <algorithm>
#include <cstdio>
#include <random>
#include <span>
#include <utility>

namespace stream {

using namespace std::chrono_literals;

namespace {

std::string text(weir::EventTime at) { return std::to_string(weir::ticks(at)); }
std::string exact(double number) {
  char digits[64];
  std::snprintf(digits, sizeof digits, "%a", number);
  return digits;
}
std::string text(const Session& row) { return std::to_string(row.events) + " " + exact(row.amount); }
std::string text(const Rolling& row) {
  return std::to_string(row.count_1m) + " " + std::to_string(row.count_exact) + " " +
         std::to_string(row.count_all) + " " + exact(row.sum_1m) + " " +
         (row.low ? exact(*row.low) : "none") + " " + std::to_string(row.last_three);
}

/// Says when a key has been silent, and how often it spoke.
struct Silence {
  struct State {
    std::int64_t events = 0;
  };
  void process(State& state, const Event& event, weir::Timer& timer, weir::Out<std::string>&) const {
    ++state.events;
    timer.set(event.at + 7s);
  }
  void on_timer(State& state, weir::Fired<std::string> fired, weir::Out<std::string>& out) const {
    out.emit(fired.key + ": silent at " + text(fired.at) + " after " + std::to_string(state.events));
    state = {};
  }
};

std::string key(std::size_t number) { return "key" + std::to_string(number); }

void add(Lines& lines, const std::string& stream, const std::string& of, std::string line) {
  lines[stream + " " + of].push_back(std::move(line));
}

template <class Look>
void read_all(Lines& lines, const Step& step, std::size_t keys, Look&& look) {
  for (std::size_t i = 0; i < keys; ++i) {
    for (const weir::AsOf as_of : {weir::latest_event, weir::at_watermark, weir::AsOf(step.at)})
      look(key(i), weir::LookupSpec{.as_of = as_of}, lines);
  }
}

}  // namespace

template <class Row>
std::string text(const weir::Lookup<Row>& hit) {
  std::string line = std::to_string(static_cast<int>(hit.status)) + " " + text(hit.value) + " as of " +
                     text(hit.as_of) + " at " + text(hit.event_time) + " W " + text(hit.watermark) +
                     " known " + text(hit.known_until) + " age " + std::to_string(hit.age.count());
  for (const weir::Window& window : hit.covered())
    line += " [" + text(window.start) + "," + text(window.end) + ")";
  if (hit.computed_at) line += " now " + std::to_string(hit.computed_at->time_since_epoch().count());
  return line;
}
template std::string text(const weir::Lookup<Rolling>& hit);
template std::string text(const weir::Lookup<Session>& hit);

Handles define(weir::Graph& graph, const Plan& plan, Lines& lines) {
  const auto put = [&lines](const auto& rows, const std::string& name) {
    rows | weir::sink(name + " rows", [&lines, name](const auto& row) {
      add(lines, name, row.key,
          "[" + text(row.window.start) + "," + text(row.window.end) + ") " + text(row.value) + " pane " +
              std::to_string(static_cast<int>(row.pane.timing)) + (row.pane.is_final ? "f" : "") +
              (row.pane.is_retraction ? "r" : "") + std::to_string(row.pane.index) + " number " +
              std::to_string(row.number) + " as of " + text(row.as_of) + " W " + text(row.watermark));
    });
    rows.late() | weir::sink(name + " late", [&lines, name](const weir::Late<Event>& late) {
      add(lines, name + " late", late.record.key,
          text(late.time) + " hit " + std::to_string(late.windows_hit) + " missed " +
              std::to_string(late.windows_missed) + " W " + text(late.watermark));
    });
  };
  const auto totals = [](const std::string& name) {
    return weir::aggregate<Session>(name, weir::count().as(&Session::events),
                                    weir::sum(&Event::amount).as(&Session::amount));
  };
  const auto events = graph.source<Event>("events", {.time = &Event::at,
                                                     .watermark = plan.rule,
                                                     .idle_after = plan.idle_after,
                                                     .channels = plan.channels,
                                                     .max_future_skew = plan.max_future_skew,
                                                     .max_jump = plan.max_jump,
                                                     .earliest = weir::event_time(-1'000'000)});
  const auto others = graph.source<Event>(
      "others", {.time = &Event::at, .watermark = weir::trailing(1s), .max_future_skew = std::nullopt});
  weir::Stream<Event> all = events;
  if (plan.has_others) all = weir::merge<Event>("all", events, others);
  if (!plan.has_others) others | weir::sink("nowhere", [](const Event&) {});
  const auto keyed = all | weir::key_by(&Event::key);
  put(keyed | weir::tumbling({.size = 10s, .grace = 4s}) | totals("tumbling"), "tumbling");
  put(keyed | weir::tumbling({.size = 10s, .grace = 0s, .emit_empty = weir::EmptyWindows{.most = 2}}) |
          totals("filled"),
      "filled");
  put(keyed | weir::sliding({.size = 12s, .every = 4s, .grace = 0s}) | totals("sliding"), "sliding");
  put(keyed |
          weir::tumbling({.size = 20s,
                          .grace = 10s,
                          .emit = weir::emit_when(weir::on_close(), weir::every(3s), weir::after(4)),
                          .panes = weir::retracting}) |
          totals("early"),
      "early");
  put(keyed | weir::count_windows({.size = 5, .every = 2}) | totals("counted"), "counted");
  const auto sessions = keyed | weir::session({.gap = 6s, .grace = 0s}) | totals("sessions");
  put(sessions, "sessions");
  put(keyed |
          weir::session({.gap = 5s,
                         .longest = 30s,
                         .grace = 8s,
                         .emit = weir::emit_when(weir::on_close(), weir::every(4s))}) |
          totals("capped"),
      "capped");
  keyed | weir::each("silence", Silence{}) | weir::sink("silence out", [&lines](const std::string& line) {
    const std::size_t colon = line.find(':');
    add(lines, "silence", line.substr(0, colon), line.substr(colon));
  });
  const auto latest = keyed | weir::sliding({.size = 10s, .every = 5s, .grace = 5s}) | totals("velocity") |
                      weir::latest({.name = "latest", .retain = 40s, .versions = 3}) |
                      weir::view("latest_view");
  const auto rolling =
      keyed |
      weir::features<Rolling>(
          {.name = "rolling", .time_travel = 5s, .retain = 200s},
          weir::rolling({.size = 60s, .precision = 5s})
              .compute(weir::count().as(&Rolling::count_1m), weir::sum(&Event::amount).as(&Rolling::sum_1m)),
          weir::rolling({.size = 30s, .precision = weir::exact})
              .compute(weir::count().as(&Rolling::count_exact), weir::min(&Event::amount).as(&Rolling::low)),
          weir::rolling_records({.records = 3}).compute(weir::sum(&Event::value).as(&Rolling::last_three)),
          weir::rolling_lifetime({}).compute(weir::count().as(&Rolling::count_all)));
  const weir::ViewSpec view{.max_age = 20s};
  return {.events = events,
          .others = others,
          .rolling = plan.publishes ? rolling | weir::view("rolling_view", view).publish()
                                    : rolling | weir::view("rolling_view", view),
          .sessions = sessions | weir::view("session_view"),
          .latest = latest};
}

One::One(const Plan& plan) {
  weir::Graph graph{"stream", graph_spec()};
  handles_.emplace(define(graph, plan, lines_));
  auto built = std::move(graph).build();
  if (!built.ok()) std::fprintf(stderr, "%s\n", built.status().ToString().c_str());
  pipeline_.emplace(*std::move(built));
}

Many::Many(const Plan& plan, std::size_t shards) : lines_(shards) {
  auto built = weir::sharded(
      {.name = "stream", .shards = shards, .graph = graph_spec()},
      [&](weir::Graph& graph, std::size_t shard) { return define(graph, plan, lines_[shard]); },
      weir::route(&Handles::events, &Event::key), weir::route(&Handles::others, &Event::key));
  if (!built.ok()) std::fprintf(stderr, "%s\n", built.status().ToString().c_str());
  sharded_.emplace(*std::move(built));
}

Lines Many::lines() {
  Lines all;
  for (const Lines& one : lines_) {
    for (const auto& [of, lines] : one) all[of].insert(all[of].end(), lines.begin(), lines.end());
  }
  return all;
}

std::vector<Step> random_steps(std::uint64_t seed, std::size_t count, const Plan& plan, std::size_t keys) {
  std::mt19937_64 random(seed);
  const auto pick = [&random](std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(high - low + 1));
  };
  std::vector<Step> steps;
  weir::EventTime now = weir::event_time(0);
  weir::WallTime wall{};
  std::vector<bool> is_closed(plan.channels, false);
  for (std::size_t i = 0; i < count; ++i) {
    Step step;
    const std::int64_t way = pick(0, 99);
    if (pick(0, 99) == 0) now += 60s;
    step.is_other = pick(0, 4) == 0;
    step.channel =
        step.is_other ? 0 : static_cast<std::size_t>(pick(0, static_cast<std::int64_t>(plan.channels) - 1));
    if (way < 75) {
      for (std::int64_t left = pick(0, 3) == 0 ? pick(1, 40) : pick(1, 3); left > 0; --left) {
        now += weir::Duration{pick(0, 5) == 0 ? 0 : pick(0, 300'000)};
        Event event{.key = key(static_cast<std::size_t>(pick(0, static_cast<std::int64_t>(keys) - 1))),
                    .value = pick(0, 9),
                    .amount = static_cast<double>(pick(-1000, 1000)) / 7,
                    .at = now - weir::Duration{pick(0, 9) == 0 ? pick(0, 30'000'000) : pick(0, 2'000'000)}};
        if (pick(0, 60) == 0) event.at = weir::no_time;
        if (pick(0, 60) == 0) event.at = weir::event_time(-2'000'000);
        if (pick(0, 60) == 0) event.at = now + weir::Duration{pick(0, 200'000'000)};
        if (pick(0, 9) == 0) event.marker = now - 3s;
        step.records.push_back(std::move(event));
      }
    } else if (way < 80) {
      step.kind = Step::Kind::advance;
      step.at = now - weir::Duration{pick(0, 10'000'000)};
    } else if (way < 90) {
      step.kind = Step::Kind::tick;
      wall += weir::Duration{pick(-1'000'000, 4'000'000)};
      step.now = wall;
    } else if (way < 92) {
      step.kind = Step::Kind::idle;
    } else if (way < 94) {
      step.kind = Step::Kind::active;
    } else if (way < 95) {
      step.kind = Step::Kind::close;
      if (step.is_other || pick(0, 9) != 0) step.kind = Step::Kind::idle;
    } else {
      step.kind = Step::Kind::read;
      step.at = now + weir::Duration{pick(-20'000'000, 40'000'000)};
    }
    steps.push_back(std::move(step));
  }
  return steps;
}

void take(One& one, const Step& step, std::size_t keys) {
  weir::Pipeline& pipeline = one.pipeline();
  const Handles& handles = one.handles();
  const auto channel = (step.is_other ? handles.others : handles.events).channel(step.channel);
  switch (step.kind) {
    case Step::Kind::records:
      for (const Event& event : step.records) static_cast<void>(pipeline.push(channel, event));
      return;
    case Step::Kind::advance:
      return pipeline.advance(channel, step.at).IgnoreError();
    case Step::Kind::tick:
      return pipeline.tick(step.now).IgnoreError();
    case Step::Kind::idle:
      return pipeline.set_idle(channel).IgnoreError();
    case Step::Kind::active:
      return pipeline.set_active(channel).IgnoreError();
    case Step::Kind::close:
      return pipeline.close(channel).IgnoreError();
    case Step::Kind::read:
      return read_all(one.lines(), step, keys,
                      [&](const std::string& of, const weir::LookupSpec& spec, Lines& lines) {
                        add(lines, "rolling read", of, text(pipeline.lookup(handles.rolling, of, spec)));
                        add(lines, "session read", of, text(pipeline.lookup(handles.sessions, of, spec)));
                        if (!step.is_last)
                          add(lines, "latest read", of, text(pipeline.lookup(handles.latest, of, spec)));
                      });
  }
}

void take(Many& many, const Step& step, Lines& reads, std::size_t batch, std::size_t keys) {
  weir::Sharded<Handles>& sharded = many.sharded();
  const auto source = step.is_other ? &Handles::others : &Handles::events;
  switch (step.kind) {
    case Step::Kind::records:
      if (batch == 1) {
        for (const Event& event : step.records) static_cast<void>(sharded.push(source, event, step.channel));
        return;
      }
      for (std::size_t at = 0; at < step.records.size(); at += batch) {
        const std::span<const Event> records(step.records);
        static_cast<void>(
            sharded.push(source, records.subspan(at, std::min(batch, records.size() - at)), step.channel));
      }
      return;
    case Step::Kind::advance:
      return sharded.advance(source, step.at, step.channel).IgnoreError();
    case Step::Kind::tick:
      return sharded.tick(step.now).IgnoreError();
    case Step::Kind::idle:
      return sharded.set_idle(source, step.channel).IgnoreError();
    case Step::Kind::active:
      return sharded.set_active(source, step.channel).IgnoreError();
    case Step::Kind::close:
      return sharded.close(source, step.channel).IgnoreError();
    case Step::Kind::read:
      return read_all(reads, step, keys,
                      [&](const std::string& of, const weir::LookupSpec& spec, Lines& lines) {
                        add(lines, "rolling read", of, text(sharded.lookup(&Handles::rolling, of, spec)));
                        add(lines, "session read", of, text(sharded.lookup(&Handles::sessions, of, spec)));
                        if (!step.is_last)
                          add(lines, "latest read", of, text(sharded.lookup(&Handles::latest, of, spec)));
                      });
  }
}

std::string text(const weir::OperatorStats& stats) {
  std::string line = stats.name + " W " + text(stats.watermark);
  for (const std::uint64_t count :
       {stats.ingested, stats.applied, stats.partially_late, stats.late, stats.rejected, stats.unassigned,
        stats.emitted, stats.windows_missed, stats.unemitted, stats.behind, stats.future, stats.jumped,
        stats.regressions, stats.skipped_firings, stats.no_timestamp, stats.out_of_range,
        stats.over_key_limit, stats.conflicting, stats.evicted})
    line += " " + std::to_string(count);
  for (const weir::FeatureStats& feature : stats.features)
    line += " " + std::to_string(feature.missing) + "/" + std::to_string(feature.nan);
  return line + (stats.conserves() ? "\n" : " does not balance\n");
}

std::string first_difference(const Lines& wanted, const Lines& got) {
  static const std::vector<std::string> none;
  for (const Lines* side : {&wanted, &got}) {
    for (const auto& [of, unused] : *side) {
      const auto find = [&of = of](const Lines& in) -> const std::vector<std::string>& {
        const auto found = in.find(of);
        return found == in.end() ? none : found->second;
      };
      const std::vector<std::string>& want = find(wanted);
      const std::vector<std::string>& have = find(got);
      for (std::size_t i = 0; i < std::max(want.size(), have.size()); ++i) {
        const std::string a = i < want.size() ? want[i] : "nothing";
        const std::string b = i < have.size() ? have[i] : "nothing";
        if (a != b) return of + ", line " + std::to_string(i) + "\n  wanted " + a + "\n  got    " + b;
      }
    }
  }
  return "";
}

}  // namespace stream

#include "world.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace world {

using namespace std::chrono_literals;

namespace {

struct Totals {
  std::int64_t count = 0;
  double sum = 0;
  double low = 0;
  std::string first;
  std::uint64_t values = 0;
  std::string at_most;
};

auto totals(const std::string& name) {
  return weir::aggregate<Totals>(
      name, weir::count().as(&Totals::count), weir::sum(&Event::amount).as(&Totals::sum),
      weir::min(&Event::amount).as(&Totals::low), weir::first(&Event::key).as(&Totals::first),
      weir::distinct(&Event::value).as(&Totals::values),
      weir::arg_max(&Event::amount, &Event::key).as(&Totals::at_most));
}

std::string exact(double number) {
  char text[64];
  std::snprintf(text, sizeof text, "%a", number);
  return text;
}
std::string text(weir::EventTime at) { return std::to_string(weir::ticks(at)); }
std::string text(const Totals& row) {
  return std::to_string(row.count) + " " + exact(row.sum) + " " + exact(row.low) + " " + row.first + " " +
         std::to_string(row.values) + " " + row.at_most;
}
std::string text(const Session& row) { return std::to_string(row.events) + " " + exact(row.amount); }
std::string text(const Rolling& row) {
  return std::to_string(row.count_1m) + " " + std::to_string(row.count_1h) + " " +
         std::to_string(row.count_exact) + " " + std::to_string(row.count_all) + " " + exact(row.sum_1m) +
         " " + exact(row.sum_1h) + " " + exact(row.sum_exact) + " " + (row.low ? exact(*row.low) : "none") +
         " " + std::to_string(row.last_three) + " " + std::to_string(row.values);
}
template <class Row>
std::string text(const weir::Windowed<std::string, Row>& row) {
  return row.key + ": [" + text(row.window.start) + "," + text(row.window.end) + ") " + text(row.value) +
         " pane " + std::to_string(static_cast<int>(row.pane.timing)) + (row.pane.is_final ? "f" : "") +
         (row.pane.is_retraction ? "r" : "") + std::to_string(row.pane.index) +
         (row.number > 0 ? " number " + std::to_string(row.number) : "") + " W " + text(row.watermark);
}

/// Says when a key has been silent, and how often it spoke.
struct Silence {
  struct State {
    std::int64_t events = 0;
    friend bool operator==(const State&, const State&) = default;
  };
  void process(State& state, const Event& event, weir::Timer& timer, weir::Out<std::string>&) const {
    ++state.events;
    if (event.marker) {
      timer.cancel();
    } else {
      timer.set(event.at + 7s);
    }
  }
  void on_timer(State& state, weir::Fired<std::string> fired, weir::Out<std::string>& out) const {
    out.emit(fired.key + ": silent at " + text(fired.at) + " after " + std::to_string(state.events));
    state = {};
  }
};
/// Knows the last value of a key.
struct Remembered {
  struct State {
    std::int64_t value = -1;
    friend bool operator==(const State&, const State&) = default;
  };
  void process(State& state, const Event& event, weir::Out<std::string>& out) const {
    out.emit(event.key + ": was " + std::to_string(state.value));
    if (!event.marker) state.value = event.value;
  }
};
/// Numbers all events of the stream.
struct Number {
  struct State {
    std::int64_t events = 0;
  };
  void process(State& state, const Event& event, weir::Out<std::string>& out) const {
    if (++state.events % 3 == 0) out.emit(event.key + ": number " + std::to_string(state.events));
  }
};

weir::Duration gap_of(const Event& event) { return event.gap; }
bool is_marker(const Event& event) { return event.marker; }

}  // namespace

std::string first_difference(const Lines& wanted, const Lines& got) {
  static const std::vector<std::string> none;
  for (const Lines* one : {&wanted, &got}) {
    for (const auto& [stream, lines] : *one) {
      const auto find = [&stream = stream](const Lines& in) -> const std::vector<std::string>& {
        const auto found = in.find(stream);
        return found == in.end() ? none : found->second;
      };
      const std::vector<std::string>& want = find(wanted);
      const std::vector<std::string>& have = find(got);
      for (std::size_t i = 0; i < std::max(want.size(), have.size()); ++i) {
        const std::string a = i < want.size() ? want[i] : "nothing";
        const std::string b = i < have.size() ? have[i] : "nothing";
        if (a != b) return stream + " " + std::to_string(i) + "\n  wanted " + a + "\n  got    " + b;
      }
    }
  }
  return "";
}

World::World(const Plan& plan) : is_whole_(plan.has_whole) {
  weir::Graph graph{"world", {.hash_seed = plan.hash_seed, .key_groups = plan.key_groups}};
  const auto write = [this](const std::string& stream) {
    auto& lines = lines_;
    return [&lines, stream](const auto& line) { lines[stream].push_back(line); };
  };
  const auto write_rows = [this](const std::string& stream) {
    auto& lines = lines_;
    return [&lines, stream](const auto& row) { lines[stream].push_back(text(row)); };
  };
  const auto put = [&](const auto& rows, const std::string& name) {
    rows | weir::sink(name + " rows", write_rows(name));
    rows.late() | weir::sink(name + " late", [write = write(name + " late")](const weir::Late<Event>& late) {
      write(late.record.key + ": " + text(late.time) + " hit " + std::to_string(late.windows_hit) +
            " missed " + std::to_string(late.windows_missed));
    });
  };
  events_ = graph.source<Event>("events", {.time = &Event::at,
                                           .watermark = weir::host_driven(),
                                           .idle_after = 60s,
                                           .channels = 2,
                                           .max_future_skew = std::nullopt});
  others_ = graph.source<Event>(
      "others", {.time = &Event::at, .watermark = weir::host_driven(), .max_future_skew = std::nullopt});
  const auto all = weir::merge<Event>("all", *events_, *others_);
  const auto keyed = all | weir::key_by(&Event::key);
  put(keyed | weir::tumbling({.size = 10s, .grace = 0s}) | totals("tumbling"), "tumbling");
  put(keyed | weir::tumbling({.size = 10s, .grace = 15s, .emit_empty = weir::EmptyWindows{.most = 2}}) |
          totals("filled"),
      "filled");
  put(keyed | weir::sliding({.size = 12s, .every = 2s, .grace = 0s}) | totals("sliding"), "sliding");
  put(keyed | weir::sliding({.size = 100s, .every = 1s, .grace = 5s}) | totals("many_panes"), "many_panes");
  put(keyed | weir::cumulating({.size = 20s, .step = 5s, .grace = 3s}) | totals("cumulating"), "cumulating");
  put(keyed |
          weir::tumbling({.size = 20s,
                          .grace = 10s,
                          .emit = weir::emit_when(weir::on_close(), weir::every(3s), weir::after(4)),
                          .panes = weir::retracting}) |
          totals("early"),
      "early");
  put(keyed | weir::count_windows({.size = 5, .every = 2}) | totals("counted"), "counted");
  auto sessions = keyed | weir::session({.gap = 6s, .grace = 0s}) |
                  weir::aggregate<Session>("sessions", weir::count().as(&Session::events),
                                           weir::sum(&Event::amount).as(&Session::amount));
  put(sessions, "sessions");
  sessions_ = sessions | weir::view("session_view");
  put(keyed |
          weir::session({.longest = 30s,
                         .most_records = 6,
                         .grace = 8s,
                         .emit = weir::emit_when(weir::on_close(), weir::every(4s)),
                         .panes = weir::retracting})
              .gap_from(gap_of)
              .ends_at(is_marker) |
          weir::aggregate<Session>("capped", weir::count().as(&Session::events),
                                   weir::sum(&Event::amount).as(&Session::amount)),
      "capped");
  auto velocity = keyed | weir::sliding({.size = 10s, .every = 5s, .grace = 5s}) |
                  weir::aggregate<Session>("velocity", weir::count().as(&Session::events),
                                           weir::sum(&Event::amount).as(&Session::amount));
  latest_ =
      velocity | weir::latest({.name = "latest", .retain = 40s, .versions = 3}) | weir::view("latest_view");
  keyed | weir::each("silence", Silence{}) | weir::sink("silence out", write("silence"));
  const auto forgetful = [&](const std::string& name, weir::Duration retain, weir::Refresh refresh,
                             weir::Clock clock) {
    keyed | weir::each({.name = name, .retain = retain, .refresh = refresh, .clock = clock}, Remembered{}) |
        weir::sink(name + " out", write(name));
  };
  forgetful("retained", 9s, weir::Refresh::on_change, weir::Clock::event);
  forgetful("retained by clock", 3s, weir::Refresh::on_record, weir::Clock::wall);
  const auto once = all | weir::dedup({.name = "dedup", .within = 8s, .grace = 2s}, &Event::key);
  once | weir::sink("first", [write = write("first")](const Event& event) { write(event.key + ": first"); });
  once.late() | weir::sink("undecided", [write = write("undecided")](const weir::Late<Event>& late) {
    write(late.record.key + ": late " + text(late.time));
  });
  all |
      weir::dedup({.name = "dedup by clock", .within = 2s, .clock = weir::Clock::wall, .refresh = true},
                  &Event::key) |
      weir::sink("first by clock",
                 [write = write("first by clock")](const Event& event) { write(event.key + ": first"); });
  if (plan.has_whole) all | weir::each("number", Number{}) | weir::sink("number out", write("number"));
  auto rolling =
      keyed |
      weir::features<Rolling>(
          {.name = "rolling", .time_travel = 5s, .retain = 200s},
          weir::rolling({{.size = 60s, .precision = 5s}, {.size = 160s, .precision = 20s}})
              .compute(weir::count().as(&Rolling::count_1m, &Rolling::count_1h),
                       weir::sum(&Event::amount).as(&Rolling::sum_1m, &Rolling::sum_1h)),
          weir::rolling({.size = 30s, .precision = weir::exact})
              .compute(weir::count().as(&Rolling::count_exact),
                       weir::sum(&Event::amount).as(&Rolling::sum_exact),
                       weir::min(&Event::amount).as(&Rolling::low)),
          weir::rolling_records({.records = 3}).compute(weir::sum(&Event::value).as(&Rolling::last_three)),
          weir::rolling_lifetime({}).compute(weir::count().as(&Rolling::count_all),
                                             weir::distinct(&Event::value).as(&Rolling::values)));
  rolling_ = rolling | weir::view("rolling_view", {.max_age = 20s});
  auto built = std::move(graph).build();
  if (!built.ok()) std::fprintf(stderr, "%s\n", built.status().ToString().c_str());
  pipeline_.emplace(*std::move(built));
}

void World::push(const Event& event, std::size_t channel) {
  static_cast<void>(pipeline_->push(events_->channel(channel), event));
}
void World::push_other(const Event& event) { static_cast<void>(pipeline_->push(*others_, event)); }
void World::advance(weir::EventTime watermark) {
  pipeline_->advance(events_->channel(0), watermark).IgnoreError();
  pipeline_->advance(events_->channel(1), watermark).IgnoreError();
  pipeline_->advance(*others_, watermark).IgnoreError();
}
void World::tick(std::int64_t seconds) {
  pipeline_->tick(weir::WallTime{std::chrono::seconds{seconds}}).IgnoreError();
}
void World::finish() { pipeline_->finish().IgnoreError(); }

void World::read(weir::EventTime as_of) {
  const auto look = [&](const char* stream, const auto& view, const std::string& key) {
    const auto hit = pipeline_->lookup(view, key, {.as_of = as_of});
    if (hit.status == weir::ReadStatus::missing || (!is_whole_ && hit.event_time == weir::no_time)) return;
    std::string line = key + ": " + text(hit.value) + " at " + text(hit.event_time);
    // How far time is known to have come is known by the records, of which a part of the keys has a part.
    if (is_whole_)
      line += " " + std::to_string(static_cast<int>(hit.status)) + " of " + text(hit.known_until);
    lines_[stream].push_back(line);
  };
  for (int i = 0; i < 12; ++i) {
    const std::string key = "key" + std::to_string(i);
    look("rolling read", *rolling_, key);
    look("session read", *sessions_, key);
    look("latest read", *latest_, key);
  }
}

std::string World::snapshot() {
  std::string image;
  const absl::Status status = pipeline_->snapshot({.positions = "at 7"}, image);
  return status.ok() ? image : status.ToString();
}

std::string World::counters() {
  std::string all;
  for (const std::string& name : pipeline_->names()) {
    const weir::OperatorStats& stats = pipeline_->stats(name);
    all += name;
    for (const std::uint64_t count :
         {stats.ingested, stats.applied, stats.partially_late, stats.late, stats.duplicate, stats.conflicting,
          stats.rejected, stats.unassigned, stats.emitted, stats.windows_missed, stats.unemitted,
          stats.behind, stats.regressions, stats.skipped_firings})
      all += " " + std::to_string(count);
    all += "\n";
  }
  return all;
}

std::vector<Step> random_steps(std::uint64_t seed, std::size_t count, std::size_t keys) {
  std::mt19937_64 random(seed);
  const auto pick = [&random](std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(high - low + 1));
  };
  std::vector<Step> steps;
  weir::EventTime now = weir::event_time(0);
  std::int64_t wall = 0;
  for (std::size_t i = 0; i < count; ++i) {
    Step step;
    const std::int64_t way = pick(0, 19);
    now += weir::Duration{pick(0, 900'000)};
    if (pick(0, 199) == 0) now += 130s;
    step.at = now;
    if (way < 15) {
      step.kind = way < 12 ? Step::Kind::event : Step::Kind::other;
      step.channel = static_cast<std::size_t>(pick(0, 1));
      step.event = {.key = "key" + std::to_string(pick(0, static_cast<std::int64_t>(keys) - 1)),
                    .value = pick(0, 9),
                    .amount = static_cast<double>(pick(-1000, 1000)) / 7,
                    .at = now - weir::Duration{pick(0, 9) == 0 ? pick(0, 30'000'000) : pick(0, 2'000'000)},
                    .gap = weir::Duration{pick(1'000'000, 9'000'000)},
                    .marker = pick(0, 14) == 0};
    } else if (way < 17) {
      step.kind = Step::Kind::advance;
      step.at = now - 2s;
    } else if (way < 18) {
      step.kind = Step::Kind::tick;
      step.seconds = wall += pick(0, 3);
    } else {
      step.kind = Step::Kind::read;
      step.at = now + weir::Duration{pick(-5'000'000, 40'000'000)};
    }
    steps.push_back(step);
  }
  return steps;
}

void take(World& world, const Step& step) {
  switch (step.kind) {
    case Step::Kind::event:
      return world.push(step.event, step.channel);
    case Step::Kind::other:
      return world.push_other(step.event);
    case Step::Kind::advance:
      return world.advance(step.at);
    case Step::Kind::tick:
      return world.tick(step.seconds);
    case Step::Kind::read:
      return world.read(step.at);
  }
}

std::string restore(World& world, const std::string& image, const weir::RestoreSpec& spec) {
  const absl::Status status = world.pipeline().restore(image, spec);
  return status.ok() ? "" : status.ToString();
}

}  // namespace world

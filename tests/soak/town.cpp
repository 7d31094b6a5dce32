#include "town.hpp"

#include <bit>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>
#include <vector>

namespace soak {

using namespace std::chrono_literals;

namespace {

struct Totals {
  std::int64_t count = 0;
  double amount = 0;
  double least = 0;
  std::uint64_t shops = 0;
};

double amount_of(const Event& event) { return event.amount; }
double doubled_of(const Event&) { return 2; }

std::uint64_t word(weir::EventTime at) { return static_cast<std::uint64_t>(weir::ticks(at)); }
std::uint64_t word(double number) { return std::bit_cast<std::uint64_t>(number); }
std::uint64_t word(std::uint64_t key) { return key; }
std::uint64_t word(std::uint32_t key) { return key; }
std::uint64_t word(const std::string& text) {
  std::uint64_t all = text.size();
  for (const char one : text) all = all * 131 + static_cast<unsigned char>(one);
  return all;
}

void add(End& end, const Totals& row) {
  end.records += static_cast<std::uint64_t>(row.count);
  end.add(static_cast<std::uint64_t>(row.count));
  end.add(word(row.amount));
  end.add(word(row.least));
  end.add(row.shops);
}
void add(End& end, const Visit& row) {
  end.records += static_cast<std::uint64_t>(row.records);
  end.add(static_cast<std::uint64_t>(row.records));
  end.add(word(row.amount));
}
void add(End& end, const Hot& row) {
  for (const double field :
       {static_cast<double>(row.count), row.doubled, static_cast<double>(row.count_long), row.amount_long})
    end.add(word(field));
}
void add(End& end, const Rolling& row) {
  for (const std::int64_t field : {row.exact, row.three, row.ever})
    end.add(static_cast<std::uint64_t>(field));
  end.add(word(row.amount));
  end.add(row.shops);
  end.add(word(row.least.value_or(-1)));
}
template <class Key, class Row>
void add(End& end, const weir::Windowed<Key, Row>& row) {
  ++end.rows;
  end.add(word(row.key));
  end.add(word(row.window.start));
  end.add(word(row.window.end));
  end.add(static_cast<std::uint64_t>(row.pane.timing) * 4 + (row.pane.is_final ? 2U : 0U) +
          (row.pane.is_retraction ? 1U : 0U));
  end.add(row.pane.index);
  end.add(row.number);
  add(end, row.value);
}

auto totals(const std::string& name) {
  return weir::aggregate<Totals>(
      name, weir::count().as(&Totals::count), weir::sum(&amount_of).as(&Totals::amount),
      weir::min(&amount_of).as(&Totals::least), weir::distinct(&Event::shop).as(&Totals::shops));
}
auto visit_totals(const std::string& name) {
  return weir::aggregate<Visit>(name, weir::count().as(&Visit::records),
                                weir::sum(&amount_of).as(&Visit::amount));
}

/// Says when a user has been silent.
struct Silence {
  struct State {
    std::int64_t events = 0;
    friend bool operator==(const State&, const State&) = default;
  };
  void process(State& state, const Event& event, weir::Timer& timer, weir::Out<std::uint64_t>&) const {
    fault.visit();
    ++state.events;
    if (event.kind == 2) {
      timer.cancel();
    } else {
      timer.set(weir::later(event.at, 40s));
    }
  }
  void on_timer(State& state, const weir::Fired<std::uint64_t>& fired, weir::Out<std::uint64_t>& out) const {
    fault.visit();
    out.emit(fired.key * 31 + word(fired.at) + static_cast<std::uint64_t>(state.events));
    state = {};
  }
};
/// Knows the last amount of a user.
struct Remembered {
  struct State {
    double amount = -1;
    friend bool operator==(const State&, const State&) = default;
  };
  void process(State& state, const Event& event, weir::Out<std::uint64_t>& out) const {
    fault.visit();
    out.emit(event.user + word(state.amount));
    state.amount = event.amount;
  }
};
/// Numbers all records of the stream.
struct Number {
  struct State {
    std::uint64_t events = 0;
  };
  void process(State& state, const Event& event, weir::Out<std::uint64_t>& out) const {
    if (++state.events % 100 == 0) out.emit(event.id + state.events);
  }
};

std::string_view name_of_event(const Event& event) { return name_of(event.user); }

}  // namespace

std::string_view name_of(std::uint64_t user) {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> made;
    for (std::uint64_t i = 0; i < 4096; ++i)
      made.push_back((i % 2 == 0 ? "user " : "a user whose name needs the heap, number ") +
                     std::to_string(i));
    return made;
  }();
  return names[user % names.size()];
}

Town::Town(std::uint64_t hash_seed, Tally& tally) : tally_(tally) {
  weir::Graph graph{"town", {.hash_seed = hash_seed, .key_groups = {.count = 64}}};
  const auto write = [&tally](At at) {
    return [&end = tally[at]](const auto& row) {
      fault.visit();
      add(end, row);
    };
  };
  const auto write_late = [&tally](At at) {
    return [&end = tally[at]](const weir::Late<Event>& late) {
      fault.visit();
      ++end.rows;
      end.add(late.record.id);
      end.add(late.windows_hit * 64 + late.windows_missed);
    };
  };
  const auto write_word = [&tally](At at) {
    return [&end = tally[at]](std::uint64_t number) {
      fault.visit();
      ++end.rows;
      end.add(number);
    };
  };
  const auto put = [&](const auto& rows, const std::string& name, At at, At late) {
    rows | weir::sink(name + " rows", write(at));
    rows.late() | weir::sink(name + " late", write_late(late));
  };

  events_ = graph.source<Event>(
      "events",
      {.time = &Event::at, .watermark = weir::trailing(1s), .idle_after = 30s, .channels = channels});
  others_ = graph.source<Event>("others", {.time = &Event::at, .watermark = weir::host_driven()});
  const auto all = weir::merge<Event>("all", *events_, *others_);
  const auto once = all | weir::dedup({.name = "once", .within = 5s, .grace = 2s}, &Event::id);
  once.late() | weir::sink("once late", write_late(At::once_late));
  const auto flow = all | (weir::filter([](const Event& event) {
                             fault.visit();
                             return event.kind != 0;
                           }) |
                           weir::flat_map<Event>([](const Event& event, auto&& emit) {
                             fault.visit();
                             emit(event);
                             if (event.kind == 1) emit(event);
                           }));
  flow |
      weir::tap("tap",
                [&end = tally[At::seen]](const Event& event) {
                  ++end.rows;
                  end.add(event.id);
                }) |
      weir::each("number", Number{}) | weir::sink("numbers", write_word(At::numbers));

  // All records go into some operators, those of a part of the users into all others.
  const auto users = flow | weir::key_by(&Event::user, {.name = "users"});
  put(users | weir::tumbling({.size = 60s, .grace = 0s, .emit_empty = weir::EmptyWindows{.most = 2}}) |
          totals("minute"),
      "minute", At::minute, At::minute_late);
  const auto read = flow | weir::filter([](const Event& event) { return event.user % 16 == 0; }) |
                    weir::key_by(&Event::user, {.name = "read users"});
  auto hot =
      read |
      weir::features<Hot>(
          {.name = "hot", .retain = 20min},
          weir::rolling({{.size = 60s, .precision = 5s}, {.size = 600s, .precision = 60s}})
              .compute(weir::count().as(&Hot::count, &Hot::count_long)),
          weir::rolling({.size = 60s, .precision = 5s}).compute(weir::sum(&doubled_of).as(&Hot::doubled)),
          weir::rolling({.size = 600s, .precision = 60s})
              .compute(weir::sum(&amount_of).as(&Hot::amount_long)));
  hot.late() | weir::sink("hot late", write_late(At::features_late));
  hot_ = hot | weir::view("hot_view", {.max_age = 30s}).publish({.refresh = 5s});
  users | weir::each("silence", Silence{}) | weir::sink("silence out", write_word(At::silence));
  const auto shops = once | weir::key_by(&Event::shop, {.name = "shops"});
  put(shops | weir::lifetime({.emit = weir::emit_when(weir::on_close(), weir::every(60s))}) |
          totals("since ever"),
      "since ever", At::since_ever, At::since_ever_late);

  const auto some = flow | weir::filter([](const Event& event) { return event.user % 32 == 0; });
  const auto named = some | weir::key_by(&name_of_event, {.name = "named"});
  auto [small, large] = named |
                        weir::windows(weir::tumbling({.size = 10s, .grace = 3s}),
                                      weir::sliding({.size = 60s, .every = 20s, .grace = 0s})) |
                        totals("both");
  put(small, "both small", At::both_small, At::both_small_late);
  large | weir::sink("both large rows", write(At::both_large));  // what is late has one output
  put(named | weir::sliding({.size = 60s, .every = 10s, .grace = 5s}) | totals("sliding"), "sliding",
      At::sliding, At::sliding_late);
  put(named | weir::sliding({.size = 100s, .every = 1s, .grace = 0s}) | totals("many panes"), "many panes",
      At::many_panes, At::many_panes_late);
  put(named | weir::cumulating({.size = 60s, .step = 15s, .grace = 3s}) | totals("cumulating"), "cumulating",
      At::cumulating, At::cumulating_late);
  put(named |
          weir::tumbling({.size = 60s,
                          .grace = 30s,
                          .emit = weir::emit_when(weir::on_close(), weir::every(7s), weir::after(20)),
                          .panes = weir::retracting}) |
          totals("early"),
      "early", At::early, At::early_late);
  put(named | weir::tumbling({.size = 30s, .grace = 20s, .emit = weir::on_update()}) | totals("updates"),
      "updates", At::updates, At::updates_late);
  put(named |
          weir::tumbling({.size = 30s,
                          .grace = 25s,
                          .emit = weir::on_close().holding_late(),
                          .panes = weir::discarding}) |
          totals("held"),
      "held", At::held, At::held_late);
  put(named | weir::count_windows({.size = 50, .every = 20}) | totals("counted"), "counted", At::counted,
      At::counted_late);
  auto visits = named | weir::session({.gap = 8s, .grace = 0s}) | visit_totals("visits");
  put(visits, "visits", At::visits, At::visits_late);
  visits_ = visits | weir::view("visits_view");
  put(named |
          weir::session({.longest = 90s,
                         .most_records = 400,
                         .grace = 8s,
                         .emit = weir::emit_when(weir::on_close(), weir::every(20s)),
                         .panes = weir::retracting})
              .gap_from([](const Event& event) -> weir::Duration {
                fault.visit();
                return event.amount < 50 ? weir::Duration{6s} : weir::Duration{12s};
              })
              .ends_at([](const Event& event) { return event.kind == 2; }) |
          visit_totals("capped"),
      "capped", At::capped, At::capped_late);
  auto velocity = named | weir::sliding({.size = 30s, .every = 15s, .grace = 5s}) | visit_totals("velocity");
  put(velocity, "velocity", At::velocity, At::velocity_late);
  latest_ =
      velocity | weir::latest({.name = "latest", .retain = 120s, .versions = 3}) | weir::view("latest_view");
  named |
      weir::each({.name = "remembered", .retain = 90s, .refresh = weir::Refresh::on_change}, Remembered{}) |
      weir::sink("remembered out", write_word(At::remembered));
  named |
      weir::each({.name = "by clock",
                  .retain = 30s,
                  .refresh = weir::Refresh::on_record,
                  .clock = weir::Clock::wall},
                 Remembered{}) |
      weir::sink("by clock out", write_word(At::by_clock));
  auto rolling =
      named | weir::features<Rolling>(
                  {.name = "rolling", .time_travel = 5s, .retain = 300s},
                  weir::rolling({.size = 30s, .precision = weir::exact})
                      .compute(weir::count().as(&Rolling::exact), weir::sum(&amount_of).as(&Rolling::amount),
                               weir::min(&amount_of).as(&Rolling::least)),
                  weir::rolling_records({.records = 3}).compute(weir::count().as(&Rolling::three)),
                  weir::rolling_lifetime({}).compute(weir::count().as(&Rolling::ever),
                                                     weir::distinct(&Event::shop).as(&Rolling::shops)));
  rolling.late() | weir::sink("rolling late", write_late(At::rolling_late));
  rolling_ = rolling | weir::view("rolling_view", {.max_age = 20s});
  some |
      weir::dedup({.name = "once by clock", .within = 20s, .clock = weir::Clock::wall, .refresh = true},
                  &Event::user) |
      weir::sink("first by clock", [&end = tally[At::first_by_clock]](const Event& event) {
        ++end.rows;
        end.add(event.id);
      });

  // Keys that come once.
  const auto crowd =
      flow | weir::filter([](const Event& event) { return event.id % 64 == 0; }) |
      weir::key_by(&Event::id,
                   {.name = "crowd keys", .most_keys = 5000, .when_full = weir::WhenFull::evict_coldest});
  put(crowd | weir::tumbling({.size = 600s, .grace = 0s}) | totals("crowd"), "crowd", At::crowd,
      At::crowd_late);

  auto built = std::move(graph).build();
  if (!built.ok()) {
    std::fprintf(stderr, "%s\n", built.status().ToString().c_str());
    std::abort();
  }
  pipeline_.emplace(*std::move(built));
}

void Town::look(std::uint64_t user, weir::EventTime as_of) {
  End& end = tally_[At::looked_up];
  const auto note = [&end](const auto& hit) {
    ++end.rows;
    end.add(static_cast<std::uint64_t>(hit.status));
    end.add(word(hit.event_time));
    add(end, hit.value);
  };
  const std::string_view name = name_of(user);
  note(pipeline_->lookup(*hot_, user, {.as_of = as_of}));
  note(pipeline_->lookup(*rolling_, name, {.as_of = as_of}));
  note(pipeline_->lookup(*visits_, name, {.as_of = as_of}));
  note(pipeline_->lookup(*latest_, name, {.as_of = as_of}));
}

std::string Town::broken_law(std::uint64_t events, std::uint64_t others) {
  std::string broken;
  const auto same = [&broken](const std::string& what, std::uint64_t a, std::uint64_t b) {
    if (a != b) broken += what + ": " + std::to_string(a) + " and " + std::to_string(b) + "\n";
  };
  for (const std::string& name : pipeline_->names()) {
    const weir::OperatorStats& stats = pipeline_->stats(name);
    if (!stats.conserves())
      broken += name + " does not conserve: " + std::to_string(stats.ingested) + " ingested\n";
  }
  const auto stats = [this](const char* name) -> const weir::OperatorStats& {
    return pipeline_->stats(name);
  };
  const auto rows = [this](At at) { return tally_[at].rows; };
  same("events taken in", stats("events").ingested, events);
  same("others taken in", stats("others").ingested, others);
  same("records merged", stats("all").ingested, stats("events").applied + stats("others").applied);
  same("records of once", stats("once").ingested, stats("all").emitted);
  same("records past once", stats("once").emitted - rows(At::once_late), stats("once").applied);
  same("records keyed", stats("users").ingested, rows(At::seen));
  same("records of shops", stats("shops").ingested, stats("once").applied);
  same("records numbered", stats("number").ingested, rows(At::seen));
  same("crowd", stats("crowd keys").applied, stats("crowd").ingested);
  same("records of hot", stats("hot").ingested, stats("read users").applied);
  for (const char* name : {"minute", "silence"})
    same(std::string("records of ") + name, stats(name).ingested, stats("users").applied);
  for (const char* name : {"both", "sliding", "many panes", "cumulating", "early", "updates", "held",
                           "counted", "visits", "capped", "velocity", "remembered", "by clock", "rolling"})
    same(std::string("records of ") + name, stats(name).ingested, stats("named").applied);
  const auto came_out = [&](const char* name, At at, At late) {
    same(std::string("rows of ") + name, stats(name).emitted, rows(at) + rows(late));
  };
  came_out("minute", At::minute, At::minute_late);
  came_out("sliding", At::sliding, At::sliding_late);
  came_out("many panes", At::many_panes, At::many_panes_late);
  came_out("cumulating", At::cumulating, At::cumulating_late);
  came_out("early", At::early, At::early_late);
  came_out("updates", At::updates, At::updates_late);
  came_out("held", At::held, At::held_late);
  came_out("counted", At::counted, At::counted_late);
  came_out("visits", At::visits, At::visits_late);
  came_out("capped", At::capped, At::capped_late);
  came_out("velocity", At::velocity, At::velocity_late);
  came_out("since ever", At::since_ever, At::since_ever_late);
  came_out("crowd", At::crowd, At::crowd_late);
  same("rows of both", stats("both").emitted,
       rows(At::both_small) + rows(At::both_small_late) + rows(At::both_large));
  same("rows of silence", stats("silence").emitted, rows(At::silence));
  same("rows of remembered", stats("remembered").emitted, rows(At::remembered));
  same("rows of by clock", stats("by clock").emitted, rows(At::by_clock));
  return broken;
}

std::string Town::broken_end() {
  std::string broken;
  const auto same = [&broken](const std::string& what, std::uint64_t a, std::uint64_t b) {
    if (a != b) broken += what + ": " + std::to_string(a) + " and " + std::to_string(b) + "\n";
  };
  // Each record that was applied is in exactly one row.
  same("records in minutes", tally_[At::minute].records, pipeline_->stats("minute").applied);
  same("records in visits", tally_[At::visits].records, pipeline_->stats("visits").applied);
  return broken;
}

}  // namespace soak

#include <weir/weir.hpp>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "effort.hpp"
#include "rolling_model.hpp"

// Random scripts of records and reads through rolling features and through the model. WEIR_EFFORT says how many: quick 20,000,
// normal 1,000,000 (default), long 20,000,000; WEIR_SCRIPTS gives another number, WEIR_SEED the first seed.

namespace {

using rolling::Answer;
using rolling::Config;
using rolling::Kind;
using rolling::Ticks;
using rolling::Totals;
using Random = std::mt19937_64;

struct Event {
  std::int64_t key = 0;
  std::int64_t value = 0;
  weir::EventTime at{};
};

constexpr std::size_t window_count = 6;

struct Row {
  std::array<Totals, window_count> of{};
};

/// Fields of a row are data members, so each window gets a struct of its own.
struct Fields {
  std::int64_t count0 = 0, count1 = 0, count2 = 0, count3 = 0, count4 = 0, count5 = 0;
  std::int64_t sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0, sum4 = 0, sum5 = 0;
  std::int64_t min0 = 0, min1 = 0, min2 = 0, min3 = 0, min4 = 0, min5 = 0;
  std::int64_t max0 = 0, max1 = 0, max2 = 0, max3 = 0, max4 = 0, max5 = 0;
  std::int64_t first0 = 0, first1 = 0, first2 = 0, first3 = 0, first4 = 0, first5 = 0;
  std::int64_t last0 = 0, last1 = 0, last2 = 0, last3 = 0, last4 = 0, last5 = 0;

  [[nodiscard]] std::array<Totals, window_count> totals() const {
    return {{{count0, sum0, min0, max0, first0, last0},
             {count1, sum1, min1, max1, first1, last1},
             {count2, sum2, min2, max2, first2, last2},
             {count3, sum3, min3, max3, first3, last3},
             {count4, sum4, min4, max4, first4, last4},
             {count5, sum5, min5, max5, first5, last5}}};
  }
};

struct Step {
  enum class Kind { push, read } kind = Kind::push;
  std::int64_t key = 0;
  Ticks at = 0;  // of the record, or of the read
  std::int64_t value = 0;
  bool joins_batch = false;  // goes with the push before it into one call
};

struct Script {
  Config config;
  std::vector<Step> steps;
};

std::int64_t pick(Random& random, std::int64_t low, std::int64_t high) {
  return low + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(high - low + 1));
}

rolling::Window random_window(Random& random, Ticks hop) {
  rolling::Window window;
  const std::int64_t kind = pick(random, 0, 4);
  window.kind = kind == 0 ? Kind::exact : kind == 1 ? Kind::pre_cut : Kind::tail;
  window.hop = hop;
  window.size = window.kind == Kind::pre_cut ? hop * pick(random, 1, 8) : hop + pick(random, 0, 9 * hop);
  window.includes_asking = pick(random, 0, 3) == 0;
  return window;
}

Script random_script(std::uint64_t seed) {
  Random random(seed);
  Script script;
  Config& config = script.config;
  config.bound = pick(random, 0, 1) * pick(random, 0, 12);
  config.time_travel = pick(random, 0, 1) * pick(random, 0, 15);
  // Three windows over the same aggregates, whose precisions are multiples of each other, and three alone.
  Ticks hop = pick(random, 1, 4);
  Ticks longest = 1;
  for (std::size_t i = 0; i < 4; ++i) {
    config.windows.push_back(random_window(random, i == 3 ? pick(random, 1, 9) : hop));
    longest = std::max(longest, config.windows.back().size + config.windows.back().hop);
    hop *= pick(random, 1, 4);
  }
  config.windows.push_back({.kind = Kind::records,
                            .records = static_cast<std::uint32_t>(pick(random, 1, 4)),
                            .includes_asking = pick(random, 0, 1) == 0});
  config.windows.push_back({.kind = Kind::lifetime, .includes_asking = pick(random, 0, 1) == 0});
  config.retain = pick(random, 0, 1) == 0 ? rolling::for_ever : longest + pick(random, 0, 5);

  const Ticks spread = pick(random, 0, 3) == 0 ? 100 : 20;
  Ticks now = pick(random, 0, 1) == 0 ? 0 : pick(random, -100, 100);
  if (pick(random, 0, 49) == 0)
    now = pick(random, 0, 1) == 0 ? INT64_MIN + pick(random, 1, 60) : INT64_MAX - pick(random, 60, 200);
  const auto moved = [](Ticks from, Ticks by) {
    return std::max<Ticks>(weir::saturating_add(from, by), INT64_MIN + 1);
  };
  const std::int64_t steps = pick(random, 4, 40);
  for (std::int64_t i = 0; i < steps; ++i) {
    Step step{.key = pick(random, 0, 2)};
    if (pick(random, 0, 2) == 0) {
      step.kind = Step::Kind::read;
      step.at = moved(now, pick(random, -spread, spread));
    } else {
      step.value = pick(random, -9, 99);
      const std::int64_t way = pick(random, 0, 9);
      if (way < 6) now = moved(now, pick(random, 0, 4));
      if (way == 6) now = moved(now, pick(random, 0, 2 * spread));
      step.at = way < 7 ? now : moved(now, -pick(random, 0, spread));
      step.joins_batch = pick(random, 0, 2) == 0;
    }
    script.steps.push_back(step);
  }
  return script;
}

weir::RollingSpec spec_of(const rolling::Window& window) {
  const weir::Duration hop{window.hop};
  return {.size = weir::Duration{window.size},
          .precision = window.kind == Kind::exact     ? weir::exact
                       : window.kind == Kind::pre_cut ? weir::pre_cut(hop)
                                                      : weir::Precision(hop),
          .asking = window.includes_asking ? weir::Asking::included : weir::Asking::excluded};
}
weir::Asking asking_of(const rolling::Window& window) {
  return window.includes_asking ? weir::Asking::included : weir::Asking::excluded;
}

class Subject {
 public:
  explicit Subject(const Config& config) {
    weir::Graph graph{"rolling"};
    source_.emplace(graph.source<Event>(
        "events", {.time = &Event::at, .watermark = weir::trailing(weir::Duration{config.bound})}));
    const auto& w = config.windows;
    auto rows =
        *source_ | weir::key_by(&Event::key) |
        weir::features<Fields>(
            {.name = "features",
             .time_travel = weir::Duration{config.time_travel},
             .retain = weir::Duration{config.retain}},
            weir::rolling({spec_of(w[0]), spec_of(w[1]), spec_of(w[2])})
                .compute(weir::count().as(&Fields::count0, &Fields::count1, &Fields::count2),
                         weir::sum(&Event::value).as(&Fields::sum0, &Fields::sum1, &Fields::sum2),
                         weir::min(&Event::value).as(&Fields::min0, &Fields::min1, &Fields::min2),
                         weir::max(&Event::value).as(&Fields::max0, &Fields::max1, &Fields::max2),
                         weir::first(&Event::value).as(&Fields::first0, &Fields::first1, &Fields::first2),
                         weir::last(&Event::value).as(&Fields::last0, &Fields::last1, &Fields::last2)),
            weir::rolling(spec_of(w[3]))
                .compute(weir::count().as(&Fields::count3), weir::sum(&Event::value).as(&Fields::sum3),
                         weir::min(&Event::value).as(&Fields::min3),
                         weir::max(&Event::value).as(&Fields::max3),
                         weir::first(&Event::value).as(&Fields::first3),
                         weir::last(&Event::value).as(&Fields::last3)),
            weir::rolling_records({.records = w[4].records, .asking = asking_of(w[4])})
                .compute(weir::count().as(&Fields::count4), weir::sum(&Event::value).as(&Fields::sum4),
                         weir::min(&Event::value).as(&Fields::min4),
                         weir::max(&Event::value).as(&Fields::max4),
                         weir::first(&Event::value).as(&Fields::first4),
                         weir::last(&Event::value).as(&Fields::last4)),
            weir::rolling_lifetime({.asking = asking_of(w[5])})
                .compute(weir::count().as(&Fields::count5), weir::sum(&Event::value).as(&Fields::sum5),
                         weir::min(&Event::value).as(&Fields::min5),
                         weir::max(&Event::value).as(&Fields::max5),
                         weir::first(&Event::value).as(&Fields::first5),
                         weir::last(&Event::value).as(&Fields::last5)));
    rows.late() | weir::sink("late", [this](const weir::Late<Event>& late) {
      hit_ += late.windows_hit;
      missed_ += late.windows_missed;
    });
    view_.emplace(rows | weir::view("view"));
    auto pipeline = std::move(graph).build();
    if (!pipeline.ok()) {
      error_ = std::string(pipeline.status().message());
      return;
    }
    pipeline_.emplace(*std::move(pipeline));
  }
  Subject(const Subject&) = delete;
  Subject& operator=(const Subject&) = delete;

  [[nodiscard]] const std::string& error() const { return error_; }
  /// Takes over what another one has kept, by a snapshot. Empty, or what went wrong.
  [[nodiscard]] std::string restore_from(Subject& before) {
    std::string image;
    std::string again;
    absl::Status status = before.pipeline_->snapshot({}, image);
    if (status.ok()) status = pipeline_->restore(image);
    if (status.ok()) status = pipeline_->snapshot({}, again);
    hit_ = before.hit_;
    missed_ = before.missed_;
    if (!status.ok()) return status.ToString();
    return again == image ? ""
                          : "a snapshot of the restored pipeline differs from the one it was restored from";
  }
  void push(std::span<const Event> events) {
    if (events.size() == 1) {
      pipeline_->push(*source_, events.front());
    } else {
      pipeline_->push(*source_, events);
    }
  }
  [[nodiscard]] weir::Lookup<Fields> read(std::int64_t key, Ticks at) {
    return pipeline_->lookup(*view_, key, {.as_of = weir::event_time(at)});
  }
  [[nodiscard]] std::uint64_t hit() const { return hit_; }
  [[nodiscard]] std::uint64_t missed() const { return missed_; }
  [[nodiscard]] const weir::OperatorStats& stats() { return pipeline_->stats("features"); }

 private:
  std::optional<weir::Source<Event>> source_;
  std::optional<weir::View<std::int64_t, Fields>> view_;
  std::optional<weir::Pipeline> pipeline_;
  std::string error_;
  std::uint64_t hit_ = 0;
  std::uint64_t missed_ = 0;
};

/// Rare things that scripts must come to.
struct Reached {
  std::uint64_t reads = 0, there = 0, past = 0, incomplete = 0, late = 0, partly_late = 0, batches = 0,
                forgotten = 0;
};

std::string text(const Totals& totals) {
  return std::to_string(totals.count) + "/" + std::to_string(totals.sum) + " [" + std::to_string(totals.min) +
         "," + std::to_string(totals.max) + "] " + std::to_string(totals.first) + ".." +
         std::to_string(totals.last);
}

std::string difference(const weir::Lookup<Fields>& got, const Answer& wanted, const Config& config) {
  bool is_whole = true;
  const auto totals = got->totals();
  for (std::size_t i = 0; i < window_count; ++i) {
    const rolling::Part& part = wanted.parts[i];
    is_whole = is_whole && part.is_whole;
    if (config.windows[i].kind == Kind::records && !part.is_whole) continue;  // what is left of it
    const weir::Window covered = got.covered()[i];
    if (weir::ticks(covered.start) != part.low || weir::ticks(covered.end) != part.high) {
      return "window " + std::to_string(i) + " covers [" + std::to_string(weir::ticks(covered.start)) + "," +
             std::to_string(weir::ticks(covered.end)) + "), wanted [" + std::to_string(part.low) + "," +
             std::to_string(part.high) + ")";
    }
    if (totals[i] != part.totals) {
      return "window " + std::to_string(i) + " of [" + std::to_string(part.low) + "," +
             std::to_string(part.high) + ") is " + text(totals[i]) + ", wanted " + text(part.totals);
    }
  }
  const weir::ReadStatus status = !wanted.is_there ? weir::ReadStatus::missing
                                  : !is_whole      ? weir::ReadStatus::incomplete
                                                   : weir::ReadStatus::fresh;
  if (got.status != status) {
    return "status " + std::to_string(static_cast<int>(got.status)) + ", wanted " +
           std::to_string(static_cast<int>(status));
  }
  if (!wanted.is_past && weir::ticks(got.event_time) != wanted.event_time) {
    return "event time " + std::to_string(weir::ticks(got.event_time)) + ", wanted " +
           std::to_string(wanted.event_time);
  }
  return "";
}

enum class Way { undisturbed, restored };  // before every read

/// What differs first; empty if nothing does.
std::string play(const Script& script, Reached& reached, Way way = Way::undisturbed) {
  auto subject = std::make_unique<Subject>(script.config);
  if (!subject->error().empty()) return subject->error();
  rolling::Model model(script.config);
  std::vector<Event> batch;
  std::uint64_t hit = 0;
  std::uint64_t missed = 0;
  const auto flush = [&] {
    if (batch.size() > 1) ++reached.batches;
    if (!batch.empty()) subject->push(batch);
    batch.clear();
  };
  for (std::size_t at = 0; at < script.steps.size(); ++at) {
    const Step& step = script.steps[at];
    if (step.kind == Step::Kind::push) {
      if (!step.joins_batch) flush();
      batch.push_back({.key = step.key, .value = step.value, .at = weir::event_time(step.at)});
      const rolling::Judged judged = model.push(step.key, step.at, step.value);
      if (judged.missed > 0) {
        hit += judged.hit;
        missed += judged.missed;
        ++(judged.hit > 0 ? reached.partly_late : reached.late);
      }
      continue;
    }
    flush();
    if (way == Way::restored) {
      auto fresh = std::make_unique<Subject>(script.config);
      const std::string wrong = fresh->restore_from(*subject);
      if (!wrong.empty()) return "step " + std::to_string(at) + ": " + wrong;
      subject = std::move(fresh);
    }
    const Answer wanted = model.read(step.key, step.at);
    const weir::Lookup<Fields> got = subject->read(step.key, step.at);
    const std::string what = difference(got, wanted, script.config);
    if (!what.empty()) {
      return "step " + std::to_string(at) + ", key " + std::to_string(step.key) + " as of " +
             std::to_string(step.at) + ": " + what;
    }
    ++reached.reads;
    reached.there += wanted.is_there ? 1U : 0U;
    reached.past += wanted.is_past ? 1U : 0U;
    reached.incomplete += got.status == weir::ReadStatus::incomplete ? 1U : 0U;
    reached.forgotten += !wanted.is_there && got.as_of > weir::event_time(model.newest()) ? 1U : 0U;
  }
  flush();
  if (subject->hit() != hit || subject->missed() != missed) {
    return "late records hit " + std::to_string(subject->hit()) + " and missed " +
           std::to_string(subject->missed()) + " windows, wanted " + std::to_string(hit) + " and " +
           std::to_string(missed);
  }
  return subject->stats().conserves() ? "" : "the counters do not add up";
}

/// Leaves out steps while something still differs.
Script shrunk(Script script, Way way = Way::undisturbed) {
  for (bool has_shrunk = true; has_shrunk;) {
    has_shrunk = false;
    for (std::size_t at = script.steps.size(); at > 0; --at) {
      Script smaller = script;
      smaller.steps.erase(smaller.steps.begin() + static_cast<std::ptrdiff_t>(at) - 1);
      Reached ignored;
      if (play(smaller, ignored, way).empty()) continue;
      script = std::move(smaller);
      has_shrunk = true;
    }
  }
  return script;
}

std::string explained(const Script& script, Way way = Way::undisturbed) {
  const Config& config = script.config;
  std::string out = "bound " + std::to_string(config.bound) + ", time travel " +
                    std::to_string(config.time_travel) + ", retain " + std::to_string(config.retain) + "\n";
  for (const rolling::Window& window : config.windows) {
    out += "  window kind " + std::to_string(static_cast<int>(window.kind)) + " size " +
           std::to_string(window.size) + " hop " + std::to_string(window.hop) + " records " +
           std::to_string(window.records) + (window.includes_asking ? " including\n" : "\n");
  }
  for (const Step& step : script.steps) {
    out += step.kind == Step::Kind::read
               ? "  read key " + std::to_string(step.key) + " as of " + std::to_string(step.at) + "\n"
               : std::string(step.joins_batch ? "  and " : "  push ") + "key " + std::to_string(step.key) +
                     " at " + std::to_string(step.at) + " value " + std::to_string(step.value) + "\n";
  }
  Reached ignored;
  return out + play(script, ignored, way);
}

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr || *text == '\0' ? otherwise : std::strtoull(text, nullptr, 10);
}

}  // namespace

TEST_CASE("rolling features are what all records add up to, at any instant and in any batches") {
  const std::uint64_t usual = effort() == "long" ? 20'000'000 : effort() == "quick" ? 20'000 : 1'000'000;
  const std::uint64_t scripts = setting("WEIR_SCRIPTS", usual);
  const std::uint64_t first = setting("WEIR_SEED", 1);
  Reached reached;
  for (std::uint64_t seed = first; seed < first + scripts; ++seed) {
    const Script script = random_script(seed);
    if (play(script, reached).empty()) continue;
    FAIL("seed " << seed << "\n" << explained(shrunk(script)));
  }
  const std::uint64_t least = scripts / 100;
  INFO("reads " << reached.reads << ", there " << reached.there << ", past " << reached.past
                << ", incomplete " << reached.incomplete << ", late " << reached.late << ", partly late "
                << reached.partly_late << ", batches " << reached.batches << ", forgotten "
                << reached.forgotten);
  CHECK(reached.there >= least);
  CHECK(reached.past >= least);
  CHECK(reached.incomplete >= least);
  CHECK(reached.late >= least);
  CHECK(reached.partly_late >= least);
  CHECK(reached.batches >= least);
  CHECK(reached.forgotten >= least);
}

TEST_CASE("rolling features that are restored from a snapshot before every read are the same") {
  const std::uint64_t usual = effort() == "long" ? 2'000'000 : effort() == "quick" ? 2'000 : 15'000;
  const std::uint64_t scripts = setting("WEIR_SCRIPTS", usual);
  const std::uint64_t first = setting("WEIR_SEED", 1);
  Reached reached;
  for (std::uint64_t seed = first; seed < first + scripts; ++seed) {
    const Script script = random_script(seed);
    if (play(script, reached, Way::restored).empty()) continue;
    FAIL("seed " << seed << "\n" << explained(shrunk(script, Way::restored), Way::restored));
  }
  CHECK(reached.there >= scripts / 100);
}

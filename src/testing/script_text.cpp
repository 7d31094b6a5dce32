#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>

#include <weir/testing/script.hpp>

/// \file
/// Scripts and results as text, and scripts with one thing less.

namespace weir::inline v0::testing::oracle {

namespace {

constexpr std::array<const char*, 6> kinds = {"tumbling", "sliding", "cumulating",
                                              "session",  "count",   "lifetime"};
constexpr std::array<const char*, 3> rules = {"trailing", "punctuated", "host_driven"};
constexpr std::array<const char*, 3> late_firings = {"each", "hold", "close"};
constexpr std::array<const char*, 3> final_panes = {"none", "if_new", "always"};
constexpr std::array<const char*, 3> accumulations = {"accumulating", "discarding", "retracting"};
constexpr std::array<const char*, 3> timings = {"early", "on_time", "late"};
constexpr std::array<const char*, 7> actions = {"push",       "advance", "tick",  "set_idle",
                                                "set_active", "close",   "finish"};

template <class Enum, std::size_t Count>
const char* word(const std::array<const char*, Count>& words, Enum value) {
  return words[static_cast<std::size_t>(value)];
}

std::string text(Ticks at) {
  if (at == no_time) return "none";
  if (at == end_of_time) return "end";
  if (at < no_time + 1000) return "min+" + std::to_string(at - no_time);
  if (at > end_of_time - 1000) return "max-" + std::to_string(end_of_time - at);
  return std::to_string(at);
}

/// " .name = value" if the condition holds.
class Fields {
 public:
  explicit Fields(std::string start) : text_(std::move(start)) {}
  Fields& add(const char* name, const std::string& value, bool is_set = true) {
    if (is_set) text_ += std::string(" .") + name + " = " + value;
    return *this;
  }
  Fields& add(const char* name, std::optional<Ticks> value) {
    return value ? add(name, text(*value)) : *this;
  }
  Fields& flag(const char* name, bool is_set) { return add(name, "true", is_set); }
  [[nodiscard]] std::string line() const { return text_ + "\n"; }

 private:
  std::string text_;
};

std::string emission_text(const Emission& emit) {
  return Fields("emit:")
      .flag("at_close", emit.at_close)
      .flag("also_if_empty", emit.also_if_empty)
      .add("after", std::to_string(emit.after), emit.after != 0)
      .add("every", text(emit.every), emit.every != 0)
      .add("late", word(late_firings, emit.late), emit.late != LateFiring::each)
      .add("late_after", std::to_string(emit.late_after), emit.late_after != 0)
      .add("final_pane", word(final_panes, emit.final_pane), emit.final_pane != FinalPane::none)
      .line();
}

std::string record_text(const Record& record, const Config& config) {
  std::string result =
      "{key " + std::to_string(record.key) + ", at " + text(record.time) + ", value " + text(record.value);
  if (config.windows.gap_from_record) result += ", gap " + text(record.gap);
  if (record.marker) result += ", marker";
  if (record.punctuation != no_time) result += ", W " + text(record.punctuation);
  return result + "}";
}

std::string step_text(const Script& script, const Step& step) {
  std::string result = word(actions, step.action);
  if (script.config.source.channels > 1 && step.action != Action::tick && step.action != Action::finish) {
    result += "[" + std::to_string(step.channel) + "]";
  }
  if (step.action == Action::advance || step.action == Action::tick) result += " " + text(step.at);
  for (std::uint32_t i = 0; step.action == Action::push && i < step.count; ++i) {
    result += (i == 0 ? " " : "\n         ") + record_text(script.records[step.first + i], script.config);
  }
  return result + "\n";
}

}  // namespace

std::string to_text(const Config& config) {
  const WindowConfig& w = config.windows;
  const SourceConfig& s = config.source;
  std::string result = Fields(std::string("source: ") + word(rules, s.rule))
                           .add("bound", text(s.bound), s.bound != 0)
                           .add("channels", std::to_string(s.channels), s.channels > 1)
                           .add("idle_after", s.idle_after)
                           .add("max_future_skew", s.max_future_skew)
                           .add("max_jump", s.max_jump)
                           .add("earliest", text(s.earliest), s.earliest != no_time + 1)
                           .add("latest", text(s.latest), s.latest != end_of_time)
                           .line();
  Fields window(std::string("window: ") + word(kinds, w.kind));
  if (w.kind == Kind::session) {
    window.add("gap", w.gap_from_record ? "from the record" : text(w.gap))
        .flag("separate", w.touching_separate);
    window.flag("judged_before_merging", w.judged_before_merging).add("longest", w.longest);
    window.add("most_records", w.most_records ? std::to_string(*w.most_records) : "",
               w.most_records.has_value());
    window.flag("ends_at_marker", w.ends_at_marker);
  } else if (w.kind != Kind::lifetime) {
    window.add("size", text(w.size)).add("every", text(w.every), w.kind != Kind::tumbling);
    window.add("offset", text(w.offset), w.offset != 0 && w.kind != Kind::count).flag("partial", w.partial);
  }
  window.add("grace", text(w.grace), w.grace != 0).flag("drop_whole", w.drop_whole);
  window.add("emit_empty", w.emit_empty ? std::to_string(*w.emit_empty) : "", w.emit_empty.has_value());
  window.add("panes", word(accumulations, w.panes), w.panes != Accumulation::accumulating);
  return result + window.line() + (w.kind == Kind::count ? "" : emission_text(w.emit));
}

std::string to_text(const Script& script) {
  std::string result = "seed " + std::to_string(script.seed) + "\n" + to_text(script.config);
  for (std::size_t i = 0; i < script.steps.size(); ++i) {
    result += "  " + std::to_string(i) + ": " + step_text(script, script.steps[i]);
  }
  return result;
}

std::string to_text(const Row& row) {
  std::string result = row.is_retraction ? "retract " : "row ";
  result += "key " + std::to_string(row.key) + " [" + text(row.start) + ", " + text(row.end) + ") ";
  if (row.number > 0) result += "number " + std::to_string(row.number) + " ";
  result += std::string(word(timings, row.timing)) + " index " + std::to_string(row.index) +
            (row.is_final ? " final" : "");
  result +=
      " as_of " + text(row.as_of) + " W " + text(row.watermark) + ": count " + std::to_string(row.count);
  result += " sum " + text(row.sum) + (row.sum_overflowed ? " (overflowed)" : "");
  result += " min " + text(row.min) + " max " + text(row.max) + " first " + text(row.first) + " last " +
            text(row.last);
  return result;
}

std::string to_text(const LateNotice& notice) {
  return "late key " + std::to_string(notice.key) + " at " + text(notice.time) + " value " +
         text(notice.value) + " hit " + std::to_string(notice.hit) + " missed " +
         std::to_string(notice.missed) + " W " + text(notice.watermark);
}

std::string to_text(const Counters& c) {
  const std::pair<const char*, std::uint64_t> all[] = {{"ingested", c.ingested},
                                                       {"on_time", c.on_time},
                                                       {"late", c.late},
                                                       {"future", c.future},
                                                       {"jumped", c.jumped},
                                                       {"rejected", c.rejected},
                                                       {"refused", c.refused},
                                                       {"regressions", c.regressions},
                                                       {"applied", c.applied},
                                                       {"partially_late", c.partially_late},
                                                       {"late_whole", c.late_whole},
                                                       {"unassigned", c.unassigned},
                                                       {"unusable", c.unusable},
                                                       {"windows_missed", c.windows_missed},
                                                       {"unemitted", c.unemitted}};
  std::string result = "counters:";
  for (const auto& [what, count] : all) result += std::string(" ") + what + " " + std::to_string(count);
  return result;
}

namespace {

void drop_steps(const Script& script, std::size_t length, std::vector<Script>& out) {
  for (std::size_t at = 0; at + length <= script.steps.size(); at += length) {
    Script candidate = script;
    const auto from = candidate.steps.begin() + static_cast<std::ptrdiff_t>(at);
    candidate.steps.erase(from, from + static_cast<std::ptrdiff_t>(length));
    out.push_back(std::move(candidate));
  }
}

void drop_records(const Script& script, std::vector<Script>& out) {
  for (std::size_t i = 0; i < script.steps.size(); ++i) {
    const Step& step = script.steps[i];
    if (step.action != Action::push || step.count < 2) continue;
    Script shorter = script;
    --shorter.steps[i].count;
    out.push_back(shorter);
    ++shorter.steps[i].first;
    out.push_back(std::move(shorter));
    Script split = script;
    split.steps[i].count = step.count / 2;
    split.steps.insert(split.steps.begin() + static_cast<std::ptrdiff_t>(i) + 1, step);
    split.steps[i + 1].first = step.first + step.count / 2;
    split.steps[i + 1].count = step.count - step.count / 2;
    out.push_back(std::move(split));
  }
}

void drop_options(const Script& script, std::vector<Script>& out) {
  using Change = void (*)(Config&);
  static constexpr Change changes[] = {
      [](Config& c) { c.windows.grace = 0; },
      [](Config& c) { c.windows.offset = 0; },
      [](Config& c) { c.windows.drop_whole = false; },
      [](Config& c) { c.windows.panes = Accumulation::accumulating; },
      [](Config& c) { c.windows.emit_empty.reset(); },
      [](Config& c) { c.windows.partial = false; },
      [](Config& c) { c.windows.gap_from_record = false; },
      [](Config& c) { c.windows.touching_separate = false; },
      [](Config& c) { c.windows.judged_before_merging = false; },
      [](Config& c) { c.windows.longest.reset(); },
      [](Config& c) { c.windows.most_records.reset(); },
      [](Config& c) { c.windows.ends_at_marker = false; },
      [](Config& c) { c.windows.emit.also_if_empty = false; },
      [](Config& c) { c.windows.emit.after = 0; },
      [](Config& c) { c.windows.emit.every = 0; },
      [](Config& c) { c.windows.emit.late = LateFiring::each; },
      [](Config& c) { c.windows.emit.late_after = 0; },
      [](Config& c) { c.windows.emit.final_pane = FinalPane::none; },
      [](Config& c) { c.source.idle_after.reset(); },
      [](Config& c) { c.source.max_future_skew.reset(); },
      [](Config& c) { c.source.max_jump.reset(); },
      [](Config& c) { c.source.earliest = no_time + 1; },
      [](Config& c) { c.source.latest = end_of_time; },
      [](Config& c) { c.source.bound = 0; },
  };
  const std::string before = to_text(script.config);
  for (const Change change : changes) {
    Script candidate = script;
    change(candidate.config);
    if (to_text(candidate.config) != before) out.push_back(std::move(candidate));
  }
}

}  // namespace

std::vector<Script> smaller(const Script& script) {
  std::vector<Script> candidates;
  for (std::size_t length = script.steps.size() / 2; length > 0; length /= 2)
    drop_steps(script, length, candidates);
  drop_records(script, candidates);
  drop_options(script, candidates);
  return candidates;
}

}  // namespace weir::inline v0::testing::oracle

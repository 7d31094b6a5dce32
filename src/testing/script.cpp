#include <weir/testing/script.hpp>

#include <algorithm>

namespace weir::inline v0::testing::oracle {

namespace {

constexpr std::uint64_t tiny_records = 12;
constexpr std::uint64_t long_records = 200;

Ticks saturated_sum(Ticks a, Ticks b) {
  Ticks sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b < 0 ? no_time : end_of_time;
}

/// Makes one script: windows, then their emission, then the source, then the steps.
class Generator {
 public:
  Generator(std::uint64_t seed, Script& script) : domain_(domain_of(seed)), random_(seed), script_(script) {
    script.seed = seed;
    script.config = {};
    script.records.clear();
    script.steps.clear();
  }

  void run() {
    choose_domain();
    choose_windows();
    choose_emission();
    choose_source();
    choose_steps();
  }

 private:
  bool chance(std::uint32_t percent) { return random_.chance(percent); }
  Ticks between(Ticks least, Ticks most) { return random_.between(least, most); }
  WindowConfig& windows() { return script_.config.windows; }

  void choose_domain();
  void choose_windows();
  void choose_slide();
  void choose_session();
  void choose_emission();
  void choose_early_panes();
  void choose_source();
  void choose_guards();
  void choose_steps();
  void choose_push();
  void choose_other();
  Record make_record();
  Ticks length();
  Ticks instant();
  Ticks watermark();
  void add(Action action, Ticks at);

  Domain domain_;
  Random random_;
  Script& script_;
  Ticks anchor_ = 0;  // extreme: where the times are
  bool two_anchors_ = false;
  bool moves_on_ = false;  // times drift upwards instead of being spread evenly
  bool has_huge_lengths_ = false;
  bool bridges_ = false;
  bool is_merging_ = false;
  bool has_huge_values_ = false;
  bool has_batches_ = false;
  bool has_host_watermark_ = false;
  bool has_ticks_ = false;
  bool has_status_ = false;
  Ticks keys_ = 2;
  Ticks now_ = 0;    // long and drifting scripts: where the times are
  Ticks clock_ = 0;  // of the host
  std::uint64_t records_ = 0;
};

void Generator::choose_domain() {
  moves_on_ = domain_ == Domain::long_ || chance(40);
  keys_ = domain_ == Domain::long_ ? between(1, 5) : between(1, 2);
  now_ = domain_ == Domain::long_ ? between(-20, 20) : between(-6, 2);
  has_batches_ = chance(70);
  has_huge_values_ = chance(domain_ == Domain::extreme ? 30 : 5);
  records_ = 1 + random_.below(domain_ == Domain::long_ ? long_records : tiny_records);
  if (domain_ != Domain::extreme) return;
  constexpr Ticks half = end_of_time / 2;
  const Ticks anchors[] = {no_time + 6, no_time + 12, end_of_time - 12, end_of_time - 6, 0, half, -half};
  anchor_ = anchors[random_.below(std::size(anchors))];
  two_anchors_ = chance(30);
  has_huge_lengths_ = chance(60);
}

/// A size, gap, grace or bound: positive.
Ticks Generator::length() {
  if (has_huge_lengths_ && chance(60)) {
    const Ticks huge[] = {end_of_time,         end_of_time - 1, end_of_time / 2,
                          end_of_time / 2 + 7, end_of_time / 5, Ticks{1} << 61};
    return huge[random_.below(std::size(huge))];
  }
  if (domain_ == Domain::long_ && chance(40)) return between(1, 20);
  return between(1, 5);
}

void Generator::choose_windows() {
  WindowConfig& w = windows();
  const std::uint64_t draw = random_.below(100);
  w.kind = draw < 14   ? Kind::tumbling
           : draw < 32 ? Kind::sliding
           : draw < 42 ? Kind::cumulating
           : draw < 84 ? Kind::session
           : draw < 91 ? Kind::count
                       : Kind::lifetime;
  w.size = w.kind == Kind::count ? between(1, 5) : length();
  w.every = w.size;
  if (w.kind == Kind::sliding) choose_slide();
  if (w.kind == Kind::cumulating) {
    const Ticks steps = between(1, 4);
    w.every = std::max<Ticks>(1, w.size / steps);
    w.size = w.every * std::min(steps, end_of_time / w.every);
  }
  if (w.kind == Kind::count) {
    w.every = chance(40) ? w.size : between(1, w.size + 2);
    w.partial = chance(50);
  }
  if (w.kind == Kind::session) choose_session();
  if (chance(40)) w.offset = chance(50) ? between(-7, 7) : between(0, std::min<Ticks>(w.size - 1, 20));
  if (w.kind != Kind::count && w.kind != Kind::lifetime && chance(65))
    w.grace = chance(80) ? between(1, 6) : length();
  w.drop_whole = (w.kind == Kind::sliding || w.kind == Kind::cumulating) && chance(25);
  const bool is_grid = w.kind == Kind::tumbling || w.kind == Kind::sliding;
  if (is_grid && chance(35)) w.emit_empty = static_cast<std::uint32_t>(between(1, 3));
}

/// At most six windows per record, and bounds with a large common divisor where sizes are huge.
void Generator::choose_slide() {
  WindowConfig& w = windows();
  if (w.size <= 100) {
    w.every = chance(20) ? length() : between(std::max<Ticks>(1, w.size / 6), w.size + 2);
    return;
  }
  const Ticks parts = between(1, 6);
  w.every = w.size / parts;
  w.size = chance(10) ? w.every / 2 : w.every * parts;
  if (w.size == w.every / 2) w.every = w.size * 2;
}

void Generator::choose_session() {
  WindowConfig& w = windows();
  w.gap = length();
  w.gap_from_record = chance(45);
  w.touching_separate = chance(40);
  w.judged_before_merging = chance(25);
  if (chance(18)) w.longest = length();
  if (chance(18)) w.most_records = static_cast<std::uint64_t>(between(1, 4));
  w.ends_at_marker = chance(18);
  bridges_ = chance(50);
  if (!chance(25)) return;
  // Sessions that merge as often as possible, because what follows from a merge is rare otherwise.
  is_merging_ = bridges_ = w.gap_from_record = true;
  w.longest.reset();
  w.most_records.reset();
  w.ends_at_marker = false;
  keys_ = 1;
}

void Generator::choose_emission() {
  WindowConfig& w = windows();
  if (w.kind == Kind::count) return;
  Emission& emit = w.emit;
  emit.at_close = chance(75);
  if (chance(is_merging_ ? 60 : 35)) emit.after = static_cast<std::uint32_t>(between(1, 4));
  if (chance(40)) choose_early_panes();
  if (w.kind != Kind::lifetime && chance(40)) {
    emit.late = chance(60) ? LateFiring::hold : LateFiring::close;
  }
  if (w.kind != Kind::lifetime && chance(30)) emit.late_after = static_cast<std::uint32_t>(between(1, 3));
  if (chance(50)) emit.final_pane = chance(50) ? FinalPane::if_new : FinalPane::always;
  emit.also_if_empty = emit.at_close && chance(30);
  if (chance(65))
    w.panes = chance(is_merging_ ? 20 : 50) ? Accumulation::discarding : Accumulation::retracting;
  if (!w.emit_empty && !chance(15)) return;
  // Empty windows, and panes shared between windows, go with this only.
  emit = {.late = chance(20) ? LateFiring::close : LateFiring::each};
  w.panes = Accumulation::accumulating;
}

/// Early panes by event time, with a bound on how many of them one step of W can pass.
void Generator::choose_early_panes() {
  WindowConfig& w = windows();
  if (w.kind == Kind::lifetime) {
    w.emit.every = domain_ == Domain::extreme ? (Ticks{1} << 60) + between(0, 9) : between(1, 6);
    return;
  }
  const bool is_huge_gap = has_huge_lengths_ && w.kind == Kind::session;
  const Ticks most = is_huge_gap ? Ticks{1} << 62 : w.kind == Kind::session ? w.gap : w.size;
  w.emit.every = std::max(most / between(1, 6), between(1, 4));
}

void Generator::choose_source() {
  SourceConfig& source = script_.config.source;
  const std::uint64_t draw = random_.below(100);
  source.rule = draw < 50   ? WatermarkRule::trailing
                : draw < 75 ? WatermarkRule::punctuated
                            : WatermarkRule::host_driven;
  if (source.rule == WatermarkRule::trailing && chance(75)) {
    source.bound = domain_ == Domain::extreme && chance(50) ? length() : between(1, 5);
  }
  source.channels = chance(60) ? 1 : static_cast<std::uint32_t>(between(2, 3));
  has_host_watermark_ = source.rule == WatermarkRule::host_driven || chance(25);
  has_status_ = chance(source.channels > 1 ? 60 : 15);
  has_ticks_ = chance(40);
  choose_guards();
}

void Generator::choose_guards() {
  SourceConfig& source = script_.config.source;
  if (has_ticks_ && chance(60)) source.idle_after = between(1, 4);
  if (has_ticks_ && chance(60)) source.max_future_skew = between(0, 4);
  if (chance(20)) source.max_jump = between(1, 6);
  clock_ = saturated_sum(anchor_, between(-4, 4));
  if (chance(12)) source.earliest = saturated_sum(anchor_, between(-8, 2));
  if (chance(12)) source.latest = saturated_sum(anchor_, between(4, 14));
}

Ticks Generator::instant() {
  if (domain_ == Domain::long_) {
    now_ += random_.below(4) == 0 ? between(0, 6) : between(0, 1);
    return now_ - (chance(40) ? between(0, 12) : 0) + (chance(5) ? between(5, 30) : 0);
  }
  Ticks offset = between(-6, 12);
  if (moves_on_) {
    now_ += between(0, 2);
    offset = std::min<Ticks>(now_, 12) - (chance(40) ? between(0, 4) : 0);
  }
  if (domain_ == Domain::tiny) return offset;
  if (chance(2)) return chance(50) ? no_time : end_of_time;
  return saturated_sum(two_anchors_ && chance(50) ? anchor_ / 2 : anchor_, offset);
}

Ticks Generator::watermark() {
  if (chance(2)) return end_of_time;
  if (chance(2)) return no_time;
  if (domain_ == Domain::long_) return now_ - between(-3, 10);
  return saturated_sum(instant(), between(-2, 4));
}

Record Generator::make_record() {
  const WindowConfig& w = windows();
  Record record{.key = between(0, keys_ - 1), .time = instant(), .value = between(-9, 9)};
  if (has_huge_values_ && chance(40))
    record.value = chance(50) ? end_of_time - between(0, 3) : no_time + between(0, 3);
  if (w.gap_from_record) {
    const bool is_wide =
        chance(is_merging_ ? 12 : 25);  // a wide gap among narrow ones merges many sessions at once
    record.gap = is_wide ? between(5, 14) : between(1, bridges_ ? 1 : 4);
    if (has_huge_lengths_) record.gap = length();
    if (chance(1)) record.gap = between(-1, 0);
  }
  record.marker = w.ends_at_marker && chance(20);
  const SourceConfig& source = script_.config.source;
  if (source.rule == WatermarkRule::punctuated && chance(40)) {
    record.punctuation = saturated_sum(record.time, between(-5, 3));
  }
  if (domain_ != Domain::extreme && chance(1)) record.time = no_time;
  return record;
}

void Generator::add(Action action, Ticks at) {
  const auto channel = static_cast<std::uint32_t>(random_.below(script_.config.source.channels));
  script_.steps.push_back({.action = action, .channel = channel, .at = at});
}

void Generator::choose_push() {
  add(Action::push, 0);
  Step& step = script_.steps.back();
  step.first = static_cast<std::uint32_t>(script_.records.size());
  const std::uint64_t left = records_ - script_.records.size();
  const std::uint64_t most = has_batches_ ? (domain_ == Domain::long_ && chance(30) ? 40U : 5U) : 1U;
  step.count = static_cast<std::uint32_t>(1 + random_.below(std::min(left, most)));
  for (std::uint32_t i = 0; i < step.count; ++i) script_.records.push_back(make_record());
}

/// A step that is not a push, or nothing.
void Generator::choose_other() {
  if (has_host_watermark_ && chance(50)) add(Action::advance, watermark());
  if (has_ticks_ && chance(40)) {
    clock_ = saturated_sum(clock_, chance(5) ? -3 : between(0, 4));
    add(Action::tick, clock_);
  }
  if (!has_status_ || !chance(40)) return;
  const std::uint64_t draw = random_.below(100);
  add(draw < 50 ? Action::set_idle : draw < 85 ? Action::set_active : Action::close, 0);
}

void Generator::choose_steps() {
  const bool ends_early = chance(4);
  while (script_.records.size() < records_) {
    choose_push();
    choose_other();
    if (ends_early && chance(20)) add(Action::finish, 0);
  }
  choose_other();
  if (chance(75)) add(Action::finish, 0);
}

}  // namespace

Domain domain_of(std::uint64_t seed) {
  const std::uint64_t slot = seed % 6;
  return slot < 4 ? Domain::tiny : slot == 4 ? Domain::extreme : Domain::long_;
}

void random_script(std::uint64_t seed, Script& script) { Generator(seed, script).run(); }

Script random_script(std::uint64_t seed) {
  Script script;
  random_script(seed, script);
  return script;
}

}  // namespace weir::inline v0::testing::oracle

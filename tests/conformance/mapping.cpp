#include "mapping.hpp"

#include <algorithm>
#include <limits>

namespace conformance {
namespace {

constexpr weir::Duration one_tick{1};

weir::Emission after_watermark(const Operator& op) {
  weir::Emission emission = weir::on_close().also_if_empty();
  if (op.trigger.early != 0) {
    emission = weir::emit_when(emission, weir::after(static_cast<std::uint32_t>(op.trigger.early)));
  }
  switch (op.trigger.late) {
    // The pane at the end is the last one, also when the case asks for a pane at expiry: the window is gone
    // by then.
    case Trigger::Late::closed:
      return emission.closing_for_good();
    case Trigger::Late::held:
      emission = emission.holding_late();
      break;
    case Trigger::Late::every:
      emission = emission.late_every(static_cast<std::uint32_t>(op.trigger.late_every));
      break;
  }
  return op.close_always ? emission.with_final_pane(weir::FinalPane::always) : emission;
}

template <class Word>
bool is_one_of(const std::string& word, std::initializer_list<Word> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool fits_count(std::int64_t number) {
  return number >= 0 && number <= std::int64_t{std::numeric_limits<std::uint32_t>::max()};
}

}  // namespace

Record record_of(const Event& event) {
  return {.key = event.key,
          .value = event.value,
          .at = weir::event_time(event.at),
          .gap = weir::Duration{event.gap},
          .is_punctuation = event.punctuation};
}

weir::EventTime watermark_of(std::int64_t inclusive) {
  return weir::later(weir::event_time(inclusive), one_tick);
}

std::int64_t inclusive(weir::EventTime watermark, std::int64_t at_the_end) {
  return watermark == weir::end_of_time ? at_the_end : weir::ticks(weir::earlier(watermark, one_tick));
}

weir::WatermarkRule<Record> rule_of(const std::optional<Strategy>& strategy) {
  if (!strategy) return weir::host_driven();
  if (strategy->type == "ascending") return weir::ascending();
  if (strategy->type == "bounded_out_of_orderness") return weir::trailing(weir::Duration{strategy->delay});
  return weir::punctuated([](const Record& record) -> std::optional<weir::EventTime> {
    if (!record.is_punctuation) return std::nullopt;
    return weir::later(record.at, one_tick);
  });
}

std::optional<weir::Duration> idle_after_of(const std::optional<std::int64_t>& timeout) {
  if (!timeout) return std::nullopt;
  return weir::Duration{weir::saturating_add(*timeout, one_tick.count())};
}

weir::Emission emission_of(const Case& conformance_case) {
  const Operator& op = conformance_case.op;
  if (op.trigger.type == "after_watermark") return after_watermark(op);
  weir::Emission emission = weir::on_close();
  if (op.trigger.type == "count") emission = weir::after(static_cast<std::uint32_t>(op.trigger.n));
  if (op.trigger.type == "never") emission = weir::never();
  if (op.trigger.type == "continuous_event_time") {
    emission = weir::emit_when(weir::on_close(), weir::every(weir::Duration{op.trigger.interval}));
  }
  if (op.close_always) return emission.with_final_pane(weir::FinalPane::always);
  // Beam never drops what it has taken: what no firing emitted comes out when the window expires.
  return conformance_case.semantics == "beam" ? emission.with_final_pane(weir::FinalPane::if_new) : emission;
}

const char* text_of(weir::Timing timing) {
  switch (timing) {
    case weir::Timing::early:
      return "early";
    case weir::Timing::on_time:
      return "on_time";
    case weir::Timing::late:
      break;
  }
  return "late";
}

std::string unmappable(const Operator& op) {
  const std::string& trigger = op.trigger.type;
  if (!is_one_of(trigger, {"event_time", "count", "continuous_event_time", "after_watermark", "never"})) {
    return "trigger \"" + trigger + "\" is not known";
  }
  if (!fits_count(op.trigger.n) || !fits_count(op.trigger.early) || !fits_count(op.trigger.late_every)) {
    return "a trigger counts more records than 32 bits hold";
  }
  if (op.type == "count_window" && (!fits_count(op.assigner.size) || !fits_count(op.assigner.slide))) {
    return "a count window holds more records than 32 bits hold";
  }
  if (op.late_check != "window") return "late_check \"" + op.late_check + "\" is not known";
  if (op.strategy && !is_one_of(op.strategy->type, {"ascending", "bounded_out_of_orderness", "punctuated"})) {
    return "watermark strategy \"" + op.strategy->type + "\" is not known";
  }
  for (const std::string& name : op.aggregates) {
    if (!is_one_of(name, {"count", "sum", "min", "max", "mean", "list", "first", "last"})) {
      return "aggregate \"" + name + "\" is not known";
    }
  }
  return {};
}

}  // namespace conformance

#include "reader.hpp"

#include "members.hpp"

namespace conformance {
namespace {

namespace dom = simdjson::dom;

Emission read_late(const Members& late) {
  late.allow_only({"key", "ts", "value"});
  Emission emission;
  emission.kind = Emission::Kind::late;
  emission.key = late.text("key");
  emission.at = late.whole("ts");
  emission.value = late.whole("value");
  return emission;
}

/// What `dedup` passes on, or what a `get` of `ttl_state` finds.
Emission read_value(const Members& fields) {
  fields.allow_only({"key", "ts", "value"});
  Emission emission;
  emission.key = fields.text("key");
  if (fields.has("ts")) {
    emission.kind = Emission::Kind::record;
    emission.at = fields.whole("ts");
    emission.value = fields.whole("value");
  } else {
    emission.kind = Emission::Kind::reading;
    emission.read = fields.json("value");
  }
  return emission;
}

Emission read_row(const Members& row) {
  row.allow_only({"key", "start", "end", "aggs", "timing", "pane"});
  Emission emission;
  emission.key = row.text("key");
  if (row.has("start")) emission.start = row.whole("start");
  if (row.has("end")) emission.end = row.whole("end");
  if (row.has("pane")) emission.pane = row.whole("pane");
  emission.timing = row.text_or("timing", "");
  const Members aggs = row.object("aggs");
  for (dom::key_value_pair member : aggs.raw()) { emission.aggs.emplace(member.key, aggs.value(member.key)); }
  return emission;
}

Emission read_emission(const Members& fields) {
  if (fields.has("late")) return read_late(fields.object("late"));
  Emission emission;
  if (fields.has("watermark")) {
    fields.allow_only({"watermark"});
    emission.kind = Emission::Kind::watermark;
    emission.at = fields.whole("watermark");
    return emission;
  }
  if (fields.has("idle") || fields.has("active")) {
    fields.allow_only({"idle", "active"});
    emission.kind = fields.has("idle") ? Emission::Kind::idle : Emission::Kind::active;
    return emission;
  }
  return fields.has("value") ? read_value(fields) : read_row(fields);
}

Event read_event(const Members& fields, const std::string& gap_field) {
  Event event;
  event.key = fields.text_or("key", "");
  event.at = fields.whole("ts");
  event.value = fields.whole_or("value", 0);
  event.punctuation = fields.flag_or("punctuation", false);
  if (!gap_field.empty()) event.gap = fields.whole(gap_field);
  return event;
}

void read_action(const Members& fields, const Operator& op, Step& step) {
  using Action = Step::Action;
  if (fields.has("event")) {
    step.action = Action::event;
    step.event = read_event(fields.object("event"), op.assigner.gap_field);
  } else if (fields.has("input")) {
    const bool is_status = fields.has("status");
    step.action = is_status ? Action::input_status : Action::input_watermark;
    step.input = fields.text("input");
    if (is_status)
      step.status = fields.text("status");
    else
      step.number = fields.whole("watermark");
  } else if (fields.has("watermark")) {
    step.action = Action::watermark;
    step.number = fields.whole("watermark");
  } else if (fields.has("clock")) {
    step.action = Action::clock;
    step.number = fields.whole("clock");
  } else if (fields.has("tick")) {
    step.action = Action::tick;
  } else if (fields.has("snapshot_restore")) {
    step.action = Action::snapshot_restore;
  } else if (fields.has("put")) {
    const Members put = fields.object("put");
    put.allow_only({"key", "value"});
    step.action = Action::put;
    step.event.key = put.text("key");
    step.written = put.json("value");
  } else if (fields.has("get") || fields.has("remove")) {
    step.action = fields.has("get") ? Action::get : Action::remove;
    step.event.key = fields.text(fields.has("get") ? "get" : "remove");
  } else if (fields.has("snapshot") || fields.has("restore")) {
    step.action = fields.has("snapshot") ? Action::keep_snapshot : Action::go_back;
    step.snapshot = fields.text(fields.has("snapshot") ? "snapshot" : "restore");
  } else {
    fields.fail("no action that this runner knows");
  }
}

Step read_step(const Members& fields, const Operator& op) {
  fields.allow_only({"event", "watermark", "clock", "tick", "input", "status", "snapshot_restore", "snapshot",
                     "restore", "put", "get", "remove", "emit", "reject", "live_windows", "buffered",
                     "note"});
  Step step;
  read_action(fields, op, step);
  if (fields.has("emit")) {
    for (dom::element element : fields.array("emit")) {
      dom::object emission;
      if (element.get(emission) != simdjson::SUCCESS)
        fields.fail("an emission is not an object");
      else
        step.emit.push_back(read_emission({emission, fields.where() + ".emit", fields.error()}));
    }
  }
  step.reject = fields.flag_or("reject", false);
  if (fields.has("live_windows"))
    step.live_windows = static_cast<std::uint64_t>(fields.whole("live_windows"));
  if (fields.has("buffered")) ++step.unknown_checks;
  return step;
}

Assigner read_assigner(const Members& fields) {
  fields.allow_only(
      {"type", "size", "slide", "step", "offset", "gap", "gap_field", "merge_touching", "partial"});
  Assigner assigner;
  assigner.type = fields.text("type");
  assigner.size = fields.whole_or("size", 0);
  assigner.slide = fields.whole_or("slide", 0);
  assigner.step = fields.whole_or("step", 0);
  assigner.offset = fields.whole_or("offset", 0);
  assigner.gap = fields.whole_or("gap", 0);
  assigner.gap_field = fields.text_or("gap_field", "");
  assigner.merge_touching = fields.flag_or("merge_touching", true);
  assigner.partial = fields.flag_or("partial", false);
  return assigner;
}

Trigger read_trigger(const Members& fields) {
  fields.allow_only({"type", "n", "interval", "early", "late"});
  Trigger trigger;
  trigger.type = fields.text("type");
  trigger.n = fields.whole_or("n", 0);
  trigger.interval = fields.whole_or("interval", 0);
  trigger.early = fields.whole_or("early", 0);
  if (fields.is_text("late")) {
    if (fields.text("late") != "never") fields.fail("\"late\" is neither a number nor \"never\"");
    trigger.late = Trigger::Late::held;
  } else if (fields.has("late") && !fields.is_null("late")) {
    trigger.late = Trigger::Late::every;
    trigger.late_every = fields.whole("late");
  }
  return trigger;
}

Strategy read_strategy(const Members& fields) {
  fields.allow_only({"type", "delay", "idle_timeout"});
  return {fields.text("type"), fields.whole_or("delay", 0)};
}

/// One of two words; anything else is refused.
bool is_second(const Members& fields, std::string_view name, const char* first, const char* second) {
  const std::string word = fields.text_or(name, first);
  if (word != first && word != second)
    fields.fail("\"" + std::string(name) + "\": \"" + word + "\" is not known");
  return word == second;
}

Operator read_operator(const Members& fields) {
  fields.allow_only({"type",
                     "assigner",
                     "trigger",
                     "aggregates",
                     "accumulation",
                     "allowed_lateness",
                     "late_output",
                     "late_check",
                     "closing",
                     "panes",
                     "watermark_strategy",
                     "strategy",
                     "idle_timeout",
                     "inputs",
                     "watermark_reactivates",
                     "hold_on_resume",
                     "note",
                     "ttl",
                     "time",
                     "refresh_on_duplicate",
                     "update",
                     "visibility"});
  Operator op;
  op.type = fields.text("type");
  if (fields.has("assigner")) op.assigner = read_assigner(fields.object("assigner"));
  if (fields.has("trigger")) op.trigger = read_trigger(fields.object("trigger"));
  if (fields.has("aggregates")) op.aggregates = fields.texts("aggregates");
  op.discarding = is_second(fields, "accumulation", "accumulating", "discarding");
  op.late_to_side = is_second(fields, "late_output", "drop", "side");
  op.close_always = is_second(fields, "closing", "if_non_empty", "always");
  op.panes = fields.flag_or("panes", false);
  op.allowed_lateness = fields.whole_or("allowed_lateness", 0);
  op.late_check = fields.text_or("late_check", "window");
  for (const char* name : {"strategy", "watermark_strategy"}) {
    if (!fields.has(name)) continue;
    const Members strategy = fields.object(name);
    op.strategy = read_strategy(strategy);
    if (strategy.has("idle_timeout")) op.idle_timeout = strategy.whole("idle_timeout");
  }
  if (fields.has("idle_timeout")) op.idle_timeout = fields.whole("idle_timeout");
  op.inputs = fields.texts("inputs");
  op.ttl = fields.whole_or("ttl", 0);
  op.by_event_time = is_second(fields, "time", "processing", "event");
  op.refresh_on_duplicate = fields.flag_or("refresh_on_duplicate", false);
  op.refresh_on_read = is_second(fields, "update", "on_create_and_write", "on_read_and_write");
  if (fields.text_or("visibility", "never_return_expired") != "never_return_expired")
    fields.fail("a visibility of expired state is not known");
  if (fields.flag_or("watermark_reactivates", false)) fields.fail("watermark_reactivates is not known");
  if (fields.flag_or("hold_on_resume", false)) fields.fail("hold_on_resume is not known");
  return op;
}

Final read_final(const Members& fields) {
  Final final;
  for (dom::key_value_pair member : fields.raw()) {
    if (member.key == "late_dropped")
      final.late_dropped = static_cast<std::uint64_t>(fields.whole(member.key));
    else if (member.key == "live_windows")
      final.live_windows = static_cast<std::uint64_t>(fields.whole(member.key));
    else
      ++final.unknown_checks;
  }
  return final;
}

}  // namespace

CaseFile::CaseFile(const std::filesystem::path& path) {
  dom::element document;
  const simdjson::error_code code = parser_.load(path.string()).get(document);
  if (code != simdjson::SUCCESS) {
    error_ = std::string("not JSON: ") + simdjson::error_message(code);
    return;
  }
  if (document.get(root_) != simdjson::SUCCESS) return;
  dom::object op;
  dom::array steps;
  is_case_ = root_["operator"].get(op) == simdjson::SUCCESS && root_["steps"].get(steps) == simdjson::SUCCESS;
}

Case CaseFile::head(const std::string& fallback_id) {
  const Members fields{root_, "case", error_};
  Case result;
  result.id = fields.text_or("id", fallback_id);
  result.semantics = fields.text_or("semantics", "flink");
  result.features = fields.texts("features");
  return result;
}

void CaseFile::read_body(Case& result) {
  const Members fields{root_, "case", error_};
  result.op = read_operator(fields.object("operator"));
  std::size_t number = 0;
  for (dom::element element : fields.array("steps")) {
    const std::string where = "step " + std::to_string(++number);
    dom::object step;
    if (element.get(step) != simdjson::SUCCESS)
      fields.fail(where + " is not an object");
    else
      result.steps.push_back(read_step({step, where, error_}, result.op));
  }
  if (fields.has("final")) result.final = read_final(fields.object("final"));
}

}  // namespace conformance
